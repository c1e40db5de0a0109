//! Modifier elements: each is in the status leaf, takes the resource back or refuses it; none is
//! passed over.

use amanat_domain::fhir::extract::modifiers::{ANYWHERE, Effect, of_type};
use amanat_domain::fhir::{Lost, Reason, supported_type, type_name};
use amanat_domain::record::ResourceType;

use crate::single::{read, record, refusal};

const TYPES: [ResourceType; 17] = [
    ResourceType::Patient,
    ResourceType::Encounter,
    ResourceType::Condition,
    ResourceType::Observation,
    ResourceType::Procedure,
    ResourceType::MedicationRequest,
    ResourceType::Immunization,
    ResourceType::AllergyIntolerance,
    ResourceType::DiagnosticReport,
    ResourceType::Claim,
    ResourceType::ExplanationOfBenefit,
    ResourceType::Coverage,
    ResourceType::Consent,
    ResourceType::Practitioner,
    ResourceType::PractitionerRole,
    ResourceType::Organization,
    ResourceType::Device,
];

/// A resource whose modifiers are ordinary, except one, which is the given JSON.
fn with(resource_type: ResourceType, element: &str, given: &str) -> String {
    let ordinary: &[(&str, &str)] = match resource_type {
        ResourceType::Encounter => &[("status", "\"finished\"")],
        ResourceType::Observation | ResourceType::DiagnosticReport => &[("status", "\"final\"")],
        ResourceType::Procedure | ResourceType::Immunization => &[("status", "\"completed\"")],
        ResourceType::MedicationRequest => &[("status", "\"active\""), ("intent", "\"order\"")],
        ResourceType::Claim | ResourceType::ExplanationOfBenefit => {
            &[("status", "\"active\""), ("use", "\"claim\"")]
        }
        ResourceType::Consent => {
            &[("status", "\"active\""), ("scope", "{\"coding\":[{\"code\":\"patient-privacy\"}]}")]
        }
        ResourceType::Coverage | ResourceType::Device => &[("status", "\"active\"")],
        _ => &[],
    };
    let mut text = format!("{{\"resourceType\":\"{}\"", type_name(resource_type));
    for (key, json) in ordinary.iter().filter(|(key, _)| *key != element) {
        text.push_str(&format!(",\"{key}\":{json}"));
    }
    format!("{text},{given}}}")
}

/// A value of an element as R4 writes it.
fn written(element: &str, value: &str) -> String {
    match (element, value) {
        ("deceased[x]", "a date") => "\"deceasedDateTime\":\"2020-01-01\"".to_owned(),
        ("deceased[x]", flag) => format!("\"deceasedBoolean\":{flag}"),
        ("link", code) => {
            format!("\"link\":[{{\"other\":{{\"reference\":\"Patient/2\"}},\"type\":\"{code}\"}}]")
        }
        ("focus", _) => "\"focus\":[{\"reference\":\"Group/1\"}]".to_owned(),
        ("provision.type", code) => format!("\"provision\":{{\"type\":\"{code}\"}}"),
        ("active" | "doNotPerform" | "isSubpotent", flag) => format!("\"{element}\":{flag}"),
        ("scope" | "clinicalStatus" | "verificationStatus", code) => {
            format!("\"{element}\":{{\"coding\":[{{\"code\":\"{code}\"}}]}}")
        }
        (_, code) => format!("\"{element}\":\"{code}\""),
    }
}

