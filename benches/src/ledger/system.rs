//! What is measured, behind one trait: many requests in, an answer to each when it is durable.

use crate::report::Outcome;

/// A request is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Since now.
    Now,
    /// It was before.
    Before,
}

/// What takes requests. Dropping it stops it.
pub(super) trait System: Send + Sync {
    /// Returns when each request is durable or refused; answers are in order.
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>>;
    /// The number of batches that are durable.
    fn height(&self) -> u64;
    /// Whether this request is in its record.
    fn holds(&self, request: &[u8]) -> Outcome<bool>;
}
