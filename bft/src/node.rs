//! A validator: a ledger, the engine, and the network that carries transactions.

use crate::app::App;
use crate::body::{MOST_BLOCK_BYTES, most_bytes};
use crate::codec::Wire;
use crate::context::{Address, Ctx};
use crate::error::Error;
use crate::gossip::Gossip;
use crate::peers::{self, Peer};
use crate::signing::{Checker, Pen, ValidatorSecret};
use amanat_domain::quorum::{ValidatorKey, ValidatorSet};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_ledger::{Chain, Entered, Fault, Header, Status, SubmitError, Submitted};
use arc_malachitebft_app_channel::app::config::{
    ConsensusConfig, NodeConfig, ProtocolNames, ValueSyncConfig,
};
use arc_malachitebft_app_channel::app::types::codec::Codec;
use arc_malachitebft_app_channel::app::types::core::LinearTimeouts;
use arc_malachitebft_app_channel::{
    ConsensusContext, EngineBuilder, EngineHandle, NetworkContext, NetworkIdentity, RequestContext,
    SyncContext, WalContext,
};
use bytes::Bytes;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The engine's write-ahead log, in its folder.
const LOG: &str = "consensus.wal";
/// How long the engine may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// How a validator runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the engine's write-ahead log. It goes with the ledger file: a validator that lost it must not vote with its old
    /// key before the others have passed the heights it may have voted in.
    pub folder: PathBuf,
    /// Begin a new log beside a ledger that has blocks: for a validator that was voted in and starts over a copy of another's file,
    /// and has never voted. Anyone else without a log may have voted already and would vote again.
    pub new_log: bool,
    /// Where to take part in consensus.
    pub consensus: SocketAddr,
    /// Where to take transactions that other validators received.
    pub gossip: SocketAddr,
    /// Every other validator; there may be more, of later changes.
    pub peers: Vec<Peer>,
    /// How long a round waits for its block; longer with each round of a height.
    pub propose_timeout: Duration,
    /// How long it waits for votes once two thirds have voted for different things.
    pub vote_timeout: Duration,
    /// How often validators tell each other how far they are.
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

    fn timeouts(&self) -> LinearTimeouts {
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

/// One of the validators of a ledger, at work. It stops when it is dropped; [`Validator::stop`] waits until it has.
pub struct Validator {
    chain: Arc<Chain>,
    clock: Clock,
    gossip: Option<Gossip>,
    arrived: Arc<Notify>,
    tip: watch::Receiver<Header>,
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), Error>>,
}

/// Those who agree on the next block, and those who will on later ones.
fn in_force(chain: &Chain) -> Result<ValidatorSet, Error> {
    let state = chain.state();
    let sets = state.validators().ok_or(Fault::NoValidators)?;
    let mut keys = sets.at(state.tip().height + 1).set.keys().to_vec();
    keys.extend(sets.latest.set.keys().iter().filter(|key| !keys.contains(key)).copied().collect::<Vec<_>>());
    ValidatorSet::new(keys).map_err(|e| Error::Start(e.to_string()))
}

impl Validator {
    /// Starts a validator over a ledger that has its key among its validators.
    ///
    /// # Errors
    /// [`Error`], among them [`Fault::NoValidators`].
    pub async fn start(
        chain: Arc<Chain>,
        secret: ValidatorSecret,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self, Error> {
        let genesis = chain.genesis();
        let validators = in_force(&chain)?;
        let (id, key, limits) = (genesis.chain_id(), secret.key(), genesis.limits());
        peers::check(&validators, key, &settings.peers)?;
        if limits.bytes > MOST_BLOCK_BYTES {
            return Err(Error::BlockTooLarge { most: MOST_BLOCK_BYTES, got: limits.bytes });
        }
        let height = chain.status().tip.height;
        let took_part = height > 0 || !chain.proposals(height + 1)?.is_empty();
        if took_part && !settings.new_log && !settings.folder.join(LOG).exists() {
            return Err(Error::NoLog(settings.folder));
        }
        for address in [settings.consensus, settings.gossip] {
            // The engine would only log that it cannot listen, and wait.
            let free = tokio::net::TcpListener::bind(address).await;
            free.map_err(|e| Error::Start(format!("cannot listen on {address}: {e}")))?;
        }
        let (channels, engine) = engine(id, &secret, &settings, Wire { most: most_bytes(&limits) }).await?;
        let arrived = Arc::new(Notify::new());
        let gossip = match settings.peers.as_slice() {
            [] => None,
            peers => {
                let (chain, clock, arrived) = (chain.clone(), clock.clone(), arrived.clone());
                Some(Gossip::start(chain, &secret, settings.gossip, peers, clock, arrived).await?)
            }
        };
        let (stop, stopped) = watch::channel(false);
        let (told, tip) = watch::channel(*chain.state().tip());
        let app = App {
            chain: chain.clone(),
            secret,
            clock: clock.clone(),
            idle: settings.idle,
            timeouts: settings.timeouts(),
            network: channels.network,
            arrived: arrived.clone(),
            tip: told,
            #[cfg(feature = "insecure_tamper")]
            insecure_tamper: settings.insecure_tamper,
        };
        tracing::info!(%id, %key, height = tip.borrow().height, "validator started");
        let running = tokio::spawn(run(app, channels.consensus, stopped, engine));
        Ok(Self { chain, clock, gossip, arrived, tip, stop, running })
    }

    /// The ledger.
    #[must_use]
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// What there is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.chain.status()
    }

    /// Header of the last block; changes with every block, after those who waited for it were answered.
    #[must_use]
    pub fn tip(&self) -> watch::Receiver<Header> {
        self.tip.clone()
    }

