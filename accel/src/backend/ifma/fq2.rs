//! What curve formulas need of a coordinate, for both groups: [`Norm<Q>`] for G1 and [`Norm2`],
//! eight elements of `Fq2 = Fq[u] / (u^2 + 1)` side by side, for G2.

use super::field::{Columns, Lazy, Norm, Q, Raw, mul, sqr};
use super::lanes::Isa;

/// A coordinate of eight points.
pub(crate) trait Coordinate: Copy + Send + Sync + 'static {
    /// Whether [`down`](Self::down) is the element itself.
    const IS_DOWN: bool;
    /// A first factor.
    type Left: Copy + Send + Sync;
    /// A second factor.
    type Right: Copy;
    /// A sum not carried yet.
    type Raw: Copy;

    fn zero(isa: Isa) -> Self;
    fn one(isa: Isa) -> Self;
    fn left(&self) -> Self::Left;
    fn right(&self) -> Self::Right;
    fn select(mask: u8, a: &Self, b: &Self) -> Self;
    fn select_left(mask: u8, a: &Self::Left, b: &Self::Left) -> Self::Left;
    /// The lanes that are zero, for parts below 4p.
    fn zero_lanes(&self) -> u8;
    /// `2p - self` in the lanes of the mask, for self below 2p.
    fn negate_lanes(&self, mask: u8) -> Self;

    /// `a - b + K p`.
    fn minus<const K: u64>(a: &Self, b: &Self) -> Self::Raw;
    /// `a - b + K p`.
    fn raw_minus<const K: u64>(a: &Self::Raw, b: &Self) -> Self::Raw;
    /// `a - 2b - c + K p`, where `2b + c` is below `together * p`.
    fn raw_minus_two_and<const K: u64>(a: &Self::Raw, b: &Self, c: &Self, together: f64) -> Self::Raw;
    fn plus(a: &Self, b: &Self) -> Self::Raw;
    fn raw_plus(a: &Self::Raw, b: &Self) -> Self::Raw;
    fn norm(raw: &Self::Raw) -> Self;
    fn raw_left(raw: &Self::Raw) -> Self::Left;
    fn raw_right(raw: &Self::Raw) -> Self::Right;
    /// Below 1.07p, for parts below 7.9p.
    fn red(raw: &Self::Raw) -> Self;

    fn mul(a: &Self::Left, b: &Self::Right) -> Self::Raw;
    fn sqr(a: &Self) -> Self::Raw;

    /// An element of Fq that is zero exactly where self is: self, or its norm down to Fq.
    fn down(&self) -> Norm<Q>;
    /// The inverse, from the inverse of [`down`](Self::down).
    fn inverse(&self, down_inverse: &Lazy<Q>) -> Self::Right;
}

impl Coordinate for Norm<Q> {
    const IS_DOWN: bool = true;
    type Left = Lazy<Q>;
    type Right = Lazy<Q>;
    type Raw = Raw<Q>;

    #[inline(always)]
    fn zero(isa: Isa) -> Self {
        Norm::zero(isa)
    }
    #[inline(always)]
    fn one(isa: Isa) -> Self {
        Norm::one(isa)
    }
    #[inline(always)]
    fn left(&self) -> Lazy<Q> {
        self.lazy()
    }
    #[inline(always)]
    fn right(&self) -> Lazy<Q> {
        self.lazy()
    }
    #[inline(always)]
    fn select(mask: u8, a: &Self, b: &Self) -> Self {
        Norm::select(mask, a, b)
    }
    #[inline(always)]
    fn select_left(mask: u8, a: &Lazy<Q>, b: &Lazy<Q>) -> Lazy<Q> {
        Lazy::select(mask, a, b)
    }
    #[inline(always)]
    fn zero_lanes(&self) -> u8 {
        Norm::zero_lanes(self)
    }
    #[inline(always)]
    fn negate_lanes(&self, mask: u8) -> Self {
        Norm::negate_lanes(self, mask).norm()
    }
    #[inline(always)]
    fn minus<const K: u64>(a: &Self, b: &Self) -> Raw<Q> {
        Norm::minus::<K>(a, b)
    }
    #[inline(always)]
    fn raw_minus<const K: u64>(a: &Raw<Q>, b: &Self) -> Raw<Q> {
        a.minus::<K>(b)
    }
    #[inline(always)]
    fn raw_minus_two_and<const K: u64>(a: &Raw<Q>, b: &Self, c: &Self, together: f64) -> Raw<Q> {
        a.minus_three::<K>(b, b, c, together)
    }
    #[inline(always)]
    fn plus(a: &Self, b: &Self) -> Raw<Q> {
        Norm::plus(a, b)
    }
    #[inline(always)]
    fn raw_plus(a: &Raw<Q>, b: &Self) -> Raw<Q> {
        a.plus(b)
    }
    #[inline(always)]
    fn norm(raw: &Raw<Q>) -> Self {
        raw.norm()
    }
    #[inline(always)]
    fn raw_left(raw: &Raw<Q>) -> Lazy<Q> {
        raw.lazy()
    }
    #[inline(always)]
    fn raw_right(raw: &Raw<Q>) -> Lazy<Q> {
        raw.lazy()
    }
    #[inline(always)]
    fn red(raw: &Raw<Q>) -> Self {
        raw.red()
    }
    #[inline(always)]
    fn mul(a: &Lazy<Q>, b: &Lazy<Q>) -> Raw<Q> {
        mul(a, b)
    }
    #[inline(always)]
    fn sqr(a: &Self) -> Raw<Q> {
        sqr(&a.lazy())
    }
    #[inline(always)]
    fn down(&self) -> Norm<Q> {
        *self
    }
    #[inline(always)]
    fn inverse(&self, down_inverse: &Lazy<Q>) -> Lazy<Q> {
        *down_inverse
    }
}

