//! Security labels: what they say, and what they cover.
//!
//! v3-Confidentiality: U, L, M are low, N normal, R restricted, V very restricted; the highest
//! counts. v3-ActCode sensitivities set their bits. A label we do not know, of any system but
//! v3-ObservationValue (integrity) and the test marker HTEST, counts as *every* sensitivity we know
//! and raises confidentiality to restricted: an unknown label must not make data easier to get.
//!
//! What contains labelled data is at least as sensitive, and so is what a labelled container holds:
//! a label of a Bundle, of a Composition, of a section is the [`Floor`] of its entries; one inside
//! a resource (the DS4P extension for inline labels) counts for the whole resource.

use super::super::json::{Json, Object};
use super::every_sensitivity;
use super::systems::System;
use crate::consent::{Categories, Confidentiality};

/// What a container's labels say of what it holds: the least that each of them has.
///
/// No label raises nothing: an unlabelled entry of a Bundle labelled low is normal, as any
/// unlabelled resource is; an entry labelled low in a Bundle labelled normal is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// Sensitivity bits.
    pub categories: Categories,
    /// Confidentiality; low, if nothing is said.
    pub confidentiality: Confidentiality,
}

impl Floor {
    /// Nothing is said.
    pub const NONE: Self = Self { categories: Categories::NONE, confidentiality: Confidentiality::Low };

    /// Of an unknown label: every sensitivity, and restricted.
    const UNKNOWN: Self =
        Self { categories: every_sensitivity(), confidentiality: Confidentiality::Restricted };

    /// At least as sensitive as both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            categories: self.categories.union(other.categories),
            confidentiality: self.confidentiality.max(other.confidentiality),
        }
    }

    /// The labels of a `meta` (of a Bundle, of a Composition): `security`, labels among the tags,
    /// inline labels.
    #[must_use]
    pub fn of_meta(meta: &Json<'_>) -> Self {
        Labels::of_meta(meta).floor().union(inside(meta, &[]))
    }

    /// The inline labels (DS4P) on an element or inside it, such as an entry of a Bundle without
    /// its resource.
    #[must_use]
    pub fn of_element(element: &Json<'_>) -> Self {
        inside(element, &["resource"])
    }
}

impl Default for Floor {
    fn default() -> Self {
        Self::NONE
    }
}

/// What a list of labels says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) categories: Categories,
    /// `None` if no label speaks of confidentiality.
    pub(super) confidentiality: Option<Confidentiality>,
    /// Place in the list of the first that is not known.
    pub(super) unknown: Option<usize>,
}

impl Labels {
    pub(super) const NONE: Self = Self { categories: Categories::NONE, confidentiality: None, unknown: None };

    /// As they raise what they cover.
    pub(super) fn floor(self) -> Floor {
        Floor {
            categories: self.categories,
            confidentiality: self.confidentiality.unwrap_or(Confidentiality::Low),
        }
    }

    /// As a resource has them: normal, if they do not speak of confidentiality.
    pub(super) fn of_resource(self) -> Floor {
        Floor { confidentiality: self.confidentiality.unwrap_or(Confidentiality::Normal), ..self.floor() }
    }

    /// `meta.security`, and labels among `meta.tag`. What should be a list of labels and is not
    /// counts as an unknown label.
    pub(super) fn of_meta(meta: &Json<'_>) -> Self {
        let object = match meta {
            Json::Object(object) => object,
            Json::Null => return Self::NONE,
            other => return Self::of(core::slice::from_ref(other)),
        };
        let mut labels = match object.get("security") {
            None | Some(Json::Null) => Self::NONE,
            Some(Json::Array(items)) => Self::of(items),
            Some(other) => Self::of(core::slice::from_ref(other)),
        };
        for tag in object.get("tag").and_then(Json::as_array).unwrap_or_default() {
            labels.add_tag(tag);
        }
        labels
    }

