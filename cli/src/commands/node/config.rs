//! A node's configuration file. Every default is written out in the file that `cluster init` makes; unknown keys are refused.

use amanat_api::tls::TlsSettings;
use amanat_node::server::{Acceptor, NodeConfig};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most bytes of a configuration file.
const MAX_BYTES: u64 = 1024 * 1024;

/// What is logged: our own words, and only the troubles of the consensus engine and its network.
pub(crate) const LOG: &str = "info,arc_malachitebft=warn,libp2p=warn";

/// What makes the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EngineName {
    /// One validator by itself.
    Solo,
    /// One of several that agree.
    Bft,
}

impl EngineName {
    /// As on the command line and in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Bft => "bft",
        }
    }

    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Solo, Self::Bft].into_iter().find(|engine| engine.name() == name)
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub engine: EngineName,
    pub genesis: PathBuf,
    pub ledger: PathBuf,
    pub log: String,
    pub log_format: LogFormat,
    pub http: Http,
    pub tls: Tls,
    pub bft: Bft,
}

/// The HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
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

/// TLS of the HTTP interface; none where no file is named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_ca: PathBuf,
    pub require_client_certificate: bool,
}

/// The engine of many validators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Bft {
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
pub(crate) struct PeerConfig {
    /// For people; nothing depends on it.
    #[serde(default)]
    pub name: String,
    pub key: String,
    pub consensus: SocketAddr,
    pub transactions: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: EngineName::Solo,
            genesis: "genesis.json".into(),
            ledger: "ledger.redb".into(),
            log: LOG.into(),
            log_format: LogFormat::Text,
            http: Http::default(),
            tls: Tls::default(),
            bft: Bft::default(),
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

/// An address of this machine alone.
pub(crate) fn local(port: u16) -> SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, port).into()
}

