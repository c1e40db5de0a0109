//! Eight elements of Fq12 side by side, as a Miller loop needs them: squares, and products with
//! lines.
//!
//! `Fq12 = Fq2[w] / (w^6 - xi)`, `xi = 9 + u`: six coefficients of `1, w, .. w^5`. arkworks' tower
//! has the same `w`, with `v = w^2`, so that its coefficients are these in another order.
//!
//! Products are sums of columns: all that goes into one coefficient is multiplied out and reduced
//! once.

use super::field::Columns;
use super::fq2::{Coordinate, Norm2, Raw2, Right2};
use super::lanes::{self, Isa, kernel};
use ark_bn254::{Fq2, Fq6, Fq12};

/// Eight elements of Fq12: the coefficients of `w^0` to `w^5`, parts below 1.07p.
#[derive(Clone, Copy)]
pub(crate) struct Norm12 {
    pub(crate) c: [Norm2; 6],
}

/// Eight lines `1 + a w + b w^3`, ready to be multiplied by.
pub(crate) struct Line {
    /// `a`, `xi a`, `b`, `xi b`.
    factors: [Right2; 4],
}

impl Norm12 {
    pub(crate) fn one(isa: Isa) -> Self {
        let mut c = [Norm2::zero(isa); 6];
        c[0] = Norm2::one(isa);
        Self { c }
    }

    /// From 8 elements of arkworks.
    #[cfg(test)]
    pub(crate) fn from_ark(isa: Isa, x: &[Fq12; 8]) -> Self {
        let at = |i: usize| {
            let part = x.map(|x| coefficient(&x, i));
            Norm2::red(&Norm2::from_ark(isa, &part).raw())
        };
        Self { c: [at(0), at(1), at(2), at(3), at(4), at(5)] }
    }

    /// To 8 elements of arkworks.
    pub(crate) fn to_ark(self, isa: Isa) -> [Fq12; 8] {
        let c = coefficients(isa, &self);
        core::array::from_fn(|lane| from_coefficients(c.map(|c| c[lane])))
    }
}

/// The coefficient of `w^i`.
#[cfg(test)]
pub(crate) fn coefficient(x: &Fq12, i: usize) -> Fq2 {
    let half = if i.is_multiple_of(2) { &x.c0 } else { &x.c1 };
    [half.c0, half.c1, half.c2][i / 2]
}

/// The element with these coefficients of `w^0` to `w^5`.
pub(crate) fn from_coefficients(c: [Fq2; 6]) -> Fq12 {
    Fq12::new(Fq6::new(c[0], c[2], c[4]), Fq6::new(c[1], c[3], c[5]))
}

impl Line {
    /// From `a` and `b` with parts below 3p.
    #[inline(always)]
    pub(crate) fn new(a: &Norm2, b: &Norm2) -> Self {
        let (xi_a, xi_b) = (Norm2::norm(&a.times_xi::<3>()), Norm2::norm(&b.times_xi::<3>()));
        Self {
            factors: [
                a.right_below::<3>(),
                xi_a.right_below::<31>(),
                b.right_below::<3>(),
                xi_b.right_below::<31>(),
            ],
        }
    }
}

/// Which left factor meets which right factor.
type Term = (u8, u8);

/// For each coefficient of a product with a [`Line`], the terms of `f_(k-1) a` and `f_(k-3) b`:
/// right factors `a`, `xi a`, `b`, `xi b`.
const LINE_TERMS: [[Term; 2]; 6] = [
    [(5, 1), (3, 3)],
    [(0, 0), (4, 3)],
    [(1, 0), (5, 3)],
    [(2, 0), (0, 2)],
    [(3, 0), (1, 2)],
    [(4, 0), (2, 2)],
];

/// For each coefficient of a square, its terms. Left factors: `f_0 .. f_5`, `2 f_0 .. 2 f_4`; right
/// factors: `f_0 .. f_5`, `xi f_3 .. xi f_5`.
const SQUARE_TERMS: [&[Term]; 6] = [
    &[(0, 0), (7, 8), (8, 7), (3, 6)],
    &[(6, 1), (8, 8), (9, 7)],
    &[(6, 2), (1, 1), (9, 8), (4, 7)],
    &[(6, 3), (7, 2), (10, 8)],
    &[(6, 4), (7, 3), (2, 2), (5, 8)],
    &[(6, 5), (7, 4), (8, 3)],
];

