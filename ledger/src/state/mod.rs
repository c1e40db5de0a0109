//! The state machine's state: everything that decides whether a transaction is admitted. Pure: no
//! clock, no disk.

mod delta;
mod draft;
mod govern;
mod members;
mod mirror;
mod signed;

pub use delta::Delta;
pub use draft::Draft;
pub use govern::{MAX_OPEN_PROPOSALS, MAX_ORGANISATIONS, PROPOSAL_EPOCHS};
pub use members::{Member, Proposal, ValidatorSets};

use crate::genesis::Genesis;
use amanat_domain::block::{AppHash, BlockHash, Header, tx_root};
use amanat_domain::bundle::{Bundle, BundleHash, PerRegistry, Registry, RegistryState};
use amanat_domain::commitments::Commitments;
use amanat_domain::consent::OrgId;
use amanat_domain::entry::{Content, Credential, Entry, EntryProof};
use amanat_domain::field::to_bytes;
use amanat_domain::floors::ActiveCredentials;
use amanat_domain::map::{Key, MerkleMap, Value};
use amanat_domain::receipt::receipts_root;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tree::{IndexedTree, RegistryTree, Root, Tree};
use amanat_domain::tx::{KeyDigest, TxId};
use amanat_params::VerifyingKey;
use amanat_verifier::PreparedVerifyingKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// A sealed bundle and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBundle {
    /// The bundle.
    pub bundle: Bundle,
    /// Block that sealed it: it is over the state before that block.
    pub height: u64,
    /// Its hash `B_e`.
    pub hash: BundleHash,
    /// Epoch in which a newer one took its place.
    pub superseded: Option<u64>,
    /// Active credentials per role and organisation when it was sealed: what a role proof against
    /// it hides among.
    pub active: ActiveCredentials,
}

/// An installed verifying key.
#[derive(Clone)]
pub struct KeyEntry {
    /// The key.
    pub key: VerifyingKey,
    /// The same, with its pairings prepared: when it is first used, for a key that was only
    /// proposed need never be.
    pub(crate) prepared: Arc<OnceLock<PreparedVerifyingKey>>,
    /// First height at which proofs under it are accepted.
    pub active_from: u64,
    /// First height at which they no longer are: frozen.
    pub frozen_from: Option<u64>,
    /// First height at which they no longer are: its time is over.
    pub sunset_from: Option<u64>,
}

impl KeyEntry {
    /// A key that is accepted from this height on.
    #[must_use]
    pub fn new(key: VerifyingKey, active_from: u64) -> Self {
        Self { key, prepared: Arc::default(), active_from, frozen_from: None, sunset_from: None }
    }

    /// The key with its pairings prepared.
    #[must_use]
    pub fn prepared(&self) -> &PreparedVerifyingKey {
        self.prepared.get_or_init(|| PreparedVerifyingKey::new(&self.key))
    }

    pub(crate) const fn content(&self) -> Content {
        let Self { active_from, frozen_from, sunset_from, .. } = *self;
        Content::VerifyingKey { active_from, frozen_from, sunset_from }
    }
}

/// The state after some block.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_ledger::{Genesis, State};
/// let state = State::genesis(Genesis::read("genesis.json".as_ref())?.into());
/// assert_eq!(state.tip().height, 0);
/// for (_, organisation) in state.organisations() {
///     println!("{} governs: {}", organisation.name, organisation.capabilities.govern);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct State {
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) tip: Header,
    pub(crate) registries: PerRegistry<RegistryTree>,
    /// By epoch. Never empty: the genesis seals `B_0`.
    pub(crate) bundles: BTreeMap<u64, SealedBundle>,
    /// Everything that the app hash covers entry by entry; what nullifiers and contexts are looked
    /// up in.
    pub(crate) entries: MerkleMap,
    /// Number of spent nullifiers.
    pub(crate) nullifiers: u64,
    /// Height and position of every committed transaction.
    pub(crate) transactions: BTreeMap<TxId, (u64, u32)>,
    pub(crate) keys: BTreeMap<(Statement, KeyDigest), KeyEntry>,
    /// The issuer of each credential, by leaf index, including retired credentials.
    pub(crate) credentials: Vec<Credential>,
    /// Active credentials per role and organisation.
    pub(crate) active: ActiveCredentials,
    /// Leaves of active credentials and their index.
    pub(crate) active_leaves: BTreeMap<[u8; 32], u32>,
    /// Enrolled subjects.
    pub(crate) enrolled: BTreeSet<[u8; 32]>,
    /// Organisations, including removed ones.
    pub(crate) members: BTreeMap<OrgId, Member>,
    pub(crate) validators: Option<ValidatorSets>,
    pub(crate) proposals: BTreeMap<TxId, Proposal>,
}

