//! Identity in an import: people and versions of resources, distinguished by FHIR's rules alone.

use amanat_domain::consent::Categories;
use amanat_domain::fhir::identity::{Name, Source};
use amanat_domain::fhir::survey::{KnownPatient, Person, Register, Survey, Tally, Verdict};
use amanat_domain::fhir::{Head, Item, Layout, Limits, Lost, Reader, Reason, Resource};

/// A file: the source of its folder, its text.
struct File<'t>(&'t str, &'t str);

struct Outcome {
    register: Register,
    resources: Vec<(usize, Resource)>,
}

fn survey(mut survey: Survey, files: &[File<'_>]) -> Outcome {
    let mut resources = Vec::new();
    for File(source, text) in files {
        let source =
            source.strip_prefix('/').map_or_else(|| Source::named(source).expect("a source"), Source::folder);
        let file = survey.begin_file(source);
        let head = Head::scan(text.as_bytes());
        for item in Reader::new(text.as_bytes(), "file", Layout::Auto, Limits::default()).with_head(head) {
            match item {
                Item::Resource(place, resource) => {
                    survey.note(place, &resource);
                    resources.push((file, *resource));
                }
                Item::Deletion(place, deletion) => survey.note_deletion(place, &deletion),
                Item::Unread(place, unread) => survey.note_unread(place, &unread),
                Item::Problem(problem) if problem.reason == Reason::Modifier => {}
                Item::Problem(problem) => assert!(problem.lost == Lost::Nothing, "{problem}"),
            }
        }
    }
    Outcome { register: survey.finish(), resources }
}

fn joined(files: &[File<'_>]) -> Outcome {
    survey(Survey::joining(), files)
}

impl Outcome {
    /// The lasting names of each person, with the names of the resources about them.
    fn people(&self) -> Vec<(String, Vec<String>)> {
        let mut all: Vec<(String, Vec<String>)> =
            self.register.people().iter().map(|p| (p.names[0].0.to_string(), Vec::new())).collect();
        for (n, (file, resource)) in self.resources.iter().enumerate() {
            if let Verdict::About(person) = self.register.verdict(n) {
                let name = self.register.name(n, *file, resource).expect("taken, so named");
                all[person as usize].1.push(name.to_string());
            }
        }
        all.sort();
        all
    }

    fn reasons(&self) -> Vec<Reason> {
        self.register.findings().iter().map(|f| f.reason).collect()
    }

    fn known(&self) -> Vec<KnownPatient> {
        let of = |(person, p): (usize, &Person)| {
            p.names
                .iter()
                .map(|(name, likeness)| KnownPatient {
                    name: name.clone(),
                    person,
                    likeness: likeness.clone(),
                })
                .collect::<Vec<_>>()
        };
        self.register.people().iter().enumerate().flat_map(of).collect()
    }
}

fn person(id: &str, family: &str, born: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}],"birthDate":"{born}"}}"#
    )
}

fn finding(id: &str, subject: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"{id}","subject":{{"reference":"{subject}"}},"code":{{"coding":[{{"system":"http://snomed.info/sct","code":"44054006"}}]}}{more}}}"#
    )
}

