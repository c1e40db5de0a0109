//! The plots. Each is drawn 380 units wide: a phone shows it whole, a desk shows several beside
//! each other.

use super::parts::part;
use crate::draw::axes::{Curve, Frame, name_curves, ticks};
use crate::draw::colour::Colour;
use crate::draw::svg::{Anchor, Svg};
use crate::draw::words::{bytes, percent, power, pretty, round, seconds, thousands, times};
use crate::file::{Prover, Run, Subject};

const WIDTH: f64 = 380.0;
const LABELS: f64 = 88.0;
const VALUES: f64 = 96.0;
const ROW: f64 = 23.0;
const BAR: f64 = 16.0;

/// The colour of a prover: by its place among all.
pub(super) fn colour(provers: &[&str], name: &str) -> Colour {
    let place = provers.iter().position(|p| *p == name);
    Colour::Series(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX))
}

/// Seconds of one thread's processor time for a proof. If one thread was not measured: of the
/// fewest threads that were.
pub(super) fn one_thread(prover: &Prover) -> Option<f64> {
    let run = prover.with(1).or_else(|| prover.runs.iter().min_by_key(|run| run.threads))?;
    Some(run.whole.cpu.median)
}

/// A stacked bar for each prover of each subject; the slowest of a subject spans the width.
pub(super) fn stacks(subjects: &[&Subject]) -> String {
    let rows: usize = subjects.iter().map(|s| s.provers.len()).sum();
    let height = subjects.len() as f64 * 34.0 + rows as f64 * ROW;
    let mut svg = Svg::new(WIDTH, height);
    let mut y = 0.0;
    for subject in subjects {
        heading(&mut svg, subject, y);
        y += 24.0;
        let slowest = subject.provers.iter().filter_map(one_thread).fold(0.0, f64::max);
        let ours =
            subject.provers.iter().filter(|p| !p.peer).filter_map(one_thread).fold(f64::INFINITY, f64::min);
        for prover in &subject.provers {
            let (Some(run), Some(all)) = (prover.runs.first(), one_thread(prover)) else { continue };
            label(&mut svg, prover, y);
            let unit = (WIDTH - LABELS - VALUES) / slowest;
            if prover.peer || run.phases.is_empty() {
                let tip = format!("{}: {}", prover.name, seconds(all));
                svg.rect([LABELS, y, all * unit, BAR], Colour::Peer.class(), &tip);
            } else {
                // The parts' medians need not add up to the median of the whole: drawn in its
                // proportion. The peers are given the witness, so it is no part of this bar.
                let parts = run.phases.iter().filter(|p| p.phase != "witness");
                let sum: f64 = parts.map(|p| p.times.cpu.median.max(0.0)).sum();
                let unit = unit * all / sum;
                stack(&mut svg, run, y, |name, s| if name == "witness" { 0.0 } else { s * unit }, |_| None);
            }
            let words = if all > ours * 1.005 {
                format!("{} \u{b7} {}", seconds(all), times(all / ours))
            } else {
                seconds(all)
            };
            svg.text((LABELS + all * unit + 6.0, y + 12.5), Anchor::Start, "small", &words);
            y += ROW;
        }
        y += 10.0;
    }
    svg.finish("Processor time of one proof on one thread, by part and prover")
}

/// What share of a proof each part takes, for each of our backends.
pub(super) fn shares(subjects: &[&Subject]) -> String {
    let ours = |s: &Subject| s.provers.iter().filter(|p| !p.peer).count();
    let rows: usize = subjects.iter().map(|s| ours(s)).sum();
    let mut svg = Svg::new(WIDTH, subjects.len() as f64 * 34.0 + rows as f64 * ROW);
    let mut y = 0.0;
    for subject in subjects {
        heading(&mut svg, subject, y);
        y += 24.0;
        for prover in subject.provers.iter().filter(|p| !p.peer) {
            let Some(run) = prover.runs.first() else { continue };
            label(&mut svg, prover, y);
            let all: f64 = run.phases.iter().map(|p| p.times.cpu.median).sum();
            let unit = (WIDTH - LABELS - 4.0) / all;
            stack(&mut svg, run, y, |_, s| s * unit, |s| (s / all > 0.095).then(|| percent(s / all)));
            y += ROW;
        }
        y += 10.0;
    }
    svg.finish("Share of each part of a proof, by backend")
}

