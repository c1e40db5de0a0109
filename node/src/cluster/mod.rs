//! Several validators founded in one place: their folders, each with key, genesis and
//! configuration.
//!
//! For development and for trying out: all secrets are made on one machine. [`members`] draws the
//! keys, the caller makes a genesis that names them, [`write()`] lays out the folders, [`run()`]
//! starts a process for each.

mod run;

pub use run::{RunError, run};

use crate::config::{Bft, Config, ConsensusName, PeerConfig, local};
use crate::validator_key::random;
use amanat_bft::{SecretError, ValidatorSecret};
use amanat_domain::quorum::ValidatorKey;
use amanat_ledger::Genesis;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Names of the files in a validator's folder, and of the genesis in the cluster's.
const GENESIS: &str = "genesis.json";
const CONFIG: &str = "node.toml";
const KEY: &str = "validator.key";

/// A file beside the consensus log that says that a validator has never voted. The node removes it
/// once there is a log.
pub const NEVER_VOTED: &str = "never-voted";

/// Distance between the ports of one validator: HTTP, consensus, transactions.
const APART: u16 = 100;

/// Highest first port that leaves room for the others.
const MAX_PORT: u16 = u16::MAX - 2 * APART - 32;

/// What [`NEVER_VOTED`] says to a reader.
const NEVER_VOTED_TEXT: &str = "This validator has never voted. The node removes this file when it begins its log: do not bring it back.\n";

/// A validator that is being founded.
pub struct Member {
    /// Name of its folder.
    pub name: String,
    /// Reference of the organisation that runs it.
    pub organisation: String,
    /// Where its HTTP interface listens: on this machine alone until its operator says otherwise.
    pub http: SocketAddr,
    /// Where it takes part in consensus.
    pub consensus: SocketAddr,
    /// Where it takes transactions from the other validators.
    pub transactions: SocketAddr,
    secret: ValidatorSecret,
}

/// Why a cluster was not founded, or its folder is not understood.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name the fields
pub enum ClusterError {
    #[error("--hosts: {validators} addresses expected, got {hosts}: give one for each validator, in order")]
    Hosts { hosts: usize, validators: usize },
    #[error("--port {got}: give 1 to {MAX_PORT}")]
    Port { got: u16 },
    #[error("--validators: at most {APART}")]
    TooMany,
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Key(#[from] SecretError),
    #[error("{} has no validator-1/{CONFIG}: make a cluster with `amanat cluster init`", .0.display())]
    NoCluster(PathBuf),
}

/// Draws a key for a validator of each organisation and gives it addresses: on the hosts named, or
/// on this machine with a port for each.
///
/// # Errors
/// [`ClusterError::Hosts`], [`ClusterError::Port`], [`ClusterError::TooMany`].
pub fn members(organisations: &[String], hosts: &[IpAddr], port: u16) -> Result<Vec<Member>, ClusterError> {
    let n = organisations.len();
    if !hosts.is_empty() && hosts.len() != n {
        return Err(ClusterError::Hosts { hosts: hosts.len(), validators: n });
    }
    if n > usize::from(APART) {
        return Err(ClusterError::TooMany);
    }
    let last = u32::from(port) + u32::from(2 * APART) + n as u32;
    if port == 0 || last > u32::from(u16::MAX) {
        return Err(ClusterError::Port { got: port });
    }
    let member = |(k, organisation): (usize, &String)| {
        // Hosts have one validator each, so all can use the same ports; this machine has them all.
        let port = port + if hosts.is_empty() { k as u16 } else { 0 };
        let at = |port| hosts.get(k).map_or_else(|| local(port), |host| (*host, port).into());
        Member {
            name: format!("validator-{}", k + 1),
            organisation: organisation.clone(),
            http: local(port),
            consensus: at(port + APART),
            transactions: at(port + 2 * APART),
            secret: random(),
        }
    };
    Ok(organisations.iter().enumerate().map(member).collect())
}

/// Writes the genesis, and a folder for each member. What fails leaves files behind: the caller
/// removes the folder.
///
/// # Errors
/// [`ClusterError::Write`], [`ClusterError::Key`].
pub fn write(dir: &Path, members: &[Member], genesis: &Genesis) -> Result<(), ClusterError> {
    let genesis = genesis.to_json();
    file(&dir.join(GENESIS), &genesis)?;
    members.iter().try_for_each(|member| member.write(dir, members, &genesis))
}

impl Member {
    /// Its public key, as a genesis names it.
    #[must_use]
    pub fn key(&self) -> ValidatorKey {
        self.secret.key()
    }

