//! The consents in a FHIR file: a resource, a Bundle with Consents among its entries, or one
//! document a line.

use super::ConsentError;
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{Limits, Place, canonical};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A Consent of a file.
pub struct Found {
    /// Where in the file.
    pub place: String,
    /// Entry of its Bundle, from 0; of nested Bundles the outermost.
    pub entry: Option<u64>,
    /// Its `id`.
    pub id: Option<String>,
    /// `fullUrl` of its Bundle entry.
    pub full_url: Option<String>,
    /// Its JSON.
    pub json: String,
}

/// What a file holds.
#[derive(Default)]
pub struct Consents {
    /// Its consents, in their order.
    pub found: Vec<Found>,
    /// Resources of other types.
    pub others: u64,
    /// What could not be read: where and why.
    pub unread: Vec<(String, String)>,
}

/// The consents in a file. What is broken in it is told in [`Consents::unread`] and the rest is
/// read.
///
/// # Errors
/// [`ConsentError::Read`], [`ConsentError::TooLarge`].
pub fn consents_in(path: &Path) -> Result<Consents, ConsentError> {
    let read = |source| ConsentError::Read { path: path.to_path_buf(), source };
    let mut input = BufReader::new(File::open(path).map_err(read)?);
    let limit = Limits::default().resource_bytes;
    let mut consents = Consents::default();
    let lines =
        path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ndjson") || e.eq_ignore_ascii_case("jsonl"));
    if lines {
        read_lines(&mut input, limit, &mut consents).map_err(read)?;
        return Ok(consents);
    }
    let mut text = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    (&mut input).take(most + 1).read_to_end(&mut text).map_err(read)?;
    if text.len() > limit {
        return Err(ConsentError::TooLarge { path: path.to_path_buf(), most: limit });
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    match Json::parse(text) {
        Ok(json) => consents.document(&json, Some(text), Place::default()),
        // Several documents, each in a line?
        Err(_) if first_line(text).is_some_and(|line| Json::parse(line).is_ok()) => {
            read_lines(&mut &*text, limit, &mut consents).map_err(read)?;
        }
        Err(e) => consents.unread.push((Place::default().to_string(), e.to_string())),
    }
    Ok(consents)
}

/// The consent that is meant: the only one of a file, or the one chosen by the number of its entry
/// (`3`), its `id`, or its place (`line 2`).
///
/// # Errors
/// [`ConsentError`].
pub fn one_in(path: &Path, chosen: Option<&str>) -> Result<Found, ConsentError> {
    let consents = consents_in(path)?;
    let path = path.to_path_buf();
    if let (true, Some((place, why))) = (consents.found.is_empty(), consents.unread.first()) {
        return Err(ConsentError::Unread { path, place: place.clone(), why: why.clone() });
    }
    let there = consents.found.iter().map(|f| f.place.as_str()).collect::<Vec<_>>().join("; ");
    let is_chosen = |found: &Found| match chosen {
        None => true,
        Some(text) => {
            found.place == text
                || found.id.as_deref() == Some(text)
                || found.entry.is_some_and(|n| n.to_string() == text && found.place == format!("entry {n}"))
        }
    };
    let mut all = consents.found.into_iter().filter(is_chosen);
    match (all.next(), all.next()) {
        (Some(found), None) => Ok(found),
        (None, _) if there.is_empty() => Err(ConsentError::None { path }),
        (None, _) => Err(ConsentError::NoSuch { path, there }),
        (Some(_), Some(_)) => Err(ConsentError::Several { path, there }),
    }
}

/// The first of several lines that hold something.
fn first_line(text: &[u8]) -> Option<&[u8]> {
    let mut lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.next()?;
    lines.next().map(|_| first)
}

fn read_lines(input: &mut impl BufRead, limit: usize, consents: &mut Consents) -> std::io::Result<()> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.by_ref().take(most + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let place = Place { line: Some(number), entry: None };
        if line.len() > limit {
            // The rest of the line is passed over, not kept.
            while !line.ends_with(b"\n") {
                line.clear();
                if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
                    break;
                }
            }
            consents.unread.push((place.to_string(), format!("larger than {limit} bytes")));
            continue;
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        match Json::parse(text) {
            Ok(json) => consents.document(&json, Some(text), place),
            Err(e) => consents.unread.push((place.to_string(), e.to_string())),
        }
    }
    Ok(())
}

