//! The mempool: admitted transactions waiting for a block, bounded, one per id, context and
//! nullifier.
//!
//! No submitter can take the room of the others. A signed transaction counts against the
//! organisation that signed it. A proof hides who made it, so it counts against where it came from:
//! this node's own callers, or the validator that sent it on. A submitter always gets its share of
//! the room; beyond that only while half of the room is free. Blocks are filled in turns: one
//! transaction of each submitter, then the second of each; the order within one submitter stays.

use crate::check_tx::Admitted;
use crate::error::Conflict;
use crate::submitter::{Source, Submitter};
use amanat_domain::tx::TxId;
use std::collections::BTreeMap;

/// Bounds of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Most transactions.
    pub transactions: usize,
    /// Most bytes of all transactions together.
    pub bytes: usize,
    /// Number of shares that the room is divided into. A submitter that has its share gets more
    /// only while half of the room is free. 1: no quota.
    pub shares: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { transactions: 16_384, bytes: 32 * 1024 * 1024, shares: 8 }
    }
}

/// Place in the order of blocks: first turns before second ones; within a turn as they came.
type Place = (u64, u64);

struct Waiting<W> {
    tx: Admitted,
    by: Submitter,
    waiters: Vec<W>,
}

/// What one submitter has waiting.
#[derive(Default)]
struct Held {
    transactions: usize,
    bytes: usize,
    /// Turn of its next transaction, if nobody is further.
    turn: u64,
}

/// Transactions in the order blocks take them, each with what its submitters left there (`W`).
pub struct Pool<W> {
    limits: PoolLimits,
    bytes: usize,
    next: u64,
    queue: BTreeMap<Place, Waiting<W>>,
    held: BTreeMap<Submitter, Held>,
    by_id: BTreeMap<TxId, Place>,
    by_ctx: BTreeMap<[u8; 32], Place>,
    by_nullifier: BTreeMap<[u8; 32], Place>,
}

impl<W> Pool<W> {
    /// An empty pool.
    #[must_use]
    pub const fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            next: 0,
            queue: BTreeMap::new(),
            held: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_ctx: BTreeMap::new(),
            by_nullifier: BTreeMap::new(),
        }
    }

    /// Number of transactions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes of all transactions together.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a transaction in. The same one once more only adds its waiter.
    ///
    /// # Errors
    /// [`Conflict::Pending`] if another waits with the same context or nullifier,
    /// [`Conflict::PoolFull`], [`Conflict::PoolQuota`].
    pub fn insert(&mut self, tx: Admitted, source: Source, waiter: W) -> Result<(), Conflict> {
        let keys = *tx.keys();
        if let Some(there) = self.by_id.get(&keys.txid).and_then(|at| self.queue.get_mut(at)) {
            // Not counted again for another sender: one transaction takes one place.
            there.waiters.push(waiter);
            return Ok(());
        }
        for (what, key, index) in
            [("context", keys.ctx, &self.by_ctx), ("nullifier", keys.nullifier, &self.by_nullifier)]
        {
            if let Some(other) = key.and_then(|k| index.get(&k)).and_then(|at| self.queue.get(at)) {
                return Err(Conflict::Pending { what, by: other.tx.keys().txid });
            }
        }
        if self.queue.len() >= self.limits.transactions || self.bytes + tx.bytes() > self.limits.bytes {
            return Err(Conflict::PoolFull { transactions: self.queue.len(), bytes: self.bytes });
        }
        let by = Submitter::of(tx.transaction(), source);
        self.within_quota(by, tx.bytes())?;
        // A submitter that had nothing waiting begins at the turn that is next for a block, not at
        // turn 0: it must not overtake all that waited before it came.
        let first = self.queue.first_key_value().map_or(0, |((turn, _), _)| *turn);
        let held = self.held.entry(by).or_default();
        let at = (held.turn.max(first), self.next);
        (held.transactions, held.bytes, held.turn) =
            (held.transactions + 1, held.bytes + tx.bytes(), at.0 + 1);
        self.next += 1;
        self.bytes += tx.bytes();
        self.by_id.insert(keys.txid, at);
        keys.ctx.map(|k| self.by_ctx.insert(k, at));
        keys.nullifier.map(|k| self.by_nullifier.insert(k, at));
        self.queue.insert(at, Waiting { tx, by, waiters: vec![waiter] });
        Ok(())
    }

    /// Whether a submitter may have one more transaction waiting, of `more` bytes.
    fn within_quota(&self, by: Submitter, more: usize) -> Result<(), Conflict> {
        let PoolLimits { transactions, bytes, shares } = self.limits;
        let (crowded, shares) = (2, shares.max(1));
        // While half of the room is free nobody is short of it: a single busy submitter need not be
        // held back.
        if self.queue.len() < transactions / crowded && self.bytes + more <= bytes / crowded {
            return Ok(());
        }
        let held = self.held.get(&by).map_or((0, 0), |held| (held.transactions, held.bytes));
        // The first transaction is always within the share: with many shares a share may be smaller
        // than one transaction.
        if held.0 == 0 || (held.0 < transactions / shares && held.1 + more <= bytes / shares) {
            return Ok(());
        }
        Err(Conflict::PoolQuota { by, transactions: held.0, bytes: held.1 })
    }

    /// The transactions in the order blocks take them: submitters take turns.
    pub fn iter(&self) -> impl Iterator<Item = &Admitted> {
        self.queue.values().map(|waiting| &waiting.tx)
    }

    /// The one with this id.
    #[must_use]
    pub fn by_id(&self, txid: &TxId) -> Option<&Admitted> {
        self.by_id.get(txid).and_then(|at| self.queue.get(at)).map(|waiting| &waiting.tx)
    }

    /// Takes one out and gives its waiters.
    pub fn remove(&mut self, txid: &TxId) -> Vec<W> {
        let Some(Waiting { tx, by, waiters }) = self.by_id.remove(txid).and_then(|at| self.queue.remove(&at))
        else {
            return Vec::new();
        };
        self.bytes -= tx.bytes();
        // The submitter's turn goes with its last transaction, so the map is no longer than the
        // queue.
        if let Some(held) = self.held.get_mut(&by) {
            held.transactions -= 1;
            held.bytes -= tx.bytes();
            if held.transactions == 0 {
                self.held.remove(&by);
            }
        }
        tx.keys().ctx.map(|k| self.by_ctx.remove(&k));
        tx.keys().nullifier.map(|k| self.by_nullifier.remove(&k));
        waiters
    }

    /// Takes all out and gives their waiters.
    pub fn clear(&mut self) -> Vec<W> {
        let queue = core::mem::take(&mut self.queue);
        self.held.clear();
        self.by_id.clear();
        self.by_ctx.clear();
        self.by_nullifier.clear();
        self.bytes = 0;
        queue.into_values().flat_map(|waiting| waiting.waiters).collect()
    }
}
