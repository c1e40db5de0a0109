//! What a party does that is not proving, verifying or keeping a ledger: the library under the
//! binary `amanat`.
//!
//! Start with [`Client`]: a home directory and a ledger, and one call for each intent.
//!
//! - [`Home`]: private files, written whole, under one lock. [`Wallet`], [`Holder`],
//!   [`Organisation`], [`HeldConsent`](consent::HeldConsent): what patients, clinicians,
//!   organisations and wallets keep there.
//! - [`import`] and [`Vault`]: FHIR files in, patients enrolled, records anchored. An import that
//!   fails is finished by the next.
//! - [`consent`]: compiled from FHIR, granted and revoked by proof, uses counted.
//! - [`prove`]: accesses and their parts.
//! - [`keys`], [`governance`]: keys made and installed, changes proposed and approved.
//! - [`verify`]: what an audience checks without a ledger.
//! - [`ledger`] is a ledger as its clients see it: [`LedgerAccess`](ledger::LedgerAccess) over a
//!   ledger in this process or over a node's address. A client believes nothing a node says that it
//!   can recompute.
//! - [`devnet`]: ledgers, organisations and data for development.
//!
//! It prints nothing: an operation tells its [`Progress`], and its errors say what is wrong and
//! what to do.

pub mod client;
pub mod consent;
pub mod devnet;
mod encoding;
pub mod governance;
pub mod holder;
pub mod home;
pub mod import;
pub mod keys;
pub mod ledger;
pub mod organisation;
pub mod progress;
pub mod prove;
pub mod role;
#[cfg(test)]
mod testing;
pub mod vault;
pub mod verify;
pub mod wait;
pub mod wallet;

pub use amanat_api::clock::machine as machine_clock;
pub use client::{Client, OpenError, Place};
pub use consent::GrantRequest;
pub use holder::{Holder, IssueRoleRequest};
pub use home::Home;
pub use import::ImportRequest;
pub use organisation::Organisation;
pub use progress::{Event, NoProgress, Progress};
pub use prove::{
    AccessRequest, ConsentProofRequest, ProofRequest, Receipt, RecordProofRequest, RoleProofRequest,
};
pub use role::Role;
pub use vault::Vault;
pub use wallet::Wallet;
