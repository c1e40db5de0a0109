//! The three doors: check a transaction, validate a block, apply it. Every engine uses these and nothing else.
//!
//! All of them are pure functions of a state and bytes. Order within a door, cheap to dear: size and encoding, the state's
//! rules ([`Draft::admit`]), signature or pairing.

use crate::error::{BlockRefusal, Refusal, Reject};
use crate::genesis::Limits;
use crate::state::{Delta, Draft, KeyEntry, State};
use amanat_domain::block::Block;
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

/// A transaction that passed [`check`]: verified, and admissible to the state it was checked against.
#[derive(Debug, Clone)]
pub struct Admitted {
    tx: Verified<Transaction>,
    keys: TxKeys,
    bytes: usize,
    /// The key that the signature was verified under: an organisation may be given another meanwhile.
    signed_by: Option<SignatureKey>,
}

/// What a transaction is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxKeys {
    /// Its id.
    pub txid: TxId,
    /// Its context, where it carries a proof.
    pub ctx: Option<[u8; 32]>,
    /// The nullifier it spends.
    pub nullifier: Option<[u8; 32]>,
}

/// A transaction that passed everything but signature or pairing. Holds what is needed for those, so that they can be done
/// without holding on to the state.
pub struct Prechecked {
    tx: Transaction,
    bytes: usize,
    trust: TrustFor,
}

/// A block's transactions, all verified and admitted in order on top of a state.
pub struct Validated<'s> {
    draft: Draft<'s>,
    transactions: Vec<Verified<Transaction>>,
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

/// First door: may this transaction enter the pool?
///
/// `now` is the caller's clock: what would be stale in a block of that time is refused at once.
///
/// # Errors
/// [`Refusal`].
pub fn check(state: &State, bytes: &[u8], now: Timestamp) -> Result<Admitted, Refusal> {
    precheck(state, bytes, now)?.verify()
}

/// [`check`] without signature and pairing.
///
/// # Errors
/// [`Refusal`].
pub fn precheck(state: &State, bytes: &[u8], now: Timestamp) -> Result<Prechecked, Refusal> {
    let tx = decode(bytes)?;
    // A clock behind the chain is no reason to refuse a transaction: a block cannot be earlier than its parent.
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

    /// [`verify`](Self::verify) of many that were checked against one state: the same verdicts, with all proofs in one batch.
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
        let judged =
            verdicts.into_iter().map(|verdict| verdict.and_then(|()| admitted.next().expect("one each")));
        judged.collect()
    }
}

impl Admitted {
    fn new(tx: Verified<Transaction>, bytes: usize, trust: &TrustFor) -> Result<Self, Reject> {
        check_vectors(tx.get())?;
        let signed_by = match tx.get() {
            Transaction::Signed(tx) => trust.organisation_key(tx.organisation).copied(),
            Transaction::Proof(_) => None,
        };
        let keys = TxKeys::of(tx.get());
        Ok(Self { tx, keys, bytes, signed_by })
    }

