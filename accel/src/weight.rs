//! A verifier's random weights.

use crate::Fr;
use ark_bn254::g1;
use ark_ec::scalar_mul::glv::GLVConfig;

/// A factor drawn from 128 bits: `a + b lambda`, where `lambda` is the eigenvalue of the curve's
/// fast endomorphism and a, b are odd integers below 2^64 in size, `2 bits - (2^64 - 1)`.
///
/// As good as 128 random bits themselves, and half the doublings to multiply by: the 2^128 weights
/// are pairwise distinct modulo r, and none is zero. (A difference of two has coordinates below
/// 2^65, and the shortest vector `(a, b)` with `a + b lambda = 0` has a coordinate above 2^126.) So
/// a product of powers with independent weights is one by chance with probability 2^-128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    a: u64,
    b: u64,
}

impl Weight {
    /// The weight of these bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self { a: bits as u64, b: (bits >> 64) as u64 }
    }

    /// As a scalar.
    #[must_use]
    pub fn scalar(&self) -> Fr {
        let odd = |bits: u64| Fr::from(bits) + Fr::from(bits) - Fr::from(u64::MAX);
        odd(self.a) + odd(self.b) * <g1::Config as GLVConfig>::LAMBDA
    }

    /// The bits of a and of b. Two bits d make a digit `2 d - 3` of base 4: 1 or 3 in size, never
    /// zero.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) const fn bits(&self) -> (u64, u64) {
        (self.a, self.b)
    }

    /// The sizes of a and b, and whether they are negative.
    pub(crate) const fn signed(&self) -> [(u64, bool); 2] {
        [Self::sign(self.a), Self::sign(self.b)]
    }

    /// `2 bits - (2^64 - 1)`, which is odd.
    const fn sign(bits: u64) -> (u64, bool) {
        let twice = (bits as i128) * 2 - (u64::MAX as i128);
        (twice.unsigned_abs() as u64, twice < 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{AdditiveGroup, Field};

    #[test]
    fn a_weight_is_its_digits_and_its_signed_halves() {
        let lambda = <g1::Config as GLVConfig>::LAMBDA;
        for bits in [0, 1, 2, u128::MAX, 1 << 63, 1 << 64, 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978] {
            let weight = Weight::new(bits);
            let digits = |word: u64| {
                (0..32).rev().fold(Fr::ZERO, |sum, j| {
                    let d = Fr::from((word >> (2 * j) & 3) * 2) - Fr::from(3u64);
                    sum.double().double() + d
                })
            };
            let (a, b) = weight.bits();
            assert_eq!(weight.scalar(), digits(a) + digits(b) * lambda);
            let halves = weight.signed().map(|(size, negative)| {
                assert!(size % 2 == 1);
                if negative { -Fr::from(size) } else { Fr::from(size) }
            });
            assert_eq!(weight.scalar(), halves[0] + halves[1] * lambda);
        }
        assert_eq!(lambda * lambda + lambda + Fr::ONE, Fr::ZERO);
    }
}
