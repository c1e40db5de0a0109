//! Anchoring: what is new is anchored, what is newer supersedes, what was taken back is taken back
//! on the ledger.
//!
//! What is anchored already is not anchored again. Each transaction is in the vault's outbox before
//! it is sent: whatever fails, the next import goes on where this one stopped.

use super::enrol::People;
use super::outbox::Custodian;
use super::report::{Counts, ImportReport};
use super::{Files, ImportError, ReadOptions, Surveyed, find_files, survey};
use crate::client::Client;
use crate::vault::{Anchoring, Errand, ResourceEntry, Supersession, Undo, VaultError, VaultRecord};
use amanat_domain::fhir::identity::Name;
use amanat_domain::fhir::survey::{Order, Verdict, VersionMark};
use amanat_domain::fhir::{Lost, Place, Problem, Reason, Resource, type_name};
use amanat_domain::identity::Subject;
use amanat_domain::record::{Leaf, Record, RecordFields, ResourceType, SupersessionHandle};
use amanat_domain::tx::{Action, MAX_BATCH};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// An import: which files, read how, anchored by whom.
///
/// ```no_run
/// # fn run(client: &amanat_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::ImportRequest;
/// let imported = client.import(ImportRequest::of(&["export".into()])?)?;
/// println!("{} records anchored", imported.anchored.anchored);
/// # Ok(()) }
/// ```
pub struct ImportRequest {
    /// The files.
    pub files: Files,
    /// How they are read.
    pub reading: ReadOptions,
    /// The organisation that enrols and anchors, by reference, id or name; `None`: the first that
    /// may.
    pub custodian: Option<String>,
    /// Where problems go, and which of them count.
    pub report: ImportReport,
    /// How much is anchored at most; `None`: everything.
    pub sample: Option<Sample>,
}

impl ImportRequest {
    /// Everything in these files and folders, by the first organisation that may.
    ///
    /// # Errors
    /// [`ImportError`] if there are no files.
    pub fn of(paths: &[PathBuf]) -> Result<Self, ImportError> {
        Ok(Self {
            files: find_files(paths)?,
            reading: ReadOptions::default(),
            custodian: None,
            report: ImportReport::default(),
            sample: None,
        })
    }
}

/// Bounds of an import that shows a part.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Most patients.
    pub patients: usize,
    /// Most records of each patient.
    pub records: u64,
}

/// What an import did.
pub struct Imported {
    /// What was read.
    pub counts: Counts,
    /// The problems.
    pub report: ImportReport,
    /// How many patients the files are about.
    pub patients: usize,
    /// Whether nothing was read and taken, and nothing deleted.
    pub nothing: bool,
    /// Whether ids belong to their folders, for want of a base URL and a named source.
    pub has_folder_names: bool,
    /// Name of the organisation that anchored.
    pub custodian: String,
    /// What became of the records.
    pub anchored: Anchored,
}

/// What became of the records of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Anchored {
    /// Patients who were enrolled.
    pub enrolled: u64,
    /// Records that were anchored.
    pub anchored: u64,
    /// Records that were anchored before and are unchanged.
    pub there: u64,
    /// Records that were superseded.
    pub superseded: u64,
    /// Records that were taken back.
    pub retracted: u64,
    /// Records that are older than what is anchored, and were left out.
    pub older: u64,
    /// Records beyond the [`Sample`].
    pub left_out: u64,
    /// Records in the vault afterwards.
    pub in_vault: u64,
    /// Resources refused because the vault has another content under their version.
    contradicted: u64,
    /// Resources whose taking back was refused.
    not_retracted: u64,
}

