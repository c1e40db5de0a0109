//! Snapshots: what comes back, and what a changed, forged or foreign one is refused for.

use crate::governed_store::governed;
use crate::store::{file, full};
use crate::world::*;
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::tx::Action;
use amanat_ledger::*;
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

const HEAD: u8 = 1;
const CHANGE: u8 = 2;
const ROWS: u8 = 3;
const END: u8 = 4;
/// Positions of tables in a snapshot.
const CERTIFICATES: u8 = 1;
const RECEIPTS: u8 = 2;
const NODES: u8 = 4;
const BUNDLES: u8 = 7;
const TABLES: u8 = 16;

fn quiet(_: u64, _: u64) {}

fn snapshot(chain: &Chain) -> Vec<u8> {
    let mut bytes = Vec::new();
    let info = chain.write_snapshot(&mut bytes, |_| None, &mut quiet).expect("written");
    assert_eq!((info.bytes, info.height), (bytes.len() as u64, chain.status().tip.height));
    bytes
}

fn restore(path: &Path, genesis: &Genesis, bytes: &[u8]) -> Result<SnapshotInfo, SnapshotError> {
    Chain::restore(path, genesis, &mut &bytes[..], &Demands::default(), &mut quiet)
}

/// Refused, with nothing left behind.
fn refused(genesis: &Genesis, bytes: &[u8]) -> SnapshotError {
    let folder = tempfile::tempdir().expect("a folder");
    let error = restore(&folder.path().join("l"), genesis, bytes).expect_err("refused");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{error}");
    error
}

/// The chunks of a snapshot: kind and payload.
fn chunks(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut rest = &bytes[19..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[1..5].try_into().expect("four")) as usize;
        all.push((rest[0], rest[5..5 + length].to_vec()));
        rest = &rest[5 + length + 32..];
    }
    all
}

/// A snapshot of these chunks, with hashes that hold: what whoever knows the format can make.
fn forge(chunks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"amanat/snapshot\x01\0\0\0".to_vec();
    for (index, (kind, payload)) in (0u64..).zip(chunks) {
        let mut payload = payload.clone();
        if *kind == END {
            payload[..32].copy_from_slice(&Sha256::digest(&bytes));
        }
        bytes.push(*kind);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(&payload);
        let hash = Sha256::new()
            .chain_update(b"amanat/snapshot-chunk/v1")
            .chain_update(index.to_le_bytes())
            .chain_update([*kind])
            .chain_update((payload.len() as u64).to_le_bytes())
            .chain_update(&payload);
        bytes.extend(hash.finalize());
    }
    bytes
}

/// The same with a change to the rows of one table; `edit` gives how many rows there are more or fewer.
fn forged_rows(bytes: &[u8], table: u8, edit: impl FnOnce(&mut Vec<u8>) -> i64) -> Vec<u8> {
    let mut all = chunks(bytes);
    let at = all.iter().position(|(kind, payload)| *kind == ROWS && payload[0] == table).expect("there");
    let more = edit(&mut all[at].1);
    let count = u32::from_le_bytes(all[at].1[1..5].try_into().expect("four"));
    all[at].1[1..5].copy_from_slice(&((i64::from(count) + more) as u32).to_le_bytes());
    announce(&mut all, more);
    forge(&all)
}

/// Changes the number of rows in the head.
fn announce(all: &mut [(u8, Vec<u8>)], more: i64) {
    let head = &mut all[0].1;
    let at = head.len() - 8;
    let rows = u64::from_le_bytes(head[at..].try_into().expect("eight"));
    head[at..].copy_from_slice(&rows.saturating_add_signed(more).to_le_bytes());
}

/// A ledger with validators and blocks. Gives its path.
fn certified(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("certified");
    let chain = Chain::create(file(&path), validated_genesis(4)).expect("new");
    for n in 1..=3 {
        let tx = enrol(&chain.genesis(), n).to_bytes();
        assert!(matches!(chain.admit(&tx, at(1)), Ok(Entered::Waiting(_))));
        let delta = chain.propose(at(1)).expect("no fault");
        let certificate = certify(&delta.block().header, 0, &[0, 1, 2]);
        chain.commit(delta, Some(&certificate)).expect("certified");
    }
    path
}

