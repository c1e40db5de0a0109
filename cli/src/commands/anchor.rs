//! `amanat import --anchor`: enrols the patients found and anchors their records.
//!
//! What is anchored already is not anchored again; a newer version supersedes what was anchored of an older one, and what its status
//! takes back is taken back on the ledger. Each transaction lies in the vault's outbox before it is sent: whatever fails, running the
//! import again goes on where it stopped.

use crate::actors::{self, Organisation, Patient};
use crate::args::Global;
use crate::args::import::ImportArgs;
use crate::import::{self, Files, Options, Surveyed};
use crate::policies;
use crate::report::Report;
use crate::session::Session;
use crate::ui::{Ui, count};
use crate::vault::{Anchoring, Errand, ResourceEntry, Supersession, Undo, Vault, VaultRecord};
use amanat_api::problem::Kind;
use amanat_client::ledger::AccessError;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::Categories;
use amanat_domain::fhir::identity::Name;
use amanat_domain::fhir::survey::{Order, Verdict, VersionMark};
use amanat_domain::fhir::{Lost, Place, Problem, Reason, Resource, type_name};
use amanat_domain::identity::{PatientWallet, Subject};
use amanat_domain::mirror::Mirror;
use amanat_domain::record::{Leaf, Record, RecordFields, ResourceType, SupersessionHandle};
use amanat_domain::tx::{Action, MAX_BATCH};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

pub(crate) fn run(args: &ImportArgs, global: &Global, ui: Ui) -> Result<()> {
    let started = Instant::now();
    // What cannot be read is said before anything is opened.
    let files = import::files(&args.paths)?;
    let session = Session::open(global, &args.at, ui)?;
    import_into(&session, args, &files, started, ui)
}

fn import_into(session: &Session, args: &ImportArgs, files: &Files, started: Instant, ui: Ui) -> Result<()> {
    let options = Options::of(args)?;
    let mut report = Report::new(args)?;
    let custodian = session.custodian(args.custodian.as_deref())?;
    let vault = Vault::open(&session.home, session.chain())?;
    deliver(session, &vault, ui)?;
    let surveyed = import::survey(files, &options, Some(vault.known()?), &mut report, ui)?;
    if surveyed.counts.nothing() && surveyed.register.deletions().is_empty() {
        report.finish(&surveyed, started, ui)?;
        return report.verdict();
    }
    let people = enrol(session, &vault, &custodian, &surveyed, ui)?;
    let mut anchor = Anchor {
        session,
        vault: &vault,
        custodian: &custodian,
        people: &people,
        surveyed: &surveyed,
        pending: Pending::default(),
        done: Done::default(),
        ui,
    };
    if args.strict {
        // Nothing is anchored of an import that will be stopped.
        surveyed.replay(ui, "comparing", |number, file, place, resource| {
            anchor.compare(&mut report, number, (file, place), &resource).map(|_| true)
        })?;
    }
    surveyed.replay(ui, "anchoring", |number, file, place, resource| {
        anchor.take(&mut report, number, (file, place), resource)?;
        Ok(true)
    })?;
    anchor.take_back_deleted()?;
    anchor.say_older(&mut report)?;
    anchor.flush()?;
    let Done { anchored, there, superseded, retracted, older, contradicted, not_retracted } = anchor.done;
    let mut surveyed = surveyed;
    surveyed.counts.tally.records -= contradicted;
    surveyed.counts.tally.retracted -= not_retracted;
    surveyed.counts.tally.refused += contradicted + not_retracted;
    let in_vault = vault.len()?;
    for (word, n) in [
        ("enrolled", people.enrolled as u64),
        ("anchored", anchored),
        ("there_already", there),
        ("superseded", superseded),
        ("taken_back", retracted),
        ("older_than_anchored", older),
        ("vault", in_vault),
    ] {
        report.more.insert(word.to_owned(), n.into());
    }
    report.finish(&surveyed, started, ui)?;
    ui.say(format!(
        "{} enrolled, {} anchored by {}; the vault now holds {}",
        count(people.enrolled as u64, "patient"),
        count(anchored, "record"),
        custodian.name,
        count(in_vault, "record"),
    ));
    let also = [
        (there, "anchored before, and unchanged"),
        (superseded, "superseded"),
        (retracted, "taken back"),
        (older, "older than what is anchored, and left out"),
    ];
    for (n, what) in also.into_iter().filter(|(n, _)| *n > 0) {
        ui.say(format!("{} {what}", count(n, "record")));
    }
    if people.enrolled == 0 && anchored == 0 && superseded == 0 && retracted == 0 {
        ui.say("nothing has changed");
    }
    if options.source.is_none() && surveyed.register.has_folder_names() {
        ui.say(
            "some ids have no base URL: they are told from others by their folder. --source NAME, the same with every import of that \
             server, knows them again wherever the files lie",
        );
    }
    ui.say("next: amanat ledger wait, then amanat consent permits PATH");
    report.verdict()
}

