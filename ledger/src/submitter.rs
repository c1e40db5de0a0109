//! What a waiting transaction is counted against.

use amanat_domain::consent::OrgId;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::Transaction;

/// Where a transaction came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// This node's own callers.
    Local,
    /// Another validator sent it on.
    Peer(ValidatorKey),
}

/// What a waiting transaction is counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Submitter {
    /// The organisation that signed it.
    Organisation(OrgId),
    /// Where a proof came from: it does not say who made it.
    Source(Source),
}

impl Submitter {
    /// The submitter of a transaction that came from this source.
    #[must_use]
    pub const fn of(tx: &Transaction, source: Source) -> Self {
        match tx {
            Transaction::Signed(tx) => Self::Organisation(tx.organisation),
            Transaction::Proof(_) => Self::Source(source),
        }
    }
}

impl core::fmt::Display for Submitter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Organisation(id) => write!(f, "organisation {id}"),
            Self::Source(Source::Local) => f.write_str("proofs submitted to this node"),
            Self::Source(Source::Peer(key)) => write!(f, "proofs sent on by validator {key}"),
        }
    }
}