#[test]
fn a_restored_ledger_is_the_same_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, txs) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    let mut bytes = Vec::new();
    let mut heard = Vec::new();
    let written = solo.write_snapshot(&mut bytes, |_| None, &mut |done, of| heard.push((done, of)));
    let written = written.expect("written");
    assert_eq!(heard.last(), Some(&(written.rows, written.rows)));

    let copy = folder.path().join("copy");
    let info = restore(&copy, &genesis(), &bytes).expect("restored");
    assert_eq!(info, written);
    let restored = Solo::open(file(&copy)).expect("a good ledger");
    let tip = solo.status().tip;
    assert_eq!((info.block, info.app_hash), (tip.hash(), tip.app_hash));
    assert_eq!(restored.status(), solo.status());
    assert_eq!(restored.state().commitments(), solo.state().commitments());
    for e in 0..=2 {
        assert_eq!(restored.bundle(e), solo.bundle(e));
    }
    assert_eq!(restored.history_from(), tip.height + 1);
    for tx in &txs {
        let proof = restored.inclusion(&tx.id()).expect("no fault").expect("committed");
        assert_eq!(Some(&proof), solo.inclusion(&tx.id()).expect("no fault").as_ref());
        let gone = restored.block(proof.receipt.height);
        assert!(matches!(gone, Err(Fault::Pruned { .. })));
        assert!(matches!(
            refusal(&restored.state(), tx),
            Refusal::Conflict(Conflict::AlreadyCommitted { .. })
        ));
    }
    // One state, one snapshot.
    assert_eq!(snapshot(&restored), bytes);
    // Both go on alike.
    let next = enrol(&genesis(), 1000).to_bytes();
    for ledger in [&solo, &restored] {
        assert!(ledger.submit(&next, epoch(2)).is_ok());
    }
    assert_eq!(restored.status().tip, solo.status().tip);
    assert_eq!(
        restored.block(tip.height + 1).expect("no fault"),
        solo.block(tip.height + 1).expect("no fault")
    );
}

#[test]
fn the_format_is_pinned() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let bytes = snapshot(&Solo::open(file(&path)).expect("good"));
    assert!(bytes.starts_with(b"amanat/snapshot\x01\0\0\0\x01"));
    let parts = chunks(&bytes);
    assert_eq!(forge(&parts), bytes);
    assert_eq!(parts.last().expect("an end").1[..32], *Sha256::digest(&bytes[..bytes.len() - 33 - 5 - 32]));
    let digest = hex::encode(&parts.last().expect("an end").1[..32]);
    assert_eq!(digest, PINNED, "another digest is another format: SNAPSHOT_VERSION must change with it");
}

const PINNED: &str = "c6d83663fb89cc873a26bdf1596e7ae45bb45b7a7f1167a44e062df1989ecba9";

#[test]
fn a_ledger_with_validators_is_restored_with_every_change_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, state, open) = governed(&folder);
    let chain = Chain::open(file(&path)).expect("good");
    let bytes = snapshot(&chain);
    assert!(chunks(&bytes).iter().any(|(kind, _)| *kind == CHANGE), "validators changed");
    let copy = folder.path().join("copy");
    restore(&copy, &council(), &bytes).expect("restored");
    let restored = Chain::open(file(&copy)).expect("good");
    assert_eq!(restored.state().tip(), state.tip());
    assert_eq!(restored.state().proposals(), state.proposals());
    assert_eq!(restored.state().validators(), state.validators());
    for height in 1..=state.tip().height {
        for receipt in restored.receipts_of(height).expect("no fault").expect("there") {
            let evidence = restored.evidence(&receipt.txid).expect("no fault");
            assert!(evidence.is_some());
            assert_eq!(evidence, chain.evidence(&receipt.txid).expect("no fault"));
        }
    }
    // The open proposal is decided on both, and those who agree now certify it.
    for ledger in [&chain, &restored] {
        let tx = approve(&council(), COUNCIL[0], &open).to_bytes();
        assert!(matches!(ledger.admit(&tx, at(20)), Ok(Entered::Waiting(_))));
        let delta = ledger.propose(at(20)).expect("no fault");
        let certificate = certify_council(&ledger.state().clone(), &delta.block().header);
        ledger.commit(delta, Some(&certificate)).expect("certified");
    }
    assert_eq!(restored.status().tip, chain.status().tip);
    // A ledger without a block has a snapshot, too.
    let (new, empty) = (folder.path().join("new"), folder.path().join("empty"));
    let chain = Chain::create(file(&new), validated_genesis(4)).expect("new");
    assert_eq!(restore(&empty, &chain.genesis(), &snapshot(&chain)).expect("restored").height, 0);
}

