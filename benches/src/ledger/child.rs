//! What is measured in child processes: memory, another backend, a node that can be killed.

use super::file::{BackendSpeed, Kind, Memory, Speed};
use super::fixture::Fixture;
use super::load::{Callers, burst, drive};
use super::open::open;
use super::order::{BackendFigures, ORDER, Order, Site};
use super::steps::steps;
use super::system::{Done, System};
use crate::report::Outcome;
use amanat_profile::memory::status_bytes;
use amanat_profile::stats::Stat;
use serde::Serialize;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// To be called first in the main program. If this process was started by this module, does what it
/// was started for and returns true; the program then ends.
///
/// # Errors
/// As [`super::run`].
pub fn answer_if_asked() -> Outcome<bool> {
    let Ok(order) = std::env::var(ORDER) else { return Ok(false) };
    match serde_json::from_str(&order)? {
        Order::Memory { kind, site, requests, callers, batch } => {
            say(&memory(kind, &site, requests, Callers { number: callers, batch })?)?;
        }
        Order::Backend { kinds, site, block, rounds } => say(&backend(&kinds, &site, block, rounds)?)?,
        Order::Node { kind, file, batch } => serve(&*open(kind, &file)?, batch)?,
        #[cfg(feature = "bft")]
        Order::Validator { seat } => super::validators::serve(seat)?,
    }
    Ok(true)
}

fn say(answer: &impl Serialize) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(answer)?)?)
}

fn memory(kind: Kind, site: &Site, requests: usize, callers: Callers) -> Outcome<Option<Memory>> {
    let fixture = Fixture::open(&site.folder, site.organisations)?;
    let list = fixture.requests(kind, requests);
    fixture.copy(kind, &site.file)?;
    let system = open(kind, &site.file)?;
    let Some(opened) = status_bytes("VmRSS:") else { return Ok(None) };
    // Making the requests has its own peak. If the mark cannot be reset and that peak is the higher
    // one, it is reported.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    drive(&*system, &list, &burst(list.len()), callers)?;
    let peak = status_bytes("VmHWM:").ok_or("it was said a moment ago")?;
    // The requests are the client's memory, not the system's.
    let requests_held: u64 = list.iter().map(|r| r.len() as u64).sum();
    Ok(Some(Memory {
        open: opened.saturating_sub(requests_held),
        peak: peak.saturating_sub(requests_held),
        requests: u32::try_from(list.len())?,
    }))
}

fn backend(kinds: &[Kind], site: &Site, block: usize, rounds: usize) -> Outcome<BackendFigures> {
    let fixture = Fixture::open(&site.folder, site.organisations)?;
    let mut figures = BackendFigures { steps: Vec::new(), speeds: Vec::new() };
    for kind in kinds {
        figures.steps.push(steps(*kind, &fixture, block, rounds, &site.file)?);
        let list = fixture.requests(*kind, fixture.proofs());
        let callers = Callers { number: 1, batch: block };
        let speed = speed(*kind, &fixture, &list, callers, rounds, &site.file)?;
        let backend = amanat_accel::default_backend().name().to_owned();
        figures.speeds.push(BackendSpeed { backend, kind: *kind, batch: u32::try_from(block)?, speed });
    }
    Ok(figures)
}

/// Everything at once, each round on a new copy.
pub(super) fn speed(
    kind: Kind,
    fixture: &Fixture,
    requests: &[Vec<u8>],
    callers: Callers,
    rounds: usize,
    file: &Path,
) -> Outcome<Speed> {
    let (mut per_second, mut cpu) = (Vec::new(), Vec::new());
    let n = requests.len() as f64;
    for round in 0..=rounds {
        fixture.copy(kind, file)?;
        let system = open(kind, file)?;
        let driven = drive(&*system, requests, &burst(requests.len()), callers)?;
        // The first fills caches and does not count.
        if round > 0 {
            per_second.push(n / driven.wall);
            cpu.push(driven.cpu / n);
        }
    }
    let stat = |values: &[f64]| Stat::of(values).ok_or("at least one round");
    Ok(Speed { per_second: stat(&per_second)?, cpu: stat(&cpu)? })
}

/// A node: takes lines `number hex`, answers each with `ack number` once it is durable or `no
/// number why`. What has come while it worked is the next batch.
fn serve(system: &dyn System, batch: usize) -> Outcome<()> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(std::io::stdin()).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    loop {
        let mut taken = match lines.recv_timeout(Duration::from_secs(60)) {
            Ok(line) => vec![line],
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        };
        taken.extend(lines.try_iter().take(batch - 1));
        let requests = taken
            .iter()
            .map(|line| {
                let (number, hex) = line.split_once(' ').ok_or("not a request")?;
                Ok((number, hex::decode(hex)?))
            })
            .collect::<Outcome<Vec<_>>>()?;
        let bytes: Vec<&[u8]> = requests.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let mut words = String::new();
        for ((number, _), answer) in requests.iter().zip(system.submit(&bytes)) {
            match answer {
                Ok(Done::Now | Done::Before) => words.push_str(&format!("ack {number}\n")),
                Err(why) => words.push_str(&format!("no {number} {why}\n")),
            }
        }
        // Written after all of them are durable: what the client has read was promised.
        out.write_all(words.as_bytes())?;
        out.flush()?;
    }
}
