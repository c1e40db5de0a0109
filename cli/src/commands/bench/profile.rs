//! `amanat bench profile`.

use super::progress::Progress;
use super::{must_be_writable, write};
use crate::args::Global;
use crate::args::bench::ProfileArgs;
use crate::ui::{self, Ui};
use amanat_accel::{Backend, TableMemory};
use amanat_client::Home;
use amanat_domain::statement::Statement;
use amanat_profile::Options;
use amanat_profile::file::{Settings, Subject};
use amanat_profile::subject::Source;
use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use std::time::Duration;

pub(super) fn run(args: &ProfileArgs, global: &Global, ui: Ui) -> Result<()> {
    for name in &args.engine {
        ui.warn(&format!("--engine {name} is now --backend {name}: the next version no longer takes it"));
    }
    let home = Home::open(global.home.as_deref())?;
    let options = options(args, home.root())?;
    for path in [&args.out, &args.html].into_iter().flatten() {
        must_be_writable(path)?;
    }
    let progress = Progress::new(ui);
    let profile = amanat_profile::run(&options, &[], &progress).map_err(|e| anyhow!(e))?;
    drop(progress);
    let text = profile.to_json().context("the profile cannot be written as JSON")?;
    if let Some(path) = &args.out {
        write(path, &text)?;
    }
    if let Some(path) = &args.html {
        write(path, &amanat_profile::page(&profile))?;
    }
    if ui.json {
        ui.raw(&format!("{text}\n"));
    }
    for subject in &profile.subjects {
        show(subject, &profile.settings, ui);
    }
    if profile.settings.rounds < 3 {
        ui.say("\nfewer than three rounds: the figures say nothing about their noise");
    }
    ui.say(format!("\nenergy: {}\nGPU: {}", profile.machine.energy, amanat_accel::gpu::presence()));
    Ok(())
}

fn options(args: &ProfileArgs, dir: &Path) -> Result<Options> {
    if args.rounds == 0 || args.threads.contains(&0) {
        bail!("--rounds and --threads: at least 1");
    }
    if !(args.price.is_finite() && args.price >= 0.0) {
        bail!("--price {}: expected a number that is not negative", args.price);
    }
    let threads =
        if args.threads.is_empty() { amanat_profile::threads::counts() } else { args.threads.clone() };
    Ok(Options {
        sources: sources(&args.subjects)?,
        backends: backends(&[&args.backend[..], &args.engine].concat())?,
        arkworks: !args.no_peers,
        peer_threads: threads.clone(),
        threads,
        rounds: args.rounds,
        tables: args.tables.map_or(TableMemory::Plain, |mib| TableMemory::AtMost(mib << 20)),
        memory: !args.no_memory,
        price: args.price,
        currency: args.currency.clone(),
        dir: dir.to_owned(),
        command: command(),
    })
}

/// The sources of these names; all statements and two Merkle circuits if there is no name.
fn sources(names: &[String]) -> Result<Vec<Source>> {
    if names.is_empty() {
        let merkle = [15, 16].map(Source::Merkle);
        return Ok(Statement::ALL.map(Source::Statement).into_iter().chain(merkle).collect());
    }
    let find = |name: &String| {
        Source::by_name(name).with_context(|| {
            let statements = Statement::ALL.map(|s| s.to_string()).join(", ");
            format!("unknown subject {name}: expected one of {statements}, or a power of two such as 16")
        })
    };
    names.iter().map(find).collect()
}

/// The backends of these names; all of this machine if there is no name.
fn backends(names: &[String]) -> Result<Vec<&'static dyn Backend>> {
    if names.is_empty() {
        return Ok(amanat_accel::all().to_vec());
    }
    let known = || amanat_accel::all().iter().map(|e| e.name()).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        amanat_accel::by_name(name)
            .with_context(|| format!("no backend {name} on this machine; there are: {}", known()))
    };
    names.iter().map(find).collect()
}

/// How to do it again.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("amanat {}", words.join(" "))
}

fn show(subject: &Subject, settings: &Settings, ui: Ui) {
    let seconds = |s: f64| ui::seconds(Duration::from_secs_f64(s));
    ui.head(&format!("{}: {} rows", subject.name, subject.rows));
    let mut rows =
        vec![["prover", "threads", "processor", "+-", "wall", "peak memory"].map(str::to_owned).to_vec()];
    rows[0].push(format!("{} a million", settings.currency));
    for prover in &subject.provers {
        for run in &prover.runs {
            rows.push(vec![
                prover.name.clone(),
                run.threads.to_string(),
                seconds(run.whole.cpu.median),
                seconds(run.whole.cpu.mad),
                seconds(run.whole.wall.median),
                prover.memory.map_or_else(|| "not known".to_owned(), |m| ui::bytes(m.peak)),
                format!("{:.2}", run.per_million(settings.price_per_core_hour)),
            ]);
        }
    }
    ui.table(&rows);
    for prover in subject.provers.iter().filter(|p| !p.peer) {
        let Some(run) = prover.runs.first() else { continue };
        let parts: Vec<String> = run
            .phases
            .iter()
            .map(|p| format!("{} {}", p.phase, seconds(p.times.cpu.median.max(0.0))))
            .collect();
        ui.say(format!("  {}: {}", prover.name, parts.join(", ")));
    }
}
