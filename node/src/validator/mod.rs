//! One of several validators as the node's consensus.

mod families;

use crate::cluster::NEVER_VOTED;
use crate::config::{Config, PeerConfig, RuleError};
use crate::server::{Answers, BatchPermit, Consensus, Sample, Work};
use amanat_api::clock::machine;
use amanat_api::problem::Problem;
use amanat_bft::{Peer, SecretError, Settings, Validator, ValidatorSecret, engine_metrics};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::time::Timestamp;
use amanat_ledger::{Chain, Fault, Genesis, GenesisFileError, Header};
use families::merged;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Without a block for this many idle pauses, and for no less than [`SILENCE`], the node reports
/// that there is no quorum.
const PAUSES: u32 = 4;
const SILENCE: Duration = Duration::from_secs(20);

/// A validator as the node's consensus.
pub(crate) struct BftNode {
    validator: Validator,
    silence: Duration,
    /// Height of the last block, and when it was first seen here.
    last: Mutex<(u64, Instant)>,
}

/// Why a validator did not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum StartError {
    #[error(transparent)]
    Genesis(#[from] GenesisFileError),
    #[error("bft.key names no usable key: `amanat-node key` makes one")]
    Key(#[from] SecretError),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("cannot open the ledger {}", .0.display())]
    Ledger(PathBuf, #[source] Box<Fault>),
    #[error(transparent)]
    Validator(#[from] Box<amanat_bft::Error>),
    #[error("cannot remove {}", .0.display())]
    Mark(PathBuf, #[source] io::Error),
}

fn peers(config: &Config) -> Result<Vec<Peer>, RuleError> {
    let peer = |peer: &PeerConfig| {
        let mut key = [0; 32];
        hex::decode_to_slice(&peer.key, &mut key).map_err(|_| RuleError::PeerKey(peer.name.clone()))?;
        Ok(Peer { key: ValidatorKey(key), consensus: peer.consensus, gossip: peer.transactions })
    };
    config.bft.peers.iter().map(peer).collect()
}

fn remove(mark: &Path) -> Result<(), StartError> {
    match std::fs::remove_file(mark) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StartError::Mark(mark.to_path_buf(), error))
        }
        _ => Ok(()),
    }
}

impl BftNode {
    /// Starts a validator as its configuration says.
    ///
    /// # Errors
    /// [`StartError`].
    pub(crate) async fn start(config: &Config) -> Result<Arc<Self>, StartError> {
        let bft = &config.bft;
        let genesis = Genesis::read(&config.genesis)?;
        let secret = ValidatorSecret::read(&bft.key)?;
        let mut settings = Settings::new(bft.folder.clone(), bft.consensus, bft.transactions, peers(config)?);
        settings.follow = bft.follow;
        settings.propose_timeout = Duration::from_millis(bft.propose_ms);
        settings.vote_timeout = Duration::from_millis(bft.vote_ms);
        settings.status_interval = Duration::from_millis(bft.status_ms);
        settings.idle = Duration::from_millis(bft.idle_ms);
        let mark = bft.folder.join(NEVER_VOTED);
        settings.new_log = mark.exists();
        let failed = |fault| StartError::Ledger(config.ledger.clone(), Box::new(fault));
        let chain = Chain::open_or_create(&config.ledger, Arc::new(genesis)).map_err(failed)?;
        let validator =
            Validator::start(Arc::new(chain), secret, settings, Arc::new(machine)).await.map_err(Box::new)?;
        // Only now: a start that failed has begun no log, and the next one must know it.
        remove(&mark)?;
        let height = validator.status().tip.height;
        Ok(Arc::new(Self {
            validator,
            silence: SILENCE.max(Duration::from_millis(bft.idle_ms) * PAUSES),
            last: Mutex::new((height, Instant::now())),
        }))
    }

    /// Completes when the validator has ended.
    pub(crate) async fn ended(&self) {
        // Why it ended is told by `end`.
        let _ = self.validator.ended().await;
    }

    /// Stops the validator, if it has not ended by itself, and tells why it did.
    ///
    /// # Errors
    /// Why it had ended before.
    pub(crate) async fn end(&self) -> Result<(), amanat_bft::Error> {
        self.validator.stop().await
    }

    /// How long there has been no new block.
    fn silent_for(&self) -> Duration {
        let height = self.validator.status().tip.height;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if height > last.0 {
            *last = (height, Instant::now());
        }
        last.1.elapsed()
    }
}

impl Consensus for BftNode {
    fn chain(&self) -> &Chain {
        self.validator.chain()
    }

    fn name(&self) -> &'static str {
        "bft"
    }

    fn submit_all(self: Arc<Self>, batch: Vec<Vec<u8>>, _: Timestamp, permit: BatchPermit) -> Work<Answers> {
        Box::pin(async move {
            let batch = batch.into_iter().map(Into::into).collect();
            self.validator.submit_all(batch, || permit.free()).await
        })
    }

    /// The validator makes blocks by itself, and stops where a write fails.
    fn settle(&self, _: Timestamp) -> Result<Option<Header>, String> {
        Ok(None)
    }

    fn tip(&self) -> Option<watch::Receiver<Header>> {
        Some(self.validator.tip())
    }

    fn ready(&self) -> Result<(), Problem> {
        if self.validator.report().learning {
            let words = "this validator has no write-ahead log and follows until it may vote again";
            return Err(Problem::busy("learning", words));
        }
        let silent = self.silent_for();
        if silent > self.silence {
            let words = "no block for a while: too few validators are reachable";
            let problem = Problem::busy("no_quorum", words);
            let seconds = |time: Duration| format!("{} s", time.as_secs());
            return Err(
                problem.disagree(format!("a block within {}", seconds(self.silence)), seconds(silent))
            );
        }
        Ok(())
    }

    fn stop(self: Arc<Self>) -> Work<()> {
        Box::pin(async move { drop(self.validator.stop().await) })
    }

    fn samples(&self) -> Vec<Sample> {
        let report = self.validator.report();
        let counter = |name, help, value| Sample { name, kind: "counter", help, value };
        let gauge = |name, help, value| Sample { name, kind: "gauge", help, value };
        let state = self.validator.chain().state();
        let validators = state.validators().map_or(0, |v| v.at(state.tip().height + 1).set.keys().len());
        drop(state);
        vec![
            gauge("validators", "Validators that agree on the next block.", validators as u64),
            gauge("consensus_round", "Present round of the next height.", report.round),
            gauge("consensus_learning", "1 while it follows without voting.", report.learning.into()),
            gauge("seconds_without_block", "Since the last block.", self.silent_for().as_secs()),
            counter("late_heights_total", "Heights that took more than one round.", report.late_rounds),
            counter("proposals_total", "Blocks that this validator proposed.", report.proposed),
            counter(
                "refused_proposals_total",
                "Proposals of others that were refused; the audit log names them.",
                report.refused_proposals,
            ),
            counter("refused_parts_total", "Parts of proposals that were refused.", report.refused_parts),
            counter("fetched_blocks_total", "Blocks fetched to catch up.", report.fetched),
            counter("double_votes_total", "Validators caught with two votes of a round.", report.two_votes),
            counter(
                "double_proposals_total",
                "Validators caught with two proposals of a round.",
                report.two_proposals,
            ),
            counter(
                "two_machines_total",
                "Validators' keys heard of two machines at once.",
                report.two_machines,
            ),
            counter("gossip_sent_total", "Transactions sent to other validators.", report.gossip_sent),
            counter("gossip_received_total", "Transactions received from them.", report.gossip_received),
            counter(
                "gossip_refused_total",
                "Received transactions that CheckTx refused.",
                report.gossip_refused,
            ),
            counter(
                "gossip_dropped_total",
                "Received transactions that were dropped: a flood.",
                report.gossip_dropped,
            ),
        ]
    }

    fn metrics(&self) -> String {
        merged(&engine_metrics())
    }
}
