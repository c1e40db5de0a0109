//! A ledger in one file that another node can begin from: everything but the transactions of old
//! blocks.
//!
//! The file is a tag, a version, and chunks. A chunk is its kind (u8), the length of its payload
//! (u32), the payload, and a SHA-256 over tag, number of the chunk, kind, length and payload.
//! Integers are little-endian. In this order:
//!
//! | kind | payload |
//! |---|---|
//! | 1, once | chain id; genesis as JSON; header of the tip; its certificate, where there are validators; number of changes of validators; number of rows |
//! | 2, each change of validators | entry proof, certificate, set: what a light client follows |
//! | 3, rows | table (u8), number of rows (u32), rows in ascending order of their keys |
//! | 4, once, at the end | SHA-256 over everything before this chunk; whether somebody signed, by which key, the signature |
//!
//! Keys and values of rows are those of the [tables](super::tables): fixed ones as they are, others
//! with their length before them. One state has one snapshot, apart from the ends of chunks of rows
//! and the signer.

use super::tables::*;
use super::{READING, Store, changes, corrupt, fault, governance};
use crate::error::Fault;
use amanat_domain::block::{AppHash, BlockHash, Header};
use amanat_domain::quorum::Certificate;
use amanat_domain::tx::ChainId;
use amanat_domain::wire::{Reader, WireError, Writer};
use amanat_verifier::light::{LightError, ValidatorChange};
use redb::{
    ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Version of the format. A reader refuses any other.
pub const SNAPSHOT_VERSION: u32 = 1;

pub(super) const TAG: &[u8; 15] = b"amanat/snapshot";
/// Bytes of rows after which a chunk ends.
const CHUNK: usize = 1 << 20;
/// Most bytes of a chunk: one row may be longer than a chunk should be.
pub(super) const MAX_CHUNK: usize = 256 << 20;

/// Kinds of chunks.
pub(super) const HEAD: u8 = 1;
pub(super) const CHANGE: u8 = 2;
pub(super) const ROWS: u8 = 3;
pub(super) const END: u8 = 4;

const WRITING: &str = "writing the snapshot";

/// What a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The ledger.
    pub chain: ChainId,
    /// The block it is of.
    pub height: u64,
    /// That block's hash.
    pub block: BlockHash,
    /// Digest of the state after it.
    pub app_hash: AppHash,
    /// Digest of the snapshot.
    pub digest: [u8; 32],
    /// The signer of the snapshot.
    pub signed_by: Option<[u8; 32]>,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A signature under a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotSignature {
    /// Ed25519 key.
    pub key: [u8; 32],
    /// Signature over what [`Chain::write_snapshot`](crate::Chain::write_snapshot) hands out to be
    /// signed.
    pub signature: [u8; 64],
}

/// Why there is no snapshot, or no ledger from one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum SnapshotError {
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("this is not a snapshot of a ledger: its first bytes are not a snapshot's")]
    NotASnapshot,
    #[error("the snapshot has format {got}; this program reads {known}: take one with this version")]
    Version { known: u32, got: u32 },
    #[error(
        "the snapshot is of chain {got}; the genesis given begins chain {expected}: one of the two is another ledger's"
    )]
    ForeignChain { expected: ChainId, got: ChainId },
    #[error(
        "the snapshot is of another chain of the name {name}: it began with genesis {got}, the genesis given is {expected}. Compare \
         the genesis file with the members'"
    )]
    OtherGenesis { name: String, expected: ChainId, got: ChainId },
    #[error("the snapshot's block {height} is not certified, and the genesis names validators")]
    Uncertified { height: u64 },
    #[error("the snapshot is not certified by the validators of the genesis: {0}")]
    Light(#[from] LightError),
    #[error("the snapshot is of block {got}, at least {at_least} was asked for: take a newer one")]
    Stale { at_least: u64, got: u64 },
    #[error("chunk {chunk} of the snapshot is damaged: {what}. Fetch the snapshot again")]
    Damaged { chunk: u64, what: String },
    #[error("the snapshot's signature is not valid: the snapshot was changed after it was signed")]
    Signature,
    #[error(
        "the snapshot must be signed by {}, but {}", hex::encode(expected),
        got.map_or_else(|| "nobody signed it".to_owned(), |key| format!("{} did", hex::encode(key)))
    )]
    SignedByAnother { expected: [u8; 32], got: Option<[u8; 32]> },
    #[error("what the snapshot holds is not the state of block {height}: {what}. Take one from another node")]
    State { height: u64, what: String },
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a signature under a snapshot is over.
pub(super) fn signed_bytes(digest: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"amanat/snapshot-signature/v1").chain_update(digest).finalize().into()
}

