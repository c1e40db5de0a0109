//! Who is who in one import, over all its files.
//!
//! A [`Survey`] is told of every resource once, in the order of reading, and says at the end ([`Register`]) what becomes of each: which
//! is the newest version, about whom it is, and why it is not taken where it is not. Files are then read a second time, in the same
//! order, and the register is asked by number. Some hundred bytes are kept for a resource, whatever its size.
//!
//! **Versions.** Of two resources with one [name](super::identity) the one with the greater `meta.versionId` counts (where both are numbers),
//! else the one with the later `meta.lastUpdated`, else the one read last. It is an error, and neither is taken, where they differ in one
//! Bundle, or under one version, and nothing says which is newer.
//!
//! **People.** Where nobody named the source, an id shows less: two Patients of one name are one only if what they say of themselves tells
//! people apart (an identifier, or a birth date and a family name) and does not contradict itself. Where it does, nothing about either
//! is taken, and nothing of a Bundle that holds one. Two Patients of two names are one only by the operator's rule
//! ([`Survey::same_patient_by`]): they share an identifier of a system that he named.

use std::collections::BTreeMap;

use sha2::{Digest, Sha512};

use super::bundle::Stored;
use super::category::{Floor, SENSITIVITIES};
use super::identity::{Name, Nameless, Source, Stands, escaped, type_of_reference};
use super::json::Json;
use super::problem::{Lost, Place, Problem, Reason};
use super::reader::Deletion;
use super::resource::{Facts, Resource, Within};
use crate::record::ResourceType;
use crate::time::Timestamp;

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

/// What a Patient says that tells people apart, as hashes. Kept by a custodian beside the patient's name.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Likeness {
    /// System and whole of each identifier.
    pub identifiers: Vec<[Mark; 2]>,
    /// Family names.
    pub families: Vec<Mark>,
    /// Birth date.
    pub born: Option<Mark>,
}

impl Likeness {
    fn of(resource: &Resource) -> Self {
        let mut own = Self::default();
        if let Facts::Patient(facts) = &resource.facts {
            own.identifiers = facts.identifiers.iter().map(|i| identifier(i)).collect();
        }
        if let Ok(json) = resource.json() {
            let folded = |text: &str| mark(&[b"text", text.trim().to_lowercase().as_bytes()]);
            own.born = json.get("birthDate").and_then(Json::as_str).map(folded);
            let names = json.get("name").and_then(Json::as_array).unwrap_or_default();
            own.families = names.iter().filter_map(|n| n.get("family")?.as_str()).map(folded).collect();
        }
        own.identifiers.sort_unstable();
        own.families.sort_unstable();
        own
    }

    /// Whether it tells people apart at all.
    fn tells(&self) -> bool {
        !self.identifiers.is_empty() || (self.born.is_some() && !self.families.is_empty())
    }

    /// How many of identifiers, birth date and family name both say, and how many of them differ.
    fn compared(&self, other: &Self) -> (usize, usize) {
        let mut both = 0;
        let mut differ = 0;
        let mut compare = |comparable: bool, equal: bool| {
            both += usize::from(comparable);
            differ += usize::from(comparable && !equal);
        };
        if let (Some(a), Some(b)) = (self.born, other.born) {
            compare(true, a == b);
        }
        if !self.families.is_empty() && !other.families.is_empty() {
            compare(true, self.families.iter().any(|f| other.families.contains(f)));
        }
        let shares = |part: usize| {
            self.identifiers.iter().any(|a| other.identifiers.iter().any(|b| a[part] == b[part]))
        };
        compare(shares(0), shares(1));
        (both, differ)
    }

    /// Whether both can be the same person under a name that a server answers for.
    fn may_be(&self, other: &Self) -> bool {
        let (both, differ) = self.compared(other);
        both < 2 || differ < both
    }

    /// Whether both are the same person beyond doubt enough to join what only a folder has in common.
    fn is(&self, other: &Self) -> bool {
        self.tells() && other.tells() && self.compared(other).1 == 0
    }
}

fn identifier(text: &str) -> [Mark; 2] {
    let system = text.split_once('|').map_or("", |(system, _)| system);
    [mark(&[b"system", system.as_bytes()]), mark(&[b"identifier", text.as_bytes()])]
}

