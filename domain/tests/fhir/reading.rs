//! What the reader takes, what it reports, and that it goes on.

use amanat_domain::fhir::json::JsonErrorKind;
use amanat_domain::fhir::{
    DateError, DecimalError, Item, Layout, Limits, Lost, Place, Problem, Reader, Reason, Resource,
};
use amanat_domain::record::RecordFields;
use amanat_domain::time::Period;

fn read(text: &[u8], layout: Layout, limits: Limits) -> (Vec<(Place, Resource)>, Vec<Problem>) {
    let (mut resources, mut problems) = (Vec::new(), Vec::new());
    for item in Reader::new(text, "label", layout, limits) {
        match item {
            Item::Resource(place, resource) => resources.push((place, *resource)),
            Item::Deletion(..) | Item::Unread(..) => {}
            Item::Problem(problem) => problems.push(problem),
        }
    }
    (resources, problems)
}

fn auto(text: &str) -> (Vec<(Place, Resource)>, Vec<Problem>) {
    read(text.as_bytes(), Layout::Auto, Limits::default())
}

fn bundle(entries: &str) -> String {
    format!("{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{entries}],\"total\":1}}")
}

fn patient(id: &str) -> String {
    format!("{{\"resource\":{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}}}")
}

fn one(json: &str) -> (RecordFields, Vec<(String, Reason)>) {
    let (resource, remarks) =
        Resource::parse(json.as_bytes()).unwrap_or_else(|e| panic!("{}: {}", e.path, e.reason));
    let remarks = remarks.into_iter().map(|r| (r.path, r.reason)).collect();
    (resource.records[0].clone(), remarks)
}

#[test]
fn a_bundle_a_resource_and_lines_are_told_apart() {
    let (resources, problems) = auto(&bundle(&format!("{},{}", patient("a"), patient("b"))));
    assert!(resources.len() == 2 && problems.is_empty());
    assert_eq!(resources[1].0, Place { line: None, entry: Some(1) });
    let single = "{\n\"resourceType\":\"Patient\",\"id\":\"a\"\n}\n";
    assert_eq!(auto(single).0.len(), 1);
    let lines =
        "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n\r\n{\"resourceType\":\"Patient\",\"id\":\"b\"}";
    let (resources, problems) = auto(lines);
    assert!(resources.len() == 2 && problems.is_empty());
    assert_eq!(resources[1].0.line, Some(3));
    let (resources, _) = read(lines.as_bytes(), Layout::Lines, Limits::default());
    assert_eq!(resources.len(), 2);
    let (resources, problems) = read(lines.as_bytes(), Layout::Document, Limits::default());
    assert!(resources.len() == 1 && problems[0].reason == Reason::TrailingText);
    assert!(auto(&bundle("")).1.is_empty(), "an empty Bundle is no problem");
}

#[test]
fn a_bundle_whose_type_comes_last_is_read_within_the_limit() {
    let text = format!("{{\"entry\":[{},{}],\"resourceType\":\"Bundle\"}}", patient("a"), patient("b"));
    let (resources, problems) = auto(&text);
    assert!(resources.len() == 2 && problems.is_empty());
    let (resources, problems) =
        read(text.as_bytes(), Layout::Auto, Limits { resource_bytes: 60, ..Limits::default() });
    assert!(resources.is_empty() && problems[0].reason == Reason::TooLarge { limit: 60 });
}

