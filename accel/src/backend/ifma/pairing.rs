//! Miller loops of many pairs: eight pairs side by side, lines computed on the fly.
//!
//! The optimal ate loop of BN254 (Vercauteren 2010; digits of `6x + 2` as arkworks publishes them).
//! Points on the twist move in affine coordinates: the slopes' denominators of all pairs of a call
//! are inverted together, which makes a step as cheap as in projective coordinates and leaves lines
//! of the form `1 + a w + b w^3`, one term less to multiply by. The pairs of a group share one
//! accumulator for each lane, so that squarings are paid once for eight lanes, not for each pair.
//!
//! # Subgroup check for free
//! On the subgroup of order r, `[6x + 2] Q + psi(Q) - psi^2(Q) + psi^3(Q) = 0`: what makes the ate
//! loop short. The loop ends with the first three terms, so it is seen at no cost whether the
//! relation holds. And it holds nowhere else on the twist: if `f(psi)` is the left side,
//! `psi^2 - t psi + p = 0` turns it into `a + b psi`, and a point it kills has an order that
//! divides the norm `a^2 + a b t + b^2 p` as well as the curve's order `r c`; their greatest common
//! divisor is r (computed once; the argument is that of Dai, Lin, Zhao, Zhou, ePrint 2022/348, with
//! their vector replaced by the loop's own). A slope without denominator never occurs for points of
//! order r, so where one occurs the point is a stranger.

use super::field::{Lazy, Norm, Q, mul};
use super::fq2::{Coordinate, Left2, Norm2};
use super::fq12::{Line, Norm12, multiply_by_line, square};
use super::inverse::invert_lanes;
use super::lanes::{Isa, kernel};
use crate::{G1Affine, G2Affine, MillerProducts};
use ark_bn254::{Config, Fq, Fq2, Fq12};
use ark_ec::AffineRepr;
use ark_ec::bn::BnConfig;
use ark_ff::{AdditiveGroup, Field};

/// Eight pairs on their way through the loop.
struct Eight {
    /// The multiple of Q reached so far; parts below 1.07p.
    x: Norm2,
    y: Norm2,
    /// What is added in chord steps: Q, at the end its images under Frobenius.
    qx: Norm2,
    qy: Norm2,
    /// `-x_P / y_P` and `1 / y_P`; both zero in the lanes of pairs that count as one.
    px: Lazy<Q>,
    py: Lazy<Q>,
    /// The slope's denominator, its norm down to Fq, and the product of the norms of the vectors
    /// before.
    denominator: Norm2,
    down: Lazy<Q>,
    before: Lazy<Q>,
    /// Lanes in which a denominator was zero.
    strange: u8,
}

/// The products of the Miller loops over consecutive groups of pairs (the last may be smaller),
/// each before the final exponentiation. A pair with infinity on either side counts as one.
pub(crate) fn miller_products(isa: Isa, pairs: &[(G1Affine, G2Affine)], group: usize) -> MillerProducts {
    assert!(group > 0, "a group has at least one pair");
    if pairs.is_empty() {
        return MillerProducts { products: Vec::new(), in_subgroup: Vec::new() };
    }
    // Small groups: each lane has its accumulator. Others: each group starts with a new vector.
    let shared = group >= 8;
    let vectors = if shared { group.div_ceil(8) } else { 1 };
    let per_accumulator = if shared { group } else { 8 };
    let chunks = || pairs.chunks(per_accumulator).flat_map(|group| group.chunks(8));
    let mut eights: Vec<Eight> =
        chunks().map(|eight| Eight::new(isa, eight.iter().map(|(_, q)| q))).collect();
    scale_lines(isa, &mut eights, pairs, chunks());
    let mut accumulators = vec![Norm12::one(isa); pairs.len().div_ceil(per_accumulator)];
    run(isa, &mut eights, &mut accumulators, vectors);

    let closed = |(pairs, eight): (&[(G1Affine, G2Affine)], &Eight)| {
        let closed = closes(isa, eight);
        let member = |(lane, (_, q)): (usize, &(G1Affine, G2Affine))| q.is_zero() || closed >> lane & 1 == 1;
        pairs.iter().enumerate().map(member).collect::<Vec<bool>>()
    };
    let in_subgroup = chunks().zip(&eights).flat_map(closed).collect();
    let products = if shared {
        accumulators.iter().map(|f| f.fold(isa)).collect()
    } else {
        let singles: Vec<Fq12> = accumulators.iter().flat_map(|f| f.to_ark(isa)).take(pairs.len()).collect();
        singles.chunks(group).map(|group| group.iter().product()).collect()
    };
    MillerProducts { products, in_subgroup }
}

