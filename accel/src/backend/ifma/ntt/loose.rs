//! What flows through a transform: values whose carries wait, and multiplication by numbers known
//! beforehand.
//!
//! A butterfly `a + w b, a - w b` multiplies b alone. So carries are moved when a value is about to
//! be a factor, and never else: between the passes limbs are signed words that grow by a few bits
//! in a whole transform ([`Loose`]).
//!
//! # Multiplication by a known number
//! For w known beforehand let `w' = floor(w 2^260 / p)`, and `0 <= x < 2^260`. The columns 5 to 9
//! of `w' x` (25 multiply-adds) make an integer q that is at most `w x / p` and misses it by less
//! than `10 + 2^-47`: less than 1 for the fraction of `w 2^260 / p`, less than 9 for the nine
//! multiply-adds that would have gone into column 4, each below one unit of column 5, and next to
//! nothing for the columns below. So `w x - q p` lies between 0 and `10.001 p`, and it is enough to
//! compute it modulo `2^260`: columns 0 to 4 of `w x` and of `q (2^260 - p)`, 25 multiply-adds
//! each. That makes 75, where a Montgomery multiplication takes 101; the price is that w is stored
//! twice, and that the result is known no better than `10 p`. (After Shoup; see Harvey, "Faster
//! arithmetic for number-theoretic transforms", 2014.)

use super::super::Isa;
use super::super::field::{Lazy, MASK, Norm, Prime, R, Raw, constant, multiple};
use super::super::lanes::{self, Z, add, and, isa, madd_hi, madd_lo, sar, shr, splat, sub};

/// `2^51`: what keeps the top limb from wrapping below zero while it is cut to 52 bits.
const MIDDLE: u64 = 1 << 51;

/// `2^260 - p`.
const NEGATIVE: [u64; 5] = less(1 << 52, R::P);

/// `2^259 - 5 p`: where the columns of a product start, so that it comes out between `-5 p` and
/// `5.001 p`.
const START: [u64; 5] = less(MIDDLE, multiple(R::P64, 5));

/// `top 2^208 - x`, normalised.
const fn less(top: u64, x: [u64; 5]) -> [u64; 5] {
    let mut r = [0; 5];
    let mut borrow = 0;
    let mut i = 0;
    while i < 4 {
        let (d, b) = 0u64.overflowing_sub(x[i] + borrow);
        r[i] = d & MASK;
        borrow = b as u64;
        i += 1;
    }
    r[4] = top - x[4] - borrow;
    r
}

/// What a value and its limbs can be. Followed in debug builds only; takes no room in release
/// builds.
#[derive(Clone, Copy)]
struct Reach {
    /// At least and at most, in multiples of p, and the limbs' size in multiples of 2^52.
    #[cfg(debug_assertions)]
    reach: [f64; 3],
}

impl Reach {
    #[inline(always)]
    const fn new(low: f64, high: f64, spread: f64) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = [low, high, spread];
        Self {
            #[cfg(debug_assertions)]
            reach: [low, high, spread],
        }
    }

    /// Low, high and spread in debug builds, zeros in release builds: for assertions only.
    #[inline(always)]
    const fn get(self) -> [f64; 3] {
        #[cfg(debug_assertions)]
        return self.reach;
        #[cfg(not(debug_assertions))]
        [0.0; 3]
    }
}

/// Eight values of the scalar field, Montgomery form with `R = 2^260`: signed limbs from which no
/// carry has been moved.
#[derive(Clone, Copy)]
pub(crate) struct Loose {
    limbs: [Z; 5],
    reach: Reach,
}

/// A number known beforehand, as [`Loose::times`] wants it: canonical limbs of w (not in Montgomery
/// form) and of w'.
pub(super) trait Known: Copy {
    fn of(isa: Isa, number: &Constant) -> Self;
    fn factor(&self, isa: Isa, limb: usize) -> Z;
    fn quotient(&self, isa: Isa, limb: usize) -> Z;
}

/// The same number in all lanes, fetched as one word a limb: for numbers used in a row of
/// butterflies.
#[derive(Clone, Copy)]
pub(super) struct Constant {
    pub(super) factor: [u64; 5],
    pub(super) quotient: [u64; 5],
}

/// A number for each lane.
#[derive(Clone, Copy)]
pub(super) struct Constants {
    pub(super) factor: [Z; 5],
    pub(super) quotient: [Z; 5],
}

