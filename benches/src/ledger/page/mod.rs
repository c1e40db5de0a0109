//! A run as a page: one file, no scripts, plots in SVG, in the looks of a profile.

mod plots;

mod twice;

use super::file::{Kind, LedgerReport, System, Verdict};
use amanat_profile::draw::colour::Colour;
use amanat_profile::draw::html::{document, few_rounds, legend, notice, per_million, row, section, tiles};
use amanat_profile::draw::svg::escape;
use amanat_profile::draw::words::{bytes, money, plural, priced, round, seconds, times};
use plots::{Chart, Line, STEPS, colour, lines, rate};

/// What a profile's page has no need of.
const MORE: &str = "\
svg .second { stroke-dasharray: 5 4; opacity: .75; }
.words { table-layout: fixed; min-width: 46rem; }
.how th:nth-child(2), .how th:nth-child(3) { width: 16%; } .how th:last-child { width: 44%; }
.words td, .words th { white-space: normal; text-align: left; vertical-align: top; }
.words td span { color: var(--soft); }
.held, .partly, .lost { font-weight: 650; }
.held { color: var(--teal); } .partly { color: var(--yellow); } .lost { color: var(--red); }
.wide ul { margin: .2rem 0 .6rem; padding-left: 1.2rem; }
details table + table { margin-top: 1.6rem; }
@media (max-width: 48rem) {
  .words, .words tbody, .words tr, .words td { display: block; min-width: 0; }
  .words tr:first-child { display: none; }
  .words tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .words td { border: 0; padding: .15rem 0; }
  .words td[data-of]::before { content: attr(data-of) \": \"; color: var(--soft); }
}
";

/// The page.
#[must_use]
pub fn page(report: &LedgerReport) -> String {
    let mut body = header(report);
    body.push_str(&cards(report));
    body.push_str(&verdict(report));
    body.push_str("<div class=\"plots\">\n");
    body.push_str(&speed(report));
    body.push_str(&costs(report));
    body.push_str(&outages(report));
    body.push_str(&steps(report));
    body.push_str("</div>\n");
    body.push_str(&twice::section(report));
    body.push_str(&validators(report));
    body.push_str(&attacks(report));
    body.push_str(&tables(report));
    body.push_str(&footer(report));
    document("A ledger that verifies", MORE, &body)
}

fn header(report: &LedgerReport) -> String {
    let (m, s) = (&report.machine, &report.settings);
    let load = m.load.map_or_else(String::new, |load| format!(" · load {load} before the run"));
    let busy = m.load.is_some_and(|load| load > 0.25 * f64::from(m.threads));
    let mut notices = Vec::new();
    if busy {
        notices.push("Others used this machine at the same time. Processor time can be relied on; requests a second and latencies are worse than on a quiet machine.".to_owned());
    }
    // Files from before it was written down have it in their command.
    if s.quick || s.command.split_whitespace().any(|word| word == "--quick") {
        notices.push("A quick run: fewer proofs and shorter runs than those of published tables, so the highest speeds are too low. A first impression, not to be quoted.".to_owned());
    }
    notices.extend(few_rounds(s.rounds));
    let mut numbers: Vec<String> = report.validators.iter().map(|v| v.validators.to_string()).collect();
    numbers.dedup();
    let validators = match numbers.as_slice() {
        [] => "one validator".to_owned(),
        [one] => format!("validators: {one}"),
        [first @ .., last] => format!("validators: {} and {last}", first.join(", ")),
    };
    format!(
        "<header>\n<h1>What proofs cost a ledger, and what they buy</h1>\n<p>{} · {} thread{} · {} · backend {}{load}</p>\n<p>{} · {validators} · {} distinct access proofs · {} round{}, medians</p>\n{}</header>\n",
        escape(&m.cpu),
        m.threads,
        plural(m.threads),
        escape(&m.system),
        escape(&m.backend),
        escape(&m.time),
        s.proofs,
        s.rounds,
        plural(s.rounds),
        notice(&notices)
    )
}

fn cards(report: &LedgerReport) -> String {
    let mut cards = Vec::new();
    if let Some(s) = report.system(Kind::Blocks) {
        cards.push((
            format!("{} /s", rate(s.most.per_second.median)),
            "access proofs verified and durable at most, a block at a time".to_owned(),
        ));
    }
    if let Some(s) = report.system(Kind::Proofs) {
        cards.push((
            format!("{} /s", rate(s.most.per_second.median)),
            "at most, where proofs are verified as they come in".to_owned(),
        ));
        if let Some(load) = calm(s) {
            let words = format!("to a durable answer for 99 of 100, at {} a second", rate(load.offered));
            cards.push((seconds(load.latency.p99), words));
        }
        let (price, currency) = (report.settings.price_per_core_hour, &report.settings.currency);
        cards.push((
            priced(report.per_million(&s.most), currency),
            format!("per million proofs verified and durable, at {price} {currency} per core-hour"),
        ));
        cards.push((format!("{} B", s.bytes.request), "is an access with its proof".to_owned()));
    }
    if let Some(o) = report.outages.iter().find(|o| o.kind == Kind::Proofs) {
        cards.push((
            seconds(o.synchronised),
            format!("until {} waiting requests were durable after an outage", o.queued),
        ));
    }
    cards.extend(won(report));
    tiles(&cards)
}

/// How many attacks won, in words: against the ledger with proofs, and against its competitors.
fn won(report: &LedgerReport) -> Option<(String, String)> {
    let count = |kind, verdict| {
        let all = report.attacks.iter().flat_map(|a| &a.outcomes).filter(|o| o.kind == kind);
        all.filter(|o| o.verdict == verdict).count()
    };
    if report.attacks.is_empty() {
        return None;
    }
    let part = match count(Kind::Proofs, Verdict::Partly) {
        0 => String::new(),
        n => format!(", {n} in part"),
    };
    let words = format!(
        "attacks won against the ledger with proofs{part}; {} against the server, {} against the signed ledger",
        count(Kind::Central, Verdict::Lost),
        count(Kind::Signed, Verdict::Lost)
    );
    Some((format!("{} of {}", count(Kind::Proofs, Verdict::Lost), report.attacks.len()), words))
}

/// How an attack ended, said of the attack.
const fn ending(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "attack failed",
        Verdict::Partly => "won in part",
        Verdict::Lost => "attack won",
    }
}

