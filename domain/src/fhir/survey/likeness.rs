//! What tells one patient from another.

use std::collections::BTreeSet;

use super::{Mark, mark};
use crate::fhir::facts::Facts;
use crate::fhir::json::Json;
use crate::fhir::resource::Resource;

/// Most identifiers and names of one Patient that are looked at.
const MOST: usize = 256;

/// What a Patient says that tells people apart, as hashes. Kept by a custodian beside the patient's
/// name.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Likeness {
    /// System and whole of each identifier.
    pub identifiers: Vec<[Mark; 2]>,
    /// Family names.
    pub families: Vec<Mark>,
    /// Birth date.
    pub born: Option<Mark>,
    /// All that is said.
    pub content: Option<Mark>,
}

impl Likeness {
    pub(super) fn of(resource: &Resource) -> Self {
        let mut own = Self::default();
        if let Facts::Patient(facts) = &resource.facts {
            // Without a system a number is anybody's.
            let with_system = facts.identifiers.iter().filter(|i| !i.starts_with('|') && !is_placeholder(i));
            own.identifiers = with_system.take(MOST).map(|i| identifier(i)).collect();
        }
        if let Ok(json) = resource.json() {
            let folded = |text: &str| mark(&[b"text", text.trim().to_lowercase().as_bytes()]);
            own.born = json.get("birthDate").and_then(Json::as_str).map(folded);
            let names = json.get("name").and_then(Json::as_array).unwrap_or_default();
            own.families =
                names.iter().take(MOST).filter_map(|n| n.get("family")?.as_str()).map(folded).collect();
        }
        own.content = Some(mark(&[b"content", &resource.digest]));
        own.identifiers.sort_unstable();
        own.families.sort_unstable();
        own
    }

    /// Whether it tells people apart at all.
    pub(super) fn tells(&self) -> bool {
        !self.identifiers.is_empty() || (self.born.is_some() && !self.families.is_empty())
    }

    /// How many of identifiers, birth date and family name both say, and how many of them differ.
    pub(super) fn compared(&self, other: &Self) -> (usize, usize) {
        let mut both = 0;
        let mut differ = 0;
        let mut compare = |comparable: bool, equal: bool| {
            both += usize::from(comparable);
            differ += usize::from(comparable && !equal);
        };
        if let (Some(a), Some(b)) = (self.born, other.born) {
            compare(true, a == b);
        }
        if !self.families.is_empty() && !other.families.is_empty() {
            compare(true, self.families.iter().any(|f| other.families.contains(f)));
        }
        let of =
            |own: &Self, part: usize| own.identifiers.iter().map(|i| i[part]).collect::<BTreeSet<Mark>>();
        let shares = |part| !of(self, part).is_disjoint(&of(other, part));
        compare(shares(0), shares(1));
        (both, differ)
    }

    /// Whether birth date and family name both speak against it, whatever number they share: the
    /// number may be a placeholder.
    pub(super) fn is_another_by_name(&self, other: &Self) -> bool {
        let born = self.born.zip(other.born).is_some_and(|(a, b)| a != b);
        let named = !self.families.is_empty() && !other.families.is_empty();
        born && named && self.families.iter().all(|f| !other.families.contains(f))
    }

    /// Whether both say the same, word for word.
    pub(super) fn says_what(&self, other: &Self) -> bool {
        self.content.is_some() && self.content == other.content
    }

    /// Whether both can be the same person under a name that a server answers for.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let (both, differ) = self.compared(other);
        both < 2 || differ < both
    }

    /// Whether both are the same person beyond doubt enough to join what only a folder has in
    /// common.
    pub(super) fn is(&self, other: &Self) -> bool {
        let (both, differ) = self.compared(other);
        self.tells() && other.tells() && both > 0 && differ == 0
    }
}

pub(super) fn identifier(text: &str) -> [Mark; 2] {
    let system = text.split_once('|').map_or("", |(system, _)| system);
    [mark(&[b"system", system.as_bytes()]), mark(&[b"identifier", text.as_bytes()])]
}

/// Whether the value of an identifier is what is written where there is none: nothing, a word, one
/// character again and again.
fn is_placeholder(identifier: &str) -> bool {
    const WORDS: [&str; 8] = ["unknown", "none", "null", "na", "notavailable", "missing", "test", "tbd"];
    let value = identifier.rsplit_once('|').map_or(identifier, |(_, value)| value);
    let plain: String = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let mut chars = plain.chars();
    let first = chars.next();
    let repeated = plain.len() > 2 && chars.all(|c| Some(c) == first);
    first.is_none() || repeated || WORDS.contains(&plain.as_str())
}
