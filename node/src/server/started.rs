//! What is said of a node that serves.

use amanat_domain::tx::ChainId;
use std::net::SocketAddr;

/// A node that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Its chain.
    pub chain: ChainId,
    /// What computes: the backend's name.
    pub computes: &'static str,
    /// Its consensus.
    pub consensus: &'static str,
}

impl core::fmt::Display for Started {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { address, chain, computes, .. } = self;
        let scheme = if self.tls { "https" } else { "http" };
        write!(
            f,
            "node of chain {chain} listens on {scheme}://{address} (interface: {scheme}://{address}/openapi.json); backend {computes}"
        )
    }
}

impl Started {
    /// The same as a JSON document.
    #[must_use]
    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "listen": self.address,
            "chain": self.chain.to_string(),
            "engine": self.computes,
            "blocks": self.consensus,
        })
    }
}
