//! The tree itself: all leaves and inner nodes of the filled prefix, level by level.

use super::{ARITY, CAPACITY, DEPTH, Path, Root, empty_subtree, node};
use crate::field::Fr;
use rayon::prelude::*;

/// Below this many hashes at a level, threads cost more than they save.
const PARALLEL_FROM: usize = 32;

/// A Merkle tree over the leaves `0..len`; every slot behind is zero.
#[derive(Clone)]
pub struct Tree {
    /// `levels[k]` holds the nodes of height `k` over the filled prefix: `ceil(len / 4^k)` of them.
    levels: [Vec<Fr>; DEPTH + 1],
}

/// One stored node: height 0 is a leaf, height [`DEPTH`] the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves.
    pub level: u8,
    /// Position at that height, from the left.
    pub index: u32,
    /// Its value.
    pub value: Fr,
}

/// Which nodes a change makes new, worked out before anything is changed.
#[derive(Clone)]
pub struct Update {
    before: u64,
    after: u64,
    root: Root,
    /// Per height, the changed nodes in ascending order.
    levels: [Vec<(u32, Fr)>; DEPTH + 1],
}

/// The tree has no free slot left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree is full: {len} of {CAPACITY} leaves, {more} more asked for")]
pub struct TreeFull {
    /// Leaves it holds.
    pub len: u64,
    /// Leaves that were to be added.
    pub more: u64,
}

/// There is no leaf with this index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no leaf {index}: the tree has {len}")]
pub struct NoSuchLeaf {
    /// The index asked for.
    pub index: u32,
    /// Leaves the tree holds.
    pub len: u64,
}

/// Stored nodes do not make a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenTree {
    /// More leaves than fit.
    #[error("a tree of {0} leaves is impossible")]
    TooLong(u64),
    /// A node is missing, double or out of place.
    #[error("node {index} of level {level} expected, {} found", Found(*.got))]
    Misplaced {
        /// Level of the node that should have come.
        level: u8,
        /// Its index.
        index: u32,
        /// What came instead.
        got: Option<(u8, u32)>,
    },
    /// A node is not the hash of its children.
    #[error("node {index} of level {level} is not the hash of its children")]
    WrongHash {
        /// Its level.
        level: u8,
        /// Its index.
        index: u32,
    },
}

struct Found(Option<(u8, u32)>);