    pub(super) fn of(items: &[Json<'_>]) -> Self {
        let mut labels = Self::NONE;
        for (at, label) in items.iter().enumerate() {
            let (system, code) = (text(label, "system"), text(label, "code"));
            let known = match System::of(system) {
                Some(System::Confidentiality) => labels.add_level(code),
                Some(System::ActCode) => labels.add_sensitivity(code),
                Some(System::ObservationValue) => true,
                Some(System::ActReason) => code == "HTEST",
                _ => false,
            };
            if !known {
                labels.unknown = labels.unknown.or(Some(at));
                labels.categories = labels.categories.union(Floor::UNKNOWN.categories);
                labels.raise(Floor::UNKNOWN.confidentiality);
            }
        }
        labels
    }

    fn raise(&mut self, level: Confidentiality) {
        self.confidentiality = self.confidentiality.max(Some(level));
    }

    fn add_level(&mut self, code: &str) -> bool {
        match confidentiality(code) {
            Some(level) => self.raise(level),
            None => {
                // Before 2013 the system had sensitivities too (HIV, PSY, STD ..), and what it had
                // else was no lower.
                let bits = sensitivity(code).map_or(Categories::NONE, |(bits, _)| bits);
                self.categories = self.categories.union(bits);
                self.raise(Confidentiality::VeryRestricted);
            }
        }
        true
    }

    fn add_sensitivity(&mut self, code: &str) -> bool {
        if code == PROCESS_INLINE {
            return true;
        }
        let Some((bits, _)) = sensitivity(code) else { return false };
        self.categories = self.categories.union(bits);
        true
    }

    /// A tag is no label, and most are of other systems; one that is a label was put into the wrong
    /// list.
    fn add_tag(&mut self, tag: &Json<'_>) {
        let (system, code) = (text(tag, "system"), text(tag, "code"));
        match System::of(system) {
            Some(System::Confidentiality) if confidentiality(code) > Some(Confidentiality::Low) => {
                self.add_level(code);
            }
            Some(System::ActCode) => {
                self.add_sensitivity(code);
            }
            _ => {}
        }
    }
}

fn text<'j>(json: &'j Json<'_>, key: &str) -> &'j str {
    json.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// It says that elements have separate labels, which are read anywhere.
const PROCESS_INLINE: &str = "PROCESSINLINELABEL";

/// Of the URL of the DS4P extension for a label on an element.
const INLINE: &str = "extension-inline-sec-label";

/// Whether an extension with this URL is a label.
pub(super) fn is_inline(url: &str) -> bool {
    url.contains(INLINE)
}

/// What the label says that this extension is.
pub(super) fn of_inline(extension: &Object<'_>) -> Labels {
    let label = extension.iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| value);
    match label {
        Some(label) => match label.get("coding") {
            Some(Json::Array(codings)) if !codings.is_empty() => Labels::of(codings),
            _ => Labels::of(core::slice::from_ref(label)),
        },
        None => Labels::of(&[Json::Null]),
    }
}

/// Inline labels anywhere inside a value, but not inside the members named.
pub(super) fn inside(json: &Json<'_>, but: &[&str]) -> Floor {
    match json {
        Json::Array(items) => items.iter().fold(Floor::NONE, |floor, item| floor.union(inside(item, but))),
        Json::Object(object) => {
            let is_label = object.get("url").and_then(Json::as_str).is_some_and(is_inline);
            let own = if is_label { of_inline(object).floor() } else { Floor::NONE };
            let members = object.iter().filter(|(key, _)| !but.contains(key));
            members.fold(own, |floor, (_, value)| floor.union(inside(value, but)))
        }
        _ => Floor::NONE,
    }
}

/// What the labels of a Composition say of the resources of its document.
#[derive(Clone, PartialEq, Eq)]
pub struct CompositionFloors {
    /// Of every resource of the document.
    pub document: Floor,
    /// Of what a section names as its entry: the reference as given, and the floor of the section,
    /// of those around it and of the reference itself. A reference may be named more than once; all
    /// of its floors count.
    pub entries: Vec<(String, Floor)>,
}

/// Reads the labels of a Composition: `meta`, `confidentiality` (R4), and inline labels on it and
/// on its sections.
#[must_use]
pub fn composition_floors(composition: &Json<'_>) -> CompositionFloors {
    let meta = composition.get("meta").map_or(Floor::NONE, Floor::of_meta);
    let level = match composition.get("confidentiality") {
        None | Some(Json::Null) => Floor::NONE,
        Some(Json::String(code)) => {
            let confidentiality = confidentiality(code).unwrap_or(Confidentiality::VeryRestricted);
            Floor { confidentiality, ..Floor::NONE }
        }
        Some(_) => Floor::UNKNOWN,
    };
    let own = inside(composition, &["section", "meta", "contained"]);
    let document = meta.union(level).union(own);
    let mut floors = CompositionFloors { document, entries: Vec::new() };
    sections(composition.get("section"), document, &mut floors.entries);
    floors
}

/// JSON is read with a bounded depth and number of values, so this ends, and so does the list.
fn sections(list: Option<&Json<'_>>, around: Floor, entries: &mut Vec<(String, Floor)>) {
    let one_or_more = match list {
        Some(Json::Array(items)) => items.as_slice(),
        Some(other) => core::slice::from_ref(other),
        None => &[],
    };
    for section in one_or_more {
        let floor = around.union(inside(section, &["section", "entry"]));
        let named = section.get("entry").map_or(&[][..], |entry| match entry {
            Json::Array(items) => items.as_slice(),
            other => core::slice::from_ref(other),
        });
        for reference in named {
            if let Some(literal) = reference.get("reference").and_then(Json::as_str) {
                entries.push((literal.to_owned(), floor.union(inside(reference, &[]))));
            }
        }
        sections(section.get("section"), floor, entries);
    }
}

/// Sensitivity codes of v3-ActCode: code, bits a record gets, and whether the bits mean exactly
/// this code (only then can a permit be given for it: a permit for alcohol data must not become one
/// for all substance-use data).
const SENSITIVITY_CODES: &[(&str, Categories, bool)] = &[
    ("ETH", Categories::ETH, true),
    ("SUD", Categories::SUD.union(Categories::ETH), false),
    ("ETHUD", Categories::SUD.union(Categories::ETH), false),
    ("OPIOIDUD", Categories::SUD.union(Categories::ETH), false),
    ("PSY", Categories::PSY, true),
    ("MH", Categories::PSY, false),
    ("PSYTHPN", Categories::PSY, false),
    ("COGN", Categories::PSY, false),
    ("EMOTDIS", Categories::PSY, false),
    ("BH", Categories::PSY.union(Categories::SUD).union(Categories::ETH), false),
    ("SDV", Categories::SDV, true),
    ("MST", Categories::SDV, false),
    ("VIO", Categories::SDV, false),
    ("HIV", Categories::HIV, true),
    ("SEX", Categories::SEX, true),
    ("PREGNANT", Categories::SEX, false),
    ("STD", Categories::STD, true),
    ("GDIS", Categories::GDIS, true),
    ("SCA", Categories::GDIS, false),
    ("SICKLE", Categories::GDIS, false),
    ("MINOR", Categories::MINOR, true),
];

/// What a sensitivity code of v3-ActCode stands for: bits, and whether they mean exactly this code.
pub(crate) fn sensitivity(code: &str) -> Option<(Categories, bool)> {
    SENSITIVITY_CODES.iter().find(|(c, ..)| *c == code).map(|(_, bits, exact)| (*bits, *exact))
}

/// A code of v3-Confidentiality.
pub(crate) fn confidentiality(code: &str) -> Option<Confidentiality> {
    Some(match code {
        "U" | "L" | "M" => Confidentiality::Low,
        "N" => Confidentiality::Normal,
        "R" => Confidentiality::Restricted,
        "V" => Confidentiality::VeryRestricted,
        _ => return None,
    })
}