pub(super) fn chunk_hash(index: u64, kind: u8, payload: &[u8]) -> [u8; 32] {
    let hash = Sha256::new()
        .chain_update(b"amanat/snapshot-chunk/v1")
        .chain_update(index.to_le_bytes())
        .chain_update([kind])
        .chain_update((payload.len() as u64).to_le_bytes())
        .chain_update(payload);
    hash.finalize().into()
}

/// What a snapshot begins with.
pub(super) struct Head {
    pub(super) chain: ChainId,
    pub(super) genesis: Vec<u8>,
    pub(super) tip: Header,
    pub(super) certificate: Option<Certificate>,
    pub(super) changes: u32,
    pub(super) rows: u64,
}

impl Head {
    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed(&self.chain.0);
        w.bytes(&self.genesis);
        self.tip.write(&mut w);
        w.u8(self.certificate.is_some().into());
        if let Some(certificate) = &self.certificate {
            certificate.write(&mut w);
        }
        w.u32(self.changes);
        w.u64(self.rows);
        w.finish()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let chain = ChainId(r.array("chain id")?);
        let genesis = r.bytes(crate::genesis::MAX_GENESIS_BYTES, "genesis")?.to_vec();
        let tip = Header::read(&mut r)?;
        let certificate = match r.u8("whether there is a certificate")? {
            0 => None,
            1 => Some(Certificate::read(&mut r)?),
            got => {
                return Err(WireError::Unknown { what: "whether there is a certificate", got: got.into() });
            }
        };
        let (changes, rows) = (r.u32("changes of validators")?, r.u64("rows")?);
        r.finish()?;
        Ok(Self { chain, genesis, tip, certificate, changes, rows })
    }
}

fn change_bytes(change: &ValidatorChange) -> Vec<u8> {
    let mut w = Writer::new();
    w.bytes(&change.proof.to_bytes());
    change.certificate.write(&mut w);
    change.set.write(&mut w);
    w.finish()
}

/// A table of a snapshot, whatever its types.
pub(super) trait Table {
    fn len(&self, tx: &ReadTransaction) -> Result<u64, Fault>;
    /// Hands out every row as bytes, in the order of the keys.
    fn rows(&self, tx: &ReadTransaction, row: Row<'_>) -> Result<(), SnapshotError>;
    /// Makes the table and puts rows in. They must come in ascending order, after the row `last`,
    /// which is moved on.
    fn fill(
        &self,
        tx: &WriteTransaction,
        rows: &[(&[u8], &[u8])],
        last: &mut Option<Vec<u8>>,
    ) -> Result<(), Unfilled>;
    /// Width of keys and values, if they have one.
    fn widths(&self) -> (Option<usize>, Option<usize>);
}

type Row<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), SnapshotError>;

