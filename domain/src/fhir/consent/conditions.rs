//! The conditions of one provision, read for one effect: a permit must not cover more than is said,
//! a deny not less.

use super::directory::Directory;
use super::refusal::{Refused, Sink};
use super::vocabulary::{self, CATEGORY_SYSTEM, JURISDICTION_EXTENSION, PARTICIPATION, RESOURCE_TYPES};
use super::{Note, RefusalReason};
use crate::consent::{Actions, Categories, Confidentiality, Effect, Grantee, Jurisdictions, Purposes};
use crate::fhir::json::{Json, Object};
use crate::fhir::node::Node;
use crate::fhir::{
    CARRIERS, CLASSES, PartialDate, System, Zones, carried_by, confidentiality, known_type, of_labels,
    sensitivity, sensitivity_of_coding,
};
use crate::time::{Period, Timestamp};

/// What one consent is read with.
pub(super) struct Reading<'r> {
    pub(super) directory: &'r dyn Directory,
    pub(super) zones: Zones,
    /// The first day on which the consent may have been made, in its writer's calendar.
    pub(super) made: Option<(i32, u32, u32)>,
    pub(super) sink: &'r Sink,
}

/// Someone a provision names.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) grantee: Grantee,
    /// The reference, and the directory's name for it.
    pub(super) name: String,
}

/// What a provision says; `None` if it has no such condition.
pub(super) struct Conditions {
    pub(super) grantees: Option<Vec<Named>>,
    pub(super) purposes: Option<Purposes>,
    pub(super) actions: Option<Actions>,
    /// Bits 0 to 23.
    pub(super) classes: Option<Categories>,
    pub(super) labels: Option<Labels>,
    pub(super) validity: Option<Period>,
    pub(super) data_period: Option<Period>,
    pub(super) jurisdictions: Option<Jurisdictions>,
    pub(super) notes: Vec<Note>,
}

/// Security labels; alternatives.
#[derive(Clone, Copy)]
pub(super) struct Labels {
    /// The highest for a permit, the lowest for a deny.
    pub(super) confidentiality: Option<Confidentiality>,
    /// Bits 24 and up.
    pub(super) sensitivities: Categories,
    /// Permits of sensitivities alone: up to this confidentiality, the parent's.
    pub(super) cleared_to: Option<Confidentiality>,
}

const PROVISION_ELEMENTS: &[&str] = &[
    "id",
    "extension",
    "type",
    "period",
    "actor",
    "action",
    "securityLabel",
    "purpose",
    "class",
    "code",
    "dataPeriod",
    "data",
    "provision",
];

/// Reads a provision's conditions for `effect`; all that stands in the way goes to the sink.
pub(super) fn read(node: &Node<'_, '_>, effect: Effect, cx: &Reading<'_>) -> Result<Conditions, Refused> {
    let shape = shape(node, cx.sink);
    let mut notes = Vec::new();
    let grantees = grantees(node, effect, cx, &mut notes);
    let purposes = purposes(node, effect, cx.sink);
    let actions = actions(node, cx.sink);
    let classes = classes(node, effect, cx.sink, &mut notes);
    let labels = labels(node, effect, cx.sink, &mut notes);
    let validity = period(node, "period", effect, cx, &mut notes);
    let data_period = period(node, "dataPeriod", effect, cx, &mut notes);
    let jurisdictions = jurisdictions(node, cx.sink);
    let singled_out = match effect {
        Effect::Permit => never_in_a_permit(node, cx.sink),
        Effect::Deny => Ok(()),
    };
    shape?;
    singled_out?;
    let mut conditions = Conditions {
        grantees: grantees?,
        purposes: purposes?,
        actions: actions?,
        classes: classes?,
        labels: labels?,
        validity: validity?,
        data_period: data_period?,
        jurisdictions: jurisdictions?,
        notes,
    };
    if effect == Effect::Deny {
        widen(node, &mut conditions);
    }
    Ok(conditions)
}

/// Refuses elements and extensions that a provision of R4 does not have.
fn shape(node: &Node<'_, '_>, sink: &Sink) -> Result<(), Refused> {
    let mut shape = Ok(());
    for (key, value) in object(node, sink)?.iter() {
        let reason = match key {
            "documentType" | "resourceType" | "expression" => {
                Some(RefusalReason::OtherVersion { version: "R5", instead: "class" })
            }
            // Told by its path where the head is read.
            "modifierExtension" => None,
            _ if !PROVISION_ELEMENTS.contains(&key) => Some(RefusalReason::UnknownElement),
            // Elsewhere null reads as absent; here that would take a condition away.
            _ if matches!(value, Json::Null) => Some(RefusalReason::Null),
            // Below the provision itself no extension is read, so none may be there.
            "provision" | "extension" => None,
            _ => has_key(value, |k| k == "extension" || k.starts_with('_'))
                .then_some(RefusalReason::UnknownExtension),
        };
        if let Some(reason) = reason {
            shape = Err(sink.member(node, key, reason));
        }
    }
    shape
}

