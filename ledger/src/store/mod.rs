//! The store: one file, one durable write per block.
//!
//! A block's header, transactions, receipts, changed tree nodes and everything else it changed go
//! to disk in one redb transaction with two-phase commit: after a crash at any instant the file
//! holds all of it or nothing of it. What was acknowledged is there; a block whose write failed may
//! or may not be, which reopening decides.

mod deep_check;
mod governance;
mod load;
mod prune;
mod restore;
mod snapshot;
mod tables;
mod undecided;

pub use restore::RestoreOptions;
pub(crate) use restore::restore;
pub use snapshot::{SNAPSHOT_VERSION, SnapshotError, SnapshotInfo, SnapshotSignature};
pub use tables::FORMAT;
pub use undecided::RoundProposal;

use crate::error::Fault;
use crate::genesis::Genesis;
use crate::state::{Delta, State};
use amanat_domain::block::{Block, Header, read_transactions, tx_root, write_transactions};
use amanat_domain::bundle::Registry;
use amanat_domain::field::to_bytes;
use amanat_domain::merkle;
use amanat_domain::quorum::Certificate;
use amanat_domain::receipt::{InclusionProof, ReceiptData};
use amanat_domain::tree::RegistryUpdate;
use amanat_domain::tx::TxId;
use amanat_domain::wire::{Reader, Writer};
use amanat_verifier::light::ValidatorChange;
use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use tables::*;

/// Memory redb may use for pages.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Opens the database again at each call.
pub type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// Where a ledger is kept.
pub enum Storage {
    /// A file.
    File(PathBuf),
    /// Anything redb can write on; for tests that make the disk fail.
    Custom(Opener),
}

/// A ledger on disk.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_ledger::{Storage, Store};
/// let (store, state) = Store::open(Storage::File("ledger.redb".into()))?;
/// let height = state.tip().height;
/// if let Some(block) = store.block(height)? {
///     println!("block {height}: {} transactions", block.transactions.len());
/// }
/// # Ok(()) }
/// ```
pub struct Store {
    storage: Storage,
    /// None only while it is being reopened, or after reopening failed.
    db: RwLock<Option<Database>>,
    /// Height of the first block whose transactions are here; never behind the file.
    history_from: AtomicU64,
}

/// Evidence that a transaction is committed *and durable*: only the store makes one, after the
/// write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt(ReceiptData);

impl Receipt {
    /// What it says.
    #[must_use]
    pub const fn data(&self) -> &ReceiptData {
        &self.0
    }
}

impl core::ops::Deref for Receipt {
    type Target = ReceiptData;
    fn deref(&self) -> &ReceiptData {
        &self.0
    }
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.storage {
            Storage::File(path) => write!(f, "Store({})", path.display()),
            Storage::Custom(_) => f.write_str("Store(custom)"),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        close(self.db.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    }
}

impl Store {
    /// Makes a new ledger. A file appears under its name only once the genesis is durable in it.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Present`] where there is one already.
    pub fn create(storage: Storage, genesis: Arc<Genesis>) -> Result<(Self, State), Fault> {
        let state = State::genesis(genesis);
        match &storage {
            Storage::Custom(open) => {
                write_genesis(&open().map_err(|e| opening(e, Path::new("")))?, &state)?;
            }
            Storage::File(path) => {
                if path.exists() {
                    return Err(Fault::Present(path.clone()));
                }
                let mut name = path.clone().into_os_string();
                name.push(".new");
                let unfinished = PathBuf::from(name);
                let failed = |source| Fault::Io { what: "creating the ledger file", source };
                // Left over from a creation that was cut short: nothing was ever acknowledged from
                // it.
                if unfinished.exists() {
                    std::fs::remove_file(&unfinished).map_err(failed)?;
                }
                let db = builder().create(&unfinished).map_err(|e| opening(e, &unfinished))?;
                write_genesis(&db, &state)?;
                drop(db);
                put_in_place(&unfinished, path)?;
            }
        }
        Self::open(storage)
    }

    /// Opens a ledger: checks format, chain of headers, trees and app hash, and loads the state.
    ///
    /// # Errors
    /// [`Fault`]: missing, locked by another process, another format, damaged.
    pub fn open(storage: Storage) -> Result<(Self, State), Fault> {
        let store = Self { storage, db: RwLock::new(None), history_from: AtomicU64::new(0) };
        let state = store.reopen()?;
        Ok((store, state))
    }

