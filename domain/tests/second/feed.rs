//! Feeds: the files of one import, with what is to come of them, written by hand.

use amanat_domain::fhir::generate::Generator;
use serde_json::{Value, json};

use crate::make::{bundle, condition, document, file, lines, observation, patient, without_id};

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
    /// The source that the operator names, for all files; else each folder is one.
    pub(crate) source: Option<&'static str>,
    /// System of identifiers that name one person.
    pub(crate) same_by: Option<&'static str>,
    /// Of every person the codes of all that is said about them: `code=value` with `HIV` and
    /// `restricted` where they are so. Nothing where the feed is too large to be written down by
    /// hand: then how many people.
    pub(crate) people: People,
}

#[derive(Clone)]
pub(crate) enum People {
    Each(&'static [&'static [&'static str]]),
    Count(usize),
    /// Nothing is taken: two people cannot be told apart.
    Refused,
}

impl File {
    /// The folder it is in.
    pub(crate) fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The same place under another name.
    pub(crate) fn beside(&self, prefix: &str) -> String {
        match self.name.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/{prefix}-{name}"),
            None => format!("{prefix}-{}", self.name),
        }
    }
}

pub(crate) const NATIONAL_ID: &str = "urn:example:national-id";

/// All feeds.
pub(crate) fn feeds() -> Vec<Feed> {
    [vec![generated()], by_url(), by_urn(), in_bundle(), by_id(), versions(), labelled(), one_person()]
        .concat()
}

fn feed(what: &'static str, files: Vec<File>, people: People) -> Feed {
    Feed { what, files, source: None, same_by: None, people }
}

const A_URN: &str = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000a";
const B_URN: &str = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000b";
const C_URN: &str = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000c";
const D_URN: &str = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000d";
const E_URN: &str = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000e";

fn aslam(id: &str) -> Value {
    patient(id, "Aslam", "1970-01-01")
}

fn bano(id: &str) -> Value {
    patient(id, "Bano", "1985-05-05")
}

/// Entries with a full URL of a server.
fn by_url() -> Vec<Feed> {
    vec![
        feed(
            "two servers with one id, relative references",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("https://a.example/fhir/Patient/1", aslam("1")),
                        ("https://a.example/fhir/Condition/7", condition("7", "44054006", "Patient/1")),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        ("https://b.example/fhir/Patient/1", bano("1")),
                        ("https://b.example/fhir/Condition/7", condition("7", "86406008", "Patient/1")),
                    ],
                ),
            ],
            People::Each(&[&["-", "44054006"], &["-", "86406008 HIV"]]),
        ),
        feed(
            "absolute references, with version, in other spellings of one base",
            vec![
                bundle("p.json", "searchset", &[("https://h.example/fhir/Patient/p1", aslam("p1"))]),
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
            People::Each(&[&["-", "38341003", "44054006", "73211009"]]),
        ),
        feed(
            "pages of a search, the patient on each",
            vec![
                bundle(
                    "1.json",
                    "searchset",
                    &[
                        ("https://h.example/fhir/Patient/p1", aslam("p1")),
                        ("https://h.example/fhir/Condition/c1", condition("c1", "44054006", "Patient/p1")),
                    ],
                ),
                bundle(
                    "2.json",
                    "searchset",
                    &[
                        ("https://h.example/fhir/Condition/c2", condition("c2", "73211009", "Patient/p1")),
                        ("https://h.example/fhir/Patient/p1", aslam("p1")),
                    ],
                ),
            ],
            People::Each(&[&["-", "44054006", "73211009"]]),
        ),
        Feed {
            source: Some("https://h.example/fhir"),
            ..feed(
                "a bulk export and a Bundle of one named server",
                vec![
                    lines("Patient.ndjson", &[aslam("p1"), bano("p2")]),
                    lines("Condition.ndjson", &[condition("c1", "44054006", "Patient/p1")]),
                    bundle(
                        "more.json",
                        "searchset",
                        &[("https://h.example/fhir/Condition/c2", condition("c2", "73211009", "Patient/p2"))],
                    ),
                ],
                People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
            )
        },
    ]
}