#[test]
fn every_element_that_r4_marks_as_a_modifier_is_in_our_tables() {
    let listed: Vec<&str> = include_str!("r4_modifiers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(" http://hl7.org/fhir/R4/").expect("an element and its source").0)
        .collect();
    let mut ours: Vec<String> = Vec::new();
    for resource_type in TYPES {
        let marked = of_type(resource_type).iter().filter(|m| m.marked);
        ours.extend(marked.map(|m| format!("{}.{}", type_name(resource_type), m.element)));
    }
    for element in &listed {
        let (of, name) = element.split_once('.').expect("a type and an element");
        if supported_type(of).is_some() {
            assert!(ours.iter().any(|o| o == element), "{element}");
        } else {
            let anywhere = |(e, _): &&(&str, &str)| e == element || (of.ends_with("Resource") && *e == name);
            assert!(ANYWHERE.iter().find(anywhere).is_some(), "{element}");
        }
    }
    for element in ours {
        assert!(listed.contains(&element.as_str()), "{element} is not marked by R4");
    }
}

#[test]
fn every_value_does_what_its_table_says() {
    let mut tried = 0;
    for resource_type in TYPES {
        for modifier in of_type(resource_type) {
            for (value, effect) in modifier.values {
                let text = with(resource_type, modifier.element, &written(modifier.element, value));
                let words = |text: &str| -> Vec<String> {
                    let status = record(text).0.status.unwrap_or_default();
                    status.split('/').map(str::to_owned).collect()
                };
                match effect {
                    Effect::Word(word) => {
                        assert!(words(&text).iter().any(|w| w == word), "{text}");
                    }
                    Effect::Ordinary => {
                        assert!(words(&text).iter().all(|w| w != value), "{text}");
                    }
                    Effect::TakesBack => {
                        let (resource, _) = read(&text).unwrap_or_else(|_| panic!("{text}"));
                        assert_eq!(resource.retracted, Some(*value), "{text}");
                        assert!(resource.records.is_empty(), "{text}");
                    }
                    Effect::Refused(reason) => {
                        let (path, why) = refusal(&text);
                        assert!(path.contains(modifier.element) && why == *reason, "{path}: {text}");
                    }
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 120, "{tried} values");
}

#[test]
fn a_modifier_that_is_there_and_not_understood_refuses_the_resource() {
    for resource_type in TYPES {
        for modifier in of_type(resource_type) {
            let element = modifier.element;
            if element == "focus" || element == "scope" {
                continue;
            }
            let odd = match element {
                "deceased[x]" => {
                    vec!["\"deceasedBoolean\":\"yes\"", "\"_deceasedBoolean\":{\"extension\":[]}"]
                }
                "link" => vec!["\"link\":{}", "\"link\":[{}]", "\"link\":[{\"type\":\"REPLACED-BY\"}]"],
                "provision.type" => vec!["\"provision\":{\"type\":\"DENY\"}", "\"provision\":{\"type\":1}"],
                _ => vec![],
            };
            let mut given: Vec<String> = odd.into_iter().map(str::to_owned).collect();
            if given.is_empty() {
                given.push(format!("\"{element}\":7"));
                given.push(format!("\"{element}\":\"Entered-In-Error\""));
                given.push(format!("\"{element}\":{{\"text\":\"entered in error\"}}"));
                given.push(format!("\"{element}\":[\"entered-in-error\"]"));
                given.push(format!(
                    "\"_{element}\":{{\"extension\":[{{\"url\":\"u\",\"valueCode\":\"unknown\"}}]}}"
                ));
                given.push(format!("\"{element}\":null,\"_{element}\":{{\"id\":\"a\"}}"));
            }
            for given in given {
                let text = with(resource_type, element, &given);
                let (path, _) = refusal(&text);
                let name = element.split(['.', '[']).next().unwrap_or_default();
                assert!(path.contains(name), "{path}: {text}");
            }
        }
    }
}

#[test]
fn negations_stand_in_the_status_leaf_in_a_fixed_order() {
    let status = |text: &str| record(text).0.status.unwrap_or_default();
    for (text, leaf) in [
        (
            r#"{"resourceType":"MedicationRequest","doNotPerform":true,"intent":"order","status":"active"}"#,
            "active/do-not-perform",
        ),
        (
            r#"{"resourceType":"MedicationRequest","doNotPerform":true,"intent":"proposal","status":"active"}"#,
            "active/proposal/do-not-perform",
        ),
        (
            r#"{"resourceType":"MedicationRequest","doNotPerform":false,"intent":"order","status":"active"}"#,
            "active",
        ),
        (r#"{"resourceType":"MedicationRequest","doNotPerform":true,"intent":"order"}"#, "/do-not-perform"),
        (r#"{"resourceType":"Claim","status":"active","use":"predetermination"}"#, "active/predetermination"),
        (r#"{"resourceType":"Claim","status":"active","use":"claim"}"#, "active"),
        (r#"{"resourceType":"Patient","active":true,"deceasedBoolean":true}"#, "active/deceased"),
        (r#"{"resourceType":"Patient","deceasedDateTime":"not a date"}"#, "/deceased"),
        (r#"{"resourceType":"Patient","active":false,"deceasedBoolean":false}"#, "inactive"),
        (r#"{"resourceType":"Immunization","status":"completed","isSubpotent":true}"#, "completed/subpotent"),
        (r#"{"resourceType":"Immunization","status":"not-done"}"#, "not-done"),
        (
            r#"{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"refuted"}]}}"#,
            "active/refuted",
        ),
        (
            r#"{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"confirmed"}]}}"#,
            "/confirmed",
        ),
        (
            r#"{"resourceType":"Observation","status":"final","focus":[{"reference":"Patient/3"}]}"#,
            "final/focus",
        ),
        (
            r#"{"resourceType":"Consent","status":"active","scope":{"text":"mine"},"provision":{"type":"deny"}}"#,
            "active/other-scope/deny",
        ),
    ] {
        assert_eq!(status(text), leaf, "{text}");
    }
}

#[test]
fn what_is_taken_back_has_no_record_whatever_else_it_says() {
    for (text, by) in [
        (
            r#"{"resourceType":"Observation","status":"entered-in-error","valueQuantity":{"value":14},"component":[{"valueInteger":1}]}"#,
            "entered-in-error",
        ),
        (r#"{"resourceType":"Procedure","status":"nullified"}"#, "nullified"),
        (r#"{"resourceType":"Immunization","status":"cancelled","wasNotGiven":false}"#, "cancelled"),
        (
            r#"{"resourceType":"MedicationRequest","status":"cancelled","doNotPerform":"perhaps"}"#,
            "cancelled",
        ),
        (
            r#"{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"confirmed"},{"code":"entered-in-error"}]}}"#,
            "entered-in-error",
        ),
        (
            r#"{"resourceType":"AllergyIntolerance","verificationStatus":{"coding":[{"code":"entered-in-error"},{"code":"confirmed"}]}}"#,
            "entered-in-error",
        ),
    ] {
        let (resource, _) = read(text).unwrap_or_else(|e| panic!("{}: {text}", e.reason));
        assert_eq!(resource.retracted, Some(by), "{text}");
        assert!(resource.records.is_empty(), "{text}");
    }
    // `cancelled` is a state; as another element's code it is none.
    let text = r#"{"resourceType":"MedicationRequest","status":"active","intent":"cancelled"}"#;
    assert_eq!(refusal(text), ("MedicationRequest.intent".into(), Reason::UnknownCode));
}

#[test]
fn a_status_in_two_codes_that_differ_is_refused_and_a_translation_is_not() {
    let condition = |codings: &str| {
        format!(r#"{{"resourceType":"Condition","clinicalStatus":{{"coding":[{codings}]}}}}"#)
    };
    let hl7 = r#"{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"resolved"}"#;
    let own = r#"{"system":"urn:hospital:status","code":"active"}"#;
    assert_eq!(record(&condition(&format!("{own},{hl7}"))).0.status.as_deref(), Some("resolved"));
    assert_eq!(record(&condition(&format!("{hl7},{hl7}"))).0.status.as_deref(), Some("resolved"));
    let two = condition(&format!(r#"{hl7},{{"code":"active"}}"#));
    assert_eq!(refusal(&two), ("Condition.clinicalStatus".into(), Reason::Contradiction));
    assert_eq!(refusal(&condition(own)), ("Condition.clinicalStatus".into(), Reason::UnknownCode));
}

#[test]
fn a_required_status_that_is_missing_is_said_and_nothing_is_lost_by_it() {
    for text in [
        r#"{"resourceType":"Observation"}"#,
        r#"{"resourceType":"Observation","status":null}"#,
        r#"{"resourceType":"Claim","use":"claim"}"#,
    ] {
        let (resource, remarks) = read(text).unwrap_or_else(|e| panic!("{}", e.reason));
        assert_eq!(remarks.len(), 1, "{text}");
        assert!(remarks[0].path.ends_with(".status") && remarks[0].reason == Reason::Missing);
        assert_eq!(remarks[0].lost, Lost::Nothing);
        assert_eq!(resource.records[0].status, None);
    }
    let (_, remarks) = record(r#"{"resourceType":"MedicationRequest","status":"active"}"#);
    assert_eq!(remarks, [("MedicationRequest.intent".into(), Reason::Missing)]);
}

#[test]
fn a_replaced_patient_and_rules_in_a_contained_resource_are_refused() {
    let replaced = r#"{"resourceType":"Patient","link":[{"other":{"reference":"Patient/2"},"type":"seealso"},{"other":{"reference":"Patient/3"},"type":"replaced-by"}]}"#;
    assert_eq!(refusal(replaced), ("Patient.link".into(), Reason::Replaced));
    let rules =
        r#"{"resourceType":"Condition","contained":[{"resourceType":"Patient","implicitRules":"u"}]}"#;
    assert_eq!(refusal(rules), ("Condition.contained.implicitRules".into(), Reason::Modifier));
    let hidden = r#"{"resourceType":"Condition","_implicitRules":{"extension":[]}}"#;
    assert_eq!(refusal(hidden), ("Condition.implicitRules".into(), Reason::Modifier));
    let extended = r#"{"resourceType":"Condition","contained":[{"resourceType":"Patient","modifierExtension":[{"url":"u"}]}]}"#;
    assert_eq!(refusal(extended), ("Condition.contained..modifierExtension".into(), Reason::Modifier));
}

#[test]
fn no_value_is_taken_where_another_element_takes_it_back() {
    let observation = |rest: &str| format!(r#"{{"resourceType":"Observation","status":"final",{rest}}}"#);
    for (rest, path, reason) in [
        (
            r#""valueQuantity":{"value":5},"dataAbsentReason":{"text":"no"}"#,
            "Observation.value[x]",
            Reason::TakenBack("dataAbsentReason"),
        ),
        (
            r#""valueQuantity":{"value":5},"valueString":"none""#,
            "Observation.value[x]",
            Reason::Contradiction,
        ),
        (r#""valueQuantity":{"value":5},"valueInteger":6"#, "Observation.value[x]", Reason::Contradiction),
        (
            r#""valueQuantity":{"value":5,"_comparator":{"extension":[]}}"#,
            "Observation.valueQuantity.comparator",
            Reason::Comparator,
        ),
    ] {
        let (record, remarks) = record(&observation(rest));
        assert!(record.value.is_none() && record.unit.is_none(), "{rest}");
        assert_eq!(remarks, [(path.to_owned(), reason)]);
    }
    let panel = observation(
        r#""component":[{"valueInteger":1,"dataAbsentReason":{"text":"no"}},{"valueInteger":2}]"#,
    );
    let (resource, remarks) = read(&panel).unwrap_or_else(|e| panic!("{}", e.reason));
    assert!(resource.records[1].value.is_none() && resource.records[2].value.is_some());
    assert_eq!(remarks[0].path, "Observation.component[0].value[x]");
    let (given, remarks) =
        record(r#"{"resourceType":"Immunization","status":"not-done","doseQuantity":{"value":1}}"#);
    assert!(given.value.is_none());
    assert_eq!(remarks, [("Immunization.doseQuantity".into(), Reason::TakenBack("status"))]);
    let (benefit, remarks) = record(
        r#"{"resourceType":"ExplanationOfBenefit","status":"active","use":"claim","outcome":"queued","payment":{"amount":{"value":5,"currency":"USD"}}}"#,
    );
    assert!(benefit.amount.is_none());
    assert_eq!(remarks, [("ExplanationOfBenefit.total".into(), Reason::TakenBack("outcome"))]);
}

#[test]
fn nobody_is_known_by_an_identifier_that_is_old_or_temporary() {
    let text =
        r#"{"resourceType":"Condition","subject":{"identifier":{"use":"old","system":"s","value":"1"}}}"#;
    let (resource, remarks) = read(text).unwrap_or_else(|e| panic!("{}", e.reason));
    assert!(resource.subject.is_some_and(|s| s.literal.is_none() && s.identifiers.is_empty()));
    assert!(remarks[0].reason == Reason::NotLasting && remarks[0].lost == Lost::Nothing);
    let text = r#"{"resourceType":"Patient","identifier":[{"use":"temp","value":"1"},{"use":"official","value":"2"},{"value":"3"},{"use":"OLD","value":"4"}]}"#;
    let (resource, remarks) = read(text).unwrap_or_else(|e| panic!("{}", e.reason));
    let amanat_domain::fhir::Facts::Patient(facts) = resource.facts else { panic!("facts of a patient") };
    assert_eq!(facts.identifiers, ["|2", "|3"]);
    assert_eq!(remarks.len(), 2);
}

#[test]
fn more_remarks_than_are_kept_are_said_to_be_more() {
    let parts = vec![r#"{"valueInteger":true}"#; 100].join(",");
    let text = format!(r#"{{"resourceType":"Observation","status":"final","component":[{parts}]}}"#);
    let (_, remarks) = read(&text).unwrap_or_else(|e| panic!("{}", e.reason));
    let last = remarks.last().expect("remarks");
    assert!(remarks.len() < 100 && last.path == "Observation" && last.reason == Reason::MoreRemarks);
}
