//! Weighted points and their sums.

use crate::{Backend, Fr, G1Affine, G1Projective, Weight};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_std::rand::Rng;

/// Random weights, with the smallest and largest and some of few digits among them.
fn weights(n: usize, rng: &mut impl Rng) -> Vec<Weight> {
    let mut draw = |i: usize| match i % 7 {
        0 => 0,
        1 => u128::MAX,
        2 => 1 << 127,
        3 => u128::from(u64::MAX),
        _ => rng.r#gen(),
    };
    (0..n).map(|i| Weight::new(draw(i + n))).collect()
}

fn random(n: usize, rng: &mut impl Rng) -> Vec<G1Affine> {
    (0..n).map(|_| G1Projective::rand(rng).into_affine()).collect()
}

fn naive(points: &[G1Affine], weights: &[Weight]) -> Vec<G1Projective> {
    points.iter().zip(weights).map(|(point, weight)| *point * weight.scalar()).collect()
}

fn sums_agree(backend: &dyn Backend, points: &[G1Affine], weights: &[Weight], lengths: &[usize]) {
    let mut products = naive(points, weights);
    let found = backend.weighted_sums_g1(points, weights, lengths);
    assert_eq!(found.len(), lengths.len());
    for (sum, length) in found.iter().zip(lengths) {
        let rest = products.split_off(*length);
        assert_eq!(*sum, products.iter().sum::<G1Projective>(), "{length} of {lengths:?}");
        products = rest;
    }
}

pub(crate) fn agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    for n in [0usize, 1, 2, 7, 8, 9, 40, 100] {
        let (mut points, weights) = (random(n, &mut rng), weights(n, &mut rng));
        if n > 7 {
            points[4] = G1Affine::identity();
            points[5] = points[6];
            points[7] = G1Affine::generator();
        }
        let expected = G1Projective::normalize_batch(&naive(&points, &weights));
        assert_eq!(backend.weigh_g1(&points, &weights), expected, "n = {n}");
        let lengths: [&[usize]; 4] =
            [&[n], &[0, n, 0], &[n / 2, n - n / 2], &[n / 3, n / 3, n - 2 * (n / 3)]];
        for lengths in lengths {
            sums_agree(backend, &points, &weights, lengths);
        }
        sums_agree(backend, &points, &weights, &vec![1; n]);
    }
}

pub(crate) fn degenerate_points_agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    let point = G1Projective::rand(&mut rng).into_affine();
    let weight = Weight::new(rng.r#gen());
    for n in [2usize, 3, 16, 17, 70] {
        // Equal points under equal weights, and under random ones.
        sums_agree(backend, &vec![point; n], &vec![weight; n], &[n]);
        sums_agree(backend, &vec![point; n], &weights(n, &mut rng), &[n]);
        // Opposite points under equal weights: nothing is left of an even number.
        let opposite: Vec<G1Affine> = (0..n).map(|i| if i % 2 == 0 { point } else { -point }).collect();
        sums_agree(backend, &opposite, &vec![weight; n], &[n]);
        sums_agree(backend, &opposite, &weights(n, &mut rng), &[n / 2, n - n / 2]);
        let (one, other) = opposite.split_at(n / 2);
        sums_agree(backend, &[other, one].concat(), &vec![weight; n], &[n]);
        // Infinity alone, at the start, between, at the end.
        sums_agree(backend, &vec![G1Affine::identity(); n], &weights(n, &mut rng), &[n]);
        for hole in [0, n / 2, n - 1] {
            let mut points = random(n, &mut rng);
            points[hole] = G1Affine::identity();
            sums_agree(backend, &points, &weights(n, &mut rng), &[n]);
        }
    }
    assert_eq!(backend.weighted_sums_g1(&[point, -point], &[weight; 2], &[2]), [G1Projective::ZERO]);
}

pub(crate) fn fixed_bases_agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    for n in [1usize, 2, 8, 9, 10, 20] {
        let mut bases = random(n, &mut rng);
        if n > 8 {
            (bases[1], bases[4], bases[5]) = (G1Affine::identity(), bases[3], -bases[3]);
        }
        let fixed = backend.fix_g1(&bases);
        assert!(fixed.sums(&[], &[]).is_empty());
        for round in 0..8 {
            let scalars: Vec<Fr> = (0..n)
                .map(|i| match (i + round) % 8 {
                    0 => Fr::ZERO,
                    1 => Fr::ONE,
                    2 => -Fr::ONE,
                    3 => Fr::from(rng.r#gen::<u64>()),
                    4 => -Fr::from(rng.r#gen::<u16>()),
                    _ => Fr::rand(&mut rng),
                })
                .collect();
            let used = n - round % 2;
            let products: Vec<G1Projective> =
                bases.iter().zip(&scalars).take(used).map(|(base, scalar)| *base * scalar).collect();
            for cut in [0, used / 2, used] {
                let expected: [G1Projective; 2] =
                    [products[..cut].iter().sum(), products[cut..].iter().sum()];
                assert_eq!(fixed.sums(&scalars[..used], &[cut, used - cut]), expected, "{used} of {n}");
            }
        }
    }
}
