//! `amanat bench ledger`.

use super::{Progress, command};
use crate::args::Global;
use crate::args::bench::LedgerArgs;
use crate::home::Home;
use crate::ui::{self, Ui};
use amanat_benches::ledger::file::{LedgerReport, money};
use amanat_benches::ledger::{self, Options};
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::time::Duration;

pub(super) fn run(args: &LedgerArgs, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let mut options = if args.quick { Options::quick(home.root()) } else { Options::full(home.root()) };
    if let Some(proofs) = args.proofs {
        options.proofs = proofs;
    }
    if let Some(rounds) = args.rounds {
        options.rounds = rounds;
    }
    if let Some(cache) = &args.cache {
        options.cache.clone_from(cache);
    }
    if !args.validators.is_empty() {
        options.validators.clone_from(&args.validators);
    }
    if let Some(n) = options.validators.iter().find(|n| !(1..=32).contains(*n)) {
        bail!("--validators {n}: from 1 to 32");
    }
    if args.only_validators && cfg!(not(feature = "bft")) {
        bail!("this build has one engine, solo: build with --features bft to measure several validators");
    }
    (options.long, options.only_validators) = (args.long, args.only_validators);
    options.price = args.price;
    options.currency.clone_from(&args.currency);
    options.command = command();
    if options.proofs < 32 || options.rounds == 0 {
        bail!("at least 32 proofs and one round");
    }
    if !(args.price.is_finite() && args.price >= 0.0) {
        bail!("a price is a number that is not negative, got {}", args.price);
    }
    // Before minutes of work: whether the results can be written.
    for path in [&args.out, &args.html].into_iter().flatten() {
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let progress = Progress::new(ui);
    let report = ledger::run(&options, &progress).map_err(|e| anyhow!(e))?;
    drop(progress);
    let text = report.to_json().context("the report cannot be written as JSON")?;
    if let Some(path) = &args.out {
        fs::write(path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if let Some(path) = &args.html {
        fs::write(path, ledger::page(&report))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    show(&report, ui);
    if ui.json {
        ui.raw(&format!("{text}\n"));
    }
    Ok(())
}

fn show(report: &LedgerReport, ui: Ui) {
    let m = &report.machine;
    let load = m.load.map_or_else(String::new, |load| format!(" | load before the run {load}"));
    ui.say(format!("{} | {} | engine `{}`{load}", m.cpu, ui::count(m.threads, "thread"), m.engine));
    let s = &report.settings;
    ui.say(format!(
        "{} | `{}` | {}, {}",
        m.time,
        s.command,
        ui::count(s.proofs, "distinct proof"),
        ui::count(s.rounds, "round")
    ));
    speed(report, ui);
    costs(report, ui);
    ui.head("Outage: killed, away, started again");
    let mut rows = vec![heads(&[
        "system",
        "a second",
        "away",
        "opening",
        "waited",
        "synchronised",
        "lost",
        "available",
    ])];
    rows.extend(report.outages.iter().map(|o| {
        vec![
            o.kind.name().to_owned(),
            number(o.offered),
            seconds(o.away),
            seconds(o.opening),
            o.queued.to_string(),
            seconds(o.synchronised),
            format!("{} of {}", o.lost, o.acknowledged),
            format!("{:.0} %", 100.0 * o.available),
        ]
    }));
    ui.table(&rows);
    validators(report, ui);
    ui.head("Attacks");
    for attack in &report.attacks {
        ui.say(&attack.name);
        for outcome in &attack.outcomes {
            ui.say(format!("  {}: {}: {}", outcome.kind.name(), outcome.verdict.word(), outcome.what));
        }
    }
    ui.head("Not run");
    for why in &report.not_run {
        ui.say(why);
    }
}

fn validators(report: &LedgerReport, ui: Ui) {
    if report.validators.is_empty() {
        return;
    }
    ui.head("Several validators, all on this machine");
    let mut rows = vec![heads(&[
        "validators",
        "system",
        "a second",
        "+-",
        "processor",
        "in a block",
        "on the wire",
        "p50",
        "p99",
        "one dead p99",
        "late joiner",
        "memory",
    ])];
    rows.extend(report.validators.iter().map(|v| {
        vec![
            v.validators.to_string(),
            v.kind.name().to_owned(),
            number(v.most.per_second.median),
            number(v.most.per_second.mad),
            seconds(v.most.cpu.median),
            number(v.block),
            v.wire.map_or_else(String::new, |bytes| format!("{bytes:.0} B")),
            seconds(v.light.latency.p50),
            seconds(v.light.latency.p99),
            v.one_dead.map_or_else(String::new, |load| seconds(load.latency.p99)),
            v.late.map_or_else(String::new, |l| format!("{:.0} blocks/s", l.blocks as f64 / l.seconds)),
            v.memory.map_or_else(String::new, |m| format!("{} after {}", ui::bytes(m.peak), m.requests)),
        ]
    }));
    ui.table(&rows);
    ui.head("Several validators, by how many requests are handed in together");
    let mut rows =
        vec![heads(&["validators", "system", "together", "a second", "+-", "in a block", "processor"])];
    for v in &report.validators {
        rows.extend(v.sizes.iter().map(|size| {
            let (fast, spread) = (number(size.per_second.median), number(size.per_second.mad));
            let (many, kind) = (v.validators.to_string(), v.kind.name().to_owned());
            vec![many, kind, size.together.to_string(), fast, spread, number(size.block), seconds(size.cpu)]
        }));
    }
    ui.table(&rows);
}

fn speed(report: &LedgerReport, ui: Ui) {
    ui.head("At most");
    let mut rows = vec![heads(&[
        "system",
        "a second",
        "+-",
        "processor",
        &format!("{} a million", report.settings.currency),
        "request",
        "receipt",
        "stored",
        "peak memory",
    ])];
    rows.extend(report.systems.iter().map(|s| {
        vec![
            s.kind.name().to_owned(),
            number(s.most.per_second.median),
            number(s.most.per_second.mad),
            seconds(s.most.cpu.median),
            money(report.per_million(&s.most)),
            format!("{} B", s.bytes.request),
            format!("{} B", s.bytes.receipt),
            format!("{:.0} B", s.bytes.stored),
            s.memory.map_or_else(|| "not known".to_owned(), |m| ui::bytes(m.peak)),
        ]
    }));
    ui.table(&rows);
    ui.head("Under load");
    let mut rows = vec![heads(&["system", "offered", "achieved", "p50", "p99", "max"])];
    for s in &report.systems {
        rows.extend(s.load.iter().map(|l| {
            vec![
                s.kind.name().to_owned(),
                number(l.offered),
                number(l.achieved),
                seconds(l.latency.p50),
                seconds(l.latency.p99),
                seconds(l.latency.max),
            ]
        }));
    }
    ui.table(&rows);
    ui.head("By size of a block, bursts");
    let mut rows = vec![heads(&["system", "what", "a second", "until durable", "p99"])];
    for s in &report.systems {
        rows.extend(s.batches.iter().map(|b| {
            let what = format!("blocks of {}", b.size);
            vec![s.kind.name().to_owned(), what, number(b.per_second.median), String::new(), String::new()]
        }));
        rows.extend(s.bursts.iter().map(|b| {
            let (drained, p99) = (seconds(b.drained.median), seconds(b.latency.p99));
            vec![s.kind.name().to_owned(), format!("{} at once", b.size), String::new(), drained, p99]
        }));
    }
    rows.extend(report.organisations.iter().map(|s| {
        let what = ui::count(s.organisations, "organisation");
        let fast = number(s.speed.per_second.median);
        vec![s.kind.name().to_owned(), what, fast, String::new(), String::new()]
    }));
    ui.table(&rows);
}

fn costs(report: &LedgerReport, ui: Ui) {
    ui.head("Processor time by gate, one thread");
    let mut rows = vec![heads(&["system", "engine", "gate", "processor", "wall"])];
    for path in &report.gates {
        rows.extend(path.gates.iter().map(|gate| {
            let (cpu, wall) = (seconds(gate.cpu.median), seconds(gate.wall.median));
            vec![path.kind.name().to_owned(), path.engine.clone(), gate.name.clone(), cpu, wall]
        }));
    }
    ui.table(&rows);
    ui.head("By engine, all threads");
    let mut rows = vec![heads(&["system", "engine", "a second", "processor"])];
    rows.extend(report.engines.iter().map(|e| {
        let (fast, cpu) = (number(e.speed.per_second.median), seconds(e.speed.cpu.median));
        vec![e.kind.name().to_owned(), e.engine.clone(), fast, cpu]
    }));
    ui.table(&rows);
}

fn heads(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn seconds(s: f64) -> String {
    ui::seconds(Duration::from_secs_f64(s.max(0.0)))
}

fn number(x: f64) -> String {
    if x >= 100.0 { format!("{x:.0}") } else { format!("{x:.1}") }
}