impl State {
    /// The state at height 0: nothing but members and validators, and the bundle of epoch 0 over
    /// empty registries.
    #[must_use]
    pub fn genesis(genesis: Arc<Genesis>) -> Self {
        let (chain, time) = (genesis.chain_id(), genesis.start());
        let tip = Header {
            chain,
            height: 0,
            parent: BlockHash([0; 32]),
            time,
            epoch: 0,
            tx_root: tx_root(&[]),
            receipts_root: receipts_root(&[]),
            count: 0,
            app_hash: AppHash([0; 32]),
        };
        let (members, validators) =
            (members::founders(&genesis), genesis.validators().map(ValidatorSets::genesis));
        let mut state = Self {
            genesis,
            tip,
            registries: PerRegistry::from_fn(|registry| RegistryTree::new(registry.kind())),
            bundles: BTreeMap::new(),
            entries: MerkleMap::new(),
            nullifiers: 0,
            transactions: BTreeMap::new(),
            keys: BTreeMap::new(),
            credentials: Vec::new(),
            active: ActiveCredentials::default(),
            active_leaves: BTreeMap::new(),
            enrolled: BTreeSet::new(),
            members,
            validators,
            proposals: BTreeMap::new(),
        };
        let sealed = state.seal(0, time, 0);
        let entries = state.governance_entries();
        state.entries = state.entries.with(entries.into_iter().chain([sealed.entry()]));
        state.bundles.insert(0, sealed);
        state.tip.app_hash = state.commitments().app_hash();
        state
    }

    /// The genesis.
    #[must_use]
    pub fn genesis_block(&self) -> &Genesis {
        &self.genesis
    }

    /// Header of the last block.
    #[must_use]
    pub const fn tip(&self) -> &Header {
        &self.tip
    }

    /// The registry's root and number of leaves.
    #[must_use]
    pub fn registry(&self, registry: Registry) -> (Root, u64) {
        let tree = &self.registries[registry];
        (tree.root(), tree.len())
    }

    /// A registry's tree; for revocations the tree over the leaves' hashes.
    #[must_use]
    pub fn tree(&self, registry: Registry) -> &Tree {
        self.registries[registry].tree()
    }

