//! A validator: the ledger behind HTTP, without anything that makes proofs.
//!
//! - [`launch`] starts a node from a [`config`]uration or a home directory and serves until it is
//!   told to stop.
//! - [`server`] is the HTTP interface over a ledger: submit, receipts, bundles, leaves for mirrors,
//!   blocks, events, metrics.
//! - `validator` (feature `bft`) is the node's side of [`amanat_bft`](https://docs.rs/amanat-bft):
//!   one of several validators.
//! - [`cluster`] lays out the folders of several validators, and runs them on one machine.
//! - [`probe`] asks a node whether it takes transactions.
//!
//! The ledger decides whether a transaction is valid; nothing here does. Time comes in as a
//! [`Clock`](amanat_api::clock::Clock). Logs carry heights, codes and transaction ids, nothing of a
//! transaction's content. Start with [`launch::run`], then [`server::Node::serve`].

#[cfg(feature = "bft")]
pub mod cluster;
pub mod config;
pub mod launch;
pub mod log;
pub mod probe;
pub mod server;
mod stop;
#[cfg(feature = "bft")]
mod validator;
#[cfg(feature = "bft")]
pub mod validator_key;

pub use stop::stop;
#[cfg(feature = "bft")]
pub use validator::StartError;

/// What `amanat-node --version` prints: the version, and which consensus this build has.
#[cfg(feature = "bft")]
pub const VERSION: &str = concat!("amanat-node ", env!("CARGO_PKG_VERSION"), " (solo, bft)");
/// What `amanat-node --version` prints: the version, and which consensus this build has.
#[cfg(not(feature = "bft"))]
pub const VERSION: &str = concat!("amanat-node ", env!("CARGO_PKG_VERSION"), " (solo)");
