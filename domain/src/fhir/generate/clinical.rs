//! A patient and one year of care.

use serde_json::{Value, json};

use super::{Bundle, HOSPITALS, INSURER, SYNTHETIC_CNIC, SplitMix, person};

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const UCUM: &str = "http://unitsofmeasure.org";
const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";

/// Conditions: SNOMED CT, ICD-10, display.
const CONDITIONS: &[(&str, &str, &str)] = &[
    ("44054006", "E11", "Type 2 diabetes mellitus"),
    ("38341003", "I10", "Hypertensive disorder"),
    ("195967001", "J45", "Asthma"),
    ("56717001", "A15", "Tuberculosis"),
    ("86406008", "B20", "HIV infection"),
    ("35489007", "F32", "Depressive disorder"),
];

/// What all resources of one visit share.
struct Visit<'v> {
    patient: &'v str,
    hospital: &'static str,
    day: String,
}

impl Visit<'_> {
    fn id(&self, kind: &str) -> String {
        format!("{kind}-{}", self.patient.trim_start_matches("patient-"))
    }

    fn at(&self, time: &str) -> String {
        format!("{}T{time}+05:00", self.day)
    }

    fn subject(&self) -> Value {
        json!({"reference": format!("Patient/{}", self.patient)})
    }

    fn encounter(&self) -> Value {
        json!({"reference": format!("Encounter/{}", self.id("encounter"))})
    }

    fn doctor(&self) -> Value {
        json!({"reference": format!("Practitioner/doctor-{}-0", self.hospital)})
    }

    fn hospital(&self) -> Value {
        json!({"reference": format!("Organization/{}", self.hospital)})
    }
}

fn coded(system: &str, code: &str, display: &str) -> Value {
    json!({"coding": [{"system": system, "code": code, "display": display}]})
}

pub(super) fn push(out: &mut Bundle, rng: &mut SplitMix, patient: &str) {
    let (hospital, ..) = *rng.pick(HOSPITALS);
    let day = format!("{}-{:02}-{:02}", rng.between(2025, 2026), rng.between(1, 10), rng.between(1, 28));
    let visit = Visit { patient, hospital, day };
    let condition = *rng.pick(CONDITIONS);
    let (name, gender) = person(rng);
    let last = rng.between(0, 4) * 2 + u64::from(gender == "male");
    let cnic = format!("00000-{:07}-{last}", rng.between(0, 9_999_999));
    let born = format!("{}-{:02}-{:02}", rng.between(1940, 2008), rng.between(1, 12), rng.between(1, 28));
    out.push(json!({
        "resourceType": "Patient", "id": patient, "active": true, "name": name, "gender": gender, "birthDate": born,
        "identifier": [{"system": SYNTHETIC_CNIC, "value": cnic}], "managingOrganization": visit.hospital(),
    }));
    out.push(json!({
        "resourceType": "Coverage", "id": visit.id("coverage"), "status": "active", "beneficiary": visit.subject(),
        "type": coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "EHCPOL", "extended healthcare"),
        "period": {"start": "2025-01-01T00:00:00+05:00", "end": "2027-12-31T23:59:59+05:00"},
        "payor": [{"reference": format!("Organization/{INSURER}")}],
    }));
    out.push(json!({
        "resourceType": "Device", "id": visit.id("device"), "status": "active", "patient": visit.subject(),
        "type": coded(SNOMED, "337414009", "Blood glucose meter"), "serialNumber": format!("SYN{}", rng.between(10_000, 99_999)),
        "identifier": [{"system": "urn:amanat:synthetic:device", "value": visit.id("device")}], "owner": visit.hospital(),
    }));
    out.push(json!({
        "resourceType": "Encounter", "id": visit.id("encounter"), "status": "finished", "subject": visit.subject(),
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [coded(SNOMED, "185347001", "Encounter for problem")],
        "participant": [{"individual": visit.doctor()}], "serviceProvider": visit.hospital(),
        "period": {"start": visit.at("09:00:00"), "end": visit.at("09:40:00")},
    }));
    findings(out, rng, &visit, condition);
    treatment(out, rng, &visit, condition);
}