/// The load next below half of the most.
fn calm(system: &System) -> Option<&super::file::Load> {
    let half = system.most.per_second.median * 0.55;
    let below = system.load.iter().filter(|l| l.offered <= half);
    below.max_by(|a, b| a.offered.total_cmp(&b.offered)).or_else(|| system.load.first())
}

/// In words: how much slower, and for what.
fn verdict(report: &LedgerReport) -> String {
    let speed = |kind| report.system(kind).map(|s| s.most);
    let (Some(central), Some(signed), Some(proofs), Some(blocks)) =
        (speed(Kind::Central), speed(Kind::Signed), speed(Kind::Proofs), speed(Kind::Blocks))
    else {
        return String::new();
    };
    let factor =
        |a: &super::file::Speed, b: &super::file::Speed| times(a.per_second.median / b.per_second.median);
    let items = [
        format!(
            "The server is {} as fast as the ledger with proofs verified as they come in, and {} as fast as with proofs verified by block. It checks a signature and a row of a table.",
            factor(&central, &proofs),
            factor(&central, &blocks)
        ),
        format!(
            "The ledger without proofs is {} as fast as with proofs as they come in, {} as by block. A signed access also appends a leaf to a tree of Poseidon hashes, which a proof of access does not.",
            factor(&signed, &proofs),
            factor(&signed, &blocks)
        ),
        "What the time buys: no access without a consent that the patient gave and has not revoked, whatever the signer; nobody's name, number or medical record in the file, and nothing that links the accesses of one patient; a record that shows when it was changed.".to_owned(),
        "What it does not buy with one validator: its operator can write another history by the rules. A kept receipt shows it.".to_owned(),
    ];
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
    format!("<section class=\"wide\">\n<h2>Slower, and for what</h2>\n<ul>\n{items}</ul>\n</section>\n")
}

fn systems(report: &LedgerReport) -> String {
    legend(report.systems.iter().map(|s| (colour(s.kind), s.kind.name().to_owned())))
}

