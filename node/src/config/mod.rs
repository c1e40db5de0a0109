//! A node's configuration file. The file that `amanat cluster init` writes has every key with its
//! value; unknown keys are refused.

mod error;
mod write;

pub use error::{ConfigError, RuleError};

use crate::server::{Acceptor, NodeConfig};
use amanat_api::tls::{TlsError, TlsSettings};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most bytes of a configuration file.
const MAX_BYTES: u64 = 1024 * 1024;

/// What is logged: our own lines, and only the warnings of the consensus engine and its network.
const LOG: &str = "info,arc_malachitebft=warn,libp2p=warn";

/// Of an old key.
const ENGINE_IS_CONSENSUS: &str =
    "the key `engine` is now named `consensus`: write `consensus = ..`; the next version refuses the old key";

/// How blocks are agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsensusName {
    /// One validator by itself.
    Solo,
    /// One of several validators that agree on each block.
    Bft,
}

impl ConsensusName {
    /// The name, as on the command line and in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Bft => "bft",
        }
    }

    /// The consensus of this name; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Solo, Self::Bft].into_iter().find(|known| known.name() == name)
    }
}

/// Format of the log's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

/// A configuration. The file that [`Config::to_toml`] writes explains each key.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_node::config::{Config, ConsensusName};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("node.toml");
/// std::fs::write(&path, "consensus = \"solo\"\n[http]\nlisten = \"127.0.0.1:7500\"\n")?;
/// let config = Config::read(&path)?;
/// assert_eq!(config.consensus, ConsensusName::Solo);
/// // A key that the file leaves out has its default; a path is relative to the file's folder.
/// assert_eq!(config.http.connections, Config::default().http.connections);
/// assert_eq!(config.ledger, path.with_file_name("ledger.redb"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // the written file explains the keys
pub struct Config {
    /// The key was `engine` before; a file with that key is still read.
    #[serde(alias = "engine")]
    pub consensus: ConsensusName,
    pub genesis: PathBuf,
    pub ledger: PathBuf,
    pub log: String,
    pub log_format: LogFormat,
    pub http: Http,
    pub tls: Tls,
    pub bft: Bft,
    /// What an operator should change in the file it was read from.
    #[serde(skip)]
    pub notices: Vec<&'static str>,
}

/// The HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // the written file explains the keys
pub struct Http {
    pub listen: SocketAddr,
    pub connections: usize,
    pub requests: usize,
    pub requests_per_caller: usize,
    pub event_streams: usize,
    pub header_seconds: u64,
    pub body_seconds: u64,
    pub request_seconds: u64,
    pub stall_seconds: u64,
    pub drain_seconds: u64,
}

/// TLS of the HTTP interface. If no certificate is named, the interface is plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // the written file explains the keys
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_ca: PathBuf,
    pub require_client_certificate: bool,
}

/// A validator among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // the written file explains the keys
pub struct Bft {
    pub key: PathBuf,
    pub folder: PathBuf,
    pub consensus: SocketAddr,
    pub transactions: SocketAddr,
    pub follow: bool,
    pub propose_ms: u64,
    pub vote_ms: u64,
    pub status_ms: u64,
    pub idle_ms: u64,
    pub peers: Vec<PeerConfig>,
}

/// Another validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the written file explains the keys
pub struct PeerConfig {
    /// A name for people; nothing depends on it.
    #[serde(default)]
    pub name: String,
    pub key: String,
    pub consensus: SocketAddr,
    pub transactions: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            consensus: ConsensusName::Solo,
            genesis: "genesis.json".into(),
            ledger: "ledger.redb".into(),
            log: LOG.into(),
            log_format: LogFormat::Text,
            http: Http::default(),
            tls: Tls::default(),
            bft: Bft::default(),
            notices: Vec::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        let NodeConfig {
            connections,
            requests,
            requests_per_caller,
            streams,
            header_timeout,
            body_timeout,
            request_timeout,
            stall_timeout,
            drain_timeout,
            tls: _,
        } = NodeConfig::default();
        Self {
            listen: local(7420),
            connections,
            requests,
            requests_per_caller,
            event_streams: streams,
            header_seconds: header_timeout.as_secs(),
            body_seconds: body_timeout.as_secs(),
            request_seconds: request_timeout.as_secs(),
            stall_seconds: stall_timeout.as_secs(),
            drain_seconds: drain_timeout.as_secs(),
        }
    }
}

impl Default for Bft {
    fn default() -> Self {
        Self {
            key: "validator.key".into(),
            folder: "consensus".into(),
            consensus: local(7520),
            transactions: local(7620),
            follow: false,
            propose_ms: 400,
            vote_ms: 150,
            status_ms: 1000,
            idle_ms: 5000,
            peers: Vec::new(),
        }
    }
}

