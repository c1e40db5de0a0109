//! Access: S1, S2 and S3 about the same hidden patient and record. Clauses `ACC-1..17` of `docs/book/src/access.md`.

use super::consent::{check_use, explain_refusal};
use super::role::check_qualifies;
use super::{Denied, Relation, blank, check_absent, check_bundle, check_member, check_slot};
use crate::cs::{Cs, Num};
use crate::gadgets::bits::{self, word};
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::consent::{ConsentVar, RequestVar, ScopeVar, candidate_vars, permits};
use crate::gadgets::identity::{RolePolicyVar, RoleVar, SubjectVar};
use crate::gadgets::record::{self, LeafVar};
use crate::gadgets::{merkle, poseidon, usage};
use crate::public;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{GrantedConsent, OrgId, revocation_word, use_nullifier};
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, RoleCredential, Subject, session_pseudonym, shift_of};
use amanat_domain::policy::{AccessPolicy, Recipient};
use amanat_domain::poseidon::Tag;
use amanat_domain::record::{Leaf, LeafOpening, RecordRoot, access_token, anchor_leaf};
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::{Period, TIME_BITS, Timestamp};
use amanat_domain::tree::{NonMembership, Path};
use ark_ff::{BigInteger, PrimeField};

/// What of a record an access opens: the first four leaves, the other three nodes, the root salt.
#[derive(Clone)]
pub struct RecordOpening {
    /// Subject, categories, time, storage.
    pub leaves: [LeafOpening; 4],
    /// The nodes over leaves 4..16.
    pub nodes: [Fr; 3],
    /// Root salt.
    pub root_salt: Fr,
}

/// The four leaves an access opens, in order.
const OPENED: [Leaf; 4] = [Leaf::Subject, Leaf::Categories, Leaf::Time, Leaf::Storage];

impl RecordOpening {
    /// Opens a record.
    #[must_use]
    pub fn new(record: &amanat_domain::record::Record) -> Self {
        let [_, a, b, c] = amanat_domain::record::record_nodes(&record.leaves());
        Self {
            leaves: OPENED.map(|leaf| record.open(leaf)),
            nodes: [a, b, c],
            root_salt: record.root_salt().expose(),
        }
    }

    /// The record's root.
    #[must_use]
    pub fn root(&self) -> RecordRoot {
        let leaves: Vec<Fr> =
            OPENED.iter().zip(&self.leaves).map(|(leaf, opening)| opening.commitment(*leaf)).collect();
        let first = amanat_domain::poseidon::hash(Tag::Node, &leaves);
        let [a, b, c] = self.nodes;
        RecordRoot::new(amanat_domain::poseidon::hash(Tag::RecordTop, &[first, a, b, c, self.root_salt]))
    }
}

/// What the clinician's prover knows, after the custodian handed over the openings.
pub struct AccessWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The patient.
    pub subject: Subject,
    /// The consent.
    pub consent: GrantedConsent,
    /// Where it stands in `consents`.
    pub consent_path: Path,
    /// That its revocation id is absent.
    pub unrevoked: NonMembership,
    /// Number of this use; random where the consent has no limit.
    pub use_index: u64,
    /// The holder's secret.
    pub holder: HolderSecret,
    /// The credential.
    pub credential: RoleCredential,
    /// Where it stands in `roles`.
    pub role_path: Path,
    /// The record.
    pub record: RecordOpening,
    /// Who anchored it.
    pub custodian: OrgId,
    /// In which epoch.
    pub anchored: u64,
    /// Where it stands in `records`.
    pub record_path: Path,
    /// The policy.
    pub policy: AccessPolicy,
}

impl AccessWitness {
    pub(crate) fn blank() -> Self {
        let zero = Fr::from(0u64);
        let leaf = LeafOpening { values: [zero; 2], salt: blank::secret() };
        Self {
            bundle: blank::bundle(),
            subject: blank::wallet().subject(),
            consent: blank::granted(),
            consent_path: blank::path(),
            unrevoked: blank::absence(),
            use_index: 0,
            holder: HolderSecret::from_secret(blank::secret()),
            credential: blank::credential(),
            role_path: blank::path(),
            record: RecordOpening {
                leaves: [leaf.clone(), leaf.clone(), leaf.clone(), leaf],
                nodes: [zero; 3],
                root_salt: zero,
            },
            custodian: OrgId::new(zero),
            anchored: 0,
            record_path: blank::path(),
            policy: AccessPolicy { scope: blank::scope(), roles: blank::role_policy() },
        }
    }

