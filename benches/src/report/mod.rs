//! Every figure the project promises or shows, as rows.
//!
//! Plain functions: each section measures one thing and returns [`Row`]s; [`run`] puts them
//! together, [`Report::table`] and [`Report::json`] show them. Things that are compared are
//! measured in turn, in one run, so that a busy machine is unfair to none of them. The main program
//! calls [`memory::answer_if_asked`] first: peak memory is measured in a child process of the same
//! program.

#![allow(unreachable_pub, reason = "a module that is used by a library here, and may be used by a program")]

pub mod chain;
mod costs;
pub mod import;
mod ledger;
pub mod measure;
pub mod memory;
pub mod peer;
mod registries;
mod rows;
pub mod verification;
pub mod world;

pub use amanat_profile::Outcome;
pub use rows::{Bound, Report, Row};

use amanat_circuits::circuit;
use amanat_domain::statement::Statement;
use amanat_params::{KeyStore, StoreStage};
use amanat_profile::Machine;
use amanat_prover::keys::{Keys, StatementKey};
use std::path::{Path, PathBuf};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Constraints, witness, proof, memory and bytes of each statement.
    Statements,
    /// One proof and batches, beside arkworks.
    Verification,
    /// Proofs against registries of 2^4, 2^12, 2^20 leaves; bulk append.
    Registries,
    /// Blocks of proofs; durable commits.
    Ledger,
    /// Reading FHIR.
    Import,
}

impl Section {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 5] =
        [Self::Statements, Self::Verification, Self::Registries, Self::Ledger, Self::Import];

    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Statements => "statements",
            Self::Verification => "verification",
            Self::Registries => "registries",
            Self::Ledger => "ledger",
            Self::Import => "import",
        }
    }

    /// The section with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// How much is measured, and where files may go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which sections.
    pub sections: Vec<Section>,
    /// Runs of what takes seconds; what takes milliseconds runs 25 times as often.
    pub runs: usize,
    /// Distinct proofs that are made for blocks (all in one) and for batches (repeated up to 256).
    pub proofs: usize,
    /// log2 of the largest registry.
    pub largest: u32,
    /// Keys are kept here between runs; ledgers are made below it and removed.
    pub dir: PathBuf,
    /// A folder of FHIR files; generated data if `None`.
    pub data: Option<PathBuf>,
}

impl Options {
    /// What the published tables are made with: some minutes.
    #[must_use]
    pub fn full(dir: impl Into<PathBuf>) -> Self {
        let sections = Section::ALL.to_vec();
        Self { sections, runs: 5, proofs: 256, largest: 20, dir: dir.into(), data: None }
    }

    /// A first impression: under a minute or two. Blocks and registries are smaller.
    #[must_use]
    pub fn quick(dir: impl Into<PathBuf>) -> Self {
        Self { runs: 1, proofs: 24, largest: 16, ..Self::full(dir) }
    }

    /// Runs of what takes milliseconds.
    const fn many(&self) -> usize {
        self.runs * 25
    }
}

/// Measures. `say` hears what is being done; `command` is how to do it again.
///
/// # Errors
/// If the directory cannot be written, or something here is broken.
pub fn run(options: &Options, command: &str, say: &dyn Fn(&str)) -> Outcome<Report> {
    let machine = Machine::here(command);
    let mut rows = Vec::new();
    let needs_keys = options.sections.iter().any(|s| *s != Section::Import);
    let keys = if needs_keys { load_keys(&options.dir, say)? } else { Keys::new() };
    for section in &options.sections {
        rows.extend(match section {
            Section::Statements => costs::rows(options, &keys, say)?,
            Section::Verification => verification::rows(options, &keys, say)?,
            Section::Registries => registries::rows(options, &keys, say)?,
            Section::Ledger => ledger::rows(options, &keys, say)?,
            Section::Import => import::rows(options, say)?,
        });
    }
    Ok(Report { machine, rows })
}

/// The keys of all statements, made if the directory has none.
///
/// # Errors
/// If the directory cannot be written.
pub fn load_keys(dir: &Path, say: &dyn Fn(&str)) -> Outcome<Keys> {
    let mut keys = Keys::new();
    for statement in Statement::ALL {
        keys.insert(load_key(dir, statement, say)?);
    }
    Ok(keys)
}

pub(crate) fn load_key(dir: &Path, statement: Statement, say: &dyn Fn(&str)) -> Outcome<StatementKey> {
    let store = KeyStore::open(dir.join("keys"))?;
    say(&format!("key of `{statement}`"));
    let hear = |stage: StoreStage| {
        if matches!(stage, StoreStage::Writing) {
            say(&format!("made an insecure-dev key for `{statement}`"));
        }
    };
    let mut rng = rand::rng();
    let circuit = circuit(statement);
    let key = store.get_or_make_insecure_dev(statement, statement.version(), circuit, &mut rng, &hear)?;
    Ok(StatementKey::new(key)?)
}
