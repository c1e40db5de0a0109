//! The command line of `amanat-node`.

use amanat_api::tls::ClientTls;
use amanat_node::config::ConsensusName;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A validator of an Amanat ledger.
///
/// It serves the ledger over HTTP until it is told to stop (Ctrl-C, SIGTERM). It verifies proofs
/// and makes none.
#[derive(Parser)]
#[command(name = "amanat-node", disable_version_flag = true, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Print the version, and which consensus this build has.
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE", conflicts_with = "home")]
    pub(crate) config: Option<PathBuf>,
    /// A home directory with a development ledger, as `amanat init` makes it.
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Refuse a configuration of another consensus [default: the configuration's].
    ///
    /// `solo`: one validator alone. `bft`: several validators that agree.
    #[arg(long, value_name = "NAME", value_parser = ["solo", "bft"])]
    consensus: Option<String>,
    /// Address to listen on [default: the configuration's, or 127.0.0.1:7420].
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Verify with this backend: gpu, avx512ifma, portable [env: AMANAT_BACKEND=] [default: the
    /// fastest of this machine].
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Option<String>,
    /// Print the configuration with every default in it, and start nothing.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Advance epochs with `amanat ledger next-epoch --node URL`, not by the clock.
    ///
    /// For a development ledger of one validator, on an address of this machine alone.
    #[arg(long)]
    pub(crate) epochs_by_hand: bool,
}

impl Serve {
    pub(crate) fn consensus(&self) -> Option<ConsensusName> {
        self.consensus.as_deref().and_then(ConsensusName::named)
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Ask a node whether it takes transactions: exit code 0, or 1 with the reason.
    Probe {
        /// The node's address.
        #[arg(default_value = "http://127.0.0.1:7420")]
        node: String,
        /// Seconds to wait for its answer.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
        #[command(flatten)]
        tls: ClientTlsArgs,
    },
    /// Make the key of this validator, and print its public half.
    ///
    /// Only the owner can read the file. A genesis, the other validators' peers and
    /// `amanat governance propose add-validator` name the public half.
    #[cfg(feature = "bft")]
    Key {
        /// Where to write the private key; a file that exists is left alone.
        #[arg(long, value_name = "FILE", default_value = "validator.key")]
        out: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct ClientTlsArgs {
    /// The CAs that may sign the node's certificate (PEM). No other CA is trusted.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A certificate to show the node, and the certificates between it and a CA (PEM).
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The certificate's private key (PEM), which only its owner may be able to read.
    #[arg(long, value_name = "FILE")]
    certificate_key: Option<PathBuf>,
}

impl ClientTlsArgs {
    pub(crate) fn files(&self) -> ClientTls {
        let Self { ca, certificate, certificate_key } = self;
        ClientTls { ca: ca.clone(), certificate: certificate.clone(), key: certificate_key.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent_and_a_ledger_is_named_once() {
        Cli::command().debug_assert();
        let parse = |words: &[&str]| Cli::try_parse_from(["amanat-node"].iter().chain(words));
        let cli = parse(&["--config", "node.toml", "--consensus", "bft"]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(cli.serve.consensus(), Some(ConsensusName::Bft));
        assert!(parse(&["--config", "node.toml", "--home", "h"]).is_err());
        assert!(parse(&["--consensus", "raft"]).is_err());
        assert!(parse(&["--home", "h", "probe"]).is_err());
        assert!(parse(&["probe", "http://127.0.0.1:1", "--seconds", "9"]).is_ok());
    }
}
