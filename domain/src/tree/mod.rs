//! The registries' trees: arity 4, depth 16, Poseidon.
//!
//! [`Tree`] holds leaves in the order they came (append-only sets) or with slots set to zero
//! (active sets); [`IndexedTree`] proves that a value is *not* in it. Both work in two steps: a
//! pure plan (`plan_*`) that says which nodes change, and `apply`, which cannot fail. A ledger puts
//! the plan on disk between the two.

mod dense;
mod indexed;
mod path;
mod registry;
#[cfg(test)]
mod tests;

pub use dense::{BrokenTree, NoSuchLeaf, Node, Tree, TreeFull, Update};
pub use indexed::{
    AlreadyPresent, BrokenChain, IndexedLeaf, IndexedTree, IndexedUpdate, InsertError, NonMembership,
    NotARevocationId, REVOCATION_BITS, RevocationId,
};
pub use path::Path;
pub use registry::{PlanError, RegistryTree, RegistryUpdate};

use crate::field::Fr;
use crate::poseidon::{Tag, hash};
use std::sync::OnceLock;

/// Children of a node.
pub const ARITY: usize = 4;
/// Levels between a leaf and the root.
pub const DEPTH: usize = 16;
/// Most leaves: 4^16 = 2^32.
pub const CAPACITY: u64 = 1 << (2 * DEPTH);

crate::field_newtype! {
    /// Root of a tree.
    Root
}

/// `H(Node; c_0, c_1, c_2, c_3)`.
#[must_use]
pub fn node(children: &[Fr; ARITY]) -> Fr {
    hash(Tag::Node, children)
}

/// Root of an empty subtree of this height: 0 is the empty leaf (zero), [`DEPTH`] the empty tree.
///
/// # Panics
/// If `height > DEPTH`.
#[must_use]
pub fn empty_subtree(height: usize) -> Fr {
    static EMPTY: OnceLock<[Fr; DEPTH + 1]> = OnceLock::new();
    EMPTY.get_or_init(|| {
        let mut roots = [Fr::from(0u64); DEPTH + 1];
        for height in 1..=DEPTH {
            roots[height] = node(&[roots[height - 1]; ARITY]);
        }
        roots
    })[height]
}
