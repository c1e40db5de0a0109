//! Figures that have one name on the page and differ, because they were measured in different ways:
//! beside each other, with the difference.

use super::plots::rate;
use crate::ledger::file::{Kind, LedgerReport};
use amanat_profile::draw::svg::escape;
use amanat_profile::draw::words::seconds;

const KINDS: [Kind; 2] = [Kind::Proofs, Kind::Blocks];

/// What it is, in each of the two ways of verifying, and how it was measured.
struct Figure {
    name: &'static str,
    values: [Option<String>; 2],
    how: String,
}

/// A table; empty if no figure was measured in two ways.
pub(super) fn section(report: &LedgerReport) -> String {
    let figures = [speeds(report), times(report)];
    if figures.iter().all(|of_one| of_one.len() < 2) {
        return String::new();
    }
    let mut table = format!(
        "<div class=\"scroll\">\n<table class=\"words how\">\n<tr><th>figure</th><th>{}</th><th>{}</th><th>how it was measured</th></tr>\n",
        KINDS[0].name(),
        KINDS[1].name()
    );
    for figure in figures.iter().filter(|of_one| of_one.len() > 1).flatten() {
        let [one, block] = figure.values.each_ref().map(|v| escape(v.as_deref().unwrap_or("not measured")));
        table.push_str(&format!(
            "<tr><td><b>{}</b></td><td data-of=\"{}\">{one}</td><td data-of=\"{}\">{block}</td><td><span>{}</span></td></tr>\n",
            figure.name,
            KINDS[0].name(),
            KINDS[1].name(),
            escape(&figure.how)
        ));
    }
    table.push_str("</table>\n</div>\n");
    let why = "Each is right for what it measures; to compare two systems, compare figures of one row.";
    amanat_profile::draw::html::section("The same thing, measured in several ways", why, &table).replacen(
        "<section>",
        "<section class=\"wide\">",
        1,
    )
}

fn values(of: impl Fn(Kind) -> Option<f64>, words: impl Fn(f64) -> String) -> Option<[Option<String>; 2]> {
    let values = KINDS.map(|kind| of(kind).map(&words));
    values.iter().any(Option::is_some).then_some(values)
}

/// Durable requests a second.
fn speeds(report: &LedgerReport) -> Vec<Figure> {
    let s = &report.settings;
    let words = |x: f64| format!("{} /s", rate(x));
    let most = |kind| report.system(kind).map(|s| s.most.per_second.median);
    let largest = |kind| {
        let batches = report.system(kind)?.batches.iter();
        batches.filter(|b| b.size <= s.batch).max_by_key(|b| b.size)
    };
    let backend =
        |kind| report.backends.iter().find(|e| e.kind == kind && e.backend == report.machine.backend);
    let fewest =
        |kind| report.organisations.iter().filter(|o| o.kind == kind).min_by_key(|o| o.organisations);
    let size = KINDS.into_iter().find_map(largest).map_or(0, |b| b.size);
    let batch = KINDS.into_iter().find_map(backend).map_or(0, |e| e.batch);
    let (members, each) =
        KINDS.into_iter().find_map(fewest).map_or((0, 0), |o| (o.organisations, o.requests));
    let all = [
        (
            "at most: above, and in all figures",
            values(most, words),
            format!(
                "{} callers hand in at the same time, at most {} requests together: the proofs of one are verified while the block of the other is written",
                s.callers, s.batch
            ),
        ),
        (
            "by the size of a block",
            values(|kind| Some(largest(kind)?.per_second.median), words),
            format!("one caller, blocks of {size}: nothing is verified while a block is written"),
        ),
        (
            "by backend",
            values(|kind| Some(backend(kind)?.speed.per_second.median), words),
            format!("one caller, at most {batch} together, in a new process"),
        ),
        (
            "by the number of organisations",
            values(|kind| Some(fewest(kind)?.speed.per_second.median), words),
            format!(
                "with {members} of them, another ledger: runs of {each} requests, so short that one late write shows"
            ),
        ),
    ];
    all.into_iter().filter_map(|(name, values, how)| Some(Figure { name, values: values?, how })).collect()
}

/// Processor time of a request.
fn times(report: &LedgerReport) -> Vec<Figure> {
    let most = |kind| report.system(kind).map(|s| s.most.cpu.median);
    let path = |kind| report.steps.iter().find(|g| g.kind == kind && g.backend == report.machine.backend);
    let steps = |kind| Some(path(kind)?.steps.iter().map(|g| g.cpu.median.max(0.0)).sum());
    let block = KINDS.into_iter().find_map(path).map_or(0, |g| g.block);
    let all = [
        (
            "processor time: in all figures, and what the cost is reckoned from",
            values(most, seconds),
            "of all threads at the highest speed: proofs that come together are verified together".to_owned(),
        ),
        (
            "processor time by step, all steps",
            values(steps, seconds),
            format!(
                "on one thread. “{}”: each proof verified alone. “{}”: a block of {block} in one batch",
                Kind::Proofs.name(),
                Kind::Blocks.name()
            ),
        ),
    ];
    all.into_iter().filter_map(|(name, values, how)| Some(Figure { name, values: values?, how })).collect()
}