impl Tls {
    /// The files that are named.
    fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let all = [&mut self.certificate, &mut self.key, &mut self.client_ca];
        all.into_iter().filter(|path| !path.as_os_str().is_empty())
    }

    fn acceptor(&self) -> Result<Option<Acceptor>> {
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
    /// Reads a file. Paths in it are relative to its folder.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut config = Self::parse(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for path in [&mut config.genesis, &mut config.ledger, &mut config.bft.key, &mut config.bft.folder]
            .into_iter()
            .chain(config.tls.files())
        {
            *path = folder.join(&*path);
        }
        Ok(config)
    }

    /// Reads a file and leaves the paths in it as they are.
    pub(crate) fn parse(path: &Path) -> Result<Self> {
        let length =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
        if length > MAX_BYTES {
            bail!("{} is too long for a configuration: {length} bytes, at most {MAX_BYTES}", path.display());
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Self =
            toml::from_str(&text).with_context(|| format!("{} cannot be followed", path.display()))?;
        config.check().with_context(|| format!("{} cannot be followed", path.display()))?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
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
            bail!("{name} is 0: it must be at least 1");
        }
        let Tls { certificate, key, client_ca, require_client_certificate } = &self.tls;
        let named = |path: &PathBuf| !path.as_os_str().is_empty();
        if named(certificate) != named(key) {
            bail!("tls.certificate and tls.key come together: name both, or neither");
        }
        if named(client_ca) && !named(certificate) {
            bail!("tls.client_ca asks clients for certificates, but there is no tls.certificate of the node");
        }
        if *require_client_certificate && !named(client_ca) {
            bail!("tls.require_client_certificate needs tls.client_ca: whose certificates to believe");
        }
        if self.engine == EngineName::Solo && !self.bft.peers.is_empty() {
            bail!("bft.peers names other validators, but the engine is \"solo\": set engine = \"bft\"");
        }
        Ok(())
    }

    /// Bounds of the node, and its TLS.
    pub(crate) fn node(&self) -> Result<NodeConfig> {
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

    /// The file, every value written out with a word on what it is.
    pub(crate) fn to_toml(&self) -> String {
        let (http, bft) = (&self.http, &self.bft);
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let mut text = format!(
            "# A node of a ledger. What is left out is as it is when a file says nothing; what is not known is refused. Paths are relative to\n\
             # this file.\n\n\
             # What makes the blocks: \"solo\", one validator by itself, or \"bft\", one of several that agree.\n\
             engine = {engine}\n\
             # What the ledger is, and where it is kept. The ledger is made when it is not there.\n\
             genesis = {genesis}\n\
             ledger = {ledger}\n\
             # What is logged, as tracing's filters say it, on standard error; AMANAT_LOG, where set, comes first.\n\
             log = {log}\n\
             # How: \"text\", or \"json\", an object a line.\n\
             log_format = {log_format}\n\n\
             [http]\n\
             # Where clients and probes reach the node.\n\
             listen = \"{listen}\"\n\
             # Most connections; more wait to be accepted.\n\
             connections = {connections}\n\
             # Most requests at work, submissions at work of one organisation or address, and event streams; more are answered 503.\n\
             requests = {requests}\n\
             requests_per_caller = {per_caller}\n\
             event_streams = {streams}\n\
             # Seconds: for a request's head, for its body, for the answer to be made, without a byte of it taken, and for what is in flight at\n\
             # shutdown.\n\
             header_seconds = {header}\n\
             body_seconds = {body}\n\
             request_seconds = {request}\n\
             stall_seconds = {stall}\n\
             drain_seconds = {drain}\n\n\
             [tls]\n\
             # Certificate and key of the HTTP interface, and the CAs of clients' certificates (PEM); plain HTTP where there is none. They are\n\
             # read again at SIGHUP. With CAs, submitting needs a certificate; where one is required, everything does.\n\
             certificate = {certificate}\n\
             key = {tls_key}\n\
             client_ca = {client_ca}\n\
             require_client_certificate = {require}\n\n\
             [bft]\n\
             # This validator's private key: 64 hexadecimal digits, for the owner's eyes only.\n\
             key = {key}\n\
             # The engine's write-ahead log. It goes with the ledger file: keep both, or lose both.\n\
             folder = {folder}\n\
             # Where the other validators reach this one: for consensus, and with transactions.\n\
             consensus = \"{consensus}\"\n\
             transactions = \"{transactions}\"\n\
             # Take part without a vote while the key is not among the validators.\n\
             follow = {follow}\n\
             # Milliseconds: for a round's block (longer with each round), for votes, between two reports of how far this validator is, and\n\
             # without a block while nothing is to be decided.\n\
             propose_ms = {propose}\n\
             vote_ms = {vote}\n\
             status_ms = {status}\n\
             idle_ms = {idle}\n",
            engine = quoted(self.engine.name()),
            genesis = path(&self.genesis),
            ledger = path(&self.ledger),
            log = quoted(&self.log),
            log_format = quoted(if self.log_format == LogFormat::Json { "json" } else { "text" }),
            listen = http.listen,
            connections = http.connections,
            requests = http.requests,
            per_caller = http.requests_per_caller,
            certificate = path(&self.tls.certificate),
            tls_key = path(&self.tls.key),
            client_ca = path(&self.tls.client_ca),
            require = self.tls.require_client_certificate,
            streams = http.event_streams,
            header = http.header_seconds,
            body = http.body_seconds,
            request = http.request_seconds,
            stall = http.stall_seconds,
            drain = http.drain_seconds,
            key = path(&bft.key),
            folder = path(&bft.folder),
            consensus = bft.consensus,
            transactions = bft.transactions,
            follow = bft.follow,
            propose = bft.propose_ms,
            vote = bft.vote_ms,
            status = bft.status_ms,
            idle = bft.idle_ms,
        );
        if !bft.peers.is_empty() {
            text.push_str("\n# Every other validator. Nobody else is spoken to.\n");
        }
        for peer in &bft.peers {
            text.push_str(&format!(
                "[[bft.peers]]\nname = {}\nkey = {}\nconsensus = \"{}\"\ntransactions = \"{}\"\n",
                quoted(&peer.name),
                quoted(&peer.key),
                peer.consensus,
                peer.transactions
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("node.toml");
        std::fs::write(&path, text)?;
        let mut config = Config::read(&path)?;
        for path in [&mut config.genesis, &mut config.ledger, &mut config.bft.key, &mut config.bft.folder]
            .into_iter()
            .chain(config.tls.files())
        {
            *path = path.strip_prefix(folder.path())?.to_owned();
        }
        Ok(config)
    }

    #[test]
    fn the_file_that_is_written_says_what_is_and_names_every_key() {
        let default = Config::default();
        assert_eq!(read("").expect("nothing is fine"), default);
        assert_eq!(read(&default.to_toml()).expect("as written"), default);
        let mut other = Config { engine: EngineName::Bft, log: "warn,audit=info".into(), ..default };
        other.bft.folder = "a \"folder\"\\".into();
        other.http.requests = 7;
        other.tls.certificate = "node.pem".into();
        other.tls.key = "node.key".into();
        other.bft.peers = (1..3)
            .map(|n| PeerConfig {
                name: format!("Hospital \"{n}\""),
                key: "ab".repeat(32),
                consensus: local(n),
                transactions: local(n + 1),
            })
            .collect();
        let text = other.to_toml();
        assert_eq!(read(&text).expect("as written"), other);
        // Whatever the structure has is in the file.
        let table = toml::Table::try_from(&other).expect("a table");
        let written: toml::Table = text.parse().expect("a table");
        assert_eq!(table, written);
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_name() {
        for (text, words) in [
            ("colour = \"red\"", "colour"),
            ("[http]\nlisten = \"nowhere\"", "listen"),
            ("[http]\nrequests = 0", "http.requests is 0"),
            ("[bft]\nvote_ms = 0", "bft.vote_ms is 0"),
            ("[bft]\nvotems = 1", "votems"),
            ("engine = \"raft\"", "raft"),
            ("[[bft.peers]]\nkey = \"ab\"", "consensus"),
            ("[[bft.peers]]\nkey=\"ab\"\nconsensus=\"127.0.0.1:1\"\ntransactions=\"127.0.0.1:2\"", "solo"),
            ("[tls]\nkey = \"k\"", "tls.certificate and tls.key"),
            ("[tls]\nclient_ca = \"k\"", "tls.client_ca"),
            ("[tls]\nrequire_client_certificate = true", "tls.client_ca"),
            ("engine = ", "node.toml"),
        ] {
            let error = format!("{:#}", read(text).expect_err(text));
            assert!(error.contains(words) && error.contains("node.toml"), "{text}: {error}");
        }
    }
}
