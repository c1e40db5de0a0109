//! Our prover, arkworks 0.6 and snarkrs 0.1.0 on the same key and witness, in turn, in one process.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- 15 16 --out peers.json --html peers.html`
//!
//! The file and the page are those of `amanat bench profile`.

mod snarkrs;

use amanat_accel::TableMemory;
use amanat_profile::file::Profile;
use amanat_profile::peers::{Arkworks, Peer};
use amanat_profile::subject::Source;
use amanat_profile::{Options, Outcome, Watcher};
use clap::Parser;
use snarkrs::Snarkrs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

const PEERS: [&dyn Peer; 1] = [&Snarkrs];

/// Proves Merkle circuits by our backends, arkworks and snarkrs in turn.
#[derive(Parser)]
struct Args {
    /// Sizes, as powers of two.
    #[arg(default_values_t = [15u32, 16])]
    sizes: Vec<u32>,
    /// Numbers of threads, comma-separated.
    #[arg(long, value_delimiter = ',', default_values_t = [1usize, 2])]
    threads: Vec<usize>,
    /// Rounds; each runs every prover once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only this backend of ours (may be given more than once).
    #[arg(long)]
    backend: Vec<String>,
    /// Memory in MiB that a backend may spend on precomputed multiples of the key's points.
    #[arg(long)]
    tables: Option<usize>,
    /// Price of one core for an hour.
    #[arg(long, default_value_t = 0.04)]
    price: f64,
    /// Its currency.
    #[arg(long, default_value = amanat_profile::CURRENCY)]
    currency: String,
    /// Where keys are kept between runs.
    #[arg(long, env = "AMANAT_BENCH_DIR")]
    dir: Option<PathBuf>,
    /// Write the figures here.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write the page here.
    #[arg(long)]
    html: Option<PathBuf>,
}

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Outcome<()> {
    if amanat_profile::answer_if_asked(&PEERS)? {
        return Ok(());
    }
    let args = Args::parse();
    let backends = match args.backend.as_slice() {
        [] => amanat_accel::all().to_vec(),
        names => names
            .iter()
            .map(|name| amanat_accel::by_name(name).ok_or_else(|| format!("no backend {name} here")))
            .collect::<Result<_, _>>()?,
    };
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options {
        sources: args.sizes.iter().map(|log| Source::Merkle(*log)).collect(),
        backends,
        arkworks: true,
        threads: args.threads.clone(),
        peer_threads: args.threads,
        rounds: args.rounds,
        tables: args.tables.map_or(TableMemory::Plain, |mib| TableMemory::AtMost(mib << 20)),
        memory: true,
        price: args.price,
        currency: args.currency,
        dir: args.dir.unwrap_or_else(|| std::env::temp_dir().join("amanat-bench")),
        command: format!(
            "cargo run --release --manifest-path benches/peers/Cargo.toml -- {}",
            words.join(" ")
        ),
    };
    let profile = amanat_profile::run(&options, &PEERS, &Told(Mutex::default(), Instant::now()))?;
    if let Some(out) = &args.out {
        std::fs::write(out, profile.to_json()?)?;
    }
    if let Some(html) = &args.html {
        std::fs::write(html, amanat_profile::page(&profile))?;
    }
    println!("{}", table(&profile));
    Ok(())
}

/// Says on standard error what is being done. Ctrl-C ends the process; nothing has been written
/// then.
struct Told(Mutex<String>, Instant);

impl Watcher for Told {
    fn at(&self, done: u64, of: u64, now: &str) {
        if let Ok(mut last) = self.0.lock()
            && *last != now
        {
            let share = 100 * done / of.max(1);
            eprintln!("{:>5.0} s {share:>3} %  {now}", self.1.elapsed().as_secs_f64());
            now.clone_into(&mut last);
        }
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// The whole proofs, with how many times as fast as each peer our backends are.
fn table(profile: &Profile) -> String {
    let peers = [Arkworks::NAME, Snarkrs.name()];
    let mut out = format!(
        "{} | {} | {} rounds in turn\n\n",
        profile.machine.cpu, profile.machine.time, profile.settings.rounds
    );
    out.push_str("| subject | prover | threads | processor ms | +- | wall ms | as fast as arkworks | as fast as snarkrs | peak MB |\n");
    out.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for subject in &profile.subjects {
        for prover in &subject.provers {
            for run in &prover.runs {
                let times = peers.map(|name| {
                    let peer = subject.prover(name).and_then(|p| p.with(run.threads));
                    peer.map_or_else(String::new, |p| {
                        format!("{:.2}", p.whole.cpu.median / run.whole.cpu.median)
                    })
                });
                out.push_str(&format!(
                    "| {} | {} | {} | {:.1} | {:.1} | {:.1} | {} | {} | {} |\n",
                    subject.name,
                    prover.name,
                    run.threads,
                    run.whole.cpu.median * 1e3,
                    run.whole.cpu.mad * 1e3,
                    run.whole.wall.median * 1e3,
                    times[0],
                    times[1],
                    prover.memory.map_or_else(String::new, |m| format!("{:.0}", m.peak as f64 / 1e6)),
                ));
            }
        }
    }
    out
}
