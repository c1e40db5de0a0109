//! S2 role: I hold an active credential that qualifies, licence valid. Clauses `ROL-1..8` of
//! `docs/book/src/role.md`.

mod check;
mod circuit;
pub mod sample;

pub use RoleWitness as Witness;
pub(in crate::statements) use check::check_qualifies;

use crate::cs::Cs;
use crate::statements::{Denied, Relation, blank};
use amanat_domain::bundle::Bundle;
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, RoleCredential, session_pseudonym, shift_of};
use amanat_domain::policy::RolePolicy;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::Path;

/// What the holder knows.
pub struct RoleWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The holder's secret.
    pub holder: HolderSecret,
    /// The credential.
    pub credential: RoleCredential,
    /// Its path in `roles`.
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

impl Relation for RoleWitness {
    const STATEMENT: Statement = Statement::Role;

    fn outputs(&self, _ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let shift = shift_of(self.bundle.time);
        [session_pseudonym(self.holder.secret().expose(), shift), zero, zero, zero]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        self.check_clauses(public)
    }

    fn constrain(&self, cs: &mut Cs) {
        self.constrain_clauses(cs);
    }
}