/// `c0 + c1 u`.
#[derive(Clone, Copy)]
pub(crate) struct Norm2 {
    pub(crate) c0: Norm<Q>,
    pub(crate) c1: Norm<Q>,
}

/// A first factor.
#[derive(Clone, Copy)]
pub(crate) struct Left2 {
    pub(crate) c0: Lazy<Q>,
    pub(crate) c1: Lazy<Q>,
}

/// A second factor, with `-c1` at hand: the product's real part is then one sum of columns.
#[derive(Clone, Copy)]
pub(crate) struct Right2 {
    pub(crate) c0: Lazy<Q>,
    pub(crate) c1: Lazy<Q>,
    pub(crate) neg_c1: Lazy<Q>,
}

/// Parts not carried.
#[derive(Clone, Copy)]
pub(crate) struct Raw2 {
    pub(crate) c0: Raw<Q>,
    pub(crate) c1: Raw<Q>,
}

impl Norm2 {
    #[inline(always)]
    pub(crate) fn raw(&self) -> Raw2 {
        Raw2 { c0: self.c0.raw(), c1: self.c1.raw() }
    }

    /// Both parts times an element of Fq.
    #[inline(always)]
    pub(crate) fn scale(&self, by: &Lazy<Q>) -> Raw2 {
        Raw2 { c0: mul(&self.c0.lazy(), by), c1: mul(&self.c1.lazy(), by) }
    }

    /// The same element in all lanes.
    pub(crate) fn splat(isa: Isa, x: &ark_bn254::Fq2) -> Self {
        Self { c0: Norm::splat(isa, &x.c0), c1: Norm::splat(isa, &x.c1) }
    }

    /// `c0 - c1 u`, for parts below `K p`.
    #[inline(always)]
    pub(crate) fn conjugate<const K: u64>(&self) -> Self {
        Self { c0: self.c0, c1: self.c1.negate::<K>().norm() }
    }

    /// Times `9 + u`, the non-residue that the extension of degree 12 and the twist are made from;
    /// parts below `K p`.
    #[inline(always)]
    pub(crate) fn times_xi<const K: u64>(&self) -> Raw2 {
        Raw2 { c0: self.c0.times_nine().minus::<K>(&self.c1), c1: self.c1.times_nine().plus(&self.c0) }
    }

    /// As a second factor, for a `c1` below `K p`.
    #[inline(always)]
    pub(crate) fn right_below<const K: u64>(&self) -> Right2 {
        Right2 { c0: self.c0.lazy(), c1: self.c1.lazy(), neg_c1: self.c1.negate::<K>().lazy() }
    }

    /// From 8 elements of arkworks; parts below 2.2p.
    #[inline(always)]
    pub(crate) fn from_ark(isa: Isa, x: &[ark_bn254::Fq2; 8]) -> Self {
        let c0 = [x[0].c0, x[1].c0, x[2].c0, x[3].c0, x[4].c0, x[5].c0, x[6].c0, x[7].c0];
        let c1 = [x[0].c1, x[1].c1, x[2].c1, x[3].c1, x[4].c1, x[5].c1, x[6].c1, x[7].c1];
        Self { c0: Norm::from_ark(isa, &c0), c1: Norm::from_ark(isa, &c1) }
    }

    /// To 8 elements of arkworks.
    #[inline(always)]
    pub(crate) fn to_ark(self) -> [ark_bn254::Fq2; 8] {
        let (c0, c1) = (self.c0.to_ark(), self.c1.to_ark());
        let mut out = [ark_bn254::Fq2::new(c0[0], c1[0]); 8];
        let mut i = 1;
        while i < 8 {
            out[i] = ark_bn254::Fq2::new(c0[i], c1[i]);
            i += 1;
        }
        out
    }
}

impl Coordinate for Norm2 {
    const IS_DOWN: bool = false;
    type Left = Left2;
    type Right = Right2;
    type Raw = Raw2;