/// Of points on the twist, which lie in the subgroup of order r: the loop without its lines.
pub(crate) fn in_subgroup(isa: Isa, points: &[G2Affine]) -> Vec<bool> {
    if points.is_empty() {
        return Vec::new();
    }
    let mut eights: Vec<Eight> = points.chunks(8).map(|eight| Eight::new(isa, eight.iter())).collect();
    run(isa, &mut eights, &mut [], 1);
    let closed: Vec<u8> = eights.iter().map(|eight| closes(isa, eight)).collect();
    points.iter().enumerate().map(|(i, q)| q.is_zero() || closed[i / 8] >> (i % 8) & 1 == 1).collect()
}

/// The loop. Each accumulator takes the lines of `vectors` vectors; without accumulators only the
/// points move. At the end the place of Q holds `psi^3(Q)`.
fn run(isa: Isa, eights: &mut [Eight], accumulators: &mut [Norm12], vectors: usize) {
    let go = |accumulators: &mut [Norm12], eights: &mut [Eight], how| {
        step(isa, eights, accumulators, vectors, how);
    };
    for (i, digit) in Config::ATE_LOOP_COUNT.iter().rev().skip(1).enumerate() {
        if i > 0 {
            accumulators.iter_mut().for_each(|f| square(isa, f));
        }
        go(accumulators, eights, Step::Tangent);
        if *digit != 0 {
            go(accumulators, eights, Step::Chord { negative: *digit < 0 });
        }
    }
    let frobenius = Frobenius::new(isa);
    advance(isa, eights, &frobenius);
    go(accumulators, eights, Step::Chord { negative: false });
    advance(isa, eights, &frobenius);
    go(accumulators, eights, Step::Chord { negative: true });
    advance(isa, eights, &frobenius);
}

impl Eight {
    /// At the start of the loop; lanes without a point of the twist get its generator.
    fn new<'a>(isa: Isa, points: impl Iterator<Item = &'a G2Affine>) -> Self {
        let generator = G2Affine::generator();
        let (mut x, mut y) = ([generator.x; 8], [generator.y; 8]);
        for (lane, q) in points.enumerate().filter(|(_, q)| !q.is_zero()) {
            (x[lane], y[lane]) = (q.x, q.y);
        }
        let [x, y] = load(isa, &x, &y);
        let zero = Norm::zero(isa).lazy();
        Self { x, y, qx: x, qy: y, px: zero, py: zero, denominator: y, down: zero, before: zero, strange: 0 }
    }
}

/// Computes what lines are scaled by. No point of G1 has `y = 0`: its order is an odd prime.
fn scale_lines<'a>(
    isa: Isa,
    eights: &mut [Eight],
    pairs: &[(G1Affine, G2Affine)],
    chunks: impl Iterator<Item = &'a [(G1Affine, G2Affine)]>,
) {
    let mut ys: Vec<Fq> = pairs.iter().map(|(p, _)| if p.is_zero() { Fq::ONE } else { p.y }).collect();
    ark_ff::batch_inversion(&mut ys);
    let mut ys = ys.into_iter();
    for (eight, pairs) in eights.iter_mut().zip(chunks) {
        let (mut px, mut py) = ([Fq::ZERO; 8], [Fq::ZERO; 8]);
        for (lane, ((p, q), y)) in pairs.iter().zip(&mut ys).enumerate() {
            if !p.is_zero() && !q.is_zero() {
                px[lane] = -p.x * y;
                py[lane] = y;
            }
        }
        [eight.px, eight.py] = load_scales(isa, &px, &py);
    }
}

/// How the points move on.
#[derive(Clone, Copy)]
enum Step {
    /// Doubling.
    Tangent,
    /// Adding Q, or taking it away.
    Chord { negative: bool },
}

/// One step of all pairs: every point moves on, every accumulator takes the lines.
fn step(isa: Isa, eights: &mut [Eight], accumulators: &mut [Norm12], vectors: usize, step: Step) {
    let mut product = denominators(isa, eights, step, false);
    let inverse = match invert_lanes(isa, &product) {
        Some(inverse) => inverse,
        None => {
            product = denominators(isa, eights, step, true);
            invert_lanes(isa, &product).expect("denominators of zero were replaced by one")
        }
    };
    move_on(isa, eights, accumulators, vectors, step, inverse);
}