fn speed(report: &LedgerReport) -> String {
    let series = |of: &dyn Fn(&System) -> Vec<(f64, f64)>| -> Vec<Line> {
        report.systems.iter().map(|s| Line { kind: s.kind, second: false, points: of(s) }).collect()
    };
    let mut out = String::new();
    let mut add = |title: &str, why: &str, plot: Option<String>| {
        if let Some(plot) = plot {
            out.push_str(&section(title, why, &plot));
        }
    };
    add(
        "Achieved against offered",
        "Requests come at random times, whatever became of those before. Up to the dashed line all that comes is durable; where a curve leaves it, a queue grows.",
        lines(
            &Chart {
                label: "Durable requests a second against offered ones",
                up: "durable requests a second",
                across: "offered requests a second",
                words: rate,
                marks: &[],
                ideal: true,
            },
            &series(&|s| s.load.iter().map(|l| (l.offered, l.achieved)).collect()),
        ),
    );
    let mut latencies = series(&|s| s.load.iter().map(|l| (l.offered, l.latency.p99)).collect());
    latencies.extend(report.systems.iter().map(|s| Line {
        kind: s.kind,
        second: true,
        points: s.load.iter().map(|l| (l.offered, l.latency.p50)).collect(),
    }));
    add(
        "Latency to the durable answer",
        "From the time a request was meant to come, so that waiting for a busy system counts. Whole lines: 99 of 100 are faster; dashed: half are. Beyond saturation it grows with the length of the run.",
        lines(
            &Chart {
                label: "Latency against offered load",
                up: "time to the durable answer",
                across: "offered requests a second",
                words: round,
                marks: &[],
                ideal: false,
            },
            &latencies,
        ),
    );
    let sizes: Vec<f64> = report
        .systems
        .iter()
        .max_by_key(|s| s.batches.len())
        .map_or_else(Vec::new, |s| s.batches.iter().map(|b| f64::from(b.size)).collect());
    add(
        "By the size of a block",
        "At most, one caller: the next batch is handed in when the last is durable. One durable write for each block.",
        lines(
            &Chart {
                label: "Requests a second by the size of a block",
                up: "durable requests a second",
                across: "requests in a block",
                words: rate,
                marks: &sizes,
                ideal: false,
            },
            &series(&|s| s.batches.iter().map(|b| (f64::from(b.size), b.per_second.median)).collect()),
        ),
    );
    let mut numbers: Vec<f64> = report.organisations.iter().map(|s| f64::from(s.organisations)).collect();
    numbers.dedup();
    let of = |kind| {
        let own = report.organisations.iter().filter(move |s| s.kind == kind);
        own.map(|s| (f64::from(s.organisations), s.speed.per_second.median)).collect::<Vec<_>>()
    };
    let scales: Vec<Line> =
        Kind::ALL.into_iter().map(|kind| Line { kind, second: false, points: of(kind) }).collect();
    let each = report.organisations.first().map_or(0, |s| s.requests);
    add(
        "By the number of organisations",
        &format!(
            "Members of the ledger, accounts of the server. Runs of {each} requests, so shorter than the others."
        ),
        lines(
            &Chart {
                label: "Requests a second by the number of organisations",
                up: "durable requests a second",
                across: "organisations",
                words: rate,
                marks: &numbers,
                ideal: false,
            },
            &scales,
        ),
    );
    let bursts: Vec<f64> = report
        .systems
        .iter()
        .max_by_key(|s| s.bursts.len())
        .map_or_else(Vec::new, |s| s.bursts.iter().map(|b| f64::from(b.size)).collect());
    add(
        "Bursts, as of many devices at once",
        "Silence, then many requests at one instant: until the last is durable.",
        lines(
            &Chart {
                label: "Time to drain a burst by its size",
                up: "time until the last is durable",
                across: "requests at once",
                words: round,
                marks: &bursts,
                ideal: false,
            },
            &series(&|s| s.bursts.iter().map(|b| (f64::from(b.size), b.drained.median)).collect()),
        ),
    );
    out
}

fn costs(report: &LedgerReport) -> String {
    let mut out = String::new();
    if let Some(plot) = plots::backends(&report.backends) {
        let legend =
            legend([Kind::Proofs, Kind::Blocks].map(|k| (colour(k), k.name().to_owned())).into_iter());
        let why = "Durable requests a second: the same proofs with each backend of this machine, in a child process, one caller.";
        out.push_str(&section("By backend", why, &format!("{legend}{plot}")));
    }
    if let Some(plot) = plots::costs(report) {
        let why = format!(
            "{}, or requests where there are no proofs: processor time of all threads at the highest speed, at {} {} per core-hour. Making proofs is not in it, they are made at the hospital.",
            per_million(&report.settings.currency),
            report.settings.price_per_core_hour,
            report.settings.currency
        );
        out.push_str(&section("Cost of verifying", &why, &plot));
    }
    out
}

