//! Data classes and sensitivities: from resource type, `category`, security labels and codes to [`Categories`] bits.
//!
//! Every record has at least one class bit, so that a deny over all classes touches every record.
//!
//! **Security labels** (`meta.security`). v3-Confidentiality: U, L, M are low, N normal, R restricted, V very restricted;
//! the highest counts. v3-ActCode sensitivities set their bits (table below). A label we do not know, of any system but
//! v3-ObservationValue (integrity) and the test marker HTEST, counts as *every* sensitivity we know and raises
//! confidentiality to restricted: an unknown label must not make data easier to get.
//!
//! **Codes**, anywhere in the resource (a claim tells a diagnosis too): a small list of SNOMED CT and LOINC codes and of
//! ICD-10 blocks. It is a safety net for unlabelled data, not a substitute for a labelling service.

use super::json::Json;
use crate::consent::{Categories, Confidentiality};
use crate::record::ResourceType;

pub(crate) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(crate) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(crate) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
const SNOMED: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";

/// What security labels say: sensitivities, and a confidentiality. The labels of a Bundle are the least that its entries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// Sensitivity bits.
    pub categories: Categories,
    /// Confidentiality.
    pub confidentiality: Confidentiality,
}

impl Floor {
    /// No label: no sensitivity, and normal confidentiality is not raised. Low, so that a label below normal stays what it is.
    pub const NONE: Self = Self { categories: Categories::NONE, confidentiality: Confidentiality::Low };

    /// What a `meta` says for what stands below it: nothing without labels.
    #[must_use]
    pub fn of_meta(meta: Option<&Json<'_>>) -> Self {
        match meta.and_then(|meta| meta.get("security")) {
            None => Self::NONE,
            Some(Json::Array(labels)) => of_labels(labels),
            Some(other) => of_labels(core::slice::from_ref(other)),
        }
    }

    /// At least as sensitive as both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            categories: self.categories.union(other.categories),
            confidentiality: self.confidentiality.max(other.confidentiality),
        }
    }
}

impl Default for Floor {
    /// What data without any label has: normal confidentiality.
    fn default() -> Self {
        Self { categories: Categories::NONE, confidentiality: Confidentiality::Normal }
    }
}

/// Every named sensitivity: bits 24 and up.
pub(crate) const SENSITIVITIES: Categories = Categories(u64::MAX << 24);
/// Every class of data: bits 0 to 23.
pub(crate) const CLASSES: Categories = Categories((1 << 24) - 1);

/// Sensitivity codes of v3-ActCode: code, bits a record gets, and whether the bits mean exactly this code (only then can a
/// permit be given for it: a permit for alcohol data must not become one for all substance-use data).
const SENSITIVITY_CODES: &[(&str, Categories, bool)] = &[
    ("ETH", Categories::ETH, true),
    ("SUD", Categories::SUD.union(Categories::ETH), false),
    ("ETHUD", Categories::SUD.union(Categories::ETH), false),
    ("OPIOIDUD", Categories::SUD.union(Categories::ETH), false),
    ("PSY", Categories::PSY, true),
    ("MH", Categories::PSY, false),
    ("PSYTHPN", Categories::PSY, false),
    ("COGN", Categories::PSY, false),
    ("EMOTDIS", Categories::PSY, false),
    ("BH", Categories::PSY.union(Categories::SUD).union(Categories::ETH), false),
    ("SDV", Categories::SDV, true),
    ("MST", Categories::SDV, false),
    ("VIO", Categories::SDV, false),
    ("HIV", Categories::HIV, true),
    ("SEX", Categories::SEX, true),
    ("PREGNANT", Categories::SEX, false),
    ("STD", Categories::STD, true),
    ("GDIS", Categories::GDIS, true),
    ("SCA", Categories::GDIS, false),
    ("SICKLE", Categories::GDIS, false),
    ("MINOR", Categories::MINOR, true),
];

/// What a sensitivity code of v3-ActCode stands for: bits, and whether they mean exactly this code.
pub(crate) fn sensitivity(code: &str) -> Option<(Categories, bool)> {
    SENSITIVITY_CODES.iter().find(|(c, ..)| *c == code).map(|(_, bits, exact)| (*bits, *exact))
}

/// A code of v3-Confidentiality.
pub(crate) fn confidentiality(code: &str) -> Option<Confidentiality> {
    Some(match code {
        "U" | "L" | "M" => Confidentiality::Low,
        "N" => Confidentiality::Normal,
        "R" => Confidentiality::Restricted,
        "V" => Confidentiality::VeryRestricted,
        _ => return None,
    })
}

