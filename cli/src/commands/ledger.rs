//! `amanat ledger`.

mod what;

use super::restore::{self, Asked};
use super::snapshot;
use super::wait;
use crate::args::Global;
use crate::args::ledger::LedgerCommand;
use crate::session;
use crate::ui::{self, Ui};
use amanat_client::Client;
use amanat_domain::bundle::Registry;
use amanat_domain::entry::Entry;
use amanat_domain::tx::TxId;
use anyhow::{Context, Result};
use std::path::Path;
use what::what;

pub(crate) fn run(command: &LedgerCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        LedgerCommand::Inspect { at } => inspect(&session::open(global, at, ui)?, ui),
        LedgerCommand::Block { height, at } => block(&session::open(global, at, ui)?, *height, ui),
        LedgerCommand::Wait { seconds, at } => wait::run(*seconds, global, at, ui),
        LedgerCommand::NextEpoch { at } => wait::next_epoch(&session::open(global, at, ui)?, ui),
        LedgerCommand::Entry { kind, name, out, at } => {
            let entry = Entry::from_words(kind, name)?;
            self::entry(&session::open(global, at, ui)?, entry, out.as_deref(), ui)
        }
        LedgerCommand::Receipt { txid, out, at } => {
            receipt(&session::open(global, at, ui)?, txid, out.as_deref(), ui)
        }
        LedgerCommand::Snapshot { out, of, at, .. } if at.node.is_some() => {
            snapshot::fetch(out, of, at, global, ui)
        }
        LedgerCommand::Snapshot { out, by, of, .. } => snapshot::snapshot(out, by.as_deref(), of, global, ui),
        LedgerCommand::Restore { file, genesis, ledger, at_least, signed_by } => {
            let asked = Asked { genesis, at_least: *at_least, signed_by: signed_by.as_deref() };
            restore::restore(file, ledger, &asked, ui)
        }
        LedgerCommand::Prune { keep, of } => restore::prune(*keep, of, global, ui),
    }
}

fn inspect(client: &Client, ui: Ui) -> Result<()> {
    let status = client.ledger().status()?;
    let bundle = client.ledger().bundle(None)?.context("the ledger has no bundle")?;
    ui.say(format!("chain   {}", client.chain()));
    ui.say(format!(
        "height  {}, epoch of the newest bundle {} ({})",
        status.height, bundle.bundle.epoch, bundle.bundle.time
    ));
    if status.history_from > 0 {
        ui.say(format!("pruned  no transactions of blocks below {}", status.history_from));
    }
    ui.say(format!("bundle  {}", bundle.hash));
    let mut rows = vec![["registry", "count", "root as of the bundle"].map(String::from).to_vec()];
    for registry in Registry::ALL {
        let state = bundle.bundle.registry(registry);
        rows.push(vec![registry.name().to_owned(), state.count.to_string(), state.root.to_string()]);
    }
    ui.table(&rows);
    let mut rows = vec![["key", "digest", "from", "until"].map(String::from).to_vec()];
    for key in client.ledger().keys()? {
        rows.push(vec![
            key.statement.to_string(),
            key.digest.to_string(),
            key.active_from.to_string(),
            key.ends().map_or("-".to_owned(), |h| h.to_string()),
        ]);
    }
    ui.table(&rows);
    ui.document(&serde_json::to_value(&status)?);
    Ok(())
}

fn block(client: &Client, height: u64, ui: Ui) -> Result<()> {
    let block = client.ledger().block(height)?.with_context(|| format!("there is no block {height} yet"))?;
    let header = &block.header;
    ui.say(format!("block {height}, epoch {}, {}: {}", header.epoch, header.time, header.hash()));
    let mut rows = vec![["transaction", "what", "bytes"].map(String::from).to_vec()];
    for tx in &block.transactions {
        rows.push(vec![tx.id().to_string(), what(tx), tx.to_bytes().len().to_string()]);
    }
    ui.table(&rows);
    ui.document(&serde_json::json!({
        "height": height,
        "epoch": header.epoch,
        "hash": header.hash().to_string(),
        "transactions": block.transactions.iter().map(|tx| serde_json::json!({
            "txid": tx.id().to_string(), "what": what(tx), "bytes": tx.to_bytes().len(),
        })).collect::<Vec<_>>(),
    }));
    Ok(())
}

fn entry(client: &Client, entry: Entry, out: Option<&Path>, ui: Ui) -> Result<()> {
    let proof = client.ledger().entry(entry)?;
    let (kind, name) = entry.words();
    let (there, block) = (if proof.content.is_some() { "is" } else { "is not" }, proof.header.hash());
    ui.say(format!("{kind} {name} {there} on the ledger after block {}", proof.header.height));
    if let Some(content) = &proof.content {
        ui.say(format!("  {content:?}"));
    }
    if let Some(out) = out {
        std::fs::write(out, proof.to_bytes()).with_context(|| format!("cannot write {}", out.display()))?;
        ui.say(format!("  written to {}; block {block}", out.display()));
    }
    ui.document(&serde_json::json!({
        "kind": kind, "name": name, "present": proof.content.is_some(), "height": proof.header.height,
        "block": block.to_string(), "proof": hex::encode(proof.to_bytes()),
    }));
    Ok(())
}

fn receipt(client: &Client, txid: &str, out: Option<&Path>, ui: Ui) -> Result<()> {
    let txid: TxId = txid.parse().context("a transaction id is 64 hexadecimal digits")?;
    let proof = client
        .ledger()
        .receipt(&txid)?
        .with_context(|| format!("{txid} is not on the ledger: submit it, or wait for its block"))?;
    // The ledger's own header: the block itself may be pruned.
    let header = client.ledger().headers(proof.header.height)?.into_iter().next();
    let block = header.context("the receipt's block is missing")?.hash();
    proof.verify(block).context("the ledger's inclusion proof does not hold")?;
    let receipt = &proof.receipt;
    ui.say(format!(
        "{txid}\n  committed in block {} at position {}, epoch {}; the inclusion proof ({}) holds",
        receipt.height,
        receipt.index,
        receipt.epoch,
        ui::count(proof.siblings.len(), "sibling")
    ));
    if let Some(out) = out {
        std::fs::write(out, proof.to_bytes()).with_context(|| format!("cannot write {}", out.display()))?;
        ui.say(format!("  written to {}; block {block}", out.display()));
    }
    ui.document(&serde_json::json!({
        "txid": txid.to_string(), "height": receipt.height, "index": receipt.index, "epoch": receipt.epoch,
        "inclusion_proof": hex::encode(proof.to_bytes()), "block": block.to_string(),
    }));
    Ok(())
}
