//! From a snapshot to a ledger, believing nothing that can be checked.
//!
//! A stranger's snapshot is checked in this order: tag and version; the chain, against the genesis
//! the operator gives; the validators, from that genesis to the tip, by the rules of a light
//! client; each chunk; the digest of the whole and the signature under it. Then the state is loaded
//! as from any ledger file, all of it is hashed again, and its app hash must be the one that the
//! validators signed. A file appears under its name only after that.

use super::snapshot::{
    CHANGE, END, HEAD, Head, MAX_CHUNK, ROWS, SNAPSHOT_VERSION, SnapshotError, SnapshotInfo, TABLES, TAG,
    Unfilled, chunk_hash, signed_bytes,
};
use super::tables::*;
use super::{builder, changes, deep_check, fault, load, opening, put_in_place};
use crate::error::Fault;
use crate::genesis::{Genesis, MAX_GENESIS_BYTES};
use crate::state::State;
use amanat_domain::entry::EntryProof;
use amanat_domain::quorum::{Certificate, ValidatorSet};
use amanat_domain::wire::{Reader, WireError};
use amanat_verifier::light::{LightClient, ValidatorChange};
use ed25519_dalek::{Signature, VerifyingKey};
use redb::{Database, ReadableDatabase, WriteTransaction};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RESTORING: &str = "restoring the ledger file";
const MAX_HEAD: usize = MAX_GENESIS_BYTES + 64 * 1024;
const MAX_PROOF: usize = 64 * 1024;
const MAX_CHANGE: usize = MAX_PROOF + 64 * 1024;
const END_BYTES: usize = 32 + 1 + 32 + 64;

/// What a snapshot must be to be restored from.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_ledger::{Chain, Genesis, RestoreOptions};
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let mut snapshot = std::fs::File::open("ledger.snapshot")?;
/// let options = RestoreOptions { at_least: Some(1000), ..RestoreOptions::default() };
/// let (path, progress) = ("ledger.redb".as_ref(), &mut |_, _| ());
/// let info = Chain::restore(path, &genesis, &mut snapshot, &options, progress)?;
/// println!("restored to block {}", info.height);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Of this block or a later one.
    pub at_least: Option<u64>,
    /// Signed by this Ed25519 key. Without validators nothing else vouches for a snapshot.
    pub signed_by: Option<[u8; 32]>,
}

pub(crate) fn restore(
    path: &Path,
    genesis: &Genesis,
    snapshot: &mut dyn Read,
    options: &RestoreOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<SnapshotInfo, SnapshotError> {
    let present = || SnapshotError::from(Fault::Present(path.to_path_buf()));
    if path.exists() {
        return Err(present());
    }
    let mut chunks = Chunks { from: snapshot, digest: Sha256::new(), next: 0, bytes: 0 };
    let (head, followed) = believed(&mut chunks, genesis, options)?;
    let mut name = path.to_path_buf().into_os_string();
    name.push(".restoring");
    let unfinished = PathBuf::from(name);
    let failed = |source| Fault::Io { what: RESTORING, source };
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).map_err(failed)?;
    }
    let restored = builder()
        .create(&unfinished)
        .map_err(|e| opening(e, &unfinished).into())
        .and_then(|db| fill(&db, &mut chunks, genesis, &head, &followed, options, progress))
        .and_then(|info| if path.exists() { Err(present()) } else { Ok(info) })
        .and_then(|info| Ok(put_in_place(&unfinished, path).map(|()| info)?));
    if restored.is_err() {
        // The error says more than that this failed, too.
        drop(std::fs::remove_file(&unfinished));
    }
    restored
}

/// Head and changes of validators, checked against the genesis.
fn believed(
    chunks: &mut Chunks<'_>,
    genesis: &Genesis,
    options: &RestoreOptions,
) -> Result<(Head, Vec<ValidatorChange>), SnapshotError> {
    chunks.begin()?;
    let bytes = chunks.expect(HEAD, MAX_HEAD)?;
    let head = Head::from_bytes(&bytes).map_err(|e| chunks.damaged(e))?;
    let claimed = Genesis::from_json(&head.genesis).map_err(|e| chunks.damaged(e))?;
    if claimed.chain_id() != head.chain || head.tip.chain != head.chain {
        return Err(chunks.damaged("genesis, tip and chain do not belong together"));
    }
    let (expected, got) = (genesis.chain_id(), head.chain);
    if expected != got {
        let name = claimed.spec().chain.clone();
        return Err(if name == genesis.spec().chain {
            SnapshotError::OtherGenesis { name, expected, got }
        } else {
            SnapshotError::ForeignChain { expected, got }
        });
    }
    if head.genesis != genesis.to_json() {
        return Err(chunks.damaged("the genesis is not in canonical form"));
    }
    let mut followed = Vec::new();
    match genesis.validators() {
        None if head.certificate.is_some() || head.changes > 0 => {
            return Err(chunks.damaged("certificates of a ledger without validators"));
        }
        None => {}
        Some(founders) => {
            let mut client = LightClient::new(expected, founders.set.clone());
            for _ in 0..head.changes {
                let bytes = chunks.expect(CHANGE, MAX_CHANGE)?;
                let change = change(&bytes).map_err(|e| chunks.damaged(e))?;
                client.follow(&change)?;
                followed.push(change);
            }
            match &head.certificate {
                Some(certificate) => drop(client.block(&head.tip, certificate)?),
                // Nobody signs the genesis; the operator gave it.
                None if head.tip == *State::genesis(Arc::new(genesis.clone())).tip() => {}
                None => return Err(SnapshotError::Uncertified { height: head.tip.height }),
            }
        }
    }
    match options.at_least {
        Some(at_least) if head.tip.height < at_least => {
            Err(SnapshotError::Stale { at_least, got: head.tip.height })
        }
        _ => Ok((head, followed)),
    }
}

