//! Access: S1, S2 and S3 about the same hidden patient and record.

use super::{PolicyKind, Spec};
use crate::field::Fr;
use crate::poseidon::{Tag, hash};
use crate::registry::Registry;
use crate::scope::{RolePolicy, Scope};
use crate::wire::{Reader, WireError, Writer};

/// The declaration of access.
pub const SPEC: Spec = Spec {
    number: 6,
    name: "access",
    title: "Access",
    version: 1,
    policy: PolicyKind::Access,
    slots: [Some("use nullifier"), Some("session pseudonym"), Some("access token"), Some("detection tag")],
    spends: Some(0),
    appends: None,
    hides_in: &[Registry::Roles, Registry::Consents, Registry::Records],
    speaks_of_now: true,
    window: 1,
};

/// The policy of an access: in the clear on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPolicy {
    /// What, where, why.
    pub scope: Scope,
    /// The credentials that qualify.
    pub roles: RolePolicy,
}

impl AccessPolicy {
    /// `H(PolicyAccess; scope, roles, organisations)`.
    #[must_use]
    pub fn policy_hash(&self) -> Fr {
        let mut words = vec![self.scope.to_word()];
        words.extend(self.roles.to_words());
        hash(Tag::PolicyAccess, &words)
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        self.scope.write(w);
        self.roles.write(w);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { scope: Scope::read(r)?, roles: RolePolicy::read(r)? })
    }
}
