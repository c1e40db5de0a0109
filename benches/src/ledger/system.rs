//! What is measured, behind one trait: many requests in, an answer to each when it is durable.
//!
//! More validators are to be one more implementation: `submit` waits until a quorum has the block.

use super::central::Central;
use super::file::Kind;
use crate::report::Outcome;
use crate::report::chain::at;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::Transaction;
use amanat_ledger::{Medium, Solo, State, Store, Submitted, apply, decode, validate};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A request is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Since now.
    Now,
    /// It was before.
    Before,
}

/// What takes requests. Letting go of it stops it.
pub(super) trait System: Send + Sync {
    /// Comes back when each is durable or refused; answers are in order.
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>>;
    /// How many batches it has made durable.
    fn height(&self) -> u64;
    /// Whether this request is in its record.
    fn holds(&self, request: &[u8]) -> Outcome<bool>;
}

/// Opens what is in a file.
pub(super) fn open(kind: Kind, path: &Path) -> Outcome<Box<dyn System>> {
    Ok(match kind {
        Kind::Central => Box::new(Central::open(path)?),
        Kind::Signed | Kind::Proofs => {
            Box::new(OneByOne { solo: Solo::open(Medium::File(path.to_owned()))?, now: now(0)? })
        }
        Kind::Blocks => {
            let (store, state) = Store::open(Medium::File(path.to_owned()))?;
            Box::new(ByBlock { store, state: Mutex::new(state), now: now(0)? })
        }
    })
}

/// The clock of every run stands at the beginning of the epoch that the proofs are of.
pub(super) fn now(ahead: i64) -> Outcome<Timestamp> {
    at(2, 1 + ahead)
}

/// The ledger's engine for one validator: verifies what is handed in, each by itself, on all threads.
struct OneByOne {
    solo: Solo,
    now: Timestamp,
}

impl System for OneByOne {
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>> {
        let answers = self.solo.submit_all(requests, self.now).into_iter();
        let done = |answer| match answer {
            Submitted::Committed(_) => Done::Now,
            Submitted::AlreadyCommitted(_) => Done::Before,
        };
        answers.map(|answer| answer.map(done).map_err(|e| e.to_string())).collect()
    }

    fn height(&self) -> u64 {
        self.solo.status().tip.height
    }

    fn holds(&self, request: &[u8]) -> Outcome<bool> {
        Ok(self.solo.receipt(&decode(request)?.id())?.is_some())
    }
}

/// The doors of a validator for blocks that others propose, and its store: all proofs of a block in one batch.
struct ByBlock {
    store: Store,
    state: Mutex<State>,
    now: Timestamp,
}

impl ByBlock {
    fn block(&self, requests: &[&[u8]]) -> Result<(), String> {
        // Decoded before its turn comes, as a node decodes what arrives while it works on the block before.
        let txs = requests.iter().map(|bytes| decode(bytes)).collect::<Result<Vec<Transaction>, _>>();
        let txs = txs.map_err(|e| e.to_string())?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let delta = validate(&state, self.now, txs, &|_| None).map(apply).map_err(|e| e.to_string())?;
        self.store.commit(&delta, None).map_err(|e| e.to_string())?;
        state.commit(delta);
        Ok(())
    }
}

impl System for ByBlock {
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>> {
        // A block stands or falls as a whole.
        let answer = self.block(requests).map(|()| Done::Now);
        vec![answer; requests.len()]
    }

    fn height(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tip().height
    }

    fn holds(&self, request: &[u8]) -> Outcome<bool> {
        Ok(self.store.receipt(&decode(request)?.id())?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::{Callers, burst, drive};
    use super::super::stock::Stock;
    use super::*;

    #[test]
    fn what_is_driven_through_a_system_is_in_its_record_also_when_it_is_opened_again() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let stock = Stock::bare(folder.path(), 2)?;
        let path = folder.path().join("run.redb");
        // By block there are signed transactions too: what a block holds is not the doors' concern.
        for (kind, asked) in
            [(Kind::Central, Kind::Central), (Kind::Signed, Kind::Signed), (Kind::Blocks, Kind::Signed)]
        {
            stock.copy(kind, &path)?;
            let requests = stock.requests(asked, 21);
            let system = open(kind, &path)?;
            let before = system.height();
            drive(&*system, &requests[..20], &burst(20), Callers { number: 2, batch: 5 })?;
            assert!(system.height() > before, "{kind:?}");
            drop(system);
            let system = open(kind, &path)?;
            for request in &requests[..20] {
                assert!(system.holds(request)?, "{kind:?}");
            }
            assert!(!system.holds(&requests[20])?, "{kind:?}");
        }
        Ok(())
    }
}
