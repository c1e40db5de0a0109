//! Identity in one import, over all its files.
//!
//! A [`Survey`] takes every resource once, in the order of reading, and returns at the end
//! ([`Register`]) what becomes of each: which is the newest version, about whom it is, and why it
//! is not taken where it is not. Files are then read a second time, in the same order, and the
//! register is asked by number. Some hundred bytes are kept for a resource, whatever its size.
//!
//! **Versions.** Of two resources with one [name](super::identity) the one with the greater
//! `meta.versionId` counts (where both are numbers), else the one with the later
//! `meta.lastUpdated`, else the one read last. It is an error, and neither is taken, if they differ
//! in one Bundle, or under one version, and nothing says which is newer.
//!
//! **People.** If nobody named the source, an id shows less: two Patients of one name are one only
//! if what they say of themselves tells people apart (an identifier, or a birth date and a family
//! name) and does not contradict itself. If it does, nothing about either is taken, and nothing of
//! a Bundle that holds one. Two Patients of two names are one only by the operator's rule
//! ([`Survey::same_patient_by`]): they share an identifier of a system that he named.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha512};

use super::bundle::Stored;
use super::category::{Floor, SENSITIVITIES};
use super::identity::{Name, Nameless, Source, Stands, type_of_reference};
use super::problem::{Lost, Place, Reason};
use super::reader::{Deletion, Unread};
use super::resource::Resource;
use crate::record::ResourceType;
use crate::time::Timestamp;

mod bundles;
mod likeness;
mod people;
mod register;
mod version;

use bundles::BundleSeen;
pub use likeness::Likeness;
use likeness::identifier;
use people::People;
pub use register::{Finding, Person, Register, Tally, Verdict};
pub use version::{Order, VersionMark};

type Mark = [u8; 16];

fn mark(parts: &[&[u8]]) -> Mark {
    let mut hash = Sha512::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    core::array::from_fn(|i| digest[i])
}

/// A patient whom the custodian knows from before.
#[derive(Clone)]
pub struct KnownPatient {
    /// A name of the patient.
    pub name: Name,
    /// The patient: patients known under several names have one number.
    pub person: usize,
    /// What was said under that name.
    pub likeness: Likeness,
}

#[derive(Clone, Copy)]
enum Of {
    Nobody,
    Itself,
    Refused,
    Subject(u32),
}

struct Row {
    /// What was read, and where: a second reading must find the same.
    content: Mark,
    entry: Option<u32>,
    bundle: Option<u32>,
    of: Of,
}

struct Entry {
    /// The rows in which it was met first, and in its newest version.
    first: u32,
    newest: u32,
    content: Mark,
    floor: Floor,
    version: VersionMark,
    resource_type: ResourceType,
    subject: Option<u32>,
    patient: Option<u32>,
    retracted: bool,
    deleted: Option<Option<Timestamp>>,
    ambiguous: bool,
    /// A newer version was not read.
    unread: bool,
    trusted: bool,
    at: At,
}

#[derive(Clone, Copy)]
struct At {
    file: usize,
    bundle: Option<u32>,
    place: Place,
}

struct Subject {
    candidates: Vec<Mark>,
    identifiers: Vec<[Mark; 2]>,
    path: &'static str,
    first: At,
    times: u64,
}

struct Patient {
    name: Name,
    likeness: Likeness,
    bundles: Vec<u32>,
}

/// Notes of every resource of an import.
pub struct Survey {
    joining: bool,
    same_by: Vec<Mark>,
    known: Vec<KnownPatient>,
    files: Vec<Source>,
    bundles: Vec<BundleSeen>,
    /// The Bundles that are being read, the outermost first: number in the file, number here.
    open: Vec<(u64, u32)>,
    names: BTreeMap<Mark, u32>,
    /// Names that resources have besides, within their Bundles; `None` if two have the same.
    aliases: BTreeMap<Mark, Option<u32>>,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    subjects: Vec<Subject>,
    subject_numbers: BTreeMap<(Vec<Mark>, Vec<[Mark; 2]>), u32>,
    patients: Vec<Patient>,
    deletions: BTreeMap<Mark, (Name, Option<Timestamp>)>,
    /// What was not read, and its newest version.
    unread: BTreeMap<Mark, (Name, VersionMark)>,
    /// Subjects of entries, beside the one that the entry has, and whether all else was the same.
    other_subjects: BTreeMap<u32, Vec<(u32, bool)>>,
    findings: Vec<Finding>,
    tally: Tally,
}

