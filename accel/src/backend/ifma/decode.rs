//! From x to points: square roots, sixteen at a time.
//!
//! `p = 3 mod 4`. With `w = a^((p - 3) / 4)`, `a w` is a root of `a` where there is one, and
//! `a w^2` says whether there is. In Fq2 (the complex method): for `a = a0 + a1 u` of norm N,
//! `t = (a0 + sqrt N) / 2` and `w` of t,
//! - where `t w^2 = 1`, a root is `t w + (a1 w / 2) u`;
//! - where `t w^2 = -1`, a root is `(a1 w / 2) - t w u`,
//!
//! so that two powers suffice. Every root is checked by squaring it: what has none is found out
//! there, whatever happened on the way.

use super::field::{Lazy, Norm, Prime, Q, mul, power_of_two, split, sqr};
use super::fq2::{Coordinate, Norm2};
use super::lanes::{self, Isa, kernel};
use crate::{G1Affine, G2Affine};
use ark_bn254::{Fq, Fq2, g2};
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ff::{AdditiveGroup, PrimeField};

/// Vectors side by side: one chain of dependent squarings leaves the multipliers idle half the
/// time.
const WIDTH: usize = 2;
type Wide<T> = [T; WIDTH];

/// The bits of `(p - 3) / 4` in sliding windows of 5 bits: the number of squarings, then the
/// odd power to multiply by.
const WINDOWS: ([(u8, u8); 64], usize) = windows(&quarter(Q::P64));

/// `(p - 3) / 4` for p = 3 mod 4.
const fn quarter(p: [u64; 4]) -> [u64; 4] {
    [p[0] >> 2 | p[1] << 62, p[1] >> 2 | p[2] << 62, p[2] >> 2 | p[3] << 62, p[3] >> 2]
}

const fn bit(x: &[u64; 4], i: usize) -> u8 {
    (x[i / 64] >> (i % 64) & 1) as u8
}

const fn windows(exponent: &[u64; 4]) -> ([(u8, u8); 64], usize) {
    let (mut out, mut len) = ([(0, 0); 64], 0);
    let mut squarings = 0;
    let mut i = 256;
    let mut started = false;
    while i > 0 {
        if bit(exponent, i - 1) == 0 {
            squarings += started as u8;
            i -= 1;
            continue;
        }
        // The longest window from here that ends in a one.
        let mut low = i.saturating_sub(5);
        while bit(exponent, low) == 0 {
            low += 1;
        }
        let (mut power, mut k) = (0, i);
        while k > low {
            power = power << 1 | bit(exponent, k - 1);
            k -= 1;
        }
        // The first power is where the chain starts.
        out[len] = (if started { squarings + (i - low) as u8 } else { 0 }, power);
        len += 1;
        squarings = 0;
        started = true;
        i = low;
    }
    // Squarings that no power follows.
    out[len] = (squarings, 0);
    (out, len + 1)
}

/// `(p - 1) / 2`: the larger of y and -y is above it.
const HALF: [u64; 5] = split(<Fq as PrimeField>::MODULUS_MINUS_ONE_DIV_TWO.0);

/// One half.
const ONE_HALF: [u64; 5] = split(power_of_two(259, Q::P64));

/// `x^((p - 3) / 4)`, for values below 3p.
#[inline(always)]
fn power(x: &Wide<Norm<Q>>) -> Wide<Lazy<Q>> {
    let x = [x[0].lazy(), x[1].lazy()];
    let squares = [sqr(&x[0]).lazy(), sqr(&x[1]).lazy()];
    let mut odd = [x; 16];
    let mut i = 1;
    while i < 16 {
        odd[i] = [mul(&odd[i - 1][0], &squares[0]).lazy(), mul(&odd[i - 1][1], &squares[1]).lazy()];
        i += 1;
    }
    let (windows, len) = const { WINDOWS };
    let mut y = odd[(windows[0].1 / 2) as usize];
    for (squarings, power) in &windows[1..len] {
        for _ in 0..*squarings {
            y = [sqr(&y[0]).lazy(), sqr(&y[1]).lazy()];
        }
        if *power > 0 {
            let factor = &odd[(power / 2) as usize];
            y = [mul(&y[0], &factor[0]).lazy(), mul(&y[1], &factor[1]).lazy()];
        }
    }
    y
}

/// The lanes that are above `(p - 1) / 2` as integers, for values below 3p.
#[inline(always)]
fn larger_lanes(y: &Norm<Q>) -> u8 {
    let isa = y.isa();
    let integer = mul(&y.lazy(), &Norm::constant(isa, &[1, 0, 0, 0, 0]).lazy()).norm().canonical();
    // The borrow that runs from the bottom limb to the top.
    let limbs = integer.limbs();
    let mut top = lanes::zero(isa);
    let mut i = 0;
    while i < 5 {
        let difference = lanes::sub(lanes::splat(isa, HALF[i]), limbs[i]);
        top = lanes::add(difference, lanes::sar::<52>(top));
        i += 1;
    }
    lanes::negative(top)
}

/// Whether `a - b` is zero, for values below 3p.
#[inline(always)]
fn same(a: &Norm<Q>, b: &Norm<Q>) -> u8 {
    a.minus::<3>(b).red().zero_lanes()
}

