//! `amanat init` and `amanat node`.

#[cfg(feature = "bft")]
mod bft;
mod config;
#[cfg(feature = "bft")]
mod families;

#[cfg(feature = "bft")]
pub(crate) use bft::NEVER_VOTED;
#[cfg(feature = "bft")]
pub(crate) use config::{Bft, PeerConfig, local};
pub(crate) use config::{Config, EngineName, LogFormat};

use crate::actors::{Holder, Organisation};
use crate::args::tls::ClientTlsArgs;
use crate::args::{Global, InitArgs, NodeArgs};
use crate::home::Home;
use crate::members::Members;
use crate::roles::Role;
use crate::session::{self, Session, now};
use crate::town;
use crate::ui::Ui;
use amanat_accel::gpu::{Presence, presence};
use amanat_client::ledger::ready;
use amanat_node::server::{Engine, Node, NodeConfig};
use anyhow::{Context, Result, bail};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A node ended because its engine did.
#[cfg(feature = "bft")]
const STOPPED: &str =
    "the node stopped: what it has acknowledged is durable; start it again once the reason is gone";

/// Founds a development ledger: organisations, keys, clinicians. At a node, whose ledger there is already, only the keys and the
/// clinicians.
pub(crate) fn init(args: &InitArgs, global: &Global, ui: Ui) -> Result<()> {
    let own = args.organisations.as_deref().map(Members::read).transpose()?;
    if args.at.node.is_none() {
        let home = Home::open(global.home.as_deref())?;
        match &own {
            Some(members) => members.found(&home, &args.chain, args.epoch_seconds)?,
            None => session::found(&home, &args.chain, args.epoch_seconds)?,
        }
    }
    super::keys::install(global, &args.at, true, ui)?;
    let session = Session::open(global, &args.at, ui)?;
    let (home, organisations) = (&session.home, session.organisations()?);
    let holders = match &own {
        Some(members) => members.holders(&organisations, now(), &mut rand::rng())?,
        None => usual_clinicians(&organisations)?,
    };
    super::clinician::issue(&session, &holders)?;
    ui.say(format!("a development ledger in {}: chain {}", home.root().display(), session.chain()));
    for o in &organisations {
        ui.say(format!("  member: {} ({})", o.name, o.reference));
    }
    for h in &holders {
        ui.say(format!("  clinician: {}", super::clinician::words(h, &organisations)));
    }
    let epoch_seconds = session.ledger.genesis().spec().epoch_seconds;
    ui.say(format!(
        "next: amanat import --anchor DIR (`amanat generate DIR` makes one up), then amanat ledger wait: what is submitted \
         can be proved about in the next epoch, at most {epoch_seconds} s later"
    ));
    ui.document(&serde_json::json!({
        "home": home.root(),
        "chain": session.chain().to_string(),
        "organisations": organisations.iter().map(|o: &Organisation| &o.reference).collect::<Vec<_>>(),
        "clinicians": holders.iter().map(|h| &h.name).collect::<Vec<_>>(),
    }));
    Ok(())
}

/// Three clinicians of the first hospital and one of the second.
fn usual_clinicians(organisations: &[Organisation]) -> Result<Vec<Holder>> {
    let (licence, mut rng) = (town::licence(now()), rand::rng());
    let mut holder = |(name, role, at): (&str, Role, usize)| {
        let employer = organisations.get(at).context(
            "`init` is for a development home with the keys of all organisations: `amanat keys install` proposes keys alone",
        )?;
        Ok(town::clinician(name, &role, employer, licence, &mut rng))
    };
    [
        ("Practitioner/dr-saima", town::PHYSICIAN, 0),
        ("Practitioner/dr-bilal", town::PHYSICIAN, 0),
        ("Practitioner/nurse-hina", town::NURSE, 0),
        ("Practitioner/dr-omar", town::PHYSICIAN, 1),
    ]
    .into_iter()
    .map(&mut holder)
    .collect()
}

