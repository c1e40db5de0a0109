use super::*;
use crate::field::pow2;
use ark_ff::{AdditiveGroup, UniformRand};
use choices::Sequence;
use std::collections::BTreeMap;

/// A deterministic stream of choices: enough for random sequences without another dependency.
mod choices {
    pub(super) struct Sequence(pub(super) u64);
    impl Sequence {
        pub(super) fn below(&mut self, n: u64) -> u64 {
            // splitmix64
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % n
        }
    }
}

fn f(n: u64) -> Fr {
    Fr::from(n)
}

fn id(n: u64) -> RevocationId {
    RevocationId::new(f(n)).expect("small and not zero")
}

/// The definition: every level in full, with the filled prefix padded by empty subtrees.
fn naive_root(leaves: &[Fr]) -> Root {
    let mut level = leaves.to_vec();
    let mut empty = Fr::ZERO;
    for _ in 0..DEPTH {
        level.resize(level.len().div_ceil(ARITY) * ARITY, empty);
        level = level.chunks(ARITY).map(|c| node(&[c[0], c[1], c[2], c[3]])).collect();
        empty = node(&[empty; ARITY]);
    }
    Root::new(level.first().copied().unwrap_or(empty))
}

#[test]
fn an_empty_tree_has_the_root_of_empty_subtrees() {
    assert_eq!(Tree::new().root(), naive_root(&[]));
    assert_eq!(Tree::new().root().to_field(), empty_subtree(DEPTH));
    assert!(Tree::new().path(0).is_none());
}

#[test]
fn random_sequences_of_appending_and_setting_agree_with_full_recomputation() {
    let mut rng = ark_std::test_rng();
    let mut choose = Sequence(7);
    let mut tree = Tree::new();
    let mut model: Vec<Fr> = Vec::new();
    for _ in 0..60 {
        match choose.below(3) {
            0 => {
                let leaf = Fr::rand(&mut rng);
                assert_eq!(u64::from(tree.append(leaf)), model.len() as u64);
                model.push(leaf);
            }
            1 => {
                let leaves: Vec<Fr> = (0..choose.below(40)).map(|_| Fr::rand(&mut rng)).collect();
                tree.extend(&leaves);
                model.extend(&leaves);
            }
            _ if !model.is_empty() => {
                let at = choose.below(model.len() as u64) as usize;
                let leaf = if choose.below(2) == 0 { Fr::ZERO } else { Fr::rand(&mut rng) };
                tree.set(at as u32, leaf).expect("in range");
                model[at] = leaf;
            }
            _ => {}
        }
        assert_eq!(tree.len(), model.len() as u64);
        assert_eq!(tree.root(), naive_root(&model));
    }
    assert_eq!(tree.leaves(), model);
    assert_eq!(tree.check(), Ok(()));
    let len = tree.len();
    assert_eq!(tree.set(len as u32, Fr::ZERO), Err(NoSuchLeaf { index: len as u32, len }));
}

#[test]
fn bulk_appending_equals_one_by_one() {
    let mut rng = ark_std::test_rng();
    for n in [0usize, 1, 3, 4, 5, 16, 17, 63, 64, 65, 300] {
        let leaves: Vec<Fr> = (0..n).map(|_| Fr::rand(&mut rng)).collect();
        let bulk = Tree::from_leaves(&leaves).expect("room");
        let mut single = Tree::new();
        leaves.iter().for_each(|leaf| {
            single.append(*leaf);
        });
        assert_eq!(bulk.root(), single.root(), "{n}");
        assert!(bulk.nodes().eq(single.nodes()), "{n}");
    }
}

