//! The same people, records and categories come out, however the files are laid out, ordered, cut
//! and repeated.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{CHANGES, Dice};
use crate::feed::{Feed, File, NATIONAL_ID, People, feeds};
use crate::make::{condition, patient};
use crate::read::Row;
use crate::table::HIV;
use crate::{archive, library, who};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is compared of a record: no name of anything.
pub(crate) type Fact =
    (u8, Option<(String, String)>, (u64, u64), Option<i64>, Option<String>, (u64, u8), Option<String>);

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// Of every person all that is said; sorted.
    pub(crate) people: Vec<Vec<Fact>>,
    /// Records about nobody; sorted.
    pub(crate) nobody: Vec<Fact>,
    /// Resources that were understood and not taken, by type; a resource met twice counts once.
    pub(crate) refused: BTreeMap<String, usize>,
}

pub(crate) fn fact(row: &Row) -> Fact {
    let categories = (row.categories, row.confidentiality);
    (row.number, row.code.clone(), row.time, row.value, row.unit.clone(), categories, row.status.clone())
}

/// One way to import.
type Gather = fn(&Feed) -> Outcome;
const READERS: &[(&str, Gather)] = &[("second reader", who::gather), ("library", library::gather)];

#[test]
fn each_feed_says_what_was_written_down_for_it() {
    for feed in feeds() {
        for (reader, gather) in READERS {
            check(&feed, &gather(&feed), &format!("{reader}: {}", feed.what));
        }
    }
}

/// Against what was written down by hand.
fn check(feed: &Feed, outcome: &Outcome, what: &str) {
    match feed.people {
        People::Count(count) => assert_eq!(outcome.people.len(), count, "{what}"),
        People::Refused => {
            let facts = outcome.people.iter().flatten().count();
            assert!(facts == 0 && !outcome.refused.is_empty(), "{what}: {outcome:?}");
            return;
        }
        People::Each(each) => {
            let word = |f: &Fact| {
                let code = f.1.as_ref().map_or("-", |(_, code)| code);
                let value = f.3.map_or(String::new(), |value| format!("={value}"));
                let hiv = if f.5.0 & HIV == 0 { "" } else { " HIV" };
                let level = ["low", "", " restricted", " very restricted"][usize::from(f.5.1)];
                format!("{code}{value}{hiv}{level}")
            };
            let mut got: Vec<Vec<String>> =
                outcome.people.iter().map(|p| p.iter().map(word).collect()).collect();
            got.iter_mut().for_each(|p| p.sort());
            got.sort();
            let mut expected: Vec<Vec<String>> =
                each.iter().map(|p| p.iter().map(|w| (*w).to_owned()).collect()).collect();
            expected.sort();
            assert_eq!(got, expected, "{what}");
        }
    }
    assert!(outcome.refused.is_empty(), "{what}: {:?}", outcome.refused);
}

