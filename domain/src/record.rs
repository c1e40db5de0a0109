//! A record: one FHIR resource as sixteen typed, salted leaves in an arity-4 tree.
//!
//! Leaf `i` is `H(RecordLeaf + i; v1, v2, salt_i)`. The order puts what every access opens
//! (subject, categories, time, storage key) under one node, so that an access opens four leaves at
//! the price of one path (ADR 0003).

use crate::consent::{Categories, Confidentiality, OrgId};
use crate::field::{Fr, hash_to_field};
use crate::identity::Subject;
use crate::poseidon::{Tag, hash, hash_with, record_leaf_tag};
use crate::secret::Secret;
use crate::time::Period;
use crate::tree::RevocationId;
use rand::CryptoRng;

/// The kinds of resource a record can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum ResourceType {
    Patient = 1,
    Encounter = 2,
    Condition = 3,
    Observation = 4,
    Procedure = 5,
    MedicationRequest = 6,
    Immunization = 7,
    AllergyIntolerance = 8,
    DiagnosticReport = 9,
    Claim = 10,
    ExplanationOfBenefit = 11,
    Coverage = 12,
    Consent = 13,
    Practitioner = 14,
    PractitionerRole = 15,
    Organization = 16,
    Device = 17,
}

/// A code in its system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coding {
    /// Canonical URI of the code system, or empty.
    pub system: String,
    /// The code.
    pub code: String,
}

/// A decimal in units of 1e-6, rounded half-even from the decimal string.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micro(pub i64);

/// An amount of money in hundredths of its currency's unit: 1/100 of a rupee, and 1/100 of a yen or
/// a dinar too, although the yen has no minor unit and the dinar's is 1/1000. The leaf therefore
/// means the same without a list of currencies, which changes every few years.
#[derive(Clone, PartialEq, Eq)]
pub struct Amount {
    /// Hundredths of the currency's unit.
    pub hundredths: u64,
    /// Alphabetic code as in ISO 4217, three upper-case letters.
    pub currency: [u8; 3],
}

/// What one resource says, typed: the content of the sixteen leaves before salting.
///
/// Clinical data: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordFields {
    /// Resource type.
    pub resource_type: ResourceType,
    /// Main code (`code`, `medicationCodeableConcept`, `vaccineCode`, ...).
    pub code: Option<Coding>,
    /// Data classes and sensitivities.
    pub categories: Categories,
    /// From `meta.security`; normal where absent.
    pub confidentiality: Confidentiality,
    /// Clinically relevant time (effective, onset, period, ...): a partial date is the whole day,
    /// month or year, an absent one is all time ([`Period::ALWAYS`]).
    pub time: Period,
    /// Main numeric value.
    pub value: Option<Micro>,
    /// UCUM code of the value's unit.
    pub unit: Option<String>,
    /// Total amount.
    pub amount: Option<Amount>,
    /// Reference of the provider (practitioner).
    pub provider: Option<String>,
    /// Reference of the organisation.
    pub organisation: Option<String>,
    /// Reference of the encounter or claim it belongs to.
    pub link: Option<String>,
    /// Status code (`final`, `active`, ...), then what other modifiers say (`active/confirmed`,
    /// `active/do-not-perform`).
    pub status: Option<String>,
    /// SHA-512 of the canonical JSON.
    pub body_digest: [u8; 64],
    /// Reference or identifier of the device.
    pub device: Option<String>,
    /// Where it came from: `meta.source` or the full URL in its bundle.
    pub provenance: Option<String>,
}

/// Leaves of a record.
pub const RECORD_LEAVES: usize = 16;

