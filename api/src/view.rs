//! The JSON that a node and its clients speak. Parsing gives these views; turning one into the
//! ledger's own type checks it.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use amanat_api::view::BlockView;
//! use amanat_ledger::Header;
//! // The answer of /v1/blocks/9.
//! let view: BlockView = serde_json::from_slice(&std::fs::read("block.json")?)?;
//! // Refused unless the header has the hash that the answer names.
//! let header = Header::try_from(&view.header)?;
//! println!("block {}, {} transactions", header.height, header.count);
//! # Ok(()) }
//! ```

mod bundle;
mod governance;

pub use bundle::{ActiveView, BundleView};
pub use governance::{
    CapabilitiesView, ChangeView, GovernanceView, OrganisationView, ProposalView, RolesView,
    ValidatorSetView, ValidatorView, ValidatorsView,
};

use crate::MAX_LEAVES;
use crate::schema::{Absent, AtMost, Components, EachRegistry, HexBytes, Schema, UnixTime, described, words};
use amanat_domain::bundle::Registry;
use amanat_domain::field::{Fr, from_bytes, to_bytes};
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tree::{IndexedLeaf, Root};
use amanat_domain::tx::{ChainId, KeyDigest, Transaction, TxId};
use amanat_ledger::{
    AppHash, Block, BlockHash, Effect, EntryProof, Header, InclusionProof, Profile, ReceiptData,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 32 bytes as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex32(pub [u8; 32]);

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text.as_bytes(), &mut bytes)
            .map_err(|_| serde::de::Error::custom("expected 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

impl Schema for Hex32 {
    const NAME: Option<&'static str> = Some("Hex32");

    fn schema(_: &mut Components) -> serde_json::Value {
        serde_json::json!({
            "type": "string",
            "pattern": "^[0-9a-fA-F]{64}$",
            "description": "32 bytes in hexadecimal. Field elements are little-endian and below the modulus.",
        })
    }
}

/// Of a transaction's kind: these words.
struct TransactionKind(());

impl Schema for TransactionKind {
    fn schema(_: &mut Components) -> serde_json::Value {
        let statements = Statement::ALL.iter().map(|statement| statement.name());
        let kinds: Vec<&str> = ["signed"].into_iter().chain(statements).chain(["pruned"]).collect();
        words(&kinds)
    }
}

/// Of a node's health: these words.
struct HealthWord(());

impl Schema for HealthWord {
    fn schema(_: &mut Components) -> serde_json::Value {
        words(&["ok", "ready"])
    }
}

impl Hex32 {
    /// The canonical bytes of a field element.
    #[must_use]
    pub fn of(x: Fr) -> Self {
        Self(to_bytes(&x))
    }

    /// The field element of these bytes.
    ///
    /// # Errors
    /// [`ViewError`] naming `what`, unless the bytes are canonical.
    pub fn field(&self, what: &'static str) -> Result<Fr, ViewError> {
        from_bytes(&self.0).map_err(|_| ViewError(format!("{what}: not a canonical field element")))
    }
}

/// A view does not say what it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ViewError(pub String);

described! { "Status":
    /// A ledger's position.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct StatusView {
        /// Chain id.
        pub chain: Hex32,
        /// Name of the chain, from its genesis.
        pub name: String,
        /// What is tolerated on it.
        pub profile: Profile,
        /// Version of the node's software.
        pub version: String,
        /// Height of the last block.
        pub height: u64,
        /// Its hash.
        pub tip: Hex32,
        /// Time of the last block.
        pub time: i64 as UnixTime,
        /// Its epoch: also that of the newest bundle.
        pub epoch: u64,
        /// Hash of the newest bundle.
        pub bundle: Hex32,
        /// As they are now, which may be more than the newest bundle has. Leaves are counted.
        pub registries: Vec<RegistryView> as EachRegistry<RegistryView>,
        /// Active credentials.
        pub active_credentials: u64,
        /// Transactions committed.
        pub transactions: u64,
        /// Height of the first block whose transactions are here: 0 if none were pruned, `height` +
        /// 1 if none are here.
        pub history_from: u64,
        /// Nullifiers spent.
        pub nullifiers: u64,
        /// Transactions waiting for a block.
        pub mempool: u64,
        /// Whether transactions are taken.
        pub ready: bool,
    }
}

/// The epoch that a development ledger was advanced to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochView {
    /// The epoch; its bundle is sealed.
    pub epoch: u64,
}

described! { "RegistryState":
    /// A registry: root, and leaves (in a status) or the count a bundle commits to (in a bundle: of
    /// roles the active ones).
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct RegistryView {
        /// Its name.
        pub name: Registry,
        /// Root.
        pub root: Hex32,
        /// How many.
        pub count: u64,
    }
}

