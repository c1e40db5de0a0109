//! What a verifier and a decoder need of a backend.

use crate::{Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, Weight};
use std::sync::Arc;

/// The line coefficients of a G2 point, ready for Miller loops.
pub type G2Prepared = ark_ec::bn::G2Prepared<ark_bn254::Config>;

/// Pairings, and what is needed to get from bytes to points.
///
/// All methods are total on valid group and field elements, including infinity and empty slices.
/// They run on the caller's thread: callers split their work as they see fit.
pub trait Pairings {
    /// The line coefficients of a point.
    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared;

    /// The product of the pairs' Miller loops, before the final exponentiation. The product over
    /// parts is the product of the whole after
    /// [`final_exponentiation`](Self::final_exponentiation).
    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12;

    /// The final exponentiation, or `None` for zero (which no Miller loop over valid points
    /// returns).
    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12>;

    /// The product of the pairings.
    fn multi_pairing(&self, pairs: &[(G1Affine, G2Affine)]) -> Option<Fq12> {
        let prepared: Vec<_> = pairs.iter().map(|(_, q)| self.prepare_g2(q)).collect();
        let lines: Vec<_> = pairs.iter().zip(&prepared).map(|((p, _), q)| (*p, q)).collect();
        self.final_exponentiation(&self.multi_miller_loop(&lines))
    }

    /// For each `(x, larger)` the point of the curve with this `x`, and of its two `y` the larger
    /// one (compared as integers) or the smaller; `None` if the curve has no such point.
    fn lift_g1(&self, xs: &[(Fq, bool)]) -> Vec<Option<G1Affine>>;

    /// The same on the twist; `y` are compared by `c1`, then `c0`. The point may lie outside the
    /// subgroup of order r.
    fn lift_g2(&self, xs: &[(Fq2, bool)]) -> Vec<Option<G2Affine>>;

    /// Of points on the twist, which lie in the subgroup of order r.
    fn in_subgroup_g2(&self, points: &[G2Affine]) -> Vec<bool>;

    /// The products of the Miller loops over consecutive groups of `group` pairs (the last may be
    /// smaller), each before the final exponentiation, and whether the second points lie in the
    /// subgroup of order r. These may be any points of the twist; a group with one outside the
    /// subgroup has a product that means nothing.
    ///
    /// # Panics
    /// If the groups are of no pairs.
    fn miller_products(&self, pairs: &[(G1Affine, G2Affine)], group: usize) -> MillerProducts;

    /// `weights[i] * points[i]`, each by itself. Variable time: a verifier's weights are no
    /// secrets.
    ///
    /// # Panics
    /// If the two slices differ in length.
    fn weigh_g1(&self, points: &[G1Affine], weights: &[Weight]) -> Vec<G1Affine>;

    /// The sums of `weights[i] * points[i]` over consecutive lists of these lengths. Variable time.
    ///
    /// # Panics
    /// If the two slices differ in length, or the lists do not make up the whole.
    fn weighted_sums_g1(
        &self,
        points: &[G1Affine],
        weights: &[Weight],
        lengths: &[usize],
    ) -> Vec<G1Projective>;

    /// Tables of bases for many sums over them. Bases may be infinity or equal.
    fn fix_g1(&self, bases: &[G1Affine]) -> Arc<dyn FixedBases>;
}

/// Bases of G1 with tables of their multiples.
pub trait FixedBases: Send + Sync {
    /// The sums of `scalars[i] * bases[i]` over consecutive lists of these lengths. Bases left over
    /// at the end count for nothing. Variable time: for public inputs.
    ///
    /// # Panics
    /// If there are more scalars than bases, or the lists do not make up the scalars.
    fn sums(&self, scalars: &[Fr], lengths: &[usize]) -> Vec<G1Projective>;
}

/// What [`Pairings::miller_products`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MillerProducts {
    /// One for each group of pairs.
    pub products: Vec<Fq12>,
    /// One for each pair: whether its second point lies in the subgroup of order r (infinity does).
    pub in_subgroup: Vec<bool>,
}
