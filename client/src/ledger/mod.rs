//! How everybody but a validator reaches a ledger: in this process, or at a node's address. Calls
//! block.

mod embedded;
mod http;
mod scan;
#[cfg_attr(feature = "tls", path = "tls/rustls.rs")]
#[cfg_attr(not(feature = "tls"), path = "tls/absent.rs")]
mod tls;

pub use embedded::Embedded;
pub use http::{Http, MAX_MIRROR_LEAVES, ready};
pub use scan::{ProofScan, SeenProof};

use amanat_api::problem::{Kind, Problem};
use amanat_api::tls::TlsError;
use amanat_api::view::{GovernanceView, StatusView};
use amanat_domain::bundle::{Bundle, BundleHash};
use amanat_domain::floors::ActiveCredentials;
use amanat_domain::mirror::{Mirror, MirrorError};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, KeyDigest, Transaction, TxId};
use amanat_ledger::{Block, Entry, EntryProof, Genesis, Header, InclusionProof, ReceiptData};
use amanat_params::VerifyingKey;
use std::sync::Arc;

/// A ledger, from the outside.
pub trait LedgerAccess: Send + Sync {
    /// The genesis: first members, epochs, windows, floors, and by its hash the chain id.
    fn genesis(&self) -> Arc<Genesis>;

    /// The ledger's position.
    ///
    /// # Errors
    /// [`AccessError`].
    fn status(&self) -> Result<StatusView, AccessError>;

    /// Submits a transaction and waits until it is on disk. Submitting it again gives the first
    /// receipt.
    ///
    /// # Errors
    /// [`AccessError::Refused`] with the reason, and troubles on the way.
    fn submit(&self, tx: &Transaction) -> Result<Acknowledged, AccessError>;

    /// Submits many that do not depend on one another; they share blocks. Answers are in order.
    fn submit_all(&self, txs: &[Transaction]) -> Vec<Result<Acknowledged, AccessError>>;

    /// Receipt of a transaction with the proof that a block contains it. `None` if it is not on the
    /// ledger.
    ///
    /// # Errors
    /// [`AccessError`].
    fn receipt(&self, txid: &TxId) -> Result<Option<InclusionProof>, AccessError>;

    /// Proof that the state after the last block has an entry, or has it not; it holds under its
    /// own header.
    ///
    /// # Errors
    /// [`AccessError`].
    fn entry(&self, entry: Entry) -> Result<EntryProof, AccessError>;

    /// The bundle of an epoch, or the newest. `None` if that epoch has none. A ledger in this
    /// process seals the bundle of an epoch that has begun before it answers for the newest.
    ///
    /// # Errors
    /// [`AccessError`].
    fn bundle(&self, epoch: Option<u64>) -> Result<Option<SealedBundle>, AccessError>;

    /// A copy of all registries as of the newest bundle, its roots checked. Fetches every leaf:
    /// asking for one path would tell whose it is. A ledger in this process seals the bundle of an
    /// epoch that has begun before.
    ///
    /// # Errors
    /// [`AccessError`].
    fn mirror(&self) -> Result<Mirror, AccessError>;

    /// A block. `None` if it is not made yet.
    ///
    /// # Errors
    /// [`AccessError`].
    fn block(&self, height: u64) -> Result<Option<Block>, AccessError>;

    /// Headers in ascending order from a height on, some at a time; empty behind the tip.
    ///
    /// # Errors
    /// [`AccessError`].
    fn headers(&self, from: u64) -> Result<Vec<Header>, AccessError>;

    /// The proof transactions of all blocks from a height on, in order: where a wallet looks for
    /// its detection tags. Reads every block, so it tells nothing about which concerns the wallet.
    fn proof_transactions(&self, from_height: u64) -> ProofScan<'_>;

    /// The installed keys.
    ///
    /// # Errors
    /// [`AccessError`].
    fn keys(&self) -> Result<Vec<InstalledKey>, AccessError>;

    /// Members, validators and open proposals, as the ledger reports them. A proposal's content is
    /// bound to its id: an approver reads its transaction.
    ///
    /// # Errors
    /// [`AccessError`].
    fn governance(&self) -> Result<GovernanceView, AccessError>;

    /// Whether this ledger's epochs are advanced by [`LedgerAccess::next_epoch`] and by nothing
    /// else. A node does not tell.
    fn epochs_by_hand(&self) -> bool {
        false
    }

    /// Advances a development ledger by one epoch, whose bundle is then sealed; returns the epoch.
    ///
    /// # Errors
    /// [`AccessError::Refused`] if the ledger goes by a clock, as all but some development ledgers
    /// do.
    fn next_epoch(&self) -> Result<u64, AccessError> {
        Err(not_by_hand())
    }
}

/// Nobody but the clock begins epochs there.
fn not_by_hand() -> AccessError {
    AccessError::Refused(Problem::request(
        404,
        "epochs_by_clock",
        "the epochs of this ledger begin by the clock",
        "make a development ledger with `amanat init --epochs-by-hand`, or start its node with --epochs-by-hand",
    ))
}

