//! How fast: the heavy arithmetic of BN254 behind one trait.
//!
//! [`Backend`] has three parts: single multi-scalar multiplications and transforms ([`Backend`]
//! itself), what a Groth16 prover lays out once and uses for every proof ([`Proving`]: circuits to
//! quotients, keys to sums), and what a verifier needs ([`Pairings`]). The prover and the verifier
//! are written against it and never name an implementation. [`Portable`] is the plain one, over
//! arkworks; every other backend is mounted on the suite in `suite.rs` and must return the same
//! group and field elements as naive computation.
//!
//! This crate knows nothing of statements, keys or proofs and depends on nothing else of this
//! workspace. Backends are chosen at run time ([`default_backend`], [`choose`], [`by_name`]), can
//! be forced by an environment variable ([`BACKEND_VARIABLE`]) and by a program ([`force`]), and
//! report their names. A GPU is one of them, if there is a plugin for it ([`gpu`]). Start reading
//! at [`Backend`].

mod backend;
mod groth16;
mod matrices;
mod miller;
mod pairings;
mod straus;
mod subgroup;
#[cfg(test)]
mod suite;
mod weight;

pub use ark_bn254::{Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
pub use backend::{
    BACKEND_VARIABLE, Backend, ChooseError, FORMER_VARIABLE, Portable, all, by_name, choose, default_backend,
    force, former_variable_notice, gpu, processor,
};
pub use groth16::{
    Cancelled, Integers, KeyBases, LoadedCircuit, LoadedKey, Made, Maker, Phase, Progress, Proving,
    QuotientError, QuotientForm, Sums, TableMemory,
};
pub use matrices::{Matrices, SparseMatrix};
pub use pairings::{FixedBases, G2Prepared, MillerProducts, Pairings};
pub use straus::OddMultiples;
pub use weight::Weight;
