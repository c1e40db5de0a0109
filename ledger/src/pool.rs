//! The mempool: admitted transactions waiting for a block, bounded, one per id, context and nullifier.

use crate::doors::Admitted;
use crate::error::Conflict;
use amanat_domain::tx::TxId;
use std::collections::BTreeMap;

/// Bounds of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Most transactions.
    pub transactions: usize,
    /// Most bytes of all transactions together.
    pub bytes: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { transactions: 16_384, bytes: 32 * 1024 * 1024 }
    }
}

/// Transactions in the order they came, each with what its submitters left there (`W`).
pub struct Pool<W> {
    limits: PoolLimits,
    bytes: usize,
    next: u64,
    queue: BTreeMap<u64, (Admitted, Vec<W>)>,
    by_id: BTreeMap<TxId, u64>,
    by_ctx: BTreeMap<[u8; 32], u64>,
    by_nullifier: BTreeMap<[u8; 32], u64>,
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
    /// [`Conflict::Pending`] where another waits with the same context or nullifier, [`Conflict::PoolFull`].
    pub fn insert(&mut self, tx: Admitted, waiter: W) -> Result<(), Conflict> {
        let keys = *tx.keys();
        if let Some((_, waiters)) = self.by_id.get(&keys.txid).and_then(|at| self.queue.get_mut(at)) {
            waiters.push(waiter);
            return Ok(());
        }
        for (what, key, index) in
            [("context", keys.ctx, &self.by_ctx), ("nullifier", keys.nullifier, &self.by_nullifier)]
        {
            if let Some((other, _)) = key.and_then(|k| index.get(&k)).and_then(|at| self.queue.get(at)) {
                return Err(Conflict::Pending { what, by: other.keys().txid });
            }
        }
        if self.queue.len() >= self.limits.transactions || self.bytes + tx.bytes() > self.limits.bytes {
            return Err(Conflict::PoolFull { transactions: self.queue.len(), bytes: self.bytes });
        }
        let at = self.next;
        self.next += 1;
        self.bytes += tx.bytes();
        self.by_id.insert(keys.txid, at);
        keys.ctx.map(|k| self.by_ctx.insert(k, at));
        keys.nullifier.map(|k| self.by_nullifier.insert(k, at));
        self.queue.insert(at, (tx, vec![waiter]));
        Ok(())
    }

    /// The transactions in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &Admitted> {
        self.queue.values().map(|(tx, _)| tx)
    }

    /// The one with this id.
    #[must_use]
    pub fn by_id(&self, txid: &TxId) -> Option<&Admitted> {
        self.by_id.get(txid).and_then(|at| self.queue.get(at)).map(|(tx, _)| tx)
    }

    /// Takes one out and gives its waiters.
    pub fn remove(&mut self, txid: &TxId) -> Vec<W> {
        let Some((tx, waiters)) = self.by_id.remove(txid).and_then(|at| self.queue.remove(&at)) else {
            return Vec::new();
        };
        self.bytes -= tx.bytes();
        tx.keys().ctx.map(|k| self.by_ctx.remove(&k));
        tx.keys().nullifier.map(|k| self.by_nullifier.remove(&k));
        waiters
    }

    /// Takes all out and gives their waiters.
    pub fn clear(&mut self) -> Vec<W> {
        let queue = core::mem::take(&mut self.queue);
        self.by_id.clear();
        self.by_ctx.clear();
        self.by_nullifier.clear();
        self.bytes = 0;
        queue.into_values().flat_map(|(_, waiters)| waiters).collect()
    }
}
