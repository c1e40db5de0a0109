//! The tree of a registry of either kind: one way to plan and to apply what a block adds.

use super::{IndexedTree, IndexedUpdate, InsertError, RevocationId, Root, Tree, TreeFull, Update};
use crate::field::Fr;
use crate::registry::RegistryKind;

/// A registry's tree.
#[derive(Clone)]
pub enum RegistryTree {
    /// Leaves in the order in which they came.
    Dense(Tree),
    /// A set of ids with proofs of absence.
    Indexed(IndexedTree),
}

/// What a block changes in a registry's tree.
#[derive(Clone)]
pub enum RegistryUpdate {
    /// Of a dense tree.
    Dense(Update),
    /// Of an indexed tree.
    Indexed(IndexedUpdate),
}

/// Why a change cannot be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No room.
    #[error(transparent)]
    Full(#[from] TreeFull),
    /// An id is in the set already, or there is no room for it.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// A value to insert is no id.
    #[error("value {0} is not an id of an indexed registry")]
    NotAnId(usize),
}

impl RegistryTree {
    /// The empty tree of a kind.
    #[must_use]
    pub fn new(kind: RegistryKind) -> Self {
        match kind {
            RegistryKind::Dense => Self::Dense(Tree::new()),
            RegistryKind::Indexed => Self::Indexed(IndexedTree::new()),
        }
    }

    /// The tree over the leaves; of an indexed registry, over the leaves' hashes.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        match self {
            Self::Dense(tree) => tree,
            Self::Indexed(tree) => tree.tree(),
        }
    }

    /// The set, if the registry is indexed.
    #[must_use]
    pub const fn indexed(&self) -> Option<&IndexedTree> {
        match self {
            Self::Dense(_) => None,
            Self::Indexed(tree) => Some(tree),
        }
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> Root {
        self.tree().root()
    }

    /// Number of leaves; an indexed tree begins with one.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.tree().len()
    }

    /// Whether there is no leaf.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tree().is_empty()
    }

    /// What setting leaves and then adding others would change. To an indexed tree ids are added,
    /// and no leaf of it can be set: `sets` is not read.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn plan(&self, sets: &[(u32, Fr)], added: &[Fr]) -> Result<RegistryUpdate, PlanError> {
        match self {
            Self::Dense(tree) => Ok(RegistryUpdate::Dense(tree.plan(sets, added)?)),
            Self::Indexed(tree) => {
                let id = |(i, value): (usize, &Fr)| RevocationId::new(*value).ok_or(PlanError::NotAnId(i));
                let ids = added.iter().enumerate().map(id).collect::<Result<Vec<_>, _>>()?;
                Ok(RegistryUpdate::Indexed(tree.plan_insert(&ids)?))
            }
        }
    }

    /// Carries out a plan made on this very tree.
    ///
    /// # Panics
    /// If the plan was made on a tree of another kind or length.
    pub fn apply(&mut self, update: RegistryUpdate) {
        match (self, update) {
            (Self::Dense(tree), RegistryUpdate::Dense(update)) => tree.apply(update),
            (Self::Indexed(tree), RegistryUpdate::Indexed(update)) => tree.apply(update),
            _ => panic!("the plan is of a tree of another kind"),
        }
    }
}

impl RegistryUpdate {
    /// The change of the tree over the leaves.
    #[must_use]
    pub const fn tree(&self) -> &Update {
        match self {
            Self::Dense(update) => update,
            Self::Indexed(update) => update.tree(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_what_applying_it_gives_for_both_kinds() {
        for kind in [RegistryKind::Dense, RegistryKind::Indexed] {
            let mut tree = RegistryTree::new(kind);
            for added in [vec![5u64, 9], vec![7]] {
                let added: Vec<Fr> = added.into_iter().map(Fr::from).collect();
                let update = tree.plan(&[], &added).expect("room");
                let planned = (update.tree().root(), update.tree().len());
                tree.apply(update);
                assert_eq!((tree.root(), tree.len()), planned);
            }
            assert_eq!(tree.indexed().is_some(), kind == RegistryKind::Indexed);
        }
    }

    #[test]
    fn only_ids_are_added_to_an_indexed_tree_and_each_once() {
        let mut tree = RegistryTree::new(RegistryKind::Indexed);
        let plan = |tree: &RegistryTree, n: u64| tree.plan(&[], &[Fr::from(n)]).map(drop);
        assert_eq!(plan(&tree, 0), Err(PlanError::NotAnId(0)));
        tree.apply(tree.plan(&[], &[Fr::from(5u64)]).expect("new"));
        assert!(matches!(plan(&tree, 5), Err(PlanError::Insert(InsertError::AlreadyPresent(_)))));
    }
}
