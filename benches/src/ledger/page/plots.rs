//! The plots, 380 units wide like the plots of a profile.

use crate::ledger::file::{BackendSpeed, Kind, LedgerReport, Outage, Steps};
use amanat_profile::draw::axes::{Curve, Frame, name_curves, ticks};
use amanat_profile::draw::colour::Colour;
use amanat_profile::draw::html::per_million;
use amanat_profile::draw::svg::{Anchor, Svg};
use amanat_profile::draw::words::{percent, priced, seconds, thousands};

const WIDTH: f64 = 380.0;
const LABELS: f64 = 104.0;
const VALUES: f64 = 96.0;
const ROW: f64 = 23.0;
const BAR: f64 = 16.0;

/// The colour of a system: the same everywhere.
pub(super) const fn colour(kind: Kind) -> Colour {
    Colour::Series(match kind {
        Kind::Blocks => 0,
        Kind::Proofs => 1,
        Kind::Signed => 2,
        Kind::Central => 5,
    })
}

/// The legend of the steps of a request.
pub(super) const STEPS: [(Colour, &str); 6] = [
    (Colour::Rules, "decode, rules"),
    (Colour::Evidence, "signature or proof"),
    (Colour::Proposal, "propose"),
    (Colour::Roots, "new roots"),
    (Colour::Durable, "durable write"),
    (Colour::Adoption, "take over"),
];

/// The colour of a step, by its name in the file.
fn family(step: &str) -> Colour {
    match step {
        "decode" | "precheck" => Colour::Rules,
        "check" | "verify" | "validate" => Colour::Evidence,
        "propose" => Colour::Proposal,
        "apply" => Colour::Roots,
        "commit" => Colour::Durable,
        _ => Colour::Adoption,
    }
}

/// Requests a second.
pub(super) fn rate(x: f64) -> String {
    if x >= 100.0 { thousands(x.round() as u64) } else { format!("{x:.1}") }
}

/// A line through measured points.
pub(super) struct Line {
    pub(super) kind: Kind,
    /// Dashed, and without a name at its end.
    pub(super) second: bool,
    pub(super) points: Vec<(f64, f64)>,
}

/// What a chart shows.
pub(super) struct Chart<'a> {
    /// Its description for screen readers.
    pub(super) label: &'a str,
    /// What the vertical axis counts.
    pub(super) up: &'a str,
    /// What the horizontal axis counts.
    pub(super) across: &'a str,
    /// Words for a value of the vertical axis.
    pub(super) words: fn(f64) -> String,
    /// Marks of the horizontal axis; powers of ten if empty.
    pub(super) marks: &'a [f64],
    /// Whether what comes in can come out: the line of equals.
    pub(super) ideal: bool,
}

/// Lines on logarithmic axes.
pub(super) fn lines(chart: &Chart<'_>, lines: &[Line]) -> Option<String> {
    const HEIGHT: f64 = 300.0;
    let all = || lines.iter().flat_map(|line| &line.points).filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        all()
            .map(of)
            .map(f64::log10)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
    };
    let ((left, right), (low, high)) = (bounds(|p| p.0), bounds(|p| p.1));
    if left >= right || low > high {
        return None;
    }
    let (low, high) = (low - 0.08, high + 0.08);
    let plot = Frame::within(WIDTH, HEIGHT, 54.0, 104.0);
    let x = |v: f64| plot.x((v.log10() - left) / (right - left));
    let y = |v: f64| plot.y((v.log10() - low) / (high - low));
    let mut svg = Svg::new(WIDTH, HEIGHT);
    let marks: Vec<_> = ticks(low, high).into_iter().map(|t| (y(t), (chart.words)(t))).collect();
    plot.vertical(&mut svg, chart.up, &marks);
    let marks = if chart.marks.is_empty() { ticks(left, right) } else { chart.marks.to_vec() };
    let marks: Vec<_> = marks.into_iter().map(|m| (x(m), thousands(m.round() as u64))).collect();
    plot.horizontal(&mut svg, chart.across, &marks);
    if chart.ideal {
        let (from, to) = (left.max(low), right.min(high));
        if from < to {
            let ends = [from, to].map(|log| 10f64.powf(log));
            svg.line((x(ends[0]), y(ends[0])), (x(ends[1]), y(ends[1])), "ideal");
        }
    }
    let mut curves = Vec::new();
    for line in lines {
        let points: Vec<(f64, f64)> = line.points.iter().map(|(a, b)| (x(*a), y(*b))).collect();
        let colour = colour(line.kind);
        if !points.is_empty() {
            svg.path(&points, &format!("{colour} curve{}", if line.second { " second" } else { "" }));
        }
        for (at, (a, b)) in points.iter().zip(&line.points) {
            let tip = format!("{}, {}: {}", line.kind.name(), rate(*a), (chart.words)(*b));
            svg.circle(*at, if line.second { 2.4 } else { 3.6 }, colour.class(), &tip);
        }
        let name = (!line.second).then(|| line.kind.name().to_owned());
        curves.push(Curve { colour, name, points });
    }
    name_curves(&mut svg, &plot, WIDTH, &curves);
    Some(svg.finish(chart.label))
}

