//! The seam.

use crate::{Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective, Portable};

/// The line coefficients of a G2 point, ready for Miller loops.
pub type G2Prepared = ark_ec::bn::G2Prepared<ark_bn254::Config>;

/// The heavy arithmetic. Every implementation returns the same mathematical values; they differ in time only.
///
/// All methods are total on valid group and field elements, including infinity and empty slices.
pub trait Engine: Send + Sync {
    /// Short lower-case name, as reported and as accepted by [`by_name`].
    fn name(&self) -> &'static str;

    /// `sum scalars[i] * bases[i]` in G1.
    ///
    /// # Panics
    /// Where the two slices differ in length.
    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective;

    /// `sum scalars[i] * bases[i]` in G2.
    ///
    /// # Panics
    /// Where the two slices differ in length.
    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective;

    /// Coefficients to values on the subgroup of order `values.len()`, natural order both ways.
    ///
    /// # Panics
    /// Where the length is not a power of two of at most 2^28. The same holds for the three other transforms.
    fn ntt(&self, values: &mut Vec<Fr>);

    /// Values on the subgroup to coefficients.
    fn intt(&self, values: &mut Vec<Fr>);

    /// Coefficients to values on the coset `g * subgroup`, `g` the field's multiplicative generator (5).
    fn coset_ntt(&self, values: &mut Vec<Fr>);

    /// Values on the coset to coefficients.
    fn coset_intt(&self, values: &mut Vec<Fr>);

    /// The line coefficients of a point.
    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared;

    /// The product of the pairs' Miller loops, before the final exponentiation. Runs on the caller's thread: callers
    /// split their pairs as they see fit, and the product of the parts is the product of the whole after
    /// [`final_exponentiation`](Self::final_exponentiation).
    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12;

    /// The final exponentiation, or none for zero (which no Miller loop over valid points returns).
    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12>;

    /// The product of the pairings.
    fn multi_pairing(&self, pairs: &[(G1Affine, G2Affine)]) -> Option<Fq12> {
        let prepared: Vec<_> = pairs.iter().map(|(_, q)| self.prepare_g2(q)).collect();
        let lines: Vec<_> = pairs.iter().zip(&prepared).map(|((p, _), q)| (*p, q)).collect();
        self.final_exponentiation(&self.multi_miller_loop(&lines))
    }
}

/// Every engine this build and this machine can run, fastest first.
#[must_use]
pub fn all() -> &'static [&'static dyn Engine] {
    &[&Portable]
}

/// The fastest engine for this machine.
#[must_use]
pub fn best() -> &'static dyn Engine {
    &Portable
}

/// The engine of this name, or none where this build or machine has no such engine.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Engine> {
    all().iter().copied().find(|engine| engine.name() == name)
}
