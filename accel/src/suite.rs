//! One suite for every engine: `mount!(engine)` inside a test module gives it the same laws.

use crate::{Engine, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_bn254::Bn254;
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, FftField, Field, One, UniformRand, Zero};
use ark_std::rand::Rng;

/// Mounts the suite on one engine.
macro_rules! mount {
    ($engine:expr) => {
        #[test]
        fn msm_agrees_with_naive_sums_on_random_edge_and_odd_inputs() {
            $crate::suite::msm_agrees(&$engine);
        }
        #[test]
        fn transforms_agree_with_evaluation_and_invert_each_other() {
            $crate::suite::transforms_agree(&$engine);
        }
        #[test]
        fn pairings_are_those_of_arkworks_and_bilinear() {
            $crate::suite::pairings_agree(&$engine);
        }
        #[test]
        fn the_engine_is_found_by_its_name() {
            let engine = $engine;
            let name = $crate::Engine::name(&engine);
            assert_eq!($crate::by_name(name).map(|found| found.name()), Some(name));
            assert!($crate::by_name("no such engine").is_none());
        }
    };
}
pub(crate) use mount;

fn edge_scalars() -> Vec<Fr> {
    let one = Fr::one();
    let half = (-one) * Fr::from(2u64).inverse().expect("2 is not zero");
    vec![
        Fr::zero(),
        one,
        -one,
        Fr::from(2u64),
        -Fr::from(2u64),
        half,
        half + one,
        Fr::from(u64::MAX),
        Fr::from(u128::MAX),
        -Fr::from(u64::MAX),
    ]
}

pub(crate) fn msm_agrees(engine: &dyn Engine) {
    let mut rng = ark_std::test_rng();
    let edges = edge_scalars();
    for n in [0usize, 1, 2, 3, 7, 31, 32, 33, 100, 191, 192, 193, 255, 256, 257, 511, 1000] {
        for style in 0..4 {
            let g1: Vec<G1Affine> = (0..n)
                .map(|i| match (style, i % 5) {
                    (1, 0) | (3, _) => G1Affine::identity(),
                    (1, 1) => G1Affine::generator(),
                    _ => G1Projective::rand(&mut rng).into_affine(),
                })
                .collect();
            let g2: Vec<G2Affine> = (0..n)
                .map(|i| match (style, i % 5) {
                    (1, 0) | (3, _) => G2Affine::identity(),
                    (1, 1) => G2Affine::generator(),
                    _ => G2Projective::rand(&mut rng).into_affine(),
                })
                .collect();
            let scalars: Vec<Fr> = (0..n)
                .map(|i| match style {
                    1 => edges[i % edges.len()],
                    2 => Fr::from(rng.r#gen::<u128>() >> (rng.r#gen::<u32>() % 128)),
                    _ => Fr::rand(&mut rng),
                })
                .collect();
            assert_eq!(engine.msm_g1(&g1, &scalars), naive(&g1, &scalars), "G1, n = {n}, style {style}");
            if n < 300 {
                assert_eq!(engine.msm_g2(&g2, &scalars), naive(&g2, &scalars), "G2, n = {n}, style {style}");
            }
        }
    }
    // All terms equal, and terms that cancel: additions meet doubling and infinity.
    let point = G1Projective::rand(&mut rng).into_affine();
    for n in [2usize, 5, 200, 300] {
        let same = vec![point; n];
        let k = Fr::rand(&mut rng);
        assert_eq!(engine.msm_g1(&same, &vec![k; n]), point * (k * Fr::from(n as u64)));
        let cancel: Vec<Fr> = (0..n).map(|i| if i % 2 == 0 { k } else { -k }).collect();
        assert_eq!(engine.msm_g1(&same, &cancel), naive(&same, &cancel));
    }
}

fn naive<A: AffineRepr<ScalarField = Fr>>(bases: &[A], scalars: &[Fr]) -> A::Group {
    bases.iter().zip(scalars).fold(A::Group::ZERO, |sum, (base, scalar)| sum + *base * scalar)
}

pub(crate) fn transforms_agree(engine: &dyn Engine) {
    let mut rng = ark_std::test_rng();
    let g = Fr::GENERATOR;
    for log in 0..=9u32 {
        let n = 1usize << log;
        let coefficients: Vec<Fr> = match log % 3 {
            0 => (0..n).map(|_| Fr::rand(&mut rng)).collect(),
            1 => (0..n).map(|i| if i == 0 { Fr::zero() } else { -Fr::one() }).collect(),
            _ => (0..n).map(|i| if i % 2 == 0 { Fr::zero() } else { Fr::rand(&mut rng) }).collect(),
        };
        let root = Fr::get_root_of_unity(n as u64).expect("2^9 divides r - 1");
        let evaluate = |x: Fr| coefficients.iter().rev().fold(Fr::zero(), |sum, c| sum * x + c);
        let mut values = coefficients.clone();
        engine.ntt(&mut values);
        let mut on_coset = coefficients.clone();
        engine.coset_ntt(&mut on_coset);
        let mut x = Fr::one();
        for i in 0..n {
            assert_eq!(values[i], evaluate(x), "n = {n}");
            assert_eq!(on_coset[i], evaluate(g * x), "coset, n = {n}");
            x *= root;
        }
        engine.intt(&mut values);
        engine.coset_intt(&mut on_coset);
        assert_eq!(values, coefficients);
        assert_eq!(on_coset, coefficients);
    }
    for log in [12u32, 13] {
        let coefficients: Vec<Fr> = (0..1usize << log).map(|_| Fr::rand(&mut rng)).collect();
        let mut values = coefficients.clone();
        engine.ntt(&mut values);
        engine.intt(&mut values);
        engine.coset_ntt(&mut values);
        engine.coset_intt(&mut values);
        assert_eq!(values, coefficients);
    }
}

pub(crate) fn pairings_agree(engine: &dyn Engine) {
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
        assert_eq!(engine.multi_pairing(&pairs), Some(expected), "n = {n}");
        // The product of parts is the product of the whole.
        let prepared: Vec<_> = pairs.iter().map(|(_, q)| engine.prepare_g2(q)).collect();
        let lines: Vec<_> = pairs.iter().zip(&prepared).map(|((p, _), q)| (*p, q)).collect();
        let (left, right) = lines.split_at(n / 2);
        let product = engine.multi_miller_loop(left) * engine.multi_miller_loop(right);
        assert_eq!(engine.final_exponentiation(&product), Some(expected));
    }
    let (a, b) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
    let (g, h) = (G1Projective::generator(), G2Projective::generator());
    assert_eq!(
        engine.multi_pairing(&[((g * a).into_affine(), (h * b).into_affine())]),
        engine.multi_pairing(&[((g * (a * b)).into_affine(), h.into_affine())]),
    );
    assert_eq!(engine.final_exponentiation(&Fq12::ZERO), None);
}
