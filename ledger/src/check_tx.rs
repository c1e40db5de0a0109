//! CheckTx: may a transaction enter the pool?
//!
//! A pure function of a state, bytes and a time. Its checks run from cheap to dear: size and
//! encoding, the state's rules ([`Draft::admit`]), signature or pairing.

use crate::error::{Refusal, Reject};
use crate::state::{Draft, KeyEntry, State};
use amanat_domain::consent::OrgId;
use amanat_domain::field::to_bytes;
use amanat_domain::governance::Change;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, KeyDigest, KeyVector, MAX_TX_BYTES, Transaction, TxId};
use amanat_params::VerifyingKey;
use amanat_verifier::{
    PreparedVerifyingKey, Proof, Trust, TxReject, Verified, verify_one, verify_transaction,
    verify_transactions,
};
use ed25519_dalek::VerifyingKey as SignatureKey;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A transaction that passed [`check_tx`]: verified, and admissible to the state it was checked
/// against.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub(crate) tx: Verified<Transaction>,
    keys: TxKeys,
    bytes: usize,
    /// The key that the signature was verified under: an organisation may be given another
    /// meanwhile.
    signed_by: Option<SignatureKey>,
}

/// What a transaction is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxKeys {
    /// Its id.
    pub txid: TxId,
    /// Its context, if it carries a proof.
    pub ctx: Option<[u8; 32]>,
    /// The nullifier it spends.
    pub nullifier: Option<[u8; 32]>,
}

/// A transaction that passed all checks but signature or pairing. It carries the keys for those, so
/// that they run without the state.
pub struct Prechecked {
    tx: Transaction,
    bytes: usize,
    trust: TrustFor,
}

/// Reads a transaction.
///
/// # Errors
/// [`Reject::TooLarge`], [`Reject::Encoding`].
pub fn decode(bytes: &[u8]) -> Result<Transaction, Reject> {
    if bytes.len() > MAX_TX_BYTES {
        return Err(Reject::TooLarge { most: MAX_TX_BYTES, got: bytes.len() });
    }
    Ok(Transaction::from_bytes(bytes)?)
}

