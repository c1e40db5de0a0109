//! What a cluster of four does when some of it fails or lies.

use crate::cluster::*;
use crate::conformance::committed;
use crate::inside::Inside;
use crate::processes::Processes;
use crate::world::*;
use amanat_bft::{Clock, Error, Settings, Validator};
use amanat_domain::governance::Change;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Transaction, TxId};
use amanat_ledger::*;
use amanat_verifier::light::LightClient;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Sends enrolments to these validators, a few at a time, and waits for the answers. Gives what was
/// acknowledged.
pub(crate) fn load(cluster: &Processes, nodes: &[u8], subjects: std::ops::Range<u64>) -> BTreeMap<TxId, u64> {
    let genesis = validated_genesis(4);
    let mut promised = BTreeMap::new();
    let subjects: Vec<u64> = subjects.collect();
    for batch in subjects.chunks(4) {
        let sent: Vec<_> = batch
            .iter()
            .zip(nodes.iter().cycle())
            .map(|(n, node)| (*node, cluster.send(*node, &enrol(&genesis, *n).to_bytes())))
            .collect();
        for (node, seq) in sent {
            match cluster.node(node).answer(seq) {
                Answer::Committed { txid, height } | Answer::Before { txid, height } => {
                    promised.insert(txid, height);
                }
                Answer::Refused(why) => panic!("{why}"),
            }
        }
    }
    promised
}

pub(crate) fn holds(path: &std::path::Path, promised: &BTreeMap<TxId, u64>) {
    let (store, _) = Store::open(Storage::File(path.to_path_buf())).expect("it opens");
    for (txid, height) in promised {
        let receipt = store.receipt(txid).expect("no fault");
        assert_eq!(receipt.map(|r| r.height), Some(*height));
    }
}

#[test]
fn a_validator_killed_under_load_comes_back_to_the_same_history() {
    let mut cluster = Processes::new(4);
    let genesis = validated_genesis(4);
    let mut promised = load(&cluster, &[0, 1, 2, 3], 1..41);
    cluster.wait_level();
    // In the middle of something: these are on their way.
    for n in 50..58 {
        cluster.send(3, &enrol(&genesis, n).to_bytes());
    }
    promised.extend(cluster.kill(3));
    holds(&cluster.path(3), &promised);
    promised.extend(load(&cluster, &[0, 1, 2], 100..140));
    let height = cluster.node(0).height();
    cluster.start(3);
    cluster.wait_height(height);
    promised.extend(load(&cluster, &[3, 0, 1, 2], 200..220));
    let height = cluster.height();
    (0..4).for_each(|n| drop(cluster.kill(n)));
    let histories: Vec<Vec<Header>> = (0..4).map(|n| audit(&cluster.path(n), 4)).collect();
    for (n, history) in (0..).zip(&histories) {
        // The validator that is asked may be a block behind the validators that answered.
        assert!(history.len() as u64 > height, "validator {n}");
        let common = history.len().min(histories[0].len());
        assert_eq!(history[..common], histories[0][..common], "validator {n}: same blocks, same app hashes");
    }
    let longest = histories.iter().max_by_key(|h| h.len()).expect("four").len();
    for n in 0..4 {
        if histories[n as usize].len() == longest {
            holds(&cluster.path(n), &promised);
        }
    }
}

#[test]
fn with_two_of_four_down_the_ledger_halts_and_resumes_when_one_returns() {
    let mut cluster = Processes::new(4);
    let genesis = validated_genesis(4);
    load(&cluster, &[0, 1, 2, 3], 1..5);
    cluster.kill(2);
    cluster.kill(3);
    let seq = cluster.send(0, &enrol(&genesis, 10).to_bytes());
    // There is nothing to wait for: that nothing comes is what is to be seen.
    let early = cluster.node(0).answer_within(seq, Duration::from_secs(4));
    assert_eq!(early, None, "two of four are no quorum");
    let height = cluster.node(0).height();
    assert!(cluster.node(1).height() <= height + 1);
    cluster.start(3);
    assert!(cluster.node(0).answer(seq).height() > height);
    load(&cluster, &[0, 1, 3], 20..24);
    cluster.start(2);
    cluster.wait_height(cluster.node(0).height());
    load(&cluster, &[2], 30..32);
}

#[test]
fn a_transaction_waits_in_the_pool_of_every_validator_that_runs() {
    let mut cluster = Inside::new(4);
    let genesis = cluster.genesis();
    // Everyone knows everyone before two go: what is left is no quorum, so what waits goes on
    // waiting.
    committed(&cluster.submit_all(&[enrol(&genesis, 1).to_bytes()]));
    cluster.wait_height(1);
    cluster.stop_last();
    cluster.stop_last();
    let waiting = cluster.submit_in_vain(0, enrol(&genesis, 2).to_bytes());
    let begun = std::time::Instant::now();
    // No event reports a pool, so it is polled.
    while cluster.validators[1].status().pool == 0 {
        assert!(begun.elapsed() < PATIENCE, "the transaction does not reach the other validator");
        std::thread::sleep(Duration::from_millis(5));
    }
    waiting.abort();
}