    /// Closes the database and opens it again: after a failed write this is what makes the ledger
    /// usable.
    ///
    /// # Errors
    /// As [`Store::open`]; the store then stays closed until a reopening succeeds.
    pub fn reopen(&self) -> Result<State, Fault> {
        let mut slot = self.db.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        close(slot.take());
        let (db, state, from) = guarded(|| {
            let db = match &self.storage {
                Storage::Custom(open) => open().map_err(|e| opening(e, Path::new("")))?,
                Storage::File(path) if !path.exists() => return Err(Fault::Missing(path.clone())),
                Storage::File(path) => builder().open(path).map_err(|e| opening(e, path))?,
            };
            let state = load::state(&db)?;
            let from = load::history_from(&db.begin_read().map_err(fault(READING))?)?;
            Ok((db, state, from))
        })?;
        self.history_from.store(from, Ordering::SeqCst);
        *slot = Some(db);
        Ok(state)
    }

    /// Opens a ledger and checks that it belongs to this genesis.
    ///
    /// # Errors
    /// As [`Store::open`], and [`Fault::OtherChain`].
    pub fn open_chain(storage: Storage, genesis: &Genesis) -> Result<(Self, State), Fault> {
        let (store, state) = Self::open(storage)?;
        let (expected, got) = (genesis.chain_id(), state.genesis_block().chain_id());
        if expected == got { Ok((store, state)) } else { Err(Fault::OtherChain { expected, got }) }
    }

    /// Makes a block durable, and the certificate with it. What was proposed for its height and is
    /// not decided goes in the same write. The receipts are evidence that it is durable.
    ///
    /// # Errors
    /// [`Fault`]: nothing may be acknowledged, and the store must be reopened before it takes
    /// another block.
    pub fn commit(&self, delta: &Delta, certificate: Option<&Certificate>) -> Result<Vec<Receipt>, Fault> {
        self.with(|db| {
            let mut tx = db.begin_write().map_err(fault("starting a write"))?;
            tx.set_two_phase_commit(true);
            write_block(&tx, delta, certificate).map_err(|e| fault("writing a block")(e))?;
            tx.commit().map_err(fault("committing a block"))?;
            Ok(delta.receipts().iter().copied().map(Receipt).collect())
        })
    }

    /// Receipt of a committed transaction.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn receipt(&self, txid: &TxId) -> Result<Option<Receipt>, Fault> {
        Ok(self.located(txid)?.map(|(_, receipts, at)| Receipt(receipts[at])))
    }

    /// Proof that a committed transaction's receipt is in its block.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn inclusion(&self, txid: &TxId) -> Result<Option<InclusionProof>, Fault> {
        let Some((header, receipts, at)) = self.located(txid)? else { return Ok(None) };
        let leaves: Vec<Vec<u8>> = receipts.iter().map(ReceiptData::to_bytes).collect();
        let siblings = merkle::path(&leaves, at).ok_or_else(|| corrupt("a receipt is not in its block"))?;
        Ok(Some(InclusionProof { receipt: receipts[at], header, siblings }))
    }

    /// Header of a block.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn header(&self, height: u64) -> Result<Option<Header>, Fault> {
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(HEADERS).map_err(fault(READING))?;
            let header = table.get(height).map_err(fault(READING))?;
            header.map(|bytes| Header::from_bytes(bytes.value()).map_err(corrupt)).transpose()
        })
    }

    /// A block.
    ///
    /// # Errors
    /// [`Fault`], among them [`Fault::Pruned`].
    pub fn block(&self, height: u64) -> Result<Option<Block>, Fault> {
        let Some(header) = self.header(height)? else { return Ok(None) };
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(BLOCKS).map_err(fault(READING))?;
            let bytes = table.get(height).map_err(fault(READING))?;
            let bytes = match bytes {
                Some(bytes) => bytes,
                None if height < self.history_from() => {
                    return Err(Fault::Pruned { height, from: self.history_from() });
                }
                None => return Err(corrupt(format!("block {height} has a header but no body"))),
            };
            let mut r = Reader::new(bytes.value());
            let transactions = read_transactions(&mut r, u32::MAX as usize).map_err(corrupt)?;
            r.finish().map_err(corrupt)?;
            // Opening reads no bodies. A body that is requested is checked against its header.
            if tx_root(&transactions) != header.tx_root {
                return Err(corrupt(format!(
                    "the transactions of block {height} are not those of its header"
                )));
            }
            Ok(Some(Block { header, transactions }))
        })
    }

    /// Receipts of a block in their order, pruned or not. `None` if there is no such block.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn receipts_of(&self, height: u64) -> Result<Option<Vec<ReceiptData>>, Fault> {
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(RECEIPTS).map_err(fault(READING))?;
            let bytes = table.get(height).map_err(fault(READING))?;
            bytes.map(|bytes| receipts(bytes.value()).map_err(corrupt)).transpose()
        })
    }

    /// The certificate of a block, if the genesis names validators.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn certificate(&self, height: u64) -> Result<Option<Certificate>, Fault> {
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(CERTIFICATES).map_err(fault(READING))?;
            let bytes = table.get(height).map_err(fault(READING))?;
            bytes.map(|bytes| Certificate::from_bytes(bytes.value()).map_err(corrupt)).transpose()
        })
    }

    /// The changes of validators from the genesis to a height, each with what proves it.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn successions(&self, height: u64) -> Result<Vec<ValidatorChange>, Fault> {
        self.with(|db| changes(&db.begin_read().map_err(fault(READING))?, height))
    }

    fn located(&self, txid: &TxId) -> Result<Option<(Header, Vec<ReceiptData>, usize)>, Fault> {
        let found = self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(TRANSACTIONS).map_err(fault(READING))?;
            let Some((height, at)) = table.get(&txid.0).map_err(fault(READING))?.map(|v| v.value()) else {
                return Ok(None);
            };
            let table = tx.open_table(RECEIPTS).map_err(fault(READING))?;
            let bytes = table.get(height).map_err(fault(READING))?;
            let bytes = bytes.ok_or_else(|| corrupt(format!("block {height} has no receipts")))?;
            Ok(Some((height, at as usize, receipts(bytes.value()).map_err(corrupt)?)))
        })?;
        let Some((height, at, receipts)) = found else { return Ok(None) };
        let header = self.header(height)?.ok_or_else(|| corrupt(format!("block {height} has no header")))?;
        if receipts.get(at).is_none_or(|r| r.txid != *txid) {
            return Err(corrupt(format!("transaction {txid} is not at position {at} of block {height}")));
        }
        Ok(Some((header, receipts, at)))
    }

    fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T, Fault>) -> Result<T, Fault> {
        let db = self.db.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        run(db.as_ref().ok_or(Fault::Reopen)?)
    }
}

