//! How fast: the heavy arithmetic of BN254 behind one seam.
//!
//! [`Engine`] is the seam. It has three parts: one-off multi-scalar multiplications and transforms ([`Engine`] itself), what a
//! prover lays out once and uses for every proof ([`Proving`]: circuits to quotients, keys to sums), and what a verifier
//! needs ([`Pairings`]). The prover and the verifier are written against it and never name an implementation.
//! [`Portable`] is the plain one, over arkworks; every later engine is mounted on the suite in `suite.rs` and must return the
//! same group and field elements as naive computation.
//!
//! This crate knows nothing of statements, keys or proofs and depends on nothing else of this workspace. Engines are
//! chosen at run time ([`best`], [`choose`], [`by_name`]), can be forced by an environment variable ([`ENGINE_VARIABLE`]) and by
//! a program ([`force`]), and say who they are. A GPU is one of them, where there is a plugin for it ([`gpu`]). Start reading at
//! [`Engine`].

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
#[cfg(any(test, feature = "emulated"))]
// The same sources over other lanes, on purpose.
#[allow(unsafe_code, clippy::duplicate_mod)]
mod emulated;
mod engine;
#[allow(unsafe_code)]
pub mod gpu;
mod miller;
mod pairings;
mod portable;
mod proving;
mod straus;
mod subgroup;
#[cfg(test)]
mod suite;
mod weight;

pub use ark_bn254::{Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
pub use engine::{ChooseError, ENGINE_VARIABLE, Engine, all, best, by_name, choose, force, processor};
pub use pairings::{FixedBases, G2Prepared, MillerProducts, Pairings};
pub use portable::Portable;
pub use proving::{
    Cancelled, Integers, KeyBases, LoadedCircuit, LoadedKey, Made, Maker, Matrices, Phase, Proving,
    QuotientError, QuotientForm, SparseMatrix, Sums, TableMemory, Watch,
};
pub use straus::OddMultiples;
pub use weight::Weight;
