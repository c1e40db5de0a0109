//! Changes of a vault, each durable as a whole.

use super::rows::{NameFile, OutboxFile, PersonFile, RecordFile, decode};
use super::{
    Anchoring, Errand, NAMES, OUTBOX, PEOPLE, RECORDS, RESOURCES, ResourceEntry, Result, Supersession, Undo,
    VaultError, VaultRecord,
};
use amanat_domain::fhir::identity::Name;
use amanat_domain::fhir::survey::Person;
use amanat_domain::tx::{MAX_BATCH, Transaction};
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// Changes that become durable together, by [`commit`](Self::commit); dropped before, they never
/// happened.
pub struct Change {
    tx: WriteTransaction,
}

/// A row as JSON; every row type has a JSON form.
fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(serde_json::to_vec(value).expect("numbers, texts and lists of them"))
}

impl Change {
    pub(super) const fn new(tx: WriteTransaction) -> Self {
        Self { tx }
    }

    fn put<T: Serialize>(
        &self,
        table: TableDefinition<'_, u32, &[u8]>,
        number: u32,
        value: &T,
    ) -> Result<()> {
        self.tx.open_table(table)?.insert(number, encode(value).as_slice())?;
        Ok(())
    }

    fn next(&self, table: TableDefinition<'_, u32, &[u8]>) -> Result<u32> {
        let table = self.tx.open_table(table)?;
        let last = table.last()?.map(|(number, _)| number.value());
        last.map_or(Some(0), |last| last.checked_add(1)).ok_or(VaultError::Full)
    }

    /// A new person with the wallet of this name; the number of the person.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn add_person(&self, wallet: &str) -> Result<u32> {
        let number = self.next(PEOPLE)?;
        self.put(PEOPLE, number, &PersonFile { wallet: wallet.to_owned(), enrolled: false })?;
        Ok(number)
    }

    /// The names of a person, with what the resource of each name says.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn put_names(&self, number: u32, person: &Person) -> Result<()> {
        let mut table = self.tx.open_table(NAMES)?;
        for (name, likeness) in &person.names {
            let file = NameFile::new(number, likeness);
            table.insert(name.as_str(), encode(&file).as_slice())?;
        }
        Ok(())
    }

    /// A record, new or changed.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn put_record(&self, record: &VaultRecord) -> Result<()> {
        self.put(RECORDS, record.number, &RecordFile::new(record))
    }

    /// What is known of a resource.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn put_resource(&self, name: &Name, entry: &ResourceEntry) -> Result<()> {
        self.tx.open_table(RESOURCES)?.insert(name.as_str(), encode(entry).as_slice())?;
        Ok(())
    }

    /// Marks a record as superseded.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn supersede(&self, number: u32, supersession: Supersession) -> Result<()> {
        let mut file: RecordFile = self.row(RECORDS, number)?;
        file.supersession = supersession;
        self.put(RECORDS, number, &file)
    }

    fn row<T: DeserializeOwned>(&self, table: TableDefinition<'_, u32, &[u8]>, number: u32) -> Result<T> {
        let table = self.tx.open_table(table)?;
        let found =
            table.get(number)?.ok_or(VaultError::Inconsistent("tables name a row that is not there"))?;
        decode("row", found.value())
    }

    /// A transaction to be submitted.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn send(&self, transaction: &Transaction, errand: Errand) -> Result<()> {
        let file = OutboxFile { transaction: hex::encode(transaction.to_bytes()), errand };
        self.put(OUTBOX, self.next(OUTBOX)?, &file)
    }

    /// The ledger refused the transaction: it is not sent again.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn refused(&self, number: u32) -> Result<()> {
        self.tx.open_table(OUTBOX)?.remove(number)?;
        Ok(())
    }

    /// The ledger refused what was to be anchored: the vault is as it was before the change, or
    /// has the part of it that is on the ledger.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn undo(&self, undo: &Undo) -> Result<()> {
        for number in &undo.superseded {
            self.supersede(*number, Supersession::Latest)?;
        }
        for number in &undo.replaced {
            let file: RecordFile = self.row(RECORDS, *number)?;
            // The record that took its place on the ledger is none, and its number is free again.
            if matches!(file.supersession, Supersession::By(by) if undo.records.contains(&by)) {
                self.supersede(*number, Supersession::Retracted)?;
            }
        }
        let mut records = self.tx.open_table(RECORDS)?;
        for number in &undo.records {
            records.remove(*number)?;
        }
        let mut resources = self.tx.open_table(RESOURCES)?;
        for (name, before) in &undo.resources {
            match before {
                Some(entry) => resources.insert(name.as_str(), encode(entry).as_slice())?,
                None => resources.remove(name.as_str())?,
            };
        }
        Ok(())
    }

    /// The ledger acknowledged the enrolment of these people.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn enrolled(&self, people: &[u32]) -> Result<()> {
        for number in people {
            let mut file: PersonFile = self.row(PEOPLE, *number)?;
            file.enrolled = true;
            self.put(PEOPLE, *number, &file)?;
        }
        Ok(())
    }

    /// A receipt came for a transaction of the outbox. The next transaction of its change says from
    /// now on how the rest of the change is undone.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn acknowledged(&self, number: u32, errand: &Errand, epoch: u64) -> Result<()> {
        if let Errand::Anchor { records, undo: Some(undo) } = errand {
            self.hand_on(undo, records, number)?;
        }
        match errand {
            Errand::Enrol(people) => self.enrolled(people)?,
            Errand::Anchor { records, .. } => {
                for number in records {
                    let mut file: RecordFile = self.row(RECORDS, *number)?;
                    file.anchoring = Anchoring::Anchored(epoch);
                    self.put(RECORDS, *number, &file)?;
                }
            }
        }
        self.tx.open_table(OUTBOX)?.remove(number)?;
        Ok(())
    }

    /// Gives what is left to undo after transaction `number`, which has these records, to the next
    /// transaction of the same change, if there is one.
    fn hand_on(&self, undo: &Undo, records: &[u32], number: u32) -> Result<()> {
        let next = self.waiting_after(number)?;
        let Some((next, OutboxFile { transaction, errand: Errand::Anchor { records: own, undo: None } })) =
            next
        else {
            return Ok(());
        };
        let resources = self.tx.open_table(RESOURCES)?;
        let changed = |name: &str| -> Result<Option<ResourceEntry>> {
            resources.get(name)?.map(|row| decode("resource", row.value())).transpose()
        };
        // Its transaction supersedes as many as one takes: the change was cut in this way.
        let rest = undo.rest(records, MAX_BATCH, changed)?;
        let errand = Errand::Anchor { records: own, undo: Some(rest) };
        self.put(OUTBOX, next, &OutboxFile { transaction, errand })
    }

    fn waiting_after(&self, number: u32) -> Result<Option<(u32, OutboxFile)>> {
        let table = self.tx.open_table(OUTBOX)?;
        let Some(next) = table.range(number.saturating_add(1)..)?.next().transpose()? else {
            return Ok(None);
        };
        let (next, row) = next;
        Ok(Some((next.value(), decode("outbox", row.value())?)))
    }

    /// Makes the changes durable.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn commit(self) -> Result<()> {
        Ok(self.tx.commit()?)
    }
}
