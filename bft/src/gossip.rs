//! Transactions on their way to the other validators: a network of its own beside consensus, with the same identities and the same
//! allow-list.
//!
//! The engine has no channel for an application's messages, and its proposal parts wait while a proposer makes a block. What passed
//! gate 1 here is sent once to everyone; what comes in is looked at once, waits in a queue that is bounded per sender, and passes
//! gate 1 again before it is in the pool. What is lost is not sent again: the validator that took it proposes it at its own turn.

use crate::error::Error;
use crate::node::Clock;
use crate::peers::{self, Peer};
use crate::signing::ValidatorSecret;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::{ChainId, MAX_TX_BYTES};
use amanat_ledger::{Chain, Source};
use arc_malachitebft_app_channel::app::metrics::SharedRegistry;
use arc_malachitebft_network as network;
use bytes::Bytes;
use network::handle::{CtrlHandle, RecvHandle};
use network::{Channel, Event};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Transactions remembered as seen.
const REMEMBERED: usize = 65_536;
/// Transactions of one sender that may wait for gate 1.
const WAITING: usize = 1024;

/// The network that carries transactions.
pub(crate) struct Gossip {
    /// None once it was stopped.
    out: Option<CtrlHandle>,
    seen: Arc<Mutex<Seen>>,
    taking: JoinHandle<()>,
}

/// What was seen lately, by hash.
#[derive(Default)]
pub(crate) struct Seen {
    set: BTreeSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Seen {
    fn has(&self, bytes: &[u8]) -> bool {
        self.set.contains(&<[u8; 32]>::from(Sha256::digest(bytes)))
    }

    fn forget(&mut self, bytes: &[u8]) {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        if self.set.remove(&hash) {
            self.order.retain(|other| *other != hash);
        }
    }

    /// Whether this is new; remembers it.
    fn first(&mut self, bytes: &[u8]) -> bool {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        if !self.set.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED {
            self.order.pop_front().map(|oldest| self.set.remove(&oldest));
        }
        true
    }
}

impl Gossip {
    pub(crate) async fn start(
        chain: Arc<Chain>,
        secret: &ValidatorSecret,
        listen: SocketAddr,
        peers: &[Peer],
        clock: Clock,
        arrived: Arc<Notify>,
    ) -> Result<Self, Error> {
        let id = chain.status().chain;
        let config = config(id, listen, peers);
        let moniker = format!("gossip-{}", secret.key());
        let registry = SharedRegistry::global().with_moniker(moniker.clone());
        let identity = network::NetworkIdentity::new(moniker, secret.keypair(), None);
        let failed = |e| Error::Start(format!("the network for transactions: {e}"));
        let (events, out) = network::spawn(identity, config, registry).await.map_err(failed)?.split();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let senders = peers.iter().map(|p| (peers::peer_id(p.key).to_bytes(), p.key)).collect();
        let inbox = Inbox { chain, clock, arrived, seen: seen.clone(), senders };
        Ok(Self { out: Some(out), seen, taking: tokio::spawn(inbox.run(events)) })
    }

    /// Sends a transaction that passed gate 1 to everyone else.
    pub(crate) async fn publish(&self, tx: Bytes) {
        lock(&self.seen).first(&tx);
        let Some(out) = &self.out else { return };
        if let Err(error) = out.publish(Channel::Consensus, tx).await {
            tracing::warn!(%error, "a transaction was not sent to the other validators");
        }
    }

    pub(crate) async fn stop(mut self) {
        if let Some(out) = self.out.take()
            && let Err(error) = out.wait_shutdown().await
        {
            tracing::debug!(%error, "the network for transactions had stopped");
        }
    }
}

impl Drop for Gossip {
    /// Lets go of the ledger and of the port.
    fn drop(&mut self) {
        self.taking.abort();
        if let (Some(out), Ok(runtime)) = (self.out.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { drop(out.wait_shutdown().await) });
        }
    }
}

struct Inbox {
    chain: Arc<Chain>,
    clock: Clock,
    arrived: Arc<Notify>,
    seen: Arc<Mutex<Seen>>,
    senders: BTreeMap<Vec<u8>, ValidatorKey>,
}

/// What waits for gate 1, by sender; they take turns, so that one who floods delays nobody else.
#[derive(Default)]
struct Queue {
    by_sender: BTreeMap<ValidatorKey, VecDeque<Bytes>>,
    last: Option<ValidatorKey>,
}

impl Queue {
    fn push(&mut self, sender: ValidatorKey, tx: Bytes) -> bool {
        let waiting = self.by_sender.entry(sender).or_default();
        let room = waiting.len() < WAITING;
        if room {
            waiting.push_back(tx);
        }
        room
    }

    fn pop(&mut self) -> Option<(ValidatorKey, Bytes)> {
        let after = |last: ValidatorKey| {
            use std::ops::Bound::{Excluded, Unbounded};
            self.by_sender.range((Excluded(last), Unbounded)).next().map(|(key, _)| *key)
        };
        let sender = self.last.and_then(after).or_else(|| self.by_sender.keys().next().copied())?;
        let waiting = self.by_sender.get_mut(&sender)?;
        let tx = waiting.pop_front();
        if waiting.is_empty() {
            self.by_sender.remove(&sender);
        }
        self.last = Some(sender);
        tx.map(|tx| (sender, tx))
    }
}

