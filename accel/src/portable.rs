//! The plain engine, over arkworks. It runs everywhere and stays as the test of every faster one.

use crate::straus;
use crate::{Engine, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, miller};
use ark_bn254::Bn254;
use ark_ec::pairing::{MillerLoopOutput, Pairing};
use ark_ec::scalar_mul::variable_base::VariableBaseMSM;
use ark_ff::{BigInt, FftField, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Below this many terms shared doublings win over buckets, and arkworks would start a thread pool for a trifle.
const SMALL_MSM: usize = 192;

/// The plain engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

impl Engine for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
        msm(bases, scalars, straus::msm)
    }

    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective {
        msm(bases, scalars, straus::msm)
    }

    fn ntt(&self, values: &mut Vec<Fr>) {
        domain(values.len()).fft_in_place(values);
    }

    fn intt(&self, values: &mut Vec<Fr>) {
        domain(values.len()).ifft_in_place(values);
    }

    fn coset_ntt(&self, values: &mut Vec<Fr>) {
        coset(values.len()).fft_in_place(values);
    }

    fn coset_intt(&self, values: &mut Vec<Fr>) {
        coset(values.len()).ifft_in_place(values);
    }

    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared {
        G2Prepared::from(*point)
    }

    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12 {
        miller::multi_miller_loop(pairs)
    }

    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12> {
        Bn254::final_exponentiation(MillerLoopOutput(*f)).map(|output| output.0)
    }
}

/// Buckets for long inputs, shared doublings for short ones.
fn msm<G>(bases: &[G::MulBase], scalars: &[Fr], small: impl Fn(&[G::MulBase], &[BigInt<4>]) -> G) -> G
where
    G: VariableBaseMSM<ScalarField = Fr>,
{
    assert_eq!(bases.len(), scalars.len(), "one scalar for each base");
    // The integers are as secret as the scalars: wiped on drop. (The digits arkworks cuts them into are not ours to wipe.)
    let integers = Zeroizing::new(scalars.par_iter().map(|s| s.into_bigint()).collect::<Vec<_>>());
    if bases.len() < SMALL_MSM { small(bases, &integers) } else { G::msm_bigint(bases, &integers) }
}

fn domain(size: usize) -> Radix2EvaluationDomain<Fr> {
    assert!(size.is_power_of_two(), "a transform's length is a power of two");
    Radix2EvaluationDomain::new(size).expect("at most 2^28, the two-adicity of the scalar field")
}

fn coset(size: usize) -> Radix2EvaluationDomain<Fr> {
    domain(size).get_coset(Fr::GENERATOR).expect("the generator is not zero")
}

#[cfg(test)]
mod tests {
    crate::suite::mount!(super::Portable);
}
