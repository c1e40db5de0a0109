//! A ledger with validators: certificates beside blocks, and what was proposed and is not decided.

use crate::store::{corrupt, damaged, file};
use crate::world::*;
use amanat_domain::quorum::Certificate;
use amanat_ledger::*;
use redb::ReadableTable;
use std::path::PathBuf;
use std::sync::Arc;

fn new(folder: &tempfile::TempDir) -> (PathBuf, Chain) {
    let path = folder.path().join("ledger.redb");
    let chain = Chain::create(file(&path), validated_genesis(4)).expect("new");
    (path, chain)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A block with one enrolment, as a validator proposes it.
fn proposed(chain: &Chain, subject: u64) -> Delta {
    let tx = enrol(&chain.genesis(), subject).to_bytes();
    assert!(matches!(chain.admit(&tx, at(1)), Ok(Entered::Waiting(_))));
    chain.prepare_proposal(at(1)).expect("no fault")
}

/// Three blocks, each signed by another quorum.
fn three(folder: &tempfile::TempDir) -> PathBuf {
    let (path, chain) = new(folder);
    for (n, quorum) in (1..).zip([[0, 1, 2], [1, 2, 3], [0, 2, 3]]) {
        let delta = proposed(&chain, n);
        let certificate = certify(&delta.block().header, n as u32, &quorum);
        assert_eq!(chain.commit(delta, Some(&certificate)).expect("certified").height, n);
    }
    path
}

fn uncertified(outcome: Result<Header, Arc<Fault>>) -> String {
    match outcome.as_ref().map_err(|fault| &**fault) {
        Err(Fault::Uncertified { reason, .. }) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_comes_back_as_it_was_given() {
    let folder = folder();
    let path = three(&folder);
    let chain = Chain::open(file(&path)).expect("a good file");
    let genesis = chain.genesis();
    let validators = &genesis.validators().expect("four").set;
    for height in 1..=3 {
        let header = chain.block(height).expect("no fault").expect("there").header;
        let certificate = chain.certificate(height).expect("no fault").expect("there");
        assert_eq!((certificate.block, certificate.round), (header.hash().0, height as u32));
        assert_eq!(certificate.verify(genesis.chain_id(), validators), Ok(()));
    }
    assert_eq!(chain.certificate(0).expect("no fault"), None);
    assert_eq!(chain.certificate(4).expect("no fault"), None);
}

#[test]
fn a_block_without_a_quorum_of_its_own_is_not_committed() {
    let folder = folder();
    let (path, chain) = new(&folder);
    let header = proposed(&chain, 1).block().header;
    let again = || chain.prepare_proposal(at(1)).expect("no fault");
    let good = certify(&header, 0, &[0, 1, 2]);
    assert_eq!(uncertified(chain.commit(proposed(&chain, 2), None)), "there is none");
    let mut other = header;
    other.time = at(2);
    let bad: [(Certificate, &str); 3] = [
        (certify(&header, 0, &[0, 1]), "a quorum is 3"),
        (certify(&other, 0, &[0, 1, 2]), "it is for block"),
        (Certificate { round: 1, ..good.clone() }, "is not under a precommit"),
    ];
    for (certificate, why) in bad {
        let delta = proposed(&chain, 1);
        assert_eq!(delta.block().header, header);
        let reason = uncertified(chain.commit(delta, Some(&certificate)));
        assert!(reason.contains(why), "{reason}");
    }
    assert_eq!(chain.status().tip.height, 0);
    assert!(!chain.status().broken, "nothing was written");
    let delta = proposed(&chain, 1);
    assert!(chain.commit(delta, Some(&good)).is_ok());
    // What follows another block than the tip is a bug of the engine.
    let (one, two) = (again(), again());
    let certificate = certify(&one.block().header, 0, &[1, 2, 3]);
    assert!(chain.commit(one, Some(&certificate)).is_ok());
    let fault = chain.commit(two, Some(&certificate)).expect_err("refused");
    assert!(matches!(*fault, Fault::Bug(_)), "{fault}");
    drop(chain);
    assert_eq!(Chain::open(file(&path)).expect("good").status().tip.height, 2);
}

#[test]
fn engines_refuse_a_genesis_that_is_not_for_them() {
    let folder = folder();
    let (path, chain) = new(&folder);
    drop(chain);
    assert!(matches!(Solo::open(file(&path)).err(), Some(Fault::ManyValidators { validators: 4 })));
    let other = folder.path().join("other");
    let refused = Solo::create(file(&other), validated_genesis(1)).err();
    assert!(matches!(refused, Some(Fault::ManyValidators { validators: 1 })));
    assert!(!other.exists(), "no file is left behind");
    // Nobody can certify a block of a ledger without validators.
    let chain = Chain::create(file(&other), genesis()).expect("new");
    let delta = proposed(&chain, 1);
    let certificate = certify(&delta.block().header, 0, &[0, 1, 2]);
    assert!(uncertified(chain.commit(delta, Some(&certificate))).contains("no validators"));
}

#[test]
fn what_was_proposed_survives_reopening_and_goes_when_its_height_is_decided() {
    let folder = folder();
    let (path, chain) = new(&folder);
    let first = proposed(&chain, 1);
    let second = proposed(&chain, 2);
    let mut far = second.block().clone();
    far.header.height = 7;
    for (block, round, note) in
        [(first.block(), 0, &b"a"[..]), (second.block(), 1, b"b"), (first.block(), 2, b"c"), (&far, 0, b"d")]
    {
        chain.keep(block, round, note).expect("no fault");
    }
    chain.keep(first.block(), 0, b"another note").expect("no fault");
    let (one, two) = (first.block().header.hash(), second.block().header.hash());
    let far_hash = far.header.hash();
    let body = first.block().clone();
    drop(chain);

    let chain = Chain::open(file(&path)).expect("a good file");
    assert_eq!(chain.undecided(1, one).expect("no fault"), Some(body));
    assert_eq!(chain.undecided(1, BlockHash([9; 32])).expect("no fault"), None);
    let kept: Vec<_> =
        chain.proposals(1).expect("no fault").into_iter().map(|p| (p.round, p.block, p.note)).collect();
    assert_eq!(kept, [(0, one, b"a".to_vec()), (1, two, b"b".to_vec()), (2, one, b"c".to_vec())]);
    let certificate = certify(&second.block().header, 1, &[0, 1, 3]);
    let delta = chain.process_proposal(second.block()).expect("valid");
    chain.commit(delta, Some(&certificate)).expect("certified");
    for hash in [one, two] {
        assert_eq!(chain.undecided(1, hash).expect("no fault"), None);
    }
    assert_eq!(chain.proposals(1).expect("no fault"), []);
    assert_eq!(chain.undecided(7, far_hash).expect("no fault"), Some(far));
    assert_eq!(chain.proposals(7).expect("no fault").len(), 1);
}

#[test]
fn a_damaged_certificate_is_found_on_opening() {
    let folder = folder();
    let path = three(&folder);
    let pristine = std::fs::read(&path).expect("a file");
    type Table<'a> = redb::Table<'a, u64, &'static [u8]>;
    type Damage = (&'static str, fn(&mut Table<'_>));
    fn change(table: &mut Table<'_>, height: u64, change: fn(&mut Vec<u8>)) {
        let mut bytes = table.remove(height).expect("read").expect("there").value().to_vec();
        change(&mut bytes);
        table.insert(height, bytes.as_slice()).expect("written");
    }
    let damages: [Damage; 6] = [
        ("missing", |t| drop(t.remove(2).expect("removed"))),
        ("a signature", |t| change(t, 3, |bytes| bytes[120] ^= 1)),
        ("cut short", |t| change(t, 1, |bytes| bytes.truncate(bytes.len() - 1))),
        ("one signature too few", |t| {
            change(t, 1, |bytes| {
                bytes.truncate(bytes.len() - 96);
                bytes[44] -= 1;
            });
        }),
        ("another's", |t| {
            let other = t.get(1).expect("read").expect("there").value().to_vec();
            t.insert(2, other.as_slice()).expect("written");
        }),
        ("of a block that is not there", |t| {
            let other = t.get(3).expect("read").expect("there").value().to_vec();
            t.insert(4, other.as_slice()).expect("written");
        }),
    ];
    for (name, damage) in damages {
        std::fs::write(&path, &pristine).expect("restored");
        damaged(&path, |tx| damage(&mut certificates(tx)));
        corrupt(&path, name);
    }
    // A ledger without validators has none.
    let another = self::folder();
    let (alone, _) = crate::store::full(&another);
    damaged(&alone, |tx| drop(certificates(tx).insert(1, &b""[..]).expect("written")));
    corrupt(&alone, "a certificate of nobody");

    fn certificates(tx: &redb::WriteTransaction) -> Table<'_> {
        tx.open_table(redb::TableDefinition::new("certificates")).expect("there")
    }
}