/// Commits a block when the first bytes come.
struct Meanwhile<'a> {
    solo: &'a Solo,
    bytes: Vec<u8>,
}

impl Write for Meanwhile<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = 1000 + self.bytes.len() as u64;
        let tx = enrol(&genesis(), n).to_bytes();
        assert!(self.solo.submit(&tx, epoch(2)).is_ok());
        self.bytes.extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_snapshot_is_of_one_moment_though_blocks_are_committed_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    let tip = solo.status().tip;
    let before = snapshot(&solo);
    let mut out = Meanwhile { solo: &solo, bytes: Vec::new() };
    let info = solo.write_snapshot(&mut out, |_| None, &mut quiet).expect("written");
    assert_eq!((info.height, info.block), (tip.height, tip.hash()));
    assert_eq!(out.bytes, before);
    assert!(solo.status().tip.height > tip.height + 20);
}

#[test]
fn every_changed_byte_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    let mut signed = Vec::new();
    let key = signer(7);
    let sign = |digest: &[u8; 32]| {
        let (key, signature) = (key.verifying_key().to_bytes(), key.sign(digest).to_bytes());
        Some(SnapshotSignature { key, signature })
    };
    solo.write_snapshot(&mut signed, sign, &mut quiet).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _, _) = governed(&folder);
    let certified = snapshot(&Chain::open(file(&path)).expect("good"));
    for (genesis, bytes) in [(genesis(), signed), (council(), certified)] {
        // All of the beginning and of the end, and then some.
        let all = (0..bytes.len()).filter(|i| *i < 64 || *i + 240 > bytes.len() || i % 97 == 0);
        let tried: Vec<usize> = all.collect();
        for at in &tried {
            let mut changed = bytes.clone();
            changed[*at] ^= 1 << (at % 8);
            refused(&genesis, &changed);
        }
        assert!(tried.len() > 400, "{} of {}", tried.len(), bytes.len());
    }
}

