//! What things cost.
//!
//! - [`report`]: every figure the project promises or shows, measured by plain functions that return rows; a table and JSON.
//!   `cargo run --release -p amanat-benches --bin report` prints it.
//! - `benches/`: the same work under criterion, for comparing one change with another: `cargo bench -p amanat-benches`.
//! - `results/`: tables as they came out, each with date, machine and command.
//!
//! Nothing here is a test: time depends on the machine. What the figures are measured *on* is [`report::world`], one patient,
//! one clinician, one consent and one record, and [`report::chain`], a ledger that holds them.

pub mod clock;
pub mod merkle;
pub mod report;
pub mod stats;
