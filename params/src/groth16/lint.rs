//! What no verifying key may be, whatever its origin.
//!
//! Each finding is a way in which keys in the field were, or could be, open to forgery. A clean key
//! is not a good key: only its ceremony can say that nobody knows its trapdoor.

use crate::groth16::points::{IC_POINTS, VkPart, VkPoints};
use crate::header::Origin;
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use std::collections::BTreeMap;

/// A finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VkLint {
    /// Not one IC point for the constant and each public input.
    #[error("a verifying key has {expected} IC points, this one {got}")]
    IcLength {
        /// Always nine.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// A point is infinity: the term it stands for does not bind.
    #[error("{0} is the point at infinity")]
    Infinity(VkPart),
    /// A point is not on its curve.
    #[error("{0} is not on the curve")]
    NotOnCurve(VkPart),
    /// A point is not in the subgroup of order r.
    #[error("{0} is not in the subgroup of order r")]
    NotInSubgroup(VkPart),
    /// A point is the generator or its negative: no secret went into it.
    #[error("{0} is the generator (or its negative): no secret went into it")]
    Generator(VkPart),
    /// `delta = ±gamma`: any public inputs can be "proved" from any valid proof.
    #[error("delta is gamma (or its negative): proofs can be forged for any public inputs")]
    DeltaIsGamma,
    /// `beta = ±gamma`: `A = alpha + IC(x)`, `B = beta` would pass for every x.
    #[error("beta is gamma (or its negative): proofs can be forged for any public inputs")]
    BetaIsGamma,
    /// `beta = ±delta`.
    #[error("beta is delta (or its negative)")]
    BetaIsDelta,
    /// Two IC points are equal up to sign: two public inputs can be traded against each other.
    #[error(
        "IC[{first}] and IC[{second}] are equal (up to sign): those inputs can be traded against each other"
    )]
    DuplicateIc {
        /// Lower index.
        first: usize,
        /// Higher index.
        second: usize,
    },
}

/// Looks for every known bad shape, and returns the first found.
///
/// The ceremony of Bowe, Gabizon and Miers, which snarkjs runs, fixes `gamma` to the generator by
/// design; that alone is accepted, and from a ceremony alone.
///
/// # Errors
/// The finding.
pub fn lint_verifying_key(points: &VkPoints, origin: &Origin) -> Result<(), VkLint> {
    if points.ic.len() != IC_POINTS {
        return Err(VkLint::IcLength { expected: IC_POINTS, got: points.ic.len() });
    }
    sound_points(points)?;
    findings(points, *origin == Origin::InsecureDev).next().map_or(Ok(()), Err)
}

/// Every point is on its curve, in its subgroup, and not infinity.
pub(crate) fn sound_points(points: &VkPoints) -> Result<(), VkLint> {
    sound(VkPart::Alpha, &points.alpha_g1)?;
    sound(VkPart::Beta, &points.beta_g2)?;
    sound(VkPart::Gamma, &points.gamma_g2)?;
    sound(VkPart::Delta, &points.delta_g2)?;
    points.ic.iter().enumerate().try_for_each(|(i, point)| sound(VkPart::Ic(i), point))
}

/// What is bad about points that are sound, for any number of IC points.
pub(crate) fn findings(points: &VkPoints, gamma_is_secret: bool) -> impl Iterator<Item = VkLint> {
    let VkPoints { alpha_g1, beta_g2, gamma_g2, delta_g2, ic } = points;
    let fixed = [
        (is_generator(alpha_g1), VkLint::Generator(VkPart::Alpha)),
        (is_generator(beta_g2), VkLint::Generator(VkPart::Beta)),
        (is_generator(delta_g2), VkLint::Generator(VkPart::Delta)),
        (gamma_is_secret && is_generator(gamma_g2), VkLint::Generator(VkPart::Gamma)),
    ];
    let related = [
        (same_up_to_sign(delta_g2, gamma_g2), VkLint::DeltaIsGamma),
        (same_up_to_sign(beta_g2, gamma_g2), VkLint::BetaIsGamma),
        (same_up_to_sign(beta_g2, delta_g2), VkLint::BetaIsDelta),
    ];
    let generators = ic.iter().enumerate().map(|(i, p)| (is_generator(p), VkLint::Generator(VkPart::Ic(i))));
    // Points with one x are equal or each other's negative.
    let mut seen = BTreeMap::new();
    let duplicates = ic.iter().enumerate().filter_map(move |(second, p)| {
        let first = *seen.entry(p.x).or_insert(second);
        (first != second).then_some(VkLint::DuplicateIc { first, second })
    });
    let told = fixed.into_iter().chain(generators).chain(related);
    told.filter_map(|(found, lint)| found.then_some(lint)).chain(duplicates)
}

fn sound<P: SWCurveConfig>(part: VkPart, point: &Affine<P>) -> Result<(), VkLint> {
    if point.is_zero() {
        Err(VkLint::Infinity(part))
    } else if !point.is_on_curve() {
        Err(VkLint::NotOnCurve(part))
    } else if !point.is_in_correct_subgroup_assuming_on_curve() {
        Err(VkLint::NotInSubgroup(part))
    } else {
        Ok(())
    }
}

