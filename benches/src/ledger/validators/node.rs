//! One validator in a child process. It takes lines `number hex`, answers each with `ack number`
//! once it is durable or `no number why`, and `stats` with what it has used.

use super::super::embedded::now;
use super::super::founder::validator;
use super::super::order::Seat;
use crate::report::Outcome;
use amanat_bft::{Peer, Settings, Validator, ValidatorSecret};
use amanat_ledger::{Chain, Storage, Submitted};
use amanat_profile::clock::process_seconds;
use amanat_profile::memory::status_bytes;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What a validator has used.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Stats {
    /// Seconds of processor time.
    pub(super) cpu: f64,
    /// Bytes of resident memory, now and at most.
    pub(super) resident: u64,
    pub(super) peak: u64,
    pub(super) height: u64,
    pub(super) late_heights: u64,
}

/// Runs the validator until its input is closed.
pub(in crate::ledger) fn serve(seat: Seat) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(seat))
}

fn secret(n: usize) -> ValidatorSecret {
    ValidatorSecret::from_bytes(&validator(n).to_bytes())
}

async fn run(seat: Seat) -> Outcome<()> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let others = seat.ports.iter().enumerate().filter(|(n, _)| *n != seat.number);
    let peers = others
        .map(|(n, (consensus, gossip))| Peer {
            key: secret(n).key(),
            consensus: at(*consensus),
            gossip: at(*gossip),
        })
        .collect();
    let (consensus, gossip) = seat.ports[seat.number];
    let mut settings = Settings::new(seat.folder.clone(), at(consensus), at(gossip), peers);
    settings.new_log = !seat.folder.exists();
    let chain = Chain::open(Storage::File(seat.file.clone()))?;
    let now = now(seat.ahead)?;
    let validator =
        Validator::start(Arc::new(chain), secret(seat.number), settings, Arc::new(move || now)).await?;
    let validator = Arc::new(validator);
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(std::io::stdin()).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut tip = validator.tip();
    tip.mark_changed();
    let telling = tokio::spawn(async move {
        while tip.changed().await.is_ok() {
            let height = tip.borrow_and_update().height;
            if say(&format!("tip {height}\n")).is_err() {
                return;
            }
        }
    });
    say("ready\n")?;
    // As a node does: two batches at work, the next gathers.
    let lanes = Arc::new(Semaphore::new(2));
    loop {
        let lane = lanes.clone().acquire_owned().await?;
        let mut taken = Vec::new();
        if lines.recv_many(&mut taken, seat.batch).await == 0 {
            break;
        }
        let (mut numbers, mut requests) = (Vec::new(), Vec::new());
        for line in taken {
            if line == "stats" {
                say(&format!("stats {}\n", serde_json::to_string(&stats(&validator))?))?;
                continue;
            }
            let (number, request) = line.split_once(' ').ok_or("not a request")?;
            numbers.push(number.to_owned());
            requests.push(hex::decode(request)?.into());
        }
        let validator = validator.clone();
        tokio::spawn(async move {
            let mut words = String::new();
            for (number, answer) in
                numbers.iter().zip(validator.submit_all(requests, move || drop(lane)).await)
            {
                match answer {
                    Ok(Submitted::Committed(_)) => words.push_str(&format!("ack {number}\n")),
                    Ok(Submitted::AlreadyCommitted(_)) => words.push_str(&format!("before {number}\n")),
                    Err(why) => words.push_str(&format!("no {number} {why}\n")),
                }
            }
            // Written after all of them are durable: what the client has read was promised.
            drop(say(&words));
        });
    }
    telling.abort();
    drop(tokio::time::timeout(Duration::from_secs(10), validator.stop()).await);
    Ok(())
}

fn stats(validator: &Validator) -> Stats {
    Stats {
        cpu: process_seconds(),
        resident: status_bytes("VmRSS:").unwrap_or(0),
        peak: status_bytes("VmHWM:").unwrap_or(0),
        height: validator.status().tip.height,
        late_heights: validator.report().late_rounds,
    }
}

fn say(words: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(words.as_bytes())?;
    out.flush()
}