#[test]
fn a_snapshot_cut_short_or_long_or_out_of_order_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = Chain::open(file(&certified(&folder))).expect("good");
    let (bytes, genesis) = (snapshot(&chain), chain.genesis());
    for n in (0..bytes.len()).step_by(37).chain([bytes.len() - 1]) {
        refused(&genesis, &bytes[..n]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let error = refused(&genesis, &longer);
    assert!(error.to_string().contains("bytes follow the end"), "{error}");
    refused(&genesis, &[&bytes[..], &bytes[..]].concat());
    // Chunks as they are, in another order, one missing, one twice: their own hashes no longer fit.
    let bounds: Vec<(usize, usize)> = chunks(&bytes)
        .iter()
        .scan(19, |at, (_, payload)| {
            let begin = *at;
            *at += 5 + payload.len() + 32;
            Some((begin, *at))
        })
        .collect();
    let piece = |i: usize| &bytes[bounds[i].0..bounds[i].1];
    let whole = |order: &[usize]| {
        let mut all = bytes[..19].to_vec();
        order.iter().for_each(|i| all.extend(piece(*i)));
        all
    };
    let order: Vec<usize> = (0..bounds.len()).collect();
    assert_eq!(whole(&order), bytes);
    for i in 0..bounds.len() - 1 {
        let (mut swapped, mut missing, mut twice) = (order.clone(), order.clone(), order.clone());
        swapped.swap(i, i + 1);
        missing.remove(i);
        twice.insert(i, i);
        for order in [swapped, missing, twice] {
            refused(&genesis, &whole(&order));
        }
    }
}

#[test]
fn chunks_of_any_length_and_noise_are_refused_and_take_no_memory() {
    let genesis = genesis();
    for kind in 0..=255u8 {
        let mut bytes = b"amanat/snapshot\x01\0\0\0".to_vec();
        bytes.push(kind);
        bytes.extend(u32::MAX.to_le_bytes());
        let error = refused(&genesis, &bytes);
        assert!(error.to_string().contains("at most"), "{error}");
    }
    // Announced and not sent: as much is taken as comes.
    let mut bytes = b"amanat/snapshot\x01\0\0\0\x03".to_vec();
    bytes.extend((200u32 << 20).to_le_bytes());
    bytes.extend([0; 100]);
    assert!(refused(&genesis, &bytes).to_string().contains("too early"));
    let mut seed = 9u64;
    for n in 0..200 {
        let mut noise = b"amanat/snapshot\x01\0\0\0"[..n % 20].to_vec();
        for _ in 0..n {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            noise.push((seed >> 56) as u8);
        }
        refused(&genesis, &noise);
    }
}

fn state_refused(genesis: &Genesis, bytes: &[u8]) -> String {
    match refused(genesis, bytes) {
        SnapshotError::State { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn a_forged_state_is_refused_though_every_hash_of_the_file_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    // So many subjects that opening a file of our own looks only at some of them.
    let subjects = (0..1000).map(|n| SubjectCommitment::new(f(5000 + n))).collect();
    let many = sign(&genesis(), HOSPITAL, 1, Action::Enrol(subjects));
    solo.submit(&many.to_bytes(), epoch(2)).expect("committed");
    let bytes = snapshot(&solo);
    let genesis = genesis();
    // A leaf: registry, level, index, value.
    let leaf = |index: u32| {
        forged_rows(&bytes, NODES, |rows| {
            let row = 5 + index as usize * (6 + 32);
            assert_eq!(rows[row..row + 6], [&[0, 0][..], &index.to_le_bytes()].concat());
            rows[row + 6] ^= 1;
            0
        })
    };
    for index in [0, 5, 6, 500, 998] {
        let what = state_refused(&genesis, &leaf(index));
        assert!(what.contains("subjects"), "{what}");
    }
    // What a bundle hid its provers among: the last count of the last bundle.
    let what = state_refused(
        &genesis,
        &forged_rows(&bytes, BUNDLES, |rows| {
            let at = rows.len() - 8;
            rows[at] ^= 2;
            0
        }),
    );
    assert!(what.contains("bundle 2"), "{what}");
    // In which block it was sealed.
    let what = state_refused(
        &genesis,
        &forged_rows(&bytes, BUNDLES, |rows| {
            let height = 5 + 8 + 4 + 8 + 8 + 5 * 40;
            rows[height] ^= 1;
            0
        }),
    );
    assert!(what.contains("bundle 0"), "{what}");
    // Receipts of a block under another's height: the last and the one before change places.
    let what = state_refused(
        &genesis,
        &forged_rows(&bytes, RECEIPTS, |rows| {
            let starts: Vec<usize> = row_starts(rows, 8);
            let (a, b) = (starts[starts.len() - 2], starts[starts.len() - 1]);
            let last = rows.split_off(b);
            let before = rows.split_off(a);
            let with = |key: &[u8], row: &[u8]| [key, &row[8..]].concat();
            rows.extend(with(&before[..8], &last));
            rows.extend(with(&last[..8], &before));
            0
        }),
    );
    assert!(what.contains("receipt") || what.contains("transaction"), "{what}");
}

/// Where the rows of a chunk begin: keys of a width, values with their length.
fn row_starts(rows: &[u8], key: usize) -> Vec<usize> {
    let (mut at, mut starts) = (5, Vec::new());
    while at < rows.len() {
        starts.push(at);
        let length = u32::from_le_bytes(rows[at + key..at + key + 4].try_into().expect("four"));
        at += key + 4 + length as usize;
    }
    starts
}

#[test]
fn a_table_that_is_missing_doubled_or_out_of_order_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let bytes = snapshot(&Solo::open(file(&path)).expect("good"));
    tables_refused(&genesis(), &bytes, 11);
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _, _) = governed(&folder);
    tables_refused(&council(), &snapshot(&Chain::open(file(&path)).expect("good")), 9);
}

/// Breaks each table of a snapshot; `least` says how many there are at least.
fn tables_refused(genesis: &Genesis, bytes: &[u8], least: usize) {
    let all = chunks(bytes);
    let rows = |payload: &[u8]| i64::from(u32::from_le_bytes(payload[1..5].try_into().expect("four")));
    let mut tables = 0;
    for (at, (kind, payload)) in all.iter().enumerate() {
        if *kind != ROWS {
            continue;
        }
        tables += 1;
        let mut missing = all.clone();
        missing.remove(at);
        let error = refused(genesis, &forge(&missing));
        assert!(error.to_string().contains("were announced"), "{error}");
        announce(&mut missing, -rows(payload));
        assert!(
            matches!(refused(genesis, &forge(&missing)), SnapshotError::State { .. }),
            "table {}",
            payload[0]
        );
        let mut twice = all.clone();
        twice.insert(at, (*kind, payload.clone()));
        announce(&mut twice, rows(payload));
        let error = refused(genesis, &forge(&twice));
        assert!(error.to_string().contains("not in order"), "{error}");
        let mut later = all.clone();
        later.swap(at, at + 1);
        let error = refused(genesis, &forge(&later));
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
        // Rows that are none: an unknown table, a count that is not theirs, a byte too many.
        for edit in [
            (|p: &mut Vec<u8>| p[0] = TABLES) as fn(&mut Vec<u8>),
            |p| p[1] += 1,
            |p| p[1..5].fill(0xff),
            |p| p[1..5].fill(0),
            |p| p.push(0),
            |p| p.truncate(3),
        ] {
            let mut odd = all.clone();
            edit(&mut odd[at].1);
            let error = refused(genesis, &forge(&odd));
            assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
        }
    }
    assert!(tables >= least, "{tables}");
    // A value without its last byte, in each table that has such: whatever reads it says no.
    for table in 0..TABLES {
        let there = all.iter().any(|(kind, payload)| *kind == ROWS && payload[0] == table);
        if !there || [3, NODES, 5, 8, 9].contains(&table) {
            continue;
        }
        let key = [8, 8, 8, 0, 0, 0, 4, 8, 0, 0, 33, 32, 0, 8, 8, 32][usize::from(table)];
        let short = forged_rows(bytes, table, |rows| {
            let last = *row_starts(rows, key).last().expect("one");
            let length = u32::from_le_bytes(rows[last + key..last + key + 4].try_into().expect("four")) - 1;
            rows[last + key..last + key + 4].copy_from_slice(&length.to_le_bytes());
            rows.pop();
            0
        });
        state_refused(genesis, &short);
    }
}

#[test]
fn the_validators_of_the_genesis_must_stand_behind_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = Chain::open(file(&certified(&folder))).expect("good");
    let (bytes, genesis) = (snapshot(&chain), chain.genesis());
    let all = chunks(&bytes);
    // The head ends with: signatures of 96 bytes each behind their number, changes (4), rows (8).
    let edited = |edit: fn(&mut Vec<u8>)| {
        let mut all = all.clone();
        assert_eq!(all[0].0, HEAD);
        edit(&mut all[0].1);
        refused(&genesis, &forge(&all))
    };
    let few = edited(|head| {
        let end = head.len() - 12;
        head.drain(end - 96..end);
        let count = end - 3 * 96 - 4;
        head[count] = 2;
    });
    assert!(matches!(few, SnapshotError::Light(_)) && few.to_string().contains("quorum"), "{few}");
    let other = edited(|head| {
        let at = head.len() - 12 - 10;
        head[at] ^= 1;
    });
    assert!(matches!(other, SnapshotError::Light(_)), "{other}");
    let none = edited(|head| {
        let end = head.len() - 12;
        let certificate = end - (8 + 4 + 32 + 4 + 3 * 96);
        head.drain(certificate..end);
        head[certificate - 1] = 0;
    });
    assert!(matches!(none, SnapshotError::Uncertified { height: 3 }), "{none}");
    let app_hash = edited(|head| {
        let certificate = head.len() - 12 - (8 + 4 + 32 + 4 + 3 * 96) - 1;
        head[certificate - 1] ^= 1;
    });
    assert!(matches!(app_hash, SnapshotError::Light(_)), "{app_hash}");
    // A certificate of an earlier block in the rows: every one of them is verified.
    let what = state_refused(
        &genesis,
        &forged_rows(&bytes, CERTIFICATES, |rows| {
            rows[5 + 8 + 4 + 8 + 4 + 32 + 4 + 32] ^= 1;
            0
        }),
    );
    assert!(what.contains("certificate of block 1"), "{what}");
}