/// Whether any object in the value has such a key.
fn has_key(json: &Json<'_>, is_it: impl Fn(&str) -> bool + Copy) -> bool {
    match json {
        Json::Object(object) => object.iter().any(|(k, v)| is_it(k) || has_key(v, is_it)),
        Json::Array(items) => items.iter().any(|item| has_key(item, is_it)),
        _ => false,
    }
}

/// The members of an object that has some.
pub(super) fn object<'n, 'a>(node: &Node<'n, 'a>, sink: &Sink) -> Result<&'n Object<'a>, Refused> {
    let value = node.value();
    match value.as_object() {
        None => Err(sink.node(node, RefusalReason::WrongType { expected: "an object", got: value.kind() })),
        Some(members) if members.is_empty() => Err(sink.node(node, RefusalReason::Empty)),
        Some(members) => Ok(members),
    }
}

/// The elements of a list of objects, each read to its end; none if it is absent, refused if it is
/// empty or not a list.
pub(super) fn each<T>(
    node: &Node<'_, '_>,
    key: &'static str,
    sink: &Sink,
    mut read: impl FnMut(&Node<'_, '_>) -> Result<T, Refused>,
) -> Result<Option<Vec<T>>, Refused> {
    if node.value().as_object().is_none() {
        object(node, sink)?;
    }
    let Some(list) = node.get(key) else { return Ok(None) };
    let Some(items) = list.value().as_array() else {
        return Err(
            sink.node(&list, RefusalReason::WrongType { expected: "an array", got: list.value().kind() })
        );
    };
    if items.is_empty() {
        // A condition that is there and says nothing: neither "all" nor "none" is safe to guess.
        return Err(sink.node(&list, RefusalReason::Empty));
    }
    let all: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(n, item)| {
            let item = node.item(key, n, item);
            object(&item, sink)?;
            read(&item)
        })
        .collect();
    all.into_iter().collect::<Result<_, _>>().map(Some)
}

/// System and code of a Coding.
pub(super) fn coding<'n>(node: &'n Node<'_, '_>, sink: &Sink) -> Result<(&'n str, &'n str), Refused> {
    let text = |key| node.value().get(key).and_then(|v| v.as_str());
    match (text("system"), text("code")) {
        (Some(system), Some(code)) => Ok((system, code)),
        _ => Err(sink.node(node, RefusalReason::Uncoded)),
    }
}

/// The one meaning of a CodeableConcept: of its codings at least one is known, and all known ones
/// agree.
fn concept<T: PartialEq>(
    node: &Node<'_, '_>,
    sink: &Sink,
    meaning: impl Fn(&str, &str) -> Result<T, RefusalReason>,
) -> Result<T, Refused> {
    let mut found = None;
    let mut unknown = RefusalReason::UnknownCode;
    let codings = each(node, "coding", sink, |c| coding(c, sink).map(|(s, code)| meaning(s, code)))?
        .ok_or_else(|| sink.node(node, RefusalReason::Uncoded))?;
    for known in codings {
        match (known, &found) {
            (Ok(known), Some(before)) if *before != known => {
                return Err(sink.node(node, RefusalReason::Contradiction));
            }
            (Ok(known), _) => found = Some(known),
            (Err(reason), _) => unknown = reason,
        }
    }
    found.ok_or_else(|| sink.node(node, unknown))
}

