//! What the suite asks of a ledger, whichever engine runs it, and settings that all clusters share.

use crate::world::*;
use amanat_bft::{Peer, Settings, ValidatorSecret};
use amanat_domain::quorum::Certificate;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::TxId;
use amanat_ledger::*;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// How long anything may take before a test says that it hangs. Machines that build something else
/// meanwhile are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A transaction's way through an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Committed { txid: TxId, height: u64 },
    Before { txid: TxId, height: u64 },
    Refused(String),
}

impl Answer {
    pub(crate) fn of(outcome: Result<Submitted, SubmitError>) -> Self {
        match outcome {
            Ok(Submitted::Committed(r)) => Self::Committed { txid: r.txid, height: r.height },
            Ok(Submitted::AlreadyCommitted(r)) => Self::Before { txid: r.txid, height: r.height },
            Err(refused) => Self::Refused(refused.to_string()),
        }
    }

    #[track_caller]
    pub(crate) fn height(&self) -> u64 {
        match self {
            Self::Committed { height, .. } => *height,
            other => panic!("not committed: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refusal(self) -> String {
        match self {
            Self::Refused(why) => why,
            other => panic!("not refused: {other:?}"),
        }
    }
}

/// A ledger behind some engine. Every call is answered within [`PATIENCE`] or fails with words.
pub(crate) trait Ledger {
    fn genesis(&self) -> Arc<Genesis>;
    /// Submits all at once, to different validators where there are several.
    fn submit_all(&self, txs: &[Vec<u8>]) -> Vec<Answer>;
    /// Height of the last block that every validator has.
    fn height(&self) -> u64;
    fn block(&self, height: u64) -> Block;
    fn certificate(&self, height: u64) -> Option<Certificate>;
    fn inclusion(&self, txid: &TxId) -> InclusionProof;
    fn prove(&self, entry: Entry) -> EntryProof;
    fn set_clock(&self, now: Timestamp);
    /// Waits until every validator has a block of this epoch.
    fn wait_epoch(&self, epoch: u64);
    /// Stops everything and starts it again over the same files.
    fn restart(&mut self);

    fn submit(&self, tx: &[u8]) -> Answer {
        self.submit_all(&[tx.to_vec()]).pop().expect("one answer")
    }
}

pub(crate) fn secret(n: u8) -> ValidatorSecret {
    ValidatorSecret::from_bytes(&validator(n).to_bytes())
}

/// Ports that nobody uses now, tried one after the other.
pub(crate) fn ports(n: usize) -> Vec<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 10_000 + (std::process::id() % 200) as u16 * 100;
    let mut found = Vec::new();
    for _ in 0..10_000 {
        let port = base.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)).max(1024);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            found.push(port);
        }
        if found.len() == n {
            return found;
        }
    }
    panic!("no free ports on this machine");
}

fn at_port(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Settings of the n-th validator: ports are consensus and gossip, in turn.
pub(crate) fn settings(n: u8, ports: &[u16], folder: &Path) -> Settings {
    settings_via(n, ports, ports, folder)
}

/// The same, if the others are reached by ports other than their listening ports.
pub(crate) fn settings_via(n: u8, ports: &[u16], via: &[u16], folder: &Path) -> Settings {
    let of = |ports: &[u16], n: u8| (at_port(ports[2 * n as usize]), at_port(ports[2 * n as usize + 1]));
    let others = (0..ports.len() as u8 / 2).filter(|m| *m != n);
    let peer = |m| Peer { key: secret(m).key(), consensus: of(via, m).0, gossip: of(via, m).1 };
    let peers = others.map(peer).collect();
    let (consensus, gossip) = of(ports, n);
    let mut settings = Settings::new(folder.join(format!("wal-{n}")), consensus, gossip, peers);
    // An idle cluster makes a block now and then; a test should not wait long for one.
    settings.idle = Duration::from_millis(500);
    // A validator that starts for the first time has never voted.
    settings.new_log = !settings.folder.exists();
    settings
}

/// Validates the whole history of a ledger file, and every certificate. Returns the headers.
pub(crate) fn audit(path: &Path, validators: u8) -> Vec<Header> {
    let genesis = validated_genesis(validators);
    let chain = Chain::open(Storage::File(path.to_path_buf())).expect("a good file");
    let set = &genesis.validators().expect("some").set;
    let mut replay = State::genesis(genesis.clone());
    let mut headers = vec![*replay.tip()];
    for height in 1..=chain.status().tip.height {
        let block = chain.block(height).expect("no fault").expect("there");
        let certificate = chain.certificate(height).expect("no fault").expect("certified");
        assert_eq!(certificate.block, block.header.hash().0);
        assert_eq!(certificate.verify(genesis.chain_id(), set), Ok(()), "block {height}");
        let delta = process_proposal(&replay, &block, &unknown).expect("valid");
        replay.commit(delta);
        headers.push(*replay.tip());
    }
    assert_eq!(replay.commitments(), chain.state().commitments());
    headers
}
