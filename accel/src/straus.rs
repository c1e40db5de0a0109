//! Short multi-scalar multiplication: one chain of doublings for all terms (Straus), signed
//! windows, odd multiples.
//!
//! Variable time. The prover uses it on secret scalars only inside products of few terms (tests,
//! tiny circuits); arkworks' bucket method, which takes over for longer ones, is variable time as
//! well. A prover is no oracle for others: it runs on the holder's machine or the custodian's.

use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, BigInteger};

/// `sum scalars[i] * bases[i]`.
pub(crate) fn msm<P: SWCurveConfig>(bases: &[Affine<P>], scalars: &[BigInt<4>]) -> Projective<P> {
    OddMultiples::new(bases, 5).msm(scalars)
}

/// Odd multiples `P, 3P, 5P, ..` of fixed points, for many short products over the same points.
pub struct OddMultiples<P: SWCurveConfig> {
    window: usize,
    points: usize,
    table: Vec<Affine<P>>,
}

impl<P: SWCurveConfig> Clone for OddMultiples<P> {
    fn clone(&self) -> Self {
        Self { window: self.window, points: self.points, table: self.table.clone() }
    }
}

impl<P: SWCurveConfig> core::fmt::Debug for OddMultiples<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OddMultiples({} points, window {})", self.points, self.window)
    }
}

impl<P: SWCurveConfig> OddMultiples<P> {
    /// Tables of `2^(window - 2)` points for each base.
    ///
    /// # Panics
    /// If the window is not within 2..=12.
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
    /// If there is not one scalar for each base.
    pub fn msm(&self, scalars: &[BigInt<4>]) -> Projective<P> {
        assert_eq!(scalars.len(), self.points, "one scalar for each base");
        let digits: Vec<Vec<i64>> = scalars.iter().map(|s| self.digits(s)).collect();
        self.sum(digits.iter().zip(self.table.chunks_exact(self.per_base())).collect::<Vec<_>>().as_slice())
    }

    /// `scalars[i] * bases[i]`, each by itself. Variable time.
    ///
    /// # Panics
    /// If there is not one scalar for each base.
    #[must_use]
    pub fn each(&self, scalars: &[BigInt<4>]) -> Vec<Projective<P>> {
        assert_eq!(scalars.len(), self.points, "one scalar for each base");
        let terms = scalars.iter().zip(self.table.chunks_exact(self.per_base()));
        terms.map(|(scalar, multiples)| self.sum(&[(&self.digits(scalar), multiples)])).collect()
    }

    /// The sums of `scalars[i] * bases[i]` over consecutive lists of these lengths. Variable time.
    ///
    /// # Panics
    /// If there is not one scalar for each base, or the lists do not make up the whole.
    #[must_use]
    pub fn lists(
        &self,
        scalars: &[BigInt<4>],
        lengths: impl IntoIterator<Item = usize>,
    ) -> Vec<Projective<P>> {
        assert_eq!(scalars.len(), self.points, "one scalar for each base");
        let digits: Vec<Vec<i64>> = scalars.iter().map(|s| self.digits(s)).collect();
        let terms: Vec<_> = digits.iter().zip(self.table.chunks_exact(self.per_base())).collect();
        let mut rest = terms.as_slice();
        let sums = lengths.into_iter().map(|length| {
            let (list, tail) = rest.split_at(length);
            rest = tail;
            self.sum(list)
        });
        let sums = sums.collect();
        assert!(rest.is_empty(), "the lists make up the whole");
        sums
    }

    fn per_base(&self) -> usize {
        1 << (self.window - 2)
    }

    /// Signed digits, lowest first: zero or odd, of size below `2^(window - 1)`.
    fn digits(&self, scalar: &BigInt<4>) -> Vec<i64> {
        scalar.find_wnaf(self.window).expect("the window is at least 2")
    }

    fn sum(&self, terms: &[(&Vec<i64>, &[Affine<P>])]) -> Projective<P> {
        let longest = terms.iter().map(|(digits, _)| digits.len()).max().unwrap_or(0);
        let mut sum = Projective::<P>::ZERO;
        for position in (0..longest).rev() {
            sum.double_in_place();
            for (digits, multiples) in terms {
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

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Fr, G1Affine, G1Projective};
    use ark_ff::{PrimeField, UniformRand, Zero};

    #[test]
    fn every_window_gives_the_same_products() {
        let mut rng = ark_std::test_rng();
        let mut bases: Vec<G1Affine> = (0..5).map(|_| G1Projective::rand(&mut rng).into_affine()).collect();
        bases[3] = G1Affine::identity();
        let mut scalars: Vec<Fr> = (0..5).map(|_| Fr::rand(&mut rng)).collect();
        scalars[1] = Fr::zero();
        scalars[2] = -Fr::from(1u64);
        let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
        let products: Vec<G1Projective> = bases.iter().zip(&scalars).map(|(b, s)| *b * s).collect();
        for window in 2..=9 {
            let tables = OddMultiples::new(&bases, window);
            assert_eq!(tables.each(&integers), products, "window {window}");
            assert_eq!(tables.msm(&integers), products.iter().sum::<G1Projective>(), "window {window}");
            let sums = [products[..2].iter().sum(), G1Projective::ZERO, products[2..].iter().sum()];
            assert_eq!(tables.lists(&integers, [2, 0, 3]), sums, "window {window}");
        }
        assert_eq!(OddMultiples::<ark_bn254::g1::Config>::new(&[], 4).msm(&[]), G1Projective::ZERO);
    }
}
