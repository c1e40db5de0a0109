//! What an import says: problems as they come, counts that add up, an exit code.

use crate::args::import::{FailOn, ImportArgs};
use crate::import::Surveyed;
use crate::ui::{self, Ui, count};
use amanat_domain::fhir::survey::{Tally, Verdict};
use amanat_domain::fhir::{Lost, Problem, Reason};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

/// Something was not understood; the rest was. An exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{problems} of what was read {} not understood (--fail-on {level}); all else was", if *problems == 1 { "was" } else { "were" })]
pub(crate) struct SomeNotUnderstood {
    problems: u64,
    level: FailOn,
}

/// Counts of an import. Files are read or refused; resources became records, or are of a type that is not read, or were refused, or
/// were there already.
#[derive(Default)]
pub(crate) struct Counts {
    pub files_read: u64,
    /// Files of which the rest, or all, was lost.
    pub files_refused: u64,
    pub ignored_files: u64,
    pub bytes: u64,
    pub types: BTreeMap<&'static str, u64>,
    /// Records of all resources that were read; a panel has several.
    pub leaves: u64,
    pub unsupported: u64,
    /// Resources that could not be read.
    pub unreadable: u64,
    pub tally: Tally,
}

impl Counts {
    /// A problem of reading.
    pub(crate) fn note(&mut self, problem: &Problem) {
        match (problem.reason, problem.lost) {
            (Reason::Unsupported(_) | Reason::TypeOfOtherVersion(..), _) => self.unsupported += 1,
            (_, Lost::Resource) => self.unreadable += 1,
            _ => {}
        }
    }

    fn refused(&self) -> u64 {
        self.unreadable + self.tally.refused + self.tally.retracted
    }

    /// Whether nothing at all was understood.
    pub(crate) const fn nothing(&self) -> bool {
        self.tally.records + self.tally.duplicates + self.tally.retracted == 0
    }

    fn resources(&self) -> u64 {
        self.tally.records + self.unsupported + self.refused() + self.tally.duplicates
    }
}

impl FailOn {
    /// What a problem counts as.
    fn of(problem: &Problem) -> Self {
        match (problem.reason, problem.lost) {
            (Reason::Unsupported(_) | Reason::TypeOfOtherVersion(..), _) => Self::Unsupported,
            (_, Lost::RestOfFile) => Self::File,
            (_, Lost::Resource) => Self::Resource,
            (_, Lost::Element) => Self::Element,
            (_, Lost::Nothing) => Self::Note,
        }
    }
}

/// Problems, counted, and the first of them kept.
pub(crate) struct Report {
    strict: bool,
    fail_on: FailOn,
    keep: usize,
    kept: Vec<Problem>,
    by_reason: BTreeMap<String, u64>,
    failing: u64,
    all: u64,
    lines: Option<(PathBuf, BufWriter<File>)>,
    /// What else the document says: what was anchored.
    pub more: serde_json::Map<String, serde_json::Value>,
    nothing: bool,
}

impl Report {
    pub(crate) fn new(args: &ImportArgs) -> Result<Self> {
        let open = |path: &PathBuf| -> Result<_> {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Ok((path.clone(), BufWriter::new(file)))
        };
        Ok(Self {
            strict: args.strict,
            fail_on: args.fail_on,
            keep: args.problems,
            lines: args.report.as_ref().map(open).transpose()?,
            ..Self::silent()
        })
    }

    /// For those who look at counts alone.
    pub(crate) fn silent() -> Self {
        Self {
            strict: false,
            fail_on: FailOn::Element,
            keep: 0,
            kept: Vec::new(),
            by_reason: BTreeMap::new(),
            failing: 0,
            all: 0,
            lines: None,
            more: serde_json::Map::new(),
            nothing: false,
        }
    }

