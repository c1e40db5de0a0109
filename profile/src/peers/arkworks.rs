//! arkworks 0.6 as a prover: `ark-groth16` with its own reduction for our keys, and one for
//! snarkjs' keys.

use super::LoadedPeer;
use crate::Outcome;
use amanat_circuits::r1cs::{Form, R1cs, Row};
use amanat_domain::field::{self, Fr};
use ark_bn254::Bn254;
use ark_ff::PrimeField;
use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP};
use ark_groth16::{Groth16, ProvingKey};
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, SynthesisError};
use ark_relations::utils::matrix::Matrix;
use ark_serialize::CanonicalSerialize;
use rayon::prelude::*;

/// In which form the key wants the quotient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Coefficients: `ark-groth16`'s own, with seven transforms.
    Libsnark,
    /// Values on the odd coset, as in a `.zkey`: [`OddCoset`], with six.
    Snarkjs,
}

/// arkworks with a key, a circuit and a witness.
pub struct Arkworks {
    key: ProvingKey<Bn254>,
    matrices: Vec<Matrix<Fr>>,
    inputs: usize,
    assignment: Vec<Fr>,
    reduction: Reduction,
}

impl Arkworks {
    /// Its name in tables and files.
    pub const NAME: &'static str = "arkworks 0.6";

    /// With everything given. For [`Reduction::Snarkjs`] the third matrix is not looked at.
    #[must_use]
    pub fn new(
        key: ProvingKey<Bn254>,
        matrices: [Matrix<Fr>; 3],
        inputs: usize,
        assignment: Vec<Fr>,
        reduction: Reduction,
    ) -> Self {
        Self { key, matrices: matrices.into(), inputs, assignment, reduction }
    }

    /// The quotient alone: evaluation of the rows and all transforms.
    ///
    /// # Errors
    /// If there is no domain of that size.
    pub fn quotient(&self) -> Outcome<Vec<Fr>> {
        let map = match self.reduction {
            Reduction::Libsnark => witness_map::<LibsnarkReduction>,
            Reduction::Snarkjs => witness_map::<OddCoset>,
        };
        map(self)
    }
}

fn witness_map<Q: R1CSToQAP>(this: &Arkworks) -> Outcome<Vec<Fr>> {
    type Domain = ark_poly::GeneralEvaluationDomain<Fr>;
    let rows = this.matrices[0].len();
    Ok(Q::witness_map_from_matrices::<Fr, Domain>(&this.matrices, this.inputs, rows, &this.assignment)?)
}

fn proof<Q: R1CSToQAP>(this: &Arkworks, r: Fr, s: Fr) -> Result<ark_groth16::Proof<Bn254>, SynthesisError> {
    Groth16::<Bn254, Q>::create_proof_with_reduction_and_matrices(
        &this.key,
        r,
        s,
        &this.matrices,
        this.inputs,
        this.matrices[0].len(),
        &this.assignment,
    )
}

impl LoadedPeer for Arkworks {
    fn prove(&self) -> Outcome<[u8; 128]> {
        let mut rng = rand::rng();
        let (r, s) = (field::random(&mut rng), field::random(&mut rng));
        let proof = match self.reduction {
            Reduction::Libsnark => proof::<LibsnarkReduction>(self, r, s)?,
            Reduction::Snarkjs => proof::<OddCoset>(self, r, s)?,
        };
        let mut bytes = [0; 128];
        proof.serialize_compressed(&mut bytes[..])?;
        Ok(bytes)
    }
}

/// The matrices as arkworks holds them.
#[must_use]
pub fn matrices(r1cs: &R1cs) -> [Matrix<Fr>; 3] {
    let matrix = |form: fn(&Row) -> &Form| -> Matrix<Fr> {
        let flip = |form: &Form| form.iter().map(|(variable, x)| (*x, *variable as usize)).collect();
        r1cs.rows.iter().map(|row| flip(form(row))).collect()
    };
    [matrix(|row| &row.a), matrix(|row| &row.b), matrix(|row| &row.c)]
}

/// The reduction that fits a `.zkey`, over arkworks' transforms: the values of `ab - c` at the odd
/// powers of the `2n`-th root of unity, `c` taken as the product of the rows. Six transforms; what
/// the fastest published adapter for arkworks does.
pub struct OddCoset;

impl R1CSToQAP for OddCoset {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        cs: ConstraintSystemRef<F>,
        t: &F,
    ) -> Result<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize), SynthesisError> {
        LibsnarkReduction::instance_map_with_evaluation::<F, D>(cs, t)
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        num_inputs: usize,
        num_constraints: usize,
        full_assignment: &[F],
    ) -> Result<Vec<F>, SynthesisError> {
        let domain = D::new(num_constraints + num_inputs).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let shift =
            F::get_root_of_unity(2 * domain.size() as u64).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let coset = domain.get_coset(shift).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let evaluate = |matrix: &Matrix<F>| {
            let row = |terms: &Vec<(F, usize)>| -> F {
                let product = |(x, variable): &(F, usize)| {
                    let value = full_assignment[*variable];
                    if x.is_one() { value } else { value * x }
                };
                terms.iter().map(product).sum()
            };
            let mut values: Vec<F> = matrix.par_iter().map(row).collect();
            values.resize(domain.size(), F::zero());
            values
        };
        let (mut a, mut b) = (evaluate(&matrices[0]), evaluate(&matrices[1]));
        a[num_constraints..num_constraints + num_inputs].copy_from_slice(&full_assignment[..num_inputs]);
        let mut c: Vec<F> = a.par_iter().zip(&b).map(|(a, b)| *a * b).collect();
        for values in [&mut a, &mut b, &mut c] {
            domain.ifft_in_place(values);
            coset.fft_in_place(values);
        }
        a.par_iter_mut().zip(&b).zip(&c).for_each(|((a, b), c)| *a = *a * b - c);
        Ok(a)
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        _: usize,
        _: F,
        _: F,
        _: F,
    ) -> Result<Vec<F>, SynthesisError> {
        // Keys of this form come from files.
        Err(SynthesisError::AssignmentMissing)
    }
}
