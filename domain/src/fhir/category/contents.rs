//! What a whole resource says of its sensitivity: its labels, the labels and codes inside it, and
//! the floor of its container.

use core::fmt::Write as _;

use super::super::json::{Json, Object};
use super::super::node::Remark;
use super::super::problem::{Lost, Reason};
use super::super::types;
use super::labels::{self, Floor, Labels};
use super::systems::System;
use super::{codes, of_type};
use crate::consent::{Categories, Confidentiality};
use crate::record::ResourceType;

/// Class and sensitivities of a resource, and what of it could not be classified.
pub(crate) struct Found {
    /// Class by type, and sensitivities.
    pub(crate) categories: Categories,
    /// Confidentiality.
    pub(crate) confidentiality: Confidentiality,
    /// At most one of each kind.
    pub(crate) remarks: Vec<Remark>,
}

/// Reads labels and codes of a resource.
pub(crate) fn of_resource(json: &Json<'_>, resource_type: ResourceType, floor: Floor) -> Found {
    let name = types::name(resource_type);
    let mut walk = Walk { floor, remarks: Vec::new(), last: None };
    let root = Way { up: None, step: Step::Key(name) };
    let labels = json.get("meta").map_or(Labels::NONE, Labels::of_meta);
    if let Some(at) = labels.unknown {
        match json.get("meta").and_then(|meta| meta.get("security")) {
            Some(Json::Array(_)) => {
                walk.say(&format_args!("{name}.meta.security[{at}]"), Reason::UnknownLabel);
            }
            other => {
                let reason =
                    Reason::WrongType { expected: "an array", got: other.map_or("nothing", Json::kind) };
                walk.say(&format_args!("{name}.meta.security"), reason);
                walk.say(&format_args!("{name}.meta.security"), Reason::UnknownLabel);
            }
        }
    }
    if let Some(meta) = json.get("meta") {
        walk.floor = walk.floor.union(labels::inside(meta, &[]));
    }
    if let Json::Object(object) = json {
        let at = if tells_diagnoses(resource_type) { At::Resource } else { At::Elsewhere };
        walk.object(object, &root, at, true);
    }
    let floor = walk.floor.union(labels.of_resource());
    Found {
        categories: of_type(resource_type).union(floor.categories),
        confidentiality: floor.confidentiality,
        remarks: walk.remarks,
    }
}

/// Types whose codes say what a person has, or had done. What a practitioner or an organisation is
/// tells nothing of a patient.
const fn tells_diagnoses(resource_type: ResourceType) -> bool {
    match resource_type {
        ResourceType::Encounter
        | ResourceType::Condition
        | ResourceType::Observation
        | ResourceType::Procedure
        | ResourceType::MedicationRequest
        | ResourceType::Immunization
        | ResourceType::AllergyIntolerance
        | ResourceType::DiagnosticReport
        | ResourceType::Claim
        | ResourceType::ExplanationOfBenefit => true,
        ResourceType::Patient
        | ResourceType::Coverage
        | ResourceType::Consent
        | ResourceType::Practitioner
        | ResourceType::PractitionerRole
        | ResourceType::Organization
        | ResourceType::Device => false,
    }
}

/// Elements whose concepts say what a person has, or had done: where what is not classified is
/// said.
fn is_telling(key: &str) -> bool {
    matches!(
        key,
        "code"
            | "reasonCode"
            | "reason"
            | "concept"
            | "valueCodeableConcept"
            | "medicationCodeableConcept"
            | "vaccineCode"
            | "diagnosisCodeableConcept"
            | "procedureCodeableConcept"
            | "productOrService"
            | "conclusionCode"
            | "itemCodeableConcept"
            | "manifestation"
            | "substance"
            | "complication"
            | "serviceType"
    )
}

/// In which part of a resource a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a resource that tells diagnoses.
    Resource,
    /// The concept of an element that tells them.
    Telling,
    /// Where nothing is said of what is not classified.
    Elsewhere,
}

struct Walk<'j> {
    floor: Floor,
    remarks: Vec<Remark>,
    /// The system met last: codings of one system come in runs.
    last: Option<(&'j str, Option<System>)>,
}