fn steps(report: &LedgerReport) -> String {
    let Some(plot) = plots::steps(&report.steps) else { return String::new() };
    let families = legend(STEPS.iter().map(|(colour, words)| (*colour, (*words).to_owned())));
    let block = report.steps.first().map_or(0, |g| g.block);
    let why = format!(
        "Of one request, on one thread, {block} requests in a block. “ledger, proofs” here verifies each proof alone, as where nothing else comes in; at its highest speed those that come together are verified together. By block, the rules are part of what verifies."
    );
    section("Processor time by step", &why, &format!("{families}{plot}"))
}

fn outages(report: &LedgerReport) -> String {
    let Some(plot) = plots::outages(&report.outages) else { return String::new() };
    let parts =
        [(Colour::Away, "away"), (Colour::Opening, "opening the file"), (Colour::CatchingUp, "catching up")];
    let legend = legend(parts.map(|(colour, words)| (colour, words.to_owned())).into_iter());
    let offered = report.outages.first().map_or(0.0, |o| o.offered);
    let why = format!(
        "The node's process is killed under load ({} a second) and started again; its client keeps what comes meanwhile.",
        rate(offered)
    );
    section("Hospital outage", &why, &format!("{legend}{plot}"))
}

fn validators(report: &LedgerReport) -> String {
    if report.validators.is_empty() {
        return String::new();
    }
    let mut marks: Vec<f64> = report.validators.iter().map(|v| f64::from(v.validators)).collect();
    marks.dedup();
    let line = |kind| {
        let own = report.validators.iter().filter(|v| v.kind == kind);
        let points = own.map(|v| (f64::from(v.validators), v.most.per_second.median)).collect();
        Line { kind, second: false, points }
    };
    let chart = Chart {
        label: "Requests a second by the number of validators",
        up: "durable requests a second",
        across: "validators",
        words: rate,
        marks: &marks,
        ideal: false,
    };
    let plot = lines(&chart, &[line(Kind::Signed), line(Kind::Proofs)]).unwrap_or_default();
    let mut table = String::from(
        "<div class=\"scroll\">\n<table>\n<tr><th>validators</th><th class=\"l\">system</th><th>a second</th><th>±</th><th>processor</th><th>in a block</th><th>wire</th><th>p50</th><th>p99</th><th>one dead p50</th><th>p99</th><th>late joiner</th><th>memory</th></tr>\n",
    );
    for v in &report.validators {
        let dead = |of: fn(&super::file::Latency) -> f64| {
            v.one_dead.map_or_else(String::new, |load| seconds(of(&load.latency)))
        };
        let cells = [
            v.validators.to_string(),
            v.kind.name().to_owned(),
            rate(v.most.per_second.median),
            rate(v.most.per_second.mad),
            seconds(v.most.cpu.median),
            rate(v.block),
            v.wire.map_or_else(String::new, |b| format!("{b:.0} B")),
            seconds(v.light.latency.p50),
            seconds(v.light.latency.p99),
            dead(|l| l.p50),
            dead(|l| l.p99),
            v.late.map_or_else(String::new, |l| format!("{} blocks/s", rate(l.blocks as f64 / l.seconds))),
            v.memory.map_or_else(String::new, |m| format!("{} after {}", bytes(m.peak), m.requests)),
        ];
        row(&mut table, &cells, &[1]);
    }
    table.push_str("</table>\n</div>\n");
    table.push_str(&sizes(report));
    let light = report.validators.first().map_or(0.0, |v| v.light.offered);
    let why = format!(
        "Every validator verifies every proof, and all of them share the processors of this machine; on separate machines they do so side by side. \
         Processor time is that of all together. Wire: what loopback carried for a request. p50 and p99: at {} a second, until durable at a quorum \
         and where it was handed in. One dead: its process was killed before. Below: the same at most, by how many requests come together, of which blocks are made.",
        rate(light)
    );
    section("Several validators", &why, &format!("{plot}{table}")).replacen(
        "<section>",
        "<section class=\"wide\">",
        1,
    )
}

/// Speed of several validators by how many requests come together.
fn sizes(report: &LedgerReport) -> String {
    if report.validators.iter().all(|v| v.sizes.is_empty()) {
        return String::new();
    }
    let mut table = String::from(
        "<div class=\"scroll\">\n<table>\n<tr><th>validators</th><th class=\"l\">system</th><th>handed in together</th><th>a second</th><th>±</th><th>in a block</th><th>processor</th></tr>\n",
    );
    for v in &report.validators {
        for size in &v.sizes {
            let cells = [
                v.validators.to_string(),
                v.kind.name().to_owned(),
                size.together.to_string(),
                rate(size.per_second.median),
                rate(size.per_second.mad),
                rate(size.block),
                seconds(size.cpu),
            ];
            row(&mut table, &cells, &[1]);
        }
    }
    table.push_str("</table>\n</div>\n");
    table
}

