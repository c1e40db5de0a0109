//! The ledger kept by several validators: what agreement costs.

#[cfg(feature = "bft")]
mod cluster;
mod founder;
#[cfg(feature = "bft")]
mod measure;
#[cfg(feature = "bft")]
mod node;

pub(super) use founder::Founder;
#[cfg(feature = "bft")]
pub(super) use measure::measure;
#[cfg(feature = "bft")]
pub(super) use node::{Seat, serve};