/// What a server says of which version it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VersionMark {
    /// `versionId`, where it is a number.
    pub number: Option<u64>,
    /// A hash of `versionId`.
    pub id: Option<[u8; 16]>,
    /// `lastUpdated`.
    pub updated: Option<Timestamp>,
}

/// How two versions of one resource stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The second is newer.
    Newer,
    /// The second is older.
    Older,
    /// They are the same version.
    Same,
    /// Nothing says.
    Unsaid,
}

impl VersionMark {
    /// Of a resource.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let id = resource.version.id.as_deref();
        Self {
            number: id.and_then(|id| id.parse().ok()),
            id: id.map(|id| mark(&[b"version", id.as_bytes()])),
            updated: resource.version.updated,
        }
    }

    /// How `other` stands to this: by `versionId` where both are numbers, else by `lastUpdated`.
    #[must_use]
    pub fn order(&self, other: &Self) -> Order {
        let by = |a: Option<u64>, b: Option<u64>| match (a?, b?) {
            (a, b) if a < b => Some(Order::Newer),
            (a, b) if a > b => Some(Order::Older),
            _ => None,
        };
        let seconds = |t: Option<Timestamp>| t.map(Timestamp::seconds);
        by(self.number, other.number)
            .or_else(|| by(seconds(self.updated), seconds(other.updated)))
            .unwrap_or(if self.id.is_some() && self.id == other.id { Order::Same } else { Order::Unsaid })
    }
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

/// A patient of this import.
#[derive(Clone)]
pub struct Person {
    /// The names under which the import speaks of the patient, with what it says; the first is the least.
    pub names: Vec<(Name, Likeness)>,
    /// The number of the patient among those known from before.
    pub known: Option<usize>,
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

#[derive(Clone, Copy)]
enum Of {
    Nobody,
    Itself,
    Refused,
    Subject(u32),
}

struct Row {
    entry: Option<u32>,
    bundle: Option<u32>,
    of: Of,
}

struct Entry {
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

struct BundleSeen {
    key: String,
    /// The key it had until its content was known.
    provisional: Option<String>,
    /// Over what it holds, where nothing else tells it from others.
    content: Option<Sha512>,
    refused: bool,
}

/// Notes of every resource of an import.
pub struct Survey {
    joining: bool,
    same_by: Vec<Mark>,
    known: Vec<KnownPatient>,
    files: Vec<Source>,
    bundles: Vec<BundleSeen>,
    open: Option<(u64, u32)>,
    names: BTreeMap<Mark, u32>,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    subjects: Vec<Subject>,
    subject_numbers: BTreeMap<(Vec<Mark>, Vec<[Mark; 2]>), u32>,
    patients: Vec<Patient>,
    deletions: BTreeMap<Mark, Option<Timestamp>>,
    findings: Vec<Finding>,
    tally: Tally,
}

impl Survey {
    /// Of resources that are to be joined with patients: what is about nobody who is known is refused.
    #[must_use]
    pub fn joining() -> Self {
        Self { joining: true, ..Self::reading() }
    }