/// For each coefficient of a product, its terms. Right factors: `g_0 .. g_5`, `xi g_1 .. xi g_5`.
const PRODUCT_TERMS: [[Term; 6]; 6] = {
    let mut terms = [[(0, 0); 6]; 6];
    let mut k = 0;
    while k < 6 {
        let mut i = 0;
        while i < 6 {
            terms[k][i] = (i as u8, if i <= k { k - i } else { 11 + k - i } as u8);
            i += 1;
        }
        k += 1;
    }
    terms
};

/// The sum of some products, each part reduced once. The parts one after the other: ten columns fit
/// the registers, twenty do not.
#[inline(always)]
fn dot(isa: Isa, left: &[Norm2], right: &[Right2], terms: &[Term]) -> Raw2 {
    let mut c0 = Columns::zero(isa);
    for (i, j) in terms {
        let (a, b) = (&left[*i as usize], &right[*j as usize]);
        c0 = c0.plus_product(&a.c0.lazy(), &b.c0).plus_product(&a.c1.lazy(), &b.neg_c1);
    }
    let c0 = c0.reduce();
    let mut c1 = Columns::zero(isa);
    for (i, j) in terms {
        let (a, b) = (&left[*i as usize], &right[*j as usize]);
        c1 = c1.plus_product(&a.c0.lazy(), &b.c1).plus_product(&a.c1.lazy(), &b.c0);
    }
    Raw2 { c0, c1: c1.reduce() }
}

#[inline(always)]
fn double(x: &Norm2) -> Norm2 {
    Norm2::norm(&Coordinate::plus(x, x))
}

#[inline(always)]
fn times_xi(x: &Norm2) -> Right2 {
    Norm2::norm(&x.times_xi::<2>()).right_below::<12>()
}

kernel! {
    fn coefficients [] (_isa: Isa, f: &Norm12) -> [[Fq2; 8]; 6] {
        let c = &f.c;
        [c[0].to_ark(), c[1].to_ark(), c[2].to_ark(), c[3].to_ark(), c[4].to_ark(), c[5].to_ark()]
    }

    /// `f (1 + a w + b w^3)`: coefficient k is `f_k + f_(k-1) a + f_(k-3) b`, times xi where an
    /// index wraps around.
    pub(crate) fn multiply_by_line [] (isa: Isa, f: &mut Norm12, line: &Line) {
        let old = f.c;
        for k in 0..6 {
            let sum = dot(isa, &old, &line.factors, &LINE_TERMS[k]);
            f.c[k] = Norm2::red(&Norm2::raw_plus(&sum, &old[k]));
        }
    }

    /// `f^2`: coefficient k is the sum of `f_i f_j` with `i + j = k`, and of `xi f_i f_j` with
    /// `i + j = k + 6`.
    pub(crate) fn square [] (isa: Isa, f: &mut Norm12) {
        let [a, b, c, d, e, g] = f.c;
        let left = [a, b, c, d, e, g, double(&a), double(&b), double(&c), double(&d), double(&e)];
        let right = [
            a.right_below::<2>(),
            b.right_below::<2>(),
            c.right_below::<2>(),
            d.right_below::<2>(),
            e.right_below::<2>(),
            g.right_below::<2>(),
            times_xi(&d),
            times_xi(&e),
            times_xi(&g),
        ];
        for k in 0..6 {
            f.c[k] = Norm2::red(&dot(isa, &left, &right, SQUARE_TERMS[k]));
        }
    }
}