/// Submits what lies in the outbox; most of all what an earlier run could not.
fn deliver(session: &Session, vault: &Vault, ui: Ui) -> Result<()> {
    let waiting = vault.outbox()?;
    let earlier = waiting.len();
    for (n, (number, transaction, errand)) in waiting.iter().enumerate() {
        let change = vault.change()?;
        match (session.submit(transaction), errand) {
            (Ok(done), _) => change.acknowledged(*number, errand, done.receipt.epoch)?,
            // Some of them are there: `enrol` finds out which.
            (Err(error), Errand::Enrol(_)) if is_refused(&error, Some("already_enrolled")) => {
                change.refused(*number)?;
            }
            (Err(error), Errand::Anchor { undo: Some(undo), .. }) if is_refused(&error, None) => {
                change.undo(undo)?;
                change.refused(*number)?;
                let rest = waiting[n + 1..].iter();
                for (number, ..) in
                    rest.take_while(|(_, _, e)| matches!(e, Errand::Anchor { undo: None, .. }))
                {
                    change.refused(*number)?;
                }
                change.commit()?;
                return Err(error).with_context(|| {
                    format!(
                        "the ledger refuses {}: nothing of them is kept",
                        count(undo.records.len() as u64, "record")
                    )
                });
            }
            (Err(error), _) => return Err(error).context("what an import has yet to tell the ledger"),
        }
        change.commit()?;
    }
    if earlier > 0 {
        ui.say(format!(
            "finished what an earlier import had begun: {}",
            count(earlier as u64, "transaction")
        ));
    }
    Ok(())
}

/// Whether the ledger says no, for this reason or for any that will stay.
fn is_refused(error: &anyhow::Error, code: Option<&str>) -> bool {
    let Some(AccessError::Refused(problem)) = error.downcast_ref() else { return false };
    match code {
        Some(code) => problem.code == code,
        None => matches!(problem.kind, Kind::Reject | Kind::Conflict),
    }
}

/// The people of the register: wallet's name and subject of each.
struct People {
    /// None of those of whom nothing is taken.
    of: Vec<Option<(String, Subject)>>,
    enrolled: usize,
}

