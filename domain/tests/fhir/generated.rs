//! Data of our own passes our own importer.

use std::collections::BTreeMap;

use amanat_domain::consent::{Categories, Confidentiality};
use amanat_domain::fhir::consent::{Organisations, compile};
use amanat_domain::fhir::generate::Generator;
use amanat_domain::fhir::{Facts, Item, Layout, Limits, Reader, Resource, Zones};
use amanat_domain::record::ResourceType;
use amanat_domain::time::Timestamp;

fn import(bundles: &[String]) -> Vec<Resource> {
    let mut resources = Vec::new();
    for bundle in bundles {
        for item in Reader::new(bundle.as_bytes(), "bundle", Layout::Auto, Limits::default()) {
            match item {
                Item::Resource(_, resource) => resources.push(*resource),
                Item::Deletion(..) | Item::Unread(..) => panic!("a deletion, or what is not read"),
                Item::Problem(problem) => panic!("{problem}"),
            }
        }
    }
    resources
}

#[test]
fn every_resource_is_read_and_every_consent_compiles() {
    let generator = Generator::new(7);
    let mut bundles = vec![generator.organisations()];
    bundles.extend((0..24).map(|n| generator.patient(n)));
    let resources = import(&bundles);
    let mut types: BTreeMap<ResourceType, usize> = BTreeMap::new();
    let now = Timestamp::from_civil(2026, 11, 21, 0).expect("a date");
    let mut kinds = std::collections::BTreeSet::new();
    for resource in &resources {
        *types.entry(resource.resource_type).or_default() += 1;
        assert_eq!(resource.records[0].provenance, resource.full_url);
        if resource.resource_type == ResourceType::Consent {
            let json = resource.json().expect("canonical JSON");
            let compiled = compile(&json, &Organisations, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
            assert!(!compiled.expired_at(now) && !compiled.terms().rules().is_empty());
            kinds.insert(
                compiled
                    .explain()
                    .lines()
                    .map(|l| l.split(" to ").next().unwrap_or("").to_owned())
                    .collect::<String>(),
            );
        }
    }
    assert_eq!(types[&ResourceType::Patient], 24);
    assert_eq!(types[&ResourceType::Consent], 24);
    assert_eq!(types[&ResourceType::PractitionerRole], 10);
    assert_eq!(types.len(), 16, "all types but ExplanationOfBenefit");
    assert!(kinds.len() >= 5, "consents of several shapes");
}

#[test]
fn the_typed_fields_say_what_the_bundle_says() {
    let generator = Generator::new(7);
    let resources = import(&[generator.organisations(), generator.patient(0)]);
    let of = |t: ResourceType| resources.iter().filter(move |r| r.resource_type == t);
    let patient = of(ResourceType::Patient).next().expect("a patient").reference().expect("an id");
    let hba1c = of(ResourceType::Observation)
        .find(|r| r.records[0].code.as_ref().is_some_and(|c| c.code == "4548-4"))
        .expect("an HbA1c");
    let subject = hba1c.subject.as_ref().and_then(|s| s.literal.as_deref());
    assert_eq!(subject, Some(patient.as_str()));
    let record = &hba1c.records[0];
    assert!(record.categories == Categories::LABS && record.confidentiality == Confidentiality::Normal);
    assert!(record.value.is_some_and(|v| (4_500_000..=12_000_000).contains(&v.0)));
    assert!(record.unit.as_deref() == Some("%") && record.status.as_deref() == Some("final"));
    let panel = of(ResourceType::Observation).find(|r| r.records.len() == 3).expect("a blood pressure");
    for part in &panel.records[1..] {
        assert!(
            part.link == panel.reference() && part.value.is_some() && part.categories == Categories::VITALS
        );
        assert_eq!(part.unit.as_deref(), Some("mm[Hg]"));
        assert!(part.body_digest == panel.digest && part.time == panel.records[0].time);
    }
    let claim = &of(ResourceType::Claim).next().expect("a claim").records[0];
    assert!(claim.amount.as_ref().is_some_and(|a| &a.currency == b"PKR" && a.hundredths >= 150_000));
    assert!(claim.organisation.as_deref().is_some_and(|o| o.starts_with("Organization/hospital-")));
    let roles: Vec<_> = of(ResourceType::PractitionerRole).collect();
    let Facts::Role(role) = &roles[0].facts else { panic!("facts of a role") };
    assert!(role.period.is_some() && role.codes[0].code == "doctor" && role.active == Some(true));
    let person = of(ResourceType::Practitioner)
        .find(|r| r.reference().is_some() && r.reference() == role.practitioner);
    let Facts::Practitioner(person) = &person.expect("the role's practitioner").facts else {
        panic!("facts")
    };
    assert!(person.identifiers[0].starts_with("urn:amanat:synthetic:licence|SYN-"));
}
