//! The lanes of `ifma/` on the machine's own AVX-512 IFMA instructions.

#[path = "lanes/avx512.rs"]
pub(crate) mod lanes;

#[path = "ifma/mod.rs"]
pub(crate) mod ifma;
