//! The loop's answers, message by message.

use super::*;
use amanat_domain::quorum::Certificate;
use amanat_ledger::Storage;
use amanat_testkit::ledger::*;
use arc_malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use arc_malachitebft_app_channel::app::types::core::CommitSignature;
use bytes::Bytes;

const PEER: &[u8] = b"a peer";

/// A ledger of four validators in a separate folder.
fn ledger(folder: &std::path::Path, name: &str) -> Arc<Chain> {
    let medium = Storage::File(folder.join(name));
    Arc::new(Chain::create(medium, validated_genesis(4)).expect("a new ledger"))
}

fn secret(n: u8) -> ValidatorSecret {
    ValidatorSecret::from_bytes(&validator(n).to_bytes())
}

fn host(chain: Arc<Chain>) -> ConsensusHost {
    let tip = *chain.state().tip();
    ConsensusHost::new(App {
        chain,
        secret: secret(0),
        clock: Arc::new(|| at(1)),
        // Longer than anyone waits.
        idle: Duration::from_secs(24 * 3600),
        timeouts: LinearTimeouts::default(),
        network: mpsc::channel(1).0,
        arrived: Arc::default(),
        tip: watch::Sender::new(tip),
        metrics: Arc::default(),
        learn_until: None,
        insecure_tamper: None,
    })
}

/// What another validator decides meanwhile.
fn two_blocks(folder: &std::path::Path) -> [(Block, Certificate); 2] {
    let ahead = ledger(folder, "ahead");
    [1, 2].map(|n| {
        let _ = ahead.admit(&enrol(&ahead.genesis(), n).to_bytes(), at(1)).expect("admitted");
        let delta = ahead.prepare_proposal(at(1)).expect("a block");
        let block = delta.block().clone();
        let certificate = certify(&block.header, 0, &[0, 1, 2]);
        ahead.commit(delta, Some(&certificate)).expect("committed");
        (block, certificate)
    })
}

/// A block as its proposer announces it in a round.
fn announced(chain: &Chain, block: &Block, round: u32) -> (Init, Vec<u8>) {
    let (height, round, bytes) = (Height(block.header.height), Round::new(round), block.to_bytes());
    let proposer = Members::new(&agreeing(chain, height.0)).proposer(height, round).address();
    let mut init = Init {
        height,
        round,
        valid_round: Round::Nil,
        proposer,
        block: block.header.hash(),
        bytes: bytes.len() as u32,
        signature: Signature([0; 64]),
    };
    let signer = (0..4).map(secret).find(|s| s.key() == proposer.0).expect("one of the four");
    init.signature = signer.sign_body(chain.genesis().chain_id(), &init);
    (init, bytes)
}

/// Everything of a proposal; gives what was said of it at its end.
async fn hear(host: &mut ConsensusHost, (init, bytes): (Init, Vec<u8>)) -> Option<ProposedValue<Ctx>> {
    host.streams += 1;
    let id = StreamId::new(host.streams.to_be_bytes().to_vec().into());
    let mut said = None;
    for message in split(&id, init, &bytes) {
        said = host.part(PEER, message).await.expect("no fault");
    }
    said
}

fn decision(certificate: &Certificate) -> CommitCertificate<Ctx> {
    let signature = |(key, bytes): &(_, _)| CommitSignature::new(Address(*key), Signature(*bytes));
    CommitCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: BlockId(BlockHash(certificate.block)),
        commit_signatures: certificate.signatures.iter().map(signature).collect(),
    }
}

/// What of this height is said to be valid or not, by block.
async fn said(host: &mut ConsensusHost, height: u64, round: u32) -> Vec<(BlockHash, bool)> {
    let values = host.proposed(Height(height), Round::new(round)).await.expect("no fault");
    values.into_iter().map(|v| (v.value.0, v.validity.is_valid())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_proposed_early_waits_and_is_validated_when_its_height_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    // Another validator is two blocks ahead.
    let blocks = two_blocks(folder.path());
    let (first, second) = (blocks[0].clone(), blocks[1].0.clone());
    let chain = ledger(folder.path(), "own");
    let mut host = host(chain.clone());

    // The second block comes first, and a wrong one beside it: nothing is said before their height.
    let mut wrong = second.clone();
    wrong.header.app_hash.0[0] ^= 1;
    assert_eq!(hear(&mut host, announced(&chain, &second, 0)).await, None);
    assert_eq!(hear(&mut host, announced(&chain, &wrong, 0)).await, None);
    assert_eq!(host.early.len(), 2);
    // Neither a third of one proposer, nor one of a later round, nor of a height far off, is kept.
    let mut third = second.clone();
    third.header.app_hash.0[0] ^= 2;
    assert_eq!(hear(&mut host, announced(&chain, &third, 0)).await, None);
    assert_eq!(hear(&mut host, announced(&chain, &second, 1)).await, None);
    let mut far = second.clone();
    far.header.height = 2 + EARLY_HEIGHTS;
    assert_eq!(hear(&mut host, announced(&chain, &far, 0)).await, None);
    assert_eq!(host.early.len(), 2);
    // Another validator moved on: no pause before that height.
    assert_eq!(*host.begun.borrow(), 2);

    // Its own height is validated at once, decided, and then the early ones are: the good one may
    // be voted for, the wrong one not.
    let now = hear(&mut host, announced(&chain, &first.0, 0)).await.expect("a verdict");
    assert!(now.validity.is_valid());
    assert_eq!(said(&mut host, 2, 0).await, []);
    host.decided(decision(&first.1)).await.expect("no fault");
    assert_eq!(host.app.chain.status().tip.height, 1);
    let mut verdicts = said(&mut host, 2, 0).await;
    verdicts.sort_unstable();
    let mut expected = [(second.header.hash(), true), (wrong.header.hash(), false)];
    expected.sort_unstable();
    assert_eq!(verdicts, expected);
    assert_eq!(host.app.metrics.report().refused_proposals, 1);
    assert!(host.early.is_empty());
    // Kept before it may be voted for, and said again after a crash.
    assert!(chain.undecided(2, second.header.hash()).expect("no fault").is_some());
    let mut again = self::host(chain);
    assert_eq!(said(&mut again, 2, 0).await, [(second.header.hash(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_catches_up_does_not_pause_whichever_comes_first_the_next_block_or_the_end_of_the_last() {
    for early in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let blocks = two_blocks(folder.path());
        let mut host = host(ledger(folder.path(), "own"));
        let proposer = Address(secret(1).key());
        let fetch = |n: usize| (Height(n as u64 + 1), Bytes::from(blocks[n].0.to_bytes()));
        let (height, bytes) = fetch(0);
        let said = host.fetched(height, Round::new(0), proposer, bytes).await.expect("no fault");
        assert!(matches!(said, SyncedValueOutcome::Verdict(v) if v.validity.is_valid()));
        host.decided(decision(&blocks[0].1)).await.expect("no fault");
        if early {
            let (height, bytes) = fetch(1);
            let said = host.fetched(height, Round::new(0), proposer, bytes).await.expect("no fault");
            assert!(matches!(said, SyncedValueOutcome::Verdict(v) if v.validity.is_valid()));
        }
        let (reply, next) = tokio::sync::oneshot::channel();
        host.go_on(Height(1), reply);
        let next = tokio::time::timeout(Duration::from_secs(120), next).await.expect("no pause");
        assert!(matches!(next, Ok(Next::Start(Height(2), _))), "early: {early}");
        assert!(!host.witnessed, "it has not taken part");
    }
}
