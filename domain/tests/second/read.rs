//! The second reader: `serde_json` and the tables, from top to bottom.

use serde_json::{Value, json};

use crate::number::{ALWAYS, OPEN_END, Seconds, date, fixed, instant};
use crate::table::{
    ACT_CODE, CATEGORY_CLASSES, CONFIDENTIALITY, DEVICES, From, LABELS, OBSERVATION_VALUE, OTHER, SENSITIVE,
    SENSITIVE_CODES, TYPES, Time, Type, UCUM, Word,
};

/// One record, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Row {
    pub(crate) number: u8,
    pub(crate) code: Option<(String, String)>,
    pub(crate) time: Seconds,
    pub(crate) value: Option<i64>,
    pub(crate) unit: Option<String>,
    pub(crate) amount: Option<(u64, String)>,
    pub(crate) provider: Option<String>,
    pub(crate) organisation: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) provenance: Option<String>,
    pub(crate) categories: u64,
    pub(crate) confidentiality: u8,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Read {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    /// `None` without one.
    pub(crate) subject: Option<Subject>,
    pub(crate) version: Option<String>,
    /// Seconds, and billionths of a second.
    pub(crate) updated: Option<(u64, u32)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) canonical: String,
}

/// The subject of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Subject {
    pub(crate) reference: Option<String>,
    pub(crate) identifiers: Vec<String>,
    /// It says that it is something else.
    pub(crate) not_a_patient: bool,
}

/// What is to come of one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Resource(Box<Read>),
    /// A type that no record is made of, or none of FHIR.
    Unsupported,
    /// A resource that is refused: why.
    Refused(&'static str),
}

/// Line from 1, entry from 0.
pub(crate) type At = (Option<u64>, Option<u64>);

/// Everything in a file, by place.
pub(crate) fn file(name: &str, bytes: &[u8]) -> Vec<(At, Verdict)> {
    let mut found = Vec::new();
    if name.ends_with(".ndjson") {
        for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
            if !line.trim_ascii().is_empty() {
                document(line, Some(n as u64 + 1), &mut found);
            }
        }
    } else {
        document(bytes, None, &mut found);
    }
    found
}

fn document(bytes: &[u8], line: Option<u64>, found: &mut Vec<(At, Verdict)>) {
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else {
        found.push(((line, None), Verdict::Refused("not JSON")));
        return;
    };
    if json["resourceType"] != "Bundle" {
        found.push(((line, None), resource(&json, None, (0, None))));
        return;
    }
    let labels = bundle_labels(&json);
    for (n, entry) in list(&json["entry"]).into_iter().enumerate() {
        if !entry["resource"].is_null() {
            let verdict = resource(&entry["resource"], entry["fullUrl"].as_str(), labels);
            found.push(((line, Some(n as u64)), verdict));
        }
    }
}

/// Sensitivities and confidentiality that labels say.
pub(crate) type Labels = (u64, Option<u8>);

/// The labels of a Bundle, and of the Composition of a document.
pub(crate) fn bundle_labels(bundle: &Value) -> Labels {
    let (mut bits, mut level) = labels(&bundle["meta"]["security"]);
    let first = &bundle["entry"][0]["resource"];
    if bundle["type"] == "document" && first["resourceType"] == "Composition" {
        let (more, composition) = labels(&first["meta"]["security"]);
        let word = json!({"system": CONFIDENTIALITY, "code": first["confidentiality"]});
        let said = if first["confidentiality"].is_null() { None } else { labels(&word).1 };
        bits |= more;
        level = level.max(composition).max(said);
    }
    (bits, level)
}

