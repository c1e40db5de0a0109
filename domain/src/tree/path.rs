//! A path from a leaf to the root.

use super::{ARITY, DEPTH, Root, node};
use crate::field::Fr;

/// What joins a leaf to the root: its index and, per level, the three siblings.
///
/// The index tells when the leaf came; paths of hidden leaves are witnesses. No `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Path {
    /// Index of the leaf; its base-4 digits, least first, are the positions on the way up.
    pub index: u32,
    /// Siblings per level, leaf level first, in the order of the children with the own position
    /// left out.
    pub siblings: [[Fr; ARITY - 1]; DEPTH],
}

impl Path {
    /// Position among the four children at `level`: two bits of the index.
    ///
    /// # Panics
    /// If `level >= DEPTH`.
    #[must_use]
    pub const fn digit(&self, level: usize) -> usize {
        assert!(level < DEPTH);
        (self.index >> (2 * level)) as usize & (ARITY - 1)
    }

    /// The four children at `level`, `current` in its place.
    ///
    /// # Panics
    /// If `level >= DEPTH`.
    #[must_use]
    pub fn children(&self, level: usize, current: Fr) -> [Fr; ARITY] {
        let digit = self.digit(level);
        let siblings = &self.siblings[level];
        core::array::from_fn(|i| match i.cmp(&digit) {
            core::cmp::Ordering::Less => siblings[i],
            core::cmp::Ordering::Equal => current,
            core::cmp::Ordering::Greater => siblings[i - 1],
        })
    }

    /// The root this path gives for `leaf`.
    #[must_use]
    pub fn root(&self, leaf: Fr) -> Root {
        Root::new((0..DEPTH).fold(leaf, |current, level| node(&self.children(level, current))))
    }
}
