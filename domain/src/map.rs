//! A map whose whole content one hash commits to, with proofs that a key is in it, or is not.
//!
//! A binary trie over 256-bit keys that hashes to a Merkle root, after Diem's Jellyfish Merkle tree
//! (Gao, Hu, Wu 2021) without its radix: a subtree with one key in it *is* that key's leaf, so the
//! depth is about the logarithm of the size. Keys must be hashes of what they stand for; otherwise
//! the party that chooses keys chooses the depth.
//!
//! | node | hash |
//! |---|---|
//! | nothing | 32 zero bytes |
//! | leaf | SHA-256(0x00, key, value) |
//! | inner | SHA-256(0x01, left, right) |
//!
//! The key's bits lead from the root down, the highest bit of the first byte first; 0 is left. One
//! content has one root: the shape depends on nothing but the keys.
//!
//! Nodes are shared: [`MerkleMap::with`] makes a new map beside the old one for the price of the
//! changed paths, so a block can be tried on a state without changing it.

use crate::wire::{Reader, WireError, Writer};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A key: the hash of what it stands for.
pub type Key = [u8; 32];
/// A value: a hash of what it says.
pub type Value = [u8; 32];
/// Root of a map.
pub type MapRoot = [u8; 32];

/// Bits of a key: the most siblings a proof has.
pub const BITS: usize = 256;
/// From how many changes on the halves of a subtree are worked on by separate threads.
const PARALLEL: usize = 512;

/// The root of an empty map, and the hash of every empty subtree.
pub const EMPTY: MapRoot = [0; 32];

/// A map. A clone costs nothing.
#[derive(Clone, Default)]
pub struct MerkleMap {
    root: Node,
    len: u64,
}

#[derive(Clone, Default)]
enum Node {
    #[default]
    Empty,
    Leaf(Arc<(Key, Value)>),
    Inner(Arc<Inner>),
}

struct Inner {
    hash: [u8; 32],
    left: Node,
    right: Node,
}

/// The proof that a map with some root has a key, or has it not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapProof {
    /// Hashes beside the path from the root, the deepest last.
    siblings: Vec<[u8; 32]>,
    end: End,
}

/// What is at the end of a key's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The key's own leaf.
    Present,
    /// Nothing.
    Nothing,
    /// The leaf of another key that has the path in common.
    Another(Key, Value),
}

/// Why a proof shows nothing of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// The proof says the opposite of what is asked.
    #[error("the proof is about a key that is {}", if *.present { "present" } else { "absent" })]
    Opposite {
        /// What it says.
        present: bool,
    },
    /// The other key at the end of the path is the one asked for, or is not on its path.
    #[error("the other key of the proof is not on this key's path")]
    OffThePath,
    /// The path does not lead to the root.
    #[error("the path does not lead to the root")]
    OtherRoot,
}

/// Whether the key turns right at this depth.
const fn right(key: &Key, depth: usize) -> bool {
    key[depth / 8] >> (7 - depth % 8) & 1 == 1
}

fn leaf_hash(key: &Key, value: &Value) -> [u8; 32] {
    Sha256::new().chain_update([0u8]).chain_update(key).chain_update(value).finalize().into()
}

fn inner_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1u8]).chain_update(left).chain_update(right).finalize().into()
}

impl Node {
    fn leaf(key: Key, value: Value) -> Self {
        Self::Leaf(Arc::new((key, value)))
    }

    /// The node over two subtrees of which at least two keys are in one or one in each.
    fn inner(left: Self, right: Self) -> Self {
        let hash = inner_hash(&left.hash(), &right.hash());
        Self::Inner(Arc::new(Inner { hash, left, right }))
    }

    fn hash(&self) -> [u8; 32] {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(leaf) => leaf_hash(&leaf.0, &leaf.1),
            Self::Inner(inner) => inner.hash,
        }
    }

    /// This subtree with changes, whose keys are sorted, distinct and belong here; and how many of
    /// them are new.
    fn with(&self, depth: usize, changes: &[(Key, Value)]) -> (Self, u64) {
        match (self, changes) {
            (_, []) => (self.clone(), 0),
            (Self::Empty, [(key, value)]) => (Self::leaf(*key, *value), 1),
            (Self::Leaf(leaf), [(key, value)]) if leaf.0 == *key => (Self::leaf(*key, *value), 0),
            _ => {
                // A leaf goes down to the side its key is on; whether it stays the only one there
                // is seen there.
                let (left, right) = match self {
                    Self::Inner(inner) => (&inner.left, &inner.right),
                    Self::Leaf(leaf) if right(&leaf.0, depth) => (&Self::Empty, self),
                    Self::Leaf(_) => (self, &Self::Empty),
                    Self::Empty => (&Self::Empty, &Self::Empty),
                };
                let (to_left, to_right) =
                    changes.split_at(changes.partition_point(|c| !self::right(&c.0, depth)));
                let go_left = || left.with(depth + 1, to_left);
                let go_right = || right.with(depth + 1, to_right);
                let ((left, new_left), (right, new_right)) = if changes.len() >= PARALLEL {
                    rayon::join(go_left, go_right)
                } else {
                    (go_left(), go_right())
                };
                (Self::inner(left, right), new_left + new_right)
            }
        }
    }
}

