//! The same ledger from within and over HTTP.

use crate::support::{World, anchor, enrol, issue};
use amanat_api::problem::Kind;
use amanat_api::view::{GovernanceView, StatusView};
use amanat_client::ledger::{
    AccessError, Acknowledged, Embedded, Http, InstalledKey, LedgerAccess, ProofScan, SealedBundle,
};
use amanat_domain::bundle::Registry;
use amanat_domain::field::Fr;
use amanat_domain::mirror::Mirror;
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tree::RevocationId;
use amanat_domain::tx::{Action, KeyDigest, PolicyField, ProofTx, Transaction, TxId};
use amanat_ledger::{Block, Entry, EntryProof, Genesis, Header, InclusionProof, receipts_root, tx_root};
use std::sync::{Arc, Barrier};

fn same_mirror(a: &Mirror, b: &Mirror, leaves: &[(Registry, Vec<Fr>)]) {
    assert_eq!(a.bundle(), b.bundle());
    for (registry, leaves) in leaves {
        for leaf in leaves {
            let path = a.path(*registry, *leaf);
            assert!(path.is_some() && path == b.path(*registry, *leaf), "{}", registry.name());
        }
    }
    for id in [1u64, 49, 51, 98, 100, 1 << 40] {
        let id = RevocationId::new(Fr::from(id)).expect("in range");
        let absence = a.absence(id);
        assert!(absence.is_some() && absence == b.absence(id));
    }
}

#[test]
fn mirrors_are_the_same_from_within_and_over_http_and_as_of_the_bundle() {
    let world = World::new();
    let (embedded, http) = (world.embedded(), world.http());
    // More subjects than a page holds.
    let batches: Vec<Transaction> =
        (0..9u64).map(|i| world.signed(enrol(i * 1024 + 1..=(i + 1) * 1024))).collect();
    for answer in http.submit_all(&batches) {
        assert!(!answer.expect("committed").repeated);
    }
    let roles: Vec<Transaction> = (1..=3).map(|n| world.signed(issue(n))).collect();
    for answer in embedded.submit_all(&roles) {
        answer.expect("committed");
    }
    world.commit(anchor([10, 11], &[99, 50]));
    world.next_epoch();
    let leaves: Vec<(Registry, Vec<Fr>)> = Registry::ALL
        .into_iter()
        .filter(|r| *r != Registry::Revocations)
        .map(|r| (r, world.solo.leaves(1, r, 0, usize::MAX).expect("sealed")))
        .collect();
    assert_eq!(leaves.iter().map(|(_, l)| l.len()).collect::<Vec<_>>(), [9216, 3, 0, 2]);
    // The registries move on, the bundle does not.
    world.commit(enrol([100_000]));
    world.commit(Action::RetireRole { index: 1 });
    world.commit(issue(4));
    world.commit(anchor([12], &[70]));
    let (a, b) = (embedded.mirror().expect("a mirror"), http.mirror().expect("a mirror"));
    assert_eq!(a.bundle().epoch, 1);
    same_mirror(&a, &b, &leaves);
    assert!(b.path(Registry::Subjects, Fr::from(100_000u64)).is_none());
}

