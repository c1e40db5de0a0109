//! S2 role: the holder of an active credential qualifies under a policy in the clear.

use super::{PolicyKind, Spec};
use crate::registry::Registry;

/// The declaration of S2. Its policy is a [`RolePolicy`](crate::scope::RolePolicy), which access
/// shares.
pub const SPEC: Spec = Spec {
    number: 4,
    name: "role",
    title: "Role (S2)",
    version: 1,
    policy: PolicyKind::Role,
    slots: [Some("session pseudonym"), None, None, None],
    // The session pseudonym in `nf_0` is linkable within a shift on purpose, so it is never spent.
    spends: None,
    appends: None,
    hides_in: &[Registry::Roles],
    speaks_of_now: true,
    window: 1,
};
