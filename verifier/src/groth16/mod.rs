//! Groth16: one proof, a batch, a proof of any circuit.
//!
//! Everything here is of one proof system. It takes the bytes of Groth16 proofs and keys whose
//! header says Groth16; [`transaction`](crate::verify_transaction) decides which proof comes here.

pub(crate) mod batch;
pub(crate) mod circuit;
pub(crate) mod key;
pub(crate) mod search;
pub(crate) mod single;
