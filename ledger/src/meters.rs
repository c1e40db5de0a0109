//! What the gates have cost since the ledger was opened.

use crate::chain::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Upper bounds of a histogram's buckets, in seconds.
pub const GATE_SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Where time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Gate 1: transactions are checked, many at once.
    Check,
    /// Gate 2 of a proposer.
    Propose,
    /// Gate 2 of everybody else.
    Validate,
    /// Gate 3: one durable write.
    Commit,
}

impl Gate {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Check, Self::Propose, Self::Validate, Self::Commit];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Propose => "propose",
            Self::Validate => "validate",
            Self::Commit => "commit",
        }
    }
}

/// What one gate has done.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Meter {
    /// Passes that took no longer than each of [`GATE_SECONDS`].
    pub buckets: [u64; GATE_SECONDS.len()],
    /// Seconds of all passes.
    pub seconds: f64,
    /// Passes: batches or blocks.
    pub passes: u64,
    /// Transactions in them.
    pub transactions: u64,
}

/// All gates.
#[derive(Debug, Default)]
pub(crate) struct Meters(Mutex<[Meter; 4]>);

impl Meters {
    /// Counts a pass that began at `begun`.
    pub(crate) fn passed(&self, gate: Gate, begun: Instant, transactions: usize) {
        self.count(gate, begun.elapsed(), transactions);
    }

    fn count(&self, gate: Gate, time: Duration, transactions: usize) {
        let seconds = time.as_secs_f64();
        let meter = &mut lock(&self.0)[gate as usize];
        for (bucket, bound) in meter.buckets.iter_mut().zip(GATE_SECONDS) {
            *bucket += u64::from(seconds <= bound);
        }
        meter.seconds += seconds;
        meter.passes += 1;
        meter.transactions += transactions as u64;
    }

    pub(crate) fn of(&self, gate: Gate) -> Meter {
        lock(&self.0)[gate as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_counted_in_every_bucket_that_it_fits_into() {
        let meters = Meters::default();
        meters.count(Gate::Commit, Duration::from_millis(5), 7);
        meters.count(Gate::Commit, Duration::from_secs(60), 1);
        let meter = meters.of(Gate::Commit);
        assert_eq!(meter.buckets, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!((meter.passes, meter.transactions), (2, 8));
        assert!((meter.seconds - 60.005).abs() < 1e-9);
        assert_eq!(meters.of(Gate::Check), Meter::default());
        assert!(GATE_SECONDS.is_sorted());
        assert_eq!(Gate::ALL.map(|gate| gate as usize), [0, 1, 2, 3]);
    }
}
