//! Refusals and faults, sorted by whose move it is.
//!
//! [`Reject`]: the sender's bytes are bad and will stay so. [`Conflict`]: the state moved, or has
//! not got there yet; another transaction, or the same one later, may pass. [`Fault`]: our disk,
//! our key or our bug; the sender did nothing wrong.

use crate::submitter::Submitter;
use amanat_domain::bundle::{BundleHash, Registry};
use amanat_domain::consent::OrgId;
use amanat_domain::field::{Fr, to_bytes};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, KeyDigest, TxId};
use amanat_domain::wire::WireError;
use amanat_params::VkError;
use amanat_verifier::TxReject;
use std::path::PathBuf;

/// What an organisation may be entitled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Enrol subjects.
    Enrol,
    /// Issue credentials for the role in question.
    IssueRole,
    /// Anchor records.
    Anchor,
    /// Propose and approve changes.
    Govern,
    /// Freeze keys.
    Freeze,
}

impl core::fmt::Display for Capability {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Enrol => "enrol subjects",
            Self::IssueRole => "issue this role",
            Self::Anchor => "anchor records",
            Self::Govern => "govern",
            Self::Freeze => "freeze keys: it neither governs nor runs a validator",
        })
    }
}

/// The bytes are bad.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum Reject {
    #[error("transaction too large: {got} bytes, at most {most}")]
    TooLarge { most: usize, got: usize },
    #[error("transaction: {0}")]
    Encoding(#[from] WireError),
    #[error("transaction for another ledger: expected chain {expected}, got {got}")]
    ForeignChain { expected: ChainId, got: ChainId },
    #[error("no key {got} for statement {statement} is installed")]
    UnknownKey { statement: Statement, got: KeyDigest },
    #[error("epoch {got} has no bundle: the newest is of epoch {newest}")]
    UnknownEpoch { newest: u64, got: u64 },
    #[error("wrong bundle for epoch {epoch}: expected {expected}, got {got}")]
    WrongBundle { epoch: u64, expected: BundleHash, got: BundleHash },
    #[error("{0}")]
    Evidence(#[from] TxReject),
    #[error("organisation {0} is not a member of this ledger")]
    UnknownOrganisation(OrgId),
    #[error("{organisation} may not {capability}")]
    NotEntitled { organisation: String, capability: Capability },
    #[error("entry {0} is zero, which means an empty leaf")]
    EmptyLeaf(usize),
    #[error("entry {0} occurs twice in the transaction")]
    Repeated(usize),
    #[error("the revocation id is zero or not below 2^251")]
    NotARevocationId,
    #[error("there is no credential {index}: the registry has {len}")]
    NoSuchCredential { index: u32, len: u64 },
    #[error("credential {index} was issued by another organisation than {organisation}")]
    NotTheIssuer { index: u32, organisation: String },
    #[error("verifying key refused: {0}")]
    Key(#[from] VkError),
    #[error("the key is for version {got} of statement {statement}; this ledger runs version {expected}")]
    KeyVersion { statement: Statement, expected: u16, got: u16 },
    #[error("a production ledger accepts no key of origin insecure-dev: use a ceremony's")]
    InsecureKey,
    #[error("the positive test vector of the key is refused: {0}")]
    PositiveVector(amanat_verifier::Reject),
    #[error("the negative test vector of the key is not a well-formed proof, so it shows nothing: {0}")]
    NegativeEncoding(amanat_verifier::ProofError),
    #[error("the negative test vector of the key verifies: this key accepts what it must not")]
    NegativeVector,
}

/// The state moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum Conflict {
    #[error("already committed: transaction {txid} in block {height}")]
    AlreadyCommitted { txid: TxId, height: u64 },
    #[error("context {} was used by transaction {by}", hex::encode(ctx))]
    ContextUsed { ctx: [u8; 32], by: TxId },
    #[error("nullifier {} is spent (block {height})", hex::encode(nullifier))]
    NullifierSpent { nullifier: [u8; 32], height: u64 },
    #[error("the consent or record with revocation id {} is revoked already", hex::encode(id))]
    AlreadyRevoked { id: [u8; 32] },
    #[error("subject {} is enrolled already", hex::encode(subject))]
    AlreadyEnrolled { subject: [u8; 32] },
    #[error("an equal credential is active already (leaf {index})")]
    AlreadyIssued { index: u32 },
    #[error("credential {index} is retired already")]
    AlreadyRetired { index: u32 },
    #[error(
        "epoch {epoch} is too old for {statement}: superseded in epoch {superseded}, accepted for {window}, now {now}"
    )]
    StaleEpoch { statement: Statement, epoch: u64, superseded: u64, window: u32, now: u64 },
    #[error(
        "epoch {epoch} is too old for {statement}: no block was made for a while, and its time is more than {window} \
         epochs past (now {now})"
    )]
    AgedBundle { statement: Statement, epoch: u64, window: u32, now: u64 },
    #[error("too few to hide among in {}: {got}, the floor is {floor}", registry.name())]
    BelowFloor { registry: Registry, floor: u64, got: u64 },
    #[error("key {key} is active from block {active_from}, the next is {height}")]
    KeyNotActive { key: KeyDigest, active_from: u64, height: u64 },
    #[error("key {key} is frozen since block {frozen_from}")]
    KeyFrozen { key: KeyDigest, frozen_from: u64 },
    #[error("key {key} was sunset: proofs under it are refused since block {sunset_from}")]
    KeySunset { key: KeyDigest, sunset_from: u64 },
    #[error("key {key} is installed already")]
    KeyPresent { key: KeyDigest },
    #[error("no key {key} for statement {statement} is installed")]
    NoSuchKey { statement: Statement, key: KeyDigest },
    #[error("installing a key takes the approval of {needed} governing organisations, not one")]
    NeedsQuorum { needed: usize },
    #[error("there is no proposal {proposal}")]
    NoSuchProposal { proposal: TxId },
    #[error("proposal {proposal} was enacted in block {height}")]
    ProposalEnacted { proposal: TxId, height: u64 },
    #[error("proposal {proposal} has expired: it could be approved before epoch {expires}, now is {now}")]
    ProposalExpired { proposal: TxId, expires: u64, now: u64 },
    #[error("{organisation} approved proposal {proposal} already")]
    AlreadyApproved { organisation: String, proposal: TxId },
    #[error("{organisation} has {open} proposals open, which is the most that one may have")]
    ProposalsOpen { organisation: String, open: usize },
    #[error("this change cannot be made: {0}")]
    Unfit(#[from] Unfit),
    #[error("registry {} is full", registry.name())]
    RegistryFull { registry: Registry },
    #[error("a transaction waiting in the pool ({by}) uses the same {what}")]
    Pending { what: &'static str, by: TxId },
    #[error("the pool is full ({transactions} transactions, {bytes} bytes): try again later")]
    PoolFull { transactions: usize, bytes: usize },
    #[error(
        "{by}: {transactions} transactions ({bytes} bytes) wait already, which is a full share of the pool: wait until some of them \
         are committed"
    )]
    PoolQuota { by: Submitter, transactions: usize, bytes: usize },
}

