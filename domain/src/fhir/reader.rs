//! A stream of resources from one file: a Bundle, a single resource, or newline-delimited JSON
//! (bulk export).
//!
//! Memory holds one entry or line, of at most [`Limits::resource_bytes`], whatever the file's size
//! or number of entries. One exception: a Bundle whose `entry` comes before its `resourceType`
//! cannot be told from another resource in time; it is held whole, so it must fit the limit (R4
//! writers put `resourceType` first).
//!
//! A bad entry or line is reported and the next one read. Where JSON's own structure breaks
//! (brackets, quotes, the end of the file inside a Bundle) the rest of the file is lost, and the
//! problem says so.

use std::collections::{BTreeMap, VecDeque};
use std::io::BufRead;
use std::sync::Arc;

use super::bundle::{BundleKind, Head, Stored};
use super::category::{Floor, composition_floors};
use super::date::{PartialDate, Zones};
use super::facts::{Context, Version};
use super::frame::{Frames, Taken};
use super::identity::{Name, Source, Stands};
use super::json::{Json, JsonErrorKind, MAX_VALUES};
use super::problem::{Lost, Place, Problem, Reason};
use super::resource::{Resource, Within};
use super::types;
use super::types::is_id;
use crate::time::Timestamp;

/// Most members of a Bundle beside its entries.
const MAX_BUNDLE_MEMBERS: usize = 64;
/// Longest key of one.
const MAX_BUNDLE_KEY: usize = 64;

/// Limits on what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest resource, entry or line, in bytes.
    pub resource_bytes: usize,
    /// Most JSON values in one of them.
    pub resource_values: usize,
}

impl Default for Limits {
    /// 64 MiB and two million values.
    fn default() -> Self {
        Self { resource_bytes: 64 << 20, resource_values: MAX_VALUES }
    }
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Newline-delimited where a second document follows a first one that fills one line, else one
    /// document.
    #[default]
    Auto,
    /// One document: a Bundle or a resource.
    Document,
    /// One resource (or Bundle) a line. Say so where it is known (`.ndjson`): only then does a
    /// broken first line cost no more than itself.
    Lines,
}

/// What a file gave.
pub enum Item {
    /// A resource, where it stood.
    Resource(Place, Box<Resource>),
    /// What is said to be deleted, where.
    Deletion(Place, Deletion),
    /// A resource that is not read, after the problem that says why: an older version of it is not
    /// the newest.
    Unread(Place, Unread),
    /// A problem; reading goes on unless it says otherwise.
    Problem(Problem),
}

/// What is known of a resource that is not read.
#[derive(Clone)]
pub struct Unread {
    /// `fullUrl` of its entry.
    pub full_url: Option<String>,
    /// `Type/id`.
    pub reference: Option<String>,
    /// Which version it is.
    pub version: Version,
    /// The Bundle.
    pub within: Option<Within>,
}

/// A resource that its server deleted, or is asked to.
#[derive(Clone)]
pub struct Deletion {
    /// `fullUrl` of the entry.
    pub full_url: Option<String>,
    /// `request.url`: `Type/id`.
    pub url: Option<String>,
    /// When, if said.
    pub at: Option<Timestamp>,
    /// The Bundle.
    pub within: Within,
}

/// Reads one file; an iterator of [`Item`].
///
/// ```
/// use amanat_domain::fhir::{Item, Layout, Limits, Reader};
/// let lines = "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",\"id\":\n";
/// let items: Vec<_> = Reader::new(lines.as_bytes(), "export.ndjson", Layout::Lines, Limits::default()).collect();
/// assert!(matches!(items[0], Item::Resource(..)));
/// assert!(matches!(&items[1], Item::Problem(p) if p.place.line == Some(2)));
/// ```
pub struct Reader<R> {
    frames: Frames<R>,
    label: String,
    layout: Layout,
    limits: Limits,
    zones: Zones,
    /// What the outermost Bundle says of itself, if it was scanned before.
    scanned: Option<Head>,
    /// The Bundles whose entries are being read, the outermost first, and how many began in this
    /// file.
    open: Vec<Open>,
    bundles: u64,
    state: State,
    document: Document,
    buffer: Vec<u8>,
    ready: VecDeque<Item>,
}

