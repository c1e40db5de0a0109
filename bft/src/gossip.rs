//! Transactions on their way to the other validators: a second network beside consensus, with the
//! same identities and the same allow-list.
//!
//! Malachite has no channel for an application's messages, and its proposal parts wait while a
//! proposer makes a block. A transaction that passed CheckTx here is sent once to all others, many
//! to a message. A received transaction is considered once, waits in a queue that is bounded per
//! sender, and passes CheckTx again, many in one batch, before it enters the pool. A lost
//! transaction is sent again by the validator that took it, as long as its submitter waits there.
//!
//! Beside them travel the beacons that show one key on two machines (`duplicate_signer`).

use crate::duplicate_signer::{BEACON_BYTES, DuplicateSigners};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::peers::{self, Peer};
use crate::secret::ValidatorSecret;
use crate::settings::{Clock, Settings};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::{ChainId, MAX_TX_BYTES};
use amanat_ledger::{Chain, Source};
use arc_malachitebft_app_channel::app::metrics::SharedRegistry;
use arc_malachitebft_app_channel::app::types::PeerId;
use arc_malachitebft_network as network;
use arc_malachitebft_sync::RawMessage;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use network::handle::{CtrlHandle, RecvHandle};
use network::{Channel, Event};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

/// Transactions remembered as seen.
const REMEMBERED: usize = 65_536;
/// Transactions of one sender that may wait for CheckTx.
const WAITING: usize = 4096;
/// Bytes of these transactions.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Transactions that pass CheckTx together.
const BATCH: usize = 512;
/// Batches that may wait to be sent; a submitter waits for room.
const SENDING: usize = 64;
/// Most bytes of a message.
const MESSAGE_BYTES: usize = MAX_TX_BYTES + LENGTH_BYTES;
/// Bytes of the length before each transaction of a message, big-endian.
const LENGTH_BYTES: usize = 4;

/// The network that carries transactions.
pub(crate) struct Gossip {
    queue: mpsc::Sender<Vec<Bytes>>,
    seen: Arc<Mutex<Seen>>,
    stop: watch::Sender<bool>,
    /// Closed when the network has ended.
    ended: watch::Receiver<()>,
    taking: JoinHandle<()>,
}

/// What was seen lately, by hash.
#[derive(Default)]
pub(crate) struct Seen {
    /// When it was seen.
    set: BTreeMap<[u8; 32], u64>,
    /// The same in order; what was forgotten meanwhile is passed over.
    order: VecDeque<([u8; 32], u64)>,
    next: u64,
}

impl Seen {
    fn has(&self, bytes: &[u8]) -> bool {
        self.set.contains_key(&<[u8; 32]>::from(Sha256::digest(bytes)))
    }

    fn forget(&mut self, bytes: &[u8]) {
        self.set.remove(&<[u8; 32]>::from(Sha256::digest(bytes)));
    }

    /// Whether this is new; remembers it.
    fn first(&mut self, bytes: &[u8]) -> bool {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        if self.set.contains_key(&hash) {
            return false;
        }
        self.next += 1;
        self.set.insert(hash, self.next);
        self.order.push_back((hash, self.next));
        if self.order.len() > REMEMBERED
            && let Some((oldest, when)) = self.order.pop_front()
            // It may have been forgotten and seen again: then a later entry of the order counts.
            && self.set.get(&oldest) == Some(&when)
        {
            self.set.remove(&oldest);
        }
        true
    }
}

