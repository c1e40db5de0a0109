//! The registries and their root bundle.

use crate::field::Fr;
use crate::poseidon::{Tag, hash};
use crate::time::Timestamp;
use crate::tree::Root;

pub use crate::registry::{PerRegistry, Registry, RegistryKind};

crate::field_newtype! {
    /// Root bundle `B_e` of an epoch.
    BundleHash
}

/// Root and size of one registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryState {
    /// Merkle root.
    pub root: Root,
    /// Subjects, consents, revocations, records: number of leaves. Roles: number of *active* credentials.
    pub count: u64,
}

/// What the ledger commits to at the start of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundle {
    /// Number of the epoch.
    pub epoch: u64,
    /// Time of the block that sealed the bundle: `now` for every statement proved against it.
    pub time: Timestamp,
    /// The registries, in the order of [`Registry::ALL`].
    pub registries: [RegistryState; 5],
}

impl Bundle {
    /// `H(Bundle; e, time, root_0, count_0, .., root_4, count_4)`.
    #[must_use]
    pub fn hash(&self) -> BundleHash {
        BundleHash::new(hash(Tag::Bundle, &self.to_words()))
    }

    /// The hashed words.
    #[must_use]
    pub fn to_words(&self) -> [Fr; 12] {
        let mut words = [Fr::from(0u64); 12];
        words[0] = Fr::from(self.epoch);
        words[1] = Fr::from(self.time.seconds());
        for (pair, r) in words[2..].chunks_exact_mut(2).zip(&self.registries) {
            pair[0] = r.root.to_field();
            pair[1] = Fr::from(r.count);
        }
        words
    }

    /// State of one registry.
    #[must_use]
    pub const fn registry(&self, r: Registry) -> &RegistryState {
        &self.registries[r as usize]
    }
}
