//! Measurements. Run with
//! `cargo test --release -p amanat-ledger --test it speed -- --ignored --nocapture --test-threads=1`.

use crate::world::*;
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::statement::Statement;
use amanat_domain::tx::Action;
use amanat_ledger::*;
use std::io::Write;
use std::time::Instant;

fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr is open");
}

#[test]
#[ignore = "a measurement"]
fn commits_per_second_of_signed_transactions() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = genesis();
    let solo = Solo::create(Storage::File(folder.path().join("l")), chain.clone()).expect("new");
    let bytes = |from: u64, to: u64| (from..to).map(|n| enrol(&chain, n).to_bytes()).collect::<Vec<_>>();

    let list = bytes(1, 501);
    let start = Instant::now();
    for tx in &list {
        solo.submit(tx, at(1)).expect("committed");
    }
    let took = start.elapsed();
    say(&format!("one submitter: {:.0} transactions/s, {:?} each", 500.0 / took.as_secs_f64(), took / 500));

    let list = bytes(1000, 4200);
    let height = solo.status().tip.height;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in list.chunks(100) {
            let solo = &solo;
            scope.spawn(move || {
                for tx in part {
                    solo.submit(tx, at(1)).expect("committed");
                }
            });
        }
    });
    let (took, blocks) = (start.elapsed().as_secs_f64(), solo.status().tip.height - height);
    say(&format!("32 submitters: {:.0} transactions/s in {blocks} blocks", 3200.0 / took));

    let list = bytes(10_000, 18_000);
    let start = Instant::now();
    let outcomes = solo.submit_all(&list, at(1));
    let took = start.elapsed().as_secs_f64();
    assert!(outcomes.iter().all(Result::is_ok));
    say(&format!("8000 at once: {:.0} transactions/s", 8000.0 / took));

    let large: Vec<Vec<u8>> = (0..16)
        .map(|i| {
            let subjects = (0..1024).map(|n| SubjectCommitment::new(f(100_000 + i * 1024 + n))).collect();
            sign(&chain, HOSPITAL, i, Action::Enrol(subjects)).to_bytes()
        })
        .collect();
    let start = Instant::now();
    assert!(solo.submit_all(&large, at(1)).iter().all(Result::is_ok));
    say(&format!("16 batches of 1024 subjects: {:.0} subjects/s", 16384.0 / start.elapsed().as_secs_f64()));

    drop(solo);
    let start = Instant::now();
    let solo = Solo::open(Storage::File(folder.path().join("l"))).expect("good");
    say(&format!("opening with {} transactions: {:?}", solo.status().transactions, start.elapsed()));
}

#[test]
#[ignore = "a measurement"]
fn blocks_of_proofs() {
    let state = ready();
    for n in [1u64, 16, 256] {
        let txs: Vec<_> = (0..n).map(|i| proof(&state, Statement::Access, i)).collect();
        let start = Instant::now();
        let validated = validate_transactions(&state, epoch(1), txs.clone(), &unknown).expect("valid");
        let took = start.elapsed();
        assert_eq!(validated.len(), n as usize);
        let start = Instant::now();
        txs.iter().for_each(|tx| drop(checked(&state, tx).expect("good")));
        let single = start.elapsed();
        say(&format!("{n} proofs: block validated in {took:?}, checked one by one in {single:?}"));
    }
}

#[test]
#[ignore = "a measurement"]
fn snapshots_and_pruning() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("l");
    let chain = genesis();
    let solo = Solo::create(Storage::File(path.clone()), chain.clone()).expect("new");
    for round in 0..8 {
        let one = |n: u64| enrol(&chain, 1_000_000 + round * 8000 + n).to_bytes();
        let list: Vec<Vec<u8>> = (0..8000).map(one).collect();
        assert!(solo.submit_all(&list, at(1)).iter().all(Result::is_ok));
    }
    let large: Vec<Vec<u8>> = (0..128)
        .map(|i| {
            let subjects = (0..1024).map(|n| SubjectCommitment::new(f(2_000_000 + i * 1024 + n))).collect();
            sign(&chain, HOSPITAL, i, Action::Enrol(subjects)).to_bytes()
        })
        .collect();
    assert!(solo.submit_all(&large, at(1)).iter().all(Result::is_ok));
    let length = || std::fs::metadata(&path).expect("there").len() / 1024;
    say(&format!("{} transactions, file {} KiB", solo.status().transactions, length()));

    let at_path = folder.path().join("s");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&at_path).expect("a file"));
    let start = Instant::now();
    let info = solo.write_snapshot(&mut out, |_| None, &mut |_, _| ()).expect("written");
    drop(out);
    say(&format!("snapshot of {} rows, {} KiB: {:?}", info.rows, info.bytes / 1024, start.elapsed()));
    let mut snapshot = std::io::BufReader::new(std::fs::File::open(&at_path).expect("a file"));
    let start = Instant::now();
    let copy = folder.path().join("copy");
    Chain::restore(&copy, &chain, &mut snapshot, &RestoreOptions::default(), &mut |_, _| ())
        .expect("restored");
    let bytes = std::fs::metadata(&copy).expect("there").len() / 1024;
    say(&format!("restored: {:?}, file {bytes} KiB", start.elapsed()));

    let start = Instant::now();
    let from = solo.prune(8, &mut |_, _| ()).expect("pruned");
    say(&format!("pruned to block {from}: {:?}, file {} KiB", start.elapsed(), length()));
    let start = Instant::now();
    solo.compact().expect("compacted");
    say(&format!("compacted: {:?}, file {} KiB", start.elapsed(), length()));
}
