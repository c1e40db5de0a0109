//! What reading takes beside a resource's JSON, and what it finds beside the records: the subject,
//! the version, the facts that credentials are issued from.

use super::{Floor, PartialDate, Zones};
use crate::record::Coding;
use crate::time::{Period, Timestamp};

/// What is known of a resource beside its own JSON: where it stood, and how its file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'c> {
    /// `fullUrl` of its Bundle entry.
    pub full_url: Option<&'c str>,
    /// Labels of what it stood in: the resource is at least as sensitive.
    pub floor: Floor,
    /// Zones in which dates without a zone may have been meant.
    pub zones: Zones,
}

impl Default for Context<'_> {
    /// Standing alone, without labels from outside, days of UTC.
    fn default() -> Self {
        Self { full_url: None, floor: Floor::NONE, zones: Zones::UTC }
    }
}

/// How a resource names its subject. Nothing is resolved here: the meaning of a text depends on
/// where the resource was.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SubjectReference {
    /// `reference`: a URL, `Patient/1`, `urn:uuid:..`, `#p1`.
    pub literal: Option<String>,
    /// What it says it is about where that is no patient: by `type`, or by the resource contained.
    pub not_a_patient: Option<&'static str>,
    /// `identifier` of the reference, else those of the contained Patient that `#p1` names, as
    /// `system|value`.
    pub identifiers: Vec<String>,
}

/// Which version of a resource this is, as its server says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// `meta.versionId`.
    pub id: Option<String>,
    /// `meta.lastUpdated`.
    pub updated: Option<Timestamp>,
    /// Its billionths of a second.
    pub fraction: u32,
}

impl Version {
    /// From the texts of a `meta`; a time that cannot be read is not said.
    pub(crate) fn said(id: Option<String>, updated: Option<&str>) -> Self {
        let instant = updated.and_then(|text| PartialDate::parse(text).ok()).map(|date| date.start());
        Self { id, updated: instant, fraction: updated.map_or(0, fraction) }
    }
}

/// What credentials are issued from. Identifiers of people and things: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Facts {
    /// Nothing.
    None,
    /// A patient.
    Patient(PatientFacts),
    /// A practitioner.
    Practitioner(PractitionerFacts),
    /// A role of a practitioner at an organisation.
    Role(RoleFacts),
    /// An organisation.
    Organisation(OrganisationFacts),
    /// A device.
    Device(DeviceFacts),
}

/// Facts of a Patient.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientFacts {
    /// Identifiers as `system|value`.
    pub identifiers: Vec<String>,
}

/// Facts of a Practitioner.
#[derive(Clone, PartialEq, Eq)]
pub struct PractitionerFacts {
    /// `active`, where said.
    pub active: Option<bool>,
    /// Identifiers as `system|value`: licence numbers among them.
    pub identifiers: Vec<String>,
    /// Qualifications.
    pub qualifications: Vec<Qualification>,
}

/// One qualification: a degree, a licence to practise.
#[derive(Clone, PartialEq, Eq)]
pub struct Qualification {
    /// What.
    pub code: Option<Coding>,
    /// Licence numbers as `system|value`.
    pub identifiers: Vec<String>,
    /// When it is valid; all time where not said; `None` where what is said cannot be read.
    pub period: Option<Period>,
    /// Reference of who gave it.
    pub issuer: Option<String>,
}

/// Facts of a PractitionerRole.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// `active`, where said.
    pub active: Option<bool>,
    /// Reference of the practitioner.
    pub practitioner: Option<String>,
    /// Reference of the organisation.
    pub organisation: Option<String>,
    /// Role codes: every coding of every `code`.
    pub codes: Vec<Coding>,
    /// When the role is held; all time where not said; `None` where what is said cannot be read:
    /// issue nothing from it.
    pub period: Option<Period>,
    /// Identifiers as `system|value`.
    pub identifiers: Vec<String>,
}

/// Facts of an Organization.
#[derive(Clone, PartialEq, Eq)]
pub struct OrganisationFacts {
    /// `active`, where said.
    pub active: Option<bool>,
    /// Identifiers as `system|value`.
    pub identifiers: Vec<String>,
    /// Kinds.
    pub types: Vec<Coding>,
    /// Reference of the organisation it is a part of.
    pub part_of: Option<String>,
}

/// Facts of a Device.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Status code.
    pub status: Option<String>,
    /// Kind.
    pub kind: Option<Coding>,
    /// Identifiers as `system|value`.
    pub identifiers: Vec<String>,
    /// UDI device identifier.
    pub udi: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Reference of the patient it is used on.
    pub patient: Option<String>,
    /// Reference of the owning organisation.
    pub owner: Option<String>,
}

/// Billionths of a second of an instant: two versions may be of one second.
fn fraction(instant: &str) -> u32 {
    let Some((_, rest)) = instant.split_once('.') else { return 0 };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).chain(core::iter::repeat(b'0'));
    digits.take(9).fold(0, |n, digit| n * 10 + u32::from(digit - b'0'))
}
