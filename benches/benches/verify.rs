//! One proof beside arkworks, and batches of mixed statements. On one thread: arkworks would use
//! all for one proof.

use amanat_benches::report::peer::Peer;
use amanat_benches::report::verification::{Claim, verify_all};
use amanat_benches::report::world::{prove, rng, small, world};
use amanat_benches::report::{Outcome, load_keys};
use amanat_domain::statement::Statement;
use amanat_profile::threads::pool;
use amanat_prover::keys::Keys;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

fn claims(keys: &Keys) -> Outcome<Vec<Claim<'_>>> {
    let mut rng = rng(1);
    let world = world(&mut rng)?;
    let registries = small(&world)?;
    Statement::ALL
        .into_iter()
        .map(|statement| Claim::of(&prove(statement, &world, &registries, keys, &mut rng)?, keys))
        .collect()
}

fn verify(c: &mut Criterion) {
    let keys = load_keys(&std::env::temp_dir().join("amanat-bench"), &|_| ()).expect("keys");
    let claims = claims(&keys).expect("proofs");
    let one_thread = pool(1).expect("a thread");
    // Criterion's state must not cross threads: only the work is done in the pool.
    let mut group = c.benchmark_group("verify");
    for claim in &claims {
        let key = keys.get(claim.statement).expect("all keys are loaded");
        let peer = Peer::new(key.proving_key().verifying_key());
        let public = claim.item().expect("well formed").public;
        let decoded = Peer::decode(&claim.proof).expect("our encoding is arkworks'");
        let name = claim.statement;
        group.bench_function(format!("{name}, from bytes"), |b| {
            one_thread.install(|| claim.verify()).expect("holds");
            b.iter(|| one_thread.install(|| claim.verify().is_ok()));
        });
        group.bench_function(format!("{name}, ark-groth16, decoded"), |b| {
            b.iter(|| one_thread.install(|| peer.verify(&public, &decoded).is_ok()));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("verify in batches");
    for n in [1, 16, 256] {
        let batch: Vec<_> = claims.iter().cycle().take(n).collect();
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(n.to_string(), |b| b.iter(|| one_thread.install(|| verify_all(&batch).is_ok())));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = verify
}
criterion_main!(benches);
