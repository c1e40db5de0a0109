//! `amanat node` and `amanat probe`: a validator on the machine of a developer. What is deployed is
//! `amanat-node`.

use crate::args::tls::ClientTlsArgs;
use crate::args::{Global, NodeArgs};
use crate::ui::Ui;
use amanat_client::Home;
use amanat_client::ledger::ready;
use amanat_node::config::ConsensusName;
use amanat_node::launch::{self, Launch, Place};
use anyhow::Result;
use std::time::Duration;

/// Runs a node until it is told to stop.
pub(crate) fn run(args: &NodeArgs, global: &Global, ui: Ui) -> Result<()> {
    let consensus = consensus(args, global, ui);
    if args.print_config {
        let config = launch::configuration(args.config.as_deref(), consensus, args.listen)?;
        ui.raw(&config.to_toml());
        return Ok(());
    }
    let place = match &args.config {
        Some(file) => Place::File(file.clone()),
        None => Place::Home(Home::open(global.home.as_deref())?.root().to_path_buf()),
    };
    let (listen, tls) = (args.listen, args.tls.settings());
    let launch = Launch { place, consensus, listen, tls, epochs_by_hand: args.epochs_by_hand };
    launch::run(&launch, |started| {
        ui.say(started.to_string());
        ui.document(&started.document());
    })?;
    Ok(())
}

/// The consensus that was named. `--engine` named it in the last version.
fn consensus(args: &NodeArgs, global: &Global, ui: Ui) -> Option<ConsensusName> {
    let old = global.engine.as_deref().and_then(ConsensusName::named);
    if let Some(old) = old {
        ui.warn(&format!(
            "--engine {0} is now --consensus {0}: the next version no longer takes it",
            old.name()
        ));
    }
    args.consensus.as_deref().and_then(ConsensusName::named).or(old)
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
