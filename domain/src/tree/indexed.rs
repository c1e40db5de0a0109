//! The indexed tree: a set with proofs that a value is not in it.
//!
//! Each leaf holds a value and the next larger value of the set: a sorted list laid into a tree.
//! That `id` is absent is shown by the one leaf with `value < id < next`. Source: Tzialla,
//! Kothapalli, Parno, Setty, "Transparency Dictionaries with Succinct Proofs of Correct Operation"
//! (NDSS 2022); in production as Aztec's indexed Merkle tree.

use super::{BrokenTree, Node, Path, Root, Tree, TreeFull, Update};
use crate::field::{FIELD_BYTES, Fr, from_bytes, pow2, to_bytes};
use crate::poseidon::{Tag, hash};
use std::collections::BTreeMap;

/// Bits of a revocation id: comparisons in a circuit then need no care about the modulus.
pub const REVOCATION_BITS: u32 = 251;

/// What revoking publishes: a field element above zero and below 2^251.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RevocationId(Fr);

/// The number is no revocation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a revocation id: it is zero or not below 2^251")]
pub struct NotARevocationId;

/// The value is in the set already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is in the set already")]
pub struct AlreadyPresent(pub RevocationId);

/// Why values cannot be inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// One is in the set already, or twice in the list.
    #[error(transparent)]
    AlreadyPresent(#[from] AlreadyPresent),
    /// No room.
    #[error(transparent)]
    Full(#[from] TreeFull),
}

/// Leaves do not form one ascending list from 0 to 2^251.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// There is no leaf 0, or its value is not 0.
    #[error("leaf 0 must hold the value 0")]
    NoStart,
    /// A value is out of range or occurs twice.
    #[error("leaf {0}: its value is out of range or occurs twice")]
    BadValue(u32),
    /// A leaf does not name the next larger value.
    #[error("leaf {0} does not name the next larger value")]
    BadNext(u32),
    /// The nodes do not make a tree over these leaves.
    #[error(transparent)]
    Tree(#[from] BrokenTree),
    /// No room.
    #[error(transparent)]
    Full(#[from] TreeFull),
}

/// A leaf of the indexed tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexedLeaf {
    /// A value of the set; 0 in the first leaf.
    pub value: Fr,
    /// The next larger value of the set; 2^251 in the leaf of the largest.
    pub next: Fr,
}

/// A set of revocation ids as a tree.
#[derive(Clone)]
pub struct IndexedTree {
    tree: Tree,
    leaves: Vec<IndexedLeaf>,
    /// Value to leaf index; the initial leaf under 0.
    positions: BTreeMap<Fr, u32>,
}

/// Which leaves and nodes an insertion changes.
#[derive(Clone)]
pub struct IndexedUpdate {
    leaves: BTreeMap<u32, IndexedLeaf>,
    tree: Update,
}

/// Proof that a value is not in the set: the leaf that jumps over it.
///
/// Tells which value it is about; a witness, so no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NonMembership {
    /// The largest value below.
    pub low_value: Fr,
    /// The smallest value above.
    pub low_next: Fr,
    /// Path of that leaf.
    pub path: Path,
}

impl RevocationId {
    /// None for zero and for numbers not below 2^251.
    #[must_use]
    pub fn new(value: Fr) -> Option<Self> {
        (value > Fr::from(0u64) && value < sentinel()).then_some(Self(value))
    }

    /// The field element.
    #[must_use]
    pub const fn to_field(self) -> Fr {
        self.0
    }

    /// Canonical 32 bytes, little-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; FIELD_BYTES] {
        to_bytes(&self.0)
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// [`NotARevocationId`] if the number is zero or not below 2^251.
    pub fn from_bytes(bytes: &[u8; FIELD_BYTES]) -> Result<Self, NotARevocationId> {
        from_bytes(bytes).ok().and_then(Self::new).ok_or(NotARevocationId)
    }
}

impl core::fmt::Debug for RevocationId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RevocationId({self})")
    }
}

impl core::fmt::Display for RevocationId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

