//! Snapshots that were changed, cut or made up: with hashes that no longer hold, and with hashes
//! that do.

use crate::governed_store::governed;
use crate::snapshot::{certified, quiet, refused, snapshot};
use crate::store::{file, full};
use crate::world::*;
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::tx::Action;
use amanat_ledger::*;
use amanat_testkit::snapshot::{CHANGE, HEAD, ROWS, chunks, forge};
use ed25519_dalek::Signer;

/// Positions of tables in a snapshot.
const CERTIFICATES: u8 = 1;
const RECEIPTS: u8 = 2;
const NODES: u8 = 4;
const BUNDLES: u8 = 7;
const TABLES: u8 = 16;

/// The same with a change to the rows of one table; `edit` gives how many rows there are more or
/// fewer.
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
    // More subjects than opening checks: it samples a file that this machine wrote.
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
