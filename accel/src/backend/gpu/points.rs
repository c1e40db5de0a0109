//! A device's sums as points: limbs that are numbers of the field and make a point of the curve, or
//! nothing.

use crate::{Fq, Fq2, G1Projective, G2Projective};
use ark_bn254::{g1, g2};
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};

fn fq(limbs: &[u64]) -> Option<Fq> {
    let number = BigInt(limbs.try_into().ok()?);
    (number < Fq::MODULUS).then(|| Fq::new_unchecked(number))
}

fn fq2(limbs: &[u64]) -> Option<Fq2> {
    Some(Fq2::new(fq(&limbs[..4])?, fq(&limbs[4..])?))
}

/// A point of the curve, or none. Infinity's x and y mean nothing.
pub(super) fn g1_point(limbs: &[u64; 12]) -> Option<G1Projective> {
    let z = fq(&limbs[8..])?;
    if z == Fq::ZERO {
        return Some(G1Projective::ZERO);
    }
    let (x, y) = (fq(&limbs[..4])?, fq(&limbs[4..8])?);
    let z6 = z.square().square() * z.square();
    let on_curve = y.square() == x.square() * x + g1::Config::COEFF_B * z6;
    on_curve.then(|| G1Projective::new_unchecked(x, y, z))
}

pub(super) fn g2_point(limbs: &[u64; 24]) -> Option<G2Projective> {
    let z = fq2(&limbs[16..])?;
    if z == Fq2::ZERO {
        return Some(G2Projective::ZERO);
    }
    let (x, y) = (fq2(&limbs[..8])?, fq2(&limbs[8..16])?);
    let z6 = z.square().square() * z.square();
    let on_curve = y.square() == x.square() * x + g2::Config::COEFF_B * z6;
    on_curve.then(|| G2Projective::new_unchecked(x, y, z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;

    fn limbs_of(x: &Fq) -> [u64; 4] {
        x.0.0
    }

    #[test]
    fn points_are_read_back_and_strangers_are_refused() {
        let mut rng = ark_std::test_rng();
        let p = G1Projective::rand(&mut rng);
        let p = p + p;
        let limbs: Vec<u64> = [p.x, p.y, p.z].iter().flat_map(limbs_of).collect();
        let limbs: [u64; 12] = limbs.try_into().expect("three numbers");
        assert_eq!(g1_point(&limbs), Some(p));
        for place in 0..12 {
            let mut wrong = limbs;
            wrong[place] ^= 1 << 20;
            assert_eq!(g1_point(&wrong), None, "limb {place}");
        }
        let mut large = limbs;
        large[3] = u64::MAX;
        assert_eq!(g1_point(&large), None, "not below p");
        let mut infinity = limbs;
        infinity[8..].fill(0);
        assert_eq!(g1_point(&infinity), Some(G1Projective::ZERO));

        let q = G2Projective::rand(&mut rng);
        let q = q + q;
        let numbers = [q.x.c0, q.x.c1, q.y.c0, q.y.c1, q.z.c0, q.z.c1];
        let limbs: Vec<u64> = numbers.iter().flat_map(limbs_of).collect();
        let limbs: [u64; 24] = limbs.try_into().expect("six numbers");
        assert_eq!(g2_point(&limbs), Some(q));
        for place in 0..24 {
            let mut wrong = limbs;
            wrong[place] ^= 1 << 20;
            assert_eq!(g2_point(&wrong), None, "limb {place}");
        }
    }
}