/// An address that only this machine reaches.
#[must_use]
pub fn local(port: u16) -> SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, port).into()
}

impl Tls {
    /// The files that are named.
    fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let all = [&mut self.certificate, &mut self.key, &mut self.client_ca];
        all.into_iter().filter(|path| !path.as_os_str().is_empty())
    }

    fn acceptor(&self) -> Result<Option<Acceptor>, TlsError> {
        if self.certificate.as_os_str().is_empty() {
            return Ok(None);
        }
        let clients = (!self.client_ca.as_os_str().is_empty()).then(|| self.client_ca.clone());
        Ok(Some(Acceptor::new(TlsSettings {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            clients,
            require: self.require_client_certificate,
        })?))
    }
}

impl Config {
    /// The configuration of a home directory: a validator by itself, over the home's genesis and
    /// ledger.
    #[must_use]
    pub fn of_home(home: &Path) -> Self {
        let mut config = Self::default();
        config.resolve(home);
        config
    }

    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut config = Self::parse(path)?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Reads a file and leaves the paths in it as they are.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file.
    pub fn parse(path: &Path) -> Result<Self, ConfigError> {
        let failed = |error| ConfigError::Io(path.to_path_buf(), error);
        let got = std::fs::metadata(path).map_err(failed)?.len();
        if got > MAX_BYTES {
            return Err(ConfigError::TooLong { path: path.to_path_buf(), most: MAX_BYTES, got });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let syntax = |error| ConfigError::Syntax(path.to_path_buf(), Box::new(error));
        let mut config: Self = toml::from_str(&text).map_err(syntax)?;
        // Both keys give the same value, so only the text says which of them was written.
        if text.parse::<toml::Table>().map_err(syntax)?.contains_key("engine") {
            config.notices.push(ENGINE_IS_CONSENSUS);
        }
        config.check().map_err(|rule| ConfigError::Rule(path.to_path_buf(), rule))?;
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let own = [&mut self.genesis, &mut self.ledger, &mut self.bft.key, &mut self.bft.folder];
        for path in own.into_iter().chain(self.tls.files()) {
            *path = folder.join(&*path);
        }
    }

    fn check(&self) -> Result<(), RuleError> {
        let http = &self.http;
        let positive = [
            ("http.connections", http.connections as u64),
            ("http.requests", http.requests as u64),
            ("http.requests_per_caller", http.requests_per_caller as u64),
            ("http.event_streams", http.event_streams as u64),
            ("http.header_seconds", http.header_seconds),
            ("http.body_seconds", http.body_seconds),
            ("http.request_seconds", http.request_seconds),
            ("http.stall_seconds", http.stall_seconds),
            ("bft.propose_ms", self.bft.propose_ms),
            ("bft.vote_ms", self.bft.vote_ms),
            ("bft.status_ms", self.bft.status_ms),
            ("bft.idle_ms", self.bft.idle_ms),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(RuleError::Zero(name));
        }
        let Tls { certificate, key, client_ca, require_client_certificate } = &self.tls;
        let named = |path: &PathBuf| !path.as_os_str().is_empty();
        if named(certificate) != named(key) {
            return Err(RuleError::HalfCertificate);
        }
        if named(client_ca) && !named(certificate) {
            return Err(RuleError::ClientsWithoutCertificate);
        }
        if *require_client_certificate && !named(client_ca) {
            return Err(RuleError::RequiredWithoutClients);
        }
        if self.consensus == ConsensusName::Solo && !self.bft.peers.is_empty() {
            return Err(RuleError::PeersOfSolo);
        }
        Ok(())
    }

    /// Bounds of the node's HTTP interface, and its TLS.
    ///
    /// # Errors
    /// [`TlsError`]: the files of section `[tls]` cannot be used.
    pub fn node(&self) -> Result<NodeConfig, TlsError> {
        let http = &self.http;
        Ok(NodeConfig {
            tls: self.tls.acceptor()?,
            requests_per_caller: http.requests_per_caller,
            connections: http.connections,
            requests: http.requests,
            streams: http.event_streams,
            header_timeout: Duration::from_secs(http.header_seconds),
            body_timeout: Duration::from_secs(http.body_seconds),
            request_timeout: Duration::from_secs(http.request_seconds),
            stall_timeout: Duration::from_secs(http.stall_seconds),
            drain_timeout: Duration::from_secs(http.drain_seconds),
        })
    }
}

#[cfg(test)]
mod tests;
