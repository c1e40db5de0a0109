//! The two readers over all published example data: they agree about every resource.

use serde_json::Value;

use crate::read::{Read, Verdict, file};
use crate::{archive, library};

/// Names of archives and endings of what is in them.
const ARCHIVES: &[&str] = &[
    "hl7-r4-examples",
    "phd-device-examples",
    "openepcis-json-capture",
    "synthea-bulk-2024",
    "synthea-r4-bundles",
];

/// Every difference as `what: second reader, library`.
fn differences(second: &Read, library: &Read) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: String, a: String, b: String| {
        if a != b {
            found.push(format!("{what}: second reader {a}, library {b}"));
        }
    };
    macro_rules! same {
        ($a:expr, $b:expr, $prefix:expr, $($field:ident),*) => {
            $(if $a.$field != $b.$field {
                compare(format!("{}{}", $prefix, stringify!($field)), format!("{:?}", $a.$field), format!("{:?}", $b.$field));
            })*
        };
    }
    same!(second, library, "", name, id, subject, version, updated);
    // serde_json writes `1E-22` as `1e-22`; the library keeps numbers as written.
    if second.canonical != library.canonical && json(&second.canonical) != json(&library.canonical) {
        compare("canonical".into(), second.canonical.clone(), library.canonical.clone());
    }
    compare("records".into(), second.rows.len().to_string(), library.rows.len().to_string());
    for (n, (a, b)) in second.rows.iter().zip(&library.rows).enumerate() {
        let prefix = if n == 0 { String::new() } else { format!("component[{}].", n - 1) };
        same!(
            a,
            b,
            prefix,
            number,
            code,
            time,
            value,
            unit,
            amount,
            provider,
            organisation,
            link,
            status,
            device,
            provenance,
            categories,
            confidentiality
        );
    }
    found
}

fn json(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text).ok()
}

/// Tells every disagreement about a file; resources and records that both have.
fn compare(name: &str, bytes: &[u8], tell: &mut impl FnMut(String)) -> (usize, usize) {
    let (mut resources, mut records) = (0, 0);
    let mut library = library::file(name, bytes);
    for ((line, entry), expected) in file(name, bytes) {
        let place = format!("{name}: line {line:?}, entry {entry:?}");
        match (expected, library.remove(&(line, entry))) {
            (Verdict::Resource(second), Some(Verdict::Resource(library))) => {
                resources += 1;
                records += second.rows.len();
                for difference in differences(&second, &library) {
                    tell(format!("{place}: {}.{difference}", second.name));
                }
            }
            (Verdict::Unsupported, Some(Verdict::Unsupported))
            | (Verdict::Refused(_), Some(Verdict::Refused(_))) => {}
            (a, b) => {
                tell(format!("{place}: second reader {}, library {}", kind(Some(&a)), kind(b.as_ref())));
            }
        }
    }
    for (place, verdict) in library {
        tell(format!("{name}: {place:?}: second reader nothing, library {}", kind(Some(&verdict))));
    }
    (resources, records)
}

fn kind(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "nothing".to_owned(),
        Some(Verdict::Resource(read)) => format!("a {}", read.name),
        Some(Verdict::Unsupported) => "unsupported".to_owned(),
        Some(Verdict::Refused(why)) => format!("refused ({why})"),
    }
}

fn none_of(disagreements: &[String]) {
    for line in disagreements {
        eprintln!("{line}");
    }
    assert!(disagreements.is_empty(), "{} disagreements", disagreements.len());
}

#[test]
fn two_readers_agree_about_every_resource() {
    let (mut files, mut resources, mut records, mut disagreements) = (0, 0, 0, Vec::new());
    for archive in ARCHIVES {
        let there = archive::read(archive, |name, content| {
            if !name.ends_with(".json") && !name.ends_with(".ndjson") {
                return;
            }
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).expect("a whole file");
            let (some, more) = compare(name, &bytes, &mut |line| disagreements.push(line));
            files += 1;
            resources += some;
            records += more;
        });
        if !there {
            return;
        }
    }
    eprintln!("{files} files, {resources} resources, {records} records");
    none_of(&disagreements);
    assert!(files > 700 && resources > 56_000 && records > 59_000, "much of the data was not compared");
}

#[test]
fn two_readers_agree_about_every_example_with_one_element_less() {
    let (mut compared, mut disagreements) = (0, Vec::new());
    for archive in ["hl7-r4-examples", "phd-device-examples"] {
        let Some(files) = archive::files(archive, ".json") else { return };
        for (name, bytes) in files {
            let json: Value = serde_json::from_slice(&bytes).expect("JSON");
            for path in members(&json) {
                let mut less = json.clone();
                let (parent, key) = path.rsplit_once('/').expect("a path");
                if let Some(Value::Object(members)) = less.pointer_mut(parent) {
                    members.remove(key);
                }
                compared += 1;
                compare(&name, less.to_string().as_bytes(), &mut |line| {
                    disagreements.push(format!("without {path}: {line}"));
                });
            }
        }
    }
    none_of(&disagreements);
    assert!(compared > 10_000, "{compared} compared");
}

/// The paths of all elements, except types, the narrative's elements, and elements in Bundles,
/// which are large.
fn members(json: &Value) -> Vec<String> {
    fn within(json: &Value, at: &str, found: &mut Vec<String>) {
        match json {
            Value::Object(members) => {
                for (key, value) in members {
                    let path = format!("{at}/{key}");
                    within(value, &path, found);
                    found.push(path);
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    within(item, &format!("{at}/{n}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    if json["resourceType"] != "Bundle" {
        within(json, "", &mut found);
    }
    found.retain(|path| !path.ends_with("/resourceType") && !path.starts_with("/text/"));
    found
}
