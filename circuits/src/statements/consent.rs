//! S1 consent: an unrevoked consent permits this now. Clauses `CON-1..10` of `docs/book/src/consent.md`.

use super::{
    Denied, Relation, blank, check_absent, check_bundle, check_member, check_slot, check_unused,
    constrain_unused,
};
use crate::cs::{Cs, Num};
use crate::gadgets::bits::{self, word};
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::consent::{ConsentVar, RequestVar, ScopeVar, candidate_vars, permits};
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::{merkle, poseidon, usage};
use crate::public;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{GrantedConsent, revocation_word, use_nullifier};
use amanat_domain::field::Fr;
use amanat_domain::identity::{Subject, pack_period};
use amanat_domain::policy::ConsentRequest;
use amanat_domain::poseidon::Tag;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::{Period, TIME_BITS, Timestamp};
use amanat_domain::tree::{NonMembership, Path};

/// What whoever was given the consent's opening knows.
pub struct ConsentWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// Whose consent.
    pub subject: Subject,
    /// The consent.
    pub consent: GrantedConsent,
    /// Where it stands in `consents`.
    pub consent_path: Path,
    /// That its revocation id is absent.
    pub unrevoked: NonMembership,
    /// What is asked.
    pub request: ConsentRequest,
    /// Number of this use; random where the consent has no limit.
    pub use_index: u64,
}

impl ConsentWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            subject: blank::wallet().subject(),
            consent: blank::granted(),
            consent_path: blank::path(),
            unrevoked: blank::absence(),
            request: ConsentRequest {
                scope: blank::scope(),
                data_period: Period::at(Timestamp::MIN),
                recipient: blank::recipient(),
                salt: Fr::from(0u64),
            },
            use_index: 0,
        }
    }
}

/// The request of S1 lies outside the consent: what to tell the prover.
pub(super) fn explain_refusal(consent: &GrantedConsent, now: Timestamp) -> String {
    let rules = consent.terms().rules();
    match rules.iter().map(|r| r.validity.until()).max() {
        Some(end) if end < now => format!("consent ended {end}"),
        _ => match rules.iter().map(|r| r.validity.from()).min() {
            Some(start) if start > now => format!("consent begins {start}"),
            _ => format!("the consent does not permit this request at {now}"),
        },
    }
}

/// Whether use `index` stays below the limit.
pub(super) fn check_use(clause: &'static str, consent: &GrantedConsent, index: u64) -> Result<(), Denied> {
    match consent.limit().limit() {
        Some(limit) if index >= u64::from(limit) => Err(Denied::because(
            clause,
            format!("the consent may be used {limit} times, and all uses are spent"),
        )),
        _ => Ok(()),
    }
}

impl Relation for ConsentWitness {
    const STATEMENT: Statement = Statement::Consent;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let nf_0 =
            use_nullifier(self.consent.nonce().expose(), self.consent.subject().to_field(), self.use_index);
        [nf_0, zero, zero, self.subject.detection_tag(ctx)]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        let [nf_0, _, _, tag] = self.outputs(public.ctx);
        check_bundle("CON-1", &self.bundle, public)?;
        if self.consent.subject() != self.subject.commitment() {
            return Err(Denied::because("CON-2", "the consent is about another subject"));
        }
        let leaf = self.consent.leaf().to_field();
        check_member("CON-3", &self.bundle, Registry::Consents, leaf, &self.consent_path)?;
        let id = revocation_word(self.consent.nonce().expose(), self.consent.subject().to_field());
        check_absent("CON-4", &self.bundle, id, &self.unrevoked, "the consent was revoked")?;
        check_slot("CON-5", public.policy, self.request.policy_hash(), "the request")?;
        self.request.scope.check().map_err(|e| Denied::because("CON-6", e.to_string()))?;
        let ConsentRequest { scope, data_period, recipient, .. } = &self.request;
        if !permits(self.consent.terms(), scope, data_period, recipient, self.bundle.time) {
            return Err(Denied::because("CON-7", explain_refusal(&self.consent, self.bundle.time)));
        }
        check_use("CON-8", &self.consent, self.use_index)?;
        check_slot("CON-8", public.nf[0], nf_0, "the use nullifier")?;
        check_slot("CON-9", public.out[1], tag, "the detection tag")?;
        check_unused("CON-10", public, &[public::NF_1, public::OUT_0])
    }

    fn constrain(&self, cs: &mut Cs) {
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
