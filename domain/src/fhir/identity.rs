//! The identity of a resource: its [`Name`], by the rules of FHIR, and the target of a reference in
//! it.
//!
//! A resource's identity is its URL ([R4, Resource
//! Identity](http://hl7.org/fhir/R4/resource.html#id)), and an `id` is a name within one server
//! only: `Patient/1` of two servers are two people. So a name says where it is a name:
//!
//! | the resource has | its name is | a relative reference in it (`Patient/1`) means |
//! |---|---|---|
//! | a `fullUrl` like `https://h/fhir/Observation/7` | that URL | `https://h/fhir/Patient/1` ([R4, Bundle references](http://hl7.org/fhir/R4/bundle.html#references)) |
//! | a `fullUrl` that is a `urn:uuid:` or `urn:oid:` | that URN, in its [`Source`] | what has that id in the same Bundle, else as with an id alone |
//! | another `fullUrl` (`Patient/A10`, `resource:0`) | that text, in its Bundle | what has that id in the same Bundle |
//! | an `id`, and its Bundle keeps ids to itself | `Type/id`, in its Bundle | what has that id in the same Bundle |
//! | an `id`, in a file or a Bundle of a source | `Type/id`, in its source | what has that id in the same Bundle, else in the source |
//! | neither | a hash of its content, in its source or Bundle; of a Patient none | as with an id alone |
//!
//! A Bundle's ids are local if it is a document or a message, if its entry is to be created
//! (`POST`: the server assigns an id), and if no source is named: the owner of the ids is then
//! unknown.
//!
//! `http` and `https` make no difference, nor do the case of the host, a default port, a version
//! (`/_history/2`) and the case of a UUID. Nothing else is equal that is not the same text.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};

use super::bundle::{BundleKind, Stored};
use super::resource::Resource;
use super::types;
use super::types::is_id;
use crate::record::ResourceType;

/// Longest name of a source.
const MAX_SOURCE: usize = 1024;
/// Longest text that becomes a name.
const MAX_NAME: usize = 4096;

/// Where ids without a base belong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    text: String,
    named: bool,
}

/// Why a text names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing in it, or too much.
    #[error("a source has a name of 1 to {MAX_SOURCE} bytes")]
    Length,
    /// A character that names do not have.
    #[error("a source's name has no white space, no control characters and no #")]
    Character,
    /// What names of folders begin with.
    #[error("a source's name does not begin with folder:")]
    Folder,
}

impl Source {
    /// A source that the operator named: a server's base URL, or a word. A base URL makes
    /// `Patient/1` the `Patient/1` of that server.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn named(text: &str) -> Result<Self, SourceError> {
        let text = text.trim_end_matches('/');
        if text.is_empty() || text.len() > MAX_SOURCE {
            return Err(SourceError::Length);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#') {
            return Err(SourceError::Character);
        }
        if text.starts_with(FOLDER) {
            return Err(SourceError::Folder);
        }
        Ok(Self { text: url(text).unwrap_or_else(|| text.to_owned()), named: true })
    }

    /// A source that nobody named: told from others by the folder in which its files lie.
    #[must_use]
    pub fn folder(path: &str) -> Self {
        Self { text: format!("{FOLDER}{}", escaped(path)), named: false }
    }

    /// Whether the operator named it.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.named
    }

    /// What it is called.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn keeps(&self, local: &str) -> Name {
        let slash = self.named && self.text.starts_with(SCHEME) && !local.starts_with("urn:");
        Name(format!("{}{}{}", self.text, if slash { '/' } else { '#' }, escaped(local)))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a resource is called, so that two resources have one name exactly if they are versions of
