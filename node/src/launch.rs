//! From a configuration to a node at work.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use amanat_node::launch::{self, Launch, Place};
//! let launch = Launch {
//!     place: Place::File("node.toml".into()),
//!     consensus: None,
//!     listen: None,
//!     tls: None,
//!     epochs_by_hand: false,
//! };
//! // Returns at Ctrl-C or SIGTERM.
//! launch::run(&launch, |started| println!("{started}"))?;
//! # Ok(()) }
//! ```

use crate::config::{Config, ConfigError, ConsensusName};
use crate::server::{Acceptor, Node, NodeConfig, Started};
#[cfg(feature = "bft")]
use crate::validator::{BftNode, StartError};
use crate::{log, stop};
use amanat_api::clock::{ByHandError, EPOCHS_BY_HAND, EpochClock, machine};
use amanat_api::tls::{TlsError, TlsSettings};
use amanat_ledger::{Fault, Genesis, GenesisFileError, Solo};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Where a node finds its ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A home directory, as `amanat init` makes it: one validator by itself.
    Home(PathBuf),
    /// A configuration file.
    File(PathBuf),
}

/// What an operator asks for on the command line, beyond the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Where the ledger is.
    pub place: Place,
    /// Which consensus it must be, if the operator named one.
    pub consensus: Option<ConsensusName>,
    /// Address to listen on instead of the configuration's.
    pub listen: Option<SocketAddr>,
    /// TLS for a home directory; a configuration names its own.
    pub tls: Option<TlsSettings>,
    /// Whether epochs are advanced by hand: for development.
    pub epochs_by_hand: bool,
}

