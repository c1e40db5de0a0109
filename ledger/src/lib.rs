//! From evidence to record: the permissioned ledger.
//!
//! A [`Genesis`] says who the members are and gives the chain its identity. [`State`] is pure and
//! deterministic. A transaction becomes part of it in the five moments of ABCI, the same under
//! every consensus, and only as evidence of the verifier:
//!
//! | moment | function | by [`Chain`] | what it checks |
//! |---|---|---|---|
//! | CheckTx | [`check_tx`] | [`Chain::admit`] | size, encoding, the state's rules ([`Draft::admit`]), signature or proof, a key's vectors; then the pool's room and quotas |
//! | PrepareProposal | [`prepare_proposal`] | [`Chain::prepare_proposal`] | the rules again, in order on top of the last block, signers' keys, the block's limits; no proof twice |
//! | ProcessProposal | [`process_proposal`] | [`Chain::process_proposal`] | limits, the rules in order, every signature and proof that the pool has not verified, every value of the header |
//! | FinalizeBlock | [`finalize_block`] | within both proposals | nothing: what was validated becomes a [`Delta`] |
//! | Commit | [`Store::commit`] | [`Chain::commit`] | the parent, and the certificate of a quorum if there are validators; one durable write |
//!
//! [`Store`] makes a block durable in one write; a [`Receipt`] exists only after that. [`Chain`]
//! puts them together; [`Solo`] is the consensus of one validator in one process, and the crate
//! `bft` has the consensus of many.
//!
//! The ledger holds commitments, roots, nullifiers and proofs, never a name or a value. It makes no
//! proofs and knows no network and no clock: the caller says what time it is. Start with [`Solo`],
//! then [`Draft::admit`], where the rules are.

mod chain;
mod check_tx;
mod error;
mod genesis;
mod genesis_file;
mod lock;
mod metrics;
mod pool;
mod proposal;
mod solo;
mod state;
mod store;
mod submitter;

// Declared in the domain, for light clients; re-exported here for users of a ledger.
pub use amanat_domain::block::{AppHash, BLOCK_VERSION, Block, BlockHash, Header, tx_root};
pub use amanat_domain::commitments::Commitments;
pub use amanat_domain::entry::{Content, Credential, Entry, EntryNotShown, EntryProof};
pub use amanat_domain::floors::Floors;
pub use amanat_domain::governance::{Capabilities, RoleGrant};
pub use amanat_domain::merkle;
pub use amanat_domain::receipt::{Effect, InclusionProof, NotIncluded, ReceiptData, receipts_root};
pub use chain::{Chain, Entered, KeyStatus, Outcome, Pending, Status, SubmitError, Submitted};
pub use check_tx::{Admitted, Prechecked, TxKeys, check_tx, decode, precheck};
pub use error::{BlockRefusal, Capability, Conflict, Fault, Refusal, Reject, Unfit};
pub use genesis::{
    AllRoles, CapabilitiesSpec, CodingSpec, Genesis, GenesisError, GenesisSpec, Limits, MAX_GENESIS_BYTES,
    Organisation, OrganisationSpec, Profile, RolesSpec, ValidatorSpec, Validators, Windows,
};
pub use genesis_file::GenesisFileError;
pub use metrics::{PHASE_SECONDS, Phase, PhaseMetrics};
pub use pool::{Pool, PoolLimits};
pub use proposal::{Validated, finalize_block, prepare_proposal, process_proposal, validate_transactions};
pub use solo::Solo;
pub use state::{
    Delta, Draft, KeyEntry, MAX_OPEN_PROPOSALS, MAX_ORGANISATIONS, Member, PROPOSAL_EPOCHS, Proposal,
    SealedBundle, State, ValidatorSets,
};
pub use store::{
    FORMAT, Opener, Receipt, RestoreOptions, RoundProposal, SNAPSHOT_VERSION, SnapshotError, SnapshotInfo,
    SnapshotSignature, Storage, Store,
};
pub use submitter::{Source, Submitter};
