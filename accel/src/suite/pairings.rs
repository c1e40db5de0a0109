//! Pairings, and the way from coordinates to points.

use crate::{Backend, Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_bn254::Bn254;
use ark_ec::pairing::{MillerLoopOutput, Pairing};
use ark_ec::{AffineRepr, CurveConfig, CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, Field, One, UniformRand, Zero};
use ark_std::rand::Rng;

pub(crate) fn agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    for n in [0usize, 1, 2, 3, 4, 5, 9] {
        let mut pairs: Vec<(G1Affine, G2Affine)> = (0..n)
            .map(|_| (G1Projective::rand(&mut rng).into_affine(), G2Projective::rand(&mut rng).into_affine()))
            .collect();
        if n > 2 {
            pairs[0].0 = G1Affine::identity();
            pairs[1].1 = G2Affine::identity();
        }
        let expected = Bn254::multi_pairing(pairs.iter().map(|p| p.0), pairs.iter().map(|p| p.1)).0;
        assert_eq!(backend.multi_pairing(&pairs), Some(expected), "n = {n}");
        // The product of parts is the product of the whole.
        let prepared: Vec<_> = pairs.iter().map(|(_, q)| backend.prepare_g2(q)).collect();
        let lines: Vec<_> = pairs.iter().zip(&prepared).map(|((p, _), q)| (*p, q)).collect();
        let (left, right) = lines.split_at(n / 2);
        let product = backend.multi_miller_loop(left) * backend.multi_miller_loop(right);
        assert_eq!(backend.final_exponentiation(&product), Some(expected));
    }
    let (a, b) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
    let (g, h) = (G1Projective::generator(), G2Projective::generator());
    assert_eq!(
        backend.multi_pairing(&[((g * a).into_affine(), (h * b).into_affine())]),
        backend.multi_pairing(&[((g * (a * b)).into_affine(), h.into_affine())]),
    );
    assert_eq!(backend.final_exponentiation(&Fq12::ZERO), None);
}

pub(crate) fn lifts_agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    for n in [0usize, 1, 2, 7, 8, 9, 40] {
        // Half of all x belong to a point; zero does in neither curve's case by itself, so it is
        // among them.
        let mut g1: Vec<(Fq, bool)> = (0..n).map(|i| (Fq::rand(&mut rng), i % 2 == 0)).collect();
        let mut g2: Vec<(Fq2, bool)> = (0..n).map(|i| (Fq2::rand(&mut rng), i % 3 == 0)).collect();
        if n > 4 {
            let (p, q) =
                (G1Projective::rand(&mut rng).into_affine(), G2Projective::rand(&mut rng).into_affine());
            (g1[0].0, g1[1].0, g1[2].0, g1[3].0) = (Fq::zero(), Fq::one(), -Fq::one(), p.x);
            (g2[0].0, g2[1].0, g2[2].0) = (Fq2::zero(), Fq2::one(), q.x);
            // Coordinates in the base field alone, and in its multiples of the root alone.
            (g2[3].0, g2[4].0) =
                (Fq2::new(Fq::rand(&mut rng), Fq::zero()), Fq2::new(Fq::zero(), Fq::rand(&mut rng)));
        }
        let expected: Vec<_> =
            g1.iter().map(|(x, larger)| G1Affine::get_point_from_x_unchecked(*x, *larger)).collect();
        assert_eq!(backend.lift_g1(&g1), expected, "G1, n = {n}");
        let expected: Vec<_> =
            g2.iter().map(|(x, larger)| G2Affine::get_point_from_x_unchecked(*x, *larger)).collect();
        assert_eq!(backend.lift_g2(&g2), expected, "G2, n = {n}");
        assert!(n < 9 || expected.iter().any(Option::is_some) && expected.iter().any(Option::is_none));
    }
}

