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
        let txid = client.judge(evidence)?.txid;
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
