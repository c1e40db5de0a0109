//! Gadgets: each a native function, its constraints, and tests that both agree.

pub mod bits;
pub mod bundle;
pub mod consent;
#[cfg(test)]
mod harness;
pub mod identity;
pub mod merkle;
pub mod poseidon;
pub mod record;
pub mod usage;
