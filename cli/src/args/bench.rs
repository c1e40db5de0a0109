//! `amanat bench`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    /// Fewer and shorter runs.
    #[arg(long)]
    pub quick: bool,
    /// A folder of FHIR files to import [default: generated data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Only these: statements, verification, registries, ledger, import.
    pub sections: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// What a proof costs, part by part, on every engine.
    ///
    /// Beside arkworks; as JSON and as a page with plots.
    Profile(ProfileArgs),
    /// Compare two files of `bench profile --out`.
    ///
    /// Marks what became slower beyond the noise.
    Compare(CompareArgs),
    /// Write the page of a file of figures again.
    ///
    /// A file of `bench profile --out` or `bench ledger --out`.
    Page {
        /// The file.
        file: PathBuf,
        /// The page.
        #[arg(long, value_name = "FILE")]
        html: PathBuf,
    },
    /// Every kernel of the engines beside arkworks.
    ///
    /// Sums, transforms, pairings, verification.
    Kernels(KernelsArgs),
    /// The ledger with proofs, without, and beside a server.
    ///
    /// Load, latency, outages, attacks.
    Ledger(LedgerArgs),
}

#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// Statements, or sizes of Merkle circuits [default: all, 15, 16].
    ///
    /// Statements by name; sizes as powers of two.
    pub subjects: Vec<String>,
    /// Only this engine; repeatable [default: all of this machine].
    #[arg(long, value_name = "NAME")]
    pub engine: Vec<String>,
    /// Numbers of threads, comma-separated [default: 1, 2, 4, .. all].
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub threads: Vec<usize>,
    /// Rounds: every prover once in each.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub rounds: usize,
    /// Money for an hour of one core.
    #[arg(long, default_value_t = 0.04)]
    pub price: f64,
    /// The price's currency, as it shall be written.
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
    /// Before.
    pub old: PathBuf,
    /// After.
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
    /// Show what did not change too.
    #[arg(long)]
    pub all: bool,
    /// End with exit code 1 if a whole proof became slower.
    #[arg(long)]
    pub fail: bool,
}

#[derive(Args)]
pub(crate) struct KernelsArgs {
    /// Only these: msm, tables, ntt, pairing, verify.
    pub families: Vec<String>,
    /// Only this engine; repeatable [default: all of this machine].
    #[arg(long, value_name = "NAME")]
    pub engine: Vec<String>,
    /// The largest input, as a power of two.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=20))]
    pub largest: u32,
    /// Rounds: every implementation once in each.
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub rounds: usize,
}

#[derive(Args)]
pub(crate) struct LedgerArgs {
    /// Fewer and shorter runs.
    #[arg(long)]
    pub quick: bool,
    /// Distinct access proofs; they are kept for later runs.
    #[arg(long, value_name = "N")]
    pub proofs: Option<usize>,
    /// Where to keep ledgers and proofs [default: the home directory].
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Runs of each measurement.
    #[arg(long, value_name = "N")]
    pub rounds: Option<usize>,
    /// Numbers of validators, comma-separated [default: 1,4,7].
    ///
    /// Needs the feature `bft`.
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub validators: Vec<usize>,
    /// Look at four validators' memory after N requests.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub long: usize,
    /// Only the validators.
    #[arg(long)]
    pub only_validators: bool,
    /// Money for an hour of one core.
    #[arg(long, default_value_t = 0.04)]
    pub price: f64,
    /// The price's currency, as it shall be written.
    #[arg(long, value_name = "NAME", default_value = "USD", value_parser = currency_name)]
    pub currency: String,
    /// Write the figures here (JSON).
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the page here.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