described! { "Effect":
    /// What a transaction changed.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[allow(missing_docs)] // as in `amanat_ledger::Effect`
    pub enum EffectView {
        Appended { registry: Registry, first: u32, count: u32 },
        Anchored { first: u32, count: u32, superseded: u32 },
        Retired { index: u32 },
        Revoked { index: u32 },
        KeyInstalled { key: Hex32, active_from: u64 },
        KeyFrozen { key: Hex32, frozen_from: u64 },
        Recorded {},
        Proposed { approvals: u32, needed: u32, expires: u64, holds_from: Option<u64> },
        Approved { proposal: Hex32, approvals: u32, needed: u32, holds_from: Option<u64> },
    }
}

described! { "Receipt":
    /// What is recorded of a committed transaction.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ReceiptView {
        /// The transaction.
        pub txid: Hex32,
        /// Its block.
        pub height: u64,
        /// Its position there.
        pub index: u32,
        /// Epoch of the block.
        pub epoch: u64,
        /// What it changed.
        pub effect: EffectView,
    }
}

described! { "Submitted":
    /// The answer to a submission.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct SubmittedView {
        /// The receipt: the transaction is on disk.
        pub receipt: ReceiptView,
        /// Whether it was on the ledger before this submission.
        pub repeated: bool,
    }
}

described! { "Header":
    /// A header and the hash it gives.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[allow(missing_docs)] // as in `amanat_ledger::Header`
    pub struct HeaderView {
        /// Hash of the header.
        pub hash: Hex32,
        /// Chain id.
        pub chain: Hex32,
        /// Height of the block.
        pub height: u64,
        /// Hash of the header before.
        pub parent: Hex32,
        /// Time of the block.
        pub time: i64 as UnixTime,
        /// Epoch of the block.
        pub epoch: u64,
        /// Root over the ids of its transactions.
        pub tx_root: Hex32,
        /// Root over its receipts.
        pub receipts_root: Hex32,
        /// Number of its transactions.
        pub count: u32,
        /// Commitment to the state after the block.
        pub app_hash: Hex32,
    }
}

described! { "Inclusion":
    /// A receipt with the proof that its block contains it.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct InclusionView {
        /// The receipt.
        pub receipt: ReceiptView,
        /// Header of its block.
        pub header: HeaderView,
        /// Merkle siblings from the receipt up.
        pub siblings: Vec<Hex32> as AtMost<Hex32, 32>,
        /// The same three in canonical bytes, hexadecimal.
        pub proof: String as HexBytes,
    }
}

described! { "Entry":
    /// Whether the state after the last block has an entry, with the proof of it.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct EntryView {
        /// Whether it is there.
        pub present: bool,
        /// Header of the last block.
        pub header: HeaderView,
        /// The proof in canonical bytes, hexadecimal.
        pub proof: String as HexBytes,
    }
}

described! { "Transaction":
    /// A transaction of a block.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TransactionView {
        /// Its id.
        pub txid: Hex32,
        /// `signed`, or the statement that is proved; `pruned`: this node keeps no more of it than
        /// its receipt.
        pub kind: String as TransactionKind,
        /// Canonical bytes, hexadecimal; absent in lists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub bytes: Option<String> as Absent<HexBytes>,
    }
}

described! { "Block":
    /// A block.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct BlockView {
        /// What it commits to.
        pub header: HeaderView,
        /// Its transactions.
        pub transactions: Vec<TransactionView>,
    }
}

described! { "Blocks":
    /// Some blocks in ascending order.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct BlocksView {
        /// Height of the last block there is.
        pub tip: u64,
        /// The blocks; transactions without bytes.
        pub blocks: Vec<BlockView>,
        /// Where to go on; null at the tip.
        pub next: Option<u64>,
    }
}

described! { "Leaves":
    /// Some leaves of a registry as of a bundle.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct LeavesView<L> {
        /// The registry.
        pub registry: Registry,
        /// Epoch of the bundle.
        pub epoch: u64,
        /// Its hash.
        pub bundle: Hex32,
        /// Index of the first.
        pub from: u64,
        /// Of revocations value and next, of the others the leaf.
        pub leaves: Vec<L> as AtMost<L, MAX_LEAVES>,
        /// Where to go on; null at the end.
        pub next: Option<u64>,
    }
}

described! { "IndexedLeaf":
    /// A leaf of `revocations`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub struct IndexedLeafView {
        /// The value.
        pub value: Hex32,
        /// The next larger one.
        pub next: Hex32,
    }
}

