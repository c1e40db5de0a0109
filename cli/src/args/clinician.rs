//! `amanat clinician`.

use super::LedgerAt;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum ClinicianCommand {
    /// List the clinicians of the home directory.
    List,
    /// Add a clinician: an organisation issues the credential.
    Add(Box<AddClinicianArgs>),
}

#[derive(Args)]
pub(crate) struct AddClinicianArgs {
    /// How consents name the clinician: Practitioner/ID.
    pub reference: String,
    /// The organisation that issues the credential.
    ///
    /// Its reference or its name; the home directory must have its key.
    #[arg(long, value_name = "ORG")]
    pub organisation: String,
    /// physician, nurse, or SYSTEM|CODE.
    ///
    /// SYSTEM is the URI of a code system, or `snomed` or `practitioner-role` for short.
    #[arg(long)]
    pub role: String,
    /// The licence's first day [default: a year ago].
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// The licence's last day [default: in two years].
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    #[command(flatten)]
    pub at: LedgerAt,
}
