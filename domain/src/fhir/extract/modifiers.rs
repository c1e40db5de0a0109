//! Modifier elements: what each does to a record, and reading them.
//!
//! A modifier changes the meaning of all other elements in its resource. So each modifier is in the
//! status leaf, or takes the resource back, or refuses it. A modifier that is not understood (an
//! unknown code, another JSON type, an extension in place of the value) refuses it too. The book's
//! page on modifiers shows the tables of this file.

mod codes;

use crate::fhir::json::{Json, Object};
use crate::fhir::node::{Node, Remark};
use crate::fhir::problem::Reason;
use crate::fhir::types;
use crate::record::ResourceType;

/// What one value of a modifier element does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The ordinary meaning: the leaf says nothing of it.
    Ordinary,
    /// A word of the status leaf.
    Word(&'static str),
    /// The resource is no fact.
    TakesBack,
    /// The resource is not read.
    Refused(Reason),
}

/// A value as written, and what it does.
type Value = (&'static str, Effect);

/// How the element is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A code.
    Code,
    /// A code of the object `provision`.
    OfProvision,
    /// A CodeableConcept of a bound system.
    Concept,
    /// A CodeableConcept of any system: what is not of these codes is a word itself.
    Extensible(&'static str),
    /// A boolean.
    Flag,
    /// `deceasedBoolean` or `deceasedDateTime`.
    Deceased,
    /// `link`, by the code of its `type`.
    Link,
    /// Anything but an empty list.
    Presence,
}

/// A modifier element of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modifier {
    /// Its path below the resource.
    pub element: &'static str,
    /// Whether R4 marks it as a modifier; the others are read as one because they negate or qualify
    /// all the same.
    pub marked: bool,
    /// Whether R4 requires it.
    pub required: bool,
    /// Values and what they do; any other refuses the resource.
    pub values: &'static [(&'static str, Effect)],
    form: Form,
}

/// Statuses that take a resource back, whatever its type.
const TAKES_BACK: &[&str] = &["entered-in-error", "cancelled", "nullified"];
const fn modifier(element: &'static str, marked: bool, form: Form, values: &'static [Value]) -> Modifier {
    Modifier { element, marked, required: false, values, form }
}
const fn required(modifier: Modifier) -> Modifier {
    Modifier { required: true, ..modifier }
}
const fn status(values: &'static [Value]) -> Modifier {
    required(modifier("status", true, Form::Code, values))
}
const fn active(marked: bool) -> Modifier {
    modifier("active", marked, Form::Flag, codes::ACTIVE)
}

const PATIENT: &[Modifier] = &[
    active(true),
    modifier("deceased[x]", true, Form::Deceased, codes::DECEASED),
    modifier("link", true, Form::Link, codes::LINK),
];
const ENCOUNTER: &[Modifier] = &[status(codes::ENCOUNTER)];
const CONDITION: &[Modifier] = &[
    modifier("clinicalStatus", true, Form::Concept, codes::CONDITION_CLINICAL),
    modifier("verificationStatus", true, Form::Concept, codes::CONDITION_VERIFICATION),
];
const OBSERVATION: &[Modifier] =
    &[status(codes::OBSERVATION), modifier("focus", false, Form::Presence, codes::FOCUS)];
const PROCEDURE: &[Modifier] = &[status(codes::PROCEDURE)];
const MEDICATION_REQUEST: &[Modifier] = &[
    status(codes::MEDICATION_REQUEST),
    required(modifier("intent", true, Form::Code, codes::INTENT)),
    modifier("doNotPerform", true, Form::Flag, codes::DO_NOT_PERFORM),
];
const IMMUNIZATION: &[Modifier] =
    &[status(codes::IMMUNIZATION), modifier("isSubpotent", true, Form::Flag, codes::SUBPOTENT)];
const ALLERGY: &[Modifier] = &[
    modifier("clinicalStatus", true, Form::Concept, codes::ALLERGY_CLINICAL),
    modifier("verificationStatus", true, Form::Concept, codes::ALLERGY_VERIFICATION),
];
const DIAGNOSTIC_REPORT: &[Modifier] = &[status(codes::DIAGNOSTIC_REPORT)];
const CLAIM: &[Modifier] =
    &[status(codes::FINANCIAL), required(modifier("use", false, Form::Code, codes::USE))];
