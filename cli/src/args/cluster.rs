//! `amanat cluster`.

use super::tls::ClientTlsArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum ClusterCommand {
    /// Make a ledger of several validators.
    ///
    /// Writes a genesis, a folder for each validator with its key and configuration, and a home
    /// directory with the keys of all organisations. For development: all secrets are made in one
    /// place.
    Init(ClusterInitArgs),
    /// Run all validators of a cluster on this machine.
    ///
    /// Each runs in a separate process, until Ctrl-C. `cluster init` makes the folder.
    Run {
        /// The folder that `cluster init` made.
        #[arg(default_value = "cluster")]
        dir: PathBuf,
    },
    /// Make the key of one validator, and print its public half.
    ///
    /// The file can be read by its owner only. A genesis, the other validators' peers and
    /// `governance propose add-validator` name the public half.
    Key {
        /// Where to write the private key; the file must not exist yet.
        #[arg(long, value_name = "FILE", default_value = "validator.key")]
        out: PathBuf,
    },
    /// Check a genesis that was put together by hand.
    ///
    /// Prints what it says, and the chain id, which all operators compare before they start.
    Check {
        /// The genesis file.
        #[arg(default_value = "genesis.json")]
        genesis: PathBuf,
    },
    /// Print the state of every validator of a cluster.
    ///
    /// Validators whose configuration names a certificate are asked over TLS.
    Status {
        /// The folder that `cluster init` made.
        #[arg(default_value = "cluster")]
        dir: PathBuf,
        #[command(flatten)]
        tls: ClientTlsArgs,
    },
}

#[derive(Args)]
pub(crate) struct ClusterInitArgs {
    /// Where to write; the folder must not exist yet.
    #[arg(default_value = "cluster")]
    pub dir: PathBuf,
    /// Number of validators.
    ///
    /// Four go on while one is down, seven while two are.
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=32))]
    pub validators: u16,
    /// Length of an epoch in seconds.
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub epoch_seconds: u64,
    /// Name of the chain.
    #[arg(long, default_value = "amanat-cluster", value_name = "NAME")]
    pub chain: String,
    /// Port of the first validator's HTTP interface.
    ///
    /// The next validator has the next port. Consensus is 100 above, transactions 200.
    #[arg(long, default_value_t = 7420)]
    pub port: u16,
    /// Addresses of the validators' machines, in order [default: this one].
    #[arg(long, value_delimiter = ',', value_name = "IP,..")]
    pub hosts: Vec<std::net::IpAddr>,
}
