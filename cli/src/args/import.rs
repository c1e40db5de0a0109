//! `amanat import`.

use super::{LedgerAt, zone};
use amanat_client::import::Level;
use amanat_domain::fhir::Zones;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Files or folders of FHIR R4 (.json, .ndjson).
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Enrol the patients, anchor their records.
    #[arg(long)]
    pub anchor: bool,
    /// Custodian [default: the first that may].
    ///
    /// With --anchor: the organisation that enrols and anchors, by its reference, its id or its
    /// name. Without it, the first of the home directory that may do both.
    #[arg(long = "as", value_name = "ORG", requires = "anchor")]
    pub custodian: Option<String>,
    /// Origin of ids without a base URL.
    ///
    /// A server's base URL, or a name. Without it, the folder of each file.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Identifier that makes patients one person.
    ///
    /// Patients who share an identifier of this system are one person. May be given several times.
    #[arg(long, value_name = "URI")]
    pub same_patient_by: Vec<String>,
    /// Zone of dates without one [default: UTC].
    ///
    /// Z, or an offset such as +05:00. Without it, such dates are days of UTC.
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub zone: Option<Zones>,
    /// Stop at the first problem, anchor nothing.
    ///
    /// Stops at the first problem that counts: see --fail-on.
    #[arg(long)]
    pub strict: bool,
    /// From which kind of problem on the exit code is 6 (and --strict stops).
    #[arg(long, value_enum, default_value_t = FailOn::Element, value_name = "KIND", hide_short_help = true)]
    pub fail_on: FailOn,
    /// Write every problem here, one JSON a line.
    ///
    /// The last line is the summary.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print at most this many problems.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub problems: usize,
    /// Largest resource to read.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES")]
    pub max_resource: usize,
    #[command(flatten)]
    pub at: LedgerAt,
}

/// Kinds of problems, each counting all that are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    /// Any remark: a byte order mark, one page of several, a resource read before.
    Note,
    /// Resources of types that are not read.
    Unsupported,
    /// Elements that could not be read.
    Element,
    /// Resources that could not be read, or joined with a patient.
    Resource,
    /// Files whose rest could not be read.
    File,
}

impl FailOn {
    /// The level of a problem.
    pub(crate) const fn level(self) -> Level {
        match self {
            Self::Note => Level::Note,
            Self::Unsupported => Level::Unsupported,
            Self::Element => Level::Element,
            Self::Resource => Level::Resource,
            Self::File => Level::File,
        }
    }
}

impl core::fmt::Display for FailOn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.level().fmt(f)
    }
}
