//! Seals a bundle when an epoch begins, and reopens the ledger after a failed write.

use super::Shared;
use amanat_domain::time::Timestamp;
use amanat_ledger::{Genesis, Solo};
use std::sync::Arc;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Until shutdown: a block at the beginning of each epoch, whether or not anybody submits.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut stop = shared.stop.subscribe();
    let mut pause = FIRST_PAUSE;
    loop {
        let now = shared.clock.now();
        let solo = shared.solo.clone();
        let settled = tokio::task::spawn_blocking(move || settle(&solo, now)).await.unwrap_or(false);
        shared.announce();
        let wait = async {
            if settled {
                shared.clock.reached(next_epoch(&shared.solo.genesis(), now)).await;
            } else {
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = wait => {}
            () = shared.trouble.notified(), if settled => {}
        }
        pause = if settled { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
    }
}

/// Reopens the ledger where a write failed and makes a block where one is due. Whether that went well.
fn settle(solo: &Solo, now: Timestamp) -> bool {
    if solo.status().broken {
        if let Err(fault) = solo.reopen() {
            tracing::error!(%fault, "the ledger cannot be reopened");
            return false;
        }
        tracing::warn!(height = solo.state().tip().height, "the ledger was reopened after a failed write");
    }
    match solo.tick(now) {
        Ok(Some(header)) => {
            tracing::info!(height = header.height, epoch = header.epoch, "block made");
            true
        }
        Ok(None) => true,
        Err(fault) => {
            tracing::error!(%fault, "no block could be made");
            false
        }
    }
}

/// When the epoch after `now` begins.
fn next_epoch(genesis: &Genesis, now: Timestamp) -> Timestamp {
    let next = genesis.epoch_of(now).map_or(0, |epoch| epoch.saturating_add(1));
    let offset = next.saturating_mul(genesis.spec().epoch_seconds.into());
    Timestamp::new(genesis.start().seconds().saturating_add(offset)).unwrap_or(Timestamp::MAX)
}
