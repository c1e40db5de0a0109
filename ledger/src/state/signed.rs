//! The rules of transactions signed by organisations.

use super::{Draft, KeyEntry};
use crate::error::{Capability, Conflict, Refusal, Reject};
use crate::genesis::{Organisation, Profile};
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::entry::Credential;
use amanat_domain::field::{Fr, to_bytes};
use amanat_domain::identity::{RoleInner, SubjectCommitment, role_leaf};
use amanat_domain::receipt::Effect;
use amanat_domain::record::{RecordRoot, SupersessionHandle, anchor_leaf};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, KeyDigest, SignedTx};
use amanat_params::{Origin, VerifyingKey};
use std::collections::BTreeSet;

impl Draft<'_> {
    pub(super) fn admit_signed(&mut self, tx: &SignedTx) -> Result<Effect, Refusal> {
        let state = self.state;
        let signer = state
            .genesis
            .organisations()
            .get(&tx.organisation)
            .ok_or(Reject::UnknownOrganisation(tx.organisation))?;
        let capability = match &tx.action {
            Action::Enrol(_) => Capability::Enrol,
            Action::IssueRole { .. } => Capability::IssueRole,
            Action::Anchor { .. } => Capability::Anchor,
            Action::InstallKey { .. } | Action::FreezeKey { .. } => Capability::Govern,
            // Whoever issued may retire: being the issuer is the entitlement.
            Action::RetireRole { index } => return self.retire_role(signer, tx.organisation, *index),
        };
        let c = &signer.capabilities;
        let entitled = match &tx.action {
            Action::Enrol(_) => c.enrol,
            Action::IssueRole { role, .. } => c.roles.covers(*role),
            Action::Anchor { .. } => c.anchor,
            _ => c.govern,
        };
        if !entitled {
            return Err(Reject::NotEntitled { organisation: signer.reference.clone(), capability }.into());
        }
        match &tx.action {
            Action::Enrol(subjects) => self.enrol(subjects),
            Action::IssueRole { role, inner } => self.issue_role(tx.organisation, *role, *inner),
            Action::Anchor { records, superseded } => self.anchor(tx.organisation, records, superseded),
            Action::InstallKey { key, activate_at, .. } => self.install_key(key, *activate_at),
            Action::FreezeKey { statement, key } => self.freeze_key(*statement, *key),
            Action::RetireRole { .. } => unreachable!("answered above"),
        }
    }

    fn enrol(&mut self, subjects: &[SubjectCommitment]) -> Result<Effect, Refusal> {
        let first = self.room(Registry::Subjects, self.subjects.len(), subjects.len())?;
        let mut new = BTreeSet::new();
        for (i, subject) in subjects.iter().enumerate() {
            let leaf = subject.to_field();
            let bytes = to_bytes(&leaf);
            if leaf == Fr::from(0u64) {
                return Err(Reject::EmptyLeaf(i).into());
            }
            if self.state.enrolled.contains(&bytes) || self.enrolled.contains(&bytes) {
                return Err(Conflict::enrolled(leaf).into());
            }
            if !new.insert(bytes) {
                return Err(Reject::Repeated(i).into());
            }
        }
        self.enrolled.extend(new);
        self.subjects.extend(subjects.iter().map(|s| s.to_field()));
        Ok(Effect::Appended { registry: Registry::Subjects, first, count: subjects.len() as u32 })
    }

    /// The leaf is computed here, with the signer's id: nobody issues in another's name.
    fn issue_role(&mut self, signer: OrgId, role: RoleCode, inner: RoleInner) -> Result<Effect, Refusal> {
        let leaf = role_leaf(role, signer, inner).to_field();
        let bytes = to_bytes(&leaf);
        let active = self.state.active_leaves.get(&bytes).filter(|i| !self.retired.contains_key(i));
        if let Some(index) = active.or_else(|| self.issued_leaves.get(&bytes)) {
            return Err(Conflict::AlreadyIssued { index: *index }.into());
        }
        let first = self.room(Registry::Roles, self.issued.len(), 1)?;
        let credential = Credential { role, organisation: signer, leaf, issued: self.height, retired: None };
        self.issued.push(credential);
        self.issued_leaves.insert(bytes, first);
        Ok(Effect::Appended { registry: Registry::Roles, first, count: 1 })
    }

    fn retire_role(
        &mut self,
        signer: &Organisation,
        signer_id: OrgId,
        index: u32,
    ) -> Result<Effect, Refusal> {
        let all = self.state.credentials.len() + self.issued.len();
        let credential = self.state.credentials.iter().chain(&self.issued).nth(index as usize).copied();
        let credential = credential.ok_or(Reject::NoSuchCredential { index, len: all as u64 })?;
        if credential.organisation != signer_id {
            return Err(Reject::NotTheIssuer { index, organisation: signer.reference.clone() }.into());
        }
        if credential.retired.is_some() || self.retired.contains_key(&index) {
            return Err(Conflict::AlreadyRetired { index }.into());
        }
        let leaf = to_bytes(&credential.leaf);
        self.retired.insert(index, leaf);
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
        let first = self.room(Registry::Records, self.records.len(), records.len())?;
        self.room(Registry::Revocations, self.revoked.len(), superseded.len())?;
        if let Some(i) = records.iter().position(|r| r.to_field() == Fr::from(0u64)) {
            return Err(Reject::EmptyLeaf(i).into());
        }
        // The ids are computed here: a custodian that knows the revocation id of a consent cannot publish it as a record's.
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
        ids.into_iter().for_each(|id| self.revoke(id));
        let epoch = self.epoch;
        self.records.extend(records.iter().map(|r| anchor_leaf(*r, signer, epoch).to_field()));
        Ok(Effect::Anchored { first, count: records.len() as u32, superseded: superseded.len() as u32 })
    }

    /// Decodes and lints the key; the test vectors are pairings and belong to the evidence.
    fn install_key(&mut self, bytes: &[u8], activate_at: u64) -> Result<Effect, Refusal> {
        let key = VerifyingKey::from_bytes(bytes).map_err(Reject::from)?;
        let header = *key.header();
        let (statement, expected, got) = (header.statement, header.statement.version(), header.version);
        if got != expected {
            return Err(Reject::KeyVersion { statement, expected, got }.into());
        }
        if self.state.genesis.profile() == Profile::Production && header.origin == Origin::InsecureDev {
            return Err(Reject::InsecureKey.into());
        }
        let digest = KeyDigest(key.digest());
        if self.state.keys.contains_key(&(statement, digest)) || self.keys.contains_key(&(statement, digest))
        {
            return Err(Conflict::KeyPresent { key: digest }.into());
        }
        let active_from = activate_at.max(self.height + 1);
        self.keys.insert((statement, digest), KeyEntry::new(key, active_from, None));
        Ok(Effect::KeyInstalled { key: digest, active_from })
    }

    fn freeze_key(&mut self, statement: Statement, key: KeyDigest) -> Result<Effect, Refusal> {
        let at = (statement, key);
        let entry = self.keys.get(&at).or_else(|| self.state.keys.get(&at));
        let entry = entry.ok_or(Conflict::NoSuchKey { statement, key })?;
        if let Some(frozen_from) = entry.frozen_from {
            return Err(Conflict::KeyFrozen { key, frozen_from }.into());
        }
        let frozen_from = self.height + 1;
        let entry = KeyEntry { frozen_from: Some(frozen_from), ..entry.clone() };
        self.keys.insert(at, entry);
        Ok(Effect::KeyFrozen { key, frozen_from })
    }
}
