//! S1 consent: an unrevoked consent permits this now. Clauses `CON-1..10` of
//! `docs/book/src/consent.md`.

mod check;
mod circuit;
pub mod sample;

pub use ConsentWitness as Witness;
pub(in crate::statements) use check::{check_use, explain_refusal};

use crate::cs::Cs;
use crate::statements::{Denied, Relation, blank};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::{GrantedConsent, use_nullifier};
use amanat_domain::field::Fr;
use amanat_domain::identity::Subject;
use amanat_domain::policy::ConsentRequest;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{NonMembership, Path};

/// What the prover of S1 knows: it was given the consent's opening.
pub struct ConsentWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The subject of the consent.
    pub subject: Subject,
    /// The consent.
    pub consent: GrantedConsent,
    /// Its path in `consents`.
    pub consent_path: Path,
    /// That its revocation id is absent.
    pub unrevoked: NonMembership,
    /// What is asked.
    pub request: ConsentRequest,
    /// Number of this use; random where the consent has no limit.
    pub use_index: u64,
}

impl ConsentWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            subject: blank::wallet().subject(),
            consent: blank::granted(),
            consent_path: blank::path(),
            unrevoked: blank::absence(),
            request: ConsentRequest {
                scope: blank::scope(),
                data_period: Period::at(Timestamp::MIN),
                recipient: blank::recipient(),
                salt: Fr::from(0u64),
            },
            use_index: 0,
        }
    }
}

impl Relation for ConsentWitness {
    const STATEMENT: Statement = Statement::Consent;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let nf_0 =
            use_nullifier(self.consent.nonce().expose(), self.consent.subject().to_field(), self.use_index);
        [nf_0, zero, zero, self.subject.detection_tag(ctx)]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        self.check_clauses(public)
    }

    fn constrain(&self, cs: &mut Cs) {
        self.constrain_clauses(cs);
    }
}
