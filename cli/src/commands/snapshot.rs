//! `amanat ledger snapshot`: from a ledger file that no node has open, or from a node.

use crate::args::{Global, LedgerAt, LedgerFile};
use crate::ui::{Ui, bytes, seconds};
use amanat_client::ledger::Http;
use amanat_client::{Home, Organisation};
use amanat_ledger::{Chain, SnapshotInfo, SnapshotSignature, Storage};
use anyhow::{Context, Result, bail};
use ed25519_dalek::Signer;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The ledger file meant: the one named, or the home directory's.
pub(super) fn open(of: &LedgerFile, global: &Global) -> Result<(Chain, PathBuf)> {
    let path = match &of.ledger {
        Some(path) => path.clone(),
        None => Home::open(global.home.as_deref())?.ledger_path(),
    };
    let chain = Chain::open(Storage::File(path.clone()))
        .with_context(|| format!("cannot open the ledger {}", path.display()))?;
    Ok((chain, path))
}

pub(crate) fn snapshot(out: &Path, by: Option<&str>, of: &LedgerFile, global: &Global, ui: Ui) -> Result<()> {
    new(out)?;
    let signer = by.map(|reference| signer(reference, global)).transpose()?;
    let (chain, _) = open(of, global)?;
    let failed = || format!("cannot write {}", out.display());
    let unfinished = unfinished(out);
    let mut file = BufWriter::new(File::create(&unfinished).with_context(failed)?);
    let bar = ui.bar(0, "writing the snapshot");
    let began = Instant::now();
    let sign = |message: &[u8; 32]| {
        signer.map(|o| SnapshotSignature { key: o.public_key(), signature: o.key().sign(message).to_bytes() })
    };
    let written = chain.write_snapshot(&mut file, sign, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    let finished = written.map_err(anyhow::Error::from).and_then(|info| {
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&unfinished, out)?;
        Ok(info)
    });
    bar.finish_and_clear();
    let info = finished.inspect_err(|_| drop(std::fs::remove_file(&unfinished))).with_context(failed)?;
    ui.say(format!(
        "snapshot of block {} in {}: {} rows, {}, {}",
        info.height,
        out.display(),
        info.rows,
        bytes(info.bytes),
        seconds(began.elapsed())
    ));
    say(&info, chain.genesis().validators().is_some(), ui);
    ui.document(&document(&info));
    Ok(())
}

fn new(out: &Path) -> Result<()> {
    if out.exists() {
        bail!("{} exists already: give another --out, or remove it", out.display());
    }
    Ok(())
}

/// It is under its name only once it is whole.
fn unfinished(out: &Path) -> PathBuf {
    let mut name = out.to_path_buf().into_os_string();
    name.push(".new");
    PathBuf::from(name)
}

/// From a running node.
pub(crate) fn fetch(out: &Path, of: &LedgerFile, at: &LedgerAt, global: &Global, ui: Ui) -> Result<()> {
    new(out)?;
    if of.ledger.is_some() {
        bail!("--ledger names a file, --node a node: give one of them");
    }
    let url = at.node.as_deref().context("--node")?;
    let expected = Home::open(global.home.as_deref())?.genesis()?.map(|genesis| genesis.chain_id());
    let node = Http::connect_with(url, expected, &at.tls.files())?;
    let failed = || format!("cannot write {}", out.display());
    let unfinished = unfinished(out);
    let mut file = BufWriter::new(File::create(&unfinished).with_context(failed)?);
    let (bar, began) = (ui.spinner(), Instant::now());
    let fetched = node.snapshot(&mut file, &|got| bar.set_message(format!("{} of a snapshot", bytes(got))));
    let finished = fetched.map_err(anyhow::Error::from).and_then(|got| {
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&unfinished, out)?;
        Ok(got)
    });
    bar.finish_and_clear();
    let got = finished.inspect_err(|_| drop(std::fs::remove_file(&unfinished))).with_context(failed)?;
    ui.say(format!("snapshot from {url} in {}: {}, {}", out.display(), bytes(got), seconds(began.elapsed())));
    ui.say("  whether it is what it says is checked by `amanat ledger restore`");
    ui.document(&serde_json::json!({ "node": url, "bytes": got }));
    Ok(())
}

fn signer(reference: &str, global: &Global) -> Result<Organisation> {
    let home = Home::open(global.home.as_deref())?;
    let all = Organisation::load_all(&home)?;
    let found = all.into_iter().find(|o| o.reference == reference);
    found.with_context(|| format!("{} has no key of {reference}", home.root().display()))
}

/// A snapshot's block, and who signed it.
pub(super) fn say(info: &SnapshotInfo, certified: bool, ui: Ui) {
    ui.say(format!("  block {}", info.block));
    ui.say(format!("  digest {}", hex::encode(info.digest)));
    match (certified, info.signed_by) {
        (true, _) => ui.say("  a quorum of the validators signed its block"),
        (false, Some(key)) => ui.say(format!("  signed by {}", hex::encode(key))),
        (false, None) => ui.warn(
            "nobody vouches for this snapshot: the genesis names no validators, and nobody signed it. Compare the block's \
             hash with one that you trust",
        ),
    }
}

pub(super) fn document(info: &SnapshotInfo) -> serde_json::Value {
    serde_json::json!({
        "chain": info.chain.to_string(),
        "height": info.height,
        "block": info.block.to_string(),
        "app_hash": info.app_hash.to_string(),
        "digest": hex::encode(info.digest),
        "signed_by": info.signed_by.map(hex::encode),
        "rows": info.rows,
        "bytes": info.bytes,
    })
}
