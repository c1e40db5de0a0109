//! Keys for development, made by one process. **Its operator could forge proofs**: the trapdoor is
//! known to the process for as long as it runs. A node refuses such keys outside a development
//! chain.
//!
//! The construction is that of Groth (EUROCRYPT 2016) with libsnark's extra rows for the public
//! inputs, so that the keys fit arkworks' prover and verifier: `a_i`, `b_i`, `c_i` are the columns
//! of the constraint system interpolated over the roots of unity and evaluated at `tau`; row
//! `m + i` of A is public variable `i` alone.

use crate::groth16::lint::VkLint;
use crate::groth16::points::VkPoints;
use crate::groth16::proving_key::{KeyError, ProvingKey, Queries};
use crate::groth16::verifying_key::VerifyingKey;
use crate::header::{KeyHeader, Origin};
use amanat_circuits::r1cs::{Form, R1cs};
use amanat_domain::field::{self, Fr};
use amanat_domain::proof::ProofSystem;
use amanat_domain::statement::{PUBLIC_INPUTS, Statement};
use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, Field, One, Zero, batch_inversion};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rand::CryptoRng;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// What a setup is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupStage {
    /// Evaluates the constraint system's columns at the secret point.
    Columns,
    /// Computes the A query.
    A,
    /// Computes the B query in G1.
    B1,
    /// Computes the B query in G2.
    B2,
    /// Computes the H query.
    H,
    /// Computes the L query and the verifying key.
    L,
    /// Done.
    Done,
}

impl SetupStage {
    /// How much is done when this stage begins, in percent (by measured cost).
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::Columns => 0,
            Self::A => 3,
            Self::B1 => 18,
            Self::B2 => 33,
            Self::H => 70,
            Self::L => 85,
            Self::Done => 100,
        }
    }
}

