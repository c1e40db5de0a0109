//! Files for TLS: a node's and a client's. They are read here in every build; one without the
//! feature `tls` says so when they are used.

use amanat_api::tls::{ClientTls, TlsSettings};
use clap::Args;
use std::path::PathBuf;

/// A client's.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "A node with TLS")]
pub(crate) struct ClientTlsArgs {
    /// The CAs that may sign the node's certificate (PEM). No other CA is trusted.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca: Option<PathBuf>,
    /// Your organisation's certificate and the intermediate certificates up to a CA (PEM).
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM), which nobody else may be able to read.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub certificate_key: Option<PathBuf>,
}

impl ClientTlsArgs {
    pub(crate) fn files(&self) -> ClientTls {
        let Self { ca, certificate, certificate_key } = self.clone();
        ClientTls { ca, certificate, key: certificate_key }
    }
}

/// A node's.
#[derive(Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct NodeTlsArgs {
    /// Speak TLS with this certificate (PEM).
    ///
    /// The file also holds the intermediate certificates up to a CA. It is read again at SIGHUP.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key (PEM).
    ///
    /// Nobody else may be able to read it.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Ask clients for certificates of these CAs (PEM).
    ///
    /// Submitting needs one.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub client_ca: Option<PathBuf>,
    /// Answer nothing without a client's certificate.
    #[arg(long, requires = "client_ca")]
    pub require_client_certificate: bool,
}

impl NodeTlsArgs {
    /// The files; `None` if TLS is not asked for.
    pub(crate) fn settings(&self) -> Option<TlsSettings> {
        let (certificate, key) = (self.tls_certificate.clone()?, self.tls_key.clone()?);
        let (clients, require) = (self.client_ca.clone(), self.require_client_certificate);
        Some(TlsSettings { certificate, key, clients, require })
    }
}

#[cfg(test)]
mod tests {
    use crate::args::governance::GovernanceCommand;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use std::path::Path;

    #[test]
    fn a_node_s_files_come_together() {
        let parse = |words: &[&str]| Cli::try_parse_from(["amanat", "node"].iter().chain(words)).is_ok();
        let pair = ["--tls-certificate", "c", "--tls-key", "k"];
        assert!(parse(&[]) && parse(&pair));
        assert!(!parse(&pair[..2]) && !parse(&pair[2..]));
        assert!(!parse(&["--client-ca", "a"]));
        let asking = [&pair[..], &["--client-ca", "a"]].concat();
        assert!(parse(&asking));
        assert!(!parse(&[&pair[..], &["--require-client-certificate"]].concat()));
        assert!(parse(&[&asking[..], &["--require-client-certificate"]].concat()));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn a_build_without_tls_says_so_where_it_is_asked_for() {
        let words = ["amanat", "node", "--tls-certificate", "c", "--tls-key", "k"];
        let Command::Node(args) = Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{e}")).command else {
            panic!("a node")
        };
        let settings = args.tls.settings().expect("TLS is asked for");
        let error = amanat_node::server::Acceptor::new(settings).expect_err("no TLS").to_string();
        assert_eq!(error, "this build has no TLS: build with --features tls");
    }

    #[test]
    fn a_client_s_files_may_stand_before_and_after_what_is_proposed() {
        let files = ["--node", "https://x", "--ca", "a", "--certificate", "c", "--certificate-key", "k"];
        let what = ["remove-organisation", "Organization/x"];
        for words in [[&files[..], &what].concat(), [&what[..], &files].concat()] {
            let words = ["amanat", "governance", "propose"].iter().chain(&words);
            let cli = Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{e}"));
            let Command::Governance(GovernanceCommand::Propose { by, .. }) = cli.command else {
                panic!("a proposal")
            };
            let files = by.at().tls.files();
            assert_eq!(files.ca.as_deref(), Some(Path::new("a")));
            assert_eq!(files.certificate.as_deref(), Some(Path::new("c")));
            assert_eq!(files.key.as_deref(), Some(Path::new("k")));
        }
    }
}
