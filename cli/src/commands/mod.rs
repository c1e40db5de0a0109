//! The commands, one file for each noun.

pub(crate) mod anchor;
pub(crate) mod bench;
pub(crate) mod clinician;
pub(crate) mod cluster;
pub(crate) mod consent;
pub(crate) mod governance;
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