#[test]
fn both_accesses_tell_the_same() {
    let world = World::new();
    let all: [Box<dyn LedgerAccess>; 2] = [Box::new(world.embedded()), Box::new(world.http())];
    let tx = world.signed(enrol([1, 2]));
    let acknowledged = all.each_ref().map(|access| access.submit(&tx).expect("committed"));
    assert_eq!(acknowledged[0].receipt, acknowledged[1].receipt);
    assert_eq!(acknowledged.map(|a| a.repeated), [false, true]);
    world.next_epoch();
    let [a, b] = &all;
    assert_eq!(a.genesis().chain_id(), b.genesis().chain_id());
    assert_eq!(a.status().expect("status"), b.status().expect("status"));
    assert_eq!(a.receipt(&tx.id()).expect("readable"), b.receipt(&tx.id()).expect("readable"));
    assert_eq!(b.receipt(&TxId([7; 32])).expect("readable"), None);
    assert_eq!(a.headers(0).expect("headers"), b.headers(0).expect("headers"));
    for height in 0..4 {
        assert_eq!(a.block(height).expect("readable"), b.block(height).expect("readable"));
    }
    for epoch in [None, Some(0), Some(1), Some(2)] {
        assert_eq!(a.bundle(epoch).expect("readable"), b.bundle(epoch).expect("readable"));
    }
    assert!(a.keys().expect("keys").is_empty() && b.keys().expect("keys").is_empty());
    assert_eq!(a.governance().expect("members"), b.governance().expect("members"));
    for access in &all {
        let mut scan = access.proof_transactions(0);
        assert!(scan.next().is_none());
        assert_eq!(scan.next_height(), 3);
        let again = access.submit(&world.signed(enrol([1]))).expect_err("enrolled already");
        let problem = again.problem().expect("a refusal");
        assert_eq!((problem.kind, &*problem.code, problem.status), (Kind::Conflict, "already_enrolled", 409));
    }
}

#[test]
fn the_same_transaction_from_many_clients_at_once_is_committed_once() {
    let world = World::new();
    let tx = world.signed(enrol([1]));
    let start = Barrier::new(8);
    let receipts: Vec<Acknowledged> = std::thread::scope(|scope| {
        let submit = || {
            let http = world.http();
            start.wait();
            http.submit(&tx).expect("committed")
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(submit)).collect();
        all.into_iter().map(|t| t.join().expect("no panic")).collect()
    });
    assert!(receipts.iter().all(|r| r.receipt == receipts[0].receipt));
    assert_eq!(world.solo.status().transactions, 1);
}

#[test]
fn of_transactions_that_exclude_one_another_one_is_committed() {
    let world = World::new();
    let start = Barrier::new(8);
    let outcomes: Vec<Result<Acknowledged, AccessError>> = std::thread::scope(|scope| {
        let submit = || {
            let (http, tx) = (world.http(), world.signed(enrol([1])));
            start.wait();
            http.submit(&tx)
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(submit)).collect();
        all.into_iter().map(|t| t.join().expect("no panic")).collect()
    });
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
    for refused in outcomes.iter().filter_map(|o| o.as_ref().err()) {
        assert_eq!(refused.problem().map(|p| &*p.code), Some("already_enrolled"), "{refused}");
    }
}

#[test]
fn a_node_that_is_not_there_or_not_ours_is_named_with_the_next_step() {
    let said = |address: &str, chain| {
        let error = Http::connect(address, chain).err().expect("an error");
        (error.to_string(), error)
    };
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let (text, error) = said(&format!("http://{free}"), None);
    assert!(matches!(error, AccessError::Unreachable { .. }), "{text}");
    assert!(text.contains("is it running there?"), "{text}");
    let world = World::new();
    let other = crate::support::genesis("elsewhere").chain_id();
    let (text, error) = said(&world.url(), Some(other));
    assert!(matches!(error, AccessError::OtherChain { .. }), "{text}");
    assert!(text.contains(&world.chain().to_string()) && text.contains(&other.to_string()), "{text}");
    for bad in ["https://", "ftp://x", "http://", "http://x/y", "http://a@b", "http://x:1?y"] {
        assert!(matches!(said(bad, None).1, AccessError::Address { .. }), "{bad}");
    }
    // This build has no TLS, or no CA is named: nothing is sent in the clear instead.
    let (text, error) = said(&world.url().replace("http://", "https://"), None);
    assert!(matches!(error, AccessError::Files(_)), "{text}");
    #[cfg(not(feature = "tls"))]
    assert_eq!(text, "this build has no TLS: build with --features tls");
    let foreign = crate::support::sign(other, crate::support::HOSPITAL, enrol([1]));
    let refused = world.http().submit(&Transaction::Signed(Box::new(foreign)));
    assert!(matches!(refused, Err(AccessError::OtherChain { .. })));
}

/// A chain of made-up blocks, to go through.
struct Made {
    genesis: Arc<Genesis>,
    blocks: Vec<Block>,
}

