//! The clauses of consent as constraints, in the order of the native check.

use super::ConsentWitness;
use crate::cs::{Cs, Num};
use crate::gadgets::bits::word;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::consent::{ConsentVar, RequestVar, ScopeVar, candidate_vars};
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::{bits, merkle, poseidon, usage};
use crate::public;
use crate::statements::clause::constrain_unused;
use amanat_domain::identity::pack_period;
use amanat_domain::poseidon::Tag;
use amanat_domain::registry::Registry;
use amanat_domain::time::TIME_BITS;

impl ConsentWitness {
    /// The constraints: the same clauses, labelled.
    pub(super) fn constrain_clauses(&self, cs: &mut Cs) {
        let ctx = cs.public(public::CTX);
        let mut bundle = cs.clause("CON-1", |cs| OpenBundle::new(cs, &self.bundle));
        let subject = cs.clause("CON-2", |cs| SubjectVar::new(cs, &self.subject));
        let consent = cs.clause("CON-3", |cs| {
            let consent = ConsentVar::new(cs, &self.consent.words());
            let leaf = consent.leaf(cs, &subject.commitment);
            let root = merkle::root(cs, &leaf, &self.consent_path);
            bundle.set_root(Registry::Consents, root);
            consent
        });
        cs.clause("CON-4", |cs| {
            let id = poseidon::hash(cs, Tag::Revoke, &[&consent.nonce, &subject.commitment]);
            let root = merkle::absent_root(cs, &id, &self.unrevoked);
            bundle.set_root(Registry::Revocations, root);
        });
        let request = &self.request;
        let (scope, from, until, recipient) = cs.clause("CON-5", |cs| {
            let scope = ScopeVar::new(cs, request.scope.to_word());
            let period = word(cs, pack_period(&request.data_period), 2 * TIME_BITS);
            let organisation = cs.hint(request.recipient.organisation.to_field());
            let role = cs.hint(request.recipient.role.to_field());
            let holder = cs.hint(request.recipient.holder.to_field());
            let salt = cs.hint(request.salt);
            let hash = poseidon::hash(
                cs,
                Tag::PolicyConsent,
                &[&scope.num, &period.num, &organisation, &role, &holder, &salt],
            );
            cs.bind_public(public::POLICY, &hash);
            let (from, until) = period.bits.split_at(TIME_BITS as usize);
            let (from, until) = (bits::weighted_sum(from), bits::weighted_sum(until));
            (scope, from, until, [organisation, role, holder])
        });
        // A period that ends before it begins would lie inside every permit and touch no deny.
        cs.clause("CON-6", |cs| {
            scope.assert_not_empty(cs);
            bits::assert_less_or_equal(cs, &from, &until, TIME_BITS);
        });
        cs.clause("CON-7", |cs| {
            let [organisation, role, holder] = &recipient;
            let candidates = candidate_vars(cs, organisation, role, holder);
            let now = bundle.time().clone();
            let request = RequestVar { scope: &scope, data_from: from, data_until: until, now, candidates };
            let verdict = consent.permits(cs, &request);
            cs.assert_zero(verdict.not().num());
        });
        cs.clause("CON-8", |cs| {
            let nullifier: Num =
                usage::nullifier(cs, [&consent.nonce, &subject.commitment], self.use_index, consent.limit());
            cs.bind_public(public::NF_0, &nullifier);
        });
        cs.clause("CON-9", |cs| {
            let tag = subject.detection_tag(cs, &ctx);
            cs.bind_public(public::OUT_1, &tag);
        });
        cs.clause("CON-10", |cs| constrain_unused(cs, &[public::NF_1, public::OUT_0]));
        cs.clause("CON-1", |cs| bundle.bind(cs));
    }
}
