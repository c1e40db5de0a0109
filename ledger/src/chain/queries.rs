//! What a ledger answers: its state, its blocks, and proofs of both. Nothing here changes anything.

use super::Chain;
use crate::error::Fault;
use crate::genesis::Genesis;
use crate::lock::lock;
use crate::metrics::{Phase, PhaseMetrics};
use crate::state::{KeyEntry, SealedBundle, State};
use crate::store::Receipt;
use amanat_domain::block::{Block, Header};
use amanat_domain::bundle::{Bundle, PerRegistry, Registry};
use amanat_domain::entry::{Content, Entry, EntryProof};
use amanat_domain::field::Fr;
use amanat_domain::mirror::Leaves;
use amanat_domain::quorum::Certificate;
use amanat_domain::receipt::{InclusionProof, ReceiptData};
use amanat_domain::statement::Statement;
use amanat_domain::tree::{IndexedLeaf, Root};
use amanat_domain::tx::{ChainId, KeyDigest, TxId};
use amanat_verifier::light::{MAX_CHANGES, ReceiptEvidence};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLockReadGuard};

/// The ledger at a glance: its tip, its registries, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The ledger.
    pub chain: ChainId,
    /// Header of the last block.
    pub tip: Header,
    /// Epoch of the newest bundle.
    pub bundle_epoch: u64,
    /// Root and number of leaves of each registry.
    pub registries: PerRegistry<(Root, u64)>,
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

impl Chain {
    /// The certificate of a block, if the genesis names validators.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn certificate(&self, height: u64) -> Result<Option<Certificate>, Fault> {
        self.store.certificate(height)
    }

    /// Everything that a client without a node needs to check a transaction's receipt against the
    /// genesis. `None` if the transaction is not on the ledger, or if the ledger has no validators.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn evidence(&self, txid: &TxId) -> Result<Option<ReceiptEvidence>, Fault> {
        let Some(inclusion) = self.inclusion(txid)? else { return Ok(None) };
        let height = inclusion.header.height;
        let Some(certificate) = self.store.certificate(height)? else { return Ok(None) };
        let changes = self.store.successions(height)?;
        if changes.len() > MAX_CHANGES {
            let why = "more changes of validators than evidence can hold: follow them from a later set";
            return Err(Fault::Bug(why.into()));
        }
        Ok(Some(ReceiptEvidence { changes, inclusion, certificate }))
    }

    /// What a phase has cost since the ledger was opened.
    #[must_use]
    pub fn phase_metrics(&self, phase: Phase) -> PhaseMetrics {
        self.metrics.of(phase)
    }

    /// The state, for reading. No block is committed while it is held: drop it before submitting on
    /// the same thread.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The genesis.
    #[must_use]
    pub fn genesis(&self) -> Arc<Genesis> {
        self.state().genesis.clone()
    }

    /// The bundle of an epoch, if one was sealed.
    #[must_use]
    pub fn bundle(&self, epoch: u64) -> Option<SealedBundle> {
        self.state().bundle(epoch).cloned()
    }

    /// The newest bundle.
    #[must_use]
    pub fn latest_bundle(&self) -> SealedBundle {
        self.state().latest_bundle().clone()
    }

    /// Leaves of a registry as of the bundle of an epoch, from an index on; of `revocations` the
    /// hashes. `None` if no bundle was sealed. A mirror fetches all of them: asking for one path
    /// would tell whose it is.
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
        let indexed = |_| state.revocations_as_of(epoch, 0, usize::MAX).ok_or(());
        let leaves = Leaves::read(|registry| of(registry).ok_or(()), indexed).ok()?;
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
            // A committed receipt never changes: it may be read after the state was released.
            proof.content = self.store.receipt(txid)?.map(|receipt| Content::Receipt(*receipt.data()));
        }
        Ok(proof)
    }

    /// A block.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::Pruned`]: its transactions are no longer here.
    pub fn block(&self, height: u64) -> Result<Option<Block>, Fault> {
        self.store.block(height)
    }

    /// Header of a block, pruned or not.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn header(&self, height: u64) -> Result<Option<Header>, Fault> {
        self.store.header(height)
    }

    /// Receipts of a block in their order, pruned or not.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn receipts_of(&self, height: u64) -> Result<Option<Vec<ReceiptData>>, Fault> {
        self.store.receipts_of(height)
    }

    /// Height of the first block whose transactions are here; one above the tip if there are none.
    #[must_use]
    pub fn history_from(&self) -> u64 {
        self.store.history_from()
    }

    /// The installed keys.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyStatus> {
        let state = self.state();
        let status = |((statement, digest), entry): (&(Statement, KeyDigest), &KeyEntry)| KeyStatus {
            statement: *statement,
            digest: *digest,
            bytes: entry.key.to_bytes(),
            active_from: entry.active_from,
            frozen_from: entry.frozen_from,
            sunset_from: entry.sunset_from,
        };
        state.keys().map(status).collect()
    }

    /// The ledger at a glance.
    #[must_use]
    pub fn status(&self) -> Status {
        let pool = lock(&self.pool).len();
        let state = self.state();
        Status {
            chain: state.genesis_block().chain_id(),
            tip: *state.tip(),
            bundle_epoch: state.latest_bundle().bundle.epoch,
            registries: PerRegistry::from_fn(|r| state.registry(r)),
            active_credentials: state.active_credentials(),
            transactions: state.transactions.len() as u64,
            nullifiers: state.nullifiers,
            pool,
            broken: self.broken.load(Ordering::SeqCst),
        }
    }
}