impl MerkleMap {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of keys.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What commits to all of it.
    #[must_use]
    pub fn root(&self) -> MapRoot {
        self.root.hash()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Value> {
        let mut node = &self.root;
        for depth in 0..=BITS {
            match node {
                Node::Empty => return None,
                Node::Leaf(leaf) => return (leaf.0 == *key).then_some(&leaf.1),
                Node::Inner(inner) => node = if right(key, depth) { &inner.right } else { &inner.left },
            }
        }
        None
    }

    /// This map with these values set; of a key that comes more than once the last value counts.
    #[must_use]
    pub fn with(&self, changes: impl IntoIterator<Item = (Key, Value)>) -> Self {
        let mut changes: Vec<(Key, Value)> = changes.into_iter().collect();
        // Stable: of equal keys the last one stays last.
        changes.sort_by_key(|change| change.0);
        changes.reverse();
        changes.dedup_by_key(|change| change.0);
        changes.reverse();
        let (root, new) = self.root.with(0, &changes);
        Self { root, len: self.len + new }
    }

    /// The proof that the key is there, or that it is not.
    #[must_use]
    pub fn prove(&self, key: &Key) -> MapProof {
        let (mut node, mut siblings) = (&self.root, Vec::new());
        loop {
            let end = match node {
                Node::Empty => End::Nothing,
                Node::Leaf(leaf) if leaf.0 == *key => End::Present,
                Node::Leaf(leaf) => End::Another(leaf.0, leaf.1),
                Node::Inner(inner) => {
                    let (next, beside) = match right(key, siblings.len()) {
                        true => (&inner.right, &inner.left),
                        false => (&inner.left, &inner.right),
                    };
                    siblings.push(beside.hash());
                    node = next;
                    continue;
                }
            };
            return MapProof { siblings, end };
        }
    }
}

impl MapProof {
    /// Whether it says that the key is there.
    #[must_use]
    pub const fn present(&self) -> bool {
        matches!(self.end, End::Present)
    }

    /// Checks that the map with this root has `value` at `key`, or, with none, that it does not
    /// have the key.
    ///
    /// # Errors
    /// [`NotShown`].
    pub fn verify(&self, root: &MapRoot, key: &Key, value: Option<&Value>) -> Result<(), NotShown> {
        let end = match (self.end, value) {
            (End::Present, Some(value)) => leaf_hash(key, value),
            (End::Nothing, None) => EMPTY,
            (End::Another(other, value), None) => {
                let depth = self.siblings.len();
                if other == *key || depth > BITS || (0..depth).any(|d| right(&other, d) != right(key, d)) {
                    return Err(NotShown::OffThePath);
                }
                leaf_hash(&other, &value)
            }
            (end, _) => return Err(NotShown::Opposite { present: end == End::Present }),
        };
        if self.siblings.len() > BITS {
            return Err(NotShown::OtherRoot);
        }
        let up = self.siblings.iter().enumerate().rev();
        let got = up.fold(end, |own, (depth, beside)| match right(key, depth) {
            true => inner_hash(beside, &own),
            false => inner_hash(&own, beside),
        });
        if got == *root { Ok(()) } else { Err(NotShown::OtherRoot) }
    }

