//! From evidence to record: the permissioned ledger.
//!
//! A [`Genesis`] says who the members are and gives the chain its identity. [`State`] is pure and deterministic. Three doors
//! lead into it, the same for every engine: [`check`] a transaction, [`validate`] a block, [`apply`] it; only transactions
//! that the verifier has verified pass them. [`Store`] makes a block durable in one write; a [`Receipt`] exists only after
//! that. [`Solo`] is the engine for one validator in one process.
//!
//! The ledger holds commitments, roots, nullifiers and proofs, never a name or a value. It makes no proofs and knows no
//! network and no clock: the caller says what time it is. Start with [`Solo`], then [`Draft::admit`], where the rules are.

mod block;
mod doors;
mod error;
mod genesis;
pub mod merkle;
mod pool;
mod receipt;
mod solo;
mod state;
mod store;

pub use amanat_domain::governance::{Capabilities, RoleGrant};
pub use block::{AppHash, BLOCK_VERSION, Block, BlockHash, Header, tx_root};
pub use doors::{
    Admitted, Prechecked, TxKeys, Validated, apply, check, decode, precheck, propose, validate,
    validate_block,
};
pub use error::{BlockRefusal, Capability, Conflict, Fault, Refusal, Reject, Unfit};
pub use genesis::{
    AllRoles, CapabilitiesSpec, CodingSpec, Floors, Genesis, GenesisError, GenesisSpec, Limits,
    MAX_GENESIS_BYTES, Organisation, OrganisationSpec, Profile, RolesSpec, ValidatorSpec, Validators,
    Windows,
};
pub use pool::{Pool, PoolLimits};
pub use receipt::{Effect, InclusionProof, NotIncluded, ReceiptData, receipts_root};
pub use solo::{KeyStatus, Solo, Status, SubmitError, Submitted};
pub use state::{
    Commitments, Content, Credential, Delta, Draft, Entry, EntryNotShown, EntryProof, KeyEntry,
    MAX_OPEN_PROPOSALS, MAX_ORGANISATIONS, Member, PROPOSAL_EPOCHS, Proposal, SealedBundle, State,
    ValidatorSets,
};
pub use store::{FORMAT, Medium, Opener, Receipt, Store};