fn grantees(
    node: &Node<'_, '_>,
    effect: Effect,
    cx: &Reading<'_>,
    notes: &mut Vec<Note>,
) -> Result<Option<Vec<Named>>, Refused> {
    let sink = cx.sink;
    let actors = each(node, "actor", sink, |actor| {
        let role = actor.get("role").ok_or_else(|| sink.node(actor, RefusalReason::NoRole))?;
        let receives = concept(&role, sink, |system, code| match system {
            PARTICIPATION => Ok(matches!(code, "IRCP" | "PRCP")),
            _ => Err(RefusalReason::UnknownSystem("v3-ParticipationType")),
        })?;
        if !receives {
            return match effect {
                Effect::Permit => Err(sink.node(&role, RefusalReason::NotARecipient)),
                Effect::Deny => {
                    notes.push(Note::EveryRecipient);
                    Ok(anyone())
                }
            };
        }
        let missing = || sink.path(format!("{}.reference", actor.path()), RefusalReason::Missing);
        let reference = actor.get("reference").ok_or_else(missing)?;
        let text = reference.reference().ok_or_else(|| sink.node(&reference, RefusalReason::NoReference))?;
        let grantee =
            cx.directory.grantee(&text).ok_or_else(|| sink.node(&reference, RefusalReason::UnknownActor))?;
        let name = match cx.directory.name(&text) {
            Some(name) if name != text => format!("{text} ({name})"),
            _ => text,
        };
        Ok(Named { grantee, name })
    })?;
    Ok(actors.map(|mut actors| {
        if actors.iter().any(|a| a.grantee == Grantee::Any) {
            return vec![anyone()];
        }
        let mut unique: Vec<Grantee> = Vec::new();
        actors.retain(|a| {
            let first = !unique.contains(&a.grantee);
            if first {
                unique.push(a.grantee);
            }
            first
        });
        actors
    }))
}

/// Everybody.
pub(super) fn anyone() -> Named {
    Named { grantee: Grantee::Any, name: "anyone".to_owned() }
}

fn purposes(node: &Node<'_, '_>, effect: Effect, sink: &Sink) -> Result<Option<Purposes>, Refused> {
    let read = |c: &Node<'_, '_>| {
        let (system, code) = coding(c, sink)?;
        let (exact, below) = vocabulary::purpose(system, code).map_err(|reason| sink.node(c, reason))?;
        Ok(if effect == Effect::Permit { exact } else { below })
    };
    Ok(each(node, "purpose", sink, read)?.map(|all| all.into_iter().fold(Purposes::NONE, Purposes::union)))
}

fn actions(node: &Node<'_, '_>, sink: &Sink) -> Result<Option<Actions>, Refused> {
    let all = each(node, "action", sink, |c| concept(c, sink, vocabulary::action))?;
    Ok(all.map(|all| all.into_iter().fold(Actions::NONE, Actions::union)))
}

fn classes(
    node: &Node<'_, '_>,
    effect: Effect,
    sink: &Sink,
    notes: &mut Vec<Note>,
) -> Result<Option<Categories>, Refused> {
    let mut types: Vec<&'static str> = Vec::new();
    let mut bits = Categories::NONE;
    let classes = each(node, "class", sink, |class| {
        let (system, code) = coding(class, sink)?;
        let unknown = || sink.node(class, RefusalReason::UnknownCode);
        match system {
            CATEGORY_SYSTEM => {
                let bit = vocabulary::exactly(Categories::NAMES, code).filter(|b| b.is_subset(CLASSES));
                bits = bits.union(bit.ok_or_else(unknown)?);
            }
            RESOURCE_TYPES => types.push(known_type(code).ok_or_else(unknown)?),
            _ => return Err(sink.node(class, RefusalReason::UnknownSystem("resource-types"))),
        }
        Ok(())
    })?;
    if classes.is_none() {
        return Ok(None);
    }
    // Whether a category of the type is another type's as well, which is not named.
    let shared = |fhir_type: &str, touched: Categories| {
        CARRIERS.iter().any(|t| *t != fhir_type && !types.contains(t) && carried_by(t).intersects(touched))
    };
    let not_named = |of: Categories| Categories(of.0 & !bits.0);
    if effect == Effect::Deny {
        for class in &types {
            let to = vocabulary::denied(class);
            if !CARRIERS.contains(class) || shared(class, not_named(to)) {
                notes.push(Note::ClassWidened { class, to });
            }
        }
        return Ok(Some(types.iter().fold(bits, |bits, t| bits.union(vocabulary::denied(t)))));
    }
    let path = || format!("{}.class", node.path());
    let touched = types.iter().fold(Categories::NONE, |bits, t| bits.union(carried_by(t)));
    if shared("", not_named(touched)) {
        return Err(sink.path(path(), RefusalReason::ClassShared));
    }
    if bits.union(touched).is_empty() {
        return Err(sink.path(path(), RefusalReason::NoRecords));
    }
    notes.extend(types.iter().filter(|t| !CARRIERS.contains(t)).map(|t| Note::NoRecords(t)));
    Ok(Some(bits.union(touched)))
}

