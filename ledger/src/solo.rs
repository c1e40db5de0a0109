//! `solo`: one validator, one process. There is nobody to agree with, so a block is proposed, applied and made durable at
//! once; the rules are those of the three doors, as on any engine.
//!
//! Calls block and may come from many threads. Whoever waits for a commit either makes the next block or finds its
//! transaction in the one another thread made meanwhile: those who wait together share a block and its one disk write.

use crate::block::{Block, Header};
use crate::doors::{Admitted, apply, precheck, propose};
use crate::error::{BlockRefusal, Conflict, Fault, Refusal};
use crate::genesis::Genesis;
use crate::pool::{Pool, PoolLimits};
use crate::receipt::InclusionProof;
use crate::state::{Content, Entry, EntryProof, SealedBundle, State};
use crate::store::{Medium, Receipt, Store};
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::field::Fr;
use amanat_domain::mirror::Leaves;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tree::{IndexedLeaf, Root};
use amanat_domain::tx::{ChainId, KeyDigest, TxId};
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// A single-validator ledger.
pub struct Solo {
    state: RwLock<State>,
    store: Store,
    pool: Mutex<Pool<Waiter>>,
    /// Whether somebody is making a block; the condition tells everyone when that is over.
    producing: Mutex<bool>,
    produced: Condvar,
    /// Set when a write failed: nothing is taken until [`Solo::reopen`].
    broken: AtomicBool,
}

type Outcome = Result<Receipt, SubmitError>;

/// Where the producer leaves the outcome for a submitter.
#[derive(Clone, Default)]
struct Waiter(Arc<Mutex<Option<Outcome>>>);

/// A transaction that is on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// Committed now.
    Committed(Receipt),
    /// Was there before; nothing was done again.
    AlreadyCommitted(Receipt),
}

impl Submitted {
    /// The receipt.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        match self {
            Self::Committed(r) | Self::AlreadyCommitted(r) => r,
        }
    }
}

/// Why a transaction is not on the ledger. After a fault it may be: see [`Solo::reopen`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The transaction is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Our trouble.
    #[error(transparent)]
    Fault(#[from] Arc<Fault>),
}

impl From<Fault> for SubmitError {
    fn from(fault: Fault) -> Self {
        Self::Fault(Arc::new(fault))
    }
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The ledger.
    pub chain: ChainId,
    /// Header of the last block.
    pub tip: Header,
    /// Epoch of the newest bundle.
    pub bundle_epoch: u64,
    /// Root and number of leaves of each registry, in the order of [`Registry::ALL`].
    pub registries: [(Root, u64); 5],
    /// Active credentials.
    pub active_credentials: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Nullifiers spent.
    pub nullifiers: u64,
    /// Transactions waiting.
    pub pool: usize,
    /// Whether a write failed and the ledger waits to be reopened.
    pub broken: bool,
}

/// An installed key, as the query answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The statement.
    pub statement: Statement,
    /// The key.
    pub digest: KeyDigest,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// First height at which proofs under it are accepted.
    pub active_from: u64,
    /// First height at which they no longer are: frozen.
    pub frozen_from: Option<u64>,
    /// First height at which they no longer are: its time is over.
    pub sunset_from: Option<u64>,
}

