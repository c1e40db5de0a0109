//! Files of other versions of FHIR, recognised by what they have and R4 has not.
//!
//! An element of another version refuses the resource, by name, unless what is read means the same
//! without it; then it is remarked and left out. So is an element that no version has. R4B has the
//! elements of R4 for every type that is read.

use super::{elements, modifiers};
use crate::fhir::json::{Json, Object};
use crate::fhir::node::{Node, Remark};
use crate::fhir::problem::{Lost, Reason};
use crate::record::ResourceType;

const STU3: &str = "STU3";
const DSTU2: &str = "DSTU2";
const R5: &str = "R5";
const BEFORE_R4: &str = "DSTU2 and STU3";

/// Elements that negate, in any version and any type: never passed over, however they are spelt.
const NEGATIONS: &[&str] =
    &["doNotPerform", "notGiven", "wasNotGiven", "notDone", "notPerformed", "negationInd"];

/// Refuses what means another thing in another version, remarks what is left out.
pub(super) fn check(node: &Node<'_, '_>, resource_type: ResourceType) -> Result<(), Remark> {
    let Some(object) = node.value().as_object() else { return Ok(()) };
    let own = elements::of(resource_type);
    // Both are sorted, so the next is found after the last.
    let mut after = 0;
    for (key, json) in object.iter() {
        let element = key.strip_prefix('_').unwrap_or(key);
        if elements::is_common(element) {
            continue;
        }
        if let Some(ahead) = own.get(after..).and_then(|rest| rest.iter().position(|name| *name == element)) {
            after += ahead + 1;
        } else if !own.contains(&element) && !matches!(json, Json::Null) {
            unknown(node, resource_type, element, json).map_err(|remark| {
                // Of several elements, the one that negates is reported.
                let negates = |name: &&&str| {
                    !own.contains(*name) && object.get(name).is_some_and(|json| *json != Json::Null)
                };
                let negation = NEGATIONS.iter().find(negates);
                negation.and_then(|name| unknown(node, resource_type, name, json).err()).unwrap_or(remark)
            })?;
        }
    }
    forms(node, object, resource_type)?;
    profiles(node);
    Ok(())
}

/// An element that R4 has not.
fn unknown(
    node: &Node<'_, '_>,
    resource_type: ResourceType,
    element: &str,
    json: &Json<'_>,
) -> Result<(), Remark> {
    if element == "fhirVersion" {
        let version = json.as_str().and_then(version_of_number);
        let here = node.absent("fhirVersion");
        return match version {
            Some("R4") => Ok(()),
            Some(version) => Err(here.refusal(Reason::OfOtherVersion(version))),
            None => Err(here.refusal(Reason::UnknownElement)),
        };
    }
    let others = elements::of_other_versions(resource_type);
    if let Ok(at) = others.binary_search_by_key(&element, |(name, ..)| name) {
        let (name, versions, same_without) = others[at];
        let reason = Reason::ElementOfOtherVersion(versions);
        if !same_without {
            return Err(node.absent(name).refusal(reason));
        }
        node.absent(name).remark(reason);
        return Ok(());
    }
    let like = |name: &&str| name.eq_ignore_ascii_case(element);
    let modifier = modifiers::of_type(resource_type).iter().map(|m| m.element);
    if let Some(name) = NEGATIONS.iter().copied().chain(modifier).find(like) {
        return Err(node.absent(name).refusal(Reason::LikeModifier));
    }
    node.note_member(element, Reason::UnknownElement, Lost::Element);
    Ok(())
}

