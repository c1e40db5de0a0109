//! A node: one ledger behind HTTP.
//!
//! [`Node::serve`] accepts connections until it is told to stop, then finishes what is in flight.
//! Three tasks run beside the connections: `commit` hands waiting submissions to the ledger's
//! [`Consensus`], many at once, so that submitters that wait together share one disk write; `epoch`
//! does the consensus's upkeep, such as sealing the bundle of an epoch when it begins; each event
//! stream follows the height of the last block. All of them wait for events; nothing polls.

mod caller;
mod commit;
mod connection;
mod consensus;
mod development;
mod epoch;
mod events;
mod handlers;
mod metrics;
mod openapi;
mod operation;
mod operations;
mod query;
mod refusal;
mod routes;
mod snapshot;
mod started;
mod tls;

pub use openapi::OPENAPI;
pub use started::Started;
pub use tls::Acceptor;

pub use consensus::{Answers, BatchPermit, Consensus, Sample, Work};

use self::refusal::HttpRefusal;
use amanat_api::clock::{ByHandError, Clock, EpochClock};
use amanat_api::problem::Problem;
use amanat_ledger::Chain;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, mpsc, watch};

/// Length of a page if the reader names none.
const USUAL_LEAVES: usize = 1024;
const USUAL_BLOCKS: usize = 64;
const USUAL_MEMBERS: usize = 256;

/// Bounds of a node. The defaults suit a validator with a few gigabytes of memory.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Most connections; more wait to be accepted.
    pub connections: usize,
    /// Most requests at work; more are answered 503.
    pub requests: usize,
    /// Most submissions in flight of one caller (an organisation by its certificate, else an
    /// address); more are answered 503.
    pub requests_per_caller: usize,
    /// Most event streams; more are answered 503.
    pub streams: usize,
    /// How long a client may take for its request's head, and before that for the handshake of TLS.
    pub header_timeout: Duration,
    /// How long it may take for the body.
    pub body_timeout: Duration,
    /// How long an answer may take to be made.
    pub request_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub stall_timeout: Duration,
    /// How long connections in flight may go on after shutdown began.
    pub drain_timeout: Duration,
    /// Speaks TLS on every connection; without it, none.
    pub tls: Option<Acceptor>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            connections: 1024,
            requests: 512,
            requests_per_caller: 128,
            streams: 256,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(15),
            tls: None,
        }
    }
}

/// How far the last block may be ahead of this machine's clock before something is wrong with one
/// of them.
const CLOCK_SECONDS: u64 = 15;

/// A ledger and its HTTP interface.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_api::clock::machine;
/// use amanat_ledger::{Genesis, Solo};
/// use amanat_node::server::{Node, NodeConfig};
/// use std::sync::Arc;
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let ledger = Solo::open_or_create("ledger.redb".as_ref(), genesis.into())?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7420").await?;
/// let node = Node::new(Arc::new(ledger), Arc::new(machine), NodeConfig::default());
/// node.serve(listener, amanat_node::stop()).await?;
/// # Ok(()) }
/// ```
pub struct Node {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<commit::Submission>,
}

/// What the tasks and handlers of a node have in common.
struct Shared {
    consensus: Arc<dyn Consensus>,
    clock: Arc<dyn Clock>,
    /// The same clock, if epochs are advanced by hand.
    by_hand: Option<Arc<EpochClock>>,
    config: NodeConfig,
    /// The description of the interface: made from the table of routes, one of which answers it.
    description: &'static LazyLock<String>,
    metrics: metrics::Metrics,
    /// Where submissions wait for a batch.
    submissions: mpsc::Sender<commit::Submission>,
    /// Height of the last block told to event streams.
    tip: watch::Sender<u64>,
    /// Whether shutdown has begun.
    stop: watch::Sender<bool>,
    /// Told when no connection can submit any more.
    drained: Notify,
    /// Told when a write failed.
    trouble: Notify,
    requests: Semaphore,
    callers: Arc<caller::Quota>,
    streams: Arc<Semaphore>,
    snapshots: Arc<Semaphore>,
    /// How long sending a snapshot may take.
    snapshot_time: Duration,
}

/// Serves a ledger until `shutdown` completes. See [`Node::serve`].
///
/// # Errors
/// The listener's.
pub async fn serve(
    listener: TcpListener,
    consensus: Arc<dyn Consensus>,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    Node::new(consensus, clock, NodeConfig::default()).serve(listener, shutdown).await
}

impl Node {
    /// A node over this ledger.
    #[must_use]
    pub fn new(consensus: Arc<dyn Consensus>, clock: Arc<dyn Clock>, config: NodeConfig) -> Self {
        Self::with(consensus, clock, None, config)
    }

    /// A node for development: `POST /v1/dev/epoch` advances its epochs, and nothing else does. It
    /// serves this machine alone.
    ///
    /// # Errors
    /// [`ByHandError::OtherChain`]: the clock is not of this ledger's chain.
    pub fn by_hand(
        consensus: Arc<dyn Consensus>,
        clock: Arc<EpochClock>,
        config: NodeConfig,
    ) -> Result<Self, ByHandError> {
        clock.is_of(&consensus.chain().genesis())?;
        Ok(Self::with(consensus, clock.clone(), Some(clock), config))
    }