fn labels(
    node: &Node<'_, '_>,
    effect: Effect,
    sink: &Sink,
    notes: &mut Vec<Note>,
) -> Result<Option<Labels>, Refused> {
    let mut level: Option<Confidentiality> = None;
    let mut inexact_low = false;
    let mut sensitivities = Categories::NONE;
    let labels = each(node, "securityLabel", sink, |label| {
        let (system, code) = coding(label, sink)?;
        let unknown = || sink.node(label, RefusalReason::UnknownCode);
        // By every spelling of the systems, as labels of records are read.
        match (System::of(system), effect) {
            (Some(System::Confidentiality), _) => {
                let named = confidentiality(code).ok_or_else(unknown)?;
                inexact_low |= matches!(code, "U" | "L");
                level = Some(match (level, effect) {
                    (None, _) => named,
                    (Some(other), Effect::Permit) => other.max(named),
                    (Some(other), Effect::Deny) => other.min(named),
                });
            }
            (Some(System::ActCode), _) if sensitivity(code).is_some() => {
                let (bits, exact) = sensitivity(code).ok_or_else(unknown)?;
                match effect {
                    Effect::Permit if !exact => return Err(sink.node(label, RefusalReason::CodeShared)),
                    Effect::Deny if !exact => notes.push(Note::SensitivityWidened),
                    _ => {}
                }
                sensitivities = sensitivities.union(bits);
            }
            // What a record with this label has: of a label that is not known, every sensitivity.
            (_, Effect::Deny) if !of_labels(core::slice::from_ref(label.value())).categories.is_empty() => {
                let bits = of_labels(core::slice::from_ref(label.value())).categories;
                sensitivities = sensitivities.union(bits);
                notes.push(Note::EverySensitivity);
            }
            (Some(System::ActCode), _) => return Err(unknown()),
            _ => {
                let systems = "v3-Confidentiality or v3-ActCode";
                return Err(sink.node(label, RefusalReason::UnknownSystem(systems)));
            }
        }
        Ok(())
    })?;
    if effect == Effect::Permit && level == Some(Confidentiality::Low) && inexact_low {
        return Err(sink.path(format!("{}.securityLabel", node.path()), RefusalReason::CodeShared));
    }
    Ok(labels.map(|_| Labels { confidentiality: level, sensitivities, cleared_to: None }))
}

/// A permit for single codes or records would have to cover more.
fn never_in_a_permit(node: &Node<'_, '_>, sink: &Sink) -> Result<(), Refused> {
    let mut none = Ok(());
    for key in ["code", "data"] {
        if let Some(at) = node.get(key) {
            none = Err(sink.node(&at, RefusalReason::NotRepresentable));
        }
    }
    none
}

/// `code` and `data` of a deny: as a class or a sensitivity that holds them all, else left out.
/// Either covers more.
fn widen(node: &Node<'_, '_>, conditions: &mut Conditions) {
    if let Some(code) = node.get("code") {
        match sensitivity_of_each(code.value()) {
            Some(sensitivities) if conditions.labels.is_none() => {
                conditions.labels = Some(Labels { confidentiality: None, sensitivities, cleared_to: None });
                conditions.notes.push(Note::CodeAsSensitivity(sensitivities));
            }
            _ => conditions.notes.push(Note::EveryCode),
        }
    }
    if let Some(data) = node.get("data") {
        let classes = data.value().as_array().filter(|items| !items.is_empty()).and_then(|items| {
            items.iter().map(instance_of).try_fold(Categories::NONE, |all, of| Some(all.union(of?)))
        });
        match classes {
            Some(classes) if conditions.classes.is_none() => {
                conditions.classes = Some(classes);
                conditions.notes.push(Note::RecordsAsClass(classes));
            }
            _ => conditions.notes.push(Note::EveryRecord),
        }
    }
}

