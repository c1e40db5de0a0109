//! Number-theoretic transforms over the scalar field, in lanes.
//!
//! Two directions, each from one order to the other, so that nothing is ever permuted:
//! - [`Interpolation`], down: values in natural order to coefficients in bit-reversed order;
//! - [`Evaluation`], up: coefficients in bit-reversed order to values in natural order, on a coset
//!   where one is asked for.
//!
//! Both leave factors of the kind `1 / n` to the code that uses the result, which multiplies
//! anyway.
//!
//! # Layout
//! Eight values to a vector. In natural order value j is lane `j mod 8` of vector `j / 8`. In
//! bit-reversed order the place of coefficient k is `j = rev k`, and within each tile of 64 places
//! vector and lane have changed roles: place j is lane `j / 8 mod 8` of vector
//! `8 (j / 64) + j mod 8` ([`slot`]). The exchange is one transposition in registers within a
//! transform, and spares the way back.
//!
//! # Plan
//! A size of up to 2^10 is one *leaf*: passes of butterflies over data in the first-level cache,
//! two levels a pass, the three levels within lanes after the transposition. A larger one is split
//! into rows (`n = n1 n2`): a transform over each of n2 columns, a multiplication of the value in
//! row i and column j by `root^(i j)` (the twist, which carries the coset's powers too), and a
//! transform over each of n1 rows, which is a leaf or is split again. Memory is gone through twice.

mod butterfly;
mod columns;
mod leaf;
mod loose;
mod numbers;
pub(crate) mod order;
pub(crate) mod plain;
mod split;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod timing;

pub(crate) use loose::Loose;
pub(crate) use split::{Evaluation, Interpolation, SMALLEST, wipe};

use numbers::reverse;

/// Where the coefficient of index k is in bit-reversed order: vector and lane.
pub(crate) const fn slot(k: usize, log: u32) -> (usize, usize) {
    let place = reverse(k, log);
    (place / 64 * 8 + place % 8, place / 8 % 8)
}
