//! From intent to proof.
//!
//! A [`plan`] fixes everything, all randomness included, and runs the native clauses: it says no
//! with the clause's id, or becomes a transaction by [`Plan::prove`](plan::Plan::prove). [`keys`]
//! holds proving keys with their matrices laid out once; [`batch`] proves many plans. [`groth16`]
//! is the prover proper: a constraint system, a satisfying assignment and a key in, a proof out,
//! over a backend of `amanat-accel`. [`zkey`] proves circuits that are not ours, from snarkjs'
//! files.
//!
//! [`sample`] plans over made-up worlds, for test vectors and benches.
//!
//! Every proof is blinded, and verified before it leaves. Start with [`plan::AccessPlan`].

pub mod batch;
pub mod groth16;
pub mod keys;
pub mod plan;
pub mod sample;

pub use groth16::zkey;