    /// A problem. With `--strict` the first one that counts ends the import.
    pub(crate) fn problem(&mut self, problem: Problem) -> Result<()> {
        let level = FailOn::of(&problem);
        self.all += 1;
        *self.by_reason.entry(problem.reason.to_string()).or_default() += 1;
        if let Some((path, out)) = &mut self.lines {
            let line = serde_json::json!({
                "file": problem.file, "line": problem.place.line, "entry": problem.place.entry,
                "path": problem.path, "reason": problem.reason.to_string(), "level": level.to_string(),
            });
            writeln!(out, "{line}").with_context(|| format!("cannot write {}", path.display()))?;
        }
        if level >= self.fail_on {
            self.failing += match problem.reason {
                Reason::SubjectNotFound { times }
                | Reason::SubjectNotHere { times }
                | Reason::SubjectByIdentifier { times } => times,
                _ => 1,
            };
            if self.strict {
                bail!(
                    "{problem}\n(--strict stops at the first problem of level {} or above; without it the rest is read)",
                    self.fail_on
                );
            }
        }
        // What is worse comes first where there is no room for all.
        if self.kept.len() < self.keep {
            self.kept.push(problem);
        } else if let Some(least) = self.kept.iter_mut().rfind(|p| FailOn::of(p) < level) {
            *least = problem;
        }
        Ok(())
    }

    /// Prints all; the report's last line is the summary.
    pub(crate) fn finish(&mut self, surveyed: &Surveyed<'_>, started: Instant, ui: Ui) -> Result<()> {
        let counts = &surveyed.counts;
        let elapsed = started.elapsed();
        let rate = counts.bytes as f64 / 1e6 / elapsed.as_secs_f64().max(1e-9);
        let files = counts.files_read + counts.files_refused;
        ui.say(format!(
            "{}, {} in {} ({rate:.0} MB/s): {}, {}",
            count(files, "file"),
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
        self.say_problems(ui);
        self.nothing = counts.nothing() && surveyed.register.deletions().is_empty();
        let mut document = serde_json::json!({
            "files": { "all": files, "read": counts.files_read, "refused": counts.files_refused, "ignored": counts.ignored_files },
            "bytes": counts.bytes,
            "seconds": elapsed.as_secs_f64(),
            "resources": {
                "all": counts.resources(), "records": counts.tally.records, "unsupported": counts.unsupported,
                "refused": counts.refused(), "duplicates": counts.tally.duplicates,
            },
            "of_refused": { "retracted": counts.tally.retracted },
            "by_type": counts.types,
            "records": counts.leaves,
            "problems": self.by_reason,
            "first_problems": self.kept.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "patients": surveyed.register.people().iter().filter(|p| p.here).count(),
        });
        if let Some(document) = document.as_object_mut() {
            document.append(&mut self.more);
        }
        if let Some((path, out)) = &mut self.lines {
            let written =
                writeln!(out, "{}", serde_json::json!({ "summary": document })).and_then(|()| out.flush());
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        ui.document(&document);
        Ok(())
    }

    fn say_problems(&self, ui: Ui) {
        if self.by_reason.is_empty() {
            return;
        }
        ui.say("");
        let mut rows = vec![vec!["what there is to say".to_owned(), "times".to_owned()]];
        rows.extend(self.by_reason.iter().map(|(reason, n)| vec![reason.clone(), n.to_string()]));
        ui.table(&rows);
        ui.say("");
        for problem in &self.kept {
            ui.say(format!("  {problem}"));
        }
        let hidden = self.all - self.kept.len() as u64;
        if hidden > 0 {
            ui.say(format!("  .. and {hidden} more (--problems N prints more, --report FILE writes all)"));
        }
    }

    /// A failure where nothing was understood, a word of its own where something was not.
    pub(crate) fn verdict(&self) -> Result<()> {
        if self.nothing {
            bail!("nothing was understood: no resource could be read and taken");
        }
        if self.failing > 0 {
            return Err(SomeNotUnderstood { problems: self.failing, level: self.fail_on }.into());
        }
        Ok(())
    }
}

/// Whether a resource with this verdict is kept.
pub(crate) const fn person_of(verdict: Verdict) -> Option<u32> {
    match verdict {
        Verdict::About(person) => Some(person),
        _ => None,
    }
}
