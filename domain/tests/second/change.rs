//! Changes to the files of an import that change nothing about what they say.
//!
//! A change is made where FHIR lets it be made, else the files stay as they are: a document is
//! never split, since its ids are names within it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::feed::File;

/// A change: files in, files out.
pub(crate) type Change = fn(Vec<File>, &mut Dice) -> Vec<File>;

/// All changes, by name.
pub(crate) const CHANGES: &[(&str, Change)] = &[
    ("files in another order", shuffle_files),
    ("entries in another order", shuffle_entries),
    ("a Bundle split in two", split),
    ("two Bundles merged", merge),
    ("other ids", rename),
    ("Bundles as NDJSON", to_lines),
    ("NDJSON as Bundles", to_bundles),
    ("files twice", twice),
    ("other white space, other order of keys", rewrite),
];

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below.max(1) as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.roll(n + 1));
        }
    }
}

fn shuffle_files(mut files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    dice.shuffle(&mut files);
    files
}

/// The first entry of a document or message stays the first; a history is in order.
fn shuffle_entries(files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    each_bundle(files, |mut bundle| {
        let kept = match kind(&bundle) {
            "history" => return bundle,
            "document" | "message" => 1,
            _ => 0,
        };
        if let Some(entries) = bundle["entry"].as_array_mut() {
            dice.shuffle(entries.get_mut(kept..).unwrap_or_default());
        }
        bundle
    })
}

fn split(mut files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    let choice: Vec<usize> =
        (0..files.len()).filter(|n| bundle(&files[*n]).is_some_and(|b| is_open(&b))).collect();
    let Some(n) = choice.get(dice.roll(choice.len())).copied() else { return files };
    let Some(whole) = bundle(&files[n]) else { return files };
    let (mut left, mut right) = (whole.clone(), whole.clone());
    let (mut l, mut r) = (Vec::new(), Vec::new());
    for entry in entries(&whole) {
        if dice.roll(2) == 0 { &mut l } else { &mut r }.push(entry.clone());
    }
    (left["entry"], right["entry"]) = (json!(l), json!(r));
    let right = File { name: files[n].beside("right"), bytes: text(&right) };
    files[n] = File { name: files[n].beside("left"), bytes: text(&left) };
    files.push(right);
    files
}

/// Only Bundles that say the same of their entries, and no resource twice (a Bundle has each
/// version once).
fn merge(mut files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    dice.shuffle(&mut files);
    let Some(n) = (0..files.len()).find(|n| bundle(&files[*n]).is_some_and(|b| is_open(&b))) else {
        return files;
    };
    let Some(mut whole) = bundle(&files[n]) else { return files };
    let urls =
        |b: &Value| -> BTreeSet<String> { entries(b).iter().map(|e| e["fullUrl"].to_string()).collect() };
    let Some(m) = (n + 1..files.len()).find(|m| {
        files[*m].folder() == files[n].folder()
            && bundle(&files[*m]).is_some_and(|b| {
                is_open(&b) && head(&b) == head(&whole) && urls(&b).is_disjoint(&urls(&whole))
            })
    }) else {
        return files;
    };
    let Some(other) = bundle(&files.remove(m)) else { return files };
    if let Some(list) = whole["entry"].as_array_mut() {
        list.extend(entries(&other).iter().cloned());
    }
    files[n].bytes = text(&whole);
    files
}

/// Every id becomes another one, the same everywhere: in `id`, `fullUrl`, `reference` and
/// `request.url`.
fn rename(files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    let salt = dice.roll(usize::MAX) as u64;
    files
        .into_iter()
        .map(|file| {
            let documents = open(&file).into_iter().map(|mut document| {
                if document["resourceType"] == "Bundle" {
                    if let Some(list) = document["entry"].as_array_mut() {
                        list.iter_mut().for_each(|e| rename_root(&mut e["resource"], salt));
                    }
                } else {
                    rename_root(&mut document, salt);
                }
                rename_links(&mut document, salt);
                document
            });
            let documents: Vec<Value> = documents.collect();
            close(file, &documents)
        })
        .collect()
}

fn rename_root(resource: &mut Value, salt: u64) {
    if let Some(id) = resource["id"].as_str() {
        resource["id"] = json!(new_id(id, salt));
    }
}

fn rename_links(json: &mut Value, salt: u64) {
    match json {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(link) if ["reference", "fullUrl", "url"].contains(&key.as_str()) => {
                        *link = new_link(link, salt);
                    }
                    other => rename_links(other, salt),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| rename_links(v, salt)),
        _ => {}
    }
}

