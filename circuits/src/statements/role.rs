//! S2 role: I hold an active credential that qualifies, licence valid. Clauses `ROL-1..8` of `docs/book/src/role.md`.

use super::{
    Denied, Relation, blank, check_bundle, check_member, check_slot, check_unused, constrain_ctx,
    constrain_unused,
};
use crate::cs::Cs;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::identity::{RolePolicyVar, RoleVar};
use crate::gadgets::{merkle, poseidon};
use crate::public;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, RoleCredential, session_pseudonym, shift_of};
use amanat_domain::policy::RolePolicy;
use amanat_domain::poseidon::Tag;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::Timestamp;
use amanat_domain::tree::Path;

/// What the holder knows.
pub struct RoleWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The holder's secret.
    pub holder: HolderSecret,
    /// The credential.
    pub credential: RoleCredential,
    /// Where it stands in `roles`.
    pub role_path: Path,
    /// Which credentials qualify.
    pub policy: RolePolicy,
}

impl RoleWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            holder: HolderSecret::from_secret(blank::secret()),
            credential: blank::credential(),
            role_path: blank::path(),
            policy: blank::role_policy(),
        }
    }
}

/// Role in class, organisation in set, licence valid: shared by S2 and access.
pub(super) fn check_qualifies(
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

impl Relation for RoleWitness {
    const STATEMENT: Statement = Statement::Role;

    fn outputs(&self, _ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let shift = shift_of(self.bundle.time);
        [session_pseudonym(self.holder.secret().expose(), shift), zero, zero, zero]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
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

    fn constrain(&self, cs: &mut Cs) {
        let mut bundle = cs.clause("ROL-1", |cs| OpenBundle::new(cs, &self.bundle));
        let role = cs.clause("ROL-2", |cs| RoleVar::new(cs, self.holder.secret().expose(), &self.credential));
        cs.clause("ROL-3", |cs| {
            let root = merkle::root(cs, &role.leaf, &self.role_path);
            bundle.set_root(Registry::Roles, root);
        });
        let policy = cs.clause("ROL-4", |cs| {
            let policy = RolePolicyVar::new(cs, &self.policy);
            let hash = poseidon::hash(cs, Tag::PolicyRole, &policy.words().iter().collect::<Vec<_>>());
            cs.bind_public(public::POLICY, &hash);
            policy
        });
        cs.clause("ROL-5", |cs| role.assert_qualifies(cs, &policy));
        let now = bundle.time().clone();
        cs.clause("ROL-6", |cs| role.assert_licensed(cs, &now));
        cs.clause("ROL-7", |cs| {
            let pseudonym = role.session(cs, &now);
            cs.bind_public(public::NF_0, &pseudonym);
        });
        cs.clause("ROL-8", |cs| {
            constrain_ctx(cs);
            constrain_unused(cs, &[public::NF_1, public::OUT_0, public::OUT_1]);
        });
        cs.clause("ROL-1", |cs| bundle.bind(cs));
    }
}
