//! Scalars cut for buckets: `k = k1 + lambda k2` with halves of 127 bits and a sign (Gallant,
//! Lambert, Vanstone 2001), then signed digits of c bits read off each half at any window by
//! itself.
//!
//! The lattice and the constants are those arkworks publishes for BN254's G1; G2 has the same
//! eigenvalue lambda with the other or the same cube root of one, chosen by [`beta_g2`].

use super::field::{Lazy, MASK, Norm, R, mul};
use super::lanes::{self, Isa, Z, kernel};
use ark_bn254::{Fq, Fr, g1, g2};
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};
use rayon::prelude::*;
use std::sync::OnceLock;
use zeroize::Zeroize;

/// Halves are below `1.125 * 2^HALF_BITS` in size: the lattice's longer coefficients are below
/// `2^126.8`, and Babai's rounding, with reciprocals of 256 bits, leaves at most 0.62 of one (the
/// tests check it).
const HALF_BITS: usize = 126;
/// Scalars cut together.
const RUN: usize = 2048;

/// The two halves of many scalars, in two's complement, low and high words apart: secret if the
/// scalars are, wiped on drop.
pub(crate) struct Halves {
    pub(crate) low: [Vec<u64>; 2],
    pub(crate) high: [Vec<i64>; 2],
}

