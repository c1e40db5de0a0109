//! Scalars cut for buckets: `k = k1 + lambda k2` with halves of 127 bits and a sign (Gallant, Lambert, Vanstone 2001), then
//! signed digits of c bits read off each half at any window by itself.
//!
//! The lattice and the constants are those arkworks publishes for BN254's G1; G2 has the same eigenvalue lambda with the
//! other or the same cube root of one, chosen by [`beta_g2`].

use super::lanes::{Isa, kernel};
use ark_bn254::{Fq, Fr, g1, g2};
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInt, Field, PrimeField};
use std::sync::OnceLock;
use zeroize::Zeroize;

/// Halves are below `1.125 * 2^HALF_BITS` in size: the lattice's longer coefficients are below `2^126.8`, and Babai's
/// rounding, with reciprocals of 256 bits, leaves at most 0.62 of one (the tests check it).
const HALF_BITS: usize = 126;

/// The two halves of many scalars, in two's complement: secret if the scalars are, wiped on drop.
#[derive(Default)]
pub(crate) struct Halves {
    pub(crate) low: Vec<[u64; 2]>,
    pub(crate) high: Vec<[i64; 2]>,
}

impl Drop for Halves {
    fn drop(&mut self) {
        self.low.as_flattened_mut().zeroize();
        self.high.as_flattened_mut().zeroize();
    }
}

/// The decomposition's numbers.
struct Lattice {
    /// `floor(2^256 |n22| / r)` and `floor(2^256 |n12| / r)`, rounded.
    g1: [u64; 3],
    g2: [u64; 3],
    n: [(bool, u128); 4],
}

fn lattice() -> &'static Lattice {
    static LATTICE: OnceLock<Lattice> = OnceLock::new();
    LATTICE.get_or_init(|| {
        let n = <g1::Config as GLVConfig>::SCALAR_DECOMP_COEFFS
            .map(|(positive, x)| (positive, u128::from(x.0[0]) | u128::from(x.0[1]) << 64));
        Lattice { g1: scaled(n[3].1), g2: scaled(n[1].1), n }
    })
}

/// `round(2^256 x / r)`, by long division.
fn scaled(x: u128) -> [u64; 3] {
    let r = Fr::MODULUS;
    let mut remainder = BigInt::<4>::new([x as u64, (x >> 64) as u64, 0, 0]);
    let mut quotient = [0u64; 3];
    for bit in (0..256).rev() {
        use ark_ff::BigInteger;
        // r < 2^254: doubling a remainder below r cannot overflow 256 bits.
        remainder.mul2();
        if remainder >= r {
            remainder.sub_with_borrow(&r);
            quotient[bit / 64] |= 1 << (bit % 64);
        }
    }
    quotient
}

/// `k g / 2^256` to the nearest integer, low 128 bits.
#[inline(always)]
fn high_product(k: &[u64; 4], g: &[u64; 3]) -> u128 {
    let mut t = [0u64; 7];
    for i in 0..3 {
        let mut carry = 0u128;
        for j in 0..4 {
            let sum = u128::from(t[i + j]) + u128::from(k[j]) * u128::from(g[i]) + carry;
            t[i + j] = sum as u64;
            carry = sum >> 64;
        }
        t[i + 4] = carry as u64;
    }
    (u128::from(t[4]) | u128::from(t[5]) << 64).wrapping_add(u128::from(t[3] >> 63))
}

impl Lattice {
    /// The halves of `k`.
    #[inline(always)]
    fn halves(&self, k: &[u64; 4]) -> (i128, i128) {
        let (c1, c2) = (high_product(k, &self.g1), high_product(k, &self.g2));
        let (sign1, sign2) = (self.n[3].0, !self.n[1].0);
        let times = |c: u128, positive: bool, n: (bool, u128)| {
            let v = c.wrapping_mul(n.1);
            if positive == n.0 { v } else { v.wrapping_neg() }
        };
        let low = u128::from(k[0]) | u128::from(k[1]) << 64;
        let k1 = low.wrapping_sub(times(c1, sign1, self.n[0])).wrapping_sub(times(c2, sign2, self.n[2]));
        let k2 = 0u128.wrapping_sub(times(c1, sign1, self.n[1])).wrapping_sub(times(c2, sign2, self.n[3]));
        (k1 as i128, k2 as i128)
    }
}

impl Halves {
    /// Room for the halves of so many scalars.
    pub(crate) fn zeros(count: usize) -> Self {
        Self { low: vec![[0; 2]; count], high: vec![[0; 2]; count] }
    }
}

/// The halves of integers below r.
pub(crate) fn halve(integers: &[[u64; 4]], low: &mut [[u64; 2]], high: &mut [[i64; 2]]) {
    let lattice = lattice();
    for ((k, low), high) in integers.iter().zip(low).zip(high) {
        let (k1, k2) = lattice.halves(k);
        *low = [k1 as u64, k2 as u64];
        *high = [(k1 >> 64) as i64, (k2 >> 64) as i64];
    }
}

/// The cube root of one with `(beta x, y) = lambda (x, y)` in G1.
pub(crate) fn beta_g1() -> Fq {
    <g1::Config as GLVConfig>::ENDO_COEFFS[0]
}