impl Client {
    /// Enrols the patients of FHIR files and anchors their records, after finishing what an earlier
    /// import had begun.
    ///
    /// # Errors
    /// [`ImportError`]. Running the same import again goes on where this one stopped.
    pub fn import(&self, request: ImportRequest) -> Result<Imported, ImportError> {
        let ImportRequest { files, reading, custodian, mut report, sample } = request;
        let custodian = self.custodian(custodian.as_deref())?;
        custodian.finish_earlier()?;
        let known = Some(custodian.vault.known()?);
        let mut surveyed = survey(&files, &reading, known, &mut report, self.progress())?;
        let nothing = surveyed.counts.nothing() && surveyed.register.deletions().is_empty();
        let mut anchored = Anchored::default();
        if !nothing {
            let people = custodian.enrol(&surveyed, sample.map(|s| s.patients))?;
            anchored = anchor(&custodian, &people, &surveyed, sample, &mut report)?;
            let refused = anchored.contradicted + anchored.not_retracted;
            surveyed.counts.tally.records -= anchored.contradicted;
            surveyed.counts.tally.retracted -= anchored.not_retracted;
            surveyed.counts.tally.refused += refused;
        }
        anchored.in_vault = custodian.vault.record_count()?;
        let Surveyed { counts, register, .. } = surveyed;
        Ok(Imported {
            counts,
            report,
            patients: register.people().iter().filter(|p| p.here).count(),
            nothing,
            has_folder_names: reading.source.is_none() && register.has_folder_names(),
            custodian: custodian.organisation.name,
            anchored,
        })
    }
}

/// Anchors what was surveyed.
fn anchor(
    custodian: &Custodian<'_>,
    people: &People,
    surveyed: &Surveyed<'_>,
    sample: Option<Sample>,
    report: &mut ImportReport,
) -> Result<Anchored, ImportError> {
    let most = sample.map(|s| s.records);
    let mut run = Run {
        custodian,
        people,
        surveyed,
        most,
        taken: BTreeMap::new(),
        pending: Pending::default(),
        done: Anchored { enrolled: people.enrolled, ..Anchored::default() },
    };
    let progress = custodian.client.progress();
    if report.is_strict() {
        // Nothing is anchored of an import that will be stopped.
        surveyed.replay(progress, "comparing", |number, file, place, resource| {
            run.compare(report, number, (file, place), &resource).map(|_| true)
        })?;
    }
    surveyed.replay(progress, "anchoring", |number, file, place, resource| {
        run.take(report, number, (file, place), resource)?;
        Ok(true)
    })?;
    run.take_back_deleted()?;
    run.say_older(report)?;
    run.flush()?;
    Ok(run.done)
}

/// Changes of the vault that go together, with their transactions.
#[derive(Default)]
struct Pending {
    records: Vec<VaultRecord>,
    resources: Vec<(Name, ResourceEntry)>,
    superseded: Vec<(u32, Supersession, SupersessionHandle)>,
    seen: BTreeSet<Name>,
}

/// One run of anchoring.
struct Run<'s> {
    custodian: &'s Custodian<'s>,
    people: &'s People,
    surveyed: &'s Surveyed<'s>,
    /// Most records of a patient.
    most: Option<u64>,
    /// Records that were anchored of each person, in this run.
    taken: BTreeMap<u32, u64>,
    pending: Pending,
    done: Anchored,
}