fn findings(
    out: &mut Bundle,
    rng: &mut SplitMix,
    visit: &Visit<'_>,
    (snomed, icd, display): (&str, &str, &str),
) {
    let mut finding = json!({
        "resourceType": "Condition", "id": visit.id("condition"), "subject": visit.subject(), "encounter": visit.encounter(),
        "code": {"coding": [
            {"system": SNOMED, "code": snomed, "display": display}, {"system": ICD10, "code": icd},
        ]},
        "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
        "verificationStatus": coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed"),
        "onsetDateTime": visit.day, "asserter": visit.doctor(),
    });
    if icd == "B20" {
        finding["meta"]["security"] = json!([
            {"system": crate::fhir::ACT_CODE, "code": "HIV"}, {"system": crate::fhir::CONFIDENTIALITY, "code": "R"},
        ]);
    }
    out.push(finding);
    let quantity =
        |value: Value, unit: &str| json!({"value": value, "unit": unit, "system": UCUM, "code": unit});
    let observation = |name: &str, category: &str, code: (&str, &str)| {
        json!({
            "resourceType": "Observation", "id": visit.id(name), "status": "final", "subject": visit.subject(),
            "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", category, category)],
            "code": coded(LOINC, code.0, code.1), "encounter": visit.encounter(), "effectiveDateTime": visit.at("09:15:00"),
            "performer": [visit.doctor()],
        })
    };
    let mut hba1c =
        observation("hba1c", "laboratory", ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"));
    hba1c["valueQuantity"] = quantity(rng.tenths(45, 120), "%");
    out.push(hba1c);
    let mut glucose = observation("glucose", "laboratory", ("2339-0", "Glucose [Mass/volume] in Blood"));
    glucose["valueQuantity"] = quantity(rng.tenths(700, 2600), "mg/dL");
    glucose["device"] = json!({"reference": format!("Device/{}", visit.id("device"))});
    out.push(glucose);
    let mut pressure = observation("blood-pressure", "vital-signs", ("85354-9", "Blood pressure panel"));
    let part = |code, display, value| json!({"code": coded(LOINC, code, display), "valueQuantity": quantity(json!(value), "mm[Hg]")});
    pressure["component"] = json!([
        part("8480-6", "Systolic blood pressure", rng.between(105, 175)),
        part("8462-4", "Diastolic blood pressure", rng.between(60, 105)),
    ]);
    out.push(pressure);
    out.push(json!({
        "resourceType": "DiagnosticReport", "id": visit.id("report"), "status": "final", "subject": visit.subject(),
        "category": [coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory")],
        "code": coded(LOINC, "24323-8", "Comprehensive metabolic panel"), "encounter": visit.encounter(),
        "effectiveDateTime": visit.at("09:15:00"), "issued": visit.at("15:00:00"), "performer": [visit.hospital()],
        "result": [{"reference": format!("Observation/{}", visit.id("hba1c"))}],
    }));
    out.push(json!({
        "resourceType": "AllergyIntolerance", "id": visit.id("allergy"), "patient": visit.subject(),
        "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "Active"),
        "code": coded(SNOMED, "91936005", "Allergy to penicillin"), "onsetDateTime": visit.day, "recordedDate": visit.at("09:20:00"),
        "recorder": visit.doctor(),
    }));
}

fn treatment(out: &mut Bundle, rng: &mut SplitMix, visit: &Visit<'_>, (_, icd, display): (&str, &str, &str)) {
    out.push(json!({
        "resourceType": "MedicationRequest", "id": visit.id("medication"), "status": "active", "intent": "order",
        "medicationCodeableConcept":
            coded("http://www.nlm.nih.gov/research/umls/rxnorm", "860975", "metformin 500 MG"),
        "subject": visit.subject(), "encounter": visit.encounter(), "authoredOn": visit.at("09:30:00"),
        "requester": visit.doctor(),
    }));
    out.push(json!({
        "resourceType": "Immunization", "id": visit.id("immunization"), "status": "completed", "patient": visit.subject(),
        "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "140", "Influenza, seasonal"),
        "occurrenceDateTime": visit.at("09:35:00"), "encounter": visit.encounter(), "primarySource": true,
        "performer": [{"actor": {"reference": format!("Practitioner/nurse-{}-1", visit.hospital)}}],
    }));
    out.push(json!({
        "resourceType": "Procedure", "id": visit.id("procedure"), "status": "completed", "subject": visit.subject(),
        "code": coded(SNOMED, "428191000124101", "Documentation of current medications"), "encounter": visit.encounter(),
        "performedDateTime": visit.at("09:25:00"),
        "performer": [{"actor": visit.doctor(), "onBehalfOf": visit.hospital()}],
    }));
    let total = json!({"value": rng.between(1500, 60_000), "currency": "PKR"});
    out.push(json!({
        "resourceType": "Claim", "id": visit.id("claim"), "status": "active", "use": "claim", "patient": visit.subject(),
        "type": coded("http://terminology.hl7.org/CodeSystem/claim-type", "institutional", "Institutional"),
        "created": visit.at("16:00:00"), "provider": visit.hospital(),
        "billablePeriod": {"start": visit.at("09:00:00"), "end": visit.at("09:40:00")},
        "insurer": {"reference": format!("Organization/{INSURER}")},
        "priority": coded("http://terminology.hl7.org/CodeSystem/processpriority", "normal", "Normal"),
        "insurance": [{"sequence": 1, "focal": true, "coverage": {"reference": format!("Coverage/{}", visit.id("coverage"))}}],
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": coded(ICD10, icd, display)}],
        "item": [{
            "sequence": 1, "productOrService": coded(SNOMED, "185347001", "Encounter for problem"), "net": total,
            "encounter": [visit.encounter()],
        }],
        "total": total,
    }));
}