    /// Of resources that are read and no more: whom they are about is only said.
    #[must_use]
    pub fn reading() -> Self {
        Self {
            joining: false,
            same_by: Vec::new(),
            known: Vec::new(),
            files: Vec::new(),
            bundles: Vec::new(),
            open: None,
            names: BTreeMap::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            subjects: Vec::new(),
            subject_numbers: BTreeMap::new(),
            patients: Vec::new(),
            deletions: BTreeMap::new(),
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
        self.open = None;
        self.files.len() - 1
    }

    fn file(&self) -> usize {
        self.files.len().saturating_sub(1)
    }

    fn bundle(&mut self, within: Option<&Within>) -> Option<u32> {
        let within = within?;
        if let Some((number, at)) = self.open
            && number == within.bundle
        {
            return Some(at);
        }
        let at = self.bundles.len() as u32;
        let (key, content) = match &within.head.identity {
            Some(identity) => (identity.clone(), None),
            // Until its content is known it has a key that no identifier is: those have a bar in them.
            None => (format!("bundle {} of file {}", within.bundle, self.file()), Some(Sha512::new())),
        };
        let provisional = content.is_some().then(|| key.clone());
        self.bundles.push(BundleSeen { key, provisional, content, refused: false });
        self.open = Some((within.bundle, at));
        Some(at)
    }

    /// Notes a resource; the next number. What is wrong with it is among the findings.
    ///
    /// # Panics
    /// If no file was begun.
    pub fn note(&mut self, place: Place, resource: &Resource) {
        let bundle = self.bundle(resource.within.as_ref());
        if let Some(hash) = bundle.and_then(|b| self.bundles[b as usize].content.as_mut()) {
            hash.update(resource.digest);
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
                return Row { entry: None, bundle: at.bundle, of: Of::Refused };
            }
        };
        let of = self.subject(at, &stands, resource);
        // A server answers for its ids, and so does whoever named a source. A folder does not.
        let trusted = source.is_named() || name.as_str().starts_with("https://");
        if let Some(status) = resource.retracted {
            self.find(at, type_name, Reason::Retracted(status), Lost::Nothing);
        }
        let entry = self.entry(at, &name, alias.as_ref(), resource, &of, trusted);
        Row { entry: Some(entry), bundle: at.bundle, of }
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
            trusted,
            at,
        };
        let number = *self.names.entry(key(name)).or_insert(self.entries.len() as u32);
        if let Some(alias) = alias {
            // Another resource of the Bundle with that id makes the alias nobody's: references by it stay unresolved.
            self.names
                .entry(key(alias))
                .and_modify(|n| {
                    if *n != number {
                        *n = u32::MAX
                    }
                })
                .or_insert(number);
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
            None => before.trusted || before.subject == seen.subject,
            Some(patient) => {
                let patient = &mut self.patients[patient as usize];
                patient.bundles.extend(at.bundle.filter(|b| !patient.bundles.contains(b)));
                if before.trusted {
                    patient.likeness.may_be(&likeness)
                } else {
                    // One file does not hold two people under one id; two files of a folder may.
                    patient.likeness.is(&likeness) || (!elsewhere && before.content == seen.content)
                }
            }
        };
        let one_bundle = !elsewhere && before.at.bundle.is_some() && before.at.bundle == at.bundle;
        let order = before.version.order(&seen.version);
        let same = before.content == seen.content && before.resource_type == seen.resource_type;
        let unordered = matches!(order, Order::Same | Order::Unsaid);
        let ambiguous = !same_people
            || before.resource_type != seen.resource_type
            || (!same && unordered && (one_bundle || order == Order::Same || (is_patient && !trusted)));
        if ambiguous {
            before.ambiguous = true;
            let first = before.at;
            let reason = if is_patient { Reason::AmbiguousPatient } else { Reason::Ambiguous };
            self.find(first, type_name, reason, Lost::Resource);
            self.find(at, type_name, reason, Lost::Resource);
            return number;
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
            *before = Entry { patient, ..seen };
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
        let bundle = self.bundle(Some(&deletion.within));
        let at = At { file: self.file(), bundle, place };
        self.find(at, "request.method", Reason::Deleted, Lost::Nothing);
        let source = self.files.last().expect("a file was begun").clone();
        let bundle_key = bundle.map(|b| self.bundles[b as usize].key.clone());
        let stands = Stands {
            source: &source,
            bundle: bundle_key.as_deref().map(|key| (deletion.within.head.kind, key)),
            full_url: None,
            stored: Stored::Put,
        };
        let named = deletion.full_url.as_deref().or(deletion.url.as_deref());
        // In a history the newest stands first: what is deleted may not have been read yet.
        for name in named.map(|n| stands.candidates(n)).unwrap_or_default() {
            let said = self.deletions.entry(key(&name)).or_insert(deletion.at);
            *said = said.zip(deletion.at).map(|(a, b)| a.max(b));
        }
    }