const COVERAGE: &[Modifier] = &[status(codes::FINANCIAL)];
const CONSENT: &[Modifier] = &[
    status(codes::CONSENT),
    required(modifier("scope", true, Form::Extensible("other-scope"), codes::SCOPE)),
    modifier("provision.type", false, Form::OfProvision, codes::PROVISION),
];
const PRACTITIONER: &[Modifier] = &[active(false)];
const ORGANISATION: &[Modifier] = &[active(true)];
const DEVICE: &[Modifier] = &[modifier("status", true, Form::Code, codes::DEVICE)];

/// The modifier elements of a type, in the order of their words in the status leaf.
#[must_use]
pub const fn of_type(resource_type: ResourceType) -> &'static [Modifier] {
    match resource_type {
        ResourceType::Patient => PATIENT,
        ResourceType::Encounter => ENCOUNTER,
        ResourceType::Condition => CONDITION,
        ResourceType::Observation => OBSERVATION,
        ResourceType::Procedure => PROCEDURE,
        ResourceType::MedicationRequest => MEDICATION_REQUEST,
        ResourceType::Immunization => IMMUNIZATION,
        ResourceType::AllergyIntolerance => ALLERGY,
        ResourceType::DiagnosticReport => DIAGNOSTIC_REPORT,
        ResourceType::Claim | ResourceType::ExplanationOfBenefit => CLAIM,
        ResourceType::Coverage => COVERAGE,
        ResourceType::Consent => CONSENT,
        ResourceType::Practitioner | ResourceType::PractitionerRole => PRACTITIONER,
        ResourceType::Organization => ORGANISATION,
        ResourceType::Device => DEVICE,
    }
}

/// Modifiers that stand in any type, with what is done.
pub const ANYWHERE: &[(&str, &str)] = &[
    ("implicitRules", "refuses the resource, also in a contained resource"),
    ("modifierExtension", "refuses the resource, wherever it is in the resource"),
    (
        "Identifier.use",
        "`usual`, `official`, `secondary` and none: taken; `old` and `temp`: the identifier identifies nobody, and the import reports it",
    ),
    ("Quantity.comparator", "a bound: no value is taken, and the import reports it"),
    (
        "Age.comparator",
        "no meaning for a record: no age is read, and the import reports it if the age is the time",
    ),
    ("Count.comparator", "no meaning for a record: no element that is read is a Count"),
    ("Distance.comparator", "no meaning for a record: no element that is read is a Distance"),
    ("Duration.comparator", "no meaning for a record: no element that is read is a Duration"),
    ("HumanName.use", "no meaning for a record: no name is read"),
    ("Address.use", "no meaning for a record: no address is read"),
    ("ContactPoint.use", "no meaning for a record: no telephone number or e-mail address is read"),
];

/// What the modifiers of a resource say.
pub(crate) struct Status {
    /// The words of the status leaf.
    pub(crate) leaf: Option<String>,
    /// The code that takes the resource back.
    pub(crate) retracted: Option<&'static str>,
}

/// Reads the modifiers of a resource. That one takes it back counts more than that another is not
/// understood.
pub(crate) fn read(node: &Node<'_, '_>, resource_type: ResourceType) -> Result<Status, Remark> {
    let Some(object) = node.value().as_object() else { return Ok(Status { leaf: None, retracted: None }) };
    let (mut leaf, mut retracted, mut refusal) = (String::new(), None, None);
    for (i, modifier) in of_type(resource_type).iter().enumerate() {
        match value(node, object, modifier) {
            Ok(None | Some((_, Effect::Ordinary))) => {}
            Ok(Some((_, Effect::Word(word)))) => {
                if i > 0 {
                    leaf.push('/');
                }
                leaf.push_str(word);
            }
            Ok(Some((code, Effect::TakesBack))) => {
                retracted.get_or_insert(code);
            }
            Ok(Some((_, Effect::Refused(reason)))) => {
                refusal.get_or_insert_with(|| node.absent(modifier.element).refusal(reason));
            }
            Err(remark) => {
                refusal.get_or_insert(remark);
            }
        }
    }
    match refusal {
        Some(remark) if retracted.is_none() => Err(remark),
        _ => Ok(Status { leaf: (!leaf.is_empty()).then_some(leaf), retracted }),
    }
}

