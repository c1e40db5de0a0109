//! The ledger as what is measured: in this process, its file opened by [`open_ledger`].

use super::file::Kind;
use super::system::{Done, System};
use crate::report::Outcome;
use crate::report::chain::at;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::Transaction;
use amanat_ledger::{Solo, State, Storage, Store, Submitted, decode, finalize_block, validate_transactions};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Opens a ledger: proofs of a block are verified together, all else one by one.
pub(super) fn open_ledger(kind: Kind, path: &Path) -> Outcome<Box<dyn System>> {
    let medium = Storage::File(path.to_owned());
    if kind == Kind::Blocks {
        let (store, state) = Store::open(medium)?;
        return Ok(Box::new(ByBlock { store, state: Mutex::new(state), now: now(0)? }));
    }
    Ok(Box::new(OneByOne { solo: Solo::open(medium)?, now: now(0)? }))
}

/// The time of every run: the beginning of the epoch that the proofs are of, some seconds ahead.
pub(super) fn now(ahead: i64) -> Outcome<Timestamp> {
    at(2, 1 + ahead)
}

/// The ledger of one validator. It verifies each request by itself, on all threads.
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

/// A validator's ProcessProposal and its store: all proofs of a block are verified in one batch.
struct ByBlock {
    store: Store,
    state: Mutex<State>,
    now: Timestamp,
}

impl ByBlock {
    fn block(&self, requests: &[&[u8]]) -> Result<(), String> {
        // Decoded before the lock, as a node decodes what arrives while it works on the block
        // before.
        let txs = requests.iter().map(|bytes| decode(bytes)).collect::<Result<Vec<Transaction>, _>>();
        let txs = txs.map_err(|e| e.to_string())?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let delta = validate_transactions(&state, self.now, txs, &|_| None)
            .map(finalize_block)
            .map_err(|e| e.to_string())?;
        self.store.commit(&delta, None).map_err(|e| e.to_string())?;
        state.commit(delta);
        Ok(())
    }
}

impl System for ByBlock {
    fn submit(&self, requests: &[&[u8]]) -> Vec<Result<Done, String>> {
        // A block is accepted or refused as a whole.
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