impl<'j> Walk<'j> {
    fn value(&mut self, json: &'j Json<'_>, way: &Way<'_>, at: At) {
        match json {
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.value(item, &Way { up: Some(way), step: Step::Index(i) }, at);
                }
            }
            Json::Object(object) => {
                if at == At::Telling {
                    self.concept(object, way);
                }
                self.object(object, way, at, false);
            }
            _ => {}
        }
    }

    /// One pass over the members: any object with a system and a code, be it a Coding or not; any
    /// with the URL of an inline label; and what is inside.
    fn object(&mut self, object: &'j Object<'_>, way: &Way<'_>, at: At, is_root: bool) {
        let (mut system, mut code) = (None, None);
        for (key, value) in object.iter() {
            match value {
                Json::String(text) => match key {
                    "system" => system = Some(text.as_ref()),
                    "code" => code = Some(text.as_ref()),
                    "url" if labels::is_inline(text) => {
                        self.label(labels::of_inline(object), way);
                    }
                    _ => {}
                },
                // The resource's labels are read as its own; labels of a contained resource count
                // for the whole.
                Json::Object(_) if key == "meta" && is_root => {}
                Json::Object(_) if key == "meta" => {
                    self.label(Labels::of_meta(value), way);
                    self.floor = self.floor.union(labels::inside(value, &[]));
                }
                Json::Array(_) | Json::Object(_) => {
                    let inner = match at {
                        At::Elsewhere => At::Elsewhere,
                        At::Telling if key == "coding" => At::Telling,
                        _ if is_telling(key) => At::Telling,
                        _ => At::Resource,
                    };
                    self.value(value, &Way { up: Some(way), step: Step::Key(key) }, inner);
                }
                _ => {}
            }
        }
        if let (Some(system), Some(code)) = (system, code)
            && let Some(system) = self.system(system)
        {
            self.add(codes::sensitivity_of(system, code));
        }
    }

    /// A label inside the resource.
    fn label(&mut self, labels: Labels, way: &Way<'_>) {
        self.floor = self.floor.union(labels.floor());
        if labels.unknown.is_some() {
            self.say(way, Reason::UnknownLabel);
        }
    }

    fn add(&mut self, bits: Categories) {
        self.floor.categories = self.floor.categories.union(bits);
    }

    fn system(&mut self, uri: &'j str) -> Option<System> {
        match self.last {
            Some((last, system)) if last == uri => system,
            _ => {
                let system = System::of(uri);
                self.last = Some((uri, system));
                system
            }
        }
    }

    /// A concept of an element that tells diagnoses. One coding of a known system says what the
    /// others say. If there is none, that is said; and unless one is of a classification, a code of
    /// an unknown system counts as what it looks like.
    fn concept(&mut self, concept: &'j Object<'_>, way: &Way<'_>) {
        let codings = match concept.get("coding") {
            Some(Json::Array(codings)) => codings.as_slice(),
            _ => &[],
        };
        let (mut known, mut classified, mut unknown, mut looks_like) = (false, false, None, Categories::NONE);
        let mut words = concept.get("text").is_some_and(|text| text.as_str().is_some());
        for (i, coding) in codings.iter().enumerate() {
            let Some(Json::String(code)) = coding.get("code") else {
                words |= coding.get("display").is_some();
                continue;
            };
            match coding.get("system").and_then(Json::as_str).and_then(|uri| self.system(uri)) {
                None | Some(System::Unlisted) => {
                    unknown = unknown.or(Some(i));
                    looks_like = looks_like.union(codes::sensitivity_of_any(code));
                }
                Some(System::Absent) => {}
                Some(system) => {
                    known = true;
                    classified |= system.is_classification();
                }
            }
        }
        if !classified {
            self.add(looks_like);
        }
        match unknown {
            _ if known => {}
            Some(i) => self.say(&format_args!("{way}.coding[{i}]"), Reason::UnknownCodeSystem),
            None if words => self.say(way, Reason::WordsOnly),
            None => {}
        }
    }

    /// Once for a resource and a reason.
    fn say(&mut self, way: &dyn core::fmt::Display, reason: Reason) {
        if self.remarks.iter().all(|r| r.reason != reason) {
            self.remarks.push(Remark { path: way.to_string(), reason, lost: Lost::Nothing });
        }
    }
}

/// The way to a value; shown only where something is said.
struct Way<'w> {
    up: Option<&'w Way<'w>>,
    step: Step<'w>,
}

#[derive(Clone, Copy)]
enum Step<'w> {
    Key(&'w str),
    Index(usize),
}

impl core::fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(up) = self.up {
            write!(f, "{up}")?;
        }
        match self.step {
            Step::Index(i) => write!(f, "[{i}]"),
            Step::Key(key) => {
                if self.up.is_some() {
                    f.write_char('.')?;
                }
                // A key is shown only if it is that of an element: a plain word.
                let plain = key.len() <= 48 && key.bytes().all(|b| b.is_ascii_alphanumeric());
                f.write_str(if plain { key } else { "?" })
            }
        }
    }
}
