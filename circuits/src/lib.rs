//! What must hold: per statement a native check and the constraints side by side.
//!
//! - [`r1cs`]: a constraint system as plain data, what keys and provers work on.
//! - [`cs`]: the builder that walks a statement once for its matrices, its assignment, or both.
//! - [`gadgets`]: hashes, paths, ranges, consent evaluation.
//! - [`statements`]: grant, revoke, consent (S1), role (S2), record (S3), access. Start here.
//! - [`public`]: names of the eight public slots.
//! - [`mutation`]: deletes each constraint in turn and asks whether a cheating prover gets through.

pub mod cs;
pub mod gadgets;
pub mod mutation;
pub mod public;
pub mod r1cs;
pub mod statements;
#[doc(hidden)]
pub mod world;

pub use cs::{Cs, FreeWire, RowKind, RowLabel, Shape};
pub use r1cs::R1cs;
pub use statements::{Denied, Relation, built, circuit};
