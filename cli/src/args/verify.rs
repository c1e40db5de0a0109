//! `amanat verify`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct VerifyArgs {
    #[command(subcommand)]
    pub what: Option<VerifyCommand>,
    /// A transaction file, as `prove --out` wrote it.
    #[arg(required_unless_present = "snarkjs")]
    pub file: Option<PathBuf>,
    /// A folder with snarkjs' verification_key.json, proof.json and public.json, of any circuit
    /// over BN254.
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub snarkjs: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum VerifyCommand {
    /// Check that a receipt is on a ledger, with nothing but the ledger's genesis.
    Receipt {
        /// Evidence, or the inclusion proof of `ledger receipt --out`.
        file: PathBuf,
        /// The genesis file, which names the validators to trust.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// Hash of the block to trust.
        ///
        /// Needed if the ledger has no validators that sign its blocks.
        #[arg(long, value_name = "HASH")]
        block: Option<String>,
    },
    /// Check what an entry proof says of a ledger's state after a block.
    Entry {
        /// The proof that `ledger entry --out` wrote.
        file: PathBuf,
        /// The genesis file of the ledger that it must belong to.
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// Hash of the block to trust.
        #[arg(long, value_name = "HASH")]
        block: String,
    },
}
