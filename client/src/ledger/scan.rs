//! Going through all blocks for their proof transactions.

use super::{AccessError, LedgerAccess};
use amanat_domain::tx::{ProofTx, Transaction, TxId};
use amanat_ledger::{BlockHash, Header};
use std::collections::VecDeque;

/// A proof transaction where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenProof {
    /// Height of its block.
    pub height: u64,
    /// Position there.
    pub index: u32,
    /// Its id.
    pub txid: TxId,
    /// The transaction.
    pub tx: ProofTx,
}

/// The proof transactions from some height up to the tip, in order. Ends at the tip, or with the
/// first error.
pub struct ProofScan<'a> {
    access: &'a dyn LedgerAccess,
    next: u64,
    parent: Option<BlockHash>,
    headers: VecDeque<Header>,
    found: VecDeque<SeenProof>,
    ended: bool,
}

impl<'a> ProofScan<'a> {
    /// From a height on.
    #[must_use]
    pub fn new(access: &'a dyn LedgerAccess, from: u64) -> Self {
        Self {
            access,
            next: from,
            parent: None,
            headers: VecDeque::new(),
            found: VecDeque::new(),
            ended: false,
        }
    }

    /// Height of the first block that was not looked at yet: where a later scan goes on.
    #[must_use]
    pub const fn next_height(&self) -> u64 {
        self.next
    }

    /// Looks at one more block; false at the tip.
    fn advance(&mut self) -> Result<bool, AccessError> {
        if self.headers.is_empty() {
            self.headers = self.access.headers(self.next)?.into();
        }
        let Some(header) = self.headers.pop_front() else { return Ok(false) };
        let untrustworthy = |why: String| AccessError::Untrustworthy { what: "block headers", why };
        if header.height != self.next {
            return Err(untrustworthy(format!("block {} where {} comes next", header.height, self.next)));
        }
        if self.parent.is_some_and(|parent| parent != header.parent) {
            return Err(untrustworthy(format!("block {} does not follow the one before it", header.height)));
        }
        if header.count > 0 {
            let block = self.access.block(header.height)?;
            let block = block.filter(|block| block.header == header);
            let block = block.ok_or_else(|| untrustworthy(format!("block {} is another", header.height)))?;
            for (index, tx) in (0..).zip(block.transactions) {
                let txid = tx.id();
                if let Transaction::Proof(tx) = tx {
                    self.found.push_back(SeenProof { height: header.height, index, txid, tx: *tx });
                }
            }
        }
        self.parent = Some(header.hash());
        self.next += 1;
        Ok(true)
    }
}

impl Iterator for ProofScan<'_> {
    type Item = Result<SeenProof, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended && self.found.is_empty() {
            match self.advance() {
                Ok(more) => self.ended = !more,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.found.pop_front().map(Ok)
    }
}