/// Why rows were not put in.
pub(super) enum Unfilled {
    /// They are not in order.
    Order,
    /// The disk.
    Fault(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Unfilled {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

struct Of<K: redb::Key + 'static, V: redb::Value + 'static>(TableDefinition<'static, K, V>);

impl<K: redb::Key + 'static, V: redb::Value + 'static> Table for Of<K, V> {
    fn len(&self, tx: &ReadTransaction) -> Result<u64, Fault> {
        tx.open_table(self.0).map_err(fault(READING))?.len().map_err(fault(READING))
    }

    fn rows(&self, tx: &ReadTransaction, row: Row<'_>) -> Result<(), SnapshotError> {
        let table = tx.open_table(self.0).map_err(fault(READING))?;
        for entry in table.iter().map_err(fault(READING))? {
            let (key, value) = entry.map_err(fault(READING))?;
            row(K::as_bytes(&key.value()).as_ref(), V::as_bytes(&value.value()).as_ref())?;
        }
        Ok(())
    }

    fn fill(
        &self,
        tx: &WriteTransaction,
        rows: &[(&[u8], &[u8])],
        last: &mut Option<Vec<u8>>,
    ) -> Result<(), Unfilled> {
        let mut table = tx.open_table(self.0)?;
        for (key, value) in rows {
            // Their widths were checked: what has a width cannot be read amiss, the others are
            // bytes.
            if last.as_deref().is_some_and(|last| K::compare(last, key).is_ge()) {
                return Err(Unfilled::Order);
            }
            table.insert(K::from_bytes(key), V::from_bytes(value))?;
            *last = Some(key.to_vec());
        }
        Ok(())
    }

    fn widths(&self) -> (Option<usize>, Option<usize>) {
        (K::fixed_width(), V::fixed_width())
    }
}

/// The tables of a snapshot; a chunk names one by its position. Left out are the transactions of
/// blocks and what is not decided.
pub(super) const TABLES: [&dyn Table; 16] = [
    &Of(HEADERS),
    &Of(CERTIFICATES),
    &Of(RECEIPTS),
    &Of(TRANSACTIONS),
    &Of(NODES),
    &Of(REVOCATIONS),
    &Of(CREDENTIALS),
    &Of(BUNDLES),
    &Of(NULLIFIERS),
    &Of(CONTEXTS),
    &Of(KEYS),
    &Of(governance::ORGANISATIONS),
    &Of(governance::VALIDATORS),
    &Of(governance::VALIDATOR_SETS),
    &Of(governance::SUCCESSIONS),
    &Of(governance::PROPOSALS),
];

/// Bytes on their way out, counted and hashed.
struct Sink<'w> {
    out: &'w mut dyn Write,
    digest: Sha256,
    chunks: u64,
    bytes: u64,
}

impl Sink<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|source| SnapshotError::Io { what: WRITING, source })
    }

    fn chunk(&mut self, kind: u8, payload: &[u8]) -> Result<(), SnapshotError> {
        if payload.len() > MAX_CHUNK {
            let why = format!("a row of {} bytes is longer than a snapshot can hold", payload.len());
            return Err(Fault::Bug(why).into());
        }
        self.put(&[kind])?;
        self.put(&(payload.len() as u32).to_le_bytes())?;
        self.put(payload)?;
        self.put(&chunk_hash(self.chunks, kind, payload))?;
        self.chunks += 1;
        Ok(())
    }
}

/// Rows of one table until they fill a chunk.
struct Rows {
    table: u8,
    count: u32,
    payload: Writer,
    bytes: usize,
}

impl Rows {
    fn new(table: u8) -> Self {
        Self { table, count: 0, payload: Writer::new(), bytes: 0 }
    }

    fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), SnapshotError> {
        let rows = core::mem::replace(self, Self::new(self.table));
        if rows.count == 0 {
            return Ok(());
        }
        let mut w = Writer::new();
        w.u8(rows.table);
        w.u32(rows.count);
        w.fixed(&rows.payload.finish());
        sink.chunk(ROWS, &w.finish())
    }

    fn push(&mut self, bytes: &[u8], width: Option<usize>) {
        match width {
            Some(_) => self.payload.fixed(bytes),
            None => self.payload.bytes(bytes),
        }
        self.bytes += bytes.len();
    }
}

