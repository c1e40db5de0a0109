//! A place in a resource: the value, and the way to it for error texts.
//!
//! Typed reading goes through [`Node`]: what has another JSON type than FHIR says, or an impossible content, is remarked
//! with its path and read as absent. Paths are built only when something is remarked.

use std::cell::RefCell;

use super::date::{DateError, PartialDate};
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
    /// What was lost by it: the element, nothing where it was read all the same, the resource where it was refused.
    pub lost: Lost,
}

impl Remark {
    /// The resource is not read.
    pub(crate) fn refusal(path: impl Into<String>, reason: impl Into<Reason>) -> Self {
        Self { path: path.into(), reason: reason.into(), lost: Lost::Resource }
    }
}

/// Remarks made while one resource is read.
#[derive(Default)]
pub(crate) struct Log(RefCell<Vec<Remark>>);

impl Log {
    pub(crate) fn into_remarks(self) -> Vec<Remark> {
        self.0.into_inner()
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
        self.note(reason, Lost::Element);
    }

    /// The element is read, or there is nothing to read in it.
    pub(crate) fn mention(&self, reason: impl Into<Reason>) {
        self.note(reason, Lost::Nothing);
    }

    fn note(&self, reason: impl Into<Reason>, lost: Lost) {
        let mut remarks = self.log.0.borrow_mut();
        if remarks.len() < MAX_REMARKS {
            remarks.push(Remark { path: self.path(), reason: reason.into(), lost });
        }
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

    /// The element `i` of the member `key`.
    pub(crate) const fn item<'s>(&'s self, key: &'static str, i: usize, value: &'s Json<'a>) -> Node<'s, 'a> {
        Node { value, up: Some(self), step: Step::Item(key, i), log: self.log }
    }

    /// The elements, where this is an array.
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
        PartialDate::parse(self.text()?).map_err(|e| self.remark(e)).ok()
    }

    /// A FHIR Period; absent ends are open.
    pub(crate) fn period(&self) -> Option<Period> {
        let end = |key| match self.get(key) {
            None => Some(None),
            Some(node) => node.date().map(Some),
        };
        // A bad end makes the whole period unknown: an open end instead would say more than the file does.
        let (start, end) = (end("start")?, end("end")?);
        let from = start.map_or(Timestamp::MIN, |d| d.start());
        let until = end.map_or(Timestamp::MAX, |d| d.end());
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

    /// The Reference of a member.
    pub(crate) fn reference_at(&self, key: &'static str) -> Option<String> {
        self.get(key)?.reference()
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