/// A resource, its full URL, and the labels of what it stood in.
pub(crate) fn resource(json: &Value, full_url: Option<&str>, container: Labels) -> Verdict {
    let Some(of) = TYPES.iter().find(|t| json["resourceType"] == t.name) else {
        return Verdict::Unsupported;
    };
    let rules = |json: &Value| !json["implicitRules"].is_null();
    if rules(json) || list(&json["contained"]).into_iter().any(rules) || has_modifier_extension(json) {
        return Verdict::Refused("a modifier");
    }
    for link in list(&json["link"]) {
        if of.name == "Patient" && !["replaces", "refer", "seealso"].iter().any(|kind| link["type"] == *kind)
        {
            return Verdict::Refused("a patient who is another one");
        }
    }
    let id = json["id"].as_str().map(str::to_owned);
    let mut rows = Vec::new();
    match status(of, json) {
        Status::Unknown => return Verdict::Refused("a word that is not in the table"),
        Status::Back => {}
        Status::Words(status) => {
            rows.push(row(of, json, full_url, status, container));
            for component in list(&json["component"]) {
                let mut part = rows[0].clone();
                part.code = coding(&component["code"]);
                (part.value, part.unit) = value(of, component);
                part.link = id.as_ref().map(|id| format!("Observation/{id}")).or(full_url.map(str::to_owned));
                rows.push(part);
            }
        }
    }
    Verdict::Resource(Box::new(Read {
        name: of.name.to_owned(),
        id,
        subject: subject(of, json),
        version: json["meta"]["versionId"].as_str().map(str::to_owned),
        updated: json["meta"]["lastUpdated"].as_str().and_then(instant),
        rows,
        canonical: canonical(json),
    }))
}

fn row(of: &Type, json: &Value, full_url: Option<&str>, status: Option<String>, container: Labels) -> Row {
    let (value, unit) = value(of, json);
    let (categories, confidentiality) = categories(of, json, container);
    Row {
        number: of.number,
        code: if of.name == "MedicationRequest" {
            medication(json)
        } else {
            first(of.code.iter().flat_map(|path| at(json, path)), coding)
        },
        time: time(of, json),
        value,
        unit,
        amount: amount(of, json),
        provider: named(of.provider, json),
        organisation: named(of.organisation, json),
        link: named(of.link, json),
        status,
        device: if of.name == "Device" { own_device(json) } else { named(of.device, json) },
        provenance: json["meta"]["source"].as_str().or(full_url).map(str::to_owned),
        categories,
        confidentiality,
    }
}

/// Every value at a path of plain names; lists are gone through.
fn at<'v>(json: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut here = vec![json];
    for name in path.split('.') {
        here = here.into_iter().flat_map(|v| list(&v[name])).collect();
    }
    here
}

/// The values of a list; a single one is a list of one, nothing is an empty one.
fn list(json: &Value) -> Vec<&Value> {
    match json {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn first<'v, T>(values: impl Iterator<Item = &'v Value>, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    for value in values {
        if let Some(read) = read(value) {
            return Some(read);
        }
    }
    None
}

/// System and code of a CodeableConcept or a Coding.
fn coding(json: &Value) -> Option<(String, String)> {
    let codings = if json["coding"].is_null() { vec![json] } else { list(&json["coding"]) };
    let word = |c: &Value, key: &str| c[key].as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    let with_code: Vec<(Option<String>, String)> =
        codings.into_iter().filter_map(|c| Some((word(c, "system"), word(c, "code")?))).collect();
    let best = with_code.iter().find(|(system, _)| system.is_some()).or(with_code.first())?;
    Some((best.0.clone().unwrap_or_default(), best.1.clone()))
}

/// The code that an order says, or that of the contained Medication that it names, unless its
/// status, a modifier in R4, says more than `active`; `None` if it says both.
fn medication(json: &Value) -> Option<(String, String)> {
    match (&json["medicationCodeableConcept"], &json["medicationReference"]) {
        (said, Value::Null) => return coding(said),
        (Value::Null, _) => {}
        (_, _) => return None,
    }
    let id = json["medicationReference"]["reference"].as_str()?.strip_prefix('#')?;
    let named = list(&json["contained"]).into_iter().find(|c| c["id"] == id)?;
    let stands = named["status"].is_null() || named["status"] == "active";
    if stands && named["resourceType"] == "Medication" { coding(&named["code"]) } else { None }
}

fn time(of: &Type, json: &Value) -> Seconds {
    for time in of.time {
        let (found, until) = match time {
            Time::Of(name) => (forms(json, name), false),
            Time::Until(name) => (forms(json, name), true),
            Time::ClaimUntil(name) if json["use"] == "claim" => (forms(json, name), true),
            Time::ClaimUntil(_) => continue,
            Time::Every(path) => {
                let (list_name, name) = path.split_once('.').unwrap_or_default();
                // An item that does not say when it was may have been at any time.
                let each: Vec<Vec<&Value>> =
                    list(&json[list_name]).into_iter().map(|item| forms(item, name)).collect();
                if each.iter().any(|item| !item.is_empty()) {
                    let moments = each.into_iter().map(|item| match item[..] {
                        [one] => moment(one),
                        _ => None,
                    });
                    return moments.reduce(span).flatten().unwrap_or(ALWAYS);
                }
                continue;
            }
        };
        match found[..] {
            [] => {}
            [one] => {
                let (from, end) = moment(one).unwrap_or(ALWAYS);
                return if until { (0, end) } else { (from, end) };
            }
            _ => return ALWAYS,
        }
    }
    ALWAYS
}

/// The element with this name, and the elements of a choice (`onset[x]`) that begin with it.
fn forms<'v>(json: &'v Value, name: &str) -> Vec<&'v Value> {
    let Value::Object(members) = json else { return Vec::new() };
    let is_form = |key: &str| {
        key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_uppercase))
    };
    members.iter().filter(|(key, _)| is_form(key)).map(|(_, v)| v).collect()
}

