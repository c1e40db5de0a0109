//! Blocks and their headers.

use crate::ids::ChainId;
use crate::merkle;
use crate::time::Timestamp;
use crate::tx::Transaction;
use crate::wire::{Reader, WireError, Writer};
use sha2::{Digest, Sha256};

/// Version of the header's encoding.
pub const BLOCK_VERSION: u8 = 1;

/// Identity of a block: SHA-256 over its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHash(pub [u8; 32]);

/// Digest of the whole state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppHash(pub [u8; 32]);

impl core::fmt::Display for BlockHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl core::fmt::Display for AppHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// What a block commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The ledger.
    pub chain: ChainId,
    /// Number of the block; the genesis has 0.
    pub height: u64,
    /// Hash of the block before; zero in the genesis.
    pub parent: BlockHash,
    /// Time of the block.
    pub time: Timestamp,
    /// Epoch the time falls in.
    pub epoch: u64,
    /// Merkle root of the transactions' canonical bytes.
    pub tx_root: [u8; 32],
    /// Merkle root of the receipts.
    pub receipts_root: [u8; 32],
    /// Number of transactions and of receipts.
    pub count: u32,
    /// Digest of the state after this block.
    pub app_hash: AppHash,
}

impl Header {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.finish()
    }

    /// Writes the canonical form.
    pub fn write(&self, w: &mut Writer) {
        w.u8(BLOCK_VERSION);
        w.fixed(&self.chain.0);
        w.u64(self.height);
        w.fixed(&self.parent.0);
        w.u64(self.time.seconds());
        w.u64(self.epoch);
        w.fixed(&self.tx_root);
        w.fixed(&self.receipts_root);
        w.u32(self.count);
        w.fixed(&self.app_hash.0);
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        Reader::whole(bytes, Self::read)
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let version = r.u8("block version")?;
        if version != BLOCK_VERSION {
            return Err(WireError::Unknown { what: "block version", got: version.into() });
        }
        Ok(Self {
            chain: ChainId(r.array("chain id")?),
            height: r.u64("height")?,
            parent: BlockHash(r.array("parent")?),
            time: Timestamp::new(r.u64("time")?)
                .ok_or(WireError::Invalid("block time: more than 40 bits"))?,
            epoch: r.u64("epoch")?,
            tx_root: r.array("transactions root")?,
            receipts_root: r.array("receipts root")?,
            count: r.u32("transaction count")?,
            app_hash: AppHash(r.array("app hash")?),
        })
    }

    /// Identity of the block.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        let hash = Sha256::new().chain_update(b"amanat/header/v1").chain_update(self.to_bytes());
        BlockHash(hash.finalize().into())
    }
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it commits to.
    pub header: Header,
    /// Its transactions, in order.
    pub transactions: Vec<Transaction>,
}

impl Block {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.header.write(&mut w);
        write_transactions(&mut w, &self.transactions);
        w.finish()
    }

    /// Reads canonical bytes with at most `most` transactions.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8], most: usize) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let header = Header::read(&mut r)?;
        let transactions = read_transactions(&mut r, most)?;
        r.finish()?;
        Ok(Self { header, transactions })
    }
}

/// Writes transactions with their number before them.
///
/// # Panics
/// With 2^32 transactions or more.
pub fn write_transactions(w: &mut Writer, transactions: &[Transaction]) {
    w.u32(u32::try_from(transactions.len()).expect("a block's limits are 32-bit"));
    transactions.iter().for_each(|tx| w.bytes(&tx.to_bytes()));
}

/// Reads at most `most` transactions with their number before them.
///
/// # Errors
/// [`WireError`].
pub fn read_transactions(r: &mut Reader<'_>, most: usize) -> Result<Vec<Transaction>, WireError> {
    let n = r.count(0, most, "transactions of a block")?;
    (0..n)
        .map(|_| r.bytes(crate::tx::MAX_TX_BYTES, "transaction").and_then(Transaction::from_bytes))
        .collect()
}

/// Merkle root of the transactions.
#[must_use]
pub fn tx_root(transactions: &[Transaction]) -> [u8; 32] {
    let bytes: Vec<Vec<u8>> = transactions.iter().map(Transaction::to_bytes).collect();
    merkle::root(&bytes)
}