kernel! {
    fn load [] (isa: Isa, x: &[Fq2; 8], y: &[Fq2; 8]) -> [Norm2; 2] {
        [Norm2::red(&Norm2::from_ark(isa, x).raw()), Norm2::red(&Norm2::from_ark(isa, y).raw())]
    }

    fn load_scales [] (isa: Isa, x: &[Fq; 8], y: &[Fq; 8]) -> [Lazy<Q>; 2] {
        [Norm::from_ark(isa, x).lazy(), Norm::from_ark(isa, y).lazy()]
    }

    /// The denominators of the slopes, and the product of their norms. `careful`: zeros are looked
    /// for and replaced.
    fn denominators [] (isa: Isa, eights: &mut [Eight], step: Step, careful: bool) -> Norm<Q> {
        let one = Norm::<Q>::one(isa);
        let mut product = one.lazy();
        for eight in eights {
            eight.denominator = match step {
                Step::Tangent => Norm2::norm(&Norm2::plus(&eight.y, &eight.y)),
                Step::Chord { .. } => Norm2::norm(&Norm2::minus::<2>(&eight.x, &eight.qx)),
            };
            let mut down = eight.denominator.down();
            if careful {
                let zero = down.zero_lanes();
                eight.strange |= zero;
                eight.denominator = Norm2::select(zero, &Norm2::one(isa), &eight.denominator);
                down = Norm::select(zero, &one, &down);
            }
            eight.down = down.lazy();
            eight.before = product;
            product = mul(&product, &eight.down).lazy();
        }
        // Once more, for a value whose limbs are whole.
        mul(&product, &one.lazy()).norm()
    }

    /// The step itself, from the inverse of the product of all denominators' norms.
    fn move_on [] (
        isa: Isa,
        eights: &mut [Eight],
        accumulators: &mut [Norm12],
        vectors: usize,
        step: Step,
        inverse: Norm<Q>,
    ) {
        let mut inverse = inverse.lazy();
        for (v, eight) in eights.iter_mut().enumerate().rev() {
            let down_inverse = mul(&inverse, &eight.before).lazy();
            inverse = mul(&inverse, &eight.down).lazy();
            let (slope, c) = match step {
                Step::Tangent => {
                    let square = Norm2::red(&Norm2::sqr(&eight.x));
                    let triple = Norm2::raw_left(&Norm2::raw_plus(&Norm2::plus(&square, &square), &square));
                    eight.line(&triple, &down_inverse, eight.x, eight.y)
                }
                Step::Chord { negative } => {
                    let qy = if negative {
                        Norm2 { c0: eight.qy.c0.negate::<2>().red(), c1: eight.qy.c1.negate::<2>().red() }
                    } else {
                        eight.qy
                    };
                    let difference = Norm2::raw_left(&Norm2::minus::<2>(&eight.y, &qy));
                    eight.line(&difference, &down_inverse, eight.qx, qy)
                }
            };
            if let Some(f) = accumulators.get_mut(v / vectors) {
                let a = Norm2::norm(&slope.scale(&eight.px));
                let b = Norm2::norm(&c.scale(&eight.py));
                multiply_by_line(isa, f, &Line::new(&a, &b));
            }
        }
    }

    /// Takes what is added to its image under Frobenius.
    fn advance [] (_isa: Isa, eights: &mut [Eight], frobenius: &Frobenius) {
        for eight in eights {
            (eight.qx, eight.qy) = frobenius.image(&eight.qx, &eight.qy);
        }
    }

    /// The lanes whose points lie in the subgroup of order r: with `psi^3(Q)` in the place of Q,
    /// the sum is zero.
    fn closes [] (_isa: Isa, eight: &Eight) -> u8 {
        let x = Norm2::norm(&Norm2::minus::<2>(&eight.x, &eight.qx));
        let y = Norm2::norm(&Norm2::plus(&eight.y, &eight.qy));
        x.zero_lanes() & y.zero_lanes() & !eight.strange
    }
}