impl Inbox {
    async fn run(self, mut events: RecvHandle) {
        let this = Arc::new(self);
        let mut queue = Queue::default();
        let mut checking: Option<JoinHandle<()>> = None;
        loop {
            if checking.is_none() {
                checking = queue.pop().map(|(sender, tx)| {
                    let this = this.clone();
                    tokio::task::spawn_blocking(move || this.check(sender, &tx))
                });
            }
            let idle = checking.is_none();
            tokio::select! {
                event = events.recv() => match event {
                    None => return,
                    Some(Event::ConsensusMessage(Channel::Consensus, _, Some(from), tx)) => {
                        this.queue(&mut queue, &from.to_bytes(), tx);
                    }
                    Some(_) => {}
                },
                _ = async { checking.as_mut().expect("not idle").await }, if !idle => checking = None,
            }
        }
    }

    fn queue(&self, queue: &mut Queue, from: &[u8], tx: Bytes) {
        let Some(sender) = self.senders.get(from) else { return };
        if tx.len() > MAX_TX_BYTES || lock(&self.seen).has(&tx) {
            return;
        }
        // Seen is only what is looked at: another sender of the same one may have room.
        if queue.push(*sender, tx.clone()) {
            lock(&self.seen).first(&tx);
        } else {
            tracing::warn!(target: "audit", %sender, "sends transactions faster than they can be checked");
        }
    }

    fn check(&self, sender: ValidatorKey, tx: &[u8]) {
        // An honest validator sends what passed its own gate 1. The state may have moved since, so a refusal is no crime.
        match self.chain.admit_from(Source::Peer(sender), tx, (self.clock)()) {
            Ok(_) => self.arrived.notify_one(),
            Err(refused) => {
                // It may be taken later: a full pool empties, a state catches up.
                lock(&self.seen).forget(tx);
                tracing::debug!(%refused, "a transaction from another validator is not taken");
            }
        }
    }
}

fn config(chain: ChainId, listen: SocketAddr, peers: &[Peer]) -> network::Config {
    let name = |what| format!("/amanat/{chain}/mempool/{what}");
    network::Config {
        listen_addr: peers::listen(listen),
        persistent_peers: peers.iter().map(|p| peers::dial(p.gossip, p.key)).collect(),
        persistent_peers_only: true,
        discovery: network::DiscoveryConfig {
            enabled: false,
            persistent_peers_only: true,
            ..network::DiscoveryConfig::default()
        },
        idle_connection_timeout: Duration::from_secs(15 * 60),
        transport: network::TransportProtocol::Tcp,
        gossipsub: network::GossipSubConfig::default(),
        pubsub_protocol: network::PubSubProtocol::GossipSub,
        channel_names: network::ChannelNames {
            consensus: name("transactions"),
            proposal_parts: name("unused-parts"),
            sync: name("unused-sync"),
            liveness: name("unused-liveness"),
        },
        rpc_max_size: 1024,
        pubsub_max_size: MAX_TX_BYTES + 4096,
        pubsub_max_size_per_topic: network::PubSubMaxSizePerTopic::default(),
        sync_request_timeout: Duration::from_secs(1),
        sync_max_request_size: 1024,
        sync_parallel_requests: 1,
        enable_consensus: true,
        enable_sync: false,
        protocol_names: network::ProtocolNames {
            consensus: name("v1"),
            discovery_kad: name("kad"),
            discovery_regres: name("discovery"),
            sync: name("sync"),
            validator_proof: name("proof"),
        },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_take_turns_and_are_bounded() {
        let (loud, quiet) = (ValidatorKey([1; 32]), ValidatorKey([2; 32]));
        let mut queue = Queue::default();
        let taken = (0..2 * WAITING).filter(|n| queue.push(loud, vec![*n as u8].into())).count();
        assert_eq!(taken, WAITING);
        assert!(queue.push(quiet, Bytes::from_static(b"q")));
        let first: Vec<_> = (0..3).filter_map(|_| queue.pop()).collect();
        assert!(
            first.contains(&(quiet, Bytes::from_static(b"q"))),
            "the quiet one waits for one transaction, not for all"
        );
        assert_eq!(std::iter::from_fn(|| queue.pop()).count(), WAITING - 2);
    }

    #[test]
    fn what_was_seen_is_forgotten_after_a_while() {
        let mut seen = Seen::default();
        assert!(seen.first(b"a") && !seen.first(b"a"));
        (0..REMEMBERED as u32).for_each(|n| assert!(seen.first(&n.to_le_bytes())));
        assert_eq!(seen.set.len(), REMEMBERED);
        assert!(seen.first(b"a"), "forgotten");
        seen.forget(b"a");
        assert!(!seen.has(b"a"));
        assert_eq!(seen.order.len(), seen.set.len());
    }
}
