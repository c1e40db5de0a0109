//! The file: what survives closing it, and what is refused on opening it.

use crate::world::*;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, Transaction};
use amanat_ledger::*;
use redb::ReadableTable;
use std::path::{Path, PathBuf};

pub(crate) fn file(path: &Path) -> Storage {
    Storage::File(path.to_path_buf())
}

fn meta() -> redb::TableDefinition<'static, &'static str, &'static [u8]> {
    redb::TableDefinition::new("meta")
}

/// Changes a ledger's file, which nobody has open.
pub(crate) fn damaged(path: &Path, damage: impl FnOnce(&redb::WriteTransaction)) {
    let db = redb::Database::open(path).expect("a database");
    let tx = db.begin_write().expect("a write");
    damage(&tx);
    tx.commit().expect("committed");
}

/// Why a file does not open. `name` says what is wrong with it.
pub(crate) fn corrupt(path: &Path, name: &str) -> Fault {
    match Store::open(file(path)) {
        Err(fault @ Fault::Corrupt { .. }) => fault,
        Err(other) => panic!("{name}: {other}"),
        Ok(_) => panic!("{name}: not found"),
    }
}

/// A ledger with something in every table. Gives its path and its transactions.
pub(crate) fn full(folder: &tempfile::TempDir) -> (PathBuf, Vec<Transaction>) {
    let path = folder.path().join("ledger.redb");
    let chain = genesis();
    let solo = Solo::create(file(&path), chain.clone()).expect("new");
    let mut all = Vec::new();
    let submit = |txs: Vec<Transaction>, now, all: &mut Vec<Transaction>| {
        for tx in &txs {
            solo.submit(&tx.to_bytes(), now).expect("committed");
        }
        all.extend(txs);
    };
    let keys = Statement::ALL.iter().map(|s| key(*s).install(&chain, 0)).collect();
    submit(keys, at(1), &mut all);
    let mut txs: Vec<Transaction> = (1..=9).map(|n| enrol(&chain, n)).collect();
    txs.extend((1..=5).map(|n| issue(&chain, n)));
    txs.extend((1..=5).map(|n| anchor(&chain, n, &[100 - n])));
    submit(txs, at(2), &mut all);
    solo.tick(epoch(1)).expect("no fault");
    let proofs = Statement::ALL.iter().map(|s| proof(&solo.state(), *s, *s as u64)).collect();
    submit(proofs, epoch(1), &mut all);
    let freeze = Action::FreezeKey { statement: Statement::Grant, key: key(Statement::Grant).digest };
    let retire = Action::RetireRole { index: 2 };
    submit(vec![sign(&chain, BOARD, 0, freeze), sign(&chain, HOSPITAL, 0, retire)], epoch(2), &mut all);
    (path, all)
}

#[test]
fn everything_is_there_after_closing_and_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, txs) = full(&folder);
    let mut replay = State::genesis(genesis());
    let solo = Solo::open(file(&path)).expect("a good file");
    let status = solo.status();
    for height in 1..=status.tip.height {
        let block = solo.block(height).expect("no fault").expect("there");
        let delta = process_proposal(&replay, &block, &unknown).expect("valid");
        replay.commit(delta);
    }
    let state = solo.state();
    assert_eq!(state.tip(), replay.tip());
    assert_eq!(state.commitments(), replay.commitments());
    for e in 0..=2 {
        assert_eq!(state.bundle(e), replay.bundle(e));
        assert_eq!(
            state.leaves_as_of(e, amanat_domain::bundle::Registry::Roles, 0, 99),
            replay.leaves_as_of(e, amanat_domain::bundle::Registry::Roles, 0, 99)
        );
        assert_eq!(state.revocations_as_of(e, 0, 99), replay.revocations_as_of(e, 0, 99));
    }
    for tx in &txs {
        assert_eq!(state.position(&tx.id()), replay.position(&tx.id()));
        // What was refused after the first time is refused after opening.
        assert!(matches!(refusal(&state, tx), Refusal::Conflict(Conflict::AlreadyCommitted { .. })));
        let proof = solo.inclusion(&tx.id()).expect("no fault").expect("committed");
        let header = solo.block(proof.receipt.height).expect("no fault").expect("there").header;
        assert_eq!(proof.verify(header.hash()), Ok(()));
    }
    drop(state);
    assert_eq!(solo.keys().iter().filter(|k| k.frozen_from.is_some()).count(), 1);
    assert!(solo.submit(&enrol(&genesis(), 1000).to_bytes(), epoch(2)).is_ok());
}