    /// What becomes of each resource.
    #[must_use]
    pub fn finish(mut self) -> Register {
        for bundle in &mut self.bundles {
            if let Some(hash) = bundle.content.take() {
                let digest = hash.finalize();
                bundle.key = format!("sha512:{}", hex(&digest[..16]));
            }
        }
        for (name, at) in &self.deletions {
            if let Some(entry) = self.names.get(name).and_then(|n| self.entries.get_mut(*n as usize)) {
                entry.deleted = Some(*at);
            }
        }
        let people = self.people();
        let subjects: Vec<Result<u32, ()>> =
            (0..self.subjects.len()).map(|n| self.resolve(n, &people)).collect();
        for patient in self.entries.iter().filter(|e| e.ambiguous).filter_map(|e| e.patient) {
            for bundle in &self.patients[patient as usize].bundles {
                self.bundles[*bundle as usize].refused = true;
            }
        }
        let mut told: Vec<bool> = self.bundles.iter().map(|_| false).collect();
        let mut verdicts = Vec::with_capacity(self.rows.len());
        for n in 0..self.rows.len() {
            let verdict = self.verdict(n as u32, &people, &subjects);
            if let (Some(bundle), Some(entry)) = (self.rows[n].bundle, self.rows[n].entry)
                && self.bundles[bundle as usize].refused
                && !core::mem::replace(&mut told[bundle as usize], true)
            {
                let at = self.entries[entry as usize].at;
                let at = At { place: Place { entry: None, ..at.place }, ..at };
                self.find(at, "Bundle", Reason::AmbiguousBundle, Lost::Resource);
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
        let rows = self.rows.iter().map(|row| row.bundle).collect();
        Register {
            verdicts,
            floors: taken,
            rows,
            bundles,
            files: self.files,
            people: people.people,
            findings: self.findings,
            tally: self.tally,
        }
    }

    /// The name by which a resource is known beyond this import.
    fn lasting(&self, name: &Name, bundles: &[u32]) -> Name {
        let Some(bundle) = bundles.first().map(|b| &self.bundles[*b as usize]) else { return name.clone() };
        let mut parts = name.as_str().splitn(3, '#');
        match (&bundle.provisional, parts.next(), parts.next(), parts.next()) {
            (Some(provisional), Some(source), Some(key), Some(local)) if escaped(provisional) == key => {
                Name::from_text(&format!("{source}#{}#{local}", bundle.key)).unwrap_or_else(|| name.clone())
            }
            _ => name.clone(),
        }
    }

    fn people(&mut self) -> People {
        let known: BTreeMap<Mark, usize> =
            self.known.iter().enumerate().map(|(n, k)| (key(&k.name), n)).collect();
        let names: Vec<Name> = self.patients.iter().map(|p| self.lasting(&p.name, &p.bundles)).collect();
        // One node for each patient of the import, then one for each known name.
        let known_at = self.patients.len();
        let mut groups = Groups::new(known_at + self.known.len());
        let mut first_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (n, k) in self.known.iter().enumerate() {
            let first = *first_of.entry(k.person).or_insert(n);
            groups.join(known_at + first, known_at + n);
        }
        let of_entry: BTreeMap<u32, u32> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(n, entry)| entry.patient.map(|p| (p, n as u32)))
            .collect();
        for (n, name) in names.iter().enumerate() {
            let Some(at) = known.get(&key(name)) else { continue };
            let (own, before) = (&self.patients[n].likeness, &self.known[*at].likeness);
            let entry = of_entry[&(n as u32)];
            let trusted = self.entries[entry as usize].trusted;
            let fits = if trusted { before.may_be(own) } else { before.compared(own).1 == 0 };
            if fits {
                groups.join(n, known_at + at);
            } else {
                self.refuse_patient(entry);
            }
        }
        let mut by_identifier: BTreeMap<Mark, usize> = BTreeMap::new();
        let likenesses: Vec<&Likeness> =
            self.patients.iter().map(|p| &p.likeness).chain(self.known.iter().map(|k| &k.likeness)).collect();
        for (n, likeness) in likenesses.iter().enumerate() {
            if n < known_at && self.entries[of_entry[&(n as u32)] as usize].ambiguous {
                continue;
            }
            for [system, whole] in &likeness.identifiers {
                if self.same_by.contains(system) {
                    groups.join(*by_identifier.entry(*whole).or_insert(n), n);
                }
            }
        }
        // A group of two people known as two, or of people who contradict one another in all they say, is nobody.
        let mut wrong: Vec<usize> = Vec::new();
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..likenesses.len()).for_each(|n| members.entry(groups.root(n)).or_default().push(n));
        for (root, nodes) in &members {
            let persons: Vec<usize> =
                nodes.iter().filter(|n| **n >= known_at).map(|n| self.known[n - known_at].person).collect();
            let two_known = persons.windows(2).any(|pair| pair[0] != pair[1]);
            let first = likenesses[nodes[0]];
            if two_known || nodes.iter().any(|n| !first.may_be(likenesses[*n])) {
                wrong.push(*root);
            }
        }
        for (n, entry) in &of_entry {
            let root = groups.root(*n as usize);
            // What is known under its own name stays who it is.
            if wrong.contains(&root) && !known.contains_key(&key(&names[*n as usize])) {
                self.refuse_patient(*entry);
            }
        }
        let mut people: Vec<Person> = Vec::new();
        let mut number_of: BTreeMap<usize, u32> = BTreeMap::new();
        let mut of_patient: BTreeMap<u32, u32> = BTreeMap::new();
        let mut of_known: BTreeMap<usize, u32> = BTreeMap::new();
        for (root, nodes) in members {
            let split = wrong.contains(&root);
            for node in nodes {
                let (name, likeness, person) = match node.checked_sub(known_at) {
                    Some(k) => (
                        self.known[k].name.clone(),
                        self.known[k].likeness.clone(),
                        Some(self.known[k].person),
                    ),
                    None => {
                        let at = known.get(&key(&names[node])).map(|k| self.known[*k].person);
                        (names[node].clone(), self.patients[node].likeness.clone(), at)
                    }
                };
                if node < known_at && self.entries[of_entry[&(node as u32)] as usize].ambiguous {
                    continue;
                }
                // Of a split group each known person is one for itself.
                let group = match (split, person) {
                    (true, Some(person)) => usize::MAX - person,
                    _ => root,
                };
                let number = *number_of.entry(group).or_insert_with(|| {
                    people.push(Person { names: Vec::new(), known: None });
                    people.len() as u32 - 1
                });
                let own = &mut people[number as usize];
                own.known = own.known.or(person);
                match own.names.iter_mut().find(|(n, _)| *n == name) {
                    // What the import says now, beside what was known.
                    Some(slot) if node < known_at => slot.1 = likeness,
                    Some(_) => {}
                    None => own.names.push((name, likeness)),
                }
                match node.checked_sub(known_at) {
                    Some(k) => of_known.insert(k, number),
                    None => of_patient.insert(node as u32, number),
                };
            }
        }
        people.iter_mut().for_each(|person| person.names.sort_by(|a, b| a.0.cmp(&b.0)));
        let identifiers = by_identifier
            .into_iter()
            .filter_map(|(whole, node)| {
                let number = match node.checked_sub(known_at) {
                    Some(k) => of_known.get(&k),
                    None => of_patient.get(&(node as u32)),
                };
                Some((whole, *number?))
            })
            .collect();
        let known = known.into_iter().filter_map(|(k, n)| Some((k, *of_known.get(&n)?))).collect();
        People { people, of_patient, known, identifiers }
    }