/// The segment after a type's name is an id; so is a UUID.
fn new_link(link: &str, salt: u64) -> String {
    const TYPES: &[&str] = &[
        "Patient",
        "Encounter",
        "Condition",
        "Observation",
        "Procedure",
        "MedicationRequest",
        "Immunization",
        "AllergyIntolerance",
        "DiagnosticReport",
        "Claim",
        "ExplanationOfBenefit",
        "Coverage",
        "Consent",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Device",
        "Composition",
    ];
    if let Some(uuid) = link.strip_prefix("urn:uuid:") {
        let (a, b) = (hash(uuid, salt), hash(uuid, salt ^ 1));
        return format!(
            "urn:uuid:{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a & 0xffff,
            b & 0xfff,
            b >> 52,
            b & 0xffff_ffff
        );
    }
    let mut after_type = false;
    let segments = link.split('/').map(|segment| {
        let new = if after_type { new_id(segment, salt) } else { segment.to_owned() };
        after_type = TYPES.contains(&segment);
        new
    });
    segments.collect::<Vec<_>>().join("/")
}

fn new_id(id: &str, salt: u64) -> String {
    format!("n{:x}", hash(id, salt))
}

/// FNV-1a, salted.
fn hash(text: &str, salt: u64) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ salt, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

/// A whole feed of one server's Bundles becomes a bulk export: a file a type.
fn to_lines(files: Vec<File>, _: &mut Dice) -> Vec<File> {
    if !in_one_folder(&files) {
        return files;
    }
    let mut bases = BTreeSet::new();
    let mut by_type: BTreeMap<String, String> = BTreeMap::new();
    for file in &files {
        let Some(bundle) = bundle(file) else { return files };
        // Whose ids these are is said by the base alone; a line has no label of a Bundle, and asks
        // for nothing.
        if !is_open(&bundle) || !bundle["meta"].is_null() || !only_relative(&bundle) {
            return files;
        }
        for entry in entries(&bundle) {
            let resource = &entry["resource"];
            let (kind, id) = (word(resource, "resourceType"), word(resource, "id"));
            let url = word(entry, "fullUrl");
            let Some(base) = url.strip_suffix(&format!("{kind}/{id}")) else { return files };
            if !base.starts_with("http") || entry["request"]["method"] == "POST" {
                return files;
            }
            bases.insert(base.to_owned());
            *by_type.entry(kind.to_owned()).or_default() += &format!("{resource}\n");
        }
    }
    if bases.len() != 1 {
        return files;
    }
    let file =
        |(kind, text): (String, String)| File { name: format!("{kind}.ndjson"), bytes: text.into_bytes() };
    by_type.into_iter().map(file).collect()
}

/// A whole bulk export becomes Bundles of one server.
fn to_bundles(files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    if !in_one_folder(&files) {
        return files;
    }
    let mut parts = vec![Vec::new(); 1 + dice.roll(3)];
    let mut unmarked: BTreeMap<String, Value> = BTreeMap::new();
    for file in &files {
        if !file.name.ends_with(".ndjson") {
            return files;
        }
        for resource in open(file) {
            if !only_relative(&resource) || word(&resource, "id").is_empty() {
                return files;
            }
            let url = format!(
                "https://made.example/r4/{}/{}",
                word(&resource, "resourceType"),
                word(&resource, "id")
            );
            // Two contents under one id, and nothing says which is newer: perhaps two servers, and
            // we must not make up their URLs.
            let known = unmarked.entry(url.clone()).or_insert_with(|| resource.clone());
            if *known != resource && resource["meta"].is_null() {
                return files;
            }
            let to = dice.roll(parts.len());
            parts[to].push((url, resource));
        }
    }
    let mut bundles = Vec::new();
    for (n, part) in parts.into_iter().enumerate() {
        // A Bundle has each version of a resource once, here each resource once; what comes twice
        // goes to another Bundle.
        let mut rounds: Vec<Vec<(String, Value)>> = Vec::new();
        for (url, resource) in part {
            match rounds.iter_mut().find(|r| r.iter().all(|(u, _)| *u != url)) {
                Some(round) => round.push((url, resource)),
                None => rounds.push(vec![(url, resource)]),
            }
        }
        for (m, round) in rounds.into_iter().enumerate() {
            let entries: Vec<Value> = round
                .into_iter()
                .map(|(url, resource)| json!({"fullUrl": url, "resource": resource}))
                .collect();
            let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
            bundles.push(File { name: format!("made-{n}-{m}.json"), bytes: text(&bundle) });
        }
    }
    bundles
}