kernel! {
    fn lift_g1_lanes [] (isa: Isa, x: &Wide<[Fq; 8]>, larger: &Wide<u8>) -> (Wide<[Fq; 8]>, Wide<u8>) {
        let three = Norm::<Q>::splat(isa, &Fq::from(3u64));
        let mut right = [three; WIDTH];
        for i in 0..WIDTH {
            let x = Norm::from_ark(isa, &x[i]).lazy();
            right[i] = mul(&sqr(&x).lazy(), &x).plus(&three).red();
        }
        let powers = power(&right);
        let (mut out, mut valid) = ([[Fq::ZERO; 8]; WIDTH], [0; WIDTH]);
        for i in 0..WIDTH {
            let y = mul(&powers[i], &right[i].lazy()).red();
            valid[i] = same(&sqr(&y.lazy()).norm(), &right[i]);
            out[i] = y.negate_lanes(larger_lanes(&y) ^ larger[i]).norm().to_ark();
        }
        (out, valid)
    }

    fn lift_g2_lanes [] (isa: Isa, x: &Wide<[Fq2; 8]>, larger: &Wide<u8>) -> (Wide<[Fq2; 8]>, Wide<u8>) {
        let b = Norm2::splat(isa, &g2::Config::COEFF_B);
        let half = Norm::<Q>::constant(isa, &ONE_HALF).lazy();
        let (mut right, mut norms) = ([b; WIDTH], [b.c0; WIDTH]);
        for i in 0..WIDTH {
            let x = Norm2::from_ark(isa, &x[i]);
            let square = Norm2::norm(&Norm2::sqr(&x));
            right[i] = Norm2::red(&Norm2::raw_plus(&Norm2::mul(&x.left(), &square.right()), &b));
            norms[i] = right[i].down();
        }
        let powers = power(&norms);
        let mut t = norms;
        for i in 0..WIDTH {
            let root = mul(&powers[i], &norms[i].lazy());
            t[i] = mul(&root.plus(&right[i].c0).lazy(), &half).red();
            // (a0 + s) / 2 = 0, for one of the roots s of a0^2: then (a0 - s) / 2 = a0 does as
            // well.
            t[i] = Norm::select(t[i].zero_lanes(), &right[i].c0, &t[i]);
        }
        let powers = power(&t);
        let (mut out, mut valid) = ([[Fq2::ZERO; 8]; WIDTH], [0; WIDTH]);
        for i in 0..WIDTH {
            let tw = mul(&powers[i], &t[i].lazy()).red();
            let other = mul(&mul(&powers[i], &half).lazy(), &right[i].c1.lazy()).red();
            let square = same(&mul(&tw.lazy(), &powers[i]).norm(), &Norm::one(isa));
            let y = Norm2 {
                c0: Norm::select(square, &tw, &other),
                c1: Norm::select(square, &other, &tw.negate::<2>().red()),
            };
            let check = Norm2::norm(&Norm2::sqr(&y));
            valid[i] = same(&check.c0, &right[i].c0) & same(&check.c1, &right[i].c1);
            // Compared by c1, then c0.
            let real = y.c1.zero_lanes();
            let is_larger = (larger_lanes(&y.c1) & !real) | (larger_lanes(&y.c0) & real);
            out[i] = y.negate_lanes(is_larger ^ larger[i]).to_ark();
        }
        (out, valid)
    }
}

/// For each `(x, larger)` the point with this x and the larger or smaller y, if there is one.
pub(crate) fn lift_g1(isa: Isa, xs: &[(Fq, bool)]) -> Vec<Option<G1Affine>> {
    lift(xs, |x, larger| lift_g1_lanes(isa, x, larger), G1Affine::new_unchecked)
}

/// The same on the twist. The points may lie outside the subgroup of order r.
pub(crate) fn lift_g2(isa: Isa, xs: &[(Fq2, bool)]) -> Vec<Option<G2Affine>> {
    lift(xs, |x, larger| lift_g2_lanes(isa, x, larger), G2Affine::new_unchecked)
}

fn lift<F: AdditiveGroup, P>(
    xs: &[(F, bool)],
    lanes: impl Fn(&Wide<[F; 8]>, &Wide<u8>) -> (Wide<[F; 8]>, Wide<u8>),
    point: impl Fn(F, F) -> P,
) -> Vec<Option<P>> {
    let mut out = Vec::with_capacity(xs.len());
    for chunk in xs.chunks(8 * WIDTH) {
        let (mut x, mut larger) = ([[F::ZERO; 8]; WIDTH], [0; WIDTH]);
        for (i, (value, flag)) in chunk.iter().enumerate() {
            x[i / 8][i % 8] = *value;
            larger[i / 8] |= u8::from(*flag) << (i % 8);
        }
        let (y, valid) = lanes(&x, &larger);
        out.extend(chunk.iter().enumerate().map(|(i, (x, _))| {
            let (vector, lane) = (i / 8, i % 8);
            (valid[vector] >> lane & 1 == 1).then(|| point(*x, y[vector][lane]))
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{BigInt, Field};

    #[test]
    fn the_windows_are_those_of_the_exponent() {
        let (windows, len) = WINDOWS;
        let x = Fq::from(3u64);
        let power = |k: u8| x.pow([u64::from(k)]);
        let mut y = power(windows[0].1);
        for (squarings, k) in &windows[1..len] {
            (0..*squarings).for_each(|_| y = y.square());
            y *= power(*k);
        }
        let mut quarter = Fq::MODULUS;
        quarter.0[0] -= 3;
        let four: BigInt<4> = BigInt(quarter.0);
        assert_eq!(y.pow([4u64]), x.pow(four));
        assert!(windows[..len].iter().all(|(_, k)| *k < 32 && (*k % 2 == 1 || *k == 0)));
    }
}
