//! Which of two versions is newer.

use super::mark;
use crate::fhir::facts::Version;
use crate::fhir::resource::Resource;
use crate::time::Timestamp;

/// What a server says of which version it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VersionMark {
    /// `versionId`, if it is a number.
    pub number: Option<u64>,
    /// A hash of `versionId`.
    pub id: Option<[u8; 16]>,
    /// `lastUpdated`.
    pub updated: Option<Timestamp>,
    /// Its billionths of a second.
    pub fraction: u32,
}

/// How two versions of one resource stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The second is newer.
    Newer,
    /// The second is older.
    Older,
    /// They are the same version.
    Same,
    /// Nothing says.
    Unsaid,
}

impl VersionMark {
    /// Of a resource.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        Self::said(&resource.version)
    }

    /// From what a server says.
    #[must_use]
    pub fn said(version: &Version) -> Self {
        let id = version.id.as_deref();
        Self {
            number: id.and_then(|id| id.parse().ok()),
            id: id.map(|id| mark(&[b"version", id.as_bytes()])),
            updated: version.updated,
            fraction: version.fraction,
        }
    }

    /// How `other` stands to this: by `versionId` where both are numbers, else by `lastUpdated`.
    #[must_use]
    pub fn order(&self, other: &Self) -> Order {
        fn by<T: Ord>(a: Option<T>, b: Option<T>) -> Option<Order> {
            match a?.cmp(&b?) {
                core::cmp::Ordering::Less => Some(Order::Newer),
                core::cmp::Ordering::Greater => Some(Order::Older),
                core::cmp::Ordering::Equal => None,
            }
        }
        let instant = |v: &Self| v.updated.map(|t| (t.seconds(), v.fraction));
        by(self.number, other.number)
            .or_else(|| by(instant(self), instant(other)))
            .unwrap_or(if self.id.is_some() && self.id == other.id { Order::Same } else { Order::Unsaid })
    }
}
