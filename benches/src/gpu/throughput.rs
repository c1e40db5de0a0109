//! Access proofs as fast as the machine makes them, processor and card together.

use crate::report::Outcome;
use crate::report::world::{NO_CHAIN, plan, rng, small, world};
use amanat_accel::gpu::Gpu;
use amanat_accel::{Backend, TableMemory};
use amanat_circuits::circuit;
use amanat_domain::statement::Statement;
use amanat_params::KeyStore;
use amanat_prover::batch::prove_batch;
use amanat_prover::keys::{Keys, StatementKey};
use core::ops::ControlFlow;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Throughput {
    /// Proofs made and verified.
    pub proofs: usize,
    /// Proofs whose sums the device made.
    pub by_device: u64,
    /// Proofs in a second.
    pub per_second: f64,
    /// The same without the device.
    pub processor_per_second: f64,
    /// The promise.
    pub promised: f64,
}

/// `n` access proofs in one batch, then a quarter of them without the device.
///
/// # Errors
/// If a key cannot be made or a proof fails.
pub fn run(gpu: &'static Gpu, dir: &Path, proofs: usize, say: &dyn Fn(&str)) -> Outcome<Throughput> {
    let statement = Statement::Access;
    let store = KeyStore::open(dir.join("keys"))?;
    say("key of `access`");
    let key = store.get_or_make_insecure_dev(
        statement,
        statement.version(),
        circuit(statement),
        &mut rand::rng(),
        &|_| (),
    )?;
    let world = world(&mut rng(1))?;
    let registries = small(&world)?;
    let rate = |backend: &dyn Backend, proofs: usize| -> Outcome<f64> {
        let mut keys = Keys::new();
        keys.insert(StatementKey::in_backend(&key, backend, TableMemory::Plain)?);
        let mut rng = rng(2);
        let plans = (0..proofs)
            .map(|_| plan(statement, &world, &registries, (NO_CHAIN, &keys), &mut rng))
            .collect::<Outcome<Vec<_>>>()?;
        let mut failed = None;
        let began = Instant::now();
        prove_batch(plans, &keys, proofs.max(1), |result| match result {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        let seconds = began.elapsed().as_secs_f64();
        failed.map_or(Ok(proofs as f64 / seconds), |error| Err(error.into()))
    };
    say("access proofs, processor and device");
    let before = gpu.report().by_device;
    let per_second = rate(gpu, proofs)?;
    let by_device = gpu.report().by_device - before;
    say("access proofs, processor alone");
    let processor_per_second = rate(gpu.processor(), proofs.div_ceil(4))?;
    Ok(Throughput { proofs, by_device, per_second, processor_per_second, promised: 500.0 })
}
