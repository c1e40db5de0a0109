//! A validator that lies about its blocks, and one that runs twice.

use crate::cluster::*;
use crate::conformance::committed;
use crate::inside::{Hand, Inside};
use crate::world::*;
use amanat_bft::Settings;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::Transaction;
use amanat_ledger::*;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

const LIAR: u8 = 0;

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lie {
    TransactionTwice,
    NullifierTwice,
    CommittedBefore,
    AppHash,
    ReceiptsRoot,
    TransactionsRoot,
    Time,
    TooMany,
    Parent,
    AnotherHeight,
    AnotherLedger,
}

/// Each lie, what the audit log says of the block, and why it is refused.
const LIES: [(Lie, &str, &str); 11] = [
    (Lie::TransactionTwice, "proposal refused", "transaction 1 of the block: already committed"),
    (Lie::NullifierTwice, "proposal refused", "nullifier"),
    (Lie::CommittedBefore, "proposal refused", "transaction 0 of the block: already committed"),
    (Lie::AppHash, "proposal refused", "app hash"),
    (Lie::ReceiptsRoot, "proposal refused", "receipts root"),
    (Lie::TransactionsRoot, "the parts are not the announced block", "transactions"),
    (Lie::Time, "proposal refused", "ahead"),
    (Lie::TooMany, "the parts are not the announced block", "transactions of a block"),
    (Lie::Parent, "proposal refused", "parent"),
    (Lie::AnotherHeight, "proposal refused", "height"),
    (Lie::AnotherLedger, "proposal refused", "chain"),
];

/// What the liar does at its turns, what it has for that, and how often it did each.
#[derive(Default)]
struct Plan {
    lie: Option<Lie>,
    committed: Vec<Transaction>,
    fresh: Vec<Transaction>,
    same_nullifier: Vec<Transaction>,
    told: BTreeMap<Lie, u64>,
}

static PLAN: Mutex<Option<Plan>> = Mutex::new(None);