const READING: &str = "reading the ledger file";

/// The changes of validators from the genesis to a height, each with what proves it.
fn changes(tx: &ReadTransaction, height: u64) -> Result<Vec<ValidatorChange>, Fault> {
    let table = tx.open_table(CERTIFICATES).map_err(fault(READING))?;
    let certified = governance::successions(tx, height)?.into_iter().map(|(proof, set)| {
        let height = proof.header.height;
        let bytes = table.get(height).map_err(fault(READING))?;
        let bytes = bytes.ok_or_else(|| corrupt(format!("block {height} is not certified")))?;
        let certificate = Certificate::from_bytes(bytes.value()).map_err(corrupt)?;
        Ok(ValidatorChange { proof, certificate, set })
    });
    certified.collect()
}

/// Gives a finished file its permanent name.
fn put_in_place(unfinished: &Path, path: &Path) -> Result<(), Fault> {
    let failed = |source| Fault::Io { what: "putting the ledger file in its place", source };
    std::fs::rename(unfinished, path).map_err(failed)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|d| d.sync_all()).map_err(failed)
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn write_genesis(db: &Database, state: &State) -> Result<(), Fault> {
    let what = "writing the genesis";
    let mut tx = db.begin_write().map_err(fault(what))?;
    tx.set_two_phase_commit(true);
    let write = || -> Result<(), redb::Error> {
        let mut meta = tx.open_table(META)?;
        meta.insert(META_FORMAT, FORMAT.to_le_bytes().as_slice())?;
        meta.insert(META_GENESIS, state.genesis_block().to_json().as_slice())?;
        tx.open_table(HEADERS)?.insert(0, state.tip().to_bytes().as_slice())?;
        let mut none = Writer::new();
        write_transactions(&mut none, &[]);
        tx.open_table(BLOCKS)?.insert(0, none.finish().as_slice())?;
        tx.open_table(RECEIPTS)?.insert(0, receipts_bytes(&[]).as_slice())?;
        tx.open_table(BUNDLES)?.insert(0, bundle_bytes(state.latest_bundle()).as_slice())?;
        let mut nodes = tx.open_table(NODES)?;
        for n in state.revocations().tree().nodes() {
            nodes.insert((Registry::Revocations as u8, n.level, n.index), &to_bytes(&n.value))?;
        }
        let mut revocations = tx.open_table(REVOCATIONS)?;
        for (index, leaf) in (0..).zip(state.revocations().leaves()) {
            revocations.insert(index, &pair(leaf.value, leaf.next))?;
        }
        // The others are made now, so that a table that is missing later is damage.
        tx.open_table(TRANSACTIONS)?;
        tx.open_table(CREDENTIALS)?;
        tx.open_table(NULLIFIERS)?;
        tx.open_table(CONTEXTS)?;
        tx.open_table(KEYS)?;
        tx.open_table(CERTIFICATES)?;
        tx.open_table(UNDECIDED)?;
        tx.open_table(ROUNDS)?;
        governance::write(&tx, state.members(), state.validators(), state.proposals())?;
        Ok(())
    };
    write().map_err(fault(what))?;
    tx.commit().map_err(fault(what))
}

