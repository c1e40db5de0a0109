//! kill -9 of a real process under load, again and again.
//!
//! The test binary runs itself as the victim: it commits signed transactions from several threads
//! and prints what was acknowledged. The parent kills it at random moments, most of them after the
//! first acknowledgement, opens the file, and looks for every acknowledged transaction.

use crate::world::*;
use amanat_domain::tx::TxId;
use amanat_ledger::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

const VICTIM: &str = "AMANAT_LEDGER_VICTIM";
const ROUNDS: u64 = 10;
/// Every fifth round kills the victim while it starts.
const EARLY: u64 = 5;

#[test]
fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let chain = genesis();
    let solo =
        Solo::open_or_create(Path::new(&path), chain.clone()).expect("the ledger opens after every kill");
    let next = AtomicU64::new(solo.status().transactions * 10 + 1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let tx = enrol(&chain, next.fetch_add(1, Ordering::Relaxed));
                    let submitted = solo.submit(&tx.to_bytes(), at(1)).expect("committed");
                    let receipt = submitted.receipt();
                    let line = format!("\nack {} {}\n", receipt.txid, receipt.height);
                    // Printed after the acknowledgement: what the parent has read was promised.
                    std::io::stdout().write_all(line.as_bytes()).expect("the parent listens");
                }
            });
        }
    });
}

#[test]
fn killed_at_random_moments_the_ledger_keeps_every_acknowledged_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    let mut promised: BTreeMap<TxId, u64> = BTreeMap::new();
    let mut seed = u64::from(std::process::id());
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "kill::victim", "--nocapture", "--test-threads=1"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the victim starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (first, under_load) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut acknowledged = Vec::new();
            for line in out.lines().map_while(Result::ok) {
                acknowledged.extend(parse(&line));
                if acknowledged.len() == 1 {
                    // In a round that kills early nobody waits for it.
                    let _ = first.send(());
                }
            }
            acknowledged
        });
        if round % EARLY != 0 {
            under_load.recv().expect("the victim acknowledges a transaction");
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A random moment, with or without work under way: what was promised holds after each.
        std::thread::sleep(std::time::Duration::from_millis((seed >> 33) % 500));
        child.kill().expect("SIGKILL");
        child.wait().expect("reaped");
        let acknowledged = reader.join().expect("no panic");
        promised.extend(acknowledged);
        if !path.exists() {
            // Killed before the ledger got its name: nothing can have been acknowledged.
            assert!(promised.is_empty(), "round {round}");
            continue;
        }
        let (store, state) = Store::open(Storage::File(path.clone())).expect("it opens");
        for (txid, height) in &promised {
            let receipt = store.receipt(txid).expect("no fault");
            assert_eq!(receipt.map(|r| r.height), Some(*height), "round {round}");
        }
        for (txid, _) in promised.iter().take(20) {
            let proof = store.inclusion(txid).expect("no fault").expect("committed");
            let header = store.header(proof.receipt.height).expect("no fault").expect("there");
            assert_eq!(proof.verify(header.hash()), Ok(()));
        }
        if round + 1 == ROUNDS {
            // The whole history again, through a validator's ProcessProposal.
            let mut replay = State::genesis(genesis());
            for height in 1..=state.tip().height {
                let block = store.block(height).expect("no fault").expect("there");
                let delta = process_proposal(&replay, &block, &unknown).expect("valid");
                replay.commit(delta);
            }
            assert_eq!(replay.tip(), state.tip());
            assert_eq!(replay.commitments(), state.commitments());
        }
    }
}

fn parse(line: &str) -> Option<(TxId, u64)> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    // The last line may be cut: only a whole one counts.
    let (txid, height) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((txid, height))
}