/// A date, a Period, a Timing.
fn moment(json: &Value) -> Option<Seconds> {
    match json {
        Value::String(text) => date(text),
        Value::Object(members) if members.contains_key("event") => {
            list(&json["event"]).into_iter().map(|e| e.as_str().and_then(date)).reduce(span).flatten()
        }
        Value::Object(members) if members.contains_key("repeat") => period(&json["repeat"]["boundsPeriod"]),
        Value::Object(_) => period(json),
        _ => None,
    }
}

/// From the beginning of the first to the end of the last; nothing where one cannot be read.
fn span(a: Option<Seconds>, b: Option<Seconds>) -> Option<Seconds> {
    let ((a, b), (c, d)) = (a?, b?);
    Some((a.min(c), b.max(d)))
}

fn period(json: &Value) -> Option<Seconds> {
    let start = json["start"].as_str().map(date);
    let end = json["end"].as_str().map(date);
    let (from, until) = match (start, end) {
        (None, None) => return None,
        (Some(start), None) => (start?.0, OPEN_END),
        (None, Some(end)) => (0, end?.1),
        (Some(start), Some(end)) => (start?.0, end?.1),
    };
    (from <= until).then_some((from, until))
}

fn value(of: &Type, json: &Value) -> (Option<i64>, Option<String>) {
    if !json["dataAbsentReason"].is_null() || forms(json, "value").len() > 1 || json["status"] == "not-done" {
        return (None, None);
    }
    for name in of.value {
        let found = &json[*name];
        if let Value::Number(number) = found {
            return (fixed(&number.to_string(), 6), None);
        }
        if let Value::Number(number) = &found["value"]
            && found["comparator"].is_null()
        {
            let unit = if found["system"] == UCUM { found["code"].as_str().map(str::to_owned) } else { None };
            return match fixed(&number.to_string(), 6) {
                Some(value) => (Some(value), unit),
                None => (None, None),
            };
        }
    }
    (None, None)
}

fn amount(of: &Type, json: &Value) -> Option<(u64, String)> {
    if of.name == "ExplanationOfBenefit" && (json["outcome"] == "queued" || json["outcome"] == "error") {
        return None;
    }
    let totals = |category: &'static str| {
        list(&json["total"])
            .into_iter()
            .filter(move |t| at(t, "category.coding.code").iter().any(|code| **code == *category))
    };
    let candidates: Vec<&Value> = match of.name {
        "Claim" => vec![&json["total"]],
        "ExplanationOfBenefit" => totals("benefit")
            .map(|t| &t["amount"])
            .chain([&json["payment"]["amount"]])
            .chain(totals("submitted").map(|t| &t["amount"]))
            .collect(),
        _ => return None,
    };
    first(candidates.into_iter(), |money| {
        let Value::Number(number) = &money["value"] else { return None };
        let currency = money["currency"].as_str()?;
        let letters = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        let hundredths = u64::try_from(fixed(&number.to_string(), 2)?).ok()?;
        letters.then(|| (hundredths, currency.to_owned()))
    })
}