/// Makes wallets for those who have none, and enrols them.
fn enrol(
    session: &Session,
    vault: &Vault,
    custodian: &Organisation,
    surveyed: &Surveyed<'_>,
    ui: Ui,
) -> Result<People> {
    let mut rng = rand::rng();
    let mut patients = session.patients()?;
    let mut at: BTreeMap<String, usize> =
        patients.iter().enumerate().map(|(n, p)| (p.reference.clone(), n)).collect();
    let before = patients.len();
    let people = surveyed.register.people();
    let mut wallet_of = Vec::new();
    for person in people {
        if !person.here {
            wallet_of.push(None);
            continue;
        }
        let wallet = match person.known {
            Some(known) => vault.wallet_of(u32::try_from(known).context("a patient's number")?)?,
            None => person.names[0].0.to_string(),
        };
        if !at.contains_key(&wallet) {
            if person.known.is_some() {
                bail!(
                    "the vault knows {wallet}, and there is no wallet for that patient: restore wallets.json from a copy"
                );
            }
            at.insert(wallet.clone(), patients.len());
            patients.push(Patient { reference: wallet.clone(), wallet: PatientWallet::random(&mut rng) });
        }
        wallet_of.push(Some(wallet));
    }
    // Wallets first, on disk before anybody hears of their commitments.
    if patients.len() > before {
        actors::save_patients(&session.home, &patients)?;
    }
    let change = vault.change()?;
    for (person, wallet) in people.iter().zip(&wallet_of) {
        let Some(wallet) = wallet else { continue };
        let number = match person.known {
            Some(known) => u32::try_from(known).context("a patient's number")?,
            None => change.add_person(wallet)?,
        };
        change.put_names(number, person)?;
    }
    change.commit()?;
    let subject = |wallet: &str| -> Result<Subject> {
        let at = at
            .get(wallet)
            .with_context(|| format!("there is no wallet for {wallet}: restore wallets.json from a copy"))?;
        Ok(patients[*at].wallet.subject())
    };
    // A wallet from before may be enrolled already, if a vault was lost or a receipt did not come.
    let waiting = vault.not_enrolled()?;
    let from_before = waiting.iter().any(|(_, wallet)| at.get(wallet).is_some_and(|at| *at < before));
    let mirror = from_before.then(|| session.mirror()).transpose()?;
    let change = vault.change()?;
    let mut new = Vec::new();
    for (number, wallet) in waiting {
        let commitment = subject(&wallet)?.commitment();
        let is_there = |mirror: &Mirror| mirror.path(Registry::Subjects, commitment.to_field()).is_some();
        if mirror.as_ref().is_some_and(is_there) {
            change.enrolled(&[number])?;
        } else {
            new.push((number, commitment));
        }
    }
    for batch in new.chunks(MAX_BATCH) {
        let (numbers, commitments) = batch.iter().copied().unzip();
        let transaction = custodian.sign(session.chain(), Action::Enrol(commitments), &mut rng);
        change.send(&transaction, Errand::Enrol(numbers))?;
    }
    change.commit()?;
    deliver(session, vault, ui.silent_if(true))?;
    if !vault.not_enrolled()?.is_empty() {
        bail!(
            "patients were enrolled in this epoch and the vault did not hear of it: amanat ledger wait, then the same command again"
        );
    }
    let of = wallet_of
        .into_iter()
        .map(|wallet| wallet.map(|wallet| subject(&wallet).map(|subject| (wallet, subject))).transpose());
    Ok(People { of: of.collect::<Result<_>>()?, enrolled: new.len() })
}

#[derive(Default)]
struct Done {
    anchored: u64,
    there: u64,
    superseded: u64,
    retracted: u64,
    older: u64,
    /// Resources refused because the vault has another content under their version.
    contradicted: u64,
    /// Resources whose taking back was refused.
    not_retracted: u64,
}

/// Changes of the vault that go into one transaction.
#[derive(Default)]
struct Pending {
    records: Vec<VaultRecord>,
    resources: Vec<(Name, ResourceEntry)>,
    superseded: Vec<(u32, Supersession, SupersessionHandle)>,
    seen: BTreeSet<Name>,
}

struct Anchor<'s> {
    session: &'s Session,
    vault: &'s Vault,
    custodian: &'s Organisation,
    people: &'s People,
    surveyed: &'s Surveyed<'s>,
    pending: Pending,
    done: Done,
    ui: Ui,
}

