//! Random, broken and oversized input: no panic, no unbounded memory, and one meaning for one text.

use std::io::{BufReader, Read};

use amanat_domain::fhir::generate::Generator;
use amanat_domain::fhir::json::{Json, JsonErrorKind};
use amanat_domain::fhir::{Item, Layout, Limits, Reader, Reason, Resource, canonical};
use proptest::prelude::*;
use serde_json::Value;

fn count(input: impl Read, layout: Layout, limits: Limits) -> (usize, usize) {
    let items = Reader::new(BufReader::new(input), "x", layout, limits);
    items.fold((0, 0), |(r, p), item| match item {
        Item::Resource(..) | Item::Deletion(..) => (r + 1, p),
        Item::Unread(..) => (r, p),
        Item::Problem(_) => (r, p + 1),
    })
}

/// Each of these layouts and limits in turn.
fn read_all_ways(bytes: &[u8]) {
    for layout in [Layout::Auto, Layout::Document, Layout::Lines] {
        for limits in [Limits::default(), Limits { resource_bytes: 300, resource_values: 20 }] {
            let _ = count(bytes, layout, limits);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all_ways(&bytes);
        let _ = Json::parse(&bytes);
    }

    #[test]
    fn random_json_like_text_never_panics_and_agrees_with_serde_json(
        text in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"a\"", "\"b\"", "\"\\u0041\"", "\"\\ud83d\\ude00\"", "\"\\ud800\"", "1", "-0",
            "1.50", "2e-3", "01", "true", "null", " ", "\n", "\"resourceType\"", "\"Bundle\"", "\"entry\"", "\"é\u{200b}\"",
        ]), 0..14)
    ) {
        let text = text.concat();
        read_all_ways(text.as_bytes());
        agrees(text.as_bytes())?;
    }

    #[test]
    fn mutated_bundles_never_panic(seed in 0u64..50, cut in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), truncate in any::<bool>()) {
        let mut bytes = Generator::new(seed).patient(seed as u32).into_bytes();
        for (at, byte) in &edits {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if truncate {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_all_ways(&bytes);
        agrees(&bytes)?;
    }

    #[test]
    fn a_resource_written_otherwise_has_the_same_canonical_form(seed in 0u64..200, shuffle in any::<u64>()) {
        for resource in resources(seed) {
            let other = rewrite(&resource, shuffle);
            let (a, _) = Resource::parse(resource.to_string().as_bytes()).expect("a resource");
            let (b, _) = Resource::parse(other.as_bytes()).expect("a resource");
            prop_assert!(a.canonical == b.canonical && a.digest == b.digest);
            prop_assert!(Json::parse(&a.canonical).is_ok_and(|j| canonical::value(&j) == a.canonical), "a fixed point");
        }
    }

    #[test]
    fn one_changed_digit_changes_the_digest(seed in 0u64..200, at in any::<prop::sample::Index>()) {
        let all = resources(seed);
        let text = all[at.index(all.len())].to_string();
        let digits: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(i, _)| i).collect();
        prop_assume!(!digits.is_empty());
        let mut bytes = text.clone().into_bytes();
        let i = digits[at.index(digits.len())];
        bytes[i] = if bytes[i] == b'9' { b'8' } else { bytes[i] + 1 };
        let (a, _) = Resource::parse(text.as_bytes()).expect("a resource");
        // A digit may become a leading zero, for instance. Then it is refused, which is also right.
        if let Ok((b, _)) = Resource::parse(&bytes) {
            prop_assert!(a.digest != b.digest);
        }
    }
}

fn resources(seed: u64) -> Vec<Value> {
    let bundle: Value = serde_json::from_str(&Generator::new(seed).patient(seed as u32)).expect("JSON");
    bundle["entry"].as_array().expect("entries").iter().map(|e| e["resource"].clone()).collect()
}