fn attacks(report: &LedgerReport) -> String {
    if report.attacks.is_empty() {
        return String::new();
    }
    let mut table = String::from("<div class=\"scroll\">\n<table class=\"words\">\n<tr><th>attack</th>");
    let kinds: Vec<Kind> = report.attacks[0].outcomes.iter().map(|o| o.kind).collect();
    for kind in &kinds {
        table.push_str(&format!("<th>{}</th>", kind.name()));
    }
    table.push_str("</tr>\n");
    for attack in &report.attacks {
        table.push_str(&format!(
            "<tr><td><b>{}</b><br/><span>{}</span></td>",
            escape(&attack.name),
            escape(&attack.tried)
        ));
        for kind in &kinds {
            let cell = attack.outcomes.iter().find(|o| o.kind == *kind).map_or_else(String::new, |o| {
                format!("<b class=\"{}\">{}</b><br/>{}", o.verdict.word(), ending(o.verdict), escape(&o.what))
            });
            table.push_str(&format!("<td data-of=\"{}\">{cell}</td>", kind.name()));
        }
        table.push_str("</tr>\n");
    }
    table.push_str("</table>\n</div>\n");
    let why =
        "Each was made in this run, through the same calls or on the file; the outcome is what happened.";
    section("Attacks, and what came of each", why, &table).replacen(
        "<section>",
        "<section class=\"wide\">",
        1,
    )
}

fn tables(report: &LedgerReport) -> String {
    let mut out = String::from(
        "<details>\n<summary>All figures</summary>\n<div class=\"scroll\">\n<table>\n<tr><th>system</th><th>a second</th><th>±</th><th>processor</th>",
    );
    out.push_str(&format!("<th>{}</th>", escape(&per_million(&report.settings.currency))));
    out.push_str("<th>request</th><th>receipt</th><th>inclusion</th><th>stored</th><th>memory open</th><th>peak</th></tr>\n");
    for s in &report.systems {
        let cells = [
            s.kind.name().to_owned(),
            rate(s.most.per_second.median),
            rate(s.most.per_second.mad),
            seconds(s.most.cpu.median),
            money(report.per_million(&s.most)),
            format!("{} B", s.bytes.request),
            format!("{} B", s.bytes.receipt),
            s.bytes.inclusion.map_or_else(|| "none".to_owned(), |n| format!("{n} B")),
            format!("{:.0} B", s.bytes.stored),
            s.memory.map_or_else(String::new, |m| bytes(m.open)),
            s.memory.map_or_else(String::new, |m| bytes(m.peak)),
        ];
        row(&mut out, &cells, &[]);
    }
    out.push_str("</table>\n<table>\n<tr><th>system</th><th>offered</th><th>achieved</th><th>requests</th><th>p50</th><th>p99</th><th>max</th></tr>\n");
    for s in &report.systems {
        for l in &s.load {
            let cells = [
                s.kind.name().to_owned(),
                rate(l.offered),
                rate(l.achieved),
                l.requests.to_string(),
                seconds(l.latency.p50),
                seconds(l.latency.p99),
                seconds(l.latency.max),
            ];
            row(&mut out, &cells, &[]);
        }
    }
    out.push_str("</table>\n<table>\n<tr><th>step</th><th class=\"l\">of</th><th class=\"l\">backend</th><th>processor</th><th>±</th><th>wall</th></tr>\n");
    for path in &report.steps {
        for step in &path.steps {
            let cells = [
                step.name.clone(),
                path.kind.name().to_owned(),
                path.backend.clone(),
                seconds(step.cpu.median.max(0.0)),
                seconds(step.cpu.mad),
                seconds(step.wall.median),
            ];
            row(&mut out, &cells, &[1, 2]);
        }
    }
    out.push_str("</table>\n</div>\n</details>\n");
    out
}

