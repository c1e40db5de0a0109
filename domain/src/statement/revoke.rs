//! Revoke: the patient's wallet publishes the revocation id of a consent.

use super::{PolicyKind, Spec};
use crate::registry::Registry;

/// The declaration of revoke.
pub const SPEC: Spec = Spec {
    number: 2,
    name: "revoke",
    title: "Revoke",
    version: 1,
    policy: PolicyKind::None,
    slots: [None, None, Some("revocation id"), Some("detection tag")],
    // A revocation id goes into the registry once: nothing more has to be spent.
    spends: None,
    appends: Some(Registry::Revocations),
    hides_in: &[Registry::Consents],
    speaks_of_now: false,
    window: 24,
};