fn change(bytes: &[u8]) -> Result<ValidatorChange, WireError> {
    let mut r = Reader::new(bytes);
    let proof = EntryProof::from_bytes(r.bytes(MAX_PROOF, "entry proof")?)?;
    let (certificate, set) = (Certificate::read(&mut r)?, ValidatorSet::read(&mut r)?);
    r.finish()?;
    Ok(ValidatorChange { proof, certificate, set })
}

/// Puts the rows into a new database, checks the end of the snapshot, then everything that is in
/// the database.
fn fill(
    db: &Database,
    chunks: &mut Chunks<'_>,
    genesis: &Genesis,
    head: &Head,
    followed: &[ValidatorChange],
    options: &RestoreOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<SnapshotInfo, SnapshotError> {
    let mut tx = db.begin_write().map_err(fault(RESTORING))?;
    tx.set_two_phase_commit(true);
    begin(&tx, genesis, head).map_err(fault(RESTORING))?;
    let (mut table, mut last, mut done) = (0, None, 0u64);
    let (digest, signed_by) = loop {
        let before = chunks.digest.clone();
        let (kind, payload) = chunks.next()?;
        match kind {
            ROWS => {
                let (at, rows) = rows(&payload).map_err(|e| chunks.damaged(e))?;
                if at < table {
                    return Err(chunks.damaged("its table comes after another"));
                }
                if at > table {
                    (table, last) = (at, None);
                }
                TABLES[at].fill(&tx, &rows, &mut last).map_err(|unfilled| match unfilled {
                    Unfilled::Order => chunks.damaged("its rows are not in order"),
                    Unfilled::Fault(error) => fault(RESTORING)(error).into(),
                })?;
                done += rows.len() as u64;
                progress(done, head.rows);
            }
            END => break end(chunks, &payload, &before.finalize().into())?,
            _ => return Err(chunks.damaged("another kind was expected")),
        }
    };
    chunks.finish()?;
    if done != head.rows {
        return Err(chunks.damaged(format!("{done} rows came, {} were announced", head.rows)));
    }
    if let (Some(expected), got) = (options.signed_by, signed_by)
        && got != Some(expected)
    {
        return Err(SnapshotError::SignedByAnother { expected, got });
    }
    tx.commit().map_err(fault(RESTORING))?;
    check(db, head, followed)?;
    let Head { chain, tip, rows, .. } = head;
    let (block, app_hash, bytes) = (tip.hash(), tip.app_hash, chunks.bytes);
    Ok(SnapshotInfo {
        chain: *chain,
        height: tip.height,
        block,
        app_hash,
        digest,
        signed_by,
        rows: *rows,
        bytes,
    })
}

/// What a ledger file has beside the rows of a snapshot.
fn begin(tx: &WriteTransaction, genesis: &Genesis, head: &Head) -> Result<(), redb::Error> {
    let mut meta = tx.open_table(META)?;
    meta.insert(META_FORMAT, FORMAT.to_le_bytes().as_slice())?;
    meta.insert(META_GENESIS, genesis.to_json().as_slice())?;
    meta.insert(META_HISTORY, (head.tip.height.saturating_add(1)).to_le_bytes().as_slice())?;
    tx.open_table(BLOCKS)?;
    tx.open_table(UNDECIDED)?;
    tx.open_table(ROUNDS)?;
    for table in TABLES {
        match table.fill(tx, &[], &mut None) {
            Ok(()) | Err(Unfilled::Order) => {}
            Err(Unfilled::Fault(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The digest, and who signed it.
fn end(
    chunks: &Chunks<'_>,
    payload: &[u8],
    expected: &[u8; 32],
) -> Result<([u8; 32], Option<[u8; 32]>), SnapshotError> {
    let read = || -> Result<_, WireError> {
        let mut r = Reader::new(payload);
        let digest: [u8; 32] = r.array("digest")?;
        let signed = match r.u8("whether it is signed")? {
            0 => None,
            1 => Some((r.array::<32>("key")?, r.array::<64>("signature")?)),
            got => return Err(WireError::Unknown { what: "whether it is signed", got: got.into() }),
        };
        r.finish()?;
        Ok((digest, signed))
    };
    let (digest, signed) = read().map_err(|e| chunks.damaged(e))?;
    if digest != *expected {
        return Err(chunks.damaged("the digest is not that of what came before it"));
    }
    let Some((key, signature)) = signed else { return Ok((digest, None)) };
    let held = VerifyingKey::from_bytes(&key)
        .and_then(|known| known.verify_strict(&signed_bytes(&digest), &Signature::from_bytes(&signature)));
    held.map_err(|_| SnapshotError::Signature)?;
    Ok((digest, Some(key)))
}

type RawRow<'a> = (&'a [u8], &'a [u8]);

fn rows(payload: &[u8]) -> Result<(usize, Vec<RawRow<'_>>), WireError> {
    let mut r = Reader::new(payload);
    let at = r.u8("table")?;
    let table = TABLES.get(usize::from(at)).ok_or(WireError::Unknown { what: "table", got: at.into() })?;
    let (keys, values) = table.widths();
    let n = r.count(1, payload.len(), "rows")?;
    let mut column = |width, what| match width {
        Some(width) => r.take(width, what),
        None => r.bytes(MAX_CHUNK, what),
    };
    let rows =
        (0..n).map(|_| Ok((column(keys, "key")?, column(values, "value")?))).collect::<Result<_, _>>()?;
    r.finish()?;
    Ok((at.into(), rows))
}

/// What came is a ledger, it is the one that was announced, and nothing in it is taken on trust.
fn check(db: &Database, head: &Head, followed: &[ValidatorChange]) -> Result<(), SnapshotError> {
    let height = head.tip.height;
    let look = || -> Result<Option<&'static str>, Fault> {
        let state = load::state(db)?;
        if *state.tip() != head.tip {
            return Ok(Some("its last header is another"));
        }
        let tx = db.begin_read().map_err(fault(RESTORING))?;
        if changes(&tx, u64::MAX)? != followed {
            return Ok(Some("its changes of validators are others than those announced"));
        }
        deep_check::check(&tx, &state)?;
        Ok(None)
    };
    match look() {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(SnapshotError::State { height, what: what.to_owned() }),
        // Not our disk: what was sent.
        Err(Fault::Corrupt { what }) => Err(SnapshotError::State { height, what }),
        Err(fault) => Err(fault.into()),
    }
}

/// Chunks as they come, each checked by itself.
struct Chunks<'r> {
    from: &'r mut dyn Read,
    digest: Sha256,
    next: u64,
    bytes: u64,
}

impl Chunks<'_> {
    fn damaged(&self, what: impl ToString) -> SnapshotError {
        SnapshotError::Damaged { chunk: self.next.saturating_sub(1), what: what.to_string() }
    }

    /// `n` bytes; no more memory is allocated than has arrived.
    fn take(&mut self, n: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        let read = (&mut *self.from).take(n as u64).read_to_end(&mut bytes);
        read.map_err(|source| SnapshotError::Io { what: "reading the snapshot", source })?;
        if bytes.len() < n {
            let what = format!("the snapshot ends {} bytes too early", n - bytes.len());
            return Err(SnapshotError::Damaged { chunk: self.next, what });
        }
        self.digest.update(&bytes);
        self.bytes += n as u64;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let bytes = self.take(N)?;
        Ok(bytes.try_into().expect("so many were taken"))
    }

    fn begin(&mut self) -> Result<(), SnapshotError> {
        let tag = self.array::<{ TAG.len() }>();
        match tag {
            Ok(tag) if tag == *TAG => {}
            Ok(_) | Err(SnapshotError::Damaged { .. }) => return Err(SnapshotError::NotASnapshot),
            Err(other) => return Err(other),
        }
        match u32::from_le_bytes(self.array()?) {
            SNAPSHOT_VERSION => Ok(()),
            got => Err(SnapshotError::Version { known: SNAPSHOT_VERSION, got }),
        }
    }

    fn next(&mut self) -> Result<(u8, Vec<u8>), SnapshotError> {
        let [kind] = self.array()?;
        let got = u32::from_le_bytes(self.array()?) as usize;
        let most = match kind {
            HEAD => MAX_HEAD,
            CHANGE => MAX_CHANGE,
            END => END_BYTES,
            _ => MAX_CHUNK,
        };
        if got > most {
            let what = format!("{got} bytes, at most {most} are expected");
            return Err(SnapshotError::Damaged { chunk: self.next, what });
        }
        let payload = self.take(got)?;
        let hash: [u8; 32] = self.array()?;
        if chunk_hash(self.next, kind, &payload) != hash {
            let what = "its hash is another".to_owned();
            return Err(SnapshotError::Damaged { chunk: self.next, what });
        }
        self.next += 1;
        Ok((kind, payload))
    }

    fn expect(&mut self, kind: u8, most: usize) -> Result<Vec<u8>, SnapshotError> {
        let (got, payload) = self.next()?;
        if got == kind && payload.len() <= most {
            Ok(payload)
        } else {
            Err(self.damaged("another kind was expected"))
        }
    }

    fn finish(&mut self) -> Result<(), SnapshotError> {
        let mut more = Vec::new();
        let read = (&mut *self.from).take(1).read_to_end(&mut more);
        read.map_err(|source| SnapshotError::Io { what: "reading the snapshot", source })?;
        if more.is_empty() { Ok(()) } else { Err(self.damaged("bytes follow the end")) }
    }
}
