//! Rows, and how they are shown.

use super::measure::Samples;
use crate::table::{table, words};
use amanat_profile::Machine;
use serde::Serialize;
use std::fmt::Write;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What it belongs to.
    pub group: String,
    /// What it is.
    pub name: String,
    /// The figure; the median of several runs.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Least of the runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest of the runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Number of runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<usize>,
    /// What one must know to read it.
    pub note: String,
    /// What is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// Whether the promise is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<bool>,
}

/// A promise about a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Row {
    /// A figure that is the same in every run.
    pub fn fixed(group: &str, name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (group, name, note) = (group.to_owned(), name.into(), String::new());
        Self { group, name, value, unit, min: None, max: None, runs: None, note, bound: None, kept: None }
    }

    /// A time.
    pub fn time(group: &str, name: impl Into<String>, samples: &Samples) -> Self {
        // One unit for a row, by the size of its median.
        let (scale, unit) = match samples.median() {
            s if s >= 1.0 => (1.0, "s"),
            s if s >= 1e-3 => (1e3, "ms"),
            _ => (1e6, "us"),
        };
        Self::samples(group, name, samples, |s| s * scale, unit)
    }

    /// A figure computed from each run's seconds.
    pub fn samples(
        group: &str,
        name: impl Into<String>,
        samples: &Samples,
        value: impl Fn(f64) -> f64,
        unit: &'static str,
    ) -> Self {
        let (x, y) = (value(samples.least()), value(samples.greatest()));
        let mut row = Self::fixed(group, name, value(samples.median()), unit);
        row.min = Some(x.min(y));
        row.max = Some(x.max(y));
        row.runs = Some(samples.len());
        row
    }

    /// With a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// With a promise.
    pub fn bound(mut self, bound: Bound) -> Self {
        self.kept = Some(match bound {
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        });
        self.bound = Some(bound);
        self
    }
}

/// All figures of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where they were measured.
    pub machine: Machine,
    /// The figures.
    pub rows: Vec<Row>,
}

impl Report {
    /// Promises that are not kept.
    pub fn broken(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.kept == Some(false))
    }

    /// As JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and finite numbers are JSON")
    }

    /// As Markdown, one table for each group, columns aligned so that it reads well on a terminal
    /// too.
    pub fn table(&self) -> String {
        let m = &self.machine;
        let mut out = format!("{} | {} threads | {} | backend `{}`", m.cpu, m.threads, m.system, m.backend);
        if let Some(load) = m.load {
            write!(out, " | load before the run {load}").expect("strings take all");
        }
        write!(out, "\n{} | `{}`\nGPU: {}\n", m.time, m.command, m.gpu).expect("strings take all");
        let mut rest = &self.rows[..];
        while let Some(first) = rest.first() {
            let n = rest.iter().take_while(|row| row.group == first.group).count();
            write!(out, "\n### {}\n\n", first.group).expect("strings take all");
            let mut lines =
                vec![words(["figure", "value", "unit", "min", "max", "runs", "promised", "note"])];
            lines.extend(rest[..n].iter().map(cells));
            out.push_str(&table(&lines, &[1, 3, 4, 5]));
            rest = &rest[n..];
        }
        out
    }
}

fn cells(row: &Row) -> Vec<String> {
    let optional = |x: Option<f64>| x.map_or_else(String::new, number);
    let promised = match (row.bound, row.kept) {
        (Some(Bound::AtMost(x)), Some(kept)) => format!("<= {} {}", number(x), verdict(kept)),
        (Some(Bound::AtLeast(x)), Some(kept)) => format!(">= {} {}", number(x), verdict(kept)),
        _ => String::new(),
    };
    let value = if row.value.is_nan() { "n/a".to_owned() } else { number(row.value) };
    let runs = row.runs.map_or_else(String::new, |n| n.to_string());
    let (min, max) = (optional(row.min), optional(row.max));
    vec![row.name.clone(), value, row.unit.to_owned(), min, max, runs, promised, row.note.clone()]
}

const fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "NOT KEPT" }
}

/// Three significant digits or all before the point; thousands set apart.
fn number(x: f64) -> String {
    if x.fract() == 0.0 || x.abs() >= 1000.0 {
        let digits = format!("{:.0}", x.abs());
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(c);
        }
        return if x < 0.0 { format!("-{out}") } else { out };
    }
    match x.abs() {
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_thousands_are_set_apart() {
        let shown = [0.4321, 1.5, 12.34, 123.4, 1234.5, 32675.0, 1048576.0, 256.0].map(number);
        assert_eq!(shown, ["0.43", "1.50", "12.3", "123", "1,234", "32,675", "1,048,576", "256"]);
    }

    #[test]
    fn a_promise_is_judged_by_the_median() {
        let samples = Samples::new(vec![3.0, 1.0, 2.0]);
        let row = Row::time("g", "n", &samples).bound(Bound::AtMost(2.0));
        assert_eq!((row.value, row.min, row.max, row.kept), (2.0, Some(1.0), Some(3.0), Some(true)));
        let row = Row::samples("g", "n", &samples, |s| 6.0 / s, "1/s").bound(Bound::AtLeast(4.0));
        assert_eq!((row.value, row.min, row.max, row.kept), (3.0, Some(2.0), Some(6.0), Some(false)));
    }
}
