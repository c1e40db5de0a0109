//! What is said: records, consents, credentials, commitments, trees, statements, transactions.
//!
//! No proof system, no I/O, no clock. Start with [`statement`], then [`consent`] and [`record`].

pub mod consent;
pub mod fhir;
pub mod field;
pub mod poseidon;
pub mod record;
pub mod statement;
pub mod time;
pub mod tree;
