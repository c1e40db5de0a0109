//! Pruned ledgers: what is gone, what stays, and what a crash or a careless hand leaves behind.

use crate::store::{corrupt, damaged, file, full};
use crate::world::*;
use amanat_ledger::*;
use amanat_verifier::light::LightClient;

fn meta() -> redb::TableDefinition<'static, &'static str, &'static [u8]> {
    redb::TableDefinition::new("meta")
}

fn bodies() -> redb::TableDefinition<'static, u64, &'static [u8]> {
    redb::TableDefinition::new("blocks")
}

fn quiet(_: u64, _: u64) {}

fn pruned_from(fault: Fault) -> (u64, u64) {
    match fault {
        Fault::Pruned { height, from } => {
            assert!(fault.to_string().contains("another node or an archive"), "{fault}");
            (height, from)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_pruned_ledger_opens_shows_every_receipt_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, txs) = full(&folder);
    let whole = Solo::open(file(&path)).expect("a good file");
    assert_eq!(whole.history_from(), 0);
    let tip = whole.status().tip;
    let receipts: Vec<_> = (0..=tip.height).map(|h| whole.receipts_of(h).expect("no fault")).collect();
    let mut heard = Vec::new();
    let from = whole.prune(3, &mut |done, of| heard.push((done, of))).expect("no fault");
    assert_eq!(from, tip.height - 2);
    assert_eq!(heard.last(), Some(&(from, from)), "progress ends with all of it");
    // Less is never more: nothing comes back, nothing else goes.
    assert_eq!(whole.prune(tip.height, &mut quiet).expect("no fault"), from);
    drop(whole);

    let solo = Solo::open(file(&path)).expect("still a good ledger");
    assert_eq!((solo.history_from(), solo.status().tip), (from, tip));
    for height in 0..=tip.height {
        if height < from {
            assert_eq!(pruned_from(solo.block(height).expect_err("gone")), (height, from));
        } else {
            assert!(solo.block(height).expect("no fault").is_some());
        }
        assert_eq!(solo.header(height).expect("no fault").expect("there").height, height);
        assert_eq!(solo.receipts_of(height).expect("no fault"), receipts[height as usize]);
    }
    assert_eq!(solo.block(tip.height + 1).expect("no fault"), None);
    for tx in &txs {
        let proof = solo.inclusion(&tx.id()).expect("no fault").expect("committed");
        let header = solo.header(proof.receipt.height).expect("no fault").expect("there");
        assert_eq!(proof.verify(header.hash()), Ok(()));
        assert!(matches!(refusal(&solo.state(), tx), Refusal::Conflict(Conflict::AlreadyCommitted { .. })));
    }
    assert!(solo.submit(&enrol(&genesis(), 1000).to_bytes(), epoch(2)).is_ok());
    assert!(solo.block(tip.height + 1).expect("no fault").is_some());
    solo.compact().expect("no fault");
    // All of it may go.
    assert_eq!(solo.prune(0, &mut quiet).expect("no fault"), tip.height + 2);
    assert_eq!(pruned_from(solo.block(tip.height + 1).expect_err("gone")).1, tip.height + 2);
    drop(solo);
    let solo = Solo::open(file(&path)).expect("without any body");
    assert!(solo.submit(&enrol(&genesis(), 1001).to_bytes(), epoch(2)).is_ok());
    assert!(solo.block(tip.height + 2).expect("no fault").is_some());
}

#[test]
fn evidence_of_a_pruned_height_is_what_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = Chain::create(file(&folder.path().join("l")), validated_genesis(4)).expect("new");
    let txs: Vec<_> = (1..=5).map(|n| enrol(&chain.genesis(), n)).collect();
    for tx in &txs {
        assert!(matches!(chain.admit(&tx.to_bytes(), at(1)), Ok(Entered::Waiting(_))));
        let delta = chain.prepare_proposal(at(1)).expect("no fault");
        let certificate = certify(&delta.block().header, 0, &[0, 1, 2]);
        chain.commit(delta, Some(&certificate)).expect("certified");
    }
    let before: Vec<_> = txs.iter().map(|tx| chain.evidence(&tx.id()).expect("no fault")).collect();
    assert_eq!(chain.prune(1, &mut quiet).expect("no fault"), 5);
    assert!(matches!(chain.block(1), Err(Fault::Pruned { height: 1, from: 5 })));
    for (tx, before) in txs.iter().zip(&before) {
        let evidence = chain.evidence(&tx.id()).expect("no fault").expect("certified");
        assert_eq!(Some(&evidence), before.as_ref());
        let genesis = chain.genesis();
        let founders = genesis.validators().expect("four").set.clone();
        let mut client = LightClient::new(genesis.chain_id(), founders);
        assert_eq!(client.check(&evidence).expect("holds").txid, tx.id());
    }
}

#[test]
fn large_ledgers_are_pruned_in_parts_each_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("l");
    let chain = Chain::create(file(&path), genesis()).expect("new");
    const BLOCKS: u64 = 1300;
    // Epochs go by and nothing else happens.
    for n in 1..=BLOCKS {
        let delta = chain.prepare_proposal(epoch(n as i64)).expect("no fault");
        chain.commit(delta, None).expect("written");
    }
    let mut heard = Vec::new();
    let kept = chain.prune(100, &mut |done, of| heard.push((done, of)));
    assert_eq!(kept.expect("no fault"), BLOCKS - 99);
    assert_eq!(heard, [(1024, BLOCKS - 99), (BLOCKS - 99, BLOCKS - 99)]);
    drop(chain);
    assert_eq!(Chain::open(file(&path)).expect("good").history_from(), BLOCKS - 99);
}

#[test]
fn bodies_that_are_not_where_the_file_says_are_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _) = full(&folder);
    let solo = Solo::open(file(&path)).expect("good");
    solo.prune(5, &mut quiet).expect("no fault");
    let (from, tip) = (solo.history_from(), solo.status().tip.height);
    drop(solo);
    let pristine = std::fs::read(&path).expect("a file");
    type Damage<'a> = (&'a str, Box<dyn Fn(&redb::WriteTransaction) + 'a>);
    let begins = |tx: &redb::WriteTransaction, from: &[u8]| {
        tx.open_table(meta()).expect("there").insert("history_from", from).expect("written");
    };
    let damages: Vec<Damage<'_>> = vec![
        ("begins later", Box::new(|tx| begins(tx, &(from + 1).to_le_bytes()))),
        ("begins earlier", Box::new(|tx| begins(tx, &(from - 1).to_le_bytes()))),
        ("begins behind the tip", Box::new(|tx| begins(tx, &(tip + 2).to_le_bytes()))),
        ("begins at no height", Box::new(|tx| begins(tx, &[1, 2, 3]))),
        (
            "begins nowhere",
            Box::new(|tx| {
                tx.open_table(meta()).expect("there").remove("history_from").expect("removed");
            }),
        ),
        (
            "a body between is gone",
            Box::new(|tx| {
                tx.open_table(bodies()).expect("there").remove(from + 1).expect("removed");
            }),
        ),
        (
            "the last body is gone",
            Box::new(|tx| {
                tx.open_table(bodies()).expect("there").remove(tip).expect("removed");
            }),
        ),
        (
            "one too many",
            Box::new(|tx| {
                tx.open_table(bodies()).expect("there").insert(0, &[0; 4][..]).expect("written");
            }),
        ),
    ];
    for (name, damage) in damages {
        std::fs::write(&path, &pristine).expect("restored");
        damaged(&path, damage);
        corrupt(&path, name);
    }
}
