//! What tells one patient from another.

use super::{Mark, mark};
use crate::fhir::json::Json;
use crate::fhir::resource::{Facts, Resource};

/// What a Patient says that tells people apart, as hashes. Kept by a custodian beside the patient's name.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Likeness {
    /// System and whole of each identifier.
    pub identifiers: Vec<[Mark; 2]>,
    /// Family names.
    pub families: Vec<Mark>,
    /// Birth date.
    pub born: Option<Mark>,
}

impl Likeness {
    pub(super) fn of(resource: &Resource) -> Self {
        let mut own = Self::default();
        if let Facts::Patient(facts) = &resource.facts {
            own.identifiers = facts.identifiers.iter().map(|i| identifier(i)).collect();
        }
        if let Ok(json) = resource.json() {
            let folded = |text: &str| mark(&[b"text", text.trim().to_lowercase().as_bytes()]);
            own.born = json.get("birthDate").and_then(Json::as_str).map(folded);
            let names = json.get("name").and_then(Json::as_array).unwrap_or_default();
            own.families = names.iter().filter_map(|n| n.get("family")?.as_str()).map(folded).collect();
        }
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
        let shares = |part: usize| {
            self.identifiers.iter().any(|a| other.identifiers.iter().any(|b| a[part] == b[part]))
        };
        compare(shares(0), shares(1));
        (both, differ)
    }

    /// Whether both can be the same person under a name that a server answers for.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let (both, differ) = self.compared(other);
        both < 2 || differ < both
    }

    /// Whether both are the same person beyond doubt enough to join what only a folder has in common.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.tells() && other.tells() && self.compared(other).1 == 0
    }
}

pub(super) fn identifier(text: &str) -> [Mark; 2] {
    let system = text.split_once('|').map_or("", |(system, _)| system);
    [mark(&[b"system", system.as_bytes()]), mark(&[b"identifier", text.as_bytes()])]
}
