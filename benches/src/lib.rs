//! What things cost.
//!
//! - [`report`]: every figure the project promises or shows, measured by plain functions that return rows; a table and JSON.
//!   `cargo run --release -p amanat-benches --bin report` prints it.
//! - `benches/`: the same work under criterion, for comparing one change with another: `cargo bench -p amanat-benches`.
//! - [`profile`]: what a proof costs, part by part, on every engine and beside [`peers`], on [`merkle`] paths and our
//!   statements: data, a page, and a comparison of two runs. `amanat bench profile`.
//! - [`kernels`]: what the engines do beside arkworks, in turn. `amanat bench kernels`.
//! - [`ledger`]: the ledger with proofs beside the ledger without and beside a server of the usual kind: throughput, latency,
//!   outages, attacks. `amanat bench ledger`.
//! - [`gpu`]: a GPU checked against the processor and timed. `accel/cuda/check.sh`, on a machine that has one.
//! - `results/`: tables as they came out, each with date, machine and command.
//!
//! Nothing here is a test: time depends on the machine. What the figures are measured *on* is [`report::world`], one patient,
//! one clinician, one consent and one record, and [`report::chain`], a ledger that holds them.

pub mod clock;
pub mod gpu;
pub mod kernels;
pub mod ledger;
pub mod merkle;
pub mod peers;
pub mod profile;
pub mod report;
pub mod stats;

/// To be called first in the main program: some things are measured in child processes of the same program. True where this
/// process was one and has answered; the program then ends.
///
/// # Errors
/// Where what is to be measured fails.
pub fn answer_if_asked(peers: &[&dyn peers::Peer]) -> report::Outcome<bool> {
    Ok(report::memory::answer_if_asked()?
        || profile::memory::answer_if_asked(peers)?
        || ledger::answer_if_asked()?)
}