#[test]
fn a_validator_that_was_voted_out_is_needed_no_more_and_clients_can_follow() {
    let mut cluster = Inside::new(4);
    let genesis = cluster.genesis();
    // The board governs alone: what it proposes is decided.
    let leaver = secret(3).key();
    let out = proposed(&genesis, BOARD, 1, Change::RemoveValidator(leaver));
    let decided = cluster.submit(&out.to_bytes()).height();
    cluster.wait_height(decided + 3);
    let before = LightClient::new(genesis.chain_id(), genesis.validators().expect("four").set.clone());
    for height in 1..=decided + 3 {
        let certificate = cluster.certificate(height).expect("certified");
        let signed = certificate.signatures.iter().any(|(key, _)| *key == leaver);
        assert!(!signed || height < decided + 2, "block {height} is not the leaver's to agree on");
    }
    // Three of four could do without it. Now three are all there are, and it is not waited for.
    cluster.stop_last();
    let tx = enrol(&genesis, 1);
    let height = cluster.submit(&tx.to_bytes()).height();
    let evidence = cluster.validators[0].chain().evidence(&tx.id()).expect("no fault").expect("committed");
    let mut client = before;
    assert_eq!(client.check(&evidence).map(|receipt| receipt.height), Ok(height));
    assert_eq!((evidence.changes.len(), client.validators(height).keys().len()), (1, 3));
    assert!(!client.validators(height).contains(&leaver));
    // On disk the certificates of both sets are accepted, each for its heights.
    cluster.stop();
    let opened = Chain::open(Storage::File(cluster.path(0))).expect("a good file");
    assert!(opened.status().tip.height >= height);
}

#[test]
fn a_validator_that_cannot_run_says_why() {
    let start = |change: &dyn Fn(&mut Settings), chain: Arc<Genesis>, key: u8| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let chain = Chain::create(Storage::File(folder.path().join("ledger")), chain).expect("new");
        let mut settings = settings(0, &ports(8), folder.path());
        change(&mut settings);
        let clock: Clock = Arc::new(|| at(1));
        let starting = Validator::start(Arc::new(chain), secret(key), settings, clock);
        runtime.block_on(starting).err().expect("refused")
    };
    let four = validated_genesis(4);
    let fault = start(&|_| (), genesis(), 0);
    assert!(matches!(&fault, Error::Ledger(fault) if matches!(**fault, Fault::NoValidators)), "{fault}");
    assert!(matches!(start(&|_| (), four.clone(), 9), Error::Stranger(_)));
    assert!(matches!(start(&|s| s.peers.truncate(2), four.clone(), 0), Error::NoAddress(_)));
    assert!(matches!(start(&|s| s.peers[0].key = secret(9).key(), four.clone(), 0), Error::NoAddress(_)));
    assert!(matches!(start(&|s| s.peers[0].key = secret(0).key(), four.clone(), 0), Error::PeerTwice(_)));
    assert!(matches!(start(&|s| s.peers[0] = s.peers[1], four.clone(), 0), Error::PeerTwice(_)));
    // A write-ahead log that cannot be written, and a port that is taken.
    let log = start(&|s| s.folder = "/dev/null/nowhere".into(), four.clone(), 0);
    assert!(matches!(log, Error::Start(_)), "{log}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    let port = start(&|s| s.consensus = address, four, 0);
    assert!(port.to_string().contains("cannot listen"), "{port}");
}

/// Blocks that the liar changed.
static LIES: AtomicU64 = AtomicU64::new(0);

/// Puts another proof's bytes into every proof of the block. The header is made to fit, so that
/// nothing but the proof is wrong.
fn lie(block: &mut Block) {
    let mut lied = false;
    for tx in &mut block.transactions {
        if let Transaction::Proof(tx) = tx {
            let other = key(tx.statement).prove(&[f(1); 8], 3);
            tx.proof = other.into();
            lied = true;
        }
    }
    if lied {
        block.header.tx_root = tx_root(&block.transactions);
        LIES.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_proposer_with_a_bad_proof_is_refused_and_named_and_the_chain_goes_on() {
    let mut cluster = Inside::with(4, |n, settings| {
        if n == 0 {
            settings.insecure_tamper = Some(lie);
        }
    });
    let genesis = cluster.genesis();
    let keys: Vec<Vec<u8>> = Statement::ALL.iter().map(|s| key(*s).install(&genesis, 0).to_bytes()).collect();
    committed(&cluster.submit_all(&keys));
    cluster.set_clock(epoch(1));
    cluster.wait_epoch(1);
    let mut good = Vec::new();
    let begun = Instant::now();
    for n in 0.. {
        // Its turns may come at blocks without a proof: then it has nothing to change.
        assert!(begun.elapsed() < PATIENCE, "the first proposes too few proofs");
        let tx = proof(&cluster.validators[1].chain().state(), Statement::Role, n);
        let answers = cluster.submit_all(&[enrol(&genesis, 100 + n).to_bytes(), tx.to_bytes()]);
        committed(&answers);
        good.push(tx);
        if LIES.load(Ordering::SeqCst) >= 2 {
            break;
        }
    }
    let lies = LIES.load(Ordering::SeqCst);
    assert!(lies >= 2, "it was the liar's turn in forty blocks: {lies}");
    cluster.wait_height(cluster.validators[0].status().tip.height + 1);
    let height = cluster.height();
    cluster.stop();
    let log = cluster.log.text();
    let named = format!("proposer={}", secret(0).key());
    let refusals = log.lines().filter(|l| l.contains("proposal refused") && l.contains(&named)).count();
    assert!(refusals as u64 >= 3, "three honest validators refuse it: {log}");
    assert!(
        !log.lines().any(|l| l.contains("proposal refused") && !l.contains(&named)),
        "and no other: {log}"
    );
    for n in 0..4 {
        // Every block is validated again: none holds a bad proof, not even in the liar's file.
        assert!(audit(&cluster.path(n), 4).len() as u64 > height);
        let (store, _) = Store::open(Storage::File(cluster.path(n))).expect("good");
        assert!(good.iter().all(|tx| store.receipt(&tx.id()).expect("no fault").is_some()));
    }
}
