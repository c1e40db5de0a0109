//! A verifying key, made ready once for many verifications.

use amanat_accel::{Fq12, G2Prepared, OddMultiples};
use amanat_domain::field::Fr;
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::{KeyHeader, VerifyingKey};
use ark_bn254::{G1Affine, G1Projective};
use ark_ff::{BigInt, PrimeField};

/// Window of the tables of IC points: 64 odd multiples each, 37 kB in all, so that they stay in a core's cache.
const IC_WINDOW: usize = 8;

/// A verifying key with its constant pairing computed and its G2 points prepared.
#[derive(Debug, Clone)]
pub struct PreparedVerifyingKey {
    header: KeyHeader,
    digest: [u8; 32],
    /// `e(alpha, beta)`.
    pub(crate) alpha_beta: Fq12,
    pub(crate) alpha: G1Affine,
    pub(crate) beta: G2Prepared,
    pub(crate) neg_gamma: G2Prepared,
    pub(crate) neg_delta: G2Prepared,
    ic: OddMultiples<ark_bn254::g1::Config>,
}

impl PreparedVerifyingKey {
    /// Prepares a key, over the best engine.
    #[must_use]
    pub fn new(vk: &VerifyingKey) -> Self {
        let engine = amanat_accel::best();
        let points = vk.points();
        let pairing = engine.multi_pairing(&[(points.alpha_g1, points.beta_g2)]);
        Self {
            header: *vk.header(),
            digest: vk.digest(),
            alpha_beta: pairing.expect("the Miller loop of two points is not zero"),
            alpha: points.alpha_g1,
            beta: engine.prepare_g2(&points.beta_g2),
            neg_gamma: engine.prepare_g2(&-points.gamma_g2),
            neg_delta: engine.prepare_g2(&-points.delta_g2),
            ic: OddMultiples::new(&points.ic, IC_WINDOW),
        }
    }

    /// Statement, version, constraint system and origin.
    #[must_use]
    pub fn header(&self) -> &KeyHeader {
        &self.header
    }

    /// Digest of the verifying key.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// `constant * IC_0 + sum inputs[i] * IC_(i + 1)`. Variable time: public inputs are public.
    pub(crate) fn combine(&self, constant: &Fr, inputs: &[Fr; PUBLIC_INPUTS]) -> G1Projective {
        let mut scalars = [BigInt::<4>::zero(); PUBLIC_INPUTS + 1];
        for (scalar, x) in scalars.iter_mut().zip(core::iter::once(constant).chain(inputs)) {
            *scalar = x.into_bigint();
        }
        self.ic.msm(&scalars)
    }
}
