//! One proof.

use crate::evidence::Verified;
use crate::groth16::key::PreparedVerifyingKey;
use amanat_domain::field::{self, FIELD_BYTES, Fr};
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::{Proof, ProofError};
use ark_bn254::{G1Affine, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::Zero;

/// Length of the encoded public inputs.
pub const PUBLIC_BYTES: usize = PUBLIC_INPUTS * FIELD_BYTES;

/// Why a proof is refused. Its sender is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The bytes are not a proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A public input's bytes are not a canonical field element.
    #[error("public input {index}: {}", field::NotCanonical)]
    PublicInput {
        /// Which, from 0.
        index: usize,
    },
    /// The proof does not prove these public inputs under this key.
    #[error("the proof does not hold for these public inputs under this key")]
    Invalid,
}

/// Eight canonical field elements from 256 bytes. `x + r` is another encoding of `x` and is
/// refused.
///
/// # Errors
/// The first input that is not canonical.
pub fn public_inputs(bytes: &[u8; PUBLIC_BYTES]) -> Result<[Fr; PUBLIC_INPUTS], Reject> {
    let mut inputs = [Fr::zero(); PUBLIC_INPUTS];
    for (index, (input, chunk)) in inputs.iter_mut().zip(bytes.as_chunks::<FIELD_BYTES>().0).enumerate() {
        *input = field::from_bytes(chunk).map_err(|field::NotCanonical| Reject::PublicInput { index })?;
    }
    Ok(inputs)
}

/// Whether the proof holds for these public inputs:
/// `e(A, B) = e(alpha, beta) e(IC(x), gamma) e(C, delta)`.
///
/// One multi-Miller loop over three pairs and one final exponentiation, whatever the statement,
/// valid or not.
///
/// # Errors
/// [`Reject::Invalid`] where it does not.
pub fn verify_one(
    key: &PreparedVerifyingKey,
    public: &[Fr; PUBLIC_INPUTS],
    proof: &Proof,
) -> Result<(), Reject> {
    if holds(key, public, proof.a(), proof.b(), proof.c()) { Ok(()) } else { Err(Reject::Invalid) }
}

/// The same of points on their curves and in their subgroups.
pub(crate) fn holds(
    key: &PreparedVerifyingKey,
    public: &[Fr; PUBLIC_INPUTS],
    a: &G1Affine,
    b: &G2Affine,
    c: &G1Affine,
) -> bool {
    let backend = amanat_accel::default_backend();
    let combined = key.combine(public).into_affine();
    let b = backend.prepare_g2(b);
    let pairs = [(*a, &b), (combined, &key.neg_gamma), (*c, &key.neg_delta)];
    backend.final_exponentiation(&backend.multi_miller_loop(&pairs)) == Some(key.alpha_beta)
}

