//! The ledger kept by several validators: what agreement costs.

#[cfg(feature = "bft")]
mod cluster;
#[cfg(feature = "bft")]
mod measure;
#[cfg(feature = "bft")]
mod node;

#[cfg(feature = "bft")]
pub(super) use measure::measure;
#[cfg(feature = "bft")]
pub(super) use node::serve;
