//! Who a reference in a consent means.

use std::collections::BTreeMap;

use crate::consent::{Grantee, OrgId};

/// Resolves the references of a consent's actors.
pub trait Directory {
    /// The grantee a reference means; none where it is not known (the consent is then refused, naming the actor).
    fn grantee(&self, reference: &str) -> Option<Grantee>;
}

/// Knows every organisation by its relative reference (`Organization/f001`), and nobody else.
///
/// Absolute, versioned and contained references are not resolved: two spellings of one organisation would be two grantees,
/// and a deny for one would not bind the other.
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
pub struct Actors(BTreeMap<String, Grantee>);

impl Actors {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces one.
    #[must_use]
    pub fn with(mut self, reference: impl Into<String>, grantee: Grantee) -> Self {
        self.0.insert(reference.into(), grantee);
        self
    }
}

impl Directory for Actors {
    fn grantee(&self, reference: &str) -> Option<Grantee> {
        self.0.get(reference).copied().or_else(|| Organisations.grantee(reference))
    }
}
