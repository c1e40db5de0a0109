//! Sensitivity: what labels and codes say of a resource, whatever way they are written, and what
//! cannot be told is said.

use amanat_domain::consent::{Categories, Confidentiality};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{
    Context, Floor, Item, Layout, Limits, Lost, Problem, Reader, Reason, Resource, composition_floors,
};
use amanat_domain::record::RecordFields;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::archive;

const SUBSTANCE: Categories = Categories::SUD.union(Categories::ETH);
const SENSITIVITIES: Categories = Categories(u64::MAX << 24);

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const INLINE: &str =
    "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label";
const GM: [&str; 2] =
    ["http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://fhir.de/CodeSystem/dimdi/icd-10-gm"];

/// Lines of the table of systems: system, spelling.
fn table() -> impl Iterator<Item = (&'static str, &'static str)> {
    let text = include_str!("../../src/fhir/category/systems.tsv");
    text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| {
        let mut cells = l.split('\t');
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    })
}

/// A spelling that the line covers.
fn example(spelling: &str) -> String {
    match (spelling.strip_prefix('*'), spelling.strip_suffix('*')) {
        (Some(part), _) => format!("http://unlisted.example/{}-x", part.trim_matches('*')),
        (None, Some(prefix)) => format!("{prefix}1"),
        (None, None) => spelling.to_owned(),
    }
}

fn read_within(resource: &Value, floor: Floor) -> (RecordFields, Vec<(String, Reason)>) {
    let text = resource.to_string();
    let json = Json::parse(text.as_bytes()).expect("JSON");
    let context = Context { floor, ..Context::default() };
    let (resource, remarks) = Resource::from_json(&json, &context).unwrap_or_else(|e| panic!("{}", e.reason));
    // What else is missing from these small resources is no matter here.
    let of_sensitivity = remarks.into_iter().filter(|r| r.reason != Reason::Missing);
    (resource.records[0].clone(), of_sensitivity.map(|r| (r.path, r.reason)).collect())
}

fn read(resource: &Value) -> (RecordFields, Vec<(String, Reason)>) {
    read_within(resource, Floor::NONE)
}