/// The leaves, in order. Four consecutive ones share a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Leaf {
    /// v1: subject commitment.
    Subject = 0,
    /// v1: categories; v2: confidentiality.
    Categories = 1,
    /// v1: from; v2: until (seconds since year 1).
    Time = 2,
    /// v1: storage key `k`; v2: hash of the storage pointer.
    Storage = 3,
    /// v1: resource type; v2: schema version.
    Type = 4,
    /// v1: hash of system and code.
    Code = 5,
    /// v1: value + 2^63 (1e-6 units); v2: 1 where there is one.
    Value = 6,
    /// v1: hash of the UCUM code.
    Unit = 7,
    /// v1: hundredths of the currency's unit; v2: currency letters.
    Amount = 8,
    /// v1: hash of the reference.
    Provider = 9,
    /// v1: hash of the reference.
    Organisation = 10,
    /// v1: hash of the reference.
    Link = 11,
    /// v1: hash of the status.
    Status = 12,
    /// v1: the SHA-512 digest reduced modulo r.
    Body = 13,
    /// v1: hash of the reference.
    Device = 14,
    /// v1: hash of the provenance.
    Provenance = 15,
}

impl Leaf {
    /// All leaves in order.
    pub const ALL: [Leaf; RECORD_LEAVES] = [
        Self::Subject,
        Self::Categories,
        Self::Time,
        Self::Storage,
        Self::Type,
        Self::Code,
        Self::Value,
        Self::Unit,
        Self::Amount,
        Self::Provider,
        Self::Organisation,
        Self::Link,
        Self::Status,
        Self::Body,
        Self::Device,
        Self::Provenance,
    ];

    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Categories => "categories",
            Self::Time => "time",
            Self::Storage => "storage",
            Self::Type => "type",
            Self::Code => "code",
            Self::Value => "value",
            Self::Unit => "unit",
            Self::Amount => "amount",
            Self::Provider => "provider",
            Self::Organisation => "organisation",
            Self::Link => "link",
            Self::Status => "status",
            Self::Body => "body",
            Self::Device => "device",
            Self::Provenance => "provenance",
        }
    }
}

crate::field_newtype! {
    /// Root of the sixteen leaves.
    RecordRoot
}
crate::field_newtype! {
    /// What a custodian publishes to supersede a record.
    SupersessionHandle
}
crate::field_newtype! {
    /// Leaf of the `records` registry: `H(Anchor; record root, organisation, epoch)`.
    AnchorLeaf
}

/// Version of the leaf layout.
pub const SCHEMA_VERSION: u64 = 1;

/// A text value as the leaf commits to it; an absent one is zero.
#[must_use]
pub fn text_word(leaf: Leaf, text: Option<&str>) -> Fr {
    text.map_or(Fr::from(0u64), |t| {
        hash_to_field("amanat/record/text/v1", &[leaf.name().as_bytes(), t.as_bytes()])
    })
}

/// A coding as the code leaf commits to it; an absent one is zero.
#[must_use]
pub fn coding_word(coding: Option<&Coding>) -> Fr {
    coding.map_or(Fr::from(0u64), |c| {
        hash_to_field("amanat/record/coding/v1", &[c.system.as_bytes(), c.code.as_bytes()])
    })
}

/// `value + 2^63`: an order-preserving 64-bit number.
#[must_use]
pub const fn value_word(value: Micro) -> u64 {
    (value.0 as u64) ^ (1 << 63)
}

/// A record with its salts: what the custodian keeps and opens leaves from. Clinical data: no
/// `Debug`.
#[derive(Clone)]
pub struct Record {
    values: [[Fr; 2]; RECORD_LEAVES],
    salts: Vec<Secret>,
    root_salt: Secret,
}

/// One opened leaf: its two values and its salt.
#[derive(Clone)]
pub struct LeafOpening {
    /// The values.
    pub values: [Fr; 2],
    /// The salt.
    pub salt: Secret,
}

impl LeafOpening {
    /// `H(RecordLeaf + i; v1, v2, salt)`.
    #[must_use]
    pub fn commitment(&self, leaf: Leaf) -> Fr {
        leaf_commitment(leaf as usize, self.values, self.salt.expose())
    }
}

