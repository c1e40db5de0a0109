//! SHA-256 Merkle trees over the transactions and receipts of a block.
//!
//! The shape of RFC 6962: leaves and nodes are hashed under different prefixes, and the left
//! subtree is the largest power of two below the length, so that no two lists share a root.

use sha2::{Digest, Sha256};

/// Root of the tree over these items.
#[must_use]
pub fn root<T: AsRef<[u8]>>(items: &[T]) -> [u8; 32] {
    let leaves: Vec<[u8; 32]> = items.iter().map(|x| leaf(x.as_ref())).collect();
    fold(&leaves)
}

/// Siblings from the leaf up; `None` if there is no such item.
#[must_use]
pub fn path<T: AsRef<[u8]>>(items: &[T], index: usize) -> Option<Vec<[u8; 32]>> {
    if index >= items.len() {
        return None;
    }
    let leaves: Vec<[u8; 32]> = items.iter().map(|x| leaf(x.as_ref())).collect();
    let mut out = Vec::new();
    let (mut rest, mut at) = (leaves.as_slice(), index);
    while rest.len() > 1 {
        let (left, right) = rest.split_at(split(rest.len()));
        if at < left.len() {
            out.push(fold(right));
            rest = left;
        } else {
            out.push(fold(left));
            at -= left.len();
            rest = right;
        }
    }
    out.reverse();
    Some(out)
}

/// The root of `item` at `index` of `count` with these siblings. `None` if their number does not
/// fit.
#[must_use]
pub fn root_from_path(item: &[u8], index: u32, count: u32, siblings: &[[u8; 32]]) -> Option<[u8; 32]> {
    if index >= count {
        return None;
    }
    // The turns taken from the top down; siblings come from the bottom up.
    let (mut at, mut len) = (index as usize, count as usize);
    let mut turns = Vec::new();
    while len > 1 {
        let left = split(len);
        turns.push(at < left);
        if at < left {
            len = left;
        } else {
            at -= left;
            len -= left;
        }
    }
    if turns.len() != siblings.len() {
        return None;
    }
    let up = turns.iter().rev().zip(siblings);
    Some(up.fold(
        leaf(item),
        |own, (is_left, other)| if *is_left { node(&own, other) } else { node(other, &own) },
    ))
}

fn fold(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest(b"amanat/merkle/empty").into(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            node(&fold(left), &fold(right))
        }
    }
}

/// Largest power of two below `len`, for `len > 1`.
const fn split(len: usize) -> usize {
    1 << (len - 1).ilog2()
}

fn leaf(item: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0u8]).chain_update(item).finalize().into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1u8]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_of_every_length_has_a_path_and_no_other_item_has_it() {
        for n in 0usize..20 {
            let items: Vec<[u8; 1]> = (0..n).map(|i| [i as u8]).collect();
            let root = root(&items);
            for i in 0..n {
                let path = path(&items, i).expect("in range");
                let rebuilt =
                    |item: &[u8], i: usize, n: usize| root_from_path(item, i as u32, n as u32, &path);
                assert_eq!(rebuilt(&items[i], i, n), Some(root));
                assert_ne!(rebuilt(&[99], i, n), Some(root));
                for j in (0..n).filter(|j| *j != i) {
                    assert_ne!(rebuilt(&items[i], j, n), Some(root), "{i} as {j} of {n}");
                }
                for at in 0..path.len() {
                    let mut bad = path.clone();
                    bad[at][0] ^= 1;
                    assert_ne!(root_from_path(&items[i], i as u32, n as u32, &bad), Some(root));
                }
            }
            assert_eq!(path(&items, n), None);
        }
    }

    #[test]
    fn an_inner_node_is_no_leaf_and_lengths_do_not_collide() {
        let items = [[1u8], [2], [3]];
        let mut inner = leaf(&items[0]).to_vec();
        inner.extend(leaf(&items[1]));
        assert_ne!(root(&[inner, vec![3]]), root(&items));
        assert_ne!(root(&[[1u8], [2], [2]]), root(&[[1u8], [2], [2], [2]]));
        assert_ne!(root::<[u8; 1]>(&[]), root(&[[0u8]]));
    }
}