pub(crate) fn subgroup_checks_agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    for n in [0usize, 1, 2, 7, 8, 9, 20] {
        let points: Vec<G2Affine> = (0..n)
            .map(|i| match i % 4 {
                0 => G2Projective::rand(&mut rng).into_affine(),
                1 if i > 8 => G2Affine::identity(),
                _ => core::iter::repeat_with(|| Fq2::rand(&mut rng))
                    .find_map(|x| G2Affine::get_point_from_x_unchecked(x, true))
                    .expect("half of all x"),
            })
            .collect();
        let expected: Vec<bool> =
            points.iter().map(|q| q.mul_bigint(Fr::characteristic()).is_zero()).collect();
        assert_eq!(backend.in_subgroup_g2(&points), expected, "n = {n}");
        assert!(n < 3 || expected.contains(&false) && expected.contains(&true));
    }
}

fn finish(f: &Fq12) -> Option<Fq12> {
    Bn254::final_exponentiation(MillerLoopOutput(*f)).map(|output| output.0)
}

/// A point of the twist outside the subgroup of order r.
fn stranger(rng: &mut impl Rng) -> G2Affine {
    let mut draw = || G2Affine::get_point_from_x_unchecked(Fq2::rand(rng), true);
    core::iter::repeat_with(&mut draw).flatten().next().expect("half of all x")
}

pub(crate) fn groups_agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    for n in [0usize, 1, 3, 8, 9, 20] {
        let mut pairs: Vec<(G1Affine, G2Affine)> = (0..n)
            .map(|_| (G1Projective::rand(&mut rng).into_affine(), G2Projective::rand(&mut rng).into_affine()))
            .collect();
        if n > 8 {
            pairs[0].0 = G1Affine::identity();
            pairs[1].1 = G2Affine::identity();
            pairs[2] = (G1Affine::identity(), G2Affine::identity());
            pairs[3] = (-pairs[4].0, pairs[4].1);
            pairs[5] = pairs[6];
            pairs[7] = (G1Affine::generator(), -G2Affine::generator());
        }
        for group in [1, 2, 5, 8, 12, 100] {
            let found = backend.miller_products(&pairs, group);
            assert_eq!(found.in_subgroup, vec![true; n]);
            assert_eq!(found.products.len(), n.div_ceil(group));
            for (product, pairs) in found.products.iter().zip(pairs.chunks(group)) {
                let expected = Bn254::multi_pairing(pairs.iter().map(|p| p.0), pairs.iter().map(|p| p.1)).0;
                assert_eq!(finish(product), Some(expected), "{n} pairs in groups of {group}");
            }
        }
    }
}

pub(crate) fn strangers_are_told(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    // A point whose order divides the cofactor, and one whose order is the cofactor's least prime
    // factor.
    let small = stranger(&mut rng).mul_bigint(Fr::characteristic()).into_affine();
    const LEAST: u64 = 10069;
    let mut rest = <ark_bn254::g2::Config as CurveConfig>::COFACTOR.to_vec();
    let mut remainder = 0u128;
    for word in rest.iter_mut().rev() {
        let value = remainder << 64 | u128::from(*word);
        (*word, remainder) = ((value / u128::from(LEAST)) as u64, value % u128::from(LEAST));
    }
    assert_eq!(remainder, 0, "a factor of the cofactor");
    let smallest = small.mul_bigint(&rest).into_affine();
    assert!(smallest.mul_bigint([LEAST]).is_zero() && !smallest.is_zero());
    let p = G1Projective::rand(&mut rng).into_affine();
    let member = G2Projective::rand(&mut rng).into_affine();
    let mut points =
        vec![member, small, smallest, -smallest, (member + smallest).into_affine(), G2Affine::identity()];
    points.extend(
        (0..20).map(
            |i| if i % 3 == 0 { G2Projective::rand(&mut rng).into_affine() } else { stranger(&mut rng) },
        ),
    );
    let expected: Vec<bool> = points.iter().map(|q| q.mul_bigint(Fr::characteristic()).is_zero()).collect();
    let pairs: Vec<_> = points.iter().map(|q| (p, *q)).collect();
    for group in [1, 8, 64] {
        let found = backend.miller_products(&pairs, group);
        assert_eq!(found.in_subgroup, expected, "groups of {group}");
        // Strangers spoil their own groups only.
        if group == 1 {
            for ((pair, product), member) in pairs.iter().zip(&found.products).zip(&expected) {
                assert!(!member || finish(product) == Some(Bn254::pairing(pair.0, pair.1).0));
            }
        }
    }
}
