//! What a validator counts.

use arc_malachitebft_app_channel::app::metrics::export;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters since the validator started.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) round: AtomicU64,
    pub(crate) late_rounds: AtomicU64,
    pub(crate) proposed: AtomicU64,
    pub(crate) refused_proposals: AtomicU64,
    pub(crate) refused_parts: AtomicU64,
    pub(crate) fetched: AtomicU64,
    pub(crate) two_votes: AtomicU64,
    pub(crate) two_proposals: AtomicU64,
    pub(crate) two_machines: AtomicU64,
    pub(crate) gossip_sent: AtomicU64,
    pub(crate) gossip_received: AtomicU64,
    pub(crate) gossip_refused: AtomicU64,
    pub(crate) gossip_dropped: AtomicU64,
    pub(crate) learning: AtomicBool,
}

/// What a validator has counted since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// The present round of the next height.
    pub round: u64,
    /// Heights that needed more than one round.
    pub late_rounds: u64,
    /// Blocks proposed by this validator.
    pub proposed: u64,
    /// Others' proposals that were refused; the audit log names the proposers.
    pub refused_proposals: u64,
    /// Parts of proposals that were refused.
    pub refused_parts: u64,
    /// Decided blocks fetched from others, to catch up.
    pub fetched: u64,
    /// Times that a validator was caught signing two votes of one round.
    pub two_votes: u64,
    /// Times that a validator was caught signing two proposals of one round.
    pub two_proposals: u64,
    /// Times that a key was heard of two processes at once, this one's among them.
    pub two_machines: u64,
    /// Transactions sent to the other validators.
    pub gossip_sent: u64,
    /// Transactions received from them and looked at.
    pub gossip_received: u64,
    /// Number of these that CheckTx refused.
    pub gossip_refused: u64,
    /// Transactions from a validator that sends faster than they can be checked: dropped.
    pub gossip_dropped: u64,
    /// Whether it takes part without voting, because it does not know what it has voted for before.
    pub learning: bool,
}

impl Metrics {
    pub(crate) fn one(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn report(&self) -> Report {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Report {
            round: of(&self.round),
            late_rounds: of(&self.late_rounds),
            proposed: of(&self.proposed),
            refused_proposals: of(&self.refused_proposals),
            refused_parts: of(&self.refused_parts),
            fetched: of(&self.fetched),
            two_votes: of(&self.two_votes),
            two_proposals: of(&self.two_proposals),
            two_machines: of(&self.two_machines),
            gossip_sent: of(&self.gossip_sent),
            gossip_received: of(&self.gossip_received),
            gossip_refused: of(&self.gossip_refused),
            gossip_dropped: of(&self.gossip_dropped),
            learning: self.learning.load(Ordering::Relaxed),
        }
    }
}

/// The engine's own metrics, in Prometheus' text format: peers, rounds, messages, synchronisation.
#[must_use]
pub fn engine_metrics() -> String {
    let mut text = String::new();
    export(&mut text);
    // Ours end where the node's document ends.
    text.truncate(text.trim_end().trim_end_matches("# EOF").len());
    text
}
