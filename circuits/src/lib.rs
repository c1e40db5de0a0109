//! What must hold: per statement a native check and the constraints side by side.
//!
//! - [`r1cs`]: a constraint system as plain data, what keys and provers work on.
//! - [`cs`]: the builder that walks a statement once for its matrices, its assignment, or both.
//! - [`gadgets`]: hashes, paths, ranges, consent evaluation.
//! - [`statements`]: each statement's witness, native check, constraints and samples. Start here.
//! - [`relation`]: what a statement's relation is. [`public`]: names of the eight public slots.
//! - [`mutation`]: deletes each constraint in turn and asks whether a cheating prover gets through.

pub mod cs;
pub mod gadgets;
pub mod mutation;
pub mod public;
pub mod r1cs;
pub mod relation;
pub mod statements;
#[doc(hidden)]
pub mod world;

/// What [`with_relation!`] refers to.
#[doc(hidden)]
pub mod macros {
    pub use amanat_domain::for_each_statement;
    pub use amanat_domain::statement::Statement;
}

pub use cs::{Cs, FreeWire, RowKind, RowLabel, Shape};
pub use r1cs::R1cs;
pub use relation::{Denied, Relation};
pub use statements::{built, circuit};
