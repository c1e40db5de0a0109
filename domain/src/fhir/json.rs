//! JSON, read strictly: one text has one meaning.
//!
//! Why not `serde_json::Value`: it keeps the last of two equal keys (another reader keeps the
//! first, and the two disagree about what was signed), and under `arbitrary_precision` it takes an
//! object with one private key for a number. Here equal keys are refused, numbers keep their text,
//! strings are borrowed from the input where they hold no escape, and objects are sorted, so that
//! the canonical form is one walk. A test compares this reader with `serde_json` on random texts.
//!
//! Bounded: nesting by [`MAX_DEPTH`], the number of values by the caller; an error names place and
//! reason, never content.

use std::borrow::Cow;

/// Deepest nesting of arrays and objects. Real resources stay below twenty.
pub const MAX_DEPTH: usize = 64;

/// Most values in one text that [`Json::parse`] reads: some 100 MiB of tree.
pub const MAX_VALUES: usize = 2_000_000;

/// A JSON value. Clinical data: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The members of an object, sorted by the bytes of their keys; no key twice.
#[derive(Clone, PartialEq, Eq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    /// The member with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        // FHIR objects are small: a scan that compares lengths first beats a binary search.
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The members in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v))
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Json<'a> {
    /// Reads one value that fills the text.
    ///
    /// # Errors
    /// [`JsonError`] if the text is not UTF-8, not JSON, has a key twice, nests too deep or holds
    /// too many values.
    pub fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        Self::parse_limited(text, MAX_VALUES)
    }

    /// As [`Json::parse`], with a limit on the number of values.
    ///
    /// # Errors
    /// As [`Json::parse`].
    pub fn parse_limited(text: &'a [u8], max_values: usize) -> Result<Self, JsonError> {
        let text = core::str::from_utf8(text).map_err(|e| JsonError {
            kind: JsonErrorKind::NotUtf8,
            offset: e.valid_up_to(),
            path: None,
        })?;
        let mut parser = Parser { text, at: 0, depth: 0, values_left: max_values, path: Vec::new() };
        parser.white_space();
        let result = parser.value().and_then(|value| {
            parser.white_space();
            if parser.at == text.len() {
                Ok(value)
            } else {
                Err(JsonErrorKind::Syntax("text after the value"))
            }
        });
        result.map_err(|kind| JsonError {
            kind,
            offset: parser.at,
            path: (!parser.path.is_empty()).then(|| render(&parser.path)),
        })
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(o) => Some(o),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Json<'a>]> {
        match self {
            Self::Array(a) => Some(a),
            _ => None,
        }
    }

    /// The member of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.as_object()?.get(key)
    }

    /// What kind of value it is, in words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Why a text was not read as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("not JSON: {0}")]
    Syntax(&'static str),
    /// The text ends inside a value.
    #[error("the text ends inside a value")]
    Truncated,
    /// Too deep.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Too many values.
    #[error("more than the permitted number of values")]
    TooManyValues,
    /// One key twice in an object.
    #[error("an object has the same key twice: two readers would disagree about it")]
    DuplicateKey,
}

/// Why and where a text was not read as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (byte {offset})")]
pub struct JsonError {
    /// Why.
    pub kind: JsonErrorKind,
    /// Byte offset in the text.
    pub offset: usize,
    /// Path of the innermost value that was begun; keys that do not look like FHIR elements are
    /// shown as `?`.
    pub path: Option<String>,
}

/// One step of a path: key or index.
enum Step<'a> {
    Key(Cow<'a, str>),
    Index(usize),
}

/// Only what looks like a FHIR element is shown: in a text that is not FHIR a key may be a name.
fn render(path: &[Step<'_>]) -> String {
    use core::fmt::Write as _;
    let mut out = String::new();
    // From the innermost outward, as pushed while the error rose.
    for step in path.iter().rev() {
        match step {
            Step::Index(i) => {
                let _ = write!(out, "[{i}]");
            }
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                let plain = key.len() <= 48
                    && key.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                    && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                out.push_str(if plain { key } else { "?" });
            }
        }
    }
    out
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    values_left: usize,
    /// Filled only while an error rises.
    path: Vec<Step<'a>>,
}

