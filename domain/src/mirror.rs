//! A client's copy of the registries as of one epoch: where membership and absence proofs come from.
//!
//! A mirror is built from the leaves a node serves and believed only where its roots are those of the bundle. Looking a
//! leaf up in one's own copy tells the node nothing; asking the node for one path would tell it which leaf matters.

use crate::bundle::{Bundle, Registry};
use crate::field::Fr;
use crate::tree::{BrokenChain, IndexedLeaf, IndexedTree, NonMembership, Path, RevocationId, Tree, TreeFull};
use std::collections::BTreeMap;

/// The registries as of one bundle.
pub struct Mirror {
    bundle: Bundle,
    trees: [Tree; 4],
    positions: [BTreeMap<Fr, u32>; 4],
    revocations: IndexedTree,
}

/// The leaves of the registries, each in index order.
#[derive(Default, Clone)]
pub struct Leaves {
    /// Subject commitments.
    pub subjects: Vec<Fr>,
    /// Role leaves; zero where retired.
    pub roles: Vec<Fr>,
    /// Consent leaves.
    pub consents: Vec<Fr>,
    /// Anchor leaves.
    pub records: Vec<Fr>,
    /// Revocations with their successors, the initial leaf first.
    pub revocations: Vec<IndexedLeaf>,
}

/// The leaves are not those the bundle commits to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// A root differs.
    #[error("the leaves of `{}` do not give the root of epoch {epoch}'s bundle: fetch them again", registry.name())]
    Root {
        /// Which registry.
        registry: Registry,
        /// Which epoch.
        epoch: u64,
    },
    /// The revocations are not a chain.
    #[error("the leaves of `revocations` are no indexed list: {0}")]
    Revocations(#[from] BrokenChain),
    /// More leaves than a tree holds.
    #[error(transparent)]
    Full(#[from] TreeFull),
}

/// The dense registries, in the order the mirror keeps them.
const DENSE: [Registry; 4] = [Registry::Subjects, Registry::Roles, Registry::Consents, Registry::Records];

impl Mirror {
    /// Builds the trees and compares their roots with the bundle's.
    ///
    /// # Errors
    /// [`MirrorError`] naming the registry that differs.
    pub fn new(bundle: Bundle, leaves: Leaves) -> Result<Self, MirrorError> {
        let dense = [leaves.subjects, leaves.roles, leaves.consents, leaves.records];
        let mut trees: [Tree; 4] = core::array::from_fn(|_| Tree::new());
        let mut positions: [BTreeMap<Fr, u32>; 4] = core::array::from_fn(|_| BTreeMap::new());
        for (slot, leaves) in dense.into_iter().enumerate() {
            trees[slot] = Tree::from_leaves(&leaves)?;
            // The first of equal leaves; zero is no leaf.
            for (index, leaf) in (0u32..).zip(leaves).filter(|(_, leaf)| *leaf != Fr::from(0u64)) {
                positions[slot].entry(leaf).or_insert(index);
            }
        }
        let revocations = IndexedTree::from_leaves(leaves.revocations)?;
        let mirror = Self { bundle, trees, positions, revocations };
        for registry in Registry::ALL {
            let root = match slot(registry) {
                Some(i) => mirror.trees[i].root(),
                None => mirror.revocations.root(),
            };
            if root != mirror.bundle.registry(registry).root {
                return Err(MirrorError::Root { registry, epoch: mirror.bundle.epoch });
            }
        }
        Ok(mirror)
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The path of a leaf, where the registry has it. Revocations have no such paths.
    #[must_use]
    pub fn path(&self, registry: Registry, leaf: Fr) -> Option<Path> {
        let slot = slot(registry)?;
        self.trees[slot].path(*self.positions[slot].get(&leaf)?)
    }

    /// The proof that an id is not revoked, where it is not.
    #[must_use]
    pub fn absence(&self, id: RevocationId) -> Option<NonMembership> {
        self.revocations.non_membership(id)
    }
}

fn slot(registry: Registry) -> Option<usize> {
    DENSE.iter().position(|r| *r == registry)
}
