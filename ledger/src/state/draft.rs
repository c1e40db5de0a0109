//! A block in the making: the state's rules, one transaction after the other.
//!
//! CheckTx, PrepareProposal and ProcessProposal go through [`Draft::admit`]: the first with one
//! transaction, the others with a block's. It sees the parent state and what the draft has taken in
//! so far. It does everything but signatures and pairings.

use super::{Delta, KeyEntry, Member, Proposal, SealedBundle, State, ValidatorSets};
use crate::error::{BlockRefusal, Conflict, Refusal, Reject};
use amanat_domain::block::{Block, Header, tx_root};
use amanat_domain::bundle::{PerRegistry, Registry, RegistryKind};
use amanat_domain::commitments::Commitments;
use amanat_domain::consent::OrgId;
use amanat_domain::entry::{Content, Credential, Entry};
use amanat_domain::field::{Fr, to_bytes};
use amanat_domain::floors::BelowFloor;
use amanat_domain::map::{Key, Value};
use amanat_domain::receipt::{Effect, ReceiptData, receipts_root};
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tree::{CAPACITY, RevocationId};
use amanat_domain::tx::{KeyDigest, ProofTx, Transaction, TxId};
use std::collections::{BTreeMap, BTreeSet};

/// A block in the making over a parent state.
pub struct Draft<'s> {
    pub(super) state: &'s State,
    pub(super) height: u64,
    pub(super) time: Timestamp,
    pub(super) epoch: u64,
    sealed: Option<SealedBundle>,
    receipts: Vec<ReceiptData>,
    taken: BTreeMap<TxId, u32>,
    nullifiers: Vec<[u8; 32]>,
    spent: BTreeSet<[u8; 32]>,
    contexts: Vec<([u8; 32], TxId)>,
    used: BTreeMap<[u8; 32], TxId>,
    /// What the block adds to each registry: leaves, or ids to an indexed one.
    added: PerRegistry<Vec<Fr>>,
    pub(super) enrolled: BTreeSet<[u8; 32]>,
    pub(super) revoked: BTreeSet<[u8; 32]>,
    pub(super) issued: Vec<Credential>,
    pub(super) issued_leaves: BTreeMap<[u8; 32], u32>,
    pub(super) retired: BTreeMap<u32, [u8; 32]>,
    pub(super) keys: BTreeMap<(Statement, KeyDigest), KeyEntry>,
    pub(super) members: BTreeMap<OrgId, Member>,
    pub(super) validators: Option<ValidatorSets>,
    pub(super) proposals: BTreeMap<TxId, Proposal>,
}

impl<'s> Draft<'s> {
    /// An empty block on top of `state`. The first of a new epoch seals that epoch's bundle over
    /// the state before it.
    ///
    /// # Errors
    /// [`BlockRefusal::Header`] where the time is before the parent's.
    pub fn new(state: &'s State, time: Timestamp) -> Result<Self, BlockRefusal> {
        let early = || BlockRefusal::Header {
            what: "time",
            expected: format!("{} or later", state.tip.time),
            got: time.to_string(),
        };
        if time < state.tip.time {
            return Err(early());
        }
        let epoch = state.genesis.epoch_of(time).ok_or_else(early)?;
        let sealed = (epoch > state.tip.epoch).then(|| state.seal(epoch, time, state.tip.height + 1));
        Ok(Self {
            state,
            height: state.tip.height + 1,
            time,
            epoch,
            sealed,
            receipts: Vec::new(),
            taken: BTreeMap::new(),
            nullifiers: Vec::new(),
            spent: BTreeSet::new(),
            contexts: Vec::new(),
            used: BTreeMap::new(),
            added: PerRegistry::default(),
            enrolled: BTreeSet::new(),
            revoked: BTreeSet::new(),
            issued: Vec::new(),
            issued_leaves: BTreeMap::new(),
            retired: BTreeMap::new(),
            keys: BTreeMap::new(),
            members: BTreeMap::new(),
            validators: None,
            proposals: BTreeMap::new(),
        })
    }

