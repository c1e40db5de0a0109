//! A custodian's vault: whom it knows under which names, what it anchored of whom, and what it has yet to hear from the ledger.
//!
//! One redb file. Each change is one durable transaction, and what is to be submitted is written with it: after a crash at any instant
//! the vault holds a change with the transaction that tells the ledger of it, or neither. Submitting again is harmless, for the
//! ledger answers a transaction it has with its first receipt.
//!
//! | table | key | holds |
//! |---|---|---|
//! | `about` | word | format and chain |
//! | `people` | number | under which name the wallet is, whether the enrolment was acknowledged |
//! | `names` | a patient's name | number of the person, what tells people apart |
//! | `records` | number | a record with its salts, whose it is, whether it was acknowledged, what superseded it |
//! | `resources` | a resource's name | version, content, numbers of its records |
//! | `outbox` | number | a signed transaction whose receipt has not come, and whom or what it is about |

use crate::actors::{field, secret, text};
use crate::home::Home;
use amanat_domain::fhir::identity::Name;
use amanat_domain::fhir::survey::{KnownPatient, Likeness, Person, VersionMark};
use amanat_domain::field::Fr;
use amanat_domain::record::{Leaf, RECORD_LEAVES, Record};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{ChainId, Transaction};
use anyhow::{Context, Result, bail, ensure};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::PathBuf;

/// The version of the file's tables.
const FORMAT: &str = "1";
const FILE: &str = "vault.redb";
/// What versions before this one wrote. They knew patients by `Type/id`, of whatever server: two may have become one.
const OLD: &str = "vault.json";

const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const PEOPLE: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("people");
const NAMES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("names");
const RECORDS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("records");
const RESOURCES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("resources");
const OUTBOX: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("outbox");

/// How far the ledger has acknowledged something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Anchoring {
    /// No receipt has come.
    Pending,
    /// In the block of this epoch.
    Anchored(u64),
}

/// A record in the vault.
#[derive(Clone)]
pub(crate) struct VaultRecord {
    pub number: u32,
    /// The patient's name, as in the wallet file.
    pub patient: String,
    /// The resource's name, for the custodian's own eyes.
    pub label: String,
    pub custodian: String,
    pub record: Record,
    pub anchoring: Anchoring,
    pub supersession: Supersession,
}

/// Whether a record is the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Supersession {
    /// It is.
    #[default]
    Latest,
    /// This record replaced it.
    By(u32),
    /// What it says was taken back.
    Retracted,
}

/// What the vault knows of a resource.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct ResourceEntry {
    number: Option<u64>,
    id: Option<String>,
    updated: Option<u64>,
    fraction: u32,
    /// SHA-512 of the canonical form, its first half.
    pub content: String,
    /// Its records, the latest.
    pub records: Vec<u32>,
    /// Whether what it says was taken back.
    pub retracted: bool,
}

impl ResourceEntry {
    pub(crate) fn new(version: VersionMark, content: String, records: Vec<u32>, retracted: bool) -> Self {
        let VersionMark { number, id, updated, fraction } = version;
        let (id, updated) = (id.map(hex::encode), updated.map(Timestamp::seconds));
        Self { number, id, updated, fraction, content, records, retracted }
    }

