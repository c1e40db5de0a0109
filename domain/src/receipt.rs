//! What a transaction did, and the proof that a block says so.

use crate::block::{BlockHash, Header};
use crate::bundle::Registry;
use crate::ids::{KeyDigest, TxId};
use crate::merkle;
use crate::wire::{Reader, WireError, Writer};

/// What a transaction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Leaves appended to a registry: the first index and how many.
    Appended {
        /// Where.
        registry: Registry,
        /// Index of the first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Records anchored and older ones superseded.
    Anchored {
        /// Index of the first record.
        first: u32,
        /// How many.
        count: u32,
        /// How many ids went into `revocations`.
        superseded: u32,
    },
    /// A credential retired.
    Retired {
        /// Its leaf index.
        index: u32,
    },
    /// A consent revoked.
    Revoked {
        /// Index of the id's leaf in `revocations`.
        index: u32,
    },
    /// A verifying key installed.
    KeyInstalled {
        /// Which.
        key: KeyDigest,
        /// First height at which proofs under it are accepted.
        active_from: u64,
    },
    /// A verifying key frozen.
    KeyFrozen {
        /// Which.
        key: KeyDigest,
        /// First height at which proofs under it are refused.
        frozen_from: u64,
    },
    /// A proof recorded: consent, role, record, access.
    Recorded,
    /// A change proposed.
    Proposed {
        /// Approvals that count, the proposer's among them.
        approvals: u32,
        /// How many it takes.
        needed: u32,
        /// First epoch in which it can no longer be approved.
        expires: u64,
        /// Height from which the change holds, if this made it.
        holds_from: Option<u64>,
    },
    /// A proposal approved.
    Approved {
        /// Which.
        proposal: TxId,
        /// Approvals that count.
        approvals: u32,
        /// How many it takes.
        needed: u32,
        /// Height from which the change holds, if this made it.
        holds_from: Option<u64>,
    },
}

/// What is recorded of a committed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptData {
    /// The transaction.
    pub txid: TxId,
    /// Block.
    pub height: u64,
    /// Position in the block.
    pub index: u32,
    /// Epoch of the block.
    pub epoch: u64,
    /// What it changed.
    pub effect: Effect,
}

/// The proof that a block contains a receipt; verified without the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The receipt.
    pub receipt: ReceiptData,
    /// Header of its block.
    pub header: Header,
    /// Merkle siblings from the receipt up.
    pub siblings: Vec<[u8; 32]>,
}

/// Why an inclusion proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotIncluded {
    /// The header is not the block's.
    #[error("the header has hash {got}, expected {expected}")]
    OtherBlock {
        /// The block trusted.
        expected: BlockHash,
        /// The header's hash.
        got: BlockHash,
    },
    /// Height or epoch of the receipt are not the header's.
    #[error("the receipt is for height {got}, the header for {expected}")]
    OtherHeight {
        /// The header's.
        expected: u64,
        /// The receipt's.
        got: u64,
    },
    /// The siblings do not lead to the header's receipts root.
    #[error("the path does not lead to the receipts root of block {0}")]
    WrongPath(u64),
}