    /// Height of the block.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// Number of transactions taken in.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.receipts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.receipts.is_empty()
    }

    /// Takes in a transaction, or says why not; then nothing has changed. Signature and proof are
    /// not looked at.
    ///
    /// # Errors
    /// [`Refusal`]: the cheapest reason there is.
    pub fn admit(&mut self, tx: &Transaction) -> Result<(), Refusal> {
        let (expected, got) = (self.state.genesis.chain_id(), tx.chain());
        if expected != got {
            return Err(Reject::ForeignChain { expected, got }.into());
        }
        let txid = tx.id();
        // why: a committed transaction is refused before its other rules. Its own effects would
        // refuse it too, as spent or enrolled, and the submitter would not learn that it is on the
        // ledger.
        let committed = self.state.position(&txid).map(|(height, _)| height);
        if let Some(height) = committed.or_else(|| self.taken.contains_key(&txid).then_some(self.height)) {
            return Err(Conflict::AlreadyCommitted { txid, height }.into());
        }
        let effect = match tx {
            Transaction::Signed(tx) => self.admit_signed(tx, txid)?,
            Transaction::Proof(tx) => self.admit_proof(tx, txid)?,
        };
        let index = self.receipts.len() as u32;
        self.receipts.push(ReceiptData { txid, height: self.height, index, epoch: self.epoch, effect });
        self.taken.insert(txid, index);
        Ok(())
    }

    /// The rules of proof transactions, cheap to dear. What is changed is changed after the last
    /// refusal.
    fn admit_proof(&mut self, tx: &ProofTx, txid: TxId) -> Result<Effect, Refusal> {
        self.check_key(tx)?;
        let sealed = self.check_epoch(tx)?;
        // why: a proof speaks of the bundle with this hash, and does not show that the ledger
        // sealed it. A prover can make a bundle over registries that it made up.
        if sealed.hash != tx.bundle {
            return Err(Reject::WrongBundle { epoch: tx.epoch, expected: sealed.hash, got: tx.bundle }.into());
        }
        self.check_floors(tx, sealed)?;
        let nullifier = tx.spent_nullifier().map(|x| to_bytes(&x));
        if let Some(nullifier) = nullifier {
            let height = self.state.spent_at(&nullifier);
            if let Some(height) = height.or_else(|| self.spent.contains(&nullifier).then_some(self.height)) {
                return Err(Conflict::spent(nullifier, height).into());
            }
        }
        // why: a statement that spends no nullifier could otherwise be proved twice under one
        // nonce, and an audience could take the second proof for a fresh answer to its request.
        let ctx = to_bytes(&tx.ctx());
        if let Some(by) = self.state.used_by(&ctx).or_else(|| self.used.get(&ctx).copied()) {
            return Err(Conflict::ContextUsed { ctx, by }.into());
        }
        let effect = self.append_output(tx)?;
        // why: only here, after the last refusal. A refused transaction leaves the draft as it was,
        // since the proposer goes on with the next candidate in the same draft.
        if let Some(nullifier) = nullifier {
            self.nullifiers.push(nullifier);
            self.spent.insert(nullifier);
        }
        self.contexts.push((ctx, txid));
        self.used.insert(ctx, txid);
        Ok(effect)
    }

    /// What the statement does to a registry. Nothing is changed if it is refused.
    fn append_output(&mut self, tx: &ProofTx) -> Result<Effect, Refusal> {
        let Some(registry) = tx.statement.spec().appends else { return Ok(Effect::Recorded) };
        match registry.kind() {
            RegistryKind::Dense => {
                let leaf = tx.out[0];
                // Zero is the empty leaf: it would be appended and never be found.
                if leaf == Fr::from(0u64) {
                    return Err(Reject::EmptyLeaf(0).into());
                }
                let first = self.room(registry, 1)?;
                self.add(registry, [leaf]);
                Ok(Effect::Appended { registry, first, count: 1 })
            }
            RegistryKind::Indexed => {
                let id = RevocationId::new(tx.out[0]).ok_or(Reject::NotARevocationId)?;
                self.check_not_revoked(id)?;
                let index = self.room(registry, 1)?;
                self.revoke(id);
                Ok(Effect::Revoked { index })
            }
        }
    }

    fn check_key(&self, tx: &ProofTx) -> Result<(), Refusal> {
        // Keys of the parent state only: a key installed or frozen by a block counts from the next.
        let entry = self
            .state
            .keys
            .get(&(tx.statement, tx.key))
            .ok_or(Reject::UnknownKey { statement: tx.statement, got: tx.key })?;
        // why: before activation the refusal is a conflict, not a fault of the bytes: the same
        // bytes are admitted later.
        if self.height < entry.active_from {
            let (key, active_from) = (tx.key, entry.active_from);
            return Err(Conflict::KeyNotActive { key, active_from, height: self.height }.into());
        }
        let reached = |height: Option<u64>| height.filter(|height| self.height >= *height);
        // why: of a key with both, the freeze is told. It says that the key is broken, not that it
        // is old (GOV-10).
        if let Some(frozen_from) = reached(entry.frozen_from) {
            return Err(Conflict::KeyFrozen { key: tx.key, frozen_from }.into());
        }
        match reached(entry.sunset_from) {
            Some(sunset_from) => Err(Conflict::KeySunset { key: tx.key, sunset_from }.into()),
            None => Ok(()),
        }
    }

    /// The bundle of the transaction's epoch, if it may still be used: not superseded, or
    /// superseded less than W epochs ago.
    fn check_epoch(&self, tx: &ProofTx) -> Result<&SealedBundle, Refusal> {
        // why: the bundle that this very block seals counts as sealed, so that a proof is checked
        // by the same rules in the first block of an epoch as in the next.
        let fresh = self.sealed.as_ref().filter(|s| s.bundle.epoch == tx.epoch);
        let sealed = fresh.or_else(|| self.state.bundle(tx.epoch)).ok_or_else(|| Reject::UnknownEpoch {
            newest: self.sealed.as_ref().unwrap_or(self.state.latest_bundle()).bundle.epoch,
            got: tx.epoch,
        })?;
        // The draft's own bundle supersedes the newest of the state.
        let superseded = match (&self.sealed, sealed.superseded) {
            (Some(new), None) if new.bundle.epoch != tx.epoch => Some(new.bundle.epoch),
            (_, superseded) => superseded,
        };
        let window = self.state.genesis.windows().of(tx.statement);
        match superseded {
            Some(superseded) if self.epoch >= superseded.saturating_add(window.into()) => {
                let (statement, epoch) = (tx.statement, tx.epoch);
                Err(Conflict::StaleEpoch { statement, epoch, superseded, window, now: self.epoch }.into())
            }
            // After a standstill the newest bundle may be old, and `now` in it with it: what says
            // "now" is bound to that.
            _ if tx.statement.spec().speaks_of_now && self.epoch.saturating_sub(tx.epoch) > window.into() => {
                let (statement, epoch) = (tx.statement, tx.epoch);
                Err(Conflict::AgedBundle { statement, epoch, window, now: self.epoch }.into())
            }
            _ => Ok(sealed),
        }
    }

    /// What the statement hides its subject in must be large enough, as of the bundle proved
    /// against.
    fn check_floors(&self, tx: &ProofTx, sealed: &SealedBundle) -> Result<(), Refusal> {
        let floors = self.state.genesis.floors();
        floors.check(tx.statement, &tx.policy, &sealed.bundle, &sealed.active).map_err(|below| {
            let BelowFloor { registry, floor, got } = below;
            Conflict::BelowFloor { registry, floor, got }.into()
        })
    }

    pub(super) fn check_not_revoked(&self, id: RevocationId) -> Result<(), Conflict> {
        // why: the tree is planned when the block is finished, and expects new ids only. By then no
        // transaction could be refused alone.
        if self.state.revocations().contains(id) || self.revoked.contains(&id.to_bytes()) {
            return Err(Conflict::revoked(id));
        }
        Ok(())
    }

    pub(super) fn revoke(&mut self, id: RevocationId) {
        self.revoked.insert(id.to_bytes());
        self.add(Registry::Revocations, [id.to_field()]);
    }

    /// Adds leaves, or ids to an indexed registry, behind what this draft has added.
    pub(super) fn add(&mut self, registry: Registry, leaves: impl IntoIterator<Item = Fr>) {
        self.added[registry].extend(leaves);
    }

    /// Index the next leaf of a registry gets, if `more` fit behind what this draft has added.
    pub(super) fn room(&self, registry: Registry, more: usize) -> Result<u32, Conflict> {
        let first = self.state.registry(registry).1 + self.added[registry].len() as u64;
        if first + more as u64 > CAPACITY {
            return Err(Conflict::RegistryFull { registry });
        }
        // first < 2^32 where anything fits; a full registry takes no more than nothing.
        Ok(u32::try_from(first).unwrap_or(u32::MAX))
    }

    /// Seals the block over the transactions taken in: plans the trees, computes app hash and
    /// header.
    ///
    /// `transactions` are the admitted transactions, in that order; the caller holds the evidence
    /// for each.
    pub(crate) fn finish(self, transactions: Vec<Transaction>) -> Delta {
        debug_assert_eq!(transactions.len(), self.receipts.len());
        let state = self.state;
        // Retired credentials, which may have been issued by this very block.
        // why: set to zero, not removed: the indices of all later leaves would move.
        let zeroed: Vec<(u32, Fr)> = self.retired.keys().map(|index| (*index, Fr::from(0u64))).collect();
        let registries = PerRegistry::from_fn(|registry| {
            let sets: &[_] = if registry == Registry::Roles { &zeroed } else { &[] };
            let update = state.registries[registry].plan(sets, &self.added[registry]);
            update.expect("room and ids were checked when each transaction was admitted")
        });
        let entries = state.entries.with(self.entries());
        let commitments = Commitments {
            chain: state.genesis.chain_id(),
            registries: PerRegistry::from_fn(|registry| {
                let tree = registries[registry].tree();
                (tree.root(), tree.len())
            }),
            active: state.active_credentials() + self.issued.len() as u64 - self.retired.len() as u64,
            entries: (entries.root(), entries.len()),
        };
        let header = Header {
            chain: state.genesis.chain_id(),
            height: self.height,
            parent: state.tip.hash(),
            time: self.time,
            epoch: self.epoch,
            tx_root: tx_root(&transactions),
            receipts_root: receipts_root(&self.receipts),
            count: self.receipts.len() as u32,
            app_hash: commitments.app_hash(),
        };
        Delta {
            block: Block { header, transactions },
            receipts: self.receipts,
            sealed: self.sealed,
            registries,
            enrolled: self.enrolled.into_iter().collect(),
            nullifiers: self.nullifiers,
            contexts: self.contexts,
            keys: self.keys,
            members: self.members,
            validators: self.validators,
            proposals: self.proposals,
            issued: self.issued,
            retired: self.retired.into_iter().collect(),
            entries,
            commitments,
        }
    }

    /// The entries that the block makes or changes.
    fn entries(&self) -> Vec<(Key, Value)> {
        let before = &self.state.credentials;
        let issued = (before.len() as u32..).zip(self.issued.iter().copied());
        // After the issued ones, which may be among them.
        let retired = self.retired.keys().map(|index| {
            let at = *index as usize;
            let credential = before.get(at).copied().unwrap_or_else(|| self.issued[at - before.len()]);
            (*index, Credential { retired: Some(self.height), ..credential })
        });
        let credentials = issued.chain(retired);
        let contents = (self.receipts.iter().map(|r| (Entry::Transaction(r.txid), Content::Receipt(*r))))
            .chain(self.nullifiers.iter().map(|n| (Entry::Nullifier(*n), Content::SpentAt(self.height))))
            .chain(self.contexts.iter().map(|(ctx, txid)| (Entry::Context(*ctx), Content::UsedBy(*txid))))
            .chain(self.keys.iter().map(|((s, d), key)| (Entry::VerifyingKey(*s, *d), key.content())))
            .chain(credentials.map(|(index, c)| (Entry::Credential(index), Content::Credential(c))))
            .chain(self.members.iter().map(|(id, member)| (Entry::Organisation(*id), member.content())))
            .chain(self.validators.iter().map(|sets| (Entry::ValidatorSet, sets.content())))
            .chain(self.proposals.iter().map(|(id, p)| (Entry::Proposal(*id), p.content())));
        let pairs = contents.map(|(entry, content)| (entry.key(), content.value()));
        pairs.chain(self.sealed.iter().map(SealedBundle::entry)).collect()
    }
}
