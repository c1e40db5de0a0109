//! The command line of `amanat-bench`.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Measures the backends and the ledger on this machine.
#[derive(Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
    /// Keep keys, ledgers and proofs here between runs [default: a folder of the temporary
    /// directory].
    #[arg(long, global = true, env = "AMANAT_BENCH_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print the figures as JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
}

impl Args {
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| std::env::temp_dir().join("amanat-bench"))
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Measure every figure that is promised or shown, as tables.
    Report(ReportArgs),
    /// Measure the backends next to arkworks, kernel by kernel.
    Kernels(KernelsArgs),
    /// Measure the ledger with proofs, without proofs, and next to a server.
    ///
    /// Load, latency, outages, attacks.
    Ledger(LedgerArgs),
    /// Write the page of a file of `ledger --out` again.
    Page {
        /// The file (JSON).
        file: PathBuf,
        /// Where to write the page (HTML).
        #[arg(long, value_name = "FILE")]
        html: PathBuf,
    },
}

#[derive(clap::Args)]
pub(crate) struct ReportArgs {
    /// Fewer and shorter runs.
    #[arg(long)]
    pub quick: bool,
    /// A folder of FHIR files to import [default: generated data].
    #[arg(long, env = "AMANAT_BENCH_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Only these: statements, verification, registries, ledger, import.
    pub sections: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct KernelsArgs {
    /// Only these: msm, tables, ntt, pairing, verify.
    pub families: Vec<String>,
    /// Only this backend; repeatable [default: all of this machine].
    #[arg(long, value_name = "NAME")]
    pub backend: Vec<String>,
    /// The largest input, as a power of two.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=20))]
    pub largest: u32,
    /// Rounds; each runs every implementation once.
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub rounds: usize,
}

#[derive(clap::Args)]
pub(crate) struct LedgerArgs {
    /// Fewer and shorter runs.
    #[arg(long)]
    pub quick: bool,
    /// Distinct access proofs; they are kept for later runs.
    #[arg(long, value_name = "N")]
    pub proofs: Option<usize>,
    /// Runs of each measurement.
    #[arg(long, value_name = "N")]
    pub rounds: Option<usize>,
    /// Numbers of validators, comma-separated [default: 1,4,7].
    ///
    /// Needs the feature `bft`.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub validators: Vec<u8>,
    /// Measure the memory of four validators after N requests.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub long: usize,
    /// Measure only several validators.
    #[arg(long)]
    pub only_validators: bool,
    /// Price of one core for an hour.
    #[arg(long, default_value_t = 0.04, value_parser = price)]
    pub price: f64,
    /// The currency of the price.
    #[arg(long, value_name = "NAME", default_value = amanat_profile::CURRENCY)]
    pub currency: String,
    /// Write the figures here (JSON).
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the page here.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

fn price(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(price) if price.is_finite() && price >= 0.0 => Ok(price),
        _ => Err("a price is a number that is not negative".to_owned()),
    }
}