/// The same in G2: the root that belongs to the same lambda there.
pub(crate) fn beta_g2() -> Fq {
    static BETA: OnceLock<Fq> = OnceLock::new();
    *BETA.get_or_init(|| {
        let lambda = <g1::Config as GLVConfig>::LAMBDA;
        let g = <g2::Config as SWCurveConfig>::GENERATOR;
        let expected: Affine<g2::Config> = (g * lambda).into();
        let beta = beta_g1();
        let candidates = [beta, beta.square()];
        let fits = |b: &&Fq| {
            let mut x = g.x;
            x.mul_assign_by_basefield(b);
            Affine::<g2::Config>::new_unchecked(x, g.y) == expected
        };
        *candidates.iter().find(fits).expect("lambda is an eigenvalue of the endomorphism on G2 as well")
    })
}

/// How halves are cut: `windows` windows of `width` bits, signed digits in `-2^(width-1) .. 2^(width-1)`; the last holds what
/// is left, up to [`buckets`](Cut::buckets) in size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) width: usize,
    pub(crate) windows: usize,
}

impl Cut {
    /// As many windows as cover a half.
    pub(crate) fn new(width: usize) -> Self {
        Self { width, windows: HALF_BITS.div_ceil(width) }
    }

    /// Buckets of one window: the largest size of a digit.
    pub(crate) fn buckets(self) -> usize {
        // With what carries into the last window.
        let left = (HALF_BITS + self.width).saturating_sub(self.windows * self.width);
        (1 << (self.width - 1)).max((1 << left) + (1 << left >> 3) + 1)
    }

    /// What, added to a half, lets each window but the last be read as `bits - 2^(width-1)` without carries.
    pub(crate) fn offset(self) -> i128 {
        (0..self.windows - 1).map(|w| 1i128 << (w * self.width + self.width - 1)).sum()
    }
}

kernel! {
    /// The digits of one window of halves that have the [`Cut::offset`] added.
    pub(crate) fn digits [] (isa: Isa, cut: Cut, window: usize, low: &[u64], high: &[i64], out: &mut [i32]) {
        let _ = isa;
        read_digits(cut, window, low, high, out);
    }
}

#[inline(always)]
fn read_digits(cut: Cut, window: usize, low: &[u64], high: &[i64], out: &mut [i32]) {
    let shift = (window * cut.width) as u32;
    let half = 1i64 << (cut.width - 1);
    let mask = (1i64 << cut.width) - 1;
    let last = window + 1 == cut.windows;
    let count = out.len();
    let (low, high) = (&low[..count], &high[..count]);
    match (last, shift >= 64) {
        (false, false) => {
            for i in 0..count {
                let bits = (low[i] >> shift) | ((high[i] as u64) << 1) << (63 - shift);
                out[i] = ((bits as i64 & mask) - half) as i32;
            }
        }
        (false, true) => {
            for i in 0..count {
                out[i] = (((high[i] >> (shift - 64)) & mask) - half) as i32;
            }
        }
        // What is left, signed; 126 bits begin below bit 64 only where one window holds nearly all of them.
        (true, _) => {
            for i in 0..count {
                out[i] = (((i128::from(high[i]) << 64) | i128::from(low[i])) >> shift) as i32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{AdditiveGroup, UniformRand};

    fn scalars() -> Vec<Fr> {
        let mut rng = ark_std::test_rng();
        let one = Fr::ONE;
        let lambda = <g1::Config as GLVConfig>::LAMBDA;
        let mut all = vec![Fr::ZERO, one, -one, one.double(), -one.double(), lambda, -lambda, lambda - one];
        for power in 1..254u64 {
            all.extend([one.double().pow([power]), -one.double().pow([power])]);
        }
        all.extend((0..20_000).map(|_| Fr::rand(&mut rng)));
        all
    }

    fn signed(x: i128) -> Fr {
        let size = Fr::from(x.unsigned_abs());
        if x < 0 { -size } else { size }
    }

    #[test]
    fn halves_are_short_and_add_up_to_the_scalar() {
        let lambda = <g1::Config as GLVConfig>::LAMBDA;
        for k in scalars() {
            let (k1, k2) = lattice().halves(&k.into_bigint().0);
            assert_eq!(signed(k1) + lambda * signed(k2), k);
            assert!(k1.unsigned_abs() < 9 << (HALF_BITS - 3) && k2.unsigned_abs() < 9 << (HALF_BITS - 3));
            // Room for the offset, and for the last digit, at every width.
            for width in 2..=16 {
                let cut = Cut::new(width);
                let top = (k1 + cut.offset()) >> ((cut.windows - 1) * width);
                assert!(top.unsigned_abs() <= cut.buckets() as u128, "{width}");
            }
        }
    }

    #[test]
    fn small_scalars_and_their_negatives_have_one_short_half() {
        for k in 0..1000u64 {
            assert_eq!(lattice().halves(&Fr::from(k).into_bigint().0), (i128::from(k), 0));
            assert_eq!(lattice().halves(&(-Fr::from(k)).into_bigint().0), (-i128::from(k), 0));
        }
    }

    #[test]
    fn digits_add_up_to_the_halves_at_every_width() {
        for width in 2..=16 {
            let cut = Cut::new(width);
            for k in scalars().iter().step_by(7) {
                let (k1, _) = lattice().halves(&k.into_bigint().0);
                let shifted = k1 + cut.offset();
                let mut sum = 0i128;
                for window in (0..cut.windows).rev() {
                    let mut digit = [0];
                    read_digits(cut, window, &[shifted as u64], &[(shifted >> 64) as i64], &mut digit);
                    assert!(digit[0].unsigned_abs() as usize <= cut.buckets());
                    sum = (sum << width) + i128::from(digit[0]);
                }
                assert_eq!(sum, k1);
            }
        }
    }
}