/// The value of one modifier, if it has one.
fn value(
    node: &Node<'_, '_>,
    object: &Object<'_>,
    modifier: &'static Modifier,
) -> Result<Option<Value>, Remark> {
    let element = modifier.element;
    let at = |key: &'static str| node.absent(key);
    match modifier.form {
        Form::Deceased => return deceased(node, object, modifier),
        Form::OfProvision => {
            let Some(provision) = node.get("provision") else { return Ok(None) };
            let Some(object) = provision.value().as_object() else { return Ok(None) };
            let Some(json) = said(&provision, object, "type", false)? else { return Ok(None) };
            return code(&provision.absent("type"), json, modifier).map(Some);
        }
        _ => {}
    }
    let Some(json) = said(node, object, element, modifier.required)? else { return Ok(None) };
    let here = at(element);
    let wrong = |expected| here.refusal(Reason::WrongType { expected, got: json.kind() });
    match modifier.form {
        Form::Code | Form::OfProvision => code(&here, json, modifier).map(Some),
        Form::Flag | Form::Deceased => match json {
            Json::Bool(b) => Ok(find(modifier, if *b { "true" } else { "false" })),
            _ => Err(wrong("a boolean")),
        },
        Form::Concept => concept_code(&here, json, modifier),
        Form::Extensible(other) => match concept_code(&here, json, modifier) {
            Err(remark) if matches!(remark.reason, Reason::UnknownCode) => {
                Ok(Some((other, Effect::Word(other))))
            }
            result => result,
        },
        Form::Link => link(node, json, modifier),
        Form::Presence => match json {
            Json::Array(items) if items.is_empty() => Ok(None),
            _ => Ok(modifier.values.first().copied()),
        },
    }
}

/// The JSON of a modifier. One without value, with an extension in its place, is refused; a null
/// alone is none at all.
fn said<'j, 'a>(
    node: &Node<'_, '_>,
    object: &'j Object<'a>,
    element: &'static str,
    required: bool,
) -> Result<Option<&'j Json<'a>>, Remark> {
    match object.get(element) {
        Some(Json::Null) | None => {
            if extended(object, element) {
                return Err(node.absent(element).refusal(Reason::NoValue));
            }
            if required {
                node.absent(element).mention(Reason::Missing);
            }
            Ok(None)
        }
        json => Ok(json),
    }
}

/// Whether there is an extension of a primitive element: `_status`.
fn extended(object: &Object<'_>, element: &str) -> bool {
    object.iter().any(|(key, json)| key.strip_prefix('_') == Some(element) && !matches!(json, Json::Null))
}

fn find(modifier: &'static Modifier, code: &str) -> Option<Value> {
    let known = modifier.values.iter().find(|(c, _)| *c == code).copied();
    let back = || TAKES_BACK.iter().find(|c| **c == code).map(|c| (*c, Effect::TakesBack));
    // The codes of an element that says something else than a state (`intent`, `use`) are its own.
    known.or_else(|| if modifier.element.ends_with("tatus") { back() } else { None })
}

fn code(here: &Node<'_, '_>, json: &Json<'_>, modifier: &'static Modifier) -> Result<Value, Remark> {
    let Json::String(code) = json else {
        return Err(here.refusal(Reason::WrongType { expected: "a string", got: json.kind() }));
    };
    find(modifier, code).ok_or_else(|| here.refusal(Reason::UnknownCode))
}

