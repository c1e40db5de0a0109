//! A resource as read: its records, its canonical form, and what credentials are issued from.

use std::sync::Arc;

use sha2::{Digest, Sha512};

use super::bundle::{Head, Stored};
use super::canonical;
use super::json::{Json, JsonError, Object};
use super::node::{Log, Node, Remark, shown};
use super::problem::Reason;
use super::{Floor, PartialDate, Zones, extract, types};
use crate::record::{Coding, RecordFields, ResourceType};
use crate::time::{Period, Timestamp};

/// A FHIR resource as read. Clinical data: no `Debug`.
#[derive(Clone)]
pub struct Resource {
    /// Type.
    pub resource_type: ResourceType,
    /// `id`; entries of a transaction may have none.
    pub id: Option<String>,
    /// `fullUrl` of its Bundle entry.
    pub full_url: Option<String>,
    /// The Bundle it is an entry of.
    pub within: Option<Within>,
    /// Whom it is about (`subject`, `patient`, `beneficiary`), as given; a Patient has none.
    pub subject: Option<SubjectReference>,
    /// The resource itself, then one for each component of an Observation. Empty where it is retracted.
    pub records: Vec<RecordFields>,
    /// `meta.versionId` and `meta.lastUpdated`.
    pub version: Version,
    /// The status that takes the resource back (`entered-in-error` ..): it is no fact, and what was anchored of an earlier version
    /// is superseded.
    pub retracted: Option<&'static str>,
    /// Whether one of its times was read from a date without a zone, as a day of [`Context::zones`].
    pub zoneless: bool,
    /// What credentials are issued from.
    pub facts: Facts,
    /// Canonical form.
    pub canonical: Vec<u8>,
    /// SHA-512 of the canonical form.
    pub digest: [u8; 64],
}

impl Version {
    /// From the texts of a `meta`; a time that cannot be read is not said.
    pub(crate) fn said(id: Option<String>, updated: Option<&str>) -> Self {
        let instant = updated.and_then(|text| PartialDate::parse(text).ok()).map(|date| date.start());
        Self { id, updated: instant, fraction: updated.map_or(0, fraction) }
    }
}

/// Billionths of a second of an instant: two versions may be of one second.
fn fraction(instant: &str) -> u32 {
    let Some((_, rest)) = instant.split_once('.') else { return 0 };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).chain(core::iter::repeat(b'0'));
    digits.take(9).fold(0, |n, digit| n * 10 + u32::from(digit - b'0'))
}

/// How a resource names its subject. Nothing is resolved here: whom a text means depends on where the resource stood.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SubjectReference {
    /// `reference`: a URL, `Patient/1`, `urn:uuid:..`, `#p1`.
    pub literal: Option<String>,
    /// What it says it is about where that is no patient: by `type`, or by the resource contained.
    pub not_a_patient: Option<&'static str>,
    /// `identifier` of the reference, else those of the contained Patient that `#p1` names, as `system|value`.
    pub identifiers: Vec<String>,
}

/// The Bundle that a resource is an entry of.
#[derive(Clone)]
pub struct Within {
    /// How many Bundles began before it in the file.
    pub bundle: u64,
    /// In how many Bundles it stands.
    pub depth: u32,
    /// What it says of itself.
    pub head: Arc<Head>,
    /// What the entry asks for.
    pub stored: Stored,
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

impl Resource {
    /// Reads a single resource from its JSON text.
    ///
    /// # Errors
    /// The [`Remark`] that made it unreadable.
    pub fn parse(text: &[u8]) -> Result<(Self, Vec<Remark>), Remark> {
        let json = Json::parse(text).map_err(|e| Remark::refusal(e.path.unwrap_or_default(), e.kind))?;
        Self::from_json(&json, &Context::default())
    }

