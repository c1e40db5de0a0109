//! The plain backend, over arkworks. It runs everywhere and stays as the test of every faster one.

mod circuit;
mod key;

use crate::groth16::{KeyBases, LoadedCircuit, LoadedKey, QuotientForm, TableMemory};
use crate::matrices::Matrices;
use crate::{
    Backend, FixedBases, Fq, Fq2, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective,
    MillerProducts, OddMultiples, Pairings, Proving, Weight, miller, straus, subgroup,
};
use ark_bn254::{Bn254, g1};
use ark_ec::CurveGroup;
use ark_ec::pairing::{MillerLoopOutput, Pairing};
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ec::scalar_mul::variable_base::VariableBaseMSM;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{AdditiveGroup, BigInt, FftField, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Below this many terms shared doublings win over buckets, and arkworks would start a thread pool
/// for a trifle.
const SMALL_MSM: usize = 192;

/// Window of the tables for weights' halves of 64 bits.
const WEIGHT_WINDOW: usize = 4;

/// Window of the tables of fixed bases: 16 kB for each.
const FIXED_WINDOW: usize = 8;

/// The plain backend.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

impl Backend for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn msm_g1(&self, bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
        msm_g1(bases, &integers(scalars))
    }

    fn msm_g2(&self, bases: &[G2Affine], scalars: &[Fr]) -> G2Projective {
        msm_g2(bases, &integers(scalars))
    }

    fn ntt(&self, values: &mut Vec<Fr>) {
        domain(values.len()).fft_in_place(values);
    }

    fn intt(&self, values: &mut Vec<Fr>) {
        domain(values.len()).ifft_in_place(values);
    }

    fn coset_ntt(&self, values: &mut Vec<Fr>) {
        coset(values.len(), Fr::GENERATOR).fft_in_place(values);
    }

    fn coset_intt(&self, values: &mut Vec<Fr>) {
        coset(values.len(), Fr::GENERATOR).ifft_in_place(values);
    }
}

impl Proving for Portable {
    fn load_circuit(&self, matrices: Matrices, form: QuotientForm) -> Box<dyn LoadedCircuit> {
        Box::new(circuit::Circuit::new(matrices, form))
    }

    /// Tables of multiples are not made: arkworks' buckets have no use for them.
    fn load_key(&self, bases: &KeyBases<'_>, _: TableMemory) -> Box<dyn LoadedKey> {
        Box::new(key::Key::new(bases))
    }
}

impl Pairings for Portable {
    fn prepare_g2(&self, point: &G2Affine) -> G2Prepared {
        G2Prepared::from(*point)
    }

    fn multi_miller_loop(&self, pairs: &[(G1Affine, &G2Prepared)]) -> Fq12 {
        miller::multi_miller_loop(pairs)
    }

    fn final_exponentiation(&self, f: &Fq12) -> Option<Fq12> {
        Bn254::final_exponentiation(MillerLoopOutput(*f)).map(|output| output.0)
    }

    fn lift_g1(&self, xs: &[(Fq, bool)]) -> Vec<Option<G1Affine>> {
        xs.iter().map(|(x, larger)| lift(*x, *larger)).collect()
    }

    fn lift_g2(&self, xs: &[(Fq2, bool)]) -> Vec<Option<G2Affine>> {
        xs.iter().map(|(x, larger)| lift(*x, *larger)).collect()
    }

    fn in_subgroup_g2(&self, points: &[G2Affine]) -> Vec<bool> {
        points.iter().map(subgroup::contains).collect()
    }

    fn miller_products(&self, pairs: &[(G1Affine, G2Affine)], group: usize) -> MillerProducts {
        let product = |pairs: &[(G1Affine, G2Affine)]| {
            let prepared: Vec<_> = pairs.iter().map(|(_, q)| self.prepare_g2(q)).collect();
            let lines: Vec<_> = pairs.iter().zip(&prepared).map(|((p, _), q)| (*p, q)).collect();
            miller::multi_miller_loop(&lines)
        };
        let points: Vec<G2Affine> = pairs.iter().map(|(_, q)| *q).collect();
        MillerProducts {
            products: pairs.chunks(group).map(product).collect(),
            in_subgroup: self.in_subgroup_g2(&points),
        }
    }

    fn weigh_g1(&self, points: &[G1Affine], weights: &[Weight]) -> Vec<G1Affine> {
        G1Projective::normalize_batch(&self.weighted_sums_g1(points, weights, &vec![1; points.len()]))
    }

