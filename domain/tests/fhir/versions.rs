//! Resources of other versions of FHIR: recognised, and read only where what is read means the
//! same.

use amanat_domain::fhir::{Lost, Reason};

use crate::single::{read, record, refusal};

#[test]
fn an_element_of_another_version_refuses_the_resource_by_name() {
    for (text, path, version) in [
        (
            r#"{"resourceType":"Immunization","status":"completed","notGiven":true}"#,
            "Immunization.notGiven",
            "STU3",
        ),
        (
            r#"{"resourceType":"Immunization","status":"completed","notGiven":false}"#,
            "Immunization.notGiven",
            "STU3",
        ),
        (
            r#"{"resourceType":"Immunization","status":"completed","wasNotGiven":false}"#,
            "Immunization.wasNotGiven",
            "DSTU2",
        ),
        (
            r#"{"resourceType":"Procedure","status":"completed","notPerformed":true}"#,
            "Procedure.notPerformed",
            "DSTU2",
        ),
        (
            r#"{"resourceType":"Procedure","status":"completed","_notDone":{"id":"a"}}"#,
            "Procedure.notDone",
            "STU3",
        ),
        (
            r#"{"resourceType":"Procedure","status":"completed","occurrenceDateTime":"2020"}"#,
            "Procedure.occurrenceDateTime",
            "R5",
        ),
        (
            r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","medication":{}}"#,
            "MedicationRequest.medication",
            "R5",
        ),
        (
            r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","requester":{"agent":{}}}"#,
            "MedicationRequest.requester.agent",
            "STU3",
        ),
        (
            r#"{"resourceType":"Encounter","status":"finished","actualPeriod":{}}"#,
            "Encounter.actualPeriod",
            "R5",
        ),
        (
            r#"{"resourceType":"Encounter","status":"finished","participant":[{"actor":{}}]}"#,
            "Encounter.participant.actor",
            "R5",
        ),
        (r#"{"resourceType":"Observation","status":"final","context":{}}"#, "Observation.context", "STU3"),
        (r#"{"resourceType":"Condition","assertedDate":"2020"}"#, "Condition.assertedDate", "STU3"),
        (r#"{"resourceType":"Condition","patient":{"reference":"Patient/1"}}"#, "Condition.patient", "DSTU2"),
        (
            r#"{"resourceType":"Condition","abatementBoolean":true}"#,
            "Condition.abatementBoolean",
            "DSTU2 and STU3",
        ),
        (r#"{"resourceType":"Patient","animal":{}}"#, "Patient.animal", "DSTU2 and STU3"),
        (
            r#"{"resourceType":"DiagnosticReport","status":"final","performer":[{"actor":{}}]}"#,
            "DiagnosticReport.performer.actor",
            "STU3",
        ),
        (
            r#"{"resourceType":"Claim","status":"active","use":"claim","item":[{"service":{}}]}"#,
            "Claim.item.service",
            "DSTU2 and STU3",
        ),
        (r#"{"resourceType":"Coverage","status":"active","insurer":{}}"#, "Coverage.insurer", "R5"),
        (r#"{"resourceType":"Consent","status":"active","except":[]}"#, "Consent.except", "STU3"),
        (r#"{"resourceType":"Consent","status":"active","grantor":[]}"#, "Consent.grantor", "R5"),
        (r#"{"resourceType":"AllergyIntolerance","substance":{}}"#, "AllergyIntolerance.substance", "DSTU2"),
    ] {
        assert_eq!(refusal(text), (path.to_owned(), Reason::ElementOfOtherVersion(version)), "{text}");
    }
}

#[test]
fn of_several_elements_of_another_version_the_one_that_negates_is_named() {
    let text = r#"{"resourceType":"Immunization","status":"completed","date":"2020","notGiven":true}"#;
    assert_eq!(refusal(text), ("Immunization.notGiven".into(), Reason::ElementOfOtherVersion("STU3")));
    let text = r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","doNotPerform":true,"context":{}}"#;
    assert_eq!(refusal(text).0, "MedicationRequest.context", "R4 has doNotPerform");
    let text = r#"{"resourceType":"Procedure","status":"aborted","context":{},"notDone":true}"#;
    assert_eq!(refusal(text).0, "Procedure.status", "a status that is not understood comes first");
}

#[test]
fn an_element_in_the_form_of_another_version_refuses_the_resource() {
    for (text, path, version) in [
        (
            r#"{"resourceType":"Condition","clinicalStatus":"active"}"#,
            "Condition.clinicalStatus",
            "DSTU2 and STU3",
        ),
        (
            r#"{"resourceType":"AllergyIntolerance","verificationStatus":"refuted"}"#,
            "AllergyIntolerance.verificationStatus",
            "DSTU2 and STU3",
        ),
        (r#"{"resourceType":"Encounter","status":"finished","class":[{}]}"#, "Encounter.class", "R5"),
        (
            r#"{"resourceType":"Encounter","status":"finished","class":"inpatient"}"#,
            "Encounter.class",
            "DSTU2",
        ),
        (
            r#"{"resourceType":"DiagnosticReport","status":"final","performer":{}}"#,
            "DiagnosticReport.performer",
            "DSTU2",
        ),
        (r#"{"resourceType":"Claim","status":"active","use":"claim","type":"oral"}"#, "Claim.type", "DSTU2"),
        (r#"{"resourceType":"Consent","status":"active","provision":[{}]}"#, "Consent.provision", "R5"),
        (r#"{"resourceType":"Device","type":[{}]}"#, "Device.type", "R5"),
    ] {
        assert_eq!(refusal(text), (path.to_owned(), Reason::FormOfOtherVersion(version)), "{text}");
    }
    let (old, remarks) = record(
        r#"{"resourceType":"Claim","status":"active","use":"claim","total":{"value":5,"code":"USD"}}"#,
    );
    assert!(old.amount.is_none());
    assert_eq!(remarks, [("Claim.total.currency".into(), Reason::FormOfOtherVersion("DSTU2 and STU3"))]);
}

#[test]
fn an_element_without_which_all_means_the_same_is_left_out_and_said() {
    let text = r#"{"resourceType":"Observation","status":"final","comment":"well"}"#;
    let (resource, remarks) = read(text).unwrap_or_else(|e| panic!("{}", e.reason));
    assert_eq!(resource.records[0].status.as_deref(), Some("final"));
    assert_eq!(remarks[0].path, "Observation.comment");
    assert_eq!((remarks[0].reason, remarks[0].lost), (Reason::ElementOfOtherVersion("STU3"), Lost::Element));
}

#[test]
fn an_element_that_no_version_has_is_said_and_one_like_a_negation_is_refused() {
    let (_, remarks) = record(r#"{"resourceType":"Patient","birthdate":"1970-01-01","a b":1,"x":null}"#);
    assert_eq!(
        remarks,
        [("Patient.?".into(), Reason::UnknownElement), ("Patient.birthdate".into(), Reason::UnknownElement)]
    );
    for (text, path) in [
        (
            r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","DoNotPerform":true}"#,
            "MedicationRequest.doNotPerform",
        ),
        (
            r#"{"resourceType":"Observation","status":"final","donotperform":true}"#,
            "Observation.doNotPerform",
        ),
        (r#"{"resourceType":"Condition","Verificationstatus":{}}"#, "Condition.verificationStatus"),
        (r#"{"resourceType":"Observation","status":"final","notDone":true}"#, "Observation.notDone"),
    ] {
        assert_eq!(refusal(text), (path.to_owned(), Reason::LikeModifier));
    }
}

#[test]
fn a_profile_or_number_of_another_version_is_said() {
    let with = |meta: &str| format!(r#"{{"resourceType":"Patient","meta":{{"profile":{meta}}}}}"#);
    for (profile, version) in [
        (r#"["http://hl7.org/fhir/STU3/StructureDefinition/Patient"]"#, "STU3"),
        (r#"["http://hl7.org/fhir/3.0/StructureDefinition/Patient"]"#, "STU3"),
        (
            r#"["http://a.example/x","https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-Patient-1"]"#,
            "STU3",
        ),
        (r#"["http://hl7.org/fhir/DSTU2/StructureDefinition/Patient"]"#, "DSTU2"),
        (r#"["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]"#, "R5"),
        (r#"["http://hl7.org/fhir/StructureDefinition/Patient|1.0.2"]"#, "DSTU2"),
    ] {
        let (_, remarks) = read(&with(profile)).unwrap_or_else(|e| panic!("{}", e.reason));
        assert_eq!(remarks.len(), 1, "{profile}");
        assert_eq!(remarks[0].path, "Patient.meta.profile");
        assert_eq!((remarks[0].reason, remarks[0].lost), (Reason::SaysOtherVersion(version), Lost::Nothing));
    }
    for profile in [
        r#"["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1"]"#,
        r#"["http://hl7.org/fhir/4.3/StructureDefinition/Patient"]"#,
        r#"["http://hl7.org/fhir/StructureDefinition/Patient"]"#,
    ] {
        assert_eq!(record(&with(profile)).1, [], "{profile}");
    }
    let number = |n: &str| format!(r#"{{"resourceType":"Patient","fhirVersion":"{n}"}}"#);
    assert_eq!(refusal(&number("3.0.1")), ("Patient.fhirVersion".into(), Reason::OfOtherVersion("STU3")));
    assert_eq!(refusal(&number("5.0.0")), ("Patient.fhirVersion".into(), Reason::OfOtherVersion("R5")));
    assert_eq!(refusal(&number("seven")), ("Patient.fhirVersion".into(), Reason::UnknownElement));
    assert_eq!(record(&number("4.3.0")).1, []);
}

#[test]
fn a_type_of_another_version_is_named_with_its_version() {
    for (name, version) in [
        ("MedicationOrder", "DSTU2"),
        ("ProcedureRequest", "DSTU2 and STU3"),
        ("ImagingSelection", "R5"),
        ("NutritionProduct", "R4B and R5"),
    ] {
        let text = format!(r#"{{"resourceType":"{name}"}}"#);
        assert_eq!(refusal(&text), (String::new(), Reason::TypeOfOtherVersion(name, version)));
    }
}
