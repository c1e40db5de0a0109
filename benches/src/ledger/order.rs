//! What a child process is told to do, and how it is started.

use super::file::{BackendSpeed, Kind, Steps};
use crate::report::Outcome;
use amanat_accel::BACKEND_VARIABLE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// In the environment of the child: the [`Order`].
pub(super) const ORDER: &str = "AMANAT_LEDGER_BENCH";

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// Take `requests` requests and print the memory that took.
    Memory { kind: Kind, site: Site, requests: usize, callers: usize, batch: usize },
    /// Measure steps and speed with the backend that the environment names.
    Backend { kinds: Vec<Kind>, site: Site, block: usize, rounds: usize },
    /// Serve the requests on the standard input, until it is closed.
    Node { kind: Kind, file: PathBuf, batch: usize },
    /// Be one of several validators, until the standard input is closed.
    #[cfg(feature = "bft")]
    Validator { seat: Seat },
}

/// Where a child finds its fixture, and a file it may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Site {
    pub(super) folder: PathBuf,
    pub(super) organisations: usize,
    pub(super) file: PathBuf,
}

/// What a child says of a backend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BackendFigures {
    pub(super) steps: Vec<Steps>,
    pub(super) speeds: Vec<BackendSpeed>,
}

/// Which validator, and where it is.
#[cfg(feature = "bft")]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seat {
    pub(super) number: usize,
    /// Of each validator: for consensus, for transactions.
    pub(super) ports: Vec<(u16, u16)>,
    /// The ledger's file.
    pub(super) file: PathBuf,
    /// The backend's log is in here.
    pub(super) folder: PathBuf,
    /// Most requests that are verified together.
    pub(super) batch: usize,
    /// Seconds that its clock is ahead. All clocks are fixed, because proofs grow old. A validator
    /// that starts late with the same time would propose the same block as before, and take old
    /// votes for votes on it.
    pub(super) ahead: i64,
}

/// A child of this program with a backend; this process's if `None`.
pub(super) fn command(order: &Order, backend: Option<&str>) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let backend = backend.unwrap_or(amanat_accel::default_backend().name());
    command.env(ORDER, serde_json::to_string(order)?).env(BACKEND_VARIABLE, backend);
    Ok(command)
}

/// Runs a child to its end and reads what it says.
pub(super) fn ask<T: DeserializeOwned>(order: &Order, backend: Option<&str>) -> Outcome<T> {
    let out = command(order, backend)?.stdin(Stdio::null()).output()?;
    if !out.status.success() {
        return Err(format!("a child failed: {}", String::from_utf8_lossy(&out.stderr)).into());
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}
