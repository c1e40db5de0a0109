//! The conditions of one provision, read for one effect: a permit must not cover more than is said, a deny not less.

use super::directory::Directory;
use super::vocabulary::{self, CATEGORY_SYSTEM, JURISDICTION_EXTENSION, PARTICIPATION, RESOURCE_TYPES};
use super::{Note, Refusal, RefusalReason, has_key};
use crate::consent::{Actions, Categories, Confidentiality, Effect, Grantee, Jurisdictions, Purposes};
use crate::fhir::json::Json;
use crate::fhir::node::Node;
use crate::fhir::{
    ACT_CODE, CARRIERS, CLASSES, CONFIDENTIALITY, PartialDate, Zones, carried_by, confidentiality,
    sensitivity,
};
use crate::time::{Period, Timestamp};

/// What a provision says; `None` where it has no such condition.
pub(super) struct Conditions {
    pub(super) grantees: Option<Vec<Grantee>>,
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

/// Reads a provision's conditions for `effect`.
pub(super) fn read(
    node: &Node<'_, '_>,
    effect: Effect,
    directory: &dyn Directory,
    zones: Zones,
) -> Result<Conditions, Refusal> {
    let object = node.value().as_object().ok_or_else(|| refuse(node, RefusalReason::Malformed))?;
    if object.iter().any(|(key, _)| !PROVISION_ELEMENTS.contains(&key)) {
        return Err(refuse(node, RefusalReason::UnknownElement));
    }
    // Elsewhere null reads as absent; here that would take a condition away.
    if object.iter().any(|(_, value)| matches!(value, Json::Null)) {
        return Err(refuse(node, RefusalReason::Malformed));
    }
    // Below the provision itself no extension is read, so none may be there.
    let hidden = |(key, value): (&str, &Json<'_>)| {
        !matches!(key, "provision" | "extension")
            && has_key(value, |k| k == "extension" || k.starts_with('_'))
    };
    if object.iter().any(hidden) {
        return Err(refuse(node, RefusalReason::UnknownExtension));
    }
    for key in ["code", "data"] {
        if let Some(unsupported) = node.get(key) {
            return Err(refuse(&unsupported, RefusalReason::NotRepresentable));
        }
    }
    let mut notes = Vec::new();
    Ok(Conditions {
        grantees: grantees(node, effect, directory, &mut notes)?,
        purposes: purposes(node, effect)?,
        actions: actions(node)?,
        classes: classes(node, effect)?,
        labels: labels(node, effect, &mut notes)?,
        validity: period(node, "period", effect, zones)?,
        data_period: period(node, "dataPeriod", effect, zones)?,
        jurisdictions: jurisdictions(node)?,
        notes,
    })
}

pub(super) fn refuse(node: &Node<'_, '_>, reason: RefusalReason) -> Refusal {
    Refusal { path: node.path(), reason }
}

/// The elements of a list; none where it is absent, refused where it is empty or not a list.
fn each<T>(
    node: &Node<'_, '_>,
    key: &'static str,
    mut read: impl FnMut(&Node<'_, '_>) -> Result<T, Refusal>,
) -> Result<Option<Vec<T>>, Refusal> {
    let Some(list) = node.get(key) else { return Ok(None) };
    match list.value().as_array() {
        // A condition that is there and says nothing: neither "all" nor "none" is safe to guess.
        None | Some([]) => Err(refuse(&list, RefusalReason::Malformed)),
        // `elements` passes over nulls, which a list of FHIR objects cannot have.
        Some(items) if items.iter().any(|i| i.as_object().is_none()) => {
            Err(refuse(&list, RefusalReason::Malformed))
        }
        Some(_) => list.elements().map(|item| read(&item)).collect::<Result<_, _>>().map(Some),
    }
}

/// System and code of a Coding.
fn coding<'n>(node: &'n Node<'_, '_>) -> Result<(&'n str, &'n str), Refusal> {
    let text = |key| node.value().get(key).and_then(|v| v.as_str());
    match (text("system"), text("code")) {
        (Some(system), Some(code)) => Ok((system, code)),
        _ => Err(refuse(node, RefusalReason::Uncoded)),
    }
}

