//! The ledger's types under the names that consensus has for them, and the announcement of a block
//! on the wire.

use amanat_domain::quorum::ValidatorKey;
use amanat_domain::wire::{Reader, WireError, Writer};
use amanat_ledger::BlockHash;
use arc_malachitebft_app_channel::app::types::core as engine;
use engine::{NilOrVal, Round, VoteType};
use std::fmt;

/// Height of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Height(pub(crate) u64);

/// A validator's address is its public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address(pub(crate) ValidatorKey);

/// What is voted on: a block's hash, which commits to all that is in it. The block itself travels
/// in parts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId(pub(crate) BlockHash);

/// A proposer's vote-opening message for a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: BlockId,
    /// Round in which a quorum accepted the block, if this proposal repeats it.
    pub(crate) pol_round: Round,
    pub(crate) proposer: Address,
}

/// A vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) kind: VoteType,
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<BlockId>,
    pub(crate) voter: Address,
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Signature(pub(crate) [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// An Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicKey(pub(crate) ValidatorKey);

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// The announcement, signed by the proposer.
    Init(Init),
    /// A piece of the block.
    Data(Vec<u8>),
}

/// The announcement of a block's body, signed by the proposer of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Init {
    pub(crate) height: Height,
    pub(crate) round: Round,
    /// Round in which a quorum accepted the block, if this proposal repeats it.
    pub(crate) valid_round: Round,
    pub(crate) proposer: Address,
    pub(crate) block: BlockHash,
    /// Length of the block's encoding.
    pub(crate) bytes: u32,
    pub(crate) signature: Signature,
}

impl Init {
    pub(crate) fn write_unsigned(&self, w: &mut Writer) {
        w.u64(self.height.0);
        write_round(w, self.round);
        write_round(w, self.valid_round);
        w.fixed(&self.proposer.0.0);
        w.fixed(&self.block.0);
        w.u32(self.bytes);
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        self.write_unsigned(w);
        w.fixed(&self.signature.0);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            height: Height(r.u64("height")?),
            round: read_round(r)?,
            valid_round: read_round(r)?,
            proposer: Address(ValidatorKey(r.array("proposer")?)),
            block: BlockHash(r.array("block")?),
            bytes: r.u32("length of the block")?,
            signature: Signature(r.array("signature")?),
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let init = Self::read(&mut r)?;
        r.finish()?;
        Ok(init)
    }
}

/// A round, or none. If there is none, zero follows.
pub(crate) fn read_round(r: &mut Reader<'_>) -> Result<Round, WireError> {
    match (r.u8("round")?, r.u32("round")?) {
        (0, 0) => Ok(Round::Nil),
        (1, round) => Ok(Round::new(round)),
        _ => Err(WireError::Invalid("round: neither one nor none")),
    }
}

/// A round, or none.
pub(crate) fn write_round(w: &mut Writer, round: Round) {
    w.u8(round.is_defined().into());
    w.u32(round.as_u32().unwrap_or(0));
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl engine::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);
    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }
    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl engine::Address for Address {}

impl engine::Value for BlockId {
    type Id = Self;
    fn id(&self) -> Self {
        *self
    }
}
