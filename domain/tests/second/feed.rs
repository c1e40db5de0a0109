//! Feeds: the files of one import, with what is to come of them, written by hand.

use std::fmt::Write;

use amanat_domain::fhir::generate::Generator;
use serde_json::{Value, json};

/// One file of an import.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The files of one import.
#[derive(Clone)]
pub(crate) struct Feed {
    pub(crate) what: &'static str,
    pub(crate) files: Vec<File>,
    /// System of identifiers that name one person.
    pub(crate) same_by: Option<&'static str>,
    /// Of every person the codes of all that is said about them, `code=value` where there is a value; sorted, as are the people.
    /// Nothing where the feed is too large to be written down by hand: then how many people.
    pub(crate) people: People,
}

#[derive(Clone)]
pub(crate) enum People {
    Each(&'static [&'static [&'static str]]),
    Count(usize),
}

const MRN: &str = "urn:example:national-id";

/// All feeds.
pub(crate) fn feeds() -> Vec<Feed> {
    vec![
        generated(),
        Feed {
            what: "two servers with one id, relative references",
            files: vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("https://a.example/fhir/Patient/1", patient("1", "Aslam", "1970-01-01")),
                        ("https://a.example/fhir/Condition/7", condition("7", "44054006", "Patient/1")),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        ("https://b.example/fhir/Patient/1", patient("1", "Bano", "1985-05-05")),
                        ("https://b.example/fhir/Condition/7", condition("7", "86406008", "Patient/1")),
                    ],
                ),
            ],
            same_by: None,
            people: People::Each(&[&["-", "44054006"], &["-", "86406008"]]),
        },
        Feed {
            what: "transactions of new resources without ids, by URN",
            files: vec![
                bundle(
                    "a.json",
                    "transaction",
                    &[
                        (
                            "urn:uuid:0b8a54c8-0000-4000-8000-00000000000a",
                            without_id(patient("", "Aslam", "1970-01-01")),
                        ),
                        (
                            "urn:uuid:0b8a54c8-0000-4000-8000-00000000000b",
                            without_id(condition(
                                "",
                                "44054006",
                                "urn:uuid:0b8a54c8-0000-4000-8000-00000000000a",
                            )),
                        ),
                    ],
                ),
                bundle(
                    "b.json",
                    "transaction",
                    &[
                        (
                            "urn:uuid:0b8a54c8-0000-4000-8000-00000000001a",
                            without_id(patient("", "Bano", "1985-05-05")),
                        ),
                        (
                            "urn:uuid:0b8a54c8-0000-4000-8000-00000000001b",
                            without_id(condition(
                                "",
                                "73211009",
                                "urn:uuid:0b8a54c8-0000-4000-8000-00000000001a",
                            )),
                        ),
                    ],
                ),
            ],
            same_by: None,
            people: People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
        },
        Feed {
            what: "documents whose ids are names in each document alone",
            files: vec![
                document(
                    "a.json",
                    "A10",
                    &[
                        ("Patient/1", patient("1", "Aslam", "1970-01-01")),
                        ("Condition/1", condition("1", "44054006", "Patient/1")),
                    ],
                ),
                document(
                    "b.json",
                    "B20",
                    &[
                        ("Patient/1", patient("1", "Bano", "1985-05-05")),
                        ("Condition/1", condition("1", "73211009", "Patient/1")),
                    ],
                ),
                document(
                    "c.json",
                    "C30",
                    &[
                        ("", patient("1", "Chand", "1990-10-10")),
                        ("", condition("1", "38341003", "Patient/1")),
                    ],
                ),
            ],
            same_by: None,
            people: People::Each(&[&["-", "38341003"], &["-", "44054006"], &["-", "73211009"]]),
        },
        Feed {
            what: "health cards",
            files: vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("resource:0", without_id(patient("", "Aslam", "1970-01-01"))),
                        ("resource:1", without_id(condition("", "44054006", "resource:0"))),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        ("resource:0", without_id(patient("", "Bano", "1985-05-05"))),
                        ("resource:1", without_id(condition("", "73211009", "resource:0"))),
                    ],
                ),
            ],
            same_by: None,
            people: People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
        },
        Feed {
            what: "a bulk export, a file a type",
            files: vec![
                lines(
                    "Observation.ndjson",
                    &[
                        observation("o1", "p1", "1", "718-7", "14", "final"),
                        observation("o2", "p2", "1", "718-7", "9", "final"),
                    ],
                ),
                lines(
                    "Condition.ndjson",
                    &[condition("c1", "44054006", "Patient/p1"), condition("c2", "86406008", "Patient/p2")],
                ),
                lines(
                    "Patient.ndjson",
                    &[patient("p1", "Aslam", "1970-01-01"), patient("p2", "Bano", "1985-05-05")],
                ),
            ],
            same_by: None,
            people: People::Each(&[
                &["-", "44054006", "718-7=14000000"],
                &["-", "718-7=9000000", "86406008"],
            ]),
        },
        Feed {
            what: "versions, some newer and one taken back",
            files: vec![
                bundle(
                    "v1.json",
                    "collection",
                    &[
                        ("https://h.example/fhir/Patient/p1", patient("p1", "Aslam", "1970-01-01")),
                        (
                            "https://h.example/fhir/Observation/o1",
                            observation("o1", "p1", "1", "718-7", "14", "final"),
                        ),
                        (
                            "https://h.example/fhir/Observation/o2",
                            observation("o2", "p1", "9", "2345-7", "5", "final"),
                        ),
                        (
                            "https://h.example/fhir/Observation/o3",
                            observation("o3", "p1", "1", "2160-0", "1", "final"),
                        ),
                    ],
                ),
                bundle(
                    "v2.json",
                    "collection",
                    &[
                        (
                            "https://h.example/fhir/Observation/o1",
                            observation("o1", "p1", "2", "718-7", "9", "corrected"),
                        ),
                        (
                            "https://h.example/fhir/Observation/o2",
                            observation("o2", "p1", "10", "2345-7", "6", "amended"),
                        ),
                        (
                            "https://h.example/fhir/Observation/o3",
                            observation("o3", "p1", "2", "2160-0", "1", "entered-in-error"),
                        ),
                    ],
                ),
            ],
            same_by: None,
            people: People::Each(&[&["-", "2345-7=6000000", "718-7=9000000"]]),
        },
        Feed {
            what: "absolute references, with version, in other spellings of one base",
            files: vec![
                bundle(
                    "p.json",
                    "searchset",
                    &[("https://h.example/fhir/Patient/p1", patient("p1", "Aslam", "1970-01-01"))],
                ),
                bundle(
                    "c.json",
                    "searchset",
                    &[
                        (
                            "https://h.example/fhir/Condition/c1",
                            condition("c1", "44054006", "https://h.example/fhir/Patient/p1"),
                        ),
                        (
                            "https://h.example/fhir/Condition/c2",
                            condition("c2", "73211009", "http://h.example/fhir/Patient/p1/_history/3"),
                        ),
                        (
                            "https://H.example/fhir/Condition/c3",
                            condition("c3", "38341003", "Patient/p1/_history/2"),
                        ),
                    ],
                ),
            ],
            same_by: None,
            people: People::Each(&[&["-", "38341003", "44054006", "73211009"]]),
        },
        two_hospitals(None, &[&["-", "44054006"], &["-", "86406008"], &["-"]]),
        two_hospitals(Some(MRN), &[&["-", "-", "44054006", "86406008"], &["-"]]),
    ]
}