impl Effect {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Appended { registry, first, count } => {
                w.u8(1);
                w.u8(*registry as u8);
                w.u32(*first);
                w.u32(*count);
            }
            Self::Anchored { first, count, superseded } => {
                w.u8(2);
                w.u32(*first);
                w.u32(*count);
                w.u32(*superseded);
            }
            Self::Retired { index } => {
                w.u8(3);
                w.u32(*index);
            }
            Self::Revoked { index } => {
                w.u8(4);
                w.u32(*index);
            }
            Self::KeyInstalled { key, active_from } => {
                w.u8(5);
                w.fixed(&key.0);
                w.u64(*active_from);
            }
            Self::KeyFrozen { key, frozen_from } => {
                w.u8(6);
                w.fixed(&key.0);
                w.u64(*frozen_from);
            }
            Self::Recorded => w.u8(7),
            Self::Proposed { approvals, needed, expires, holds_from } => {
                w.u8(8);
                w.u32(*approvals);
                w.u32(*needed);
                w.u64(*expires);
                // Zero: not made. Nothing holds from height 0 but the genesis.
                w.u64(holds_from.unwrap_or(0));
            }
            Self::Approved { proposal, approvals, needed, holds_from } => {
                w.u8(9);
                w.fixed(&proposal.0);
                w.u32(*approvals);
                w.u32(*needed);
                w.u64(holds_from.unwrap_or(0));
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match r.u8("effect")? {
            1 => {
                let n = r.u8("registry")?;
                let registry = Registry::ALL.into_iter().find(|x| *x as u8 == n);
                Self::Appended {
                    registry: registry.ok_or(WireError::Unknown { what: "registry", got: n.into() })?,
                    first: r.u32("first leaf")?,
                    count: r.u32("leaf count")?,
                }
            }
            2 => Self::Anchored {
                first: r.u32("first leaf")?,
                count: r.u32("leaf count")?,
                superseded: r.u32("superseded count")?,
            },
            3 => Self::Retired { index: r.u32("leaf")? },
            4 => Self::Revoked { index: r.u32("leaf")? },
            5 => Self::KeyInstalled { key: KeyDigest(r.array("key")?), active_from: r.u64("height")? },
            6 => Self::KeyFrozen { key: KeyDigest(r.array("key")?), frozen_from: r.u64("height")? },
            7 => Self::Recorded,
            8 => Self::Proposed {
                approvals: r.u32("approvals")?,
                needed: r.u32("approvals needed")?,
                expires: r.u64("expires in")?,
                holds_from: Some(r.u64("holds from")?).filter(|height| *height != 0),
            },
            9 => Self::Approved {
                proposal: TxId(r.array("proposal")?),
                approvals: r.u32("approvals")?,
                needed: r.u32("approvals needed")?,
                holds_from: Some(r.u64("holds from")?).filter(|height| *height != 0),
            },
            n => return Err(WireError::Unknown { what: "effect", got: n.into() }),
        })
    }
}

impl ReceiptData {
    /// Canonical bytes: the leaf of the receipts tree.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.finish()
    }

    /// Writes the canonical form.
    pub fn write(&self, w: &mut Writer) {
        w.fixed(&self.txid.0);
        w.u64(self.height);
        w.u32(self.index);
        w.u64(self.epoch);
        self.effect.write(w);
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            txid: TxId(r.array("transaction id")?),
            height: r.u64("height")?,
            index: r.u32("position")?,
            epoch: r.u64("epoch")?,
            effect: Effect::read(r)?,
        })
    }
}

/// Merkle root of the receipts of a block.
#[must_use]
pub fn receipts_root(receipts: &[ReceiptData]) -> [u8; 32] {
    let bytes: Vec<Vec<u8>> = receipts.iter().map(ReceiptData::to_bytes).collect();
    merkle::root(&bytes)
}

impl InclusionProof {
    /// Checks that the block with this hash contains the receipt.
    ///
    /// # Errors
    /// [`NotIncluded`] saying what does not fit.
    pub fn verify(&self, block: BlockHash) -> Result<(), NotIncluded> {
        let got = self.header.hash();
        if got != block {
            return Err(NotIncluded::OtherBlock { expected: block, got });
        }
        if (self.receipt.height, self.receipt.epoch) != (self.header.height, self.header.epoch) {
            return Err(NotIncluded::OtherHeight { expected: self.header.height, got: self.receipt.height });
        }
        let bytes = self.receipt.to_bytes();
        let root = merkle::root_from_path(&bytes, self.receipt.index, self.header.count, &self.siblings);
        if root != Some(self.header.receipts_root) {
            return Err(NotIncluded::WrongPath(self.header.height));
        }
        Ok(())
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.header.write(&mut w);
        self.receipt.write(&mut w);
        w.u8(u8::try_from(self.siblings.len()).expect("a path over 2^32 leaves has at most 32 siblings"));
        self.siblings.iter().for_each(|s| w.fixed(s));
        w.finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let header = Header::read(&mut r)?;
        let receipt = ReceiptData::read(&mut r)?;
        let got = r.u8("siblings")? as usize;
        if got > 32 {
            return Err(WireError::Length { what: "siblings", got, least: 0, most: 32 });
        }
        let siblings = (0..got).map(|_| r.array("sibling")).collect::<Result<_, _>>()?;
        r.finish()?;
        Ok(Self { receipt, header, siblings })
    }
}