/// the same. It holds an id: no `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// A name as it was written by [`Name::as_str`].
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        ((1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control))
            .then(|| Self(text.to_owned()))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that is no place: `Patient/1`, `urn:uuid:..`.
    #[must_use]
    pub fn local(&self) -> &str {
        match self.0.rsplit_once('#') {
            Some((_, local)) => local,
            None => restful(&self.0).map_or(&self.0, |r| &self.0[r.base..]),
        }
    }

    /// Whether the name holds beyond the folder of a file: a server or a source that the operator
    /// named keeps it, and no server that many call so (`localhost`, an address of a private
    /// network).
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self.0.strip_prefix(SCHEME) {
            Some(rest) => !is_anybodys(rest.split(['/', '#']).next().unwrap_or_default()),
            None => !self.0.starts_with(FOLDER),
        }
    }

    /// Whether a person who writes this means the resource: the whole name, `Patient/1`, or `1`.
    /// Several resources may be meant.
    #[must_use]
    pub fn is_meant_by(&self, text: &str) -> bool {
        let (own, text) = (self.local(), text.trim());
        self.0 == text
            || own == text
            || own.rsplit_once('/').is_some_and(|(_, id)| id == text)
            || url(text).is_some_and(|u| self.0 == unversioned(&u))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of a resource.
#[derive(Clone, Copy)]
pub struct Stands<'a> {
    /// The source of its file.
    pub source: &'a Source,
    /// Its Bundle: kind, and a text that no other Bundle of the source has.
    pub bundle: Option<(BundleKind, &'a str)>,
    /// `fullUrl` of its entry.
    pub full_url: Option<&'a str>,
    /// What its entry asks a server to do.
    pub stored: Stored,
}

/// Why a resource has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nameless {
    /// No `id`, no `fullUrl`.
    Nothing,
    /// `fullUrl` and `id` name two resources.
    TwoIds,
    /// Too long a `fullUrl`.
    TooLong,
}

impl Stands<'_> {
    /// Whether ids in its Bundle are names there only.
    fn keeps_ids(&self) -> bool {
        match self.bundle {
            None => false,
            Some((BundleKind::Document | BundleKind::Message, _)) => true,
            Some((BundleKind::Transaction | BundleKind::Batch, _)) if self.stored != Stored::Put => true,
            Some(_) => !self.source.is_named(),
        }
    }

    fn in_bundle(&self, local: &str) -> Option<Name> {
        let (_, bundle) = self.bundle?;
        Some(Name(format!("{}#{}#{}", self.source.text, escaped(bundle), escaped(local))))
    }

    /// The resource's name, and the one it has besides within its Bundle.
    ///
    /// # Errors
    /// [`Nameless`].
    pub fn name(&self, resource: &Resource) -> Result<(Name, Option<Name>), Nameless> {
        let (name, alias) = self.unchecked_name(resource)?;
        // What is kept must be read again.
        let fits = |name: &Name| name.0.len() <= MAX_NAME;
        if fits(&name) { Ok((name, alias.filter(fits))) } else { Err(Nameless::TooLong) }
    }

    fn unchecked_name(&self, resource: &Resource) -> Result<(Name, Option<Name>), Nameless> {
        let relative = resource.reference();
        let alias = || relative.as_deref().and_then(|r| self.in_bundle(r));
        let Some(full_url) = self.full_url else {
            let Some(relative) = relative.as_deref() else {
                return self.by_content(resource).map(|name| (name, None));
            };
            return Ok(match self.in_bundle(relative).filter(|_| self.keeps_ids()) {
                Some(name) => (name, None),
                None => (self.source.keeps(relative), alias()),
            });
        };
        if full_url.len() > MAX_NAME / 2 {
            return Err(Nameless::TooLong);
        }
        if let Some(url) = url(full_url) {
            let Some(restful) = restful(&url) else { return Ok((Name(url), alias())) };
            let own = types::name(resource.resource_type);
            let same_id = resource.id.as_deref().is_none_or(|id| id == &url[restful.id..restful.end]);
            if !same_id || &url[restful.base..restful.id - 1] != own {
                return Err(Nameless::TwoIds);
            }
            return Ok((Name(url[..restful.end].to_owned()), None));
        }
        if let Some(urn) = urn(full_url) {
            return Ok((self.source.keeps(&urn), alias()));
        }
        match self.in_bundle(full_url) {
            Some(name) => {
                let other = alias().filter(|alias| *alias != name);
                Ok((name, other))
            }
            None => match relative.as_deref() {
                Some(relative) => Ok((self.source.keeps(relative), None)),
                None => self.by_content(resource).map(|name| (name, None)),
            },
        }
    }

    /// What has no id is what it says; but what a patient says of himself others may say of
    /// themselves.
    fn by_content(&self, resource: &Resource) -> Result<Name, Nameless> {
        if resource.resource_type == ResourceType::Patient {
            return Err(Nameless::Nothing);
        }
        let mut local = String::from("sha512:");
        resource.digest[..16].iter().for_each(|b| {
            let _ = fmt::Write::write_fmt(&mut local, format_args!("{b:02x}"));
        });
        // Two people may be said the same of, in two Bundles.
        Ok(self.in_bundle(&local).unwrap_or_else(|| self.source.keeps(&local)))
    }

    /// Targets that a literal reference in the resource may name; the first that exists is meant.
    /// Empty for a reference to a contained resource, and for a search (`Patient?identifier=..`).
    #[must_use]
    pub fn candidates(&self, reference: &str) -> Vec<Name> {
        let reference = reference.trim();
        if reference.is_empty()
            || reference.len() > MAX_NAME / 2
            || reference.starts_with('#')
            || reference.contains('?')
        {
            return Vec::new();
        }
        if let Some(url) = url(reference) {
            return vec![Name(match restful(&url) {
                Some(restful) => url[..restful.end].to_owned(),
                None => url,
            })];
        }
        if let Some(urn) = urn(reference) {
            return vec![self.source.keeps(&urn)];
        }
        let relative = unversioned(reference);
        if !is_relative(relative) {
            return self.in_bundle(reference).into_iter().collect();
        }
        if let Some(own) = self.full_url.and_then(url)
            && let Some(restful) = restful(&own)
        {
            return vec![Name(format!("{}{relative}", &own[..restful.base]))];
        }
        // What is not in a Bundle may be on the server that the operator named; a document holds
        // all it speaks of.
        let elsewhere = match self.bundle {
            Some((BundleKind::Document | BundleKind::Message, _)) => None,
            Some(_) if !self.source.is_named() => None,
            _ => Some(self.source.keeps(relative)),
        };
        self.in_bundle(relative).into_iter().chain(elsewhere).collect()
    }
}