/// Entries with a UUID for a full URL.
fn by_urn() -> Vec<Feed> {
    vec![
        feed(
            "transactions of new resources without ids, by URN",
            vec![
                bundle(
                    "a.json",
                    "transaction",
                    &[(A_URN, without_id(aslam(""))), (B_URN, without_id(condition("", "44054006", A_URN)))],
                ),
                bundle(
                    "b.json",
                    "transaction",
                    &[(C_URN, without_id(bano(""))), (D_URN, without_id(condition("", "73211009", C_URN)))],
                ),
            ],
            People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
        ),
        feed(
            "entries by URN, references by the ids they have in their Bundle",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[(A_URN, aslam("1")), (B_URN, condition("7", "44054006", "Patient/1"))],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[(D_URN, condition("7", "73211009", "Patient/1")), (C_URN, bano("1"))],
                ),
            ],
            People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
        ),
        feed(
            "Bundles that share a patient by URN, references by id",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[(A_URN, aslam("1")), (B_URN, condition("7", "44054006", "Patient/1"))],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[(D_URN, condition("8", "73211009", "Patient/1")), (A_URN, aslam("1"))],
                ),
                bundle(
                    "c.json",
                    "collection",
                    &[(C_URN, bano("1")), (E_URN, condition("9", "38341003", "Patient/1"))],
                ),
            ],
            People::Each(&[&["-", "38341003"], &["-", "44054006", "73211009"]]),
        ),
        feed(
            "Bundles that share a patient and a condition by URN, the patient named by an id in each",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[(A_URN, aslam("1")), (B_URN, condition("7", "44054006", "Patient/1"))],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        (A_URN, aslam("1")),
                        (B_URN, condition("7", "44054006", "Patient/1")),
                        (D_URN, condition("8", "73211009", "Patient/1")),
                    ],
                ),
            ],
            People::Each(&[&["-", "44054006", "73211009"]]),
        ),
        Feed {
            source: Some("https://h.example/fhir"),
            ..feed(
                "a transaction by URN, relative references to patients of that server",
                vec![
                    lines("Patient.ndjson", &[aslam("p1"), bano("p2")]),
                    bundle(
                        "t.json",
                        "transaction",
                        &[
                            (A_URN, without_id(condition("", "44054006", "Patient/p1"))),
                            (B_URN, without_id(condition("", "73211009", "Patient/p2"))),
                        ],
                    ),
                ],
                People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
            )
        },
    ]
}

/// Entries whose names are names in their Bundle alone.
fn in_bundle() -> Vec<Feed> {
    vec![
        feed(
            "documents with ids of their own",
            vec![
                document(
                    "a.json",
                    Some("A10"),
                    &[("Patient/1", aslam("1")), ("Condition/1", condition("1", "44054006", "Patient/1"))],
                ),
                document(
                    "b.json",
                    Some("B20"),
                    &[("Patient/1", bano("1")), ("Condition/1", condition("1", "73211009", "Patient/1"))],
                ),
                document(
                    "c.json",
                    Some("C30"),
                    &[
                        ("", patient("1", "Chand", "1990-10-10")),
                        ("", condition("1", "38341003", "Patient/1")),
                    ],
                ),
            ],
            People::Each(&[&["-", "38341003"], &["-", "44054006"], &["-", "73211009"]]),
        ),
        feed(
            "documents without identifier",
            vec![
                document("a.json", None, &[("", aslam("1")), ("", condition("1", "44054006", "Patient/1"))]),
                document(
                    "b.json",
                    None,
                    &[("Patient/1", bano("1")), ("Condition/1", condition("1", "73211009", "Patient/1"))],
                ),
            ],
            People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
        ),
        feed(
            "health cards",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("resource:0", without_id(aslam(""))),
                        ("resource:1", without_id(condition("", "44054006", "resource:0"))),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        ("resource:0", without_id(bano(""))),
                        ("resource:1", without_id(condition("", "73211009", "resource:0"))),
                    ],
                ),
            ],
            People::Each(&[&["-", "44054006"], &["-", "73211009"]]),
        ),
        feed(
            "Bundles without full URLs, of nobody knows which server",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[("", aslam("1")), ("", condition("7", "44054006", "Patient/1"))],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[("", condition("7", "86406008", "Patient/1")), ("", bano("1"))],
                ),
            ],
            People::Each(&[&["-", "44054006"], &["-", "86406008 HIV"]]),
        ),
    ]
}