#[test]
fn a_bad_entry_is_reported_and_the_next_one_read() {
    let bad = [
        ("{\"resource\":{\"resourceType\":\"Patient\",\"active\":tru}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"x\",\"id\":\"x\"}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":\"Basic\"}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":\"Patiant\"}}", Lost::Resource),
        ("{\"resource\":{\"id\":\"x\"}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":7}}", Lost::Resource),
        ("{\"resource\":[]}", Lost::Resource),
        ("17", Lost::Resource),
        ("{}", Lost::Nothing),
        ("{\"request\":{\"method\":\"PATCH\",\"url\":\"Patient/1\"}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a b\"}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":\"Patient\",\"modifierExtension\":[{}]}}", Lost::Resource),
        (
            "{\"resource\":{\"resourceType\":\"Patient\",\"contact\":[{\"modifierExtension\":[{}]}]}}",
            Lost::Resource,
        ),
        ("{\"resource\":{\"resourceType\":\"Patient\",\"implicitRules\":\"urn:x\"}}", Lost::Resource),
        ("{\"resource\":{\"resourceType\":\"Bundle\",\"entry\":7}}", Lost::Resource),
    ];
    for (entry, lost) in bad {
        let (resources, problems) = auto(&bundle(&format!("{},{entry},{}", patient("a"), patient("b"))));
        assert_eq!(resources.len(), 2, "{entry}");
        assert_eq!(problems.len(), 1, "{entry}");
        assert_eq!(problems[0].place.entry, Some(1), "{entry}");
        assert_eq!(problems[0].lost, lost, "{entry}: {}", problems[0]);
    }
    let deep = format!("{{\"resource\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
    let (resources, problems) = auto(&bundle(&format!("{deep},{}", patient("b"))));
    assert!(resources.len() == 1 && problems[0].reason == Reason::Json(JsonErrorKind::TooDeep));
}

#[test]
fn where_the_structure_breaks_the_rest_is_lost_and_said_to_be() {
    for text in [
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{},{{\"a\":[}}", patient("a")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}", patient("a")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{} {}]}}", patient("a"), patient("b")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{},]}}", patient("a")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}]", patient("a")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}],}}", patient("a")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}],\"entry\":[{}]}}", patient("a"), patient("b")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}],\"resourceType\":\"Bundle\"}}", patient("a")),
        format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}]}} {{}}", patient("a")),
    ] {
        let (resources, problems) = auto(&text);
        assert_eq!(resources.len(), 1, "{text}");
        assert_eq!(problems.last().map(|p| p.lost), Some(Lost::RestOfFile), "{text}");
    }
    for text in [
        "",
        "  \n",
        "[]",
        "7",
        "\"x\"",
        "<Patient/>",
        "{",
        "{\"a\"",
        "{\"a\":1",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\" 1}",
    ] {
        let (resources, problems) = auto(text);
        assert!(resources.is_empty() && problems.len() == 1, "{text}");
    }
}

#[test]
fn a_bad_line_costs_that_line_only() {
    let good = |id: &str| format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}\n");
    let mut text = good("a").into_bytes();
    text.extend_from_slice(b"{\"resourceType\":\"Patient\",\n");
    text.extend_from_slice(b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}\n");
    text.extend_from_slice(
        format!("{{\"resourceType\":\"Patient\",\"id\":\"{}\"}}\n", "x".repeat(500)).as_bytes(),
    );
    text.extend_from_slice(good("b").as_bytes());
    let (resources, problems) =
        read(&text, Layout::Lines, Limits { resource_bytes: 400, ..Limits::default() });
    assert_eq!(resources.len(), 2);
    let found: Vec<_> = problems.iter().map(|p| (p.place.line, p.reason)).collect();
    assert_eq!(
        found,
        [
            (Some(2), Reason::Json(JsonErrorKind::Truncated)),
            (Some(3), Reason::Json(JsonErrorKind::NotUtf8)),
            (Some(4), Reason::TooLarge { limit: 400 }),
        ]
    );
}

#[test]
fn a_byte_order_mark_is_skipped_and_utf_16_refused() {
    let text = format!("\u{feff}{}", bundle(&patient("a")));
    let (resources, problems) = auto(&text);
    assert!(
        resources.len() == 1
            && problems[0].reason == Reason::ByteOrderMark
            && problems[0].lost == Lost::Nothing
    );
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (_, problems) = read(&utf16, Layout::Auto, Limits::default());
    assert_eq!(problems[0].reason, Reason::Utf16);
}

