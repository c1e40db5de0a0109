//! Members, validators and proposals: what the genesis begins and governance changes.

use super::State;
use crate::genesis::{Genesis, Organisation, Validators};
use amanat_domain::consent::OrgId;
use amanat_domain::entry::{Content, Entry};
use amanat_domain::governance::{Change, quorum};
use amanat_domain::map::{Key, Value};
use amanat_domain::tx::TxId;
use amanat_domain::wire::{Reader, WireError, Writer};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// An organisation on the ledger, or one that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its identity and capabilities; for a removed organisation, the last ones.
    pub organisation: Organisation,
    /// Block that took it in; 0: the genesis.
    pub since: u64,
    /// Block that removed it.
    pub removed: Option<u64>,
}

/// The validators of each height from the next block on: the current set and, if a change was
/// decided, the later set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorSets {
    /// The newest set.
    pub latest: Validators,
    /// First height it agrees on.
    pub from: u64,
    /// The set of the heights before.
    pub before: Validators,
}

/// A change that was proposed, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What.
    pub change: Change,
    /// By whom.
    pub proposer: OrgId,
    /// Block that holds it.
    pub proposed: u64,
    /// First epoch in which it can no longer be approved.
    pub expires: u64,
    /// The organisations that approved it, including the proposer. An approval counts if its
    /// organisation governs at the time of counting.
    pub approvals: BTreeSet<OrgId>,
    /// Block that made the change.
    pub enacted: Option<u64>,
}

impl Member {
    pub(super) fn content(&self) -> Content {
        let digest = self.organisation.digest();
        Content::Organisation { digest, since: self.since, removed: self.removed }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u64(self.since);
        // Zero: not removed. The genesis removes nobody.
        w.u64(self.removed.unwrap_or(0));
        self.organisation.write(w);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (since, removed) = (r.u64("member since")?, r.u64("removed in")?);
        let organisation = Organisation::read(r)?;
        Ok(Self { organisation, since, removed: Some(removed).filter(|height| *height != 0) })
    }
}

impl ValidatorSets {
    /// The validators of the genesis, for every height.
    pub(super) fn genesis(validators: &Validators) -> Self {
        Self { latest: validators.clone(), from: 0, before: validators.clone() }
    }

    /// The validators that agree on a height, the next block's or a later one.
    #[must_use]
    pub const fn at(&self, height: u64) -> &Validators {
        if height >= self.from { &self.latest } else { &self.before }
    }

    /// With another newest set, decided in the block of this height. The previous validators may
    /// already be agreeing on the block after it, so the new set begins with the block after that.
    pub(super) fn changed(&self, latest: Validators, height: u64) -> Self {
        // why: `before` is the set of the next block, also if an earlier change has not yet come
        // into force: two changes in a row must not skip the set that is agreeing now (GOV-7).
        Self { latest, from: height + 2, before: self.at(height + 1).clone() }
    }

    pub(super) fn content(&self) -> Content {
        let mut w = Writer::new();
        self.latest.write(&mut w);
        self.before.write(&mut w);
        // why: hashed apart from the sets, whose hashes a light client compares with sets that it
        // was given without operators.
        let operators = Sha256::new().chain_update(b"amanat/operators/v1").chain_update(w.finish());
        Content::ValidatorSet {
            set: self.latest.set.hash(),
            from: self.from,
            before: self.before.set.hash(),
            operators: operators.finalize().into(),
        }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u64(self.from);
        self.latest.write(w);
        self.before.write(w);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let from = r.u64("first height")?;
        Ok(Self { latest: Validators::read(r)?, from, before: Validators::read(r)? })
    }
}

impl Proposal {
    /// Whether it can be approved in this epoch.
    #[must_use]
    pub const fn is_open(&self, epoch: u64) -> bool {
        self.enacted.is_none() && epoch < self.expires
    }

    /// How many approvals count among these who govern.
    #[must_use]
    pub fn counted(&self, governors: &BTreeSet<OrgId>) -> usize {
        // why: the approval of an organisation that no longer governs stays in the list and does
        // not count; if it governs again, it counts again.
        self.approvals.intersection(governors).count()
    }