/// `next` of the largest value: 2^251.
fn sentinel() -> Fr {
    pow2(REVOCATION_BITS)
}

impl IndexedLeaf {
    /// The leaf of the empty set: 0, then 2^251.
    #[must_use]
    pub fn initial() -> Self {
        Self { value: Fr::from(0u64), next: sentinel() }
    }

    /// `H(IndexedLeaf; value, next)`.
    #[must_use]
    pub fn hash(&self) -> Fr {
        hash(Tag::IndexedLeaf, &[self.value, self.next])
    }
}

impl Default for IndexedTree {
    fn default() -> Self {
        Self::new()
    }
}

impl IndexedTree {
    /// The empty set: one leaf.
    #[must_use]
    pub fn new() -> Self {
        let initial = IndexedLeaf::initial();
        let mut tree = Tree::new();
        tree.append(initial.hash());
        Self { tree, leaves: vec![initial], positions: BTreeMap::from([(initial.value, 0)]) }
    }

    /// From its leaves in index order, as a mirror receives them.
    ///
    /// # Errors
    /// [`BrokenChain`] naming the leaf that does not fit.
    pub fn from_leaves(leaves: Vec<IndexedLeaf>) -> Result<Self, BrokenChain> {
        let positions = check_chain(&leaves)?;
        let hashes: Vec<Fr> = leaves.iter().map(IndexedLeaf::hash).collect();
        Ok(Self { tree: Tree::from_leaves(&hashes)?, leaves, positions })
    }

    /// From its leaves and stored nodes, see [`Tree::from_nodes`]. The list is checked; inner nodes
    /// are not hashed again.
    ///
    /// # Errors
    /// [`BrokenChain`].
    pub fn from_nodes(
        leaves: Vec<IndexedLeaf>,
        nodes: impl IntoIterator<Item = Node>,
    ) -> Result<Self, BrokenChain> {
        let positions = check_chain(&leaves)?;
        let tree = Tree::from_nodes(leaves.len() as u64, nodes)?;
        Ok(Self { tree, leaves, positions })
    }

    /// Number of leaves, the initial one included.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Never: the initial leaf is always there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    /// The leaves in index order.
    #[must_use]
    pub fn leaves(&self) -> &[IndexedLeaf] {
        &self.leaves
    }

    /// The tree over the leaves' hashes.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether the set holds `id`.
    #[must_use]
    pub fn contains(&self, id: RevocationId) -> bool {
        self.positions.contains_key(&id.0)
    }

    /// Index of the leaf that holds `id`; `None` if `id` is not in the set.
    #[must_use]
    pub fn position(&self, id: RevocationId) -> Option<u32> {
        self.positions.get(&id.0).copied()
    }

    /// The proof that `id` is not in the set; `None` if it is.
    #[must_use]
    pub fn non_membership(&self, id: RevocationId) -> Option<NonMembership> {
        if self.contains(id) {
            return None;
        }
        let index = self.low(&id.0);
        let leaf = self.leaves[index as usize];
        let path = self.tree.path(index).expect("every leaf of the list is in the tree");
        Some(NonMembership { low_value: leaf.value, low_next: leaf.next, path })
    }

    /// Inserts a value: the leaf below it now names it, and a new leaf takes over the old `next`.
    ///
    /// # Errors
    /// [`AlreadyPresent`].
    ///
    /// # Panics
    /// On a full tree, which does not fit in memory; a ledger uses [`IndexedTree::plan_insert`].
    pub fn insert(&mut self, id: RevocationId) -> Result<(), AlreadyPresent> {
        match self.plan_insert(&[id]) {
            Ok(update) => {
                self.apply(update);
                Ok(())
            }
            Err(InsertError::AlreadyPresent(e)) => Err(e),
            Err(InsertError::Full(e)) => panic!("{e}"),
        }
    }

