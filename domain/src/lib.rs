//! What is said: records, consents, credentials, commitments, trees, statements, transactions.
//!
//! No proving, no verifying, no I/O, no clock; randomness comes in as an argument.
//!
//! - [`fhir`] reads FHIR R4; [`record`] commits a resource; [`consent`] compiles and commits a
//!   consent.
//! - [`parties`]: organisations, roles, holders. [`identity`]: patients' wallets, role credentials.
//!   [`secret`] keeps what must not be seen.
//! - [`registry`], [`tree`], [`bundle`], [`mirror`]: registries, their trees, what an epoch commits
//!   to, a client's copy.
//! - [`block`], [`receipt`], [`merkle`]: what a block says, and proofs that it does.
//! - [`commitments`], [`entry`], [`map`]: what a whole ledger state commits to, entry by entry, and
//!   proofs of single entries.
//! - [`floors`]: how large what a proof hides in must be.
//! - [`governance`]: what organisations decide together. [`quorum`]: validators and what makes a
//!   block final.
//! - [`statement`]: what a proof can say, each statement declared once. [`policy`]: what is asked,
//!   made of [`scope`]s.
//! - [`tx`]: what goes to the ledger, by its [`ids`]; [`proof`]: proof systems, and how a proof
//!   travels.
//! - [`field`], [`poseidon`], [`time`], [`wire`]: numbers, the hash, time, the one encoding.

pub mod audience;
pub mod block;
pub mod bundle;
pub mod commitments;
pub mod consent;
pub mod entry;
pub mod fhir;
pub mod field;
pub mod floors;
pub mod governance;
pub mod identity;
pub mod ids;
pub mod labels;
pub mod map;
pub mod merkle;
pub mod mirror;
pub mod parties;
pub mod policy;
pub mod poseidon;
pub mod preset;
pub mod proof;
pub mod quorum;
pub mod receipt;
pub mod record;
pub mod registry;
pub mod scope;
pub mod secret;
pub mod statement;
pub mod time;
pub mod tree;
pub mod tx;
pub mod wire;