impl Consents {
    /// A document: a resource, or a Bundle of them. `text` is its JSON, if it stands alone.
    fn document(&mut self, json: &Json<'_>, text: Option<&[u8]>, place: Place) {
        if json.get("resourceType").and_then(Json::as_str) == Some("Bundle") {
            self.bundle(json, place, &place.to_string());
        } else {
            let text = text.map(|text| String::from_utf8_lossy(text).into_owned());
            self.resource(json, text, None, place, place.to_string());
        }
    }

    fn bundle(&mut self, json: &Json<'_>, place: Place, shown: &str) {
        let entries = match json.get("entry") {
            None => return,
            Some(Json::Array(entries)) => entries,
            Some(other) => {
                let why = format!("Bundle.entry: expected an array, got {}", other.kind());
                return self.unread.push((shown.to_owned(), why));
            }
        };
        for (n, entry) in (0..).zip(entries) {
            // A Bundle in a Bundle is told by the way to it.
            let (place, shown) = match place.entry {
                None => {
                    let place = Place { entry: Some(n), ..place };
                    (place, place.to_string())
                }
                Some(_) => (place, format!("{shown}, entry {n}")),
            };
            let method = entry.get("request").and_then(|r| r.get("method")).and_then(Json::as_str);
            match entry.get("resource") {
                Some(_) if method.is_some_and(|m| m != "POST" && m != "PUT") => {
                    let why = "the entry asks for something else than storing its resource; it is not read";
                    self.unread.push((shown, why.to_owned()));
                }
                Some(inner) if inner.get("resourceType").and_then(Json::as_str) == Some("Bundle") => {
                    self.bundle(inner, place, &shown);
                }
                Some(resource) => {
                    let full_url = entry.get("fullUrl").and_then(Json::as_str).map(str::to_owned);
                    self.resource(resource, None, full_url, place, shown);
                }
                // A deletion, a response: nothing to read.
                None => {}
            }
        }
    }