/// Why a node does not start, or ended other than it was told.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum LaunchError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Genesis(#[from] GenesisFileError),
    #[error("no ledger in {}: make one with `amanat init`", .0.display())]
    NoLedger(PathBuf),
    #[error("cannot open the ledger {}", .0.display())]
    Ledger(PathBuf, #[source] Box<Fault>),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("with a configuration, certificates are named in its section [tls]")]
    TlsBesideConfiguration,
    #[error(
        "the consensus bft needs a configuration: `amanat cluster init` makes one for each validator, then `amanat-node \
         --config FILE`"
    )]
    NoConfiguration,
    #[error("--consensus says {named}, the configuration {configured}: change one of them")]
    OtherConsensus { named: &'static str, configured: &'static str },
    #[error(transparent)]
    ByHand(#[from] ByHandError),
    #[error("epochs can be advanced by hand only on a ledger of one validator: leave --epochs-by-hand out")]
    ByHandOfMany,
    #[error(
        "this build has one consensus, solo: build with `cargo build --release --features bft` for several validators"
    )]
    NotBuilt,
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen on {0}: is another node running there? (--listen)")]
    Listen(SocketAddr, #[source] io::Error),
    #[error("the node failed")]
    Serve(#[source] io::Error),
    #[cfg(feature = "bft")]
    #[error("cannot start a validator with {}", .0.display())]
    Validator(PathBuf, #[source] StartError),
    #[cfg(feature = "bft")]
    #[error("the node stopped: what it has acknowledged is durable; start it again once the reason is gone")]
    Stopped(#[source] Box<amanat_bft::Error>),
}

/// The configuration that a command line asks to see, with every default in it.
///
/// # Errors
/// [`LaunchError::Config`].
pub fn configuration(
    file: Option<&Path>,
    consensus: Option<ConsensusName>,
    listen: Option<SocketAddr>,
) -> Result<Config, LaunchError> {
    let mut config = file.map(Config::parse).transpose()?.unwrap_or_default();
    config.consensus = consensus.unwrap_or(config.consensus);
    config.http.listen = listen.unwrap_or(config.http.listen);
    Ok(config)
}

/// Runs a node until Ctrl-C or SIGTERM; `started` hears of it once the node listens.
///
/// # Errors
/// [`LaunchError`].
pub fn run(launch: &Launch, started: impl FnOnce(&Started) + Send) -> Result<(), LaunchError> {
    let (config, bounds) = settle(launch)?;
    log::start(&config);
    let listen = launch.listen.unwrap_or(config.http.listen);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(LaunchError::Runtime)?;
    match (&launch.place, config.consensus) {
        (place, ConsensusName::Solo) => {
            let by_hand = match place {
                Place::Home(home) => launch.epochs_by_hand || home.join(EPOCHS_BY_HAND).exists(),
                Place::File(_) => launch.epochs_by_hand,
            };
            runtime.block_on(solo(&config, bounds, by_hand, listen, started))
        }
        #[cfg(feature = "bft")]
        (Place::File(file), ConsensusName::Bft) => {
            runtime.block_on(several(file, &config, bounds, listen, started))
        }
        (_, ConsensusName::Bft) => Err(LaunchError::NotBuilt),
    }
}

/// What the command line and the configuration come to, if they agree.
fn settle(launch: &Launch) -> Result<(Config, NodeConfig), LaunchError> {
    let (config, bounds) = match &launch.place {
        Place::Home(_) if launch.consensus == Some(ConsensusName::Bft) => {
            return Err(LaunchError::NoConfiguration);
        }
        Place::Home(home) => {
            let config = Config::of_home(home);
            if !config.genesis.exists() {
                return Err(LaunchError::NoLedger(home.clone()));
            }
            let tls = launch.tls.clone().map(Acceptor::new).transpose()?;
            (config, NodeConfig { tls, ..NodeConfig::default() })
        }
        Place::File(_) if launch.tls.is_some() => return Err(LaunchError::TlsBesideConfiguration),
        Place::File(file) => {
            let config = Config::read(file)?;
            let bounds = config.node()?;
            (config, bounds)
        }
    };
    let configured = config.consensus;
    if let Some(named) = launch.consensus.filter(|named| *named != configured) {
        return Err(LaunchError::OtherConsensus { named: named.name(), configured: configured.name() });
    }
    if launch.epochs_by_hand && configured == ConsensusName::Bft {
        return Err(LaunchError::ByHandOfMany);
    }
    Ok((config, bounds))
}

async fn solo(
    config: &Config,
    bounds: NodeConfig,
    by_hand: bool,
    listen: SocketAddr,
    started: impl FnOnce(&Started),
) -> Result<(), LaunchError> {
    let genesis = Arc::new(Genesis::read(&config.genesis)?);
    let failed = |fault| LaunchError::Ledger(config.ledger.clone(), Box::new(fault));
    let solo = Arc::new(Solo::open_or_create(&config.ledger, genesis).map_err(failed)?);
    let node = if by_hand {
        let clock = EpochClock::new(&solo.genesis(), solo.status().tip.time)?;
        Node::by_hand(solo, Arc::new(clock), bounds)?
    } else {
        Node::new(solo, Arc::new(machine), bounds)
    };
    serve(node, listen, stop(), started).await
}

/// Runs one of several validators, until the process is told to stop or the validator ends.
#[cfg(feature = "bft")]
async fn several(
    file: &Path,
    config: &Config,
    bounds: NodeConfig,
    listen: SocketAddr,
    started: impl FnOnce(&Started),
) -> Result<(), LaunchError> {
    let failed = |error| LaunchError::Validator(file.to_path_buf(), error);
    let bft = BftNode::start(config).await.map_err(failed)?;
    let ending = bft.clone();
    let until = async move {
        tokio::select! {
            () = stop() => {}
            () = ending.ended() => {}
        }
    };
    let node = Node::new(bft.clone(), Arc::new(machine), bounds);
    let served = serve(node, listen, until, started).await;
    // Why the validator stopped says more than how serving ended.
    bft.end().await.map_err(|error| LaunchError::Stopped(Box::new(error)))?;
    served
}

/// Serves until `until` completes.
async fn serve(
    node: Node,
    listen: SocketAddr,
    until: impl Future<Output = ()> + Send,
    started: impl FnOnce(&Started),
) -> Result<(), LaunchError> {
    let failed = |error| LaunchError::Listen(listen, error);
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    // Said only of a node that serves: supervisors go by it.
    started(&node.started(address).map_err(LaunchError::Serve)?);
    node.serve(listener, until).await.map_err(LaunchError::Serve)
}
