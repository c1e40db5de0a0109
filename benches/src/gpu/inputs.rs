//! Inputs of kernels: points and numbers, random values and the values where arithmetic goes wrong
//! first.

use amanat_accel::{Fr, G1Affine, G2Affine};
use amanat_domain::field;
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field};
use rand::CryptoRng;

/// Styles of points.
pub const POINTS: [&str; 4] = ["distinct", "all the same", "by turns opposite", "some at infinity"];

/// Styles of numbers.
pub const NUMBERS: [&str; 5] = ["random", "zeros", "ones and minus ones", "edges", "mostly bits"];

/// `P, 2P, 3P, ..` in both groups.
#[must_use]
pub fn points(n: usize) -> (Vec<G1Affine>, Vec<G2Affine>) {
    (progression(G1Affine::generator(), n), progression(G2Affine::generator(), n))
}

fn progression<P: SWCurveConfig>(point: Affine<P>, n: usize) -> Vec<Affine<P>> {
    let mut sum = Projective::<P>::ZERO;
    let all: Vec<_> = (0..n)
        .map(|_| {
            sum += point;
            sum
        })
        .collect();
    Projective::normalize_batch(&all)
}

/// Points in this style, by number.
#[must_use]
pub fn styled<P: SWCurveConfig>(points: &[Affine<P>], style: usize) -> Vec<Affine<P>> {
    let at = |i: usize| match style {
        1 => points[0],
        2 if i.is_multiple_of(2) => points[0],
        2 => -points[0],
        3 if i.is_multiple_of(3) => Affine::identity(),
        _ => points[i],
    };
    (0..points.len()).map(at).collect()
}

/// Numbers in this style, by number.
pub fn numbers(n: usize, style: usize, rng: &mut impl CryptoRng) -> Vec<Fr> {
    let one = Fr::ONE;
    let half = -one * Fr::from(2u64).inverse().unwrap_or(one);
    let edges =
        [Fr::ZERO, one, -one, Fr::from(2u64), half, half + one, Fr::from(u64::MAX), Fr::from(u128::MAX)];
    (0..n)
        .map(|i| match style {
            1 => Fr::ZERO,
            2 if i.is_multiple_of(2) => one,
            2 => -one,
            3 => edges[i % edges.len()],
            4 if !i.is_multiple_of(8) => Fr::from(rng.next_u32() & 1),
            _ => field::random(rng),
        })
        .collect()
}