impl Drop for Halves {
    fn drop(&mut self) {
        self.low.iter_mut().for_each(Zeroize::zeroize);
        self.high.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// Where the halves of a run of scalars go.
pub(crate) struct Run<'a> {
    low: [&'a mut [u64]; 2],
    high: [&'a mut [i64]; 2],
}

impl Halves {
    /// The halves of the scalars that `work` finds in each run of numbers; runs are spread over the
    /// threads.
    pub(crate) fn of<T: Sync>(numbers: &[T], work: impl Fn(&[T], Run<'_>) + Sync) -> Self {
        let zeros = || [vec![0; numbers.len()], vec![0; numbers.len()]];
        let mut halves =
            Self { low: zeros(), high: zeros().map(|v| v.into_iter().map(|x: u64| x as i64).collect()) };
        let Self { low: [low1, low2], high: [high1, high2] } = &mut halves;
        let lows = low1.par_chunks_mut(RUN).zip(low2.par_chunks_mut(RUN));
        let highs = high1.par_chunks_mut(RUN).zip(high2.par_chunks_mut(RUN));
        numbers.par_chunks(RUN).zip(lows.zip(highs)).for_each(|(numbers, ((low1, low2), (high1, high2)))| {
            work(numbers, Run { low: [low1, low2], high: [high1, high2] });
        });
        halves
    }
}

/// The decomposition's numbers: `c_i = round(k g_i / 2^256)`, `k1 = k + c_1 m11 + c_2 m21` and
/// `k2 = c_1 m12 + c_2 m22` for any integers `c_i`; the better these approximate their quotients,
/// the shorter the halves.
struct Lattice {
    /// `2^256 |n22| / r` and `2^256 |n12| / r`, to the nearest integer, in limbs of 52 bits.
    g: [[u64; 3]; 2],
    /// `[[m11, m12], [m21, m22]]` modulo 2^156, in limbs of 52 bits.
    m: [[[u64; 3]; 2]; 2],
}

fn lattice() -> &'static Lattice {
    static LATTICE: OnceLock<Lattice> = OnceLock::new();
    LATTICE.get_or_init(|| {
        // Rows (n11, n12) and (n21, n22) with n_i1 + lambda n_i2 = 0 mod r; k = c_1 row_1 + c_2
        // row_2 + (k1, k2) for c_1 = k n22 / r and c_2 = -k n12 / r (the determinant is r).
        let n = <g1::Config as GLVConfig>::SCALAR_DECOMP_COEFFS
            .map(|(positive, x)| (positive, u128::from(x.0[0]) | u128::from(x.0[1]) << 64));
        let negated = |sign: bool, (positive, size): (bool, u128)| limbs(size, sign == positive);
        let (sign1, sign2) = (n[3].0, !n[1].0);
        Lattice {
            g: [scaled(n[3].1), scaled(n[1].1)],
            m: [[negated(sign1, n[0]), negated(sign1, n[1])], [negated(sign2, n[2]), negated(sign2, n[3])]],
        }
    })
}

/// `±x` modulo 2^156 in limbs of 52 bits.
fn limbs(x: u128, negative: bool) -> [u64; 3] {
    let (low, high) = if negative { (x.wrapping_neg(), u64::from(x != 0) * MASK) } else { (x, 0) };
    [low as u64 & MASK, (low >> 52) as u64 & MASK, ((low >> 104) as u64 | high << 24) & MASK]
}

/// `round(2^256 x / r)`, by long division, in limbs of 52 bits.
fn scaled(x: u128) -> [u64; 3] {
    let r = Fr::MODULUS;
    let mut remainder = BigInt::<4>::new([x as u64, (x >> 64) as u64, 0, 0]);
    let mut quotient = [0u64; 3];
    for bit in (0..256).rev() {
        // r < 2^254: doubling a remainder below r cannot overflow 256 bits.
        remainder.mul2();
        if remainder >= r {
            remainder.sub_with_borrow(&r);
            quotient[bit / 52] |= 1 << (bit % 52);
        }
    }
    quotient
}

/// The halves of eight integers below r, given in limbs.
#[inline(always)]
fn halve(isa: Isa, lattice: &Lattice, k: &[Z; 5]) -> [[Z; 2]; 2] {
    let c1 = quotient(isa, k, &lattice.g[0]);
    let c2 = quotient(isa, k, &lattice.g[1]);
    let zero = [lanes::zero(isa); 3];
    let k1 = plus_product(plus_product([k[0], k[1], k[2]], &c1, &lattice.m[0][0]), &c2, &lattice.m[1][0]);
    let k2 = plus_product(plus_product(zero, &c1, &lattice.m[0][1]), &c2, &lattice.m[1][1]);
    [words(&k1), words(&k2)]
}

/// `k g / 2^256` to the nearest integer, or one off: three limbs.
#[inline(always)]
fn quotient(isa: Isa, k: &[Z; 5], g: &[u64; 3]) -> [Z; 3] {
    // Columns 3 to 7; lower columns change the quotient by less than 2^-40.
    let mut t = [lanes::zero(isa); 9];
    let mut i = 0;
    while i < 5 {
        let mut j = 0;
        while j < 3 {
            let g = lanes::splat(isa, g[j]);
            t[i + j] = lanes::madd_lo(t[i + j], k[i], g);
            t[i + j + 1] = lanes::madd_hi(t[i + j + 1], k[i], g);
            j += 1;
        }
        i += 1;
    }
    // Bit 256 is bit 48 of column 4; half of it is added to round.
    t[4] = lanes::add(lanes::add(t[4], lanes::shr::<52>(t[3])), lanes::splat(isa, 1 << 47));
    let mask = lanes::splat(isa, MASK);
    let mut i = 4;
    while i < 7 {
        t[i + 1] = lanes::add(t[i + 1], lanes::shr::<52>(t[i]));
        t[i] = lanes::and(t[i], mask);
        i += 1;
    }
    [across(t[4], t[5], mask), across(t[5], t[6], mask), across(t[6], t[7], mask)]
}

/// Bits 48 to 99 of two limbs.
#[inline(always)]
fn across(low: Z, high: Z, mask: Z) -> Z {
    lanes::and(lanes::or(lanes::shr::<48>(low), lanes::shl::<4>(high)), mask)
}

/// `sum + c m` modulo 2^156, carried.
#[inline(always)]
fn plus_product(mut sum: [Z; 3], c: &[Z; 3], m: &[u64; 3]) -> [Z; 3] {
    let isa = lanes::isa(sum[0]);
    let mut i = 0;
    while i < 3 {
        let mut j = 0;
        while i + j < 3 {
            let m = lanes::splat(isa, m[j]);
            sum[i + j] = lanes::madd_lo(sum[i + j], c[i], m);
            if i + j < 2 {
                sum[i + j + 1] = lanes::madd_hi(sum[i + j + 1], c[i], m);
            }
            j += 1;
        }
        i += 1;
    }
    let mask = lanes::splat(isa, MASK);
    sum[1] = lanes::add(sum[1], lanes::shr::<52>(sum[0]));
    sum[2] = lanes::add(sum[2], lanes::shr::<52>(sum[1]));
    [lanes::and(sum[0], mask), lanes::and(sum[1], mask), lanes::and(sum[2], mask)]
}

/// The low 128 bits of three limbs.
#[inline(always)]
fn words(x: &[Z; 3]) -> [Z; 2] {
    [lanes::or(x[0], lanes::shl::<52>(x[1])), lanes::or(lanes::shr::<12>(x[1]), lanes::shl::<40>(x[2]))]
}

/// What a run of scalars is.
pub(crate) trait Scalar: Sync {
    /// Eight integers below r in limbs; absent ones are zero.
    fn integers(isa: Isa, values: &[Self], by: Option<&Lazy<R>>) -> [Z; 5]
    where
        Self: Sized;
}

impl Scalar for Fr {
    /// The elements' integers, times a factor if there is one.
    #[inline(always)]
    fn integers(isa: Isa, values: &[Self], by: Option<&Lazy<R>>) -> [Z; 5] {
        let values = match values.try_into() {
            Ok(eight) => eight,
            Err(_) => {
                let mut eight = [Fr::ZERO; 8];
                eight[..values.len()].copy_from_slice(values);
                eight
            }
        };
        let values = Norm::<R>::from_ark_wide(isa, &values);
        match by {
            Some(by) => mul(&values.lazy(), by).norm().to_integer().limbs(),
            None => values.to_integer().limbs(),
        }
    }
}

impl Scalar for BigInt<4> {
    /// The integers as they are: there is no factor.
    #[inline(always)]
    fn integers(isa: Isa, values: &[Self], _: Option<&Lazy<R>>) -> [Z; 5] {
        let mut eight = [[0; 4]; 8];
        for (to, from) in eight.iter_mut().zip(values) {
            *to = from.0;
        }
        Norm::<R>::from_words(isa, &eight, 1.0).limbs()
    }
}

/// The halves of integers, or of elements times a factor.
pub(crate) fn halves_of<S: Scalar>(isa: Isa, numbers: &[S], by: Option<&Fr>) -> Halves {
    Halves::of(numbers, |numbers, run| halve_run::<S>(isa, numbers, by, run))
}

kernel! {
    fn halve_run [S: Scalar] (isa: Isa, numbers: &[S], by: Option<&Fr>, run: Run<'_>) {
        let lattice = lattice();
        let by = by.map(|by| Norm::<R>::splat(isa, by).lazy());
        let mut at = 0;
        while at < numbers.len() {
            let count = (numbers.len() - at).min(8);
            let halves = halve(isa, lattice, &S::integers(isa, &numbers[at..at + count], by.as_ref()));
            let mut half = 0;
            while half < 2 {
                let [low, high] = halves[half];
                let (low, high) = (low.to_array(), high.to_array());
                let mut lane = 0;
                while lane < count {
                    run.low[half][at + lane] = low[lane];
                    run.high[half][at + lane] = high[lane] as i64;
                    lane += 1;
                }
                half += 1;
            }
            at += 8;
        }
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

/// How halves are cut: `windows` windows of `width` bits, signed digits in
/// `-2^(width-1) .. 2^(width-1)`; the last holds what is left, up to [`buckets`](Cut::buckets) in
/// size.
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

    /// What, added to a half, lets each window but the last be read as `bits - 2^(width-1)` without
    /// carries.
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
        // What is left, signed; 126 bits begin below bit 64 only where one window holds nearly all
        // of them.
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
    use ark_ff::UniformRand;

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

    /// The halves of scalars, by the lanes.
    fn halved(isa: Isa, scalars: &[Fr]) -> Vec<(i128, i128)> {
        let halves = halves_of(isa, scalars, None);
        let half = |i: usize, h: usize| (i128::from(halves.high[h][i]) << 64) | i128::from(halves.low[h][i]);
        (0..scalars.len()).map(|i| (half(i, 0), half(i, 1))).collect()
    }

    #[test]
    fn halves_are_short_and_add_up_to_the_scalar() {
        let Some(isa) = Isa::detect() else { return };
        let lambda = <g1::Config as GLVConfig>::LAMBDA;
        let scalars = scalars();
        for (k, (k1, k2)) in scalars.iter().zip(halved(isa, &scalars)) {
            assert_eq!(signed(k1) + lambda * signed(k2), *k);
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
    fn integers_elements_and_multiples_have_the_halves_of_what_they_are() {
        let Some(isa) = Isa::detect() else { return };
        let scalars = &scalars()[..1003];
        let expected = halves_of(isa, scalars, None);
        let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
        let by = Fr::from(77u64).inverse().expect("not zero");
        let divided: Vec<_> = scalars.iter().map(|s| *s / by).collect();
        for halves in [halves_of(isa, &integers, None), halves_of(isa, &divided, Some(&by))] {
            assert_eq!((&halves.low, &halves.high), (&expected.low, &expected.high));
        }
    }

    #[test]
    fn small_scalars_and_their_negatives_have_one_short_half() {
        let Some(isa) = Isa::detect() else { return };
        let small: Vec<Fr> = (0..1000u64).map(Fr::from).collect();
        let negative: Vec<Fr> = small.iter().map(|k| -*k).collect();
        for (k, (halves, of_negative)) in
            halved(isa, &small).into_iter().zip(halved(isa, &negative)).enumerate()
        {
            assert_eq!((halves, of_negative), ((k as i128, 0), (-(k as i128), 0)));
        }
    }

    #[test]
    fn digits_add_up_to_the_halves_at_every_width() {
        let Some(isa) = Isa::detect() else { return };
        let scalars: Vec<Fr> = scalars().into_iter().step_by(7).collect();
        for width in 2..=16 {
            let cut = Cut::new(width);
            for (k1, _) in halved(isa, &scalars) {
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
