//! The rows of a vault as its file has them: JSON.

use super::{Anchoring, Errand, Result, Supersession, VaultError, VaultRecord};
use crate::encoding::{field_from_text, secret_from_text, text};
use amanat_domain::fhir::survey::Likeness;
use amanat_domain::field::Fr;
use amanat_domain::record::{Leaf, RECORD_LEAVES, Record};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct PersonFile {
    pub(super) wallet: String,
    pub(super) enrolled: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NameFile {
    pub(super) person: u32,
    identifiers: Vec<[String; 2]>,
    families: Vec<String>,
    born: Option<String>,
    content: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RecordFile {
    patient: String,
    label: String,
    custodian: String,
    pub(super) anchoring: Anchoring,
    pub(super) supersession: Supersession,
    values: Vec<[String; 2]>,
    salts: Vec<String>,
    root_salt: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OutboxFile {
    pub(super) transaction: String,
    pub(super) errand: Errand,
}

pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| VaultError::Damaged { what, column: e.column() })
}

impl RecordFile {
    pub(super) fn new(r: &VaultRecord) -> Self {
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

    pub(super) fn load(self, number: u32) -> Result<VaultRecord> {
        const LEAVES: VaultError = VaultError::Inconsistent("record has not sixteen leaves and a root salt");
        if self.values.len() != RECORD_LEAVES {
            return Err(LEAVES);
        }
        let mut values = [[Fr::from(0u64); 2]; RECORD_LEAVES];
        for (slot, pair) in values.iter_mut().zip(&self.values) {
            *slot = [field_from_text("value", &pair[0])?, field_from_text("value", &pair[1])?];
        }
        let salts = self.salts.iter().map(|s| secret_from_text("salt", s)).collect::<Result<_, _>>()?;
        let record = Record::from_parts(values, salts, secret_from_text("root salt", &self.root_salt)?);
        let record = record.ok_or(LEAVES)?;
        let Self { patient, label, custodian, anchoring, supersession, .. } = self;
        Ok(VaultRecord { number, patient, label, custodian, record, anchoring, supersession })
    }
}

impl NameFile {
    pub(super) fn new(person: u32, likeness: &Likeness) -> Self {
        Self {
            person,
            identifiers: likeness.identifiers.iter().map(|pair| pair.map(hex::encode)).collect(),
            families: likeness.families.iter().map(hex::encode).collect(),
            born: likeness.born.map(hex::encode),
            content: likeness.content.map(hex::encode),
        }
    }

    pub(super) fn likeness(&self) -> Result<Likeness> {
        let mark = |text: &String| -> Result<[u8; 16]> {
            let mut bytes = [0; 16];
            hex::decode_to_slice(text, &mut bytes)
                .map(|()| bytes)
                .map_err(|_| VaultError::Inconsistent("list of patients is damaged"))
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
