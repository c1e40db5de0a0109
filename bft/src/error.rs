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
        "{0} is not among the validators of this ledger, as far as its file knows: start with the key of one that is, \
         or say that it is to follow until it is voted in (`follow`)"
    )]
    Stranger(ValidatorKey),
    #[error("the genesis allows blocks of {got} bytes; this engine carries at most {most}")]
    BlockTooLarge { most: u32, got: u32 },
    #[error("no address is given for validator {0}: name every other validator's")]
    NoAddress(ValidatorKey),
    #[error("the address of {0} is given twice, or is this validator's own")]
    PeerTwice(ValidatorKey),
    #[error("the consensus engine did not start: {0}")]
    Start(String),
    #[error(
        "the consensus engine stopped: its channel is closed. Its log says why (a full disk, a damaged write-ahead log); start the validator again"
    )]
    EngineStopped,
    #[error(
        "block {block} of height {height} is decided, but it is not here: start the validator again, it will fetch the block"
    )]
    MissingBlock { height: u64, block: BlockHash },
    #[error("the engine's certificate of height {height} does not stand: {reason}")]
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
        Self::Bug(format!("a task ended badly: {error}"))
    }
}
