//! What an import says: counts, problems, one document.

use crate::ui::{self, Ui, count};
use amanat_client::import::{Counts, ImportReport, Level, ProblemSink};
use amanat_domain::fhir::Problem;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A file with one problem a line and the summary at the end.
pub(crate) struct Lines {
    path: PathBuf,
    out: Arc<Mutex<BufWriter<File>>>,
}

impl Lines {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path: path.to_path_buf(), out: Arc::new(Mutex::new(BufWriter::new(file))) })
    }

    /// Writes each problem when it is found.
    pub(crate) fn sink(&self) -> ProblemSink {
        let (path, out) = (self.path.clone(), Arc::clone(&self.out));
        Box::new(move |problem: &Problem, level: Level| {
            let line = json!({
                "file": problem.file, "line": problem.place.line, "entry": problem.place.entry,
                "path": problem.path, "reason": problem.reason.to_string(), "level": level.to_string(),
            });
            write_line(&out, &line)
                .map_err(|e| io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display())))
        })
    }

    fn summary(&self, document: &Value) -> Result<()> {
        let written = write_line(&self.out, &json!({ "summary": document }));
        let flushed = written.and_then(|()| self.out.lock().map_or(Ok(()), |mut out| out.flush()));
        flushed.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn write_line(out: &Mutex<BufWriter<File>>, line: &Value) -> io::Result<()> {
    let mut out = out.lock().map_err(|_| io::Error::other("the report was left half written"))?;
    writeln!(out, "{line}")
}

/// What is told at the end of an import.
pub(crate) struct Summary<'i> {
    pub counts: &'i Counts,
    pub report: &'i ImportReport,
    pub patients: usize,
    pub elapsed: Duration,
    /// What was anchored, for the document.
    pub more: Map<String, Value>,
}

impl Summary<'_> {
    /// Prints all; the last line of the file of problems is the summary.
    pub(crate) fn tell(mut self, lines: Option<&Lines>, ui: Ui) -> Result<()> {
        self.say(ui);
        let counts = self.counts;
        let mut document = json!({
            "files": {
                "all": counts.files_read + counts.files_refused, "read": counts.files_read,
                "refused": counts.files_refused, "ignored": counts.ignored_files,
            },
            "bytes": counts.bytes,
            "seconds": self.elapsed.as_secs_f64(),
            "resources": {
                "all": counts.resources(), "records": counts.tally.records, "unsupported": counts.unsupported,
                "refused": counts.refused(), "duplicates": counts.tally.duplicates,
            },
            "of_refused": { "retracted": counts.tally.retracted },
            "by_type": counts.types,
            "records": counts.leaves,
            "problems": self.report.by_reason(),
            "first_problems": self.report.kept().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "patients": self.patients,
        });
        if let Some(document) = document.as_object_mut() {
            document.append(&mut self.more);
        }
        if let Some(lines) = lines {
            lines.summary(&document)?;
        }
        ui.document(&document);
        Ok(())
    }

    /// In words alone.
    pub(crate) fn say(&self, ui: Ui) {
        self.say_counts(ui);
        say_problems(self.report, ui);
    }

    fn say_counts(&self, ui: Ui) {
        let (counts, elapsed) = (self.counts, self.elapsed);
        let rate = counts.bytes as f64 / 1e6 / elapsed.as_secs_f64().max(1e-9);
        ui.say(format!(
            "{}, {} in {} ({rate:.0} MB/s): {}, {}",
            count(counts.files_read + counts.files_refused, "file"),
            ui::bytes(counts.bytes),
            ui::seconds(elapsed),
            count(counts.resources(), "resource"),
            count(counts.leaves, "record"),
        ));
        if counts.ignored_files > 0 {
            ui.say(format!(
                "{} of other kinds (not .json, not .ndjson) or links: not read",
                count(counts.ignored_files, "file")
            ));
        }
        let mut rows = vec![vec!["resource".to_owned(), "read".to_owned()]];
        rows.extend(counts.types.iter().map(|(name, n)| vec![(*name).to_owned(), n.to_string()]));
        if !counts.types.is_empty() {
            ui.table(&rows);
        }
        let of = [
            ("became records", counts.tally.records),
            ("of types that are not read", counts.unsupported),
            ("refused", counts.unreadable + counts.tally.refused),
            ("taken back by their status, or deleted", counts.tally.retracted),
            ("there already, or not the newest version", counts.tally.duplicates),
        ];
        let said: Vec<String> =
            of.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
        if !said.is_empty() {
            ui.say(format!("of {}: {}", count(counts.resources(), "resource"), said.join(", ")));
        }
    }
}

fn say_problems(report: &ImportReport, ui: Ui) {
    if report.by_reason().is_empty() {
        return;
    }
    ui.say("");
    let mut rows = vec![vec!["what there is to say".to_owned(), "times".to_owned()]];
    rows.extend(report.by_reason().iter().map(|(reason, n)| vec![reason.clone(), n.to_string()]));
    ui.table(&rows);
    ui.say("");
    for problem in report.kept() {
        ui.say(format!("  {problem}"));
    }
    if report.hidden() > 0 {
        ui.say(format!(
            "  .. and {} more (--problems N prints more, --report FILE writes all)",
            report.hidden()
        ));
    }
}