fn entry(url: &str, resource: &str) -> String {
    format!(r#"{{"fullUrl":"{url}","resource":{resource}}}"#)
}

fn bundle(head: &str, entries: &[String]) -> String {
    format!(r#"{{"resourceType":"Bundle",{head},"entry":[{}]}}"#, entries.join(","))
}

fn export(server: &str, family: &str, finding_id: &str) -> String {
    let entries = [
        entry(&format!("{server}/Patient/1"), &person("1", family, "1970-01-01")),
        entry(&format!("{server}/Condition/{finding_id}"), &finding(finding_id, "Patient/1", "")),
    ];
    bundle(r#""type":"collection""#, &entries)
}

#[test]
fn two_servers_have_two_patients_of_one_id() {
    let (a, b) =
        (export("https://a.example/fhir", "Aslam", "7"), export("https://b.example/fhir", "Bano", "7"));
    let expected: Vec<(String, Vec<String>)> = ["a", "b"]
        .map(|server| {
            let base = format!("https://{server}.example/fhir");
            (format!("{base}/Patient/1"), vec![format!("{base}/Patient/1"), format!("{base}/Condition/7")])
        })
        .into();
    for files in [[File("/x", &a), File("/x", &b)], [File("/x", &b), File("/y", &a)]] {
        let outcome = joined(&files);
        assert_eq!(outcome.people(), expected);
        assert!(outcome.reasons().is_empty());
    }
    let twice = joined(&[File("/x", &a), File("/x", &b), File("/x", &a), File("/x", &b)]);
    assert_eq!(twice.people(), expected);
    assert_eq!(twice.register.tally(), Tally { records: 4, duplicates: 4, ..Tally::default() });
}

#[test]
fn documents_keep_their_ids_to_themselves() {
    let document = |identity: &str, url: bool| {
        let entry = |name: &str, resource: String| {
            if url { entry(name, &resource) } else { format!(r#"{{"resource":{resource}}}"#) }
        };
        let entries = [
            entry("Patient/1", person("1", "Aslam", "1970-01-01")),
            entry("Condition/1", finding("1", "Patient/1", "")),
        ];
        bundle(&format!(r#""type":"document",{identity}"meta":{{}}"#), &entries)
    };
    for url in [true, false] {
        let a = document(r#""identifier":{"system":"s","value":"A"},"#, url);
        let b = document(r#""identifier":{"system":"s","value":"B"},"#, url);
        let outcome = joined(&[File("lahore", &a), File("lahore", &b)]);
        let names: Vec<String> = outcome.people().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["lahore#s|A#Patient/1", "lahore#s|B#Patient/1"]);
        assert!(
            outcome.reasons().is_empty() && outcome.people().iter().all(|(_, records)| records.len() == 2)
        );
        // Without identifier or id a document is what it holds: the same again is the same.
        let bare = document("", url);
        let outcome = joined(&[File("lahore", &bare)]);
        let again = survey(Survey::joining().knowing(outcome.known()), &[File("lahore", &bare)]);
        assert_eq!(outcome.people(), again.people());
        assert_eq!(again.register.people()[0].known, Some(0));
    }
}

#[test]
fn a_transaction_names_its_own_by_full_url() {
    let uuid = "urn:uuid:0b8a54c8-0000-4000-8000-00000000000";
    let post = |n: u8, resource: &str| {
        format!(r#"{{"fullUrl":"{uuid}{n}","request":{{"method":"POST","url":"x"}},"resource":{resource}}}"#)
    };
    let about = |subject: &str| {
        let patient = r#"{"resourceType":"Patient","birthDate":"1951-01-20"}"#;
        let shot = format!(
            r#"{{"resourceType":"Immunization","status":"completed","patient":{{"reference":"{subject}"}}}}"#
        );
        bundle(r#""type":"transaction""#, &[post(1, patient), post(2, &shot)])
    };
    let upper = format!("{uuid}1").to_uppercase().replace("URN:UUID", "urn:uuid");
    for subject in [format!("{uuid}1"), upper] {
        let outcome = joined(&[File("/x", &about(&subject))]);
        assert_eq!(outcome.people().len(), 1);
        assert_eq!(outcome.people()[0].1.len(), 2, "{subject}");
    }
    // SMART Health Cards: names that hold in one Bundle only.
    let card = |family: &str| {
        let entries = [
            entry("resource:0", &person("", family, "1951-01-20").replace(r#""id":"","#, "")),
            entry(
                "resource:1",
                r#"{"resourceType":"Immunization","status":"completed","patient":{"reference":"resource:0"}}"#,
            ),
        ];
        bundle(r#""type":"collection""#, &entries)
    };
    let (a, b) = (card("Aslam"), card("Bano"));
    let outcome = joined(&[File("/x", &a), File("/x", &b)]);
    assert!(outcome.people().len() == 2 && outcome.people().iter().all(|(_, records)| records.len() == 2));
}

#[test]
fn in_a_folder_that_nobody_named_two_people_of_one_id_are_nobody() {
    let a = format!("{}\n{}\n", person("1", "Aslam", "1970-01-01"), finding("7", "Patient/1", ""));
    let b = format!("{}\n{}\n", person("1", "Bano", "1985-06-06"), finding("8", "Patient/1", ""));
    let other = format!("{}\n{}\n", person("2", "Chand", "1990-02-02"), finding("9", "Patient/2", ""));
    for files in [
        [File("/x", &a), File("/x", &b), File("/x", &other)],
        [File("/x", &other), File("/x", &b), File("/x", &a)],
    ] {
        let outcome = joined(&files);
        assert_eq!(
            outcome.people(),
            [(
                "folder:x#Patient/2".to_owned(),
                vec!["folder:x#Patient/2".to_owned(), "folder:x#Condition/9".to_owned()]
            )]
        );
        assert_eq!(outcome.reasons(), [Reason::AmbiguousPatient; 2]);
        assert_eq!(outcome.register.tally(), Tally { records: 2, refused: 4, ..Tally::default() });
    }
    // In two folders, or under two named sources, they are two.
    for (one, two) in [("/x", "/y"), ("lahore", "karachi")] {
        assert_eq!(joined(&[File(one, &a), File(two, &b)]).people().len(), 2);
    }
    // Two people who say nothing that tells them apart may be one or two: nobody knows.
    let bare = |id: &str| {
        format!("{}\n{}\n", r#"{"resourceType":"Patient","id":"1"}"#, finding(id, "Patient/1", ""))
    };
    let (first, second) = (bare("7"), bare("8"));
    assert_eq!(joined(&[File("/x", &first), File("/x", &second)]).people(), []);
    assert_eq!(joined(&[File("lahore", &first), File("lahore", &second)]).people().len(), 1);
}

#[test]
fn a_patient_who_is_another_than_the_vault_knows_is_refused() {
    let a = person("1", "Aslam", "1970-01-01");
    let b = format!("{}\n{}\n", person("1", "Bano", "1985-06-06"), finding("8", "Patient/1", ""));
    for source in ["/x", "lahore"] {
        let known = joined(&[File(source, &a)]).known();
        let outcome = survey(Survey::joining().knowing(known.clone()), &[File(source, &b)]);
        assert_eq!(outcome.reasons(), [Reason::AmbiguousPatient], "{source}");
        assert_eq!(outcome.register.tally().records, 0);
        // The same patient, and records that come without the patient, are known.
        let more = survey(Survey::joining().knowing(known), &[File(source, &finding("9", "Patient/1", ""))]);
        // What a folder's id meant yesterday it may not mean today: there the patient must come
        // along.
        let expected = if source == "lahore" { Verdict::About(0) } else { Verdict::Refused };
        assert_eq!(more.register.verdict(0), expected);
        let not_here = more.reasons().contains(&Reason::SubjectNotHere { times: 1 });
        assert_eq!(not_here, source == "/x");
        assert_eq!(more.register.people()[0].known, Some(0));
    }
}

#[test]
fn two_people_become_one_by_a_rule_alone() {
    let with = |id: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"https://id.example","value":"{value}"}}]}}"#
        )
    };
    let (a, b, c) = (with("1", "X"), with("9", "X"), with("2", "Y"));
    let files = || [File("lahore", &a), File("karachi", &b), File("karachi", &c)];
    assert_eq!(joined(&files()).people().len(), 3);
    let rule = || Survey::joining().same_patient_by("https://id.example");
    let outcome = survey(rule(), &files());
    let names: Vec<Vec<String>> = outcome
        .register
        .people()
        .iter()
        .map(|p| p.names.iter().map(|(n, _)| n.to_string()).collect())
        .collect();
    assert_eq!(
        names,
        [
            vec!["karachi#Patient/9".to_owned(), "lahore#Patient/1".to_owned()],
            vec!["karachi#Patient/2".to_owned()]
        ]
    );
    // Also one after the other, and by the identifier of a reference.
    let known = joined(&[File("lahore", &a)]).known();
    let later = survey(rule().knowing(known.clone()), &[File("karachi", &b)]);
    assert_eq!(later.register.people().len(), 1);
    assert_eq!(later.register.people()[0].known, Some(0));
    let logical = r#"{"resourceType":"Condition","id":"5","subject":{"identifier":{"system":"https://id.example","value":"X"}}}"#;
    assert_eq!(
        survey(rule().knowing(known.clone()), &[File("/z", logical)]).register.verdict(0),
        Verdict::About(0)
    );
    let without = survey(Survey::joining().knowing(known), &[File("/z", logical)]);
    assert!(matches!(without.reasons()[..], [Reason::SubjectByIdentifier { .. }]));
    // Two who are known as two stay two, and who would join them is nobody.
    let two = joined(&[File("lahore", &a), File("karachi", &c)]).known();
    let both = r#"{"resourceType":"Patient","id":"5","identifier":[{"system":"https://id.example","value":"X"},{"system":"https://id.example","value":"Y"}]}"#;
    let outcome = survey(rule().knowing(two), &[File("quetta", both)]);
    assert_eq!(outcome.reasons(), [Reason::AmbiguousPatient]);
    assert_eq!(outcome.register.people().iter().filter(|p| p.known.is_some()).count(), 2);
}

#[test]
fn the_newest_version_counts_whatever_the_order() {
    let version = |number: &str, updated: &str, status: &str| {
        let meta = format!(
            r#","meta":{{"versionId":"{number}","lastUpdated":"{updated}"}},"recordedDate":"{status}""#
        );
        finding("7", "Patient/1", &meta)
    };
    let patient = person("1", "Aslam", "1970-01-01");
    let (one, two) =
        (version("9", "2024-01-01T00:00:00Z", "2024"), version("10", "2023-01-01T00:00:00Z", "2025"));
    for (files, newest) in
        [([&patient, &one, &two], 2), ([&patient, &two, &one], 1), ([&two, &patient, &one], 0)]
    {
        let outcome = joined(&files.map(|text| File("lahore", text)));
        for n in 0..3 {
            let taken = matches!(outcome.register.verdict(n), Verdict::About(0));
            assert_eq!(taken, n == newest || outcome.resources[n].1.id.as_deref() == Some("1"));
        }
        assert_eq!(outcome.reasons(), [Reason::Older { unordered: false }]);
    }
    // One version, two contents: nobody knows which.
    let outcome = joined(&[
        File("lahore", &patient),
        File("lahore", &one),
        File("lahore", &version("9", "2024-01-01T00:00:00Z", "2026")),
    ]);
    assert_eq!(outcome.reasons(), [Reason::Ambiguous; 2]);
    // Nothing says: the last read, and it is said.
    let (bare, more) =
        (finding("7", "Patient/1", ""), finding("7", "Patient/1", r#","recordedDate":"2024""#));
    let outcome = joined(&[File("lahore", &patient), File("lahore", &bare), File("lahore", &more)]);
    assert_eq!(outcome.reasons(), [Reason::Older { unordered: true }]);
    assert!(
        outcome.register.verdict(1) == Verdict::Duplicate && outcome.register.verdict(2) == Verdict::About(0)
    );
    // Twice in one Bundle, and nothing says: neither.
    let entries = [
        entry("https://h/Patient/1", &patient),
        entry("https://h/Condition/7", &bare),
        entry("https://h/Condition/7", &more),
    ];
    let outcome = joined(&[File("lahore", &bundle(r#""type":"collection""#, &entries))]);
    assert_eq!(outcome.reasons(), [Reason::Ambiguous; 2]);
}

#[test]
fn what_is_older_than_a_version_that_is_not_read_is_not_taken() {
    let patient = person("1", "Aslam", "1970-01-01");
    let version =
        |n: u8, more: &str| finding("7", "Patient/1", &format!(r#","meta":{{"versionId":"{n}"}}{more}"#));
    let unread = r#","modifierExtension":[{"url":"x"}]"#;
    for (one, two, taken) in [
        (version(1, ""), version(2, unread), false),
        (version(2, unread), version(1, ""), false),
        (version(1, unread), version(2, ""), true),
    ] {
        let outcome = joined(&[File("lahore", &patient), File("lahore", &one), File("lahore", &two)]);
        assert_eq!(outcome.register.tally().records, if taken { 2 } else { 1 });
        assert_eq!(outcome.reasons().contains(&Reason::NewerUnread), !taken);
    }
}

#[test]
fn what_was_deleted_is_no_fact() {
    let patient = person("1", "Aslam", "1970-01-01");
    let condition = finding("7", "Patient/1", r#","meta":{"lastUpdated":"2024-01-01T00:00:00Z"}"#);
    let deletion = |at: &str| {
        format!(
            r#"{{"fullUrl":"https://h/Condition/7","request":{{"method":"DELETE","url":"Condition/7"}},"response":{{"status":"204","lastModified":"{at}"}}}}"#
        )
    };
    for (at, retracted) in [("2024-02-01T00:00:00Z", true), ("2023-12-01T00:00:00Z", false)] {
        for deletion_first in [true, false] {
            let mut entries =
                vec![entry("https://h/Patient/1", &patient), entry("https://h/Condition/7", &condition)];
            entries.insert(if deletion_first { 0 } else { 2 }, deletion(at));
            let outcome = joined(&[File("/x", &bundle(r#""type":"history""#, &entries))]);
            let expected = if retracted { Verdict::Retracted(0) } else { Verdict::About(0) };
            assert_eq!(outcome.register.verdict(1), expected, "{at} {deletion_first}");
        }
    }
}

#[test]
fn bundles_in_bundles_are_read_and_keep_their_ids_apart() {
    let inner = |family: &str| {
        let entries = [person("1", family, "1970-01-01"), finding("1", "Patient/1", "")];
        bundle(r#""type":"document""#, &entries.map(|r| format!(r#"{{"resource":{r}}}"#)))
    };
    let entries =
        [inner("Aslam"), person("2", "Chand", "1990-02-02"), inner("Bano"), finding("2", "Patient/2", "")];
    let outer = bundle(r#""type":"document","id":"o""#, &entries.map(|r| format!(r#"{{"resource":{r}}}"#)));
    let outcome = joined(&[File("lahore", &outer)]);
    assert!(outcome.reasons().is_empty());
    assert_eq!(outcome.people().len(), 3);
    assert!(outcome.people().iter().all(|(_, records)| records.len() == 2));
}

#[test]
fn what_a_stranger_writes_as_names_costs_that_resource_alone() {
    // Two with one id, and a third that has it for a name; a name that no vault could read again; a
    // number that nobody has.
    let urn = |n: u8| format!("urn:uuid:0b8a54c8-0000-4000-8000-00000000000{n}");
    let twice = [
        entry(&urn(1), &finding("1", "Patient/1", "")),
        entry(&urn(2), &finding("1", "Patient/1", r#","recordedDate":"2024""#)),
        format!(r#"{{"resource":{}}}"#, finding("1", "Patient/1", r#","recordedDate":"2025""#)),
        entry(&urn(3), &person("1", "Aslam", "1970-01-01")),
        entry(&urn(4), &person("1", "Bano", "1985-06-06")),
    ];
    let outcome = joined(&[File("lahore", &bundle(r#""type":"collection""#, &twice))]);
    assert_eq!(outcome.register.tally(), Tally { records: 2, refused: 3, ..Tally::default() });
    let long = entry(
        &format!("http://h.example/{}/Patient/1", "#".repeat(3_000)),
        &person("1", "Aslam", "1970-01-01"),
    );
    let odd = entry("http://h.example/a\\u0001b/Patient/1", &person("1", "Aslam", "1970-01-01"));
    for name in [long, odd] {
        let outcome = joined(&[File("lahore", &bundle(r#""type":"collection""#, &[name]))]);
        for (name, _) in outcome.people() {
            assert!(Name::from_text(&name).is_some(), "{name:?}");
        }
    }
}

#[test]
fn one_resource_of_two_patients_is_neither_s_also_if_one_of_them_is_not_here() {
    let a = format!("{}\n{}\n", person("1", "Aslam", "1970-01-01"), finding("7", "Patient/1", ""));
    let b = finding("7", "Patient/99", "");
    let outcome = joined(&[File("/x", &a), File("/x", &b)]);
    assert_eq!(outcome.register.tally(), Tally { records: 1, refused: 2, ..Tally::default() });
    // What many machines are called is no server.
    let local = "http://localhost:8080/fhir";
    let (one, two) = (export(local, "Aslam", "7"), export(local, "Bano", "7"));
    let outcome = joined(&[File("/x", &one), File("/y", &two)]);
    assert!(outcome.people().is_empty());
    assert!(outcome.reasons().contains(&Reason::AmbiguousPatient));
}

#[test]
fn a_number_that_is_written_where_there_is_none_joins_nobody() {
    let with = |id: &str, family: &str, born: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}],"birthDate":"{born}","identifier":[{{"system":"https://id.example","value":"{value}"}}]}}"#
        )
    };
    let rule = || Survey::joining().same_patient_by("https://id.example");
    for value in ["", "unknown", "000-00-0000", "N/A"] {
        let (a, b) = (with("1", "Aslam", "1970-01-01", value), with("9", "Bano", "1985-06-06", value));
        let outcome = survey(rule(), &[File("lahore", &a), File("karachi", &b)]);
        assert_eq!(outcome.people().len(), 2, "{value}");
    }
    // A real number, and all else against it: nobody knows.
    let (a, b) = (with("1", "Aslam", "1970-01-01", "35202-1"), with("9", "Bano", "1985-06-06", "35202-1"));
    let outcome = survey(rule(), &[File("lahore", &a), File("karachi", &b)]);
    assert_eq!(outcome.reasons(), [Reason::AmbiguousPatient; 2]);
}

#[test]
fn the_same_bundle_with_a_label_makes_its_entries_as_sensitive() {
    let entries = [person("1", "Aslam", "1970-01-01"), finding("7", "Patient/1", "")];
    let entries = entries.map(|r| format!(r#"{{"resource":{r}}}"#));
    let plain = bundle(r#""type":"collection""#, &entries);
    let label = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}"#;
    let labelled = bundle(&format!(r#""type":"collection","meta":{{"security":[{label}]}}"#), &entries);
    let outcome = joined(&[File("/x", &plain), File("/x", &labelled)]);
    assert_eq!(outcome.people().len(), 1);
    assert!(outcome.register.floor(1).categories.intersects(Categories::HIV));
    assert!(!outcome.register.is_as_noted(0, 0, &outcome.resources[1].1), "another resource");
}

#[test]
fn what_was_taken_back_stays_so_unless_something_says_that_it_is_newer() {
    let patient = person("1", "Aslam", "1970-01-01");
    let fact = finding("7", "Patient/1", "");
    let error = r#"{"resourceType":"Condition","id":"7","verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"entered-in-error"}]}}"#;
    for files in [[&patient[..], error, &fact], [&patient, &fact, error]] {
        let outcome = joined(&files.map(|text| File("lahore", text)));
        let tally = outcome.register.tally();
        assert_eq!((tally.retracted, tally.records), (1, 1), "its id is enough to take it back");
    }
}

#[test]
fn a_subject_that_nobody_is_is_said_once() {
    let patient = person("1", "Aslam", "1970-01-01");
    let lost: Vec<String> = (0..3).map(|n| finding(&format!("c{n}"), "Patient/404", "")).collect();
    let group = finding("g", "Group/1", "");
    let nobody = r#"{"resourceType":"Condition","id":"n"}"#;
    let mut files: Vec<File<'_>> = lost.iter().map(|text| File("lahore", text)).collect();
    files.extend([File("lahore", &patient), File("lahore", &group), File("lahore", nobody)]);
    let outcome = joined(&files);
    let mut reasons = outcome.reasons();
    reasons.sort_by_key(ToString::to_string);
    assert_eq!(
        reasons,
        [Reason::NotAPatient("Group"), Reason::NoSubject, Reason::SubjectNotFound { times: 3 }]
    );
    assert_eq!(outcome.register.tally(), Tally { records: 1, refused: 5, ..Tally::default() });
}