fn is_generator<P: SWCurveConfig>(point: &Affine<P>) -> bool {
    same_up_to_sign(point, &Affine::generator())
}

fn same_up_to_sign<P: SWCurveConfig>(a: &Affine<P>, b: &Affine<P>) -> bool {
    a == b || *a == -*b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{dev_keys, g2_outside_the_subgroup};
    use ark_bn254::{Fq, G1Affine, G2Affine};
    use ark_ff::One;

    const DEV: Origin = Origin::InsecureDev;

    fn finding(change: impl Fn(&mut VkPoints)) -> Result<(), VkLint> {
        let mut points = dev_keys().1.points().clone();
        assert_eq!(lint_verifying_key(&points, &DEV), Ok(()));
        change(&mut points);
        lint_verifying_key(&points, &DEV)
    }

    #[test]
    fn a_wrong_number_of_ic_points_is_found() {
        assert_eq!(finding(|k| k.ic.truncate(8)), Err(VkLint::IcLength { expected: 9, got: 8 }));
        assert_eq!(finding(|k| k.ic.push(k.ic[0])), Err(VkLint::IcLength { expected: 9, got: 10 }));
    }

    #[test]
    fn infinity_is_found_anywhere() {
        assert_eq!(finding(|k| k.alpha_g1 = G1Affine::identity()), Err(VkLint::Infinity(VkPart::Alpha)));
        assert_eq!(finding(|k| k.beta_g2 = G2Affine::identity()), Err(VkLint::Infinity(VkPart::Beta)));
        assert_eq!(finding(|k| k.gamma_g2 = G2Affine::identity()), Err(VkLint::Infinity(VkPart::Gamma)));
        assert_eq!(finding(|k| k.delta_g2 = G2Affine::identity()), Err(VkLint::Infinity(VkPart::Delta)));
        for i in 0..9 {
            assert_eq!(finding(|k| k.ic[i] = G1Affine::identity()), Err(VkLint::Infinity(VkPart::Ic(i))));
        }
    }

    #[test]
    fn the_generator_is_found_wherever_a_secret_belongs() {
        assert_eq!(finding(|k| k.alpha_g1 = -G1Affine::generator()), Err(VkLint::Generator(VkPart::Alpha)));
        assert_eq!(finding(|k| k.beta_g2 = G2Affine::generator()), Err(VkLint::Generator(VkPart::Beta)));
        assert_eq!(finding(|k| k.gamma_g2 = G2Affine::generator()), Err(VkLint::Generator(VkPart::Gamma)));
        assert_eq!(finding(|k| k.delta_g2 = G2Affine::generator()), Err(VkLint::Generator(VkPart::Delta)));
        for i in 0..9 {
            assert_eq!(finding(|k| k.ic[i] = G1Affine::generator()), Err(VkLint::Generator(VkPart::Ic(i))));
        }
    }

    #[test]
    fn gamma_may_be_the_generator_in_a_ceremony_but_delta_may_not() {
        let mut points = dev_keys().1.points().clone();
        let ceremony = Origin::Ceremony { transcript: [7; 32] };
        points.gamma_g2 = G2Affine::generator();
        assert_eq!(lint_verifying_key(&points, &ceremony), Ok(()));
        points.delta_g2 = G2Affine::generator();
        assert_eq!(lint_verifying_key(&points, &ceremony), Err(VkLint::Generator(VkPart::Delta)));
    }

    #[test]
    fn equal_or_opposite_trapdoor_points_are_found() {
        assert_eq!(finding(|k| k.delta_g2 = k.gamma_g2), Err(VkLint::DeltaIsGamma));
        assert_eq!(finding(|k| k.delta_g2 = -k.gamma_g2), Err(VkLint::DeltaIsGamma));
        assert_eq!(finding(|k| k.beta_g2 = -k.gamma_g2), Err(VkLint::BetaIsGamma));
        assert_eq!(finding(|k| k.beta_g2 = k.delta_g2), Err(VkLint::BetaIsDelta));
    }

    #[test]
    fn duplicate_ic_points_are_found() {
        assert_eq!(finding(|k| k.ic[5] = k.ic[2]), Err(VkLint::DuplicateIc { first: 2, second: 5 }));
        assert_eq!(finding(|k| k.ic[8] = -k.ic[0]), Err(VkLint::DuplicateIc { first: 0, second: 8 }));
    }

    #[test]
    fn points_off_the_curve_or_outside_the_subgroup_are_found() {
        let outside = g2_outside_the_subgroup().next().expect("there are many");
        assert_eq!(finding(|k| k.delta_g2 = outside), Err(VkLint::NotInSubgroup(VkPart::Delta)));
        assert_eq!(finding(|k| k.ic[3].y += Fq::one()), Err(VkLint::NotOnCurve(VkPart::Ic(3))));
    }
}