#[test]
fn two_processes_cannot_have_it_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let first = Store::open(file(&path)).expect("a good file");
    let second = Store::open(file(&path)).err().expect("refused");
    assert!(matches!(&second, Fault::Locked(p) if *p == path), "{second}");
    assert!(second.to_string().contains("in use by another process"));
    drop(first);
    assert!(Store::open(file(&path)).is_ok());
}

#[test]
fn a_missing_present_or_foreign_ledger_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    assert!(matches!(Store::open(file(&folder.path().join("none"))).err(), Some(Fault::Missing(_))));
    assert!(matches!(Store::create(file(&path), genesis()).err(), Some(Fault::Present(_))));
    let mut spec = spec();
    spec.chain = "other".into();
    let other = std::sync::Arc::new(Genesis::new(spec).expect("good"));
    let (expected, got) = (other.chain_id(), genesis().chain_id());
    let fault = Solo::open_or_create(&path, other).err().expect("refused");
    assert!(matches!(fault, Fault::OtherChain { expected: e, got: g } if (e, g) == (expected, got)));
}

#[test]
fn an_unfinished_creation_leaves_no_ledger_and_is_no_obstacle() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    std::fs::write(folder.path().join("ledger.redb.new"), b"cut short").expect("a file");
    assert!(matches!(Store::open(file(&path)).err(), Some(Fault::Missing(_))));
    assert!(Store::create(file(&path), genesis()).is_ok());
    assert!(!folder.path().join("ledger.redb.new").exists());
}

#[test]
fn another_format_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    for (format, word) in [(FORMAT + 1, "newer version"), (0, "older format")] {
        damaged(&path, |tx| {
            let mut table = tx.open_table(meta()).expect("there");
            table.insert("format", format.to_le_bytes().as_slice()).expect("written");
        });
        let fault = Store::open(file(&path)).err().expect("refused");
        assert!(fault.to_string().contains(word), "{fault}");
    }
}