type Parsed<T> = Result<T, JsonErrorKind>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Parsed<Json<'a>> {
        self.values_left = self.values_left.checked_sub(1).ok_or(JsonErrorKind::TooManyValues)?;
        match self.peek().ok_or(JsonErrorKind::Truncated)? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string().map(Json::String),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true", Json::Bool(true)),
            b'f' => self.literal("false", Json::Bool(false)),
            b'n' => self.literal("null", Json::Null),
            _ => Err(JsonErrorKind::Syntax("a value cannot begin so")),
        }
    }

    fn literal(&mut self, word: &str, value: Json<'a>) -> Parsed<Json<'a>> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else if word.as_bytes().starts_with(rest) {
            Err(JsonErrorKind::Truncated)
        } else {
            Err(JsonErrorKind::Syntax("a word that is not true, false or null"))
        }
    }

    fn enter(&mut self) -> Parsed<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonErrorKind::TooDeep);
        }
        self.white_space();
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    fn array(&mut self) -> Parsed<Json<'a>> {
        self.enter()?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(Json::Array(items));
        }
        loop {
            let item = self.value();
            match item {
                Ok(item) => items.push(item),
                Err(e) => {
                    self.path.push(Step::Index(items.len()));
                    return Err(e);
                }
            }
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break self.leave(),
                Some(_) => return Err(JsonErrorKind::Syntax("expected , or ] in an array")),
                None => return Err(JsonErrorKind::Truncated),
            }
            self.white_space();
        }
        Ok(Json::Array(items))
    }

    fn object(&mut self) -> Parsed<Json<'a>> {
        self.enter()?;
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(Json::Object(Object(members)));
        }
        loop {
            match self.peek() {
                Some(b'"') => {}
                Some(_) => return Err(JsonErrorKind::Syntax("expected a key in an object")),
                None => return Err(JsonErrorKind::Truncated),
            }
            let key = self.string()?;
            self.white_space();
            match self.peek() {
                Some(b':') => self.at += 1,
                Some(_) => return Err(JsonErrorKind::Syntax("expected : after a key")),
                None => return Err(JsonErrorKind::Truncated),
            }
            self.white_space();
            match self.value() {
                Ok(value) => members.push((key, value)),
                Err(e) => {
                    self.path.push(Step::Key(key));
                    return Err(e);
                }
            }
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break self.leave(),
                Some(_) => return Err(JsonErrorKind::Syntax("expected , or } in an object")),
                None => return Err(JsonErrorKind::Truncated),
            }
            self.white_space();
        }
        members.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
        if let Some(i) = members.windows(2).position(|w| w[0].0 == w[1].0) {
            self.path.push(Step::Key(members.swap_remove(i).0));
            return Err(JsonErrorKind::DuplicateKey);
        }
        Ok(Json::Object(Object(members)))
    }

    fn number(&mut self) -> Parsed<Json<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            Some(_) => return Err(JsonErrorKind::Syntax("a number without digits")),
            None => return Err(JsonErrorKind::Truncated),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Json::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(b'0'..=b'9') => {}
            Some(_) => return Err(JsonErrorKind::Syntax("a number without digits")),
            None => return Err(JsonErrorKind::Truncated),
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    // `"` and `\` are never inside a UTF-8 sequence, so the slice is on character
                    // borders.
                    return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
                }
                Some(b'\\') => break,
                Some(0..=0x1f) => return Err(JsonErrorKind::Syntax("a control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(JsonErrorKind::Truncated),
            }
        }
        let mut out = String::from(&self.text[start..self.at]);
        loop {
            let plain = self.at;
            while bytes.get(self.at).is_some_and(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(&self.text[plain..self.at]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => return Err(JsonErrorKind::Syntax("a control character in a string")),
                None => return Err(JsonErrorKind::Truncated),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let b = self.peek().ok_or(JsonErrorKind::Truncated)?;
        self.at += 1;
        Ok(match b {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let lone = JsonErrorKind::Syntax("half of a surrogate pair");
                let first = self.hex4()?;
                if !(0xd800..0xe000).contains(&first) {
                    return char::from_u32(first).ok_or(lone);
                }
                if first >= 0xdc00 || !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(lone);
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(lone);
                }
                char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(lone)?
            }
            _ => return Err(JsonErrorKind::Syntax("an unknown escape")),
        })
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let mut n = 0;
        for _ in 0..4 {
            let b = self.peek().ok_or(JsonErrorKind::Truncated)?;
            let digit = char::from(b).to_digit(16).ok_or(JsonErrorKind::Syntax("a bad \\u escape"))?;
            n = n << 4 | digit;
            self.at += 1;
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> JsonErrorKind {
        Json::parse(text.as_bytes()).err().expect("refused").kind
    }

    #[test]
    fn the_same_key_twice_is_refused_also_when_one_is_escaped() {
        assert_eq!(error(r#"{"a":1,"a":1}"#), JsonErrorKind::DuplicateKey);
        assert_eq!(error(r#"{"a":1,"b":0,"\u0061":2}"#), JsonErrorKind::DuplicateKey);
        let e = Json::parse(br#"{"name":[{"family":"x","family":"y"}]}"#).err().expect("refused");
        assert_eq!(e.path.as_deref(), Some("name[0].family"));
        let e = Json::parse(br#"{"Ahmad Khan":{"x":1,"x":2}}"#).err().expect("refused");
        assert_eq!(e.path.as_deref(), Some("?.x"), "a key that may be a name is not shown");
    }

    #[test]
    fn deep_nesting_and_many_values_are_refused() {
        let ok = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert!(Json::parse(ok.as_bytes()).is_ok());
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        assert_eq!(error(&deep), JsonErrorKind::TooDeep);
        assert_eq!(error(&"[".repeat(1_000_000)), JsonErrorKind::TooDeep);
        let e = Json::parse_limited(b"[1,2,3]", 3).err().expect("refused");
        assert_eq!(e.kind, JsonErrorKind::TooManyValues);
    }

    #[test]
    fn numbers_keep_their_text() {
        let text = br#"[1.00,-0.0,1E+400,12345678901234567890.123456789012345678901]"#;
        let Ok(Json::Array(items)) = Json::parse(text) else { panic!("an array") };
        let texts: Vec<_> = items.iter().map(|n| if let Json::Number(t) = n { *t } else { "" }).collect();
        assert_eq!(texts, ["1.00", "-0.0", "1E+400", "12345678901234567890.123456789012345678901"]);
    }

    #[test]
    fn what_is_not_json_is_refused_with_a_reason() {
        for text in ["", " ", "{", "[1", "\"a", "tru", "{\"a\"", "{\"a\":", "-", "1.", "1e", "\"\\u12"] {
            assert_eq!(error(text), JsonErrorKind::Truncated, "{text:?}");
        }
        for text in [
            "01",
            "+1",
            ".5",
            "1.x",
            "nul!",
            "{a:1}",
            "{\"a\" 1}",
            "[1 2]",
            "[1,]",
            "{\"a\":1,}",
            "1 2",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\u{1}\"",
            "'a'",
            "NaN",
            "\u{feff}1",
            "[1]//",
        ] {
            assert!(matches!(error(text), JsonErrorKind::Syntax(_)), "{text:?}: {:?}", error(text));
        }
        let e = Json::parse(b"\"\xff\"").err().expect("refused");
        assert_eq!((e.kind, e.offset), (JsonErrorKind::NotUtf8, 1));
    }

    #[test]
    fn escapes_are_read_and_zero_width_characters_kept() {
        let parsed = Json::parse("\"\\ud83d\\ude00\\n\\/\u{200b}x\"".as_bytes()).expect("a string");
        assert_eq!(parsed.as_str(), Some("😀\n/\u{200b}x"));
    }

    #[test]
    fn an_object_that_looks_like_a_serde_number_is_an_object() {
        let parsed = Json::parse(br#"{"$serde_json::private::Number":"1"}"#).expect("an object");
        assert!(parsed.as_object().is_some());
    }
}