impl Store {
    /// Writes a snapshot of the ledger as it is now, see
    /// [`Chain::write_snapshot`](crate::Chain::write_snapshot). Between chunks `go_on` is asked.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub(crate) fn write_snapshot(
        &self,
        out: &mut dyn Write,
        sign: impl FnOnce(&[u8; 32]) -> Option<SnapshotSignature>,
        progress: &mut dyn FnMut(u64, u64),
        go_on: &dyn Fn() -> bool,
    ) -> Result<SnapshotInfo, SnapshotError> {
        let mut outcome = None;
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            outcome = Some(write(&tx, out, sign, progress, go_on));
            Ok(())
        })?;
        outcome.unwrap_or(Err(Fault::Reopen.into()))
    }
}

fn write(
    tx: &ReadTransaction,
    out: &mut dyn Write,
    sign: impl FnOnce(&[u8; 32]) -> Option<SnapshotSignature>,
    progress: &mut dyn FnMut(u64, u64),
    go_on: &dyn Fn() -> bool,
) -> Result<SnapshotInfo, SnapshotError> {
    let (head, changes) = head(tx)?;
    let mut sink = Sink { out, digest: Sha256::new(), chunks: 0, bytes: 0 };
    sink.put(TAG)?;
    sink.put(&SNAPSHOT_VERSION.to_le_bytes())?;
    sink.chunk(HEAD, &head.to_bytes())?;
    for change in &changes {
        sink.chunk(CHANGE, &change_bytes(change))?;
    }
    let mut done = 0;
    for (at, table) in (0..).zip(TABLES) {
        let (keys, values) = table.widths();
        let mut rows = Rows::new(at);
        table.rows(tx, &mut |key, value| {
            rows.push(key, keys);
            rows.push(value, values);
            rows.count += 1;
            done += 1;
            if rows.bytes >= CHUNK {
                rows.flush(&mut sink)?;
                progress(done, head.rows);
                if !go_on() {
                    return Err(Fault::Reopen.into());
                }
            }
            Ok(())
        })?;
        rows.flush(&mut sink)?;
        progress(done, head.rows);
    }
    let digest: [u8; 32] = sink.digest.clone().finalize().into();
    let signature = sign(&signed_bytes(&digest));
    let mut w = Writer::new();
    w.fixed(&digest);
    w.u8(signature.is_some().into());
    if let Some(SnapshotSignature { key, signature }) = &signature {
        w.fixed(key);
        w.fixed(signature);
    }
    sink.chunk(END, &w.finish())?;
    sink.out.flush().map_err(|source| SnapshotError::Io { what: WRITING, source })?;
    let Head { chain, tip, rows, .. } = head;
    let signed_by = signature.map(|s| s.key);
    let (block, app_hash, bytes) = (tip.hash(), tip.app_hash, sink.bytes);
    Ok(SnapshotInfo { chain, height: tip.height, block, app_hash, digest, signed_by, rows, bytes })
}

fn head(tx: &ReadTransaction) -> Result<(Head, Vec<ValidatorChange>), Fault> {
    let meta = tx.open_table(META).map_err(fault(READING))?;
    let genesis = meta.get(META_GENESIS).map_err(fault(READING))?;
    let genesis = genesis.ok_or_else(|| corrupt("the genesis is missing"))?.value().to_vec();
    let headers = tx.open_table(HEADERS).map_err(fault(READING))?;
    let tip = headers.last().map_err(fault(READING))?.ok_or_else(|| corrupt("there are no headers"))?;
    let tip = Header::from_bytes(tip.1.value()).map_err(corrupt)?;
    let certificates = tx.open_table(CERTIFICATES).map_err(fault(READING))?;
    let certificate = certificates.get(tip.height).map_err(fault(READING))?;
    let certificate =
        certificate.map(|bytes| Certificate::from_bytes(bytes.value())).transpose().map_err(corrupt)?;
    // The later validators, too.
    let changes = changes(tx, u64::MAX)?;
    let rows = TABLES.iter().try_fold(0, |rows, table| table.len(tx).map(|more| rows + more))?;
    let count =
        u32::try_from(changes.len()).map_err(|_| corrupt("more changes of validators than heights"))?;
    Ok((Head { chain: tip.chain, genesis, tip, certificate, changes: count, rows }, changes))
}
