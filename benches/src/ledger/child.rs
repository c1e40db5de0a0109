//! What is measured in child processes: memory, another backend, a node that can be killed.

use super::file::{BackendSpeed, Kind, Memory, Speed, Steps};
use super::fixture::Fixture;
use super::load::{Callers, burst, drive};
use super::open::open;
use super::steps::steps;
use super::system::{Done, System};
use crate::report::Outcome;
use amanat_accel::BACKEND_VARIABLE;
use amanat_profile::memory::status_bytes;
use amanat_profile::stats::Stat;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// In the environment of the child: the [`Order`].
const ORDER: &str = "AMANAT_LEDGER_BENCH";

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// Take `requests` requests and print the memory that took.
    Memory { kind: Kind, site: Site, requests: usize, callers: usize, batch: usize },
    /// Measure steps and speed with the backend that the environment names.
    Backend { kinds: Vec<Kind>, site: Site, block: usize, rounds: usize },
    /// Serve the requests on the standard input, until it is closed.
    Node { kind: Kind, file: PathBuf, batch: usize },
    /// Be one of several validators, until the standard input is closed.
    #[cfg(feature = "bft")]
    Validator { seat: super::validators::Seat },
}

/// Where a child finds its fixture, and a file it may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Site {
    pub(super) folder: PathBuf,
    pub(super) organisations: usize,
    pub(super) file: PathBuf,
}

/// What a child says of a backend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BackendFigures {
    pub(super) steps: Vec<Steps>,
    pub(super) speeds: Vec<BackendSpeed>,
}

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

/// A child of this program with a backend; this process's if `None`.
pub(super) fn command(order: &Order, backend: Option<&str>) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let backend = backend.unwrap_or(amanat_accel::default_backend().name());
    command.env(ORDER, serde_json::to_string(order)?).env(BACKEND_VARIABLE, backend);
    Ok(command)
}

/// Runs a child to its end and reads what it says.
pub(super) fn ask<T: DeserializeOwned>(order: &Order, backend: Option<&str>) -> Outcome<T> {
    let out = command(order, backend)?.stdin(Stdio::null()).output()?;
    if !out.status.success() {
        return Err(format!("a child failed: {}", String::from_utf8_lossy(&out.stderr)).into());
    }
    Ok(serde_json::from_slice(&out.stdout)?)
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
