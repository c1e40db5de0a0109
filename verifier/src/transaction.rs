//! Transactions: from what was sent to evidence that it may reach state.

use crate::{Encoded, PreparedVerifyingKey, Proof, ProofError, Reject, Verified, verify_encoded, verify_one};
use amanat_domain::consent::OrgId;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, ProofTx, SignedTx, Transaction};
use ed25519_dalek::{Signature, VerifyingKey as SignatureKey};
use rayon::prelude::*;

/// Whom the verifier believes: the verifying keys and organisations of a ledger at a height.
pub trait Trust {
    /// The key of a statement with this digest, if proofs under it are accepted. It may be prepared when it is first asked for, so it is
    /// never asked for by a thread of a pool that others may need for that.
    fn proof_key(&self, statement: Statement, key: KeyDigest) -> Option<&PreparedVerifyingKey>;
    /// The signature key of an organisation.
    fn organisation_key(&self, organisation: OrgId) -> Option<&SignatureKey>;
}

/// Why a transaction is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TxReject {
    /// No accepted key of the statement has this digest.
    #[error("no accepted verifying key of statement `{statement}` has the digest {key}")]
    UnknownKey {
        /// The statement.
        statement: Statement,
        /// The digest claimed.
        key: KeyDigest,
    },
    /// The organisation is not on the ledger.
    #[error("no organisation of this ledger has the id {0}")]
    UnknownOrganisation(OrgId),
    /// The signature is not the organisation's.
    #[error("the signature is not that of organisation {0}")]
    Signature(OrgId),
    /// The bytes are no proof.
    #[error("the proof's bytes are no proof: {0}")]
    Encoding(#[from] ProofError),
    /// The proof does not verify.
    #[error("the proof does not verify for statement `{0}` and these public inputs")]
    Proof(Statement),
}

/// Verifies one transaction: a signature, or a proof against the public vector recomputed from the transaction.
///
/// # Errors
/// [`TxReject`].
pub fn verify_transaction(trust: &impl Trust, tx: Transaction) -> Result<Verified<Transaction>, TxReject> {
    match &tx {
        Transaction::Signed(signed) => verify_signature(trust, signed)?,
        Transaction::Proof(claim) => {
            let Encoded { key, public, proof } = encoded(key(trust, claim)?, claim);
            let judged = Proof::from_bytes(proof).map_err(Reject::from);
            judged
                .and_then(|proof| verify_one(key, &public, &proof))
                .map_err(|reject| refusal(claim, reject))?;
        }
    }
    Ok(Verified::new(tx))
}

/// Verifies many, all proofs in one batch. The verdicts are those of [`verify_transaction`], one by one.
pub fn verify_transactions(
    trust: &(impl Trust + Sync),
    txs: Vec<Transaction>,
) -> Vec<Result<Verified<Transaction>, TxReject>> {
    // One after the other, on this thread: a key may be prepared when it is first asked for, with all threads' help. Were they waiting for
    // it themselves, nobody could.
    let keys: Vec<Result<Option<&PreparedVerifyingKey>, TxReject>> = txs
        .iter()
        .map(|tx| match tx {
            Transaction::Signed(_) => Ok(None),
            Transaction::Proof(claim) => key(trust, claim).map(Some),
        })
        .collect();
    let judged: Vec<Result<Option<Encoded<'_>>, TxReject>> = txs
        .par_iter()
        .zip(keys)
        .map(|(tx, key)| match (tx, key?) {
            (Transaction::Proof(claim), Some(key)) => Ok(Some(encoded(key, claim))),
            (Transaction::Signed(signed), _) => verify_signature(trust, signed).map(|()| None),
            (Transaction::Proof(_), None) => unreachable!("every proof's key was looked up"),
        })
        .collect();
    let (mut verdicts, mut claims) = (Vec::with_capacity(txs.len()), Vec::new());
    for judged in judged {
        verdicts.push(judged.map(|claim| {
            claims.extend(claim.map(|claim| (verdicts.len(), claim)));
        }));
    }
    let (positions, items): (Vec<usize>, Vec<Encoded<'_>>) = claims.into_iter().unzip();
    for (position, judged) in positions.into_iter().zip(verify_encoded(&items)) {
        if let (Err(reject), Transaction::Proof(claim)) = (judged, &txs[position]) {
            verdicts[position] = Err(refusal(claim, reject));
        }
    }
    txs.into_iter().zip(verdicts).map(|(tx, verdict)| verdict.map(|()| Verified::new(tx))).collect()
}

/// The key that a proof transaction claims to be under.
fn key<'a>(trust: &'a impl Trust, tx: &ProofTx) -> Result<&'a PreparedVerifyingKey, TxReject> {
    let (statement, key) = (tx.statement, tx.key);
    trust.proof_key(statement, key).ok_or(TxReject::UnknownKey { statement, key })
}

/// What it claims. `ctx` and policy are recomputed here, never taken from the sender.
fn encoded<'a>(key: &'a PreparedVerifyingKey, tx: &'a ProofTx) -> Encoded<'a> {
    Encoded { key, public: tx.public_vector().to_field_elements(), proof: &tx.proof }
}

fn refusal(claim: &ProofTx, reject: Reject) -> TxReject {
    match reject {
        Reject::Proof(error) => TxReject::Encoding(error),
        Reject::PublicInput { .. } | Reject::Invalid => TxReject::Proof(claim.statement),
    }
}

fn verify_signature(trust: &impl Trust, tx: &SignedTx) -> Result<(), TxReject> {
    let organisation = tx.organisation;
    let key = trust.organisation_key(organisation).ok_or(TxReject::UnknownOrganisation(organisation))?;
    // Strict: no small-order keys, canonical R and s. All validators give one verdict.
    key.verify_strict(&tx.signing_bytes(), &Signature::from_bytes(&tx.signature))
        .map_err(|_| TxReject::Signature(organisation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_domain::bundle::BundleHash;
    use amanat_domain::field::Fr;
    use amanat_domain::tx::{ChainId, PolicyField};

    /// Has no keys, and holds against whoever asks which thread they are.
    struct Watched;

    impl Trust for Watched {
        fn proof_key(&self, _: Statement, _: KeyDigest) -> Option<&PreparedVerifyingKey> {
            assert_eq!(rayon::current_thread_index(), None, "asked for by a thread of the pool");
            None
        }
        fn organisation_key(&self, _: OrgId) -> Option<&SignatureKey> {
            None
        }
    }

    #[test]
    fn keys_are_asked_for_by_no_thread_that_preparing_them_may_need() {
        let claim = ProofTx {
            chain: ChainId([1; 32]),
            statement: Statement::Revoke,
            key: KeyDigest([2; 32]),
            epoch: 0,
            bundle: BundleHash::new(Fr::from(1u64)),
            audience: [0; 32],
            nonce: [0; 32],
            policy: PolicyField::None,
            nf: [Fr::from(1u64); 2],
            out: [Fr::from(2u64); 2],
            proof: [0; 128],
        };
        let txs = vec![Transaction::Proof(Box::new(claim)); 64];
        for verdict in verify_transactions(&Watched, txs) {
            assert!(matches!(verdict, Err(TxReject::UnknownKey { .. })));
        }
    }
}