/// Runs a node until it is told to stop.
pub(crate) fn run(args: &NodeArgs, global: &Global, ui: Ui) -> Result<()> {
    let named = global.engine.as_deref().and_then(EngineName::named);
    if args.print_config {
        return print(args, named, ui);
    }
    let config = args.config.as_deref().map(Config::read).transpose()?;
    let configured = config.as_ref().map_or(EngineName::Solo, |config| config.engine);
    let engine = named.unwrap_or(configured);
    if config.is_none() && engine == EngineName::Bft {
        bail!(
            "the engine bft needs a configuration: `amanat cluster init` makes one for each validator, then `amanat node --config FILE`"
        );
    }
    if config.is_some() && args.tls.acceptor()?.is_some() {
        bail!("with a configuration, certificates are named in its section [tls]");
    }
    if engine != configured {
        bail!("--engine says {}, the configuration {}: change one of them", engine.name(), configured.name());
    }
    log(config.as_ref());
    if let Presence::Refused { why } = presence() {
        tracing::warn!("the GPU is not used: {why}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let listen = args.listen.or(config.as_ref().map(|config| config.http.listen));
    let listen = listen.unwrap_or_else(|| Config::default().http.listen);
    match config {
        None => {
            let solo = session::solo(&Home::open(global.home.as_deref())?)?;
            let bounds = NodeConfig { tls: args.tls.acceptor()?, ..NodeConfig::default() };
            runtime.block_on(serve(listen, solo, bounds, stop(), ui))
        }
        Some(config) if engine == EngineName::Solo => {
            let genesis = session::read_genesis(&config.genesis)?;
            let solo = amanat_ledger::Solo::open_or_create(&config.ledger, Arc::new(genesis));
            let solo = solo.with_context(|| format!("cannot open the ledger {}", config.ledger.display()))?;
            runtime.block_on(serve(listen, Arc::new(solo), config.node()?, stop(), ui))
        }
        #[cfg(feature = "bft")]
        Some(config) => {
            let file = args.config.as_deref().context("a configuration has a file")?;
            runtime.block_on(bft::run(listen, file, &config, ui))
        }
        #[cfg(not(feature = "bft"))]
        Some(_) => no_bft(),
    }
}

/// The configuration, every value written out.
fn print(args: &NodeArgs, named: Option<EngineName>, ui: Ui) -> Result<()> {
    let mut config = args.config.as_deref().map(Config::parse).transpose()?.unwrap_or_default();
    config.engine = named.unwrap_or(config.engine);
    config.http.listen = args.listen.unwrap_or(config.http.listen);
    ui.raw(&config.to_toml());
    Ok(())
}

/// Whether a node takes transactions.
pub(crate) fn probe(node: &str, seconds: u64, tls: &ClientTlsArgs, ui: Ui) -> Result<()> {
    // Whatever is wrong, the exit code is 1: supervisors know no other.
    ready(node, Duration::from_secs(seconds), &tls.files())
        .map_err(|error| anyhow::anyhow!("{node} is not ready: {error}"))?;
    ui.say(format!("{node} is ready"));
    ui.document(&serde_json::json!({ "node": node, "ready": true }));
    Ok(())
}

/// What is not in this build.
#[cfg(not(feature = "bft"))]
pub(crate) fn no_bft<T>() -> Result<T> {
    bail!(
        "this build has one engine, solo: build with `cargo build --release --features bft` for several validators"
    )
}

fn log(config: Option<&Config>) {
    let usual = config.map_or(config::LOG, |config| &config.log);
    let filter = tracing_subscriber::EnvFilter::try_from_env("AMANAT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A line that cannot be written, on a full disk say, is lost: complaining of it on the same stream would panic.
    let log = log.with_ansi(std::io::stderr().is_terminal()).log_internal_errors(false);
    match config.map_or(LogFormat::Text, |config| config.log_format) {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Serves until `until` completes.
async fn serve(
    listen: SocketAddr,
    engine: Arc<dyn Engine>,
    bounds: NodeConfig,
    until: impl Future<Output = ()> + Send,
    ui: Ui,
) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: is another node running there? (--listen)"))?;
    let address = listener.local_addr()?;
    let (chain, computes) = (engine.chain().status().chain, amanat_accel::best().name());
    let scheme = if bounds.tls.is_some() { "https" } else { "http" };
    ui.say(format!(
        "node of chain {chain} listens on {scheme}://{address} (interface: {scheme}://{address}/openapi.json); engine {computes}"
    ));
    ui.document(&serde_json::json!({
        "listen": address,
        "chain": chain.to_string(),
        "engine": computes,
        "blocks": engine.name(),
    }));
    Node::new(engine, Arc::new(now), bounds).serve(listener, until).await.context("the node failed")
}

/// Ctrl-C, or the supervisor's SIGTERM.
pub(crate) async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