    /// Writes canonical bytes: number of siblings (u16), the siblings, the end.
    pub fn write(&self, w: &mut Writer) {
        w.u16(u16::try_from(self.siblings.len()).expect("a path has at most 256 siblings"));
        self.siblings.iter().for_each(|s| w.fixed(s));
        match &self.end {
            End::Present => w.u8(1),
            End::Nothing => w.u8(2),
            End::Another(key, value) => {
                w.u8(3);
                w.fixed(key);
                w.fixed(value);
            }
        }
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let got = r.u16("siblings")? as usize;
        if got > BITS {
            return Err(WireError::Length { what: "siblings", got, least: 0, most: BITS });
        }
        let siblings = (0..got).map(|_| r.array("sibling")).collect::<Result<_, _>>()?;
        let end = match r.u8("end of the path")? {
            1 => End::Present,
            2 => End::Nothing,
            3 => End::Another(r.array("other key")?, r.array("other value")?),
            n => return Err(WireError::Unknown { what: "end of the path", got: n.into() }),
        };
        Ok(Self { siblings, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn key(n: u64) -> Key {
        Sha256::digest(n.to_le_bytes()).into()
    }

    fn value(n: u64) -> Value {
        Sha256::digest([n.to_le_bytes(), [1; 8]].concat()).into()
    }

    fn of(entries: &BTreeMap<Key, Value>) -> MerkleMap {
        MerkleMap::new().with(entries.iter().map(|(k, v)| (*k, *v)))
    }

    /// The root by the definition alone: sorted keys, split by bits.
    fn naive(entries: &[(Key, Value)], depth: usize) -> [u8; 32] {
        match entries {
            [] => EMPTY,
            [(key, value)] => leaf_hash(key, value),
            many => {
                let (left, right): (Vec<_>, Vec<_>) = many.iter().partition(|e| !super::right(&e.0, depth));
                inner_hash(&naive(&left, depth + 1), &naive(&right, depth + 1))
            }
        }
    }

    /// Keys that collide in many leading bits: the hard cases of the shape.
    fn close_key() -> impl Strategy<Value = Key> {
        (0u8..4, 0usize..32, 0u8..8).prop_map(|(first, at, bits)| {
            let mut key = [0u8; 32];
            key[0] = first << 6;
            key[at] ^= bits;
            key
        })
    }

    proptest! {
        #[test]
        fn a_map_is_what_was_put_into_it_however_it_was_put(
            puts in proptest::collection::vec(proptest::collection::vec((close_key(), any::<u8>()), 0..20), 0..6)
        ) {
            let (mut map, mut model) = (MerkleMap::new(), BTreeMap::new());
            for batch in puts {
                let before = map.clone();
                let (root, len) = (before.root(), before.len());
                let batch: Vec<_> = batch.into_iter().map(|(k, v)| (k, [v; 32])).collect();
                map = map.with(batch.iter().copied());
                model.extend(batch);
                prop_assert_eq!((before.root(), before.len()), (root, len), "the old map stays as it was");
            }
            let entries: Vec<_> = model.iter().map(|(k, v)| (*k, *v)).collect();
            prop_assert_eq!(map.root(), naive(&entries, 0));
            prop_assert_eq!(map.len(), model.len() as u64);
            let mut one_by_one = MerkleMap::new();
            for (k, v) in entries.iter().rev() {
                one_by_one = one_by_one.with([(*k, *v)]);
            }
            prop_assert_eq!(one_by_one.root(), map.root());
            for (k, v) in &entries {
                prop_assert_eq!(map.get(k), Some(v));
            }
        }

        #[test]
        fn a_proof_shows_its_key_and_nothing_else(
            keys in proptest::collection::btree_set(close_key(), 0..24),
            asked in close_key(),
            other in close_key(),
        ) {
            let model: BTreeMap<Key, Value> = keys.into_iter().map(|k| (k, value(k[0].into()))).collect();
            let map = of(&model);
            let (proof, root) = (map.prove(&asked), map.root());
            let there = model.get(&asked);
            prop_assert_eq!(proof.present(), there.is_some());
            prop_assert_eq!(proof.verify(&root, &asked, there), Ok(()));
            // Not the opposite, not another value, not another root.
            let opposite = if there.is_some() { None } else { Some(&EMPTY) };
            prop_assert!(proof.verify(&root, &asked, opposite).is_err());
            if there.is_some() {
                prop_assert_eq!(proof.verify(&root, &asked, Some(&[9; 32])), Err(NotShown::OtherRoot));
            }
            let mut wrong = root;
            wrong[31] ^= 1;
            prop_assert_eq!(proof.verify(&wrong, &asked, there), Err(NotShown::OtherRoot));
            // Of another key it shows only what is true of that key.
            for claim in [None, Some(value(other[0].into()))] {
                if proof.verify(&root, &other, claim.as_ref()).is_ok() {
                    prop_assert_eq!(model.get(&other), claim.as_ref());
                }
            }
            let mut w = Writer::new();
            proof.write(&mut w);
            let bytes = w.finish();
            let mut r = Reader::new(&bytes);
            prop_assert_eq!(MapProof::read(&mut r), Ok(proof));
            prop_assert_eq!(r.finish(), Ok(()));
        }

        #[test]
        fn bytes_are_a_proof_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut r = Reader::new(&bytes);
            if let Ok(proof) = MapProof::read(&mut r) {
                let _ = proof.verify(&EMPTY, &[0; 32], None);
                let mut w = Writer::new();
                proof.write(&mut w);
                prop_assert!(bytes.starts_with(&w.finish()));
            }
        }
    }

    #[test]
    fn every_changed_part_of_a_proof_is_noticed() {
        let map = MerkleMap::new().with((0..300).map(|n| (key(n), value(n))));
        for n in 290..310 {
            let claim = (n < 300).then(|| value(n));
            let proof = map.prove(&key(n));
            assert_eq!(proof.verify(&map.root(), &key(n), claim.as_ref()), Ok(()));
            let refused = |proof: &MapProof| proof.verify(&map.root(), &key(n), claim.as_ref()).is_err();
            for at in 0..proof.siblings.len() {
                let mut bad = proof.clone();
                bad.siblings[at][0] ^= 1;
                assert!(refused(&bad), "sibling {at} of {n}");
                let mut bad = proof.clone();
                bad.siblings.remove(at);
                assert!(refused(&bad), "without sibling {at} of {n}");
                let mut bad = proof.clone();
                bad.siblings.insert(at, [7; 32]);
                assert!(refused(&bad), "with one more at {at} of {n}");
            }
            let ends = [
                End::Present,
                End::Nothing,
                End::Another(key(1000 + n), value(n)),
                End::Another(key(n), value(n)),
            ];
            for end in ends.into_iter().filter(|end| *end != proof.end) {
                assert!(refused(&MapProof { end, ..proof.clone() }), "{end:?} for {n}");
            }
        }
    }

    #[test]
    fn a_present_key_cannot_be_hidden_behind_a_leaf_of_its_own_or_an_inner_node() {
        let map = MerkleMap::new().with((0..50).map(|n| (key(n), value(n))));
        let (root, key, value) = (map.root(), key(7), value(7));
        let proof = map.prove(&key);
        // Its own leaf, presented as another key's.
        let own = MapProof { end: End::Another(key, value), ..proof.clone() };
        assert_eq!(own.verify(&root, &key, None), Err(NotShown::OffThePath));
        // The proof cut short, with what stood there as a leaf: no preimage of an inner node is a
        // leaf.
        for short in 0..proof.siblings.len() {
            for end in [End::Nothing, End::Another(self::key(8), self::value(8))] {
                let cut = MapProof { siblings: proof.siblings[..short].to_vec(), end };
                assert!(cut.verify(&root, &key, None).is_err());
            }
        }
        let long = MapProof { siblings: vec![EMPTY; BITS + 1], end: End::Nothing };
        assert_eq!(long.verify(&root, &key, None), Err(NotShown::OtherRoot));
    }

    #[test]
    fn known_roots() {
        assert_eq!(MerkleMap::new().root(), EMPTY);
        let (a, b) = ([0u8; 32], [0x80u8; 32]);
        let one = MerkleMap::new().with([(a, [1; 32])]);
        assert_eq!(one.root(), leaf_hash(&a, &[1; 32]));
        let two = one.with([(b, [2; 32])]);
        assert_eq!(two.root(), inner_hash(&leaf_hash(&a, &[1; 32]), &leaf_hash(&b, &[2; 32])));
        // The last value of a key that comes twice.
        assert_eq!(one.with([(b, [3; 32]), (b, [2; 32])]).root(), two.root());
        // Keys that differ in the last bit alone.
        let mut c = a;
        c[31] = 1;
        let deep = one.with([(c, [4; 32])]);
        assert_eq!(deep.prove(&c).siblings.len(), BITS);
        assert_eq!(deep.prove(&c).verify(&deep.root(), &c, Some(&[4; 32])), Ok(()));
    }

    #[test]
    fn large_batches_go_over_threads_and_give_the_same_root() {
        let entries: Vec<_> = (0..4 * PARALLEL as u64).map(|n| (key(n), value(n))).collect();
        let at_once = MerkleMap::new().with(entries.iter().copied());
        let in_parts = entries.chunks(37).fold(MerkleMap::new(), |map, part| map.with(part.iter().copied()));
        assert_eq!((at_once.root(), at_once.len()), (in_parts.root(), in_parts.len()));
    }
}
