//! What a Groth16 prover needs of a backend. The data that are fixed for a circuit and its key are
//! laid out once, then used for every proof.
//!
//! A Groth16 proof needs two heavy results: the quotient (from the circuit's sparse rows and the
//! assignment, by number-theoretic transforms) and three sums of points (from the proving key, the
//! assignment and the quotient). Each is one call, so that a backend keeps data in whatever layout
//! suits it from the first row to the last bucket.
//!
//! Phases run one after another, each spread over the current rayon pool. A batch runs one proof in
//! each of several pools of one thread.

mod phase;

pub(crate) use phase::begin;
pub use phase::{Cancelled, Phase, Progress};

use crate::matrices::Matrices;
use crate::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ff::{AdditiveGroup, BigInt};
use core::any::Any;
use zeroize::{Zeroize, Zeroizing};

/// In which form a key's H points want the quotient `h = (a b - c) / Z`; `a`, `b`, `c` interpolate
/// the rows' values over the domain of size n, `Z = X^n - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotientForm {
    /// libsnark's: the n - 1 coefficients of `h`.
    Coefficients,
    /// snarkjs': the n values of `a b - c` on the odd coset, at `w, w^3, w^5, ..` with `w` of order
    /// 2n. Not divided: the key's points are those of the Lagrange basis of size 2n, and `a b - c`
    /// vanishes at the even ones. Domains of up to 2^27.
    OddCoset,
}

impl QuotientForm {
    /// How many numbers the quotient has over a domain of this size.
    #[must_use]
    pub const fn len(self, domain_size: usize) -> usize {
        match self {
            Self::Coefficients => domain_size - 1,
            Self::OddCoset => domain_size,
        }
    }
}

/// The bases of a proving key, by query.
#[derive(Debug, Clone, Copy)]
pub struct KeyBases<'a> {
    /// `a_i(tau)` in G1, one for each variable.
    pub a: &'a [G1Affine],
    /// `b_i(tau)` in G1, one for each variable.
    pub b_g1: &'a [G1Affine],
    /// `b_i(tau)` in G2, one for each variable.
    pub b_g2: &'a [G2Affine],
    /// The L query, for the last `l.len()` variables.
    pub l: &'a [G1Affine],
    /// The H query, one for each number of the quotient.
    pub h: &'a [G1Affine],
}

/// How much memory a backend may spend on precomputed multiples of a key's bases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableMemory {
    /// None: the bases alone.
    #[default]
    Plain,
    /// Multiples of at most this many bytes beside the bases. A backend may use less, or none.
    AtMost(usize),
}

/// Numbers below r, as an MSM cuts them into digits. Wiped on drop.
pub type Integers = Zeroizing<Vec<BigInt<4>>>;

/// Why there is no quotient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotientError {
    /// The assignment does not satisfy a row.
    #[error("row {row} of the circuit is not satisfied")]
    Unsatisfied {
        /// The first such row.
        row: usize,
    },
    /// `progress` said stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for QuotientError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// The three sums of a proof, before blinding: they confirm a guess of the witness. Wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Sums {
    /// `sum w_i A_i`.
    pub a: G1Projective,
    /// `sum w_i B_i` in G2.
    pub b_g2: G2Projective,
    /// `sum w_i L_i + sum h_k H_k + sum (r w_i) B_i`, all in G1.
    pub c: G1Projective,
}

impl Sums {
    /// All infinity.
    #[must_use]
    pub const fn zero() -> Self {
        Self { a: G1Projective::ZERO, b_g2: G2Projective::ZERO, c: G1Projective::ZERO }
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        self.a.zeroize();
        self.b_g2.zeroize();
        self.c.zeroize();
    }
}

/// Who made sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The processor this program runs on.
    Processor,
    /// A device beside it, which is not trusted: what comes of its sums is verified before it is
    /// used, and made again by [`LoadedKey::made_again`] where it is wrong.
    Device,
}

/// Sums, and who made them.
pub struct Made {
    /// The sums.
    pub sums: Sums,
    /// Their maker.
    pub by: Maker,
}