described! { "Key":
    /// An installed key.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct KeyView {
        /// The statement.
        pub statement: Statement,
        /// The key's digest.
        pub digest: Hex32,
        /// First height at which proofs under it are accepted.
        pub active_from: u64,
        /// First height at which proofs under it are refused because it is frozen.
        pub frozen_from: Option<u64>,
        /// First height at which proofs under it are refused because its time is over.
        pub sunset_from: Option<u64>,
        /// Canonical bytes, hexadecimal.
        pub key: String as HexBytes,
    }
}

described! { "Keys":
    /// The installed keys.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct KeysView {
        /// By statement and digest.
        pub keys: Vec<KeyView>,
    }
}

described! { "BlockEvent":
    /// A new block, as the event stream tells it.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct BlockEvent {
        /// Height.
        pub height: u64,
        /// Epoch.
        pub epoch: u64,
        /// Hash.
        pub hash: Hex32,
        /// Ids of its transactions.
        pub txids: Vec<Hex32>,
    }
}

described! { "Health":
    /// Alive or ready.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct HealthView {
        /// `ok` or `ready`.
        pub status: String as HealthWord,
    }
}

impl From<&Effect> for EffectView {
    fn from(effect: &Effect) -> Self {
        match *effect {
            Effect::Appended { registry, first, count } => Self::Appended { registry, first, count },
            Effect::Anchored { first, count, superseded } => Self::Anchored { first, count, superseded },
            Effect::Retired { index } => Self::Retired { index },
            Effect::Revoked { index } => Self::Revoked { index },
            Effect::KeyInstalled { key, active_from } => {
                Self::KeyInstalled { key: Hex32(key.0), active_from }
            }
            Effect::KeyFrozen { key, frozen_from } => Self::KeyFrozen { key: Hex32(key.0), frozen_from },
            Effect::Recorded => Self::Recorded {},
            Effect::Proposed { approvals, needed, expires, holds_from } => {
                Self::Proposed { approvals, needed, expires, holds_from }
            }
            Effect::Approved { proposal, approvals, needed, holds_from } => {
                Self::Approved { proposal: Hex32(proposal.0), approvals, needed, holds_from }
            }
        }
    }
}

impl From<&EffectView> for Effect {
    fn from(effect: &EffectView) -> Self {
        match *effect {
            EffectView::Appended { registry, first, count } => Self::Appended { registry, first, count },
            EffectView::Anchored { first, count, superseded } => Self::Anchored { first, count, superseded },
            EffectView::Retired { index } => Self::Retired { index },
            EffectView::Revoked { index } => Self::Revoked { index },
            EffectView::KeyInstalled { key, active_from } => {
                Self::KeyInstalled { key: KeyDigest(key.0), active_from }
            }
            EffectView::KeyFrozen { key, frozen_from } => {
                Self::KeyFrozen { key: KeyDigest(key.0), frozen_from }
            }
            EffectView::Recorded {} => Self::Recorded,
            EffectView::Proposed { approvals, needed, expires, holds_from } => {
                Self::Proposed { approvals, needed, expires, holds_from }
            }
            EffectView::Approved { proposal, approvals, needed, holds_from } => {
                Self::Approved { proposal: TxId(proposal.0), approvals, needed, holds_from }
            }
        }
    }
}

impl From<&ReceiptData> for ReceiptView {
    fn from(r: &ReceiptData) -> Self {
        let effect = (&r.effect).into();
        Self { txid: Hex32(r.txid.0), height: r.height, index: r.index, epoch: r.epoch, effect }
    }
}

impl From<&ReceiptView> for ReceiptData {
    fn from(r: &ReceiptView) -> Self {
        let effect = (&r.effect).into();
        Self { txid: TxId(r.txid.0), height: r.height, index: r.index, epoch: r.epoch, effect }
    }
}

impl From<&Header> for HeaderView {
    fn from(h: &Header) -> Self {
        Self {
            hash: Hex32(h.hash().0),
            chain: Hex32(h.chain.0),
            height: h.height,
            parent: Hex32(h.parent.0),
            time: h.time.to_unix(),
            epoch: h.epoch,
            tx_root: Hex32(h.tx_root),
            receipts_root: Hex32(h.receipts_root),
            count: h.count,
            app_hash: Hex32(h.app_hash.0),
        }
    }
}