    /// Submits a transaction and waits until a block with it is final and durable here. How long that takes is up to the other
    /// validators: bound it. A transaction that was waited for in vain may be committed later; submitting it again is safe.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, bytes: impl Into<Bytes>) -> Result<Submitted, SubmitError> {
        let mut tip = self.tip.clone();
        let bytes: Bytes = bytes.into();
        let (chain, clock, tx) = (self.chain.clone(), self.clock.clone(), bytes.clone());
        let entered = tokio::task::spawn_blocking(move || chain.admit(&tx, clock()));
        let entered = entered.await.map_err(|e| Fault::Bug(format!("a check ended badly: {e}")))?;
        let pending = match entered? {
            Entered::Before(receipt) => return Ok(Submitted::AlreadyCommitted(receipt)),
            Entered::Waiting(pending) => pending,
        };
        self.arrived.notify_one();
        if let Some(gossip) = &self.gossip {
            gossip.publish(bytes).await;
        }
        loop {
            if let Some(outcome) = pending.take() {
                return match outcome {
                    Ok(receipt) => Ok(Submitted::Committed(receipt)),
                    Err(refused) => self.chain.receipt_instead(refused).map(Submitted::AlreadyCommitted),
                };
            }
            if tip.changed().await.is_err() {
                // The loop has ended; what it answered before that is there.
                let stopped = || Err(Fault::Reopen.into());
                return pending.take().map_or_else(stopped, |outcome| outcome.map(Submitted::Committed));
            }
        }
    }

    /// Completes when the validator has stopped by itself, and says why.
    pub async fn ended(&mut self) -> Error {
        match (&mut self.running).await {
            Ok(Ok(())) => Error::EngineStopped,
            Ok(Err(error)) => error,
            Err(error) => error.into(),
        }
    }

    /// Stops the validator. What was acknowledged is durable; what waits is forgotten.
    ///
    /// # Errors
    /// [`Error`]: why it had stopped before.
    pub async fn stop(self) -> Result<(), Error> {
        self.stop.send_replace(true);
        if let Some(gossip) = self.gossip {
            gossip.stop().await;
        }
        self.running.await?
    }
}

async fn run(
    app: App,
    messages: tokio::sync::mpsc::Receiver<arc_malachitebft_app_channel::AppMsg<Ctx>>,
    stop: watch::Receiver<bool>,
    mut engine: EngineHandle,
) -> Result<(), Error> {
    let outcome = tokio::select! {
        outcome = app.run(messages, stop) => outcome,
        _ = &mut engine.handle => return Err(Error::EngineStopped),
    };
    if let Err(error) = &outcome {
        tracing::error!(%error, "validator stopped");
    }
    // Its parts first, and each by itself: the supervisor ends with the first of them and kills the others, and a network that is
    // killed keeps its port.
    for part in engine.actor.get_cell().get_children() {
        part.unlink(engine.actor.get_cell());
        if part.stop_and_wait(None, Some(ENDING)).await.is_err() {
            tracing::warn!("a part of the consensus engine takes long to stop: left behind");
        }
    }
    engine.actor.stop(None);
    if tokio::time::timeout(ENDING, &mut engine.handle).await.is_err() {
        tracing::warn!("the consensus engine takes long to stop: left behind");
        engine.actor.kill();
    }
    outcome
}

type Channels = arc_malachitebft_app_channel::Channels<Ctx>;

async fn engine(
    id: ChainId,
    secret: &ValidatorSecret,
    settings: &Settings,
    wire: Wire,
) -> Result<(Channels, EngineHandle), Error> {
    let key = secret.key();
    let pen = Pen { chain: id, secret: secret.clone() };
    let proof = pen.validator_proof(peers::peer_id(key).to_bytes());
    let proof = wire.encode(&proof).map_err(|e| Error::Bug(e.to_string()))?;
    let config = Config::new(id, key, settings);
    let identity = NetworkIdentity::new_validator(
        config.moniker.clone(),
        secret.keypair(),
        Address(key).to_string(),
        proof,
    );
    EngineBuilder::new(Ctx, config)
        .with_default_wal(WalContext::new(settings.folder.join(LOG), wire))
        .with_default_network(NetworkContext::new(identity, wire))
        .with_default_consensus(ConsensusContext::new_validator(
            Address(key),
            Box::new(Checker { chain: id }),
            Box::new(pen),
        ))
        .with_default_sync(SyncContext::new(wire))
        .with_default_request(RequestContext::new(16))
        .build()
        .await
        .map_err(|e| Error::Start(format!("{e:#}")))
}

/// The engine's configuration.
#[derive(Clone)]
struct Config {
    moniker: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl Config {
    fn new(id: ChainId, key: ValidatorKey, settings: &Settings) -> Self {
        let mut consensus = ConsensusConfig::default();
        let p2p = &mut consensus.p2p;
        p2p.listen_addr = peers::listen(settings.consensus);
        p2p.persistent_peers = settings.peers.iter().map(|p| peers::dial(p.consensus, p.key)).collect();
        p2p.persistent_peers_only = true;
        p2p.discovery.enabled = false;
        // A peer of another ledger is not spoken to.
        let name = |what| format!("/amanat/{id}/{what}");
        p2p.protocol_names = ProtocolNames {
            consensus: name("consensus/v1"),
            discovery_kad: name("kad/v1"),
            discovery_regres: name("discovery/v1"),
            sync: name("sync/v1"),
            validator_proof: name("proof/v1"),
        };
        let sync = ValueSyncConfig {
            status_update_interval: settings.status_interval,
            ..ValueSyncConfig::default()
        };
        Self { moniker: key.to_string(), consensus, sync }
    }
}

impl NodeConfig for Config {
    fn moniker(&self) -> &str {
        &self.moniker
    }
    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }
    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }
    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }
    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}
