//! What the whole costs: reports, kernels, and the ledger beside other systems. Measured by the
//! binary `amanat-bench`, which nothing that is deployed links. What one proof costs is
//! `amanat-profile`'s.
//!
//! - [`report`]: every figure that the project promises or shows, measured by plain functions that
//!   return rows; a table and JSON. `cargo run --release -p amanat-benches -- report` prints it.
//! - [`kernels`]: the backends beside arkworks, kernel by kernel. `amanat-bench kernels`.
//! - [`ledger`]: the ledger with proofs beside the ledger without and beside a server of the usual
//!   kind: throughput, latency, outages, attacks. `amanat-bench ledger`.
//! - [`gpu`]: a GPU checked against the processor and timed. `accel/cuda/check.sh`, on a machine
//!   that has one.
//! - [`mod@table`]: how tables are printed.
//! - `benches/`: the same work under criterion, to compare one change with another: `cargo bench -p
//!   amanat-benches`.
//! - `results/`: tables as they came out, each with date, machine and command.
//!
//! Nothing here is a test: time depends on the machine. The figures are measured *on*
//! [`report::world`] (one patient, one clinician, one consent, one record) and [`report::chain`], a
//! ledger that holds them.

pub mod gpu;
pub mod kernels;
pub mod ledger;
pub mod report;
pub mod table;

/// To be called first in the main program: some figures are measured in child processes of the same
/// program. True if this process is such a child and has answered; the program then ends.
///
/// # Errors
/// If the measurement fails.
pub fn answer_if_asked() -> report::Outcome<bool> {
    Ok(report::memory::answer_if_asked()? || ledger::answer_if_asked()?)
}