/// `H(RecordLeaf + i; v1, v2, salt)`.
#[must_use]
pub fn leaf_commitment(i: usize, values: [Fr; 2], salt: Fr) -> Fr {
    hash_with(record_leaf_tag(i), &[values[0], values[1], salt])
}

impl Record {
    /// The record of a subject: fields committed under fresh salts, with a fresh storage key for
    /// the custodian.
    pub fn commit(
        fields: &RecordFields,
        subject: &Subject,
        storage_pointer: &str,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let zero = Fr::from(0u64);
        let text = |leaf, t: &Option<String>| [text_word(leaf, t.as_deref()), zero];
        let mut values = [[zero; 2]; RECORD_LEAVES];
        values[Leaf::Subject as usize] = [subject.commitment().to_field(), zero];
        // A record without a category would lie inside every policy's scope: it counts as `other`.
        let categories = if fields.categories.is_empty() { Categories::OTHER } else { fields.categories };
        values[Leaf::Categories as usize] = [Fr::from(categories.0), Fr::from(fields.confidentiality as u64)];
        values[Leaf::Time as usize] =
            [Fr::from(fields.time.from().seconds()), Fr::from(fields.time.until().seconds())];
        values[Leaf::Storage as usize] =
            [crate::field::random(rng), text_word(Leaf::Storage, Some(storage_pointer))];
        values[Leaf::Type as usize] = [Fr::from(fields.resource_type as u64), Fr::from(SCHEMA_VERSION)];
        values[Leaf::Code as usize] = [coding_word(fields.code.as_ref()), zero];
        values[Leaf::Value as usize] =
            fields.value.map_or([zero, zero], |v| [Fr::from(value_word(v)), Fr::from(1u64)]);
        values[Leaf::Unit as usize] = text(Leaf::Unit, &fields.unit);
        values[Leaf::Amount as usize] = fields.amount.as_ref().map_or([zero, zero], |a| {
            let [x, y, z] = a.currency.map(u64::from);
            [Fr::from(a.hundredths), Fr::from(x << 16 | y << 8 | z)]
        });
        values[Leaf::Provider as usize] = text(Leaf::Provider, &fields.provider);
        values[Leaf::Organisation as usize] = text(Leaf::Organisation, &fields.organisation);
        values[Leaf::Link as usize] = text(Leaf::Link, &fields.link);
        values[Leaf::Status as usize] = text(Leaf::Status, &fields.status);
        values[Leaf::Body as usize] = [hash_to_field("amanat/record/body/v1", &[&fields.body_digest]), zero];
        values[Leaf::Device as usize] = text(Leaf::Device, &fields.device);
        values[Leaf::Provenance as usize] = text(Leaf::Provenance, &fields.provenance);
        let salts = (0..RECORD_LEAVES).map(|_| Secret::random(rng)).collect();
        // The salt of the record as a whole keys its supersession id; that id must be below 2^251.
        let root_salt = loop {
            let salt = Secret::random(rng);
            if supersession_handle(salt.expose()).revocation_id().is_some() {
                break salt;
            }
        };
        Self { values, salts, root_salt }
    }

    /// From stored parts; `None` if the salts are not sixteen or the root salt gives no
    /// supersession id.
    #[must_use]
    pub fn from_parts(
        values: [[Fr; 2]; RECORD_LEAVES],
        salts: Vec<Secret>,
        root_salt: Secret,
    ) -> Option<Self> {
        let usable = supersession_handle(root_salt.expose()).revocation_id().is_some();
        (salts.len() == RECORD_LEAVES && usable).then_some(Self { values, salts, root_salt })
    }

    /// Opens one leaf.
    #[must_use]
    pub fn open(&self, leaf: Leaf) -> LeafOpening {
        LeafOpening { values: self.values[leaf as usize], salt: self.salts[leaf as usize].clone() }
    }

