//! The second reader: `serde_json` and the tables, from top to bottom.

use serde_json::Value;

use crate::number::{ALWAYS, OPEN_END, Seconds, date, fixed};
use crate::table::{
    ACT_CODE, CATEGORY_CLASSES, CONFIDENTIALITY, DEVICES, From, OTHER, RETRACTED, SENSITIVE, SENSITIVE_CODES,
    TYPES, Type, UCUM,
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
    /// `reference` and identifiers of the subject; `None` without one.
    pub(crate) subject: Option<(Option<String>, Vec<String>)>,
    pub(crate) version: Option<String>,
    pub(crate) updated: Option<u64>,
    pub(crate) rows: Vec<Row>,
    pub(crate) canonical: String,
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
        found.push(((line, None), resource(&json, None)));
        return;
    }
    for (n, entry) in list(&json["entry"]).into_iter().enumerate() {
        if !entry["resource"].is_null() {
            found.push(((line, Some(n as u64)), resource(&entry["resource"], entry["fullUrl"].as_str())));
        }
    }
}

pub(crate) fn resource(json: &Value, full_url: Option<&str>) -> Verdict {
    let Some(of) = TYPES.iter().find(|t| json["resourceType"] == t.name) else {
        return Verdict::Unsupported;
    };
    if !json["implicitRules"].is_null() || has_modifier_extension(json) {
        return Verdict::Refused("a modifier");
    }
    let id = json["id"].as_str().map(str::to_owned);
    let mut rows = vec![row(of, json, full_url)];
    let words = rows[0].status.clone().unwrap_or_default();
    if words.split('/').any(|word| RETRACTED.contains(&word)) {
        rows.clear();
    } else if of.name == "Observation" {
        for component in list(&json["component"]) {
            let mut part = rows[0].clone();
            part.code = coding(&component["code"]);
            (part.value, part.unit) = value(of, component);
            part.link = id.as_ref().map(|id| format!("Observation/{id}")).or(full_url.map(str::to_owned));
            rows.push(part);
        }
    }
    Verdict::Resource(Box::new(Read {
        name: of.name.to_owned(),
        id,
        subject: subject(of, json),
        version: json["meta"]["versionId"].as_str().map(str::to_owned),
        updated: json["meta"]["lastUpdated"].as_str().and_then(date).map(|(first, _)| first),
        rows,
        canonical: canonical(json),
    }))
}

fn row(of: &Type, json: &Value, full_url: Option<&str>) -> Row {
    let (value, unit) = value(of, json);
    let (categories, confidentiality) = categories(of, json);
    Row {
        number: of.number,
        code: first(of.code.iter().flat_map(|path| at(json, path)), coding),
        time: time(of, json),
        value,
        unit,
        amount: amount(of, json),
        provider: named(of.provider, json),
        organisation: named(of.organisation, json),
        link: named(of.link, json),
        status: status(of, json),
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

fn time(of: &Type, json: &Value) -> Seconds {
    for name in of.time {
        let read = match &json[*name] {
            Value::String(text) => date(text),
            Value::Object(_) => period(&json[*name]),
            _ => None,
        };
        if let Some(read) = read {
            return read;
        }
    }
    ALWAYS
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
        let minor = u64::try_from(fixed(&number.to_string(), 2)?).ok()?;
        letters.then(|| (minor, currency.to_owned()))
    })
}

