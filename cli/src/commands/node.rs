//! `amanat init` and `amanat node`.

use crate::actors;
use crate::args::{Global, InitArgs, LedgerAt, NodeArgs};
use crate::home::Home;
use crate::session::{self, Session, now};
use crate::town;
use crate::ui::Ui;
use amanat_accel::gpu::{Presence, presence};
use amanat_service::node::{Node, NodeConfig};
use anyhow::{Context, Result};
use std::sync::Arc;

/// Founds a development ledger: organisations, keys, three clinicians.
pub(crate) fn init(args: &InitArgs, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let organisations = session::found(&home, &args.chain, args.epoch_seconds)?;
    super::keys::install(global, &LedgerAt::default(), ui)?;
    let session = Session::open(global, &LedgerAt::default(), ui)?;
    let mut rng = rand::rng();
    let licence = town::licence(now());
    let mut holders = Vec::new();
    for (name, role, at) in [
        ("dr-saima", town::PHYSICIAN, 0),
        ("dr-bilal", town::PHYSICIAN, 0),
        ("nurse-hina", town::NURSE, 0),
        ("dr-omar", town::PHYSICIAN, 1),
    ] {
        holders.push(town::clinician(name, role, &organisations[at], licence, &mut rng));
    }
    // Secrets are on disk before the ledger hears of them.
    actors::save_holders(&home, &holders)?;
    for holder in &holders {
        let issuer = organisations
            .iter()
            .find(|o| o.id() == holder.credential.organisation)
            .context("every clinician has an organisation")?;
        session.submit(&issuer.sign(session.chain(), town::issue(holder), &mut rng))?;
    }
    ui.say(format!("a development ledger in {}: chain {}", home.root().display(), session.chain()));
    for o in &organisations {
        ui.say(format!("  member: {} ({})", o.name, o.reference));
    }
    for h in &holders {
        ui.say(format!("  clinician: {}", h.name));
    }
    ui.say(format!(
        "next: amanat import --anchor PATH (or amanat generate DIR first); what is submitted can be proved about in the \
         next epoch, at most {} s later",
        args.epoch_seconds
    ));
    ui.document(&serde_json::json!({
        "home": home.root(),
        "chain": session.chain().to_string(),
        "organisations": organisations.iter().map(|o| &o.reference).collect::<Vec<_>>(),
        "clinicians": holders.iter().map(|h| &h.name).collect::<Vec<_>>(),
    }));
    Ok(())
}

/// Runs a node until it is told to stop.
pub(crate) fn run(args: &NodeArgs, global: &Global, ui: Ui) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("AMANAT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = NodeConfig { tls: args.tls.acceptor()?, ..NodeConfig::default() };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let home = Home::open(global.home.as_deref())?;
    let solo = session::solo(&home)?;
    let (chain, engine) = (solo.status().chain, amanat_accel::best().name());
    if let Presence::Refused { why } = presence() {
        tracing::warn!("the GPU is not used: {why}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen).await.with_context(|| {
            format!("cannot listen on {}: is another node running there? (--listen)", args.listen)
        })?;
        let address = listener.local_addr()?;
        ui.say(format!(
            "node of chain {chain} listens on {scheme}://{address} (interface: {scheme}://{address}/openapi.json); engine {engine}"
        ));
        ui.document(&serde_json::json!({
            "listen": address,
            "chain": chain.to_string(),
            "engine": engine,
        }));
        let node = Node::new(solo, Arc::new(now), config);
        node.serve(listener, stop()).await.context("the node failed")
    })
}

/// Ctrl-C, or the supervisor's SIGTERM.
async fn stop() {
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
