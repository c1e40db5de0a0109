//! The clauses of access as constraints, in the order of the native check.

use super::{AccessWitness, RecordOpening};
use crate::cs::{Cs, Num};
use crate::gadgets::bits::word;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::consent::{ConsentVar, RequestVar, ScopeVar, candidate_vars};
use crate::gadgets::identity::{RolePolicyVar, RoleVar, SubjectVar};
use crate::gadgets::record::LeafVar;
use crate::gadgets::{bits, merkle, poseidon, record, usage};
use crate::public;
use amanat_domain::field::Fr;
use amanat_domain::poseidon::Tag;
use amanat_domain::record::Leaf;
use amanat_domain::registry::Registry;
use amanat_domain::time::TIME_BITS;

impl AccessWitness {
    /// The constraints: the same clauses, labelled.
    pub(super) fn constrain_clauses(&self, cs: &mut Cs) {
        let ctx = cs.public(public::CTX);
        let mut bundle = cs.clause("ACC-1", |cs| OpenBundle::new(cs, &self.bundle));
        let now = bundle.time().clone();
        // One subject: consent and record are opened with the same commitment.
        let subject = cs.clause("ACC-2", |cs| SubjectVar::new(cs, &self.subject));
        let record = cs.clause("ACC-3", |cs| {
            let record = RecordVar::new(cs, &self.record, &subject);
            let custodian = cs.hint(self.custodian.to_field());
            let anchored = cs.hint(Fr::from(self.anchored));
            let anchor = record::anchor(cs, &record.root, &custodian, &anchored);
            let root = merkle::root(cs, &anchor, &self.record_path);
            bundle.set_root(Registry::Records, root);
            record
        });
        let consent = cs.clause("ACC-4", |cs| {
            let consent = ConsentVar::new(cs, &self.consent.words());
            let leaf = consent.leaf(cs, &subject.commitment);
            let root = merkle::root(cs, &leaf, &self.consent_path);
            bundle.set_root(Registry::Consents, root);
            consent
        });
        cs.clause("ACC-5", |cs| {
            let id = poseidon::hash(cs, Tag::Revoke, &[&consent.nonce, &subject.commitment]);
            let root = merkle::absent_root(cs, &id, &self.unrevoked);
            bundle.set_root(Registry::Revocations, root);
        });
        let role = cs.clause("ACC-6", |cs| RoleVar::new(cs, self.holder.secret().expose(), &self.credential));
        cs.clause("ACC-7", |cs| {
            let root = merkle::root(cs, &role.leaf, &self.role_path);
            bundle.set_root(Registry::Roles, root);
        });
        let (scope, policy) = cs.clause("ACC-8", |cs| {
            let scope = ScopeVar::new(cs, self.policy.scope.to_word());
            scope.assert_not_empty(cs);
            let policy = RolePolicyVar::new(cs, &self.policy.roles);
            let mut inputs = vec![&scope.num];
            inputs.extend(policy.words());
            let hash = poseidon::hash(cs, Tag::PolicyAccess, &inputs);
            cs.bind_public(public::POLICY, &hash);
            (scope, policy)
        });
        cs.clause("ACC-9", |cs| role.assert_qualifies(cs, &policy));
        cs.clause("ACC-10", |cs| role.assert_licensed(cs, &now));
        cs.clause("ACC-11", |cs| {
            // A category the record has and the policy does not name: one row for all, each term 0
            // or 1.
            let mut missing = Num::zero();
            for (has, asked) in record.categories.iter().zip(scope.categories()) {
                let product = cs.mul(has.num(), asked.not().num());
                missing = &missing + &product;
            }
            cs.assert_zero(&missing);
            bits::assert_less_or_equal(cs, &record.confidentiality, scope.confidentiality(), 2);
        });
        // A time that ends before it begins would lie inside every permit and touch no deny.
        cs.clause("ACC-12", |cs| {
            bits::assert_less_or_equal(cs, &record.from, &record.until, TIME_BITS);
        });
        cs.clause("ACC-13", |cs| {
            let candidates = candidate_vars(cs, &role.organisation, &role.role, &role.holder);
            let request = RequestVar {
                scope: &scope,
                data_from: record.from.clone(),
                data_until: record.until.clone(),
                now: now.clone(),
                candidates,
            };
            let verdict = consent.permits(cs, &request);
            cs.assert_zero(verdict.not().num());
        });
        cs.clause("ACC-14", |cs| {
            let nullifier: Num =
                usage::nullifier(cs, [&consent.nonce, &subject.commitment], self.use_index, consent.limit());
            cs.bind_public(public::NF_0, &nullifier);
        });
        cs.clause("ACC-15", |cs| {
            let pseudonym = role.session(cs, &now);
            cs.bind_public(public::NF_1, &pseudonym);
        });
        cs.clause("ACC-16", |cs| {
            let token = poseidon::hash(cs, Tag::Token, &[&record.storage_key, &ctx]);
            cs.bind_public(public::OUT_0, &token);
        });
        cs.clause("ACC-17", |cs| {
            let tag = subject.detection_tag(cs, &ctx);
            cs.bind_public(public::OUT_1, &tag);
        });
        cs.clause("ACC-1", |cs| bundle.bind(cs));
    }
}

/// The opened part of a record.
struct RecordVar {
    categories: Vec<crate::cs::Bit>,
    confidentiality: Num,
    from: Num,
    until: Num,
    storage_key: Num,
    root: Num,
}

impl RecordVar {
    fn new(cs: &mut Cs, record: &RecordOpening, subject: &SubjectVar) -> Self {
        let salt = |i: usize| record.leaves[i].salt.expose();
        let value = |i: usize, j: usize| record.leaves[i].values[j];
        let second = cs.hint(value(0, 1));
        let subject = LeafVar::from_values(cs, Leaf::Subject, subject.commitment.clone(), second, salt(0));
        let categories = word(cs, value(1, 0), 64);
        let confidentiality = word(cs, value(1, 1), 2);
        let class = LeafVar::from_values(
            cs,
            Leaf::Categories,
            categories.num.clone(),
            confidentiality.num.clone(),
            salt(1),
        );
        let from = word(cs, value(2, 0), TIME_BITS).num;
        let until = word(cs, value(2, 1), TIME_BITS).num;
        let time = LeafVar::from_values(cs, Leaf::Time, from.clone(), until.clone(), salt(2));
        let storage = LeafVar::open(cs, Leaf::Storage, &record.leaves[3]);
        let leaves = [subject, class, time].map(|l| l.commitment);
        let [subject, class, time] = leaves;
        let node = record::node(cs, &[subject, class, time, storage.commitment]);
        let nodes = record.nodes.map(|n| cs.hint(n));
        let root_salt = cs.hint(record.root_salt);
        let root = record::top(cs, [&node, &nodes[0], &nodes[1], &nodes[2]], &root_salt);
        Self {
            categories: categories.bits,
            confidentiality: confidentiality.num,
            from,
            until,
            storage_key: storage.first,
            root,
        }
    }
}
