//! `solo`: one validator, one process. There is no other validator to agree with, so a block is
//! proposed and committed at once, by the same [`Chain`] as under any consensus.
//!
//! Calls block and may come from many threads. A thread that waits for a commit either makes the
//! next block or finds its transaction in the block that another thread made meanwhile: threads
//! that wait together share a block and its one disk write.

use crate::chain::{Chain, Entered, Outcome, Pending, SubmitError, Submitted};
use crate::error::Fault;
use crate::genesis::Genesis;
use crate::lock::lock;
use crate::pool::PoolLimits;
use crate::state::State;
use crate::store::{Storage, Store};
use amanat_domain::block::Header;
use amanat_domain::time::Timestamp;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A single-validator ledger. What it is asked goes to its [`Chain`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_ledger::{Genesis, Solo};
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let ledger = Solo::open_or_create("ledger.redb".as_ref(), genesis.into())?;
/// println!("block {}", ledger.status().tip.height);
/// # Ok(()) }
/// ```
pub struct Solo {
    chain: Chain,
    /// Whether a thread is making a block; the condition wakes all threads when the block is made.
    producing: Mutex<bool>,
    produced: Condvar,
}

impl core::ops::Deref for Solo {
    type Target = Chain;
    fn deref(&self) -> &Chain {
        &self.chain
    }
}

impl Solo {
    /// Makes a new ledger.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::ManyValidators`].
    pub fn create(storage: Storage, genesis: Arc<Genesis>) -> Result<Self, Fault> {
        // Before a file is made that solo could not use.
        alone(&genesis)?;
        Chain::create(storage, genesis).and_then(Self::with)
    }

    /// Opens a ledger.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::ManyValidators`].
    pub fn open(storage: Storage) -> Result<Self, Fault> {
        Chain::open(storage).and_then(Self::with)
    }

    /// Opens the ledger of this genesis, or makes it if there is none.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::OtherChain`] and [`Fault::ManyValidators`].
    pub fn open_or_create(path: &std::path::Path, genesis: Arc<Genesis>) -> Result<Self, Fault> {
        alone(&genesis)?;
        Chain::open_or_create(path, genesis).and_then(Self::with)
    }

    /// Over an open store and the state it gave.
    ///
    /// # Errors
    /// [`Fault::ManyValidators`].
    pub fn over(store: Store, state: State, limits: PoolLimits) -> Result<Self, Fault> {
        Self::with(Chain::over(store, state, limits))
    }

    fn with(chain: Chain) -> Result<Self, Fault> {
        alone(&chain.genesis())?;
        Ok(Self { chain, producing: Mutex::new(false), produced: Condvar::new() })
    }

    /// Submits a transaction and waits until it is durable.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn submit(&self, bytes: &[u8], now: Timestamp) -> Result<Submitted, SubmitError> {
        let pending = match self.chain.admit(bytes, now)? {
            Entered::Before(receipt) => return Ok(Submitted::AlreadyCommitted(receipt)),
            Entered::Waiting(pending) => pending,
        };
        self.wait(&pending, now).map(Submitted::Committed)
    }

    /// Submits many at once: verified in one batch, committed in as few blocks as the limits allow.
    /// Answers are in order.
    ///
    /// Each is checked against the state as it is now, so none may depend on another of the list.
    pub fn submit_all<T: AsRef<[u8]> + Sync>(
        &self,
        list: &[T],
        now: Timestamp,
    ) -> Vec<Result<Submitted, SubmitError>> {
        let checked = self.chain.check_txs(list, now);
        // In the order of the list, so that leaves get indices in that order.
        let entered: Vec<_> = checked.into_iter().map(|checked| self.chain.enqueue(checked)).collect();
        let outcomes = entered.into_iter().map(|entered| match entered? {
            Entered::Before(receipt) => Ok(Submitted::AlreadyCommitted(receipt)),
            Entered::Waiting(pending) => self.wait(&pending, now).map(Submitted::Committed),
        });
        outcomes.collect()
    }

    /// Makes a block if there is a reason to: transactions wait, or an epoch has begun and its
    /// bundle is to be sealed.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn tick(&self, now: Timestamp) -> Result<Option<Header>, Arc<Fault>> {
        let turn = self.turn();
        if self.chain.due(now) { self.produce(&turn, now) } else { Ok(None) }
    }

    /// As [`Chain::reopen`], when no block is being made.
    ///
    /// # Errors
    /// [`Fault`]; the ledger then stays closed and may be reopened later.
    pub fn reopen(&self) -> Result<(), Fault> {
        let _turn = self.turn();
        self.chain.reopen()
    }

    /// Makes blocks until the outcome is there.
    fn wait(&self, pending: &Pending, now: Timestamp) -> Outcome {
        loop {
            match self.turn_or(|| pending.take()) {
                Err(Ok(receipt)) => return Ok(receipt),
                Err(Err(refused)) => return self.chain.receipt_instead(refused),
                Ok(turn) => {
                    self.produce(&turn, now)?;
                }
            }
        }
    }

    /// The turn to make a block, or the answer that makes it unnecessary.
    ///
    /// All waiting threads are woken after every block. If the turn were a plain lock, an answer
    /// would queue for it behind threads with their next transactions, and each block would hold
    /// one transaction.
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

    /// One block. The turn is proof that nobody else is at it.
    fn produce(&self, _turn: &Turn<'_>, now: Timestamp) -> Result<Option<Header>, Arc<Fault>> {
        let delta = self.chain.prepare_proposal(now)?;
        if delta.is_idle() {
            return Ok(None);
        }
        self.chain.commit(delta, None).map(Some)
    }
}

/// Held by the thread that makes a block. Dropping it wakes all waiting threads, also during a
/// panic.
struct Turn<'a>(&'a Solo);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.producing) = false;
        self.0.produced.notify_all();
    }
}

/// One validator cannot speak for several.
fn alone(genesis: &Genesis) -> Result<(), Fault> {
    match genesis.validators() {
        None => Ok(()),
        Some(validators) => Err(Fault::ManyValidators { validators: validators.set.keys().len() }),
    }
}
