//! How a long measurement reports its progress, and how it is stopped.

/// Hears how far a run is, and says whether it should end.
pub trait Watcher: Sync {
    /// `done` of `of` units of work are done; `now` names the next one.
    fn at(&self, done: u64, of: u64, now: &str);
    /// Whether the run should end.
    fn stopped(&self) -> bool;
}

/// The run was stopped by its [`Watcher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;
