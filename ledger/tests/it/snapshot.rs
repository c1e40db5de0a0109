//! Snapshots: what comes back, and what a changed, forged or foreign one is refused for.

use crate::governed_store::governed;
use crate::store::{file, full};
use crate::world::*;
use amanat_domain::identity::RoleInner;
use amanat_domain::tx::Action;
use amanat_ledger::*;
use amanat_testkit::snapshot::{CHANGE, chunks, forge};
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) fn quiet(_: u64, _: u64) {}

pub(crate) fn snapshot(chain: &Chain) -> Vec<u8> {
    let mut bytes = Vec::new();
    let info = chain.write_snapshot(&mut bytes, |_| None, &mut quiet).expect("written");
    assert_eq!((info.bytes, info.height), (bytes.len() as u64, chain.status().tip.height));
    bytes
}

pub(crate) fn restore(path: &Path, genesis: &Genesis, bytes: &[u8]) -> Result<SnapshotInfo, SnapshotError> {
    Chain::restore(path, genesis, &mut &bytes[..], &RestoreOptions::default(), &mut quiet)
}

/// Refused, with nothing left behind.
pub(crate) fn refused(genesis: &Genesis, bytes: &[u8]) -> SnapshotError {
    let folder = tempfile::tempdir().expect("a folder");
    let error = restore(&folder.path().join("l"), genesis, bytes).expect_err("refused");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{error}");
    error
}

/// A ledger with validators and blocks. Gives its path.
pub(crate) fn certified(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("certified");
    let chain = Chain::create(file(&path), validated_genesis(4)).expect("new");
    for n in 1..=3 {
        let tx = enrol(&chain.genesis(), n).to_bytes();
        assert!(matches!(chain.admit(&tx, at(1)), Ok(Entered::Waiting(_))));
        let delta = chain.prepare_proposal(at(1)).expect("no fault");
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
    // The open proposal is decided on both, and the current validators certify it.
    for ledger in [&chain, &restored] {
        let tx = approve(&council(), COUNCIL[0], &open).to_bytes();
        assert!(matches!(ledger.admit(&tx, at(20)), Ok(Entered::Waiting(_))));
        let delta = ledger.prepare_proposal(at(20)).expect("no fault");
        let certificate = certify_council(&ledger.state().clone(), &delta.block().header);
        ledger.commit(delta, Some(&certificate)).expect("certified");
    }
    assert_eq!(restored.status().tip, chain.status().tip);
    // A ledger without a block has a snapshot, too.
    let (new, empty) = (folder.path().join("new"), folder.path().join("empty"));
    let chain = Chain::create(file(&new), validated_genesis(4)).expect("new");
    assert_eq!(restore(&empty, &chain.genesis(), &snapshot(&chain)).expect("restored").height, 0);
}

#[test]
fn credentials_that_came_and_went_are_counted_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("l");
    let chain = genesis();
    let (store, mut state) = Store::create(file(&path), chain.clone()).expect("new");
    let retire = |nonce, index| sign(&chain, HOSPITAL, nonce, Action::RetireRole { index });
    let again = |nonce, inner| {
        let inner = RoleInner::new(f(inner));
        sign(&chain, HOSPITAL, nonce, Action::IssueRole { role: nurse(), inner })
    };
    let blocks = [
        (at(1), vec![issue(&chain, 1), issue(&chain, 2)]),
        // Retired and issued again in one block, the first of an epoch; then issued and retired in
        // one.
        (epoch(1), vec![retire(1, 0), again(1, 1)]),
        (epoch(3), vec![again(2, 3), retire(2, 3)]),
        (epoch(3), vec![retire(3, 1), retire(4, 2)]),
        (epoch(4), vec![]),
        (epoch(5), vec![again(3, 2)]),
        (epoch(6), vec![]),
    ];
    for (time, txs) in &blocks {
        let delta = block(&state, *time, txs).expect("valid");
        store.commit(&delta, None).expect("written");
        state.commit(delta);
    }
    drop(store);
    let original = Chain::open(file(&path)).expect("good");
    let copy = folder.path().join("copy");
    restore(&copy, &chain, &snapshot(&original)).expect("restored");
    let restored = Chain::open(file(&copy)).expect("good");
    let counts: Vec<u64> = [0, 1, 3, 4, 5, 6]
        .map(|epoch| {
            let (ours, theirs) = (restored.bundle(epoch).expect("sealed"), state.bundle(epoch));
            assert_eq!(Some(&ours), theirs);
            ours.active.iter().map(|(_, _, n)| n).sum()
        })
        .into();
    assert_eq!(counts, [0, 2, 2, 0, 0, 1]);
}

/// Commits a block whenever bytes come.
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

    // Its genesis is checked before the operator's is compared: one that is not of its chain is
    // damage.
    let mut all = chunks(&bytes);
    all[0].1[0] ^= 1;
    assert!(matches!(refused(&genesis(), &forge(&all)), SnapshotError::Damaged { chunk: 0, .. }));

    let height = solo.status().tip.height;
    let copy = folder.path().join("copy");
    let demand = |at_least| RestoreOptions { at_least: Some(at_least), signed_by: None };
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
    let demands = RestoreOptions { at_least: None, signed_by: Some(ours) };
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
