//! The target of a reference: a person, an organisation, or a party that no leaf has a place for.
//!
//! The type of what is named comes from the reference itself (`Organization/1`, a URL, a
//! conditional reference), from the contained resource that `#1` names, or from `Reference.type`.
//! Of a `urn:uuid:` or an identifier alone it may be unknown.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::fhir::json::Json;
use crate::fhir::node::Node;
use crate::fhir::problem::Reason;
use crate::fhir::types;
use crate::record::RecordFields;

/// Types that a reference may name, as R4 says for its element.
pub(super) type Allowed = &'static [&'static str];

pub(super) const ORGANISATION: Allowed = &["Organization"];
pub(super) const PATIENT: Allowed = &["Patient"];
pub(super) const PRACTITIONER: Allowed = &["Practitioner"];
pub(super) const CLAIM: Allowed = &["Claim"];
pub(super) const MEASURER: Allowed = &["Device", "DeviceMetric"];
pub(super) const USED: Allowed = &["Device", "Medication", "Substance"];
pub(super) const ENCOUNTER: Allowed = &["Encounter"];
/// What the leaf `provider` has a place for.
const CLINICIAN: Allowed = &["Practitioner", "PractitionerRole"];
pub(super) const CLINICIAN_OR_RELATIVE: Allowed = &["Practitioner", "PractitionerRole", "RelatedPerson"];
pub(super) const PERSON: Allowed = &["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"];
pub(super) const PROVIDER: Allowed = &["Practitioner", "PractitionerRole", "Organization"];
pub(super) const TEAM: Allowed = &["Practitioner", "PractitionerRole", "Organization", "CareTeam"];
pub(super) const PERFORMER: Allowed =
    &["Practitioner", "PractitionerRole", "Organization", "CareTeam", "Patient", "RelatedPerson"];
pub(super) const ACTOR: Allowed =
    &["Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device"];
pub(super) const CONSENTER: Allowed =
    &["Organization", "Patient", "Practitioner", "RelatedPerson", "PractitionerRole"];
pub(super) const PAYOR: Allowed = &["Organization", "Patient", "RelatedPerson"];

/// A reference as given, and the type it names where that is known.
struct Target {
    text: String,
    of: Option<&'static str>,
}

/// The resource in which references stand, and whom it is about.
pub(super) struct About<'r, 'n, 'a> {
    root: &'r Node<'n, 'a>,
    subject: Option<&'r str>,
    /// The contained resources by their ids, made when the first is asked for: a file may have many
    /// of both.
    contained: OnceCell<BTreeMap<&'n str, (usize, &'n Json<'a>)>>,
}

impl<'r, 'n, 'a> About<'r, 'n, 'a> {
    pub(super) const fn new(root: &'r Node<'n, 'a>, subject: Option<&'r str>) -> Self {
        Self { root, subject, contained: OnceCell::new() }
    }

    /// The contained resource with this id.
    pub(super) fn contained(&self, id: &str) -> Option<Node<'r, 'a>> {
        let resources = self.contained.get_or_init(|| {
            let all = self.root.value().get("contained").and_then(Json::as_array).unwrap_or_default();
            let id = |c: &'n Json<'a>| c.get("id").and_then(Json::as_str);
            all.iter().enumerate().filter_map(|(i, c)| Some((id(c)?, (i, c)))).collect()
        });
        let (i, json) = resources.get(id)?;
        Some(self.root.item("contained", *i, json))
    }

    /// What is named, where R4 allows its type here; remarked where not.
    fn target(&self, reference: &Node<'_, '_>, allowed: Allowed) -> Option<Target> {
        let text = reference.reference().filter(|text| !text.is_empty())?;
        let of = match reference.value().get("reference") {
            Some(_) => self.type_of(&text),
            None => Ok(None),
        };
        let Ok(of) = of else {
            reference.remark(Reason::UntoldTarget);
            return None;
        };
        let told = reference
            .value()
            .get("type")
            .and_then(Json::as_str)
            .map(|t| t.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(t))
            .and_then(types::known);
        let of = match (of, told) {
            (Some(of), Some(told)) if of != told => {
                reference.remark(Reason::Contradiction);
                return None;
            }
            (of, told) => of.or(told),
        };
        if of.is_some_and(|of| !allowed.contains(&of)) {
            reference.remark(Reason::WrongTarget);
            return None;
        }
        Some(Target { text, of })
    }

    /// The type that a reference names by itself; `None` if its form has none, an error if it has
    /// one that is not of R4.
    fn type_of(&self, text: &str) -> Result<Option<&'static str>, ()> {
        if let Some(id) = text.strip_prefix('#') {
            let of = self.contained(id).and_then(|c| types::known(c.value().get("resourceType")?.as_str()?));
            return of.map(Some).ok_or(());
        }
        if text.starts_with("urn:") {
            return Ok(None);
        }
        // A conditional reference, `Organization?identifier=..`.
        let named = match text.split_once('?') {
            Some((path, _)) => path.rsplit('/').next(),
            None => text.split_once("/_history/").map_or(text, |(path, _)| path).rsplit('/').nth(1),
        };
        match named.and_then(types::known) {
            // An address need not be one of a FHIR server.
            None if text.contains("://") => Ok(None),
            known => known.map(Some).ok_or(()),
        }
    }

    /// The reference of a member that names one type only.
    pub(super) fn one(&self, node: &Node<'_, '_>, key: &'static str, allowed: Allowed) -> Option<String> {
        node.get(key).and_then(|r| self.only(&r, allowed))
    }

    /// The same of a reference at hand.
    pub(super) fn only(&self, reference: &Node<'_, '_>, allowed: Allowed) -> Option<String> {
        self.target(reference, allowed).map(|target| target.text)
    }

    /// The organisation that a reference names; of one whose type is not told, only that it is none
    /// of the others.
    pub(super) fn organisation(&self, reference: &Node<'_, '_>, allowed: Allowed) -> Option<String> {
        let target = self.target(reference, allowed)?;
        if target.of.is_none() && !self.is_subject(&target) {
            reference.remark(Reason::UntoldTarget);
        }
        (target.of == Some("Organization")).then_some(target.text)
    }

    /// The device that a reference names.
    pub(super) fn device(&self, reference: &Node<'_, '_>, allowed: Allowed) -> Option<String> {
        let target = self.target(reference, allowed)?;
        if target.of.is_none() {
            reference.remark(Reason::UntoldTarget);
        }
        (target.of == Some("Device")).then_some(target.text)
    }

    /// The clinician that a reference names. A reference without a type counts as a clinician,
    /// unless it names the patient.
    pub(super) fn clinician(&self, reference: &Node<'_, '_>, allowed: Allowed) -> Option<String> {
        let target = self.target(reference, allowed)?;
        self.is_clinician(&target).then_some(target.text)
    }

    /// Into `organisation` where it names one, into `provider` where a clinician, nowhere else;
    /// what is there stays.
    pub(super) fn put(&self, reference: &Node<'_, '_>, allowed: Allowed, record: &mut RecordFields) {
        let Some(target) = self.target(reference, allowed) else { return };
        if target.of == Some("Organization") {
            record.organisation.get_or_insert(target.text);
        } else if self.is_clinician(&target) {
            record.provider.get_or_insert(target.text);
        }
    }

    fn is_clinician(&self, target: &Target) -> bool {
        target.of.map_or(!self.is_subject(target), |of| CLINICIAN.contains(&of))
    }

    fn is_subject(&self, target: &Target) -> bool {
        self.subject == Some(target.text.as_str())
    }
}