impl Eight {
    /// Moves to the third point of the line `Y = s X - c` of slope `s = numerator / denominator`
    /// through `(x2, y2)`, negated, and returns s and c. At P, over `y_P`, the line is
    /// `1 - s x_P / y_P w + c / y_P w^3`.
    #[inline(always)]
    fn line(&mut self, numerator: &Left2, down_inverse: &Lazy<Q>, x2: Norm2, y2: Norm2) -> (Norm2, Norm2) {
        let slope = Norm2::norm(&Norm2::mul(numerator, &self.denominator.inverse(down_inverse)));
        let left = slope.left();
        let square = Norm2::sqr(&slope);
        let x = Norm2::red(&Norm2::raw_minus::<2>(&Norm2::raw_minus::<2>(&square, &self.x), &x2));
        let c = Norm2::norm(&Norm2::raw_minus::<2>(&Norm2::mul(&left, &x2.right()), &y2));
        let third = Norm2::norm(&Norm2::mul(&left, &x.right()));
        self.y = Norm2::red(&Norm2::minus::<3>(&c, &third));
        self.x = x;
        (slope, c)
    }
}

/// The factors of the Frobenius map on the twist.
struct Frobenius {
    x: Norm2,
    y: Norm2,
}

impl Frobenius {
    fn new(isa: Isa) -> Self {
        Self {
            x: Norm2::splat(isa, &Config::TWIST_MUL_BY_Q_X),
            y: Norm2::splat(isa, &Config::TWIST_MUL_BY_Q_Y),
        }
    }

    #[inline(always)]
    fn image(&self, x: &Norm2, y: &Norm2) -> (Norm2, Norm2) {
        let x = Norm2::mul(&x.conjugate::<2>().left(), &self.x.right());
        let y = Norm2::mul(&y.conjugate::<2>().left(), &self.y.right());
        (Norm2::red(&x), Norm2::red(&y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Bn254, G1Projective, G2Projective};
    use ark_ec::CurveGroup;
    use ark_ec::pairing::{MillerLoopOutput, Pairing};
    use ark_ff::UniformRand;

    fn finish(f: Fq12) -> Fq12 {
        Bn254::final_exponentiation(MillerLoopOutput(f)).expect("not zero").0
    }

    fn expected(pairs: &[(G1Affine, G2Affine)]) -> Fq12 {
        Bn254::multi_pairing(pairs.iter().map(|p| p.0), pairs.iter().map(|p| p.1)).0
    }

    fn random(n: usize) -> Vec<(G1Affine, G2Affine)> {
        let mut rng = ark_std::test_rng();
        let mut draw =
            || (G1Projective::rand(&mut rng).into_affine(), G2Projective::rand(&mut rng).into_affine());
        (0..n).map(|_| draw()).collect()
    }

    #[test]
    fn products_of_any_groups_agree_with_arkworks() {
        let Some(isa) = Isa::detect() else { return };
        for n in [0usize, 1, 2, 7, 8, 9, 17, 40] {
            let pairs = random(n);
            for group in [1, 2, 3, 7, 8, 9, 16, 64] {
                let MillerProducts { products, in_subgroup } = miller_products(isa, &pairs, group);
                assert_eq!(products.len(), n.div_ceil(group));
                for (product, pairs) in products.iter().zip(pairs.chunks(group)) {
                    assert_eq!(finish(*product), expected(pairs), "{n} pairs in groups of {group}");
                }
                assert_eq!(in_subgroup, vec![true; n]);
            }
        }
    }

    #[test]
    fn infinity_negated_equal_and_small_points_are_as_in_arkworks() {
        let Some(isa) = Isa::detect() else { return };
        let mut pairs = random(16);
        let (p, q) = pairs[0];
        pairs[1] = (-p, q);
        pairs[2] = (p, -q);
        pairs[3] = (p, q);
        pairs[4].0 = G1Affine::identity();
        pairs[5].1 = G2Affine::identity();
        pairs[6] = (G1Affine::identity(), G2Affine::identity());
        pairs[7] = (G1Affine::generator(), G2Affine::generator());
        pairs[8] = ((p + p).into_affine(), (q + q).into_affine());
        for group in [1, 2, 8, 16] {
            let MillerProducts { products, in_subgroup } = miller_products(isa, &pairs, group);
            for (product, pairs) in products.iter().zip(pairs.chunks(group)) {
                assert_eq!(finish(*product), expected(pairs));
            }
            assert_eq!(in_subgroup, [true; 16]);
        }
        assert_eq!(finish(miller_products(isa, &pairs[..2], 2).products[0]), Fq12::ONE);
    }
}
