//! Grant: I am the enrolled subject of this consent leaf. Clauses `GRA-1..8` of
//! `docs/book/src/grant.md`.

mod check;
mod circuit;
pub mod sample;

pub use GrantWitness as Witness;

use crate::cs::Cs;
use crate::statements::{Denied, Relation, blank};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::{GrantedConsent, grant_nullifier};
use amanat_domain::field::Fr;
use amanat_domain::identity::PatientWallet;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::Path;

/// What the patient's wallet knows.
pub struct GrantWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The wallet.
    pub wallet: PatientWallet,
    /// The subject's path in `subjects`.
    pub subject_path: Path,
    /// What is granted.
    pub consent: GrantedConsent,
}

impl GrantWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            wallet: blank::wallet(),
            subject_path: blank::path(),
            consent: blank::granted(),
        }
    }
}

impl Relation for GrantWitness {
    const STATEMENT: Statement = Statement::Grant;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        [
            grant_nullifier(self.consent.nonce().expose(), self.wallet.wallet_secret().expose()),
            Fr::from(0u64),
            self.consent.leaf().to_field(),
            self.wallet.subject().detection_tag(ctx),
        ]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        self.check_clauses(public)
    }

    fn constrain(&self, cs: &mut Cs) {
        self.constrain_clauses(cs);
    }
}
