//! From bytes to what backends are asked: lengths, field elements with a liking for edges, points
//! of known logarithms, edits of valid files.

use amanat_accel::{Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::{AffineRepr, PrimeGroup};
use ark_ff::{PrimeField, Zero};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::sync::OnceLock;

/// Bytes that are read from the front; zeros where there are no more.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| self.byte())
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// A number below `n`, of two bytes.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::from(u16::from_le_bytes(self.array())) % n.max(1)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A length, mostly a small one, at most `most`.
    pub(super) fn length(&mut self, most: usize) -> usize {
        let limit = match self.byte() {
            0..128 => 40,
            128..224 => 300,
            224.. => most + 1,
        };
        self.below(limit.min(most + 1))
    }

    /// `n` values, drawn in one of four ways: each by itself, one for all, a few in turn, a few in
    /// no order.
    pub(super) fn spread<T: Clone>(&mut self, n: usize, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let way = self.byte();
        let few = match way % 4 {
            0 => return (0..n).map(|_| draw(self)).collect(),
            1 => 1,
            _ => 1 + usize::from(self.byte() % 16),
        };
        let mut order = ChaCha20Rng::seed_from_u64(u64::from_le_bytes(self.array()));
        let palette: Vec<T> = (0..few).map(|_| draw(self)).collect();
        let pick = |i: usize| if way % 4 == 2 { i % few } else { order.next_u32() as usize % few };
        (0..n).map(pick).map(|i| palette[i].clone()).collect()
    }

    /// A field element: edges, small ones, halves of the endomorphism's decomposition, or any.
    pub(super) fn element<F: PrimeField>(&mut self) -> F {
        let power = |k: u8| F::from(2u64).pow([u64::from(k)]);
        let half = || F::from_bigint(F::MODULUS_MINUS_ONE_DIV_TWO).expect("below the modulus");
        match self.byte() % 16 {
            0 => F::ZERO,
            1 => F::ONE,
            2 => -F::ONE,
            3 => F::from(self.byte()),
            4 => -F::from(self.byte()),
            5 => power(self.byte()),
            6 => power(self.byte()) - F::ONE,
            7 => -power(self.byte()),
            8 => half() + F::from(self.byte()) - F::from(127u64),
            9 => F::from(u64::from_le_bytes(self.array())),
            10 => F::from(u128::from_le_bytes(self.array())),
            // a + b lambda with small parts, lambda a cube root of one: what halves of a scalar are
            // made of.
            11 => {
                let lambda = F::GENERATOR.pow(third::<F>());
                let (a, b) = (u64::from_le_bytes(self.array()), u64::from_le_bytes(self.array()));
                F::from(a) + lambda * F::from(b)
            }
            // Whole limbs of ones and zeros, of 52 and of 64 bits.
            12 => limbs(self.byte(), 52),
            13 => limbs(self.byte(), 64),
            _ => F::from_le_bytes_mod_order(&self.array::<32>()),
        }
    }

    pub(super) fn element2(&mut self) -> Fq2 {
        Fq2::new(self.element::<Fq>(), self.element::<Fq>())
    }

    /// A place in [`points`], and whether the point there is negated.
    fn place(&mut self) -> (usize, bool) {
        let byte = self.byte();
        (self.byte() as usize % KNOWN, byte.is_multiple_of(8))
    }

    /// `n` points in both groups, with their common logarithms: often infinity, equal or opposite.
    pub(super) fn points(&mut self, n: usize) -> Points {
        let all = points();
        let places = self.spread(n, Self::place);
        let signed = |(place, negated): &(usize, bool)| {
            let (log, g1, g2) = (all.logs[*place], all.g1[*place], all.g2[*place]);
            if *negated { (-log, -g1, -g2) } else { (log, g1, g2) }
        };
        let mut out = Points::default();
        for (log, g1, g2) in places.iter().map(signed) {
            out.logs.push(log);
            out.g1.push(g1);
            out.g2.push(g2);
        }
        out
    }

    /// A file: all that is left as it stands, or a valid one with the edits that are left.
    pub(super) fn file(mut self, valid: &[u8]) -> Vec<u8> {
        if self.byte() % 4 == 3 {
            return self.0.to_vec();
        }
        let mut file = valid.to_vec();
        while !self.is_empty() {
            let at = self.below(file.len() + 1);
            match self.byte() % 8 {
                0 => file.truncate(at),
                1 => file.insert(at, self.byte()),
                2 => drop((at < file.len()).then(|| file.remove(at))),
                3 => {
                    let end = file.len().min(at + self.below(256));
                    file.extend_from_within(at..end);
                }
                4 => file[at..].iter_mut().take(4).zip(self.array::<4>()).for_each(|(f, b)| *f = b),
                5 => file[at..].iter_mut().take(8).zip(self.array::<8>()).for_each(|(f, b)| *f = b),
                6 => file[at..].iter_mut().take(1).for_each(|f| *f ^= 1 << (self.byte() % 8)),
                _ => file[at..].iter_mut().take(1).for_each(|f| *f = self.byte()),
            }
        }
        file
    }
}

