//! How fast: the heavy arithmetic of BN254 behind one seam.
//!
//! [`Engine`] is the seam: multi-scalar multiplication in both groups, number-theoretic transforms over the scalar
//! field and its coset, Miller loops and the final exponentiation. The prover and the verifier are written against it
//! and never name an implementation. [`Portable`] is the plain one, over arkworks; every later engine is mounted on the
//! suite in `suite.rs` and must return the same group and field elements as naive computation.
//!
//! This crate knows nothing of statements, keys or proofs and depends on nothing else of this workspace. Engines are
//! chosen at run time ([`best`], [`by_name`]), can be forced by name, and say who they are. Start reading at [`Engine`].

mod engine;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, dead_code)]
mod ifma;
mod miller;
mod portable;
mod straus;
#[cfg(test)]
mod suite;

pub use ark_bn254::{Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
pub use engine::{Engine, G2Prepared, all, best, by_name};
pub use portable::Portable;
pub use straus::OddMultiples;
