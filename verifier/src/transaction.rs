//! Transactions: from what was sent to evidence that it may reach state.

use crate::{Encoded, PreparedVerifyingKey, ProofError, Reject, Verified, verify_encoded};
use amanat_domain::consent::OrgId;
use amanat_domain::proof::{ProofBytes, ProofSystem};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, ProofTx, SignedTx, Transaction};
use amanat_params::{Origin, VerifyingKey};
use ed25519_dalek::{Signature, VerifyingKey as SignatureKey};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What the verifier believes: the verifying keys and organisations of a ledger at a height.
pub trait Trust {
    /// The key of a statement with this digest, if proofs under it are accepted. It may be prepared
    /// when it is first asked for, so no thread of a pool that this preparation may need ever asks
    /// for it.
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
    #[error("the proof's bytes are not a proof: {0}")]
    Encoding(#[from] ProofError),
    /// The proof does not verify.
    #[error("the proof does not verify for statement `{0}` and these public inputs")]
    Proof(Statement),
}

/// A key for development, which an audience does not accept by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key for `{0}` is of origin insecure-dev: its maker can forge proofs. Ask for a key of a ceremony; in development accept it as insecure"
)]
pub struct InsecureKey(pub Statement);

/// Verifying keys that an audience accepts, for proofs that reach it without a ledger. Believes no
/// organisation.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_domain::tx::Transaction;
/// use amanat_params::VerifyingKey;
/// use amanat_verifier::{AcceptedKeys, verify_proof};
/// let mut accepted = AcceptedKeys::new();
/// accepted.accept(&VerifyingKey::from_bytes(&std::fs::read("access.vk")?)?)?;
/// let Transaction::Proof(tx) = Transaction::from_bytes(&std::fs::read("access.tx")?)? else { return Ok(()) };
/// let valid = verify_proof(&accepted, *tx)?;
/// println!("valid as of epoch {}", valid.get().epoch);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct AcceptedKeys(BTreeMap<(Statement, KeyDigest), PreparedVerifyingKey>);

impl AcceptedKeys {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts proofs of the key's statement under it from now on, if a ceremony made it.
    ///
    /// # Errors
    /// [`InsecureKey`]: the key is for development. [`Self::accept_insecure_dev`] takes it.
    pub fn accept(&mut self, key: &VerifyingKey) -> Result<(), InsecureKey> {
        match key.header().origin {
            Origin::InsecureDev => Err(InsecureKey(key.header().statement)),
            Origin::Ceremony { .. } => {
                self.accept_insecure_dev(key);
                Ok(())
            }
        }
    }

    /// Accepts proofs of the key's statement under it from now on, whatever its origin. The maker
    /// of an insecure-dev key can forge such proofs: for development, or for a caller that reads
    /// the key's origin itself.
    pub fn accept_insecure_dev(&mut self, key: &VerifyingKey) {
        let place = (key.header().statement, KeyDigest(key.digest()));
        self.0.insert(place, PreparedVerifyingKey::new(key));
    }
}

impl Trust for AcceptedKeys {
    fn proof_key(&self, statement: Statement, key: KeyDigest) -> Option<&PreparedVerifyingKey> {
        self.0.get(&(statement, key))
    }

    fn organisation_key(&self, _: OrgId) -> Option<&SignatureKey> {
        None
    }
}

/// Verifies one transaction: a signature, or a proof against the public vector recomputed from the
/// transaction.
///
/// # Errors
/// [`TxReject`].
pub fn verify_transaction(trust: &impl Trust, tx: Transaction) -> Result<Verified<Transaction>, TxReject> {
    match &tx {
        Transaction::Signed(signed) => verify_signature(trust, signed)?,
        Transaction::Proof(claim) => check_proof(trust, claim)?,
    }
    Ok(Verified::new(tx))
}

/// Verifies a proof transaction against the public vector recomputed from it. Its
/// [audience](crate::audience) has more to check.
///
/// # Errors
/// [`TxReject`].
pub fn verify_proof(trust: &impl Trust, tx: ProofTx) -> Result<Verified<ProofTx>, TxReject> {
    check_proof(trust, &tx)?;
    Ok(Verified::new(tx))
}

