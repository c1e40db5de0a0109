//! Who is who, plainly: every name is a text, every reference is looked up, by the table at the head of
//! `domain/src/fhir/identity.rs` and nothing else. One folder, of a source that nobody named.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::feed::Feed;
use crate::people::{Outcome, fact};
use crate::read::{self, Read, Verdict};

struct Resource {
    name: Option<String>,
    /// What a reference in it may mean: relative ones by base, or in these places.
    base: Option<String>,
    bundle: Option<String>,
    in_source: bool,
    read: Read,
    identifiers: Vec<String>,
}

/// Imports a feed.
pub(crate) fn gather(feed: &Feed) -> Outcome {
    let mut found = Vec::new();
    let mut aliases = BTreeMap::new();
    for file in &feed.files {
        let documents: Vec<Value> = if file.name.ends_with(".ndjson") {
            let lines = file.bytes.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty());
            lines.filter_map(|l| serde_json::from_slice(l).ok()).collect()
        } else {
            serde_json::from_slice(&file.bytes).into_iter().collect()
        };
        for document in documents {
            if document["resourceType"] == "Bundle" {
                let within = bundle_name(&document);
                for entry in document["entry"].as_array().into_iter().flatten() {
                    note(
                        &entry["resource"],
                        entry["fullUrl"].as_str(),
                        Some(&within),
                        &mut found,
                        &mut aliases,
                    );
                }
            } else {
                note(&document, None, None, &mut found, &mut aliases);
            }
        }
    }
    settle(feed, &newest(found), &aliases)
}

/// Two Bundles are one where they hold the same entries.
fn bundle_name(bundle: &Value) -> String {
    let mut entries: Vec<String> =
        bundle["entry"].as_array().into_iter().flatten().map(Value::to_string).collect();
    entries.sort();
    entries.concat()
}

fn note(
    json: &Value,
    full_url: Option<&str>,
    within: Option<&String>,
    found: &mut Vec<Resource>,
    aliases: &mut BTreeMap<String, String>,
) {
    let Verdict::Resource(read) = read::resource(json, full_url) else { return };
    let id = read.id.as_ref().map(|id| format!("{}/{id}", read.name));
    let in_bundle = |text: &str| within.map(|bundle| format!("{bundle}#{text}"));
    let mut in_source = within.is_none();
    let mut base = None;
    let name = match full_url {
        Some(url) if url.starts_with("http") => {
            let url = same_spelling(url);
            base = url.rsplitn(3, '/').nth(2).map(str::to_owned);
            Some(url)
        }
        Some(urn) if urn.starts_with("urn:uuid:") || urn.starts_with("urn:oid:") => {
            in_source = true;
            Some(urn.to_lowercase())
        }
        Some(text) => in_bundle(text),
        None => match &id {
            Some(id) => in_bundle(id).or(Some(format!("#{id}"))),
            None if read.name == "Patient" => None,
            None => in_bundle(&read.canonical).or(Some(format!("#{}", read.canonical))),
        },
    };
    if let (Some(name), Some(id)) = (&name, &id)
        && let Some(alias) = in_bundle(id)
    {
        aliases.insert(alias, name.clone());
    }
    let identifiers = json["identifier"].as_array().into_iter().flatten().filter_map(read::identifier);
    let identifiers = if read.name == "Patient" { identifiers.collect() } else { Vec::new() };
    found.push(Resource { name, base, bundle: within.cloned(), in_source, read: *read, identifiers });
}

/// `https`, a lower-case host, no version.
fn same_spelling(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split("/_history/").next().unwrap_or(rest);
    match rest.split_once('/') {
        Some((host, path)) => format!("https://{}/{path}", host.to_lowercase()),
        None => format!("https://{}", rest.to_lowercase()),
    }
}

/// Of each name the newest version: by number, by time, by order. What has no name stays, to be refused.
fn newest(found: Vec<Resource>) -> Vec<Resource> {
    let mut by_name: BTreeMap<String, Resource> = BTreeMap::new();
    let mut nameless = Vec::new();
    for resource in found {
        let Some(name) = resource.name.clone() else {
            nameless.push(resource);
            continue;
        };
        let mark =
            |r: &Resource| (r.read.version.as_ref().and_then(|v| v.parse::<u64>().ok()), r.read.updated);
        let older = by_name.get(&name).is_some_and(|known| mark(known) > mark(&resource));
        if !older {
            by_name.insert(name, resource);
        }
    }
    by_name.into_values().chain(nameless).collect()
}

fn settle(feed: &Feed, resources: &[Resource], aliases: &BTreeMap<String, String>) -> Outcome {
    // Patients who share an identifier of the operator's system are one, named by the least name.
    let mut person: BTreeMap<String, String> = BTreeMap::new();
    let mut by_identifier: BTreeMap<String, String> = BTreeMap::new();
    for patient in resources.iter().filter(|r| r.read.name == "Patient") {
        let Some(name) = patient.name.clone() else { continue };
        let mut one = name.clone();
        for identifier in patient.identifiers.iter().filter(|i| is_of(i, feed.same_by)) {
            one = by_identifier.entry(identifier.clone()).or_insert(one).clone();
        }
        person.insert(name, one);
    }
    let mut outcome = Outcome::default();
    let mut people: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for resource in resources {
        let facts = resource.read.rows.iter().map(fact);
        let about = match (&resource.read.name[..], &resource.read.subject) {
            ("Patient", _) => resource.name.as_ref().and_then(|n| person.get(n)),
            ("Practitioner" | "PractitionerRole" | "Organization", _) | ("Device", None) => {
                outcome.nobody.extend(facts);
                continue;
            }
            (_, Some((Some(reference), identifiers))) => candidates(resource, reference)
                .iter()
                .find_map(|name| person.get(aliases.get(name).unwrap_or(name)))
                .or_else(|| identifiers.iter().find_map(|i| by_identifier.get(i))),
            (_, Some((None, identifiers))) => identifiers.iter().find_map(|i| by_identifier.get(i)),
            (_, None) => None,
        };
        match about {
            Some(about) => people.entry(about.clone()).or_default().extend(facts),
            None => *outcome.refused.entry(resource.read.name.clone()).or_default() += 1,
        }
    }
    outcome.people = people.into_values().collect();
    outcome.people.iter_mut().for_each(|p| p.sort());
    outcome.people.sort();
    outcome.nobody.sort();
    outcome
}

fn is_of(identifier: &str, system: Option<&str>) -> bool {
    system.is_some_and(|system| identifier.strip_prefix(system).is_some_and(|rest| rest.starts_with('|')))
}

/// The names that a reference may mean, the first that is there counts.
fn candidates(from: &Resource, reference: &str) -> Vec<String> {
    if reference.starts_with("http") {
        return vec![same_spelling(reference)];
    }
    if reference.starts_with("urn:") {
        return vec![reference.to_lowercase()];
    }
    let reference = reference.split("/_history/").next().unwrap_or(reference);
    if let Some(base) = &from.base {
        return vec![format!("{base}/{reference}")];
    }
    let mut names: Vec<String> = from.bundle.iter().map(|b| format!("{b}#{reference}")).collect();
    if from.in_source {
        names.push(format!("#{reference}"));
    }
    names
}
