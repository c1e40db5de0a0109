//! The two readers over all published example data: they agree about every resource.

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
            files += 1;
            let mut library = library::file(name, &bytes);
            for ((line, entry), expected) in file(name, &bytes) {
                let place = format!("{name}: line {line:?}, entry {entry:?}");
                match (expected, library.remove(&(line, entry))) {
                    (Verdict::Resource(second), Some(Verdict::Resource(library))) => {
                        resources += 1;
                        records += second.rows.len();
                        for difference in differences(&second, &library) {
                            disagreements.push(format!("{place}: {}.{difference}", second.name));
                        }
                    }
                    (Verdict::Unsupported, Some(Verdict::Unsupported))
                    | (Verdict::Refused(_), Some(Verdict::Refused(_))) => {}
                    (a, b) => disagreements.push(format!(
                        "{place}: second reader {}, library {}",
                        kind(Some(&a)),
                        kind(b.as_ref())
                    )),
                }
            }
            for (place, verdict) in library {
                disagreements.push(format!(
                    "{name}: {place:?}: second reader nothing, library {}",
                    kind(Some(&verdict))
                ));
            }
        });
        if !there {
            return;
        }
    }
    for line in &disagreements {
        eprintln!("{line}");
    }
    eprintln!("{files} files, {resources} resources, {records} records");
    assert!(disagreements.is_empty(), "{} disagreements", disagreements.len());
    assert!(files > 700 && resources > 56_000 && records > 59_000, "much of the data was not compared");
}

fn kind(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "nothing".to_owned(),
        Some(Verdict::Resource(read)) => format!("a {}", read.name),
        Some(Verdict::Unsupported) => "unsupported".to_owned(),
        Some(Verdict::Refused(why)) => format!("refused ({why})"),
    }
}