    /// What inserting these values, one after the other, would change. The i-th gets the leaf index
    /// `len + i`.
    ///
    /// # Errors
    /// [`InsertError`] if one is in the set or in the list twice, or there is no room.
    pub fn plan_insert(&self, ids: &[RevocationId]) -> Result<IndexedUpdate, InsertError> {
        let full = TreeFull { len: self.len(), more: ids.len() as u64 };
        let mut leaves: BTreeMap<u32, IndexedLeaf> = BTreeMap::new();
        let mut new: BTreeMap<Fr, u32> = BTreeMap::new();
        for (i, id) in ids.iter().enumerate() {
            let at = u32::try_from(self.len() + i as u64).map_err(|_| full)?;
            if self.contains(*id) || new.contains_key(&id.0) {
                return Err(AlreadyPresent(*id).into());
            }
            // The low leaf is the larger of the one in the tree and the one among the new.
            let mut low = self.low(&id.0);
            if let Some((value, index)) = new.range(..id.0).next_back()
                && *value > self.leaves[low as usize].value
            {
                low = *index;
            }
            let low_leaf = leaves.entry(low).or_insert_with(|| self.leaves[low as usize]);
            let next = core::mem::replace(&mut low_leaf.next, id.0);
            leaves.insert(at, IndexedLeaf { value: id.0, next });
            new.insert(id.0, at);
        }
        let mut sets = Vec::new();
        let mut appended = Vec::with_capacity(ids.len());
        for (index, leaf) in &leaves {
            if u64::from(*index) < self.len() {
                sets.push((*index, leaf.hash()));
            } else {
                appended.push(leaf.hash());
            }
        }
        let tree = self.tree.plan(&sets, &appended)?;
        Ok(IndexedUpdate { leaves, tree })
    }

    /// Carries out a plan made on this very tree.
    ///
    /// # Panics
    /// If the plan was made on a tree of another length.
    pub fn apply(&mut self, update: IndexedUpdate) {
        self.tree.apply(update.tree);
        for (index, leaf) in update.leaves {
            match self.leaves.get_mut(index as usize) {
                Some(slot) => *slot = leaf,
                None => {
                    self.positions.insert(leaf.value, index);
                    self.leaves.push(leaf);
                }
            }
        }
    }

    /// Index of the leaf with the largest value below `value`.
    fn low(&self, value: &Fr) -> u32 {
        let (_, index) = self.positions.range(..*value).next_back().expect("0 is below every revocation id");
        *index
    }
}

impl IndexedUpdate {
    /// The changed leaves, by index.
    pub fn leaves(&self) -> impl Iterator<Item = (u32, IndexedLeaf)> + '_ {
        self.leaves.iter().map(|(index, leaf)| (*index, *leaf))
    }

    /// The change of the tree.
    #[must_use]
    pub const fn tree(&self) -> &Update {
        &self.tree
    }
}

impl NonMembership {
    /// Whether this shows that `id` is not in the set with this root: `low < id < next` and the
    /// leaf is in the tree.
    #[must_use]
    pub fn verify(&self, root: Root, id: RevocationId) -> bool {
        let leaf = IndexedLeaf { value: self.low_value, next: self.low_next };
        self.low_value < id.0 && id.0 < self.low_next && self.path.root(leaf.hash()) == root
    }
}

/// Values distinct and in range, each `next` the successor: then the list runs from 0 through all
/// values to the sentinel.
fn check_chain(leaves: &[IndexedLeaf]) -> Result<BTreeMap<Fr, u32>, BrokenChain> {
    if leaves.first().is_none_or(|leaf| leaf.value != Fr::from(0u64)) {
        return Err(BrokenChain::NoStart);
    }
    let mut positions = BTreeMap::new();
    for (index, leaf) in leaves.iter().enumerate() {
        let index = u32::try_from(index).map_err(|_| BrokenTree::TooLong(leaves.len() as u64))?;
        if leaf.value >= sentinel() || positions.insert(leaf.value, index).is_some() {
            return Err(BrokenChain::BadValue(index));
        }
    }
    let ends = positions.keys().skip(1).copied().chain([sentinel()]);
    for (index, next) in positions.values().zip(ends) {
        if leaves[*index as usize].next != next {
            return Err(BrokenChain::BadNext(*index));
        }
    }
    Ok(positions)
}
