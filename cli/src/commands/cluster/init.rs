//! `amanat cluster init`.

use crate::args::cluster::ClusterInitArgs;
use crate::session;
use crate::ui::{self, Ui};
use amanat_client::devnet::{cluster_organisations, genesis_with_validators};
use amanat_client::{Home, Organisation, machine_clock};
use amanat_ledger::{Genesis, ValidatorSpec};
use amanat_node::cluster::{self, Member};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Founds the ledger. Nothing is left behind if that fails.
pub(super) fn run(args: &ClusterInitArgs, ui: Ui) -> Result<()> {
    let (dir, n) = (&args.dir, usize::from(args.validators));
    ensure!(!dir.exists(), "{} exists already: give another folder, or remove it", dir.display());
    let organisations = cluster_organisations(n, &mut rand::rng());
    let running: Vec<String> = organisations.iter().take(n).map(|o| o.reference.clone()).collect();
    let members = cluster::members(&running, &args.hosts, args.port)?;
    let validators = members
        .iter()
        .map(|m| ValidatorSpec { key: m.key().to_string(), organisation: m.organisation.clone() })
        .collect();
    let epoch = session::epoch(args.epoch_seconds)?;
    let start = machine_clock();
    let genesis = genesis_with_validators(&args.chain, start, epoch, &organisations, validators)
        .context("the genesis is refused")?;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    if let Err(error) = write(dir, &organisations, &members, &genesis) {
        let _ = std::fs::remove_dir_all(dir);
        return Err(error);
    }
    tell(dir, &members, &genesis, ui);
    Ok(())
}

fn write(dir: &Path, organisations: &[Organisation], members: &[Member], genesis: &Genesis) -> Result<()> {
    Home::open(Some(&dir.join("operator")))?.initialise(organisations, genesis)?;
    Ok(cluster::write(dir, members, genesis)?)
}

fn tell(dir: &Path, members: &[Member], genesis: &Genesis, ui: Ui) {
    let validators = ui::count(members.len(), "validator");
    ui.say(format!("{}: chain {}, {validators}", dir.display(), genesis.chain_id()));
    let mut rows =
        vec![["validator", "organisation", "http", "consensus", "transactions"].map(String::from).to_vec()];
    rows.extend(members.iter().map(|m| {
        let addresses = [m.http, m.consensus, m.transactions].map(|address| address.to_string());
        [m.name.clone(), m.organisation.clone()].into_iter().chain(addresses).collect()
    }));
    ui.table(&rows);
    if let Some(first) = members.first() {
        ui.say(format!(
            "next: amanat cluster run {0}\nthen, beside it: amanat --home {0}/operator init --node http://{1}",
            dir.display(),
            first.http
        ));
    }
    ui.document(&serde_json::json!({
        "folder": dir,
        "chain": genesis.chain_id().to_string(),
        "validators": members.iter().map(|m| serde_json::json!({
            "name": m.name, "organisation": m.organisation, "key": m.key().to_string(), "http": m.http,
        })).collect::<Vec<_>>(),
    }));
}
