//! Grant: the patient's wallet appends a consent leaf.

use super::{PolicyKind, Spec};
use crate::registry::Registry;

/// The declaration of grant.
pub const SPEC: Spec = Spec {
    number: 1,
    name: "grant",
    title: "Grant",
    version: 1,
    policy: PolicyKind::None,
    slots: [Some("grant nullifier"), None, Some("consent leaf"), Some("detection tag")],
    spends: Some(0),
    appends: Some(Registry::Consents),
    hides_in: &[Registry::Subjects],
    speaks_of_now: false,
    window: 24,
};