impl Gossip {
    pub(crate) async fn start(
        chain: Arc<Chain>,
        secret: &ValidatorSecret,
        settings: &Settings,
        clock: Clock,
        arrived: Arc<Notify>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let (id, peers) = (chain.status().chain, &settings.peers);
        let config = config(id, settings.gossip, peers);
        let moniker = format!("gossip-{}", secret.key());
        let registry = SharedRegistry::global().with_moniker(moniker.clone());
        let identity = network::NetworkIdentity::new(moniker, secret.keypair(), None);
        let failed = |e| Error::Start(format!("the network for transactions: {e}"));
        let (events, out) = network::spawn(identity, config, registry).await.map_err(failed)?.split();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let senders = peers.iter().map(|p| (peers::peer_id(p.key).to_bytes(), p.key)).collect();
        let mut name = [0; 16];
        #[allow(clippy::disallowed_methods, reason = "a name that nothing else depends on")]
        rand::Rng::fill_bytes(&mut rand::rng(), &mut name);
        let duplicates = DuplicateSigners::new(id, secret.clone(), peers.iter().map(|p| p.key), name);
        let watch = Watch {
            duplicates,
            reached: BTreeMap::new(),
            looked_at: BTreeMap::new(),
            metrics: metrics.clone(),
        };
        let watch = Arc::new(Mutex::new(watch));
        let outbox = Outbox { out, clock: clock.clone(), watch: watch.clone(), metrics: metrics.clone() };
        let (reply, replies) = mpsc::channel(SENDING);
        let inbox = Inbox { chain, clock, arrived, seen: seen.clone(), senders, watch, reply, metrics };
        let (queue, waiting) = mpsc::channel(SENDING);
        let (stop, stopped) = watch::channel(false);
        let (running, ended) = watch::channel(());
        let pause = settings.status_interval;
        tokio::spawn(async move {
            outbox.run((waiting, replies), stopped, pause).await;
            drop(running);
        });
        Ok(Self { queue, seen, stop, ended, taking: tokio::spawn(inbox.run(events)) })
    }

    /// Sends transactions that passed CheckTx to all other validators.
    pub(crate) async fn publish(&self, txs: Vec<Bytes>) {
        {
            let mut seen = lock(&self.seen);
            for tx in &txs {
                seen.first(tx);
            }
        }
        if self.queue.send(txs).await.is_err() {
            tracing::debug!("the network for transactions has stopped");
        }
    }

    /// Ends the network and waits until it has released its port.
    pub(crate) async fn stop(&self) {
        self.taking.abort();
        self.stop.send_replace(true);
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Drop for Gossip {
    /// Releases the ledger and the port.
    fn drop(&mut self) {
        self.taking.abort();
    }
}

/// Beacons of a peer that are read between two of our own: its own, and what it heard of other
/// processes.
const BEACONS: usize = 8;

/// Which processes run under which keys, as far as this one heard.
struct Watch {
    duplicates: DuplicateSigners,
    /// Peers that are connected.
    reached: BTreeMap<Vec<u8>, PeerId>,
    /// Number of beacons of each peer that were read since our last.
    looked_at: BTreeMap<Vec<u8>, usize>,
    metrics: Arc<Metrics>,
}

impl Watch {
    /// The beacon to send now, and the peers to send it to.
    fn beacon(&mut self, seconds: u64) -> (Bytes, Vec<PeerId>) {
        self.looked_at.clear();
        let (beacon, caught) = self.duplicates.beacon(seconds);
        if caught {
            self.own();
        }
        (beacon, self.reached.values().copied().collect())
    }

    fn hear(&mut self, from: &[u8], beacons: &[u8]) {
        for beacon in beacons.chunks(BEACON_BYTES) {
            let looked_at = self.looked_at.entry(from.to_vec()).or_default();
            if *looked_at == BEACONS {
                // Each costs a signature check, and a peer chooses how many it sends.
                return;
            }
            *looked_at += 1;
            match self.duplicates.hear(beacon) {
                None => {}
                Some(key) if key == self.duplicates.key() => self.own(),
                Some(validator) => {
                    Metrics::one(&self.metrics.two_machines);
                    tracing::error!(target: "audit", %validator, "one validator's key runs on two machines");
                }
            }
        }
    }

    fn own(&self) {
        Metrics::one(&self.metrics.two_machines);
        let key = self.duplicates.key();
        tracing::error!(target: "audit", %key, "this validator's key runs on another machine, too: stop one of them");
    }
}

/// What is to be sent.
enum Turn {
    End,
    Send,
    Reply(RawMessage, Bytes),
    Beacon,
}

struct Outbox {
    out: CtrlHandle,
    clock: Clock,
    watch: Arc<Mutex<Watch>>,
    metrics: Arc<Metrics>,
}

impl Outbox {
    /// Sends what is published until it is told to stop, or nobody can publish any more.
    async fn run(
        self,
        (mut queue, mut replies): (mpsc::Receiver<Vec<Bytes>>, mpsc::Receiver<(RawMessage, Bytes)>),
        mut stop: watch::Receiver<bool>,
        pause: Duration,
    ) {
        let mut beacons = tokio::time::interval(pause);
        beacons.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut batches = Vec::new();
            let turn = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => Turn::End,
                taken = queue.recv_many(&mut batches, SENDING) => if taken == 0 { Turn::End } else { Turn::Send },
                Some((asked, reply)) = replies.recv() => Turn::Reply(asked, reply),
                _ = beacons.tick() => Turn::Beacon,
            };
            match turn {
                Turn::End => break,
                Turn::Send => {}
                Turn::Reply(RawMessage::Request { request_id, .. }, reply) => {
                    log_failure(self.out.sync_reply(request_id, reply).await);
                    continue;
                }
                // Only requests have an answer.
                Turn::Reply(..) => continue,
                Turn::Beacon => {
                    let (beacon, peers) = lock(&self.watch).beacon((self.clock)().seconds());
                    for peer in peers {
                        // To each peer by itself: a message published to all is deduplicated by
                        // key, which is what two machines share.
                        log_failure(self.out.sync_request(peer, beacon.clone()).await);
                    }
                    continue;
                }
            }
            let txs: Vec<Bytes> = batches.into_iter().flatten().collect();
            self.metrics.gossip_sent.fetch_add(txs.len() as u64, Ordering::Relaxed);
            for message in messages(&txs) {
                log_failure(self.out.publish(Channel::Consensus, message).await);
            }
        }
        if let Err(error) = self.out.wait_shutdown().await {
            tracing::debug!(%error, "the network for transactions had stopped");
        }
    }
}