/// Elements of the same name that have another form in another version.
fn forms(node: &Node<'_, '_>, object: &Object<'_>, resource_type: ResourceType) -> Result<(), Remark> {
    let refuse = |node: Node<'_, '_>, version| Err(node.refusal(Reason::FormOfOtherVersion(version)));
    match resource_type {
        ResourceType::Encounter => match object.get("class") {
            Some(Json::Array(_)) => return refuse(node.absent("class"), R5),
            Some(Json::String(_)) => return refuse(node.absent("class"), DSTU2),
            _ => has_inner(node, object, "participant", "actor", R5)?,
        },
        ResourceType::MedicationRequest => has_inner(node, object, "requester", "agent", STU3)?,
        ResourceType::DiagnosticReport => match object.get("performer") {
            Some(Json::Object(_)) => return refuse(node.absent("performer"), DSTU2),
            _ => has_inner(node, object, "performer", "actor", STU3)?,
        },
        ResourceType::Claim | ResourceType::ExplanationOfBenefit => {
            if let Some(Json::String(_)) = object.get("type") {
                return refuse(node.absent("type"), DSTU2);
            }
            has_inner(node, object, "item", "service", BEFORE_R4)?;
        }
        ResourceType::Consent => {
            if let Some(Json::Array(_)) = object.get("provision") {
                return refuse(node.absent("provision"), R5);
            }
        }
        ResourceType::Device => {
            if let Some(Json::Array(_)) = object.get("type") {
                return refuse(node.absent("type"), R5);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Refuses an element whose object, or one of its objects, has an inner element of another version.
fn has_inner(
    node: &Node<'_, '_>,
    object: &Object<'_>,
    key: &'static str,
    inner: &'static str,
    version: &'static str,
) -> Result<(), Remark> {
    let found = match object.get(key) {
        Some(Json::Array(items)) => items.iter().any(|item| item.get(inner).is_some()),
        Some(json) => json.get(inner).is_some(),
        None => false,
    };
    if found {
        return Err(node.absent(key).absent(inner).refusal(Reason::ElementOfOtherVersion(version)));
    }
    Ok(())
}

/// Remarks a profile of another version. Whatever differs was refused above, so what is left means
/// the same.
fn profiles(node: &Node<'_, '_>) {
    let Some(profiles) = node.value().get("meta").and_then(|meta| meta.get("profile")) else { return };
    let told = match profiles {
        Json::Array(items) => items.iter().filter_map(Json::as_str).find_map(version_of_profile),
        json => json.as_str().and_then(version_of_profile),
    };
    if let Some(version) = told {
        node.absent("meta").absent("profile").mention(Reason::SaysOtherVersion(version));
    }
}

/// The version other than R4 that the address of a profile names.
fn version_of_profile(url: &str) -> Option<&'static str> {
    let (url, pinned) = url.split_once('|').map_or((url, None), |(url, version)| (url, Some(version)));
    let own = url.split_once("://").and_then(|(_, rest)| rest.strip_prefix("hl7.org/fhir/"));
    let named = match own {
        // HL7 publishes a version below /fhir/; further below stand the versions of its guides.
        Some(rest) => {
            let first = rest.split('/').next().unwrap_or_default();
            let core = first == "StructureDefinition";
            version_of_word(first)
                .or_else(|| version_of_number(first))
                .or_else(|| pinned.filter(|_| core).and_then(version_of_number))
        }
        None => url.split('/').find_map(version_of_word),
    };
    named.filter(|version| *version != "R4")
}

fn version_of_word(word: &str) -> Option<&'static str> {
    let versions =
        [("DSTU1", "DSTU1"), ("DSTU2", DSTU2), ("STU3", STU3), ("R3", STU3), ("R5", R5), ("R6", "R6")];
    versions.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, version)| *version)
}

/// R4 for R4 and R4B, another version, or `None` if it is no number of a version.
fn version_of_number(number: &str) -> Option<&'static str> {
    let (major, rest) = number.split_once('.')?;
    if rest.is_empty() || !rest.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match major {
        "0" => "DSTU1",
        "1" => DSTU2,
        "3" => STU3,
        "4" => "R4",
        "5" => R5,
        "6" => "R6",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::types;

    #[test]
    fn names_of_other_versions_are_sorted_so_that_they_are_found() {
        for (name, resource_type) in types::in_order() {
            let own = elements::of(resource_type);
            let others = elements::of_other_versions(resource_type);
            assert!(others.is_sorted_by_key(|(name, ..)| name), "{name}");
            assert!(
                others.iter().all(|(name, ..)| !own.contains(name) && !elements::is_common(name)),
                "{name}"
            );
        }
    }

    #[test]
    fn the_address_of_a_profile_names_a_version_only_where_versions_stand() {
        for (url, version) in [
            ("http://hl7.org/fhir/3.0/StructureDefinition/Patient", Some(STU3)),
            ("http://hl7.org/fhir/STU3/StructureDefinition/Patient", Some(STU3)),
            ("http://hl7.org/fhir/DSTU2/StructureDefinition/Patient", Some(DSTU2)),
            ("http://hl7.org/fhir/5.0/StructureDefinition/Patient", Some(R5)),
            ("http://hl7.org/fhir/StructureDefinition/Patient|3.0.2", Some(STU3)),
            ("https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-Patient-1", Some(STU3)),
            ("http://hl7.org/fhir/4.3/StructureDefinition/Patient", None),
            ("http://hl7.org/fhir/R4/StructureDefinition/Patient", None),
            ("http://hl7.org/fhir/StructureDefinition/Patient|4.0.1", None),
            ("http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1", None),
            ("http://hl7.org/fhir/us/core/STU3/StructureDefinition/us-core-patient", None),
            ("http://example.org/3.0/profile", None),
            ("", None),
        ] {
            assert_eq!(version_of_profile(url), version, "{url}");
        }
    }
}
