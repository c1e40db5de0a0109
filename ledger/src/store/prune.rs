//! Letting go of the transactions of old blocks.
//!
//! Headers, certificates, receipts and the state stay: a receipt can still be proved, and the chain
//! of headers is whole.

use super::tables::*;
use super::{READING, Store, corrupt, fault, guarded};
use crate::error::Fault;
use redb::{ReadableDatabase, ReadableTable};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

const PRUNING: &str = "pruning the ledger";
/// Blocks pruned in one write: a commit waits for no more than that.
const BATCH: u64 = 1024;

impl Store {
    /// Height of the first block whose transactions are here; one behind the tip where there are
    /// none.
    #[must_use]
    pub fn history_from(&self) -> u64 {
        self.history_from.load(Ordering::SeqCst)
    }

    /// Removes the transactions of all blocks but the last `keep`. Each durable write removes some
    /// and says from where on there are any; after a crash the ledger is one that was pruned less
    /// far. `progress` hears how many of how many blocks are done.
    ///
    /// # Errors
    /// [`Fault`]: the store must be reopened before it takes another block.
    pub fn prune(&self, keep: u64, progress: &mut dyn FnMut(u64, u64)) -> Result<u64, Fault> {
        let tip = self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(HEADERS).map_err(fault(READING))?;
            let last = table.last().map_err(fault(READING))?;
            last.map(|(height, _)| height.value()).ok_or_else(|| corrupt("there are no headers"))
        })?;
        let (begin, end) = (self.history_from(), (tip + 1).saturating_sub(keep));
        let mut from = begin;
        while from < end {
            from = end.min(from + BATCH);
            // Recorded before it is done: a reader that finds a body gone must know why.
            self.history_from.fetch_max(from, Ordering::SeqCst);
            self.with(|db| {
                let mut tx = db.begin_write().map_err(fault(PRUNING))?;
                tx.set_two_phase_commit(true);
                let write = || -> Result<(), redb::Error> {
                    tx.open_table(BLOCKS)?.retain_in(..from, |_, _| false)?;
                    tx.open_table(META)?.insert(META_HISTORY, from.to_le_bytes().as_slice())?;
                    Ok(())
                };
                write().map_err(fault(PRUNING))?;
                tx.commit().map_err(fault(PRUNING))
            })?;
            progress(from - begin, end - begin);
        }
        Ok(self.history_from())
    }

    /// Returns free space in the file to the disk. The store serves nothing else meanwhile.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn compact(&self) -> Result<(), Fault> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_mut().ok_or(Fault::Reopen)?;
        guarded(|| {
            // Each round moves what it can; a second may find more.
            while db.compact().map_err(fault("compacting the ledger file"))? {}
            Ok(())
        })
    }
}