kernel! {
    /// `f g`.
    pub(crate) fn multiply [] (isa: Isa, f: &Norm12, g: &Norm12) -> Norm12 {
        let c = &g.c;
        let right = [
            c[0].right_below::<2>(),
            c[1].right_below::<2>(),
            c[2].right_below::<2>(),
            c[3].right_below::<2>(),
            c[4].right_below::<2>(),
            c[5].right_below::<2>(),
            times_xi(&c[1]),
            times_xi(&c[2]),
            times_xi(&c[3]),
            times_xi(&c[4]),
            times_xi(&c[5]),
        ];
        let mut product = *f;
        for k in 0..6 {
            product.c[k] = Norm2::red(&dot(isa, &f.c, &right, &PRODUCT_TERMS[k]));
        }
        product
    }

    /// `f` with its lanes moved on by a number of places.
    fn rotate [] (isa: Isa, f: &Norm12, by: u64) -> Norm12 {
        let mut index = [0; 8];
        for i in 0..8 {
            index[i as usize] = (i + by) % 8;
        }
        let index = lanes::from_array(isa, &index);
        let mut rotated = *f;
        for c in &mut rotated.c {
            *c = Norm2 { c0: c.c0.permute(index), c1: c.c1.permute(index) };
        }
        rotated
    }
}

impl Norm12 {
    /// The product of the eight.
    pub(crate) fn fold(&self, isa: Isa) -> Fq12 {
        let pairs = multiply(isa, self, &rotate(isa, self, 4));
        let fours = multiply(isa, &pairs, &rotate(isa, &pairs, 2));
        multiply(isa, &fours, &rotate(isa, &fours, 1)).to_ark(isa)[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{Field, UniformRand, Zero};

    fn samples() -> [Fq12; 8] {
        let mut rng = ark_std::test_rng();
        let mut x: [Fq12; 8] = core::array::from_fn(|_| Fq12::rand(&mut rng));
        x[0] = Fq12::ONE;
        x[1] = Fq12::zero();
        x[2] = -Fq12::ONE;
        x[3].c1 = Fq6::zero();
        x
    }

    #[test]
    fn elements_come_back_from_lanes() {
        let Some(isa) = Isa::detect() else { return };
        let x = samples();
        assert_eq!(Norm12::from_ark(isa, &x).to_ark(isa), x);
        assert_eq!(Norm12::one(isa).to_ark(isa), [Fq12::ONE; 8]);
        for x in &x {
            assert_eq!(from_coefficients(core::array::from_fn(|i| coefficient(x, i))), *x);
        }
    }

    #[test]
    fn squares_agree_with_arkworks() {
        let Some(isa) = Isa::detect() else { return };
        let mut x = samples();
        let mut f = Norm12::from_ark(isa, &x);
        for _ in 0..20 {
            square(isa, &mut f);
            x = x.map(|x| x.square());
            assert_eq!(f.to_ark(isa), x);
        }
    }

    #[test]
    fn products_agree_with_arkworks() {
        let Some(isa) = Isa::detect() else { return };
        let (mut x, y) = (samples(), samples());
        let mut f = Norm12::from_ark(isa, &x);
        for round in 0..20 {
            let z: [Fq12; 8] = core::array::from_fn(|i| y[(i + round) % 8]);
            f = multiply(isa, &f, &Norm12::from_ark(isa, &z));
            x = core::array::from_fn(|i| x[i] * z[i]);
            assert_eq!(f.to_ark(isa), x);
        }
        let mut z = samples();
        z[1] = z[7];
        assert_eq!(Norm12::from_ark(isa, &z).fold(isa), z.iter().product::<Fq12>());
    }

    #[test]
    fn products_with_lines_agree_with_arkworks() {
        let Some(isa) = Isa::detect() else { return };
        let mut rng = ark_std::test_rng();
        let mut x = samples();
        let mut f = Norm12::from_ark(isa, &x);
        for round in 0..20 {
            let mut draw = || {
                core::array::from_fn(|i| if (i + round) % 5 == 0 { Fq2::zero() } else { Fq2::rand(&mut rng) })
            };
            let (a, b): ([Fq2; 8], [Fq2; 8]) = (draw(), draw());
            let line = Line::new(&Norm2::from_ark(isa, &a), &Norm2::from_ark(isa, &b));
            multiply_by_line(isa, &mut f, &line);
            let zero = Fq2::zero();
            for lane in 0..8 {
                x[lane] *= from_coefficients([Fq2::ONE, a[lane], zero, b[lane], zero, zero]);
            }
            assert_eq!(f.to_ark(isa), x);
        }
    }
}
