//! What an import says: problems as they come, counts that add up, a verdict.

use super::ImportError;
use amanat_domain::fhir::survey::Tally;
use amanat_domain::fhir::{Lost, Problem, Reason};
use std::collections::BTreeMap;
use std::io;

/// Counts of an import. Files are read or refused; resources became records, or are of a type that
/// is not read, or were refused, or were there already.
#[derive(Debug, Default)]
pub struct Counts {
    /// Files that were read whole.
    pub files_read: u64,
    /// Files that could not be read to their end.
    pub files_refused: u64,
    /// Files of other kinds, and links.
    pub ignored_files: u64,
    /// Bytes of the files that were read.
    pub bytes: u64,
    /// Resources that were read, by type.
    pub types: BTreeMap<&'static str, u64>,
    /// Records of all resources that were read; a panel has several.
    pub leaves: u64,
    /// Resources of types that are not read.
    pub unsupported: u64,
    /// Resources that could not be read.
    pub unreadable: u64,
    /// What became of the resources that were read.
    pub tally: Tally,
}

impl Counts {
    /// A problem of reading.
    pub(super) fn note(&mut self, problem: &Problem) {
        match (problem.reason, problem.lost) {
            (Reason::Unsupported(_) | Reason::TypeOfOtherVersion(..), _) => self.unsupported += 1,
            (_, Lost::Resource) => self.unreadable += 1,
            _ => {}
        }
    }

    /// How many resources were refused, or taken back.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.unreadable + self.tally.refused + self.tally.retracted
    }

    /// Whether nothing at all was understood.
    #[must_use]
    pub const fn nothing(&self) -> bool {
        self.tally.records + self.tally.duplicates + self.tally.retracted == 0
    }

    /// How many resources there were.
    #[must_use]
    pub const fn resources(&self) -> u64 {
        self.tally.records + self.unsupported + self.refused() + self.tally.duplicates
    }
}

/// Kinds of problems, each worse than the kinds before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a word: a byte order mark, a page of several, a duplicate.
    Note,
    /// A resource of a type that is not read.
    Unsupported,
    /// An element that could not be read.
    Element,
    /// A resource that could not be read, or joined with a patient.
    Resource,
    /// A file that could not be read to its end.
    File,
}

impl core::fmt::Display for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Unsupported => "unsupported",
            Self::Element => "element",
            Self::Resource => "resource",
            Self::File => "file",
        })
    }
}

impl Level {
    /// The kind of a problem.
    #[must_use]
    pub fn of(problem: &Problem) -> Self {
        match (problem.reason, problem.lost) {
            (Reason::Unsupported(_) | Reason::TypeOfOtherVersion(..), _) => Self::Unsupported,
            (_, Lost::RestOfFile) => Self::File,
            (_, Lost::Resource) => Self::Resource,
            (_, Lost::Element) => Self::Element,
            (_, Lost::Nothing) => Self::Note,
        }
    }
}

/// Hears every problem of an import when it is found.
pub type ProblemSink = Box<dyn FnMut(&Problem, Level) -> io::Result<()>>;

/// The problems of an import, counted, and the worst of them kept.
pub struct ImportReport {
    fail_on: Level,
    strict: bool,
    keep: usize,
    sink: Option<ProblemSink>,
    kept: Vec<Problem>,
    by_reason: BTreeMap<String, u64>,
    failing: u64,
    all: u64,
}

/// An import did not understand all it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// No resource could be read and taken.
    #[error("nothing was understood: no resource could be read and taken")]
    Nothing,
    /// Some problems are of the level that counts, or worse.
    #[error(
        "{problems} of what was read {} not understood (--fail-on {level}); all else was",
        if *problems == 1 { "was" } else { "were" }
    )]
    Some {
        /// How many.
        problems: u64,
        /// The level that counts.
        level: Level,
    },
}

impl ImportReport {
    /// Counts problems from this level on as failures, and keeps at most `keep` problems, the
    /// worst.
    #[must_use]
    pub const fn new(fail_on: Level, keep: usize) -> Self {
        Self {
            fail_on,
            strict: false,
            keep,
            sink: None,
            kept: Vec::new(),
            by_reason: BTreeMap::new(),
            failing: 0,
            all: 0,
        }
    }

    /// Ends the import at the first problem that counts.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Tells every problem there too.
    #[must_use]
    pub fn telling(mut self, sink: ProblemSink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Whether the import ends at the first problem that counts.
    pub(super) const fn is_strict(&self) -> bool {
        self.strict
    }

    /// Takes a problem.
    pub(super) fn problem(&mut self, problem: Problem) -> Result<(), ImportError> {
        let level = Level::of(&problem);
        self.all += 1;
        *self.by_reason.entry(problem.reason.to_string()).or_default() += 1;
        if let Some(sink) = &mut self.sink {
            sink(&problem, level).map_err(ImportError::Report)?;
        }
        if level >= self.fail_on {
            self.failing += match problem.reason {
                Reason::SubjectNotFound { times }
                | Reason::SubjectNotHere { times }
                | Reason::SubjectByIdentifier { times } => times,
                _ => 1,
            };
            if self.strict {
                return Err(ImportError::Stopped { problem: Box::new(problem), level: self.fail_on });
            }
        }
        // Without room for all, what is worse takes the place of what is less.
        if self.kept.len() < self.keep {
            self.kept.push(problem);
        } else if let Some(least) = self.kept.iter_mut().rfind(|p| Level::of(p) < level) {
            *least = problem;
        }
        Ok(())
    }

    /// The problems that were kept.
    #[must_use]
    pub fn kept(&self) -> &[Problem] {
        &self.kept
    }

    /// How many problems were not kept.
    #[must_use]
    pub const fn hidden(&self) -> u64 {
        self.all - self.kept.len() as u64
    }

    /// How many problems there were, by reason.
    #[must_use]
    pub const fn by_reason(&self) -> &BTreeMap<String, u64> {
        &self.by_reason
    }

    /// Whether enough was understood. `nothing`: nothing was read and taken, and nothing deleted.
    ///
    /// # Errors
    /// [`NotUnderstood`].
    pub const fn verdict(&self, nothing: bool) -> Result<(), NotUnderstood> {
        if nothing {
            return Err(NotUnderstood::Nothing);
        }
        if self.failing > 0 {
            return Err(NotUnderstood::Some { problems: self.failing, level: self.fail_on });
        }
        Ok(())
    }
}

impl Default for ImportReport {
    /// Fails on elements that could not be read, and keeps no problems.
    fn default() -> Self {
        Self::new(Level::Element, 0)
    }
}