    fn refuse_patient(&mut self, entry: u32) {
        let seen = &mut self.entries[entry as usize];
        if !core::mem::replace(&mut seen.ambiguous, true) {
            let at = seen.at;
            self.find(at, "Patient", Reason::AmbiguousPatient, Lost::Resource);
        }
    }

    /// The person a subject is; the reason is told.
    fn resolve(&mut self, number: usize, people: &People) -> Result<u32, ()> {
        let subject = &self.subjects[number];
        let (at, path, times) = (subject.first, subject.path, subject.times);
        for candidate in &subject.candidates {
            if let Some(entry) = self.names.get(candidate).and_then(|n| self.entries.get(*n as usize)) {
                let Some(patient) = entry.patient else {
                    let other = super::types::name(entry.resource_type);
                    self.find(at, path, Reason::NotAPatient(other), self.unjoined());
                    return Err(());
                };
                // Where nobody is (an ambiguous patient), that was told where he stands.
                return people.of_patient.get(&patient).copied().ok_or(());
            }
            if let Some(person) = people.known.get(candidate) {
                return Ok(*person);
            }
        }
        let named: Vec<u32> = subject
            .identifiers
            .iter()
            .filter_map(|[_, whole]| people.identifiers.get(whole).copied())
            .collect();
        if let [first, rest @ ..] = named.as_slice()
            && rest.iter().all(|n| n == first)
        {
            return Ok(*first);
        }
        let lost = self.unjoined();
        let by_rule = subject.identifiers.iter().any(|[system, _]| self.same_by.contains(system));
        let reason = if subject.candidates.is_empty() && !by_rule {
            Reason::SubjectByIdentifier
        } else {
            Reason::SubjectNotFound { times }
        };
        self.find(at, path, reason, lost);
        Err(())
    }

