//! `amanat prove`.

use super::LedgerAt;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum ProveWhat {
    /// S1, S2 and S3 about one hidden patient and record.
    Access,
    /// S1: the consent permits.
    Consent,
    /// S2: the credential qualifies.
    Role,
    /// S3: facts of an anchored record.
    Record,
}

#[derive(Args)]
pub(crate) struct ProveArgs {
    /// What to prove.
    #[arg(value_enum, required_unless_present = "zkey", conflicts_with_all = ["zkey", "wtns"])]
    pub what: Option<ProveWhat>,
    /// The clinician (`amanat clinician list`).
    #[arg(long, value_name = "NAME")]
    pub holder: Option<String>,
    /// The consent's number (`amanat consent list`).
    #[arg(long, value_name = "N")]
    pub consent: Option<u32>,
    /// The record's number [default: the patient's first].
    ///
    /// Its number in the vault. Without it, the first record of the patient of --consent.
    #[arg(long, value_name = "N")]
    pub record: Option<u32>,
    /// Purpose of use.
    #[arg(long, default_value = "TREAT", value_name = "CODE")]
    pub purpose: String,
    /// Action.
    #[arg(long, default_value = "access", value_name = "CODE")]
    pub action: String,
    /// Categories to request [default: all ordinary ones].
    ///
    /// Comma-separated. Without it, all ordinary clinical categories and the record's own: a
    /// request for the record's categories alone would tell the ledger what the record holds.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub categories: Vec<String>,
    /// The name of the audience that asked for the proof.
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    pub audience: String,
    /// `record`: prove that the value is at least this.
    #[arg(long, allow_negative_numbers = true, value_name = "VALUE")]
    pub at_least: Option<String>,
    /// `record`: leaves to disclose, comma-separated.
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub disclose: Vec<String>,
    /// Write the transaction here, for `amanat verify`.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Prove, but do not submit.
    #[arg(long)]
    pub dry_run: bool,
    /// Also write snarkjs' files into this folder.
    ///
    /// They are verification_key.json, proof.json and public.json.
    #[arg(long, value_name = "DIR")]
    pub snarkjs: Option<PathBuf>,
    /// Prove any circom circuit over BN254 instead: its key, as snarkjs made it.
    #[arg(long, value_name = "FILE", requires = "wtns", hide_short_help = true, help_heading = CIRCOM)]
    pub zkey: Option<PathBuf>,
    /// The circuit's witness, as circom's calculator or snarkjs made it.
    #[arg(long, value_name = "FILE", requires = "zkey", hide_short_help = true, help_heading = CIRCOM)]
    pub wtns: Option<PathBuf>,
    /// Where to write the proof [default: proof.json].
    #[arg(long, value_name = "FILE", requires = "zkey", conflicts_with = "snarkjs")]
    #[arg(hide_short_help = true, help_heading = CIRCOM)]
    pub proof: Option<PathBuf>,
    /// Where to write the public inputs [default: public.json].
    #[arg(long, value_name = "FILE", requires = "zkey", conflicts_with = "snarkjs")]
    #[arg(hide_short_help = true, help_heading = CIRCOM)]
    pub public: Option<PathBuf>,
    #[command(flatten)]
    pub at: LedgerAt,
}

const CIRCOM: &str = "Any circom circuit";