    pub(crate) fn version(&self) -> VersionMark {
        let id = self.id.as_ref().and_then(|id| {
            let mut bytes = [0; 16];
            hex::decode_to_slice(id, &mut bytes).ok().map(|()| bytes)
        });
        VersionMark {
            number: self.number,
            id,
            updated: self.updated.and_then(Timestamp::new),
            fraction: self.fraction,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct PersonFile {
    wallet: String,
    enrolled: bool,
}

#[derive(Serialize, Deserialize)]
struct NameFile {
    person: u32,
    identifiers: Vec<[String; 2]>,
    families: Vec<String>,
    born: Option<String>,
    content: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RecordFile {
    patient: String,
    label: String,
    custodian: String,
    anchoring: Anchoring,
    supersession: Supersession,
    values: Vec<[String; 2]>,
    salts: Vec<String>,
    root_salt: String,
}

/// What a transaction in the outbox is about.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Errand {
    /// The enrolment of these people.
    Enrol(Vec<u32>),
    /// The anchoring of these records. Of the transactions of one change the first says how the change is undone.
    Anchor { records: Vec<u32>, undo: Option<Undo> },
}

/// How a change is undone whose transaction the ledger refuses.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// Its new records.
    pub records: Vec<u32>,
    /// The records that it superseded.
    pub superseded: Vec<u32>,
    /// Its resources, as they were.
    pub resources: Vec<(String, Option<ResourceEntry>)>,
}

#[derive(Serialize, Deserialize)]
struct OutboxFile {
    transaction: String,
    errand: Errand,
}

/// A vault.
pub(crate) struct Vault {
    db: Database,
    path: PathBuf,
}

/// Changes that become durable together.
pub(crate) struct Change<'v> {
    vault: &'v Vault,
    tx: WriteTransaction,
}

fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    // serde's text may quote the file, and the file holds secrets: only the place is told.
    serde_json::from_slice(bytes).map_err(|e| {
        anyhow::anyhow!("the vault's {what} is damaged at column {}: restore it from a copy", e.column())
    })
}

impl Vault {
    /// The vault in a home directory; made where there is none.
    pub(crate) fn open(home: &Home, chain: ChainId) -> Result<Self> {
        if home.has(OLD) {
            bail!(
                "{} was written by a version of amanat that knew patients by their ids alone: patients of two servers may be one in it. \
                 It cannot be mended; keep it for reference, make a new home (`amanat --home DIR init`) and import again",
                home.path(OLD).display()
            );
        }
        let path = home.path(FILE);
        let open = || -> Result<Database> {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            Ok(Database::builder().create_file(options.open(&path)?)?)
        };
        let db = open().with_context(|| format!("cannot open the vault {}", path.display()))?;
        let vault = Self { db, path };
        let change = vault.change()?;
        {
            let mut about = change.tx.open_table(ABOUT)?;
            let read = |word: &str| -> Result<Option<String>> {
                Ok(about.get(word)?.map(|value| value.value().to_owned()))
            };
            let (format, of) = (read("format")?, read("chain")?);
            match (format.as_deref(), of) {
                (None, _) => {
                    about.insert("format", FORMAT)?;
                    about.insert("chain", chain.to_string().as_str())?;
                }
                (Some(FORMAT), Some(of)) if of == chain.to_string() => {}
                (Some(FORMAT), of) => bail!(
                    "the vault {} belongs to another ledger: chain {}, and this is {chain}",
                    vault.path.display(),
                    of.unwrap_or_default()
                ),
                (Some(other), _) => bail!(
                    "the vault {} has format {other}, and this version of amanat reads format {FORMAT}",
                    vault.path.display()
                ),
            }
            change.tx.open_table(PEOPLE)?;
            change.tx.open_table(NAMES)?;
            change.tx.open_table(RECORDS)?;
            change.tx.open_table(RESOURCES)?;
            change.tx.open_table(OUTBOX)?;
        }
        change.commit()?;
        Ok(vault)
    }

