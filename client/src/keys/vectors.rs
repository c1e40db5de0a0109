//! The test vectors that a verifying key is installed with: a proof about made-up data that must
//! verify, and one that must not.

use amanat_circuits::Denied;
use amanat_domain::field::Fr;
use amanat_domain::governance::Change;
use amanat_domain::tx::{ChainId, KeyVector, Transaction};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{Keys, PlanError, StatementKey};
use amanat_prover::plan::Target;
use amanat_prover::sample;
use rand::CryptoRng;

/// Why no vector could be made: a fault of this program or of the key.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The made-up case is refused by the statement's own check.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The proof could not be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// The change that installs a key, with two vectors: a proof that must verify, and the same proof
/// for another context, which must not.
///
/// # Errors
/// [`VectorError`].
pub fn installation(
    key: &StatementKey,
    keys: &Keys,
    activate_at: u64,
    rng: &mut impl CryptoRng,
) -> Result<Change, VectorError> {
    let statement = key.proving_key().header().statement;
    // On no ledger: its chain is none.
    let target = Target { chain: ChainId([0; 32]), key: key.digest(), audience: [0; 32], nonce: None };
    let plan = sample::plan(statement, &target, rng.next_u64(), rng)?;
    let Transaction::Proof(tx) = plan.prove_any(keys, &no_progress)? else {
        unreachable!("a plan gives a proof transaction")
    };
    let public = tx.public_vector().to_field_elements();
    let mut other = public;
    other[0] += Fr::from(1u64);
    Ok(Change::InstallKey {
        key: key.proving_key().verifying_key().to_bytes(),
        activate_at,
        positive: Box::new(KeyVector { public, proof: tx.proof }),
        negative: Box::new(KeyVector { public: other, proof: tx.proof }),
    })
}