/// The code of a CodeableConcept: of HL7's systems or without system. Translations into other
/// systems say no more.
fn concept_code(
    here: &Node<'_, '_>,
    json: &Json<'_>,
    modifier: &'static Modifier,
) -> Result<Option<Value>, Remark> {
    if matches!(json, Json::String(_)) {
        return Err(here.refusal(Reason::FormOfOtherVersion("DSTU2 and STU3")));
    }
    let Json::Object(concept) = json else {
        return Err(here.refusal(Reason::WrongType { expected: "an object", got: json.kind() }));
    };
    let mut value: Option<Value> = None;
    for coding in concept.get("coding").and_then(Json::as_array).unwrap_or_default() {
        let text = |key| coding.get(key).and_then(Json::as_str);
        let hl7 = text("system").is_none_or(|s| {
            let address = s.split_once("://").map_or(s, |(_, address)| address);
            s.is_empty()
                || address.starts_with("terminology.hl7.org/")
                || address.starts_with("hl7.org/fhir/")
        });
        if !hl7 {
            continue;
        }
        let next = text("code")
            .and_then(|code| find(modifier, code))
            .ok_or_else(|| here.refusal(Reason::UnknownCode))?;
        match value {
            // What is taken back by one of its codes is taken back.
            Some((_, Effect::TakesBack)) => {}
            Some(first) if first != next && next.1 != Effect::TakesBack => {
                return Err(here.refusal(Reason::Contradiction));
            }
            _ => value = Some(next),
        }
    }
    value.map(Some).ok_or_else(|| here.refusal(Reason::UnknownCode))
}

fn deceased(
    node: &Node<'_, '_>,
    object: &Object<'_>,
    modifier: &'static Modifier,
) -> Result<Option<Value>, Remark> {
    let flag = said(node, object, "deceasedBoolean", false)?;
    // An unreadable date, or none with a reason, is still one of a death.
    let dated = object.get("deceasedDateTime").is_some_and(|d| *d != Json::Null)
        || extended(object, "deceasedDateTime");
    match flag {
        None if dated => Ok(find(modifier, "a date")),
        None => Ok(None),
        Some(Json::Bool(false)) if dated => Err(node.absent("deceased[x]").refusal(Reason::Contradiction)),
        Some(Json::Bool(b)) => Ok(find(modifier, if *b { "true" } else { "false" })),
        Some(other) => {
            let reason = Reason::WrongType { expected: "a boolean", got: other.kind() };
            Err(node.absent("deceasedBoolean").refusal(reason))
        }
    }
}

fn link(node: &Node<'_, '_>, json: &Json<'_>, modifier: &'static Modifier) -> Result<Option<Value>, Remark> {
    let here = node.absent("link");
    let Json::Array(links) = json else {
        return Err(here.refusal(Reason::WrongType { expected: "an array", got: json.kind() }));
    };
    let mut value = None;
    for link in links {
        let Some(kind) = link.get("type").filter(|k| **k != Json::Null) else {
            return Err(here.absent("type").refusal(Reason::NoValue));
        };
        let next = code(&here.absent("type"), kind, modifier)?;
        if value.is_none() || next.1 != Effect::Ordinary {
            value = Some(next);
        }
    }
    Ok(value)
}

/// The book's table of the modifiers of each type.
#[must_use]
pub fn table() -> String {
    let mut out = String::from(
        "| type | element | words in the leaf | ordinary: no word | takes the resource back | refused by name |\n\
         |---|---|---|---|---|---|\n",
    );
    for (name, resource_type) in types::in_order() {
        for modifier in of_type(resource_type) {
            let list = |wanted: &dyn Fn(&Value) -> Option<String>| {
                modifier.values.iter().filter_map(wanted).collect::<Vec<_>>().join(", ")
            };
            let words = list(&|(code, effect)| match effect {
                Effect::Word(word) if word == code => Some(format!("`{code}`")),
                Effect::Word(word) => Some(format!("{code}: `{word}`")),
                _ => None,
            });
            let nothing = list(&|(c, e)| (*e == Effect::Ordinary).then(|| format!("`{c}`")));
            let back = list(&|(c, e)| (*e == Effect::TakesBack).then(|| format!("`{c}`")));
            let refused = list(&|(code, effect)| match effect {
                Effect::Refused(Reason::CodeOfOtherVersion(version)) => Some(format!("`{code}` ({version})")),
                Effect::Refused(_) => Some(format!("`{code}`")),
                _ => None,
            });
            let mark = if modifier.marked { "" } else { " (not marked by R4)" };
            let element = modifier.element;
            out.push_str(&format!(
                "| {name} | {element}{mark} | {words} | {nothing} | {back} | {refused} |\n"
            ));
        }
    }
    out
}

/// The book's table of the modifiers of any type.
#[must_use]
pub fn table_of_anywhere() -> String {
    let mut out = String::from("| element of any type | what is done |\n|---|---|\n");
    for (element, what) in ANYWHERE {
        out.push_str(&format!("| {element} | {what} |\n"));
    }
    out
}
