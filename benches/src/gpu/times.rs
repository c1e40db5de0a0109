//! Kernels and whole proofs by size.

use super::Card;
use super::inputs::{numbers, points};
use crate::report::Outcome;
use crate::report::world::rng;
use amanat_accel::gpu::{Bench, DeviceTimes, Gpu};
use amanat_accel::{Backend, Fr, KeyBases, QuotientForm, TableMemory};
use amanat_params::{Witness, Zkey};
use amanat_profile::subject::{Prepared, Source};
use amanat_prover::groth16::{Blinding, no_progress};
use amanat_prover::zkey::ZkeyProver;
use serde::Serialize;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

/// Runs of each; the median is shown.
const RUNS: usize = 5;

/// Multiplications of 32-bit words in a product of two field elements of eight words, Montgomery:
/// low and high halves of 64 products, and as many of the reduction.
const WORDS: f64 = 264.0;

/// Seconds, apart.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Apart {
    /// To the device.
    pub upload: f64,
    /// On it.
    pub compute: f64,
    /// From it.
    pub download: f64,
}

impl From<DeviceTimes> for Apart {
    fn from(times: DeviceTimes) -> Self {
        let [upload, compute, download] =
            [times.upload, times.compute, times.download].map(|time| time.as_secs_f64());
        Self { upload, compute, download }
    }
}

/// One kernel at one size.
#[derive(Debug, Clone, Serialize)]
pub struct Kernel {
    /// What.
    pub what: &'static str,
    /// Of how many, as a power of two.
    pub log: u32,
    /// The device.
    pub device: Apart,
    /// The processor, all threads.
    pub processor: f64,
    /// Bytes that must be moved on the device at least, and what share of the card's rate that is.
    pub bytes: f64,
    /// Percent of the card's memory; `None` if its rate is not known.
    pub bytes_percent: Option<f64>,
    /// Multiplications of 32-bit words that must be done at least.
    pub multiplications: f64,
    /// Percent of what the card multiplies.
    pub multiplications_percent: Option<f64>,
}

/// One whole proof at one size.
#[derive(Debug, Clone, Serialize)]
pub struct ProofRow {
    /// The domain, as a power of two.
    pub log: u32,
    /// Key and circuit put on the device, once.
    pub load: f64,
    /// What they take there, by the device, and by the memory model.
    pub resident: u64,
    /// Heavy work alone with the key resident, apart.
    pub device: Apart,
    /// A whole proof with the key resident, witness to verified bytes.
    pub warm: f64,
    /// The same on the processor, all threads.
    pub processor: f64,
    /// The promised time, if there is a promise.
    pub promised: Option<f64>,
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Medians of a work's parts, after one run that does not count.
fn measured(bench: &mut Bench, mut work: impl FnMut(&mut Bench) -> Outcome<()>) -> Outcome<Apart> {
    work(bench)?;
    bench.times()?;
    let mut all = Vec::new();
    for _ in 0..RUNS {
        work(bench)?;
        all.push(Apart::from(bench.times()?));
    }
    let of = |part: fn(&Apart) -> f64| median(all.iter().map(part).collect());
    Ok(Apart { upload: of(|t| t.upload), compute: of(|t| t.compute), download: of(|t| t.download) })
}

fn here(mut work: impl FnMut()) -> f64 {
    work();
    let runs = (0..3).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed().as_secs_f64()
    });
    median(runs.collect())
}

