//! Validation of proposed blocks, and certificates between Malachite's form and the ledger's.

use crate::context::Ctx;
use crate::secret::verified;
use crate::types::{Address, BlockId, Height, Signature};
use amanat_domain::quorum::{
    Certificate, CertificateError, MAX_VALIDATORS, ValidatorSet, VoteKind, vote_bytes,
};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::ChainId;
use amanat_domain::wire::WireError;
use amanat_ledger::{Block, BlockHash, Chain, Delta, tx_root};
use arc_malachitebft_app_channel::app::types::core::{
    CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, Round,
};

/// How far a proposed block's time may be ahead of this validator's clock. Past a quorum's clocks
/// no epoch begins early.
pub(crate) const AHEAD_SECONDS: u64 = 10;

/// Why bytes are not the announced block. This says nothing about the proposer: the sender may have
/// made the bytes up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotThisBlock {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the header has hash {got}, expected {expected}")]
    Hash { expected: BlockHash, got: BlockHash },
    #[error("the transactions are not those that the header commits to")]
    Transactions,
}

/// Reads a block and checks that it is the one with this hash, if one is expected, down to the last
/// byte of its transactions.
pub(crate) fn read_block(
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

/// ProcessProposal: validates a block by the ledger's rules, and by the clock if it is only
/// proposed. Returns why it is refused.
pub(crate) fn validate_proposal(
    chain: &Chain,
    block: &Block,
    now: Option<Timestamp>,
) -> Result<Delta, String> {
    let time = block.header.time.seconds();
    if let Some(now) = now.filter(|now| time > now.seconds().saturating_add(AHEAD_SECONDS)) {
        return Err(format!("the block's time {} is ahead of {now}", block.header.time));
    }
    chain.process_proposal(block).map_err(|refusal| refusal.to_string())
}

/// The ledger's certificate from the engine's: signers in the order of their keys, each once, every
/// signature under this vote. The engine has counted them; what it let pass beside a quorum is left
/// out here, since the ledger keeps the certificate for good.
pub(crate) fn certificate(
    decided: &CommitCertificate<Ctx>,
    chain: ChainId,
    validators: &ValidatorSet,
) -> Result<Certificate, CertificateError> {
    let (height, round) = (decided.height.0, decided.round.as_u32().unwrap_or(0));
    let block = decided.value_id.0.0;
    let vote = vote_bytes(chain, VoteKind::Precommit, height, round, Some(block));
    let held = decided.commit_signatures.iter().filter(|s| verified(s.address.0, &vote, &s.signature));
    let mut signatures: Vec<_> = held.map(|s| (s.address.0, s.signature.0)).collect();
    signatures.retain(|(key, _)| validators.contains(key));
    signatures.sort_unstable();
    signatures.dedup_by_key(|(key, _)| *key);
    let certificate = Certificate { height, round, block, signatures };
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

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_domain::quorum::ValidatorKey;
    use arc_malachitebft_app_channel::app::types::core::CommitSignature;
    use ed25519_dalek::{Signer, SigningKey};

    const CHAIN: ChainId = ChainId([7; 32]);

    #[test]
    fn a_certificate_has_the_signatures_that_hold_in_order_and_each_once() {
        let signers: Vec<SigningKey> = (1..=5).map(|n| SigningKey::from_bytes(&[n; 32])).collect();
        let key = |n: usize| ValidatorKey(signers[n].verifying_key().to_bytes());
        let set = ValidatorSet::new((0..4).map(key).collect()).expect("good keys");
        let block = [9; 32];
        let vote = vote_bytes(CHAIN, VoteKind::Precommit, 5, 1, Some(block));
        let sign = |n: usize| {
            CommitSignature::<Ctx>::new(Address(key(n)), Signature(signers[n].sign(&vote).to_bytes()))
        };
        let decided = |commit_signatures| CommitCertificate {
            height: Height(5),
            round: Round::new(1),
            value_id: BlockId(BlockHash(block)),
            commit_signatures,
        };
        let mut bad = sign(0);
        bad.signature.0[3] ^= 1;
        // A signature that does not hold, a stranger's, and one twice beside a quorum.
        let mixed = decided(vec![sign(3), bad, sign(4), sign(1), sign(3), sign(2)]);
        let good = certificate(&mixed, CHAIN, &set).expect("three of four");
        assert_eq!(good.signatures.len(), 3);
        assert!(good.signatures.is_sorted());
        assert_eq!(extended(&good).commit_signatures.len(), 3);
        let few = CertificateError::Few { got: 2, quorum: 3, of: 4 };
        assert_eq!(certificate(&decided(vec![sign(1), sign(1), sign(2)]), CHAIN, &set), Err(few));
    }
}
