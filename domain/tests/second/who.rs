//! Identity, plainly: every name is a text, every reference is looked up, by the tables at the
//! heads of `domain/src/fhir/identity.rs` and `survey.rs`, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::feed::Feed;
use crate::people::{Outcome, fact};
use crate::read::{self, Labels, Read, Verdict};

/// The source of a file: named by the operator, else the folder.
struct Source {
    word: String,
    named: bool,
}

impl Source {
    /// What `Type/id` is called in it.
    fn name(&self, local: &str) -> String {
        if self.named && self.word.starts_with("http") {
            same_spelling(&format!("{}/{local}", self.word))
        } else {
            format!("{}#{local}", self.word)
        }
    }
}

#[derive(Clone)]
struct Resource {
    name: Option<String>,
    /// Nobody answers for the name: a folder is no server.
    doubtful: bool,
    /// The names that the subject's reference may mean; the first that is there counts.
    subjects: Vec<String>,
    read: Read,
    /// Of a Patient: identifiers, and what tells people apart where nobody answers for the name.
    identifiers: Vec<String>,
    likeness: Option<String>,
}

/// The place of a resource.
struct Stands<'a> {
    full_url: Option<&'a str>,
    within: Option<&'a String>,
    source: &'a Source,
    /// Its Bundle holds all that it speaks of.
    holds_all: bool,
    /// A server is to give it an id.
    to_be_created: bool,
}

#[derive(Default)]
struct Import {
    found: Vec<Resource>,
    /// `Type/id` in a Bundle, and the name that it stands for.
    aliases: BTreeMap<String, String>,
}

/// Imports a feed.
pub(crate) fn gather(feed: &Feed) -> Outcome {
    let mut import = Import::default();
    for file in &feed.files {
        let source = match feed.source {
            Some(word) => Source { word: word.to_owned(), named: true },
            None => Source { word: file.folder().to_owned(), named: false },
        };
        for document in documents(&file.name, &file.bytes) {
            if document["resourceType"] == "Bundle" {
                let within = bundle_name(&document);
                let labels = read::bundle_labels(&document);
                for entry in entries(&document) {
                    let stands = Stands {
                        full_url: entry["fullUrl"].as_str(),
                        within: Some(&within),
                        source: &source,
                        holds_all: document["type"] == "document" || document["type"] == "message",
                        to_be_created: (document["type"] == "transaction" || document["type"] == "batch")
                            && entry["request"]["method"] != "PUT",
                    };
                    import.note(&entry["resource"], &stands, labels);
                }
            } else {
                let stands = Stands {
                    full_url: None,
                    within: None,
                    source: &source,
                    holds_all: false,
                    to_be_created: false,
                };
                import.note(&document, &stands, (0, None));
            }
        }
    }
    import.settle(feed.same_by)
}

fn documents(name: &str, bytes: &[u8]) -> Vec<Value> {
    if name.ends_with(".ndjson") {
        bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    } else {
        serde_json::from_slice(bytes).into_iter().collect()
    }
}

fn entries(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle["entry"].as_array().into_iter().flatten()
}

