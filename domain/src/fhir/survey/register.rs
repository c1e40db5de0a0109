//! What a survey came to.

use super::likeness::Likeness;
use super::version::VersionMark;
use super::{Mark, mark};
use crate::fhir::bundle::Stored;
use crate::fhir::category::Floor;
use crate::fhir::identity::{Name, Source, Stands};
use crate::fhir::problem::{Lost, Place, Problem, Reason};
use crate::fhir::resource::Resource;
use crate::time::Timestamp;

/// A patient of this import.
#[derive(Clone)]
pub struct Person {
    /// The names under which the import speaks of the patient, with what it says; the first is the
    /// least.
    pub names: Vec<(Name, Likeness)>,
    /// The number of the patient among the patients known before.
    pub known: Option<usize>,
    /// Whether the import holds the patient, and not only what is about the patient.
    pub met: bool,
    /// Whether anything of the import is taken that is about the patient.
    pub here: bool,
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken, and about this [`Person`].
    About(u32),
    /// It is taken, and is about no patient: an organisation, a practitioner, a device of nobody.
    AboutNobody,
    /// It takes back what was said before, about this [`Person`].
    Retracted(u32),
    /// The same is there, or a newer version.
    Duplicate,
    /// It is not taken.
    Refused,
}

/// Why a resource of an import is not taken, or only with a word.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which file, in the order in which they were begun.
    pub file: usize,
    /// Where in it.
    pub place: Place,
    /// Path of the element.
    pub path: String,
    /// Why.
    pub reason: Reason,
    /// What was lost.
    pub lost: Lost,
}

impl Finding {
    /// With the label of its file.
    #[must_use]
    pub fn problem(self, labels: &[String]) -> Problem {
        let file = labels.get(self.file).cloned().unwrap_or_default();
        Problem { file, place: self.place, path: self.path, reason: self.reason, lost: self.lost }
    }
}

/// How many resources there were, by what became of them; the four are all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Resources with records.
    pub records: u64,
    /// The same again, and versions that are not the newest.
    pub duplicates: u64,
    /// Taken back by their status, or deleted.
    pub retracted: u64,
    /// Not taken.
    pub refused: u64,
}

/// What becomes of each resource of an import.
pub struct Register {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) floors: Vec<Floor>,
    pub(super) rows: Vec<(Option<u32>, Mark)>,
    pub(super) bundles: Vec<String>,
    pub(super) files: Vec<Source>,
    pub(super) people: Vec<Person>,
    pub(super) deletions: Vec<(Name, Option<Timestamp>)>,
    pub(super) unread: Vec<(Name, VersionMark)>,
    pub(super) findings: Vec<Finding>,
    pub(super) tally: Tally,
}

impl Register {
    /// What was not read, and is not in this import otherwise, with the newest of its versions.
    #[must_use]
    pub fn unread(&self) -> &[(Name, VersionMark)] {
        &self.unread
    }

    /// What was deleted, and when, and is not in this import otherwise.
    #[must_use]
    pub fn deletions(&self) -> &[(Name, Option<Timestamp>)] {
        &self.deletions
    }

    /// Whether the resource with this number was this one, in this file: a file may have changed
    /// since it was noted.
    #[must_use]
    pub fn is_as_noted(&self, number: usize, file: usize, resource: &Resource) -> bool {
        self.rows.get(number).is_some_and(|(_, noted)| *noted == reading(file, resource))
    }

    /// How many resources were noted.
    #[must_use]
    pub fn noted(&self) -> usize {
        self.rows.len()
    }

    /// What becomes of the resource with this number: the first noted has 0.
    #[must_use]
    pub fn verdict(&self, number: usize) -> Verdict {
        self.verdicts.get(number).copied().unwrap_or(Verdict::Refused)
    }

    /// Labels that the resource with this number has at least: if it was in several places, the
    /// labels of all of them.
    #[must_use]
    pub fn floor(&self, number: usize) -> Floor {
        self.floors.get(number).copied().unwrap_or(Floor::NONE)
    }

    /// The name by which the resource with this number is known beyond this import.
    #[must_use]
    pub fn name(&self, number: usize, file: usize, resource: &Resource) -> Option<Name> {
        let bundle = self.rows.get(number)?.0.map(|b| self.bundles[b as usize].as_str());
        let stands = Stands {
            source: self.files.get(file)?,
            bundle: resource.within.as_ref().zip(bundle).map(|(w, key)| (w.head.kind, key)),
            full_url: resource.full_url.as_deref(),
            stored: resource.within.as_ref().map_or(Stored::Unsaid, |w| w.stored),
        };
        stands.name(resource).ok().map(|(name, _)| name)
    }

    /// The patients, and the patients known before that the import names.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Whether a patient is known by a name that holds in a folder only.
    #[must_use]
    pub fn has_folder_names(&self) -> bool {
        self.people.iter().filter(|p| p.here).flat_map(|p| &p.names).any(|(name, _)| !name.is_lasting())
    }

    /// What there is to say, in the order of finding.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The same, handed over.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        core::mem::take(&mut self.findings)
    }

    /// How many of each.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }
}

/// What was read, and where.
pub(super) fn reading(file: usize, resource: &Resource) -> Mark {
    let url = resource.full_url.as_deref().unwrap_or_default();
    mark(&[b"reading", &(file as u64).to_le_bytes(), url.as_bytes(), &resource.digest])
}