    fn verdict(&self, ordinal: u32, people: &People, subjects: &[Result<u32, ()>]) -> Verdict {
        let row = &self.rows[ordinal as usize];
        let Some(entry) = row.entry.map(|n| &self.entries[n as usize]) else { return Verdict::Refused };
        if entry.ambiguous || row.bundle.is_some_and(|b| self.bundles[b as usize].refused) {
            return Verdict::Refused;
        }
        if entry.newest != ordinal {
            return Verdict::Duplicate;
        }
        let person = match row.of {
            Of::Refused if self.joining => return Verdict::Refused,
            Of::Refused | Of::Nobody => None,
            Of::Itself => entry.patient.and_then(|p| people.of_patient.get(&p)).copied(),
            Of::Subject(n) => match subjects[n as usize] {
                Ok(person) => Some(person),
                Err(()) if self.joining => return Verdict::Refused,
                Err(()) => None,
            },
        };
        let deleted = entry.deleted.is_some_and(|at| match (at, entry.version.updated) {
            (Some(at), Some(updated)) => updated <= at,
            _ => true,
        });
        match (entry.retracted || deleted, person) {
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

struct People {
    people: Vec<Person>,
    of_patient: BTreeMap<u32, u32>,
    known: BTreeMap<Mark, u32>,
    identifiers: BTreeMap<Mark, u32>,
}

/// Sets that are joined.
struct Groups(Vec<usize>);

impl Groups {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.0[node] != node {
            self.0[node] = self.0[self.0[node]];
            node = self.0[node];
        }
        node
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The lesser is the root: which one does not depend on the order of joining.
        self.0[a.max(b)] = a.min(b);
    }
}

/// What becomes of each resource of an import.
pub struct Register {
    verdicts: Vec<Verdict>,
    floors: Vec<Floor>,
    rows: Vec<Option<u32>>,
    bundles: Vec<String>,
    files: Vec<Source>,
    people: Vec<Person>,
    findings: Vec<Finding>,
    tally: Tally,
}

impl Register {
    /// What becomes of the resource with this number: the first noted has 0.
    #[must_use]
    pub fn verdict(&self, number: usize) -> Verdict {
        self.verdicts.get(number).copied().unwrap_or(Verdict::Refused)
    }

    /// Labels that the resource with this number has at least: where the same stood in several places, those of all of them.
    #[must_use]
    pub fn floor(&self, number: usize) -> Floor {
        self.floors.get(number).copied().unwrap_or(Floor::NONE)
    }

    /// The name by which the resource with this number is known beyond this import.
    #[must_use]
    pub fn name(&self, number: usize, file: usize, resource: &Resource) -> Option<Name> {
        let bundle = self.rows.get(number).copied().flatten().map(|b| self.bundles[b as usize].as_str());
        let stands = Stands {
            source: self.files.get(file)?,
            bundle: resource.within.as_ref().zip(bundle).map(|(w, key)| (w.head.kind, key)),
            full_url: resource.full_url.as_deref(),
            stored: resource.within.as_ref().map_or(Stored::Unsaid, |w| w.stored),
        };
        stands.name(resource).ok().map(|(name, _)| name)
    }

    /// The patients, and those known from before whom the import names.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Whether a patient is known by a name that holds in a folder only.
    #[must_use]
    pub fn has_folder_names(&self) -> bool {
        self.people.iter().flat_map(|p| &p.names).any(|(name, _)| name.as_str().starts_with("folder:"))
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
