//! Paths in the arity-4 trees, and non-membership in the indexed one.

use crate::cs::{Cs, Num, RowKind};
use crate::gadgets::bits;
use crate::gadgets::poseidon;
use amanat_domain::field::{Fr, pow2};
use amanat_domain::poseidon::Tag;
use amanat_domain::tree::{DEPTH, NonMembership, Path, REVOCATION_BITS};

/// The root over a leaf and its path: 302 rows for each level.
///
/// Each level's four children are the witness; the two bits of the position pick the one that must
/// be the node below.
pub fn root(cs: &mut Cs, leaf: &Num, path: &Path) -> Num {
    cs.gadget("merkle path", |cs| {
        let mut node = leaf.clone();
        for level in 0..DEPTH {
            let digit = path.digit(level);
            let low = cs.bit(digit & 1 == 1);
            let high = cs.bit(digit >> 1 == 1);
            let values = path.children(level, node.value());
            let children: Vec<Num> = values.iter().map(|v| cs.hint(*v)).collect();
            let first = cs.last_variable() - 3;
            // (c2 + low (c3 - c2) - c0 - low (c1 - c0)) * high = node - c0 - low (c1 - c0)
            let in_low_pair = cs.mul(&(&children[1] - &children[0]), low.num());
            let in_high_pair = cs.mul(&(&children[3] - &children[2]), low.num());
            let from_low = &children[0] + &in_low_pair;
            let from_high = &children[2] + &in_high_pair;
            cs.row(&(&from_high - &from_low), high.num(), &(&node - &from_low), RowKind::Child(first));
            node = poseidon::hash(cs, Tag::Node, &children.iter().collect::<Vec<_>>());
        }
        node
    })
}

/// The root of the indexed tree over a low leaf that shows `id` absent: `low < id < next`.
///
/// Relies on what the ledger keeps: every value in the tree, and the sentinel, is at most `2^251`.
/// Both comparisons then have operands below `2^252`, and a difference that fits 251 bits did not
/// wrap: `r > 2^253`.
pub fn absent_root(cs: &mut Cs, id: &Num, witness: &NonMembership) -> Num {
    cs.gadget("non-membership", |cs| {
        let low = cs.hint(witness.low_value);
        let next = cs.hint(witness.low_next);
        bits::decompose(cs, &(id - &low).plus(-Fr::from(1u64)), REVOCATION_BITS);
        bits::decompose(cs, &(&next - id).plus(-Fr::from(1u64)), REVOCATION_BITS);
        let leaf = poseidon::hash(cs, Tag::IndexedLeaf, &[&low, &next]);
        root(cs, &leaf, &witness.path)
    })
}