/// The one meaning of a CodeableConcept: of its codings at least one is known, and all known ones agree.
fn concept<T: PartialEq>(
    node: &Node<'_, '_>,
    meaning: impl Fn(&str, &str) -> Option<T>,
) -> Result<T, Refusal> {
    let mut found = None;
    for known in each(node, "coding", |c| coding(c).map(|(s, code)| meaning(s, code)))?
        .ok_or_else(|| refuse(node, RefusalReason::Uncoded))?
        .into_iter()
        .flatten()
    {
        match &found {
            Some(before) if *before != known => return Err(refuse(node, RefusalReason::Contradiction)),
            _ => found = Some(known),
        }
    }
    found.ok_or_else(|| refuse(node, RefusalReason::UnknownCode))
}

fn grantees(
    node: &Node<'_, '_>,
    effect: Effect,
    directory: &dyn Directory,
    notes: &mut Vec<Note>,
) -> Result<Option<Vec<Grantee>>, Refusal> {
    let actors = each(node, "actor", |actor| {
        let role = actor.get("role").ok_or_else(|| refuse(actor, RefusalReason::NoRole))?;
        let receives = concept(&role, |system, code| match system {
            PARTICIPATION => Some(matches!(code, "IRCP" | "PRCP")),
            _ => None,
        })?;
        if !receives {
            return match effect {
                Effect::Permit => Err(refuse(&role, RefusalReason::NotARecipient)),
                Effect::Deny => {
                    notes.push(Note::EveryRecipient);
                    Ok(Grantee::Any)
                }
            };
        }
        let reference = actor.get("reference").ok_or_else(|| refuse(actor, RefusalReason::NoReference))?;
        let text = reference.reference().ok_or_else(|| refuse(&reference, RefusalReason::NoReference))?;
        directory.grantee(&text).ok_or_else(|| refuse(&reference, RefusalReason::UnknownActor))
    })?;
    Ok(actors.map(|mut actors| {
        if actors.contains(&Grantee::Any) {
            return vec![Grantee::Any];
        }
        let mut unique: Vec<Grantee> = Vec::new();
        actors.retain(|g| {
            let first = !unique.contains(g);
            if first {
                unique.push(*g);
            }
            first
        });
        actors
    }))
}

fn purposes(node: &Node<'_, '_>, effect: Effect) -> Result<Option<Purposes>, Refusal> {
    let read = |c: &Node<'_, '_>| {
        let (system, code) = coding(c)?;
        let (exact, below) =
            vocabulary::purpose(system, code).ok_or_else(|| refuse(c, RefusalReason::UnknownCode))?;
        Ok(if effect == Effect::Permit { exact } else { below })
    };
    Ok(each(node, "purpose", read)?.map(|all| all.into_iter().fold(Purposes::NONE, Purposes::union)))
}

fn actions(node: &Node<'_, '_>) -> Result<Option<Actions>, Refusal> {
    let all = each(node, "action", |c| concept(c, vocabulary::action))?;
    Ok(all.map(|all| all.into_iter().fold(Actions::NONE, Actions::union)))
}

