//! `amanat ledger wait`: until what was submitted is in a bundle.

use crate::args::{Global, LedgerAt};
use crate::session::{Session, now};
use crate::ui::{self, Ui};
use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// Pause between two looks once the epoch has begun: a node seals the bundle with its next block.
const PAUSE: Duration = Duration::from_millis(200);

/// Where the ledger is on its way to the next bundle.
struct Look {
    /// Epoch of the newest bundle.
    epoch: u64,
    /// Whether something was submitted that this bundle does not have.
    pending: bool,
    /// Until the next epoch begins.
    left: Duration,
    /// Length of an epoch in seconds.
    epoch_seconds: u64,
}

pub(crate) fn run(seconds: Option<u64>, global: &Global, at: &LedgerAt, ui: Ui) -> Result<()> {
    let began = Instant::now();
    let session = Session::open(global, at, ui)?;
    let first = look(&session)?;
    if first.pending && session.ledger.epochs_by_hand() {
        // No time passes there by itself, so waiting is advancing.
        return super::ledger::next_epoch(&session);
    }
    drop(session);
    let limit = Duration::from_secs(seconds.unwrap_or((4 * first.epoch_seconds).max(120)));
    let bar = ui.spinner();
    bar.set_message("waiting for the next epoch");
    let (mut epoch, mut left) = (first.epoch, first.left);
    while first.pending && epoch == first.epoch {
        let most = limit.saturating_sub(began.elapsed());
        if most.is_zero() {
            bail!("no epoch has begun within {}: the newest is still {epoch}", ui::seconds(limit));
        }
        // No session is open meanwhile: the home directory and the ledger in it are free for others.
        std::thread::sleep(left.max(PAUSE).min(most));
        Look { epoch, left, .. } = look(&Session::open(global, at, ui)?)?;
    }
    bar.finish_and_clear();
    let waited = began.elapsed();
    let how = if first.pending { ui::seconds(waited) } else { "nothing to wait for".to_owned() };
    ui.say(format!("epoch {epoch} is sealed: what was submitted can be proved about ({how})"));
    ui.document(&serde_json::json!({ "epoch": epoch, "waited_seconds": waited.as_secs_f64() }));
    Ok(())
}

fn look(session: &Session) -> Result<Look> {
    let status = session.ledger.status()?;
    let newest = session.ledger.bundle(None)?.context("every ledger has a bundle")?.bundle;
    let pending = status.registries.iter().any(|now| {
        let then = newest.registry(now.name);
        now.count != then.count || now.root.0 != then.root.to_bytes()
    });
    let genesis = session.ledger.genesis();
    let epoch_seconds = u64::from(genesis.spec().epoch_seconds);
    let begins = genesis.start().seconds().saturating_add((newest.epoch + 1).saturating_mul(epoch_seconds));
    let left = Duration::from_secs(begins.saturating_sub(now().seconds()));
    Ok(Look { epoch: newest.epoch, pending, left, epoch_seconds })
}
