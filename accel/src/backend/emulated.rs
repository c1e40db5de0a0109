//! The lanes of `ifma/` in plain Rust: the same code over the same layouts, bit for bit, on
//! machines that lack the instructions.
//!
//! For tests. It is slower than the portable backend, is never chosen by itself, and exists in test
//! builds and under the feature `emulated` only.

#[path = "lanes/emulated.rs"]
pub(crate) mod lanes;

#[path = "ifma/mod.rs"]
pub(crate) mod ifma;
