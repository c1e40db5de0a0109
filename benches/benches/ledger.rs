//! Blocks of proofs, and durable commits.

use amanat_benches::report::chain::{Chain, at, enrol, genesis};
use amanat_benches::report::load_keys;
use amanat_benches::report::world::rng;
use amanat_ledger::{Solo, finalize_block, validate_transactions};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

/// Proofs of the block: each statement four times.
const PROOFS: usize = 24;

fn block(c: &mut Criterion) {
    let keys = load_keys(&std::env::temp_dir().join("amanat-bench"), &|_| ()).expect("keys");
    let mut rng = rng(1);
    let chain = Chain::new(&keys, PROOFS, &mut rng).expect("a chain");
    let txs = chain.proofs(PROOFS, &keys, &mut rng).expect("proofs");
    let now = chain.now().expect("a time");
    let mut group = c.benchmark_group("block");
    group.throughput(Throughput::Elements(PROOFS as u64));
    group.bench_function(format!("validate and apply {PROOFS} proofs"), |b| {
        let block = |txs| {
            validate_transactions(&chain.state, now, txs, &|_| None).map(finalize_block).expect("admissible")
        };
        b.iter_batched(|| txs.clone(), block, BatchSize::LargeInput);
    });
    group.finish();
}

fn commit(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let genesis = genesis().expect("a genesis");
    let solo = Solo::open_or_create(&dir.path().join("ledger.redb"), genesis.clone()).expect("a ledger");
    let now = at(0, 1).expect("a time");
    let mut numbers = 0u64..;
    let mut next = || enrol(&genesis, numbers.next().expect("endless")).to_bytes();
    let mut group = c.benchmark_group("commit");
    for n in [1usize, 64] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(format!("{n} signed together"), |b| {
            b.iter_batched(
                || (0..n).map(|_| next()).collect::<Vec<_>>(),
                |txs| assert!(solo.submit_all(&txs, now).iter().all(Result::is_ok), "admissible"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = block, commit
}
criterion_main!(benches);
