//! `amanat cluster`: a ledger of several validators, founded and run in one place.

use crate::args::Global;
use crate::args::cluster::ClusterCommand;
use crate::ui::Ui;
use anyhow::Result;

#[cfg(feature = "bft")]
mod init;
#[cfg(feature = "bft")]
mod status;

#[cfg(not(feature = "bft"))]
pub(crate) fn run(_: &ClusterCommand, _: &Global, _: Ui) -> Result<()> {
    Err(amanat_node::launch::LaunchError::NotBuilt.into())
}

#[cfg(feature = "bft")]
pub(crate) fn run(command: &ClusterCommand, _: &Global, ui: Ui) -> Result<()> {
    match command {
        ClusterCommand::Init(args) => init::run(args, ui),
        ClusterCommand::Run { dir } => Ok(amanat_node::cluster::run(dir, move |line| ui.say(line))?),
        ClusterCommand::Key { out } => key(out, ui),
        ClusterCommand::Check { genesis } => check(genesis, ui),
        ClusterCommand::Status { dir, tls } => status::run(dir, &tls.files(), ui),
    }
}

/// The key of one validator, made where it is to stay.
#[cfg(feature = "bft")]
fn key(out: &std::path::Path, ui: Ui) -> Result<()> {
    let key = amanat_node::validator_key::create(out)?.to_string();
    ui.say(format!("the private key is in {}, for its owner alone; the public half:\n{key}", out.display()));
    ui.document(&serde_json::json!({ "file": out, "key": key }));
    Ok(())
}

/// What a genesis says.
#[cfg(feature = "bft")]
fn check(path: &std::path::Path, ui: Ui) -> Result<()> {
    use crate::ui::count;
    let genesis = amanat_ledger::Genesis::read(path)?;
    let spec = genesis.spec();
    let governing = spec.organisations.iter().filter(|o| o.capabilities.govern).count();
    ui.say(format!("chain {}", genesis.chain_id()));
    ui.say(format!(
        "{}, epochs of {} s from {}; {} of {governing} that govern make a change; {}",
        spec.chain,
        spec.epoch_seconds,
        genesis.start(),
        governing * 2 / 3 + 1,
        count(spec.validators.len(), "validator")
    ));
    let mut rows = vec![["organisation", "governs", "key", "validator"].map(String::from).to_vec()];
    for o in &spec.organisations {
        let validators = spec.validators.iter().filter(|v| v.organisation == o.id);
        let validators: Vec<&str> = validators.map(|v| v.key.as_str()).collect();
        let governs = if o.capabilities.govern { "yes" } else { "no" };
        rows.push(vec![o.id.clone(), governs.to_owned(), o.key.clone(), validators.join(" ")]);
    }
    ui.table(&rows);
    ui.document(&serde_json::json!({ "chain": genesis.chain_id().to_string(), "genesis": spec }));
    Ok(())
}