impl Solo {
    /// Makes a new ledger.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn create(medium: Medium, genesis: Arc<Genesis>) -> Result<Self, Fault> {
        Store::create(medium, genesis).map(|(store, state)| Self::over(store, state, PoolLimits::default()))
    }

    /// Opens a ledger.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn open(medium: Medium) -> Result<Self, Fault> {
        Store::open(medium).map(|(store, state)| Self::over(store, state, PoolLimits::default()))
    }

    /// Opens the ledger of this genesis, or makes it where there is none.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::OtherChain`].
    pub fn open_or_create(path: &std::path::Path, genesis: Arc<Genesis>) -> Result<Self, Fault> {
        let medium = Medium::File(path.to_path_buf());
        if !path.exists() {
            return Self::create(medium, genesis);
        }
        Store::open_chain(medium, &genesis)
            .map(|(store, state)| Self::over(store, state, PoolLimits::default()))
    }

    /// Over an open store and the state it gave.
    #[must_use]
    pub const fn over(store: Store, state: State, limits: PoolLimits) -> Self {
        Self {
            state: RwLock::new(state),
            store,
            pool: Mutex::new(Pool::new(limits)),
            producing: Mutex::new(false),
            produced: Condvar::new(),
            broken: AtomicBool::new(false),
        }
    }

    /// Submits a transaction and waits until it is durable.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn submit(&self, bytes: &[u8], now: Timestamp) -> Result<Submitted, SubmitError> {
        let waiter = match self.enter(bytes, now)? {
            Entered::Before(receipt) => return Ok(Submitted::AlreadyCommitted(receipt)),
            Entered::Waiting(waiter) => waiter,
        };
        self.wait(&waiter, now).map(Submitted::Committed)
    }

    /// Submits many at once: verified in parallel, committed in as few blocks as the limits allow. Answers are in order.
    ///
    /// Each is checked against the state as it is now, so none may depend on another of the list.
    pub fn submit_all<T: AsRef<[u8]> + Sync>(
        &self,
        list: &[T],
        now: Timestamp,
    ) -> Vec<Result<Submitted, SubmitError>> {
        let checked: Vec<_> = list.par_iter().map(|bytes| self.check(bytes.as_ref(), now)).collect();
        // In the order of the list, so that leaves get indices in that order.
        let entered: Vec<_> = checked.into_iter().map(|checked| self.enqueue(checked)).collect();
        let outcomes = entered.into_iter().map(|entered| match entered? {
            Entered::Before(receipt) => Ok(Submitted::AlreadyCommitted(receipt)),
            Entered::Waiting(waiter) => self.wait(&waiter, now).map(Submitted::Committed),
        });
        outcomes.collect()
    }

    /// Makes a block if there is a reason to: transactions wait, or an epoch has begun and its bundle is to be sealed.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn tick(&self, now: Timestamp) -> Result<Option<Header>, Arc<Fault>> {
        let turn = self.turn();
        let new_epoch = {
            let state = self.state();
            state.genesis_block().epoch_of(now).is_some_and(|epoch| epoch > state.tip().epoch)
        };
        if !new_epoch && lock(&self.pool).is_empty() {
            return Ok(None);
        }
        self.produce(&turn, now)
    }

    /// After a fault: closes the file, opens it again and takes up where the disk says we are. A transaction that was
    /// answered with a fault is on the ledger or not: ask for its receipt, or submit it again.
    ///
    /// # Errors
    /// [`Fault`]; the ledger then stays closed and may be reopened later.
    pub fn reopen(&self) -> Result<(), Fault> {
        let _turn = self.turn();
        let state = self.store.reopen()?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.broken.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn check(&self, bytes: &[u8], now: Timestamp) -> Result<Admitted, SubmitError> {
        self.usable()?;
        // The state is not held during signature and pairing; what moves meanwhile is seen when the block is made.
        let prechecked = precheck(&self.state(), bytes, now);
        Ok(prechecked.and_then(crate::doors::Prechecked::verify)?)
    }

    fn enter(&self, bytes: &[u8], now: Timestamp) -> Result<Entered, SubmitError> {
        let checked = self.check(bytes, now);
        self.enqueue(checked)
    }

    fn enqueue(&self, checked: Result<Admitted, SubmitError>) -> Result<Entered, SubmitError> {
        let admitted = match checked {
            Ok(admitted) => admitted,
            Err(refused) => return self.receipt_instead(refused).map(Entered::Before),
        };
        let waiter = Waiter::default();
        lock(&self.pool).insert(admitted, waiter.clone()).map_err(Refusal::from)?;
        Ok(Entered::Waiting(waiter))
    }

    /// Submitting what is on the ledger already is no error: the receipt is there.
    fn receipt_instead(&self, refused: SubmitError) -> Result<Receipt, SubmitError> {
        let SubmitError::Refused(Refusal::Conflict(Conflict::AlreadyCommitted { txid, .. })) = &refused
        else {
            return Err(refused);
        };
        self.store.receipt(txid)?.ok_or(refused)
    }

    /// Makes blocks until the waiter has its answer.
    fn wait(&self, waiter: &Waiter, now: Timestamp) -> Outcome {
        loop {
            match self.turn_or(|| waiter.take()) {
                Err(Ok(receipt)) => return Ok(receipt),
                Err(Err(refused)) => return self.receipt_instead(refused),
                Ok(turn) => {
                    self.produce(&turn, now)?;
                }
            }
        }
    }

    /// The turn to make a block, or the answer that makes it unnecessary.
    ///
    /// One who waits is woken after every block, together with all others. Were the turn a plain lock, an answer would
    /// have to queue for it behind threads that already bring their next transaction, and blocks would hold one each.
    fn turn_or<T>(&self, answer: impl Fn() -> Option<T>) -> Result<Turn<'_>, T> {
        let mut producing = lock(&self.producing);
        loop {
            if let Some(answer) = answer() {
                return Err(answer);
            }
            if !*producing {
                *producing = true;
                return Ok(Turn(self));
            }
            producing = self.produced.wait(producing).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn turn(&self) -> Turn<'_> {
        match self.turn_or(|| None::<core::convert::Infallible>) {
            Ok(turn) => turn,
            Err(never) => match never {},
        }
    }

    /// One block: propose, apply, make durable, take over, answer. The turn is proof that nobody else is at it.
    fn produce(&self, _turn: &Turn<'_>, now: Timestamp) -> Result<Option<Header>, Arc<Fault>> {
        if let Err(SubmitError::Fault(fault)) = self.usable() {
            return Err(self.fail(fault));
        }
        let delta = {
            let state = self.state();
            let candidates: Vec<Admitted> = {
                let pool = lock(&self.pool);
                pool.iter().take(state.genesis_block().limits().transactions as usize).cloned().collect()
            };
            let time = now.max(state.tip().time);
            let proposed = propose(&state, time, candidates);
            let (validated, dropped) = match proposed {
                Ok(proposed) => proposed,
                Err(refusal) => return Err(self.fail(Arc::new(clock(&state, now, &refusal)))),
            };
            for (txid, refusal) in dropped {
                self.answer(&txid, || Err(refusal.clone().into()));
            }
            let new_epoch = state.genesis_block().epoch_of(time).is_some_and(|e| e > state.tip().epoch);
            if validated.is_empty() && !new_epoch {
                return Ok(None);
            }
            apply(validated)
        };
        let header = delta.block().header;
        match self.store.commit(&delta) {
            Ok(receipts) => {
                self.state.write().unwrap_or_else(PoisonError::into_inner).commit(delta);
                for receipt in receipts {
                    self.answer(&receipt.txid, || Ok(receipt));
                }
                Ok(Some(header))
            }
            Err(fault) => {
                self.broken.store(true, Ordering::SeqCst);
                Err(self.fail(Arc::new(fault)))
            }
        }
    }

    fn answer(&self, txid: &TxId, outcome: impl Fn() -> Outcome) {
        for waiter in lock(&self.pool).remove(txid) {
            waiter.put(outcome());
        }
    }

    /// Tells everyone who waits, and empties the pool: what the disk holds is not known until it is reopened.
    fn fail(&self, fault: Arc<Fault>) -> Arc<Fault> {
        for waiter in lock(&self.pool).clear() {
            waiter.put(Err(SubmitError::Fault(fault.clone())));
        }
        fault
    }

    fn usable(&self) -> Result<(), SubmitError> {
        if self.broken.load(Ordering::SeqCst) { Err(Fault::Reopen.into()) } else { Ok(()) }
    }

    /// The state, for reading. No block is committed while it is held: let go of it before submitting on the same thread.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The genesis.
    #[must_use]
    pub fn genesis(&self) -> Arc<Genesis> {
        self.state().genesis.clone()
    }

    /// The bundle of an epoch, where one was sealed.
    #[must_use]
    pub fn bundle(&self, epoch: u64) -> Option<SealedBundle> {
        self.state().bundle(epoch).cloned()
    }

    /// The newest bundle.
    #[must_use]
    pub fn latest_bundle(&self) -> SealedBundle {
        self.state().latest_bundle().clone()
    }

    /// Leaves of a registry as of the bundle of an epoch, from an index on; of `revocations` the hashes. None where no bundle
    /// was sealed. A mirror fetches all of them: asking for one path would tell whose it is.
    #[must_use]
    pub fn leaves(&self, epoch: u64, registry: Registry, from: u64, limit: usize) -> Option<Vec<Fr>> {
        self.state().leaves_as_of(epoch, registry, from, limit)
    }

    /// Leaves of `revocations` as of the bundle of an epoch, in index order, as (value, next).
    #[must_use]
    pub fn revocation_leaves(&self, epoch: u64, from: u64, limit: usize) -> Option<Vec<IndexedLeaf>> {
        self.state().revocations_as_of(epoch, from, limit)
    }

    /// All leaves as of the bundle of an epoch: what a mirror in this process is made from.
    #[must_use]
    pub fn snapshot(&self, epoch: u64) -> Option<(Bundle, Leaves)> {
        let state = self.state();
        let of = |registry| state.leaves_as_of(epoch, registry, 0, usize::MAX);
        let leaves = Leaves {
            subjects: of(Registry::Subjects)?,
            roles: of(Registry::Roles)?,
            consents: of(Registry::Consents)?,
            records: of(Registry::Records)?,
            revocations: state.revocations_as_of(epoch, 0, usize::MAX)?,
        };
        Some((state.bundle(epoch)?.bundle, leaves))
    }

    /// Receipt of a committed transaction.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn receipt(&self, txid: &TxId) -> Result<Option<Receipt>, Fault> {
        self.store.receipt(txid)
    }

    /// Proof that a committed transaction's receipt is in its block.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn inclusion(&self, txid: &TxId) -> Result<Option<InclusionProof>, Fault> {
        self.store.inclusion(txid)
    }

    /// Proof that the state after the last block has this entry, or has it not.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn prove(&self, entry: Entry) -> Result<EntryProof, Fault> {
        let mut proof = self.state().prove(entry);
        if let Entry::Transaction(txid) = &entry
            && proof.path.present()
        {
            // A committed receipt never changes: it may be read after the state was let go.
            proof.content = self.store.receipt(txid)?.map(|receipt| Content::Receipt(*receipt.data()));
        }
        Ok(proof)
    }

    /// A block.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn block(&self, height: u64) -> Result<Option<Block>, Fault> {
        self.store.block(height)
    }

    /// The installed keys.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyStatus> {
        let state = self.state();
        let status =
            |((statement, digest), entry): (&(Statement, KeyDigest), &crate::state::KeyEntry)| KeyStatus {
                statement: *statement,
                digest: *digest,
                bytes: entry.key.to_bytes(),
                active_from: entry.active_from,
                frozen_from: entry.frozen_from,
                sunset_from: entry.sunset_from,
            };
        state.keys().map(status).collect()
    }

    /// What there is.
    #[must_use]
    pub fn status(&self) -> Status {
        let pool = lock(&self.pool).len();
        let state = self.state();
        Status {
            chain: state.genesis_block().chain_id(),
            tip: *state.tip(),
            bundle_epoch: state.latest_bundle().bundle.epoch,
            registries: Registry::ALL.map(|r| state.registry(r)),
            active_credentials: state.active_credentials(),
            transactions: state.transactions.len() as u64,
            nullifiers: state.nullifiers,
            pool,
            broken: self.broken.load(Ordering::SeqCst),
        }
    }
}

/// Held by whoever makes a block; giving it up wakes all who wait, also when a panic gives it up.
struct Turn<'a>(&'a Solo);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.producing) = false;
        self.0.produced.notify_all();
    }
}

enum Entered {
    Before(Receipt),
    Waiting(Waiter),
}

impl Waiter {
    fn put(&self, outcome: Outcome) {
        *lock(&self.0) = Some(outcome);
    }
    fn take(&self) -> Option<Outcome> {
        lock(&self.0).take()
    }
}

fn clock(state: &State, now: Timestamp, refusal: &BlockRefusal) -> Fault {
    match refusal {
        BlockRefusal::Header { .. } => Fault::Clock { last: state.tip().time, got: now },
        other => Fault::Bug(other.to_string()),
    }
}

/// A panic while a lock was held leaves plain data behind it, never half of a state: `State::commit` runs after the write,
/// and a poisoned state is replaced by reopening.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
