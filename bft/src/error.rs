//! Why a validator cannot start, or stopped.

use amanat_domain::quorum::{CertificateError, ValidatorKey};
use amanat_ledger::{BlockHash, Fault};
use std::sync::Arc;

/// A validator cannot start, or has stopped. Nothing that was acknowledged is lost; start it again
/// once the reason is gone.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum Error {
    #[error(transparent)]
    Ledger(#[from] Arc<Fault>),
    #[error(
        "{0} is not among the validators of this ledger, as of the last block in its file: start with a validator's key, \
         or set `follow` to follow without a vote until the key is voted in"
    )]
    Stranger(ValidatorKey),
    #[error(
        "the genesis allows blocks of {got} bytes; the consensus bft carries at most {most}: lower the limit in the genesis"
    )]
    BlockTooLarge { most: u32, got: u32 },
    #[error("no address is given for validator {0}: give the address of every other validator")]
    NoAddress(ValidatorKey),
    #[error("{0} is named twice as a peer, or is this validator: name every other validator once")]
    PeerTwice(ValidatorKey),
    #[error("the consensus engine did not start: {0}")]
    Start(String),
    #[error(
        "the consensus engine stopped: its channel is closed. Its log says why (a full disk, a damaged write-ahead log); start the validator again"
    )]
    EngineStopped,
    #[error(
        "block {block} of height {height} is decided, but this validator does not have it: start the validator again, and it fetches the block"
    )]
    MissingBlock { height: u64, block: BlockHash },
    #[error("the consensus engine's certificate of height {height} is not valid: {reason}")]
    BadCertificate { height: u64, reason: CertificateError },
    #[error(
        "a decided block of height {height} is refused by the ledger's rules: {reason}. Validators disagree about the rules: stop and compare versions"
    )]
    DecidedInvalid { height: u64, reason: String },
    #[error("internal error, please report: {0}")]
    Bug(String),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Ledger(Arc::new(fault))
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Bug(format!("a task failed: {error}"))
    }
}
