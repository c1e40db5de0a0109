//! PrepareProposal, ProcessProposal, FinalizeBlock: from transactions to what a block changes.
//!
//! All are pure functions of a state and a block. Nothing is written here: that is Commit, for the
//! store.

use crate::check_tx::{Admitted, check_vectors, decode};
use crate::error::{BlockRefusal, Refusal, Reject};
use crate::genesis::Limits;
use crate::state::{Delta, Draft, State};
use amanat_domain::block::Block;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Transaction, TxId};
use amanat_verifier::{Verified, verify_transactions};

/// A block's transactions, all verified and admitted in order on top of a state.
pub struct Validated<'s> {
    draft: Draft<'s>,
    transactions: Vec<Verified<Transaction>>,
}

/// PrepareProposal: fills a block with admitted transactions in the order given, up to the limits.
///
/// A transaction that the state no longer admits is left out and named with its refusal. One that
/// only conflicts with an earlier transaction of this block is left out and goes on waiting. What
/// does not fit is not looked at.
///
/// # Errors
/// [`BlockRefusal::Header`] if the time is before the parent's.
pub fn prepare_proposal<'s>(
    state: &'s State,
    time: Timestamp,
    candidates: impl IntoIterator<Item = Admitted>,
) -> Result<(Validated<'s>, Vec<(TxId, Refusal)>), BlockRefusal> {
    let limits = state.genesis_block().limits();
    let mut draft = Draft::new(state, time)?;
    let (mut transactions, mut dropped, mut bytes) = (Vec::new(), Vec::new(), 0);
    for candidate in candidates {
        if transactions.len() >= limits.transactions as usize
            || bytes + candidate.bytes() > limits.bytes as usize
        {
            // Not skipped over: a smaller one behind it would overtake, and a large one could wait
            // for ever.
            break;
        }
        // An organisation's key may have changed since CheckTx: its signatures under the old key
        // are void.
        let held = candidate.holds(state).map_err(Refusal::from);
        match held.and_then(|()| draft.admit(candidate.transaction())) {
            Ok(()) => {
                bytes += candidate.bytes();
                transactions.push(candidate.tx);
            }
            // Only what the state itself refuses is dropped. A conflict within this block says
            // nothing final: the block may never be decided.
            Err(refusal) => {
                let mut alone = Draft::new(state, time)?;
                if candidate.holds(state).is_err() || alone.admit(candidate.transaction()).is_err() {
                    dropped.push((candidate.keys().txid, refusal));
                }
            }
        }
    }
    Ok((Validated { draft, transactions }, dropped))
}

/// Decides whether these transactions, in this order, are a block on top of `state`: the part of
/// ProcessProposal that is not about the header.
///
/// `known` may have evidence from the pool. It spares a verification only if it is about the very
/// same bytes, and the signer's key is still the key that it was verified under: the verdict
/// depends on nothing else.
///
/// # Errors
/// [`BlockRefusal`] naming the first transaction that is refused.
pub fn validate_transactions<'s>(
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
        // The rules first, for all: they are cheap, and a block that breaks one costs its proposer
        // no pairing of ours.
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

/// FinalizeBlock: what a block changes. Deterministic; nothing is written.
#[must_use]
pub fn finalize_block(validated: Validated<'_>) -> Delta {
    let Validated { draft, transactions } = validated;
    draft.finish(transactions.into_iter().map(Verified::into_inner).collect())
}

/// ProcessProposal: validates a block that another validator proposed, recomputes every value of
/// its header, and returns what the block changes.
///
/// # Errors
/// [`BlockRefusal`].
pub fn process_proposal(
    state: &State,
    block: &Block,
    known: &dyn Fn(&TxId) -> Option<Admitted>,
) -> Result<Delta, BlockRefusal> {
    let (tip, header) = (state.tip(), &block.header);
    same("chain", &state.genesis_block().chain_id(), &header.chain)?;
    same("height", &(tip.height + 1), &header.height)?;
    same("parent", &tip.hash(), &header.parent)?;
    let validated = validate_transactions(state, header.time, block.transactions.clone(), known)?;
    let delta = finalize_block(validated);
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
        // A transaction made in memory may break a rule that only decoding holds: lengths, the
        // policy's kind.
        decode(&bytes).map_err(|e| BlockRefusal::Transaction { index, reason: e.into() })?;
    }
    if got > most {
        return Err(BlockRefusal::Limit { what: "bytes", most, got });
    }
    Ok(())
}
