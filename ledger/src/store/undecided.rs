//! Blocks that were proposed and are not decided.
//!
//! A validator may vote for a block only if it can still produce it after a crash: the block is
//! written before the vote. It is gone in the write that commits a block of its height.

use super::tables::*;
use super::{READING, Store, corrupt, fault};
use crate::error::Fault;
use amanat_domain::block::{Block, BlockHash};
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};

const KEEPING: &str = "keeping a proposed block";

/// A proposal that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundProposal {
    /// Round it was made in.
    pub round: u32,
    /// The block.
    pub block: BlockHash,
    /// What the engine noted.
    pub note: Vec<u8>,
}

impl Store {
    /// Keeps a proposed block, and that it was proposed in this round. What is kept for this round
    /// and block already stays.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn keep(&self, block: &Block, round: u32, note: &[u8]) -> Result<(), Fault> {
        let (height, hash) = (block.header.height, block.header.hash());
        self.with(|db| {
            let mut tx = db.begin_write().map_err(fault(KEEPING))?;
            tx.set_two_phase_commit(true);
            let write = || -> Result<(), redb::Error> {
                let mut bodies = tx.open_table(UNDECIDED)?;
                if bodies.get((height, &hash.0))?.is_none() {
                    bodies.insert((height, &hash.0), block.to_bytes().as_slice())?;
                }
                let mut proposals = tx.open_table(ROUNDS)?;
                if proposals.get((height, round, &hash.0))?.is_none() {
                    proposals.insert((height, round, &hash.0), note)?;
                }
                Ok(())
            };
            write().map_err(fault(KEEPING))?;
            tx.commit().map_err(fault(KEEPING))
        })
    }

    /// A block that was proposed and kept.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn undecided(&self, height: u64, hash: BlockHash) -> Result<Option<Block>, Fault> {
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(UNDECIDED).map_err(fault(READING))?;
            let Some(bytes) = table.get((height, &hash.0)).map_err(fault(READING))? else { return Ok(None) };
            let block = Block::from_bytes(bytes.value(), u32::MAX as usize).map_err(corrupt)?;
            if block.header.hash() == hash {
                Ok(Some(block))
            } else {
                Err(corrupt(format!("undecided block {hash} is another")))
            }
        })
    }

    /// What was proposed and kept for a height, by round.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn proposals(&self, height: u64) -> Result<Vec<RoundProposal>, Fault> {
        self.with(|db| {
            let tx = db.begin_read().map_err(fault(READING))?;
            let table = tx.open_table(ROUNDS).map_err(fault(READING))?;
            let all = (height, 0, &[0; 32])..=(height, u32::MAX, &[0xff; 32]);
            let mut proposals = Vec::new();
            for entry in table.range(all).map_err(fault(READING))? {
                let (key, note) = entry.map_err(fault(READING))?;
                let (_, round, hash) = key.value();
                proposals.push(RoundProposal { round, block: BlockHash(*hash), note: note.value().to_vec() });
            }
            Ok(proposals)
        })
    }
}

/// Removes what was proposed for this height and earlier heights.
pub(super) fn clear(tx: &WriteTransaction, height: u64) -> Result<(), redb::Error> {
    tx.open_table(UNDECIDED)?.retain_in(..=(height, &[0xff; 32]), |_, _| false)?;
    tx.open_table(ROUNDS)?.retain_in(..=(height, u32::MAX, &[0xff; 32]), |_, _| false)?;
    Ok(())
}
