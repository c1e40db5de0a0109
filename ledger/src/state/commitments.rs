//! What the app hash covers.

use crate::block::AppHash;
use amanat_domain::tree::Root;
use amanat_domain::tx::ChainId;
use sha2::{Digest, Sha256};

/// A running hash over an append-only sequence: `h' = SHA-256(h, item)`, and how many items it has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Running {
    /// The hash; zero over nothing.
    pub hash: [u8; 32],
    /// Number of items.
    pub count: u64,
}

impl Running {
    /// Takes in one item, given in parts of fixed length.
    pub fn push(&mut self, parts: &[&[u8]]) {
        let mut hash = Sha256::new();
        hash.update(self.hash);
        parts.iter().for_each(|p| hash.update(p));
        self.hash = hash.finalize().into();
        self.count += 1;
    }
}

/// The sequences whose order is part of the state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequences {
    /// Transaction ids.
    pub transactions: Running,
    /// Spent nullifiers.
    pub nullifiers: Running,
    /// Contexts used.
    pub contexts: Running,
    /// Credentials issued and retired.
    pub credentials: Running,
    /// Bundles sealed.
    pub bundles: Running,
}

impl Sequences {
    /// All of them, in the order in which they are hashed and stored.
    #[must_use]
    pub const fn all(&self) -> [Running; 5] {
        [self.transactions, self.nullifiers, self.contexts, self.credentials, self.bundles]
    }

    /// From that order.
    #[must_use]
    pub const fn from_all([transactions, nullifiers, contexts, credentials, bundles]: [Running; 5]) -> Self {
        Self { transactions, nullifiers, contexts, credentials, bundles }
    }
}

/// The whole state in a few hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitments {
    /// The ledger; covers organisations, windows and floors.
    pub chain: ChainId,
    /// Root and number of leaves of each registry.
    pub registries: [(Root, u64); 5],
    /// Number of active credentials.
    pub active: u64,
    /// Digest of the verifying keys and their status.
    pub keys: [u8; 32],
    /// The sequences.
    pub sequences: Sequences,
}

impl Commitments {
    /// SHA-256 over all of it.
    #[must_use]
    pub fn app_hash(&self) -> AppHash {
        let mut hash = Sha256::new();
        hash.update(b"amanat/app/v1");
        hash.update(self.chain.0);
        for (root, len) in &self.registries {
            hash.update(root.to_bytes());
            hash.update(len.to_le_bytes());
        }
        hash.update(self.active.to_le_bytes());
        hash.update(self.keys);
        for running in self.sequences.all() {
            hash.update(running.hash);
            hash.update(running.count.to_le_bytes());
        }
        AppHash(hash.finalize().into())
    }
}