/// Logs a failure to send. That the network has ended shows where its end is awaited.
fn log_failure<T, E: std::fmt::Display>(outcome: Result<T, E>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "the network for transactions accepts no message");
    }
}

/// Transactions, packed into the fewest messages in their order.
fn messages(txs: &[Bytes]) -> Vec<Bytes> {
    let (mut messages, mut message) = (Vec::new(), BytesMut::new());
    for tx in txs.iter().filter(|tx| tx.len() <= MAX_TX_BYTES) {
        if !message.is_empty() && message.len() + LENGTH_BYTES + tx.len() > MESSAGE_BYTES {
            messages.push(message.split().freeze());
        }
        message.put_u32(u32::try_from(tx.len()).expect("at most 128 KiB"));
        message.put_slice(tx);
    }
    if !message.is_empty() {
        messages.push(message.freeze());
    }
    messages
}

/// The transactions of a message; `None` if it is not well formed.
fn transactions(mut message: Bytes) -> Option<Vec<Bytes>> {
    let mut txs = Vec::new();
    while !message.is_empty() {
        let length = message.try_get_u32().ok()? as usize;
        if length == 0 || length > message.len() {
            return None;
        }
        txs.push(message.split_to(length));
    }
    Some(txs)
}

struct Inbox {
    chain: Arc<Chain>,
    clock: Clock,
    arrived: Arc<Notify>,
    seen: Arc<Mutex<Seen>>,
    senders: BTreeMap<Vec<u8>, ValidatorKey>,
    watch: Arc<Mutex<Watch>>,
    /// Answers to what others say of themselves.
    reply: mpsc::Sender<(RawMessage, Bytes)>,
    metrics: Arc<Metrics>,
}

/// What waits for CheckTx, by sender; senders take turns, so that a flood delays no other sender.
#[derive(Default)]
struct Queue {
    by_sender: BTreeMap<ValidatorKey, Waiting>,
    last: Option<ValidatorKey>,
}

