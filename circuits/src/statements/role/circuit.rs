//! The clauses of role as constraints, in the order of the native check.

use super::RoleWitness;
use crate::cs::Cs;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::identity::{RolePolicyVar, RoleVar};
use crate::gadgets::{merkle, poseidon};
use crate::public;
use crate::statements::clause::{constrain_ctx, constrain_unused};
use amanat_domain::poseidon::Tag;
use amanat_domain::registry::Registry;

impl RoleWitness {
    /// The constraints: the same clauses, labelled.
    pub(super) fn constrain_clauses(&self, cs: &mut Cs) {
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