/// Resources with nothing but an id.
fn by_id() -> Vec<Feed> {
    vec![
        feed(
            "a bulk export, a file a type",
            vec![
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
                lines("Patient.ndjson", &[aslam("p1"), bano("p2")]),
            ],
            People::Each(&[&["-", "44054006", "718-7=14000000"], &["-", "718-7=9000000", "86406008 HIV"]]),
        ),
        feed(
            "bulk exports of two servers with one id, each in its folder",
            vec![
                lines("a/Patient.ndjson", &[aslam("1")]),
                lines("a/Condition.ndjson", &[condition("7", "44054006", "Patient/1")]),
                lines("b/Condition.ndjson", &[condition("7", "86406008", "Patient/1")]),
                lines("b/Patient.ndjson", &[bano("1")]),
            ],
            People::Each(&[&["-", "44054006"], &["-", "86406008 HIV"]]),
        ),
        feed(
            "bulk exports of two servers with one id, in one folder",
            vec![
                lines("Patient-a.ndjson", &[aslam("1")]),
                lines("Condition-a.ndjson", &[condition("7", "44054006", "Patient/1")]),
                lines("Condition-b.ndjson", &[condition("8", "86406008", "Patient/1")]),
                lines("Patient-b.ndjson", &[bano("1")]),
            ],
            People::Refused,
        ),
    ]
}

fn versions() -> Vec<Feed> {
    let updated = |mut resource: Value, at: &str| {
        resource["meta"] = json!({"lastUpdated": at});
        resource
    };
    let url = |n: u8| format!("https://h.example/fhir/Observation/o{n}");
    vec![
        feed(
            "versions, some newer and one taken back",
            vec![
                bundle(
                    "v1.json",
                    "collection",
                    &[
                        ("https://h.example/fhir/Patient/p1", aslam("p1")),
                        (&url(1), observation("o1", "p1", "1", "718-7", "14", "final")),
                        (&url(2), observation("o2", "p1", "9", "2345-7", "5", "final")),
                        (&url(3), observation("o3", "p1", "1", "2160-0", "1", "final")),
                    ],
                ),
                bundle(
                    "v2.json",
                    "collection",
                    &[
                        (&url(1), observation("o1", "p1", "2", "718-7", "9", "corrected")),
                        (&url(2), observation("o2", "p1", "10", "2345-7", "6", "amended")),
                        (&url(3), observation("o3", "p1", "2", "2160-0", "1", "entered-in-error")),
                    ],
                ),
            ],
            People::Each(&[&["-", "2345-7=6000000", "718-7=9000000"]]),
        ),
        feed(
            "versions by time alone, in other zones",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("https://h.example/fhir/Patient/p1", aslam("p1")),
                        (
                            &url(1),
                            updated(
                                observation("o1", "p1", "", "718-7", "9", "final"),
                                "2024-01-02T01:00:00+05:00",
                            ),
                        ),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[(
                        &url(1),
                        updated(observation("o1", "p1", "", "718-7", "14", "final"), "2024-01-01T23:00:00Z"),
                    )],
                ),
            ],
            People::Each(&[&["-", "718-7=14000000"]]),
        ),
        feed(
            "versions of one second, by its fraction",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("https://h.example/fhir/Patient/p1", aslam("p1")),
                        (
                            &url(1),
                            updated(
                                observation("o1", "p1", "", "718-7", "14", "final"),
                                "2024-01-01T23:00:00.1Z",
                            ),
                        ),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[(
                        &url(1),
                        updated(
                            observation("o1", "p1", "", "718-7", "9", "final"),
                            "2024-01-02T04:00:00.099999+05:00",
                        ),
                    )],
                ),
            ],
            People::Each(&[&["-", "718-7=14000000"]]),
        ),
        feed(
            "a history, the newest first",
            vec![
                bundle(
                    "history.json",
                    "history",
                    &[
                        (&url(1), observation("o1", "p1", "3", "718-7", "11", "amended")),
                        (&url(1), observation("o1", "p1", "2", "718-7", "9", "corrected")),
                        (&url(1), observation("o1", "p1", "1", "718-7", "14", "final")),
                    ],
                ),
                bundle("patient.json", "collection", &[("https://h.example/fhir/Patient/p1", aslam("p1"))]),
            ],
            People::Each(&[&["-", "718-7=11000000"]]),
        ),
    ]
}

