//! How far an operation is: the library tells, the caller shows.

/// Hears how far an operation is, and may end it. Every method has a body that does nothing.
///
/// ```
/// use amanat_client::Progress;
/// struct Percent(std::cell::Cell<u64>);
/// impl Progress for Percent {
///     fn at(&self, done: u64) {
///         self.0.set(done);
///     }
/// }
/// ```
pub trait Progress {
    /// Work of `total` units begins; it replaces the work before.
    fn begin(&self, work: &str, total: u64) {
        let _ = (work, total);
    }

    /// What is being done now.
    fn doing(&self, what: &str) {
        let _ = what;
    }

    /// So far `done` units are done.
    fn at(&self, done: u64) {
        let _ = done;
    }

    /// The work is over.
    fn end(&self) {}

    /// Something happened that the result does not say.
    fn event(&self, event: &Event) {
        let _ = event;
    }

    /// Whether proving is to stop before its next phase.
    fn cancelled(&self) -> bool {
        false
    }
}

/// What happens on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Transactions of an earlier import were submitted, which had not been acknowledged.
    Resumed {
        /// How many.
        transactions: usize,
    },
    /// The bundle grew too old while a proof about it was made; the proof is made again about the
    /// newest.
    ProvingAgain,
}

/// Shows nothing and ends nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}
