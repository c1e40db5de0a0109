//! `amanat cluster status`: how the validators of a folder are.

use crate::ui::{self, Ui};
use amanat_api::tls::ClientTls;
use amanat_api::view::StatusView;
use amanat_client::ledger::{AccessError, Http, LedgerAccess as _};
use amanat_ledger::Genesis;
use amanat_node::cluster::{configurations, reached};
use amanat_node::config::Config;
use anyhow::{Result, ensure};
use std::path::Path;

/// Asks every validator how it is.
pub(super) fn run(dir: &Path, tls: &ClientTls, ui: Ui) -> Result<()> {
    let configurations =
        configurations(dir)?.into_iter().map(|(name, path)| Ok((name, Config::read(&path)?)));
    let configurations: Vec<(String, Config)> = configurations.collect::<Result<_>>()?;
    ensure!(
        tls.is_empty() || configurations.iter().any(|(_, config)| reached(config).1),
        "certificates are given, but no configuration in {} names one: no validator there speaks TLS, so leave them out",
        dir.display()
    );
    let head = ["validator", "http", "height", "epoch", "waiting", "tip", "state"];
    let (mut rows, mut document, mut down) = (vec![head.map(String::from).to_vec()], Vec::new(), 0);
    for (name, config) in &configurations {
        let chain = Genesis::read(&config.genesis)?.chain_id();
        let (address, secured) = reached(config);
        // A node without TLS has no use for certificates, and an address without TLS refuses them.
        let files = if secured { tls.clone() } else { ClientTls::default() };
        let status = Http::connect_with(&address, Some(chain), &files).and_then(|node| node.status());
        down += usize::from(status.is_err());
        rows.push(row(name, &address, &status));
        document.push(serde_json::json!({
            "name": name,
            "http": address,
            "status": status.as_ref().ok(),
            "error": status.as_ref().err().map(ToString::to_string),
        }));
    }
    ui.table(&rows);
    ui.document(&serde_json::json!({ "validators": document }));
    ensure!(down == 0, "{down} of {} do not answer", ui::count(configurations.len(), "validator"));
    Ok(())
}

fn row(name: &str, address: &str, status: &Result<StatusView, AccessError>) -> Vec<String> {
    let state = match status {
        Ok(s) => [
            s.height.to_string(),
            s.epoch.to_string(),
            s.mempool.to_string(),
            hex::encode(&s.tip.0[..6]),
            if s.ready { "ready" } else { "not ready" }.to_owned(),
        ],
        Err(error) => ["-", "-", "-", "-", &error.to_string()].map(str::to_owned),
    };
    [name, address].map(str::to_owned).into_iter().chain(state).collect()
}
