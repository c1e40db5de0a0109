//! `amanat bench profile`, `compare` and `page`.

use super::{Progress, command, engines};
use crate::args::Global;
use crate::args::bench::{CompareArgs, ProfileArgs};
use crate::home::Home;
use crate::ui::{self, Ui};
use amanat_accel::TableMemory;
use amanat_benches::ledger;
use amanat_benches::ledger::file::LedgerReport;
use amanat_benches::peers::Arkworks;
use amanat_benches::profile::compare::{Basis, Change, Comparison, Tolerance, Verdict, compare as compared};
use amanat_benches::profile::file::{Profile, Settings, Subject};
use amanat_benches::profile::subject::Source;
use amanat_benches::profile::{self, Options};
use amanat_domain::statement::Statement;
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Duration;

pub(super) fn run(args: &ProfileArgs, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let options = options(args, home.root())?;
    // Before minutes of work: whether the results can be written.
    for path in [&args.out, &args.html].into_iter().flatten() {
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let progress = Progress::new(ui);
    let profile = profile::run(&options, &[], &progress).map_err(|e| anyhow!(e))?;
    drop(progress);
    write(&profile, args.out.as_deref(), args.html.as_deref(), ui)?;
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
    let sources = if args.subjects.is_empty() {
        Statement::ALL
            .map(Source::Statement)
            .into_iter()
            .chain([Source::Merkle(15), Source::Merkle(16)])
            .collect()
    } else {
        args.subjects
            .iter()
            .map(|name| {
                Source::by_name(name).with_context(|| {
                    let statements = Statement::ALL.map(|s| s.to_string()).join(", ");
                    format!("nothing to prove is called {name}; expected one of {statements}, or a power of two such as 16")
                })
            })
            .collect::<Result<Vec<_>>>()?
    };
    if args.rounds == 0 || args.threads.contains(&0) {
        bail!("at least one round and one thread");
    }
    if !(args.price.is_finite() && args.price >= 0.0) {
        bail!("a price is a number that is not negative, got {}", args.price);
    }
    let threads = if args.threads.is_empty() { thread_counts() } else { args.threads.clone() };
    Ok(Options {
        sources,
        engines: engines(&args.engine)?,
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

/// Powers of two, and all there are.
fn thread_counts() -> Vec<usize> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts: Vec<usize> =
        core::iter::successors(Some(1), |n| Some(n * 2)).take_while(|n| *n < all).collect();
    counts.push(all);
    counts
}

fn write(profile: &Profile, out: Option<&Path>, html: Option<&Path>, ui: Ui) -> Result<()> {
    let text = profile.to_json().context("the profile cannot be written as JSON")?;
    if let Some(path) = out {
        fs::write(path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if let Some(path) = html {
        fs::write(path, profile::page(profile))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if ui.json {
        ui.raw(&format!("{text}\n"));
    }
    Ok(())
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

pub(super) fn page(file: &Path, html: &Path, ui: Ui) -> Result<()> {
    // A file of the other kind is told by its schema; what is neither is told as no profile.
    let ledger = fs::read_to_string(file).ok().and_then(|text| LedgerReport::from_json(&text).ok());
    let page = match ledger {
        Some(report) => ledger::page(&report),
        None => profile::page(&Profile::read(file)?),
    };
    fs::write(html, page).with_context(|| format!("{} cannot be written", html.display()))?;
    ui.say(format!("{} written", html.display()));
    ui.document(&json!({ "page": html }));
    Ok(())
}

pub(super) fn compare(args: &CompareArgs, ui: Ui) -> Result<()> {
    let (old, new) = (Profile::read(&args.old)?, Profile::read(&args.new)?);
    let basis = if args.relative { Basis::Peer(Arkworks::NAME) } else { Basis::Seconds };
    let tolerance = Tolerance { share: args.share / 100.0, sigmas: args.sigmas };
    let comparison = compared(&old, &new, basis, tolerance);
    if comparison.changes.is_empty() {
        bail!("the two files have no figure in common");
    }
    told(&comparison, args, ui);
    ui.document(&document(&comparison));
    let slower: Vec<&str> = comparison.regressions().map(|c| c.what.as_str()).collect();
    if args.fail && !slower.is_empty() {
        bail!("slower than before: {}", slower.join("; "));
    }
    Ok(())
}

fn told(comparison: &Comparison, args: &CompareArgs, ui: Ui) {
    for warning in &comparison.warnings {
        ui.say(format!("note: {warning}"));
    }
    let figure = |x: f64| {
        if args.relative { format!("{x:.4}") } else { ui::seconds(Duration::from_secs_f64(x.max(0.0))) }
    };
    let shown: Vec<&Change> =
        comparison.changes.iter().filter(|c| args.all || c.verdict != Verdict::Same).collect();
    if !shown.is_empty() {
        let mut rows = vec![["figure", "old", "new", "new/old", "verdict"].map(str::to_owned).to_vec()];
        rows.extend(shown.iter().map(|c| {
            let factor = format!("{:.3}", c.factor());
            vec![c.what.clone(), figure(c.old.median), figure(c.new.median), factor, word(c).to_owned()]
        }));
        ui.table(&rows);
    }
    let count = |verdict| comparison.changes.iter().filter(|c| c.verdict == verdict).count();
    ui.say(format!(
        "{} slower, {} faster, {} within the noise",
        count(Verdict::Slower),
        count(Verdict::Faster),
        count(Verdict::Same)
    ));
    for name in &comparison.unmatched {
        ui.say(format!("not compared: {name}"));
    }
}

const fn word(change: &Change) -> &'static str {
    match change.verdict {
        Verdict::Slower if change.whole => "SLOWER",
        Verdict::Slower => "slower",
        Verdict::Faster => "faster",
        Verdict::Same => "same",
    }
}

fn document(comparison: &Comparison) -> serde_json::Value {
    let changes: Vec<_> = comparison
        .changes
        .iter()
        .map(|c| {
            json!({
                "what": c.what,
                "whole": c.whole,
                "old": c.old,
                "new": c.new,
                "factor": c.factor(),
                "verdict": word(c).to_lowercase(),
            })
        })
        .collect();
    json!({ "changes": changes, "unmatched": comparison.unmatched, "warnings": comparison.warnings })
}
