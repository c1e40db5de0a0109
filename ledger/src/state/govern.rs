//! The rules of governance: which organisations decide, when a change is made, which changes are
//! possible.
//!
//! The state before the block decides which organisations may sign, as it does for keys: a new
//! member signs from the next block on. What a change takes away is gone at once: approvals and
//! later changes of the same block are checked without it.

use super::{Draft, KeyEntry, Member, Proposal, State};
use crate::error::{Conflict, Refusal, Reject, Unfit};
use crate::genesis::{Organisation, Profile, Validators};
use amanat_domain::consent::OrgId;
use amanat_domain::governance::{Change, quorum, signature_key};
use amanat_domain::quorum::{MAX_VALIDATORS, ValidatorKey, ValidatorSet};
use amanat_domain::receipt::Effect;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{KeyDigest, TxId};
use amanat_params::{Origin, VerifyingKey};
use std::collections::BTreeSet;

/// For how many epochs a proposal can be approved, the one that holds it included: a week of hours.
pub const PROPOSAL_EPOCHS: u64 = 168;
/// Most proposals of one organisation that are open at a time.
pub const MAX_OPEN_PROPOSALS: usize = 16;
/// Most members of a ledger. A genesis may name more; then none is taken in.
pub const MAX_ORGANISATIONS: usize = 1024;

/// A change that fits, worked out and not made yet.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, for one call")]
enum Planned {
    Key((Statement, KeyDigest), KeyEntry, u64),
    Member(OrgId, Member),
    Validators(Validators),
}

