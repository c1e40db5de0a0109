//! With which keys: keys over BN254, where they come from, and how they are kept.
//!
//! A [`VerifyingKey`] that exists has been linted and has exactly the nine points that eight public
//! inputs need. A [`ProvingKey`] that exists was read whole, with the digest its manifest names.
//! Both say which proof system, statement, version and constraint system (by digest) they were made
//! for and where they come from ([`Origin`]); a loader refuses any other key and says what it
//! expected and what it got. [`KeyStore`] keeps keys in a directory by digest.
//! [`insecure_dev_setup`] makes keys for development: its operator could forge proofs. [`snarkjs`]
//! speaks the JSON of tools we did not write, [`Zkey`] and [`Witness`] their binary files; the key
//! of a circuit that is not ours is a [`CircuitKey`]. [`Proof`] is the decoded proof, shared by
//! prover and verifier.
//!
//! What belongs to one proof system is in its folder, `groth16`. No proving and no verifying
//! happens here. Start with [`VerifyingKey`], then [`KeyStore`].

mod binfile;
mod codec;
mod groth16;
mod header;
mod store;
#[cfg(test)]
mod testing;
mod wtns;

pub use binfile::{BinaryError, SectionId};
pub use codec::PointError;
pub use groth16::circuit_key::CircuitKey;
pub use groth16::dev_zkey::insecure_dev_zkey;
pub use groth16::lint::{VkLint, lint_verifying_key};
pub use groth16::points::{IC_POINTS, VkPart, VkPoints};
pub use groth16::proof::{PROOF_BYTES, Proof, ProofError, ProofPart, UncheckedProof};
pub use groth16::proving_key::{Expected, KeyError, ProvingKey, Queries, Query};
pub use groth16::setup::{SetupError, SetupStage, insecure_dev_setup};
pub use groth16::snarkjs;
pub use groth16::verifying_key::{VERIFYING_KEY_BYTES, VerifyingKey, VkError};
pub use groth16::zkey::{Progress, Zkey, ZkeyError};
pub use header::{HeaderError, KeyHeader, Origin};
pub use store::{Entry, KeyStore, StoreError, StoreStage};
pub use wtns::{Witness, WitnessError};
