//! The canonical form of a resource: what its digest is over.
//!
//! - keys sorted by the bytes of their UTF-8 (the order of code points; RFC 8785 sorts by UTF-16
//!   units, the same for the ASCII names FHIR uses), no white space;
//! - numbers as written: `1.0` is not `1.00`, since FHIR's decimals carry their precision (RFC 8785
//!   would make both `1`);
//! - strings as UTF-8 with the fewest escapes: `\"`, `\\`, `\b \f \n \r \t`, other control
//!   characters as `\u00xx`; no Unicode normalisation, zero-width characters stay;
//! - at the root, and there only, `text` (the narrative), `meta.versionId` and `meta.lastUpdated`
//!   are left out, and `meta` where nothing else was in it. Servers rewrite all three on every
//!   store; a digest over them would not survive a round trip. All else stays, `meta.security`,
//!   `meta.source` and `id` included. So a digest does not vouch for the narrative: what must be
//!   vouched for has to be in structured elements.

use super::json::{Json, Object};

/// The canonical form of a resource.
#[must_use]
pub fn resource(root: &Object<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.push(b'{');
    let mut first = true;
    for (key, value) in root.iter() {
        match (key, value) {
            ("text", _) => {}
            ("meta", Json::Object(meta)) => {
                let volatile = |k: &str| k == "versionId" || k == "lastUpdated";
                if meta.is_empty() || !meta.iter().all(|(k, _)| volatile(k)) {
                    member_start(&mut out, &mut first, key);
                    members(&mut out, meta.iter().filter(|(k, _)| !volatile(k)));
                }
            }
            _ => {
                member_start(&mut out, &mut first, key);
                write(&mut out, value);
            }
        }
    }
    out.push(b'}');
    out
}

/// The canonical form of any value; nothing is left out.
#[must_use]
pub fn value(json: &Json<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, json);
    out
}

// Recursion is bounded: a `Json` is at most `json::MAX_DEPTH` deep.
fn write(out: &mut Vec<u8>, json: &Json<'_>) {
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Number(text) => out.extend_from_slice(text.as_bytes()),
        Json::String(s) => string(out, s),
        Json::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Json::Object(object) => members(out, object.iter()),
    }
}

fn members<'m, 'a: 'm>(out: &mut Vec<u8>, items: impl Iterator<Item = (&'m str, &'m Json<'a>)>) {
    out.push(b'{');
    let mut first = true;
    for (key, value) in items {
        member_start(out, &mut first, key);
        write(out, value);
    }
    out.push(b'}');
}

fn member_start(out: &mut Vec<u8>, first: &mut bool, key: &str) {
    if !core::mem::take(first) {
        out.push(b',');
    }
    string(out, key);
    out.push(b':');
}

fn string(out: &mut Vec<u8>, s: &str) {
    out.push(b'"');
    let bytes = s.as_bytes();
    let mut plain = 0;
    for (i, &b) in bytes.iter().enumerate() {
        let short = match b {
            b'"' | b'\\' => b,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1f => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..i]);
        plain = i + 1;
        if short == 0 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(b >> 4)],
                HEX[usize::from(b & 15)],
            ]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let json = Json::parse(text.as_bytes()).expect("JSON");
        String::from_utf8(resource(json.as_object().expect("an object"))).expect("UTF-8")
    }

    #[test]
    fn white_space_key_order_and_escapes_do_not_matter() {
        let a = canonical("{ \"b\" : [ 1.00 , true ],\n \"a\":\"\\u0041\\/\\u001F\" }");
        let b = canonical("{\"a\":\"A/\\u001f\",\"b\":[1.00,true]}");
        assert_eq!(a, b);
        assert_eq!(a, "{\"a\":\"A/\\u001f\",\"b\":[1.00,true]}");
    }

    #[test]
    fn the_text_of_a_number_matters() {
        assert_ne!(canonical("{\"v\":1.0}"), canonical("{\"v\":1.00}"));
        assert_ne!(canonical("{\"v\":1.0}"), canonical("{\"v\":1.1}"));
    }

    #[test]
    fn narrative_and_what_servers_rewrite_are_left_out_at_the_root_only() {
        let full = r#"{"id":"x","text":{"div":"y"},"meta":{"versionId":"1","lastUpdated":"z","source":"s"},
            "code":{"text":"kept"},"contained":[{"text":{"div":"kept"},"meta":{"versionId":"1"}}]}"#;
        assert_eq!(
            canonical(full),
            r#"{"code":{"text":"kept"},"contained":[{"meta":{"versionId":"1"},"text":{"div":"kept"}}],"id":"x","meta":{"source":"s"}}"#
        );
        assert_eq!(canonical(r#"{"a":1,"meta":{"versionId":"1"}}"#), r#"{"a":1}"#);
    }
}