#[test]
fn a_plan_tells_root_and_nodes_before_anything_changes() {
    let mut rng = ark_std::test_rng();
    let mut tree = Tree::from_leaves(&[f(1), f(2), f(3), f(4), f(5)]).expect("room");
    let before = tree.clone();
    let appended: Vec<Fr> = (0..50).map(|_| Fr::rand(&mut rng)).collect();
    // Leaf 1 twice (the later wins), one of the appended leaves, and one behind the end (ignored).
    let sets = [(1, f(9)), (1, f(10)), (7, f(11)), (900, f(12))];
    let update = tree.plan(&sets, &appended).expect("room");
    assert_eq!(tree.root(), before.root());
    let mut model = vec![f(1), f(10), f(3), f(4), f(5)];
    model.extend(&appended);
    model[7] = f(11);
    assert_eq!(update.root(), naive_root(&model));
    assert_eq!((update.len(), update.first_appended()), (55, 5));

    // Stored incrementally: the old nodes overwritten by the changed ones are the new tree's nodes.
    let mut stored: BTreeMap<(u8, u32), Fr> =
        before.nodes().chain(update.nodes()).map(|n| ((n.level, n.index), n.value)).collect();
    tree.apply(update);
    let nodes = |stored: &BTreeMap<(u8, u32), Fr>| -> Vec<Node> {
        stored
            .iter()
            .map(|((level, index), value)| Node { level: *level, index: *index, value: *value })
            .collect()
    };
    let rebuilt = Tree::from_nodes(tree.len(), nodes(&stored)).expect("complete");
    assert_eq!(rebuilt.check(), Ok(()));
    assert!(rebuilt.nodes().eq(tree.nodes()));
    assert_eq!(rebuilt.root(), naive_root(&model));

    // A changed, missing or surplus node is found.
    *stored.get_mut(&(1, 3)).expect("there") += f(1);
    let broken = Tree::from_nodes(tree.len(), nodes(&stored)).expect("the shape is right");
    assert_eq!(broken.check(), Err(BrokenTree::WrongHash { level: 1, index: 3 }));
    assert_eq!(broken.check_leaf(13), Err(BrokenTree::WrongHash { level: 1, index: 3 }));
    assert_eq!(broken.check_leaf(0), Err(BrokenTree::WrongHash { level: 2, index: 0 }));
    assert_eq!(broken.check_leaf(40), Ok(()));
    stored.remove(&(1, 3));
    assert_eq!(
        Tree::from_nodes(tree.len(), nodes(&stored)).err(),
        Some(BrokenTree::Misplaced { level: 1, index: 3, got: Some((1, 4)) })
    );
    assert!(Tree::from_nodes(tree.len() - 1, tree.nodes()).is_err());
    assert!(Tree::from_nodes(tree.len() + 1, tree.nodes()).is_err());
    assert_eq!(Tree::from_nodes(CAPACITY + 1, []).err(), Some(BrokenTree::TooLong(CAPACITY + 1)));
}

#[test]
fn a_path_leads_to_the_root_and_every_change_to_it_leads_elsewhere() {
    let mut rng = ark_std::test_rng();
    let leaves: Vec<Fr> = (0..23).map(|_| Fr::rand(&mut rng)).collect();
    let tree = Tree::from_leaves(&leaves).expect("room");
    for (index, leaf) in leaves.iter().enumerate() {
        let path = tree.path(index as u32).expect("in range");
        assert_eq!(path.root(*leaf), tree.root());
        assert_ne!(path.root(*leaf + f(1)), tree.root());
    }
    assert!(tree.path(23).is_none());
    let path = tree.path(13).expect("in range");
    for level in 0..DEPTH {
        for i in 0..3 {
            let mut bad = path.clone();
            bad.siblings[level][i] += f(1);
            assert_ne!(bad.root(leaves[13]), tree.root(), "sibling {i} of level {level}");
        }
        for bit in 0..2 {
            let mut bad = path.clone();
            bad.index ^= 1 << (2 * level + bit);
            // Above the filled prefix siblings are the empty subtree, alike in every position but
            // the own.
            assert_ne!(bad.root(leaves[13]), tree.root(), "bit {bit} of digit {level}");
        }
    }
    assert_eq!(path.digit(0), 1);
    assert_eq!(path.digit(1), 3);
    assert_eq!(path.children(0, f(0))[1], f(0));
}

#[test]
fn an_indexed_tree_agrees_with_a_sorted_list() {
    let mut choose = Sequence(11);
    let mut tree = IndexedTree::new();
    assert_eq!(tree.len(), 1);
    let mut present = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let n = 1 + choose.below(60);
        assert_eq!(tree.contains(id(n)), present.contains(&n));
        let expected = if present.insert(n) { Ok(()) } else { Err(AlreadyPresent(id(n))) };
        assert_eq!(tree.insert(id(n)), expected);
        assert_eq!(tree.len(), 1 + present.len() as u64);
    }
    for n in 1..=61 {
        match tree.non_membership(id(n)) {
            None => assert!(present.contains(&n)),
            Some(proof) => {
                assert!(!present.contains(&n));
                assert!(proof.verify(tree.root(), id(n)));
            }
        }
    }
    let hashes: Vec<Fr> = tree.leaves().iter().map(IndexedLeaf::hash).collect();
    assert_eq!(tree.root(), naive_root(&hashes));
}

#[test]
fn inserting_many_at_once_equals_one_by_one() {
    let mut choose = Sequence(3);
    let ids: Vec<RevocationId> = {
        let mut seen = std::collections::BTreeSet::new();
        (0..80).map(|_| 1 + choose.below(10_000)).filter(|n| seen.insert(*n)).map(id).collect()
    };
    let mut single = IndexedTree::new();
    ids.iter().for_each(|x| single.insert(*x).expect("distinct"));
    let mut bulk = IndexedTree::new();
    for chunk in ids.chunks(17) {
        let update = bulk.plan_insert(chunk).expect("distinct");
        let root = update.tree().root();
        bulk.apply(update);
        assert_eq!(bulk.root(), root);
    }
    assert_eq!(bulk.root(), single.root());
    assert_eq!(bulk.leaves(), single.leaves());
    let twice = [id(20_000), id(20_001), id(20_000)];
    assert_eq!(bulk.plan_insert(&twice).err(), Some(AlreadyPresent(id(20_000)).into()));
    assert_eq!(bulk.plan_insert(&[ids[5]]).err(), Some(AlreadyPresent(ids[5]).into()));
}

