//! From an assignment to the quotient.

use super::{coset, domain};
use crate::Fr;
use crate::groth16::{
    Cancelled, Integers, LoadedCircuit, Phase, Progress, QuotientError, QuotientForm, begin,
};
use crate::matrices::{Matrices, SparseMatrix};
use ark_ff::{FftField, Field, One, PrimeField, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Shortest run of vector elements worth a separate task.
const RUN: usize = 1024;

type Values = Zeroizing<Vec<Fr>>;

/// A circuit as it came, with its domains.
pub(super) struct Circuit {
    matrices: Matrices,
    form: QuotientForm,
    domain: Radix2EvaluationDomain<Fr>,
    coset: Radix2EvaluationDomain<Fr>,
}

impl Circuit {
    pub(super) fn new(matrices: Matrices, form: QuotientForm) -> Self {
        if let Err(reason) = matrices.check(form) {
            panic!("{reason}");
        }
        let n = matrices.domain_size;
        let shift = match form {
            QuotientForm::Coefficients => Fr::GENERATOR,
            QuotientForm::OddCoset => {
                Fr::get_root_of_unity(2 * n as u64).expect("the domain is at most 2^27")
            }
        };
        Self { matrices, form, domain: domain(n), coset: coset(n, shift) }
    }

    /// The rows' values over the domain, checked.
    fn rows(&self, assignment: &[Fr]) -> Result<[Values; 3], QuotientError> {
        let Matrices { a, b, c, domain_size, .. } = &self.matrices;
        let (a, b) = (evaluate(a, assignment, *domain_size), evaluate(b, assignment, *domain_size));
        let products = a.par_iter().zip(b.par_iter()).with_min_len(RUN).map(|(a, b)| *a * b);
        let Some(c) = c else {
            let c = Zeroizing::new(products.collect::<Vec<_>>());
            return Ok([a, b, c]);
        };
        let c = evaluate(c, assignment, *domain_size);
        match products.zip(c.par_iter()).position_first(|(product, c)| product != *c) {
            Some(row) => Err(QuotientError::Unsatisfied { row }),
            None => Ok([a, b, c]),
        }
    }
}

impl LoadedCircuit for Circuit {
    fn quotient(&self, assignment: &[Fr], progress: Progress<'_>) -> Result<Integers, QuotientError> {
        assert_eq!(assignment.len(), self.matrices.num_variables, "one value for each variable");
        begin(progress, Phase::Rows)?;
        let [mut a, mut b, mut c] = self.rows(assignment)?;
        let step = |phase, domain: &Radix2EvaluationDomain<Fr>, values: &mut Vec<Fr>| {
            begin(progress, phase)?;
            match phase {
                Phase::CosetA | Phase::CosetB | Phase::CosetC => domain.fft_in_place(values),
                _ => domain.ifft_in_place(values),
            }
            Ok::<_, Cancelled>(())
        };
        step(Phase::InverseA, &self.domain, &mut a)?;
        step(Phase::CosetA, &self.coset, &mut a)?;
        step(Phase::InverseB, &self.domain, &mut b)?;
        step(Phase::CosetB, &self.coset, &mut b)?;
        a.par_iter_mut().zip(b.par_iter()).with_min_len(RUN).for_each(|(a, b)| *a *= b);
        drop(b);
        step(Phase::InverseC, &self.domain, &mut c)?;
        let factor = match self.form {
            QuotientForm::OddCoset => {
                step(Phase::CosetC, &self.coset, &mut c)?;
                Fr::one()
            }
            // On the coset gH, Z = g^n - 1 is constant and the inverse transform linear, so that h
            // = icoset((a b - c) / Z) = (icoset(a b) - c) / (g^n - 1) with c in coefficients: one
            // transform saved.
            QuotientForm::Coefficients => {
                step(Phase::InverseH, &self.coset, &mut a)?;
                let vanishing = Fr::GENERATOR.pow([a.len() as u64]) - Fr::one();
                vanishing.inverse().expect("the generator is outside the domain")
            }
        };
        // The quotient has degree n - 2: its last coefficient is zero, and a key has no point for
        // it.
        let n = self.form.len(a.len());
        let unscaled = factor.is_one();
        let integer = |(a, c): (&Fr, &Fr)| {
            let difference = *a - c;
            (if unscaled { difference } else { difference * factor }).into_bigint()
        };
        Ok(Zeroizing::new(a[..n].par_iter().zip(&c[..n]).with_min_len(RUN).map(integer).collect()))
    }

    fn bytes(&self) -> usize {
        let Matrices { a, b, c, .. } = &self.matrices;
        a.bytes() + b.bytes() + c.as_ref().map_or(0, SparseMatrix::bytes)
    }
}

/// The value of each row, then zeros up to the domain's size.
fn evaluate(matrix: &SparseMatrix, assignment: &[Fr], size: usize) -> Values {
    let mut values = Zeroizing::new(vec![Fr::zero(); size]);
    let rows = matrix.starts().par_windows(2).with_min_len(256);
    values.par_iter_mut().zip(rows).for_each(|(value, range)| {
        for (variable, coefficient) in &matrix.terms()[range[0] as usize..range[1] as usize] {
            let x = assignment[*variable as usize];
            // Most coefficients are one; the branch depends on the circuit, not on the witness.
            *value += if coefficient.is_one() { x } else { x * coefficient };
        }
    });
    values
}
