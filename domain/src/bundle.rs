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

/// Words that a bundle hashes: epoch, time, and root and count of each registry.
pub const BUNDLE_WORDS: usize = 2 + 2 * Registry::COUNT;

/// Root and size of one registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryState {
    /// Merkle root.
    pub root: Root,
    /// Subjects, consents, revocations, records: number of leaves. Roles: number of *active*
    /// credentials.
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
    pub registries: PerRegistry<RegistryState>,
}

impl Bundle {
    /// `H(Bundle; e, time, root_0, count_0, .., root_4, count_4)`.
    #[must_use]
    pub fn hash(&self) -> BundleHash {
        BundleHash::new(hash(Tag::Bundle, &self.to_words()))
    }

    /// The hashed words.
    #[must_use]
    pub fn to_words(&self) -> [Fr; BUNDLE_WORDS] {
        let mut words = [Fr::from(0u64); BUNDLE_WORDS];
        words[0] = Fr::from(self.epoch);
        words[1] = Fr::from(self.time.seconds());
        for (pair, (_, r)) in words[2..].chunks_exact_mut(2).zip(self.registries.iter()) {
            pair[0] = r.root.to_field();
            pair[1] = Fr::from(r.count);
        }
        words
    }

    /// State of one registry.
    #[must_use]
    pub fn registry(&self, r: Registry) -> &RegistryState {
        &self.registries[r]
    }
}
