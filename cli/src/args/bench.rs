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
    /// A folder of FHIR files to import; generated data without it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Only these sections: statements, verification, registries, ledger, import.
    pub sections: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// What a proof costs, part by part, on every engine and beside arkworks; as JSON and as a page with plots.
    Profile(ProfileArgs),
    /// Compare two files of `bench profile --out` and mark what became slower beyond the noise.
    Compare(CompareArgs),
    /// Write the page of a file of `bench profile --out` or `bench ledger --out` again.
    Page {
        /// The file.
        file: PathBuf,
        /// The page.
        #[arg(long, value_name = "FILE")]
        html: PathBuf,
    },
    /// Every kernel of the engines beside arkworks: sums, transforms, pairings, verification.
    Kernels(KernelsArgs),
    /// The ledger with proofs beside the ledger without and beside a central server: load, latency, outages, attacks.
    Ledger(LedgerArgs),
}

#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// On what: statements by name, or sizes of Merkle circuits by power of two (15, 16); all statements and 2^15, 2^16
    /// without it.
    pub subjects: Vec<String>,
    /// Only this engine (may be given more than once); all of this machine without it.
    #[arg(long, value_name = "NAME")]
    pub engine: Vec<String>,
    /// Numbers of threads, comma-separated; 1, 2, 4, .. and all without it.
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub threads: Vec<usize>,
    /// Rounds: every prover once in each.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Money for an hour of one core.
    #[arg(long, default_value_t = 0.04)]
    pub price: f64,
    /// The price's currency, as it shall be written.
    #[arg(long, value_name = "NAME", default_value = "USD", value_parser = currency_name)]
    pub currency: String,
    /// Memory that an engine may spend on precomputed multiples of the key's points.
    #[arg(long, value_name = "MIB")]
    pub tables: Option<usize>,
    /// Do not measure arkworks.
    #[arg(long)]
    pub no_peers: bool,
    /// Do not measure memory.
    #[arg(long)]
    pub no_memory: bool,
    /// Write the figures here.
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Write the page here.
    #[arg(long, value_name = "FILE.html")]
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
    /// Compare the ratios to arkworks instead of seconds: for machines whose speed drifts.
    #[arg(long)]
    pub relative: bool,
    /// Differences below this are never reported, in percent.
    #[arg(long, default_value_t = 5.0, value_name = "PERCENT")]
    pub share: f64,
    /// Differences below so many standard deviations are noise.
    #[arg(long, default_value_t = 3.0)]
    pub sigmas: f64,
    /// Show what did not change too.
    #[arg(long)]
    pub all: bool,
    /// End with exit code 1 where a whole proof became slower.
    #[arg(long)]
    pub fail: bool,
}

#[derive(Args)]
pub(crate) struct KernelsArgs {
    /// Only these: msm, tables, ntt, pairing, verify.
    pub families: Vec<String>,
    /// Only this engine (may be given more than once); all of this machine without it.
    #[arg(long, value_name = "NAME")]
    pub engine: Vec<String>,
    /// The largest input, as a power of two.
    #[arg(long, default_value_t = 16, value_name = "LOG", value_parser = clap::value_parser!(u32).range(10..=20))]
    pub largest: u32,
    /// Rounds: every implementation once in each.
    #[arg(long, default_value_t = 7)]
    pub rounds: usize,
}

#[derive(Args)]
pub(crate) struct LedgerArgs {
    /// Fewer and shorter runs.
    #[arg(long)]
    pub quick: bool,
    /// Distinct access proofs, each made by the prover; they are kept for later runs.
    #[arg(long, value_name = "N")]
    pub proofs: Option<usize>,
    /// Where ledgers and proofs are kept between runs; in the home directory without it.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Runs of each measurement.
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Numbers of validators, comma-separated; 1, 4 and 7 without it (feature `bft`).
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub validators: Vec<usize>,
    /// Look at the memory of four validators after so many requests.
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
    /// Write the figures here.
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Write the page here.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
}
