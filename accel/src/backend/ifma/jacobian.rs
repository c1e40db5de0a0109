//! Points of G1 in Jacobian coordinates, eight side by side: `(X / Z^2, Y / Z^3)`. For chains of
//! doublings with few additions.

use super::field::{Columns, Norm, Q, mul, sqr};
use super::lanes::Isa;

/// Eight points; x below 2.2p, y below 2.5p, z below 2.5p. Infinity is `z = 0`.
#[derive(Clone, Copy)]
pub(crate) struct Jacobian {
    pub(crate) x: Norm<Q>,
    pub(crate) y: Norm<Q>,
    pub(crate) z: Norm<Q>,
}

/// A sum, and what its formula cannot do.
pub(crate) struct Sum {
    pub(crate) point: Jacobian,
    /// `x2 Z1^2 - X1`: zero where the points are equal, opposite or the first is infinity. Below
    /// 6p.
    pub(crate) height: Norm<Q>,
    /// `y2 Z1^3 - Y1`: zero where the points are equal. Below 6p.
    pub(crate) rise: Norm<Q>,
}

#[inline(always)]
fn times_eight(x: &Norm<Q>) -> Norm<Q> {
    let two = x.double();
    let four = two.sum(&two);
    four.sum(&four).norm()
}

impl Jacobian {
    /// From affine coordinates.
    #[inline(always)]
    pub(crate) fn from_affine(isa: Isa, x: Norm<Q>, y: Norm<Q>) -> Self {
        Self { x, y, z: Norm::one(isa) }
    }

    #[inline(always)]
    pub(crate) fn select(mask: u8, a: &Self, b: &Self) -> Self {
        Self {
            x: Norm::select(mask, &a.x, &b.x),
            y: Norm::select(mask, &a.y, &b.y),
            z: Norm::select(mask, &a.z, &b.z),
        }
    }

    /// Twice the points. For `a = 0`: `S = X Y^2`, `E = 3 X^2`, `X' = E^2 - 8 S`,
    /// `Y' = E (4 S - X') - 8 Y^4`, `Z' = 2 Y Z`. No point of G1 has order two, so that only
    /// infinity becomes infinity.
    #[inline(always)]
    pub(crate) fn double(&self) -> Self {
        let (x, y) = (self.x.lazy(), self.y.lazy());
        let yy = sqr(&y).norm();
        let s = mul(&x, &yy.lazy()).red();
        let xx = sqr(&x).norm();
        let e = xx.double().plus(&xx).lazy();
        let x3 = sqr(&e).minus::<9>(&times_eight(&s)).red_wide();
        let two = s.double();
        let way = two.sum(&two).minus::<3>(&x3).lazy();
        let y3 = Columns::product(&e, &way)
            .plus_product(&times_eight(&yy).lazy(), &yy.negate::<3>().lazy())
            .reduce()
            .red();
        let z3 = mul(&self.y.double().lazy(), &self.z.lazy()).norm();
        Self { x: x3, y: y3, z: z3 }
    }

    /// Adds affine points with `y2` below 2p. Not complete: see [`Sum`].
    #[inline(always)]
    pub(crate) fn add(&self, x2: &Norm<Q>, y2: &Norm<Q>) -> Sum {
        let z = self.z.lazy();
        let zz = sqr(&z).lazy();
        let zzz = mul(&z, &zz).lazy();
        let height = mul(&x2.lazy(), &zz).minus::<3>(&self.x).norm();
        let rise = mul(&y2.lazy(), &zzz).minus::<3>(&self.y).norm();
        let (h, r) = (height.lazy(), rise.lazy());
        let hh = sqr(&h).lazy();
        let hhh = mul(&h, &hh).norm();
        let v = mul(&self.x.lazy(), &hh).red();
        let x3 = sqr(&r).minus_three::<5>(&hhh, &v, &v, 2.3 + 2.14).red();
        let y3 = Columns::product(&r, &v.minus::<3>(&x3).lazy())
            .plus_product(&self.y.lazy(), &hhh.negate::<3>().lazy())
            .reduce()
            .red();
        let z3 = mul(&z, &h).norm();
        Sum { point: Self { x: x3, y: y3, z: z3 }, height, rise }
    }
}