fn named(elements: &[From], json: &Value) -> Option<String> {
    for element in elements {
        let found = match element {
            From::Any(path) => first(at(json, path).into_iter(), reference),
            From::Clinician(path) => first(at(json, path).into_iter(), |r| match &type_of(r, json)[..] {
                "Practitioner" | "PractitionerRole" => reference(r),
                "" if !is_subject(r, json) => reference(r),
                _ => None,
            }),
            From::Organisation(path) => {
                first(at(json, path).into_iter().filter(|r| type_of(r, json) == "Organization"), reference)
            }
            From::OrganisationOnly(path) => first(at(json, path).into_iter(), |r| {
                ["", "Organization"].contains(&&type_of(r, json)[..]).then(|| reference(r)).flatten()
            }),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn is_subject(named: &Value, root: &Value) -> bool {
    ["subject", "patient", "beneficiary"]
        .iter()
        .any(|s| !root[*s]["reference"].is_null() && root[*s]["reference"] == named["reference"])
}

/// A Reference as its text: `reference`, else `identifier`.
fn reference(json: &Value) -> Option<String> {
    match json["reference"].as_str() {
        Some(text) if !text.is_empty() => Some(text.to_owned()),
        _ => identifier(&json["identifier"]),
    }
}

/// What is old or was given for the time being names nobody.
pub(crate) fn identifier(json: &Value) -> Option<String> {
    if json["use"] == "old" || json["use"] == "temp" {
        return None;
    }
    let value = json["value"].as_str().filter(|v| !v.is_empty())?;
    Some(format!("{}|{value}", json["system"].as_str().unwrap_or_default()))
}

/// The type that a Reference says: of what is contained, by the path of its URL, by `type`; else
/// nothing.
fn type_of(json: &Value, root: &Value) -> String {
    let text = json["reference"].as_str().unwrap_or_default();
    if let Some(id) = text.strip_prefix('#') {
        let contained = list(&root["contained"]).into_iter().find(|c| c["id"] == id);
        return contained.and_then(|c| c["resourceType"].as_str()).unwrap_or("nothing").to_owned();
    }
    let path = text.split('?').next().unwrap_or_default();
    let path = path.split("/_history/").next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    let told = match segments[..] {
        [.., kind, _] if kind.starts_with(char::is_uppercase) => kind,
        [kind] if text.contains('?') => kind,
        _ => json["type"].as_str().unwrap_or_default(),
    };
    told.to_owned()
}

fn own_device(json: &Value) -> Option<String> {
    let udi = at(json, "udiCarrier.deviceIdentifier").first().and_then(|v| v.as_str());
    let serial = json["serialNumber"].as_str();
    match (udi, serial) {
        (Some(udi), Some(serial)) => Some(format!("{udi}|{serial}")),
        (udi, serial) => {
            first(list(&json["identifier"]).into_iter(), identifier).or(udi.or(serial).map(str::to_owned))
        }
    }
}

enum Status {
    Words(Option<String>),
    /// Taken back.
    Back,
    /// A word that is not in the table.
    Unknown,
}

fn status(of: &Type, json: &Value) -> Status {
    let mut words: Vec<String> = Vec::new();
    let mut said = false;
    for (n, word) in of.status.iter().enumerate() {
        let mut shown = None;
        match word {
            Word::Code(path, words, ordinary, back) => {
                for value in at(json, path) {
                    let Some(code) = hl7_code(value) else {
                        // The list of scopes may be extended, that of another modifier may not.
                        if *path != "scope" {
                            return Status::Unknown;
                        }
                        shown = Some("other-scope".to_owned());
                        continue;
                    };
                    if back.contains(&&code[..]) {
                        return Status::Back;
                    } else if words.contains(&&code[..]) {
                        shown = Some(code);
                    } else if !ordinary.contains(&&code[..]) {
                        return Status::Unknown;
                    }
                }
            }
            Word::Active(name) => {
                shown = json[*name].as_bool().map(|yes| if yes { "active" } else { "inactive" }.to_owned());
            }
            Word::Flag(name, word) => {
                shown = (json[*name] == true).then(|| (*word).to_owned());
            }
            Word::There(name, word) => {
                shown = forms(json, name).iter().any(|v| **v != false).then(|| (*word).to_owned());
            }
        }
        said |= shown.is_some();
        if n == 0 || shown.is_some() {
            words.push(shown.unwrap_or_default());
        }
    }
    Status::Words(said.then(|| words.join("/")))
}

/// A code, or that of a CodeableConcept in a system of HL7's, or in none.
fn hl7_code(json: &Value) -> Option<String> {
    if let Value::String(code) = json {
        return Some(code.clone());
    }
    let codings = list(&json["coding"]).into_iter();
    let mut of_hl7 = codings.filter(|c| c["system"].as_str().is_none_or(|s| s.contains("hl7.org/")));
    of_hl7.next()?["code"].as_str().map(str::to_owned)
}

fn subject(of: &Type, json: &Value) -> Option<Subject> {
    for name in of.subject {
        let named = &json[*name];
        if named.is_null() {
            continue;
        }
        let reference = named["reference"].as_str().map(str::to_owned);
        let mut identifiers: Vec<String> = identifier(&named["identifier"]).into_iter().collect();
        // By the reference, by `type`: who shares an identifier with a device or a group is not it.
        let mut types = vec![type_of(named, json)];
        types.extend(named["type"].as_str().map(|t| t.rsplit('/').next().unwrap_or(t).to_owned()));
        if let Some(id) = reference.as_deref().and_then(|r| r.strip_prefix('#')) {
            for contained in list(&json["contained"]) {
                if contained["id"] == id && contained["resourceType"] == "Patient" {
                    identifiers.extend(list(&contained["identifier"]).into_iter().filter_map(identifier));
                }
            }
            // A target that is not contained in it may be the resource that contains it.
            types.retain(|t| t != "nothing");
        }
        let not_a_patient = types.iter().any(|t| !t.is_empty() && t != "Patient");
        return Some(Subject { reference, identifiers, not_a_patient });
    }
    None
}

fn categories(of: &Type, json: &Value, container: Labels) -> (u64, u8) {
    let mut bits = of.class;
    if of.name == "Observation" || of.name == "DiagnosticReport" {
        for coding in at(json, "category.coding") {
            for (code, class) in CATEGORY_CLASSES {
                if coding["code"] == *code {
                    bits |= class;
                }
            }
        }
        if bits == 0 {
            bits = if named(of.device, json).is_none() { OTHER } else { DEVICES };
        }
    }
    sensitive(json, &mut bits);
    let (said, level) = labels(&json["meta"]["security"]);
    // A container only raises; without a word on confidentiality a resource is normal.
    (bits | said | container.0, level.unwrap_or(1).max(container.1.unwrap_or(0)))
}

fn labels(json: &Value) -> Labels {
    let (mut bits, mut level) = (0, None);
    for label in list(json) {
        let code = label["code"].as_str().unwrap_or_default();
        let raised = match (label["system"].as_str().unwrap_or_default(), code) {
            (CONFIDENTIALITY, "U" | "L" | "M") => Some(0),
            (CONFIDENTIALITY, "N") => Some(1),
            (CONFIDENTIALITY, "R") => Some(2),
            (CONFIDENTIALITY, _) => Some(3),
            (OBSERVATION_VALUE, _) | (_, "HTEST") => None,
            (ACT_CODE, code) if LABELS.iter().any(|(label, _)| *label == code) => {
                LABELS.iter().filter(|(label, _)| *label == code).for_each(|(_, bit)| bits |= bit);
                None
            }
            _ => {
                bits |= SENSITIVE;
                Some(2)
            }
        };
        level = level.max(raised);
    }
    (bits, level)
}

/// The sensitivities that codes anywhere in it say.
fn sensitive(json: &Value, bits: &mut u64) {
    match json {
        Value::Object(members) => {
            if let (Some(Value::String(system)), Some(Value::String(code))) =
                (members.get("system"), members.get("code"))
            {
                for (s, c, bit) in SENSITIVE_CODES {
                    if system == s && code == c {
                        *bits |= bit;
                    }
                }
            }
            members.values().for_each(|v| sensitive(v, bits));
        }
        Value::Array(items) => items.iter().for_each(|v| sensitive(v, bits)),
        _ => {}
    }
}

fn has_modifier_extension(json: &Value) -> bool {
    match json {
        Value::Object(members) => {
            members.iter().any(|(key, v)| key == "modifierExtension" || has_modifier_extension(v))
        }
        Value::Array(items) => items.iter().any(has_modifier_extension),
        _ => false,
    }
}

/// Keys sorted, no white space, without what servers rewrite: `serde_json` sorts and writes so by
/// itself.
fn canonical(json: &Value) -> String {
    let mut json = json.clone();
    if let Value::Object(root) = &mut json {
        root.remove("text");
        if let Some(Value::Object(meta)) = root.get_mut("meta") {
            let version = meta.remove("versionId").is_some() | meta.remove("lastUpdated").is_some();
            if version && meta.is_empty() {
                root.remove("meta");
            }
        }
    }
    json.to_string()
}
