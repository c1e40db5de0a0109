//! Planning S2: a holder shows a credential that qualifies.

use super::{Plan, Target, missing, on};
use amanat_circuits::Denied;
use amanat_circuits::statements::role::RoleWitness;
use amanat_domain::bundle::Registry;
use amanat_domain::identity::{HolderSecret, RoleCredential};
use amanat_domain::mirror::Mirror;
use amanat_domain::policy::RolePolicy;
use amanat_domain::tx::PolicyField;
use rand::CryptoRng;

/// A planned S2.
pub type RolePlan = Plan<RoleWitness>;

impl RolePlan {
    /// S2: a holder shows an active credential that qualifies.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn role(
        target: &Target,
        mirror: &Mirror,
        holder: HolderSecret,
        credential: RoleCredential,
        policy: RolePolicy,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let role_path = mirror
            .path(Registry::Roles, credential.leaf().to_field())
            .ok_or_else(|| missing("ROL-3", "the credential is not active", mirror))?;
        let field = PolicyField::Role(policy.clone());
        let witness = RoleWitness { bundle: *mirror.bundle(), holder, credential, role_path, policy };
        on(target, mirror, field, witness, rng)
    }
}
