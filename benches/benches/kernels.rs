//! Every kernel of the backends beside arkworks', interleaved: each measurement of one runs all the
//! others in between, so that a machine that is slow for a while is slow for all of them. Processor
//! time on one thread.
//!
//! `amanat bench kernels` measures the same recipes and prints the ratios.

use amanat_benches::kernels::{Kernel, KernelInputs, Recipe};
use amanat_benches::report::Outcome;
use amanat_profile::threads::pool;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::time::Duration;

fn all(c: &mut Criterion) {
    let dir = std::env::temp_dir().join("amanat-bench");
    // 2^20 and the largest sums: AMANAT_BENCH_LARGEST=20.
    let largest = std::env::var("AMANAT_BENCH_LARGEST").ok().and_then(|log| log.parse().ok()).unwrap_or(14);
    let inputs = KernelInputs::new(amanat_accel::all().to_vec(), largest, dir);
    for recipe in inputs.recipes(&[]).expect("all families") {
        one(c, &recipe).expect("a kernel");
    }
}

fn one(c: &mut Criterion, recipe: &Recipe<'_>) -> Outcome<()> {
    let one_thread = pool(1)?;
    let Kernel { arkworks, ours, .. } = recipe.make()?;
    let mut works = vec![("arkworks", arkworks)];
    works.extend(ours);
    let mut group = c.benchmark_group(recipe.name);
    for own in 0..works.len() {
        group.bench_function(BenchmarkId::new(works[own].0, &recipe.size), |b| {
            b.iter_custom(|iterations| {
                let mut sum = 0.0;
                for _ in 0..iterations {
                    for (i, (_, work)) in works.iter_mut().enumerate() {
                        let seconds = one_thread.install(work).expect("a kernel that worked once");
                        sum += if i == own { seconds } else { 0.0 };
                    }
                }
                Duration::from_secs_f64(sum)
            });
        });
    }
    group.finish();
    Ok(())
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    targets = all
}
criterion_main!(benches);
