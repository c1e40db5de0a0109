//! One state machine for every consensus, behind the moments of ABCI (see the table in the crate's
//! documentation).
//!
//! *CheckTx*, [`Chain::admit`]: a transaction is checked and waits in the pool. *PrepareProposal*,
//! [`Chain::prepare_proposal`]: a block is made of what waits. *ProcessProposal*,
//! [`Chain::process_proposal`]: another validator's block is validated, every transaction again.
//! *FinalizeBlock* is the last step of both: what the block changes. *Commit*, [`Chain::commit`]:
//! the block is made durable, with the certificate of a quorum if the genesis names validators, and
//! the submitters are answered. Consensus decides which block comes next and nothing else.

mod queries;

pub use queries::{KeyStatus, Status};

use crate::check_tx::{Admitted, Prechecked, precheck};
use crate::error::{BlockRefusal, Conflict, Fault, Refusal};
use crate::genesis::Genesis;
use crate::lock::lock;
use crate::metrics::{Metrics, Phase};
use crate::pool::{Pool, PoolLimits};
use crate::proposal::{finalize_block, prepare_proposal, process_proposal};
use crate::state::{Delta, State};
use crate::store::{
    Receipt, RestoreOptions, RoundProposal, SnapshotError, SnapshotInfo, SnapshotSignature, Storage, Store,
};
use crate::submitter::Source;
use amanat_domain::block::{Block, BlockHash, Header};
use amanat_domain::quorum::Certificate;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::TxId;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

/// A ledger: state, store and pool.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_domain::time::Timestamp;
/// use amanat_ledger::{Chain, Genesis};
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let chain = Chain::open_or_create("ledger.redb".as_ref(), genesis.into())?;
/// let now = Timestamp::from_unix(1_800_000_000).ok_or("no such time")?;
/// // CheckTx, PrepareProposal with FinalizeBlock, Commit. No validators, so no certificate.
/// chain.admit(&std::fs::read("access.tx")?, now)?;
/// let header = chain.commit(chain.prepare_proposal(now)?, None)?;
/// println!("committed in block {}", header.height);
/// # Ok(()) }
/// ```
pub struct Chain {
    state: RwLock<State>,
    store: Store,
    pool: Mutex<Pool<Pending>>,
    /// Set when a write failed: no transaction is taken until [`Chain::reopen`].
    broken: AtomicBool,
    metrics: Metrics,
}

/// How a submission ended.
pub type Outcome = Result<Receipt, SubmitError>;

/// A transaction on its way: where its outcome will be.
#[derive(Clone, Default)]
pub struct Pending(Arc<Mutex<Option<Outcome>>>);

/// What became of a transaction after CheckTx.
pub enum Entered {
    /// It is on the ledger already.
    Before(Receipt),
    /// It waits for a block.
    Waiting(Pending),
}

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

/// Why a transaction is not on the ledger. After a fault it may be: see [`Chain::reopen`].
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

