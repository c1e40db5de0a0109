//! `amanat bench`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    /// What the report of earlier versions took.
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// A command of earlier versions, with its words.
#[derive(Args)]
pub(crate) struct Moved {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Measure what a proof costs, part by part, on every backend.
    ///
    /// Next to arkworks; written as JSON and as a page with plots.
    Profile(ProfileArgs),
    /// Compare two files of `bench profile --out`.
    ///
    /// Marks what became slower beyond the noise.
    Compare(CompareArgs),
    /// Write the page of a file of `bench profile --out` again.
    Page {
        /// The file (JSON).
        file: PathBuf,
        /// Where to write the page (HTML).
        #[arg(long, value_name = "FILE")]
        html: PathBuf,
    },
    /// The kernels are measured by `amanat-bench`.
    #[command(hide = true)]
    Kernels(Moved),
    /// The ledger is measured by `amanat-bench`.
    #[command(hide = true)]
    Ledger(Moved),
}

#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// Statements, or sizes of Merkle circuits [default: all, 15, 16].
    ///
    /// Statements by name; sizes as powers of two.
    pub subjects: Vec<String>,
    /// Only this backend; repeatable [default: all of this machine].
    #[arg(long, value_name = "NAME")]
    pub backend: Vec<String>,
    /// The name of --backend in the last version.
    #[arg(long, value_name = "NAME", hide = true)]
    pub engine: Vec<String>,
    /// Numbers of threads, comma-separated [default: 1, 2, 4, .. all].
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub threads: Vec<usize>,
    /// Rounds; each runs every prover once.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub rounds: usize,
    /// Price of one core for an hour.
    #[arg(long, default_value_t = 0.04)]
    pub price: f64,
    /// Currency of the price, as the report prints it.
    #[arg(long, value_name = "NAME", default_value = "USD", value_parser = currency_name)]
    pub currency: String,
    /// Memory for precomputed multiples of the key's points.
    #[arg(long, value_name = "MIB")]
    pub tables: Option<usize>,
    /// Do not measure arkworks.
    #[arg(long)]
    pub no_peers: bool,
    /// Do not measure memory.
    #[arg(long)]
    pub no_memory: bool,
    /// Write the figures here (JSON).
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the page here.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// A few letters or signs.
fn currency_name(text: &str) -> Result<String, String> {
    let fits =
        (1..=8).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if fits { Ok(text.to_owned()) } else { Err("a currency is from 1 to 8 letters, such as USD".to_owned()) }
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The earlier file.
    pub old: PathBuf,
    /// The later file.
    pub new: PathBuf,
    /// Compare ratios to arkworks, not seconds.
    ///
    /// For machines whose speed drifts.
    #[arg(long)]
    pub relative: bool,
    /// Never report differences below this, in percent.
    #[arg(long, default_value_t = 5.0, value_name = "PERCENT")]
    pub share: f64,
    /// Differences below N standard deviations are noise.
    #[arg(long, default_value_t = 3.0, value_name = "N")]
    pub sigmas: f64,
    /// Also show what did not change.
    #[arg(long)]
    pub all: bool,
    /// End with exit code 1 if a whole proof became slower.
    #[arg(long)]
    pub fail: bool,
}