    /// Whether the evidence still holds: the organisation signs with the key that it signed this with.
    fn holds(&self, state: &State) -> Result<(), Reject> {
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

/// Fills a block with admitted transactions in the order given, up to the limits. What the state has meanwhile made
/// inadmissible is left out and named; what only goes against an earlier one of the block is left out and waits; what did not fit is
/// not looked at.
///
/// # Errors
/// [`BlockRefusal::Header`] where the time is before the parent's.
pub fn propose<'s>(
    state: &'s State,
    time: Timestamp,
    candidates: impl IntoIterator<Item = Admitted>,
) -> Result<(Validated<'s>, Vec<(TxId, Refusal)>), BlockRefusal> {
    let limits = state.genesis_block().limits();
    let mut draft = Draft::new(state, time)?;
    let (mut transactions, mut dropped, mut bytes) = (Vec::new(), Vec::new(), 0);
    for candidate in candidates {
        if transactions.len() >= limits.transactions as usize
            || bytes + candidate.bytes > limits.bytes as usize
        {
            break;
        }
        let held = candidate.holds(state).map_err(Refusal::from);
        match held.and_then(|()| draft.admit(candidate.transaction())) {
            Ok(()) => {
                bytes += candidate.bytes;
                transactions.push(candidate.tx);
            }
            // What only an earlier one of this block rules out is not looked at again here: the block may never be decided.
            Err(refusal) => {
                let mut alone = Draft::new(state, time)?;
                if candidate.holds(state).is_err() || alone.admit(candidate.transaction()).is_err() {
                    dropped.push((candidate.keys.txid, refusal));
                }
            }
        }
    }
    Ok((Validated { draft, transactions }, dropped))
}

/// Second door: are these transactions, in this order, a block on top of `state`?
///
/// `known` may hold evidence from the pool. It spares a verification only where it is about the very same bytes, and the signer's
/// key is still the one it was verified under: the verdict depends on nothing else.
///
/// # Errors
/// [`BlockRefusal`] naming the first transaction that is refused.
pub fn validate<'s>(
    state: &'s State,
    time: Timestamp,
    transactions: Vec<Transaction>,
    known: &dyn Fn(&TxId) -> Option<Admitted>,
) -> Result<Validated<'s>, BlockRefusal> {
    check_limits(&state.genesis_block().limits(), &transactions)?;
    let refused = |index, reason| BlockRefusal::Transaction { index, reason };
    let mut draft = Draft::new(state, time)?;
    let mut evidence: Vec<Option<Verified<Transaction>>> = Vec::with_capacity(transactions.len());
    let mut unknown = Vec::new();
    for (index, tx) in transactions.into_iter().enumerate() {
        draft.admit(&tx).map_err(|reason| refused(index, reason))?;
        match known(&tx.id()).filter(|known| *known.transaction() == tx && known.holds(state).is_ok()) {
            Some(known) => evidence.push(Some(known.tx)),
            None => {
                evidence.push(None);
                unknown.push((index, tx));
            }
        }
    }
    // Signatures one by one, all proofs in one batch.
    let (positions, unknown): (Vec<usize>, Vec<Transaction>) = unknown.into_iter().unzip();
    for (index, verdict) in positions.into_iter().zip(verify_transactions(state, unknown)) {
        let tx = verdict.map_err(|e| refused(index, Reject::from(e).into()))?;
        check_vectors(tx.get()).map_err(|e| refused(index, e.into()))?;
        evidence[index] = Some(tx);
    }
    Ok(Validated { draft, transactions: evidence.into_iter().flatten().collect() })
}

/// Third door: what the block changes. Deterministic; nothing is written.
#[must_use]
pub fn apply(validated: Validated<'_>) -> Delta {
    let Validated { draft, transactions } = validated;
    draft.finish(transactions.into_iter().map(Verified::into_inner).collect())
}

/// Doors two and three for a block that somebody else proposed: every value of its header is recomputed.
///
/// # Errors
/// [`BlockRefusal`].
pub fn validate_block(
    state: &State,
    block: &Block,
    known: &dyn Fn(&TxId) -> Option<Admitted>,
) -> Result<Delta, BlockRefusal> {
    let (tip, header) = (state.tip(), &block.header);
    same("chain", &state.genesis_block().chain_id(), &header.chain)?;
    same("height", &(tip.height + 1), &header.height)?;
    same("parent", &tip.hash(), &header.parent)?;
    let validated = validate(state, header.time, block.transactions.clone(), known)?;
    let delta = apply(validated);
    let own = &delta.block().header;
    same("epoch", &own.epoch, &header.epoch)?;
    same("transaction count", &own.count, &header.count)?;
    same("transactions root", &hex::encode(own.tx_root), &hex::encode(header.tx_root))?;
    same("receipts root", &hex::encode(own.receipts_root), &hex::encode(header.receipts_root))?;
    same("app hash", &own.app_hash, &header.app_hash)?;
    Ok(delta)
}

impl Validated<'_> {
    /// Number of transactions.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }
}

fn same<T: PartialEq + ToString>(what: &'static str, expected: &T, got: &T) -> Result<(), BlockRefusal> {
    if expected == got {
        return Ok(());
    }
    Err(BlockRefusal::Header { what, expected: expected.to_string(), got: got.to_string() })
}

fn check_limits(limits: &Limits, transactions: &[Transaction]) -> Result<(), BlockRefusal> {
    let (got, most) = (transactions.len(), limits.transactions as usize);
    if got > most {
        return Err(BlockRefusal::Limit { what: "transactions", most, got });
    }
    let (mut got, most) = (0, limits.bytes as usize);
    for (index, tx) in transactions.iter().enumerate() {
        let bytes = tx.to_bytes();
        got += bytes.len();
        // A transaction made in memory may break a rule that only decoding holds: lengths, the policy's kind.
        decode(&bytes).map_err(|e| BlockRefusal::Transaction { index, reason: e.into() })?;
    }
    if got > most {
        return Err(BlockRefusal::Limit { what: "bytes", most, got });
    }
    Ok(())
}

/// A key proves itself: its positive vector verifies, its negative one is a well-formed proof that does not.
fn check_vectors(tx: &Transaction) -> Result<(), Reject> {
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