/// A bar for each path through the steps; the dearest spans the width.
pub(super) fn steps(paths: &[Steps]) -> Option<String> {
    let total = |path: &Steps| path.steps.iter().map(|g| g.cpu.median.max(0.0)).sum::<f64>();
    let most = paths.iter().map(total).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let mut backends: Vec<&str> = paths.iter().map(|p| p.backend.as_str()).collect();
    backends.dedup();
    let mut svg = Svg::new(WIDTH, paths.len() as f64 * ROW + backends.len() as f64 * 32.0);
    let (mut y, mut before) = (0.0, "");
    for path in paths {
        if path.backend != before {
            svg.text((0.0, y + 14.0), Anchor::Start, "strong", &path.backend);
            y += 24.0;
            before = &path.backend;
        }
        svg.text((0.0, y + 12.5), Anchor::Start, "small soft", path.kind.name());
        let unit = (WIDTH - LABELS - VALUES) / most;
        let mut at = LABELS;
        for step in &path.steps {
            let width = step.cpu.median.max(0.0) * unit;
            let tip = format!("{}: {}", step.name, seconds(step.cpu.median.max(0.0)));
            let gap = if width > 4.0 { " gap" } else { "" };
            svg.rect([at, y, width, BAR], &format!("{}{gap}", family(&step.name)), &tip);
            at += width;
        }
        svg.text((at + 6.0, y + 12.5), Anchor::Start, "small", &seconds(total(path)));
        y += ROW;
    }
    Some(svg.finish("Processor time of one request on one thread, by step, system and backend"))
}

/// Bars of requests a second, by backend.
pub(super) fn backends(speeds: &[BackendSpeed]) -> Option<String> {
    let with_proofs: Vec<&BackendSpeed> =
        speeds.iter().filter(|s| matches!(s.kind, Kind::Proofs | Kind::Blocks)).collect();
    bars(
        "Durable access proofs a second, by backend",
        &with_proofs
            .iter()
            .map(|s| {
                let name =
                    format!("{}, {}", s.backend, if s.kind == Kind::Blocks { "by block" } else { "proofs" });
                (
                    name,
                    colour(s.kind),
                    s.speed.per_second.median,
                    format!("{} /s", rate(s.speed.per_second.median)),
                )
            })
            .collect::<Vec<_>>(),
    )
}

/// Bars of money for a million.
pub(super) fn costs(report: &LedgerReport) -> Option<String> {
    bars(
        &per_million(&report.settings.currency),
        &report
            .systems
            .iter()
            .map(|s| {
                let cost = report.per_million(&s.most);
                let words = priced(cost, &report.settings.currency);
                (s.kind.name().to_owned(), colour(s.kind), cost, words)
            })
            .collect::<Vec<_>>(),
    )
}

fn bars(label: &str, rows: &[(String, Colour, f64, String)]) -> Option<String> {
    let most = rows.iter().map(|row| row.2).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let mut svg = Svg::new(WIDTH, rows.len() as f64 * ROW);
    let left = LABELS + 30.0;
    for (i, (name, colour, value, words)) in rows.iter().enumerate() {
        let y = i as f64 * ROW;
        svg.text((0.0, y + 12.5), Anchor::Start, "small soft", name);
        let width = (WIDTH - left - 86.0) * value / most;
        svg.rect([left, y, width, BAR], colour.class(), &format!("{name}: {words}"));
        svg.text((left + width + 6.0, y + 12.5), Anchor::Start, "small", words);
    }
    Some(svg.finish(label))
}

/// What happened when, a strip for each: served, away, opening, catching up.
pub(super) fn outages(outages: &[Outage]) -> Option<String> {
    let whole = |o: &Outage| o.away + o.opening + o.synchronised;
    let most = outages.iter().map(whole).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    const EACH: f64 = ROW + 34.0;
    let mut svg = Svg::new(WIDTH, outages.len() as f64 * EACH);
    for (i, o) in outages.iter().enumerate() {
        let y = i as f64 * EACH;
        svg.text((0.0, y + 12.5), Anchor::Start, "small soft", o.kind.name());
        let unit = (WIDTH - LABELS) / most;
        let mut at = LABELS;
        for (name, colour, time) in [
            ("away", Colour::Away, o.away),
            ("opening", Colour::Opening, o.opening),
            ("catching up", Colour::CatchingUp, o.synchronised),
        ] {
            svg.rect([at, y, time * unit, BAR], colour.class(), &format!("{name}: {}", seconds(time)));
            at += time * unit;
        }
        let waited = format!(
            "{} waited, durable {} after it was back",
            thousands(o.queued.into()),
            seconds(o.synchronised)
        );
        let lost = format!(
            "{} of {} lost, available {} of the time",
            o.lost,
            thousands(o.acknowledged.into()),
            percent(o.available)
        );
        svg.text((LABELS, y + 29.0), Anchor::Start, "small soft", &waited);
        svg.text((LABELS, y + 42.0), Anchor::Start, "small soft", &lost);
    }
    Some(svg.finish("From the kill until all that had waited is durable"))
}