    fn write(&self, dir: &Path, all: &[Self], genesis: &[u8]) -> Result<(), ClusterError> {
        let folder = dir.join(&self.name);
        let config = self.config(all);
        let log = folder.join(&config.bft.folder);
        std::fs::create_dir_all(&log).map_err(|error| ClusterError::Write(log.clone(), error))?;
        self.secret.write(&folder.join(KEY))?;
        file(&folder.join(GENESIS), genesis)?;
        file(&folder.join(CONFIG), config.to_toml().as_bytes())?;
        file(&log.join(NEVER_VOTED), NEVER_VOTED_TEXT.as_bytes())
    }

    fn config(&self, all: &[Self]) -> Config {
        let mut config = Config { consensus: ConsensusName::Bft, ..Config::default() };
        config.http.listen = self.http;
        let peer = |other: &Self| PeerConfig {
            name: other.organisation.clone(),
            key: other.key().to_string(),
            consensus: other.consensus,
            transactions: other.transactions,
        };
        config.bft = Bft {
            consensus: self.consensus,
            transactions: self.transactions,
            peers: all.iter().filter(|other| other.name != self.name).map(peer).collect(),
            ..config.bft
        };
        config
    }
}

fn file(path: &Path, bytes: &[u8]) -> Result<(), ClusterError> {
    std::fs::write(path, bytes).map_err(|error| ClusterError::Write(path.to_path_buf(), error))
}

/// Names and configuration files of a cluster's validators, in order.
///
/// # Errors
/// [`ClusterError::NoCluster`].
pub fn configurations(dir: &Path) -> Result<Vec<(String, PathBuf)>, ClusterError> {
    let named = (1..).map(|k| format!("validator-{k}")).map(|name| (dir.join(&name).join(CONFIG), name));
    let found: Vec<_> =
        named.take_while(|(path, _)| path.exists()).map(|(path, name)| (name, path)).collect();
    if found.is_empty() { Err(ClusterError::NoCluster(dir.to_path_buf())) } else { Ok(found) }
}

/// Where a node with this configuration is reached from its own machine, and whether it speaks TLS
/// there.
#[must_use]
pub fn reached(config: &Config) -> (String, bool) {
    let mut at = config.http.listen;
    match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => at.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => at.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let tls = !config.tls.certificate.as_os_str().is_empty();
    (format!("{}://{at}", if tls { "https" } else { "http" }), tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisations(n: usize) -> Vec<String> {
        (1..=n).map(|k| format!("Organization/hospital-{k}")).collect()
    }

    #[test]
    fn validators_of_one_machine_have_ports_and_those_of_many_have_hosts_of_their_own() {
        let here = members(&organisations(2), &[], 7420).expect("members");
        assert_eq!(here.iter().map(|m| m.http.port()).collect::<Vec<_>>(), [7420, 7421]);
        assert_eq!(here[1].transactions, local(7621));
        let hosts = ["10.0.0.1", "10.0.0.2"].map(|host| host.parse().expect("an address"));
        let apart = members(&organisations(2), &hosts, 7420).expect("members");
        assert_eq!(apart[1].consensus, (hosts[1], 7520).into());
        assert_eq!(apart[1].http, local(7420), "reached from its own machine alone");
        assert_ne!(apart[0].key(), apart[1].key());
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_written() {
        let words =
            |n, hosts: &[IpAddr], port| members(&organisations(n), hosts, port).err().map(|e| e.to_string());
        let host = [IpAddr::from(Ipv4Addr::LOCALHOST)];
        assert_eq!(
            words(2, &host, 7420).as_deref(),
            Some("--hosts: 2 addresses expected, got 1: give one for each validator, in order")
        );
        assert_eq!(words(1, &[], 0).as_deref(), Some("--port 0: give 1 to 65303"));
        assert_eq!(words(1, &[], 65_400).as_deref(), Some("--port 65400: give 1 to 65303"));
        assert_eq!(words(101, &[], 7420).as_deref(), Some("--validators: at most 100"));
    }

    #[test]
    fn a_node_that_listens_everywhere_is_reached_at_home() {
        let mut config = Config::default();
        config.http.listen = "0.0.0.0:7420".parse().expect("an address");
        assert_eq!(reached(&config), ("http://127.0.0.1:7420".to_owned(), false));
        config.tls.certificate = "node.pem".into();
        config.http.listen = "[::]:7420".parse().expect("an address");
        assert_eq!(reached(&config), ("https://[::1]:7420".to_owned(), true));
    }
}
