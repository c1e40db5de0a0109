//! What a statement's relation is: a native check and constraints over one witness.

use crate::cs::Cs;
use amanat_domain::field::Fr;
use amanat_domain::statement::{PublicVector, Statement};

/// The policy says no: which clause, and why in words. For the prover's own eyes: it may tell what
/// a consent says, so it goes into no service log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{clause}: {reason}")]
pub struct Denied {
    /// Clause id, as in the book.
    pub clause: &'static str,
    /// Why.
    pub reason: String,
}

impl Denied {
    pub(crate) fn because(clause: &'static str, reason: impl Into<String>) -> Self {
        Self { clause, reason: reason.into() }
    }
}

/// A statement's relation: native check and constraints over the same witness, clause by clause.
pub trait Relation {
    /// Which statement.
    const STATEMENT: Statement;

    /// The clauses as plain Rust, in the order of the book.
    ///
    /// # Errors
    /// [`Denied`] with the first clause that does not hold.
    fn check(&self, public: &PublicVector) -> Result<(), Denied>;

    /// The same clauses as constraints, in the same order.
    fn constrain(&self, cs: &mut Cs);

    /// The slots `nf_0, nf_1, out_0, out_1` an honest prover publishes.
    fn outputs(&self, ctx: Fr) -> [Fr; 4];

    /// The assignment for a public vector. It holds the witness: the caller zeroizes it.
    fn assign(&self, public: &PublicVector) -> Vec<Fr> {
        let mut cs = Cs::witness(&public.to_field_elements());
        self.constrain(&mut cs);
        cs.into_assignment()
    }
}
