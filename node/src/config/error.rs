//! Why a configuration is refused.

use std::io;
use std::path::PathBuf;

/// Why a node does not follow a configuration file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Io(PathBuf, #[source] io::Error),
    /// The file is longer than a configuration may be.
    #[error("{path} is too long for a configuration: {got} bytes, at most {most}")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        most: u64,
        /// Its length in bytes.
        got: u64,
    },
    /// The text is no TOML, or has a key or a value that is not known.
    #[error("{0} is not a valid configuration")]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    /// The values do not go together.
    #[error("{0} is not a valid configuration")]
    Rule(PathBuf, #[source] RuleError),
}

/// Values of a configuration that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages name the keys
pub enum RuleError {
    #[error("{0} is 0: it must be at least 1")]
    Zero(&'static str),
    #[error("tls.certificate and tls.key come together: name both, or neither")]
    HalfCertificate,
    #[error("tls.client_ca asks clients for certificates, but there is no tls.certificate of the node")]
    ClientsWithoutCertificate,
    #[error("tls.require_client_certificate needs tls.client_ca: name the CAs to trust")]
    RequiredWithoutClients,
    #[error("bft.peers names other validators, but the consensus is \"solo\": set consensus = \"bft\"")]
    PeersOfSolo,
    #[error("bft.peers: the key of {0:?} is not 64 hexadecimal digits")]
    PeerKey(String),
}