#[test]
fn non_membership_holds_strictly_between_the_neighbours() {
    let mut tree = IndexedTree::new();
    let top = RevocationId::new(pow2(REVOCATION_BITS) - f(1)).expect("the largest id");
    let empty = tree.non_membership(top).expect("nothing revoked");
    assert!(empty.verify(tree.root(), top));
    tree.insert(id(10)).expect("new");
    tree.insert(id(20)).expect("new");
    assert!(!empty.verify(tree.root(), top), "a proof is about one root");

    let between = tree.non_membership(id(15)).expect("absent");
    assert_eq!((between.low_value, between.low_next), (f(10), f(20)));
    for (n, expected) in [(9, false), (10, false), (11, true), (19, true), (20, false), (21, false)] {
        assert_eq!(between.verify(tree.root(), id(n)), expected, "{n}");
    }
    assert!(tree.non_membership(id(10)).is_none());
    assert!(tree.non_membership(id(20)).is_none());
    let below = tree.non_membership(id(1)).expect("absent");
    assert_eq!((below.low_value, below.low_next), (f(0), f(10)));
    let above = tree.non_membership(top).expect("absent");
    assert_eq!((above.low_value, above.low_next), (f(20), pow2(REVOCATION_BITS)));
    tree.insert(top).expect("new");
    assert!(tree.non_membership(top).is_none());
    assert!(!above.verify(tree.root(), top));

    // Widening the gap changes the leaf.
    let mut widened = tree.non_membership(id(15)).expect("absent");
    widened.low_next = f(21);
    assert!(!widened.verify(tree.root(), id(20)));
}

#[test]
fn zero_and_numbers_from_2_to_the_251_are_no_revocation_ids() {
    assert_eq!(RevocationId::new(f(0)), None);
    assert_eq!(RevocationId::new(pow2(REVOCATION_BITS)), None);
    assert_eq!(RevocationId::new(-f(1)), None);
    let top = RevocationId::new(pow2(REVOCATION_BITS) - f(1)).expect("the largest id");
    assert_eq!(RevocationId::from_bytes(&top.to_bytes()), Ok(top));
    assert_eq!(RevocationId::from_bytes(&[0; 32]), Err(NotARevocationId));
    assert_eq!(RevocationId::from_bytes(&[0xff; 32]), Err(NotARevocationId));
    assert_eq!(RevocationId::from_bytes(&crate::field::to_bytes(&pow2(251))), Err(NotARevocationId));
}

#[test]
fn an_indexed_tree_is_rebuilt_from_leaves_or_nodes_and_a_broken_list_is_refused() {
    let mut tree = IndexedTree::new();
    for n in [50, 10, 30, 70, 20] {
        tree.insert(id(n)).expect("new");
    }
    let leaves = tree.leaves().to_vec();
    let mirror = IndexedTree::from_leaves(leaves.clone()).expect("a good list");
    assert_eq!(mirror.root(), tree.root());
    let stored = IndexedTree::from_nodes(leaves.clone(), tree.tree().nodes()).expect("a good list");
    assert_eq!(stored.root(), tree.root());
    assert_eq!(stored.non_membership(id(60)).map(|p| p.verify(tree.root(), id(60))), Some(true));

    assert_eq!(IndexedTree::from_leaves(Vec::new()).err(), Some(BrokenChain::NoStart));
    assert_eq!(IndexedTree::from_leaves(leaves[1..].to_vec()).err(), Some(BrokenChain::NoStart));
    let mut bad = leaves.clone();
    bad[2].next = f(50);
    assert_eq!(IndexedTree::from_leaves(bad).err(), Some(BrokenChain::BadNext(2)));
    let mut bad = leaves.clone();
    bad[2].value = f(50);
    assert_eq!(IndexedTree::from_leaves(bad).err(), Some(BrokenChain::BadValue(2)));
    let mut bad = leaves;
    bad[2].value = pow2(REVOCATION_BITS);
    assert_eq!(IndexedTree::from_leaves(bad).err(), Some(BrokenChain::BadValue(2)));
}

/// The requirement: under a minute on two cores. Run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn appending_2_to_the_20_leaves_in_bulk_is_practical() {
    let leaves: Vec<Fr> = (1..=1u64 << 20).map(f).collect();
    let start = std::time::Instant::now();
    let tree = Tree::from_leaves(&leaves).expect("room");
    let took = start.elapsed();
    assert_eq!(tree.len(), 1 << 20);
    let start = std::time::Instant::now();
    assert_eq!(tree.check(), Ok(()));
    let checked = start.elapsed();
    let message = format!("2^20 leaves appended in {took:?}, all nodes checked in {checked:?}\n");
    std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes()).expect("stderr is open");
    assert!(took.as_secs() < 60);
}
