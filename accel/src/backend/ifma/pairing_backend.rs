//! Pairings over these lanes.

use super::backend::Lanes;
use super::decode;
use super::{fixed, pairing, scale};
use crate::backend::portable::Portable;
use crate::{
    FixedBases, Fq, Fq2, Fq12, G1Affine, G1Projective, G2Affine, G2Prepared, MillerProducts, Pairings, Weight,
};
use std::sync::Arc;

impl Pairings for Lanes {
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
        // The lanes' chain costs about as much as four points by themselves, however few it is
        // given.
        if points.len() < 5 {
            return Portable.in_subgroup_g2(points);
        }
        pairing::in_subgroup(self.isa, points)
    }

    fn miller_products(&self, pairs: &[(G1Affine, G2Affine)], group: usize) -> MillerProducts {
        pairing::miller_products(self.isa, pairs, group)
    }

    fn weigh_g1(&self, points: &[G1Affine], weights: &[Weight]) -> Vec<G1Affine> {
        assert_eq!(points.len(), weights.len(), "one weight for each point");
        scale::weigh(self.isa, points, weights)
    }

    fn weighted_sums_g1(
        &self,
        points: &[G1Affine],
        weights: &[Weight],
        lengths: &[usize],
    ) -> Vec<G1Projective> {
        assert_eq!(points.len(), weights.len(), "one weight for each point");
        assert_eq!(lengths.iter().sum::<usize>(), points.len(), "the lists make up the whole");
        scale::weighted_sums(self.isa, points, weights, lengths)
    }

    fn fix_g1(&self, bases: &[G1Affine]) -> Arc<dyn FixedBases> {
        Arc::new(fixed::Tables::new(self.isa, bases))
    }
}