impl core::fmt::Display for Found {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some((level, index)) => write!(f, "node {index} of level {level}"),
            None => f.write_str("nothing"),
        }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// The empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { levels: [const { Vec::new() }; DEPTH + 1] }
    }

    /// A tree over these leaves, hashed in bulk.
    ///
    /// # Errors
    /// [`TreeFull`].
    pub fn from_leaves(leaves: &[Fr]) -> Result<Self, TreeFull> {
        let mut tree = Self::new();
        let update = tree.plan_append(leaves)?;
        tree.apply(update);
        Ok(tree)
    }

    /// A tree of `len` leaves from its stored nodes in ascending order of (level, index), every one
    /// exactly once. Nothing is hashed: see [`Tree::check`] and [`Tree::check_leaf`].
    ///
    /// # Errors
    /// [`BrokenTree`] naming the first node that is missing or out of place.
    pub fn from_nodes(len: u64, nodes: impl IntoIterator<Item = Node>) -> Result<Self, BrokenTree> {
        if len > CAPACITY {
            return Err(BrokenTree::TooLong(len));
        }
        let mut nodes = nodes.into_iter();
        let mut tree = Self::new();
        let mut width = len;
        for (level, stored) in tree.levels.iter_mut().enumerate() {
            for index in 0..width {
                // width <= 2^32, so an index below it fits.
                let expected = (level as u8, index as u32);
                match nodes.next() {
                    Some(n) if (n.level, n.index) == expected => stored.push(n.value),
                    other => return Err(misplaced(expected, other)),
                }
            }
            width = width.div_ceil(ARITY as u64);
        }
        match nodes.next() {
            None => Ok(tree),
            Some(n) => Err(misplaced((DEPTH as u8, 1), Some(n))),
        }
    }

    /// Number of leaves, zeroed ones included.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// Whether there is no leaf.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.levels[0].is_empty()
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Root {
        Root::new(self.node_or_empty(DEPTH, 0))
    }

    /// A leaf; none behind the end.
    #[must_use]
    pub fn leaf(&self, index: u32) -> Option<Fr> {
        self.levels[0].get(index as usize).copied()
    }

    /// All leaves in order.
    #[must_use]
    pub fn leaves(&self) -> &[Fr] {
        &self.levels[0]
    }

    /// Every stored node, in the order [`Tree::from_nodes`] takes them.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.levels.iter().enumerate().flat_map(|(level, nodes)| {
            nodes.iter().enumerate().map(move |(index, value)| Node {
                level: level as u8,
                index: index as u32,
                value: *value,
            })
        })
    }

    /// Path of a leaf to the root; none behind the end.
    #[must_use]
    pub fn path(&self, index: u32) -> Option<Path> {
        if u64::from(index) >= self.len() {
            return None;
        }
        let siblings = core::array::from_fn(|level| {
            let at = u64::from(index) >> (2 * level);
            let (first, own) = (at & !3, (at & 3) as usize);
            // The i-th sibling is the i-th child that is not the own one.
            core::array::from_fn(|i| self.node_or_empty(level, first + (i + usize::from(i >= own)) as u64))
        });
        Some(Path { index, siblings })
    }

    /// Appends one leaf and gives its index.
    ///
    /// # Panics
    /// On a full tree, which needs 180 GB of memory first; a ledger uses [`Tree::plan_append`].
    pub fn append(&mut self, leaf: Fr) -> u32 {
        let index = self.len() as u32;
        self.extend(&[leaf]);
        index
    }

    /// Appends leaves in bulk: each changed node is hashed once, in parallel.
    ///
    /// # Panics
    /// As [`Tree::append`].
    pub fn extend(&mut self, leaves: &[Fr]) {
        let update =
            self.plan_append(leaves).expect("a full tree has 2^32 leaves and does not fit in memory");
        self.apply(update);
    }

    /// Replaces a leaf; zero retires it.
    ///
    /// # Errors
    /// [`NoSuchLeaf`] behind the end.
    pub fn set(&mut self, index: u32, leaf: Fr) -> Result<(), NoSuchLeaf> {
        if u64::from(index) >= self.len() {
            return Err(NoSuchLeaf { index, len: self.len() });
        }
        let update = self.plan(&[(index, leaf)], &[]).expect("nothing is appended");
        self.apply(update);
        Ok(())
    }

    /// What appending would change.
    ///
    /// # Errors
    /// [`TreeFull`].
    pub fn plan_append(&self, leaves: &[Fr]) -> Result<Update, TreeFull> {
        self.plan(&[], leaves)
    }

    /// What setting some leaves and then appending others would change. A later setting of the same
    /// leaf wins, and a setting may reach into the appended leaves; a setting beyond them is
    /// ignored.
    ///
    /// # Errors
    /// [`TreeFull`].
    pub fn plan(&self, sets: &[(u32, Fr)], appended: &[Fr]) -> Result<Update, TreeFull> {
        let before = self.len();
        let full = TreeFull { len: before, more: appended.len() as u64 };
        let after = before.checked_add(appended.len() as u64).filter(|n| *n <= CAPACITY).ok_or(full)?;
        let mut tail = appended.to_vec();
        let mut inner = std::collections::BTreeMap::new();
        for (index, leaf) in sets {
            match u64::from(*index).checked_sub(before) {
                None => {
                    inner.insert(*index, *leaf);
                }
                Some(at) => {
                    if let Some(slot) = tail.get_mut(at as usize) {
                        *slot = *leaf;
                    }
                }
            }
        }
        let mut levels = [const { Vec::new() }; DEPTH + 1];
        levels[0] =
            inner.into_iter().chain((before..).map(|i| i as u32).zip(tail)).collect::<Vec<(u32, Fr)>>();
        for level in 0..DEPTH {
            levels[level + 1] = self.parents(level, &levels[level]);
        }
        let root = levels[DEPTH].first().map_or(self.root(), |(_, value)| Root::new(*value));
        Ok(Update { before, after, root, levels })
    }

    /// The new parents of the changed nodes of one level.
    fn parents(&self, level: usize, changed: &[(u32, Fr)]) -> Vec<(u32, Fr)> {
        let families: Vec<&[(u32, Fr)]> = changed.chunk_by(|a, b| a.0 / 4 == b.0 / 4).collect();
        let parent = |family: &&[(u32, Fr)]| {
            let first = u64::from(family[0].0) & !3;
            let mut children: [Fr; ARITY] =
                core::array::from_fn(|i| self.node_or_empty(level, first + i as u64));
            for (index, value) in *family {
                children[(index & 3) as usize] = *value;
            }
            ((first / 4) as u32, node(&children))
        };
        if families.len() < PARALLEL_FROM {
            families.iter().map(parent).collect()
        } else {
            families.par_iter().map(parent).collect()
        }
    }

    /// Carries out a plan made on this very tree.
    ///
    /// # Panics
    /// If the plan was made on a tree of another length.
    pub fn apply(&mut self, update: Update) {
        assert_eq!(update.before, self.len(), "an update is applied to the tree it was planned on");
        for (stored, changed) in self.levels.iter_mut().zip(update.levels) {
            for (index, value) in changed {
                match stored.get_mut(index as usize) {
                    Some(slot) => *slot = value,
                    // Changed nodes ascend and the first new one is the next in line.
                    None => stored.push(value),
                }
            }
        }
    }

    /// Recomputes every inner node.
    ///
    /// # Errors
    /// [`BrokenTree::WrongHash`] naming the first that is wrong.
    pub fn check(&self) -> Result<(), BrokenTree> {
        for level in 1..=DEPTH {
            let wrong = self.levels[level].par_iter().enumerate().find_map_first(|(index, value)| {
                (*value != self.hash_of_children(level, index)).then_some(index)
            });
            if let Some(index) = wrong {
                return Err(BrokenTree::WrongHash { level: level as u8, index: index as u32 });
            }
        }
        Ok(())
    }

    /// Recomputes the inner nodes above one leaf.
    ///
    /// # Errors
    /// [`BrokenTree::WrongHash`] naming the lowest that is wrong.
    pub fn check_leaf(&self, index: u32) -> Result<(), BrokenTree> {
        for level in 1..=DEPTH {
            let at = (u64::from(index) >> (2 * level)) as usize;
            if self.levels[level].get(at).is_some_and(|value| *value != self.hash_of_children(level, at)) {
                return Err(BrokenTree::WrongHash { level: level as u8, index: at as u32 });
            }
        }
        Ok(())
    }

    fn hash_of_children(&self, level: usize, index: usize) -> Fr {
        node(&core::array::from_fn(|i| self.node_or_empty(level - 1, (index * ARITY + i) as u64)))
    }

    fn node_or_empty(&self, level: usize, index: u64) -> Fr {
        usize::try_from(index)
            .ok()
            .and_then(|i| self.levels[level].get(i).copied())
            .unwrap_or_else(|| empty_subtree(level))
    }
}

impl Update {
    /// The root after the change.
    #[must_use]
    pub const fn root(&self) -> Root {
        self.root
    }

    /// Number of leaves after the change.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.after
    }

    /// Whether the tree is empty after the change.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.after == 0
    }

    /// Index of the first appended leaf.
    #[must_use]
    pub const fn first_appended(&self) -> u64 {
        self.before
    }

    /// The changed nodes in ascending order of (level, index).
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.levels.iter().enumerate().flat_map(|(level, nodes)| {
            nodes.iter().map(move |(index, value)| Node { level: level as u8, index: *index, value: *value })
        })
    }
}

fn misplaced((level, index): (u8, u32), got: Option<Node>) -> BrokenTree {
    BrokenTree::Misplaced { level, index, got: got.map(|n| (n.level, n.index)) }
}
