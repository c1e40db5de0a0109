//! The engine, built for one of two parts: to vote, or to learn.

use crate::codec::Wire;
use crate::context::Ctx;
use crate::error::Error;
use crate::peers;
use crate::secret::ValidatorSecret;
use crate::settings::Settings;
use crate::signing::{SignatureVerifier, Signer};
use crate::types::Address;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use arc_malachitebft_app_channel::app::config::{
    ConsensusConfig, NodeConfig, ProtocolNames, ValueSyncConfig,
};
use arc_malachitebft_app_channel::app::types::codec::Codec;
use arc_malachitebft_app_channel::app::wal::Log;
use arc_malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkContext, NetworkIdentity, RequestContext,
    SyncContext, WalContext,
};
use std::path::PathBuf;
use std::time::Duration;

/// The engine's write-ahead log, in its folder.
const LOG: &str = "consensus.wal";
/// The log of a validator that only learns: it holds no vote, and is deleted.
const LEARNING: &str = "learning.wal";
/// How long the engine may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// What a validator does in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Proposes and votes.
    Vote,
    /// Takes part without a key that could sign, until a block of this time or later is final.
    Learn { until: Timestamp },
}

/// Starts the engine.
pub(crate) async fn start(
    id: ChainId,
    secret: &ValidatorSecret,
    settings: &Settings,
    wire: Wire,
    part: Part,
) -> Result<(Channels<Ctx>, EngineHandle), Error> {
    let key = secret.key();
    let config = Config::new(id, key, settings);
    let signer = Signer { chain: id, secret: secret.clone() };
    let verifier = Box::new(SignatureVerifier { chain: id });
    let (log, identity, consensus) = match part {
        Part::Vote => {
            let proof = signer.validator_proof(peers::peer_id(key).to_bytes());
            let proof = wire.encode(&proof).map_err(|e| Error::Bug(e.to_string()))?;
            let address = Address(key).to_string();
            let identity =
                NetworkIdentity::new_validator(config.moniker.clone(), secret.keypair(), address, proof);
            (LOG, identity, ConsensusContext::new_validator(Address(key), verifier, Box::new(signer)))
        }
        Part::Learn { .. } => {
            forget(settings)?;
            let identity = NetworkIdentity::new(config.moniker.clone(), secret.keypair(), None);
            // An address that no validator has: the engine neither votes nor proposes, and has
            // nothing to sign with.
            let nobody = Address(ValidatorKey([0; 32]));
            (LEARNING, identity, ConsensusContext::new_full_node(nobody, verifier))
        }
    };
    EngineBuilder::new(Ctx, config)
        .with_default_wal(WalContext::new(settings.folder.join(log), wire))
        .with_default_network(NetworkContext::new(identity, wire))
        .with_default_consensus(consensus)
        .with_default_sync(SyncContext::new(wire))
        .with_default_request(RequestContext::new(16))
        .build()
        .await
        .map_err(|e| Error::Start(format!("{e:#}")))
}

/// Stops the engine. Its parts first, and each by itself: the supervisor ends with the first of
/// them and kills the others, and a network that is killed keeps its port.
pub(crate) async fn stop(mut engine: EngineHandle) {
    for part in engine.actor.get_cell().get_children() {
        part.unlink(engine.actor.get_cell());
        if part.stop_and_wait(None, Some(ENDING)).await.is_err() {
            tracing::warn!("a task of the consensus engine did not stop in time and is left behind");
        }
    }
    engine.actor.stop(None);
    if tokio::time::timeout(ENDING, &mut engine.handle).await.is_err() {
        tracing::warn!("the consensus engine did not stop in time and is left behind");
        engine.actor.kill();
    }
}

/// Whether the log knows what this validator has voted for since this block, the last of its
/// ledger. It begins again with each height, so a log of another height does not match the file:
/// the ledger was lost, or the log is from a backup.
pub(crate) fn remembers(settings: &Settings, tip: u64) -> Result<bool, Error> {
    let path = settings.folder.join(LOG);
    let failed = |e| Error::Start(format!("{}: {e}", path.display()));
    match std::fs::metadata(&path) {
        Ok(file) if file.len() > 0 => {
            let height = Log::open(&path).map_err(failed)?.sequence();
            // At the tip, the node stopped after its block was durable and before the log began the
            // next height.
            Ok(height == tip || height == tip + 1)
        }
        // Made and never written: it knows of no vote.
        Ok(_) => Ok(false),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed(e)),
    }
}

/// Deletes the log of a validator that has learned.
pub(crate) fn forget(settings: &Settings) -> Result<(), Error> {
    let path: PathBuf = settings.folder.join(LEARNING);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Start(format!("cannot remove {}: {e}", path.display())))
        }
        _ => Ok(()),
    }
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