/// A transaction is on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its receipt.
    pub receipt: ReceiptData,
    /// Whether it was there before.
    pub repeated: bool,
}

/// Submits a transaction. If the answer leaves open whether the ledger has it, its receipt is asked
/// for once.
///
/// # Errors
/// As [`LedgerAccess::submit`]. The ledger will not have the transaction if the error
/// [is final](AccessError::is_final).
pub(crate) fn submit_and_ask(
    ledger: &dyn LedgerAccess,
    transaction: &Transaction,
) -> Result<Acknowledged, AccessError> {
    let error = match ledger.submit(transaction) {
        Err(error) if !error.is_final() => error,
        answer => return answer,
    };
    match ledger.receipt(&transaction.id()) {
        Ok(Some(proof)) => Ok(Acknowledged { receipt: proof.receipt, repeated: false }),
        // The first error says what to do.
        Ok(None) | Err(_) => Err(error),
    }
}

/// A bundle and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBundle {
    /// The bundle.
    pub bundle: Bundle,
    /// Its hash.
    pub hash: BundleHash,
    /// Epoch whose bundle took its place.
    pub superseded: Option<u64>,
    /// Active credentials when it was sealed; `None` if the node does not list them.
    ///
    /// The bundle commits to their sum alone: a node can still move counts from one role or
    /// organisation to another.
    pub active: Option<ActiveCredentials>,
}

/// An installed key.
#[derive(Debug, Clone)]
pub struct InstalledKey {
    /// Its statement.
    pub statement: Statement,
    /// Its digest.
    pub digest: KeyDigest,
    /// The key.
    pub key: VerifyingKey,
    /// First height at which proofs under it are accepted.
    pub active_from: u64,
    /// First height at which they no longer are: frozen.
    pub frozen_from: Option<u64>,
    /// First height at which they no longer are: its time is over.
    pub sunset_from: Option<u64>,
}

impl InstalledKey {
    /// Whether a block of this height accepts proofs under it.
    #[must_use]
    pub fn active_at(&self, height: u64) -> bool {
        height >= self.active_from && self.ends().is_none_or(|end| height < end)
    }

    /// First height at which proofs under it are refused: it is frozen, or its time is over.
    #[must_use]
    pub fn ends(&self) -> Option<u64> {
        self.frozen_from.into_iter().chain(self.sunset_from).min()
    }
}

/// Why a ledger gave no answer, or none that can be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// The ledger or the node says no, in its own words.
    #[error("{0}")]
    Refused(Problem),
    /// Nobody answers.
    #[error(
        "no node answers at {node} ({why}). Next: is it running there? Start one with `amanat node`, or name another"
    )]
    Unreachable {
        /// Its address.
        node: String,
        /// What the connection said.
        why: String,
    },
    /// The answer did not come.
    #[error(
        "the node at {node} did not answer in time. Next: try again; a transaction may have been committed, which its receipt tells"
    )]
    TimedOut {
        /// Its address.
        node: String,
    },
    /// TLS with the node failed: one end does not believe the other's certificate, or there is no
    /// TLS.
    #[error(
        "no TLS with the node at {node} ({why}). Next: name the CA of its certificate, and a certificate of yours that it takes"
    )]
    Tls {
        /// Its address.
        node: String,
        /// What TLS said.
        why: String,
    },
    /// The files for TLS are no use, or this build has none.
    #[error("{0}")]
    Files(Arc<TlsError>),
    /// The address cannot be used.
    #[error("{address}: {why}. Next: name the node as http://HOST:PORT or https://HOST:PORT")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The node serves another ledger.
    #[error(
        "the node serves chain {got}, expected {expected}. Next: name a node of this chain, or use that chain's home directory"
    )]
    OtherChain {
        /// Ours.
        expected: ChainId,
        /// Its.
        got: ChainId,
    },
    /// The node's answer is not what it must be: it is broken, or lies, or something between us and
    /// it does.
    #[error(
        "the node's answer cannot be trusted ({what}: {why}). Next: use another node, and tell this one's operator"
    )]
    Untrustworthy {
        /// Of what.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The leaves do not give the roots.
    #[error("{0}. Next: try again; if it happens again, use another node")]
    Mirror(#[from] MirrorError),
    /// The registries are larger than this program takes.
    #[error(
        "registry {registry} has {got} leaves or more, a mirror takes at most {most}. Next: run a node beside this program"
    )]
    TooLarge {
        /// Which.
        registry: &'static str,
        /// Limit.
        most: u64,
        /// Found.
        got: u64,
    },
}

impl From<TlsError> for AccessError {
    fn from(error: TlsError) -> Self {
        Self::Files(Arc::new(error))
    }
}

