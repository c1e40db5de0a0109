//! The consensus's upkeep: a bundle is sealed when an epoch begins, the ledger reopened after a
//! failed write.

use super::{Consensus, Shared};
use amanat_domain::time::Timestamp;
use amanat_ledger::Genesis;
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
        let consensus = shared.consensus.clone();
        let settled = tokio::task::spawn_blocking(move || settle(&*consensus, now)).await.unwrap_or(false);
        shared.announce();
        let wait = async {
            if settled {
                shared.clock.reached(next_epoch(&shared.chain().genesis(), now)).await;
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

/// Whether that went well.
fn settle(consensus: &dyn Consensus, now: Timestamp) -> bool {
    match consensus.settle(now) {
        Ok(header) => {
            if let Some(header) = header {
                tracing::info!(height = header.height, epoch = header.epoch, "block made");
            }
            true
        }
        Err(why) => {
            tracing::error!("{why}");
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
