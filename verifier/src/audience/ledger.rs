//! What a ledger says of a proof transaction, as evidence.

use super::AudienceReject;
use crate::light::{LightClient, LightError, ReceiptEvidence};
use amanat_domain::block::BlockHash;
use amanat_domain::bundle::BundleHash;
use amanat_domain::entry::{Content, Entry, EntryProof};
use amanat_domain::quorum::Certificate;
use amanat_domain::receipt::{InclusionProof, ReceiptData};
use amanat_domain::tx::{ChainId, ProofTx, TxId};

/// A bundle that a ledger sealed: what a proof was made against is the ledger's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedBundle {
    chain: ChainId,
    epoch: u64,
    hash: BundleHash,
}

impl SealedBundle {
    /// By a certified block: its state has the bundle.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn certified(
        client: &LightClient,
        proof: &EntryProof,
        certificate: &Certificate,
    ) -> Result<Self, LightError> {
        client.entry(proof, certificate)?;
        Self::shown(client.chain(), proof)
    }

    /// By a block whose hash the audience believes for another reason: a ledger of one
    /// operator has no certificates.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn in_block(chain: ChainId, proof: &EntryProof, block: BlockHash) -> Result<Self, LightError> {
        proof.verify(block)?;
        Self::shown(chain, proof)
    }

    /// By the audience's own word: nothing is checked. For an audience that runs a node, or asks
    /// one it believes.
    #[must_use]
    pub const fn believed(chain: ChainId, epoch: u64, hash: BundleHash) -> Self {
        Self { chain, epoch, hash }
    }

    /// The entry and the content of a proof that holds.
    fn shown(chain: ChainId, proof: &EntryProof) -> Result<Self, LightError> {
        let got = proof.header.chain;
        if got != chain {
            return Err(LightError::OtherChain { expected: chain, got });
        }
        match (proof.entry, proof.content) {
            (Entry::Bundle(epoch), Some(Content::Bundle(hash))) => Ok(Self { chain, epoch, hash }),
            _ => Err(LightError::NotBundle),
        }
    }

    fn of(&self, tx: &ProofTx) -> Result<(), AudienceReject> {
        same_ledger(self.chain, tx)?;
        if (self.epoch, self.hash) == (tx.epoch, tx.bundle) {
            Ok(())
        } else {
            Err(AudienceReject::Bundle { epoch: tx.epoch })
        }
    }
}

/// A transaction that a ledger committed: its key was accepted, its bundle the ledger's and recent,
/// its nullifier unspent, and spent by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommittedTx {
    chain: ChainId,
    txid: TxId,
}

impl CommittedTx {
    /// By a certified block that has its receipt.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn certified(client: &mut LightClient, evidence: &ReceiptEvidence) -> Result<Self, LightError> {
        let txid = client.check(evidence)?.txid;
        Ok(Self { chain: client.chain(), txid })
    }

    /// By a block whose hash the audience believes for another reason: a ledger of one
    /// operator has no certificates.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn in_block(chain: ChainId, proof: &InclusionProof, block: BlockHash) -> Result<Self, LightError> {
        let got = proof.header.chain;
        if got != chain {
            return Err(LightError::OtherChain { expected: chain, got });
        }
        proof.verify(block)?;
        Ok(Self { chain, txid: proof.receipt.txid })
    }

    /// By the audience's own word: nothing is checked. For an audience that runs a node, or asks
    /// one it believes.
    #[must_use]
    pub const fn believed(chain: ChainId, receipt: &ReceiptData) -> Self {
        Self { chain, txid: receipt.txid }
    }

    pub(super) fn of(&self, tx: &ProofTx) -> Result<(), AudienceReject> {
        same_ledger(self.chain, tx)?;
        let expected = tx.id();
        if self.txid == expected { Ok(()) } else { Err(AudienceReject::Receipt { expected, got: self.txid }) }
    }
}

/// Either: enough for a statement that uses nothing up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerEvidence {
    /// The bundle is the ledger's.
    Sealed(SealedBundle),
    /// The transaction is committed.
    Committed(CommittedTx),
}

impl LedgerEvidence {
    pub(super) fn of(&self, tx: &ProofTx) -> Result<(), AudienceReject> {
        match self {
            Self::Sealed(bundle) => bundle.of(tx),
            Self::Committed(committed) => committed.of(tx),
        }
    }
}

impl From<SealedBundle> for LedgerEvidence {
    fn from(bundle: SealedBundle) -> Self {
        Self::Sealed(bundle)
    }
}