/// The type that a literal reference names, if it says so: `Group` of `Group/1`.
#[must_use]
pub fn type_of_reference(reference: &str) -> Option<&'static str> {
    let plain = unversioned(reference.trim());
    let (rest, id) = plain.rsplit_once('/')?;
    let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name);
    if is_id(id) { types::known(name) } else { None }
}

const SCHEME: &str = "https://";
const FOLDER: &str = "folder:";

/// Whether a host, with or without a port, is what many machines are called.
fn is_anybodys(host: &str) -> bool {
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.');
    let of_v4 = |ip: Ipv4Addr| {
        let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
        ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified() || shared
    };
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => of_v4(ip),
        Ok(IpAddr::V6(ip)) => {
            let local = ip.is_unique_local() || ip.is_unicast_link_local();
            ip.is_loopback() || ip.is_unspecified() || local || ip.to_ipv4_mapped().is_some_and(of_v4)
        }
        // Names without a dot, numbers that are no address, and the names that private networks
        // give (RFC 6762, 6761, 8375).
        Err(_) => {
            let private = [".local", ".localhost", ".internal", ".lan", ".home.arpa"];
            let number = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            !name.contains('.') || number || private.iter().any(|end| name.ends_with(end))
        }
    }
}

/// Where base, id and end of a RESTful URL `base/Type/id` are; `base` ends with its slash.
struct Restful {
    base: usize,
    id: usize,
    end: usize,
}

/// Reads `base/Type/id` and `base/Type/id/_history/2`.
fn restful(url: &str) -> Option<Restful> {
    let plain = unversioned(url);
    let (rest, id) = plain.rsplit_once('/')?;
    let (base, name) = rest.rsplit_once('/')?;
    let is_type =
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphabetic());
    (is_type && is_id(id) && base.len() > SCHEME.len()).then_some(Restful {
        base: base.len() + 1,
        id: rest.len() + 1,
        end: plain.len(),
    })
}

/// Without `/_history/2`.
fn unversioned(reference: &str) -> &str {
    reference.split_once("/_history").map_or(reference, |(plain, _)| plain)
}

