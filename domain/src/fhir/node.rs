//! A place in a resource: the value, and the way to it for error texts.
//!
//! Typed reading goes through [`Node`]: what has another JSON type than FHIR says, or an impossible
//! content, is remarked with its path and read as absent. Paths are built only when something is
//! remarked.

use std::cell::{Cell, RefCell};

use super::date::{DateError, PartialDate, Zones};
use super::json::Json;
use super::problem::{Lost, Reason};
use crate::record::Coding;
use crate::time::{Period, Timestamp};

/// Longest text that becomes a field of a record (a reference may be a URL).
const MAX_TEXT: usize = 2048;
/// Most remarks kept for one resource.
const MAX_REMARKS: usize = 32;

/// What was wrong with an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Path of the element.
    pub path: String,
    /// Why.
    pub reason: Reason,
    /// What was lost by it: the element, nothing where it was read all the same, the resource where
    /// it was refused.
    pub lost: Lost,
}

impl Remark {
    /// The resource is not read.
    pub(crate) fn refusal(path: impl Into<String>, reason: impl Into<Reason>) -> Self {
        Self { path: path.into(), reason: reason.into(), lost: Lost::Resource }
    }
}

/// A key of a file as it may be shown: `?` where it is not like the name of an element, a plain
/// word that begins in lower case.
pub(crate) fn shown(key: &str) -> &str {
    let plain = key.len() <= 48
        && key.bytes().all(|b| b.is_ascii_alphanumeric())
        && key.starts_with(char::is_lowercase);
    if plain { key } else { "?" }
}

/// How one resource is read, and the remarks made.
pub(crate) struct Log {
    remarks: RefCell<Vec<Remark>>,
    zones: Zones,
    zoneless: Cell<bool>,
}

impl Default for Log {
    /// Days of UTC.
    fn default() -> Self {
        Self::new(Zones::UTC)
    }
}

impl Log {
    /// Civil dates are of these zones.
    pub(crate) const fn new(zones: Zones) -> Self {
        Self { remarks: RefCell::new(Vec::new()), zones, zoneless: Cell::new(false) }
    }

    /// Whether a date without a zone was read.
    pub(crate) const fn zoneless(&self) -> bool {
        self.zoneless.get()
    }

    pub(crate) fn into_remarks(self) -> Vec<Remark> {
        self.remarks.into_inner()
    }
}

#[derive(Clone, Copy)]
enum Step {
    Key(&'static str),
    Index(usize),
    Item(&'static str, usize),
}

/// A value and its path.
#[derive(Clone, Copy)]
pub(crate) struct Node<'n, 'a> {
    value: &'n Json<'a>,
    up: Option<&'n Node<'n, 'a>>,
    step: Step,
    log: &'n Log,
}

impl<'n, 'a> Node<'n, 'a> {
    /// The resource itself; its path is the type's name.
    pub(crate) const fn root(value: &'n Json<'a>, name: &'static str, log: &'n Log) -> Self {
        Self { value, up: None, step: Step::Key(name), log }
    }

    pub(crate) const fn value(&self) -> &'n Json<'a> {
        self.value
    }

    /// `Observation.component[1].valueQuantity`.
    pub(crate) fn path(&self) -> String {
        let mut out = self.up.map(Node::path).unwrap_or_default();
        match self.step {
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => out.push_str(&format!(".{key}")),
            Step::Index(i) => out.push_str(&format!("[{i}]")),
            Step::Item(key, i) => out.push_str(&format!(".{key}[{i}]")),
        }
        out
    }

    /// The element is read as absent.
    pub(crate) fn remark(&self, reason: impl Into<Reason>) {
        self.push(reason, Lost::Element);
    }

    /// The element is read, or there is nothing to read in it.
    pub(crate) fn mention(&self, reason: impl Into<Reason>) {
        self.push(reason, Lost::Nothing);
    }

    fn push(&self, reason: impl Into<Reason>, lost: Lost) {
        self.note(|| Remark { path: self.path(), reason: reason.into(), lost });
    }

    /// Of more remarks than are kept, one says that there were more.
    pub(crate) fn note(&self, remark: impl FnOnce() -> Remark) {
        let mut remarks = self.log.remarks.borrow_mut();
        match remarks.len() {
            n if n + 1 < MAX_REMARKS => remarks.push(remark()),
            n if n < MAX_REMARKS => {
                let path = remark().path;
                let path = path.split('.').next().unwrap_or_default().to_owned();
                remarks.push(Remark { path, reason: Reason::MoreRemarks, lost: Lost::Element });
            }
            _ => {}
        }
    }

    /// What makes the resource unreadable.
    pub(crate) fn refusal(&self, reason: impl Into<Reason>) -> Remark {
        Remark::refusal(self.path(), reason)
    }

    /// A remark on a member whose name is the file's: shown only where it is like that of an
    /// element.
    pub(crate) fn note_member(&self, key: &str, reason: impl Into<Reason>, lost: Lost) {
        let path = || format!("{}.{}", self.path(), shown(key));
        self.note(|| Remark { path: path(), reason: reason.into(), lost });
    }

    fn wrong_type(&self, expected: &'static str) {
        self.remark(Reason::WrongType { expected, got: self.value.kind() });
    }

    /// The member with this key; absent where there is none or it is null.
    pub(crate) fn get<'s>(&'s self, key: &'static str) -> Option<Node<'s, 'a>> {
        let Json::Object(object) = self.value else {
            self.wrong_type("an object");
            return None;
        };
        let value = object.get(key).filter(|v| !matches!(v, Json::Null))?;
        Some(Node { value, up: Some(self), step: Step::Key(key), log: self.log })
    }

    /// A member that is not there, for its path.
    pub(crate) const fn absent<'s>(&'s self, key: &'static str) -> Node<'s, 'a> {
        Node { value: &Json::Null, up: Some(self), step: Step::Key(key), log: self.log }
    }