/// Two Bundles are one where they hold the same entries, in any order.
fn bundle_name(bundle: &Value) -> String {
    let mut entries: Vec<String> = entries(bundle).map(Value::to_string).collect();
    entries.sort();
    let mut hash = DefaultHasher::new();
    entries.hash(&mut hash);
    format!("{:x}", hash.finish())
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

impl Import {
    fn note(&mut self, json: &Value, stands: &Stands<'_>, labels: Labels) {
        let Stands { full_url, within, source, .. } = *stands;
        let Verdict::Resource(read) = read::resource(json, full_url, labels) else { return };
        let id = read.id.as_ref().map(|id| format!("{}/{id}", read.name));
        let in_bundle = |text: &str| within.map(|bundle| format!("{bundle}#{text}"));
        // A Bundle keeps its ids to itself where nobody named the source, and where they are not of
        // a server.
        let speaks_of_source = within.is_none() || (source.named && !stands.holds_all);
        let of_source = speaks_of_source && !stands.to_be_created;
        let name = match (full_url, &id) {
            (Some(url), _) if url.starts_with("http") => Some(same_spelling(url)),
            (Some(urn), _) if urn.starts_with("urn:uuid:") || urn.starts_with("urn:oid:") => {
                Some(format!("{}#{}", source.word, urn.to_lowercase()))
            }
            (Some(text), _) => in_bundle(text),
            (None, Some(id)) if of_source => Some(source.name(id)),
            (None, Some(id)) => in_bundle(id),
            (None, None) if read.name == "Patient" => None,
            (None, None) => in_bundle(&read.canonical).or(Some(source.name(&read.canonical))),
        };
        let doubtful = !source.named && !name.as_ref().is_some_and(|n| n.starts_with("https://"));
        if let (Some(name), Some(id)) = (&name, &id)
            && let Some(alias) = in_bundle(id)
        {
            self.aliases.insert(alias, name.clone());
        }
        let subjects = match read.subject.as_ref().and_then(|s| s.reference.as_deref()) {
            None => Vec::new(),
            Some(reference) if reference.starts_with("http") => vec![same_spelling(reference)],
            Some(urn) if urn.starts_with("urn:") => vec![format!("{}#{}", source.word, urn.to_lowercase())],
            Some(reference) => {
                let reference = reference.split("/_history/").next().unwrap_or(reference);
                match full_url.filter(|url| url.starts_with("http")).map(same_spelling) {
                    // `base/Type/id` makes `Patient/1` the `Patient/1` of the base.
                    Some(url) => {
                        let base = url.rsplitn(3, '/').nth(2).unwrap_or_default();
                        vec![format!("{base}/{reference}")]
                    }
                    None => {
                        let in_source = speaks_of_source.then(|| source.name(reference));
                        in_bundle(reference).into_iter().chain(in_source).collect()
                    }
                }
            }
        };
        let patient = read.name == "Patient";
        let identifiers: Vec<String> =
            json["identifier"].as_array().into_iter().flatten().filter_map(read::identifier).collect();
        let likeness = format!("{identifiers:?} {} {}", json["birthDate"], json["name"][0]["family"]);
        self.found.push(Resource {
            name,
            doubtful,
            subjects,
            read: *read,
            identifiers: if patient { identifiers } else { Vec::new() },
            likeness: (patient && doubtful).then_some(likeness),
        });
    }

    fn settle(self, same_by: Option<&str>) -> Outcome {
        // Two people under one name that no server answers for: nothing of either.
        let mut likenesses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for patient in &self.found {
            if let (Some(name), Some(likeness)) = (&patient.name, &patient.likeness) {
                likenesses.entry(name.clone()).or_default().insert(likeness.clone());
            }
        }
        let (resources, everywhere) = newest(self.found);
        // Patients who share an identifier of the operator's system are one, under the least name.
        let mut person: BTreeMap<String, String> = BTreeMap::new();
        let mut by_identifier: BTreeMap<String, String> = BTreeMap::new();
        for patient in resources.iter().filter(|r| r.read.name == "Patient") {
            let Some(name) = patient.name.clone() else { continue };
            if likenesses.get(&name).is_some_and(|different| different.len() > 1) {
                continue;
            }
            let mut one = name.clone();
            for identifier in patient.identifiers.iter().filter(|i| is_of(i, same_by)) {
                one = by_identifier.entry(identifier.clone()).or_insert(one).clone();
            }
            person.insert(name, one);
        }
        let there: BTreeSet<&String> = resources.iter().filter_map(|r| r.name.as_ref()).collect();
        let whom = |resource: &Resource| match &resource.read.subject {
            None => None,
            Some(subject) if subject.not_a_patient => None,
            Some(subject) => {
                let mut names = resource.subjects.iter().map(|name| self.aliases.get(name).unwrap_or(name));
                let identified: BTreeSet<&String> =
                    subject.identifiers.iter().filter_map(|i| by_identifier.get(i)).collect();
                let identified = identified.first().copied().filter(|_| identified.len() == 1);
                // What is there is whom the reference names, also where that is nobody: a device,
                // two people under one name.
                match names.find(|name| there.contains(name)) {
                    Some(name) => person.get(name),
                    None => identified,
                }
            }
        };
        // What several places say of one resource must not be two people, if no server answers for
        // it.
        let mut said: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
        for place in everywhere.iter().filter(|place| place.doubtful) {
            if let (Some(name), Some(about)) = (&place.name, whom(place)) {
                said.entry(name).or_default().insert(about);
            }
        }
        let mut outcome = Outcome::default();
        let mut people: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for resource in &resources {
            let facts = resource.read.rows.iter().map(fact);
            let about = match (&resource.read.name[..], &resource.read.subject) {
                ("Patient", _) => resource.name.as_ref().and_then(|n| person.get(n)),
                ("Practitioner" | "PractitionerRole" | "Organization", _) | ("Device", None) => {
                    outcome.nobody.extend(facts);
                    continue;
                }
                _ => match resource.name.as_ref().and_then(|name| said.get(name)) {
                    Some(about) if about.len() == 1 => about.first().copied(),
                    Some(_) => None,
                    None => whom(resource),
                },
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
}

fn is_of(identifier: &str, system: Option<&str>) -> bool {
    system.is_some_and(|system| identifier.strip_prefix(system).is_some_and(|rest| rest.starts_with('|')))
}

/// Of each name the newest version: by number, by time, by order; and all of them. What has no name
/// stays, to be refused. If the same was in several places, the labels of all of them hold.
fn newest(found: Vec<Resource>) -> (Vec<Resource>, Vec<Resource>) {
    let everywhere = found.clone();
    let mut by_name: BTreeMap<String, Resource> = BTreeMap::new();
    let mut nameless = Vec::new();
    for mut resource in found {
        let Some(name) = resource.name.clone() else {
            nameless.push(resource);
            continue;
        };
        if let Some(known) = by_name.get_mut(&name)
            && known.read.canonical == resource.read.canonical
        {
            for (a, b) in known.read.rows.iter_mut().zip(&mut resource.read.rows) {
                a.categories |= b.categories;
                a.confidentiality = a.confidentiality.max(b.confidentiality);
                (b.categories, b.confidentiality) = (a.categories, a.confidentiality);
            }
        }
        let older = by_name.get(&name).is_some_and(|known| is_newer(&known.read, &resource.read));
        if !older {
            by_name.insert(name, resource);
        }
    }
    (by_name.into_values().chain(nameless).collect(), everywhere)
}

/// By `versionId` where both are numbers, else by `lastUpdated` where both say it.
fn is_newer(one: &Read, other: &Read) -> bool {
    let number = |r: &Read| r.version.as_ref().and_then(|v| v.parse::<u64>().ok());
    let by_number = number(one).zip(number(other)).filter(|(a, b)| a != b);
    let by_time = one.updated.zip(other.updated);
    by_number.map_or_else(|| by_time.is_some_and(|(a, b)| a > b), |(a, b)| a > b)
}