    /// The sixteen salted leaves.
    #[must_use]
    pub fn leaves(&self) -> [Fr; RECORD_LEAVES] {
        core::array::from_fn(|i| leaf_commitment(i, self.values[i], self.salts[i].expose()))
    }

    /// Root of the sixteen leaves and the root salt: `H(RecordTop; n_0..n_3, H(Supersede-key))`;
    /// see [`record_root`].
    #[must_use]
    pub fn root(&self) -> RecordRoot {
        record_root(&self.leaves(), self.root_salt.expose())
    }

    /// Salt of the whole record; keys its supersession.
    #[must_use]
    pub const fn root_salt(&self) -> &Secret {
        &self.root_salt
    }

    /// What the custodian publishes when a newer version replaces this record.
    #[must_use]
    pub fn supersession_handle(&self) -> SupersessionHandle {
        supersession_handle(self.root_salt.expose())
    }

    /// The id that the ledger then inserts into `revocations`.
    #[must_use]
    pub fn supersession_id(&self) -> RevocationId {
        self.supersession_handle().revocation_id().expect("checked when the record was made")
    }
}

/// The four inner nodes over sixteen leaves.
#[must_use]
pub fn record_nodes(leaves: &[Fr; RECORD_LEAVES]) -> [Fr; 4] {
    core::array::from_fn(|i| hash(Tag::Node, &leaves[4 * i..4 * i + 4]))
}

/// `H(RecordTop; node_0, node_1, node_2, node_3, root salt)`, each node the hash of four leaves.
#[must_use]
pub fn record_root(leaves: &[Fr; RECORD_LEAVES], root_salt: Fr) -> RecordRoot {
    let [a, b, c, d] = record_nodes(leaves);
    RecordRoot::new(hash(Tag::RecordTop, &[a, b, c, d, root_salt]))
}

/// `H(SupersessionHandle; root salt)`.
#[must_use]
pub fn supersession_handle(root_salt: Fr) -> SupersessionHandle {
    SupersessionHandle::new(hash(Tag::SupersessionHandle, &[root_salt]))
}

impl SupersessionHandle {
    /// `H(Supersede; handle)`, if that is a revocation id. The ledger computes it, so that no
    /// custodian can publish a consent's revocation id as the id of a superseded record.
    #[must_use]
    pub fn revocation_id(self) -> Option<RevocationId> {
        RevocationId::new(hash(Tag::Supersede, &[self.to_field()]))
    }
}

/// `H(Anchor; record root, organisation, epoch)`: computed by the ledger when a record is anchored.
#[must_use]
pub fn anchor_leaf(root: RecordRoot, organisation: OrgId, epoch: u64) -> AnchorLeaf {
    AnchorLeaf::new(hash(Tag::Anchor, &[root.to_field(), organisation.to_field(), Fr::from(epoch)]))
}

/// `H(Token; k, ctx)`: recognised by the custodian that keeps the storage key `k`.
#[must_use]
pub fn access_token(storage_key: Fr, ctx: Fr) -> Fr {
    hash(Tag::Token, &[storage_key, ctx])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_record_without_a_category_counts_as_other() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let subject = crate::identity::PatientWallet::random(&mut rng).subject();
        let mut fields = RecordFields {
            resource_type: ResourceType::Observation,
            code: None,
            categories: Categories::NONE,
            confidentiality: Confidentiality::Normal,
            time: Period::ALWAYS,
            value: None,
            unit: None,
            amount: None,
            provider: None,
            organisation: None,
            link: None,
            status: None,
            body_digest: [0; 64],
            device: None,
            provenance: None,
        };
        for (given, committed) in
            [(Categories::NONE, Categories::OTHER), (Categories::LABS, Categories::LABS)]
        {
            fields.categories = given;
            let record = Record::commit(&fields, &subject, "pointer", &mut rng);
            assert_eq!(record.open(Leaf::Categories).values[0], Fr::from(committed.0));
        }
    }
}