fn write_block(
    tx: &WriteTransaction,
    delta: &Delta,
    certificate: Option<&Certificate>,
) -> Result<(), redb::Error> {
    let (block, height) = (delta.block(), delta.block().header.height);
    if let Some(certificate) = certificate {
        tx.open_table(CERTIFICATES)?.insert(height, certificate.to_bytes().as_slice())?;
    }
    undecided::clear(tx, height)?;
    tx.open_table(HEADERS)?.insert(height, block.header.to_bytes().as_slice())?;
    let mut body = Writer::new();
    write_transactions(&mut body, &block.transactions);
    tx.open_table(BLOCKS)?.insert(height, body.finish().as_slice())?;
    tx.open_table(RECEIPTS)?.insert(height, receipts_bytes(&delta.receipts).as_slice())?;
    let mut transactions = tx.open_table(TRANSACTIONS)?;
    for r in &delta.receipts {
        transactions.insert(&r.txid.0, (r.height, r.index))?;
    }
    let mut nodes = tx.open_table(NODES)?;
    let mut revocations = tx.open_table(REVOCATIONS)?;
    for (registry, update) in delta.registries.iter() {
        for n in update.tree().nodes() {
            nodes.insert((registry as u8, n.level, n.index), &to_bytes(&n.value))?;
        }
        if let RegistryUpdate::Indexed(update) = update {
            for (index, leaf) in update.leaves() {
                revocations.insert(index, &pair(leaf.value, leaf.next))?;
            }
        }
    }
    let mut credentials = tx.open_table(CREDENTIALS)?;
    for (index, credential) in
        (delta.registries[Registry::Roles].tree().first_appended()..).zip(&delta.issued)
    {
        credentials.insert(index as u32, credential_bytes(credential).as_slice())?;
    }
    for (index, _) in &delta.retired {
        let stored = credentials.get(index)?.and_then(|bytes| credential(bytes.value()).ok());
        if let Some(mut retired) = stored {
            retired.retired = Some(height);
            credentials.insert(index, credential_bytes(&retired).as_slice())?;
        }
    }
    if let Some(sealed) = &delta.sealed {
        let mut bundles = tx.open_table(BUNDLES)?;
        let last = {
            let last = bundles.last()?;
            last.and_then(|(_, bytes)| bundle(bytes.value()).ok())
        };
        if let Some(mut last) = last {
            last.superseded = Some(sealed.bundle.epoch);
            bundles.insert(last.bundle.epoch, bundle_bytes(&last).as_slice())?;
        }
        bundles.insert(sealed.bundle.epoch, bundle_bytes(sealed).as_slice())?;
    }
    let mut nullifiers = tx.open_table(NULLIFIERS)?;
    for nullifier in &delta.nullifiers {
        nullifiers.insert(nullifier, height)?;
    }
    let mut contexts = tx.open_table(CONTEXTS)?;
    for (ctx, txid) in &delta.contexts {
        contexts.insert(ctx, &txid.0)?;
    }
    let mut keys = tx.open_table(KEYS)?;
    for ((statement, digest), entry) in &delta.keys {
        keys.insert((*statement as u8, &digest.0), key_bytes(entry).as_slice())?;
    }
    governance::write(tx, &delta.members, delta.validators.as_ref(), &delta.proposals)?;
    if let Some((from, proof)) = delta.succession() {
        governance::write_succession(tx, from, &proof)?;
    }
    Ok(())
}

fn corrupt(what: impl ToString) -> Fault {
    Fault::Corrupt { what: what.to_string() }
}

/// redb's errors in our words.
fn fault<E: Into<redb::Error>>(what: &'static str) -> impl Fn(E) -> Fault {
    move |error| match error.into() {
        redb::Error::Io(source) => Fault::Io { what, source },
        redb::Error::PreviousIo => Fault::Reopen,
        redb::Error::DatabaseClosed => Fault::Reopen,
        redb::Error::Corrupted(why) => corrupt(why),
        e @ (redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. }) => corrupt(e),
        redb::Error::UpgradeRequired(version) => corrupt(format!("unknown database file version {version}")),
        other => Fault::Bug(format!("{what}: {other}")),
    }
}

fn opening(error: DatabaseError, path: &Path) -> Fault {
    match error {
        DatabaseError::DatabaseAlreadyOpen => Fault::Locked(path.to_path_buf()),
        other => fault("opening the ledger file")(other),
    }
}

/// Closes the file. The library tidies up while it does, and may panic over damage that opening did
/// not touch; what was acknowledged is on disk by then.
fn close(db: Option<Database>) {
    let closed = guarded(|| {
        drop(db);
        Ok(())
    });
    // The next opening finds what is wrong.
    drop(closed);
}

/// The database library may panic on a file that was tampered with; to us that is damage like any
/// other.
fn guarded<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(corrupt("the database library could not make sense of the file")))
}
