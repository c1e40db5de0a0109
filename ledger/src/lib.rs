//! From evidence to record: the permissioned ledger.
//!
//! A [`Genesis`] says who the members are and gives the chain its identity. [`State`] is pure and deterministic. Three doors
//! lead into it, the same for every engine: [`check`] a transaction, [`validate`] a block, [`apply`] it; only transactions
//! that the verifier has verified pass them. [`Store`] makes a block durable in one write; a [`Receipt`] exists only after
//! that. [`Chain`] puts them together, the same for every engine; [`Solo`] is the engine for one validator in one process, and
//! the crate `bft` has the one for many.
//!
//! The ledger holds commitments, roots, nullifiers and proofs, never a name or a value. It makes no proofs and knows no
//! network and no clock: the caller says what time it is. Start with [`Solo`], then [`Draft::admit`], where the rules are.

mod chain;
mod doors;
mod error;
mod genesis;
mod genesis_file;
mod meters;
mod pool;
mod solo;
mod state;
mod store;

// What a light client needs as well stands in the domain; here it is for whoever uses a ledger.
pub use amanat_domain::block::{AppHash, BLOCK_VERSION, Block, BlockHash, Header, tx_root};
pub use amanat_domain::commitments::Commitments;
pub use amanat_domain::entry::{Content, Credential, Entry, EntryNotShown, EntryProof};
pub use amanat_domain::floors::Floors;
pub use amanat_domain::governance::{Capabilities, RoleGrant};
pub use amanat_domain::merkle;
pub use amanat_domain::receipt::{Effect, InclusionProof, NotIncluded, ReceiptData, receipts_root};
pub use chain::{Chain, Entered, KeyStatus, Outcome, Pending, Status, SubmitError, Submitted};
pub use doors::{
    Admitted, Prechecked, TxKeys, Validated, apply, check, decode, precheck, propose, validate,
    validate_block,
};
pub use error::{BlockRefusal, Capability, Conflict, Fault, Refusal, Reject, Unfit};
pub use genesis::{
    AllRoles, CapabilitiesSpec, CodingSpec, Genesis, GenesisError, GenesisSpec, Limits, MAX_GENESIS_BYTES,
    Organisation, OrganisationSpec, Profile, RolesSpec, ValidatorSpec, Validators, Windows,
};
pub use genesis_file::GenesisFileError;
pub use meters::{GATE_SECONDS, Gate, Meter};
pub use pool::{Pool, PoolLimits, Source, Submitter};
pub use solo::Solo;
pub use state::{
    Delta, Draft, KeyEntry, MAX_OPEN_PROPOSALS, MAX_ORGANISATIONS, Member, PROPOSAL_EPOCHS, Proposal,
    SealedBundle, State, ValidatorSets,
};
pub use store::{
    Demands, FORMAT, Medium, Opener, Receipt, RoundProposal, SNAPSHOT_VERSION, SnapshotError, SnapshotInfo,
    SnapshotSignature, Store,
};