/// Sums in both groups and a transform, of 2^log.
///
/// # Errors
/// The device's failure.
pub fn kernels(bench: &mut Bench, processor: &dyn Backend, card: Card, log: u32) -> Outcome<Vec<Kernel>> {
    let n = 1usize << log;
    let (g1, g2) = points(n);
    let scalars = numbers(n, 0, &mut rng(9));
    let row = |what, device: Apart, processor, bytes: f64, multiplications: f64| {
        let percent = |need: f64, rate: f64| (rate > 0.0).then(|| 100.0 * need / device.compute / rate);
        Kernel {
            what,
            log,
            device,
            processor,
            bytes,
            bytes_percent: percent(bytes, card.bytes),
            multiplications,
            multiplications_percent: percent(multiplications, card.multiplications),
        }
    };
    // One addition for each base and window: ten products in G1, three times as many in G2; windows
    // as in the memory model.
    let size = n as f64;
    let window = f64::from((log + 1).saturating_sub(8).clamp(10, 18));
    let additions = size * (254.0 / window).ceil();
    let device = measured(bench, |bench| Ok(bench.msm_g1(&g1, &scalars).map(|_| ())?))?;
    let ours = here(|| _ = processor.msm_g1(&g1, &scalars));
    let in_g1 = row("sum in G1", device, ours, additions * 68.0, additions * 10.0 * WORDS);
    let device = measured(bench, |bench| Ok(bench.msm_g2(&g2, &scalars).map(|_| ())?))?;
    let ours = here(|| _ = processor.msm_g2(&g2, &scalars));
    let in_g2 = row("sum in G2", device, ours, additions * 132.0, additions * 30.0 * WORDS);
    let mut values = scalars.clone();
    let device = measured(bench, |bench| Ok(bench.ntt(&mut values)?))?;
    let mut values = scalars;
    let ours = here(|| processor.ntt(&mut values));
    // Passes of at most ten levels, each reading and writing everything, and one to put values in
    // order.
    let passes = f64::from(log.div_ceil(10)) + 1.0;
    let butterflies = size / 2.0 * f64::from(log);
    let transform = row("transform", device, ours, passes * size * 64.0, butterflies * WORDS);
    Ok(vec![in_g1, in_g2, transform])
}

/// A proof of Merkle paths that fill 2^log, under a key in snarkjs' form.
///
/// # Errors
/// If the key cannot be made, the device fails, or its proof is not the processor's.
pub fn proof(
    gpu: &'static Gpu,
    bench: &mut Bench,
    dir: &Path,
    log: u32,
    say: &dyn Fn(&str),
) -> Outcome<ProofRow> {
    let prepared = Prepared::new(Source::Merkle(log), dir, say, &|| false)?;
    let (zkey, _) = prepared.files.clone().ok_or("a key in snarkjs' form has a file")?;
    let read = || -> Outcome<Zkey> {
        Ok(Zkey::read(BufReader::new(File::open(&zkey)?), &|_, _| core::ops::ControlFlow::Continue(()))?)
    };
    let witness = Witness::new((prepared.assign)());
    drop(prepared);

    let key = read()?;
    let bases = KeyBases {
        a: &key.queries.a,
        b_g1: &key.queries.b_g1,
        b_g2: &key.queries.b_g2,
        l: &key.queries.l,
        h: &key.queries.h,
    };
    let began = Instant::now();
    let resident = bench.load(&key.matrices, QuotientForm::OddCoset, &bases)?;
    let load = began.elapsed().as_secs_f64();
    let bytes = resident.bytes();
    let device = measured(bench, |bench| {
        let made = bench.prove(&resident, witness.values(), &Fr::from(7u64))?;
        made.map(drop).ok_or_else(|| "the device says that a row does not hold".into())
    })?;
    drop(resident);
    drop(key);

    let whole = |backend: &'static dyn Backend, runs: usize| -> Outcome<(f64, [u8; 128])> {
        let prover = ZkeyProver::new(read()?, backend, TableMemory::Plain);
        let (mut times, mut last) = (Vec::new(), [0; 128]);
        // The first one loads.
        for run in 0..=runs {
            let blinding = Blinding::draw(&mut rng(5));
            let began = Instant::now();
            last = prover.prove(&witness, blinding, &no_progress)?.0.to_bytes();
            if run > 0 {
                times.push(began.elapsed().as_secs_f64());
            }
        }
        Ok((median(times), last))
    };
    let (warm, theirs) = whole(gpu, RUNS)?;
    let (processor, ours) = whole(gpu.processor(), 2)?;
    if theirs != ours {
        return Err(format!("the proof of 2^{log} is not the processor's").into());
    }
    let promised = match log {
        18 => Some(0.030),
        20 => Some(0.100),
        _ => None,
    };
    Ok(ProofRow { log, load, resident: bytes.0 + bytes.1, device, warm, processor, promised })
}
