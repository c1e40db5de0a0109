//! Published example data: every resource of a type we know is read, and nothing else is wrong with
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};

use amanat_domain::fhir::{Item, Layout, Limits, Lost, Reader, Reason, Resource, type_name};

use crate::archive;

struct Import {
    resources: BTreeMap<&'static str, usize>,
    /// Problems that lost data, except problems about types that we do not read and resources seen
    /// before.
    problems: Vec<String>,
}

fn import(archive: &str, mut each: impl FnMut(&Resource)) -> Option<Import> {
    let mut seen = BTreeSet::new();
    let mut import = Import { resources: BTreeMap::new(), problems: Vec::new() };
    let there = archive::read(archive, |name, content| {
        let layout = match name.rsplit('.').next() {
            Some("json") => Layout::Auto,
            Some("ndjson") => Layout::Lines,
            _ => return,
        };
        let input = BufReader::new(content as &mut dyn Read);
        for item in Reader::new(input, "file", layout, Limits::default()) {
            match item {
                Item::Resource(_, resource) => {
                    let name = (
                        type_name(resource.resource_type),
                        resource.id.clone().or(resource.full_url.clone()),
                    );
                    if !seen.insert(name) {
                        continue;
                    }
                    *import.resources.entry(type_name(resource.resource_type)).or_default() += 1;
                    each(&resource);
                }
                Item::Unread(..) => {}
                Item::Deletion(..) => panic!("a deletion"),
                Item::Problem(p) => match p.reason {
                    Reason::Unsupported(_) => {}
                    _ if p.lost == Lost::Nothing => {}
                    _ => import.problems.push(p.to_string()),
                },
            }
        }
    });
    there.then_some(import)
}

#[test]
fn synthea_bundles_are_read_whole() {
    let (mut values, mut negative, mut high) = (0, 0, 0);
    let import = import("synthea-r4-bundles", |resource| {
        let record = &resource.records[0];
        assert!(
            record.status.is_some() || resource.resource_type as u8 == 1,
            "{}",
            type_name(resource.resource_type)
        );
        assert!(!record.categories.is_empty());
        if let Some(value) = record.value {
            values += 1;
            negative += usize::from(value.0 < 0);
            let hba1c = record.code.as_ref().is_some_and(|c| c.code == "4548-4");
            high += usize::from(hba1c && value.0 >= 6_500_000);
        }
    });
    let Some(import) = import else { return };
    assert_eq!(import.problems, [""; 0]);
    let expected = [
        ("AllergyIntolerance", 59),
        ("Claim", 5655),
        ("Condition", 1098),
        ("DiagnosticReport", 1386),
        ("Encounter", 4506),
        ("ExplanationOfBenefit", 4506),
        ("Immunization", 1874),
        ("MedicationRequest", 1149),
        ("Observation", 20505),
        ("Organization", 81),
        ("Patient", 155),
        ("Practitioner", 81),
        ("Procedure", 3402),
    ];
    assert_eq!(import.resources, BTreeMap::from(expected));
    assert!(
        values > 15_000 && negative > 0 && high > 0,
        "{values} values, {negative} negative, {high} high HbA1c"
    );
}

#[test]
fn bulk_exports_are_read_line_by_line() {
    let Some(import) = import("synthea-bulk-2024", |_| {}) else { return };
    assert_eq!(import.problems, [""; 0]);
    assert_eq!((import.resources["Device"], import.resources["PractitionerRole"]), (2341, 835));
}

#[test]
fn hl7s_examples_are_read() {
    let Some(import) = import("hl7-r4-examples", |_| {}) else { return };
    // What the records lack: three times that are words or ages, two counts of 1e15 and more, a
    // bound, an amount of a claim that was not adjudicated, a payor by its identifier alone, a
    // performer of a type that R4 does not allow, a medication that is another resource.
    for (words, count) in [
        ("a time that is not read", 3),
        ("too large for fixed point", 2),
        ("has a comparator", 1),
        ("outcome says", 1),
        ("does not say of which type", 1),
        ("of a type that R4 does not allow", 1),
        ("names another resource", 1),
    ] {
        let found = import.problems.iter().filter(|p| p.contains(words)).count();
        assert_eq!(found, count, "{words}: {:?}", import.problems);
    }
    assert_eq!(import.problems.len(), 10, "{:?}", import.problems);
    assert_eq!(
        (import.resources["Consent"], import.resources["Claim"], import.resources["Coverage"]),
        (12, 17, 4)
    );
}

#[test]
fn device_observations_are_read() {
    let mut components = 0;
    let import = import("phd-device-examples", |resource| components += resource.records.len() - 1);
    let Some(import) = import else { return };
    assert_eq!(import.problems, [""; 0]);
    assert!(import.resources["Observation"] > 60 && components > 0);
}