/// Other white space, other key order, other escapes; some narrative and versions a server adds.
fn rewrite(resource: &Value, shuffle: u64) -> String {
    fn write(out: &mut String, value: &Value, state: &mut u64) {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let space = [" ", "", "\n\t", "\r\n"][(*state >> 60) as usize % 4];
        match value {
            Value::Object(map) => {
                let mut members: Vec<_> = map.iter().collect();
                let turn = (*state >> 33) as usize % members.len().max(1);
                members.rotate_left(turn);
                out.push('{');
                for (n, (key, value)) in members.into_iter().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    out.push_str(&format!("{space}\"{key}\"{space}:"));
                    write(out, value, state);
                }
                out.push_str(&format!("{space}}}"));
            }
            Value::Array(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    write(out, item, state);
                    out.push_str(space);
                }
                out.push(']');
            }
            Value::String(s) if *state >> 62 == 0 => {
                let escaped: String = s.encode_utf16().map(|u| format!("\\u{u:04X}")).collect();
                out.push_str(&format!("\"{escaped}\""));
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut resource = resource.clone();
    resource["text"] = serde_json::json!({"status": "generated", "div": "<div/>"});
    resource["meta"]["versionId"] = "7".into();
    resource["meta"]["lastUpdated"] = "2026-01-01T00:00:00Z".into();
    let (mut out, mut state) = (String::new(), shuffle);
    write(&mut out, &resource, &mut state);
    out
}

/// Our reader and serde_json accept the same texts with the same values; ours alone refuses equal
/// keys and its limits.
fn agrees(text: &[u8]) -> Result<(), TestCaseError> {
    match (Json::parse(text), serde_json::from_slice::<Value>(text)) {
        (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs)),
        (Err(e), Ok(_)) => prop_assert!(
            matches!(e.kind, JsonErrorKind::DuplicateKey | JsonErrorKind::TooDeep),
            "{e} but serde_json reads it"
        ),
        (Ok(_), Err(e)) => prop_assert!(false, "serde_json refuses it: {e}"),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

fn same(ours: &Json<'_>, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        // serde_json writes the exponent its own way.
        (Json::Number(a), Value::Number(b)) => {
            a.to_lowercase().replace("e+", "e") == b.to_string().to_lowercase().replace("e+", "e")
        }
        (Json::String(a), Value::String(b)) => a == b,
        (Json::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|b| same(v, b)))
        }
        _ => false,
    }
}

/// A prefix, then `middle` so often, then an end: never in memory.
fn stream<'t>(begin: &'t str, middle: &'t str, times: usize, end: &'t str) -> impl Read + 't {
    struct Repeat<'t>(&'t [u8], usize, usize);
    impl Read for Repeat<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let mut n = 0;
            while n < out.len() && self.1 > 0 {
                let rest = &self.0[self.2..];
                let some = rest.len().min(out.len() - n);
                out[n..n + some].copy_from_slice(&rest[..some]);
                (n, self.2) = (n + some, self.2 + some);
                if self.2 == self.0.len() {
                    (self.1, self.2) = (self.1 - 1, 0);
                }
            }
            Ok(n)
        }
    }
    begin.as_bytes().chain(Repeat(middle.as_bytes(), times, 0)).chain(end.as_bytes())
}

/// Most memory this process ever held, in MiB; zero where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
fn a_line_of_a_gigabyte_is_skipped_without_holding_it() {
    let before = peak();
    let chunk = "x".repeat(1 << 20);
    let good = "\n{\"resourceType\":\"Patient\",\"id\":\"a\"}\n";
    let limits = Limits { resource_bytes: 1 << 20, ..Limits::default() };
    assert_eq!(count(stream("{\"a\":\"", &chunk, 1024, good), Layout::Lines, limits), (1, 1));
    // In a Bundle: a string that long in an entry, then a good entry.
    let end = "\"}},{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\"}}]}";
    let begin = "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"a\":\"";
    assert_eq!(count(stream(begin, &chunk, 1024, end), Layout::Auto, limits), (1, 1));
    // In the outermost object, and as brackets without end.
    assert_eq!(count(stream("{\"a\":\"", &chunk, 256, "\"}"), Layout::Auto, limits), (0, 1));
    assert_eq!(count(stream("{\"a\":", "[", 1 << 27, ""), Layout::Auto, limits), (0, 1));
    // Other tests run beside this one; a gigabyte would show all the same.
    assert!(peak() - before < 600, "{} MiB", peak() - before);
}

#[test]
fn a_bundle_without_end_is_read_entry_by_entry() {
    let entry = "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"valueInteger\":1}},";
    let end = "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\"}}]}";
    let input = stream("{\"resourceType\":\"Bundle\",\"entry\":[", entry, 300_000, end);
    assert_eq!(
        count(input, Layout::Auto, Limits { resource_bytes: 1000, ..Limits::default() }),
        (300_001, 0)
    );
}

#[test]
fn too_many_values_in_one_resource_are_refused() {
    let text = format!("{{\"resourceType\":\"Patient\",\"x\":[{}0]}}", "[],".repeat(5000));
    let limits = Limits { resource_values: 1000, ..Limits::default() };
    let items: Vec<Item> = Reader::new(text.as_bytes(), "x", Layout::Auto, limits).collect();
    let [Item::Problem(problem)] = items.as_slice() else { panic!("one problem") };
    assert_eq!(problem.reason, Reason::Json(JsonErrorKind::TooManyValues));
}

#[test]
fn a_failing_disk_is_reported() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::TimedOut.into())
        }
    }
    let begun = "{\"resourceType\":\"Bundle\",\"entry\":[".as_bytes().chain(Broken);
    assert_eq!(count(begun, Layout::Auto, Limits::default()), (0, 1));
}