fn heading(svg: &mut Svg, subject: &Subject, y: f64) {
    svg.text((0.0, y + 14.0), Anchor::Start, "strong", &pretty(&subject.name));
    let rows = format!("{} rows of {}", thousands(subject.rows), power(subject.domain));
    svg.text((WIDTH, y + 14.0), Anchor::End, "small soft", &rows);
}

fn label(svg: &mut Svg, prover: &Prover, y: f64) {
    svg.text((0.0, y + 12.5), Anchor::Start, "small soft", &prover.name);
}

fn stack(
    svg: &mut Svg,
    run: &Run,
    y: f64,
    scale: impl Fn(&str, f64) -> f64,
    inside: impl Fn(f64) -> Option<String>,
) {
    let (mut x, mut before, mut odd) = (LABELS, None, false);
    for part_times in &run.phases {
        let time = part_times.times.cpu.median.max(0.0);
        let (name, colour) = part(&part_times.phase);
        let width = scale(&part_times.phase, time);
        if width <= 0.0 {
            continue;
        }
        // Neighbours of one colour are told apart by their strength.
        odd = before == Some(colour) && !odd;
        before = Some(colour);
        let light = if odd { " light" } else { "" };
        // A gap would swallow a narrow part.
        let gap = if width > 4.0 { " gap" } else { "" };
        let class = format!("{colour}{light}{gap}");
        svg.rect([x, y, width, BAR], &class, &format!("{name}: {}", seconds(time)));
        if let Some(words) = inside(time) {
            svg.text((x + width / 2.0, y + 12.0), Anchor::Middle, "inside", &words);
        }
        x += width;
    }
}

/// Time against size, both by powers.
pub(super) fn sizes(subjects: &[&Subject], provers: &[&str]) -> String {
    const HEIGHT: f64 = 330.0;
    let mut svg = Svg::new(WIDTH, HEIGHT);
    let of = |subject: &Subject, name: &str| subject.prover(name).and_then(one_thread);
    let all = subjects.iter().flat_map(|s| provers.iter().filter_map(|name| of(s, name)));
    let (low, high) = all.fold((f64::INFINITY, 0.0f64), |(l, h), t| (l.min(t), h.max(t)));
    let logs = subjects.iter().map(|s| f64::from(s.domain.max(1).ilog2()));
    let (first, last) = logs.fold((f64::INFINITY, 0.0f64), |(l, h), x| (l.min(x), h.max(x)));
    if low > high || first > last {
        return svg.finish("Nothing was measured in sizes");
    }
    let plot = Frame::within(WIDTH, HEIGHT, 54.0, 92.0);
    let (low, high) = (low.log10() - 0.08, high.log10() + 0.08);
    let x = |log: f64| plot.x((log - first) / (last - first).max(1.0));
    let y = |t: f64| plot.y((t.log10() - low) / (high - low));
    let marks: Vec<_> = ticks(low, high).into_iter().map(|t| (y(t), round(t))).collect();
    plot.vertical(&mut svg, "processor time of one proof", &marks);
    let marks: Vec<_> =
        subjects.iter().map(|s| (x(f64::from(s.domain.max(1).ilog2())), power(s.domain))).collect();
    plot.horizontal(&mut svg, "size of the domain, in rows", &marks);
    let mut curves = Vec::new();
    for name in provers {
        let points: Vec<(f64, f64, String)> = subjects
            .iter()
            .filter_map(|s| {
                let t = of(s, name)?;
                let tip = format!("{name}, {}: {}", pretty(&s.name), seconds(t));
                Some((x(f64::from(s.domain.max(1).ilog2())), y(t), tip))
            })
            .collect();
        let colour = colour(provers, name);
        let line: Vec<_> = points.iter().map(|(x, y, _)| (*x, *y)).collect();
        if !line.is_empty() {
            svg.path(&line, &format!("{colour} curve"));
        }
        for (x, y, tip) in &points {
            svg.circle((*x, *y), 3.6, colour.class(), tip);
        }
        curves.push(Curve { colour, name: Some((*name).to_owned()), points: line });
    }
    name_curves(&mut svg, &plot, WIDTH, &curves);
    svg.finish("Processor time of one proof against the size of the circuit, both on logarithmic axes")
}