/// A Bundle whose entries are being read.
struct Open {
    head: Arc<Head>,
    number: u64,
    entries: u64,
    /// Labels of the Bundles around it, and those that its Composition gives to what comes after
    /// it.
    composed: Floor,
    /// Labels that the Composition gives to what its sections name.
    sections: BTreeMap<Name, Floor>,
}

impl Open {
    fn floor(&self) -> Floor {
        self.composed.union(self.head.floor)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// Inside a Bundle's `entry`, before the entry with this number.
    Entries(u64),
    /// After the entries: the Bundle's other members.
    Trailer,
    /// After the document.
    After,
    Lines,
    Done,
}

/// The outermost object while its members are read.
#[derive(Default)]
struct Document {
    first_line: u64,
    last_line: u64,
    is_bundle: bool,
    too_large: bool,
    /// Keys of a Bundle up to and with `entry`, once its entries are being read; empty before.
    keys: Vec<String>,
}

impl<R: BufRead> Reader<R> {
    /// Reads `input`. The label is echoed in problems and used for nothing else.
    pub fn new(input: R, label: impl Into<String>, layout: Layout, limits: Limits) -> Self {
        Self {
            frames: Frames::new(input, limits.resource_bytes),
            label: label.into(),
            layout,
            limits,
            zones: Zones::UTC,
            scanned: None,
            open: Vec::new(),
            bundles: 0,
            state: State::Start,
            document: Document::default(),
            buffer: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Dates without a zone are of these; of UTC without this.
    #[must_use]
    pub fn with_zones(mut self, zones: Zones) -> Self {
        self.zones = zones;
        self
    }

    /// What [`Head::scan`] found. Without it a Bundle's type and labels hold from where they stand:
    /// entries before them are read without, and a problem says so.
    #[must_use]
    pub fn with_head(mut self, head: Option<Head>) -> Self {
        self.scanned = head;
        self
    }

    fn step(&mut self) {
        let place = match self.state {
            State::Entries(n) => Place { line: None, entry: Some(n) },
            State::Lines => Place { line: Some(self.frames.line()), entry: None },
            _ => Place::default(),
        };
        let done = match self.state {
            State::Start => self.start(),
            State::Entries(n) => self.entry(n, place),
            State::Trailer => self.members(),
            State::After => self.after(),
            State::Lines => self.line(place),
            State::Done => Ok(()),
        };
        if let Err(reason) = done {
            // The structure is broken, or nothing more comes: what follows cannot be trusted.
            self.problem(place, "", reason, Lost::RestOfFile);
            self.state = State::Done;
        }
    }

    fn problem(&mut self, place: Place, path: impl Into<String>, reason: Reason, lost: Lost) {
        let problem = Problem { file: self.label.clone(), place, path: path.into(), reason, lost };
        self.ready.push_back(Item::Problem(problem));
    }

    fn start(&mut self) -> Result<(), Reason> {
        self.byte_order_mark()?;
        let got = match self.frames.next_token()? {
            None => return Err(Reason::Empty),
            Some(_) if self.layout == Layout::Lines => {
                self.state = State::Lines;
                return Ok(());
            }
            Some(b'{') => {
                self.document.first_line = self.frames.line();
                self.frames.skip();
                self.buffer.push(b'{');
                return self.members();
            }
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b'<') => "what looks like XML",
            Some(_) => "something else",
        };
        Err(Reason::NotAnObject { got })
    }

    fn byte_order_mark(&mut self) -> Result<(), Reason> {
        match self.frames.peek()? {
            Some(0xef) => {
                for expected in [0xef, 0xbb, 0xbf] {
                    if self.frames.peek()? != Some(expected) {
                        return Err(JsonErrorKind::NotUtf8.into());
                    }
                    self.frames.skip();
                }
                self.problem(Place::default(), "", Reason::ByteOrderMark, Lost::Nothing);
                Ok(())
            }
            Some(0xfe | 0xff | 0) => Err(Reason::Utf16),
            _ => Ok(()),
        }
    }

    /// Members of the outermost object into the buffer, which holds `{` and what came before; at a
    /// Bundle's entries they are left to [`Self::entry`].
    fn members(&mut self) -> Result<(), Reason> {
        if self.frames.next_token()? == Some(b'}') {
            self.frames.skip();
            self.buffer.push(b'}');
            return self.end_of_document();
        }
        loop {
            let key_at = self.buffer.len();
            match self.frames.next_token()? {
                Some(b'"') => {}
                Some(_) => return Err(JsonErrorKind::Syntax("expected a key in an object").into()),
                None => return Err(JsonErrorKind::Truncated.into()),
            }
            self.take()?;
            let is = |key: &[u8]| self.buffer.get(key_at..) == Some(key);
            let (is_entry, is_type) = (is(b"\"entry\""), is(b"\"resourceType\""));
            self.frames.expect(b':', "expected : after a key")?;
            let in_header = self.document.is_bundle && self.document.keys.is_empty();
            if is_entry && in_header && self.frames.next_token()? == Some(b'[') {
                self.frames.skip();
                return self.begin_entries(key_at);
            }
            self.buffer.push(b':');
            let value_at = self.buffer.len();
            self.take()?;
            if is_type && self.buffer.get(value_at..) == Some(b"\"Bundle\"") {
                self.document.is_bundle = true;
            }
            let mark = self.frames.next_token()?;
            match mark {
                Some(b',') => self.buffer.push(b','),
                Some(b'}') => self.buffer.push(b'}'),
                Some(_) => return Err(JsonErrorKind::Syntax("expected , or } in an object").into()),
                None => return Err(JsonErrorKind::Truncated.into()),
            }
            self.frames.skip();
            if self.document.too_large {
                self.buffer.clear();
            }
            if mark == Some(b'}') {
                return self.end_of_document();
            }
        }
    }

    fn take(&mut self) -> Result<(), Reason> {
        self.document.too_large |= self.frames.value(&mut self.buffer)? == Taken::TooLarge;
        Ok(())
    }

    /// What stood before the entries must be sound, or the entries are not read.
    fn begin_entries(&mut self, key_at: usize) -> Result<(), Reason> {
        if self.document.too_large {
            return Err(Reason::TooLarge { limit: self.limits.resource_bytes });
        }
        self.buffer.truncate(key_at);
        if self.buffer.last() == Some(&b',') {
            self.buffer.pop();
        }
        self.buffer.push(b'}');
        let head = self.note_keys()?;
        self.note_key("entry")?;
        let head = self.scanned.take().unwrap_or(head);
        self.begin_bundle(head);
        self.state = State::Entries(0);
        Ok(())
    }

    /// Reads the Bundle's own members in the buffer, and remembers their keys.
    fn note_keys(&mut self) -> Result<Head, Reason> {
        let buffer = core::mem::take(&mut self.buffer);
        let json = Json::parse_limited(&buffer, self.limits.resource_values).map_err(|e| e.kind)?;
        for (key, _) in json.as_object().into_iter().flat_map(|o| o.iter()) {
            self.note_key(key)?;
        }
        let head = Head::of(&json);
        drop(json);
        self.buffer = buffer;
        Ok(head)
    }

    fn note_key(&mut self, key: &str) -> Result<(), Reason> {
        if self.document.keys.iter().any(|k| k == key) {
            return Err(JsonErrorKind::DuplicateKey.into());
        }
        if self.document.keys.len() >= MAX_BUNDLE_MEMBERS || key.len() > MAX_BUNDLE_KEY {
            return Err(JsonErrorKind::Syntax("a Bundle has no such members").into());
        }
        self.document.keys.push(key.to_owned());
        Ok(())
    }

    fn entry(&mut self, n: u64, place: Place) -> Result<(), Reason> {
        self.buffer.clear();
        let empty = n == 0 && self.frames.next_token()? == Some(b']');
        if !empty {
            match self.frames.value(&mut self.buffer)? {
                Taken::TooLarge => {
                    let limit = self.limits.resource_bytes;
                    self.problem(place, "", Reason::TooLarge { limit }, Lost::Resource);
                }
                Taken::Whole => self.parsed(place, Self::bundle_entry),
            }
        }
        match self.frames.next_token()? {
            Some(b',') => self.state = State::Entries(n + 1),
            Some(b']') => self.state = State::Trailer,
            Some(_) => return Err(JsonErrorKind::Syntax("expected , or ] in an array").into()),
            None => return Err(JsonErrorKind::Truncated.into()),
        }
        self.frames.skip();
        if self.state == State::Trailer {
            self.buffer.clear();
            self.buffer.push(b'{');
            match self.frames.next_token()? {
                Some(b',') => {
                    self.frames.skip();
                    if self.frames.next_token()? == Some(b'}') {
                        return Err(JsonErrorKind::Syntax("expected a key in an object").into());
                    }
                }
                Some(b'}') => {}
                Some(_) => return Err(JsonErrorKind::Syntax("expected , or } in an object").into()),
                None => return Err(JsonErrorKind::Truncated.into()),
            }
        }
        Ok(())
    }

    fn end_of_document(&mut self) -> Result<(), Reason> {
        self.state = State::After;
        self.document.last_line = self.frames.line();
        if !self.document.keys.is_empty() {
            // The entries were read and given out; a key twice among the members is told, but
            // cannot call them back.
            if self.document.too_large {
                return Err(Reason::TooLarge { limit: self.limits.resource_bytes });
            }
            let late = self.note_keys()?;
            self.end_bundle(late);
            return Ok(());
        }
        let place = Place::default();
        if self.document.too_large {
            let limit = self.limits.resource_bytes;
            self.problem(place, "", Reason::TooLarge { limit }, Lost::Resource);
        } else {
            self.parsed(place, Self::top);
        }
        Ok(())
    }

    fn after(&mut self) -> Result<(), Reason> {
        if self.frames.next_token()?.is_none() {
            self.state = State::Done;
            return Ok(());
        }
        let document = &self.document;
        let one_line = document.first_line == document.last_line && self.frames.line() > document.last_line;
        if self.layout == Layout::Auto && one_line {
            self.state = State::Lines;
            Ok(())
        } else {
            Err(Reason::TrailingText)
        }
    }

    fn line(&mut self, place: Place) -> Result<(), Reason> {
        match self.frames.line_into(&mut self.buffer)? {
            None => self.state = State::Done,
            Some(Taken::TooLarge) => {
                let limit = self.limits.resource_bytes;
                self.problem(place, "", Reason::TooLarge { limit }, Lost::Resource);
            }
            Some(Taken::Whole) if self.buffer.trim_ascii().is_empty() => {}
            Some(Taken::Whole) => self.parsed(place, Self::top),
        }
        Ok(())
    }

    /// Reads the buffer strictly and hands the value on.
    fn parsed(&mut self, place: Place, then: impl Fn(&mut Self, &Json<'_>, Place)) {
        let buffer = core::mem::take(&mut self.buffer);
        match Json::parse_limited(&buffer, self.limits.resource_values) {
            Ok(json) => then(self, &json, place),
            Err(e) => self.problem(place, e.path.unwrap_or_default(), e.kind.into(), Lost::Resource),
        }
        self.buffer = buffer;
    }

    /// A whole document or line: a Bundle held in memory, or a resource.
    fn top(&mut self, json: &Json<'_>, place: Place) {
        if json.get("resourceType").and_then(Json::as_str) != Some("Bundle") {
            return self.resource(json, None, Stored::Unsaid, place);
        }
        self.nested(json, place);
    }

    /// A Bundle held in memory.
    fn nested(&mut self, json: &Json<'_>, place: Place) {
        self.begin_bundle(Head::of(json));
        match json.get("entry") {
            None => {}
            Some(Json::Array(entries)) => {
                for (n, entry) in (0..).zip(entries) {
                    self.bundle_entry(entry, Place { entry: place.entry.or(Some(n)), ..place });
                }
            }
            Some(other) => {
                let reason = Reason::WrongType { expected: "an array", got: other.kind() };
                self.problem(place, "Bundle.entry", reason, Lost::Resource);
            }
        }
        self.end_bundle(Head::default());
    }

    fn begin_bundle(&mut self, head: Head) {
        let floor = self.open.last().map_or(Floor::NONE, |outer| outer.floor());
        let number = self.bundles;
        self.bundles += 1;
        let sections = BTreeMap::new();
        self.open.push(Open { head: Arc::new(head), number, entries: 0, composed: floor, sections });
    }

    /// `late`: what was said after the entries, where they were read before it was known.
    fn end_bundle(&mut self, late: Head) {
        let Some(Open { head, entries, .. }) = self.open.pop() else { return };
        let place = Place::default();
        let known = |f: fn(&Head) -> bool| f(&head) || !f(&late);
        let all_known = known(|h| h.kind != BundleKind::Other)
            && known(|h| h.floor != Floor::NONE)
            && known(|h| h.identity.is_some());
        if !all_known {
            self.problem(place, "Bundle", Reason::LateHead, Lost::Element);
        }
        if head.next || late.next {
            let total = head.total.or(late.total);
            self.problem(place, "Bundle.link", Reason::NextPage { entries, total }, Lost::Nothing);
        }
    }

    fn bundle_entry(&mut self, entry: &Json<'_>, place: Place) {
        let Some(object) = entry.as_object() else {
            let reason = Reason::WrongType { expected: "an object", got: entry.kind() };
            return self.problem(place, "", reason, Lost::Resource);
        };
        let full_url = match object.get("fullUrl") {
            None => None,
            Some(Json::String(url)) => Some(url.as_ref()),
            Some(other) => {
                let reason = Reason::WrongType { expected: "a string", got: other.kind() };
                self.problem(place, "fullUrl", reason, Lost::Element);
                None
            }
        };
        if let Some(open) = self.open.last_mut() {
            open.entries += 1;
        }
        let request = object.get("request");
        let url = request.and_then(|r| r.get("url")).and_then(Json::as_str).unwrap_or_default();
        let stored = match request.and_then(|r| r.get("method")).and_then(Json::as_str) {
            None => Stored::Unsaid,
            Some("POST") => Stored::Post,
            // Which resource a search finds, and so under which id this is stored, the server
            // decides.
            Some("PUT") if url.contains('?') => Stored::Post,
            Some("PUT") => Stored::Put,
            Some("DELETE") => return self.deletion(entry, full_url, place),
            Some(_) => return self.problem(place, "request.method", Reason::NotAStore, Lost::Resource),
        };
        match object.get("resource") {
            Some(resource) => {
                match resource.get("resourceType").and_then(Json::as_str) {
                    // The answer of a batch, a document among others: its entries keep the place of
                    // the outermost.
                    Some("Bundle") => return self.nested(resource, place),
                    Some("Composition") => self.composition(resource, full_url, place),
                    _ => {}
                }
                self.resource(resource, full_url, stored, place);
            }
            None => self.problem(place, "", Reason::NoResource, Lost::Nothing),
        }
    }

    fn unread(&mut self, json: &Json<'_>, full_url: Option<&str>, stored: Stored, place: Place) {
        let text = |json: Option<&Json<'_>>| json.and_then(Json::as_str).map(str::to_owned);
        let Some(name) = text(json.get("resourceType")).filter(|name| types::supported(name).is_some())
        else {
            return;
        };
        let id = text(json.get("id")).filter(|id| is_id(id));
        let meta = |key| json.get("meta").and_then(|meta| meta.get(key));
        let updated = meta("lastUpdated").and_then(Json::as_str);
        let unread = Unread {
            full_url: full_url.map(str::to_owned),
            reference: id.map(|id| format!("{name}/{id}")),
            version: Version::said(text(meta("versionId")), updated),
            within: self.within(stored),
        };
        self.ready.push_back(Item::Unread(place, unread));
    }

    /// An entry that says, or asks, that a resource be deleted.
    fn deletion(&mut self, entry: &Json<'_>, full_url: Option<&str>, place: Place) {
        let text = |json: Option<&Json<'_>>| json.and_then(Json::as_str).map(str::to_owned);
        let modified = text(entry.get("response").and_then(|r| r.get("lastModified")));
        let Some(within) = self.within(Stored::Put) else { return };
        self.ready.push_back(Item::Deletion(
            place,
            Deletion {
                full_url: full_url.map(str::to_owned),
                url: text(entry.get("request").and_then(|r| r.get("url"))),
                at: modified.and_then(|t| PartialDate::parse(&t).ok()).map(|date| date.start()),
                within,
            },
        ));
    }

    /// The Composition comes first in a document; what stood before it was read without its labels.
    fn composition(&mut self, composition: &Json<'_>, full_url: Option<&str>, place: Place) {
        let floors = composition_floors(composition);
        let labelled = floors.document != Floor::NONE || !floors.entries.is_empty();
        if labelled && place.entry.is_some_and(|n| n > 0) {
            self.problem(place, "Composition", Reason::LateHead, Lost::Element);
        }
        let source = Source::folder("");
        let stands = self.stands(&source, full_url, Stored::Unsaid);
        let named: Vec<(Name, Floor)> = floors
            .entries
            .iter()
            .flat_map(|(reference, floor)| {
                stands.candidates(reference).into_iter().map(|name| (name, *floor))
            })
            .collect();
        let Some(open) = self.open.last_mut() else { return };
        open.composed = open.composed.union(floors.document);
        for (name, floor) in named {
            let slot = open.sections.entry(name).or_insert(Floor::NONE);
            *slot = slot.union(floor);
        }
    }

    /// The place of an entry in its Bundle, whatever the source.
    fn stands<'a>(&'a self, source: &'a Source, full_url: Option<&'a str>, stored: Stored) -> Stands<'a> {
        Stands { source, bundle: self.open.last().map(|open| (open.head.kind, "")), full_url, stored }
    }

