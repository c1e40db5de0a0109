//! Where the other validators are. Their network identity is their key, so what an operator lists
//! here is the allow-list.

use crate::error::Error;
use amanat_domain::quorum::{ValidatorKey, ValidatorSet};
use arc_malachitebft_app_channel::app::net::Multiaddr;
use arc_malachitebft_app_channel::app::types::PeerId;
use std::net::SocketAddr;

/// Another validator and where it listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Which validator.
    pub key: ValidatorKey,
    /// Where it takes part in consensus.
    pub consensus: SocketAddr,
    /// Where it takes transactions that others received.
    pub gossip: SocketAddr,
}

/// Every other validator, each once. There may be more: a ledger that was stopped while validators
/// changed does not know them yet.
pub(crate) fn check(
    set: &ValidatorSet,
    own: ValidatorKey,
    peers: &[Peer],
    follow: bool,
) -> Result<(), Error> {
    if !set.contains(&own) {
        if !follow {
            return Err(Error::Stranger(own));
        }
        tracing::warn!(key = %own, "this key is not among the validators: the node follows, and votes once the key is voted in");
    }
    let twice =
        |(i, p): &(usize, &Peer)| p.key == own || peers[..*i].iter().any(|before| before.key == p.key);
    if let Some((_, peer)) = peers.iter().enumerate().find(twice) {
        return Err(Error::PeerTwice(peer.key));
    }
    for peer in peers.iter().filter(|p| !set.contains(&p.key)) {
        tracing::warn!(key = %peer.key, "a peer is not a validator as of the last block here");
    }
    let missing = |key: &&ValidatorKey| **key != own && !peers.iter().any(|p| p.key == **key);
    set.keys().iter().find(missing).map_or(Ok(()), |key| Err(Error::NoAddress(*key)))
}

/// A socket address as the network writes it.
pub(crate) fn listen(address: SocketAddr) -> Multiaddr {
    multiaddr(&format!("{}/tcp/{}", ip(address), address.port()))
}

/// The same of a peer: a connection with another identity is not accepted there.
pub(crate) fn dial(address: SocketAddr, key: ValidatorKey) -> Multiaddr {
    multiaddr(&format!("{}/tcp/{}/p2p/{}", ip(address), address.port(), peer_id(key)))
}

fn ip(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(a) => format!("/ip4/{}", a.ip()),
        SocketAddr::V6(a) => format!("/ip6/{}", a.ip()),
    }
}

fn multiaddr(text: &str) -> Multiaddr {
    text.parse().expect("made of an address and a port")
}

/// The network identity of a validator: a multihash that holds the protobuf of the key itself
/// (libp2p's rule for short keys).
pub(crate) fn peer_id(key: ValidatorKey) -> PeerId {
    let mut bytes = vec![0x00, 36, 0x08, 0x01, 0x12, 32];
    bytes.extend(key.0);
    PeerId::from_bytes(&bytes).expect("an identity multihash of 36 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ValidatorSecret;

    #[test]
    fn a_peer_id_is_that_of_the_key_pair() {
        let secret = ValidatorSecret::from_bytes(&[7; 32]);
        let of_pair = secret.keypair().public().to_peer_id();
        assert_eq!(peer_id(secret.key()).to_bytes(), of_pair.to_bytes());
        let address = dial("[::1]:9".parse().expect("an address"), secret.key());
        assert_eq!(address.to_string(), format!("/ip6/::1/tcp/9/p2p/{of_pair}"));
    }
}