    /// The element `i` of the member `key`.
    pub(crate) const fn item<'s>(&'s self, key: &'static str, i: usize, value: &'s Json<'a>) -> Node<'s, 'a> {
        Node { value, up: Some(self), step: Step::Item(key, i), log: self.log }
    }

    /// The elements, if this is an array.
    pub(crate) fn elements<'s>(&'s self) -> impl Iterator<Item = Node<'s, 'a>> {
        let items = match self.value {
            Json::Array(items) => items.as_slice(),
            _ => {
                self.wrong_type("an array");
                &[]
            }
        };
        let at = |(i, value)| Node { value, up: Some(self), step: Step::Index(i), log: self.log };
        items.iter().enumerate().map(at).filter(|node| !matches!(node.value, Json::Null))
    }

    /// The text, bounded in length.
    pub(crate) fn text(&self) -> Option<&'n str> {
        match self.value {
            Json::String(s) if s.len() <= MAX_TEXT => Some(s),
            Json::String(_) => {
                self.remark(Reason::TooLong { limit: MAX_TEXT });
                None
            }
            _ => {
                self.wrong_type("a string");
                None
            }
        }
    }

    /// The text of a member.
    pub(crate) fn text_at(&self, key: &'static str) -> Option<String> {
        self.get(key)?.text().map(str::to_owned)
    }

    /// The boolean of a member.
    pub(crate) fn flag_at(&self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            Json::Bool(b) => Some(*b),
            _ => {
                node.wrong_type("a boolean");
                None
            }
        }
    }

    /// The text of a number.
    pub(crate) fn number(&self) -> Option<&'a str> {
        match self.value {
            Json::Number(text) => Some(text),
            _ => {
                self.wrong_type("a number");
                None
            }
        }
    }

    /// A date.
    pub(crate) fn date(&self) -> Option<PartialDate> {
        let date = PartialDate::parse(self.text()?).map_err(|e| self.remark(e)).ok()?;
        if matches!(date, PartialDate::Civil { .. }) {
            self.log.zoneless.set(true);
        }
        Some(date)
    }

    /// The zones in which dates without a zone may have been meant.
    pub(crate) const fn zones(&self) -> Zones {
        self.log.zones
    }

    /// A FHIR Period, as long as it can have been over all zones; absent ends are open.
    pub(crate) fn period(&self) -> Option<Period> {
        self.ends(PartialDate::earliest_start, PartialDate::latest_end)
    }

    /// A FHIR Period, as short as it can have been over all zones: for what is valid during it.
    pub(crate) fn certain_period(&self) -> Option<Period> {
        self.ends(PartialDate::latest_start, PartialDate::earliest_end)
    }

    fn ends(
        &self,
        first: impl Fn(&PartialDate, Zones) -> Timestamp,
        last: impl Fn(&PartialDate, Zones) -> Timestamp,
    ) -> Option<Period> {
        let end = |key| match self.get(key) {
            None => Some(None),
            Some(node) => node.date().map(Some),
        };
        // A bad end makes the whole period unknown: an open end instead would say more than the
        // file does.
        let (start, end) = (end("start")?, end("end")?);
        let from = start.map_or(Timestamp::MIN, |d| first(&d, self.log.zones));
        let until = end.map_or(Timestamp::MAX, |d| last(&d, self.log.zones));
        let period = Period::new(from, until);
        if period.is_none() {
            self.remark(DateError::Reversed);
        }
        period
    }

    /// The first coding of a CodeableConcept that has a code, one with a system before one without.
    pub(crate) fn concept(&self) -> Option<Coding> {
        let codings = self.get("coding")?;
        let mut bare = None;
        for coding in codings.elements() {
            match coding.coding() {
                Some(c) if c.system.is_empty() => bare = bare.or(Some(c)),
                Some(c) => return Some(c),
                None => {}
            }
        }
        bare
    }

    /// A Coding.
    pub(crate) fn coding(&self) -> Option<Coding> {
        let code = self.text_at("code")?;
        Some(Coding { system: self.text_at("system").unwrap_or_default(), code })
    }

    /// The first element of a member that is an array.
    pub(crate) fn first<T>(&self, key: &'static str, read: impl Fn(&Node<'_, 'a>) -> Option<T>) -> Option<T> {
        self.get(key)?.elements().find_map(|node| read(&node))
    }

    /// A Reference as given; `system|value` where it has only an identifier.
    pub(crate) fn reference(&self) -> Option<String> {
        self.text_at("reference").or_else(|| self.get("identifier")?.identifier())
    }

    /// An Identifier as `system|value`.
    pub(crate) fn identifier(&self) -> Option<String> {
        let value = self.text_at("value")?;
        Some(format!("{}|{value}", self.text_at("system").unwrap_or_default()))
    }

    /// All of a member that is an array.
    pub(crate) fn all<T>(&self, key: &'static str, read: impl Fn(&Node<'_, 'a>) -> Option<T>) -> Vec<T> {
        self.get(key).map(|list| list.elements().filter_map(|node| read(&node)).collect()).unwrap_or_default()
    }
}
