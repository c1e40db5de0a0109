//! What a query of the chain answers.

use amanat_domain::block::Header;
use amanat_domain::bundle::PerRegistry;
use amanat_domain::statement::Statement;
use amanat_domain::tree::Root;
use amanat_domain::tx::{ChainId, KeyDigest};

/// The position of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The ledger.
    pub chain: ChainId,
    /// Header of the last block.
    pub tip: Header,
    /// Epoch of the newest bundle.
    pub bundle_epoch: u64,
    /// Root and number of leaves of each registry.
    pub registries: PerRegistry<(Root, u64)>,
    /// Active credentials.
    pub active_credentials: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Nullifiers spent.
    pub nullifiers: u64,
    /// Transactions waiting.
    pub pool: usize,
    /// Whether a write failed and the ledger waits to be reopened.
    pub broken: bool,
}

/// An installed key, as the query answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The statement.
    pub statement: Statement,
    /// The key.
    pub digest: KeyDigest,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// First height at which proofs under it are accepted.
    pub active_from: u64,
    /// First height at which they no longer are: frozen.
    pub frozen_from: Option<u64>,
    /// First height at which they no longer are: its time is over.
    pub sunset_from: Option<u64>,
}
