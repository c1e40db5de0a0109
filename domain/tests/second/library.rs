//! The library's reader, in the words of the second one.

use std::collections::{BTreeMap, BTreeSet};

use amanat_domain::fhir::identity::{Source, type_of_reference};
use amanat_domain::fhir::survey::{Survey, Verdict as Taken};
use amanat_domain::fhir::{Head, Item, Layout, Limits, Lost, Reader, Reason, Resource, type_name};

use crate::feed::Feed;
use crate::people::{Outcome, fact};
use crate::read::{At, Read, Row, Subject, Verdict};

/// Everything in a file, by place.
pub(crate) fn file(name: &str, bytes: &[u8]) -> BTreeMap<At, Verdict> {
    let mut found = BTreeMap::new();
    for item in items(name, bytes) {
        let (place, verdict) = match item {
            Item::Resource(place, resource) => (place, Verdict::Resource(Box::new(plain(&resource)))),
            Item::Deletion(place, _) => (place, Verdict::Refused("a deletion")),
            Item::Unread(..) => continue,
            Item::Problem(problem) if problem.lost < Lost::Resource => continue,
            Item::Problem(problem) => {
                let verdict = match problem.reason {
                    Reason::Unsupported(_) | Reason::NoResourceType | Reason::UnknownType => {
                        Verdict::Unsupported
                    }
                    _ => Verdict::Refused("a problem"),
                };
                (problem.place, verdict)
            }
        };
        assert!(found.insert((place.line, place.entry), verdict).is_none(), "{name}: {place}: told twice");
    }
    found
}

fn items<'b>(name: &str, bytes: &'b [u8]) -> Reader<&'b [u8]> {
    let layout = if name.ends_with(".ndjson") { Layout::Lines } else { Layout::Document };
    Reader::new(bytes, "file", layout, Limits::default()).with_head(Head::scan(bytes))
}

fn plain(resource: &Resource) -> Read {
    let rows = resource.records.iter().map(|r| Row {
        number: r.resource_type as u8,
        code: r.code.as_ref().map(|c| (c.system.clone(), c.code.clone())),
        time: (r.time.from().seconds(), r.time.until().seconds()),
        value: r.value.map(|v| v.0),
        unit: r.unit.clone(),
        amount: r.amount.as_ref().map(|a| (a.hundredths, String::from_utf8_lossy(&a.currency).into_owned())),
        provider: r.provider.clone(),
        organisation: r.organisation.clone(),
        link: r.link.clone(),
        status: r.status.clone(),
        device: r.device.clone(),
        provenance: r.provenance.clone(),
        categories: r.categories.0,
        confidentiality: r.confidentiality as u8,
    });
    Read {
        name: type_name(resource.resource_type).to_owned(),
        id: resource.id.clone(),
        subject: resource.subject.as_ref().map(|s| Subject {
            reference: s.literal.clone(),
            identifiers: s.identifiers.clone(),
            not_a_patient: s.not_a_patient.is_some()
                || s.literal.as_deref().and_then(type_of_reference).is_some_and(|t| t != "Patient"),
        }),
        version: resource.version.id.clone(),
        updated: resource.version.updated.map(|t| (t.seconds(), resource.version.fraction)),
        rows: rows.collect(),
        canonical: String::from_utf8_lossy(&resource.canonical).into_owned(),
    }
}

/// Imports a feed.
pub(crate) fn gather(feed: &Feed) -> Outcome {
    let mut survey = Survey::joining();
    if let Some(system) = feed.same_by {
        survey = survey.same_patient_by(system);
    }
    let mut resources = Vec::new();
    for file in &feed.files {
        survey.begin_file(match feed.source {
            Some(word) => Source::named(word).expect("a source"),
            None => Source::folder(file.folder()),
        });
        for item in items(&file.name, &file.bytes) {
            match item {
                Item::Resource(place, resource) => {
                    survey.note(place, &resource);
                    resources.push(plain(&resource));
                }
                Item::Deletion(place, deletion) => survey.note_deletion(place, &deletion),
                Item::Unread(place, unread) => survey.note_unread(place, &unread),
                Item::Problem(_) => {}
            }
        }
    }
    let register = survey.finish();
    let mut outcome = Outcome { people: vec![Vec::new(); register.people().len()], ..Outcome::default() };
    let mut refused = BTreeSet::new();
    for (n, resource) in resources.iter().enumerate() {
        let floor = register.floor(n);
        let facts = resource.rows.iter().map(|row| {
            fact(&Row {
                categories: row.categories | floor.categories.0,
                confidentiality: row.confidentiality.max(floor.confidentiality as u8),
                ..row.clone()
            })
        });
        match register.verdict(n) {
            Taken::About(person) => outcome.people[person as usize].extend(facts),
            Taken::AboutNobody => outcome.nobody.extend(facts),
            Taken::Retracted(_) | Taken::Duplicate => {}
            Taken::Refused => {
                refused.insert((&resource.name, &resource.canonical));
            }
        }
    }
    for (name, _) in refused {
        *outcome.refused.entry(name.clone()).or_default() += 1;
    }
    outcome.people.iter_mut().for_each(|p| p.sort());
    outcome.people.sort();
    outcome.nobody.sort();
    outcome
}
