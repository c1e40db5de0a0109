//! Hashes, trees, reading FHIR.

use amanat_benches::report::import::{Tally, generated};
use amanat_benches::report::world::{random_leaves, rng};
use amanat_domain::fhir::Layout;
use amanat_domain::field::Fr;
use amanat_domain::poseidon::{Tag, hash};
use amanat_domain::tree::Tree;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

fn poseidon(c: &mut Criterion) {
    let mut group = c.benchmark_group("poseidon");
    for n in [1usize, 2, 4, 8, 12, 16] {
        let inputs: Vec<Fr> = random_leaves(n, &mut rng(1));
        group.bench_with_input(BenchmarkId::from_parameter(n), &inputs, |b, inputs| {
            b.iter(|| hash(Tag::Node, black_box(inputs)));
        });
    }
    group.finish();
}

fn tree(c: &mut Criterion) {
    let mut group = c.benchmark_group("tree of 2^16 leaves");
    let leaves = random_leaves(1 << 16, &mut rng(1));
    let more = random_leaves(1024, &mut rng(2));
    let full = Tree::from_leaves(&leaves).expect("far from full");
    group.bench_function("path", |b| b.iter(|| full.path(black_box(12_345))));
    let mut tree = full.clone();
    group.bench_function("append one", |b| b.iter(|| tree.append(black_box(more[0]))));
    group.throughput(Throughput::Elements(more.len() as u64));
    group.bench_function("append 1024", |b| {
        b.iter_batched_ref(|| full.clone(), |tree| tree.extend(&more), BatchSize::LargeInput);
    });
    group.throughput(Throughput::Elements(leaves.len() as u64));
    group.bench_function("build", |b| {
        b.iter(|| Tree::from_leaves(black_box(&leaves)).expect("far from full"))
    });
    group.finish();
}

fn import(c: &mut Criterion) {
    let mut group = c.benchmark_group("import");
    let bundles = generated(2_000_000);
    group.throughput(Throughput::Bytes(bundles.iter().map(|b| b.len() as u64).sum()));
    group.bench_function("generated bundles", |b| {
        b.iter(|| {
            let mut tally = Tally::default();
            bundles.iter().for_each(|bundle| tally.read(bundle.as_bytes(), Layout::Auto));
            tally
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = poseidon, tree, import
}
criterion_main!(benches);