/// `Type/id`.
fn is_relative(reference: &str) -> bool {
    reference.split_once('/').is_some_and(|(name, id)| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphabetic())
            && is_id(id)
    })
}

/// An http or https URL in one spelling: `https`, a lower-case host, no default port, no slash at
/// the end.
fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://")?;
    let default_port = match scheme {
        s if s.eq_ignore_ascii_case("https") => ":443",
        s if s.eq_ignore_ascii_case("http") => ":80",
        _ => return None,
    };
    let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
    (!host.is_empty()).then(|| plain(&format!("{SCHEME}{host}{}", path.trim_end_matches('/'))))
}

/// An http URL as a name: without `#` and control characters, which a URL has only where it is
/// none.
fn plain(url: &str) -> String {
    url.chars().map(|c| if c == '#' || c.is_control() { '_' } else { c }).collect()
}

/// A `urn:uuid:` or `urn:oid:` in one spelling; none for what only looks like one: a made-up URN is
/// a name in its file at most.
fn urn(text: &str) -> Option<String> {
    let text = text.trim();
    let prefix = text.get(..9)?;
    if prefix.eq_ignore_ascii_case("urn:uuid:") {
        let uuid = text[9..].to_ascii_lowercase();
        let shape = uuid.len() == 36
            && uuid.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                // Version and variant (RFC 9562, section 4): what has neither was not made to be
                // unique.
                14 => matches!(b, b'1'..=b'8'),
                19 => matches!(b, b'8' | b'9' | b'a' | b'b'),
                _ => b.is_ascii_hexdigit(),
            });
        return shape.then(|| format!("urn:uuid:{uuid}"));
    }
    let oid = text.get(..8).filter(|p| p.eq_ignore_ascii_case("urn:oid:")).map(|_| &text[8..])?;
    let shape = oid.contains('.')
        && oid.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
    shape.then(|| format!("urn:oid:{oid}"))
}