/// Codes of refusals that no later state takes back: the bytes are bad in themselves, or what was
/// spent, revoked, enrolled, retired, frozen or filled stays so.
///
/// Not here: members, their keys and rights, installed keys and proposals, which change; epochs,
/// which a node behind does not know yet, and which a node with a fast clock ends too early;
/// versions, which another node may know.
const FINAL: &[&str] = &[
    "already_approved",
    "already_enrolled",
    "already_retired",
    "already_revoked",
    "bad_key",
    "bad_length",
    "below_floor",
    "context_used",
    "empty_leaf",
    "insecure_key",
    "invalid_value",
    "key_frozen",
    "key_present",
    "key_sunset",
    "negative_encoding",
    "negative_vector",
    "not_a_revocation_id",
    "not_canonical",
    "nullifier_spent",
    "positive_vector",
    "proof_encoding",
    "proof_invalid",
    "proposal_enacted",
    "registry_full",
    "repeated_entry",
    "too_large",
    "trailing_bytes",
    "truncated",
    "wrong_bundle",
];

impl AccessError {
    /// The refusal in the ledger's words, if it is one.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the node refuses the transaction: as far as the node knows, it is not on the ledger,
    /// and the node passes it on to nobody. Any other error, also a refusal of the request (a node
    /// that gave up waiting), a fault or a full node, leaves open whether the ledger has the
    /// transaction or will have it.
    ///
    /// The state may change, or the node may be behind: the same bytes may be taken later, or by
    /// another node. [`is_final`](Self::is_final) says that they will not.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        // These say that the transaction, or another one with the same effect, is there.
        let there = |code: &str| matches!(code, "already_committed" | "already_issued" | "pending");
        self.problem().is_some_and(|problem| {
            matches!(problem.kind, Kind::Reject | Kind::Conflict) && !there(&problem.code)
        })
    }

    /// Whether the ledger refuses the transaction for good: it has not committed these bytes, and
    /// will not, whatever becomes of its state. A code that this version does not know is not
    /// final. After any refusal that is not, nothing that the transaction needs may be deleted.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_refused() && self.problem().is_some_and(|problem| FINAL.contains(&&*problem.code))
    }

    /// Which party must act, if the ledger said so.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.problem().map(|problem| problem.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amanat_domain::bundle::{BundleHash, Registry};
    use amanat_domain::consent::OrgId;
    use amanat_domain::field::Fr;
    use amanat_ledger::{Capability, Conflict, Refusal, Reject};
    use amanat_verifier::TxReject;

    fn refused(refusal: impl Into<Refusal>) -> AccessError {
        AccessError::Refused(Problem::from(&refusal.into()))
    }

    #[test]
    fn a_refusal_is_final_only_if_no_later_state_and_no_other_node_takes_the_bytes() {
        let statement = Statement::Access;
        let key = KeyDigest([1; 32]);
        let organisation = OrgId::new(Fr::from(1u64));
        let not_entitled =
            Reject::NotEntitled { organisation: "Organization/a".to_owned(), capability: Capability::Anchor };
        let stale = Conflict::StaleEpoch { statement, epoch: 1, superseded: 2, window: 1, now: 3 };
        let may_change = [
            refused(Reject::UnknownKey { statement, got: key }),
            refused(Reject::UnknownEpoch { newest: 1, got: 2 }),
            refused(Reject::UnknownOrganisation(organisation)),
            refused(not_entitled),
            refused(Reject::Evidence(TxReject::Signature(organisation))),
            refused(Reject::NoSuchCredential { index: 1, len: 1 }),
            refused(Conflict::KeyNotActive { key, active_from: 2, height: 1 }),
            refused(stale),
            refused(Conflict::AgedBundle { statement, epoch: 1, window: 1, now: 3 }),
        ];
        for error in may_change {
            assert!(error.is_refused() && !error.is_final(), "{error}");
        }
        let wrong = BundleHash::new(Fr::from(1u64));
        let stays = [
            refused(Reject::Repeated(1)),
            refused(Reject::TooLarge { most: 1, got: 2 }),
            refused(Reject::WrongBundle { epoch: 1, expected: wrong, got: wrong }),
            refused(Conflict::NullifierSpent { nullifier: [1; 32], height: 1 }),
            refused(Conflict::AlreadyRevoked { id: [1; 32] }),
            refused(Conflict::AlreadyEnrolled { subject: [1; 32] }),
            refused(Conflict::KeyFrozen { key, frozen_from: 1 }),
            refused(Conflict::RegistryFull { registry: Registry::Records }),
        ];
        for error in stays {
            assert!(error.is_final(), "{error}");
        }
        let by = TxId([1; 32]);
        let there = [
            refused(Conflict::AlreadyCommitted { txid: by, height: 1 }),
            refused(Conflict::AlreadyIssued { index: 1 }),
            refused(Conflict::Pending { what: "nullifier", by }),
            refused(Conflict::PoolFull { transactions: 1, bytes: 1 }),
        ];
        for error in there {
            assert!(!error.is_refused() && !error.is_final(), "{error}");
        }
    }
}
