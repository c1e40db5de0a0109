//! Fixtures that the crates' tests share: a dev-dependency only, linked into nothing that runs.
//!
//! - [`change`] changes a world: the ledger stays honest and tells another story. (A statement's
//!   [`Sample::tamper`](amanat_circuits::world::sample::Sample::tamper) changes a witness: the ledger stays as
//!   it is and the prover lies.)
//! - [`values`] draws the numbers at which range checks go wrong.

pub mod change;

pub use amanat_circuits::world::values;