/// `(p - 1) / 3`.
fn third<F: PrimeField>() -> Vec<u64> {
    let mut remainder = 0u128;
    let mut limbs: Vec<u64> = F::MODULUS.as_ref().to_vec();
    limbs[0] -= 1;
    for limb in limbs.iter_mut().rev() {
        let value = remainder << 64 | u128::from(*limb);
        (*limb, remainder) = ((value / 3) as u64, value % 3);
    }
    assert_eq!(remainder, 0, "three divides p - 1");
    limbs
}

/// The number whose limbs of `width` bits are all ones where the pattern has a bit, else zero.
fn limbs<F: PrimeField>(pattern: u8, width: u64) -> F {
    let ones = F::from(2u64).pow([width]) - F::ONE;
    let at = |i: u64| F::from(2u64).pow([width * i]);
    (0..5).filter(|i| pattern >> i & 1 == 1).map(|i| ones * at(i)).sum()
}

/// Points in both groups and their logarithms to the generators.
#[derive(Default)]
pub(super) struct Points {
    pub(super) logs: Vec<Fr>,
    pub(super) g1: Vec<G1Affine>,
    pub(super) g2: Vec<G2Affine>,
}

/// How many points [`points`] has.
const KNOWN: usize = 128;

/// Infinity, small multiples (whose sums meet each other), and random ones.
fn points() -> &'static Points {
    static POINTS: OnceLock<Points> = OnceLock::new();
    POINTS.get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let log = |i: usize| if i < 24 { Fr::from(i as u64) } else { amanat_domain::field::random(&mut rng) };
        let logs: Vec<Fr> = (0..KNOWN).map(log).collect();
        let g1 = BatchMulPreprocessing::new(G1Projective::generator(), KNOWN).batch_mul(&logs);
        let g2 = BatchMulPreprocessing::new(G2Projective::generator(), KNOWN).batch_mul(&logs);
        assert!(g1[0].is_zero() && g2[0].is_zero() && !logs[KNOWN - 1].is_zero());
        Points { logs, g1, g2 }
    })
}

/// `sum logs[i] * scalars[i]`.
pub(super) fn product(logs: &[Fr], scalars: &[Fr]) -> Fr {
    assert_eq!(logs.len(), scalars.len());
    logs.iter().zip(scalars).map(|(log, scalar)| *log * scalar).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{BigInteger, FftField, Field, One};

    #[test]
    fn a_third_of_the_group_gives_a_cube_root_of_one() {
        let lambda = Fr::GENERATOR.pow(third::<Fr>());
        assert!(!lambda.is_one() && (lambda * lambda * lambda).is_one());
        assert_eq!(limbs::<Fr>(0b11, 64), Fr::from(u128::MAX));
        assert_eq!(limbs::<Fr>(0b1, 52).into_bigint().num_bits(), 52);
    }

    #[test]
    fn bytes_that_have_run_out_read_as_zeros_and_files_stay_as_they_are() {
        let mut input = Input::new(&[7]);
        assert_eq!((input.byte(), input.byte(), input.below(9)), (7, 0, 0));
        assert_eq!(Input::new(&[]).file(b"valid"), b"valid");
        assert_eq!(Input::new(&[3, 1, 2]).file(b"valid"), [1, 2]);
        assert_eq!(Input::new(&[0, 2, 0, 0]).file(b"valid"), b"va");
        assert_eq!(Input::new(&[0, 1, 0, 7, b'x']).file(b"valid"), b"vxlid");
    }
}
