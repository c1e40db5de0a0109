//! Data classes and sensitivities: from resource type, `category`, security labels and codes to
//! [`Categories`] bits.
//!
//! Every record has at least one class bit, so that a deny over all classes touches every record.
//! Sensitivities come from [labels](labels) and, anywhere in the resource (a claim tells a
//! diagnosis too), from [codes](codes) of the [systems](systems) known here.
//!
//! What cannot be classified is [said](contents): a code of a system that is not known, a diagnosis
//! in words only, a label that is not known. The book's page `sensitivity` has the rules and their
//! reasons.

mod codes;
mod contents;
mod labels;
mod systems;

pub(crate) use contents::of_resource;
pub use labels::{CompositionFloors, Floor, composition_floors};
pub(crate) use labels::{confidentiality, sensitivity};

use super::json::Json;
use crate::consent::Categories;
use crate::record::ResourceType;
use labels::Labels;
pub(crate) use systems::System;

pub(crate) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(crate) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(crate) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/// Every sensitivity, including sensitivities without a name yet: bits 24 and up.
pub(crate) const SENSITIVITIES: Categories = Categories(u64::MAX << 24);
/// Every class of data: bits 0 to 23.
pub(crate) const CLASSES: Categories = Categories((1 << 24) - 1);

/// What security labels say.
pub(crate) fn of_labels(labels: &[Json<'_>]) -> Floor {
    Labels::of(labels).floor()
}

/// Sensitivities of every record with this coding; none if its system is not known.
pub(crate) fn sensitivity_of_coding(coding: &Json<'_>) -> Categories {
    let text = |key| coding.get(key).and_then(Json::as_str);
    match (text("system").and_then(System::of), text("code")) {
        (Some(system), Some(code)) => codes::sensitivity_of(system, code),
        _ => Categories::NONE,
    }
}

/// Every sensitivity that has a name.
const fn every_sensitivity() -> Categories {
    let (mut bits, mut at) = (0, 0);
    while at < Categories::NAMES.len() {
        bits |= Categories::NAMES[at].0.0 & SENSITIVITIES.0;
        at += 1;
    }
    Categories(bits)
}

/// Class of a resource from its type; Observation and DiagnosticReport are classed by
/// [`of_category`].
pub(crate) const fn of_type(resource_type: ResourceType) -> Categories {
    match resource_type {
        ResourceType::Patient => Categories::DEMOGRAPHICS,
        ResourceType::Encounter => Categories::ENCOUNTERS,
        ResourceType::Condition => Categories::CONDITIONS,
        ResourceType::Procedure => Categories::PROCEDURES,
        ResourceType::MedicationRequest => Categories::MEDICATIONS,
        ResourceType::Immunization => Categories::IMMUNIZATIONS,
        ResourceType::AllergyIntolerance => Categories::ALLERGIES,
        ResourceType::Claim | ResourceType::ExplanationOfBenefit | ResourceType::Coverage => {
            Categories::CLAIMS
        }
        ResourceType::Device => Categories::DEVICES,
        ResourceType::Observation
        | ResourceType::DiagnosticReport
        | ResourceType::Consent
        | ResourceType::Practitioner
        | ResourceType::PractitionerRole
        | ResourceType::Organization => Categories::OTHER,
    }
}

/// Class bits that records of a FHIR type can have, outward; empty for a type without records or
/// class.
pub(crate) fn carried_by(fhir_type: &str) -> Categories {
    match fhir_type {
        "Observation" => Categories::LABS
            .union(Categories::VITALS)
            .union(Categories::IMAGING)
            .union(Categories::SOCIAL)
            .union(Categories::SURVEYS)
            .union(Categories::DEVICES)
            .union(Categories::GENOMICS)
            .union(Categories::OTHER),
        "DiagnosticReport" => Categories::LABS
            .union(Categories::IMAGING)
            .union(Categories::GENOMICS)
            .union(Categories::NOTES)
            .union(Categories::OTHER),
        "CarePlan" => Categories::CARE_PLANS,
        "DocumentReference" | "Composition" => Categories::NOTES,
        "ImagingStudy" => Categories::IMAGING,
        _ => super::types::supported(fhir_type).map_or(Categories::NONE, of_type),
    }
}

/// Types that [`carried_by`] knows.
pub(crate) const CARRIERS: &[&str] = &[
    "Patient",
    "Encounter",
    "Condition",
    "Observation",
    "Procedure",
    "MedicationRequest",
    "Immunization",
    "AllergyIntolerance",
    "DiagnosticReport",
    "Claim",
    "ExplanationOfBenefit",
    "Coverage",
    "Consent",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Device",
    "CarePlan",
    "DocumentReference",
    "Composition",
    "ImagingStudy",
];

/// Class of an Observation or DiagnosticReport from one code of its `category`; `Laboratory` is
/// `laboratory`.
pub(crate) fn of_category(code: &str) -> Categories {
    let class = of_category_code(code);
    if class.is_empty() && code.len() <= 64 && code.bytes().any(|b| b.is_ascii_uppercase()) {
        return of_category_code(&code.to_ascii_lowercase());
    }
    class
}

fn of_category_code(code: &str) -> Categories {
    match code {
        // observation-category; Synthea writes both spellings.
        "laboratory" => Categories::LABS,
        "vital-signs" | "vital-sign" => Categories::VITALS,
        "imaging" => Categories::IMAGING,
        "social-history" => Categories::SOCIAL,
        "survey" => Categories::SURVEYS,
        // v2-0074, diagnostic service sections.
        "LAB" | "CH" | "HM" | "MB" | "SR" | "BLB" | "MYC" | "PAR" | "TX" | "URN" | "VR" | "IMM" | "CP"
        | "SP" | "CTH" | "BG" => Categories::LABS,
        "RAD" | "RX" | "CT" | "NMR" | "NMS" | "RUS" | "CUS" | "OUS" | "VUS" | "XRC" | "NRS" | "RT" => {
            Categories::IMAGING
        }
        "GE" | "genomics" => Categories::GENOMICS,
        // LOINC: radiology, diagnostic imaging; pathology, laboratory studies; consultation,
        // history and physical, progress, discharge notes.
        "LP29684-5" | "18748-4" => Categories::IMAGING,
        "LP7839-6" | "26436-6" => Categories::LABS,
        "11488-4" | "34117-2" | "11506-3" | "18842-5" | "34109-9" => Categories::NOTES,
        _ => Categories::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_known_by_its_code_in_any_case() {
        for (code, class) in [
            ("laboratory", Categories::LABS),
            ("Laboratory", Categories::LABS),
            ("VITAL-SIGNS", Categories::VITALS),
            ("LAB", Categories::LABS),
            ("26436-6", Categories::LABS),
            ("Exam", Categories::NONE),
        ] {
            assert!(of_category(code) == class, "{code}");
        }
    }

    #[test]
    fn every_type_of_record_has_a_class() {
        for fhir_type in CARRIERS {
            let bits = carried_by(fhir_type);
            assert!(!bits.is_empty() && bits.is_subset(CLASSES), "{fhir_type}");
        }
    }
}
