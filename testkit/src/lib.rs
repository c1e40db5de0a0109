//! Fixtures that the crates' tests share: a dev-dependency only, linked into nothing that runs.
//!
//! - [`r1cs`]: small constraint systems with an assignment that satisfies them.
//! - [`groth16`]: keys for them, and proofs by arkworks' prover, which shares no code with ours.
//! - `ledger` (a feature): a chain of a few members, keys installed, and transactions for it.
//! - `snapshot` (the same feature): snapshots of a ledger as anyone could forge them.
//!
//! Worlds in which a statement holds are [`amanat_circuits::world`]; plans over them are
//! `amanat_prover::sample`.

pub mod groth16;
#[cfg(feature = "ledger")]
pub mod ledger;
pub mod r1cs;
#[cfg(feature = "ledger")]
pub mod snapshot;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// A generator with a fixed seed.
#[must_use]
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