fn twice(mut files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    let copies: Vec<File> = files
        .iter()
        .filter(|_| dice.roll(2) == 0)
        .map(|f| File { name: f.beside("copy"), ..f.clone() })
        .collect();
    files.extend(copies);
    files
}

fn rewrite(files: Vec<File>, dice: &mut Dice) -> Vec<File> {
    each_bundle(files, |bundle| bundle)
        .into_iter()
        .map(|file| match (bundle(&file), dice.roll(3)) {
            (None, _) | (_, 0) => file,
            (Some(bundle), 1) => File { bytes: serde_json::to_vec_pretty(&bundle).expect("JSON"), ..file },
            // Sorted keys: what the Bundle says of itself comes after its entries.
            (Some(bundle), _) => File { bytes: bundle.to_string().into_bytes(), ..file },
        })
        .collect()
}

fn in_one_folder(files: &[File]) -> bool {
    files.iter().all(|f| f.folder() == files[0].folder())
}

/// A Bundle whose entries mean the same wherever they stand: each has a fullUrl that is a name
/// everywhere, and so do all references under a URN.
fn is_open(bundle: &Value) -> bool {
    let kind = kind(bundle);
    let named_everywhere = |e: &Value| {
        let url = word(e, "fullUrl");
        url.starts_with("http") || url.starts_with("urn:uuid:") && !mentions_type(&e["resource"])
    };
    kind != "document"
        && kind != "message"
        && kind != "history"
        && entries(bundle).iter().all(named_everywhere)
}

fn any_reference(json: &Value, is: &impl Fn(&str) -> bool) -> bool {
    match json {
        Value::Object(members) => members.iter().any(|(key, v)| match v {
            Value::String(link) if key == "reference" => is(link),
            other => any_reference(other, is),
        }),
        Value::Array(items) => items.iter().any(|v| any_reference(v, is)),
        _ => false,
    }
}

fn mentions_type(json: &Value) -> bool {
    any_reference(json, &|link| !link.starts_with("urn:") && !link.starts_with("http"))
}

fn only_relative(json: &Value) -> bool {
    !any_reference(json, &|link| {
        link.starts_with("urn:") || link.starts_with("http") || link.starts_with("resource:")
    })
}

/// What a Bundle says of all its entries.
fn head(bundle: &Value) -> Value {
    let mut head = bundle.clone();
    head.as_object_mut().map(|h| h.remove("entry"));
    head
}

fn kind(bundle: &Value) -> &str {
    word(bundle, "type")
}

fn word<'v>(json: &'v Value, key: &str) -> &'v str {
    json[key].as_str().unwrap_or_default()
}

fn entries(bundle: &Value) -> &[Value] {
    bundle["entry"].as_array().map_or(&[], Vec::as_slice)
}

/// The documents of a file.
fn open(file: &File) -> Vec<Value> {
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("files of a feed are JSON");
    if file.name.ends_with(".ndjson") {
        file.bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(parse).collect()
    } else {
        vec![parse(&file.bytes)]
    }
}

fn close(file: File, documents: &[Value]) -> File {
    let bytes = if file.name.ends_with(".ndjson") {
        documents.iter().map(|d| format!("{d}\n")).collect::<String>().into_bytes()
    } else {
        documents.iter().flat_map(text).collect()
    };
    File { bytes, ..file }
}

fn bundle(file: &File) -> Option<Value> {
    let one = if file.name.ends_with(".ndjson") { None } else { open(file).pop() };
    one.filter(|json| json["resourceType"] == "Bundle")
}

fn each_bundle(files: Vec<File>, mut change: impl FnMut(Value) -> Value) -> Vec<File> {
    let each = |file: File| match bundle(&file) {
        Some(bundle) => File { bytes: text(&change(bundle)), ..file },
        None => file,
    };
    files.into_iter().map(each).collect()
}

/// What a Bundle says of itself first, then its entries, as servers write it.
fn text(json: &Value) -> Vec<u8> {
    if json["resourceType"] != "Bundle" {
        return json.to_string().into_bytes();
    }
    let Value::Object(mut head) = head(json) else { return Vec::new() };
    head.remove("resourceType");
    let mut out = String::from("{\"resourceType\":\"Bundle\"");
    for (key, value) in head {
        out += &format!(",\"{key}\":{value}");
    }
    out += &format!(",\"entry\":{}}}", Value::Array(entries(json).to_vec()));
    out.into_bytes()
}