/// A circuit laid out by a backend.
pub trait LoadedCircuit: Send + Sync {
    /// The quotient in the form the circuit was loaded for, as canonical integers.
    ///
    /// # Errors
    /// [`QuotientError::Unsatisfied`] names the first row that does not hold (never, if the circuit
    /// was loaded without C); [`QuotientError::Cancelled`].
    ///
    /// # Panics
    /// If there is not one value for each variable.
    fn quotient(&self, assignment: &[Fr], progress: Progress<'_>) -> Result<Integers, QuotientError>;

    /// Memory it holds, in bytes.
    fn bytes(&self) -> usize;

    /// Itself, where a key of the same backend may want to know more of it than this trait says.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }
}

/// A proving key laid out by a backend.
pub trait LoadedKey: Send + Sync {
    /// The sums of a proof; `r` is the blinding factor of A, `h` the quotient.
    ///
    /// # Errors
    /// [`Cancelled`].
    ///
    /// # Panics
    /// If there is not one value for each variable, or not one number of the quotient for each H
    /// point.
    fn sums(
        &self,
        assignment: &[Fr],
        h: &[BigInt<4>],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, Cancelled>;

    /// The quotient and the sums in one: all heavy work of a proof. A backend may keep the quotient
    /// where it was made.
    ///
    /// Where a device fails in the middle, the processor starts again, and `progress` hears the
    /// first phases again.
    ///
    /// # Errors
    /// As of [`LoadedCircuit::quotient`].
    ///
    /// # Panics
    /// If lengths do not fit, as above.
    fn made(
        &self,
        circuit: &dyn LoadedCircuit,
        assignment: &[Fr],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Made, QuotientError> {
        let h = circuit.quotient(assignment, progress)?;
        Ok(Made { sums: self.sums(assignment, &h, r, progress)?, by: Maker::Processor })
    }

    /// The same on the processor, after a proof made of a [device's](Maker::Device) sums did not
    /// verify. If the two differ, the device computes wrongly, and is put out of use; if they do
    /// not, the key or the assignment is to blame.
    ///
    /// # Errors
    /// As of [`made`](Self::made).
    fn made_again(
        &self,
        suspect: &Sums,
        circuit: &dyn LoadedCircuit,
        assignment: &[Fr],
        r: &Fr,
        progress: Progress<'_>,
    ) -> Result<Sums, QuotientError> {
        let _ = suspect;
        Ok(self.made(circuit, assignment, r, progress)?.sums)
    }

    /// How many threads beyond the pool can have proofs made, because they only wait for a device.
    fn hands(&self) -> usize {
        0
    }

    /// Memory it holds, in bytes.
    fn bytes(&self) -> usize;
}

/// What a backend can do for a prover.
pub trait Proving {
    /// Lays out a circuit for quotients of one form.
    ///
    /// # Panics
    /// If the matrices contradict [`Matrices`]' own description ([`Matrices::check`] asks first),
    /// or the domain is too large for the form.
    fn load_circuit(&self, matrices: Matrices, form: QuotientForm) -> Box<dyn LoadedCircuit>;

    /// Lays out a proving key. Bases may be infinity, equal or opposite.
    ///
    /// # Panics
    /// If `a`, `b_g1` and `b_g2` differ in length, or `l` is longer.
    fn load_key(&self, bases: &KeyBases<'_>, memory: TableMemory) -> Box<dyn LoadedKey>;
}

impl Matrices {
    /// Whether domain, rows and variables fit each other and the form, in one word: the first thing
    /// that does not.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, form: QuotientForm) -> Result<(), &'static str> {
        let largest = match form {
            QuotientForm::Coefficients => 1 << 28,
            QuotientForm::OddCoset => 1 << 27,
        };
        if !self.domain_size.is_power_of_two() || !(2..=largest).contains(&self.domain_size) {
            return Err("the domain is no power of two within the form's bounds");
        }
        for matrix in [Some(&self.a), Some(&self.b), self.c.as_ref()].into_iter().flatten() {
            if matrix.rows() > self.domain_size {
                return Err("a matrix has more rows than the domain");
            }
            if matrix.terms().iter().any(|(variable, _)| *variable as usize >= self.num_variables) {
                return Err("a row names a variable that does not exist");
            }
        }
        Ok(())
    }
}
