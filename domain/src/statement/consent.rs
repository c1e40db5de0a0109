//! S1 consent: an unrevoked consent permits a request now.

use super::{PolicyKind, Spec};
use crate::field::Fr;
use crate::identity::pack_period;
use crate::poseidon::{Tag, hash};
use crate::registry::Registry;
use crate::scope::{Recipient, Scope};
use crate::time::Period;

/// The declaration of S1.
pub const SPEC: Spec = Spec {
    number: 3,
    name: "consent",
    title: "Consent (S1)",
    version: 1,
    policy: PolicyKind::Sealed,
    slots: [Some("use nullifier"), None, None, Some("detection tag")],
    spends: Some(0),
    appends: None,
    hides_in: &[Registry::Consents],
    speaks_of_now: true,
    window: 1,
};

/// The request of S1: what the audience asked and checks; the ledger sees only its salted hash.
#[derive(Clone)]
pub struct ConsentRequest {
    /// What, where, why.
    pub scope: Scope,
    /// Which data, by its time.
    pub data_period: Period,
    /// The recipient.
    pub recipient: Recipient,
    /// Hides the rest from everyone but the audience.
    pub salt: Fr,
}

impl ConsentRequest {
    /// `H(PolicyConsent; scope, data period, organisation, role, holder, salt)`.
    #[must_use]
    pub fn policy_hash(&self) -> Fr {
        hash(
            Tag::PolicyConsent,
            &[
                self.scope.to_word(),
                pack_period(&self.data_period),
                self.recipient.organisation.to_field(),
                self.recipient.role.to_field(),
                self.recipient.holder.to_field(),
                self.salt,
            ],
        )
    }
}
