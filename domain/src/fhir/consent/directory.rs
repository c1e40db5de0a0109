//! The party that a reference in a consent means.

use std::collections::BTreeMap;

use crate::consent::{Grantee, OrgId};

/// Resolves the references of a consent's actors.
pub trait Directory {
    /// The grantee a reference means; none if it is not known (the consent is then refused, naming
    /// the actor).
    fn grantee(&self, reference: &str) -> Option<Grantee>;

    /// The name of the one a reference means, for explanations; none if the directory has none
    /// beside the reference.
    fn name(&self, reference: &str) -> Option<String> {
        let _ = reference;
        None
    }
}

/// Knows every organisation by its relative reference (`Organization/f001`), and nobody else.
///
/// Absolute, versioned and contained references are not resolved: two spellings of one organisation
/// would be two grantees, and a deny for one would not bind the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Organisations;

impl Directory for Organisations {
    fn grantee(&self, reference: &str) -> Option<Grantee> {
        let id = reference.strip_prefix("Organization/")?;
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        plain.then(|| Grantee::Organisation(OrgId::from_reference(reference)))
    }
}

/// A supplied map of references; what it does not hold falls to [`Organisations`].
#[derive(Debug, Clone, Default)]
pub struct Actors {
    grantees: BTreeMap<String, Grantee>,
    names: BTreeMap<String, String>,
}

impl Actors {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces one.
    #[must_use]
    pub fn with(mut self, reference: impl Into<String>, grantee: Grantee) -> Self {
        self.grantees.insert(reference.into(), grantee);
        self
    }

    /// Adds or replaces the name shown beside a reference.
    #[must_use]
    pub fn named(mut self, reference: impl Into<String>, name: impl Into<String>) -> Self {
        self.names.insert(reference.into(), name.into());
        self
    }
}

impl Directory for Actors {
    fn grantee(&self, reference: &str) -> Option<Grantee> {
        self.grantees.get(reference).copied().or_else(|| Organisations.grantee(reference))
    }

    fn name(&self, reference: &str) -> Option<String> {
        self.names.get(reference).cloned()
    }
}