    #[inline(always)]
    fn zero(isa: Isa) -> Self {
        Self { c0: Norm::zero(isa), c1: Norm::zero(isa) }
    }
    #[inline(always)]
    fn one(isa: Isa) -> Self {
        Self { c0: Norm::one(isa), c1: Norm::zero(isa) }
    }
    #[inline(always)]
    fn left(&self) -> Left2 {
        Left2 { c0: self.c0.lazy(), c1: self.c1.lazy() }
    }
    #[inline(always)]
    fn right(&self) -> Right2 {
        Right2 { c0: self.c0.lazy(), c1: self.c1.lazy(), neg_c1: self.c1.negate::<4>().lazy() }
    }
    #[inline(always)]
    fn select(mask: u8, a: &Self, b: &Self) -> Self {
        Self { c0: Norm::select(mask, &a.c0, &b.c0), c1: Norm::select(mask, &a.c1, &b.c1) }
    }
    #[inline(always)]
    fn select_left(mask: u8, a: &Left2, b: &Left2) -> Left2 {
        Left2 { c0: Lazy::select(mask, &a.c0, &b.c0), c1: Lazy::select(mask, &a.c1, &b.c1) }
    }
    #[inline(always)]
    fn zero_lanes(&self) -> u8 {
        self.c0.zero_lanes() & self.c1.zero_lanes()
    }
    #[inline(always)]
    fn negate_lanes(&self, mask: u8) -> Self {
        Self { c0: self.c0.negate_lanes(mask).norm(), c1: self.c1.negate_lanes(mask).norm() }
    }
    #[inline(always)]
    fn minus<const K: u64>(a: &Self, b: &Self) -> Raw2 {
        Raw2 { c0: a.c0.minus::<K>(&b.c0), c1: a.c1.minus::<K>(&b.c1) }
    }
    #[inline(always)]
    fn raw_minus<const K: u64>(a: &Raw2, b: &Self) -> Raw2 {
        Raw2 { c0: a.c0.minus::<K>(&b.c0), c1: a.c1.minus::<K>(&b.c1) }
    }
    #[inline(always)]
    fn raw_minus_two_and<const K: u64>(a: &Raw2, b: &Self, c: &Self, together: f64) -> Raw2 {
        Raw2 {
            c0: a.c0.minus_three::<K>(&b.c0, &b.c0, &c.c0, together),
            c1: a.c1.minus_three::<K>(&b.c1, &b.c1, &c.c1, together),
        }
    }
    #[inline(always)]
    fn plus(a: &Self, b: &Self) -> Raw2 {
        Raw2 { c0: a.c0.plus(&b.c0), c1: a.c1.plus(&b.c1) }
    }
    #[inline(always)]
    fn raw_plus(a: &Raw2, b: &Self) -> Raw2 {
        Raw2 { c0: a.c0.plus(&b.c0), c1: a.c1.plus(&b.c1) }
    }
    #[inline(always)]
    fn norm(raw: &Raw2) -> Self {
        Self { c0: raw.c0.norm(), c1: raw.c1.norm() }
    }
    #[inline(always)]
    fn raw_left(raw: &Raw2) -> Left2 {
        Left2 { c0: raw.c0.lazy(), c1: raw.c1.lazy() }
    }
    #[inline(always)]
    fn raw_right(raw: &Raw2) -> Right2 {
        let c1 = raw.c1.norm();
        Right2 { c0: raw.c0.lazy(), c1: c1.lazy(), neg_c1: c1.negate::<4>().lazy() }
    }
    #[inline(always)]
    fn red(raw: &Raw2) -> Self {
        Self { c0: raw.c0.red(), c1: raw.c1.red() }
    }
    /// `(a0 b0 - a1 b1) + (a0 b1 + a1 b0) u`: four products, two reductions.
    #[inline(always)]
    fn mul(a: &Left2, b: &Right2) -> Raw2 {
        Raw2 {
            c0: Columns::product(&a.c0, &b.c0).plus_product(&a.c1, &b.neg_c1).reduce(),
            c1: Columns::product(&a.c0, &b.c1).plus_product(&a.c1, &b.c0).reduce(),
        }
    }
    /// `(a0 + a1)(a0 - a1) + 2 a0 a1 u`.
    #[inline(always)]
    fn sqr(a: &Self) -> Raw2 {
        let sum = a.c0.plus(&a.c1).lazy();
        let difference = a.c0.minus::<4>(&a.c1).lazy();
        Raw2 { c0: mul(&sum, &difference), c1: mul(&a.c0.double().lazy(), &a.c1.lazy()) }
    }
    #[inline(always)]
    fn down(&self) -> Norm<Q> {
        Columns::square(&self.c0.lazy()).sum(&Columns::square(&self.c1.lazy())).reduce().norm()
    }
    /// The conjugate over the norm.
    #[inline(always)]
    fn inverse(&self, down_inverse: &Lazy<Q>) -> Right2 {
        let c1 = mul(&self.c1.lazy(), down_inverse).norm();
        Right2 {
            c0: mul(&self.c0.lazy(), down_inverse).lazy(),
            c1: c1.negate::<4>().lazy(),
            neg_c1: c1.lazy(),
        }
    }
}
