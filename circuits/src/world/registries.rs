//! The registries that a world is in: its own small ones, a ledger's, or some of any size.

use super::World;
use amanat_domain::bundle::{Bundle, PerRegistry, Registry, RegistryKind, RegistryState};
use amanat_domain::tree::{IndexedTree, NoSuchLeaf, NonMembership, Path, RegistryTree, RevocationId, Tree};
use std::sync::Arc;

/// Registries as of one bundle. Registries of equal content can share their tree.
#[derive(Clone)]
pub struct Registries {
    /// What commits to them.
    pub bundle: Bundle,
    trees: PerRegistry<Arc<RegistryTree>>,
}

impl Registries {
    /// A ledger's: its bundle, and the trees that the bundle commits to.
    #[must_use]
    pub fn new(bundle: Bundle, trees: PerRegistry<RegistryTree>) -> Self {
        Self { bundle, trees: trees.map(|_, tree| Arc::new(tree)) }
    }

    /// The dense registries all have the leaves of one tree, with the world's own in place of some,
    /// spread over the tree so that the paths differ.
    ///
    /// # Errors
    /// [`NoSuchLeaf`] if the tree has fewer leaves than the world.
    pub fn over(world: &World, mut dense: Tree, revocations: IndexedTree) -> Result<Self, NoSuchLeaf> {
        let own: Vec<_> = Registry::dense().filter_map(|registry| world.leaf(registry)).collect();
        let step = (dense.len() / own.len() as u64).max(1);
        for (i, leaf) in (0u64..).zip(own) {
            dense.set((i * step + step / 2) as u32, leaf)?;
        }
        let dense = Arc::new(RegistryTree::Dense(dense));
        let indexed = Arc::new(RegistryTree::Indexed(revocations));
        Ok(Self::sealed(
            world,
            PerRegistry::from_fn(|registry| match registry.kind() {
                RegistryKind::Dense => dense.clone(),
                RegistryKind::Indexed => indexed.clone(),
            }),
        ))
    }

    /// Under the bundle that an honest ledger would seal at the world's epoch and time.
    fn sealed(world: &World, trees: PerRegistry<Arc<RegistryTree>>) -> Self {
        let registries =
            PerRegistry::from_fn(|r| RegistryState { root: trees[r].root(), count: trees[r].len() });
        Self { bundle: Bundle { epoch: world.epoch, time: world.time, registries }, trees }
    }

    /// Path of the world's own leaf in a dense registry. `None` if the registry does not hold it.
    pub(crate) fn path(&self, world: &World, registry: Registry) -> Option<Path> {
        let (own, tree) = (world.leaf(registry)?, self.trees[registry].tree());
        let index = tree.leaves().iter().rposition(|leaf| *leaf == own)?;
        tree.path(index as u32)
    }

    /// The leaf around an id; of a revoked id, the leaf below it: what a liar would show.
    pub(crate) fn absence(&self, id: RevocationId) -> NonMembership {
        let revocations = self.trees[Registry::Revocations].indexed().expect("revocations are indexed");
        revocations.non_membership(id).unwrap_or_else(|| {
            let leaves = revocations.leaves();
            let below = leaves.iter().position(|l| l.next == id.to_field()).expect("something is below");
            let path = revocations.tree().path(below as u32).expect("in the tree");
            NonMembership { low_value: leaves[below].value, low_next: leaves[below].next, path }
        })
    }
}

impl World {
    /// The world's own registries as they now are.
    ///
    /// # Panics
    /// On more leaves than a registry takes, and on an id that is revoked twice.
    #[must_use]
    pub fn registries(&self) -> Registries {
        let trees = PerRegistry::from_fn(|registry| match registry.kind() {
            RegistryKind::Dense => {
                let mut leaves = self.strangers[registry].clone();
                if let Some(own) = self.leaf(registry) {
                    leaves.insert(self.positions[registry], own);
                }
                RegistryTree::Dense(Tree::from_leaves(&leaves).expect("room"))
            }
            RegistryKind::Indexed => {
                let mut revocations = IndexedTree::new();
                for id in &self.revoked {
                    revocations.insert(*id).expect("distinct");
                }
                RegistryTree::Indexed(revocations)
            }
        });
        Registries::sealed(self, trees.map(|_, tree| Arc::new(tree)))
    }
}
