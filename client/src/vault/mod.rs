//! A custodian's vault: the patients it knows and their names, what it anchored about each, and
//! what the ledger has yet to acknowledge.
//!
//! One redb file. Each change is one durable transaction, and what is to be submitted is written
//! with it: after a crash at any instant the vault has a change with the transaction that tells the
//! ledger of it, or neither. Submitting again is harmless, for the ledger answers a transaction
//! that it has with its first receipt.
//!
//! | table | key | holds |
//! |---|---|---|
//! | `about` | word | format and chain |
//! | `people` | number | the name of the wallet, whether the enrolment was acknowledged |
//! | `names` | a patient's name | number of the person, what tells people apart |
//! | `records` | number | a record with its salts, its patient, whether it was acknowledged, what superseded it |
//! | `resources` | a resource's name | version, content, numbers of its records |
//! | `outbox` | number | a signed transaction without receipt, and what it is about |

mod change;
mod rows;
mod undo;

pub use change::Change;
pub use undo::Undo;

use crate::home::{Home, HomeError};
use amanat_domain::fhir::identity::Name;
use amanat_domain::fhir::survey::{KnownPatient, VersionMark};
use amanat_domain::record::Record;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{ChainId, Transaction};
use redb::{AccessGuard, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use rows::{NameFile, OutboxFile, PersonFile, RecordFile, decode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::PathBuf;

type Result<T, E = VaultError> = core::result::Result<T, E>;

/// The version of the file's tables.
const FORMAT: &str = "1";
const FILE: &str = "vault.redb";
/// What versions before this one wrote. They knew patients by `Type/id`, of whatever server: two
/// may have become one.
const OLD: &str = "vault.json";

const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const PEOPLE: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("people");
const NAMES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("names");
const RECORDS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("records");
const RESOURCES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("resources");
const OUTBOX: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("outbox");

/// How far the ledger has acknowledged something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anchoring {
    /// No receipt has come.
    Pending,
    /// In the block of this epoch.
    Anchored(u64),
}

/// A record in the vault.
#[derive(Clone)]
pub struct VaultRecord {
    /// Its number in the vault.
    pub number: u32,
    /// The name of the patient's wallet.
    pub patient: String,
    /// The resource's name, for the custodian's own eyes.
    pub label: String,
    /// Reference of the organisation that anchored it.
    pub custodian: String,
    /// The record with its salts.
    pub record: Record,
    /// Whether the ledger acknowledged it.
    pub anchoring: Anchoring,
    /// Whether it is the latest.
    pub supersession: Supersession,
}

/// Whether a record is the latest of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Supersession {
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
pub struct ResourceEntry {
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
    /// An entry for a resource of this version.
    #[must_use]
    pub fn new(version: VersionMark, content: String, records: Vec<u32>, retracted: bool) -> Self {
        let VersionMark { number, id, updated, fraction } = version;
        let (id, updated) = (id.map(hex::encode), updated.map(Timestamp::seconds));
        Self { number, id, updated, fraction, content, records, retracted }
    }

    /// The version that was taken.
    #[must_use]
    pub fn version(&self) -> VersionMark {
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

/// What a transaction in the outbox is about.
#[derive(Clone, Serialize, Deserialize)]
pub enum Errand {
    /// The enrolment of these people.
    Enrol(Vec<u32>),
    /// The anchoring of these records. Of the transactions of one change the first that waits says
    /// how the change, or the rest of it, is undone.
    Anchor {
        /// Their numbers.
        records: Vec<u32>,
        /// How the change is undone, if this is the first of its transactions that waits.
        undo: Option<Undo>,
    },
}

/// Why the vault has no answer.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A version of amanat wrote it that this one does not read.
    #[error(
        "{} was written by a version of amanat that knew patients by their ids alone: patients of two servers may be one in it. \
         It cannot be mended; keep it for reference, make a new home (`amanat --home DIR init`) and import again",
        path.display()
    )]
    Old {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be opened.
    #[error("cannot open the vault {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// It cannot be read or written.
    #[error("cannot use the vault")]
    Disk(#[source] Box<redb::Error>),
    /// It belongs to another ledger.
    #[error("the vault {} belongs to another ledger: chain {got}, and this is {expected}", path.display())]
    OtherChain {
        /// The file.
        path: PathBuf,
        /// The chain of the ledger at hand.
        expected: ChainId,
        /// The chain that the vault names.
        got: String,
    },
    /// Its format is unknown.
    #[error("the vault {} has format {got}, and this version of amanat reads format {FORMAT}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        got: String,
    },
    /// A row is damaged. The text of the parser may quote secrets: only the place is told.
    #[error("the vault's {what} is damaged at column {column}: restore it from a copy")]
    Damaged {
        /// Which row.
        what: &'static str,
        /// Column, from 1.
        column: usize,
    },
    /// A row contradicts another, or cannot be what it says.
    #[error("the vault's {0}: restore it from a copy")]
    Inconsistent(&'static str),
    /// A value in a row is not what it must be.
    #[error(transparent)]
    Value(#[from] HomeError),
    /// It has as many rows as numbers.
    #[error("the vault is full")]
    Full,
    /// No patient has the name.
    #[error("no patient {0}: `amanat import --anchor` enrols patients, `amanat vault patients` lists them")]
    NoPatient(String),
    /// Several patients have the name.
    #[error("{text} may be {} patients: give one of the whole names {}", names.len(), names.join(", "))]
    SeveralPatients {
        /// The text given.
        text: String,
        /// One name of each.
        names: Vec<String>,
    },
}

macro_rules! disk_errors {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for VaultError {
            fn from(error: redb::$error) -> Self {
                Self::Disk(Box::new(error.into()))
            }
        }
    )*};
}

disk_errors!(TransactionError, TableError, StorageError, CommitError);

/// A vault.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::{Home, Vault};
/// # let dir = tempfile::tempdir()?;
/// let vault = Vault::open(&Home::open(Some(dir.path()))?, amanat_domain::tx::ChainId([7; 32]))?;
/// assert_eq!(vault.record_count()?, 0);
/// # Ok(()) }
/// ```
pub struct Vault {
    db: Database,
    path: PathBuf,
}

impl Vault {
    /// The vault in a home directory; made if it is not there.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(home: &Home, chain: ChainId) -> Result<Self> {
        if home.has(OLD) {
            return Err(VaultError::Old { path: home.path(OLD) });
        }
        let path = home.path(FILE);
        let open = || -> Result<Database, redb::Error> {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            Ok(Database::builder().create_file(options.open(&path).map_err(redb::Error::Io)?)?)
        };
        let vault = match open() {
            Ok(db) => Self { db, path },
            Err(source) => return Err(VaultError::Open { path, source: Box::new(source) }),
        };
        vault.prepare(chain)?;
        Ok(vault)
    }

    /// Makes the tables of a new vault, or finds that an older one fits.
    fn prepare(&self, chain: ChainId) -> Result<()> {
        let tx = self.db.begin_write()?;
        {
            let mut about = tx.open_table(ABOUT)?;
            let read = |word: &str| -> Result<Option<String>> {
                Ok(about.get(word)?.map(|value| value.value().to_owned()))
            };
            let (format, of) = (read("format")?, read("chain")?);
            let path = self.path.clone();
            match (format.as_deref(), of) {
                (None, _) => {
                    about.insert("format", FORMAT)?;
                    about.insert("chain", chain.to_string().as_str())?;
                }
                (Some(FORMAT), Some(of)) if of == chain.to_string() => {}
                (Some(FORMAT), of) => {
                    let got = of.unwrap_or_default();
                    return Err(VaultError::OtherChain { path, expected: chain, got });
                }
                (Some(other), _) => return Err(VaultError::Format { path, got: other.to_owned() }),
            }
            tx.open_table(NAMES)?;
            tx.open_table(RESOURCES)?;
            for table in [PEOPLE, RECORDS, OUTBOX] {
                tx.open_table(table)?;
            }
        }
        Ok(tx.commit()?)
    }

    /// Begins a change.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn change(&self) -> Result<Change> {
        Ok(Change::new(self.db.begin_write()?))
    }

    fn read<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, u32, &[u8]>,
        what: &'static str,
        number: u32,
    ) -> Result<Option<T>> {
        let found = self.db.begin_read()?.open_table(table)?.get(number)?;
        found.map(|value| decode(what, value.value())).transpose()
    }

    /// A record.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn record(&self, number: u32) -> Result<Option<VaultRecord>> {
        let file: Option<RecordFile> = self.read(RECORDS, "record", number)?;
        file.map(|file| file.load(number)).transpose()
    }

    /// Every record, one at a time, in the order of their numbers; `each` says whether to go on.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn each_record(&self, mut each: impl FnMut(VaultRecord) -> bool) -> Result<()> {
        let table = self.db.begin_read()?.open_table(RECORDS)?;
        for row in table.iter()? {
            let (number, value) = row?;
            let file: RecordFile = decode("record", value.value())?;
            if !each(file.load(number.value())?) {
                break;
            }
        }
        Ok(())
    }

    /// The number of the next new record.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn next_record(&self) -> Result<u32> {
        let table = self.db.begin_read()?.open_table(RECORDS)?;
        let last = table.last()?.map(|(number, _)| number.value());
        last.map_or(Some(0), |last| last.checked_add(1)).ok_or(VaultError::Full)
    }

    /// How many records there are.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn record_count(&self) -> Result<u64> {
        Ok(self.db.begin_read()?.open_table(RECORDS)?.len()?)
    }

    /// The newest epoch in which the ledger acknowledged a record; `None` before the first.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn newest_receipt(&self) -> Result<Option<u64>> {
        let mut newest = None;
        self.each_record(|record| {
            if let Anchoring::Anchored(epoch) = record.anchoring {
                newest = newest.max(Some(epoch));
            }
            true
        })?;
        Ok(newest)
    }

    /// A resource.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn resource(&self, name: &Name) -> Result<Option<ResourceEntry>> {
        let found = self.db.begin_read()?.open_table(RESOURCES)?.get(name.as_str())?;
        found.map(|value| decode("resource", value.value())).transpose()
    }

    /// Every name of every patient, with the number of the person.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn known(&self) -> Result<Vec<KnownPatient>> {
        let table = self.db.begin_read()?.open_table(NAMES)?;
        let mut all = Vec::new();
        for row in table.iter()? {
            let (name, value) = row?;
            let file: NameFile = decode("list of patients", value.value())?;
            let name = Name::from_text(name.value())
                .ok_or(VaultError::Inconsistent("list of patients has a patient without a name"))?;
            all.push(KnownPatient { name, person: file.person as usize, likeness: file.likeness()? });
        }
        Ok(all)
    }

    /// The name of the wallet of the patient that a text means: a whole name, or `Patient/1` if one
    /// patient alone has that id.
    ///
    /// # Errors
    /// [`VaultError::NoPatient`], [`VaultError::SeveralPatients`].
    pub fn patient(&self, text: &str) -> Result<String> {
        let mut meant: BTreeMap<u32, String> = BTreeMap::new();
        for known in self.known()?.into_iter().filter(|k| k.name.is_meant_by(text)) {
            let person = person_number(known.person)?;
            if known.name.as_str() == text {
                return self.wallet_of(person);
            }
            meant.entry(person).or_insert_with(|| known.name.to_string());
        }
        match (meant.first_key_value(), meant.len()) {
            (Some((person, _)), 1) => self.wallet_of(*person),
            (None, _) => Err(VaultError::NoPatient(text.to_owned())),
            (Some(_), _) => Err(VaultError::SeveralPatients {
                text: text.to_owned(),
                names: meant.into_values().collect(),
            }),
        }
    }

    /// The names of every patient, by the name of the wallet.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn names(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for known in self.known()? {
            let wallet = self.wallet_of(person_number(known.person)?)?;
            names.entry(wallet).or_default().push(known.name.to_string());
        }
        Ok(names)
    }

    /// The name of the wallet of a person.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn wallet_of(&self, person: u32) -> Result<String> {
        let file: Option<PersonFile> = self.read(PEOPLE, "patient", person)?;
        const MISSING: VaultError = VaultError::Inconsistent("names have a patient without a row");
        Ok(file.ok_or(MISSING)?.wallet)
    }

    /// The people whose enrolment the ledger has not acknowledged and is not in the outbox, with
    /// the names of their wallets.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn not_enrolled(&self) -> Result<Vec<(u32, String)>> {
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

    /// The transactions that have not been acknowledged, in order.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn outbox(&self) -> Result<Vec<(u32, Transaction, Errand)>> {
        let table = self.db.begin_read()?.open_table(OUTBOX)?;
        table.iter()?.map(|row| waiting(row?)).collect()
    }

    /// The first transaction of the outbox.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn first_waiting(&self) -> Result<Option<(u32, Transaction, Errand)>> {
        let table = self.db.begin_read()?.open_table(OUTBOX)?;
        table.first()?.map(waiting).transpose()
    }
}

/// A row of the outbox.
fn waiting(
    (number, row): (AccessGuard<'_, u32>, AccessGuard<'_, &'static [u8]>),
) -> Result<(u32, Transaction, Errand)> {
    let file: OutboxFile = decode("outbox", row.value())?;
    let bytes = hex::decode(&file.transaction).ok();
    let transaction = bytes.and_then(|bytes| Transaction::from_bytes(&bytes).ok());
    let transaction = transaction.ok_or(VaultError::Inconsistent("outbox is damaged"))?;
    Ok((number.value(), transaction, file.errand))
}

/// The number of a person, as the survey of an import counts them.
pub(crate) fn person_number(person: usize) -> Result<u32> {
    u32::try_from(person).map_err(|_| VaultError::Full)
}