    /// The revocations.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn revocations(&self) -> &IndexedTree {
        self.registries[Registry::Revocations].indexed().expect("revocations are an indexed registry")
    }

    /// The bundle of an epoch, if one was sealed.
    #[must_use]
    pub fn bundle(&self, epoch: u64) -> Option<&SealedBundle> {
        self.bundles.get(&epoch)
    }

    /// The newest bundle.
    #[must_use]
    pub fn latest_bundle(&self) -> &SealedBundle {
        self.bundles.last_key_value().expect("the genesis seals a bundle").1
    }

    /// The verifying keys, by statement and digest.
    pub fn keys(&self) -> impl Iterator<Item = (&(Statement, KeyDigest), &KeyEntry)> {
        self.keys.iter()
    }

    /// Height and position of a committed transaction.
    #[must_use]
    pub fn position(&self, txid: &TxId) -> Option<(u64, u32)> {
        self.transactions.get(txid).copied()
    }

    /// The height at which a nullifier was spent.
    #[must_use]
    pub fn spent_at(&self, nullifier: &[u8; 32]) -> Option<u64> {
        let value = self.entries.get(&Entry::Nullifier(*nullifier).key())?;
        let (height, _) = value.split_first_chunk().expect("32 bytes begin with eight");
        Some(u64::from_le_bytes(*height))
    }

    /// The transaction that used a context.
    #[must_use]
    pub fn used_by(&self, ctx: &[u8; 32]) -> Option<TxId> {
        self.entries.get(&Entry::Context(*ctx).key()).map(|value| TxId(*value))
    }

    /// Proof that this state has an entry, or has it not. A receipt is not in the state: the caller
    /// that has it puts it in as the content.
    pub(crate) fn prove(&self, entry: Entry) -> EntryProof {
        let content = match &entry {
            Entry::Nullifier(nullifier) => self.spent_at(nullifier).map(Content::SpentAt),
            Entry::Transaction(_) => None,
            Entry::VerifyingKey(statement, digest) => {
                self.keys.get(&(*statement, *digest)).map(KeyEntry::content)
            }
            Entry::Bundle(epoch) => self.bundles.get(epoch).map(|sealed| Content::Bundle(sealed.hash)),
            Entry::Context(ctx) => self.used_by(ctx).map(Content::UsedBy),
            Entry::Credential(index) => {
                self.credentials.get(*index as usize).copied().map(Content::Credential)
            }
            Entry::Organisation(id) => self.members.get(id).map(Member::content),
            Entry::ValidatorSet => self.validators.as_ref().map(ValidatorSets::content),
            Entry::Proposal(txid) => self.proposals.get(txid).map(Proposal::content),
        };
        let path = self.entries.prove(&entry.key());
        EntryProof { entry, content, header: self.tip, commitments: self.commitments(), path }
    }

    /// Number of active credentials.
    #[must_use]
    pub fn active_credentials(&self) -> u64 {
        self.active_leaves.len() as u64
    }

    /// What the app hash covers.
    #[must_use]
    pub fn commitments(&self) -> Commitments {
        Commitments {
            chain: self.genesis.chain_id(),
            registries: PerRegistry::from_fn(|r| self.registry(r)),
            active: self.active_credentials(),
            entries: (self.entries.root(), self.entries.len()),
        }
    }

    /// The bundle over this state, for the epoch that begins.
    fn seal(&self, epoch: u64, time: Timestamp, height: u64) -> SealedBundle {
        let registries = PerRegistry::from_fn(|r| {
            let (root, len) = self.registry(r);
            // A retired credential keeps its place as an empty leaf, and a proof does not hide
            // among those.
            let count = if r == Registry::Roles { self.active_credentials() } else { len };
            RegistryState { root, count }
        });
        let bundle = Bundle { epoch, time, registries };
        SealedBundle { hash: bundle.hash(), bundle, height, superseded: None, active: self.active.clone() }
    }

    /// Takes over what a block changed. The block is on disk by then: this cannot fail.
    ///
    /// # Panics
    /// If the delta was made on another state.
    pub fn commit(&mut self, delta: Delta) {
        let header = &delta.block.header;
        assert_eq!(header.parent, self.tip.hash(), "a delta is committed to the state it was made on");
        let height = header.height;
        self.tip = *header;
        if let Some(sealed) = delta.sealed {
            if let Some(mut last) = self.bundles.last_entry() {
                last.get_mut().superseded = Some(sealed.bundle.epoch);
            }
            self.bundles.insert(sealed.bundle.epoch, sealed);
        }
        for (registry, update) in delta.registries {
            self.registries[registry].apply(update);
        }
        self.enrolled.extend(delta.enrolled);
        self.entries = delta.entries;
        self.nullifiers += delta.nullifiers.len() as u64;
        self.transactions.extend(delta.receipts.iter().map(|r| (r.txid, (r.height, r.index))));
        self.keys.extend(delta.keys);
        self.members.extend(delta.members);
        self.proposals.extend(delta.proposals);
        // `None` in a delta says that the validators do not change, not that there are none.
        self.validators = delta.validators.or(self.validators.take());
        for credential in delta.issued {
            let index = self.credentials.len() as u32;
            self.credentials.push(credential);
            self.active_leaves.insert(to_bytes(&credential.leaf), index);
            self.active.issue(credential.role, credential.organisation);
        }
        for (index, leaf) in delta.retired {
            // The same leaf may have been issued again after it in this very block.
            if self.active_leaves.get(&leaf) == Some(&index) {
                self.active_leaves.remove(&leaf);
            }
            let c = &mut self.credentials[index as usize];
            c.retired = Some(height);
            self.active.retire(c.role, c.organisation);
        }
    }
}

impl SealedBundle {
    pub(crate) fn entry(&self) -> (Key, Value) {
        (Entry::Bundle(self.bundle.epoch).key(), Content::Bundle(self.hash).value())
    }
}