#[test]
fn a_change_of_validators_may_not_be_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _, _) = governed(&folder);
    let bytes = snapshot(&Chain::open(file(&path)).expect("good"));
    let all = chunks(&bytes);
    let at = all.iter().position(|(kind, _)| *kind == CHANGE).expect("validators changed");
    let mut left_out = all.clone();
    left_out.remove(at);
    let error = refused(&council(), &forge(&left_out));
    assert!(matches!(error, SnapshotError::Damaged { .. }), "announced: {error}");
    let head = &mut left_out[0].1;
    let count = head.len() - 12;
    head[count] -= 1;
    let error = refused(&council(), &forge(&left_out));
    let found = matches!(&error, SnapshotError::Light(_))
        || matches!(&error, SnapshotError::State { what, .. } if what.contains("changes of validators"));
    assert!(found, "{error}");
    for edit in [5, 300, all[at].1.len() - 1] {
        let mut changed = all.clone();
        changed[at].1[edit] ^= 1;
        let error = refused(&council(), &forge(&changed));
        assert!(matches!(error, SnapshotError::Light(_) | SnapshotError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_foreign_wrong_old_or_newer_snapshot_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    let bytes = snapshot(&solo);
    let with = |edit: fn(&mut GenesisSpec)| {
        let mut spec = spec();
        edit(&mut spec);
        Genesis::new(spec).expect("good")
    };
    let foreign = refused(&with(|spec| spec.chain = "other".into()), &bytes);
    let (expected, got) = (with(|spec| spec.chain = "other".into()).chain_id(), genesis().chain_id());
    assert!(
        matches!(foreign, SnapshotError::ForeignChain { expected: e, got: g } if (e, g) == (expected, got)),
        "{foreign}"
    );
    let wrong = refused(&with(|spec| spec.epoch_seconds += 1), &bytes);
    assert!(matches!(&wrong, SnapshotError::OtherGenesis { name, .. } if name == "test"), "{wrong}");
    assert!(wrong.to_string().contains("Compare the genesis file"), "{wrong}");

    let mut newer = bytes.clone();
    newer[15] = 2;
    assert!(matches!(refused(&genesis(), &newer), SnapshotError::Version { known: 1, got: 2 }));
    assert!(matches!(
        refused(&genesis(), b"PK\x03\x04 something else altogether"),
        SnapshotError::NotASnapshot
    ));
    assert!(matches!(refused(&genesis(), b""), SnapshotError::NotASnapshot));

    // Its genesis is checked before the operator's is compared: one that is not of its chain is damage.
    let mut all = chunks(&bytes);
    all[0].1[0] ^= 1;
    assert!(matches!(refused(&genesis(), &forge(&all)), SnapshotError::Damaged { chunk: 0, .. }));

    let height = solo.status().tip.height;
    let copy = folder.path().join("copy");
    let demand = |at_least| Demands { at_least: Some(at_least), signed_by: None };
    let stale = Chain::restore(&copy, &genesis(), &mut &bytes[..], &demand(height + 1), &mut quiet);
    assert!(
        matches!(stale, Err(SnapshotError::Stale { at_least, got }) if (at_least, got) == (height + 1, height))
    );
    assert!(!copy.exists());
    // What a restoration that was cut short left behind is no obstacle; a ledger is.
    std::fs::write(folder.path().join("copy.restoring"), b"cut short").expect("written");
    Chain::restore(&copy, &genesis(), &mut &bytes[..], &demand(height), &mut quiet).expect("restored");
    assert!(!folder.path().join("copy.restoring").exists());
    let before = std::fs::read(&copy).expect("a file");
    let present = restore(&copy, &genesis(), &bytes);
    assert!(matches!(present, Err(SnapshotError::Fault(Fault::Present(p))) if p == copy));
    assert_eq!(std::fs::read(&copy).expect("a file"), before);
}

#[test]
fn a_signature_can_be_demanded_and_must_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    let (operator, stranger) = (signer(7), signer(8));
    let signed = |by: &ed25519_dalek::SigningKey| {
        let mut bytes = Vec::new();
        let sign = |digest: &[u8; 32]| {
            let (key, signature) = (by.verifying_key().to_bytes(), by.sign(digest).to_bytes());
            Some(SnapshotSignature { key, signature })
        };
        let info = solo.write_snapshot(&mut bytes, sign, &mut quiet).expect("written");
        assert_eq!(info.signed_by, Some(by.verifying_key().to_bytes()));
        bytes
    };
    let ours = operator.verifying_key().to_bytes();
    let demands = Demands { at_least: None, signed_by: Some(ours) };
    let copy = folder.path().join("copy");
    let restore = |bytes: &[u8]| Chain::restore(&copy, &genesis(), &mut &bytes[..], &demands, &mut quiet);
    let unsigned = snapshot(&solo);
    let refused = restore(&unsigned).expect_err("nobody signed");
    assert!(refused.to_string().contains("nobody signed it"), "{refused}");
    let theirs = stranger.verifying_key().to_bytes();
    let refused = restore(&signed(&stranger)).expect_err("another signed");
    assert!(
        matches!(refused, SnapshotError::SignedByAnother { got: Some(key), .. } if key == theirs),
        "{refused}"
    );
    // The stranger's signature under the operator's name.
    let mut all = chunks(&signed(&stranger));
    let end = all.last_mut().expect("an end");
    end.1[33..65].copy_from_slice(&ours);
    assert!(matches!(restore(&forge(&all)), Err(SnapshotError::Signature)));
    // A signature of another state.
    let bytes = signed(&operator);
    solo.submit(&enrol(&genesis(), 1000).to_bytes(), epoch(2)).expect("committed");
    let mut other = chunks(&signed(&operator));
    other.last_mut().expect("an end").1 = chunks(&bytes).pop().expect("an end").1;
    assert!(matches!(restore(&forge(&other)), Err(SnapshotError::Signature)));
    assert_eq!(restore(&bytes).expect("restored").signed_by, Some(ours));
}

#[test]
fn a_writer_that_fails_leaves_the_ledger_in_order() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let chain = Chain::open(file(&certified(&folder))).expect("good");
    let failed = chain.write_snapshot(&mut Full, |_| None, &mut quiet).expect_err("no space");
    assert!(matches!(failed, SnapshotError::Io { what: "writing the snapshot", .. }), "{failed}");
    assert!(!chain.status().broken, "the ledger is in order");
    assert!(!snapshot(&chain).is_empty());
}