fn footer(report: &LedgerReport) -> String {
    let s = &report.settings;
    let about: String = report
        .systems
        .iter()
        .map(|s| format!("<li>{}: {}.</li>\n", s.kind.name(), escape(s.kind.about())))
        .collect();
    let not_run: String = report.not_run.iter().map(|why| format!("<li>{}</li>\n", escape(why))).collect();
    format!(
        "<footer>\n<p>Made by <code>{}</code></p>\n{}<ul>\n{about}</ul>\n<p>Every run begins on a new copy of the same ledger, on the same disk; each batch is one durable two-phase write. {} callers hand in at the same time, at most {} requests together: whatever has come by then. Runs of systems with proofs are at most {} requests long, as many as there are proofs; others at most {}.</p>\n<p>Not run here:</p>\n<ul>\n{not_run}</ul>\n<p>± is the median distance from the median. The price is {} {} per core-hour.</p>\n</footer>\n",
        escape(&s.command),
        systems(report),
        s.callers,
        s.batch,
        s.proofs,
        s.requests,
        s.price_per_core_hour,
        escape(&s.currency)
    )
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::sample;
    use super::*;

    fn parsed(html: &str) -> String {
        html.replace("<!doctype html>\n", "")
            .replace("initial-scale=1\">", "initial-scale=1\"/>")
            .replace("charset=\"utf-8\">", "charset=\"utf-8\"/>")
    }

    #[test]
    fn the_page_is_well_formed_and_stands_alone() {
        let html = parsed(&page(&sample()));
        let document = roxmltree::Document::parse(&html).expect("well-formed");
        let count = |name: &str| document.descendants().filter(|n| n.tag_name().name() == name).count();
        assert_eq!(count("svg"), 10);
        assert_eq!((count("script"), count("link"), count("img"), count("iframe")), (0, 0, 0, 0));
        assert!(!html.contains("url(") && !html.contains("NaN"), "no pictures from elsewhere, only numbers");
        assert!(html.contains("a &lt;name&gt; &amp; more"), "words of outcomes are escaped");
    }

    #[test]
    fn a_quick_or_single_run_says_so() {
        let mut report = sample();
        let html = page(&report);
        assert!(!html.contains("A quick run") && !html.contains("not to be quoted"));
        report.settings.rounds = 1;
        let html = page(&report);
        assert!(
            html.contains("One round only")
                && html.contains("1 round, medians")
                && !html.contains("A quick run")
        );
        report.settings.quick = true;
        assert!(page(&report).contains("A quick run"));
        (report.settings.quick, report.settings.command) = (false, "amanat bench ledger --quick".into());
        assert!(page(&report).contains("A quick run"), "as files from before say it");
    }

    #[test]
    fn money_is_of_a_million_proofs_in_a_named_currency_as_on_the_other_page() {
        let html = page(&sample());
        assert!(
            html.contains(" CHF</b><span>per million proofs verified and durable, at 0.04 CHF per core-hour")
        );
        assert_eq!(html.matches("<th>CHF per million proofs</th>").count(), 1);
        assert!(!html.contains("thousand"));
    }

    #[test]
    fn attacks_are_counted_and_told_in_words() {
        let mut report = sample();
        let words =
            "attacks won against the ledger with proofs; 1 against the server, 0 against the signed ledger";
        assert_eq!(won(&report), Some(("0 of 1".into(), words.into())));
        let html = page(&report);
        for words in ["attack won</b>", "won in part</b>", "attack failed</b>"] {
            assert!(html.contains(words), "{words}");
        }
        report.attacks[0].outcomes[2].verdict = Verdict::Partly;
        assert!(won(&report).is_some_and(|(_, words)| words.contains("with proofs, 1 in part;")));
    }

    #[test]
    fn figures_of_the_same_name_stand_in_one_table_with_their_difference() {
        let html = page(&sample());
        assert!(html.contains("The same thing, measured in several ways"));
        let mut report = sample();
        report.backends.clear();
        report.organisations.clear();
        report.steps.clear();
        report.systems.iter_mut().for_each(|s| s.batches.clear());
        assert!(!page(&report).contains("measured in several ways"), "nothing there that could disagree");
    }

    #[test]
    fn every_chart_names_its_axes() {
        let html = page(&sample());
        for words in
            ["durable requests a second", "time to the durable answer", "time until the last is durable"]
        {
            assert!(html.contains(&format!(">{words}</text>")), "{words}");
        }
        for words in [
            "offered requests a second",
            "requests in a block",
            "organisations",
            "requests at once",
            "validators",
        ] {
            assert!(html.contains(&format!(">{words}</text>")), "{words}");
        }
    }

    #[test]
    fn a_report_of_nothing_is_a_page_too() {
        let mut report = sample();
        report.systems.clear();
        report.steps.clear();
        report.backends.clear();
        report.organisations.clear();
        report.outages.clear();
        report.validators.clear();
        report.attacks.clear();
        let html = parsed(&page(&report));
        assert!(roxmltree::Document::parse(&html).is_ok());
    }
}
