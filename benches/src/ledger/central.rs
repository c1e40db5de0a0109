//! What the ledger is measured beside: a server as hospitals run them. It knows its patients by
//! name, keeps a rule for who may see whom, checks the signature of a request and its rule, and
//! appends to a log. The same kind of file, written as durably, a batch at a time; no proof, no
//! commitment, no chain of hashes.

use super::system::{Done, System};
use crate::report::Outcome;
use crate::report::chain::{reference, signer};
use amanat_domain::consent::OrgId;
use amanat_domain::field::to_bytes;
use amanat_domain::wire::{Reader, WireError, Writer};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use rayon::prelude::*;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::path::Path;

const ACCOUNTS: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new("accounts");
const PATIENTS: TableDefinition<'_, u64, &str> = TableDefinition::new("patients");
/// The accessor, the patient and the purposes of each permission.
pub(super) const RULES: TableDefinition<'_, (u64, &[u8; 32]), u32> = TableDefinition::new("rules");
/// Who saw what of whom.
pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const SEEN: TableDefinition<'_, (&[u8; 32], &[u8; 16]), u64> = TableDefinition::new("seen");

/// Treatment.
const PURPOSE: u32 = 1;

/// The server.
pub(super) struct Central {
    db: Database,
}

/// A request for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) organisation: [u8; 32],
    pub(super) clinician: u64,
    pub(super) patient: u64,
    pub(super) record: u64,
    pub(super) purpose: u32,
    pub(super) nonce: [u8; 16],
    pub(super) signature: [u8; 64],
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("not a request: {0}")]
    Encoding(#[from] WireError),
    #[error("no such account")]
    Unknown,
    #[error("the signature is not the account's")]
    Signature,
    #[error("no rule permits this")]
    Rule,
    #[error("database: {0}")]
    Database(#[from] redb::Error),
}

/// National id of patient number `n`: thirteen digits.
pub(super) const fn national_id(n: u64) -> u64 {
    3_520_100_000_017 + n * 7
}

/// Name of patient number `n`.
pub(super) fn name(n: u64) -> String {
    format!("Zainab Qureshi {n}")
}

/// The number of patients; the last has permitted nothing.
pub(super) fn patients(organisations: usize) -> u64 {
    (organisations as u64 * 2).max(1000)
}

/// The account of organisation number `n`.
pub(super) fn account(n: usize) -> [u8; 32] {
    to_bytes(&OrgId::from_reference(&reference(n)).to_field())
}

impl Request {
    /// Request number `i`, by one of `organisations` organisations: permitted, unlike any other.
    pub(super) fn number(i: u64, organisations: usize) -> Self {
        let patient = i % (patients(organisations) - 1);
        Self::of(i, usize::try_from(patient).unwrap_or(0) % organisations, patient)
    }

    /// Organisation number `n` asks for a record of patient number `patient`.
    pub(super) fn of(i: u64, n: usize, patient: u64) -> Self {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&i.to_le_bytes());
        let mut request = Self {
            organisation: account(n),
            clinician: i % 64,
            patient: national_id(patient),
            record: i,
            purpose: PURPOSE,
            nonce,
            signature: [0; 64],
        };
        request.signature = signer(n).sign(&request.unsigned()).to_bytes();
        request
    }

    fn unsigned(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed(&self.organisation);
        w.u64(self.clinician);
        w.u64(self.patient);
        w.u64(self.record);
        w.u32(self.purpose);
        w.fixed(&self.nonce);
        w.finish()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.unsigned();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let request = Self {
            organisation: r.array("organisation")?,
            clinician: r.u64("clinician")?,
            patient: r.u64("patient")?,
            record: r.u64("record")?,
            purpose: r.u32("purpose")?,
            nonce: r.array("nonce")?,
            signature: r.array("signature")?,
        };
        r.finish()?;
        Ok(request)
    }
}

impl Central {
    /// A new server with its accounts, patients and rules.
    pub(super) fn create(path: &Path, organisations: usize) -> Outcome<()> {
        let db = Database::create(path)?;
        let mut tx = db.begin_write()?;
        tx.set_two_phase_commit(true);
        {
            let (mut accounts, mut people) = (tx.open_table(ACCOUNTS)?, tx.open_table(PATIENTS)?);
            let mut rules = tx.open_table(RULES)?;
            for n in 0..organisations {
                accounts.insert(&account(n), signer(n).verifying_key().as_bytes())?;
            }
            let all = patients(organisations);
            for n in 0..all {
                let id = national_id(n);
                let person = format!(r#"{{"name":"{}","national-id":"{id}","born":"1984-03-02"}}"#, name(n));
                people.insert(id, person.as_str())?;
                if n + 1 < all {
                    rules.insert((id, &account(n as usize % organisations)), PURPOSE)?;
                }
            }
            tx.open_table(LOG)?;
            tx.open_table(SEEN)?;
        }
        Ok(tx.commit()?)
    }

    /// Opens it: whatever is in the file is believed.
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        Ok(Self { db: Database::open(path)? })
    }

