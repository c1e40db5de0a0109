//! From bytes to evidence: strict decoding, and verification of proofs one by one or in batches.
//!
//! [`Proof::from_bytes`] turns 128 bytes into three points or an error that names the part; [`public_inputs`] turns 256
//! bytes into eight field elements or an error that names the input. [`verify_one`] is one multi-Miller loop and one
//! final exponentiation. [`verify_batch`] judges many proofs, under any mix of keys, with the verdicts of one-by-one
//! verification; its weights come from a transcript over the whole batch, so that all validators agree.
//!
//! [`verify_circuit`] is for anybody's circuit, with any number of public inputs.
//!
//! [`light`] judges blocks, receipts and entries for a client that has no node.
//!
//! Only this crate makes a [`Verified`], so whoever takes one need not verify again and cannot forget to. No state, no
//! clock, no I/O, no randomness. A proof's bytes are not its identity: anyone can re-randomise a proof, so replay is
//! judged by nullifier or context, in the ledger. Start with [`verify_one`].

mod batch;
mod circuit;
mod evidence;
mod key;
pub mod light;
mod search;
mod single;
#[cfg(test)]
mod testing;
mod transaction;

pub use amanat_params::{PROOF_BYTES, PointError, Proof, ProofError, ProofPart};
pub use batch::{BatchOutcome, Encoded, Item, verify_batch, verify_batch_counted, verify_encoded};
pub use circuit::{CircuitReject, holds, verify_circuit};
pub use evidence::Verified;
pub use key::PreparedVerifyingKey;
pub use single::{PUBLIC_BYTES, Reject, public_inputs, verify_bytes, verify_one};
pub use transaction::{Trust, TxReject, verify_transaction, verify_transactions};
