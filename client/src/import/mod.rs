//! Imports: FHIR files in, patients enrolled, records anchored. An import that fails at any step is
//! finished by running it again.

mod anchor;
mod enrol;
mod files;
mod outbox;
mod report;

pub use anchor::{Anchored, ImportRequest, Imported, Sample};
pub use files::{Files, ReadOptions, Surveyed, find_files, organisations_in, survey};
pub use outbox::Custodian;
pub use report::{Counts, ImportReport, Level, NotUnderstood, ProblemSink};

pub(crate) use files::person_of;

use crate::home::HomeError;
use crate::ledger::AccessError;
use crate::organisation::OrganisationError;
use crate::vault::VaultError;
use amanat_domain::fhir::Problem;
use std::io;
use std::path::PathBuf;

/// Why an import ended.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A path cannot be read.
    #[error("cannot read {}: give a FHIR file or a folder of them", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A folder cannot be listed.
    #[error("cannot list {}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The paths have no FHIR files.
    #[error("no .json or .ndjson file under the paths given")]
    NoFiles,
    /// A file cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A file is another one than when it was read before.
    #[error("{} has changed while it was read: run the same command again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// There are other resources than when the files were read before.
    #[error("a file has changed while it was read: run the same command again")]
    SomeChanged,
    /// A strict import met a problem that counts.
    #[error(
        "{problem}\n(--strict stops at the first problem of level {level} or above; without it the rest is read)"
    )]
    Stopped {
        /// The problem.
        problem: Box<Problem>,
        /// The level that counts.
        level: Level,
    },
    /// The report of problems cannot be written.
    #[error("cannot write the report of problems")]
    Report(#[source] io::Error),
    /// The home directory is no use.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The vault is no use.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No organisation can be the custodian.
    #[error(transparent)]
    Organisation(#[from] OrganisationError),
    /// The ledger does not answer.
    #[error(transparent)]
    Ledger(#[from] AccessError),
    /// A transaction of the outbox did not reach the ledger, or its receipt did not come. The next
    /// import submits it again.
    #[error("what an import has yet to tell the ledger")]
    Outbox(#[source] AccessError),
    /// The node refuses an anchor transaction, and is behind what the vault knows of the ledger:
    /// its word undoes nothing. The next import submits the transaction again.
    #[error(
        "the node's state is of epoch {got}, and the vault knows epoch {known} of the ledger: wait until the node has \
         caught up, or use another node, then run the same command again"
    )]
    Behind {
        /// The newest epoch of a receipt in the vault.
        known: u64,
        /// The epoch of the node's last block.
        got: u64,
        /// The refusal.
        source: AccessError,
    },
    /// The ledger refuses an enrolment; the vault has the patients as not enrolled yet.
    #[error(
        "the ledger refuses to enrol {patients} patient{}: once the cause is removed, the same command again enrols them",
        if *patients == 1 { "" } else { "s" }
    )]
    NotEnrolled {
        /// How many patients.
        patients: usize,
        /// The ledger's reason.
        source: AccessError,
    },
    /// The ledger refuses what was to be anchored, for good; it is not kept.
    #[error("the ledger refuses {records} record{}: nothing of them is kept", if *records == 1 { "" } else { "s" })]
    Refused {
        /// How many records.
        records: usize,
        /// The ledger's reason.
        source: AccessError,
    },
    /// The vault knows a patient who has no wallet.
    #[error("the vault knows {0}, and there is no wallet for that patient: restore wallets.json from a copy")]
    NoWallet(String),
    /// Some of a batch were enrolled in this epoch, which the newest bundle does not show yet.
    #[error(
        "patients were enrolled in this epoch and the vault did not hear of it: amanat ledger wait, then the same command again"
    )]
    EnrolledUnheard,
}

impl ImportError {
    /// What the ledger said, if the ledger is the reason.
    #[must_use]
    pub const fn ledger(&self) -> Option<&AccessError> {
        match self {
            Self::Ledger(error)
            | Self::Outbox(error)
            | Self::Behind { source: error, .. }
            | Self::NotEnrolled { source: error, .. }
            | Self::Refused { source: error, .. } => Some(error),
            Self::Organisation(error) => error.ledger(),
            _ => None,
        }
    }
}
