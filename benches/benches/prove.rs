//! The walk over a statement's clauses, and its proof.

use amanat_benches::report::load_keys;
use amanat_benches::report::world::{rng, small, witness, world};
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Case, Registries, World};
use amanat_circuits::{Relation, with_relation};
use amanat_domain::statement::Statement;
use amanat_prover::groth16::{Blinding, no_progress, prove};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::time::Duration;

fn case<R: Sample>(world: &World, registries: &Registries) -> Case<R> {
    Case::honest(witness(world, registries, &mut rng(2)).expect("a witness"), world.ctx)
}

fn walk(c: &mut Criterion) {
    let mut group = c.benchmark_group("witness");
    let world = world(&mut rng(1)).expect("a world");
    let registries = small(&world).expect("registries");
    for statement in Statement::ALL {
        with_relation!(statement, |Witness| {
            let Case { witness, public } = case::<Witness>(&world, &registries);
            group.bench_function(format!("check {statement}"), |b| b.iter(|| witness.check(&public)));
            group.bench_function(format!("assign {statement}"), |b| b.iter(|| witness.assign(&public)));
        });
    }
    group.finish();
}

fn proof(c: &mut Criterion) {
    let mut group = c.benchmark_group("prove");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    let keys = load_keys(&std::env::temp_dir().join("amanat-bench"), &|_| ()).expect("keys");
    let world = world(&mut rng(1)).expect("a world");
    let registries = small(&world).expect("registries");
    for statement in Statement::ALL {
        let assignment = with_relation!(statement, |Witness| {
            let Case { witness, public } = case::<Witness>(&world, &registries);
            witness.assign(&public)
        });
        let key = keys.get(statement).expect("all keys are loaded");
        let (pk, circuit) = (key.proving_key(), key.prepared_circuit());
        let mut rng = rng(3);
        group.bench_function(statement.name(), |b| {
            b.iter_batched(
                || Blinding::draw(&mut rng),
                |blinding| prove(pk, circuit, &assignment, blinding, &no_progress),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = walk, proof
}
criterion_main!(benches);
