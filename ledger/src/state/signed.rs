//! The rules of transactions signed by organisations.

use super::{Draft, KeyEntry};
use crate::error::{Capability, Conflict, Refusal, Reject};
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::entry::Credential;
use amanat_domain::field::{Fr, to_bytes};
use amanat_domain::identity::{RoleInner, SubjectCommitment, role_leaf};
use amanat_domain::receipt::Effect;
use amanat_domain::record::{RecordRoot, SupersessionHandle, anchor_leaf};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, KeyDigest, SignedTx, TxId};
use std::collections::BTreeSet;

impl Draft<'_> {
    pub(super) fn admit_signed(&mut self, tx: &SignedTx, txid: TxId) -> Result<Effect, Refusal> {
        let id = tx.organisation;
        let signer = self.signer(&id)?;
        let c = &signer.capabilities;
        let (entitled, capability) = match &tx.action {
            Action::Enrol(_) => (c.enrol, Capability::Enrol),
            Action::IssueRole { role, .. } => (c.roles.covers(*role), Capability::IssueRole),
            Action::Anchor { .. } => (c.anchor, Capability::Anchor),
            Action::InstallKey { .. } | Action::Propose(_) | Action::Approve(_) => {
                (c.govern, Capability::Govern)
            }
            // why: no quorum. A key that accepts a false statement must be stopped in minutes
            // (GOV-10).
            Action::FreezeKey { .. } => (self.may_freeze(id), Capability::Freeze),
            // Being the issuer is the entitlement.
            Action::RetireRole { .. } => (true, Capability::IssueRole),
        };
        if !entitled {
            return Err(Reject::NotEntitled { organisation: signer.reference.clone(), capability }.into());
        }
        match &tx.action {
            Action::Enrol(subjects) => self.enrol(subjects),
            Action::IssueRole { role, inner } => self.issue_role(id, *role, *inner),
            Action::RetireRole { index } => self.retire_role(id, *index),
            Action::Anchor { records, superseded } => self.anchor(id, records, superseded),
            Action::InstallKey { key, activate_at, .. } => self.install_key(key, *activate_at),
            Action::FreezeKey { statement, key } => self.freeze_key(*statement, *key),
            Action::Propose(change) => self.propose(id, change, txid),
            Action::Approve(proposal) => self.approve(id, *proposal),
        }
    }

    fn enrol(&mut self, subjects: &[SubjectCommitment]) -> Result<Effect, Refusal> {
        let first = self.room(Registry::Subjects, subjects.len())?;
        let mut new = BTreeSet::new();
        for (i, subject) in subjects.iter().enumerate() {
            let leaf = subject.to_field();
            let bytes = to_bytes(&leaf);
            // why: zero is the empty leaf. Appended, it would take a place and never be found by a
            // path.
            if leaf == Fr::from(0u64) {
                return Err(Reject::EmptyLeaf(i).into());
            }
            if self.state.enrolled.contains(&bytes) || self.enrolled.contains(&bytes) {
                return Err(Conflict::enrolled(leaf).into());
            }
            // why: a repetition within the transaction is the sender's mistake and no race with
            // other transactions: a Reject, where the check above is a Conflict.
            if !new.insert(bytes) {
                return Err(Reject::Repeated(i).into());
            }
        }
        // why: after the loop, so that a refusal at a later subject leaves the draft as it was.
        self.enrolled.extend(new);
        self.add(Registry::Subjects, subjects.iter().map(|s| s.to_field()));
        Ok(Effect::Appended { registry: Registry::Subjects, first, count: subjects.len() as u32 })
    }

    /// The leaf is computed here, with the signer's id: nobody issues in another's name.
    fn issue_role(&mut self, signer: OrgId, role: RoleCode, inner: RoleInner) -> Result<Effect, Refusal> {
        let leaf = role_leaf(role, signer, inner).to_field();
        let bytes = to_bytes(&leaf);
        // why: a leaf that was retired, in this block too, may be issued again: an organisation
        // that retired a credential by mistake repairs it with the same inner commitment.
        let active = self.state.active_leaves.get(&bytes).filter(|i| !self.retired.contains_key(i));
        if let Some(index) = active.or_else(|| self.issued_leaves.get(&bytes)) {
            return Err(Conflict::AlreadyIssued { index: *index }.into());
        }
        let first = self.room(Registry::Roles, 1)?;
        let credential = Credential { role, organisation: signer, leaf, issued: self.height, retired: None };
        self.add(Registry::Roles, [leaf]);
        self.issued.push(credential);
        self.issued_leaves.insert(bytes, first);
        Ok(Effect::Appended { registry: Registry::Roles, first, count: 1 })
    }

    /// The issuer may retire. If the issuer is no longer a member, a governing organisation may.
    fn retire_role(&mut self, signer: OrgId, index: u32) -> Result<Effect, Refusal> {
        let all = self.state.credentials.len() + self.issued.len();
        let credential = self.state.credentials.iter().chain(&self.issued).nth(index as usize).copied();
        let credential = credential.ok_or(Reject::NoSuchCredential { index, len: all as u64 })?;
        // why: a removed organisation can retire nothing, and its credentials stay active, so a
        // governing organisation may act for it. While it is a member, nobody takes its credentials
        // away.
        let governs = || self.organisation(&signer).is_some_and(|o| o.capabilities.govern);
        let orphan = || self.organisation(&credential.organisation).is_none();
        if credential.organisation != signer && !(governs() && orphan()) {
            return Err(Reject::NotTheIssuer { index, organisation: self.name(signer) }.into());
        }
        if credential.retired.is_some() || self.retired.contains_key(&index) {
            return Err(Conflict::AlreadyRetired { index }.into());
        }
        let leaf = to_bytes(&credential.leaf);
        self.retired.insert(index, leaf);
        // why: the credential may be of this very block. Its leaf is free again, as that of an
        // older one is.
        self.issued_leaves.remove(&leaf);
        Ok(Effect::Retired { index })
    }

    /// The leaves are computed here, with the signer's id and the epoch of the block.
    fn anchor(
        &mut self,
        signer: OrgId,
        records: &[RecordRoot],
        superseded: &[SupersessionHandle],
    ) -> Result<Effect, Refusal> {
        let first = self.room(Registry::Records, records.len())?;
        // why: asked before anything is added. Records without the supersession of their old
        // versions would leave two versions of one record in force.
        self.room(Registry::Revocations, superseded.len())?;
        if let Some(i) = records.iter().position(|r| r.to_field() == Fr::from(0u64)) {
            return Err(Reject::EmptyLeaf(i).into());
        }
        // The ids are computed here: a custodian that knows the revocation id of a consent cannot
        // publish it as a record's.
        let mut ids = Vec::with_capacity(superseded.len());
        let mut new = BTreeSet::new();
        for (i, handle) in superseded.iter().enumerate() {
            let id = handle.revocation_id().ok_or(Reject::NotARevocationId)?;
            self.check_not_revoked(id)?;
            if !new.insert(id.to_bytes()) {
                return Err(Reject::Repeated(i).into());
            }
            ids.push(id);
        }
        // why: after all handles were checked, so that a refusal leaves the draft as it was.
        ids.into_iter().for_each(|id| self.revoke(id));
        let epoch = self.epoch;
        self.add(Registry::Records, records.iter().map(|r| anchor_leaf(*r, signer, epoch).to_field()));
        Ok(Effect::Anchored { first, count: records.len() as u32, superseded: superseded.len() as u32 })
    }

    /// One signature is enough where one organisation governs alone.
    fn install_key(&mut self, bytes: &[u8], activate_at: u64) -> Result<Effect, Refusal> {
        let needed = self.quorum();
        // why: one stolen signature key must not install a verifying key that accepts anything (ADR
        // 0025).
        if needed > 1 {
            return Err(Conflict::NeedsQuorum { needed }.into());
        }
        let (at, entry) = self.plan_key(bytes, activate_at)?;
        let (key, active_from) = (at.1, entry.active_from);
        self.keys.insert(at, entry);
        Ok(Effect::KeyInstalled { key, active_from })
    }

    fn freeze_key(&mut self, statement: Statement, key: KeyDigest) -> Result<Effect, Refusal> {
        let at = (statement, key);
        // why: the draft's entry comes first. A key that this block installs, or gives a sunset,
        // can be frozen by it too, and keeps what the block said of it.
        let entry = self.keys.get(&at).or_else(|| self.state.keys.get(&at));
        let entry = entry.ok_or(Conflict::NoSuchKey { statement, key })?;
        if let Some(frozen_from) = entry.frozen_from {
            return Err(Conflict::KeyFrozen { key, frozen_from }.into());
        }
        // why: from the next block on, since proofs of this block were checked against the parent's
        // keys: their order among the block's transactions must not decide.
        let frozen_from = self.height + 1;
        let entry = KeyEntry { frozen_from: Some(frozen_from), ..entry.clone() };
        self.keys.insert(at, entry);
        Ok(Effect::KeyFrozen { key, frozen_from })
    }
}
