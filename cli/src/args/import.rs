//! `amanat import`.

use super::LedgerAt;
use amanat_domain::fhir::Zones;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Files or folders of FHIR R4 (.json, .ndjson).
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Enrol the patients found and anchor their records.
    #[arg(long)]
    pub anchor: bool,
    /// With --anchor: the organisation that enrols and anchors; the first of the home directory without it.
    #[arg(long = "as", value_name = "ORGANISATION", requires = "anchor")]
    pub custodian: Option<String>,
    /// Where ids without a base URL belong: a server's base URL, or a name. Without it, the folder of each file.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Patients who share an identifier of this system are one person. May be given several times.
    #[arg(long, value_name = "SYSTEM")]
    pub same_patient_by: Vec<String>,
    /// The zone of dates without one: +05:00, Z. Days of UTC without it.
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    pub zone: Option<Zones>,
    /// Stop at the first problem that counts, and anchor nothing.
    #[arg(long)]
    pub strict: bool,
    /// From which kind of problem on the exit code is 6 (and --strict stops).
    #[arg(long, value_enum, default_value_t = FailOn::Element, value_name = "KIND")]
    pub fail_on: FailOn,
    /// Write every problem to this file, one JSON object a line; the last line is the summary.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Most problems to print.
    #[arg(long, default_value_t = 20)]
    pub problems: usize,
    /// Largest resource in bytes.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES")]
    pub max_resource: usize,
    #[command(flatten)]
    pub at: LedgerAt,
}

/// An offset from UTC.
pub(crate) fn zone(text: &str) -> Result<Zones, String> {
    Zones::parse(text).ok_or_else(|| "a zone is Z, +HH:MM or -HH:MM, from -12:00 to +14:00".to_owned())
}

/// Kinds of problems, each counting all that are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    /// Anything there is a word about: a byte order mark, a page of several, the same again.
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

impl core::fmt::Display for FailOn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Unsupported => "unsupported",
            Self::Element => "element",
            Self::Resource => "resource",
            Self::File => "file",
        })
    }
}