fn condition(coding: Value) -> Value {
    json!({"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "code": {"coding": [coding]}})
}

fn coded(system: &str, code: &str) -> (Categories, Vec<(String, Reason)>) {
    let (record, remarks) = read(&condition(json!({"system": system, "code": code})));
    (record.categories, remarks)
}

fn labelled(security: Value) -> Value {
    json!({"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "meta": {"security": security}})
}

fn label(system: &str, code: &str) -> Value {
    json!({"system": system, "code": code})
}

fn floor_of(security: Value) -> Floor {
    let text = json!({ "security": security }).to_string();
    Floor::of_meta(&Json::parse(text.as_bytes()).expect("JSON"))
}

fn level(code: &str) -> Floor {
    floor_of(json!([label(CONFIDENTIALITY, code)]))
}

// Codes.

#[test]
fn icd_10_gm_is_classified_under_both_its_uris() {
    for system in GM {
        assert_eq!(coded(system, "B20").0, Categories::CONDITIONS.union(Categories::HIV));
        assert_eq!(coded(system, "F32.1").0, Categories::CONDITIONS.union(Categories::PSY));
        assert_eq!(coded(system, "A54.4").0, Categories::CONDITIONS.union(Categories::STD));
        assert_eq!(coded(system, "F10.2 G").0, Categories::CONDITIONS.union(SUBSTANCE));
        assert_eq!(coded(system, "E11.90"), (Categories::CONDITIONS, vec![]));
    }
}

/// A code of HIV, or of what else the system tells, and a code of nothing, for each system of the
/// table.
fn known_answer(system: &str) -> Option<(&'static str, Categories, &'static str)> {
    Some(match system {
        "icd-10" => ("B20.1", Categories::HIV, "I10"),
        "icd-9" => ("042", Categories::HIV, "401.9"),
        "icd-11" => ("1C62.0", Categories::HIV, "BA00"),
        "icpc" => ("B90", Categories::HIV, "K86"),
        "snomed" => ("86406008", Categories::HIV, "38341003"),
        "loinc" => ("75622-1", Categories::HIV, "718-7"),
        "atc" => ("J05AR03", Categories::HIV, "C09AA02"),
        _ => return None,
    })
}

#[test]
fn every_line_of_the_table_has_its_known_answer_in_every_spelling() {
    for (system, spelling) in table() {
        let uri = example(spelling);
        for uri in
            [uri.clone(), format!("{uri}/"), format!("{uri}|2024"), format!(" {uri}"), uri.to_uppercase()]
        {
            if let Some((code, bits, neutral)) = known_answer(system) {
                assert_eq!(coded(&uri, code), (Categories::CONDITIONS.union(bits), vec![]), "{uri}");
                assert_eq!(coded(&uri, neutral), (Categories::CONDITIONS, vec![]), "{uri}");
                continue;
            }
            let at = |reason| vec![("Condition.code.coding[0]".to_owned(), reason)];
            match system {
                "absent" => assert_eq!(coded(&uri, "unknown"), (Categories::CONDITIONS, vec![]), "{uri}"),
                "plain" => assert_eq!(coded(&uri, "B20"), (Categories::CONDITIONS, vec![]), "{uri}"),
                "unlisted" => assert_eq!(coded(&uri, "x").1, at(Reason::UnknownCodeSystem), "{uri}"),
                "confidentiality" => {
                    let (record, remarks) = read(&labelled(json!([label(&uri, "V")])));
                    assert_eq!(record.confidentiality, Confidentiality::VeryRestricted, "{uri}");
                    assert_eq!((record.categories, remarks), (Categories::CONDITIONS, vec![]), "{uri}");
                }
                "act-code" => {
                    let (record, remarks) = read(&labelled(json!([label(&uri, "HIV")])));
                    assert_eq!(record.categories, Categories::CONDITIONS.union(Categories::HIV), "{uri}");
                    assert_eq!((record.confidentiality, remarks), (Confidentiality::Normal, vec![]), "{uri}");
                }
                "act-reason" | "observation-value" => {
                    let (record, remarks) = read(&labelled(json!([label(&uri, "HTEST")])));
                    assert_eq!((record.categories, remarks), (Categories::CONDITIONS, vec![]), "{uri}");
                }
                other => panic!("no known answer for {other}"),
            }
        }
    }
}

#[test]
fn a_sensitive_code_is_found_anywhere_in_a_resource() {
    let coding = json!([{"system": GM[0], "code": "B20.1"}]);
    for resource in [
        json!({"resourceType": "Claim", "diagnosis": [{"diagnosisCodeableConcept": {"coding": coding}}]}),
        json!({"resourceType": "Encounter", "reasonCode": [{"coding": coding}]}),
        json!({"resourceType": "Observation", "component": [{"code": {"coding": coding}}]}),
        json!({"resourceType": "Procedure", "contained": [{"resourceType": "Condition", "code": {"coding": coding}}]}),
        json!({"resourceType": "Patient", "extension": [{"url": "x", "valueCoding": coding[0]}]}),
        json!({"resourceType": "Consent", "provision": {"code": [{"coding": coding}]}}),
    ] {
        assert!(read(&resource).0.categories.intersects(Categories::HIV), "{}", resource["resourceType"]);
    }
}

#[test]
fn a_medicine_by_atc_tells_a_diagnosis() {
    let order = |code| {
        let coding = json!([{"system": "http://www.whocc.no/atc", "code": code}]);
        let order =
            json!({"resourceType": "MedicationRequest", "medicationCodeableConcept": {"coding": coding}});
        read(&order).0.categories
    };
    assert_eq!(order("J05AR03"), Categories::MEDICATIONS.union(Categories::HIV));
    assert_eq!(order("N05AX08"), Categories::MEDICATIONS.union(Categories::PSY));
    assert_eq!(order("N07BC02"), Categories::MEDICATIONS.union(SUBSTANCE));
    assert_eq!(order("C09AA02"), Categories::MEDICATIONS);
}

// What cannot be told.

#[test]
fn a_code_of_an_unknown_system_is_said_and_counts_as_what_it_looks_like() {
    let at = vec![("Condition.code.coding[0]".to_owned(), Reason::UnknownCodeSystem)];
    for coding in [
        json!({"code": "B20"}),
        json!({"system": "http://hospital.example/diagnoses", "code": "B20"}),
        json!({"system": "urn:oid:1.2.3.4", "code": "86406008"}),
        json!({"system": "", "code": "B20.1+"}),
        json!({"system": 7, "code": "B20"}),
    ] {
        let (record, remarks) = read(&condition(coding));
        assert_eq!(record.categories, Categories::CONDITIONS.union(Categories::HIV));
        assert_eq!(remarks.iter().filter(|r| r.1 == Reason::UnknownCodeSystem).count(), 1);
    }
    assert_eq!(coded("http://hospital.example/diagnoses", "XY-7"), (Categories::CONDITIONS, at));
}

#[test]
fn words_alone_are_said() {
    let words = json!({"resourceType": "Condition", "code": {"text": "HIV infection"}});
    assert_eq!(read(&words).1, [("Condition.code".to_owned(), Reason::WordsOnly)]);
    let display = json!({"resourceType": "Condition", "code": {"coding": [{"display": "HIV infection"}]}});
    assert_eq!(read(&display).1, [("Condition.code".to_owned(), Reason::WordsOnly)]);
    let absent = label("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown");
    let absent = json!({"resourceType": "Condition", "code": {"text": "HIV infection", "coding": [absent]}});
    assert_eq!(read(&absent).1, [("Condition.code".to_owned(), Reason::WordsOnly)]);
    let note = json!({"resourceType": "Condition", "note": [{"text": "x"}], "text": {"status": "empty"}});
    assert_eq!(read(&note).1, []);
}

#[test]
fn each_is_said_once_for_a_resource_and_not_beside_a_coding_that_is_known() {
    let local = json!({"system": "http://hospital.example/codes", "code": "1"});
    let two = json!({"resourceType": "Observation", "code": {"coding": [local, local]},
        "component": [{"code": {"coding": [local]}}, {"code": {"text": "x"}}, {"code": {"text": "y"}}]});
    let said: Vec<_> = read(&two).1.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(said, [Reason::UnknownCodeSystem, Reason::WordsOnly]);
    let translated = json!({"resourceType": "Observation",
        "code": {"text": "Hb", "coding": [local, {"system": "http://loinc.org", "code": "718-7"}]}});
    assert_eq!(read(&translated).1, []);
}

#[test]
fn a_local_code_beside_one_that_is_classified_is_not_guessed_at() {
    let both = |system: &str, code: &str| {
        let coding = json!([{"system": system, "code": code}, {"system": "http://hospital.example/codes", "code": "B20"}]);
        read(&json!({"resourceType": "Observation", "code": {"coding": coding}})).0.categories
    };
    assert!(!both("http://loinc.org", "718-7").intersects(Categories::HIV));
    assert!(
        both("http://fhir.de/CodeSystem/bfarm/ops", "1-100").intersects(Categories::HIV),
        "tells no diagnosis itself"
    );
    let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
    assert!(both(absent, "unknown").intersects(Categories::HIV));
}

#[test]
fn of_administration_and_of_people_nothing_is_said() {
    let local = json!([{"system": "http://hospital.example/codes", "code": "F20"}]);
    for resource in [
        json!({"resourceType": "Practitioner", "qualification": [{"code": {"coding": local}}]}),
        json!({"resourceType": "Organization", "type": [{"coding": local}]}),
        json!({"resourceType": "Observation", "category": [{"coding": local}],
            "valueQuantity": {"value": 1, "code": "mg"}, "identifier": [{"type": {"coding": local}}]}),
        json!({"resourceType": "Claim", "type": {"coding": local}}),
    ] {
        let (record, remarks) = read(&resource);
        assert!(remarks.is_empty() && !record.categories.intersects(SENSITIVITIES), "{resource}");
    }
}

#[test]
fn what_is_said_costs_nothing_and_shows_no_value() {
    let secret = json!({"resourceType": "Condition", "id": "c", "meta": {"security": [label("http://a.example", "SECRET")]},
        "code": {"coding": [{"system": "http://SECRET.example", "code": "SECRET"}], "SECRET key": {"code": {"text": "SECRET"}}}});
    let text = secret.to_string();
    let items: Vec<Item> =
        Reader::new(text.as_bytes(), "label", Layout::Document, Limits::default()).collect();
    assert!(matches!(&items[0], Item::Resource(..)));
    let problems: Vec<&Problem> =
        items.iter().filter_map(|i| if let Item::Problem(p) = i { Some(p) } else { None }).collect();
    assert_eq!(problems.len(), 3, "the label, the system, the words");
    for problem in problems {
        assert_eq!(problem.lost, Lost::Nothing);
        assert!(!problem.to_string().contains("SECRET"), "{problem}");
    }
}

// Labels.

#[test]
fn the_highest_confidentiality_counts_and_none_is_normal() {
    let level_of = |security| read(&labelled(security)).0.confidentiality;
    assert_eq!(level_of(json!([])), Confidentiality::Normal);
    assert_eq!(level_of(json!([label(CONFIDENTIALITY, "L")])), Confidentiality::Low);
    let two = json!([label(CONFIDENTIALITY, "R"), label(CONFIDENTIALITY, "L")]);
    assert_eq!(level_of(two), Confidentiality::Restricted);
    assert_eq!(level_of(json!([label(CONFIDENTIALITY, "?")])), Confidentiality::VeryRestricted);
    assert_eq!(level_of(json!([label(ACT_CODE, "HIV")])), Confidentiality::Normal);
}

#[test]
fn an_unknown_label_counts_as_every_sensitivity_and_is_said() {
    let every = Categories::NAMES.iter().map(|(bit, _)| *bit).filter(|bit| bit.is_subset(SENSITIVITIES));
    let every = every.fold(Categories::CONDITIONS, Categories::union);
    for unknown in [
        json!([label(ACT_CODE, "TBOO")]),
        json!([{"code": "x"}]),
        json!([7]),
        json!({"code": "R"}),
        json!("R"),
    ] {
        let (record, remarks) = read(&labelled(unknown));
        assert_eq!((record.categories, record.confidentiality), (every, Confidentiality::Restricted));
        assert!(remarks.iter().any(|(_, reason)| *reason == Reason::UnknownLabel));
    }
    let second = json!([label(CONFIDENTIALITY, "N"), label("http://a.example", "x")]);
    assert_eq!(read(&labelled(second)).1, [("Condition.meta.security[1]".to_owned(), Reason::UnknownLabel)]);
}

#[test]
fn a_sensitivity_among_the_codes_of_confidentiality_counts_as_before_2013() {
    let old = read(&labelled(json!([label("http://hl7.org/fhir/v3/Confidentiality", "HIV")]))).0;
    assert_eq!(old.categories, Categories::CONDITIONS.union(Categories::HIV));
    assert_eq!(old.confidentiality, Confidentiality::VeryRestricted);
}

#[test]
fn a_label_among_the_tags_raises_and_never_lowers() {
    let tagged = |tag: Value| {
        let resource = json!({"resourceType": "Condition", "meta": {"tag": [tag, {"system": "http://a.example", "code": "x"}]}});
        let (record, remarks) = read(&resource);
        assert!(remarks.is_empty());
        (record.categories.intersection(SENSITIVITIES), record.confidentiality)
    };
    assert_eq!(tagged(label(ACT_CODE, "HIV")), (Categories::HIV, Confidentiality::Normal));
    assert_eq!(tagged(label(CONFIDENTIALITY, "V")), (Categories::NONE, Confidentiality::VeryRestricted));
    assert_eq!(tagged(label(CONFIDENTIALITY, "L")), (Categories::NONE, Confidentiality::Normal));
    assert_eq!(tagged(label(ACT_CODE, "TBOO")), (Categories::NONE, Confidentiality::Normal));
}

#[test]
fn a_label_on_an_element_counts_for_its_resource() {
    let extension = json!([{"url": INLINE, "valueCoding": label(ACT_CODE, "HIV")},
        {"url": INLINE, "valueCoding": label(CONFIDENTIALITY, "R")}]);
    let process = json!({"security": [label(ACT_CODE, "PROCESSINLINELABEL")]});
    for resource in [
        json!({"resourceType": "Patient", "meta": process, "name": [{"family": "x", "extension": extension}]}),
        json!({"resourceType": "Patient", "birthDate": "2000", "_birthDate": {"extension": extension}}),
        json!({"resourceType": "Observation", "code": {"coding": [{"extension": extension}]}}),
        json!({"resourceType": "Patient", "meta": {"extension": extension}}),
        json!({"resourceType": "Condition", "contained": [{"resourceType": "Patient",
            "meta": {"security": [label(ACT_CODE, "HIV"), label(CONFIDENTIALITY, "R")]}}]}),
    ] {
        let (record, _) = read(&resource);
        assert_eq!(record.categories.intersection(SENSITIVITIES), Categories::HIV, "{resource}");
        assert_eq!(record.confidentiality, Confidentiality::Restricted);
    }
    let lower = json!({"resourceType": "Patient", "extension": [{"url": INLINE, "valueCoding": label(CONFIDENTIALITY, "L")}]});
    assert_eq!(read(&lower).0.confidentiality, Confidentiality::Normal);
    let empty = json!({"resourceType": "Patient", "extension": [{"url": INLINE}]});
    let (record, remarks) = read(&empty);
    assert!(record.categories.intersects(Categories::HIV), "a label that says nothing is unknown");
    assert_eq!(remarks, [("Patient.extension[0]".to_owned(), Reason::UnknownLabel)]);
}

// Floors.

#[test]
fn a_containers_label_is_the_least_its_entries_have() {
    let entry = |own: Value, floor: Floor| read_within(&labelled(own), floor).0;
    let normal_hiv = floor_of(json!([label(CONFIDENTIALITY, "V"), label(ACT_CODE, "HIV")]));
    let record = entry(json!([]), normal_hiv);
    assert_eq!(record.categories, Categories::CONDITIONS.union(Categories::HIV));
    assert_eq!(record.confidentiality, Confidentiality::VeryRestricted);
    // Rows: the entry's label; columns: the container's.
    let (low, normal, restricted) =
        (Confidentiality::Low, Confidentiality::Normal, Confidentiality::Restricted);
    for (own, expected) in [
        (json!([]), [normal, normal, normal, restricted]),
        (json!([label(CONFIDENTIALITY, "L")]), [low, low, normal, restricted]),
        (json!([label(CONFIDENTIALITY, "N")]), [normal, normal, normal, restricted]),
        (json!([label(CONFIDENTIALITY, "R")]), [restricted; 4]),
    ] {
        let floors = [Floor::NONE, level("L"), level("N"), level("R")];
        let got = floors.map(|floor| entry(own.clone(), floor).confidentiality);
        assert_eq!(got, expected, "{own}");
    }
    let only_hiv = floor_of(json!([label(ACT_CODE, "HIV")]));
    let low_entry = entry(json!([label(CONFIDENTIALITY, "L")]), only_hiv);
    assert_eq!(low_entry.confidentiality, low, "a sensitivity alone says nothing of confidentiality");
    assert!(low_entry.categories.intersects(Categories::HIV));
}

#[test]
fn a_floor_of_a_wrong_shape_is_every_sensitivity() {
    for text in ["{\"security\":7}", "{\"security\":[\"R\"]}", "7", "[]", "{\"security\":{\"code\":\"R\"}}"] {
        let floor = Floor::of_meta(&Json::parse(text.as_bytes()).expect("JSON"));
        assert!(
            floor.categories.intersects(Categories::HIV) && floor.categories.intersects(Categories::GDIS),
            "{text}"
        );
        assert_eq!(floor.confidentiality, Confidentiality::Restricted);
    }
    for text in ["{}", "null", "{\"security\":null}", "{\"security\":[]}", "{\"profile\":[\"x\"]}"] {
        assert_eq!(Floor::of_meta(&Json::parse(text.as_bytes()).expect("JSON")), Floor::NONE, "{text}");
    }
}

#[test]
fn inline_labels_of_a_meta_and_of_an_entry_are_floors() {
    let extension = json!([{"url": INLINE, "valueCoding": label(ACT_CODE, "HIV")}]);
    let meta = json!({ "extension": extension }).to_string();
    assert_eq!(Floor::of_meta(&Json::parse(meta.as_bytes()).expect("JSON")).categories, Categories::HIV);
    let entry = json!({"extension": extension, "resource": {"extension": [{"url": INLINE}]}}).to_string();
    let floor = Floor::of_element(&Json::parse(entry.as_bytes()).expect("JSON"));
    assert_eq!(floor, Floor { categories: Categories::HIV, ..Floor::NONE });
}

#[test]
fn a_compositions_labels_are_the_floor_of_its_document_and_its_sections_of_their_entries() {
    let inline = |code| json!([{"url": INLINE, "valueCoding": label(ACT_CODE, code)}]);
    let composition = json!({
        "resourceType": "Composition", "confidentiality": "R",
        "meta": {"security": [label(ACT_CODE, "MINOR")]},
        "section": [
            {"extension": inline("HIV"), "entry": [{"reference": "Condition/a"}],
                "section": [{"entry": [{"reference": "urn:uuid:b"}], "_title": {"extension": inline("PSY")}}]},
            {"title": "x", "entry": [{"reference": "Condition/c"}, {"reference": "Condition/d", "extension": inline("STD")},
                {"display": "nothing named"}]},
        ],
    });
    let text = composition.to_string();
    let floors = composition_floors(&Json::parse(text.as_bytes()).expect("JSON"));
    let floor = |bits: Categories| Floor { categories: bits, confidentiality: Confidentiality::Restricted };
    let document = floor(Categories::MINOR);
    assert_eq!(floors.document, document);
    let hiv = Categories::MINOR.union(Categories::HIV);
    let expected = [
        ("Condition/a", floor(hiv)),
        ("urn:uuid:b", floor(hiv.union(Categories::PSY))),
        ("Condition/c", document),
        ("Condition/d", floor(Categories::MINOR.union(Categories::STD))),
    ];
    let got: Vec<_> = floors.entries.iter().map(|(reference, floor)| (reference.as_str(), *floor)).collect();
    assert_eq!(got, expected);
    for (text, level) in [
        ("{}", Confidentiality::Low),
        ("{\"confidentiality\":\"N\"}", Confidentiality::Normal),
        ("{\"confidentiality\":\"?\"}", Confidentiality::VeryRestricted),
        ("{\"confidentiality\":[7],\"section\":{\"entry\":7}}", Confidentiality::Restricted),
    ] {
        let floors = composition_floors(&Json::parse(text.as_bytes()).expect("JSON"));
        assert_eq!(floors.document.confidentiality, level, "{text}");
    }
}

// Properties.

fn arb_level() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(vec!["U", "L", "M", "N", "R", "V", "?"]))
}

fn arb_labels() -> impl Strategy<Value = Value> {
    let sensitivity = prop::option::of(prop::sample::select(vec!["HIV", "PSY", "ETH", "TBOO"]));
    (arb_level(), sensitivity).prop_map(|(level, sensitivity)| {
        let level = level.map(|code| label(CONFIDENTIALITY, code));
        let sensitivity = sensitivity.map(|code| label(ACT_CODE, code));
        Value::Array(level.into_iter().chain(sensitivity).collect())
    })
}

proptest! {
    /// A floor only raises, in whatever order floors come, and twice is once.
    #[test]
    fn a_floor_only_raises(own in arb_labels(), a in arb_labels(), b in arb_labels()) {
        let (a, b) = (floor_of(a), floor_of(b));
        prop_assert!(a.union(b) == b.union(a) && a.union(a) == a && a.union(Floor::NONE) == a);
        let alone = read(&labelled(own.clone())).0;
        let within = read_within(&labelled(own), a.union(b)).0;
        prop_assert!(within.confidentiality >= alone.confidentiality.max(a.confidentiality).max(b.confidentiality));
        for bits in [alone.categories, a.categories, b.categories] {
            prop_assert!(bits.is_subset(within.categories));
        }
    }

    #[test]
    fn any_system_and_code_are_read(system in any::<String>(), code in any::<String>()) {
        let (categories, _) = coded(&system, &code);
        prop_assert!(categories.intersects(Categories::CONDITIONS));
        let _ = read(&labelled(json!([label(&system, &code)])));
    }
}

// Published data.

#[test]
fn of_published_data_little_is_said() {
    for (name, most) in [
        ("synthea-r4-bundles", 0),
        ("synthea-bulk-2024", 0),
        ("phd-device-examples", 0),
        ("hl7-r4-examples", 60),
    ] {
        let mut said = Vec::new();
        let there = archive::read(name, |file, content| {
            let layout = if file.ends_with(".ndjson") { Layout::Lines } else { Layout::Auto };
            let content = std::io::BufReader::new(content);
            for item in Reader::new(content, file, layout, Limits::default()) {
                if let Item::Problem(p) = item
                    && matches!(
                        p.reason,
                        Reason::UnknownCodeSystem | Reason::WordsOnly | Reason::UnknownLabel
                    )
                {
                    said.push(p.to_string());
                }
            }
        });
        if there {
            assert!(said.len() <= most, "{name}: {} remarks, among them {:?}", said.len(), said.first());
        }
    }
}
