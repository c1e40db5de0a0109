//! The clauses of consent as plain Rust, in the order of the book.

use super::ConsentWitness;
use crate::gadgets::consent::permits;
use crate::public;
use crate::statements::clause::{check_absent, check_bundle, check_member, check_slot, check_unused};
use crate::statements::{Denied, Relation};
use amanat_domain::consent::{GrantedConsent, revocation_word};
use amanat_domain::policy::ConsentRequest;
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;
use amanat_domain::time::Timestamp;

impl ConsentWitness {
    /// The native check: refuses with the first clause that does not hold.
    pub(super) fn check_clauses(&self, public: &PublicVector) -> Result<(), Denied> {
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
}

/// The request of S1 lies outside the consent: what to tell the prover.
pub(in crate::statements) fn explain_refusal(consent: &GrantedConsent, now: Timestamp) -> String {
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
pub(in crate::statements) fn check_use(
    clause: &'static str,
    consent: &GrantedConsent,
    index: u64,
) -> Result<(), Denied> {
    match consent.limit().limit() {
        Some(limit) if index >= u64::from(limit) => Err(Denied::because(
            clause,
            format!("the consent may be used {limit} times, and all uses are spent"),
        )),
        _ => Ok(()),
    }
}
