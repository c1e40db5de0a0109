//! Files and resources of feeds, each with no more than it needs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::feed::File;

pub(crate) fn file(name: &str, text: String) -> File {
    File { name: name.to_owned(), bytes: text.into_bytes() }
}

pub(crate) fn bundle(name: &str, kind: &str, entries: &[(&str, Value)]) -> File {
    let entries: Vec<Value> = entries
        .iter()
        .map(|(url, resource)| {
            let mut entry = json!({"resource": resource});
            if !url.is_empty() {
                entry["fullUrl"] = json!(url);
            }
            if kind == "transaction" {
                entry["request"] = json!({"method": "POST", "url": resource["resourceType"]});
            }
            entry
        })
        .collect();
    file(name, json!({"resourceType": "Bundle", "type": kind, "entry": entries}).to_string())
}

pub(crate) fn document(name: &str, number: Option<&str>, entries: &[(&str, Value)]) -> File {
    let composition = json!({
        "resourceType": "Composition", "id": "1", "status": "final", "type": {"text": "visit"}, "date": "2026-01-01",
        "title": "visit", "author": [{"reference": "Practitioner/1"}], "subject": {"reference": "Patient/1"},
    });
    let url = if entries[0].0.is_empty() { "" } else { "Composition/1" };
    let mut all = vec![(url, composition)];
    all.extend(entries.iter().cloned());
    let mut json: Value = serde_json::from_slice(&bundle(name, "document", &all).bytes).expect("a Bundle");
    if let Some(number) = number {
        json["identifier"] = json!({"system": "urn:example:documents", "value": number});
    }
    json["timestamp"] = json!("2026-01-01T00:00:00+05:00");
    file(name, json.to_string())
}

pub(crate) fn lines(name: &str, resources: &[Value]) -> File {
    let mut text = String::new();
    for resource in resources {
        writeln!(text, "{resource}").expect("a String takes all");
    }
    file(name, text)
}

pub(crate) fn patient(id: &str, family: &str, born: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}], "birthDate": born})
}

pub(crate) fn condition(id: &str, code: &str, subject: &str) -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    json!({
        "resourceType": "Condition", "id": id, "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": code}]}, "subject": {"reference": subject},
        "recordedDate": "2024-01-05",
    })
}

pub(crate) fn observation(
    id: &str,
    patient: &str,
    version: &str,
    code: &str,
    value: &str,
    status: &str,
) -> Value {
    let value: Value = serde_json::from_str(value).expect("a number");
    let class = "http://terminology.hl7.org/CodeSystem/observation-category";
    json!({
        "resourceType": "Observation", "id": id, "meta": {"versionId": version}, "status": status,
        "category": [{"coding": [{"system": class, "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": format!("Patient/{patient}")}, "effectiveDateTime": "2024-01-01T10:00:00Z",
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "g/dL"},
    })
}

pub(crate) fn without_id(mut resource: Value) -> Value {
    resource.as_object_mut().expect("a resource").remove("id");
    resource
}
