//! `amanat import` as an integration engineer uses it: exports of several servers, twice, in any
//! order; versions; what is not understood.

use crate::home::command;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::OnceLock;

/// A home directory with a ledger, thrown away.
struct Home(tempfile::TempDir);

fn amanat(home: &Path, args: &[&str]) -> Output {
    command(home, args).output().expect("the binary runs")
}

impl Home {
    /// A copy of one that was set up once.
    fn new() -> Self {
        static TEMPLATE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let out = amanat(dir.path(), &["init", "--epochs-by-hand"]);
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            dir
        });
        let home = tempfile::tempdir().expect("a temporary directory");
        for entry in std::fs::read_dir(template.path()).expect("a folder") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), home.path().join(entry.file_name())).expect("a copy");
        }
        Self(home)
    }

    /// Writes a file under `data/` and gives the path of the folder it is in.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join("data").join(name);
        let folder = path.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        folder.display().to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        amanat(self.0.path(), args)
    }

    /// Runs with this exit code; the document on standard output, what was said on standard error.
    fn json(&self, code: i32, args: &[&str]) -> (Value, String) {
        let mut all = vec!["--json"];
        all.extend_from_slice(args);
        let out = self.run(&all);
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "{args:?}: {words}");
        let document = serde_json::from_slice(&out.stdout).unwrap_or(Value::Null);
        (document, words)
    }

    fn anchor(&self, code: i32, paths: &[&str]) -> Value {
        let mut args = vec!["import", "--anchor"];
        args.extend_from_slice(paths);
        let (document, _) = self.json(code, &args);
        adds_up(&document);
        document
    }

    /// The resources of each patient that are anchored and current.
    fn vault(&self) -> BTreeMap<String, Vec<String>> {
        let (records, _) = self.json(0, &["vault", "list"]);
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in records.as_array().expect("records") {
            let text = |key: &str| record[key].as_str().expect("a text").to_owned();
            if text("state").starts_with("anchored") {
                all.entry(text("patient")).or_default().push(text("resource"));
            }
        }
        all.values_mut().for_each(|resources| resources.sort());
        all
    }
}

/// Every file and every resource is counted once.
fn adds_up(document: &Value) {
    let n = |a: &str, b: &str| document[a][b].as_u64().unwrap_or_else(|| panic!("{a}.{b}: {document}"));
    assert_eq!(n("files", "all"), n("files", "read") + n("files", "refused"), "{document}");
    let parts = ["records", "unsupported", "refused", "duplicates"].map(|part| n("resources", part));
    assert_eq!(n("resources", "all"), parts.iter().sum::<u64>(), "{document}");
}

fn patient(id: &str, family: &str, born: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}], "birthDate": born})
}

fn observation(id: &str, subject: &str, value: i64, meta: Value) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "meta": meta, "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": subject}, "effectiveDateTime": "2024-01-01T10:00:00Z",
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "g/dL"},
    })
}

/// A Bundle whose resources are of this server.
fn export(server: &str, resources: &[Value]) -> String {
    let entry = |r: &Value| {
        let name =
            format!("{}/{}", r["resourceType"].as_str().expect("a type"), r["id"].as_str().expect("an id"));
        json!({"fullUrl": format!("{server}/{name}"), "resource": r})
    };
    let entries: Vec<Value> = resources.iter().map(entry).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string()
}

const A: &str = "https://a.example/fhir";
const B: &str = "https://b.example/fhir";

fn names(server: &str, ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| format!("{server}/{id}")).collect()
}

#[test]
fn exports_of_two_servers_keep_their_patients_apart_whatever_the_order_and_how_often() {
    let home = Home::new();
    let of = |server: &str, family: &str| {
        export(server, &[patient("1", family, "1970-01-01"), observation("7", "Patient/1", 14, json!({}))])
    };
    let folder = home.file("both/z-of-a.json", &of(A, "Aslam"));
    home.file("both/a-of-b.json", &of(B, "Bano"));
    let first = home.anchor(0, &[&folder]);
    assert_eq!((first["enrolled"].as_u64(), first["anchored"].as_u64()), (Some(2), Some(4)));
    let expected: BTreeMap<String, Vec<String>> = [A, B]
        .map(|server| (format!("{server}/Patient/1"), names(server, &["Observation/7", "Patient/1"])))
        .into();
    assert_eq!(home.vault(), expected);
    // The same again, elsewhere, one file at a time: nothing changes, and it says so.
    let again = home.anchor(0, &[&folder]);
    assert_eq!(
        (again["enrolled"].as_u64(), again["anchored"].as_u64(), again["there_already"].as_u64()),
        (Some(0), Some(0), Some(4))
    );
    for (name, server, family) in [("b/x.json", B, "Bano"), ("a/x.json", A, "Aslam")] {
        let folder = home.file(name, &of(server, family));
        let out = home.run(&["import", "--anchor", &folder]);
        assert!(String::from_utf8_lossy(&out.stdout).contains("nothing has changed"));
    }
    assert_eq!(home.vault(), expected);
    // A name that matches several of them partly is refused, with the question which one is meant.
    let (_, words) = home.json(1, &["vault", "list", "--patient", "Patient/1"]);
    assert!(words.contains("may be 2 patients") && words.contains(A) && words.contains(B), "{words}");
    let (one, _) = home.json(0, &["vault", "list", "--patient", &format!("{B}/Patient/1")]);
    assert_eq!(one.as_array().map(Vec::len), Some(2));
}

