//! From plans to transactions: the keys of several statements, and a plan proved under its key.

use crate::groth16::{ProveError, Proven, prove_with};
use crate::plan::Plan;
use amanat_accel::Progress;
use amanat_circuits::Relation;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, Transaction};
use amanat_verifier::verify_one;
use std::collections::BTreeMap;
use zeroize::Zeroize;

pub use crate::groth16::StatementKey;

/// The keys of several statements.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_circuits::statements::circuit;
/// use amanat_domain::statement::Statement;
/// use amanat_params::KeyStore;
/// use amanat_prover::keys::{Keys, StatementKey};
/// let (statement, store) = (Statement::Access, KeyStore::open("keys")?);
/// let mut keys = Keys::new();
/// // The store refuses a key that was made for another constraint system.
/// let key = store.proving_key(statement, statement.version(), circuit(statement).digest())?;
/// keys.insert(StatementKey::new(key)?);
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct Keys(BTreeMap<Statement, StatementKey>);

impl Keys {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key in the place of its statement.
    pub fn insert(&mut self, key: StatementKey) {
        self.0.insert(key.proving_key().header().statement, key);
    }

    /// The key of a statement.
    #[must_use]
    pub fn get(&self, statement: Statement) -> Option<&StatementKey> {
        self.0.get(&statement)
    }

    /// All, by statement.
    pub fn iter(&self) -> impl Iterator<Item = (Statement, &StatementKey)> {
        self.0.iter().map(|(s, k)| (*s, k))
    }
}

/// Why a plan gave no transaction.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No key for the statement.
    #[error("no proving key for statement `{0}`: make or install one")]
    NoKey(Statement),
    /// The plan names another key than the one at hand.
    #[error("the plan is for the key {expected}, the key at hand is {got}")]
    AnotherKey {
        /// The plan's.
        expected: KeyDigest,
        /// At hand.
        got: KeyDigest,
    },
    /// The prover failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A proof came out that does not verify; it was not released. A fault of this machine or this
    /// program.
    #[error("the proof made for statement `{0}` does not verify and was not released: please report this")]
    NotReleased(Statement),
}

impl<R: Relation> Plan<R> {
    /// Proves, and verifies the proof before it leaves. The same plan always gives the same
    /// transaction.
    ///
    /// `progress` hears each phase before it begins and may stop the work.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn prove(self, keys: &Keys, progress: Progress<'_>) -> Result<Transaction, PlanError> {
        let statement = R::STATEMENT;
        let key = keys.get(statement).ok_or(PlanError::NoKey(statement))?;
        if key.digest() != self.tx.key {
            return Err(PlanError::AnotherKey { expected: self.tx.key, got: key.digest() });
        }
        let Self { mut tx, public, witness, blinding } = self;
        let mut assignment = witness.assign(&public);
        let (circuit, verifying) = (key.prepared_circuit(), key.verifying_key());
        let proven = prove_with(key.proving_key(), circuit, &assignment, blinding, progress, || verifying);
        assignment.iter_mut().zeroize();
        let Proven { proof, verified } = proven?;
        if !verified {
            verify_one(verifying, &public.to_field_elements(), &proof)
                .map_err(|_| PlanError::NotReleased(statement))?;
        }
        tx.proof = proof.into();
        Ok(Transaction::Proof(Box::new(tx)))
    }
}

/// A plan for any statement.
pub trait AnyPlan: Send {
    /// See [`Plan::prove`].
    ///
    /// # Errors
    /// [`PlanError`].
    fn prove_any(self: Box<Self>, keys: &Keys, progress: Progress<'_>) -> Result<Transaction, PlanError>;
}

impl<R: Relation + Send> AnyPlan for Plan<R> {
    fn prove_any(self: Box<Self>, keys: &Keys, progress: Progress<'_>) -> Result<Transaction, PlanError> {
        self.prove(keys, progress)
    }
}