/// Gains that an axis may be marked with.
const GAINS: [f64; 22] = [
    0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0,
    32.0, 64.0,
];

/// How much faster more threads are, by the clock on the wall; both axes by powers of two.
pub(super) fn scaling(subject: &Subject, provers: &[&str]) -> Option<String> {
    const HEIGHT: f64 = 290.0;
    let threads = |p: &Prover| p.runs.iter().map(|r| r.threads).max();
    let most = subject.provers.iter().filter_map(threads).max().filter(|most| *most > 1)?;
    let gains = |prover: &Prover| -> Vec<(u32, f64)> {
        let Some(one) = prover.with(1).map(|r| r.whole.wall.median) else { return Vec::new() };
        let gain = |r: &Run| (r.threads, one / r.whole.wall.median);
        let known = |(n, gain): &(u32, f64)| *n > 0 && gain.is_finite() && *gain > 0.0;
        prover.runs.iter().map(gain).filter(known).collect()
    };
    // All that was measured is within the axes, also what more threads made slower or far faster.
    let all = || subject.provers.iter().flat_map(gains).map(|(_, gain)| gain);
    let low = all().fold(1.0, f64::min).log2() - 0.06;
    let high = all().fold(f64::from(most), f64::max).log2() + 0.06;
    let mut svg = Svg::new(WIDTH, HEIGHT);
    let plot = Frame::within(WIDTH, HEIGHT, 46.0, 92.0);
    let x = |n: u32| plot.x(f64::from(n).log2() / f64::from(most).log2());
    let y = |gain: f64| plot.y((gain.log2() - low) / (high - low));
    let marks: Vec<_> = GAINS
        .into_iter()
        .filter(|gain| (low..=high).contains(&gain.log2()))
        .map(|gain| (y(gain), format!("{gain}\u{d7}")))
        .collect();
    plot.vertical(&mut svg, "gain over one thread, by the clock on the wall", &marks);
    let mut counts: Vec<u32> =
        subject.provers.iter().flat_map(|p| p.runs.iter().map(|r| r.threads)).filter(|n| *n > 0).collect();
    counts.sort_unstable();
    counts.dedup();
    let marks: Vec<_> = counts.into_iter().map(|n| (x(n), n.to_string())).collect();
    plot.horizontal(&mut svg, "threads", &marks);
    let ideal = vec![(x(1), y(1.0)), (x(most), y(f64::from(most)))];
    svg.path(&ideal, "ideal");
    let mut curves = vec![Curve { colour: Colour::Ideal, name: Some("all shared".into()), points: ideal }];
    for prover in &subject.provers {
        let gains = gains(prover);
        let colour = colour(provers, &prover.name);
        let points: Vec<(f64, f64)> = gains.iter().map(|(n, gain)| (x(*n), y(*gain))).collect();
        if points.is_empty() {
            continue;
        }
        svg.path(&points, &format!("{colour} curve"));
        for ((n, gain), at) in gains.iter().zip(&points) {
            svg.circle(*at, 3.6, colour.class(), &format!("{}, threads: {n}: {}", prover.name, times(*gain)));
        }
        let name = (points.len() > 1).then(|| prover.name.clone());
        curves.push(Curve { colour, name, points });
    }
    name_curves(&mut svg, &plot, WIDTH, &curves);
    Some(svg.finish("Gain by the number of threads, and the gain if all work were shared"))
}