/// Sensitive codes: system, code, bits.
const SENSITIVE: &[(&str, &str, Categories)] = &[
    // HIV infection, AIDS, HIV positive, asymptomatic HIV infection.
    (SNOMED, "86406008", Categories::HIV),
    (SNOMED, "62479008", Categories::HIV),
    (SNOMED, "165816005", Categories::HIV),
    (SNOMED, "91947003", Categories::HIV),
    // HIV 1 and 2 antibody and antigen tests; HIV 1 RNA.
    (LOINC, "75622-1", Categories::HIV),
    (LOINC, "56888-1", Categories::HIV),
    (LOINC, "7918-6", Categories::HIV),
    (LOINC, "29893-5", Categories::HIV),
    (LOINC, "20447-9", Categories::HIV),
    (LOINC, "25836-8", Categories::HIV),
    // Alcohol dependence, alcoholism, opioid abuse, drug dependence, drug misuse, drug overdose; drinks per day.
    (SNOMED, "66590003", Categories::SUD.union(Categories::ETH)),
    (SNOMED, "7200002", Categories::SUD.union(Categories::ETH)),
    (SNOMED, "5602001", Categories::SUD.union(Categories::ETH)),
    (SNOMED, "6525002", Categories::SUD.union(Categories::ETH)),
    (SNOMED, "361055000", Categories::SUD.union(Categories::ETH)),
    (SNOMED, "55680006", Categories::SUD.union(Categories::ETH)),
    (LOINC, "74013-4", Categories::SUD.union(Categories::ETH)),
    // Depression, major depression, single episode, schizophrenia, bipolar, psychosis, post-traumatic stress.
    (SNOMED, "35489007", Categories::PSY),
    (SNOMED, "370143000", Categories::PSY),
    (SNOMED, "36923009", Categories::PSY),
    (SNOMED, "58214004", Categories::PSY),
    (SNOMED, "13746004", Categories::PSY),
    (SNOMED, "69322001", Categories::PSY),
    (SNOMED, "47505003", Categories::PSY),
    // PHQ-9 and GAD-7 panels and scores.
    (LOINC, "44249-1", Categories::PSY),
    (LOINC, "44261-6", Categories::PSY),
    (LOINC, "69737-5", Categories::PSY),
    (LOINC, "70274-6", Categories::PSY),
    // Miscarriage, ectopic pregnancy, normal pregnancy.
    (SNOMED, "19169002", Categories::SEX),
    (SNOMED, "79586000", Categories::SEX),
    (SNOMED, "72892002", Categories::SEX),
    // Syphilis, gonorrhoea, sexually transmitted infection.
    (SNOMED, "76272004", Categories::STD),
    (SNOMED, "15628003", Categories::STD),
    (SNOMED, "8098009", Categories::STD),
    // Victim of intimate partner abuse.
    (SNOMED, "706893006", Categories::SDV),
    // Sickle cell disease; BRCA1 analysis.
    (SNOMED, "417357006", Categories::GDIS),
    (LOINC, "21636-6", Categories::GDIS),
];

/// Sensitive blocks of ICD-10 (any national edition): first and last category, bits.
const SENSITIVE_ICD10: &[(&str, &str, Categories)] = &[
    ("A50", "A64", Categories::STD),
    ("B20", "B24", Categories::HIV),
    ("D57", "D57", Categories::GDIS),
    ("F10", "F16", Categories::SUD.union(Categories::ETH)),
    ("F18", "F19", Categories::SUD.union(Categories::ETH)),
    ("F20", "F99", Categories::PSY),
    ("O00", "O08", Categories::SEX),
    ("T74", "T74", Categories::SDV),
    ("Y07", "Y07", Categories::SDV),
    ("Z21", "Z21", Categories::HIV),
    ("Z33", "Z34", Categories::SEX),
];

/// Sensitivity bits of every coding in the resource.
pub(crate) fn sensitivity_of_codes(json: &Json<'_>) -> Categories {
    match json {
        Json::Array(items) => {
            items.iter().fold(Categories::NONE, |bits, item| bits.union(sensitivity_of_codes(item)))
        }
        Json::Object(object) => {
            let own = match (object.get("system"), object.get("code")) {
                (Some(Json::String(system)), Some(Json::String(code))) => sensitivity_of_code(system, code),
                _ => Categories::NONE,
            };
            object.iter().fold(own, |bits, (_, value)| bits.union(sensitivity_of_codes(value)))
        }
        _ => Categories::NONE,
    }
}

fn sensitivity_of_code(system: &str, code: &str) -> Categories {
    if system.starts_with("http://hl7.org/fhir/sid/icd-10") {
        let Some(block) = code.get(..3) else { return Categories::NONE };
        let hits = SENSITIVE_ICD10.iter().filter(|(first, last, _)| *first <= block && block <= *last);
        return hits.fold(Categories::NONE, |bits, (.., b)| bits.union(*b));
    }
    if system != SNOMED && system != LOINC {
        return Categories::NONE;
    }
    let hits = SENSITIVE.iter().filter(|(s, c, _)| *c == code && *s == system);
    hits.fold(Categories::NONE, |bits, (.., b)| bits.union(*b))
}