impl Run<'_> {
    /// Whether the vault has another content under the resource's version: nobody can tell then
    /// which is right. It is said.
    fn compare(
        &self,
        report: &mut ImportReport,
        number: usize,
        (file, place): (usize, Place),
        resource: &Resource,
    ) -> Result<bool, ImportError> {
        let register = &self.surveyed.register;
        let (person, fact) = match register.verdict(number) {
            Verdict::About(person) => (person, true),
            Verdict::Retracted(person) => (person, false),
            Verdict::AboutNobody | Verdict::Duplicate | Verdict::Refused => return Ok(false),
        };
        if resource.resource_type == ResourceType::Consent {
            return Ok(false);
        }
        let Some(name) = register.name(number, file, resource) else { return Ok(false) };
        let Some(before) = self.custodian.vault.resource(&name)? else { return Ok(false) };
        let same = before.content == content(resource);
        let of_one_version =
            fact && !same && before.version().order(&VersionMark::of(resource)) == Order::Same;
        // A folder's name may have been given to what is about another patient.
        let of_another = !name.is_lasting() && !self.is_of(&before, person)?;
        if of_one_version || of_another {
            report.problem(self.problem(file, place, resource.resource_type))?;
        }
        Ok(of_one_version || of_another)
    }

    /// Whether what the vault has of a resource is about this person.
    fn is_of(&self, before: &ResourceEntry, person: u32) -> Result<bool, ImportError> {
        if before.records.is_empty() {
            return Ok(true);
        }
        let Some((wallet, _)) = self.people.of.get(person as usize).and_then(Option::as_ref) else {
            return Ok(false);
        };
        let first =
            before.records.first().map(|number| self.custodian.vault.record(*number)).transpose()?.flatten();
        Ok(first.is_none_or(|record| record.patient == *wallet))
    }

    fn take(
        &mut self,
        report: &mut ImportReport,
        number: usize,
        (file, place): (usize, Place),
        resource: Resource,
    ) -> Result<(), ImportError> {
        let register = &self.surveyed.register;
        let (person, fact) = match register.verdict(number) {
            // A Consent is compiled and granted, not anchored.
            Verdict::About(_) if resource.resource_type == ResourceType::Consent => return Ok(()),
            Verdict::About(person) => (person, true),
            Verdict::Retracted(person) => (person, false),
            Verdict::AboutNobody | Verdict::Duplicate | Verdict::Refused => return Ok(()),
        };
        let Some(name) = register.name(number, file, &resource) else { return Ok(()) };
        // All of a resource goes into one change of the vault.
        let full = self.pending.records.len() >= MAX_BATCH || self.pending.superseded.len() >= MAX_BATCH;
        if full || self.pending.seen.contains(&name) {
            self.flush()?;
        }
        if self.compare(report, number, (file, place), &resource)? {
            *(if fact { &mut self.done.contradicted } else { &mut self.done.not_retracted }) += 1;
            return Ok(());
        }
        let before = self.custodian.vault.resource(&name)?;
        let version = VersionMark::of(&resource);
        let content = content(&resource);
        let order = before.as_ref().map(|b| b.version().order(&version));
        if !fact {
            return self.take_back(name, before, order, version, content);
        }
        let resource_type = resource.resource_type;
        let fields = resource.at_least(register.floor(number)).records;
        let new = fields.len() as u64;
        let of = self.people.of.get(person as usize).and_then(Option::as_ref);
        // Of a patient whom nothing is taken of there is no wallet: the sample leaves the patient
        // out.
        let (Some((patient, subject)), true) = (of, self.has_room(person, new)) else {
            self.done.left_out += new;
            return Ok(());
        };
        *self.taken.entry(person).or_default() += new;
        let Some(before) = before else {
            return self.anchor(name, fields, (patient, subject), &[], version, content);
        };
        // What was taken back stays so, unless this is said to be newer.
        let unordered = matches!(order, Some(Order::Same | Order::Unsaid));
        let stays = before.retracted && unordered;
        if order == Some(Order::Older) || stays {
            self.done.older += fields.len() as u64;
            return Ok(());
        }
        let same = before.content == content;
        let fields = if same || unordered { self.labelled(&before, fields)? } else { fields };
        if same && !before.retracted && self.unchanged(&before, &fields, subject)? {
            self.done.there += fields.len() as u64;
            if order == Some(Order::Newer) {
                let entry = ResourceEntry::new(version, content, before.records, false);
                self.pending.seen.insert(name.clone());
                self.pending.resources.push((name, entry));
            }
            return Ok(());
        }
        if unordered && !same {
            report.problem(Problem {
                reason: Reason::TakenAsNewer,
                lost: Lost::Nothing,
                ..self.problem(file, place, resource_type)
            })?;
        }
        self.anchor(name, fields, (patient, subject), &before.records, version, content)
    }

    fn problem(&self, file: usize, place: Place, resource_type: ResourceType) -> Problem {
        Problem {
            file: self.surveyed.label(file),
            place,
            path: type_name(resource_type).to_owned(),
            reason: Reason::AnotherInVault,
            lost: Lost::Resource,
        }
    }

    /// What the vault has of a resource whose newer version was not read stays, and that is said.
    fn say_older(&self, report: &mut ImportReport) -> Result<(), ImportError> {
        for (name, version) in self.surveyed.register.unread() {
            let Some(before) = self.custodian.vault.resource(name)? else { continue };
            if before.records.is_empty() || before.version().order(version) == Order::Older {
                continue;
            }
            report.problem(Problem {
                file: "vault".to_owned(),
                place: Place::default(),
                path: name.local().split('/').next().unwrap_or_default().to_owned(),
                reason: Reason::OlderInVault,
                lost: Lost::Nothing,
            })?;
        }
        Ok(())
    }

    /// What a Bundle says was deleted, and was anchored by an earlier import, is taken back.
    fn take_back_deleted(&mut self) -> Result<(), ImportError> {
        for (name, at) in self.surveyed.register.deletions() {
            let Some(before) = self.custodian.vault.resource(name)?.filter(|_| name.is_lasting()) else {
                continue;
            };
            let version = VersionMark { updated: *at, ..VersionMark::default() };
            // Of a retraction that the ledger took in part, records are left.
            let done = before.retracted && before.records.is_empty();
            if done || before.version().order(&version) == Order::Older {
                continue;
            }
            let content = before.content.clone();
            self.take_back(name.clone(), Some(before), None, version, content)?;
        }
        Ok(())
    }

    /// The same content does not become less sensitive by standing elsewhere.
    fn labelled(
        &self,
        before: &ResourceEntry,
        mut fields: Vec<RecordFields>,
    ) -> Result<Vec<RecordFields>, ImportError> {
        for (number, own) in before.records.iter().zip(&mut fields) {
            if let Some(held) = self.custodian.vault.record(*number)? {
                let labels = held.record.labels();
                own.categories = own.categories.union(labels.categories);
                own.confidentiality = own.confidentiality.max(labels.confidentiality);
            }
        }
        Ok(fields)
    }

    /// Whether these records say what would be anchored now, about the same subject.
    fn unchanged(
        &self,
        before: &ResourceEntry,
        fields: &[RecordFields],
        subject: &Subject,
    ) -> Result<bool, ImportError> {
        if before.records.len() != fields.len() {
            return Ok(false);
        }
        for (number, fields) in before.records.iter().zip(fields) {
            let Some(held) = self.custodian.vault.record(*number)? else { return Ok(false) };
            let now = Record::commit(fields, subject, "", &mut rand::rng());
            // Where it lies and where it came from is not what it says.
            let says = |leaf: &Leaf| !matches!(leaf, Leaf::Storage | Leaf::Provenance);
            let differs =
                |leaf: &Leaf| says(leaf) && held.record.open(*leaf).values != now.open(*leaf).values;
            if Leaf::ALL.iter().any(differs) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn anchor(
        &mut self,
        name: Name,
        fields: Vec<RecordFields>,
        (patient, subject): (&str, &Subject),
        replaced: &[u32],
        version: VersionMark,
        content: String,
    ) -> Result<(), ImportError> {
        let mut rng = rand::rng();
        let mut numbers = Vec::new();
        for fields in &fields {
            let number = self.next_record()?;
            let record = Record::commit(fields, subject, &format!("vault/{number}"), &mut rng);
            numbers.push(number);
            self.pending.records.push(VaultRecord {
                number,
                patient: patient.to_owned(),
                label: name.to_string(),
                custodian: self.custodian.organisation.reference.clone(),
                record,
                anchoring: Anchoring::Pending,
                supersession: Supersession::Latest,
            });
        }
        let first = numbers.first().copied();
        self.supersede(replaced, first.map_or(Supersession::Retracted, Supersession::By))?;
        self.done.superseded += replaced.len() as u64;
        self.done.anchored += fields.len() as u64;
        self.pending.seen.insert(name.clone());
        self.pending.resources.push((name, ResourceEntry::new(version, content, numbers, false)));
        Ok(())
    }

    fn take_back(
        &mut self,
        name: Name,
        before: Option<ResourceEntry>,
        order: Option<Order>,
        version: VersionMark,
        content: String,
    ) -> Result<(), ImportError> {
        if order == Some(Order::Older) {
            self.done.older += 1;
            return Ok(());
        }
        let replaced = before.map(|b| b.records).unwrap_or_default();
        self.supersede(&replaced, Supersession::Retracted)?;
        self.done.retracted += replaced.len() as u64;
        self.pending.seen.insert(name.clone());
        // Remembered also where nothing was anchored: an older version that comes later is no fact
        // either.
        self.pending.resources.push((name, ResourceEntry::new(version, content, Vec::new(), true)));
        Ok(())
    }

    fn supersede(&mut self, replaced: &[u32], how: Supersession) -> Result<(), ImportError> {
        for number in replaced {
            let held = self
                .custodian
                .vault
                .record(*number)?
                .ok_or(VaultError::Inconsistent("resources have a record without a row"))?;
            self.pending.superseded.push((*number, how, held.record.supersession_handle()));
        }
        Ok(())
    }

    fn has_room(&self, person: u32, new: u64) -> bool {
        let taken = self.taken.get(&person).copied().unwrap_or(0);
        self.most.is_none_or(|most| taken + new <= most)
    }

    fn next_record(&self) -> Result<u32, ImportError> {
        match self.pending.records.last() {
            Some(last) => Ok(last.number.checked_add(1).ok_or(VaultError::Full)?),
            None => Ok(self.custodian.vault.next_record()?),
        }
    }

    /// Writes what is pending with its transaction, and submits it.
    fn flush(&mut self) -> Result<(), ImportError> {
        let Pending { records, resources, superseded, seen: _ } = core::mem::take(&mut self.pending);
        if records.is_empty() && resources.is_empty() && superseded.is_empty() {
            return Ok(());
        }
        let mut undo = Some(Undo {
            records: records.iter().map(|r| r.number).collect(),
            superseded: superseded.iter().map(|(number, ..)| *number).collect(),
            resources: resources
                .iter()
                .map(|(name, _)| Ok((name.to_string(), self.custodian.vault.resource(name)?)))
                .collect::<Result<_, ImportError>>()?,
            replaced: Vec::new(),
        });
        let change = self.custodian.vault.change()?;
        for record in &records {
            change.put_record(record)?;
        }
        for (number, how, _) in &superseded {
            change.supersede(*number, *how)?;
        }
        for (name, entry) in &resources {
            change.put_resource(name, entry)?;
        }
        for n in 0..records.len().max(superseded.len()).div_ceil(MAX_BATCH) {
            let part = |len: usize| (n * MAX_BATCH).min(len)..((n + 1) * MAX_BATCH).min(len);
            let (records, superseded) = (&records[part(records.len())], &superseded[part(superseded.len())]);
            let action = Action::Anchor {
                records: records.iter().map(|r| r.record.root()).collect(),
                superseded: superseded.iter().map(|(_, _, handle)| *handle).collect(),
            };
            let transaction =
                self.custodian.organisation.sign(self.custodian.client.chain(), action, &mut rand::rng());
            let records = records.iter().map(|r| r.number).collect();
            change.send(&transaction, Errand::Anchor { records, undo: undo.take() })?;
        }
        change.commit()?;
        self.custodian.deliver()?;
        Ok(())
    }
}

/// What the vault remembers of a resource's content.
fn content(resource: &Resource) -> String {
    hex::encode(&resource.digest[..32])
}

#[cfg(test)]
#[path = "anchor/tests.rs"]
mod tests;
