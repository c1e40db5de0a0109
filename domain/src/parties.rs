//! Who takes part: organisations, roles, holders of roles.

use crate::field::hash_to_field;

crate::field_newtype! {
    /// An organisation: hash-to-field of its reference (`Organization/f001`) or business
    /// identifier.
    OrgId
}
crate::field_newtype! {
    /// A role: hash-to-field of the code's system and code.
    RoleCode
}
crate::field_newtype! {
    /// Public key of a role holder: `H(HolderKey; s_h)`.
    HolderKey
}

impl OrgId {
    /// The organisation with this reference or business identifier.
    #[must_use]
    pub fn from_reference(reference: &str) -> Self {
        Self::new(hash_to_field("amanat/organisation/v1", &[reference.as_bytes()]))
    }
}

impl RoleCode {
    /// The role with this code.
    #[must_use]
    pub fn from_coding(system: &str, code: &str) -> Self {
        Self::new(hash_to_field("amanat/role/v1", &[system.as_bytes(), code.as_bytes()]))
    }
}