/// Decodes and verifies: the public inputs come back as evidence.
///
/// # Errors
/// What is wrong first: inputs, proof bytes, pairing.
pub fn verify_bytes(
    key: &PreparedVerifyingKey,
    public: &[u8; PUBLIC_BYTES],
    proof: &[u8],
) -> Result<Verified<[Fr; PUBLIC_INPUTS]>, Reject> {
    let public = public_inputs(public)?;
    verify_one(key, &public, &Proof::from_bytes(proof)?)?;
    Ok(Verified::new(public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, worlds};
    use amanat_params::{PROOF_BYTES, PointError, ProofPart};
    use amanat_testkit::groth16::g2_outside_the_subgroup;
    use ark_bn254::{Fq, Fq2, G1Projective, G2Projective};
    use ark_ec::AffineRepr;
    use ark_ec::short_weierstrass::SWCurveConfig;
    use ark_ff::{BigInteger, Field, One, PrimeField, UniformRand};
    use ark_std::rand::{Rng, RngCore};

    fn bytes_of(public: &[Fr; 8]) -> [u8; PUBLIC_BYTES] {
        let mut out = [0; PUBLIC_BYTES];
        out.as_chunks_mut::<32>().0.iter_mut().zip(public).for_each(|(chunk, x)| *chunk = field::to_bytes(x));
        out
    }

    fn point(part: ProofPart, reason: PointError) -> Result<Proof, ProofError> {
        Err(ProofError::Point { part, reason })
    }

    #[test]
    fn an_honest_proof_verifies_from_its_bytes() {
        for world in worlds() {
            let (public, proof) = world.prove(1);
            assert_eq!(verify_one(&world.pvk, &public, &proof), Ok(()));
            let bytes = proof.to_bytes();
            assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
            let evidence = verify_bytes(&world.pvk, &bytes_of(&public), &bytes).expect("honest");
            assert_eq!(evidence.get(), &public);
            assert_eq!(evidence.into_inner(), public);
        }
    }

    #[test]
    fn every_changed_or_swapped_public_input_is_refused() {
        let world = &worlds()[0];
        let (public, proof) = world.prove(2);
        for i in 0..8 {
            for change in [Fr::one(), -Fr::one(), Fr::from(1u64 << 40)] {
                let mut other = public;
                other[i] += change;
                assert_eq!(verify_one(&world.pvk, &other, &proof), Err(Reject::Invalid), "input {i}");
            }
            for j in 0..i {
                let mut other = public;
                other.swap(i, j);
                assert_eq!(verify_one(&world.pvk, &other, &proof), Err(Reject::Invalid), "inputs {i}, {j}");
            }
        }
    }

    #[test]
    fn x_plus_r_is_no_second_name_of_a_public_input() {
        let world = &worlds()[0];
        let (public, proof) = world.prove(3);
        for i in 0..8 {
            let mut alias = public[i].into_bigint();
            if alias.add_with_carry(&Fr::MODULUS) {
                continue;
            }
            let mut bytes = bytes_of(&public);
            bytes[i * 32..(i + 1) * 32].copy_from_slice(&alias.to_bytes_le());
            let result = verify_bytes(&world.pvk, &bytes, &proof.to_bytes());
            assert_eq!(result, Err(Reject::PublicInput { index: i }));
        }
        assert_eq!(public_inputs(&[0xff; PUBLIC_BYTES]), Err(Reject::PublicInput { index: 0 }));
    }

    #[test]
    fn a_proof_of_another_key_is_refused() {
        let (one, two) = (&worlds()[0], &worlds()[1]);
        let (public, proof) = one.prove(4);
        assert_eq!(verify_one(&two.pvk, &public, &proof), Err(Reject::Invalid));
    }

    #[test]
    fn negated_or_exchanged_points_are_refused() {
        let world = &worlds()[0];
        let (public, proof) = world.prove(5);
        let (a, b, c) = (*proof.a(), *proof.b(), *proof.c());
        for (a, b, c) in [(-a, b, c), (a, -b, c), (a, b, -c), (-a, b, -c), (c, b, a), (-a, -b, -c)] {
            let other = Proof::from_points(a, b, c).expect("points");
            assert_eq!(verify_one(&world.pvk, &public, &other), Err(Reject::Invalid));
        }
        // Two signs cancel in e(A, B): the same proof under another name, as re-randomising makes
        // them.
        let other = Proof::from_points(-a, -b, c).expect("points");
        assert_eq!(verify_one(&world.pvk, &public, &other), Ok(()));
    }

    #[test]
    fn a_rerandomised_proof_is_accepted_so_its_bytes_are_no_identity() {
        // Replay is detected by nullifier or context, in the ledger; see the crate's documentation.
        let world = &worlds()[0];
        let (public, proof) = world.prove(6);
        let mut rng = ark_std::test_rng();
        let (x, y) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let a = *proof.a() * x.inverse().expect("random");
        let b = *proof.b() * x + world.vk().points().delta_g2 * (x * y);
        let c = *proof.a() * y + proof.c();
        let other = Proof::from_points(a.into_affine(), b.into_affine(), c.into_affine()).expect("points");
        assert_ne!(other.to_bytes(), proof.to_bytes());
        assert_eq!(verify_one(&world.pvk, &public, &other), Ok(()));
    }

    #[test]
    fn short_and_long_proofs_are_refused_by_length() {
        let (_, proof) = worlds()[0].prove(7);
        let mut bytes = proof.to_bytes().to_vec();
        for n in [0, 1, 127] {
            assert_eq!(Proof::from_bytes(&bytes[..n]), Err(ProofError::Length { expected: 128, got: n }));
        }
        bytes.push(0);
        assert_eq!(Proof::from_bytes(&bytes), Err(ProofError::Length { expected: 128, got: 129 }));
    }

    #[test]
    fn infinity_is_refused_in_every_part_however_it_is_spelled() {
        let (_, proof) = worlds()[0].prove(8);
        for (part, range) in [(ProofPart::A, 0..32), (ProofPart::B, 32..96), (ProofPart::C, 96..128)] {
            let mut bytes = proof.to_bytes();
            bytes[range.end - 1] |= 0x40;
            bytes[range.end - 1] &= 0x7f;
            assert_eq!(Proof::from_bytes(&bytes), point(part, PointError::Infinity));
            bytes[range.clone()].fill(0);
            bytes[range.end - 1] = 0x40;
            assert_eq!(Proof::from_bytes(&bytes), point(part, PointError::Infinity));
            bytes[range.end - 1] = 0xc0;
            assert_eq!(Proof::from_bytes(&bytes), point(part, PointError::Flags));
        }
        let (a, b, c) = (*proof.a(), *proof.b(), *proof.c());
        let (o1, o2) = (G1Affine::identity(), G2Affine::identity());
        assert_eq!(Proof::from_points(o1, b, c), point(ProofPart::A, PointError::Infinity));
        assert_eq!(Proof::from_points(a, o2, c), point(ProofPart::B, PointError::Infinity));
        assert_eq!(Proof::from_points(a, b, o1), point(ProofPart::C, PointError::Infinity));
    }

    #[test]
    fn coordinates_of_the_modulus_or_more_are_refused() {
        let (_, proof) = worlds()[0].prove(9);
        let mut modulus = [0u8; 32];
        modulus.copy_from_slice(&Fq::MODULUS.to_bytes_le());
        for (part, at) in [(ProofPart::A, 0), (ProofPart::B, 32), (ProofPart::B, 64), (ProofPart::C, 96)] {
            let mut bytes = proof.to_bytes();
            bytes[at..at + 32].copy_from_slice(&modulus);
            assert_eq!(Proof::from_bytes(&bytes), point(part, PointError::NotCanonical));
            // x + q, if it leaves the flag bits alone, is another name of x.
            let mut bytes = proof.to_bytes();
            let flag = bytes[at + 31] & 0xc0;
            bytes[at + 31] &= 0x3f;
            let mut limbs = [0u64; 4];
            limbs
                .iter_mut()
                .zip(bytes[at..at + 32].as_chunks::<8>().0)
                .for_each(|(l, c)| *l = u64::from_le_bytes(*c));
            let mut alias = ark_ff::BigInt::new(limbs);
            alias.add_with_carry(&Fq::MODULUS);
            if alias.num_bits() <= 254 {
                bytes[at..at + 32].copy_from_slice(&alias.to_bytes_le());
                bytes[at + 31] |= flag;
                assert_eq!(Proof::from_bytes(&bytes), point(part, PointError::NotCanonical));
            }
        }
        // The half of an Fq2 that carries no flags must not carry any.
        let mut bytes = proof.to_bytes();
        bytes[63] |= 0x80;
        assert_eq!(Proof::from_bytes(&bytes), point(ProofPart::B, PointError::NotCanonical));
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let (_, proof) = worlds()[0].prove(10);
        let mut rng = ark_std::test_rng();
        let x = core::iter::repeat_with(|| Fq::rand(&mut rng))
            .find(|x| G1Affine::get_ys_from_x_unchecked(*x).is_none())
            .expect("half of all x");
        let mut x_bytes = [0; 32];
        x_bytes.copy_from_slice(&x.into_bigint().to_bytes_le());
        for (part, at) in [(ProofPart::A, 0), (ProofPart::C, 96)] {
            let mut bytes = proof.to_bytes();
            bytes[at..at + 32].copy_from_slice(&x_bytes);
            assert_eq!(Proof::from_bytes(&bytes), point(part, PointError::NotOnCurve));
        }
        let x = core::iter::repeat_with(|| Fq2::rand(&mut rng))
            .find(|x| G2Affine::get_ys_from_x_unchecked(*x).is_none())
            .expect("half of all x");
        let mut bytes = proof.to_bytes();
        bytes[32..64].copy_from_slice(&x.c0.into_bigint().to_bytes_le());
        bytes[64..96].copy_from_slice(&x.c1.into_bigint().to_bytes_le());
        assert_eq!(Proof::from_bytes(&bytes), point(ProofPart::B, PointError::NotOnCurve));
        let mut off = *proof.a();
        off.y += Fq::ONE;
        let result = Proof::from_points(off, *proof.b(), *proof.c());
        assert_eq!(result, point(ProofPart::A, PointError::NotOnCurve));
    }

    #[test]
    fn b_outside_its_subgroup_is_refused_even_where_the_rest_of_it_is_honest() {
        let (_, proof) = worlds()[0].prove(11);
        for outside in g2_outside_the_subgroup().take(4) {
            // A small-order part, if there is one, and a general stranger, alone and added to the
            // honest B.
            let cofactor_part = outside.mul_bigint(Fr::MODULUS).into_affine();
            for stranger in [outside, cofactor_part, (cofactor_part.into_group() + proof.b()).into_affine()] {
                assert!(
                    ark_bn254::g2::Config::COEFF_B
                        == G2Affine::generator().y.square() - G2Affine::generator().x.pow([3])
                );
                assert!(stranger.is_on_curve());
                let mut bytes = proof.to_bytes();
                bytes[32..64].copy_from_slice(&stranger.x.c0.into_bigint().to_bytes_le());
                bytes[64..96].copy_from_slice(&stranger.x.c1.into_bigint().to_bytes_le());
                if stranger.y > -stranger.y {
                    bytes[95] |= 0x80;
                }
                assert_eq!(Proof::from_bytes(&bytes), point(ProofPart::B, PointError::NotInSubgroup));
                let result = Proof::from_points(*proof.a(), stranger, *proof.c());
                assert_eq!(result, point(ProofPart::B, PointError::NotInSubgroup));
            }
        }
    }

    #[test]
    fn random_and_nearly_right_bytes_never_panic_and_decode_only_to_themselves() {
        let world = &worlds()[0];
        let (public, proof) = world.prove(12);
        let mut rng = ark_std::test_rng();
        let mut decoded = 0;
        for round in 0..3000 {
            let mut bytes = vec![0u8; if round % 7 == 0 { rng.r#gen::<usize>() % 300 } else { PROOF_BYTES }];
            if round % 2 == 0 || bytes.len() != PROOF_BYTES {
                rng.fill_bytes(&mut bytes);
                if bytes.len() == PROOF_BYTES {
                    [31, 63, 95, 127].iter().for_each(|i| bytes[*i] &= 0x9f);
                }
            } else {
                bytes.copy_from_slice(&proof.to_bytes());
                for _ in 0..=rng.r#gen::<u8>() % 3 {
                    let at = rng.r#gen::<usize>() % PROOF_BYTES;
                    bytes[at] ^= 1 << (rng.r#gen::<u8>() % 8);
                }
            }
            if let Ok(other) = Proof::from_bytes(&bytes) {
                decoded += 1;
                assert_eq!(&other.to_bytes()[..], &bytes[..]);
                assert_eq!(verify_one(&world.pvk, &public, &other).is_ok(), other == proof);
            }
        }
        assert!(decoded > 0, "some mutants decode, or this test looks at nothing");
    }

    #[test]
    fn a_proof_of_random_points_is_refused() {
        let mut rng = ark_std::test_rng();
        let World { pvk, .. } = &worlds()[0];
        let (a, c) = (G1Projective::rand(&mut rng).into_affine(), G1Projective::rand(&mut rng).into_affine());
        let b = G2Projective::rand(&mut rng).into_affine();
        let proof = Proof::from_points(a, b, c).expect("points");
        assert_eq!(verify_one(pvk, &[Fr::one(); 8], &proof), Err(Reject::Invalid));
    }
}
