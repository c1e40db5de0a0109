//! One proof of anybody's circuit, with any number of public inputs.

use amanat_accel::Backend;
use amanat_params::{CircuitKey, Proof, VkPoints};
use ark_bn254::{Fr, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::One;

/// Why a proof of a circuit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CircuitReject {
    /// Not as many public inputs as the key takes.
    #[error("public inputs: the key takes {expected}, there are {got}")]
    PublicInputs {
        /// What the key takes.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// The proof does not prove these public inputs under this key.
    #[error("the proof does not hold for these public inputs under this key")]
    Invalid,
}

/// Whether the proof holds for these public inputs, over the best backend.
///
/// What the key itself is worth, [`CircuitKey::warnings`] says in part and its ceremony in full.
///
/// # Errors
/// [`CircuitReject`].
pub fn verify_circuit(key: &CircuitKey, public: &[Fr], proof: &Proof) -> Result<(), CircuitReject> {
    if public.len() != key.num_public() {
        return Err(CircuitReject::PublicInputs { expected: key.num_public(), got: public.len() });
    }
    if holds(amanat_accel::default_backend(), key.points(), public, proof) {
        Ok(())
    } else {
        Err(CircuitReject::Invalid)
    }
}

/// Whether `e(A, B) = e(alpha, beta) e(IC(x), gamma) e(C, delta)`, for points on their curves and
/// in their subgroups; not so for another number of inputs than there are IC points for. Variable
/// time: public inputs are public.
#[must_use]
pub fn holds(backend: &dyn Backend, vk: &VkPoints, public: &[Fr], proof: &Proof) -> bool {
    let Some((constant, ic)) = vk.ic.split_first() else { return false };
    if public.len() != ic.len() {
        return false;
    }
    let combined: G1Projective = backend.msm_g1(ic, public) + constant;
    let product = backend.multi_pairing(&[
        (-*proof.a(), *proof.b()),
        (vk.alpha_g1, vk.beta_g2),
        (combined.into_affine(), vk.gamma_g2),
        (*proof.c(), vk.delta_g2),
    ]);
    product.is_some_and(|product| product.is_one())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::worlds;
    use crate::verify_one;
    use ark_bn254::{G1Affine, G2Affine};
    use ark_ec::AffineRepr;
    use ark_ff::{Field, UniformRand, Zero};

    /// A key whose trapdoor is known, and a proof of these inputs under it: no circuit is behind
    /// it.
    fn forged(public: &[Fr]) -> (CircuitKey, Proof) {
        let mut rng = ark_std::test_rng();
        let mut draw = || Fr::rand(&mut rng);
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let (alpha, beta, gamma, delta, a, b) = (draw(), draw(), draw(), draw(), draw(), draw());
        let ic: Vec<Fr> = (0..=public.len()).map(|_| draw()).collect();
        let sum: Fr = ic[0] + ic[1..].iter().zip(public).map(|(i, x)| *i * x).sum::<Fr>();
        let c = (a * b - alpha * beta - sum * gamma) * delta.inverse().expect("random");
        let on = |x: Fr| (g1 * x).into_affine();
        let points = VkPoints {
            alpha_g1: on(alpha),
            beta_g2: (g2 * beta).into_affine(),
            gamma_g2: (g2 * gamma).into_affine(),
            delta_g2: (g2 * delta).into_affine(),
            ic: ic.into_iter().map(on).collect(),
        };
        let proof = Proof::from_points(on(a), (g2 * b).into_affine(), on(c)).expect("points");
        (CircuitKey::new(points).expect("points"), proof)
    }

    #[test]
    fn proofs_with_any_number_of_public_inputs_verify_and_each_input_counts() {
        for n in [0usize, 1, 2, 8, 9, 1000] {
            let public: Vec<Fr> = (0..n as u64).map(|i| Fr::from(i * i)).collect();
            let (key, proof) = forged(&public);
            assert_eq!(verify_circuit(&key, &public, &proof), Ok(()), "{n} inputs");
            for at in [0, 1, n / 2, n.saturating_sub(1)].into_iter().filter(|at| *at < n) {
                let mut wrong = public.clone();
                wrong[at] += Fr::one();
                assert_eq!(verify_circuit(&key, &wrong, &proof), Err(CircuitReject::Invalid), "{n}, {at}");
            }
            let more = [&public[..], &[Fr::zero()]].concat();
            let refused = CircuitReject::PublicInputs { expected: n, got: n + 1 };
            assert_eq!(verify_circuit(&key, &more, &proof), Err(refused));
            if let Some((_, fewer)) = public.split_last() {
                let refused = CircuitReject::PublicInputs { expected: n, got: n - 1 };
                assert_eq!(verify_circuit(&key, fewer, &proof), Err(refused));
            }
        }
    }

    #[test]
    fn eight_public_inputs_are_judged_as_those_of_a_statement_are() {
        for world in worlds() {
            let key = CircuitKey::new(world.vk().points().clone()).expect("points");
            let (public, proof) = world.prove(1);
            assert_eq!(verify_circuit(&key, &public, &proof), Ok(()));
            let mut wrong = public;
            wrong[3] += Fr::one();
            assert!(verify_one(&world.pvk, &wrong, &proof).is_err());
            assert_eq!(verify_circuit(&key, &wrong, &proof), Err(CircuitReject::Invalid));
        }
    }

    #[test]
    fn inputs_that_cancel_the_constant_are_no_special_case() {
        // IC(x) is infinity, and the pairing with it is one.
        let (key, proof) = forged(&[Fr::from(3u64)]);
        let mut points = key.points().clone();
        points.ic[0] = (-(points.ic[1] * Fr::from(3u64))).into_affine();
        let key = CircuitKey::new(points).expect("points");
        assert_eq!(verify_circuit(&key, &[Fr::from(3u64)], &proof), Err(CircuitReject::Invalid));
    }
}