    fn with(
        consensus: Arc<dyn Consensus>,
        clock: Arc<dyn Clock>,
        by_hand: Option<Arc<EpochClock>>,
        config: NodeConfig,
    ) -> Self {
        let (submissions, queue) = mpsc::channel(config.requests.max(1));
        let tip = consensus.chain().state().tip().height;
        let shared = Shared {
            submissions,
            metrics: metrics::Metrics::default(),
            tip: watch::Sender::new(tip),
            stop: watch::Sender::new(false),
            drained: Notify::new(),
            trouble: Notify::new(),
            requests: Semaphore::new(config.requests),
            callers: caller::Quota::new(config.requests_per_caller),
            streams: Arc::new(Semaphore::new(config.streams)),
            snapshots: Arc::new(Semaphore::new(1)),
            snapshot_time: snapshot::LONGEST,
            consensus,
            clock,
            by_hand,
            config,
            description: &OPENAPI,
        };
        Self { shared: Arc::new(shared), queue }
    }

    /// What is said of a node that serves at an address.
    ///
    /// # Errors
    /// [`InvalidInput`](std::io::ErrorKind::InvalidInput): [`Node::serve`] would refuse it too.
    pub(crate) fn started(&self, address: SocketAddr) -> std::io::Result<Started> {
        let shared = &self.shared;
        shared.may_serve_at(address)?;
        Ok(Started {
            address,
            tls: shared.config.tls.is_some(),
            chain: shared.chain().genesis().chain_id(),
            computes: amanat_accel::default_backend().name(),
            consensus: shared.consensus.name(),
        })
    }

    /// Serves until `shutdown` completes: then accepts nothing more, answers the requests in
    /// flight, commits what was taken and returns. When it returns, whatever was acknowledged is on
    /// disk and nothing is left to be written.
    ///
    /// # Errors
    /// The listener's; [`InvalidInput`](std::io::ErrorKind::InvalidInput) if epochs are advanced by
    /// hand and other machines could reach the listener.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        let Self { shared, queue } = self;
        let address = listener.local_addr()?;
        shared.may_serve_at(address)?;
        let chain = shared.chain().genesis().chain_id();
        let (consensus, computes) = (shared.consensus.name(), amanat_accel::default_backend().name());
        let tls = shared.config.tls.is_some();
        tracing::info!(%address, %chain, height = *shared.tip.borrow(), consensus, computes, tls, "node listens");
        let committing = tokio::spawn(commit::run(shared.clone(), queue));
        let ticking = tokio::spawn(epoch::run(shared.clone()));
        let following = tokio::spawn(events::follow(shared.clone()));
        connection::accept(listener, &shared, shutdown).await;
        shared.drained.notify_one();
        shared.consensus.clone().stop().await;
        for task in [committing, ticking, following] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the node failed");
            }
        }
        tracing::info!(height = shared.chain().state().tip().height, "node stopped");
        Ok(())
    }
}

impl Shared {
    fn chain(&self) -> &Chain {
        self.consensus.chain()
    }

    /// Whether this node may be reached at the address. Moving time can expire every consent, so a
    /// node whose epochs are advanced by hand is for the developer of this machine alone.
    fn may_serve_at(&self, address: SocketAddr) -> std::io::Result<()> {
        if self.by_hand.is_none() || address.ip().is_loopback() {
            return Ok(());
        }
        let why = format!(
            "epochs can be advanced by hand only from this machine, not on {address}: listen on 127.0.0.1 or [::1]"
        );
        Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why))
    }

    /// Tells event streams of blocks they have not seen.
    fn announce(&self) {
        let height = self.chain().state().tip().height;
        self.tip.send_if_modified(|told| {
            let more = height > *told;
            *told = height.max(*told);
            more
        });
    }

    /// Whether transactions are taken, or why not.
    fn ready(&self) -> Result<(), Problem> {
        if *self.stop.borrow() {
            return Err(Problem::busy("stopping", "the node is shutting down"));
        }
        if self.chain().status().broken {
            return Err(Problem::from(&amanat_ledger::Fault::Reopen).withheld());
        }
        self.consensus.ready()?;
        let (clock, tip) = (self.clock.now(), self.chain().state().tip().time);
        if tip.seconds() > clock.seconds().saturating_add(CLOCK_SECONDS) {
            let problem = Problem::busy("clock", "this machine's clock is behind the time of the last block");
            return Err(problem.disagree(format!("at least {tip}"), clock));
        }
        let epoch = self.chain().genesis().epoch_of(clock);
        let (Some(now), sealed) = (epoch, self.chain().state().tip().epoch) else {
            return Err(Problem::busy("not_begun", "the chain's first epoch has not begun"));
        };
        if now > sealed {
            let problem = Problem::busy("sealing", "the bundle of this epoch is not sealed yet");
            return Err(problem.disagree(format!("epoch {now}"), format!("epoch {sealed}")));
        }
        Ok(())
    }
}

/// Runs what blocks (disk, pairings) where it does not hold up the others.
async fn blocking<T: Send + 'static>(
    shared: &Arc<Shared>,
    run: impl FnOnce(&Shared) -> Result<T, Problem> + Send + 'static,
) -> Result<T, HttpRefusal> {
    let shared = shared.clone();
    let ran = tokio::task::spawn_blocking(move || run(&shared)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a blocking call failed");
        Err(Problem::from(&amanat_ledger::Fault::Bug("a call was cut short".into())).withheld())
    });
    ran.map_err(HttpRefusal::from)
}

/// A fault, written to the log in full and told without its details.
fn faulty(fault: &amanat_ledger::Fault) -> Problem {
    // What was pruned is not missing.
    if !matches!(fault, amanat_ledger::Fault::Pruned { .. }) {
        tracing::error!(%fault, "ledger fault");
    }
    Problem::from(fault).withheld()
}
