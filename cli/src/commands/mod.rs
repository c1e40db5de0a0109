//! The commands, one file for each noun.

pub(crate) mod bench;
pub(crate) mod clinician;
pub(crate) mod cluster;
mod compile;
pub(crate) mod consent;
pub(crate) mod generate;
pub(crate) mod governance;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod node;
mod permits;
pub(crate) mod prove;
pub(crate) mod snapshot;
pub(crate) mod vault;
pub(crate) mod verify;
mod wait;
pub(crate) mod zkey;