impl Draft<'_> {
    /// A member of now, this block's changes included.
    pub(super) fn organisation(&self, id: &OrgId) -> Option<&Organisation> {
        match self.members.get(id) {
            Some(member) => member.removed.is_none().then_some(&member.organisation),
            None => self.state.organisation(id),
        }
    }

    /// A member of now that was one before this block, too: its signature is verified under the key
    /// it had then.
    pub(super) fn signer(&self, id: &OrgId) -> Result<&Organisation, Reject> {
        // An organisation that left and came back in this block has another key, or had no right to
        // sign in between.
        let back = self.members.get(id).is_some_and(|member| member.since == self.height);
        let signer = self.state.organisation(id).filter(|_| !back).and_then(|_| self.organisation(id));
        signer.ok_or(Reject::UnknownOrganisation(*id))
    }

    /// The governing organisations, this block's changes included.
    fn governors(&self) -> BTreeSet<OrgId> {
        let mut governors = self.state.governors();
        for (id, member) in &self.members {
            if member.removed.is_none() && member.organisation.capabilities.govern {
                governors.insert(*id);
            } else {
                governors.remove(id);
            }
        }
        governors
    }

    /// How many approvals a change takes.
    pub(super) fn quorum(&self) -> usize {
        quorum(self.governors().len())
    }

    /// The validators of this block, of the next, and of the blocks after it.
    fn validators_in_force(&self) -> impl Iterator<Item = &Validators> {
        let (parent, height) = (self.state.validators.as_ref(), self.height);
        let newest = self.validators.as_ref().or(parent).map(|sets| &sets.latest);
        newest.into_iter().chain(parent.into_iter().flat_map(move |p| [p.at(height), p.at(height + 1)]))
    }

    fn runs_validator(&self, id: OrgId) -> bool {
        self.validators_in_force().any(|validators| validators.run_by(id))
    }

    /// A governing organisation or a validator's operator can freeze a key alone.
    pub(super) fn may_freeze(&self, id: OrgId) -> bool {
        self.organisation(&id).is_some_and(|o| o.capabilities.govern) || self.runs_validator(id)
    }

    pub(super) fn propose(&mut self, signer: OrgId, change: &Change, txid: TxId) -> Result<Effect, Refusal> {
        // why: proposals are kept for ever, some 3 KiB with a verifying key. The bound keeps one
        // member from filling the state, and an expired or enacted proposal no longer counts.
        let mine = |proposal: &&Proposal| proposal.proposer == signer && proposal.is_open(self.epoch);
        let before = self.state.proposals.iter().filter(|(id, _)| !self.proposals.contains_key(id));
        let open = before.map(|(_, proposal)| proposal).chain(self.proposals.values()).filter(mine).count();
        if open >= MAX_OPEN_PROPOSALS {
            return Err(Conflict::ProposalsOpen { organisation: self.name(signer), open }.into());
        }
        // why: planned although a quorum is still missing, so that approvers are not asked about a
        // change that cannot be made (GOV-1).
        let planned = self.plan(change)?;
        let proposal = Proposal {
            change: change.clone(),
            proposer: signer,
            proposed: self.height,
            expires: self.epoch.saturating_add(PROPOSAL_EPOCHS),
            approvals: BTreeSet::from([signer]),
            enacted: None,
        };
        let expires = proposal.expires;
        let (approvals, needed, holds_from) = self.count(txid, proposal, planned);
        Ok(Effect::Proposed { approvals, needed, expires, holds_from })
    }

    pub(super) fn approve(&mut self, signer: OrgId, proposal: TxId) -> Result<Effect, Refusal> {
        let found = self.proposals.get(&proposal).or_else(|| self.state.proposals.get(&proposal));
        let mut found = found.ok_or(Conflict::NoSuchProposal { proposal })?.clone();
        // why: `is_open` is false for both reasons. Of an old proposal that was enacted, the
        // submitter must learn that the change was made.
        if let Some(height) = found.enacted {
            return Err(Conflict::ProposalEnacted { proposal, height }.into());
        }
        if !found.is_open(self.epoch) {
            let (expires, now) = (found.expires, self.epoch);
            return Err(Conflict::ProposalExpired { proposal, expires, now }.into());
        }
        // why: into a copy. If the change no longer fits, the approval is not kept and the proposal
        // stays as it was (GOV-4).
        if !found.approvals.insert(signer) {
            return Err(Conflict::AlreadyApproved { organisation: self.name(signer), proposal }.into());
        }
        // It fitted when it was proposed; the state has moved since.
        let planned = self.plan(&found.change)?;
        let (approvals, needed, holds_from) = self.count(proposal, found, planned);
        Ok(Effect::Approved { proposal, approvals, needed, holds_from })
    }

    /// Makes the change where a quorum has approved it, and files the proposal.
    fn count(&mut self, id: TxId, mut proposal: Proposal, planned: Planned) -> (u32, u32, Option<u64>) {
        // why: counted again each time. A member that lost its right since it approved must not
        // count, and the quorum follows the members that are left (GOV-3).
        let governors = self.governors();
        let (approvals, needed) = (proposal.counted(&governors), quorum(governors.len()));
        let holds_from = (approvals >= needed).then(|| {
            proposal.enacted = Some(self.height);
            self.make(planned)
        });
        self.proposals.insert(id, proposal);
        // A ledger has far fewer than 2^32 members.
        (approvals as u32, needed as u32, holds_from)
    }

    /// Makes a change; gives the height from which it holds.
    fn make(&mut self, planned: Planned) -> u64 {
        match planned {
            Planned::Key(at, entry, holds_from) => {
                self.keys.insert(at, entry);
                holds_from
            }
            Planned::Member(id, member) => {
                // why: before the member is replaced: whether its key changes is seen by comparing
                // both.
                self.withdraw(id, &member);
                self.members.insert(id, member);
                self.height + 1
            }
            Planned::Validators(latest) => {
                // why: made from the parent's sets even if this block changed them before: `latest`
                // has that change already, and the set of the next height must stay the parent's.
                let sets = self.state.validators.as_ref().map(|sets| sets.changed(latest, self.height));
                self.validators = sets.or(self.validators.take());
                self.height + 2
            }
        }
    }

    /// Withdraws the approvals of an organisation that left, or whose key no longer signs: a thief
    /// of one key must not be able to wait until the next key is stolen.
    fn withdraw(&mut self, id: OrgId, member: &Member) {
        let before = self.members.get(&id).or_else(|| self.state.members.get(&id));
        let same = before.is_none_or(|before| {
            before.removed.is_none() && before.organisation.key == member.organisation.key
        });
        if same && member.removed.is_none() {
            return;
        }
        let unseen = self.state.proposals.iter().filter(|(txid, _)| !self.proposals.contains_key(txid));
        let theirs = |(_, p): &(&TxId, &Proposal)| p.is_open(self.epoch) && p.approvals.contains(&id);
        let open: Vec<(TxId, Proposal)> =
            unseen.chain(&self.proposals).filter(theirs).map(|(txid, p)| (*txid, p.clone())).collect();
        for (txid, mut proposal) in open {
            proposal.approvals.remove(&id);
            self.proposals.insert(txid, proposal);
        }
    }

    /// What the change would do, if it fits.
    fn plan(&self, change: &Change) -> Result<Planned, Refusal> {
        let planned = match change {
            Change::InstallKey { key, activate_at, .. } => {
                let (at, entry) = self.plan_key(key, *activate_at)?;
                let holds_from = entry.active_from;
                Planned::Key(at, entry, holds_from)
            }
            Change::SunsetKey { statement, key, from } => self.plan_sunset((*statement, *key), *from)?,
            Change::AddOrganisation { reference, name, key, capabilities } => {
                let id = OrgId::from_reference(reference);
                // A removed organisation may be added again: only a member of now is refused.
                if self.organisation(&id).is_some() {
                    return Err(unfit(Unfit::Member { organisation: reference.clone() }));
                }
                if self.members_now() >= MAX_ORGANISATIONS {
                    return Err(unfit(Unfit::MembersFull { most: MAX_ORGANISATIONS }));
                }
                let organisation = Organisation {
                    reference: reference.clone(),
                    name: name.clone(),
                    key: self.unused(key)?,
                    capabilities: capabilities.clone(),
                };
                Planned::Member(id, Member { organisation, since: self.height, removed: None })
            }
            Change::RemoveOrganisation(id) => {
                let member = self.member(id)?;
                let organisation = || member.organisation.reference.clone();
                // why: a validator without a member could vote, and no organisation would answer
                // for it (GOV-8). The validator is removed first, and takes two blocks to leave.
                if self.runs_validator(*id) {
                    return Err(unfit(Unfit::RunsValidator { organisation: organisation() }));
                }
                self.others_govern(*id)?;
                Planned::Member(*id, Member { removed: Some(self.height), ..member.clone() })
            }
            Change::SetCapabilities { organisation, capabilities } => {
                let mut member = self.member(organisation)?.clone();
                if member.organisation.capabilities == *capabilities {
                    let organisation = member.organisation.reference;
                    return Err(unfit(Unfit::SameCapabilities { organisation }));
                }
                // why: a ledger without a governing organisation could never change again (GOV-5).
                if !capabilities.govern {
                    self.others_govern(*organisation)?;
                }
                member.organisation.capabilities = capabilities.clone();
                Planned::Member(*organisation, member)
            }
            Change::SetKey { organisation, key } => {
                // The present key counts as used, so a change to the same key is refused.
                let mut member = self.member(organisation)?.clone();
                member.organisation.key = self.unused(key)?;
                Planned::Member(*organisation, member)
            }
            Change::AddValidator { organisation, key } => self.plan_validator(*organisation, *key)?,
            Change::RemoveValidator(key) => self.plan_without(key)?,
        };
        Ok(planned)
    }

    /// Decodes and lints the key; the test vectors are pairings and belong to the evidence.
    pub(super) fn plan_key(
        &self,
        bytes: &[u8],
        activate_at: u64,
    ) -> Result<((Statement, KeyDigest), KeyEntry), Refusal> {
        let key = VerifyingKey::from_bytes(bytes).map_err(Reject::from)?;
        let header = *key.header();
        let (statement, expected, got) = (header.statement, header.statement.version(), header.version);
        // why: a circuit of another version has other clauses than those that this build knows.
        if got != expected {
            return Err(Reject::KeyVersion { statement, expected, got }.into());
        }
        // why: the maker of a development key can forge proofs under it.
        if self.state.genesis.profile() == Profile::Production && header.origin == Origin::InsecureDev {
            return Err(Reject::InsecureKey.into());
        }
        let at = (statement, KeyDigest(key.digest()));
        if self.state.keys.contains_key(&at) || self.keys.contains_key(&at) {
            return Err(Conflict::KeyPresent { key: at.1 }.into());
        }
        Ok((at, KeyEntry::new(key, activate_at.max(self.height + 1))))
    }

    /// A sunset can be moved until it has come.
    fn plan_sunset(&self, at: (Statement, KeyDigest), from: u64) -> Result<Planned, Refusal> {
        let (statement, key) = at;
        let entry = self.keys.get(&at).or_else(|| self.state.keys.get(&at));
        let entry = entry.ok_or(Conflict::NoSuchKey { statement, key })?;
        if let Some(frozen_from) = entry.frozen_from {
            return Err(Conflict::KeyFrozen { key, frozen_from }.into());
        }
        // why: a sunset that has come stays. Moving it would accept proofs again that were refused.
        if let Some(sunset_from) = entry.sunset_from.filter(|height| *height <= self.height) {
            return Err(Conflict::KeySunset { key, sunset_from }.into());
        }
        let from = from.max(self.height + 1);
        Ok(Planned::Key(at, KeyEntry { sunset_from: Some(from), ..entry.clone() }, from))
    }

    fn plan_validator(&self, organisation: OrgId, key: ValidatorKey) -> Result<Planned, Refusal> {
        let mut validators = self.newest_validators()?;
        self.member(&organisation)?;
        self.unused(&key.0)?;
        let mut keys = validators.set.keys().to_vec();
        if keys.len() >= MAX_VALIDATORS {
            return Err(unfit(Unfit::ValidatorsFull { most: MAX_VALIDATORS }));
        }
        keys.push(key);
        validators.set = ValidatorSet::new(keys).expect("another key, a good one, and room for it");
        validators.operators.insert(key, organisation);
        Ok(Planned::Validators(validators))
    }

    fn plan_without(&self, key: &ValidatorKey) -> Result<Planned, Refusal> {
        let mut validators = self.newest_validators()?;
        if !validators.set.contains(key) {
            return Err(unfit(Unfit::NoValidator(*key)));
        }
        let left: Vec<ValidatorKey> =
            validators.set.keys().iter().filter(|other| *other != key).copied().collect();
        // why: the set refuses to be empty. Without a validator no block could be certified
        // (GOV-7).
        validators.set = ValidatorSet::new(left).map_err(|_| unfit(Unfit::LastValidator))?;
        validators.operators.remove(key);
        Ok(Planned::Validators(validators))
    }

    fn newest_validators(&self) -> Result<Validators, Refusal> {
        let sets = self.validators.as_ref().or(self.state.validators.as_ref());
        sets.map(|sets| sets.latest.clone()).ok_or_else(|| unfit(Unfit::NoValidators))
    }

    fn member(&self, id: &OrgId) -> Result<&Member, Refusal> {
        let member = self.members.get(id).or_else(|| self.state.members.get(id));
        member.filter(|member| member.removed.is_none()).ok_or_else(|| unfit(Unfit::NoMember(*id)))
    }

    fn members_now(&self) -> usize {
        let before = self.state.organisations().filter(|(id, _)| !self.members.contains_key(id)).count();
        before + self.members.values().filter(|member| member.removed.is_none()).count()
    }

    /// The key, if no member signs and no validator votes with it.
    fn unused(&self, key: &[u8; 32]) -> Result<ed25519_dalek::VerifyingKey, Refusal> {
        // why: one key for two roles would make a signature of one count for the other, and a
        // stolen key would take both (GOV-6). Members that this block changed are asked in their
        // new form only.
        let signs =
            |(id, o): (&OrgId, &Organisation)| !self.members.contains_key(id) && o.key.as_bytes() == key;
        let changed = |m: &Member| m.removed.is_none() && m.organisation.key.as_bytes() == key;
        let votes = |validators: &Validators| validators.set.contains(&ValidatorKey(*key));
        if self.state.organisations().any(signs)
            || self.members.values().any(changed)
            || self.validators_in_force().any(votes)
        {
            return Err(unfit(Unfit::KeyTaken { key: *key }));
        }
        Ok(signature_key(key).map_err(Reject::from)?)
    }

    /// Another organisation also governs.
    fn others_govern(&self, id: OrgId) -> Result<(), Refusal> {
        if self.governors().iter().all(|other| *other == id) {
            return Err(unfit(Unfit::LastGovernor));
        }
        Ok(())
    }

    pub(super) fn name(&self, id: OrgId) -> String {
        self.organisation(&id).map_or_else(|| id.to_string(), |o| o.reference.clone())
    }
}

fn unfit(reason: Unfit) -> Refusal {
    Conflict::Unfit(reason).into()
}

impl State {
    /// The proposals that can be approved in an epoch.
    pub fn open_proposals(&self, epoch: u64) -> impl Iterator<Item = (&TxId, &Proposal)> {
        self.proposals.iter().filter(move |(_, proposal)| proposal.is_open(epoch))
    }
}