    fn weighted_sums_g1(
        &self,
        points: &[G1Affine],
        weights: &[Weight],
        lengths: &[usize],
    ) -> Vec<G1Projective> {
        assert_eq!(points.len(), weights.len(), "one weight for each point");
        // w P = a P + b phi(P), and signs go to the points.
        let (mut bases, mut factors) = (Vec::new(), Vec::new());
        for (point, weight) in points.iter().zip(weights) {
            let image = g1::Config::endomorphism_affine(point);
            for (base, (size, negative)) in [*point, image].into_iter().zip(weight.signed()) {
                bases.push(if negative { -base } else { base });
                factors.push(BigInt::from(size));
            }
        }
        OddMultiples::new(&bases, WEIGHT_WINDOW).lists(&factors, lengths.iter().map(|length| 2 * length))
    }

    fn fix_g1(&self, bases: &[G1Affine]) -> Arc<dyn FixedBases> {
        Arc::new(Tables::new(bases))
    }
}

/// Odd multiples of bases and of their multiples by `2^64`, `2^128`, `2^192`: the doublings of one
/// word serve all four.
struct Tables {
    multiples: OddMultiples<g1::Config>,
    bases: usize,
}

impl Tables {
    fn new(bases: &[G1Affine]) -> Self {
        let mut shifted = Vec::with_capacity(4 * bases.len());
        for base in bases {
            let mut point = G1Projective::from(*base);
            for _ in 0..4 {
                shifted.push(point);
                (0..64).for_each(|_| {
                    point.double_in_place();
                });
            }
        }
        let shifted = G1Projective::normalize_batch(&shifted);
        Self { multiples: OddMultiples::new(&shifted, FIXED_WINDOW), bases: bases.len() }
    }
}

impl FixedBases for Tables {
    fn sums(&self, scalars: &[Fr], lengths: &[usize]) -> Vec<G1Projective> {
        let unused = self.bases.checked_sub(scalars.len()).expect("at most one scalar for each base");
        let mut words: Vec<BigInt<4>> =
            scalars.iter().flat_map(|scalar| scalar.into_bigint().0.map(BigInt::from)).collect();
        words.resize(4 * self.bases, BigInt::zero());
        let lengths = lengths.iter().copied().chain([unused]).map(|length| 4 * length);
        let mut sums = self.multiples.lists(&words, lengths);
        sums.pop();
        sums
    }
}

fn lift<P: SWCurveConfig>(x: P::BaseField, larger: bool) -> Option<Affine<P>> {
    let (low, high) = Affine::<P>::get_ys_from_x_unchecked(x)?;
    Some(Affine::new_unchecked(x, if larger { high } else { low }))
}

/// The scalars as integers: as secret as they are, wiped on drop.
fn integers(scalars: &[Fr]) -> Zeroizing<Vec<BigInt<4>>> {
    Zeroizing::new(scalars.par_iter().with_min_len(1024).map(|s| s.into_bigint()).collect())
}

fn msm_g1(bases: &[G1Affine], scalars: &[BigInt<4>]) -> G1Projective {
    msm(bases, scalars, straus::msm)
}

fn msm_g2(bases: &[G2Affine], scalars: &[BigInt<4>]) -> G2Projective {
    msm(bases, scalars, straus::msm)
}

/// Buckets for long inputs, shared doublings for short ones. (The digits arkworks cuts scalars into
/// are not ours to wipe.)
fn msm<G>(bases: &[G::MulBase], scalars: &[BigInt<4>], small: impl Fn(&[G::MulBase], &[BigInt<4>]) -> G) -> G
where
    G: VariableBaseMSM<ScalarField = Fr>,
{
    assert_eq!(bases.len(), scalars.len(), "one scalar for each base");
    if bases.len() < SMALL_MSM { small(bases, scalars) } else { G::msm_bigint(bases, scalars) }
}

fn domain(size: usize) -> Radix2EvaluationDomain<Fr> {
    assert!(size.is_power_of_two(), "a transform's length is a power of two");
    Radix2EvaluationDomain::new(size).expect("at most 2^28, the two-adicity of the scalar field")
}

fn coset(size: usize, shift: Fr) -> Radix2EvaluationDomain<Fr> {
    domain(size).get_coset(shift).expect("the shift is not zero")
}

#[cfg(test)]
mod tests {
    crate::suite::mount!(Some(&super::Portable), the_backend_is_found_by_its_name: found_by_name);
}