/// Of one sender.
#[derive(Default)]
struct Waiting {
    txs: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, sender: ValidatorKey, tx: Bytes) -> bool {
        let waiting = self.by_sender.entry(sender).or_default();
        let room = waiting.txs.len() < WAITING && waiting.bytes + tx.len() <= WAITING_BYTES;
        if room {
            waiting.bytes += tx.len();
            waiting.txs.push_back(tx);
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
        let tx = waiting.txs.pop_front()?;
        waiting.bytes -= tx.len();
        if waiting.txs.is_empty() {
            self.by_sender.remove(&sender);
        }
        self.last = Some(sender);
        Some((sender, tx))
    }
}

impl Inbox {
    async fn run(self, mut events: RecvHandle) {
        let this = Arc::new(self);
        let mut queue = Queue::default();
        let mut checking: Option<JoinHandle<()>> = None;
        loop {
            // One batch at a time. What arrives meanwhile waits in the queue, where the senders
            // take turns.
            if checking.is_none() {
                let batch: Vec<_> = std::iter::from_fn(|| queue.pop()).take(BATCH).collect();
                checking = (!batch.is_empty()).then(|| {
                    let this = this.clone();
                    tokio::task::spawn_blocking(move || this.check(&batch))
                });
            }
            let idle = checking.is_none();
            tokio::select! {
                event = events.recv() => match event {
                    None => return,
                    Some(Event::ConsensusMessage(Channel::Consensus, _, Some(from), message)) => {
                        this.queue(&mut queue, &from.to_bytes(), message);
                    }
                    Some(Event::Sync(asked @ RawMessage::Request { .. })) => {
                        let RawMessage::Request { peer, body, .. } = &asked else { continue };
                        let others = {
                            let mut watch = lock(&this.watch);
                            watch.hear(&peer.to_bytes(), body);
                            watch.duplicates.others(body)
                        };
                        // Dropped if the queue is full: the network forgets requests without an
                        // answer, and a flood must not hold up transactions.
                        let _ = this.reply.try_send((asked, others));
                    }
                    Some(Event::Sync(RawMessage::Response { peer, body, .. })) => {
                        lock(&this.watch).hear(&peer.to_bytes(), &body);
                    }
                    Some(Event::PeerConnected(peer)) => {
                        lock(&this.watch).reached.insert(peer.to_bytes(), peer);
                    }
                    Some(Event::PeerDisconnected(peer)) => {
                        lock(&this.watch).reached.remove(&peer.to_bytes());
                    }
                    Some(_) => {}
                },
                _ = async { checking.as_mut().expect("not idle").await }, if !idle => checking = None,
            }
        }
    }

    fn queue(&self, queue: &mut Queue, from: &[u8], message: Bytes) {
        let Some(sender) = self.senders.get(from) else { return };
        let Some(txs) = transactions(message) else {
            tracing::warn!(target: "audit", %sender, "a validator sends bytes that are not transactions");
            return;
        };
        let (mut seen, mut dropped) = (lock(&self.seen), 0u64);
        for tx in txs {
            if tx.len() > MAX_TX_BYTES || seen.has(&tx) {
                continue;
            }
            // Copied, since a slice would keep the whole message in memory while one of its
            // transactions waits. Marked as seen only if it was queued: another sender of the same
            // transaction may have room.
            if queue.push(*sender, Bytes::copy_from_slice(&tx)) {
                seen.first(&tx);
            } else {
                dropped += 1;
            }
        }
        drop(seen);
        if dropped > 0 {
            self.metrics.gossip_dropped.fetch_add(dropped, Ordering::Relaxed);
            tracing::warn!(target: "audit", %sender, dropped, "a validator sends transactions faster than they can be checked");
        }
    }

    fn check(&self, batch: &[(ValidatorKey, Bytes)]) {
        let txs: Vec<&Bytes> = batch.iter().map(|(_, tx)| tx).collect();
        let checked = self.chain.check_txs(&txs, (self.clock)());
        let (mut taken, mut refusals) = (false, 0);
        for ((sender, tx), checked) in batch.iter().zip(checked) {
            // An honest validator sends what passed its own CheckTx. The state may have moved
            // since, so a refusal is not held against the sender.
            match self.chain.enqueue_from(Source::Peer(*sender), checked) {
                Ok(_) => taken = true,
                Err(refused) => {
                    // Forgotten, because it may be admitted later: a full pool empties, a state
                    // catches up.
                    lock(&self.seen).forget(tx);
                    refusals += 1;
                    tracing::debug!(%refused, "a transaction from another validator is refused");
                }
            }
        }
        self.metrics.gossip_received.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.metrics.gossip_refused.fetch_add(refusals, Ordering::Relaxed);
        if taken {
            self.arrived.notify_one();
        }
    }
}