impl Known for Constant {
    fn of(_: Isa, number: &Constant) -> Self {
        *number
    }

    #[inline(always)]
    fn factor(&self, isa: Isa, limb: usize) -> Z {
        splat(isa, self.factor[limb])
    }

    #[inline(always)]
    fn quotient(&self, isa: Isa, limb: usize) -> Z {
        splat(isa, self.quotient[limb])
    }
}

impl Known for Constants {
    fn of(isa: Isa, number: &Constant) -> Self {
        Self { factor: constant(isa, &number.factor), quotient: constant(isa, &number.quotient) }
    }

    #[inline(always)]
    fn factor(&self, _: Isa, limb: usize) -> Z {
        self.factor[limb]
    }

    #[inline(always)]
    fn quotient(&self, _: Isa, limb: usize) -> Z {
        self.quotient[limb]
    }
}

impl Loose {
    #[inline(always)]
    pub(crate) fn zero(isa: Isa) -> Self {
        Self { limbs: [lanes::zero(isa); 5], reach: Reach::new(0.0, 0.0, 0.0) }
    }

    #[inline(always)]
    pub(crate) fn isa(&self) -> Isa {
        isa(self.limbs[0])
    }

    #[inline(always)]
    pub(crate) fn of(value: &Norm<R>) -> Self {
        Self { limbs: value.limbs(), reach: Reach::new(0.0, value.bound(), 1.0) }
    }

    /// From the result of a Montgomery multiplication: its limbs stay below 2^58.
    #[inline(always)]
    pub(crate) fn of_product(value: &Raw<R>) -> Self {
        Self { limbs: value.limbs(), reach: Reach::new(0.0, value.bound(), 64.0) }
    }

    #[inline(always)]
    pub(crate) fn plus(&self, b: &Self) -> Self {
        let mut limbs = self.limbs;
        let mut i = 0;
        while i < 5 {
            limbs[i] = add(limbs[i], b.limbs[i]);
            i += 1;
        }
        let ([low, high, spread], [b_low, b_high, b_spread]) = (self.reach.get(), b.reach.get());
        Self { limbs, reach: Reach::new(low + b_low, high + b_high, spread + b_spread) }
    }

    #[inline(always)]
    pub(crate) fn minus(&self, b: &Self) -> Self {
        let mut limbs = self.limbs;
        let mut i = 0;
        while i < 5 {
            limbs[i] = sub(limbs[i], b.limbs[i]);
            i += 1;
        }
        let ([low, high, spread], [b_low, b_high, b_spread]) = (self.reach.get(), b.reach.get());
        Self { limbs, reach: Reach::new(low - b_high, high - b_low, spread + b_spread) }
    }

    /// `self + K p`.
    #[inline(always)]
    pub(crate) fn lift<const K: u64>(&self) -> Self {
        let lift = constant(self.isa(), &const { multiple(R::P64, K) });
        self.plus(&Self { limbs: lift, reach: Reach::new(K as f64, K as f64, 1.0) })
    }

    /// As a factor, for a value that is not negative and below `84.6 p`, which is `2^260`.
    #[inline(always)]
    pub(crate) fn factor(&self) -> Lazy<R> {
        let [low, high, spread] = self.reach.get();
        debug_assert!(low >= 0.0 && high < 84.6, "between {low} p and {high} p");
        debug_assert!(spread < 1024.0, "limbs of 62 bits");
        let mut limbs = self.limbs;
        let mut i = 0;
        while i < 4 {
            limbs[i + 1] = add(limbs[i + 1], sar::<52>(limbs[i]));
            i += 1;
        }
        Lazy::from_limbs(limbs, high)
    }

    /// Carried, for a value that is not negative and below `84.6 p`.
    #[inline(always)]
    pub(crate) fn norm(&self) -> Norm<R> {
        let [_, high, _] = self.reach.get();
        let mask = splat(self.isa(), MASK);
        let mut limbs = self.factor().limbs();
        let mut i = 0;
        while i < 4 {
            limbs[i] = and(limbs[i], mask);
            i += 1;
        }
        Norm::from_limbs(limbs, high)
    }