impl From<CommittedTx> for LedgerEvidence {
    fn from(committed: CommittedTx) -> Self {
        Self::Committed(committed)
    }
}

fn same_ledger(got: ChainId, tx: &ProofTx) -> Result<(), AudienceReject> {
    if got == tx.chain { Ok(()) } else { Err(AudienceReject::OtherLedger { expected: tx.chain, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::light::tests::{CHAIN, block, certify, set, signers};
    use amanat_domain::field::Fr;

    const OTHER: ChainId = ChainId([9; 32]);

    #[test]
    fn a_bundle_is_sealed_if_a_final_block_says_so_and_else_not() {
        let all = signers(1..5);
        let client = LightClient::new(CHAIN, set(&all));
        let hash = BundleHash::new(Fr::from(7u64));
        let (sealed, missing) = (Entry::Bundle(20), Entry::Bundle(21));
        let made = block(7, &[(sealed, Content::Bundle(hash))]);
        let certificate = certify(&made.header, &all);
        let proof = made.entry(sealed, Some(Content::Bundle(hash)));
        let believed = SealedBundle::believed(CHAIN, 20, hash);
        assert_eq!(SealedBundle::certified(&client, &proof, &certificate), Ok(believed));
        assert_eq!(SealedBundle::in_block(CHAIN, &proof, made.header.hash()), Ok(believed));

        let few = certify(&made.header, &all[..2]);
        let refused = SealedBundle::certified(&client, &proof, &few);
        assert!(matches!(refused, Err(LightError::Certificate { .. })), "{refused:?}");
        let absent = made.entry(missing, None);
        assert_eq!(SealedBundle::certified(&client, &absent, &certificate), Err(LightError::NotBundle));
        let lie = made.entry(sealed, Some(Content::Bundle(BundleHash::new(Fr::from(8u64)))));
        let refused = SealedBundle::certified(&client, &lie, &certificate);
        assert!(matches!(refused, Err(LightError::Entry(_))), "{refused:?}");
        let refused = SealedBundle::in_block(CHAIN, &proof, BlockHash([9; 32]));
        assert!(matches!(refused, Err(LightError::Entry(_))), "{refused:?}");
        let refused = SealedBundle::in_block(OTHER, &proof, made.header.hash());
        assert_eq!(refused, Err(LightError::OtherChain { expected: OTHER, got: CHAIN }));
    }

    #[test]
    fn an_entry_of_another_kind_is_no_bundle() {
        let all = signers(1..5);
        let client = LightClient::new(CHAIN, set(&all));
        let spent = Entry::Nullifier([1; 32]);
        let made = block(7, &[(spent, Content::SpentAt(5))]);
        let proof = made.entry(spent, Some(Content::SpentAt(5)));
        let refused = SealedBundle::certified(&client, &proof, &certify(&made.header, &all));
        assert_eq!(refused, Err(LightError::NotBundle));
    }

    #[test]
    fn a_transaction_is_committed_if_a_final_block_has_its_receipt_and_else_not() {
        let all = signers(1..5);
        let mut client = LightClient::new(CHAIN, set(&all));
        let made = block(7, &[]);
        let evidence = |signers: &[_]| ReceiptEvidence {
            changes: Vec::new(),
            inclusion: made.inclusion(1),
            certificate: certify(&made.header, signers),
        };
        let believed = CommittedTx::believed(CHAIN, &made.receipts[1]);
        assert_ne!(believed, CommittedTx::believed(CHAIN, &made.receipts[0]));
        assert_eq!(CommittedTx::certified(&mut client, &evidence(&all)), Ok(believed));
        let (inclusion, hash) = (made.inclusion(1), made.header.hash());
        assert_eq!(CommittedTx::in_block(CHAIN, &inclusion, hash), Ok(believed));

        let refused = CommittedTx::certified(&mut client, &evidence(&all[..2]));
        assert!(matches!(refused, Err(LightError::Certificate { .. })), "{refused:?}");
        let mut forged = made.inclusion(1);
        forged.receipt.txid = TxId([99; 32]);
        let refused = CommittedTx::in_block(CHAIN, &forged, hash);
        assert!(matches!(refused, Err(LightError::Receipt(_))), "{refused:?}");
        let refused = CommittedTx::in_block(CHAIN, &inclusion, BlockHash([9; 32]));
        assert!(matches!(refused, Err(LightError::Receipt(_))), "{refused:?}");
        let refused = CommittedTx::in_block(OTHER, &inclusion, hash);
        assert_eq!(refused, Err(LightError::OtherChain { expected: OTHER, got: CHAIN }));
    }
}
