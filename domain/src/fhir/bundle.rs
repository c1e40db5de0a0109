//! What a Bundle says of itself, and so of its entries.

use std::io::BufRead;

use super::category::Floor;
use super::frame::{Frames, Taken};
use super::json::Json;
use super::types::is_id;

/// Most members of a Bundle beside its entries that are looked at.
const MAX_MEMBERS: usize = 64;
/// Most bytes of all of them.
const MAX_HEAD: usize = 1 << 20;

/// `Bundle.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BundleKind {
    /// `document`.
    Document,
    /// `message`.
    Message,
    /// `transaction`.
    Transaction,
    /// `batch`.
    Batch,
    /// `history`.
    History,
    /// `searchset`.
    Searchset,
    /// `collection`.
    Collection,
    /// Another word, or none.
    #[default]
    Other,
}

impl BundleKind {
    fn of(code: &str) -> Self {
        match code {
            "document" => Self::Document,
            "message" => Self::Message,
            "transaction" => Self::Transaction,
            "batch" => Self::Batch,
            "history" => Self::History,
            "searchset" => Self::Searchset,
            "collection" => Self::Collection,
            _ => Self::Other,
        }
    }
}

/// What an entry asks a server to do with its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stored {
    /// Nothing is asked.
    #[default]
    Unsaid,
    /// To create it, under an id of the server's own.
    Post,
    /// To store it under its id.
    Put,
}

/// A Bundle's own members.
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    /// `type`.
    pub kind: BundleKind,
    /// Its labels: no entry is less sensitive.
    pub floor: Floor,
    /// `identifier` as `system|value`, else `id`: what tells a document from others. It may be that
    /// of a visit.
    pub identity: Option<String>,
    /// `total`.
    pub total: Option<u64>,
    /// Whether it has a link to a next page.
    pub next: bool,
}

impl Default for Head {
    fn default() -> Self {
        Self { kind: BundleKind::Other, floor: Floor::NONE, identity: None, total: None, next: false }
    }
}

impl Head {
    /// From a Bundle, with or without its entries.
    #[must_use]
    pub fn of(bundle: &Json<'_>) -> Self {
        let text = |json: Option<&Json<'_>>| json.and_then(Json::as_str).map(str::to_owned);
        let identifier = bundle.get("identifier").and_then(|identifier| {
            let value = text(identifier.get("value"))?;
            Some(format!("{}|{value}", text(identifier.get("system")).unwrap_or_default()))
        });
        let links = bundle.get("link").and_then(Json::as_array).unwrap_or_default();
        Self {
            kind: bundle.get("type").and_then(Json::as_str).map_or(BundleKind::Other, BundleKind::of),
            floor: bundle.get("meta").map_or(Floor::NONE, Floor::of_meta),
            identity: identifier
                .or_else(|| text(bundle.get("id")).filter(|id| is_id(id)))
                .filter(|text| text.len() <= 512),
            total: match bundle.get("total") {
                Some(Json::Number(text)) => text.parse().ok(),
                _ => None,
            },
            next: links.iter().any(|link| link.get("relation").and_then(Json::as_str) == Some("next")),
        }
    }

    /// Reads the members of a file's outermost Bundle and passes over its entries: they may come
    /// before what is said of all of them. `None` where the file begins with no object, or is
    /// broken before its end; [`Reader`](super::Reader) says why.
    #[must_use]
    pub fn scan(input: impl BufRead) -> Option<Self> {
        let mut frames = Frames::new(input, MAX_HEAD);
        let mut head = vec![b'{'];
        if frames.peek().ok()? == Some(0xef) {
            (0..3).for_each(|_| frames.skip());
        }
        frames.expect(b'{', "").ok()?;
        for _ in 0..MAX_MEMBERS {
            if frames.next_token().ok()? != Some(b'"') {
                break;
            }
            let key_at = head.len();
            frames.value(&mut head).ok()?;
            frames.expect(b':', "").ok()?;
            if head.get(key_at..) == Some(b"\"entry\"") {
                head.truncate(key_at);
                frames.pass().ok()?;
            } else {
                head.push(b':');
                if frames.value(&mut head).ok()? == Taken::TooLarge {
                    return None;
                }
                head.push(b',');
            }
            match frames.next_token().ok()? {
                Some(b',') => frames.skip(),
                _ => break,
            }
        }
        if head.last() == Some(&b',') {
            head.pop();
        }
        head.push(b'}');
        let json = Json::parse(&head).ok()?;
        (json.get("resourceType").and_then(Json::as_str) == Some("Bundle")).then(|| Self::of(&json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_entries_is_found() {
        let text = r#"{"resourceType":"Bundle","entry":[{"resource":{"a":"]}"}}],"total":7,"type":"searchset",
            "identifier":{"system":"s","value":"v"},"link":[{"relation":"next","url":"x"}]}"#;
        let head = Head::scan(text.as_bytes()).expect("a Bundle");
        assert_eq!((head.kind, head.total, head.next), (BundleKind::Searchset, Some(7), true));
        assert_eq!(head.identity.as_deref(), Some("s|v"));
        assert!(head == Head::of(&Json::parse(text.as_bytes()).expect("JSON")));
    }

    #[test]
    fn what_is_no_bundle_has_no_head() {
        for text in [
            "",
            "[]",
            "{",
            "{}",
            r#"{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Bundle","entry":["#,
            "\u{feff}",
        ] {
            assert!(Head::scan(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Head::scan("\u{feff}{\"resourceType\":\"Bundle\"}".as_bytes()).is_some());
    }
}
