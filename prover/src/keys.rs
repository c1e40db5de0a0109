//! Keys as a prover holds them: matrices laid out once per key, the verifying key prepared for the check before release.

use crate::groth16::{PreparedCircuit, PreparedKey, ProveError, Proven, prove_with, to_the_end};
use crate::plan::Plan;
use amanat_accel::gpu::as_hand;
use amanat_accel::{Engine, TableMemory, Watch};
use amanat_circuits::{Relation, circuit};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, Transaction};
use amanat_params::ProvingKey;
use amanat_verifier::{PreparedVerifyingKey, verify_one};
use core::ops::ControlFlow;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
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

/// Proves many plans, at most `in_flight` at a time, so that memory is bounded by that and not by the number of plans:
/// plans are drawn from the iterator as places become free, and results are handed on in order.
///
/// Where an engine has a device, processor and device work on different proofs: beside the pool's threads there is one for each
/// proof that the device takes at a time.
///
/// `done` hears each result in order; it may stop the batch before the next plans are begun.
///
/// # Panics
/// Where `in_flight` is zero.
pub fn prove_batch(
    plans: impl IntoIterator<Item = Box<dyn AnyPlan>>,
    keys: &Keys,
    in_flight: usize,
    mut done: impl FnMut(Result<Transaction, PlanError>) -> ControlFlow<()>,
) {
    assert!(in_flight > 0, "a batch needs at least one place");
    let hands = keys.iter().map(|(_, key)| key.proving_key().loaded().hands()).max().unwrap_or(0);
    let mut plans = plans.into_iter();
    loop {
        let chunk: Vec<Box<dyn AnyPlan>> = plans.by_ref().take(in_flight).collect();
        if chunk.is_empty() {
            return;
        }
        for result in prove_chunk(chunk, keys, hands) {
            if done(result).is_break() {
                return;
            }
        }
    }
}

/// All of them, each once, in order: whoever is free takes the next one.
fn prove_chunk(
    chunk: Vec<Box<dyn AnyPlan>>,
    keys: &Keys,
    hands: usize,
) -> Vec<Result<Transaction, PlanError>> {
    let prove = |plan: Box<dyn AnyPlan>| plan.prove_any(keys, &to_the_end);
    if hands == 0 {
        return chunk.into_par_iter().map(prove).collect();
    }
    let count = chunk.len();
    let waiting = Mutex::new(chunk.into_iter().enumerate());
    let results = Mutex::new((0..count).map(|_| None).collect::<Vec<_>>());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let prove = |(place, plan)| {
        let result = prove(plan);
        results.lock().unwrap_or_else(PoisonError::into_inner)[place] = Some(result);
    };
    std::thread::scope(|scope| {
        for _ in 0..hands.min(count) {
            scope.spawn(|| {
                as_hand(|| {
                    while let Some(plan) = next() {
                        prove(plan);
                    }
                });
            });
        }
        (0..count).into_par_iter().for_each(|_| {
            if let Some(plan) = next() {
                prove(plan);
            }
        });
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results
        .into_iter()
        .map(|result| result.expect("each plan is taken by somebody, who leaves its result"))
        .collect()
}