fn check_proof(trust: &impl Trust, tx: &ProofTx) -> Result<(), TxReject> {
    let mut batches = Batches::default();
    batches.add(0, claim(key(trust, tx)?, tx));
    batches.refused().pop().map_or(Ok(()), |(_, reject)| Err(refusal(tx, reject)))
}

/// Verifies many, all proofs of a system in one batch. The verdicts are those of
/// [`verify_transaction`], one by one.
pub fn verify_transactions(
    trust: &(impl Trust + Sync),
    txs: Vec<Transaction>,
) -> Vec<Result<Verified<Transaction>, TxReject>> {
    // One after the other, on this thread: a key may be prepared when it is first asked for, with
    // the help of all threads. If these threads waited for the key themselves, none could help.
    let keys: Vec<Result<Option<&PreparedVerifyingKey>, TxReject>> = txs
        .iter()
        .map(|tx| match tx {
            Transaction::Signed(_) => Ok(None),
            Transaction::Proof(proof) => key(trust, proof).map(Some),
        })
        .collect();
    let claims: Vec<Result<Option<Claim<'_>>, TxReject>> = txs
        .par_iter()
        .zip(keys)
        .map(|(tx, key)| match (tx, key?) {
            (Transaction::Proof(proof), Some(key)) => Ok(Some(claim(key, proof))),
            (Transaction::Signed(signed), _) => verify_signature(trust, signed).map(|()| None),
            (Transaction::Proof(_), None) => unreachable!("every proof's key was looked up"),
        })
        .collect();
    let mut batches = Batches::default();
    let mut verdicts: Vec<Result<(), TxReject>> = claims
        .into_iter()
        .enumerate()
        .map(|(place, claim)| {
            claim.map(|claim| {
                if let Some(claim) = claim {
                    batches.add(place, claim);
                }
            })
        })
        .collect();
    for (place, reject) in batches.refused() {
        if let Transaction::Proof(proof) = &txs[place] {
            verdicts[place] = Err(refusal(proof, reject));
        }
    }
    txs.into_iter().zip(verdicts).map(|(tx, verdict)| verdict.map(|()| Verified::new(tx))).collect()
}

/// The key that a proof transaction claims to be under.
fn key<'a>(trust: &'a impl Trust, tx: &ProofTx) -> Result<&'a PreparedVerifyingKey, TxReject> {
    let (statement, key) = (tx.statement, tx.key);
    trust.proof_key(statement, key).ok_or(TxReject::UnknownKey { statement, key })
}

/// What a proof claims, in its proof system.
enum Claim<'a> {
    Groth16(Encoded<'a>),
}

/// What a transaction claims under its key. `ctx` and policy are recomputed here, never taken from
/// the sender.
fn claim<'a>(key: &'a PreparedVerifyingKey, tx: &'a ProofTx) -> Claim<'a> {
    // Exhaustive without a wildcard: a second system does not compile here before key and proof of
    // different systems are refused.
    match (key.header().system, &tx.proof) {
        (ProofSystem::Groth16, ProofBytes::Groth16(proof)) => {
            Claim::Groth16(Encoded { key, public: tx.public_vector().to_field_elements(), proof })
        }
    }
}

/// The claims of one call apart by proof system: one batch for each. A claim bears its place in the
/// call.
#[derive(Default)]
struct Batches<'a> {
    groth16: (Vec<usize>, Vec<Encoded<'a>>),
}

impl<'a> Batches<'a> {
    fn add(&mut self, place: usize, claim: Claim<'a>) {
        match claim {
            Claim::Groth16(encoded) => {
                self.groth16.0.push(place);
                self.groth16.1.push(encoded);
            }
        }
    }

    /// Verifies every batch, and returns the places of refused claims with the reasons.
    fn refused(self) -> Vec<(usize, Reject)> {
        let (places, claims) = self.groth16;
        let judged = places.into_iter().zip(verify_encoded(&claims));
        judged.filter_map(|(place, verdict)| Some((place, verdict.err()?))).collect()
    }
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

    /// Has no keys, and refuses to be asked by a thread of a pool.
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
            proof: ProofBytes::Groth16([0; 128]),
        };
        let txs = vec![Transaction::Proof(Box::new(claim)); 64];
        for verdict in verify_transactions(&Watched, txs) {
            assert!(matches!(verdict, Err(TxReject::UnknownKey { .. })));
        }
    }
}