/// Labels of a Bundle, on what is in it and beside it.
fn labelled() -> Vec<Feed> {
    let with = |labels: Value, file: File| {
        let mut json: Value = serde_json::from_slice(&file.bytes).expect("a Bundle");
        json["meta"] = json!({"security": labels});
        File { bytes: json.to_string().into_bytes(), ..file }
    };
    let with_composition = |labels: Value, confidentiality: &str, file: File| {
        let mut json: Value = serde_json::from_slice(&file.bytes).expect("a Bundle");
        json["entry"][0]["resource"]["meta"] = json!({"security": labels});
        json["entry"][0]["resource"]["confidentiality"] = json!(confidentiality);
        File { bytes: json.to_string().into_bytes(), ..file }
    };
    let level = |code: &str| json!({"system": crate::table::CONFIDENTIALITY, "code": code});
    let hiv = json!({"system": crate::table::ACT_CODE, "code": "HIV"});
    vec![
        feed(
            "a labelled Bundle, and one of its entries without labels elsewhere",
            vec![
                with(
                    json!([level("V"), &hiv]),
                    bundle(
                        "a.json",
                        "collection",
                        &[
                            ("https://h.example/fhir/Condition/1", condition("1", "44054006", "Patient/p1")),
                            ("https://h.example/fhir/Condition/2", condition("2", "73211009", "Patient/p1")),
                        ],
                    ),
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        ("https://h.example/fhir/Patient/p1", aslam("p1")),
                        ("https://h.example/fhir/Condition/2", condition("2", "73211009", "Patient/p1")),
                        ("https://h.example/fhir/Condition/3", condition("3", "38341003", "Patient/p1")),
                    ],
                ),
            ],
            People::Each(&[&[
                "-",
                "38341003",
                "44054006 HIV very restricted",
                "73211009 HIV very restricted",
            ]]),
        ),
        feed(
            "a labelled document",
            vec![with(
                json!([level("R")]),
                document(
                    "d.json",
                    Some("D40"),
                    &[("Patient/1", aslam("1")), ("Condition/1", condition("1", "44054006", "Patient/1"))],
                ),
            )],
            People::Each(&[&["- restricted", "44054006 restricted"]]),
        ),
        feed(
            "a document of which the Composition is labelled",
            vec![with_composition(
                json!([hiv]),
                "V",
                document(
                    "d.json",
                    Some("D41"),
                    &[("Patient/1", aslam("1")), ("Condition/1", condition("1", "44054006", "Patient/1"))],
                ),
            )],
            People::Each(&[&["- HIV very restricted", "44054006 HIV very restricted"]]),
        ),
    ]
}

fn one_person() -> Vec<Feed> {
    let known = |number: &str, mut patient: Value| {
        patient["identifier"] = json!([{"system": NATIONAL_ID, "value": number}]);
        patient
    };
    let mut contained = condition("c1", "44054006", "#p");
    contained["contained"] = json!([without_id(known("00000-1", aslam("")))]);
    contained["contained"][0]["id"] = json!("p");
    let mut identified = condition("c2", "73211009", "");
    identified["subject"] = json!({"identifier": {"system": NATIONAL_ID, "value": "00000-1"}});
    let two_hospitals = |people| {
        feed(
            "one person at two hospitals",
            vec![
                bundle(
                    "a.json",
                    "collection",
                    &[
                        ("https://a.example/fhir/Patient/1", known("00000-1", aslam("1"))),
                        ("https://a.example/fhir/Condition/7", condition("7", "44054006", "Patient/1")),
                    ],
                ),
                bundle(
                    "b.json",
                    "collection",
                    &[
                        ("https://b.example/fhir/Patient/9", known("00000-1", aslam("9"))),
                        ("https://b.example/fhir/Patient/1", known("00000-2", bano("1"))),
                        ("https://b.example/fhir/Condition/7", condition("7", "86406008", "Patient/9")),
                    ],
                ),
            ],
            people,
        )
    };
    vec![
        two_hospitals(People::Each(&[&["-", "44054006"], &["-", "86406008 HIV"], &["-"]])),
        Feed {
            same_by: Some(NATIONAL_ID),
            ..two_hospitals(People::Each(&[&["-", "-", "44054006", "86406008 HIV"], &["-"]]))
        },
        Feed {
            same_by: Some(NATIONAL_ID),
            ..feed(
                "a patient contained, and one named by an identifier alone",
                vec![
                    bundle(
                        "c.json",
                        "collection",
                        &[
                            ("https://h.example/fhir/Condition/c1", contained),
                            ("https://h.example/fhir/Condition/c2", identified),
                        ],
                    ),
                    bundle(
                        "p.json",
                        "collection",
                        &[
                            ("https://h.example/fhir/Patient/1", known("00000-1", aslam("1"))),
                            ("https://h.example/fhir/Patient/2", known("00000-2", bano("2"))),
                        ],
                    ),
                ],
                People::Each(&[&["-", "44054006", "73211009"], &["-"]]),
            )
        },
    ]
}

fn generated() -> Feed {
    let generator = Generator::new(12);
    let mut files = vec![file("organisations.json", generator.organisations())];
    files.extend((0..3).map(|n| file(&format!("patient-{n}.json"), generator.patient(n))));
    feed("generated data", files, People::Count(3))
}
