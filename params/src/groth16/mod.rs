//! Groth16: proofs, keys, their lint and their setups, and the files of snarkjs.
//!
//! Everything here is of one proof system. What all systems share is outside: headers, points'
//! encodings, the key store. [`points`] names what a verifying key is made of; [`lint`] and
//! [`verifying_key`] both build on it.

pub(crate) mod circuit_key;
pub(crate) mod dev_zkey;
pub(crate) mod lint;
pub(crate) mod points;
pub(crate) mod proof;
pub(crate) mod proving_key;
pub(crate) mod setup;
pub mod snarkjs;
pub(crate) mod verifying_key;
pub(crate) mod zkey;
