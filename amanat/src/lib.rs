//! Amanat as a library: the crates that a party, an auditor or a ledger's host builds on, under one
//! name.
//!
//! | you are | start with |
//! |---|---|
//! | a party: a hospital, a patient, a clinician | [`client::Client`], by `use amanat::prelude::*` |
//! | an audience | [`verifier`], and [`client::verify`] |
//! | a host of a ledger | [`ledger::Solo`]; several validators: the crate `amanat-node` |
//! | an author of tools | [`domain`]: FHIR, records, consents, transactions, without input or output |
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use amanat::prelude::*;
//! # let dir = tempfile::tempdir()?;
//! devnet::write_data(dir.path(), 1, 2)?;
//! let files = import::find_files(&[dir.path().to_path_buf()])?;
//! let mut report = ImportReport::default();
//! let survey = import::survey(&files, &ReadOptions::default(), None, &mut report, &NoProgress)?;
//! assert_eq!(survey.counts.files_read, 3);
//! # Ok(()) }
//! ```
//!
//! Whole programs are in `examples/`: `prove_access`, `verify_offline`, `import_fhir`,
//! `embed_ledger`.

pub use amanat_client as client;
pub use amanat_domain as domain;
pub use amanat_ledger as ledger;
pub use amanat_params as params;
pub use amanat_prover as prover;
pub use amanat_verifier as verifier;

/// What most programs use.
pub mod prelude {
    pub use amanat_client::devnet::{DevLedger, DevNet};
    pub use amanat_client::import::{ImportReport, Level, ReadOptions};
    pub use amanat_client::ledger::LedgerAccess;
    pub use amanat_client::{
        AccessRequest, Client, ConsentProofRequest, GrantRequest, Holder, Home, ImportRequest,
        IssueRoleRequest, NoProgress, Organisation, Place, Progress, ProofRequest, Receipt,
        RecordProofRequest, Role, RoleProofRequest, Vault, Wallet, consent, devnet, import, keys,
        machine_clock, verify,
    };
    pub use amanat_domain::fhir::Zones;
    pub use amanat_domain::statement::Statement;
    pub use amanat_domain::time::Timestamp;
    pub use amanat_domain::tx::Transaction;
}

/// Compiles the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
