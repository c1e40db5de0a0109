//! One-off sums of points.

use super::edge_scalars;
use crate::{Backend, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, UniformRand};
use ark_std::rand::Rng;

pub(crate) fn agrees(backend: &dyn Backend) {
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
            assert_eq!(backend.msm_g1(&g1, &scalars), naive(&g1, &scalars), "G1, n = {n}, style {style}");
            if n < 300 {
                assert_eq!(backend.msm_g2(&g2, &scalars), naive(&g2, &scalars), "G2, n = {n}, style {style}");
            }
        }
    }
    // All terms equal, and terms that cancel: additions meet doubling and infinity.
    let point = G1Projective::rand(&mut rng).into_affine();
    for n in [2usize, 5, 200, 300] {
        let same = vec![point; n];
        let k = Fr::rand(&mut rng);
        assert_eq!(backend.msm_g1(&same, &vec![k; n]), point * (k * Fr::from(n as u64)));
        let cancel: Vec<Fr> = (0..n).map(|i| if i % 2 == 0 { k } else { -k }).collect();
        assert_eq!(backend.msm_g1(&same, &cancel), naive(&same, &cancel));
    }
}

fn naive<A: AffineRepr<ScalarField = Fr>>(bases: &[A], scalars: &[Fr]) -> A::Group {
    bases.iter().zip(scalars).fold(A::Group::ZERO, |sum, (base, scalar)| sum + *base * scalar)
}