    fn resource(
        &mut self,
        json: &Json<'_>,
        text: Option<String>,
        full_url: Option<String>,
        place: Place,
        shown: String,
    ) {
        match json.get("resourceType").and_then(Json::as_str) {
            Some("Consent") => self.found.push(Found {
                place: shown,
                entry: place.entry,
                id: json.get("id").and_then(Json::as_str).map(str::to_owned),
                full_url,
                json: text.unwrap_or_else(|| {
                    String::from_utf8(canonical::value(json)).expect("made of the strings of a JSON text")
                }),
            }),
            Some(_) => self.others += 1,
            None => self.unread.push((shown, "not FHIR: no resourceType".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &[u8]) -> Consents {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        consents_in(&path).expect("readable")
    }

    const CONSENT: &str = r#"{"resourceType":"Consent","id":"c","status":"active"}"#;
    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p"}"#;

    fn bundle(entries: &[&str]) -> String {
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
    }

    fn entry(resource: &str) -> String {
        format!(r#"{{"fullUrl":"urn:uuid:1","resource":{resource}}}"#)
    }

    fn places(consents: &Consents) -> Vec<&str> {
        consents.found.iter().map(|f| f.place.as_str()).collect()
    }

    #[test]
    fn a_single_consent_keeps_its_text() {
        let text = format!(" {CONSENT}\n");
        let consents = read("c.json", format!("\u{feff}{text}").as_bytes());
        assert_eq!(places(&consents), ["file"]);
        assert_eq!(consents.found[0].json, text);
        assert_eq!((consents.found[0].entry, consents.found[0].id.as_deref()), (None, Some("c")));
    }

    #[test]
    fn the_consents_of_a_bundle_are_found_among_other_resources() {
        let inner = bundle(&[&entry(CONSENT)]);
        let text = bundle(&[&entry(PATIENT), &entry(CONSENT), "{}", &entry(&inner), &entry(CONSENT)]);
        let consents = read("b.json", text.as_bytes());
        assert_eq!(places(&consents), ["entry 1", "entry 3, entry 0", "entry 4"]);
        assert_eq!((consents.others, consents.unread.len()), (1, 0));
        assert_eq!(consents.found[0].full_url.as_deref(), Some("urn:uuid:1"));
        assert_eq!(consents.found[1].entry, Some(3));
        let json = Json::parse(consents.found[0].json.as_bytes()).ok();
        assert!(json.is_some() && json == Json::parse(CONSENT.as_bytes()).ok(), "the same consent");
    }

    #[test]
    fn lines_are_read_whatever_the_file_is_called_and_a_broken_one_costs_itself() {
        let text =
            format!("{CONSENT}\n\n{PATIENT}\n{{\"resourceType\":\n{}\n{CONSENT}", bundle(&[&entry(CONSENT)]));
        for name in ["export.ndjson", "export.json"] {
            let consents = read(name, text.as_bytes());
            assert_eq!(places(&consents), ["line 1", "line 5, entry 0", "line 6"], "{name}");
            assert_eq!(
                consents.unread.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(),
                ["line 4"]
            );
        }
    }

    #[test]
    fn one_consent_of_several_is_chosen_by_entry_id_or_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("b.json");
        let other = CONSENT.replace("\"c\"", "\"d\"");
        let write = |entries: &[&str]| std::fs::write(&path, bundle(entries)).expect("a file");
        let chosen =
            |which| one_in(&path, which).map(|f| f.id.unwrap_or_default()).map_err(|e| e.to_string());
        write(&[&entry(PATIENT), &entry(CONSENT)]);
        assert_eq!(chosen(None).as_deref(), Ok("c"));
        write(&[&entry(PATIENT), &entry(CONSENT), &entry(&other)]);
        assert!(chosen(None).is_err_and(|e| e.ends_with(
            "several Consents: choose one, by its entry, id or place; they are: entry 1; entry 2"
        )));
        for which in ["2", "d", "entry 2"] {
            assert_eq!(chosen(Some(which)).as_deref(), Ok("d"), "{which}");
        }
        assert!(
            chosen(Some("0")).is_err_and(|e| e.contains("no such Consent in it")),
            "entry 0 is a Patient"
        );
        write(&[&entry(CONSENT), &entry(CONSENT)]);
        assert!(chosen(Some("c")).is_err(), "two of one id are not told apart");
        write(&[&entry(PATIENT)]);
        assert!(chosen(None).is_err_and(|e| e.ends_with("no Consent in it")));
    }

    #[test]
    fn what_is_no_fhir_is_told() {
        for text in ["", "7", "[]", "{}", "{\"resourceType\":7}", "{\"a\":1,\"a\":2}", "\u{0}", "<Consent/>"]
        {
            let consents = read("c.json", text.as_bytes());
            assert_eq!((consents.found.len(), consents.unread.len()), (0, 1), "{text}");
        }
        let deletion = format!(r#"{{"request":{{"method":"DELETE"}},"resource":{CONSENT}}}"#);
        let consents = read("c.json", bundle(&[&deletion]).as_bytes());
        assert_eq!((consents.found.len(), consents.unread.len()), (0, 1));
        let consents = read("c.json", br#"{"resourceType":"Bundle","entry":7}"#);
        assert_eq!((consents.found.len(), consents.unread.len()), (0, 1));
    }
}
