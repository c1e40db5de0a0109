//! A rank-1 constraint system as plain data: `<A_i, z> * <B_i, z> = <C_i, z>` for each row, `z =
//! [1, public.., private..]`.

use amanat_domain::field::{Fr, to_bytes};
use ark_ff::Zero;
use sha2::{Digest, Sha256};

/// A sparse linear form over the assignment: `(variable, coefficient)`, variables strictly
/// ascending, no zero coefficient.
pub type Form = Vec<(u32, Fr)>;

/// One row: `a * b = c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Left factor.
    pub a: Form,
    /// Right factor.
    pub b: Form,
    /// Product.
    pub c: Form,
}

/// A rank-1 constraint system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct R1cs {
    /// Public variables, without the constant one: they are variables `1..=num_public`.
    pub num_public: usize,
    /// Private variables: they follow the public ones.
    pub num_private: usize,
    /// The constraints.
    pub rows: Vec<Row>,
}

impl R1cs {
    /// Length of an assignment: one, public, private.
    #[must_use]
    pub fn num_variables(&self) -> usize {
        1 + self.num_public + self.num_private
    }

    /// Rows of the quadratic arithmetic program: constraints, and one row for the constant and each
    /// public input.
    #[must_use]
    pub fn qap_rows(&self) -> usize {
        self.rows.len() + 1 + self.num_public
    }

    /// The evaluation domain: the least power of two that holds [`qap_rows`](Self::qap_rows).
    #[must_use]
    pub fn domain_size(&self) -> usize {
        self.qap_rows().next_power_of_two()
    }

    /// The first row the assignment does not satisfy, or none.
    ///
    /// # Panics
    /// If the assignment is not [`num_variables`](Self::num_variables) long.
    #[must_use]
    pub fn first_unsatisfied(&self, assignment: &[Fr]) -> Option<usize> {
        assert_eq!(assignment.len(), self.num_variables(), "one value for each variable");
        self.rows.iter().position(|row| !row.is_satisfied(assignment))
    }

    /// SHA-256 over a canonical encoding of the whole system. A key names the circuit it was made
    /// for by this digest.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"amanat/r1cs/v1");
        for n in [self.num_public, self.num_private, self.rows.len()] {
            hash.update((n as u64).to_le_bytes());
        }
        for row in &self.rows {
            for form in [&row.a, &row.b, &row.c] {
                hash.update((form.len() as u32).to_le_bytes());
                for (var, coeff) in form {
                    hash.update(var.to_le_bytes());
                    hash.update(to_bytes(coeff));
                }
            }
        }
        hash.finalize().into()
    }
}

impl Row {
    /// Whether the assignment satisfies this row.
    #[must_use]
    pub fn is_satisfied(&self, assignment: &[Fr]) -> bool {
        evaluate(&self.a, assignment) * evaluate(&self.b, assignment) == evaluate(&self.c, assignment)
    }
}

/// The value of a linear form.
#[must_use]
pub fn evaluate(form: &Form, assignment: &[Fr]) -> Fr {
    form.iter().fold(Fr::zero(), |sum, (var, coeff)| sum + assignment[*var as usize] * coeff)
}