fn classes(node: &Node<'_, '_>, effect: Effect) -> Result<Option<Categories>, Refusal> {
    let mut types: Vec<&'static str> = Vec::new();
    let mut bits = Categories::NONE;
    let classes = each(node, "class", |class| {
        let (system, code) = coding(class)?;
        let unknown = || refuse(class, RefusalReason::UnknownCode);
        match system {
            CATEGORY_SYSTEM => {
                let bit = vocabulary::exactly(Categories::NAMES, code).filter(|b| b.is_subset(CLASSES));
                bits = bits.union(bit.ok_or_else(unknown)?);
            }
            RESOURCE_TYPES => types.push(CARRIERS.iter().find(|t| **t == code).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        }
        Ok(())
    })?;
    if classes.is_none() {
        return Ok(None);
    }
    let touched = types.iter().fold(Categories::NONE, |bits, t| bits.union(carried_by(t)));
    if effect == Effect::Permit {
        // A category that another type shares would let that type through as well.
        let shared =
            |t: &&str| !types.contains(t) && carried_by(t).intersects(Categories(touched.0 & !bits.0));
        if CARRIERS.iter().any(shared) {
            let path = format!("{}.class", node.path());
            return Err(Refusal { path, reason: RefusalReason::ClassShared });
        }
    }
    Ok(Some(bits.union(touched)))
}

fn labels(node: &Node<'_, '_>, effect: Effect, notes: &mut Vec<Note>) -> Result<Option<Labels>, Refusal> {
    let mut level: Option<Confidentiality> = None;
    let mut inexact_low = false;
    let mut sensitivities = Categories::NONE;
    let labels = each(node, "securityLabel", |label| {
        let (system, code) = coding(label)?;
        let unknown = || refuse(label, RefusalReason::UnknownCode);
        match system {
            CONFIDENTIALITY => {
                let named = confidentiality(code).ok_or_else(unknown)?;
                inexact_low |= matches!(code, "U" | "L");
                level = Some(match (level, effect) {
                    (None, _) => named,
                    (Some(other), Effect::Permit) => other.max(named),
                    (Some(other), Effect::Deny) => other.min(named),
                });
            }
            ACT_CODE => {
                let (bits, exact) = sensitivity(code).ok_or_else(unknown)?;
                match effect {
                    Effect::Permit if !exact => return Err(refuse(label, RefusalReason::CodeShared)),
                    Effect::Deny if !exact => notes.push(Note::SensitivityWidened),
                    _ => {}
                }
                sensitivities = sensitivities.union(bits);
            }
            _ => return Err(unknown()),
        }
        Ok(())
    })?;
    if effect == Effect::Permit && level == Some(Confidentiality::Low) && inexact_low {
        let path = format!("{}.securityLabel", node.path());
        return Err(Refusal { path, reason: RefusalReason::CodeShared });
    }
    Ok(labels.map(|_| Labels { confidentiality: level, sensitivities, cleared_to: None }))
}

pub(super) fn period(
    node: &Node<'_, '_>,
    key: &'static str,
    effect: Effect,
    zones: Zones,
) -> Result<Option<Period>, Refusal> {
    let Some(at) = node.get(key) else { return Ok(None) };
    let Some(object) = at.value().as_object() else { return Err(refuse(&at, RefusalReason::Malformed)) };
    let keys = ["start", "end", "id"];
    if object.is_empty() || object.iter().any(|(k, _)| !keys.contains(&k)) {
        return Err(refuse(&at, RefusalReason::Malformed));
    }
    let date = |key| -> Result<Option<PartialDate>, Refusal> {
        let Some(node) = at.get(key) else { return Ok(None) };
        let text = node.value().as_str().ok_or_else(|| refuse(&node, RefusalReason::Malformed))?;
        PartialDate::parse(text).map(Some).map_err(|e| refuse(&node, RefusalReason::Date(e)))
    };
    let (start, end) = (date("start")?, date("end")?);
    // Also under the widest reading the period must not be empty; under the narrowest it may well be.
    let from = |d: PartialDate| match effect {
        Effect::Permit => d.latest_start(zones),
        Effect::Deny => d.earliest_start(zones),
    };
    let until = |d: PartialDate| match effect {
        Effect::Permit => d.earliest_end(zones),
        Effect::Deny => d.latest_end(zones),
    };
    let period = Period::new(start.map_or(Timestamp::MIN, from), end.map_or(Timestamp::MAX, until));
    period.map(Some).ok_or_else(|| refuse(&at, RefusalReason::EmptyPeriod))
}

fn jurisdictions(node: &Node<'_, '_>) -> Result<Option<Jurisdictions>, Refusal> {
    let all = each(node, "extension", |extension| {
        let text = |key| extension.value().get(key).and_then(|v| v.as_str());
        if text("url") != Some(JURISDICTION_EXTENSION) {
            return Err(refuse(extension, RefusalReason::UnknownExtension));
        }
        text("valueCode")
            .and_then(|code| vocabulary::exactly(Jurisdictions::NAMES, code))
            .ok_or_else(|| refuse(extension, RefusalReason::UnknownCode))
    })?;
    Ok(all.map(|all| all.into_iter().fold(Jurisdictions::NONE, Jurisdictions::union)))
}
