//! What the phases of a transaction have cost since the ledger was opened.

use crate::lock::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Upper bounds of a histogram's buckets, in seconds.
pub const PHASE_SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Where time goes. FinalizeBlock is within the phases of proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// CheckTx: transactions are checked, many at once.
    CheckTx,
    /// PrepareProposal.
    PrepareProposal,
    /// ProcessProposal.
    ProcessProposal,
    /// Commit: one durable write.
    Commit,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::CheckTx, Self::PrepareProposal, Self::ProcessProposal, Self::Commit];

    /// Its name in the metrics, where it has been the same since their first version.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckTx => "check",
            Self::PrepareProposal => "propose",
            Self::ProcessProposal => "validate",
            Self::Commit => "commit",
        }
    }
}

/// What one phase has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PhaseMetrics {
    /// Passes that took no longer than each of [`PHASE_SECONDS`].
    pub buckets: [u64; PHASE_SECONDS.len()],
    /// Seconds of all passes.
    pub seconds: f64,
    /// Passes: batches or blocks.
    pub passes: u64,
    /// Transactions in them.
    pub transactions: u64,
}

/// All phases.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<[PhaseMetrics; 4]>);

impl Metrics {
    /// Counts a pass that began at `begun`.
    pub(crate) fn passed(&self, phase: Phase, begun: Instant, transactions: usize) {
        self.count(phase, begun.elapsed(), transactions);
    }

    fn count(&self, phase: Phase, time: Duration, transactions: usize) {
        let seconds = time.as_secs_f64();
        let counts = &mut lock(&self.0)[phase as usize];
        for (bucket, bound) in counts.buckets.iter_mut().zip(PHASE_SECONDS) {
            *bucket += u64::from(seconds <= bound);
        }
        counts.seconds += seconds;
        counts.passes += 1;
        counts.transactions += transactions as u64;
    }

    pub(crate) fn of(&self, phase: Phase) -> PhaseMetrics {
        lock(&self.0)[phase as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_counted_in_every_bucket_that_it_fits_into() {
        let metrics = Metrics::default();
        metrics.count(Phase::Commit, Duration::from_millis(5), 7);
        metrics.count(Phase::Commit, Duration::from_secs(60), 1);
        let counts = metrics.of(Phase::Commit);
        assert_eq!(counts.buckets, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!((counts.passes, counts.transactions), (2, 8));
        assert!((counts.seconds - 60.005).abs() < 1e-9);
        assert_eq!(metrics.of(Phase::CheckTx), PhaseMetrics::default());
        assert!(PHASE_SECONDS.is_sorted());
        assert_eq!(Phase::ALL.map(|phase| phase as usize), [0, 1, 2, 3]);
    }
}