fn generated() -> Feed {
    let generator = Generator::new(12);
    let mut files = vec![file("organisations.json", generator.organisations())];
    files.extend((0..3).map(|n| file(&format!("patient-{n}.json"), generator.patient(n))));
    Feed { what: "generated data", files, same_by: None, people: People::Count(3) }
}

/// One person at two hospitals, who share a national id; and another person of the second hospital.
fn two_hospitals(same_by: Option<&'static str>, people: &'static [&'static [&'static str]]) -> Feed {
    let known = |mut patient: Value, number: &str| {
        patient["identifier"] = json!([{"system": MRN, "value": number}]);
        patient
    };
    Feed {
        what: "one person at two hospitals",
        files: vec![
            bundle(
                "a.json",
                "collection",
                &[
                    (
                        "https://a.example/fhir/Patient/1",
                        known(patient("1", "Aslam", "1970-01-01"), "00000-1"),
                    ),
                    ("https://a.example/fhir/Condition/7", condition("7", "44054006", "Patient/1")),
                ],
            ),
            bundle(
                "b.json",
                "collection",
                &[
                    (
                        "https://b.example/fhir/Patient/9",
                        known(patient("9", "Aslam", "1970-01-01"), "00000-1"),
                    ),
                    (
                        "https://b.example/fhir/Patient/1",
                        known(patient("1", "Bano", "1985-05-05"), "00000-2"),
                    ),
                    ("https://b.example/fhir/Condition/7", condition("7", "86406008", "Patient/9")),
                ],
            ),
        ],
        same_by,
        people: People::Each(people),
    }
}

pub(crate) fn file(name: &str, text: String) -> File {
    File { name: name.to_owned(), bytes: text.into_bytes() }
}

fn bundle(name: &str, kind: &str, entries: &[(&str, Value)]) -> File {
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

fn document(name: &str, number: &str, entries: &[(&str, Value)]) -> File {
    let composition = json!({
        "resourceType": "Composition", "id": "1", "status": "final", "type": {"text": "visit"}, "date": "2026-01-01",
        "title": "visit", "author": [{"reference": "Practitioner/1"}], "subject": {"reference": "Patient/1"},
    });
    let url = if entries[0].0.is_empty() { "" } else { "Composition/1" };
    let mut all = vec![(url, composition)];
    all.extend(entries.iter().cloned());
    let mut json: Value = serde_json::from_slice(&bundle(name, "document", &all).bytes).expect("a Bundle");
    json["identifier"] = json!({"system": "urn:example:documents", "value": number});
    json["timestamp"] = json!("2026-01-01T00:00:00+05:00");
    file(name, json.to_string())
}

fn lines(name: &str, resources: &[Value]) -> File {
    let mut text = String::new();
    for resource in resources {
        writeln!(text, "{resource}").expect("a String takes all");
    }
    file(name, text)
}

fn patient(id: &str, family: &str, born: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}], "birthDate": born})
}

fn condition(id: &str, code: &str, subject: &str) -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    json!({
        "resourceType": "Condition", "id": id, "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": code}]}, "subject": {"reference": subject},
        "recordedDate": "2024-01-05",
    })
}

fn observation(id: &str, patient: &str, version: &str, code: &str, value: &str, status: &str) -> Value {
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

fn without_id(mut resource: Value) -> Value {
    resource.as_object_mut().expect("a resource").remove("id");
    resource
}
