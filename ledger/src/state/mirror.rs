//! The registries as they were when a bundle was sealed: what mirrors are made from.
//!
//! Subjects, consents and records only grow, so an earlier state is a prefix. Credentials keep
//! their leaf and the blocks that issued and retired them. Revocations only grow too, but an
//! insertion changes the `next` of a leaf before it: the earlier `next` is found by following the
//! list over the values that came later.

use super::State;
use amanat_domain::bundle::{Registry, RegistryKind};
use amanat_domain::field::Fr;
use amanat_domain::tree::{IndexedLeaf, RevocationId};

impl State {
    /// Leaves of a registry as of the bundle of an epoch; of `revocations` the hashes. `None` if no
    /// bundle was sealed.
    #[must_use]
    pub fn leaves_as_of(&self, epoch: u64, registry: Registry, from: u64, limit: usize) -> Option<Vec<Fr>> {
        let sealed = self.bundle(epoch)?;
        let count = sealed.bundle.registry(registry).count;
        Some(match registry {
            Registry::Roles => {
                // Issued in ascending order of height.
                let count = self.credentials.partition_point(|c| c.issued < sealed.height) as u64;
                let credentials = page(&self.credentials, count, from, limit);
                let leaf = |retired: Option<u64>, leaf| match retired {
                    // Strictly: a bundle is over the state before the block that sealed it.
                    Some(height) if height < sealed.height => Fr::from(0u64),
                    _ => leaf,
                };
                credentials.iter().map(|c| leaf(c.retired, c.leaf)).collect()
            }
            _ => match registry.kind() {
                RegistryKind::Dense => page(self.tree(registry).leaves(), count, from, limit).to_vec(),
                RegistryKind::Indexed => {
                    self.revocations_as_of(epoch, from, limit)?.iter().map(IndexedLeaf::hash).collect()
                }
            },
        })
    }

    /// Leaves of `revocations` as of the bundle of an epoch, in index order. `None` if no bundle
    /// was sealed.
    #[must_use]
    pub fn revocations_as_of(&self, epoch: u64, from: u64, limit: usize) -> Option<Vec<IndexedLeaf>> {
        let count = self.bundle(epoch)?.bundle.registry(Registry::Revocations).count;
        let leaves = self.revocations().leaves();
        let as_of = |leaf: &IndexedLeaf| {
            let mut next = leaf.next;
            // Not an id: the end of the list.
            while let Some(at) = RevocationId::new(next).and_then(|id| self.revocations().position(id)) {
                if u64::from(at) < count {
                    break;
                }
                next = leaves[at as usize].next;
            }
            IndexedLeaf { value: leaf.value, next }
        };
        Some(page(leaves, count, from, limit).iter().map(as_of).collect())
    }
}

/// `limit` of the first `count` from `from` on.
fn page<T>(all: &[T], count: u64, from: u64, limit: usize) -> &[T] {
    let end = usize::try_from(count).unwrap_or(usize::MAX).min(all.len());
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(end);
    &all[from..from.saturating_add(limit).min(end)]
}