#[test]
fn every_change_alone_changes_nothing() {
    let mut wrong = BTreeSet::new();
    for feed in feeds() {
        for (reader, gather) in READERS {
            let before = gather(&feed);
            for (name, change) in CHANGES {
                for seed in 0..4 {
                    let files = change(feed.files.clone(), &mut Dice(seed));
                    if gather(&Feed { files, ..feed.clone() }) != before {
                        wrong.insert((*reader, feed.what, *name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "what came out was changed: {wrong:?}");
}

const URN: &str = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000f";

#[test]
fn what_is_about_another_thing_is_not_joined_with_a_patient_by_its_identifier() {
    let identifier = json!({"system": NATIONAL_ID, "value": "00000-1"});
    let patient = json!({"resourceType": "Patient", "id": "1", "identifier": [identifier]});
    let url =
        |of: &Value| format!("https://h.example/fhir/{}/1", of["resourceType"].as_str().unwrap_or_default());
    for (kind, records) in
        [("Patient", 2), ("Device", 1), ("Group", 1), ("Location", 1), ("RelatedPerson", 1)]
    {
        let contained = json!({"resourceType": kind, "id": "x", "identifier": [identifier]});
        for (contained, subject) in [
            (json!([contained]), json!({"reference": "#x"})),
            (json!([]), json!({"type": kind, "identifier": identifier})),
            (json!([]), json!({"reference": format!("{kind}/9"), "identifier": identifier})),
            (json!([]), json!({"reference": URN, "type": kind, "identifier": identifier})),
        ] {
            let observation = json!({
                "resourceType": "Observation", "id": "1", "status": "final", "subject": subject, "contained": contained,
                "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
            });
            let mut entries =
                [&patient, &observation].map(|r| json!({"fullUrl": url(r), "resource": r})).to_vec();
            let device =
                json!({"resourceType": "Device", "id": "y", "patient": {"reference": "Patient/none"}});
            if kind == "Device" {
                entries.push(json!({"fullUrl": URN, "resource": device}));
            }
            let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
            let feed = Feed {
                what: "",
                files: vec![File { name: "a.json".to_owned(), bytes: bundle.to_string().into_bytes() }],
                source: None,
                same_by: Some(NATIONAL_ID),
                people: People::Count(1),
            };
            for (reader, gather) in READERS {
                assert_eq!(gather(&feed).people.concat().len(), records, "{reader}: {kind}: {subject}");
            }
        }
    }
}

#[test]
fn one_resource_that_two_places_say_of_two_people_is_of_neither() {
    let urn = |n: u8| format!("urn:uuid:0b8a54c8-0000-4000-8000-0000000000{n:02}");
    let says = |name: &str, person: Value, at: u8, also: Value| {
        let entries = [
            json!({"fullUrl": urn(at), "resource": person}),
            json!({"fullUrl": urn(30), "resource": condition("7", "44054006", "Patient/1")}),
            json!({"fullUrl": urn(at + 1), "resource": also}),
        ];
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
        File { name: name.to_owned(), bytes: bundle.to_string().into_bytes() }
    };
    let a = says("a.json", patient("1", "Aslam", "1970-01-01"), 10, condition("8", "73211009", "Patient/1"));
    let b = says("b.json", patient("1", "Bano", "1985-05-05"), 20, condition("9", "38341003", "Patient/1"));
    for (files, refused) in
        [(vec![a.clone(), b.clone()], 1), (vec![b.clone(), a.clone()], 1), (vec![a.clone(), a], 0)]
    {
        let feed = Feed { what: "", files, source: None, same_by: None, people: People::Count(0) };
        for (reader, gather) in READERS {
            let outcome = gather(&feed);
            // Themselves and what is theirs alone, else what both places say of one.
            let records: Vec<usize> = outcome.people.iter().map(Vec::len).collect();
            assert_eq!(records, if refused == 1 { vec![2, 2] } else { vec![3] }, "{reader}");
            assert_eq!(outcome.refused.values().sum::<usize>(), refused, "{reader}");
        }
    }
}

#[test]
fn every_change_is_made_somewhere() {
    for (name, change) in CHANGES {
        let changed = feeds().into_iter().filter(|feed| {
            let texts =
                |files: &[File]| files.iter().map(|f| (f.name.clone(), f.bytes.clone())).collect::<Vec<_>>();
            (0..4).any(|seed| texts(&change(feed.files.clone(), &mut Dice(seed))) != texts(&feed.files))
        });
        assert!(changed.count() > 0, "{name} changes no feed");
    }
}

#[test]
fn two_readers_agree_who_is_who_in_the_example_data() {
    let compare = |archive: &str, files: Vec<File>| {
        let feed = Feed { what: "", files, source: None, same_by: None, people: People::Count(0) };
        let (second, library) = (who::gather(&feed), library::gather(&feed));
        assert_eq!(second.people.len(), library.people.len(), "{archive}: people");
        for (a, b) in second.people.iter().zip(&library.people) {
            assert_eq!(a.len(), b.len(), "{archive}: records of a person who begins with {:?}", a.first());
            assert!(a == b, "{archive}: records of a person who begins with {:?}", a.first());
        }
        assert!(second.nobody == library.nobody, "{archive}: records about nobody");
        assert_eq!(second.refused, library.refused, "{archive}");
        library.people.len()
    };
    let mut people = 0;
    for archive in ["hl7-r4-examples", "phd-device-examples", "synthea-bulk-2024", "synthea-r4-bundles"] {
        let mut files = Vec::new();
        let there = archive::read(archive, |name, content| {
            if !name.ends_with(".json") && !name.ends_with(".ndjson") {
                return;
            }
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).expect("a whole file");
            files.push(File { name: name.to_owned(), bytes });
            // Bundles of one patient each: sixteen at a time.
            if archive == "synthea-r4-bundles" && files.len() == 16 {
                people += compare(archive, core::mem::take(&mut files));
            }
        });
        if !there {
            return;
        }
        people += compare(archive, files);
    }
    assert!(people > 180, "{people} people");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(64), ..ProptestConfig::default() })]

    #[test]
    fn however_files_are_ordered_cut_and_repeated_the_same_people_come_out(
        which in 0..feeds().len(),
        steps in proptest::collection::vec((0..CHANGES.len(), any::<u64>()), 1..8),
    ) {
        let feed = feeds().swap_remove(which);
        let mut changed = feed.clone();
        for (change, seed) in &steps {
            changed.files = (CHANGES[*change].1)(changed.files, &mut Dice(*seed));
        }
        let names: Vec<&str> = steps.iter().map(|(change, _)| CHANGES[*change].0).collect();
        for (reader, gather) in READERS {
            prop_assert_eq!(gather(&changed), gather(&feed), "{}: {}: {:?}", reader, feed.what, names);
        }
    }
}
