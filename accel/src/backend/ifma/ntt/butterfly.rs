//! Butterflies.
//!
//! A butterfly of four makes two levels of a transform at once, one of two makes one. Both
//! directions multiply before they add, so that what is not multiplied grows by a few p a level,
//! not to its double: the values' reach decides where a pass reduces first ([`High`]).
//!
//! A butterfly of four takes its values in the order of its first level: `(a, b)` and `(c, d)` meet
//! first, by the number u; then the results meet crosswise, `(a, c)` by v and `(b, d)` by w.

use super::loose::{Known, Loose};

/// How large values are at most, in multiples of p, when the plan of a transform is made. (Debug
/// builds follow each value.)
#[derive(Clone, Copy)]
pub(super) struct High(pub(super) f64);

impl High {
    /// What [`unit_four`] accepts.
    pub(super) const UNIT: Self = Self(3.9);
    /// What every transform leaves, and what is accepted where values are reduced first.
    pub(super) const ANY: Self = Self(Self::LIMIT);
    /// What may be multiplied, with the margin that a butterfly of four adds to c.
    const LIMIT: f64 = 73.0;

    /// After butterflies of four of values multiplied by 1, 1 and i.
    pub(super) fn after_unit_four(self) -> Self {
        assert!(self.0 <= Self::UNIT.0, "fresh values");
        Self((4.0 * self.0 + 1.0).max(2.0 * self.0 + 10.0).max(self.0 + 15.1))
    }

    /// After butterflies of four; whether a and c are reduced first.
    pub(super) fn after_four(self) -> (Self, bool) {
        let reduce = self.0 + 21.1 > Self::LIMIT;
        (Self(if reduce { 1.75 } else { self.0 } + 21.1), reduce)
    }

    /// After butterflies of four and then of two within a tile; whether the first reduce.
    pub(super) fn after_tile(self) -> (Self, bool) {
        let reduce = self.0 + 32.2 > Self::LIMIT;
        (Self(if reduce { 1.75 } else { self.0 } + 32.2), reduce)
    }

    /// After butterflies of two; whether a is reduced first.
    pub(super) fn after_two(self) -> (Self, bool) {
        let reduce = self.0 + 11.1 > Self::LIMIT;
        (Self(if reduce { 1.75 } else { self.0 } + 11.1), reduce)
    }
}

/// Numbers for a butterfly of four: u, v, w.
pub(super) type Triple<W> = [W; 3];

#[inline(always)]
pub(super) fn four<const REDUCE: bool, W: Known>(x: [Loose; 4], numbers: &Triple<W>) -> [Loose; 4] {
    let [a, b, c, d] = x;
    let [u, v, w] = numbers;
    let a = if REDUCE { a.reduce() } else { a }.lift::<11>();
    let bu = Loose::times(&b.factor(), u);
    let (a, b) = (a.plus(&bu), a.minus(&bu));
    let c = if REDUCE { c.reduce() } else { c }.lift::<6>();
    let du = Loose::times(&d.factor(), u);
    let (c, d) = (c.plus(&du), c.minus(&du));
    let cv = Loose::times(&c.factor(), v);
    let dw = Loose::times(&d.factor(), w);
    [a.plus(&cv), b.plus(&dw), a.minus(&cv), b.minus(&dw)]
}

/// [`four`] with u = v = 1, w = i, for values below `3.9 p`.
#[inline(always)]
pub(super) fn unit_four<W: Known>(x: [Loose; 4], i: &W) -> [Loose; 4] {
    let [a, b, c, d] = x;
    let (a, b) = (a.plus(&b).lift::<1>(), a.minus(&b).lift::<10>());
    let (c, d) = (c.plus(&d), c.minus(&d).lift::<4>());
    let di = Loose::times(&d.factor(), i);
    [a.plus(&c), b.plus(&di), a.minus(&c).lift::<8>(), b.minus(&di)]
}

#[inline(always)]
pub(super) fn two<const REDUCE: bool, W: Known>(x: &mut Loose, y: &mut Loose, w: &W) {
    let a = if REDUCE { x.reduce() } else { *x }.lift::<6>();
    let b = Loose::times(&y.factor(), w);
    (*x, *y) = (a.plus(&b), a.minus(&b));
}

/// The four quarters of a block.
#[inline(always)]
pub(super) fn quarters<T>(block: &mut [T]) -> [&mut [T]; 4] {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let ((a, b), (c, d)) = (low.split_at_mut(low.len() / 2), high.split_at_mut(high.len() / 2));
    [a, b, c, d]
}
