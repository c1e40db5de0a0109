//! `amanat ledger restore` and `prune`: a ledger file that no node has open, made or made smaller.

use super::snapshot::{document, open, say};
use crate::args::{Global, LedgerFile};
use crate::ui::{Ui, bytes, count, seconds};
use amanat_ledger::{Chain, Genesis, RestoreOptions};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

/// What is asked of a snapshot.
pub(crate) struct Asked<'a> {
    pub(crate) genesis: &'a Path,
    pub(crate) at_least: Option<u64>,
    pub(crate) signed_by: Option<&'a str>,
}

pub(crate) fn restore(file: &Path, ledger: &Path, asked: &Asked<'_>, ui: Ui) -> Result<()> {
    let genesis = Genesis::read(asked.genesis)?;
    let key = asked.signed_by.map(|key| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(key, &mut bytes)
            .map(|()| bytes)
            .context("--signed-by: expected 64 hexadecimal digits")
    });
    let demands = RestoreOptions { at_least: asked.at_least, signed_by: key.transpose()? };
    let mut from =
        BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?);
    let bar = ui.bar(0, "restoring the ledger");
    let began = Instant::now();
    let restored = Chain::restore(ledger, &genesis, &mut from, &demands, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        if done == of {
            bar.set_message("checking the state");
        }
    });
    bar.finish_and_clear();
    let info = restored.with_context(|| format!("no ledger was made from {}", file.display()))?;
    ui.say(format!(
        "ledger of chain {} at block {} in {}, {}",
        info.chain,
        info.height,
        ledger.display(),
        seconds(began.elapsed())
    ));
    say(&info, genesis.validators().is_some(), ui);
    ui.document(&document(&info));
    Ok(())
}

pub(crate) fn prune(keep: u64, of: &LedgerFile, global: &Global, ui: Ui) -> Result<()> {
    let (chain, path) = open(of, global)?;
    let length = || std::fs::metadata(&path).map_or(0, |meta| meta.len());
    let (before, was) = (length(), chain.history_from());
    let bar = ui.bar(0, "pruning the ledger");
    let pruned = chain.prune(keep, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.set_message("compacting the file");
    let compacted =
        pruned.map_err(anyhow::Error::from).and_then(|from| Ok(chain.compact().map(|()| from)?));
    bar.finish_and_clear();
    let from = compacted.with_context(|| format!("cannot prune {}", path.display()))?;
    let tip = chain.status().tip.height;
    ui.say(match from - was {
        0 => format!("nothing to prune: the transactions of blocks {from} to {tip} are kept"),
        n => format!(
            "the transactions of {} are gone; headers, certificates and receipts stay. History begins with block {from}, the tip \
             is {tip}",
            count(n, "block")
        ),
    });
    ui.say(format!("  file: {}, it was {}", bytes(length()), bytes(before)));
    ui.document(&serde_json::json!({
        "history_from": from, "pruned": from - was, "height": tip, "bytes": length(), "bytes_before": before,
    }));
    Ok(())
}
