//! With which keys: Groth16 keys over BN254, where they come from, and how they are kept.
//!
//! A [`VerifyingKey`] that exists has been linted and has exactly the nine points that eight public inputs need. A
//! [`ProvingKey`] that exists was read whole, with the digest its manifest names. Both say which statement, version and
//! constraint system (by digest) they were made for and where they come from ([`Origin`]); a loader refuses a stranger
//! and says what it expected and what it got. [`KeyStore`] keeps keys in a directory by digest.
//! [`insecure_dev_setup`] makes keys for development: whoever runs it could forge proofs. [`snarkjs`] speaks the JSON of
//! tools we did not write, [`Zkey`] and [`Witness`] their binary files; the key of a circuit that is not ours is a [`CircuitKey`]. [`Proof`] is the decoded proof, shared by prover and verifier.
//!
//! No proving and no verifying happens here. Start with [`VerifyingKey`], then [`KeyStore`].

mod binfile;
mod circuit_key;
mod codec;
mod dev_zkey;
mod header;
mod lint;
mod proof;
mod proving_key;
mod setup;
pub mod snarkjs;
mod store;
#[cfg(test)]
mod testing;
mod verifying_key;
mod wtns;
mod zkey;

pub use binfile::{BinaryError, SectionId};
pub use circuit_key::CircuitKey;
pub use codec::PointError;
pub use dev_zkey::insecure_dev_zkey;
pub use header::{HeaderError, KeyHeader, Origin};
pub use lint::{VkLint, VkPart, lint_verifying_key};
pub use proof::{LooseProof, PROOF_BYTES, Proof, ProofError, ProofPart};
pub use proving_key::{Expected, KeyError, ProvingKey, Queries, Query};
pub use setup::{SetupError, SetupStage, insecure_dev_setup};
pub use store::{Entry, KeyStore, StoreError, StoreStage};
pub use verifying_key::{IC_POINTS, VERIFYING_KEY_BYTES, VerifyingKey, VkError, VkPoints};
pub use wtns::{Witness, WitnessError};
pub use zkey::{Progress, Zkey, ZkeyError};
