//! A verifying key, made ready once for many verifications.

use amanat_accel::{FixedBases, Fq12, G2Prepared};
use amanat_domain::field::Fr;
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::{KeyHeader, VerifyingKey};
use ark_bn254::{G1Affine, G1Projective};
use std::sync::Arc;

/// A verifying key with its constant pairing computed, its G2 points prepared and tables over its
/// G1 points: some 300 kB.
#[derive(Clone)]
pub struct PreparedVerifyingKey {
    header: KeyHeader,
    digest: [u8; 32],
    /// `e(alpha, beta)`.
    pub(crate) alpha_beta: Fq12,
    pub(crate) beta: G2Prepared,
    pub(crate) neg_gamma: G2Prepared,
    pub(crate) neg_delta: G2Prepared,
    /// `IC_0`.
    constant: G1Affine,
    /// `IC_1 .. IC_8`, `IC_0`, `alpha`.
    bases: Arc<dyn FixedBases>,
}

impl core::fmt::Debug for PreparedVerifyingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PreparedVerifyingKey").field("header", &self.header).finish_non_exhaustive()
    }
}

impl PreparedVerifyingKey {
    /// Prepares a key, over the best backend.
    #[must_use]
    pub fn new(vk: &VerifyingKey) -> Self {
        let backend = amanat_accel::default_backend();
        let points = vk.points();
        let pairing = backend.multi_pairing(&[(points.alpha_g1, points.beta_g2)]);
        // A linted key has exactly the IC points of its public inputs.
        let (constant, inputs) = points.ic.split_first().expect("a linted key has IC points");
        let bases: Vec<G1Affine> = inputs.iter().copied().chain([*constant, points.alpha_g1]).collect();
        Self {
            header: *vk.header(),
            digest: vk.digest(),
            alpha_beta: pairing.expect("the Miller loop of two points is not zero"),
            beta: backend.prepare_g2(&points.beta_g2),
            neg_gamma: backend.prepare_g2(&-points.gamma_g2),
            neg_delta: backend.prepare_g2(&-points.delta_g2),
            constant: *constant,
            bases: backend.fix_g1(&bases),
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

    /// `IC_0 + sum inputs[i] * IC_(i + 1)`. Variable time: public inputs are public.
    pub(crate) fn combine(&self, inputs: &[Fr; PUBLIC_INPUTS]) -> G1Projective {
        let sums = self.bases.sums(inputs, &[PUBLIC_INPUTS]);
        sums.into_iter().sum::<G1Projective>() + self.constant
    }

    /// Of a batch's weighted sums: `weight * IC_0 + sum inputs[i] * IC_(i + 1)`, and
    /// `-weight * alpha`.
    pub(crate) fn combine_weighted(&self, weight: &Fr, inputs: &[Fr; PUBLIC_INPUTS]) -> [G1Projective; 2] {
        let mut scalars = inputs.to_vec();
        scalars.extend([*weight, -*weight]);
        let mut sums = self.bases.sums(&scalars, &[PUBLIC_INPUTS + 1, 1]).into_iter();
        core::array::from_fn(|_| sums.next().unwrap_or_default())
    }
}
