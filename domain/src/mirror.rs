//! A client's copy of the registries as of one epoch: where membership and absence proofs come
//! from.
//!
//! A mirror is built from the leaves that a node serves, and accepted only if its roots are those
//! of the bundle. A look-up in one's own copy tells the node nothing. To ask the node for one path
//! would tell it which leaf matters.

use crate::bundle::{Bundle, RegistryState};
use crate::field::Fr;
use crate::registry::{PerRegistry, Registry, RegistryKind};
use crate::time::Timestamp;
use crate::tree::{
    BrokenChain, IndexedLeaf, IndexedTree, NonMembership, Path, RegistryTree, RevocationId, Tree, TreeFull,
};
use std::collections::BTreeMap;

/// The registries as of one bundle.
///
/// ```
/// use amanat_domain::mirror::{Leaves, Mirror, MirrorError};
/// use amanat_domain::{field::Fr, registry::Registry, time::Timestamp};
/// let (subject, stranger) = (Fr::from(7u64), Fr::from(8u64));
/// let leaves = Leaves::empty().with(Registry::Subjects, subject);
/// let bundle = leaves.bundle(0, Timestamp::from_unix(0).expect("in range"))?;
/// // Other leaves than those that the bundle commits to are refused.
/// let mirror = Mirror::new(bundle, leaves)?;
/// assert!(mirror.path(Registry::Subjects, subject).is_some());
/// assert!(mirror.path(Registry::Subjects, stranger).is_none());
/// # Ok::<(), MirrorError>(())
/// ```
pub struct Mirror {
    bundle: Bundle,
    trees: PerRegistry<RegistryTree>,
    /// The place of each leaf of a dense registry.
    positions: PerRegistry<BTreeMap<Fr, u32>>,
}

/// The leaves of the registries, each in index order.
#[derive(Clone)]
pub struct Leaves(PerRegistry<RegistryLeaves>);

/// The leaves of one registry.
#[derive(Clone)]
enum RegistryLeaves {
    /// Leaves as they are; zero if retired.
    Dense(Vec<Fr>),
    /// Values with their successors, the initial leaf first.
    Indexed(Vec<IndexedLeaf>),
}

/// The leaves differ from the leaves that the bundle commits to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// A root differs.
    #[error("the leaves of `{}` do not hash to the root of epoch {epoch}'s bundle: fetch them again", registry.name())]
    Root {
        /// Which registry.
        registry: Registry,
        /// Which epoch.
        epoch: u64,
    },
    /// The revocations are not a chain.
    #[error("the leaves of `revocations` are not an indexed list: {0}")]
    Revocations(#[from] BrokenChain),
    /// More leaves than a tree holds.
    #[error(transparent)]
    Full(#[from] TreeFull),
}

impl Leaves {
    /// The leaves of registries that nothing was added to.
    #[must_use]
    pub fn empty() -> Self {
        Self(PerRegistry::from_fn(|registry| match registry.kind() {
            RegistryKind::Dense => RegistryLeaves::Dense(Vec::new()),
            RegistryKind::Indexed => RegistryLeaves::Indexed(vec![IndexedLeaf::initial()]),
        }))
    }

    /// Reads the leaves of every registry, by the reader for its kind.
    ///
    /// # Errors
    /// The first failure of a reader.
    pub fn read<E>(
        mut dense: impl FnMut(Registry) -> Result<Vec<Fr>, E>,
        mut indexed: impl FnMut(Registry) -> Result<Vec<IndexedLeaf>, E>,
    ) -> Result<Self, E> {
        let read = |registry: Registry| match registry.kind() {
            RegistryKind::Dense => dense(registry).map(RegistryLeaves::Dense),
            RegistryKind::Indexed => indexed(registry).map(RegistryLeaves::Indexed),
        };
        PerRegistry::try_from_fn(read).map(Self)
    }

    /// The leaves of a dense registry; empty for an indexed one.
    #[must_use]
    pub fn dense(&self, registry: Registry) -> &[Fr] {
        match &self.0[registry] {
            RegistryLeaves::Dense(leaves) => leaves,
            RegistryLeaves::Indexed(_) => &[],
        }
    }

    /// The same, with another leaf in a dense registry.
    ///
    /// # Panics
    /// If the registry is indexed: ids are inserted into a tree, not into a list.
    #[must_use]
    pub fn with(mut self, registry: Registry, leaf: Fr) -> Self {
        match &mut self.0[registry] {
            RegistryLeaves::Dense(leaves) => leaves.push(leaf),
            RegistryLeaves::Indexed(_) => panic!("{} is an indexed registry", registry.name()),
        }
        self
    }

    /// The trees over these leaves.
    ///
    /// # Errors
    /// [`MirrorError`] if the leaves are no registries.
    pub fn into_trees(self) -> Result<PerRegistry<RegistryTree>, MirrorError> {
        self.0.try_map(|_, leaves| match leaves {
            RegistryLeaves::Dense(leaves) => Ok(RegistryTree::Dense(Tree::from_leaves(&leaves)?)),
            RegistryLeaves::Indexed(leaves) => Ok(RegistryTree::Indexed(IndexedTree::from_leaves(leaves)?)),
        })
    }

    /// The bundle over these leaves, as a ledger would seal it.
    ///
    /// # Errors
    /// [`MirrorError`] if the leaves are no registries.
    pub fn bundle(&self, epoch: u64, time: Timestamp) -> Result<Bundle, MirrorError> {
        let trees = self.clone().into_trees()?;
        let registries = trees.map(|registry, tree| {
            // Of roles the active credentials are counted: the leaves that are not zero.
            let active =
                || tree.tree().leaves().iter().filter(|leaf| **leaf != Fr::from(0u64)).count() as u64;
            let count = if registry == Registry::Roles { active() } else { tree.len() };
            RegistryState { root: tree.root(), count }
        });
        Ok(Bundle { epoch, time, registries })
    }
}

impl Mirror {
    /// Builds the trees and compares their roots with the bundle's.
    ///
    /// # Errors
    /// [`MirrorError`] naming the registry that differs.
    pub fn new(bundle: Bundle, leaves: Leaves) -> Result<Self, MirrorError> {
        let trees = leaves.into_trees()?;
        let changed = |registry: &Registry| trees[*registry].root() != bundle.registry(*registry).root;
        if let Some(registry) = Registry::ALL.into_iter().find(changed) {
            return Err(MirrorError::Root { registry, epoch: bundle.epoch });
        }
        let positions = PerRegistry::from_fn(|registry| match &trees[registry] {
            RegistryTree::Dense(tree) => positions(tree.leaves()),
            RegistryTree::Indexed(_) => BTreeMap::new(),
        });
        Ok(Self { bundle, trees, positions })
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The path of a leaf, if the registry has it. Indexed registries have no such paths.
    #[must_use]
    pub fn path(&self, registry: Registry, leaf: Fr) -> Option<Path> {
        self.trees[registry].tree().path(*self.positions[registry].get(&leaf)?)
    }

    /// The proof that an id is not revoked, if it is not.
    #[must_use]
    pub fn absence(&self, id: RevocationId) -> Option<NonMembership> {
        self.trees[Registry::Revocations].indexed()?.non_membership(id)
    }
}

/// The place of each leaf: the first of equal leaves. Zero is no leaf.
fn positions(leaves: &[Fr]) -> BTreeMap<Fr, u32> {
    let mut positions = BTreeMap::new();
    for (index, leaf) in (0u32..).zip(leaves).filter(|(_, leaf)| **leaf != Fr::from(0u64)) {
        positions.entry(*leaf).or_insert(index);
    }
    positions
}
