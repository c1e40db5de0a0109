//! From bytes to evidence: strict decoding, and verification of proofs one by one or in batches.
//!
//! [`Proof::from_bytes`] turns 128 bytes into three points or an error that names the part;
//! [`public_inputs`] turns 256 bytes into eight field elements or an error that names the input.
//! [`verify_one`] is one multi-Miller loop and one final exponentiation. [`verify_batch`] verifies
//! many proofs, under any mix of keys, with the verdicts of one-by-one verification; its weights
//! come from a transcript over the whole batch, so that all validators agree.
//! [`verify_transactions`] makes one batch for each proof system.
//!
//! [`verify_circuit`] is for a circuit that is not ours, with any number of public inputs.
//!
//! [`audience`] holds what the recipient of a proof must check beyond the proof: that it answers
//! its own request, on its own ledger, for itself. [`light`] checks blocks, receipts and entries
//! for a client that has no node.
//!
//! Only this crate makes a [`Verified`], so code that takes a `Verified` value need not verify
//! again and cannot forget to. No state, no clock, no I/O, no randomness. A proof's bytes are not
//! its identity: anyone can re-randomise a proof, so replay is detected by nullifier or context, in
//! the ledger. Start with [`verify_one`].

pub mod audience;
mod evidence;
mod groth16;
pub mod light;
#[cfg(test)]
mod testing;
mod transaction;

pub use amanat_params::{PROOF_BYTES, PointError, Proof, ProofError, ProofPart};
pub use evidence::Verified;
pub use groth16::batch::{BatchOutcome, Encoded, Item, verify_batch, verify_batch_counted, verify_encoded};
pub use groth16::circuit::{CircuitReject, holds, verify_circuit};
pub use groth16::key::PreparedVerifyingKey;
pub use groth16::single::{PUBLIC_BYTES, Reject, public_inputs, verify_bytes, verify_one};
pub use transaction::{
    AcceptedKeys, InsecureKey, Trust, TxReject, verify_proof, verify_transaction, verify_transactions,
};