impl Survey {
    /// Of resources that are to be joined with patients: what is about nobody who is known is
    /// refused.
    #[must_use]
    pub fn joining() -> Self {
        Self { joining: true, ..Self::reading() }
    }

    /// Resources that are only read: their subject is only reported.
    #[must_use]
    pub fn reading() -> Self {
        Self {
            joining: false,
            same_by: Vec::new(),
            known: Vec::new(),
            files: Vec::new(),
            bundles: Vec::new(),
            open: Vec::new(),
            names: BTreeMap::new(),
            aliases: BTreeMap::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            subjects: Vec::new(),
            subject_numbers: BTreeMap::new(),
            patients: Vec::new(),
            deletions: BTreeMap::new(),
            unread: BTreeMap::new(),
            other_subjects: BTreeMap::new(),
            findings: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// What is lost where a resource cannot be joined.
    const fn unjoined(&self) -> Lost {
        if self.joining { Lost::Resource } else { Lost::Nothing }
    }

    /// Patients who share an identifier of this system are one.
    #[must_use]
    pub fn same_patient_by(mut self, system: &str) -> Self {
        self.same_by.push(mark(&[b"system", system.as_bytes()]));
        self
    }

    /// Patients known from before.
    #[must_use]
    pub fn knowing(mut self, known: Vec<KnownPatient>) -> Self {
        self.known = known;
        self
    }

    /// What follows is of another file, of this source. Returns the file's number.
    pub fn begin_file(&mut self, source: Source) -> usize {
        self.files.push(source);
        self.open.clear();
        self.files.len() - 1
    }

    fn file(&self) -> usize {
        self.files.len().saturating_sub(1)
    }

    /// Notes a resource; the next number. What is wrong with it is among the findings.
    ///
    /// # Panics
    /// If no file was begun.
    pub fn note(&mut self, place: Place, resource: &Resource) {
        let bundle = self.bundle(place, resource.within.as_ref());
        let row = self.rows.len() as u32;
        if let Some(content) = bundle.and_then(|b| self.bundles[b as usize].content.as_mut()) {
            let url = resource.full_url.as_deref().unwrap_or_default();
            content.push((mark(&[b"entry", url.as_bytes(), &resource.digest]), row));
        }
        let at = At { file: self.file(), bundle, place };
        let row = self.row(at, resource);
        self.rows.push(row);
    }

    /// What was found so far; what is only known at the end is with the [`Register`].
    pub fn take_findings(&mut self) -> Vec<Finding> {
        core::mem::take(&mut self.findings)
    }

    fn find(&mut self, at: At, path: &str, reason: Reason, lost: Lost) {
        self.findings.push(Finding { file: at.file, place: at.place, path: path.to_owned(), reason, lost });
    }

    fn row(&mut self, at: At, resource: &Resource) -> Row {
        let content = register::reading(at.file, resource);
        let source = self.files.last().expect("a file was begun").clone();
        let key = at.bundle.map(|b| self.bundles[b as usize].key.clone());
        let stands = Stands {
            source: &source,
            bundle: resource.within.as_ref().zip(key.as_deref()).map(|(w, key)| (w.head.kind, key)),
            full_url: resource.full_url.as_deref(),
            stored: resource.within.as_ref().map_or(Stored::Unsaid, |w| w.stored),
        };
        let type_name = super::types::name(resource.resource_type);
        let (name, alias) = match stands.name(resource) {
            Ok(names) => names,
            Err(why) => {
                let reason = match why {
                    Nameless::Nothing => Reason::Nameless,
                    Nameless::TwoIds => Reason::TwoNames,
                    Nameless::TooLong => Reason::TooLong { limit: 2048 },
                };
                self.find(at, type_name, reason, Lost::Resource);
                return Row { content, entry: None, bundle: at.bundle, of: Of::Refused };
            }
        };
        let of = self.subject(at, &stands, resource);
        // A server vouches for its ids, and so does the user that named a source. A folder does
        // not.
        let trusted = name.is_lasting();
        if let Some(status) = resource.retracted {
            self.find(at, type_name, Reason::Retracted(status), Lost::Nothing);
        }
        let entry = self.entry(at, &name, alias.as_ref(), resource, &of, trusted);
        Row { content, entry: Some(entry), bundle: at.bundle, of }
    }

    fn subject(&mut self, at: At, stands: &Stands<'_>, resource: &Resource) -> Of {
        let path = match resource.resource_type {
            ResourceType::Patient => return Of::Itself,
            ResourceType::Practitioner | ResourceType::PractitionerRole | ResourceType::Organization => {
                return Of::Nobody;
            }
            ResourceType::Coverage => "Coverage.beneficiary",
            ResourceType::Encounter => "Encounter.subject",
            ResourceType::Condition => "Condition.subject",
            ResourceType::Observation => "Observation.subject",
            ResourceType::Procedure => "Procedure.subject",
            ResourceType::MedicationRequest => "MedicationRequest.subject",
            ResourceType::DiagnosticReport => "DiagnosticReport.subject",
            ResourceType::Immunization => "Immunization.patient",
            ResourceType::AllergyIntolerance => "AllergyIntolerance.patient",
            ResourceType::Claim => "Claim.patient",
            ResourceType::ExplanationOfBenefit => "ExplanationOfBenefit.patient",
            ResourceType::Consent => "Consent.patient",
            ResourceType::Device => "Device.patient",
        };
        if let Some(other) = resource.subject.as_ref().and_then(|subject| subject.not_a_patient) {
            self.find(at, path, Reason::NotAPatient(other), self.unjoined());
            return Of::Refused;
        }
        if resource.retracted.is_some() && resource.subject.is_none() {
            // Servers take away all but the id of what was entered in error.
            return Of::Nobody;
        }
        let (literal, identifiers) = match &resource.subject {
            Some(subject) => (subject.literal.as_deref(), subject.identifiers.as_slice()),
            None => (None, [].as_slice()),
        };
        if literal.is_none() && identifiers.is_empty() {
            return if resource.resource_type == ResourceType::Device {
                Of::Nobody
            } else {
                self.find(at, path, Reason::NoSubject, self.unjoined());
                Of::Refused
            };
        }
        if let Some(other) = literal.and_then(type_of_reference).filter(|name| *name != "Patient") {
            self.find(at, path, Reason::NotAPatient(other), self.unjoined());
            return Of::Refused;
        }
        let mut identifiers: Vec<[Mark; 2]> = identifiers.iter().map(|i| identifier(i)).collect();
        if let Some(search) = literal.and_then(|l| l.trim().strip_prefix("Patient?identifier=")) {
            identifiers.push(identifier(search));
        }
        let candidates: Vec<Mark> =
            literal.map(|l| stands.candidates(l)).unwrap_or_default().iter().map(key).collect();
        let next = self.subjects.len() as u32;
        let number = *self.subject_numbers.entry((candidates.clone(), identifiers.clone())).or_insert(next);
        if number == next {
            self.subjects.push(Subject { candidates, identifiers, path, first: at, times: 0 });
        }
        self.subjects[number as usize].times += 1;
        Of::Subject(number)
    }

    fn entry(
        &mut self,
        at: At,
        name: &Name,
        alias: Option<&Name>,
        resource: &Resource,
        of: &Of,
        trusted: bool,
    ) -> u32 {
        let ordinal = self.rows.len() as u32;
        let is_patient = resource.resource_type == ResourceType::Patient;
        let type_name = super::types::name(resource.resource_type);
        let likeness = if is_patient { Likeness::of(resource) } else { Likeness::default() };
        let seen = Entry {
            first: ordinal,
            newest: ordinal,
            content: mark(&[&resource.digest]),
            floor: floor_of(resource),
            version: VersionMark::of(resource),
            resource_type: resource.resource_type,
            subject: if let Of::Subject(n) = of { Some(*n) } else { None },
            patient: None,
            retracted: resource.retracted.is_some(),
            deleted: None,
            ambiguous: false,
            unread: false,
            trusted,
            at,
        };
        let number = *self.names.entry(key(name)).or_insert(self.entries.len() as u32);
        if let Some(alias) = alias {
            // Another resource of the Bundle with that id makes the alias nobody's: references by
            // it stay unresolved.
            self.aliases
                .entry(key(alias))
                .and_modify(|n| *n = n.filter(|n| *n == number))
                .or_insert(Some(number));
        }
        let Some(before) = self.entries.get_mut(number as usize) else {
            let mut seen = seen;
            if is_patient {
                seen.patient = Some(self.patients.len() as u32);
                let bundles = at.bundle.into_iter().collect();
                self.patients.push(Patient { name: name.clone(), likeness, bundles });
            }
            self.entries.push(seen);
            return number;
        };
        if before.ambiguous {
            if let Some(patient) = before.patient {
                self.patients[patient as usize].bundles.extend(at.bundle);
            }
            return number;
        }
        let elsewhere = before.at.file != at.file;
        let same_people = match before.patient {
            // The subjects of the others are known at the end.
            None => true,
            Some(patient) => {
                let patient = &mut self.patients[patient as usize];
                patient.bundles.extend(at.bundle.filter(|b| patient.bundles.last() != Some(b)));
                if before.trusted {
                    patient.likeness.may_be(&likeness)
                } else {
                    // One file does not hold two people under one id; two files of a folder may.
                    patient.likeness.is(&likeness) || (!elsewhere && before.content == seen.content)
                }
            }
        };
        let one_bundle = !elsewhere && before.at.bundle.is_some() && before.at.bundle == at.bundle;
        let order = match before.version.order(&seen.version) {
            // What was taken back stays so, unless something says that this is newer.
            Order::Same | Order::Unsaid if before.trusted && before.retracted && !seen.retracted => {
                Order::Older
            }
            order => order,
        };
        let same = before.content == seen.content && before.resource_type == seen.resource_type;
        let unordered = matches!(order, Order::Same | Order::Unsaid);
        let ambiguous = !same_people
            || before.resource_type != seen.resource_type
            || (!same && unordered && (one_bundle || order == Order::Same || !trusted));
        if ambiguous {
            before.ambiguous = true;
            let first = before.at;
            let reason = if is_patient { Reason::AmbiguousPatient } else { Reason::Ambiguous };
            self.find(first, type_name, reason, Lost::Resource);
            self.find(at, type_name, reason, Lost::Resource);
            return number;
        }
        let other = seen.subject.filter(|n| before.subject != Some(*n));
        if let Some(other) = other.filter(|_| same || !before.trusted) {
            self.other_subjects.entry(number).or_default().push((other, same));
        }
        if same {
            before.floor = before.floor.union(seen.floor);
            if order == Order::Newer {
                before.version = seen.version;
            }
            self.find(at, type_name, Reason::Same, Lost::Nothing);
            return number;
        }
        let older_at = if order == Order::Older { at } else { before.at };
        if order != Order::Older {
            let patient = before.patient;
            if let Some(earlier) = before.subject.filter(|_| !before.trusted) {
                self.other_subjects.entry(number).or_default().push((earlier, false));
            } else {
                self.other_subjects.remove(&number);
            }
            // If nothing says that it is newer, it is not less sensitive either.
            let floor = if unordered { before.floor.union(seen.floor) } else { seen.floor };
            *before = Entry { first: before.first, patient, floor, ..seen };
            if let Some(patient) = patient {
                self.patients[patient as usize].likeness = likeness;
            }
        }
        self.find(older_at, type_name, Reason::Older { unordered }, Lost::Nothing);
        number
    }

    /// Notes that a resource was deleted. What was read of it, and is not newer, is no fact.
    ///
    /// # Panics
    /// If no file was begun.
    pub fn note_deletion(&mut self, place: Place, deletion: &Deletion) {
        let bundle = self.bundle(place, Some(&deletion.within));
        let at = At { file: self.file(), bundle, place };
        let source = self.files.last().expect("a file was begun").clone();
        let bundle_key = bundle.map(|b| self.bundles[b as usize].key.clone());
        let stands = Stands {
            source: &source,
            bundle: bundle_key.as_deref().map(|key| (deletion.within.head.kind, key)),
            full_url: None,
            stored: Stored::Put,
        };
        let named = deletion.full_url.as_deref().or(deletion.url.as_deref());
        let names = named.map(|n| stands.candidates(n)).unwrap_or_default();
        // What it means beyond this Bundle must be told, or what was anchored of it stays.
        let lost = if names.iter().any(Name::is_lasting) { Lost::Nothing } else { Lost::Resource };
        self.find(at, "request", Reason::Deleted, lost);
        // In a history the newest stands first: what is deleted may not have been read yet.
        for name in names {
            let said = self.deletions.entry(key(&name)).or_insert((name, deletion.at));
            said.1 = said.1.zip(deletion.at).map(|(a, b)| a.max(b));
        }
    }

    /// Notes a resource that was not read: an older version of it is not the latest.
    ///
    /// # Panics
    /// If no file was begun.
    pub fn note_unread(&mut self, place: Place, unread: &Unread) {
        let bundle = self.bundle(place, unread.within.as_ref());
        let source = self.files.last().expect("a file was begun").clone();
        let bundle_key = bundle.map(|b| self.bundles[b as usize].key.clone());
        let stands = Stands {
            source: &source,
            bundle: unread.within.as_ref().zip(bundle_key.as_deref()).map(|(w, key)| (w.head.kind, key)),
            full_url: None,
            stored: unread.within.as_ref().map_or(Stored::Unsaid, |w| w.stored),
        };
        let version = VersionMark::said(&unread.version);
        let named = unread.full_url.as_deref().or(unread.reference.as_deref());
        for name in named.map(|n| stands.candidates(n)).unwrap_or_default() {
            match self.unread.entry(key(&name)) {
                Slot::Vacant(slot) => {
                    slot.insert((name, version));
                }
                Slot::Occupied(mut slot) if slot.get().1.order(&version) == Order::Newer => {
                    slot.get_mut().1 = version;
                }
                Slot::Occupied(_) => {}
            }
        }
    }

    /// What is older than a version that was not read is not taken; what is not in this import is
    /// left to the vault's keeper.
    fn refuse_older_than_unread(&mut self) -> Vec<(Name, VersionMark)> {
        let mut elsewhere = Vec::new();
        for (mark, (name, version)) in core::mem::take(&mut self.unread) {
            let Some(entry) = self.names.get(&mark).and_then(|n| self.entries.get_mut(*n as usize)) else {
                elsewhere.push((name, version));
                continue;
            };
            if version.order(&entry.version) != Order::Newer && !entry.ambiguous {
                let (at, type_name) = (entry.at, super::types::name(entry.resource_type));
                entry.unread = true;
                self.find(at, type_name, Reason::NewerUnread, Lost::Resource);
            }
        }
        elsewhere
    }

    /// What becomes of each resource.
    #[must_use]
    pub fn finish(mut self) -> Register {
        self.name_bundles();
        let unread = self.refuse_older_than_unread();
        let mut deletions = Vec::new();
        for (mark, (name, at)) in core::mem::take(&mut self.deletions) {
            match self.names.get(&mark).and_then(|n| self.entries.get_mut(*n as usize)) {
                Some(entry) => entry.deleted = Some(at),
                None => deletions.push((name, at)),
            }
        }
        let mut people = self.people();
        let subjects: Vec<Result<u32, ()>> =
            (0..self.subjects.len()).map(|n| self.resolve(n, &people)).collect();
        let agreed = self.agreed(&subjects);
        for patient in self.entries.iter().filter(|e| e.ambiguous).filter_map(|e| e.patient) {
            for bundle in &self.patients[patient as usize].bundles {
                self.bundles[*bundle as usize].refused = true;
            }
        }
        let mut told: Vec<bool> = self.bundles.iter().map(|_| false).collect();
        let mut verdicts = Vec::with_capacity(self.rows.len());
        for n in 0..self.rows.len() {
            let verdict = self.verdict(n as u32, &people, &subjects, &agreed);
            if let (Some(bundle), Some(entry)) = (self.rows[n].bundle, self.rows[n].entry)
                && self.bundles[bundle as usize].refused
                && !core::mem::replace(&mut told[bundle as usize], true)
            {
                let at = self.entries[entry as usize].at;
                let at = At { place: Place { entry: None, ..at.place }, ..at };
                self.find(at, "Bundle", Reason::AmbiguousBundle, Lost::Resource);
            }
            if let Verdict::About(person) | Verdict::Retracted(person) = verdict
                && let Some(person) = people.people.get_mut(person as usize)
            {
                person.here = true;
            }
            let slot = match verdict {
                Verdict::About(_) | Verdict::AboutNobody => &mut self.tally.records,
                Verdict::Duplicate => &mut self.tally.duplicates,
                Verdict::Retracted(_) => &mut self.tally.retracted,
                Verdict::Refused => &mut self.tally.refused,
            };
            *slot += 1;
            verdicts.push(verdict);
        }
        let taken = self
            .rows
            .iter()
            .map(|row| row.entry.map_or(Floor::NONE, |entry| self.entries[entry as usize].floor))
            .collect();
        let bundles = self.bundles.into_iter().map(|b| b.key).collect();
        let rows = self.rows.iter().map(|row| (row.bundle, row.content)).collect();
        Register {
            verdicts,
            floors: taken,
            rows,
            bundles,
            files: self.files,
            people: people.people,
            deletions,
            unread,
            findings: self.findings,
            tally: self.tally,
        }
    }

    /// Subjects of resources that were in several places, by entry: the places must not name two
    /// people.
    fn agreed(&mut self, subjects: &[Result<u32, ()>]) -> BTreeMap<u32, u32> {
        let mut agreed = BTreeMap::new();
        for (number, others) in core::mem::take(&mut self.other_subjects) {
            let entry = &self.entries[number as usize];
            let own = entry.subject.map(|n| (n, true));
            let all = || own.iter().chain(&others).map(|(n, same)| (subjects[*n as usize], *same));
            let people: BTreeSet<u32> = all().filter_map(|(person, _)| person.ok()).collect();
            // The same words mean the same person wherever they can be told; other words must be
            // told, too.
            let untold = others.iter().any(|(_, same)| !same) && all().any(|(person, _)| person.is_err());
            match (people.len(), people.first()) {
                (1, Some(person)) if entry.trusted || !untold => {
                    agreed.insert(number, *person);
                }
                (1.., _) if !entry.trusted && !entry.ambiguous => {
                    let (at, name) = (entry.at, super::types::name(entry.resource_type));
                    self.entries[number as usize].ambiguous = true;
                    self.find(at, name, Reason::Ambiguous, Lost::Resource);
                }
                _ => {}
            }
        }
        agreed
    }

    fn verdict(
        &self,
        ordinal: u32,
        people: &People,
        subjects: &[Result<u32, ()>],
        agreed: &BTreeMap<u32, u32>,
    ) -> Verdict {
        let row = &self.rows[ordinal as usize];
        let Some(number) = row.entry else { return Verdict::Refused };
        let entry = &self.entries[number as usize];
        let bundle = row.bundle.map(|b| &self.bundles[b as usize]);
        if entry.ambiguous || entry.unread || bundle.is_some_and(|b| b.refused) {
            return Verdict::Refused;
        }
        if entry.newest != ordinal {
            // What is not the newest goes the way of the newest.
            let newest = self.verdict(entry.newest, people, subjects, agreed);
            return if newest == Verdict::Refused { newest } else { Verdict::Duplicate };
        }
        let deleted = entry.deleted.is_some_and(|at| match (at, entry.version.updated) {
            (Some(at), Some(updated)) => updated <= at,
            _ => true,
        });
        let retracted = entry.retracted || deleted;
        let person = match row.of {
            // Its name is enough to take it back, if that is a lasting name.
            Of::Refused | Of::Nobody if retracted && entry.trusted => None,
            Of::Refused if self.joining => return Verdict::Refused,
            Of::Refused | Of::Nobody => None,
            Of::Itself => entry.patient.and_then(|p| people.of_patient.get(&p)).copied(),
            Of::Subject(n) => match agreed.get(&number).copied().ok_or(()).or(subjects[n as usize]) {
                Ok(person) => Some(person),
                Err(()) if retracted && entry.trusted => None,
                Err(()) if self.joining => return Verdict::Refused,
                Err(()) => None,
            },
        };
        if entry.first == ordinal && bundle.is_some_and(|b| b.duplicate) {
            return Verdict::Duplicate;
        }
        match (retracted, person) {
            (true, Some(person)) => Verdict::Retracted(person),
            (true, None) => Verdict::Retracted(u32::MAX),
            (false, Some(person)) => Verdict::About(person),
            (false, None) => Verdict::AboutNobody,
        }
    }
}

/// The least that all records of the resource have.
fn floor_of(resource: &Resource) -> Floor {
    resource.records.iter().fold(Floor::NONE, |floor, record| {
        floor.union(Floor {
            categories: record.categories.intersection(SENSITIVITIES),
            confidentiality: record.confidentiality,
        })
    })
}

fn key(name: &Name) -> Mark {
    mark(&[b"name", name.as_str().as_bytes()])
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}