#[test]
fn a_changed_row_of_any_table_is_found_on_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let pristine = std::fs::read(&path).expect("a file");
    type Damage = (&'static str, fn(&redb::WriteTransaction));
    let damages: [Damage; 14] = [
        ("a header", |tx| {
            let mut table =
                tx.open_table(redb::TableDefinition::<u64, &[u8]>::new("headers")).expect("there");
            let mut bytes = table.get(2).expect("read").expect("there").value().to_vec();
            bytes[60] ^= 1;
            table.insert(2, bytes.as_slice()).expect("written");
        }),
        ("the last header", |tx| {
            let mut table =
                tx.open_table(redb::TableDefinition::<u64, &[u8]>::new("headers")).expect("there");
            let last = { table.last().expect("read").expect("there").0.value() };
            table.remove(last).expect("removed");
        }),
        ("a leaf", |tx| {
            let name = redb::TableDefinition::<(u8, u8, u32), &[u8; 32]>::new("nodes");
            tx.open_table(name).expect("there").insert((0, 0, 3), &[1; 32]).expect("written");
        }),
        ("a missing node", |tx| {
            let name = redb::TableDefinition::<(u8, u8, u32), &[u8; 32]>::new("nodes");
            tx.open_table(name).expect("there").remove((4, 1, 0)).expect("removed");
        }),
        ("a nullifier", |tx| {
            let name = redb::TableDefinition::<&[u8; 32], u64>::new("nullifiers");
            tx.open_table(name).expect("there").pop_first().expect("removed");
        }),
        ("a nullifier in another's place", |tx| {
            let name = redb::TableDefinition::<&[u8; 32], u64>::new("nullifiers");
            let mut table = tx.open_table(name).expect("there");
            let height = table.pop_first().expect("removed").expect("one").1.value();
            table.insert(&[7; 32], height).expect("written");
        }),
        ("a context used by another transaction", |tx| {
            let name = redb::TableDefinition::<&[u8; 32], &[u8; 32]>::new("contexts");
            let mut table = tx.open_table(name).expect("there");
            let at = *table.first().expect("read").expect("one").0.value();
            table.insert(&at, &[7; 32]).expect("written");
        }),
        ("a receipt", |tx| {
            let mut table =
                tx.open_table(redb::TableDefinition::<u64, &[u8]>::new("receipts")).expect("there");
            let mut bytes = table.get(1).expect("read").expect("there").value().to_vec();
            // Behind count, id, height and position: the epoch.
            bytes[4 + 32 + 8 + 4] ^= 1;
            table.insert(1, bytes.as_slice()).expect("written");
        }),
        ("a transaction filed elsewhere", |tx| {
            let name = redb::TableDefinition::<&[u8; 32], (u64, u32)>::new("transactions");
            let mut table = tx.open_table(name).expect("there");
            let at = *table.first().expect("read").expect("one").0.value();
            table.insert(&at, (3, 9)).expect("written");
        }),
        ("a context", |tx| {
            let name = redb::TableDefinition::<&[u8; 32], &[u8; 32]>::new("contexts");
            tx.open_table(name).expect("there").pop_first().expect("removed");
        }),
        ("a revocation", |tx| {
            let name = redb::TableDefinition::<u32, &[u8; 64]>::new("revocations");
            tx.open_table(name).expect("there").remove(1).expect("removed");
        }),
        ("a thawed key", |tx| {
            let name = redb::TableDefinition::<(u8, &[u8; 32]), &[u8]>::new("keys");
            let mut table = tx.open_table(name).expect("there");
            let at = (1, &key(Statement::Grant).digest.0);
            let mut bytes = table.get(at).expect("read").expect("there").value().to_vec();
            bytes[8..16].fill(0);
            table.insert(at, bytes.as_slice()).expect("written");
        }),
        ("a bundle", |tx| {
            let mut table =
                tx.open_table(redb::TableDefinition::<u64, &[u8]>::new("bundles")).expect("there");
            let mut bytes = table.get(1).expect("read").expect("there").value().to_vec();
            bytes[50] ^= 1;
            table.insert(1, bytes.as_slice()).expect("written");
        }),
        ("a credential brought back", |tx| {
            let mut table =
                tx.open_table(redb::TableDefinition::<u32, &[u8]>::new("credentials")).expect("there");
            let mut bytes = table.get(2).expect("read").expect("there").value().to_vec();
            let at = bytes.len() - 8;
            bytes[at..].fill(0);
            table.insert(2, bytes.as_slice()).expect("written");
        }),
    ];
    for (name, damage) in damages {
        std::fs::write(&path, &pristine).expect("restored");
        damaged(&path, damage);
        let fault = corrupt(&path, name);
        assert!(fault.to_string().contains("restore"), "says what to do: {fault}");
    }
    std::fs::write(&path, &pristine).expect("restored");
    assert!(Store::open(file(&path)).is_ok());
}

#[test]
fn random_damage_to_the_file_never_panics_and_never_gives_another_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let pristine = std::fs::read(&path).expect("a file");
    let tip = *Store::open(file(&path)).expect("good").1.tip();
    let mut seed = 0x1234_5678_9abc_def0u64;
    let mut draw = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % n as u64) as usize
    };
    let mut refused = 0;
    for round in 0..60 {
        let mut bytes = pristine.clone();
        match round % 3 {
            0 => bytes.truncate(draw(pristine.len())),
            1 => {
                let at = draw(pristine.len() - 4096);
                bytes[at..at + 4096].fill(0);
            }
            _ => (0..20).for_each(|_| {
                let at = draw(pristine.len());
                bytes[at] ^= 1 << draw(8);
            }),
        }
        std::fs::write(&path, &bytes).expect("written");
        match Store::open(file(&path)) {
            // Damage in a page that is not in use, or in a body that is read when asked for.
            Ok((_, state)) => assert_eq!(*state.tip(), tip),
            Err(Fault::Corrupt { .. } | Fault::Io { .. } | Fault::Bug(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 20, "{refused}");
    std::fs::write(&path, b"not a database at all").expect("written");
    assert!(Store::open(file(&path)).is_err());
}

#[test]
fn a_changed_body_is_found_when_the_block_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    damaged(&path, |tx| {
        let bodies: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("blocks");
        let mut table = tx.open_table(bodies).expect("there");
        let other = table.get(8).expect("read").expect("there").value().to_vec();
        table.insert(9, other.as_slice()).expect("written");
    });
    let solo = Solo::open(file(&path)).expect("opening reads no bodies");
    assert!(solo.block(8).expect("no fault").is_some());
    assert!(matches!(solo.block(9), Err(Fault::Corrupt { .. })));
}