    /// Begins a change.
    pub(crate) fn change(&self) -> Result<Change<'_>> {
        Ok(Change { vault: self, tx: self.db.begin_write()? })
    }

    fn read<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, u32, &[u8]>,
        what: &str,
        number: u32,
    ) -> Result<Option<T>> {
        let found = self.db.begin_read()?.open_table(table)?.get(number)?;
        found.map(|value| decode(what, value.value())).transpose()
    }

    /// A record.
    pub(crate) fn record(&self, number: u32) -> Result<Option<VaultRecord>> {
        let file: Option<RecordFile> = self.read(RECORDS, "record", number)?;
        file.map(|file| file.load(number)).transpose()
    }

    /// Every record, one at a time, in the order of their numbers; `each` says whether to go on.
    pub(crate) fn each_record(&self, mut each: impl FnMut(VaultRecord) -> Result<bool>) -> Result<()> {
        let table = self.db.begin_read()?.open_table(RECORDS)?;
        for row in table.iter()? {
            let (number, value) = row?;
            let file: RecordFile = decode("record", value.value())?;
            if !each(file.load(number.value())?)? {
                break;
            }
        }
        Ok(())
    }

    /// The number that the next new record has.
    pub(crate) fn next_record(&self) -> Result<u32> {
        let table = self.db.begin_read()?.open_table(RECORDS)?;
        let last = table.last()?.map(|(number, _)| number.value());
        last.map_or(Some(0), |last| last.checked_add(1)).context("the vault is full")
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> Result<u64> {
        Ok(redb::ReadableTableMetadata::len(&self.db.begin_read()?.open_table(RECORDS)?)?)
    }

    /// A resource.
    pub(crate) fn resource(&self, name: &Name) -> Result<Option<ResourceEntry>> {
        let found = self.db.begin_read()?.open_table(RESOURCES)?.get(name.as_str())?;
        found.map(|value| decode("resource", value.value())).transpose()
    }

    /// Every name of a patient: the person's number, the name.
    pub(crate) fn known(&self) -> Result<Vec<KnownPatient>> {
        let table = self.db.begin_read()?.open_table(NAMES)?;
        let mut all = Vec::new();
        for row in table.iter()? {
            let (name, value) = row?;
            let file: NameFile = decode("list of patients", value.value())?;
            let name = Name::from_text(name.value()).context("the vault has a patient without a name")?;
            all.push(KnownPatient { name, person: file.person as usize, likeness: file.likeness()? });
        }
        Ok(all)
    }

    /// The wallet's name of the patient whom a person means by a text: a whole name, or `Patient/1` where that is only one.
    pub(crate) fn patient(&self, text: &str) -> Result<String> {
        let mut meant: BTreeMap<u32, String> = BTreeMap::new();
        let mut exact = None;
        for known in self.known()?.into_iter().filter(|k| k.name.is_meant_by(text)) {
            let person = u32::try_from(known.person).context("a patient's number")?;
            if known.name.as_str() == text {
                exact = Some(person);
            }
            meant.entry(person).or_insert_with(|| known.name.to_string());
        }
        match (exact, meant.len()) {
            (Some(person), _) => self.wallet_of(person),
            (None, 1) => self.wallet_of(*meant.keys().next().context("one")?),
            (None, 0) => bail!(
                "no patient {text}: `amanat import --anchor` enrols patients, `amanat vault patients` lists them"
            ),
            (None, _) => bail!(
                "{text} may be {} patients: give one of the whole names {}",
                meant.len(),
                meant.values().cloned().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// The wallet's name of a person.
    pub(crate) fn wallet_of(&self, person: u32) -> Result<String> {
        let file: Option<PersonFile> = self.read(PEOPLE, "patient", person)?;
        Ok(file.context("the vault names a patient whom it does not have")?.wallet)
    }

    /// People whom the ledger has not acknowledged and of whom nothing lies in the outbox, with the names of their wallets.
    pub(crate) fn not_enrolled(&self) -> Result<Vec<(u32, String)>> {
        let waiting: BTreeSet<u32> = self
            .outbox()?
            .into_iter()
            .flat_map(|(_, _, errand)| if let Errand::Enrol(people) = errand { people } else { Vec::new() })
            .collect();
        let table = self.db.begin_read()?.open_table(PEOPLE)?;
        let mut all = Vec::new();
        for row in table.iter()? {
            let (number, value) = row?;
            let file: PersonFile = decode("patient", value.value())?;
            if !file.enrolled && !waiting.contains(&number.value()) {
                all.push((number.value(), file.wallet));
            }
        }
        Ok(all)
    }

    /// What has not been acknowledged, in order.
    pub(crate) fn outbox(&self) -> Result<Vec<(u32, Transaction, Errand)>> {
        let table = self.db.begin_read()?.open_table(OUTBOX)?;
        let mut all = Vec::new();
        for row in table.iter()? {
            let (number, value) = row?;
            let file: OutboxFile = decode("outbox", value.value())?;
            let bytes = hex::decode(&file.transaction).context("the vault's outbox is damaged")?;
            let tx = Transaction::from_bytes(&bytes).context("the vault's outbox is damaged")?;
            all.push((number.value(), tx, file.errand));
        }
        Ok(all)
    }
}

impl Change<'_> {
    fn put<T: Serialize>(
        &self,
        table: TableDefinition<'_, u32, &[u8]>,
        number: u32,
        value: &T,
    ) -> Result<()> {
        let bytes = zeroize::Zeroizing::new(serde_json::to_vec(value)?);
        self.tx.open_table(table)?.insert(number, bytes.as_slice())?;
        Ok(())
    }

    fn next(&self, table: TableDefinition<'_, u32, &[u8]>) -> Result<u32> {
        let table = self.tx.open_table(table)?;
        let last = table.last()?.map(|(number, _)| number.value());
        last.map_or(Some(0), |last| last.checked_add(1)).context("the vault is full")
    }

    /// A new person, whose wallet has this name.
    pub(crate) fn add_person(&self, wallet: &str) -> Result<u32> {
        let number = self.next(PEOPLE)?;
        self.put(PEOPLE, number, &PersonFile { wallet: wallet.to_owned(), enrolled: false })?;
        Ok(number)
    }

    /// The names of a person, with what is said under each.
    pub(crate) fn put_names(&self, number: u32, person: &Person) -> Result<()> {
        let mut table = self.tx.open_table(NAMES)?;
        for (name, likeness) in &person.names {
            let file = NameFile::new(number, likeness);
            table.insert(name.as_str(), serde_json::to_vec(&file)?.as_slice())?;
        }
        Ok(())
    }

    pub(crate) fn put_record(&self, record: &VaultRecord) -> Result<()> {
        self.put(RECORDS, record.number, &RecordFile::new(record))
    }

    pub(crate) fn put_resource(&self, name: &Name, entry: &ResourceEntry) -> Result<()> {
        let bytes = serde_json::to_vec(entry)?;
        self.tx.open_table(RESOURCES)?.insert(name.as_str(), bytes.as_slice())?;
        Ok(())
    }

    /// Marks a record as superseded.
    pub(crate) fn supersede(&self, number: u32, supersession: Supersession) -> Result<()> {
        let mut file: RecordFile =
            self.stored(RECORDS, number)?.context("a record that the vault does not have")?;
        file.supersession = supersession;
        self.put(RECORDS, number, &file)
    }

    fn stored<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, u32, &[u8]>,
        number: u32,
    ) -> Result<Option<T>> {
        let table = self.tx.open_table(table)?;
        let found = table.get(number)?;
        found.map(|value| decode("row", value.value())).transpose()
    }

    /// A transaction to be submitted.
    pub(crate) fn send(&self, transaction: &Transaction, errand: Errand) -> Result<()> {
        let file = OutboxFile { transaction: hex::encode(transaction.to_bytes()), errand };
        self.put(OUTBOX, self.next(OUTBOX)?, &file)
    }

    /// The ledger has refused it: it is not sent again.
    pub(crate) fn refused(&self, number: u32) -> Result<()> {
        self.tx.open_table(OUTBOX)?.remove(number)?;
        Ok(())
    }

    /// The ledger has refused what was to be anchored: all of the change is as if it had not been.
    pub(crate) fn undo(&self, undo: &Undo) -> Result<()> {
        for number in &undo.superseded {
            self.supersede(*number, Supersession::Latest)?;
        }
        let mut records = self.tx.open_table(RECORDS)?;
        for number in &undo.records {
            records.remove(*number)?;
        }
        let mut resources = self.tx.open_table(RESOURCES)?;
        for (name, before) in &undo.resources {
            match before {
                Some(entry) => resources.insert(name.as_str(), serde_json::to_vec(entry)?.as_slice())?,
                None => resources.remove(name.as_str())?,
            };
        }
        Ok(())
    }

    /// The ledger has these people.
    pub(crate) fn enrolled(&self, people: &[u32]) -> Result<()> {
        for number in people {
            let mut file: PersonFile = self.stored(PEOPLE, *number)?.context("a patient without a row")?;
            file.enrolled = true;
            self.put(PEOPLE, *number, &file)?;
        }
        Ok(())
    }

    /// A receipt has come.
    pub(crate) fn acknowledged(&self, number: u32, errand: &Errand, epoch: u64) -> Result<()> {
        match errand {
            Errand::Enrol(people) => self.enrolled(people)?,
            Errand::Anchor { records, .. } => {
                for number in records {
                    let mut file: RecordFile =
                        self.stored(RECORDS, *number)?.context("a record without a row")?;
                    file.anchoring = Anchoring::Anchored(epoch);
                    self.put(RECORDS, *number, &file)?;
                }
            }
        }
        self.tx.open_table(OUTBOX)?.remove(number)?;
        Ok(())
    }

    /// Makes the changes durable.
    pub(crate) fn commit(self) -> Result<()> {
        self.tx.commit().with_context(|| format!("cannot write the vault {}", self.vault.path.display()))
    }
}

impl RecordFile {
    fn new(r: &VaultRecord) -> Self {
        let open = Leaf::ALL.map(|leaf| r.record.open(leaf));
        Self {
            patient: r.patient.clone(),
            label: r.label.clone(),
            custodian: r.custodian.clone(),
            anchoring: r.anchoring,
            supersession: r.supersession,
            values: open.iter().map(|o| o.values.map(text)).collect(),
            salts: open.iter().map(|o| text(o.salt.expose())).collect(),
            root_salt: text(r.record.root_salt().expose()),
        }
    }

    fn load(self, number: u32) -> Result<VaultRecord> {
        ensure!(
            self.values.len() == RECORD_LEAVES,
            "record {number}: {} leaves, expected {RECORD_LEAVES}",
            self.values.len()
        );
        let mut values = [[Fr::from(0u64); 2]; RECORD_LEAVES];
        for (slot, pair) in values.iter_mut().zip(&self.values) {
            *slot = [field("value", &pair[0])?, field("value", &pair[1])?];
        }
        let salts = self.salts.iter().map(|s| secret("salt", s)).collect::<Result<_>>()?;
        let record = Record::from_parts(values, salts, secret("root salt", &self.root_salt)?)
            .with_context(|| format!("record {number}: sixteen salts and a root salt are needed"))?;
        let Self { patient, label, custodian, anchoring, supersession, .. } = self;
        Ok(VaultRecord { number, patient, label, custodian, record, anchoring, supersession })
    }
}

impl NameFile {
    fn new(person: u32, likeness: &Likeness) -> Self {
        Self {
            person,
            identifiers: likeness.identifiers.iter().map(|pair| pair.map(hex::encode)).collect(),
            families: likeness.families.iter().map(hex::encode).collect(),
            born: likeness.born.map(hex::encode),
            content: likeness.content.map(hex::encode),
        }
    }

    fn likeness(&self) -> Result<Likeness> {
        let mark = |text: &String| -> Result<[u8; 16]> {
            let mut bytes = [0; 16];
            hex::decode_to_slice(text, &mut bytes).context("the vault's list of patients is damaged")?;
            Ok(bytes)
        };
        Ok(Likeness {
            identifiers: self
                .identifiers
                .iter()
                .map(|[a, b]| Ok([mark(a)?, mark(b)?]))
                .collect::<Result<_>>()?,
            families: self.families.iter().map(mark).collect::<Result<_>>()?,
            born: self.born.as_ref().map(mark).transpose()?,
            content: self.content.as_ref().map(mark).transpose()?,
        })
    }
}