#[test]
fn bulk_exports_without_a_base_are_kept_apart_by_folder_or_by_source_or_refused() {
    let home = Home::new();
    let lines = |family: &str, born: &str| {
        format!("{}\n{}\n", patient("1", family, born), observation("7", "Patient/1", 14, json!({})))
    };
    let (a, b) = (lines("Aslam", "1970-01-01"), lines("Bano", "1985-06-06"));
    let mixed = home.file("mixed/a.ndjson", &a);
    home.file("mixed/b.ndjson", &b);
    let both = home.anchor(1, &[&mixed]);
    assert_eq!(both["resources"]["refused"], 4, "{both}");
    assert!(home.vault().is_empty());
    let one = home.file("one/a.ndjson", &a);
    let two = home.file("two/b.ndjson", &b);
    let done = home.anchor(0, &[&one, &two]);
    assert_eq!((done["enrolled"].as_u64(), done["anchored"].as_u64()), (Some(2), Some(4)));
    // With a source, another folder of the same server is the same server; another person under one
    // of its ids is refused.
    for (folder, enrolled) in [(&one, 1), (&home.file("three/a.ndjson", &a), 0)] {
        let done = home.anchor(0, &[folder, "--source", "https://a.example/fhir/"]);
        assert_eq!(done["enrolled"].as_u64(), Some(enrolled));
    }
    assert!(home.vault().contains_key("https://a.example/fhir/Patient/1"));
    let (_, words) = home.json(1, &["import", "--anchor", &two, "--source", "https://a.example/fhir"]);
    assert!(words.contains("nothing was understood"), "{words}");
}

#[test]
fn a_newer_version_supersedes_an_older_never_overwrites_and_what_is_taken_back_is_no_fact() {
    let home = Home::new();
    let version = |n: &str, value: i64| {
        export(
            A,
            &[
                patient("1", "Aslam", "1970-01-01"),
                observation("7", "Patient/1", value, json!({"versionId": n})),
            ],
        )
    };
    let (one, two) = (home.file("1/x.json", &version("1", 14)), home.file("2/x.json", &version("2", 9)));
    home.anchor(0, &[&one]);
    let newer = home.anchor(0, &[&two]);
    assert_eq!((newer["anchored"].as_u64(), newer["superseded"].as_u64()), (Some(1), Some(1)));
    let older = home.anchor(0, &[&one]);
    assert_eq!((older["anchored"].as_u64(), older["older_than_anchored"].as_u64()), (Some(0), Some(1)));
    let (records, _) = home.json(0, &["vault", "list"]);
    let states: Vec<&str> =
        records.as_array().expect("records").iter().filter_map(|r| r["state"].as_str()).collect();
    assert_eq!(states[1], "superseded by 2");
    // Both in one folder, the newer read first.
    let other = Home::new();
    other.file("x/a.json", &version("2", 9));
    let folder = other.file("x/b.json", &version("1", 14));
    let done = other.anchor(0, &[&folder]);
    assert_eq!((done["anchored"].as_u64(), done["superseded"].as_u64()), (Some(2), Some(0)));
    // Taken back, even if nothing new is anchored.
    let mut error = observation("7", "Patient/1", 9, json!({"versionId": "3"}));
    error["status"] = "entered-in-error".into();
    let third = home.file("3/x.json", &export(A, &[patient("1", "Aslam", "1970-01-01"), error]));
    let done = home.anchor(0, &[&third]);
    assert_eq!((done["anchored"].as_u64(), done["taken_back"].as_u64()), (Some(0), Some(1)));
    for folder in [&two, &one, &third] {
        let again = home.anchor(0, &[folder]);
        assert_eq!((again["anchored"].as_u64(), again["taken_back"].as_u64()), (Some(0), Some(0)), "{again}");
    }
    assert_eq!(home.vault()[&format!("{A}/Patient/1")], names(A, &["Patient/1"]));
    let (_, words) = home.json(1, &["prove", "record", "--record", "1", "--dry-run"]);
    assert!(words.contains("superseded by record 2") || words.contains("too few to hide among"), "{words}");
}