fn plan<T>(of: impl FnOnce(&mut Plan) -> T) -> T {
    of(PLAN.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// The header is made to fit as far as the lie allows.
fn tell(block: &mut Block) {
    plan(|plan| {
        let Some(lie) = plan.lie else { return };
        let txs = &mut block.transactions;
        match lie {
            Lie::TransactionTwice => {
                txs.clear();
                txs.extend([plan.fresh[0].clone(), plan.fresh[0].clone()]);
            }
            Lie::NullifierTwice => txs.clone_from(&plan.same_nullifier),
            Lie::CommittedBefore => txs.insert(0, plan.committed[0].clone()),
            Lie::TooMany => *txs = vec![plan.fresh[0].clone(); Limits::default().transactions as usize + 1],
            Lie::TransactionsRoot => txs.push(plan.fresh[0].clone()),
            _ => {}
        }
        let header = &mut block.header;
        if lie != Lie::TransactionsRoot {
            header.tx_root = tx_root(txs);
            header.count = txs.len() as u32;
        }
        match lie {
            Lie::AppHash => header.app_hash.0[7] ^= 1,
            Lie::ReceiptsRoot => header.receipts_root[7] ^= 1,
            Lie::Parent => header.parent.0[7] ^= 1,
            Lie::AnotherHeight => header.height += 1,
            Lie::AnotherLedger => header.chain.0[7] ^= 1,
            Lie::Time => header.time = Timestamp::new(header.time.seconds() + 60).expect("a time"),
            _ => {}
        }
        *plan.told.entry(lie).or_default() += 1;
    });
}

#[test]
fn a_proposer_is_refused_and_named_whatever_it_lies_about_and_the_chain_goes_on() {
    let mut cluster = Inside::with(4, |n, settings| {
        if n == LIAR {
            settings.insecure_tamper = Some(tell);
        }
    });
    let genesis = cluster.genesis();
    let keys: Vec<Transaction> = Statement::ALL.iter().map(|s| key(*s).install(&genesis, 0)).collect();
    committed(&cluster.submit_all(&keys.iter().map(Transaction::to_bytes).collect::<Vec<_>>()));
    cluster.set_clock(epoch(1));
    cluster.wait_epoch(1);
    let state = cluster.validators[1].chain().state();
    let spend = |request: u64| {
        let mut tx = claim(&state, Statement::Access, request);
        tx.nf[0] = f(1);
        tx.out[1] = f(request);
        proved(tx)
    };
    plan(|plan| {
        plan.committed = keys;
        plan.fresh = vec![enrol(&genesis, 9999)];
        plan.same_nullifier = vec![spend(1), spend(2)];
    });
    drop(state);
    let named = format!("proposer={}", secret(LIAR).key());
    let refusals = |log: &str, (_, what, why): (Lie, &str, &str)| {
        let line = |l: &&str| l.contains(what) && l.contains(why) && l.contains(&named);
        log.lines().filter(line).count() as u64
    };
    let (mut subject, mut good) = (100, Vec::new());
    for told in LIES {
        let before = refusals(&cluster.log.text(), told);
        plan(|plan| plan.lie = Some(told.0));
        let begun = Instant::now();
        // Every transaction is committed, whichever validator proposes.
        while refusals(&cluster.log.text(), told) < before + 3 {
            assert!(begun.elapsed() < PATIENCE, "{told:?} is not refused by three: {}", cluster.log.text());
            let tx = enrol(&genesis, subject);
            subject += 1;
            committed(&cluster.submit_all(&[tx.to_bytes()]));
            good.push(tx);
        }
        assert!(plan(|plan| plan.told[&told.0]) >= 1);
    }
    plan(|plan| plan.lie = None);
    let height = committed(&cluster.submit_all(&[enrol(&genesis, subject).to_bytes()]));
    cluster.wait_height(height);
    let log = cluster.log.text();
    cluster.stop();
    for line in log.lines().filter(|l| LIES.iter().any(|(_, what, _)| l.contains(what))) {
        assert!(line.contains(&named), "nobody else is blamed: {line}");
    }
    let histories: Vec<Vec<Header>> = (0..4).map(|n| audit(&cluster.path(n), 4)).collect();
    for (n, history) in (0..).zip(&histories) {
        assert!(history.len() as u64 > height, "validator {n}");
        let common = history.len().min(histories[0].len());
        assert_eq!(history[..common], histories[0][..common], "validator {n}");
        let (store, _) = Store::open(Storage::File(cluster.path(n))).expect("good");
        let there = |tx: &Transaction| store.receipt(&tx.id()).expect("no fault").is_some();
        assert!(good.iter().all(there), "validator {n}");
        assert!(!plan(|plan| plan.fresh.iter().chain(&plan.same_nullifier).any(there)), "validator {n}");
    }
}

/// The validator that runs twice.
const DUPLICATE: u8 = 3;
/// The peers of its second machine, which its first does not talk to.
const APART: u8 = 2;
/// Ports of its second machine, and one where nobody listens.
static PORTS: LazyLock<Vec<u16>> = LazyLock::new(|| ports(3));

fn redirect(settings: &mut Settings, of: u8, port: u16) {
    let peer = settings.peers.iter_mut().find(|peer| peer.key == secret(of).key());
    peer.expect("a peer").consensus.set_port(port);
}

#[test]
fn a_validator_that_runs_twice_with_one_key_is_caught_and_forks_nothing() {
    // Two of the others find the first machine, one the second: a network holds two machines of one
    // key for one.
    let mut cluster = Inside::with(4, |n, settings| match n {
        APART => redirect(settings, DUPLICATE, PORTS[0]),
        DUPLICATE => redirect(settings, APART, PORTS[2]),
        _ => {}
    });
    let genesis = cluster.genesis();
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Hand::at(at(2));
    let path = folder.path().join("duplicate.redb");
    // A separate ledger and log, and a clock that is a second ahead, so that its blocks differ.
    let duplicate =
        cluster.clone_of(DUPLICATE, (&path, folder.path()), &PORTS[..2], clock.clock(), |settings| {
            (0..4).filter(|n| ![DUPLICATE, APART].contains(n)).for_each(|n| redirect(settings, n, PORTS[2]));
        });
    let named = secret(DUPLICATE).key().to_string();
    let caught = |cluster: &Inside| {
        let reports: Vec<_> = cluster.validators[..3].iter().map(|v| v.report()).collect();
        reports.iter().any(|r| r.two_votes > 0) && reports.iter().any(|r| r.two_proposals > 0)
    };
    let (mut subject, mut promised) = (1, Vec::new());
    let begun = Instant::now();
    while !caught(&cluster) || subject < 20 {
        let reports =
            cluster.validators.iter().chain([&duplicate]).map(|v| (v.status().tip.height, v.report()));
        assert!(begun.elapsed() < PATIENCE, "it is not caught: {:?}", reports.collect::<Vec<_>>());
        cluster.set_clock(at(2 * subject as i64));
        clock.set(at(2 * subject as i64 + 1));
        let tx = enrol(&genesis, subject);
        subject += 1;
        promised.push((tx.id(), committed(&cluster.submit_all(&[tx.to_bytes()]))));
    }
    let height = cluster.height();
    let log = cluster.log.text();
    cluster.end(duplicate);
    cluster.stop();
    let paths = (0..4).map(|n| cluster.path(n)).chain([path]);
    let histories: Vec<Vec<Header>> = paths.map(|path| audit(&path, 4)).collect();
    for (n, history) in histories.iter().enumerate() {
        let common = history.len().min(histories[0].len());
        assert!(common > 1, "machine {n} has blocks");
        assert_eq!(history[..common], histories[0][..common], "machine {n}");
        assert!(n >= usize::from(DUPLICATE) || history.len() as u64 > height, "machine {n}");
    }
    let (store, _) = Store::open(Storage::File(cluster.path(0))).expect("good");
    for (txid, height) in promised {
        assert_eq!(store.receipt(&txid).expect("no fault").map(|r| r.height), Some(height));
    }
    let caught: Vec<&str> = log.lines().filter(|l| l.contains("signed two")).collect();
    assert!(
        !caught.is_empty() && caught.iter().all(|l| l.contains(&named)),
        "it is named, nobody else: {log}"
    );
}

#[test]
fn one_key_on_two_machines_that_the_same_peers_reach_is_noticed_by_all() {
    let mut cluster = Inside::new(4);
    let genesis = cluster.genesis();
    committed(&cluster.submit_all(&[enrol(&genesis, 1).to_bytes()]));
    let named = secret(DUPLICATE).key().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Hand::at(at(2));
    let path = folder.path().join("duplicate.redb");
    // It reaches everybody, and for everybody it is the one that is there already.
    let duplicate =
        cluster.clone_of(DUPLICATE, (&path, folder.path()), &ports(2), clock.clock(), |settings| {
            // What an operator gets who copies a configuration: it does not know that it has voted
            // elsewhere.
            settings.new_log = false;
        });
    let (begun, mut now) = (Instant::now(), 2);
    let seen = |v: &amanat_bft::Validator| v.report().two_machines > 0;
    while !(cluster.validators.iter().all(|v| seen(v)) && seen(&duplicate)) {
        let reports = cluster.validators.iter().chain([&duplicate]).map(|v| v.report().two_machines);
        assert!(begun.elapsed() < PATIENCE, "it is not noticed: {:?}", reports.collect::<Vec<_>>());
        now += 1;
        cluster.set_clock(at(now));
        clock.set(at(now));
        // There is no event for what a peer notices.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let log = cluster.log.text();
    cluster.end(duplicate);
    let others = log.lines().filter(|l| l.contains("runs on two machines")).collect::<Vec<_>>();
    assert!(others.len() >= 3 && others.iter().all(|l| l.contains(&named)), "{log}");
    assert!(log.lines().any(|l| l.contains("runs on another machine, too") && l.contains(&named)), "{log}");
    cluster.stop();
}