/// The sensitivities that every record with one of these codes has; none if a coding has none.
/// Takes one concept, as some writers have it, or a list of concepts.
fn sensitivity_of_each(json: &Json<'_>) -> Option<Categories> {
    let concepts = match json {
        Json::Array(items) => items.as_slice(),
        one => core::slice::from_ref(one),
    };
    let mut all = Categories::NONE;
    for concept in concepts {
        let codings = concept.get("coding")?.as_array().filter(|codings| !codings.is_empty())?;
        for coding in codings {
            // Flat, or a code below it would be taken for its own.
            let flat = |v: &Json<'_>| !matches!(v, Json::Object(_) | Json::Array(_));
            let bits = sensitivity_of_coding(coding);
            if bits.is_empty() || !coding.as_object()?.iter().all(|(_, v)| flat(v)) {
                return None;
            }
            all = all.union(bits);
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The classes that hold the one record that an entry of `data` means.
fn instance_of(data: &Json<'_>) -> Option<Categories> {
    let reference = data.get("reference")?.get("reference")?.as_str()?;
    let (fhir_type, _) = reference.split_once('/')?;
    // What is related to a record, depends on it or was written by someone may be of any class.
    (data.get("meaning")?.as_str()? == "instance").then_some(())?;
    known_type(fhir_type).map(vocabulary::denied)
}

pub(super) fn period(
    node: &Node<'_, '_>,
    key: &'static str,
    effect: Effect,
    cx: &Reading<'_>,
    notes: &mut Vec<Note>,
) -> Result<Option<Period>, Refused> {
    let (sink, zones) = (cx.sink, cx.zones);
    let Some(at) = node.get(key) else { return Ok(None) };
    for (name, _) in object(&at, sink)?.iter() {
        if !matches!(name, "start" | "end" | "id" | "extension") && !name.starts_with('_') {
            return Err(sink.member(&at, name, RefusalReason::UnknownElement));
        }
    }
    let date = |key| -> Result<Option<PartialDate>, Refused> {
        let Some(node) = at.get(key) else { return Ok(None) };
        let value = node.value();
        let wrong = RefusalReason::WrongType { expected: "a string", got: value.kind() };
        let text = value.as_str().ok_or_else(|| sink.node(&node, wrong))?;
        PartialDate::parse(text).map(Some).map_err(|e| sink.node(&node, RefusalReason::Date(e)))
    };
    let (start, end) = (date("start"), date("end"));
    let (start, end) = (start?, end?);
    if start.is_none() && end.is_none() {
        return Err(sink.node(&at, RefusalReason::Empty));
    }
    let begun = key == "period" && start.is_some_and(|d| cx.had_begun(&d));
    let from = |d: PartialDate| match effect {
        Effect::Permit if !begun => d.latest_start(zones),
        _ => d.earliest_start(zones),
    };
    let until = |d: PartialDate| match effect {
        Effect::Permit => d.earliest_end(zones),
        Effect::Deny => d.latest_end(zones),
    };
    let unsure_start = start.is_some_and(|d| d.earliest_start(zones) != d.latest_start(zones));
    let unsure_end = end.is_some_and(|d| d.earliest_end(zones) != d.latest_end(zones));
    let mut note = |holds: bool, note| {
        if holds && !notes.contains(&note) {
            notes.push(note);
        }
    };
    match (effect, key) {
        (Effect::Deny, _) => note(unsure_start || unsure_end, Note::EveryZone),
        (Effect::Permit, "period") => {
            note(unsure_start, if begun { Note::HasBegun } else { Note::BeginsLate });
            note(unsure_end, Note::EndsEarly);
        }
        (Effect::Permit, _) => note(unsure_start || unsure_end, Note::DataInward),
    }
    let period = Period::new(start.map_or(Timestamp::MIN, from), end.map_or(Timestamp::MAX, until));
    // Two days are of one calendar; a day and an instant may be of two.
    let reversed = match (start, end) {
        (Some(day @ PartialDate::Civil { .. }), Some(PartialDate::Instant(until))) => {
            day.earliest_start(zones) > until
        }
        (Some(PartialDate::Instant(from)), Some(day @ PartialDate::Civil { .. })) => {
            from > day.latest_end(zones)
        }
        (Some(from), Some(until)) => from.start() > until.end(),
        _ => false,
    };
    let reason = if reversed { RefusalReason::Reversed } else { RefusalReason::EmptyPeriod };
    period.map(Some).ok_or_else(|| sink.node(&at, reason))
}

fn jurisdictions(node: &Node<'_, '_>, sink: &Sink) -> Result<Option<Jurisdictions>, Refused> {
    let all = each(node, "extension", sink, |extension| {
        let text = |key| extension.value().get(key).and_then(|v| v.as_str());
        if text("url") != Some(JURISDICTION_EXTENSION) {
            return Err(sink.node(extension, RefusalReason::UnknownExtension));
        }
        text("valueCode")
            .and_then(|code| vocabulary::exactly(Jurisdictions::NAMES, code))
            .ok_or_else(|| sink.node(extension, RefusalReason::UnknownCode))
    })?;
    Ok(all.map(|all| all.into_iter().fold(Jurisdictions::NONE, Jurisdictions::union)))
}