#[test]
fn no_record_is_left_out_without_a_word() {
    let home = Home::new();
    let mut lines = format!("{}\n", patient("1", "Aslam", "1970-01-01"));
    for n in 0..2_100 {
        lines.push_str(&format!("{}\n", observation(&format!("o{n}"), "Patient/1", 10, json!({}))));
    }
    lines.push_str(&format!("{}\n", observation("lost", "Patient/2", 10, json!({}))));
    lines.push_str(&format!("{}\n", json!({"resourceType": "Location", "id": "l"})));
    let folder = home.file("icu/x.ndjson", &lines);
    let report = home.0.path().join("report.ndjson").display().to_string();
    let done = home.anchor(6, &[&folder, "--report", &report]);
    assert_eq!(done["anchored"].as_u64(), Some(2_101));
    assert_eq!(
        (done["resources"]["refused"].as_u64(), done["resources"]["unsupported"].as_u64()),
        (Some(1), Some(1))
    );
    let lines = std::fs::read_to_string(&report).expect("the report");
    let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let (summary, problems) = lines.split_last().expect("a summary");
    assert_eq!(summary["summary"]["resources"], done["resources"]);
    let lost = problems.iter().find(|p| p["level"] == "resource").expect("the lost one");
    assert_eq!((lost["line"].as_u64(), lost["path"].as_str()), (Some(2_102), Some("Observation.subject")));
    // Every number is a resource's: all of them are on the ledger, once.
    let again = home.anchor(6, &[&folder]);
    assert_eq!((again["anchored"].as_u64(), again["there_already"].as_u64()), (Some(0), Some(2_101)));
}

#[test]
fn the_exit_code_says_how_much_was_understood_and_flags_hold_with_anchor_too() {
    let home = Home::new();
    let mut bad = patient("1", "Aslam", "1970-13-45");
    bad["active"] = true.into();
    let folder = home.file("bad/x.json", &export(A, &[bad, observation("7", "Patient/1", 14, json!({}))]));
    for anchor in [&[][..], &["--anchor"]] {
        let with = |more: &[&str]| -> Vec<String> {
            ["import", &folder].iter().chain(anchor).chain(more).map(ToString::to_string).collect()
        };
        let run = |code: i32, more: &[&str]| {
            let args = with(more);
            home.json(code, &args.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let (_, words) = run(1, &["--strict"]);
        assert!(words.contains("Patient.birthDate") && words.contains("--strict"), "{words}");
        let (_, words) = run(1, &["--max-resource", "50"]);
        assert!(words.contains("nothing was understood"), "{words}");
        let (document, _) = run(6, &["--problems", "0"]);
        assert_eq!(document["first_problems"].as_array().map(Vec::len), Some(0));
        run(0, &["--fail-on", "resource"]);
        if anchor.is_empty() {
            assert!(!home.0.path().join("vault.redb").exists());
        }
    }
    assert_eq!(home.vault().len(), 1);
    // What is no problem on a real export does not stop a strict one.
    let marked = format!(
        "\u{feff}{}",
        export(B, &[patient("2", "Bano", "1985-06-06"), json!({"resourceType": "Location", "id": "l"})])
    );
    let folder = home.file("marked/x.json", &marked);
    home.json(0, &["import", &folder, "--strict"]);
    home.json(1, &["import", &folder, "--strict", "--fail-on", "unsupported"]);
    for (name, text) in [("nothing/x.json", "{\"a\":1}"), ("xml/x.json", "<Patient/>"), ("empty/x.json", "")]
    {
        let folder = home.file(name, text);
        home.json(1, &["import", &folder]);
        let (_, words) = home.json(1, &["import", "--anchor", &folder]);
        assert!(words.contains("nothing was understood"), "{words}");
    }
}

#[test]
fn a_consent_is_granted_by_the_patient_it_names_alone() {
    let home = Home::new();
    let people = export(A, &[patient("p1", "Aslam", "1970-01-01"), patient("p2", "Bano", "1985-06-06")]);
    let folder = home.file("people/x.json", &people);
    home.anchor(0, &[&folder]);
    let consent = |patient: &str, end: &str| {
        json!({
            "resourceType": "Consent", "status": "active", "patient": {"reference": patient},
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT"}]},
            "provision": {"type": "permit", "period": {"end": end},
                "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}]},
        })
        .to_string()
    };
    let of_p1 = home.file("c1/x.json", &consent("Patient/p1", "2099-12-31")) + "/x.json";
    let (_, words) = home.json(1, &["consent", "grant", "--patient", "Patient/p2", &of_p1]);
    for part in ["Patient/p1", "Patient/p2", "--even-so"] {
        assert!(words.contains(part), "{words}");
    }
    let stranger =
        home.file("c2/x.json", &consent("https://b.example/fhir/Patient/p2", "2099-12-31")) + "/x.json";
    let (_, words) = home.json(1, &["consent", "grant", "--patient", "Patient/p2", &stranger]);
    assert!(words.contains("b.example"), "{words}");
    let over = home.file("c3/x.json", &consent("Patient/p2", "2016-12-31")) + "/x.json";
    let (_, words) = home.json(1, &["consent", "grant", "--patient", "Patient/p2", &over]);
    assert!(words.contains("over since"), "{words}");
    let (_, words) = home.json(1, &["consent", "grant", "--patient", "Patient/p3", &of_p1]);
    assert!(words.contains("no patient Patient/p3"), "{words}");
}

#[test]
fn a_vault_of_an_older_version_is_refused_in_words() {
    let home = Home::new();
    std::fs::write(home.0.path().join("vault.json"), "[]").expect("a file");
    let folder = home.file("x/x.json", &export(A, &[patient("1", "Aslam", "1970-01-01")]));
    let (_, words) = home.json(1, &["import", "--anchor", &folder]);
    assert!(words.contains("patients of two servers may be one"), "{words}");
}