impl Chain {
    /// Makes a new ledger.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn create(storage: Storage, genesis: Arc<Genesis>) -> Result<Self, Fault> {
        Store::create(storage, genesis).map(|(store, state)| Self::over(store, state, PoolLimits::default()))
    }

    /// Opens a ledger.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn open(storage: Storage) -> Result<Self, Fault> {
        Store::open(storage).map(|(store, state)| Self::over(store, state, PoolLimits::default()))
    }

    /// Opens the ledger of this genesis, or makes it if there is none.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::OtherChain`].
    pub fn open_or_create(path: &std::path::Path, genesis: Arc<Genesis>) -> Result<Self, Fault> {
        let storage = Storage::File(path.to_path_buf());
        if !path.exists() {
            return Self::create(storage, genesis);
        }
        Store::open_chain(storage, &genesis)
            .map(|(store, state)| Self::over(store, state, PoolLimits::default()))
    }

    /// Over an open store and the state it gave.
    #[must_use]
    pub fn over(store: Store, state: State, limits: PoolLimits) -> Self {
        Self {
            state: RwLock::new(state),
            store,
            pool: Mutex::new(Pool::new(limits)),
            broken: AtomicBool::new(false),
            metrics: Metrics::default(),
        }
    }

    /// Checks a transaction against the state as it is now.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn check_tx(&self, bytes: &[u8], now: Timestamp) -> Result<Admitted, SubmitError> {
        self.usable()?;
        let begun = Instant::now();
        // The state is not locked during signature and pairing, which are slow: what moves
        // meanwhile is found when the block is made.
        let prechecked = precheck(&self.state(), bytes, now);
        let checked = prechecked.and_then(Prechecked::verify);
        self.metrics.passed(Phase::CheckTx, begun, 1);
        Ok(checked?)
    }

    /// [`check_tx`](Self::check_tx) of many, all proofs in one batch.
    pub fn check_txs<T: AsRef<[u8]> + Sync>(
        &self,
        list: &[T],
        now: Timestamp,
    ) -> Vec<Result<Admitted, SubmitError>> {
        if let Err(SubmitError::Fault(fault)) = self.usable() {
            return list.iter().map(|_| Err(fault.clone().into())).collect();
        }
        let begun = Instant::now();
        let prechecked = {
            let state = self.state();
            let state: &State = &state;
            list.par_iter().map(|bytes| precheck(state, bytes.as_ref(), now)).collect()
        };
        let checked = Prechecked::verify_all(prechecked).into_iter().map(|checked| Ok(checked?)).collect();
        self.metrics.passed(Phase::CheckTx, begun, list.len());
        checked
    }

    /// Puts a checked transaction of this node's own callers into the pool.
    ///
    /// # Errors
    /// [`SubmitError`]. A transaction that is on the ledger already is no error: its receipt is
    /// returned.
    pub fn enqueue(&self, checked: Result<Admitted, SubmitError>) -> Result<Entered, SubmitError> {
        self.enqueue_from(Source::Local, checked)
    }

    /// [`enqueue`](Self::enqueue) for a transaction of another source: a proof counts against the
    /// source, a signed transaction against the organisation that signed it.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn enqueue_from(
        &self,
        source: Source,
        checked: Result<Admitted, SubmitError>,
    ) -> Result<Entered, SubmitError> {
        let admitted = match checked {
            Ok(admitted) => admitted,
            Err(refused) => return self.receipt_instead(refused).map(Entered::Before),
        };
        let pending = Pending::default();
        lock(&self.pool).insert(admitted, source, pending.clone()).map_err(Refusal::from)?;
        Ok(Entered::Waiting(pending))
    }

    /// CheckTx, and into the pool: checks a transaction and lets it wait.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn admit(&self, bytes: &[u8], now: Timestamp) -> Result<Entered, SubmitError> {
        self.admit_from(Source::Local, bytes, now)
    }

    /// [`admit`](Self::admit) for a transaction of another source.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn admit_from(&self, source: Source, bytes: &[u8], now: Timestamp) -> Result<Entered, SubmitError> {
        self.enqueue_from(source, self.check_tx(bytes, now))
    }

    /// Removes from the pool what the present state no longer admits, answers its submitters with
    /// the refusal, and returns both. A node that proposes does this by proposing; one that never
    /// proposes would keep what can never be committed.
    pub fn prune_pool(&self, now: Timestamp) -> Vec<(TxId, Refusal)> {
        let thrown: Vec<(TxId, Refusal)> = {
            let state = self.state();
            let waiting: Vec<Admitted> = lock(&self.pool).iter().cloned().collect();
            let state: &State = &state;
            let refused =
                |tx: &Admitted| tx.still_admitted(state, now).err().map(|why| (tx.keys().txid, why));
            waiting.par_iter().filter_map(refused).collect()
        };
        for (txid, refusal) in &thrown {
            self.answer(txid, || Err(refusal.clone().into()));
        }
        thrown
    }

    /// The receipt instead of a refusal, if the refusal says that the transaction is on the ledger
    /// already.
    ///
    /// # Errors
    /// The refusal, if it is another; [`Fault`].
    pub fn receipt_instead(&self, refused: SubmitError) -> Result<Receipt, SubmitError> {
        let SubmitError::Refused(Refusal::Conflict(Conflict::AlreadyCommitted { txid, .. })) = &refused
        else {
            return Err(refused);
        };
        self.store.receipt(txid)?.ok_or(refused)
    }

    /// Whether a block is due: transactions wait, or an epoch has begun and its bundle is to be
    /// sealed.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> bool {
        let new_epoch = {
            let state = self.state();
            state.genesis_block().epoch_of(now).is_some_and(|epoch| epoch > state.tip().epoch)
        };
        new_epoch || !lock(&self.pool).is_empty()
    }

    /// PrepareProposal: a block of what waits in the pool. Submitters take turns, and the order
    /// within each stays. The submitter of a transaction that the state no longer admits is
    /// answered with its refusal.
    ///
    /// # Errors
    /// [`Fault`]; all who waited were told.
    pub fn prepare_proposal(&self, now: Timestamp) -> Result<Delta, Arc<Fault>> {
        if let Err(SubmitError::Fault(fault)) = self.usable() {
            return Err(self.fail(fault));
        }
        let begun = Instant::now();
        let state = self.state();
        let candidates: Vec<Admitted> = {
            let pool = lock(&self.pool);
            pool.iter().take(state.genesis_block().limits().transactions as usize).cloned().collect()
        };
        // A clock behind the last block would refuse every block: time never runs backwards within
        // a chain.
        let time = now.max(state.tip().time);
        let (validated, dropped) = match prepare_proposal(&state, time, candidates) {
            Ok(proposed) => proposed,
            Err(refusal) => return Err(self.fail(Arc::new(clock(&state, now, &refusal)))),
        };
        for (txid, refusal) in dropped {
            self.answer(&txid, || Err(refusal.clone().into()));
        }
        let delta = finalize_block(validated);
        self.metrics.passed(Phase::PrepareProposal, begun, delta.block().transactions.len());
        Ok(delta)
    }

    /// ProcessProposal: validates a block that another validator made, every transaction of it. A
    /// transaction that the pool has verified already is not verified again if it is the very same
    /// bytes.
    ///
    /// # Errors
    /// [`BlockRefusal`].
    pub fn process_proposal(&self, block: &Block) -> Result<Delta, BlockRefusal> {
        let begun = Instant::now();
        let verdict = process_proposal(&self.state(), block, &|txid| lock(&self.pool).by_id(txid).cloned());
        self.metrics.passed(Phase::ProcessProposal, begun, block.transactions.len());
        verdict
    }

    /// Commit: makes a block durable and answers those that wait for its transactions. One thread
    /// commits at a time.
    ///
    /// # Errors
    /// [`Fault`]; all who waited were told. After a failed write nothing is taken until
    /// [`Chain::reopen`].
    pub fn commit(&self, delta: Delta, certificate: Option<&Certificate>) -> Result<Header, Arc<Fault>> {
        let header = delta.block().header;
        if let Err(fault) = self.certified(&header, certificate) {
            return Err(self.fail(Arc::new(fault)));
        }
        let begun = Instant::now();
        match self.store.commit(&delta, certificate) {
            Ok(receipts) => {
                // The state moves only now: it never shows what is not on disk.
                self.metrics.passed(Phase::Commit, begun, receipts.len());
                self.state.write().unwrap_or_else(PoisonError::into_inner).commit(delta);
                for receipt in receipts {
                    self.answer(&receipt.txid, || Ok(receipt));
                }
                Ok(header)
            }
            Err(fault) => {
                // Whether the write reached the disk is unknown. To go on from either guess could
                // fork: reopening asks the disk.
                self.broken.store(true, Ordering::SeqCst);
                Err(self.fail(Arc::new(fault)))
            }
        }
    }

    /// A block follows the tip, and has a certificate if and only if the genesis names validators.
    fn certified(&self, header: &Header, certificate: Option<&Certificate>) -> Result<(), Fault> {
        let state = self.state();
        if header.parent != state.tip().hash() {
            return Err(Fault::Bug(format!("block {} does not follow the tip", header.height)));
        }
        let refused = |reason: String| Fault::Uncertified { height: header.height, reason };
        match (state.validators(), certificate) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(refused("the genesis names no validators who could sign one".into())),
            (Some(_), None) => Err(refused("there is none".into())),
            (Some(validators), Some(certificate)) => {
                if (certificate.height, certificate.block) != (header.height, header.hash().0) {
                    return Err(refused(format!("it is for block {}", certificate.height)));
                }
                let chain = state.genesis_block().chain_id();
                certificate
                    .verify(chain, &validators.at(header.height).set)
                    .map_err(|e| refused(e.to_string()))
            }
        }
    }

    /// After a fault: closes the file, opens it again and takes up where the disk says we are. A
    /// transaction that was answered with a fault is on the ledger or not: ask for its receipt, or
    /// submit it again.
    ///
    /// No block may be on its way through [`Chain::commit`] meanwhile.
    ///
    /// # Errors
    /// [`Fault`]; the ledger then stays closed and may be reopened later.
    pub fn reopen(&self) -> Result<(), Fault> {
        let state = self.store.reopen()?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.broken.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn answer(&self, txid: &TxId, outcome: impl Fn() -> Outcome) {
        let waiting = lock(&self.pool).remove(txid);
        for pending in waiting {
            pending.put(outcome());
        }
    }

    /// Tells everyone who waits, and empties the pool: what the disk holds is not known until it is
    /// reopened.
    fn fail(&self, fault: Arc<Fault>) -> Arc<Fault> {
        let waiting = lock(&self.pool).clear();
        for pending in waiting {
            pending.put(Err(SubmitError::Fault(fault.clone())));
        }
        fault
    }

    fn usable(&self) -> Result<(), SubmitError> {
        if self.broken.load(Ordering::SeqCst) { Err(Fault::Reopen.into()) } else { Ok(()) }
    }

    /// Keeps a proposed block until its height is decided, and that it was proposed in this round.
    /// `note` belongs to consensus.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn keep(&self, block: &Block, round: u32, note: &[u8]) -> Result<(), Fault> {
        self.store.keep(block, round, note)
    }

    /// A block that was proposed and kept.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn undecided(&self, height: u64, hash: BlockHash) -> Result<Option<Block>, Fault> {
        self.store.undecided(height, hash)
    }

    /// What was proposed and kept for a height, by round.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn proposals(&self, height: u64) -> Result<Vec<RoundProposal>, Fault> {
        self.store.proposals(height)
    }

    /// Writes a snapshot: the ledger as it is now, but for the transactions of its blocks, for a
    /// node that begins later. It shows one moment; the node continues meanwhile. `sign` gets the
    /// bytes to sign and may return no signature: if there are validators, their certificate
    /// already vouches for the snapshot. `progress` is called with the number of written rows and
    /// of all rows.
    ///
    /// # Errors
    /// [`SnapshotError`]; also if the ledger is to be reopened meanwhile.
    pub fn write_snapshot(
        &self,
        out: &mut dyn std::io::Write,
        sign: impl FnOnce(&[u8; 32]) -> Option<SnapshotSignature>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<SnapshotInfo, SnapshotError> {
        let go_on = || !self.broken.load(Ordering::SeqCst);
        self.store.write_snapshot(out, sign, progress, &go_on)
    }

    /// Makes a ledger file from a snapshot of the ledger that this genesis began. Nothing is at
    /// `path` unless all of it holds. Open it as any other. `progress` hears how many of how many
    /// rows are read.
    ///
    /// If the genesis names validators, their signatures vouch for the state. If it names none, the
    /// sender can have made up the snapshot: require a signature.
    ///
    /// # Errors
    /// [`SnapshotError`], among them [`Fault::Present`].
    pub fn restore(
        path: &std::path::Path,
        genesis: &Genesis,
        snapshot: &mut dyn std::io::Read,
        options: &RestoreOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<SnapshotInfo, SnapshotError> {
        crate::store::restore(path, genesis, snapshot, options, progress)
    }

    /// Removes the transactions of all blocks but the last `keep`, while the node goes on, and
    /// gives [`Self::history_from`]. Headers, certificates, receipts and the state stay: receipts,
    /// evidence and entries can be shown as before. `progress` hears how many of how many blocks
    /// are done.
    ///
    /// # Errors
    /// [`Fault`]; everyone who waited was told, and nothing is taken until [`Chain::reopen`].
    pub fn prune(&self, keep: u64, progress: &mut dyn FnMut(u64, u64)) -> Result<u64, Arc<Fault>> {
        if let Err(SubmitError::Fault(fault)) = self.usable() {
            return Err(fault);
        }
        self.store.prune(keep, progress).map_err(|fault| {
            self.broken.store(true, Ordering::SeqCst);
            self.fail(Arc::new(fault))
        })
    }

    /// Returns free space in the ledger file to the disk: after pruning, when the ledger is not
    /// needed for a while.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn compact(&self) -> Result<(), Fault> {
        self.store.compact()
    }
}

impl Pending {
    fn put(&self, outcome: Outcome) {
        *lock(&self.0) = Some(outcome);
    }

    /// Takes the outcome, if it is there. It is put there before consensus announces the block that
    /// made it.
    #[must_use]
    pub fn take(&self) -> Option<Outcome> {
        lock(&self.0).take()
    }
}

fn clock(state: &State, now: Timestamp, refusal: &BlockRefusal) -> Fault {
    match refusal {
        BlockRefusal::Header { .. } => Fault::Clock { last: state.tip().time, got: now },
        other => Fault::Bug(other.to_string()),
    }
}
