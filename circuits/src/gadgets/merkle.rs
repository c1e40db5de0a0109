//! Paths in the arity-4 trees, and non-membership in the indexed one.

use crate::cs::{Cs, Num, RowKind};
use crate::gadgets::bits;
use crate::gadgets::poseidon;
use amanat_domain::field::{Fr, pow2};
use amanat_domain::poseidon::Tag;
use amanat_domain::tree::{DEPTH, NonMembership, Path, REVOCATION_BITS};

/// The root over a leaf and its path: 302 rows for each level.
///
/// Each level's four children are the witness; the two bits of the position pick the one that must be the node below.
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
/// Relies on what the ledger keeps: every value in the tree, and the sentinel, is at most `2^251`. Both comparisons then
/// have operands below `2^252`, and a difference that fits 251 bits did not wrap: `r > 2^253`.
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

/// Enforces that a number is a revocation id: below `2^251`. (That it is not zero is the ledger's to refuse.)
pub fn assert_revocation_id(cs: &mut Cs, id: &Num) {
    const { assert!(REVOCATION_BITS < 253) };
    debug_assert!(pow2(REVOCATION_BITS) != Fr::from(0u64));
    bits::decompose(cs, id, REVOCATION_BITS);
}
