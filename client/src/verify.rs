//! Verification without a ledger: transactions, receipts, entries.

use crate::client::OpenError;
use amanat_domain::tx::{KeyDigest, ProofTx, Transaction};
use amanat_ledger::{BlockHash, EntryProof, Genesis, InclusionProof, ReceiptData};
use amanat_params::{KeyHeader, KeyStore, StoreError};
use amanat_verifier::light::{LightClient, ReceiptEvidence};
use amanat_verifier::{AcceptedKeys, Verified, verify_proof};

/// Why nothing can be said, or why not what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The evidence does not verify.
    #[error(transparent)]
    NotValid(#[from] NotValid),
    /// A signed transaction has no proof.
    #[error("signed, not proved: its signature is checked by a ledger, which knows the keys")]
    Signed,
    /// The store has no such key.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The transaction names another key than the store has.
    #[error(
        "the transaction names the key {named}, the store holds {there}: get that key, or ask for a proof under this one"
    )]
    OtherKey {
        /// The transaction's.
        named: KeyDigest,
        /// The store's.
        there: KeyDigest,
    },
    /// The genesis is no use.
    #[error(transparent)]
    Genesis(#[from] OpenError),
    /// Validators signed, and the genesis names none.
    #[error("the genesis names no validators, and the file is signed by some: it is of another ledger")]
    NoValidators,
    /// Nothing says which block to believe.
    #[error(
        "the file has no signatures of validators: give the hash of a block you believe with --block, from somebody you believe"
    )]
    NoBlock,
}

/// The evidence does not verify.
#[derive(Debug, thiserror::Error)]
#[error("not valid: {0}")]
pub struct NotValid(pub String);

impl NotValid {
    /// For this reason.
    pub fn because(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}

/// A proof transaction that verifies.
pub struct ValidTransaction {
    /// The transaction; its methods are what an [audience](amanat_verifier::audience) checks beyond
    /// the proof.
    pub tx: Verified<ProofTx>,
    /// The header of the key it verifies under.
    pub key: KeyHeader,
}

/// Verifies the bytes of a proof transaction under the key of a store. Whether its bundle is the
/// ledger's, and its nullifier unspent, only the ledger can tell.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_transaction(store: &KeyStore, bytes: &[u8]) -> Result<ValidTransaction, VerifyError> {
    let Transaction::Proof(tx) = Transaction::from_bytes(bytes).map_err(NotValid::because)? else {
        return Err(VerifyError::Signed);
    };
    let statement = tx.statement;
    let key = store.verifying_key(statement, statement.version())?;
    let there = KeyDigest(key.digest());
    if there != tx.key {
        return Err(VerifyError::OtherKey { named: tx.key, there });
    }
    // The caller reads the origin in the key's header, which is part of the answer.
    let mut accepted = AcceptedKeys::new();
    accepted.accept_insecure_dev(&key);
    let tx = verify_proof(&accepted, *tx).map_err(NotValid::because)?;
    Ok(ValidTransaction { tx, key: *key.header() })
}

/// What makes a receipt believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Validators signed its block.
    Signed {
        /// How many.
        by: usize,
        /// Of how many.
        of: usize,
    },
    /// It is in the block that was given.
    InBlock,
}

/// Verifies a receipt by the certificate of its block, or in a block that is believed.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_receipt(
    bytes: &[u8],
    genesis: &Genesis,
    block: Option<BlockHash>,
) -> Result<(ReceiptData, Because), VerifyError> {
    let chain = genesis.chain_id();
    if ReceiptEvidence::is_named_by(bytes) {
        let evidence = ReceiptEvidence::from_bytes(bytes).map_err(NotValid::because)?;
        let validators = genesis.validators().ok_or(VerifyError::NoValidators)?;
        let mut client = LightClient::new(chain, validators.set.clone());
        let receipt = *client.check(&evidence).map_err(NotValid::because)?;
        if block.is_some_and(|block| block != evidence.inclusion.header.hash()) {
            return Err(NotValid::because("it is in another block than the one given").into());
        }
        let of = client.validators(receipt.height).keys().len();
        return Ok((receipt, Because::Signed { by: evidence.certificate.signatures.len(), of }));
    }
    let proof = InclusionProof::from_bytes(bytes).map_err(NotValid::because)?;
    let block = block.ok_or(VerifyError::NoBlock)?;
    of_chain(proof.header.chain, genesis)?;
    proof.verify(block).map_err(NotValid::because)?;
    Ok((proof.receipt, Because::InBlock))
}

/// Verifies what an entry proof says of the state after a block that is believed.
///
/// # Errors
/// [`NotValid`].
pub fn verify_entry(bytes: &[u8], genesis: &Genesis, block: BlockHash) -> Result<EntryProof, NotValid> {
    let proof = EntryProof::from_bytes(bytes).map_err(NotValid::because)?;
    of_chain(proof.header.chain, genesis)?;
    proof.verify(block).map_err(NotValid::because)?;
    Ok(proof)
}

fn of_chain(got: amanat_domain::tx::ChainId, genesis: &Genesis) -> Result<(), NotValid> {
    let expected = genesis.chain_id();
    if got != expected {
        return Err(NotValid(format!("it is of chain {got}, the genesis of {expected}")));
    }
    Ok(())
}