    pub(super) fn content(&self) -> Content {
        let mut w = Writer::new();
        self.write_approvals(&mut w);
        // why: a digest, so that the entry has one length. What counts is which organisations
        // approved, and not how many.
        let approvals = Sha256::new().chain_update(b"amanat/approvals/v1").chain_update(w.finish());
        Content::Proposal {
            change: self.change.digest(),
            proposer: self.proposer,
            proposed: self.proposed,
            expires: self.expires,
            approvals: approvals.finalize().into(),
            enacted: self.enacted,
        }
    }

    fn write_approvals(&self, w: &mut Writer) {
        w.u32(self.approvals.len() as u32);
        self.approvals.iter().for_each(|organisation| w.field(organisation.to_field()));
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        self.change.write(w);
        w.field(self.proposer.to_field());
        w.u64(self.proposed);
        w.u64(self.expires);
        self.write_approvals(w);
        // Zero: not enacted. The genesis enacts nothing.
        w.u64(self.enacted.unwrap_or(0));
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let change = Change::read(r)?;
        let proposer = OrgId::new(r.field("proposer")?);
        let (proposed, expires) = (r.u64("proposed in")?, r.u64("expires in")?);
        // why: none is possible. The approvals of a member that left, or whose key was replaced,
        // are deleted, the proposer's among them.
        let n = r.count(0, u32::MAX as usize, "approvals")?;
        let approvals = (0..n).map(|_| r.field("approval").map(OrgId::new)).collect::<Result<_, _>>()?;
        let enacted = Some(r.u64("enacted in")?).filter(|height| *height != 0);
        Ok(Self { change, proposer, proposed, expires, approvals, enacted })
    }
}

/// The members of a genesis.
pub(super) fn founders(genesis: &Genesis) -> BTreeMap<OrgId, Member> {
    let member = |o: &Organisation| Member { organisation: o.clone(), since: 0, removed: None };
    genesis.organisations().iter().map(|(id, o)| (*id, member(o))).collect()
}

impl State {
    /// The members of now.
    pub fn organisations(&self) -> impl Iterator<Item = (&OrgId, &Organisation)> {
        let now = self.members.iter().filter(|(_, member)| member.removed.is_none());
        now.map(|(id, member)| (id, &member.organisation))
    }

    /// Current and removed members.
    #[must_use]
    pub const fn members(&self) -> &BTreeMap<OrgId, Member> {
        &self.members
    }

    /// A member of now.
    #[must_use]
    pub fn organisation(&self, id: &OrgId) -> Option<&Organisation> {
        self.members.get(id).filter(|member| member.removed.is_none()).map(|member| &member.organisation)
    }

    /// The validators from the next block on; `None` if one operator keeps the ledger alone.
    #[must_use]
    pub const fn validators(&self) -> Option<&ValidatorSets> {
        self.validators.as_ref()
    }

    /// What was proposed, by the id of the proposing transaction.
    #[must_use]
    pub const fn proposals(&self) -> &BTreeMap<TxId, Proposal> {
        &self.proposals
    }

    /// The governing organisations.
    #[must_use]
    pub fn governors(&self) -> BTreeSet<OrgId> {
        self.organisations().filter(|(_, o)| o.capabilities.govern).map(|(id, _)| *id).collect()
    }

    /// How many of them must approve a change.
    #[must_use]
    pub fn quorum(&self) -> usize {
        quorum(self.governors().len())
    }

    /// The entries of members, validators and proposals.
    pub(crate) fn governance_entries(&self) -> Vec<(Key, Value)> {
        let members = self.members.iter().map(|(id, m)| (Entry::Organisation(*id), m.content()));
        let sets = self.validators.iter().map(|sets| (Entry::ValidatorSet, sets.content()));
        let proposals = self.proposals.iter().map(|(id, p)| (Entry::Proposal(*id), p.content()));
        members.chain(sets).chain(proposals).map(|(entry, content)| (entry.key(), content.value())).collect()
    }
}
