//! The Consents in a file: a Consent by itself, one in a Bundle, one a line.

use amanat_domain::fhir::canonical;
use amanat_domain::fhir::json::Json;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Longest file that is read.
const MAX_BYTES: u64 = 64 << 20;

/// A FHIR Consent of a file. Clinical: no `Debug`.
pub(crate) struct ConsentDocument {
    /// Whom it names: the literal reference of `Consent.patient`.
    pub patient: Option<String>,
    /// Its JSON.
    pub source: String,
}

/// Every Consent of a file, in its order.
pub(crate) fn consents(file: &Path) -> Result<Vec<ConsentDocument>> {
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    if length > MAX_BYTES {
        bail!("{}: {length} bytes, at most {MAX_BYTES} are read", file.display());
    }
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("ndjson"));
    let parts: Vec<&[u8]> = if lines { text.split(|b| *b == b'\n').collect() } else { vec![&text] };
    let mut found = Vec::new();
    for (n, part) in parts.into_iter().enumerate() {
        if part.trim_ascii().is_empty() {
            continue;
        }
        let place = || match lines {
            true => format!("{}, line {}", file.display(), n + 1),
            false => file.display().to_string(),
        };
        // A byte order mark is no JSON, and some exports begin with one.
        let part = part.strip_prefix(b"\xef\xbb\xbf").unwrap_or(part);
        let json = Json::parse(part)
            .map_err(|e| anyhow::anyhow!("not JSON at byte {}: {}", e.offset, e.kind))
            .with_context(place)?;
        collect(&json, &mut found);
    }
    Ok(found)
}

/// The one Consent of a file.
pub(crate) fn one_consent(file: &Path) -> Result<ConsentDocument> {
    let mut all = consents(file)?;
    match (all.pop(), all.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), more) => {
            bail!("{} holds {} Consents: give a file that holds one", file.display(), more + 1)
        }
        (None, _) => bail!("{} holds no Consent", file.display()),
    }
}

fn collect(resource: &Json<'_>, into: &mut Vec<ConsentDocument>) {
    match resource.get("resourceType").and_then(Json::as_str) {
        Some("Consent") => {
            let patient = resource.get("patient").and_then(|p| p.get("reference")).and_then(Json::as_str);
            if let Ok(source) = String::from_utf8(canonical::value(resource)) {
                into.push(ConsentDocument { patient: patient.map(str::to_owned), source });
            }
        }
        Some("Bundle") => {
            let entries = resource.get("entry").and_then(Json::as_array).unwrap_or_default();
            entries.iter().filter_map(|entry| entry.get("resource")).for_each(|r| collect(r, into));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{consents, one_consent};

    #[test]
    fn consents_are_found_by_themselves_in_bundles_and_in_lines() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let one = |n: u32| {
            format!(
                r#"{{"resourceType":"Consent","id":"c","patient":{{"reference":"Patient/{n}"}},"a":1.50}}"#
            )
        };
        let patients = |path: &std::path::Path| -> Vec<String> {
            let all = consents(path).unwrap_or_else(|e| panic!("{e:#}"));
            all.into_iter().map(|c| c.patient.expect("a patient")).collect()
        };
        let alone = file("alone.json", &format!("\u{feff}{}", one(1)));
        assert_eq!(patients(&alone), ["Patient/1"]);
        assert!(one_consent(&alone).is_ok_and(|c| c.source.contains("1.50")), "digits stay as written");
        let entries = [one(1), "{\"resourceType\":\"Patient\"}".to_owned(), one(2)]
            .map(|r| format!(r#"{{"resource":{r}}}"#))
            .join(",");
        let bundle = file("b.json", &format!(r#"{{"resourceType":"Bundle","entry":[{entries}]}}"#));
        assert_eq!(patients(&bundle), ["Patient/1", "Patient/2"]);
        let said = one_consent(&bundle).err().expect("two").to_string();
        assert!(said.contains("holds 2 Consents"), "{said}");
        let lines = file("l.ndjson", &format!("{}\n\n{}\n", one(3), one(4)));
        assert_eq!(patients(&lines), ["Patient/3", "Patient/4"]);
        let broken = file("x.ndjson", &format!("{}\n{{\"resourceType\":\n", one(3)));
        let said = format!("{:#}", consents(&broken).err().expect("broken"));
        assert!(said.contains("line 2"), "{said}");
        let none = file("n.json", r#"{"resourceType":"Patient"}"#);
        assert!(one_consent(&none).err().expect("none").to_string().contains("holds no Consent"));
    }
}