impl Conflict {
    pub(crate) fn revoked(id: amanat_domain::tree::RevocationId) -> Self {
        Self::AlreadyRevoked { id: id.to_bytes() }
    }
    pub(crate) fn spent(nullifier: [u8; 32], height: u64) -> Self {
        Self::NullifierSpent { nullifier, height }
    }
    pub(crate) fn enrolled(subject: Fr) -> Self {
        Self::AlreadyEnrolled { subject: to_bytes(&subject) }
    }
}

/// Why a change does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum Unfit {
    #[error("{organisation} is a member already")]
    Member { organisation: String },
    #[error("organisation {0} is not a member")]
    NoMember(OrgId),
    #[error("the ledger has {most} members, which is the most there may be")]
    MembersFull { most: usize },
    #[error(
        "key {} is in use already: every organisation and every validator needs a separate key",
        hex::encode(key)
    )]
    KeyTaken { key: [u8; 32] },
    #[error("no governing organisation would be left")]
    LastGovernor,
    #[error(
        "{organisation} runs a validator: remove the validator first, and wait until it has agreed on its last block"
    )]
    RunsValidator { organisation: String },
    #[error("{organisation} has these capabilities already")]
    SameCapabilities { organisation: String },
    #[error("this ledger has no validators: its genesis leaves it to one operator")]
    NoValidators,
    #[error("{0} is not a validator of this ledger")]
    NoValidator(ValidatorKey),
    #[error("no validator would be left")]
    LastValidator,
    #[error("the ledger has {most} validators, which is the most there may be")]
    ValidatorsFull { most: usize },
}

/// Why a transaction is not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are bad.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// The state moved.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// Why a proposed block is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockRefusal {
    /// A value of the header is not what it must be.
    #[error("block header, {what}: expected {expected}, got {got}")]
    Header {
        /// Which.
        what: &'static str,
        /// What it must be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The block exceeds a limit.
    #[error("block: {got} {what}, at most {most}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// Limit.
        most: usize,
        /// Found.
        got: usize,
    },
    /// A transaction is refused; no other before it is.
    #[error("transaction {index} of the block: {reason}")]
    Transaction {
        /// Its position.
        index: usize,
        /// Why.
        reason: Refusal,
    },
}

/// Our own trouble. Nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum Fault {
    #[error(
        "{what}: {source}. Nothing was acknowledged; free space or repair the disk, then reopen the ledger"
    )]
    Io {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the ledger is damaged ({what}). Do not write to it: restore the file from a backup or another node, or rebuild it from exported blocks"
    )]
    Corrupt { what: String },
    #[error("ledger file {0} is in use by another process: stop that process first")]
    Locked(PathBuf),
    #[error("there is no ledger at {0}: create one from a genesis file")]
    Missing(PathBuf),
    #[error("there is a ledger at {0} already")]
    Present(PathBuf),
    #[error("the ledger file has format {got}; this program reads {known}: install a newer version")]
    NewerFormat { known: u32, got: u32 },
    #[error(
        "the ledger file has the older format {got}; this program reads {known}: export the blocks with the old version and import them"
    )]
    OlderFormat { known: u32, got: u32 },
    #[error(
        "the ledger file belongs to chain {got}, expected {expected}: this is another ledger's file or genesis"
    )]
    OtherChain { expected: ChainId, got: ChainId },
    #[error(
        "the transactions of block {height} are not kept here: this ledger has those from block {from} on. Ask another node or an archive; \
         header, certificate and receipts are here"
    )]
    Pruned { height: u64, from: u64 },
    #[error("block {height} has no valid certificate: {reason}")]
    Uncertified { height: u64, reason: String },
    #[error("the genesis names {validators} validators: run this ledger with the consensus bft, not solo")]
    ManyValidators { validators: usize },
    #[error(
        "the genesis names no validators: run this ledger with the consensus solo, or name validators in a new genesis"
    )]
    NoValidators,
    #[error("an earlier write failed; whether its block is on disk shows when the ledger is reopened")]
    Reopen,
    #[error("block time {got} is before the last block's {last}: correct this machine's clock")]
    Clock { last: amanat_domain::time::Timestamp, got: amanat_domain::time::Timestamp },
    #[error("internal error, please report: {0}")]
    Bug(String),
}