/// `#` parts names, so it is in none of them; a control character would let a name break a line.
/// Two texts stay two.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '#' || c == '%' || c.is_control() {
            let _ = fmt::Write::write_fmt(&mut out, format_args!("%{:02x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        Resource::parse(text.as_bytes()).unwrap_or_else(|_| panic!("a resource")).0
    }

    fn patient(id: &str) -> Resource {
        resource(&format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#))
    }

    fn stands<'a>(
        source: &'a Source,
        bundle: Option<(BundleKind, &'a str)>,
        full_url: Option<&'a str>,
    ) -> Stands<'a> {
        Stands { source, bundle, full_url, stored: Stored::Unsaid }
    }

    fn text(names: &[Name]) -> Vec<&str> {
        names.iter().map(Name::as_str).collect()
    }

    #[test]
    fn a_full_url_is_the_name_and_the_base_of_relative_references() {
        let source = Source::folder("/data");
        let at = stands(
            &source,
            Some((BundleKind::Collection, "b")),
            Some("HTTP://Hospital-B.example:80/fhir/Patient/1/_history/3"),
        );
        let (name, alias) = at.name(&patient("1")).unwrap_or_else(|_| panic!("named"));
        assert_eq!(name.as_str(), "https://hospital-b.example/fhir/Patient/1");
        assert!(alias.is_none() && name.local() == "Patient/1");
        assert_eq!(text(&at.candidates("Patient/2")), ["https://hospital-b.example/fhir/Patient/2"]);
        assert_eq!(
            text(&at.candidates("https://hospital-a.example/Patient/1")),
            ["https://hospital-a.example/Patient/1"]
        );
        for mine in [
            "1",
            "Patient/1",
            "http://hospital-b.example/fhir/Patient/1",
            "https://HOSPITAL-B.example/fhir/Patient/1/",
        ] {
            assert!(name.is_meant_by(mine), "{mine}");
        }
        for other in ["2", "Patient/11", "https://hospital-a.example/fhir/Patient/1", ""] {
            assert!(!name.is_meant_by(other), "{other}");
        }
    }

    #[test]
    fn a_full_url_that_contradicts_the_id_or_the_type_names_nobody() {
        let source = Source::folder("/data");
        for url in ["https://h/fhir/Patient/2", "https://h/fhir/Observation/1"] {
            let at = stands(&source, Some((BundleKind::Collection, "b")), Some(url));
            assert!(matches!(at.name(&patient("1")), Err(Nameless::TwoIds)), "{url}");
        }
        let at = stands(&source, None, None);
        assert!(matches!(at.name(&resource(r#"{"resourceType":"Patient"}"#)), Err(Nameless::Nothing)));
    }

    #[test]
    fn ids_of_a_document_are_names_in_that_document() {
        let source = Source::named("lahore").expect("a name");
        for url in [None, Some("Patient/1"), Some("resource:0"), Some("urn:uuid:1")] {
            let of = |document| stands(&source, Some((BundleKind::Document, document)), url);
            let (a, _) = of("a").name(&patient("1")).unwrap_or_else(|_| panic!("named"));
            let (b, _) = of("b").name(&patient("1")).unwrap_or_else(|_| panic!("named"));
            assert!(a != b && a.as_str().starts_with("lahore#a#"), "{url:?}");
            let meant = of("a").candidates(url.unwrap_or("Patient/1"));
            assert!(meant.len() == 1 && meant[0] == a, "{url:?}");
        }
    }

    #[test]
    fn a_bundle_without_full_urls_names_its_own_unless_the_source_is_named() {
        let bundle = Some((BundleKind::Collection, "b"));
        let (folder, named) =
            (Source::folder("/x"), Source::named("https://h.example/fhir/").expect("a name"));
        let (own, _) = stands(&folder, bundle, None).name(&patient("1")).unwrap_or_else(|_| panic!("named"));
        assert_eq!(own.as_str(), "folder:/x#b#Patient/1");
        assert_eq!(text(&stands(&folder, bundle, None).candidates("Patient/1")), ["folder:/x#b#Patient/1"]);
        let (name, alias) =
            stands(&named, bundle, None).name(&patient("1")).unwrap_or_else(|_| panic!("named"));
        assert_eq!(name.as_str(), "https://h.example/fhir/Patient/1");
        assert!(alias.is_some());
        // A line of a bulk export: the same as in a Bundle with a full URL.
        assert_eq!(
            text(&stands(&named, None, None).candidates("Patient/1")),
            ["https://h.example/fhir/Patient/1"]
        );
        assert_eq!(
            text(&stands(&folder, None, None).candidates("Patient/1/_history/2")),
            ["folder:/x#Patient/1"]
        );
    }

    #[test]
    fn what_is_contained_or_searched_for_is_named_by_no_reference() {
        let source = Source::folder("/x");
        let at = stands(&source, None, None);
        for text in ["#p1", "Patient?identifier=a|b", "", "  "] {
            assert!(at.candidates(text).is_empty(), "{text}");
        }
        assert_eq!(type_of_reference("https://h/Group/7/_history/1"), Some("Group"));
        assert_eq!(type_of_reference("urn:uuid:5"), None);
    }

    #[test]
    fn what_many_machines_are_called_is_no_server() {
        let lasting = |host: &str| Name(format!("https://{host}/fhir/Patient/1")).is_lasting();
        for host in ["h.example", "fhir.hospital-a.example:8443", "203.0.113.9", "[2001:db8::1]:443"] {
            assert!(lasting(host), "{host}");
        }
        let shared = [
            "localhost:8080",
            "localhost.",
            "hapi",
            "127.0.0.1",
            "127.1",
            "10.2.3.4:80",
            "192.168.1.1",
            "[::1]:8080",
        ];
        for host in shared.iter().chain(&[
            "[::ffff:10.0.0.1]",
            "100.64.1.1",
            "ehr.local",
            "ehr.lan",
            "user@localhost",
        ]) {
            assert!(!lasting(host), "{host}");
        }
        assert!(
            Name("lahore#Patient/1".to_owned()).is_lasting()
                && !Name("folder:x#Patient/1".to_owned()).is_lasting()
        );
    }

    #[test]
    fn a_source_has_a_plain_name() {
        for bad in ["", "/", "two words", "a#b", "line\nbreak"] {
            assert!(Source::named(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            Source::named("HTTPS://H.example:443/fhir/").expect("a base").as_str(),
            "https://h.example/fhir"
        );
    }
}
