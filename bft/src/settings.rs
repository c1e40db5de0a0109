//! How a validator runs.
//!
//! ```
//! use amanat_bft::Settings;
//! use std::time::Duration;
//! let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
//! let settings = Settings::new("consensus".into(), address(7520), address(7620), Vec::new());
//! // The first start of a new ledger: there is no vote that a log could hold.
//! let settings = Settings { new_log: true, idle: Duration::from_secs(30), ..settings };
//! assert!(!settings.follow);
//! ```

use crate::peers::Peer;
use amanat_domain::time::Timestamp;
use arc_malachitebft_app_channel::app::types::core::LinearTimeouts;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Returns the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a validator runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the write-ahead log of consensus. It belongs to the ledger file. A validator that
    /// lost it does not know what it has voted for, and might vote twice: it takes part without
    /// voting until a block is final that was voted on after it started.
    pub folder: PathBuf,
    /// This validator has never voted with its key, so it needs no log to vote: the first start of
    /// a new ledger, or of a validator that was voted in. Set it for any other, and the validator
    /// may be caught signing twice.
    pub new_log: bool,
    /// Take part although the key is not among the validators: follow the ledger, and vote once
    /// voted in.
    pub follow: bool,
    /// Where to take part in consensus.
    pub consensus: SocketAddr,
    /// Where to take transactions that other validators received.
    pub gossip: SocketAddr,
    /// Every other validator. There may be more than the ledger knows: later changes add
    /// validators.
    pub peers: Vec<Peer>,
    /// How long a round waits for its block; longer with each round of a height.
    pub propose_timeout: Duration,
    /// How long it waits for more votes once two thirds have voted, but for different blocks.
    pub vote_timeout: Duration,
    /// How often validators tell each other their heights.
    pub status_interval: Duration,
    /// How long an idle ledger goes without a block.
    pub idle: Duration,
    #[cfg(feature = "insecure_tamper")]
    #[doc(hidden)]
    pub insecure_tamper: Option<fn(&mut amanat_ledger::Block)>,
}

impl Settings {
    /// For validators on one fast network.
    #[must_use]
    pub const fn new(folder: PathBuf, consensus: SocketAddr, gossip: SocketAddr, peers: Vec<Peer>) -> Self {
        Self {
            folder,
            new_log: false,
            follow: false,
            consensus,
            gossip,
            peers,
            propose_timeout: Duration::from_millis(400),
            vote_timeout: Duration::from_millis(150),
            status_interval: Duration::from_secs(1),
            idle: Duration::from_secs(5),
            #[cfg(feature = "insecure_tamper")]
            insecure_tamper: None,
        }
    }

    pub(crate) fn timeouts(&self) -> LinearTimeouts {
        let (propose, votes) = (self.propose_timeout, self.vote_timeout);
        LinearTimeouts {
            propose,
            propose_delta: propose / 2,
            prevote: votes,
            prevote_delta: votes / 2,
            precommit: votes,
            precommit_delta: votes / 2,
            rebroadcast: propose + 2 * votes,
            ..LinearTimeouts::default()
        }
    }
}
