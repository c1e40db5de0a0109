//! Keys of any circuit in the form of snarkjs, made by one process that knew the trapdoor: for
//! tests and measurements. **The operator of this code could forge proofs.**
//!
//! As [`insecure_dev_setup`](crate::insecure_dev_setup), but for the H query. Where libsnark
//! divides `a b - c` by `Z` and takes coefficients, snarkjs takes the values of `a b - c` at the
//! odd powers of `w`, of order 2n. That polynomial has degree at most `2n - 2` and vanishes at the
//! even powers, so it is the sum of those values times the Lagrange polynomials `L_(2i+1)` of the
//! larger domain, and point i of the H query is `L_(2i+1)(tau) / delta`.

use crate::groth16::points::VkPoints;
use crate::groth16::proving_key::Queries;
use crate::groth16::setup::{Column, SetupError, ToxicWaste, check, columns, lagrange_at};
use crate::groth16::zkey::Zkey;
use amanat_accel::{Matrices, SparseMatrix};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::field::Fr;
use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{Field, One};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rand::CryptoRng;
use zeroize::Zeroizing;

/// Makes a key whose trapdoor this process knew, for a circuit with any number of public inputs.
/// For development and tests only. Same constraint system and same randomness give the same key.
///
/// # Errors
/// [`SetupError`] if the constraint system is too large or names variables it does not have.
pub fn insecure_dev_zkey(r1cs: &R1cs, rng: &mut impl CryptoRng) -> Result<Zkey, SetupError> {
    check(r1cs)?;
    let size = r1cs.domain_size().max(2);
    let too_large = || SetupError::TooLarge { rows: r1cs.rows.len(), variables: r1cs.num_variables() };
    let domain = Radix2EvaluationDomain::<Fr>::new(size).ok_or_else(too_large)?;
    let twice = Radix2EvaluationDomain::<Fr>::new(2 * size).ok_or_else(too_large)?;
    let waste = ToxicWaste::draw(&twice, rng);
    let (a, b, c) = columns(r1cs, &domain, &waste.tau);
    let inverse = |x: &Fr| Zeroizing::new(x.inverse().expect("drawn until it is not zero"));
    let (gamma_inverse, delta_inverse) = (inverse(&waste.gamma), inverse(&waste.delta));
    let public = 1 + r1cs.num_public;
    let combined = |range: core::ops::Range<usize>, divisor: &Fr| -> Column {
        let values = range.map(|i| (*waste.beta * a[i] + *waste.alpha * b[i] + c[i]) * divisor);
        Zeroizing::new(values.collect())
    };
    let (ic, l) = (combined(0..public, &gamma_inverse), combined(public..a.len(), &delta_inverse));
    let all = lagrange_at(&twice, &waste.tau);
    let h: Column = Zeroizing::new(all.iter().skip(1).step_by(2).map(|x| *x * *delta_inverse).collect());

    let g1 = BatchMulPreprocessing::new(G1Projective::generator(), 3 * a.len() + size);
    let on_g1 = |x: &Fr| -> G1Affine { (G1Projective::generator() * x).into_affine() };
    let on_g2 = |x: &Fr| -> G2Affine { (G2Projective::generator() * x).into_affine() };
    Ok(Zkey {
        num_public: r1cs.num_public,
        matrices: without_products(r1cs, size),
        vk: VkPoints {
            alpha_g1: on_g1(&waste.alpha),
            beta_g2: on_g2(&waste.beta),
            gamma_g2: on_g2(&waste.gamma),
            delta_g2: on_g2(&waste.delta),
            ic: g1.batch_mul(&ic),
        },
        queries: Queries {
            beta_g1: on_g1(&waste.beta),
            delta_g1: on_g1(&waste.delta),
            a: g1.batch_mul(&a),
            b_g1: g1.batch_mul(&b),
            b_g2: BatchMulPreprocessing::new(G2Projective::generator(), b.len()).batch_mul(&b),
            h: g1.batch_mul(&h),
            l: g1.batch_mul(&l),
        },
    })
}

/// A with the rows for the public inputs, and B.
fn without_products(r1cs: &R1cs, domain_size: usize) -> Matrices {
    let public: Vec<[(u32, Fr); 1]> = (0..=r1cs.num_public as u32).map(|v| [(v, Fr::one())]).collect();
    let constraints = r1cs.rows.iter().map(|row| row.a.as_slice());
    Matrices {
        num_variables: r1cs.num_variables(),
        domain_size,
        a: SparseMatrix::from_rows(constraints.chain(public.iter().map(|row| row.as_slice()))),
        b: SparseMatrix::from_rows(r1cs.rows.iter().map(|row| &row.b)),
        c: None,
    }
}
