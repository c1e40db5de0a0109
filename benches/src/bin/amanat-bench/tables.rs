//! A ledger report as tables.

use amanat_benches::ledger::file::LedgerReport;
use amanat_benches::table::{table, words};
use amanat_profile::draw::words::{bytes, money, seconds};

/// Everything that was measured.
pub(crate) fn tables(report: &LedgerReport) -> String {
    let mut out = heading(report);
    section(&mut out, "At most", &at_most(report));
    section(&mut out, "Under load", &under_load(report));
    section(&mut out, "By the size of a block, bursts, organisations", &sizes(report));
    section(&mut out, "Processor time by step, one thread", &steps(report));
    section(&mut out, "By backend, all threads", &backends(report));
    section(&mut out, "Outage: killed, away, started again", &outages(report));
    if !report.validators.is_empty() {
        section(&mut out, "Several validators, all on this machine", &validators(report));
        section(
            &mut out,
            "Several validators, by how many requests are handed in together",
            &together(report),
        );
    }
    out.push_str("\n### Attacks\n\n");
    for attack in &report.attacks {
        out.push_str(&format!("{}\n", attack.name));
        for outcome in &attack.outcomes {
            out.push_str(&format!(
                "  {}: {}: {}\n",
                outcome.kind.name(),
                outcome.verdict.word(),
                outcome.what
            ));
        }
    }
    out.push_str("\n### Not run\n\n");
    report.not_run.iter().for_each(|why| out.push_str(&format!("{why}\n")));
    out
}

fn heading(report: &LedgerReport) -> String {
    let (m, s) = (&report.machine, &report.settings);
    let load = m.load.map_or_else(String::new, |load| format!(" | load before the run {load}"));
    format!(
        "{} | {} threads | backend `{}`{load}\n{} | `{}` | distinct proofs: {} | rounds: {}\n",
        m.cpu, m.threads, m.backend, m.time, s.command, s.proofs, s.rounds
    )
}

/// A titled table. The first column is words, the others are numbers.
fn section(out: &mut String, title: &str, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let right: Vec<usize> = (1..columns).collect();
    out.push_str(&format!("\n### {title}\n\n{}", table(rows, &right)));
}

fn at_most(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows = vec![words([
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
            time(s.most.cpu.median),
            money(report.per_million(&s.most)),
            format!("{} B", s.bytes.request),
            format!("{} B", s.bytes.receipt),
            format!("{:.0} B", s.bytes.stored),
            s.memory.map_or_else(|| "not known".to_owned(), |m| bytes(m.peak)),
        ]
    }));
    rows
}

fn under_load(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows = vec![words(["system", "offered", "achieved", "p50", "p99", "max"])];
    for s in &report.systems {
        rows.extend(s.load.iter().map(|l| {
            vec![
                s.kind.name().to_owned(),
                number(l.offered),
                number(l.achieved),
                time(l.latency.p50),
                time(l.latency.p99),
                time(l.latency.max),
            ]
        }));
    }
    rows
}

fn sizes(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows = vec![words(["system", "what", "a second", "until durable", "p99"])];
    for s in &report.systems {
        let name = s.kind.name().to_owned();
        rows.extend(s.batches.iter().map(|b| {
            let (what, fast) = (format!("blocks of {}", b.size), number(b.per_second.median));
            vec![name.clone(), what, fast, String::new(), String::new()]
        }));
        rows.extend(s.bursts.iter().map(|b| {
            let (drained, p99) = (time(b.drained.median), time(b.latency.p99));
            vec![name.clone(), format!("{} at once", b.size), String::new(), drained, p99]
        }));
    }
    rows.extend(report.organisations.iter().map(|s| {
        let (what, fast) = (format!("organisations: {}", s.organisations), number(s.speed.per_second.median));
        vec![s.kind.name().to_owned(), what, fast, String::new(), String::new()]
    }));
    rows
}

fn steps(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows = vec![words(["system", "backend", "step", "processor", "wall"])];
    for path in &report.steps {
        rows.extend(path.steps.iter().map(|step| {
            let (cpu, wall) = (time(step.cpu.median), time(step.wall.median));
            vec![path.kind.name().to_owned(), path.backend.clone(), step.name.clone(), cpu, wall]
        }));
    }
    rows
}

fn backends(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows = vec![words(["system", "backend", "a second", "processor"])];
    rows.extend(report.backends.iter().map(|e| {
        let (fast, cpu) = (number(e.speed.per_second.median), time(e.speed.cpu.median));
        vec![e.kind.name().to_owned(), e.backend.clone(), fast, cpu]
    }));
    rows
}

fn outages(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows =
        vec![words(["system", "a second", "away", "opening", "waited", "synchronised", "lost", "available"])];
    rows.extend(report.outages.iter().map(|o| {
        vec![
            o.kind.name().to_owned(),
            number(o.offered),
            time(o.away),
            time(o.opening),
            o.queued.to_string(),
            time(o.synchronised),
            format!("{} of {}", o.lost, o.acknowledged),
            format!("{:.0} %", 100.0 * o.available),
        ]
    }));
    rows
}

fn validators(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows = vec![words([
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
            time(v.most.cpu.median),
            number(v.block),
            v.wire.map_or_else(String::new, |bytes| format!("{bytes:.0} B")),
            time(v.light.latency.p50),
            time(v.light.latency.p99),
            v.one_dead.map_or_else(String::new, |load| time(load.latency.p99)),
            v.late.map_or_else(String::new, |l| format!("{:.0} blocks/s", l.blocks as f64 / l.seconds)),
            v.memory.map_or_else(String::new, |m| format!("{} after {}", bytes(m.peak), m.requests)),
        ]
    }));
    rows
}

fn together(report: &LedgerReport) -> Vec<Vec<String>> {
    let mut rows =
        vec![words(["validators", "system", "together", "a second", "+-", "in a block", "processor"])];
    for v in &report.validators {
        rows.extend(v.sizes.iter().map(|size| {
            vec![
                v.validators.to_string(),
                v.kind.name().to_owned(),
                size.together.to_string(),
                number(size.per_second.median),
                number(size.per_second.mad),
                number(size.block),
                time(size.cpu),
            ]
        }));
    }
    rows
}

fn time(s: f64) -> String {
    seconds(s.max(0.0))
}

fn number(x: f64) -> String {
    if x >= 100.0 { format!("{x:.0}") } else { format!("{x:.1}") }
}