/// Memory: what is held, and what a proof adds.
pub(super) fn memory(subjects: &[&Subject], provers: &[&str]) -> Option<String> {
    let with: Vec<(&Subject, Vec<&Prover>)> = subjects
        .iter()
        .map(|s| (*s, s.provers.iter().filter(|p| p.memory.is_some()).collect::<Vec<_>>()))
        .filter(|(_, provers)| !provers.is_empty())
        .collect();
    let rows: usize = with.iter().map(|(_, provers)| provers.len()).sum();
    if rows == 0 {
        return None;
    }
    let mut svg = Svg::new(WIDTH, with.len() as f64 * 34.0 + rows as f64 * ROW);
    let mut y = 0.0;
    for (subject, list) in with {
        heading(&mut svg, subject, y);
        y += 24.0;
        let most = list.iter().filter_map(|p| p.memory).map(|m| m.peak).max().unwrap_or(1);
        for (prover, memory) in list.iter().filter_map(|p| Some((p, p.memory?))) {
            label(&mut svg, prover, y);
            let unit = (WIDTH - LABELS - VALUES) / most as f64;
            let (held, peak) = (memory.loaded.min(memory.peak) as f64 * unit, memory.peak as f64 * unit);
            let colour = colour(provers, &prover.name);
            svg.rect(
                [LABELS, y, held, BAR],
                colour.class(),
                &format!("key and witness: {}", bytes(memory.loaded)),
            );
            let more = format!("a proof adds {}", bytes(memory.peak.saturating_sub(memory.loaded)));
            svg.rect([LABELS + held, y, peak - held, BAR], &format!("{colour} light"), &more);
            svg.text((LABELS + peak + 6.0, y + 12.5), Anchor::Start, "small", &bytes(memory.peak));
            y += ROW;
        }
        y += 10.0;
    }
    Some(svg.finish("Peak of resident memory of a process that makes one proof"))
}

/// How near each part comes to the limit of the arithmetic.
pub(super) fn limits(subject: &Subject, provers: &[&str]) -> Option<String> {
    let share = |run: &Run, i: usize| {
        let part = &run.phases[i];
        Some(part.limit? / part.times.cpu.median)
    };
    let bars: Vec<(&Prover, &Run)> =
        subject.provers.iter().filter(|p| !p.peer).filter_map(|p| Some((p, p.with(1)?))).collect();
    let mut lines: Vec<(String, Vec<(Colour, f64)>)> = Vec::new();
    for (prover, run) in &bars {
        let colour = colour(provers, &prover.name);
        for i in 0..run.phases.len() {
            let Some(share) = share(run, i).filter(|s| s.is_finite()) else { continue };
            let (name, _) = part(&run.phases[i].phase);
            match lines.iter_mut().find(|(n, _)| *n == name) {
                Some((_, list)) => list.push((colour, share)),
                None => lines.push((name, vec![(colour, share)])),
            }
        }
    }
    let rows: usize = lines.iter().map(|(_, list)| list.len()).sum();
    if rows == 0 {
        return None;
    }
    const NAMES: f64 = 162.0;
    let mut svg = Svg::new(WIDTH, rows as f64 * 15.0 + lines.len() as f64 * 7.0 + 4.0);
    let mut y = 0.0;
    for (name, list) in lines {
        svg.text((0.0, y + 11.0), Anchor::Start, "small", &name);
        for (colour, share) in list {
            let room = WIDTH - NAMES - 48.0;
            svg.rect([NAMES, y + 1.0, room, 11.0], "track", "");
            svg.rect([NAMES, y + 1.0, room * share.min(1.0), 11.0], colour.class(), "");
            svg.text((WIDTH, y + 11.0), Anchor::End, "small", &percent(share));
            y += 15.0;
        }
        y += 7.0;
    }
    Some(svg.finish("Share of the limit of the arithmetic that each part reaches"))
}