/// Enforces that a number is a revocation id: below `2^251`. (That it is not zero is the ledger's
/// to refuse.)
pub fn assert_revocation_id(cs: &mut Cs, id: &Num) {
    const { assert!(REVOCATION_BITS < 253) };
    debug_assert!(pow2(REVOCATION_BITS) != Fr::from(0u64));
    bits::decompose(cs, id, REVOCATION_BITS);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::harness::{agrees, forged, rng, run};
    use amanat_domain::field::random;
    use amanat_domain::tree::{IndexedLeaf, IndexedTree, RevocationId, Tree};
    use rand::Rng;

    fn random_path(rng: &mut rand_chacha::ChaCha20Rng, index: u32) -> Path {
        Path { index, siblings: core::array::from_fn(|_| core::array::from_fn(|_| random(rng))) }
    }

    #[test]
    fn a_root_agrees_with_the_native_path_at_every_kind_of_index() {
        let mut rng = rng(4);
        let random_indices: Vec<u32> = (0..4).map(|_| rng.next_u32()).collect();
        for index in [0, 1, 2, 3, 0x5555_5555, 0xaaaa_aaaa, u32::MAX].into_iter().chain(random_indices) {
            let (leaf, path) = (random(&mut rng), random_path(&mut rng, index));
            agrees(path.root(leaf).to_field(), |cs| {
                let leaf = cs.hint(leaf);
                root(cs, &leaf, &path)
            });
        }
    }

    #[test]
    fn paths_of_real_trees_lead_to_their_root() {
        let mut rng = rng(5);
        let leaves: Vec<Fr> = (0..21).map(|_| random(&mut rng)).collect();
        let tree = Tree::from_leaves(&leaves).expect("room");
        for index in [0u32, 3, 4, 15, 16, 20] {
            agrees(tree.root().to_field(), |cs| {
                let leaf = cs.hint(leaves[index as usize]);
                root(cs, &leaf, &tree.path(index).expect("in the tree"))
            });
        }
    }

    /// A prover that claims another position, or another node at its position, for its leaf.
    #[test]
    fn another_digit_and_another_child_are_refused() {
        let mut rng = rng(6);
        for index in 0..4u32 {
            let (leaf, path) = (random(&mut rng), random_path(&mut rng, index));
            let walk = |cs: &mut Cs| {
                let leaf = cs.hint(leaf);
                root(cs, &leaf, &path);
            };
            // Wires: 9 is the leaf, 10 and 11 the digit, 12.. the children of the first level.
            for other in (0..4u32).filter(|d| *d != index) {
                let faults = [(10, Fr::from(other & 1)), (11, Fr::from(other >> 1))];
                assert!(!forged(&faults, walk).holds(), "digit {other} for {index}");
            }
            assert!(!forged(&[(12 + index, random(&mut rng))], walk).holds());
            assert!(
                forged(&[(12 + (index ^ 1), random(&mut rng))], walk).holds(),
                "siblings are the prover's"
            );
        }
    }

    fn absent(id: Fr, low: Fr, next: Fr) -> bool {
        let witness = NonMembership { low_value: low, low_next: next, path: random_path(&mut rng(7), 9) };
        let outcome = run(|cs| {
            let id = cs.hint(id);
            absent_root(cs, &id, &witness).value()
        });
        let leaf = IndexedLeaf { value: low, next };
        assert!(!outcome.holds() || outcome.value == witness.path.root(leaf.hash()).to_field());
        outcome.holds()
    }

    #[test]
    fn an_id_is_absent_strictly_between_its_neighbours() {
        let n = |n: u64| Fr::from(n);
        let (one, end) = (n(1), pow2(REVOCATION_BITS));
        for (id, low, next, wanted) in [
            (n(5), n(4), n(6), true),
            (n(4), n(4), n(6), false),
            (n(6), n(4), n(6), false),
            (n(3), n(4), n(6), false),
            (n(7), n(4), n(6), false),
            (n(5), n(6), n(4), false),
            (n(1), n(0), end, true),
            (n(0), n(0), end, false),
            (end - one, n(0), end, true),
            (end, n(0), end, false),
            (end - one, end - n(2), end, true),
            (end, end - one, end, false),
            // Numbers that no tree holds wrap round the modulus and still do not fit.
            (end + one, n(0), end, false),
            (-one, n(0), end, false),
            (-one, end - one, end, false),
            (n(5), end, n(6), false),
        ] {
            assert_eq!(absent(id, low, next), wanted, "{id} in ({low}, {next})");
        }
    }

    /// For every pair of neighbours that the ledger can hold, gadget and native check say the same
    /// of every id.
    #[test]
    fn absence_agrees_with_the_native_check_on_real_trees() {
        let mut rng = rng(8);
        let mut tree = IndexedTree::new();
        let mut ids = vec![RevocationId::new(Fr::from(1u64)).expect("small")];
        ids.push(RevocationId::new(pow2(REVOCATION_BITS) - Fr::from(1u64)).expect("the last"));
        while ids.len() < 8 {
            ids.extend(RevocationId::new(random(&mut rng)));
        }
        ids[..5].iter().for_each(|id| tree.insert(*id).expect("distinct"));
        for id in &ids {
            for (index, leaf) in tree.leaves().iter().enumerate() {
                let path = tree.tree().path(index as u32).expect("in the tree");
                let witness = NonMembership { low_value: leaf.value, low_next: leaf.next, path };
                let outcome = run(|cs| {
                    let id = cs.hint(id.to_field());
                    absent_root(cs, &id, &witness).value()
                });
                let holds = outcome.holds() && outcome.value == tree.root().to_field();
                assert_eq!(holds, witness.verify(tree.root(), *id));
            }
        }
    }

    #[test]
    fn an_id_of_252_bits_is_none() {
        for (id, wanted) in [
            (pow2(REVOCATION_BITS) - Fr::from(1u64), true),
            (pow2(REVOCATION_BITS), false),
            (-Fr::from(1u64), false),
        ] {
            let outcome = run(|cs| {
                let id = cs.hint(id);
                assert_revocation_id(cs, &id);
            });
            assert_eq!(outcome.holds(), wanted);
            assert_eq!(RevocationId::new(id).is_some(), wanted);
        }
    }
}