impl TryFrom<&HeaderView> for Header {
    type Error = ViewError;
    fn try_from(h: &HeaderView) -> Result<Self, ViewError> {
        let header = Self {
            chain: ChainId(h.chain.0),
            height: h.height,
            parent: BlockHash(h.parent.0),
            time: time(h.time)?,
            epoch: h.epoch,
            tx_root: h.tx_root.0,
            receipts_root: h.receipts_root.0,
            count: h.count,
            app_hash: AppHash(h.app_hash.0),
        };
        let (expected, got) = (header.hash(), BlockHash(h.hash.0));
        if expected == got {
            Ok(header)
        } else {
            Err(ViewError(format!("the header of block {} has hash {expected}, not {got}", h.height)))
        }
    }
}

impl From<&EntryProof> for EntryView {
    fn from(p: &EntryProof) -> Self {
        let proof = hex::encode(p.to_bytes());
        Self { present: p.content.is_some(), header: (&p.header).into(), proof }
    }
}

impl From<&InclusionProof> for InclusionView {
    fn from(p: &InclusionProof) -> Self {
        Self {
            receipt: (&p.receipt).into(),
            header: (&p.header).into(),
            siblings: p.siblings.iter().copied().map(Hex32).collect(),
            proof: hex::encode(p.to_bytes()),
        }
    }
}

impl TransactionView {
    /// Of a transaction, with its bytes if asked for.
    #[must_use]
    pub fn new(tx: &Transaction, with_bytes: bool) -> Self {
        let kind = match tx {
            Transaction::Signed(_) => "signed",
            Transaction::Proof(proof) => proof.statement.name(),
        };
        let bytes = with_bytes.then(|| hex::encode(tx.to_bytes()));
        Self { txid: Hex32(tx.id().0), kind: kind.to_owned(), bytes }
    }
}

impl BlockView {
    /// Of a block, with the bytes of its transactions if asked for.
    #[must_use]
    pub fn new(block: &Block, with_bytes: bool) -> Self {
        let transactions = block.transactions.iter().map(|tx| TransactionView::new(tx, with_bytes)).collect();
        Self { header: (&block.header).into(), transactions }
    }

    /// Of a block whose transactions are no longer kept.
    #[must_use]
    pub fn pruned(header: &Header, receipts: &[ReceiptData]) -> Self {
        let transaction = |r: &ReceiptData| TransactionView {
            txid: Hex32(r.txid.0),
            kind: "pruned".to_owned(),
            bytes: None,
        };
        Self { header: header.into(), transactions: receipts.iter().map(transaction).collect() }
    }
}

impl BlockEvent {
    /// What a block did is told by its header and receipts, which are never pruned.
    #[must_use]
    pub fn new(header: &Header, receipts: &[ReceiptData]) -> Self {
        Self {
            height: header.height,
            epoch: header.epoch,
            hash: Hex32(header.hash().0),
            txids: receipts.iter().map(|r| Hex32(r.txid.0)).collect(),
        }
    }
}

impl From<&IndexedLeaf> for IndexedLeafView {
    fn from(leaf: &IndexedLeaf) -> Self {
        Self { value: Hex32::of(leaf.value), next: Hex32::of(leaf.next) }
    }
}

impl TryFrom<&IndexedLeafView> for IndexedLeaf {
    type Error = ViewError;
    fn try_from(v: &IndexedLeafView) -> Result<Self, ViewError> {
        Ok(Self { value: v.value.field("revocation")?, next: v.next.field("revocation")? })
    }
}

fn time(unix: i64) -> Result<Timestamp, ViewError> {
    Timestamp::from_unix(unix).ok_or_else(|| ViewError(format!("{unix} is not a time of this protocol")))
}

/// The position of an embedded or served ledger.
#[must_use]
pub fn status(chain: &amanat_ledger::Chain, ready: bool) -> StatusView {
    // Asked first: a block made meanwhile must not leave it beyond the tip.
    let history_from = chain.history_from();
    let s = chain.status();
    let (genesis, bundle) = (chain.genesis(), chain.latest_bundle());
    let registry = |(name, (root, count)): (Registry, (Root, u64))| RegistryView {
        name,
        root: Hex32(root.to_bytes()),
        count,
    };
    StatusView {
        chain: Hex32(s.chain.0),
        name: genesis.spec().chain.clone(),
        profile: genesis.profile(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        height: s.tip.height,
        tip: Hex32(s.tip.hash().0),
        time: s.tip.time.to_unix(),
        epoch: s.tip.epoch,
        bundle: Hex32(bundle.hash.to_bytes()),
        registries: s.registries.into_iter().map(registry).collect(),
        active_credentials: s.active_credentials,
        transactions: s.transactions,
        history_from,
        nullifiers: s.nullifiers,
        mempool: s.pool as u64,
        ready: ready && !s.broken,
    }
}
