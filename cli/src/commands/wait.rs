//! `amanat ledger wait`: until what was submitted is in a bundle.

use crate::args::{Global, LedgerAt};
use crate::session;
use crate::ui::{self, Ui};
use amanat_client::Client;
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Pause between two looks once the epoch has begun: a node seals the bundle with its next block.
const PAUSE: Duration = Duration::from_millis(200);
/// Shortest patience.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(seconds: Option<u64>, global: &Global, at: &LedgerAt, ui: Ui) -> Result<()> {
    let began = Instant::now();
    let client = session::open(global, at, ui)?;
    let first = client.sealing()?;
    if first.pending && client.ledger().epochs_by_hand() {
        // No time passes there by itself, so waiting is advancing.
        return next_epoch(&client, ui);
    }
    drop(client);
    let limit = seconds.map_or_else(|| (4 * first.epoch_length).max(PATIENCE), Duration::from_secs);
    let bar = ui.spinner();
    bar.set_message("waiting for the next epoch");
    let mut now = first;
    while first.pending && now.epoch == first.epoch {
        let most = limit.saturating_sub(began.elapsed());
        if most.is_zero() {
            bail!("no epoch has begun within {}: the newest is still {}", ui::seconds(limit), now.epoch);
        }
        // Nothing is open meanwhile: the home directory and the ledger in it are free for others.
        std::thread::sleep(now.left.max(PAUSE).min(most));
        now = session::open(global, at, ui)?.sealing()?;
    }
    bar.finish_and_clear();
    let (waited, epoch) = (began.elapsed(), now.epoch);
    let how = if first.pending { ui::seconds(waited) } else { "nothing to wait for".to_owned() };
    ui.say(format!("epoch {epoch} is sealed: what was submitted can be proved about ({how})"));
    ui.document(&serde_json::json!({ "epoch": epoch, "waited_seconds": waited.as_secs_f64() }));
    Ok(())
}

/// Begins the next epoch of a ledger whose epochs are advanced by hand.
pub(crate) fn next_epoch(client: &Client, ui: Ui) -> Result<()> {
    let epoch = client.ledger().next_epoch()?;
    ui.say(format!("epoch {epoch} is sealed: what was submitted can be proved about"));
    ui.document(&serde_json::json!({ "epoch": epoch }));
    Ok(())
}
