//! Which points of the twist lie in the subgroup of order r, by the endomorphism.
//!
//! `psi` is the Frobenius map of the big curve seen on the twist; on the subgroup it multiplies by
//! p. For the parameter x of BN254, a point Q of the twist lies in the subgroup exactly when
//! `[x + 1] Q + psi([x] Q) + psi^2([x] Q) = psi^3([2x] Q)` (Dai, Lin, Zhao, Zhou, "Fast subgroup
//! membership testings on pairing-friendly curves", ePrint 2022/348): one multiplication by 63
//! bits, where the definition takes 254.

use crate::{G2Affine, G2Projective};
use ark_bn254::Config;
use ark_ec::bn::BnConfig;
use ark_ff::{AdditiveGroup, Field};

/// The curve's parameter x.
const X: u64 = Config::X[0];

/// Signed digits of x, no two neighbours both non-zero, least first.
const X_DIGITS: [i8; 64] = {
    let (mut digits, mut rest, mut i) = ([0; 64], X as u128, 0);
    while rest > 0 {
        if rest & 1 == 1 {
            digits[i] = 2 - (rest & 3) as i8;
            rest = if digits[i] > 0 { rest - 1 } else { rest + 1 };
        }
        rest >>= 1;
        i += 1;
    }
    digits
};

/// Whether a point of the twist lies in the subgroup of order r.
pub(crate) fn contains(q: &G2Affine) -> bool {
    let xq = times_x(q);
    let first = psi(&xq);
    let second = psi(&first);
    xq + q + first + second == psi(&second).double()
}

fn times_x(q: &G2Affine) -> G2Projective {
    let negated = -*q;
    let mut sum = G2Projective::ZERO;
    for digit in X_DIGITS.iter().rev() {
        sum.double_in_place();
        match digit {
            0 => {}
            1 => sum += q,
            _ => sum += negated,
        }
    }
    sum
}

/// Frobenius on the twist, in Jacobian coordinates.
fn psi(q: &G2Projective) -> G2Projective {
    let mut image = *q;
    image.x.frobenius_map_in_place(1);
    image.y.frobenius_map_in_place(1);
    image.z.frobenius_map_in_place(1);
    image.x *= Config::TWIST_MUL_BY_Q_X;
    image.y *= Config::TWIST_MUL_BY_Q_Y;
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::UniformRand;

    #[test]
    fn the_digits_are_those_of_the_parameter() {
        let value = X_DIGITS.iter().rev().fold(0i128, |sum, digit| 2 * sum + i128::from(*digit));
        assert_eq!(value, i128::from(X));
        assert!(X_DIGITS.windows(2).all(|pair| pair[0] == 0 || pair[1] == 0));
        let q = G2Projective::rand(&mut ark_std::test_rng()).into_affine();
        assert_eq!(times_x(&q), q.mul_bigint([X]));
        assert_eq!(times_x(&G2Affine::identity()), G2Projective::ZERO);
    }
}
