//! Groth16: the prover proper, a statement's key as the prover keeps it, and snarkjs' circuits.
//!
//! Everything here is of one proof system. Plans, batches and the choice of a key are outside.

mod prove;
mod statement;
pub mod zkey;

pub use prove::{Blinding, Phase, PreparedCircuit, PreparedKey, ProveError, matrices, no_progress, prove};
pub use statement::StatementKey;

pub(crate) use prove::{FixedPoints, Proven, prove_loaded, prove_with};