/// Confidentiality and sensitivity bits of `meta.security`.
pub(crate) fn of_labels(labels: &[Json<'_>]) -> Floor {
    let mut bits = Categories::NONE;
    let mut level = None;
    let mut unknown = false;
    for label in labels {
        let text = |key| label.get(key).and_then(Json::as_str).unwrap_or("");
        let (system, code) = (text("system"), text("code"));
        match system {
            CONFIDENTIALITY => {
                level = level.max(Some(confidentiality(code).unwrap_or(Confidentiality::VeryRestricted)));
            }
            ACT_CODE => match sensitivity(code) {
                Some((b, _)) => bits = bits.union(b),
                None => unknown = true,
            },
            OBSERVATION_VALUE => {}
            ACT_REASON if code == "HTEST" => {}
            _ => unknown = true,
        }
    }
    let mut level = level.unwrap_or(Confidentiality::Normal);
    if unknown {
        let known = Categories::NAMES.iter().map(|(bit, _)| *bit).filter(|bit| bit.is_subset(SENSITIVITIES));
        bits = known.fold(bits, Categories::union);
        level = level.max(Confidentiality::Restricted);
    }
    Floor { categories: bits, confidentiality: level }
}

/// Class of a resource from its type; Observation and DiagnosticReport are classed by [`of_category`].
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

/// Class bits that records of a FHIR type can have, outward; empty for a type without records or class.
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

/// Class of an Observation or DiagnosticReport from one code of its `category`.
pub(crate) fn of_category(code: &str) -> Categories {
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
        // LOINC: radiology, pathology; consultation, history and physical, progress, discharge notes.
        "LP29684-5" => Categories::IMAGING,
        "LP7839-6" => Categories::LABS,
        "11488-4" | "34117-2" | "11506-3" | "18842-5" | "34109-9" => Categories::NOTES,
        _ => Categories::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> (Categories, Confidentiality) {
        let json = Json::parse(text.as_bytes()).expect("JSON");
        let floor = of_labels(json.as_array().expect("an array"));
        (floor.categories, floor.confidentiality)
    }

    #[test]
    fn the_highest_confidentiality_counts_and_none_is_normal() {
        assert_eq!(labels("[]"), (Categories::NONE, Confidentiality::Normal));
        let two = format!(
            r#"[{{"system":"{CONFIDENTIALITY}","code":"R"}},{{"system":"{CONFIDENTIALITY}","code":"L"}}]"#
        );
        assert_eq!(labels(&two), (Categories::NONE, Confidentiality::Restricted));
        let odd = format!(r#"[{{"system":"{CONFIDENTIALITY}","code":"?"}}]"#);
        assert_eq!(labels(&odd).1, Confidentiality::VeryRestricted);
    }

    #[test]
    fn an_unknown_label_counts_as_every_sensitivity() {
        for label in [
            format!(r#"{{"system":"{ACT_CODE}","code":"TBOO"}}"#),
            r#"{"code":"x"}"#.to_owned(),
            "7".to_owned(),
        ] {
            let (bits, level) = labels(&format!("[{label}]"));
            assert!(bits.intersects(Categories::HIV) && bits.intersects(Categories::GDIS));
            assert_eq!(level, Confidentiality::Restricted);
        }
        let test = format!(r#"[{{"system":"{ACT_REASON}","code":"HTEST"}}]"#);
        assert_eq!(labels(&test), (Categories::NONE, Confidentiality::Normal));
    }

    #[test]
    fn a_sensitive_code_is_found_wherever_it_stands() {
        let text = r#"{"diagnosis":[{"c":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"B20.1"}]}}]}"#;
        let json = Json::parse(text.as_bytes()).expect("JSON");
        assert_eq!(sensitivity_of_codes(&json), Categories::HIV);
        assert_eq!(sensitivity_of_code("http://hl7.org/fhir/sid/icd-10-cm", "F17.2"), Categories::NONE);
        assert_eq!(sensitivity_of_code("http://hl7.org/fhir/sid/icd-10-cm", "F2"), Categories::NONE);
        assert_eq!(sensitivity_of_code(SNOMED, "86406008"), Categories::HIV);
    }

    #[test]
    fn every_type_of_record_has_a_class() {
        for fhir_type in CARRIERS {
            let bits = carried_by(fhir_type);
            assert!(!bits.is_empty() && bits.is_subset(CLASSES), "{fhir_type}");
        }
    }
}