fn named(elements: &[From], json: &Value) -> Option<String> {
    for element in elements {
        let found = match element {
            From::Reference(path) => first(at(json, path).into_iter(), reference),
            From::Person(path) => {
                first(at(json, path).into_iter().filter(|r| !is_organisation(r)), reference)
            }
            From::Organisation(path) => {
                first(at(json, path).into_iter().filter(|r| is_organisation(r)), reference)
            }
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// A Reference as its text: `reference`, else `identifier`.
fn reference(json: &Value) -> Option<String> {
    match json["reference"].as_str() {
        Some(text) if !text.is_empty() => Some(text.to_owned()),
        _ => identifier(&json["identifier"]),
    }
}

pub(crate) fn identifier(json: &Value) -> Option<String> {
    let value = json["value"].as_str().filter(|v| !v.is_empty())?;
    Some(format!("{}|{value}", json["system"].as_str().unwrap_or_default()))
}

/// Whether a Reference says that it is of an Organization: by `type` or by the path of its URL.
fn is_organisation(json: &Value) -> bool {
    let text = json["reference"].as_str().unwrap_or_default();
    json["type"] == "Organization" || text.starts_with("Organization/") || text.contains("/Organization/")
}

fn own_device(json: &Value) -> Option<String> {
    let udi = at(json, "udiCarrier.deviceIdentifier").first().and_then(|v| v.as_str());
    let serial = json["serialNumber"].as_str();
    match (udi, serial) {
        (Some(udi), Some(serial)) => Some(format!("{udi}|{serial}")),
        _ => first(list(&json["identifier"]).into_iter(), identifier),
    }
}

fn status(of: &Type, json: &Value) -> Option<String> {
    let mut words = Vec::new();
    for name in of.status {
        match &json[*name] {
            Value::String(word) => words.push(word.clone()),
            Value::Bool(yes) => words.push(if *yes { "active" } else { "inactive" }.to_owned()),
            concept => words.extend(coding(concept).map(|(_, code)| code)),
        }
    }
    if words.is_empty() { None } else { Some(words.join("/")) }
}

fn subject(of: &Type, json: &Value) -> Option<(Option<String>, Vec<String>)> {
    for name in of.subject {
        let named = &json[*name];
        if named.is_null() {
            continue;
        }
        let literal = named["reference"].as_str().map(str::to_owned);
        let mut identifiers: Vec<String> = identifier(&named["identifier"]).into_iter().collect();
        if identifiers.is_empty()
            && let Some(id) = literal.as_deref().and_then(|l| l.strip_prefix('#'))
        {
            for contained in list(&json["contained"]) {
                if contained["id"] == id && contained["resourceType"] == "Patient" {
                    identifiers.extend(list(&contained["identifier"]).into_iter().filter_map(identifier));
                }
            }
        }
        return Some((literal, identifiers));
    }
    None
}

fn categories(of: &Type, json: &Value) -> (u64, u8) {
    let mut bits = of.class;
    if of.name == "Observation" || of.name == "DiagnosticReport" {
        for coding in at(json, "category.coding") {
            for (system, code, class) in CATEGORY_CLASSES {
                if coding["system"] == *system && coding["code"] == *code {
                    bits |= class;
                }
            }
        }
        if bits == 0 {
            bits = if json["device"].is_null() { OTHER } else { DEVICES };
        }
    }
    sensitive(json, &mut bits);
    let mut level = None;
    for label in list(&json["meta"]["security"]) {
        let code = label["code"].as_str().unwrap_or_default();
        let raised = match (label["system"].as_str().unwrap_or_default(), code) {
            (CONFIDENTIALITY, "U" | "L" | "M") => 0,
            (CONFIDENTIALITY, "N") => 1,
            (CONFIDENTIALITY, "R") => 2,
            (CONFIDENTIALITY, "V") => 3,
            (ACT_CODE, _) | (_, _) => {
                bits |= SENSITIVE;
                2
            }
        };
        level = level.max(Some(raised));
    }
    (bits, level.unwrap_or(1))
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

/// Keys sorted, no white space, without what servers rewrite: `serde_json` sorts and writes so by itself.
fn canonical(json: &Value) -> String {
    let mut json = json.clone();
    if let Value::Object(root) = &mut json {
        root.remove("text");
        if let Some(Value::Object(meta)) = root.get_mut("meta") {
            meta.remove("versionId");
            meta.remove("lastUpdated");
            if meta.is_empty() {
                root.remove("meta");
            }
        }
    }
    json.to_string()
}
