//! Pairings over these lanes.

use super::decode;
use super::engine::Avx512Ifma;
use crate::portable::Portable;
use crate::{Fq, Fq2, Fq12, G1Affine, G2Affine, G2Prepared, Pairings};

impl Pairings for Avx512Ifma {
    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared {
        Portable.prepare_g2(point)
    }

    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12 {
        Portable.multi_miller_loop(pairs)
    }

    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12> {
        Portable.final_exponentiation(f)
    }

    fn lift_g1(&self, xs: &[(Fq, bool)]) -> Vec<Option<G1Affine>> {
        decode::lift_g1(self.isa, xs)
    }

    fn lift_g2(&self, xs: &[(Fq2, bool)]) -> Vec<Option<G2Affine>> {
        decode::lift_g2(self.isa, xs)
    }

    fn in_subgroup_g2(&self, points: &[G2Affine]) -> Vec<bool> {
        Portable.in_subgroup_g2(points)
    }

    fn scale_g1(&self, points: &[G1Affine], factors: &[u128]) -> Vec<G1Affine> {
        Portable.scale_g1(points, factors)
    }
}