    fn recipient(&self) -> Recipient {
        Recipient {
            organisation: self.credential.organisation,
            role: self.credential.role,
            holder: self.credential.holder,
        }
    }

    /// The record's time as a period; none where the leaf holds none.
    fn record_period(&self) -> Option<Period> {
        let [from, until] = self.record.leaves[2].values.map(small);
        Period::new(Timestamp::new(from?)?, Timestamp::new(until?)?)
    }

    fn storage_key(&self) -> Fr {
        self.record.leaves[3].values[0]
    }
}

/// A field element as a number of 64 bits.
fn small(x: Fr) -> Option<u64> {
    let n = x.into_bigint();
    (n.num_bits() <= 64).then_some(n.0[0])
}

impl Relation for AccessWitness {
    const STATEMENT: Statement = Statement::Access;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let shift = shift_of(self.bundle.time);
        [
            use_nullifier(self.consent.nonce().expose(), self.consent.subject().to_field(), self.use_index),
            session_pseudonym(self.holder.secret().expose(), shift),
            access_token(self.storage_key(), ctx),
            self.subject.detection_tag(ctx),
        ]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        let [nf_0, nf_1, token, tag] = self.outputs(public.ctx);
        let now = self.bundle.time;
        let scope = &self.policy.scope;
        check_bundle("ACC-1", &self.bundle, public)?;
        // One subject.
        let subject = self.subject.commitment();
        if self.consent.subject() != subject {
            return Err(Denied::because("ACC-2", "the consent is about another subject"));
        }
        if self.record.leaves[0].values[0] != subject.to_field() {
            return Err(Denied::because("ACC-2", "the record is about another subject than the consent"));
        }
        // The record.
        let anchor = anchor_leaf(self.record.root(), self.custodian, self.anchored).to_field();
        check_member("ACC-3", &self.bundle, Registry::Records, anchor, &self.record_path)?;
        // The consent.
        let leaf = self.consent.leaf().to_field();
        check_member("ACC-4", &self.bundle, Registry::Consents, leaf, &self.consent_path)?;
        let id = revocation_word(self.consent.nonce().expose(), self.consent.subject().to_field());
        check_absent("ACC-5", &self.bundle, id, &self.unrevoked, "the consent was revoked")?;
        // The credential.
        if self.credential.holder != self.holder.key() {
            return Err(Denied::because("ACC-6", "the credential was issued to another holder key"));
        }
        let role = self.credential.leaf().to_field();
        check_member("ACC-7", &self.bundle, Registry::Roles, role, &self.role_path)?;
        // The policy.
        check_slot("ACC-8", public.policy, self.policy.policy_hash(), "the policy")?;
        scope.check().map_err(|e| Denied::because("ACC-8", e.to_string()))?;
        check_qualifies(["ACC-9", "ACC-10"], &self.credential, &self.policy.roles, now)?;
        let [categories, confidentiality] = self.record.leaves[1].values.map(small);
        let (Some(categories), Some(level)) = (categories, confidentiality) else {
            return Err(Denied::because("ACC-11", "the record's categories are not well formed"));
        };
        if categories & !scope.categories.0 != 0 || level > scope.confidentiality as u64 {
            return Err(Denied::because(
                "ACC-11",
                "the record holds categories, or a confidentiality, that the policy does not ask for",
            ));
        }
        let Some(period) = self.record_period() else {
            return Err(Denied::because("ACC-12", "the record's time is not well formed"));
        };
        if !permits(self.consent.terms(), scope, &period, &self.recipient(), now) {
            return Err(Denied::because("ACC-13", explain_refusal(&self.consent, now)));
        }
        check_use("ACC-14", &self.consent, self.use_index)?;
        check_slot("ACC-14", public.nf[0], nf_0, "the use nullifier")?;
        check_slot("ACC-15", public.nf[1], nf_1, "the session pseudonym")?;
        check_slot("ACC-16", public.out[0], token, "the access token")?;
        check_slot("ACC-17", public.out[1], tag, "the detection tag")
    }

    fn constrain(&self, cs: &mut Cs) {
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
            // A category the record has and the policy does not name: one row for all, each term 0 or 1.
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
