//! BN254 on AVX-512 IFMA: eight values side by side in 52-bit limbs.
//!
//! This module is compiled once over the instructions (`avx512.rs`) and, for tests, once over the
//! same operations in plain Rust (`emulated.rs`): everything but `lanes` is checked on any machine.
//!
//! Layers, each on the one before: [`lanes`] wraps the instructions (and holds nearly all
//! `unsafe`), [`field`] and [`fq2`] are the fields with typed bounds, [`points`] lays curve points
//! out for gathering, [`segments`] sums many lists of points at once by batch-affine addition,
//! [`recode`] cuts scalars into digits, [`msm`] puts these together. Transforms: [`ntt`]; from an
//! assignment to the quotient: [`matrix`] and [`quotient`]. Pairings: [`fq12`] and [`pairing`],
//! eight Miller loops side by side.
//!
//! Nothing here runs unless [`Isa::detect`] has seen the instructions on this machine: every vector
//! is made through an [`Isa`], so holding a vector proves that the instructions are there.
//!
//! Not constant-time in the scalars: buckets are addressed by digits. See the crate's
//! documentation.

// Kernels loop over fixed ranges, which are unrolled whole; iterators say less there.
#![allow(clippy::needless_range_loop)]

pub(crate) mod backend;
pub(crate) mod decode;
pub(crate) mod field;
pub(crate) mod fixed;
pub(crate) mod fq12;
pub(crate) mod fq2;
pub(crate) mod inverse;
pub(crate) mod jacobian;
pub(crate) mod key;
pub(crate) mod matrix;
pub(crate) mod msm;
pub(crate) mod ntt;
pub(crate) mod pairing;
mod pairing_backend;
pub(crate) mod points;
pub(crate) mod quotient;
pub(crate) mod recode;
pub(crate) mod scale;
pub(crate) mod segments;

pub(crate) use super::lanes::{self, Isa};
pub(crate) use backend::Lanes;