/// Why no keys were made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Every statement has eight public inputs.
    #[error("a statement has {expected} public inputs, this constraint system {got}")]
    PublicInputs {
        /// Always eight.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// The constraint system is larger than the field's largest domain.
    #[error("{rows} rows and {variables} variables: no evaluation domain is that large")]
    TooLarge {
        /// Rows.
        rows: usize,
        /// Variables.
        variables: usize,
    },
    /// A row names a variable that does not exist.
    #[error("row {row} names variable {variable}, there are {variables}")]
    UnknownVariable {
        /// Which row.
        row: usize,
        /// The variable it names.
        variable: u32,
        /// How many there are.
        variables: usize,
    },
    /// The key fails its own lint: the constraint system or the randomness is degenerate.
    #[error("the key made is not fit for use: {0}")]
    Lint(#[from] VkLint),
    /// The parts do not fit each other: a fault of ours.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The trapdoor. Wiped on drop.
pub(crate) struct ToxicWaste {
    pub(crate) alpha: Zeroizing<Fr>,
    pub(crate) beta: Zeroizing<Fr>,
    pub(crate) gamma: Zeroizing<Fr>,
    pub(crate) delta: Zeroizing<Fr>,
    pub(crate) tau: Zeroizing<Fr>,
}

/// Makes a pair of keys whose trapdoor this process knew. For development and tests only.
///
/// Same constraint system and same randomness give the same keys. `progress` is called as each
/// stage begins.
///
/// # Errors
/// [`SetupError`] if the constraint system is not one a statement can have.
pub fn insecure_dev_setup(
    statement: Statement,
    version: u16,
    r1cs: &R1cs,
    rng: &mut impl CryptoRng,
    progress: &dyn Fn(SetupStage),
) -> Result<(ProvingKey, VerifyingKey), SetupError> {
    if r1cs.num_public != PUBLIC_INPUTS {
        return Err(SetupError::PublicInputs { expected: PUBLIC_INPUTS, got: r1cs.num_public });
    }
    check(r1cs)?;
    progress(SetupStage::Columns);
    let size = r1cs.domain_size();
    let too_large = SetupError::TooLarge { rows: r1cs.rows.len(), variables: r1cs.num_variables() };
    let domain = Radix2EvaluationDomain::<Fr>::new(size).ok_or(too_large)?;
    let waste = ToxicWaste::draw(&domain, rng);
    let (a, b, c) = columns(r1cs, &domain, &waste.tau);
    let inverse = |x: &Fr| Zeroizing::new(x.inverse().expect("drawn until it is not zero"));
    let (gamma_inverse, delta_inverse) = (inverse(&waste.gamma), inverse(&waste.delta));
    let combined = |range: core::ops::Range<usize>, divisor: &Fr| -> Zeroizing<Vec<Fr>> {
        let values = range.map(|i| (*waste.beta * a[i] + *waste.alpha * b[i] + c[i]) * divisor);
        Zeroizing::new(values.collect())
    };
    let public = 1 + r1cs.num_public;
    let ic_scalars = combined(0..public, &gamma_inverse);
    let l_scalars = combined(public..r1cs.num_variables(), &delta_inverse);

    let g1 = BatchMulPreprocessing::new(G1Projective::generator(), 3 * a.len() + size);
    progress(SetupStage::A);
    let a_query = g1.batch_mul(&a);
    progress(SetupStage::B1);
    let b_g1_query = g1.batch_mul(&b);
    progress(SetupStage::B2);
    let b_g2_query = BatchMulPreprocessing::new(G2Projective::generator(), b.len()).batch_mul(&b);
    progress(SetupStage::H);
    let first = Zeroizing::new(domain.evaluate_vanishing_polynomial(*waste.tau) * *delta_inverse);
    let h_query = g1.batch_mul(&powers(&first, &waste.tau, size - 1));
    progress(SetupStage::L);
    let l_query = g1.batch_mul(&l_scalars);
    let on_g1 = |x: &Fr| -> G1Affine { (G1Projective::generator() * x).into_affine() };
    let on_g2 = |x: &Fr| -> G2Affine { (G2Projective::generator() * x).into_affine() };
    let points = VkPoints {
        alpha_g1: on_g1(&waste.alpha),
        beta_g2: on_g2(&waste.beta),
        gamma_g2: on_g2(&waste.gamma),
        delta_g2: on_g2(&waste.delta),
        ic: g1.batch_mul(&ic_scalars),
    };
    let queries = Queries {
        beta_g1: on_g1(&waste.beta),
        delta_g1: on_g1(&waste.delta),
        a: a_query,
        b_g1: b_g1_query,
        b_g2: b_g2_query,
        h: h_query,
        l: l_query,
    };
    let header = KeyHeader {
        system: ProofSystem::Groth16,
        statement,
        version,
        r1cs: r1cs.digest(),
        origin: Origin::InsecureDev,
    };
    let vk = VerifyingKey::new(header, points)?;
    let pk = ProvingKey::new(vk.clone(), queries)?;
    progress(SetupStage::Done);
    Ok((pk, vk))
}

impl ToxicWaste {
    pub(crate) fn draw(domain: &Radix2EvaluationDomain<Fr>, rng: &mut impl CryptoRng) -> Self {
        let mut nonzero = || loop {
            let x = Zeroizing::new(field::random(rng));
            if !x.is_zero() {
                return x;
            }
        };
        let (alpha, beta, gamma, delta) = (nonzero(), nonzero(), nonzero(), nonzero());
        // Outside the domain, or the Lagrange basis would divide by zero (and reveal tau).
        let tau = loop {
            let tau = nonzero();
            if !domain.evaluate_vanishing_polynomial(*tau).is_zero() {
                break tau;
            }
        };
        Self { alpha, beta, gamma, delta, tau }
    }
}

/// Whether the rows name variables that exist.
pub(crate) fn check(r1cs: &R1cs) -> Result<(), SetupError> {
    let variables = r1cs.num_variables();
    let unknown = |form: &Form| form.iter().map(|(v, _)| *v).find(|v| *v as usize >= variables);
    for (row, forms) in r1cs.rows.iter().enumerate() {
        for form in [&forms.a, &forms.b, &forms.c] {
            if let Some(variable) = unknown(form) {
                return Err(SetupError::UnknownVariable { row, variable, variables });
            }
        }
    }
    Ok(())
}

pub(crate) type Column = Zeroizing<Vec<Fr>>;

/// `a_i(tau)`, `b_i(tau)`, `c_i(tau)` for every variable.
pub(crate) fn columns(
    r1cs: &R1cs,
    domain: &Radix2EvaluationDomain<Fr>,
    tau: &Fr,
) -> (Column, Column, Column) {
    let lagrange = lagrange_at(domain, tau);
    let column = |form: fn(&amanat_circuits::r1cs::Row) -> &Form| {
        let mut values = Zeroizing::new(vec![Fr::ZERO; r1cs.num_variables()]);
        for (row, at_tau) in r1cs.rows.iter().zip(lagrange.iter()) {
            for (variable, coefficient) in form(row) {
                values[*variable as usize] += *at_tau * coefficient;
            }
        }
        values
    };
    let (mut a, (b, c)) = rayon::join(
        || column(|row| &row.a),
        || rayon::join(|| column(|row| &row.b), || column(|row| &row.c)),
    );
    // Rows m.. make the columns of the public variables linearly independent: without them, public
    // inputs that appear in no row, or in proportional ones, could be traded against each other.
    for (i, at_tau) in lagrange[r1cs.rows.len()..r1cs.qap_rows()].iter().enumerate() {
        a[i] += at_tau;
    }
    (a, b, c)
}

/// `L_i(tau) = (tau^n - 1) / n * w^i / (tau - w^i)` for every i.
pub(crate) fn lagrange_at(domain: &Radix2EvaluationDomain<Fr>, tau: &Fr) -> Column {
    let mut numerators = powers(&Fr::one(), &domain.group_gen, domain.size());
    let mut values = Zeroizing::new(numerators.iter().map(|root| *tau - root).collect::<Vec<_>>());
    batch_inversion(&mut values);
    let factor = Zeroizing::new(domain.evaluate_vanishing_polynomial(*tau) * domain.size_inv);
    values.par_iter_mut().zip(numerators.par_iter_mut()).for_each(|(value, root)| *value *= *root * *factor);
    values
}

/// `first, first * base, first * base^2, ..`
fn powers(first: &Fr, base: &Fr, count: usize) -> Column {
    let next = |x: &Fr| Some(*x * base);
    Zeroizing::new(core::iter::successors(Some(*first), next).take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ark_proving_key, random_r1cs, rng};
    use amanat_circuits::r1cs::Row;
    use ark_bn254::Bn254;
    use ark_groth16::Groth16;
    use ark_groth16::r1cs_to_qap::LibsnarkReduction;
    use core::cell::RefCell;

    type Ark = Groth16<Bn254, LibsnarkReduction>;

    #[test]
    fn arkworks_proves_and_verifies_under_our_keys() {
        // 7 rows and nine public ones fill a domain of 16 exactly.
        for (seed, rows, private) in [(1, 1, 3), (2, 7, 9), (3, 23, 20), (4, 55, 70), (5, 200, 150)] {
            let (r1cs, assignment) = random_r1cs(seed, rows, private);
            let (pk, vk) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(seed), &|_| ())
                .expect("a plain constraint system");
            let matrices: Vec<Vec<Vec<(Fr, usize)>>> =
                [|r: &Row| r.a.clone(), |r: &Row| r.b.clone(), |r: &Row| r.c.clone()]
                    .iter()
                    .map(|form| {
                        let flip = |form: Form| form.into_iter().map(|(v, x)| (x, v as usize)).collect();
                        r1cs.rows.iter().map(|row| flip(form(row))).collect()
                    })
                    .collect();
            let (r, s) = (field::random(&mut rng(seed + 100)), field::random(&mut rng(seed + 200)));
            let ark_pk = ark_proving_key(&pk);
            let proof =
                Ark::create_proof_with_reduction_and_matrices(&ark_pk, r, s, &matrices, 9, rows, &assignment)
                    .expect("arkworks proves");
            let pvk = ark_groth16::prepare_verifying_key(&ark_pk.vk);
            assert!(Ark::verify_proof(&pvk, &proof, &assignment[1..9]).expect("arkworks verifies"));
            let mut other = assignment[1..9].to_vec();
            other[3] += Fr::one();
            assert!(!Ark::verify_proof(&pvk, &proof, &other).expect("arkworks verifies"));
            assert_eq!(vk.header().r1cs, r1cs.digest());
        }
    }

    #[test]
    fn same_randomness_same_keys_and_other_randomness_other_keys() {
        let (r1cs, _) = random_r1cs(9, 5, 4);
        let make =
            |seed| insecure_dev_setup(Statement::Grant, 1, &r1cs, &mut rng(seed), &|_| ()).expect("keys").0;
        assert_eq!(make(1).digest(), make(1).digest());
        assert_ne!(make(1).digest(), make(2).digest());
    }

    #[test]
    fn progress_is_told_in_order_and_ends_at_a_hundred() {
        let (r1cs, _) = random_r1cs(9, 5, 4);
        let seen = RefCell::new(Vec::new());
        let tell = |stage: SetupStage| seen.borrow_mut().push(stage.percent());
        insecure_dev_setup(Statement::Grant, 1, &r1cs, &mut rng(1), &tell).expect("keys");
        let seen = seen.into_inner();
        assert!(seen.is_sorted() && seen.last() == Some(&100), "{seen:?}");
    }

    #[test]
    fn constraint_systems_no_statement_has_are_refused() {
        let (mut r1cs, _) = random_r1cs(9, 5, 4);
        r1cs.rows[2].b.push((4000, Fr::one()));
        let result = insecure_dev_setup(Statement::Grant, 1, &r1cs, &mut rng(1), &|_| ());
        assert_eq!(result.err(), Some(SetupError::UnknownVariable { row: 2, variable: 4000, variables: 13 }));
        r1cs.num_public = 7;
        let result = insecure_dev_setup(Statement::Grant, 1, &r1cs, &mut rng(1), &|_| ());
        assert_eq!(result.err(), Some(SetupError::PublicInputs { expected: 8, got: 7 }));
    }
}