impl Anchor<'_> {
    /// Whether the vault has another content under the resource's version: nobody can tell then which is right. It is said.
    fn compare(
        &self,
        report: &mut Report,
        number: usize,
        (file, place): (usize, Place),
        resource: &Resource,
    ) -> Result<bool> {
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
        let Some(before) = self.vault.resource(&name)? else { return Ok(false) };
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
    fn is_of(&self, before: &ResourceEntry, person: u32) -> Result<bool> {
        if before.records.is_empty() {
            return Ok(true);
        }
        let Some((wallet, _)) = self.people.of.get(person as usize).and_then(Option::as_ref) else {
            return Ok(false);
        };
        let first = before.records.first().map(|number| self.vault.record(*number)).transpose()?.flatten();
        Ok(first.is_none_or(|record| record.patient == *wallet))
    }

    fn take(
        &mut self,
        report: &mut Report,
        number: usize,
        (file, place): (usize, Place),
        resource: Resource,
    ) -> Result<()> {
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
        let before = self.vault.resource(&name)?;
        let version = VersionMark::of(&resource);
        let content = content(&resource);
        let order = before.as_ref().map(|b| b.version().order(&version));
        if !fact {
            return self.take_back(name, before, order, version, content);
        }
        let of = self.people.of.get(person as usize).and_then(Option::as_ref);
        let (patient, subject) = of.context("a patient of whom something is taken has a wallet")?;
        let resource_type = resource.resource_type;
        let fields = resource.at_least(register.floor(number)).records;
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
    fn say_older(&self, report: &mut Report) -> Result<()> {
        for (name, version) in self.surveyed.register.unread() {
            let Some(before) = self.vault.resource(name)? else { continue };
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
    fn take_back_deleted(&mut self) -> Result<()> {
        for (name, at) in self.surveyed.register.deletions() {
            let Some(before) = self.vault.resource(name)?.filter(|_| name.is_lasting()) else { continue };
            let version = VersionMark { updated: *at, ..VersionMark::default() };
            if before.retracted || before.version().order(&version) == Order::Older {
                continue;
            }
            let content = before.content.clone();
            self.take_back(name.clone(), Some(before), None, version, content)?;
        }
        Ok(())
    }

    /// The same content does not become less sensitive by standing elsewhere.
    fn labelled(&self, before: &ResourceEntry, mut fields: Vec<RecordFields>) -> Result<Vec<RecordFields>> {
        for (number, own) in before.records.iter().zip(&mut fields) {
            if let Some(held) = self.vault.record(*number)? {
                let (categories, level) = policies::class(&held.record);
                own.categories = own.categories.union(Categories(categories));
                own.confidentiality = own.confidentiality.max(policies::confidentiality(level));
            }
        }
        Ok(fields)
    }

    /// Whether these records say what would be anchored now, about the same subject.
    fn unchanged(&self, before: &ResourceEntry, fields: &[RecordFields], subject: &Subject) -> Result<bool> {
        if before.records.len() != fields.len() {
            return Ok(false);
        }
        for (number, fields) in before.records.iter().zip(fields) {
            let Some(held) = self.vault.record(*number)? else { return Ok(false) };
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
    ) -> Result<()> {
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
                custodian: self.custodian.reference.clone(),
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
    ) -> Result<()> {
        if order == Some(Order::Older) {
            self.done.older += 1;
            return Ok(());
        }
        let replaced = before.map(|b| b.records).unwrap_or_default();
        self.supersede(&replaced, Supersession::Retracted)?;
        self.done.retracted += replaced.len() as u64;
        self.pending.seen.insert(name.clone());
        // Remembered also where nothing was anchored: an older version that comes later is no fact either.
        self.pending.resources.push((name, ResourceEntry::new(version, content, Vec::new(), true)));
        Ok(())
    }

    fn supersede(&mut self, replaced: &[u32], how: Supersession) -> Result<()> {
        for number in replaced {
            let held = self.vault.record(*number)?.context("a record that the vault does not have")?;
            self.pending.superseded.push((*number, how, held.record.supersession_handle()));
        }
        Ok(())
    }

    fn next_record(&self) -> Result<u32> {
        match self.pending.records.last() {
            Some(last) => last.number.checked_add(1).context("the vault is full"),
            None => self.vault.next_record(),
        }
    }

    /// Writes what is pending with its transaction, and submits it.
    fn flush(&mut self) -> Result<()> {
        let Pending { records, resources, superseded, seen: _ } = core::mem::take(&mut self.pending);
        if records.is_empty() && resources.is_empty() && superseded.is_empty() {
            return Ok(());
        }
        let mut undo = Some(Undo {
            records: records.iter().map(|r| r.number).collect(),
            superseded: superseded.iter().map(|(number, ..)| *number).collect(),
            resources: resources
                .iter()
                .map(|(name, _)| Ok((name.to_string(), self.vault.resource(name)?)))
                .collect::<Result<_>>()?,
        });
        let change = self.vault.change()?;
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
            let transaction = self.custodian.sign(self.session.chain(), action, &mut rand::rng());
            let records = records.iter().map(|r| r.number).collect();
            change.send(&transaction, Errand::Anchor { records, undo: undo.take() })?;
        }
        change.commit()?;
        deliver(self.session, self.vault, self.ui.silent_if(true))
    }
}

/// What the vault remembers of a resource's content.
fn content(resource: &Resource) -> String {
    hex::encode(&resource.digest[..32])
}

#[cfg(test)]
#[path = "anchor/tests.rs"]
mod tests;
