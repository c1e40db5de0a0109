//! TLS: the files it needs and why they may be no use.
//!
//! All types are here in every build, so that a command line or a settings file reads the same.
//! What they do needs the feature `tls`; without it there is one error that says so,
//! [`TlsError::NotBuilt`].

#[cfg(feature = "tls")]
pub mod pem;

use std::io;
use std::path::PathBuf;

/// What a certificate's URI begins with that names an organisation; its id follows, 64 hexadecimal
/// digits.
pub const ORGANISATION_URN: &str = "urn:amanat:organisation:";

/// What a node needs to speak TLS. All files are PEM, of at most 1 MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The node's certificate, then the intermediate certificates up to a CA that clients know.
    pub certificate: PathBuf,
    /// Its private key; nobody but the owner may be able to read the file.
    pub key: PathBuf,
    /// The CAs that sign clients' certificates. With them a client is asked for one, and submitting
    /// needs one.
    pub clients: Option<PathBuf>,
    /// Whether nothing at all is answered without a client's certificate.
    pub require: bool,
}

/// What a client needs to speak TLS. All files are PEM, of at most 1 MiB.
///
/// ```
/// use amanat_api::tls::ClientTls;
/// // Trust nodes whose certificate this CA signed, and show them no certificate.
/// let tls = ClientTls { ca: Some("ca.pem".into()), ..ClientTls::default() };
/// assert!(!tls.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// The CAs that may sign a node's certificate. No others are believed.
    pub ca: Option<PathBuf>,
    /// The client's certificate, then the intermediate certificates up to a CA that the node knows.
    pub certificate: Option<PathBuf>,
    /// Its private key; nobody but the owner may be able to read the file.
    pub key: Option<PathBuf>,
}

impl ClientTls {
    /// Whether no file is named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none() && self.key.is_none()
    }
}

/// Why TLS cannot be spoken with these files.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum TlsError {
    #[error("this build has no TLS: build with --features tls")]
    NotBuilt,
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    #[error("{0} has more than {1} bytes: name a PEM file of certificates or a key")]
    TooLong(PathBuf, u64),
    #[error("{0} is not a PEM file with {1}")]
    Malformed(PathBuf, &'static str),
    #[error("key {0} can be read by others: set its mode to 600, and replace it if anyone may have read it")]
    Exposed(PathBuf),
    #[error(
        "certificate {0} cannot be used with its key ({1}): name the pair that belongs together, or make both again"
    )]
    Unfit(PathBuf, String),
    #[error("{0} cannot be used as a list of CAs ({1}): name a PEM file of CA certificates")]
    Authority(PathBuf, String),
    #[error("clients' certificates are required, but no CA of clients is named: name its file as well")]
    NoClientAuthority,
    #[error("{0} is missing: a certificate needs its key, and a key its certificate")]
    Half(&'static str),
    #[error("no CA is named: name the file of the CA that signed the node's certificate")]
    NoAuthority,
}