    /// The accessor, and whether the access is allowed.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<Request, Refused> {
        let request = Request::from_bytes(bytes)?;
        let rule = {
            let tx = self.db.begin_read().map_err(redb::Error::from)?;
            let accounts = tx.open_table(ACCOUNTS).map_err(redb::Error::from)?;
            let key = accounts.get(&request.organisation).map_err(redb::Error::from)?;
            let key = key.ok_or(Refused::Unknown)?;
            let key = VerifyingKey::from_bytes(key.value()).map_err(|_| Refused::Unknown)?;
            key.verify_strict(&request.unsigned(), &Signature::from_bytes(&request.signature))
                .map_err(|_| Refused::Signature)?;
            let rules = tx.open_table(RULES).map_err(redb::Error::from)?;
            let rule = rules.get((request.patient, &request.organisation)).map_err(redb::Error::from)?;
            rule.map_or(0, |rule| rule.value())
        };
        if rule & request.purpose == request.purpose { Ok(request) } else { Err(Refused::Rule) }
    }

    /// Writes the checked requests into the log, all in one durable write. A request that is there
    /// already is not written again.
    pub(super) fn log<'r>(
        &self,
        requests: impl Iterator<Item = &'r Request>,
    ) -> Result<Vec<Done>, redb::Error> {
        let mut tx = self.db.begin_write()?;
        tx.set_two_phase_commit(true);
        let mut answers = Vec::new();
        {
            let (mut log, mut seen) = (tx.open_table(LOG)?, tx.open_table(SEEN)?);
            for request in requests {
                let at = (&request.organisation, &request.nonce);
                if seen.get(at)?.is_some() {
                    answers.push(Done::Before);
                    continue;
                }
                let number = log.len()?;
                seen.insert(at, number)?;
                log.insert(number, request.to_bytes().as_slice())?;
                answers.push(Done::Now);
            }
        }
        tx.commit()?;
        Ok(answers)
    }
}

impl System for Central {
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>> {
        let checked: Vec<_> = requests.par_iter().map(|bytes| self.check(bytes)).collect();
        let mut logged = match self.log(checked.iter().flatten()) {
            Ok(answers) => answers.into_iter(),
            Err(e) => return vec![Err(e.to_string()); requests.len()],
        };
        let answer = |checked: Result<Request, Refused>| match checked {
            Ok(_) => logged.next().ok_or_else(|| "an answer is missing".to_owned()),
            Err(refused) => Err(refused.to_string()),
        };
        checked.into_iter().map(answer).collect()
    }

    fn height(&self) -> u64 {
        let rows = || -> Result<u64, redb::Error> { Ok(self.db.begin_read()?.open_table(LOG)?.len()?) };
        rows().unwrap_or(0)
    }

    fn holds(&self, request: &[u8]) -> Outcome<bool> {
        let request = Request::from_bytes(request)?;
        let tx = self.db.begin_read()?;
        let number = tx.open_table(SEEN)?.get((&request.organisation, &request.nonce))?.map(|n| n.value());
        let Some(number) = number else { return Ok(false) };
        Ok(tx.open_table(LOG)?.get(number)?.is_some_and(|entry| entry.value() == request.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_takes_what_its_rules_permit_once_and_refuses_the_rest() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("central.redb");
        Central::create(&path, 8)?;
        let central = Central::open(&path)?;
        let good: Vec<Vec<u8>> = (0..20).map(|i| Request::number(i, 8).to_bytes()).collect();
        let list: Vec<&[u8]> = good.iter().map(Vec::as_slice).collect();
        assert!(central.submit(&list).iter().all(|a| *a == Ok(Done::Now)));
        assert!(central.submit(&list).iter().all(|a| *a == Ok(Done::Before)));
        assert!(central.holds(list[3])?);
        let mut forged = good[0].clone();
        forged[40] ^= 1;
        let stranger = Request::of(99, 0, patients(8) - 1).to_bytes();
        let answers = central.submit(&[&forged, &stranger, &good[0][1..], list[0]]);
        let said: Vec<String> = answers[..3].iter().map(|a| a.clone().expect_err("refused")).collect();
        assert_eq!(said[..2], ["the signature is not the account's", "no rule permits this"]);
        assert!(said[2].starts_with("not a request"));
        assert_eq!(answers[3], Ok(Done::Before));
        assert!(!central.holds(&stranger)?);
        Ok(())
    }
}
