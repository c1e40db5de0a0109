//! The clauses of role as plain Rust, in the order of the book.

use super::RoleWitness;
use crate::public;
use crate::statements::clause::{check_bundle, check_member, check_slot, check_unused};
use crate::statements::{Denied, Relation};
use amanat_domain::identity::RoleCredential;
use amanat_domain::policy::RolePolicy;
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;
use amanat_domain::time::Timestamp;

impl RoleWitness {
    /// The native check: refuses with the first clause that does not hold.
    pub(super) fn check_clauses(&self, public: &PublicVector) -> Result<(), Denied> {
        let [nf_0, ..] = self.outputs(public.ctx);
        check_bundle("ROL-1", &self.bundle, public)?;
        if self.credential.holder != self.holder.key() {
            return Err(Denied::because("ROL-2", "the credential was issued to another holder key"));
        }
        let leaf = self.credential.leaf().to_field();
        check_member("ROL-3", &self.bundle, Registry::Roles, leaf, &self.role_path)?;
        check_slot("ROL-4", public.policy, self.policy.policy_hash(), "the role policy")?;
        check_qualifies(["ROL-5", "ROL-6"], &self.credential, &self.policy, self.bundle.time)?;
        check_slot("ROL-7", public.nf[0], nf_0, "the session pseudonym")?;
        check_unused("ROL-8", public, &[public::NF_1, public::OUT_0, public::OUT_1])
    }
}

/// Role in class, organisation in set, licence valid: shared by S2 and access.
pub(in crate::statements) fn check_qualifies(
    clauses: [&'static str; 2],
    credential: &RoleCredential,
    policy: &RolePolicy,
    now: Timestamp,
) -> Result<(), Denied> {
    if !policy.roles().contains(&credential.role) {
        return Err(Denied::because(clauses[0], "the credential's role is not in the role class"));
    }
    if !policy.organisations().contains(&credential.organisation) {
        return Err(Denied::because(
            clauses[0],
            "the credential's organisation is not in the organisation set",
        ));
    }
    if credential.licence.until() < now {
        return Err(Denied::because(clauses[1], format!("licence ended {}", credential.licence.until())));
    }
    if credential.licence.from() > now {
        return Err(Denied::because(clauses[1], format!("licence begins {}", credential.licence.from())));
    }
    Ok(())
}
