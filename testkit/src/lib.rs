//! Fixtures that the crates' tests share: a dev-dependency only, linked into nothing that runs.
//!
//! - [`change`] changes a world: the ledger stays honest and tells another story.
//! - [`values`] draws the numbers at which range checks go wrong.

pub mod change;
pub mod values;
