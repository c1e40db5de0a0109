//! Verification without a ledger: transactions, receipts, entries.

use crate::client::OpenError;
use amanat_domain::tx::{KeyDigest, ProofTx, Transaction};
use amanat_ledger::{BlockHash, EntryProof, Genesis, InclusionProof, ReceiptData};
use amanat_params::{KeyHeader, KeyStore, StoreError, VerifyingKey};
use amanat_verifier::light::{LightClient, ReceiptEvidence};
use amanat_verifier::{AcceptedKeys, InsecureKey, Verified, verify_proof};

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
    /// The store's key is for development.
    #[error(transparent)]
    InsecureKey(#[from] InsecureKey),
    /// The genesis is no use.
    #[error(transparent)]
    Genesis(#[from] OpenError),
    /// Validators signed, and the genesis names none.
    #[error("the genesis names no validators, and the file is signed by some: it is of another ledger")]
    NoValidators,
    /// Nothing says which block to believe.
    #[error(
        "the file has no signatures of validators: give the hash of a block with --block, from somebody whom you trust"
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

/// Verifies the bytes of a proof transaction under the key of a store, which a ceremony must have
/// made. Whether its bundle is the ledger's, and its nullifier unspent, only the ledger can tell.
///
/// # Errors
/// [`VerifyError`]; [`VerifyError::InsecureKey`] if the key is for development.
pub fn verify_transaction(store: &KeyStore, bytes: &[u8]) -> Result<ValidTransaction, VerifyError> {
    let (tx, key) = named_key(store, bytes)?;
    let mut accepted = AcceptedKeys::new();
    accepted.accept(&key)?;
    verified(&accepted, tx, &key)
}

/// The same under a key of any origin. The maker of an insecure-dev key can forge such proofs: for
/// development, demonstrations and tests, or for a caller that reads the origin in
/// [`ValidTransaction::key`].
///
/// # Errors
/// [`VerifyError`].
pub fn verify_transaction_insecure_dev(
    store: &KeyStore,
    bytes: &[u8],
) -> Result<ValidTransaction, VerifyError> {
    let (tx, key) = named_key(store, bytes)?;
    let mut accepted = AcceptedKeys::new();
    accepted.accept_insecure_dev(&key);
    verified(&accepted, tx, &key)
}

/// A proof transaction, and the key of the store that it names.
fn named_key(store: &KeyStore, bytes: &[u8]) -> Result<(ProofTx, VerifyingKey), VerifyError> {
    let Transaction::Proof(tx) = Transaction::from_bytes(bytes).map_err(NotValid::because)? else {
        return Err(VerifyError::Signed);
    };
    let statement = tx.statement;
    let key = store.verifying_key(statement, statement.version())?;
    let there = KeyDigest(key.digest());
    if there != tx.key {
        return Err(VerifyError::OtherKey { named: tx.key, there });
    }
    Ok((*tx, key))
}

fn verified(
    accepted: &AcceptedKeys,
    tx: ProofTx,
    key: &VerifyingKey,
) -> Result<ValidTransaction, VerifyError> {
    let tx = verify_proof(accepted, tx).map_err(NotValid::because)?;
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

#[cfg(test)]
mod tests {
    use super::{VerifyError, verify_transaction, verify_transaction_insecure_dev};
    use amanat_circuits::r1cs::{R1cs, Row};
    use amanat_domain::bundle::BundleHash;
    use amanat_domain::field::Fr;
    use amanat_domain::proof::ProofBytes;
    use amanat_domain::statement::{PUBLIC_INPUTS, Statement};
    use amanat_domain::tx::{ChainId, KeyDigest, PolicyField, ProofTx, Transaction};
    use amanat_params::{KeyHeader, KeyStore, Origin, ProvingKey, VerifyingKey};

    const STATEMENT: Statement = Statement::Revoke;

    /// A key for development, of a constraint system of one row, in the place of the statement's.
    fn insecure_key(store: &KeyStore) -> ProvingKey {
        let (one, x) = (Fr::from(1u64), 1 + u32::try_from(PUBLIC_INPUTS).expect("eight"));
        let row = Row { a: vec![(x, one)], b: vec![(x, one)], c: vec![(1, one)] };
        let r1cs = R1cs { num_public: PUBLIC_INPUTS, num_private: 1, rows: vec![row] };
        let key =
            store.get_or_make_insecure_dev(STATEMENT, STATEMENT.version(), &r1cs, &mut rand::rng(), &|_| ());
        key.expect("made")
    }

    /// A transaction under this key, whose proof is none.
    fn claim(key: &VerifyingKey) -> Vec<u8> {
        let claim = ProofTx {
            chain: ChainId([1; 32]),
            statement: STATEMENT,
            key: KeyDigest(key.digest()),
            epoch: 0,
            bundle: BundleHash::new(Fr::from(1u64)),
            audience: [0; 32],
            nonce: [0; 32],
            policy: PolicyField::None,
            nf: [Fr::from(0u64); 2],
            out: [Fr::from(2u64); 2],
            proof: ProofBytes::Groth16([0; 128]),
        };
        Transaction::Proof(Box::new(claim)).to_bytes()
    }

    #[test]
    fn a_development_key_is_refused_unless_it_is_accepted_as_insecure() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = KeyStore::open(dir.path()).expect("a store");
        let insecure = insecure_key(&store);
        let bytes = claim(insecure.verifying_key());
        let refused = verify_transaction(&store, &bytes).err().expect("refused");
        assert!(matches!(refused, VerifyError::InsecureKey(_)), "{refused}");
        let said = refused.to_string();
        assert!(said.contains("insecure-dev") && said.contains("can forge proofs"), "{said}");
        // Accepted: the proof itself is looked at.
        let refused = verify_transaction_insecure_dev(&store, &bytes).err();
        assert!(matches!(refused, Some(VerifyError::NotValid(_))), "{refused:?}");

        // A ceremony's key in its place: either function looks at the proof.
        let origin = Origin::Ceremony { transcript: [3; 32] };
        let header = KeyHeader { origin, ..*insecure.header() };
        let key = VerifyingKey::new(header, insecure.verifying_key().points().clone()).expect("clean");
        let bytes = claim(&key);
        let ceremony = ProvingKey::new(key, insecure.queries().clone()).expect("fits");
        store.install(&ceremony).expect("installed");
        for refused in [verify_transaction(&store, &bytes), verify_transaction_insecure_dev(&store, &bytes)]
            .map(Result::err)
        {
            assert!(matches!(refused, Some(VerifyError::NotValid(_))), "{refused:?}");
        }
    }
}