#[test]
fn an_element_that_cannot_be_read_is_remarked_and_absent() {
    let observation =
        |rest: &str| format!("{{\"resourceType\":\"Observation\",\"status\":\"final\",{rest}}}");
    for (rest, path, reason) in [
        (
            "\"effectiveDateTime\":\"2020-01-01T10:00:00\"",
            "effectiveDateTime",
            Reason::Date(DateError::NoZone),
        ),
        ("\"effectiveDateTime\":\"2020-02-30\"", "effectiveDateTime", Reason::Date(DateError::Impossible)),
        (
            "\"effectivePeriod\":{\"start\":\"2021\",\"end\":\"2020\"}",
            "effectivePeriod",
            Reason::Date(DateError::Reversed),
        ),
        (
            "\"valueQuantity\":{\"value\":1e30}",
            "valueQuantity.value",
            Reason::Decimal(DecimalError::Overflow),
        ),
        (
            "\"valueQuantity\":{\"value\":5,\"comparator\":\"<\"}",
            "valueQuantity.comparator",
            Reason::Comparator,
        ),
        (
            "\"valueQuantity\":{\"value\":\"5\"}",
            "valueQuantity.value",
            Reason::WrongType { expected: "a number", got: "a string" },
        ),
        (
            "\"subject\":\"Patient/1\"",
            "subject",
            Reason::WrongType { expected: "an object", got: "a string" },
        ),
        (
            "\"code\":{\"coding\":{}}",
            "code.coding",
            Reason::WrongType { expected: "an array", got: "an object" },
        ),
        (
            "\"meta\":{\"security\":{}}",
            "meta.security",
            Reason::WrongType { expected: "an array", got: "an object" },
        ),
    ] {
        let (record, remarks) = one(&observation(rest));
        assert_eq!(remarks.first().cloned(), Some((format!("Observation.{path}"), reason)), "{rest}");
        assert!(record.value.is_none() && record.time == Period::ALWAYS);
    }
    let (_, remarks) = one(&observation("\"component\":[{},{\"valueQuantity\":{\"value\":true}}]"));
    assert_eq!(remarks[0].0, "Observation.component[1].valueQuantity.value");
}

#[test]
fn decimals_of_forty_digits_and_exponents_are_read_from_their_text() {
    let value = |text: &str| {
        one(&format!("{{\"resourceType\":\"Observation\",\"valueQuantity\":{{\"value\":{text},\"code\":\"cm\",\"system\":\"http://unitsofmeasure.org\"}}}}")).0
    };
    let record = value("175.5609952863145000000000000000000000000001");
    assert!(record.value.is_some_and(|v| v.0 == 175_560_995) && record.unit.as_deref() == Some("cm"));
    assert!(value("-2.4").value.is_some_and(|v| v.0 == -2_400_000));
    assert!(value("1.5e2").value.is_some_and(|v| v.0 == 150_000_000));
}

#[test]
fn a_problem_shows_no_value_of_the_file() {
    let secret = "Zarqa-Bibi-3520212345671";
    for text in [
        bundle(&format!("{{\"resource\":{{\"resourceType\":\"Patient\",\"id\":\"{secret} \"}}}}")),
        bundle(&format!("{{\"resource\":{{\"resourceType\":\"{secret}\"}}}}")),
        bundle(&format!("{{\"resource\":{{\"resourceType\":\"Patient\",\"birthDate\":\"{secret}\"}}}}")),
        bundle(&format!(
            "{{\"resource\":{{\"resourceType\":\"Patient\",\"{secret}\":{{\"a\":1,\"a\":1}}}}}}"
        )),
        bundle(&format!("{{\"resource\":{{\"resourceType\":\"Patient\",\"x\":\"{secret}\\q\"}}}}")),
        bundle(&format!(
            "{{\"resource\":{{\"resourceType\":\"Patient\",\"{secret}\":{{\"modifierExtension\":1}}}}}}"
        )),
        format!("{{\"resourceType\":\"Bundle\",\"{secret}\":{secret}}}"),
        format!("{{\"resourceType\":\"Patient\",\"{secret}\""),
    ] {
        let (_, problems) = auto(&text);
        assert!(!problems.is_empty(), "{text}");
        for problem in problems {
            let shown = format!("{problem} {problem:?}");
            assert!(!shown.contains("Zarqa") && !shown.contains("35202"), "{shown}");
        }
    }
}
