//! Revoke: I am the subject of the consent this revocation id belongs to. Clauses `REV-1..6` of
//! `docs/book/src/revoke.md`.

mod check;
mod circuit;
pub mod sample;

pub use RevokeWitness as Witness;

use crate::cs::Cs;
use crate::statements::{Denied, Relation, blank};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::{GrantedConsent, revocation_word};
use amanat_domain::field::Fr;
use amanat_domain::identity::PatientWallet;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::Path;

/// What the patient's wallet knows.
pub struct RevokeWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The wallet.
    pub wallet: PatientWallet,
    /// The consent to revoke.
    pub consent: GrantedConsent,
    /// Its path in `consents`.
    pub consent_path: Path,
}

impl RevokeWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            wallet: blank::wallet(),
            consent: blank::granted(),
            consent_path: blank::path(),
        }
    }
}

impl Relation for RevokeWitness {
    const STATEMENT: Statement = Statement::Revoke;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let id = revocation_word(self.consent.nonce().expose(), self.consent.subject().to_field());
        [zero, zero, id, self.wallet.subject().detection_tag(ctx)]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        self.check_clauses(public)
    }

    fn constrain(&self, cs: &mut Cs) {
        self.constrain_clauses(cs);
    }
}
