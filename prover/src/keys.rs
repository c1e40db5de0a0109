//! Keys as a prover holds them: matrices laid out once per key, the verifying key prepared for the check before release.

use crate::groth16::{PreparedCircuit, PreparedKey, ProveError, Proven, prove_with};
use crate::plan::Plan;
use amanat_accel::{Engine, TableMemory, Watch};
use amanat_circuits::{Relation, circuit};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, Transaction};
use amanat_params::ProvingKey;
use amanat_verifier::{PreparedVerifyingKey, verify_one};
use std::collections::BTreeMap;
use zeroize::Zeroize;

/// One statement's key, ready to prove.
pub struct StatementKey {
    key: PreparedKey,
    circuit: PreparedCircuit,
    verifying: PreparedVerifyingKey,
}

impl StatementKey {
    /// Lays out the key and the statement's circuit in the best engine, without tables of multiples.
    ///
    /// # Errors
    /// [`ProveError::WrongKey`] where the key was made for another constraint system than this build's.
    pub fn new(key: ProvingKey) -> Result<Self, ProveError> {
        Self::in_engine(&key, amanat_accel::best(), TableMemory::Plain)
    }

    /// Lays out the key and the statement's circuit in an engine.
    ///
    /// # Errors
    /// [`ProveError::WrongKey`] where the key was made for another constraint system than this build's.
    pub fn in_engine(key: &ProvingKey, engine: &dyn Engine, memory: TableMemory) -> Result<Self, ProveError> {
        let circuit = PreparedCircuit::new(circuit(key.header().statement), engine);
        if key.header().r1cs != circuit.digest() {
            return Err(ProveError::WrongKey { expected: circuit.digest(), got: key.header().r1cs });
        }
        let verifying = PreparedVerifyingKey::new(key.verifying_key());
        Ok(Self { key: PreparedKey::new(key, engine, memory), circuit, verifying })
    }

    /// The proving key, as its engine holds it.
    #[must_use]
    pub const fn proving_key(&self) -> &PreparedKey {
        &self.key
    }

    /// The circuit's matrices.
    #[must_use]
    pub const fn prepared_circuit(&self) -> &PreparedCircuit {
        &self.circuit
    }

    /// The verifying key, prepared.
    #[must_use]
    pub const fn verifying_key(&self) -> &PreparedVerifyingKey {
        &self.verifying
    }

    /// Digest of the verifying key: what a transaction names.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(self.verifying.digest())
    }
}

/// The keys of several statements.
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
        self.0.insert(key.key.header().statement, key);
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
    /// A proof came out that does not verify; it was not released. A fault of this machine or this program.
    #[error("the proof made for statement `{0}` does not verify and was not released: please report this")]
    NotReleased(Statement),
}

impl<R: Relation> Plan<R> {
    /// Proves, and verifies the proof before it leaves. The same plan always gives the same transaction.
    ///
    /// `watch` hears each phase before it begins and may stop the work.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn prove(self, keys: &Keys, watch: Watch<'_>) -> Result<Transaction, PlanError> {
        let statement = R::STATEMENT;
        let key = keys.get(statement).ok_or(PlanError::NoKey(statement))?;
        if key.digest() != self.tx.key {
            return Err(PlanError::AnotherKey { expected: self.tx.key, got: key.digest() });
        }
        let Self { mut tx, public, witness, blinding } = self;
        let mut assignment = witness.assign(&public);
        let proven = prove_with(&key.key, &key.circuit, &assignment, blinding, watch, || &key.verifying);
        assignment.iter_mut().zeroize();
        let Proven { proof, verified } = proven?;
        if !verified {
            verify_one(&key.verifying, &public.to_field_elements(), &proof)
                .map_err(|_| PlanError::NotReleased(statement))?;
        }
        tx.proof = proof.to_bytes();
        Ok(Transaction::Proof(Box::new(tx)))
    }
}

/// A plan for any statement.
pub trait AnyPlan: Send {
    /// See [`Plan::prove`].
    ///
    /// # Errors
    /// [`PlanError`].
    fn prove_any(self: Box<Self>, keys: &Keys, watch: Watch<'_>) -> Result<Transaction, PlanError>;
}

impl<R: Relation + Send> AnyPlan for Plan<R> {
    fn prove_any(self: Box<Self>, keys: &Keys, watch: Watch<'_>) -> Result<Transaction, PlanError> {
        self.prove(keys, watch)
    }
}