/// CheckTx: decides whether a transaction may enter the pool.
///
/// `now` is the caller's clock: what would be stale in a block of that time is refused at once.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_domain::time::Timestamp;
/// use amanat_ledger::{Storage, Store, check_tx};
/// let (_, state) = Store::open(Storage::File("ledger.redb".into()))?;
/// let now = Timestamp::from_unix(1_800_000_000).ok_or("no such time")?;
/// match check_tx(&state, &std::fs::read("access.tx")?, now) {
///     Ok(admitted) => println!("{} may enter the pool", admitted.keys().txid),
///     Err(refusal) => println!("refused: {refusal}"),
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Refusal`].
pub fn check_tx(state: &State, bytes: &[u8], now: Timestamp) -> Result<Admitted, Refusal> {
    precheck(state, bytes, now)?.verify()
}

/// [`check_tx`] without signature and pairing.
///
/// # Errors
/// [`Refusal`].
pub fn precheck(state: &State, bytes: &[u8], now: Timestamp) -> Result<Prechecked, Refusal> {
    let tx = decode(bytes)?;
    // A clock behind the chain is no reason to refuse a transaction: a block cannot be earlier than
    // its parent.
    let time = now.max(state.tip().time);
    let mut draft = Draft::new(state, time).expect("not before the parent");
    draft.admit(&tx)?;
    Ok(Prechecked { trust: TrustFor::new(state, &tx), tx, bytes: bytes.len() })
}

impl Prechecked {
    /// Verifies signature or proof, and the test vectors of a key.
    ///
    /// # Errors
    /// [`Reject::Evidence`] and the rejections of a key's vectors.
    pub fn verify(self) -> Result<Admitted, Refusal> {
        let tx = verify_transaction(&self.trust, self.tx).map_err(Reject::from)?;
        Ok(Admitted::new(tx, self.bytes, &self.trust)?)
    }

    /// [`verify`](Self::verify) of many that were checked against one state: the same verdicts, all
    /// proofs in one batch.
    ///
    /// # Panics
    /// Never: there is one verdict for each.
    #[must_use]
    pub fn verify_all(list: Vec<Result<Self, Refusal>>) -> Vec<Result<Admitted, Refusal>> {
        let mut all = TrustFor::default();
        let (mut verdicts, mut sizes, mut txs) = (Vec::with_capacity(list.len()), Vec::new(), Vec::new());
        for prechecked in list {
            verdicts.push(prechecked.map(|Self { tx, bytes, trust }| {
                all.signers.extend(trust.signers);
                all.keys.extend(trust.keys);
                sizes.push(bytes);
                txs.push(tx);
            }));
        }
        let verified = verify_transactions(&all, txs).into_par_iter().zip(sizes);
        let admitted: Vec<Result<Admitted, Refusal>> = verified
            .map(|(verdict, bytes)| Ok(Admitted::new(verdict.map_err(Reject::from)?, bytes, &all)?))
            .collect();
        let mut admitted = admitted.into_iter();
        // Those refused before have no transaction in the batch: the others take their verdicts in
        // order.
        let of_each =
            |verdict: Result<(), Refusal>| verdict.and_then(|()| admitted.next().expect("one each"));
        verdicts.into_iter().map(of_each).collect()
    }
}

impl Admitted {
    fn new(tx: Verified<Transaction>, bytes: usize, trust: &TrustFor) -> Result<Self, Reject> {
        // Here, not in the state's rules: vectors cost pairings, which the pool pays once for a
        // key.
        check_vectors(tx.get())?;
        let signed_by = match tx.get() {
            Transaction::Signed(tx) => trust.organisation_key(tx.organisation).copied(),
            Transaction::Proof(_) => None,
        };
        let keys = TxKeys::of(tx.get());
        Ok(Self { tx, keys, bytes, signed_by })
    }

    /// Whether the evidence still holds: the organisation signs with the key that it signed this
    /// with.
    pub(crate) fn holds(&self, state: &State) -> Result<(), Reject> {
        match self.tx.get() {
            Transaction::Proof(_) => Ok(()),
            Transaction::Signed(tx) if state.organisation_key(tx.organisation) == self.signed_by.as_ref() => {
                Ok(())
            }
            Transaction::Signed(tx) => Err(TxReject::Signature(tx.organisation).into()),
        }
    }

    /// Whether the state still admits it, in a block of this time by itself.
    pub(crate) fn still_admitted(&self, state: &State, now: Timestamp) -> Result<(), Refusal> {
        self.holds(state)?;
        let mut alone = Draft::new(state, now.max(state.tip().time)).expect("not before the parent");
        alone.admit(self.transaction())
    }

    /// The transaction.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        self.tx.get()
    }

    /// What it is known by.
    #[must_use]
    pub const fn keys(&self) -> &TxKeys {
        &self.keys
    }

    /// Length of its encoding.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl TxKeys {
    /// Of a transaction.
    #[must_use]
    pub fn of(tx: &Transaction) -> Self {
        let txid = tx.id();
        match tx {
            Transaction::Signed(_) => Self { txid, ctx: None, nullifier: None },
            Transaction::Proof(tx) => Self {
                txid,
                ctx: Some(to_bytes(&tx.ctx())),
                nullifier: tx.spent_nullifier().map(|n| to_bytes(&n)),
            },
        }
    }
}

/// A key proves itself: its positive vector verifies, its negative one is a well-formed proof that
/// does not.
pub(crate) fn check_vectors(tx: &Transaction) -> Result<(), Reject> {
    let Transaction::Signed(tx) = tx else { return Ok(()) };
    let (key, positive, negative) = match &tx.action {
        Action::InstallKey { key, positive, negative, .. } => (key, positive, negative),
        Action::Propose(change) => match &**change {
            Change::InstallKey { key, positive, negative, .. } => (key, positive, negative),
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    let key = PreparedVerifyingKey::new(&VerifyingKey::from_bytes(key)?);
    let proof = Proof::try_from(&positive.proof).map_err(|e| Reject::PositiveVector(e.into()))?;
    verify_one(&key, &positive.public, &proof).map_err(Reject::PositiveVector)?;
    let KeyVector { public, proof } = &**negative;
    let proof = Proof::try_from(proof).map_err(Reject::NegativeEncoding)?;
    match verify_one(&key, public, &proof) {
        Ok(()) => Err(Reject::NegativeVector),
        Err(_) => Ok(()),
    }
}

impl Trust for State {
    fn proof_key(&self, statement: Statement, key: KeyDigest) -> Option<&PreparedVerifyingKey> {
        // Whether the key is active is for `admit` to say.
        self.keys.get(&(statement, key)).map(KeyEntry::prepared)
    }
    fn organisation_key(&self, organisation: OrgId) -> Option<&SignatureKey> {
        self.organisation(&organisation).map(|o| &o.key)
    }
}

/// The part of a state's trust that some transactions need.
#[derive(Default)]
struct TrustFor {
    signers: BTreeMap<OrgId, SignatureKey>,
    keys: BTreeMap<(Statement, KeyDigest), KeyEntry>,
}

impl TrustFor {
    fn new(state: &State, tx: &Transaction) -> Self {
        let mut trust = Self::default();
        match tx {
            Transaction::Signed(tx) => {
                let key = state.organisation_key(tx.organisation);
                trust.signers.extend(key.map(|key| (tx.organisation, *key)));
            }
            Transaction::Proof(tx) => {
                let at = (tx.statement, tx.key);
                trust.keys.extend(state.keys.get(&at).map(|entry| (at, entry.clone())));
            }
        }
        trust
    }
}

impl Trust for TrustFor {
    fn proof_key(&self, statement: Statement, key: KeyDigest) -> Option<&PreparedVerifyingKey> {
        self.keys.get(&(statement, key)).map(KeyEntry::prepared)
    }
    fn organisation_key(&self, organisation: OrgId) -> Option<&SignatureKey> {
        self.signers.get(&organisation)
    }
}