pub(crate) fn proof_tx(genesis: &Genesis, n: u8) -> ProofTx {
    ProofTx {
        chain: genesis.chain_id(),
        statement: Statement::Grant,
        key: KeyDigest([1; 32]),
        epoch: 0,
        bundle: amanat_domain::bundle::BundleHash::new(Fr::from(1u64)),
        audience: [0; 32],
        nonce: [n; 32],
        policy: PolicyField::None,
        nf: [Fr::from(1u64); 2],
        out: [Fr::from(2u64); 2],
        proof: ProofBytes::Groth16([0; 128]),
    }
}

impl Made {
    fn new(world: &World, counts: &[u8]) -> Self {
        let genesis = world.solo.genesis();
        let mut tip: Header = *world.solo.state().tip();
        let mut blocks = vec![Block { header: tip, transactions: Vec::new() }];
        for (n, count) in (1u64..).zip(counts) {
            let mut transactions: Vec<Transaction> = (0..*count)
                .map(|i| Transaction::Proof(Box::new(proof_tx(&genesis, 10 * n as u8 + i))))
                .collect();
            if *count > 0 {
                transactions.insert(0, world.signed(enrol([n])));
            }
            tip = Header {
                height: n,
                parent: tip.hash(),
                tx_root: tx_root(&transactions),
                receipts_root: receipts_root(&[]),
                count: transactions.len() as u32,
                ..tip
            };
            blocks.push(Block { header: tip, transactions });
        }
        Self { genesis, blocks }
    }
}

impl LedgerAccess for Made {
    fn genesis(&self) -> Arc<Genesis> {
        self.genesis.clone()
    }
    fn block(&self, height: u64) -> Result<Option<Block>, AccessError> {
        Ok(self.blocks.get(height as usize).cloned())
    }
    fn headers(&self, from: u64) -> Result<Vec<Header>, AccessError> {
        Ok(self.blocks.iter().skip(from as usize).take(2).map(|b| b.header).collect())
    }
    fn proof_transactions(&self, from_height: u64) -> ProofScan<'_> {
        ProofScan::new(self, from_height)
    }
    fn status(&self) -> Result<StatusView, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn submit(&self, _: &Transaction) -> Result<Acknowledged, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn submit_all(&self, _: &[Transaction]) -> Vec<Result<Acknowledged, AccessError>> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn entry(&self, _: Entry) -> Result<EntryProof, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn receipt(&self, _: &TxId) -> Result<Option<InclusionProof>, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn bundle(&self, _: Option<u64>) -> Result<Option<SealedBundle>, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn mirror(&self) -> Result<Mirror, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn keys(&self) -> Result<Vec<InstalledKey>, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
    fn governance(&self) -> Result<GovernanceView, AccessError> {
        unreachable!("a scan reads headers and blocks only")
    }
}

#[test]
fn a_wallet_goes_through_all_proof_transactions_in_order_and_sees_a_broken_chain() {
    let world = World::new();
    let mut made = Made::new(&world, &[2, 0, 0, 1, 3]);
    let seen: Vec<_> = made.proof_transactions(0).map(|s| s.expect("whole")).collect();
    let places: Vec<(u64, u32)> = seen.iter().map(|s| (s.height, s.index)).collect();
    assert_eq!(places, [(1, 1), (1, 2), (4, 1), (5, 1), (5, 2), (5, 3)]);
    assert!(seen.iter().all(|s| s.txid == Transaction::Proof(Box::new(s.tx.clone())).id()));
    assert_eq!(made.proof_transactions(4).count(), 4);
    made.blocks[3].header.time = amanat_domain::time::Timestamp::MIN;
    let seen: Vec<_> = made.proof_transactions(0).collect();
    assert_eq!(seen.len(), 3, "two, then the error, then no more");
    assert!(matches!(seen.last(), Some(Err(AccessError::Untrustworthy { .. }))));
}

#[test]
fn an_embedded_ledger_without_a_node_seals_epochs_when_asked() {
    let world = World::new();
    let embedded = Embedded::new(world.solo.clone(), world.clock.clone());
    assert_eq!(embedded.tick().expect("no fault"), None);
}
