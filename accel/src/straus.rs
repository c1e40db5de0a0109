//! Short multi-scalar multiplication: one chain of doublings for all terms (Straus), signed windows, odd multiples.
//!
//! Variable time. The prover uses it on secret scalars only inside products of few terms (tests, tiny circuits); arkworks'
//! bucket method, which takes over for longer ones, is variable time as well. A prover is no oracle for others: it runs
//! on the holder's machine or the custodian's.

use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, BigInteger};

/// `sum scalars[i] * bases[i]`.
pub(crate) fn msm<P: SWCurveConfig>(bases: &[Affine<P>], scalars: &[BigInt<4>]) -> Projective<P> {
    OddMultiples::new(bases, 5).msm(scalars)
}

/// Odd multiples `P, 3P, 5P, ..` of fixed points, for many short products over the same points.
#[derive(Debug, Clone)]
pub struct OddMultiples<P: SWCurveConfig> {
    window: usize,
    points: usize,
    table: Vec<Affine<P>>,
}

impl<P: SWCurveConfig> OddMultiples<P> {
    /// Tables of `2^(window - 2)` points for each base.
    ///
    /// # Panics
    /// Where the window is not within 2..=12.
    #[must_use]
    pub fn new(bases: &[Affine<P>], window: usize) -> Self {
        assert!((2..=12).contains(&window), "a window of 2 to 12 bits");
        let per_base = 1 << (window - 2);
        let mut table = Vec::with_capacity(bases.len() * per_base);
        for base in bases {
            let double = base.into_group().double();
            let mut multiple = base.into_group();
            for _ in 0..per_base {
                table.push(multiple);
                multiple += double;
            }
        }
        Self { window, points: bases.len(), table: Projective::normalize_batch(&table) }
    }

    /// `sum scalars[i] * bases[i]`. Variable time.
    ///
    /// # Panics
    /// Where there is not one scalar for each base.
    pub fn msm(&self, scalars: &[BigInt<4>]) -> Projective<P> {
        assert_eq!(scalars.len(), self.points, "one scalar for each base");
        let digits: Vec<Vec<i64>> =
            scalars.iter().map(|s| s.find_wnaf(self.window).expect("the window is at least 2")).collect();
        let longest = digits.iter().map(Vec::len).max().unwrap_or(0);
        let mut sum = Projective::<P>::ZERO;
        for position in (0..longest).rev() {
            sum.double_in_place();
            for (multiples, digits) in self.table.chunks_exact(1 << (self.window - 2)).zip(&digits) {
                // Digits are zero or odd, of size below 2^(window - 1).
                match digits.get(position) {
                    Some(&digit) if digit > 0 => sum += multiples[(digit / 2) as usize],
                    Some(&digit) if digit < 0 => sum -= multiples[(-digit / 2) as usize],
                    _ => {}
                }
            }
        }
        sum
    }
}
