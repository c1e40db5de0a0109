//! A record: one FHIR resource as sixteen typed, salted leaves.

use crate::consent::{Categories, Confidentiality};
use crate::time::Period;

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

/// An amount of money in minor units (1/100) of an ISO 4217 currency.
#[derive(Clone, PartialEq, Eq)]
pub struct Amount {
    /// Minor units.
    pub minor: u64,
    /// ISO 4217 alphabetic code, three upper-case letters.
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
    /// Clinically relevant time (effective, onset, period, ...): a partial date is the whole day, month or year, an absent
    /// one is all time ([`Period::ALWAYS`]).
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
    /// Status code (`final`, `active`, ...), with verification status where the resource has one (`active/confirmed`).
    pub status: Option<String>,
    /// SHA-512 of the canonical JSON.
    pub body_digest: [u8; 64],
    /// Reference or identifier of the device.
    pub device: Option<String>,
    /// Where it came from: `meta.source` or the full URL in its bundle.
    pub provenance: Option<String>,
}
