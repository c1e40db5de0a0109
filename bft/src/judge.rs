//! A block from bytes, and certificates between the engine's form and the ledger's.

use crate::context::{Address, BlockId, Ctx, Height};
use crate::signing::Signature;
use amanat_domain::quorum::{Certificate, CertificateError, MAX_VALIDATORS, ValidatorSet};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_domain::wire::WireError;
use amanat_ledger::{Block, BlockHash, Chain, Delta, tx_root};
use arc_malachitebft_app_channel::app::types::core::{
    CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, Round,
};

/// How far a proposed block's time may be ahead of this validator's clock. Past a quorum's clocks no epoch begins early.
const AHEAD_SECONDS: u64 = 10;

/// Why bytes are not the block they are said to be. That is nobody's vote: whoever sent them may have made them up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotThisBlock {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the header has hash {got}, expected {expected}")]
    Hash { expected: BlockHash, got: BlockHash },
    #[error("the transactions are not those that the header commits to")]
    Transactions,
}

/// Reads a block and checks that it is the one with this hash, if one is expected, down to the last byte of its transactions.
pub(crate) fn read(
    bytes: &[u8],
    expected: Option<BlockHash>,
    transactions: u32,
) -> Result<Block, NotThisBlock> {
    let block = Block::from_bytes(bytes, transactions as usize)?;
    let got = block.header.hash();
    if let Some(expected) = expected.filter(|expected| *expected != got) {
        return Err(NotThisBlock::Hash { expected, got });
    }
    if tx_root(&block.transactions) != block.header.tx_root {
        return Err(NotThisBlock::Transactions);
    }
    Ok(block)
}

/// Judges a block by the ledger's doors, and by the clock where it is only proposed. Says why it is refused.
pub(crate) fn judge(chain: &Chain, block: &Block, now: Option<Timestamp>) -> Result<Delta, String> {
    let time = block.header.time.seconds();
    if let Some(now) = now.filter(|now| time > now.seconds().saturating_add(AHEAD_SECONDS)) {
        return Err(format!("the block's time {} is ahead of {now}", block.header.time));
    }
    chain.validate(block).map_err(|refusal| refusal.to_string())
}

/// The ledger's certificate from the engine's: signers in the order of their keys, each once, every signature under this vote. The
/// engine counted them already; this checks again, since the ledger keeps it for good.
pub(crate) fn certificate(
    decided: &CommitCertificate<Ctx>,
    chain: ChainId,
    validators: &ValidatorSet,
) -> Result<Certificate, CertificateError> {
    let mut signatures: Vec<_> =
        decided.commit_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect();
    signatures.sort_unstable();
    signatures.dedup_by_key(|(key, _)| *key);
    let certificate = Certificate {
        height: decided.height.0,
        round: decided.round.as_u32().unwrap_or(0),
        block: decided.value_id.0.0,
        signatures,
    };
    certificate.verify(chain, validators).map(|()| certificate)
}

/// The engine's certificate from the ledger's, for a validator that catches up.
pub(crate) fn extended(certificate: &Certificate) -> ExtendedCommitCertificate<Ctx> {
    let signature =
        |(key, bytes): &(_, _)| ExtendedCommitSignature::new(Address(*key), Signature(*bytes), None);
    ExtendedCommitCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: BlockId(BlockHash(certificate.block)),
        commit_signatures: certificate.signatures.iter().take(MAX_VALIDATORS).map(signature).collect(),
    }
}