    /// Labels that the Composition gives a resource.
    fn composed(&self, resource: &Resource, full_url: Option<&str>, stored: Stored) -> Floor {
        let Some(open) = self.open.last() else { return Floor::NONE };
        if open.sections.is_empty() {
            return open.composed;
        }
        let source = Source::folder("");
        let names = self.stands(&source, full_url, stored).name(resource);
        let named = names.into_iter().flat_map(|(name, alias)| [Some(name), alias]).flatten();
        named.filter_map(|name| open.sections.get(&name)).fold(open.composed, |floor, own| floor.union(*own))
    }

    fn within(&self, stored: Stored) -> Option<Within> {
        let depth = self.open.len().checked_sub(1)?;
        let open = &self.open[depth];
        // A `Json` is at most `json::MAX_DEPTH` deep.
        let depth = u32::try_from(depth).unwrap_or(u32::MAX);
        Some(Within { bundle: open.number, depth, head: Arc::clone(&open.head), stored })
    }

    fn resource(&mut self, json: &Json<'_>, full_url: Option<&str>, stored: Stored, place: Place) {
        let floor = self.open.last().map_or(Floor::NONE, Open::floor);
        let context = Context { full_url, floor, zones: self.zones };
        match Resource::from_json(json, &context) {
            Err(remark) => {
                self.problem(place, remark.path, remark.reason, remark.lost);
                self.unread(json, full_url, stored, place);
            }
            Ok((resource, remarks)) => {
                let within = self.within(stored);
                let floor = self.composed(&resource, full_url, stored);
                let resource = resource.at_least(floor);
                self.ready.push_back(Item::Resource(place, Box::new(Resource { within, ..resource })));
                for remark in remarks {
                    self.problem(place, remark.path, remark.reason, remark.lost);
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.state == State::Done {
                return None;
            }
            self.step();
        }
    }
}
