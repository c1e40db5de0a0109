//! What a block changes, worked out before anything is changed or written.

use super::{KeyEntry, Member, Proposal, SealedBundle, ValidatorSets};
use amanat_domain::block::Block;
use amanat_domain::bundle::PerRegistry;
use amanat_domain::commitments::Commitments;
use amanat_domain::consent::OrgId;
use amanat_domain::entry::{Credential, Entry, EntryProof};
use amanat_domain::map::MerkleMap;
use amanat_domain::receipt::ReceiptData;
use amanat_domain::statement::Statement;
use amanat_domain::tree::RegistryUpdate;
use amanat_domain::tx::{KeyDigest, TxId};
use std::collections::BTreeMap;

/// Everything one block changes. Made by
/// [`finalize_block`](crate::finalize_block); the store writes it in one transaction, then
/// [`State::commit`](super::State::commit) takes it over.
pub struct Delta {
    pub(crate) block: Block,
    pub(crate) receipts: Vec<ReceiptData>,
    pub(crate) sealed: Option<SealedBundle>,
    pub(crate) registries: PerRegistry<RegistryUpdate>,
    pub(crate) enrolled: Vec<[u8; 32]>,
    pub(crate) nullifiers: Vec<[u8; 32]>,
    pub(crate) contexts: Vec<([u8; 32], TxId)>,
    /// New or changed keys.
    pub(crate) keys: BTreeMap<(Statement, KeyDigest), KeyEntry>,
    /// New, changed and removed organisations.
    pub(crate) members: BTreeMap<OrgId, Member>,
    /// The validators, if they change.
    pub(crate) validators: Option<ValidatorSets>,
    /// New proposals, and proposals that were approved.
    pub(crate) proposals: BTreeMap<TxId, Proposal>,
    /// New credentials in the order of their leaves.
    pub(crate) issued: Vec<Credential>,
    /// Retired credentials: index and the leaf that was there.
    pub(crate) retired: Vec<(u32, [u8; 32])>,
    /// The entries after the block.
    pub(crate) entries: MerkleMap,
    pub(crate) commitments: Commitments,
}

impl Delta {
    /// The block, header included.
    #[must_use]
    pub const fn block(&self) -> &Block {
        &self.block
    }

    /// What will be recorded, once it is durable.
    #[must_use]
    pub fn receipts(&self) -> &[ReceiptData] {
        &self.receipts
    }

    /// Whether the block says nothing: no transaction, no bundle sealed.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.receipts.is_empty() && self.sealed.is_none()
    }

    /// The first height of new validators, and the proof that the state after this block names
    /// them.
    pub(crate) fn succession(&self) -> Option<(u64, EntryProof)> {
        let sets = self.validators.as_ref()?;
        let entry = Entry::ValidatorSet;
        let proof = EntryProof {
            entry,
            content: Some(sets.content()),
            header: self.block.header,
            commitments: self.commitments,
            path: self.entries.prove(&entry.key()),
        };
        Some((sets.from, proof))
    }

    /// What the app hash covers.
    #[must_use]
    pub const fn commitments(&self) -> &Commitments {
        &self.commitments
    }
}
