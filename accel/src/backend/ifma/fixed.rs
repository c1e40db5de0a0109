//! Sums over fixed bases of G1, for a verifier's public inputs: tables of every window's multiples,
//! no doublings.
//!
//! Eight bases side by side, their scalars cut in two halves of 127 bits (see
//! [`recode`](super::recode)); both halves read the same tables, and the second sum is moved by the
//! endomorphism at the end. No addition here meets equal or opposite points: what a lane has summed
//! is smaller than any multiple it adds, and the halves of a scalar that is not zero do not cancel.

use super::field::{Norm, Q, mul, sqr};
use super::jacobian::{Jacobian, Sum};
use super::lanes::{Isa, kernel};
use super::points::{G1, Group, Line, store};
use super::recode::{beta_g1, halves_of};
use crate::{FixedBases, Fq, Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::AdditiveGroup;

/// Bits of a window.
const WIDTH: usize = 5;
/// Multiples kept of each window: digits are within `-16..16`.
const ENTRIES: usize = 1 << (WIDTH - 1);
/// Windows of a half, whose size is below `1.125 * 2^126`: 25 of five bits and a last one of what
/// is left, a few units.
const WINDOWS: usize = 26;
/// What, added to a half, makes each window but the last read as its digit plus 16.
const OFFSET: i128 = {
    let (mut sum, mut w) = (0, 0);
    while w < WINDOWS - 1 {
        sum += 1i128 << (WIDTH * w + WIDTH - 1);
        w += 1;
    }
    sum
};

/// The tables: `[base][window][size - 1]`.
pub(crate) struct Tables {
    isa: Isa,
    points: Vec<Line>,
    finite: Vec<bool>,
}

/// The digits of eight halves, window after window.
type Digits = [[i8; 8]; WINDOWS];

impl Tables {
    pub(crate) fn new(isa: Isa, bases: &[G1Affine]) -> Self {
        let mut multiples = Vec::with_capacity(bases.len() * WINDOWS * ENTRIES);
        for base in bases {
            // A base at infinity takes room and is never read.
            let mut unit =
                if base.is_zero() { G1Projective::from(G1Affine::generator()) } else { (*base).into() };
            for _ in 0..WINDOWS {
                let mut multiple = unit;
                for _ in 0..ENTRIES {
                    multiples.push(multiple);
                    multiple += unit;
                }
                (0..WIDTH).for_each(|_| {
                    unit.double_in_place();
                });
            }
        }
        let multiples = G1Projective::normalize_batch(&multiples);
        let mut points = vec![G1::BLANK; multiples.len()];
        store::<G1>(isa, &multiples, &mut points);
        Self { isa, points, finite: bases.iter().map(|base| !base.is_zero()).collect() }
    }
}

impl FixedBases for Tables {
    fn sums(&self, scalars: &[Fr], lengths: &[usize]) -> Vec<G1Projective> {
        assert!(scalars.len() <= self.finite.len(), "at most one scalar for each base");
        assert_eq!(lengths.iter().sum::<usize>(), scalars.len(), "the lists make up the whole");
        let halves = halves_of(self.isa, scalars, None);
        let mut products = Vec::with_capacity(scalars.len());
        for start in (0..scalars.len()).step_by(8) {
            let mut digits = [[[0i8; 8]; WINDOWS]; 2];
            for (half, digits) in digits.iter_mut().enumerate() {
                for lane in 0..(scalars.len() - start).min(8) {
                    let at = start + lane;
                    if self.finite[at] {
                        cut(digits, lane, halves.low[half][at], halves.high[half][at]);
                    }
                }
            }
            products.extend(multiply(self.isa, &self.points, start, &digits, &beta_g1()));
        }
        let mut products = products.into_iter();
        lengths.iter().map(|length| products.by_ref().take(*length).sum()).collect()
    }
}

fn cut(digits: &mut Digits, lane: usize, low: u64, high: i64) {
    let mut rest = (i128::from(high) << 64 | i128::from(low)) + OFFSET;
    for digits in &mut digits[..WINDOWS - 1] {
        digits[lane] = (rest & ((1 << WIDTH) - 1)) as i8 - ENTRIES as i8;
        rest >>= WIDTH;
    }
    debug_assert!(rest.unsigned_abs() <= ENTRIES as u128);
    digits[WINDOWS - 1][lane] = rest as i8;
}

kernel! {
    /// The products of eight bases from `start` on.
    fn multiply [] (isa: Isa, points: &[Line], start: usize, digits: &[Digits; 2], beta: &Fq) -> [G1Projective; 8] {
        let one = Norm::<Q>::one(isa);
        let mut sums = [Jacobian { x: one, y: one, z: Norm::zero(isa) }; 2];
        let mut infinite = [0xff; 2];
        let last = points.len() as u32 - 1;
        for window in 0..WINDOWS {
            for half in 0..2 {
                let (mut index, mut negative, mut zero) = ([0u32; 8], 0u8, 0u8);
                for lane in 0..8 {
                    let digit = digits[half][window][lane];
                    let place = ((start + lane) * WINDOWS + window) * ENTRIES;
                    index[lane] = ((place + usize::from(digit.unsigned_abs())) as u32).wrapping_sub(1).min(last);
                    negative |= u8::from(digit < 0) << lane;
                    zero |= u8::from(digit == 0) << lane;
                }
                let (x, y) = G1::gather(isa, points, &index);
                let y = y.negate_lanes(negative).norm();
                let Sum { mut point, .. } = sums[half].add(&x, &y);
                if infinite[half] != 0 {
                    point = Jacobian::select(infinite[half], &Jacobian::from_affine(isa, x, y), &point);
                }
                sums[half] = Jacobian::select(zero, &sums[half], &point);
                infinite[half] &= zero;
            }
        }
        let beta = Norm::<Q>::splat(isa, beta);
        let mut second = sums[1];
        second.x = mul(&second.x.lazy(), &beta.lazy()).norm();
        let both = together(&sums[0], &second);
        let sum = Jacobian::select(infinite[1], &sums[0], &Jacobian::select(infinite[0], &second, &both));
        let infinite = infinite[0] & infinite[1];
        let (x, y, z) = (sum.x.to_ark(), sum.y.to_ark(), sum.z.to_ark());
        let mut out = [G1Projective::ZERO; 8];
        for lane in 0..8 {
            if infinite >> lane & 1 == 0 {
                out[lane] = G1Projective::new_unchecked(x[lane], y[lane], z[lane]);
            }
        }
        out
    }
}

/// The sum of points neither equal nor opposite nor infinite.
#[inline(always)]
fn together(p: &Jacobian, q: &Jacobian) -> Jacobian {
    let (z1, z2) = (p.z.lazy(), q.z.lazy());
    let (zz1, zz2) = (sqr(&z1).lazy(), sqr(&z2).lazy());
    let u1 = mul(&p.x.lazy(), &zz2).norm();
    let s1 = mul(&p.y.lazy(), &mul(&z2, &zz2).lazy()).norm();
    let h = mul(&q.x.lazy(), &zz1).minus::<3>(&u1).lazy();
    let r = mul(&q.y.lazy(), &mul(&z1, &zz1).lazy()).minus::<3>(&s1).lazy();
    let hh = sqr(&h).lazy();
    let hhh = mul(&h, &hh).norm();
    let v = mul(&u1.lazy(), &hh).red();
    let x = sqr(&r).minus_three::<5>(&hhh, &v, &v, 2.3 + 2.14).red();
    let product = mul(&s1.lazy(), &hhh.lazy()).norm();
    let y = mul(&r, &v.minus::<2>(&x).lazy()).minus::<3>(&product).red();
    let z = mul(&mul(&z1, &z2).lazy(), &h).norm();
    Jacobian { x, y, z }
}