fn config(chain: ChainId, listen: SocketAddr, peers: &[Peer]) -> network::Config {
    let name = |what| format!("/amanat/{chain}/mempool/{what}");
    // The network takes at most 64 bytes for these; the protocols' names keep ledgers apart.
    let channel = |what: &str| format!("/amanat/mempool/{what}");
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
            consensus: channel("transactions"),
            proposal_parts: channel("unused-parts"),
            sync: channel("unused-status"),
            liveness: channel("unused-liveness"),
        },
        rpc_max_size: 1024,
        pubsub_max_size: MESSAGE_BYTES + 4096,
        pubsub_max_size_per_topic: network::PubSubMaxSizePerTopic::default(),
        sync_request_timeout: Duration::from_secs(1),
        sync_max_request_size: 1024,
        sync_parallel_requests: 1,
        enable_consensus: true,
        enable_sync: true,
        protocol_names: network::ProtocolNames {
            consensus: name("v1"),
            discovery_kad: name("kad"),
            discovery_regres: name("discovery"),
            sync: name("instances"),
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
        let large = Bytes::from(vec![0; MAX_TX_BYTES]);
        let fit = std::iter::repeat_with(|| queue.push(loud, large.clone())).take_while(|taken| *taken);
        assert_eq!(fit.count(), WAITING_BYTES / MAX_TX_BYTES);
        queue = Queue::default();
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
    fn many_transactions_go_into_one_message_and_come_out_as_they_were() {
        let of = |bytes: u8, len: usize| Bytes::from(vec![bytes; len]);
        let txs = [of(1, 100), of(2, MAX_TX_BYTES), of(3, 1), of(4, 70_000), of(5, 70_000)];
        let sent = messages(&txs);
        assert_eq!(sent.len(), 4, "two small ones travel together");
        assert!(sent.iter().all(|message| message.len() <= MESSAGE_BYTES));
        let got: Vec<Bytes> = sent.into_iter().flat_map(|m| transactions(m).expect("as sent")).collect();
        assert_eq!(got, txs);
        assert!(messages(&[of(1, MAX_TX_BYTES + 1)]).is_empty());
        assert!(transactions(Bytes::new()).is_some_and(|txs| txs.is_empty()));
        for bad in [&[0, 0, 0][..], &[0, 0, 0, 0], &[0, 0, 0, 2, 1], &[255, 255, 255, 255, 1]] {
            assert_eq!(transactions(Bytes::copy_from_slice(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn a_peer_that_floods_keeps_nobody_else_from_being_heard() {
        let (chain, secret) = (ChainId([7; 32]), |n| ValidatorSecret::from_bytes(&[n; 32]));
        let of = |key: u8, name: u8| {
            DuplicateSigners::new(chain, secret(key), [1, 2].into_iter().map(|n| secret(n).key()), [name; 16])
        };
        let metrics = Arc::new(Metrics::default());
        let (reached, looked_at) = (BTreeMap::new(), BTreeMap::new());
        let mut watch = Watch { duplicates: of(9, 9), reached, looked_at, metrics: metrics.clone() };
        let (mut one, mut two) = (of(1, 1), of(1, 2));
        for seconds in 10..13 {
            (0..100).for_each(|_| watch.hear(b"loud", &[0; BEACON_BYTES]));
            watch.hear(b"quiet", &one.beacon(seconds).0);
            watch.hear(b"quiet", &two.beacon(seconds).0);
            assert_eq!(watch.looked_at[&b"loud"[..]], BEACONS);
            let _ = watch.beacon(seconds);
        }
        assert_eq!(metrics.report().two_machines, 1);
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
        assert!(seen.first(b"a") && seen.has(b"a"));
        assert_eq!(seen.order.len(), REMEMBERED);
    }
}
