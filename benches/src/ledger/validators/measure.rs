//! What is measured of a ledger with several validators.

use super::super::file::{Kind, Late, Load, Memory, Size, Speed, Validators};
use super::super::fixture::Fixture;
use super::super::load::{Callers, burst, drive, latency, poisson};
use super::super::system::System as _;
use super::super::{Options, fixture::tell};
use super::cluster::Cluster;
use crate::report::Outcome;
use crate::report::world::rng;
use amanat_profile::Watcher;
use amanat_profile::stats::Stat;
use std::path::Path;

/// Requests a second at which nothing waits.
const LIGHT: f64 = 20.0;
/// Of them.
const LIGHT_REQUESTS: usize = 200;

/// One number of validators, one kind of request.
pub(in crate::ledger) fn measure(
    kind: Kind,
    validators: usize,
    fixture: &Fixture,
    options: &Options,
    folder: &Path,
    (watcher, done, of): (&dyn Watcher, u64, u64),
) -> Outcome<Validators> {
    let say =
        |what: &str| tell(watcher, done, of, &format!("{validators} validators, {}: {what}", kind.name()));
    let supply = match kind {
        Kind::Signed => options.requests,
        _ => fixture.proofs().min(options.proofs),
    };
    let requests = fixture.requests(kind, supply);
    // The first requests make the connections, and are not measured.
    let (requests, first) = requests.split_at(requests.len() - requests.len().min(2 * validators));
    let begin = |batch: usize| -> Outcome<Cluster> {
        let cluster = Cluster::start(fixture, validators, folder, batch)?;
        drive(&cluster, first, &burst(first.len()), Callers { number: validators, batch: 1 })?;
        cluster.settle()?;
        Ok(cluster)
    };
    // Each validator gets several batches, none of them much more than the others.
    let number = 2 * validators;
    let callers = Callers { number, batch: (requests.len() / (2 * number)).clamp(16, options.batch) };
    let (mut runs, mut wire) = (Runs::default(), Vec::new());
    for round in 0..=options.rounds {
        say("at most")?;
        let cluster = begin(options.batch)?;
        let bytes = on_loopback();
        let mut run = Runs::default();
        run.one(&cluster, requests, callers)?;
        // The first fills caches and does not count.
        if round > 0 {
            let sent = on_loopback().zip(bytes).map(|(now, then)| now.saturating_sub(then));
            wire.extend(sent.map(|bytes| bytes as f64 / requests.len() as f64));
            runs.append(run);
        }
    }
    let most = Speed { per_second: stat(&runs.per_second)?, cpu: stat(&runs.cpu)? };
    let mut sizes = Vec::new();
    for together in options.batches.iter().filter(|size| validators * **size <= requests.len()) {
        say(&format!("{together} together"))?;
        let mut runs = Runs::default();
        let number = (requests.len() / together).min(number);
        for _ in 0..options.rounds {
            let cluster = begin(*together)?;
            runs.one(&cluster, requests, Callers { number, batch: *together })?;
        }
        let (cpu, block) = (stat(&runs.cpu)?.median, stat(&runs.blocks)?.median);
        sizes.push(Size {
            together: u32::try_from(*together)?,
            per_second: stat(&runs.per_second)?,
            block,
            cpu,
        });
    }
    let mut cluster = begin(options.batch)?;
    say("light load")?;
    let calm = &requests[..requests.len().min(LIGHT_REQUESTS)];
    let late_before = cluster.late()?;
    let light = load(&cluster, calm, 1)?;
    let late_heights = u32::try_from(cluster.late()?.saturating_sub(late_before))?;
    let (mut one_dead, mut late) = (None, None);
    if validators >= 4 && requests.len() >= 2 * calm.len() {
        say("one dead")?;
        cluster.kill(validators - 1)?;
        one_dead = Some(load(&cluster, &requests[calm.len()..2 * calm.len()], 2)?);
        say("one joins late")?;
        let (blocks, seconds) = cluster.join_late(fixture, validators - 1)?;
        late = Some(Late { blocks, seconds });
    }
    drop(cluster);
    let memory = match (kind, options.long) {
        (Kind::Signed, long) if long > 0 && validators == 4 => {
            say("memory after many")?;
            Some(memory(fixture, validators, options, folder)?)
        }
        _ => None,
    };
    Ok(Validators {
        validators: u32::try_from(validators)?,
        kind,
        most,
        requests: u32::try_from(requests.len())?,
        block: stat(&runs.blocks)?.median,
        wire: Stat::of(&wire).map(|s| s.median),
        light,
        one_dead,
        late,
        memory,
        sizes,
        late_heights,
    })
}

fn stat(values: &[f64]) -> Outcome<Stat> {
    Ok(Stat::of(values).ok_or("at least one round")?)
}

/// What runs at most have given, each over a new cluster.
#[derive(Default)]
struct Runs {
    per_second: Vec<f64>,
    cpu: Vec<f64>,
    blocks: Vec<f64>,
}

impl Runs {
    fn one(&mut self, cluster: &Cluster, requests: &[Vec<u8>], callers: Callers) -> Outcome<()> {
        let n = requests.len() as f64;
        let (before, from) = (used(cluster)?, cluster.settle()?);
        let driven = drive(cluster, requests, &burst(requests.len()), callers)?;
        self.per_second.push(n / driven.wall);
        self.cpu.push((used(cluster)? - before) / n);
        self.blocks.push(n / (cluster.height() - from).max(1) as f64);
        Ok(())
    }

    fn append(&mut self, mut other: Self) {
        self.per_second.append(&mut other.per_second);
        self.cpu.append(&mut other.cpu);
        self.blocks.append(&mut other.blocks);
    }
}

fn load(cluster: &Cluster, requests: &[Vec<u8>], seed: u64) -> Outcome<Load> {
    let times = poisson(LIGHT, requests.len(), &mut rng(seed));
    let driven = drive(cluster, requests, &times, Callers { number: 16, batch: 1 })?;
    Ok(Load {
        offered: LIGHT,
        achieved: requests.len() as f64 / driven.wall,
        requests: u32::try_from(requests.len())?,
        latency: latency(&driven.latencies),
    })
}

/// Resident memory of the largest validator, at the start and after many transactions.
fn memory(fixture: &Fixture, validators: usize, options: &Options, folder: &Path) -> Outcome<Memory> {
    const CHUNK: usize = 20_000;
    let cluster = Cluster::start(fixture, validators, folder, options.batch)?;
    let largest = |cluster: &Cluster| -> Outcome<u64> {
        Ok(cluster.stats()?.iter().map(|stats| stats.resident).max().unwrap_or(0))
    };
    let open = largest(&cluster)?;
    let callers = Callers { number: 2 * validators, batch: options.batch };
    let mut number = 0;
    while number < options.long {
        let to = (number + CHUNK).min(options.long);
        let requests: Vec<Vec<u8>> = (number..to).map(|i| fixture.signed(i as u64).to_bytes()).collect();
        drive(&cluster, &requests, &burst(requests.len()), callers)?;
        number = to;
    }
    Ok(Memory { open, peak: largest(&cluster)?, requests: u32::try_from(options.long)? })
}

/// Processor time of all validators together.
fn used(cluster: &Cluster) -> Outcome<f64> {
    Ok(cluster.stats()?.iter().map(|stats| stats.cpu).sum())
}

/// Bytes that the loopback interface has carried; `None` if the system does not tell. What
/// validators send each other, and whatever else.
fn on_loopback() -> Option<u64> {
    std::fs::read_to_string("/sys/class/net/lo/statistics/tx_bytes").ok()?.trim().parse().ok()
}