    /// Reads a resource; remarks tell which elements were read as absent, and why.
    ///
    /// # Errors
    /// The [`Remark`] that made it unreadable: not an object, no or an unsupported type, a bad id, or a modifier that may
    /// change what all else means.
    pub fn from_json(json: &Json<'_>, context: &Context<'_>) -> Result<(Self, Vec<Remark>), Remark> {
        let refuse = |path: &str, reason| Err(Remark::refusal(path, reason));
        let Json::Object(root) = json else {
            return refuse("", Reason::NotAnObject { got: json.kind() });
        };
        let type_name = match root.get("resourceType") {
            None => return refuse("", Reason::NoResourceType),
            Some(Json::String(name)) => name.as_ref(),
            Some(other) => {
                return refuse("resourceType", Reason::WrongType { expected: "a string", got: other.kind() });
            }
        };
        let Some(resource_type) = types::supported(type_name) else {
            let other = || types::of_other_version(type_name);
            let reason = match types::known(type_name) {
                Some(name) => Reason::Unsupported(name),
                None => other().map_or(Reason::UnknownType, |(n, v)| Reason::TypeOfOtherVersion(n, v)),
            };
            return refuse("", reason);
        };
        let name = types::name(resource_type);
        let rules =
            |object: &Object<'_>| ["implicitRules", "_implicitRules"].iter().any(|k| object.get(k).is_some());
        if rules(root) {
            return refuse(&format!("{name}.implicitRules"), Reason::Modifier);
        }
        let contained = root.get("contained").and_then(Json::as_array).unwrap_or_default();
        if contained.iter().filter_map(Json::as_object).any(rules) {
            return refuse(&format!("{name}.contained.implicitRules"), Reason::Modifier);
        }
        if let Some(path) = modifier(root) {
            return refuse(&format!("{name}.{path}"), Reason::Modifier);
        }
        let id = match root.get("id") {
            None => None,
            Some(Json::String(id)) if is_id(id) => Some(id.as_ref().to_owned()),
            Some(_) => return refuse(&format!("{name}.id"), Reason::BadId),
        };
        let canonical = canonical::resource(root);
        let digest = Sha512::digest(&canonical).into();
        let log = Log::new(context.zones);
        let node = Node::root(json, name, &log);
        let source = extract::Source { resource_type, id: id.as_deref(), digest, context };
        let extract::Read { subject, records, facts, version, retracted } = extract::read(&node, &source)?;
        let full_url = context.full_url.map(str::to_owned);
        Ok((
            Self {
                resource_type,
                id,
                full_url,
                within: None,
                subject,
                records,
                version,
                retracted,
                zoneless: log.zoneless(),
                facts,
                canonical,
                digest,
            },
            log.into_remarks(),
        ))
    }

    /// The same, at least as sensitive as what it stood in.
    #[must_use]
    pub fn at_least(mut self, floor: Floor) -> Self {
        for record in &mut self.records {
            record.categories = record.categories.union(floor.categories);
            record.confidentiality = record.confidentiality.max(floor.confidentiality);
        }
        self
    }

    /// `Type/id`, where it has an id.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        self.id.as_ref().map(|id| format!("{}/{id}", types::name(self.resource_type)))
    }

    /// The canonical form, read again (without narrative and what servers rewrite).
    ///
    /// # Errors
    /// None for a resource as read; its fields are public, and a changed text may be anything.
    pub fn json(&self) -> Result<Json<'_>, JsonError> {
        Json::parse(&self.canonical)
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
    /// When the role is held; all time where not said; `None` where what is said cannot be read: issue nothing from it.
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

/// `[A-Za-z0-9\-.]{1,64}`.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// The first `modifierExtension` anywhere, as an approximate path. An empty one counts too: FHIR has none.
fn modifier(object: &Object<'_>) -> Option<String> {
    fn within(json: &Json<'_>) -> bool {
        match json {
            Json::Object(o) => o.iter().any(|(k, v)| k == "modifierExtension" || within(v)),
            Json::Array(items) => items.iter().any(within),
            _ => false,
        }
    }
    if object.get("modifierExtension").is_some() {
        return Some("modifierExtension".to_owned());
    }
    object.iter().find(|(_, v)| within(v)).map(|(k, _)| format!("{}..modifierExtension", shown(k)))
}
