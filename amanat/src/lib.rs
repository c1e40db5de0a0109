//! Amanat as a library: the crates that a party, an auditor or a ledger's host builds on, under one
//! name.

pub use amanat_client as client;
pub use amanat_domain as domain;
pub use amanat_ledger as ledger;
pub use amanat_params as params;
pub use amanat_prover as prover;
pub use amanat_verifier as verifier;