    /// Between 0 and `1.75 p`, for a value below `80 p` that is either at least `0.5 p` or has
    /// normalised limbs.
    ///
    /// The quotient is estimated from the top limb and what limb 3 carries into it, which misses
    /// the carried limb by at most one: hence the lower bound, without which it could be -1. The
    /// estimate is at most `x / p` and misses it by less than `1 + 80 (1 - 84 / 84.6) + 2^-40`.
    #[inline(always)]
    pub(crate) fn reduce(&self) -> Self {
        let [low, high, spread] = self.reach.get();
        debug_assert!(
            low >= 0.5 || (low >= 0.0 && spread <= 1.0),
            "at least {low} p, limbs of {spread} 2^52"
        );
        debug_assert!(high < 80.0, "{high} p");
        let isa = self.isa();
        let top = add(self.limbs[4], sar::<52>(self.limbs[3]));
        let q = madd_hi(lanes::zero(isa), top, splat(isa, R::QUOTIENT));
        let n = constant(isa, &NEGATIVE);
        let mut limbs = self.limbs;
        limbs[4] = add(limbs[4], splat(isa, MIDDLE));
        let mut i = 0;
        while i < 5 {
            limbs[i] = madd_lo(limbs[i], q, n[i]);
            if i < 4 {
                limbs[i + 1] = madd_hi(limbs[i + 1], q, n[i]);
            }
            i += 1;
        }
        limbs[4] = cut(limbs[4]);
        Self { limbs, reach: Reach::new(0.0, 1.75, spread + 2.0) }
    }

    /// `w x` for a known w: between `-5 p` and `5.001 p`. The argument is in the module's
    /// documentation.
    #[inline(always)]
    pub(super) fn times<W: Known>(x: &Lazy<R>, w: &W) -> Self {
        let isa = x.isa();
        let x = x.limbs();
        let mut q = [lanes::zero(isa); 5];
        let mut r = constant(isa, &START);
        let mut i = 0;
        while i < 5 {
            let mut j = 0;
            while j < 5 {
                if i + j >= 5 {
                    q[i + j - 5] = madd_lo(q[i + j - 5], x[i], w.quotient(isa, j));
                }
                if i + j >= 4 {
                    q[i + j - 4] = madd_hi(q[i + j - 4], x[i], w.quotient(isa, j));
                }
                j += 1;
            }
            i += 1;
        }
        low_columns(&mut r, &x, |j| w.factor(isa, j));
        let mut i = 0;
        while i < 4 {
            q[i + 1] = add(q[i + 1], shr::<52>(q[i]));
            i += 1;
        }
        let n = constant(isa, &NEGATIVE);
        low_columns(&mut r, &q, |j| n[j]);
        r[4] = cut(r[4]);
        Self { limbs: r, reach: Reach::new(-5.0, 5.001, 16.0) }
    }
}

/// Adds columns 0 to 4 of a product.
#[inline(always)]
fn low_columns(r: &mut [Z; 5], x: &[Z; 5], y: impl Fn(usize) -> Z) {
    let mut i = 0;
    while i < 5 {
        let mut j = 0;
        while i + j < 5 {
            r[i + j] = madd_lo(r[i + j], x[i], y(j));
            if i + j < 4 {
                r[i + j + 1] = madd_hi(r[i + j + 1], x[i], y(j));
            }
            j += 1;
        }
        i += 1;
    }
}

/// The top limb modulo 2^52, from -2^51 up.
#[inline(always)]
fn cut(top: Z) -> Z {
    let isa = isa(top);
    sub(and(top, splat(isa, MASK)), splat(isa, MIDDLE))
}

/// Vectors to lanes: lane j of output i is lane i of input j.
#[inline(always)]
pub(super) fn transpose(x: &mut [Loose; 8]) {
    let mut limb = 0;
    while limb < 5 {
        let column = lanes::transpose([
            x[0].limbs[limb],
            x[1].limbs[limb],
            x[2].limbs[limb],
            x[3].limbs[limb],
            x[4].limbs[limb],
            x[5].limbs[limb],
            x[6].limbs[limb],
            x[7].limbs[limb],
        ]);
        let mut i = 0;
        while i < 8 {
            x[i].limbs[limb] = column[i];
            i += 1;
        }
        limb += 1;
    }
    let reach = x.map(|x| x.reach.get());
    let reach = reach.iter().fold([f64::MAX, f64::MIN, 0.0], |[low, high, spread]: [f64; 3], r| {
        [low.min(r[0]), high.max(r[1]), spread.max(r[2])]
    });
    for x in x {
        x.reach = Reach::new(reach[0], reach[1], reach[2]);
    }
}
