//! The solo engine.

use crate::world::*;
use amanat_domain::bundle::Registry;
use amanat_domain::mirror::Mirror;
use amanat_domain::statement::Statement;
use amanat_domain::tx::Transaction;
use amanat_ledger::*;
use std::sync::Barrier;

fn solo(folder: &tempfile::TempDir) -> Solo {
    Solo::open_or_create(&folder.path().join("ledger.redb"), genesis()).expect("a new ledger")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn conflict(outcome: Result<Submitted, SubmitError>) -> Conflict {
    match outcome {
        Err(SubmitError::Refused(Refusal::Conflict(conflict))) => conflict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_submitted_transaction_comes_back_with_a_receipt_that_anyone_can_check() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    let tx = enrol(&chain, 1);
    let Ok(Submitted::Committed(receipt)) = solo.submit(&tx.to_bytes(), at(5)) else { panic!("committed") };
    assert_eq!((receipt.txid, receipt.height, receipt.index), (tx.id(), 1, 0));
    let proof = solo.inclusion(&tx.id()).expect("no fault").expect("committed");
    let hash = solo.block(1).expect("no fault").expect("there").header.hash();
    assert_eq!(proof.verify(hash), Ok(()));
    let again = InclusionProof::from_bytes(&proof.to_bytes()).expect("own bytes");
    assert_eq!(again, proof);
    let mut other = proof.clone();
    other.receipt.effect = Effect::Recorded;
    assert_eq!(other.verify(hash), Err(NotIncluded::WrongPath(1)));
    let mut other = proof.clone();
    other.receipt.epoch += 1;
    assert!(matches!(other.verify(hash), Err(NotIncluded::OtherHeight { .. })));
    let mut other = proof;
    other.header.time = at(6);
    assert!(matches!(other.verify(hash), Err(NotIncluded::OtherBlock { .. })));
    // Again: nothing is done twice, and the answer is the first receipt.
    let again = solo.submit(&tx.to_bytes(), at(9)).expect("no conflict");
    assert_eq!(again, Submitted::AlreadyCommitted(receipt));
    assert_eq!(solo.status().tip.height, 1);
    assert_eq!(solo.receipt(&enrol(&chain, 2).id()).expect("no fault"), None);
}

#[test]
fn refusals_reach_the_submitter_and_change_nothing() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    assert!(solo.submit(&enrol(&chain, 1).to_bytes(), at(1)).is_ok());
    let before = solo.status();
    let taken = sign(
        &chain,
        HOSPITAL,
        9,
        amanat_domain::tx::Action::Enrol(vec![amanat_domain::identity::SubjectCommitment::new(f(1))]),
    );
    assert!(matches!(conflict(solo.submit(&taken.to_bytes(), at(1))), Conflict::AlreadyEnrolled { .. }));
    assert!(matches!(
        solo.submit(b"nonsense", at(1)),
        Err(SubmitError::Refused(Refusal::Reject(Reject::Encoding(_))))
    ));
    assert_eq!(solo.status(), before);
}

#[test]
fn those_who_wait_together_share_blocks_and_nobody_is_lost() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    const THREADS: u64 = 16;
    let barrier = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for t in 0..THREADS {
            let (solo, chain, barrier) = (&solo, &chain, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for i in 0..8 {
                    // Half of the transactions are submitted by two threads at once.
                    let n = 1 + if i % 2 == 0 { t / 2 } else { t } + i * 100;
                    let tx = enrol(chain, n);
                    let submitted = solo.submit(&tx.to_bytes(), at(1)).expect("committed");
                    assert_eq!(submitted.receipt().txid, tx.id());
                }
            });
        }
    });
    let status = solo.status();
    assert_eq!(status.transactions, 4 * (THREADS + THREADS / 2));
    assert!(status.tip.height <= status.transactions);
    assert_eq!(solo.state().tree(Registry::Subjects).len(), status.transactions);
    assert_eq!(status.pool, 0);
    // The chain on disk, validated again from the genesis by a validator's ProcessProposal.
    let mut replay = State::genesis(genesis());
    for height in 1..=status.tip.height {
        let block = solo.block(height).expect("no fault").expect("there");
        let delta = process_proposal(&replay, &block, &unknown).expect("valid");
        replay.commit(delta);
    }
    assert_eq!(replay.tip(), &status.tip);
}

#[test]
fn of_two_that_revoke_the_same_one_is_committed_and_the_other_told() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    let keys: Vec<Vec<u8>> = Statement::ALL.iter().map(|s| key(*s).install(&chain, 0).to_bytes()).collect();
    assert!(solo.submit_all(&keys, at(1)).iter().all(Result::is_ok));
    let revoke = |n| {
        let mut tx = claim(&solo.state(), Statement::Revoke, n);
        tx.out[0] = f(5);
        proved(tx).to_bytes()
    };
    let both = [revoke(1), revoke(2)];
    let mut outcomes = solo.submit_all(&both, at(2)).into_iter();
    assert!(matches!(outcomes.next(), Some(Ok(Submitted::Committed(_)))));
    assert!(matches!(conflict(outcomes.next().expect("two")), Conflict::AlreadyRevoked { .. }));
    // Same context or nullifier: the second does not even enter the pool.
    let spend = |n: u64, request: u64| {
        let mut tx = claim(&solo.state(), Statement::Access, request);
        tx.nf[0] = f(n);
        tx.out[1] = f(request + n);
        proved(tx).to_bytes()
    };
    let list = [spend(1, 1), spend(1, 2), spend(2, 1)];
    let mut outcomes = solo.submit_all(&list, at(2)).into_iter();
    assert!(matches!(outcomes.next(), Some(Ok(Submitted::Committed(_)))));
    assert!(matches!(conflict(outcomes.next().expect("three")), Conflict::Pending { what: "nullifier", .. }));
    assert!(matches!(conflict(outcomes.next().expect("three")), Conflict::Pending { what: "context", .. }));
}

#[test]
fn many_at_once_come_in_order_and_in_as_many_blocks_as_the_limits_ask_for() {
    let folder = folder();
    let mut spec = spec();
    spec.limits.transactions = 7;
    let chain = std::sync::Arc::new(Genesis::new(spec).expect("good"));
    let solo = Solo::create(Storage::File(folder.path().join("l")), chain.clone()).expect("new");
    let list: Vec<Vec<u8>> = (1..=20).map(|n| enrol(&chain, n).to_bytes()).collect();
    for (n, outcome) in (0..).zip(solo.submit_all(&list, at(1))) {
        let effect = Effect::Appended { registry: Registry::Subjects, first: n, count: 1 };
        assert_eq!(outcome.expect("committed").receipt().effect, effect);
    }
    assert_eq!(solo.status().tip.height, 3);
}

#[test]
fn a_tick_seals_the_bundle_of_a_new_epoch_and_does_nothing_otherwise() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    assert!(solo.submit(&enrol(&chain, 1).to_bytes(), at(1)).is_ok());
    assert_eq!(solo.tick(at(2)).expect("no fault"), None);
    let header = solo.tick(epoch(3)).expect("no fault").expect("a new epoch");
    assert_eq!((header.height, header.epoch), (2, 3));
    assert_eq!(solo.latest_bundle().bundle.epoch, 3);
    assert_eq!(solo.tick(epoch(3)).expect("no fault"), None);
    assert_eq!(solo.tick(at(0)).expect("no fault"), None, "a clock behind the chain");
    // A mirror in this process.
    assert!(solo.submit(&enrol(&chain, 2).to_bytes(), epoch(3)).is_ok());
    let (bundle, leaves) = solo.snapshot(3).expect("sealed");
    assert_eq!(leaves.dense(Registry::Subjects), [f(1)]);
    assert!(Mirror::new(bundle, leaves).is_ok());
    assert!(solo.snapshot(2).is_none());
}

#[test]
fn a_full_pool_asks_to_come_back_later() {
    let folder = folder();
    let chain = genesis();
    let (store, state) = Store::create(Storage::File(folder.path().join("l")), chain.clone()).expect("new");
    let solo = Solo::over(store, state, PoolLimits { transactions: 2, bytes: 1 << 20, shares: 1 })
        .expect("no validators");
    let list: Vec<Vec<u8>> = (1..=3).map(|n| enrol(&chain, n).to_bytes()).collect();
    let mut outcomes = solo.submit_all(&list, at(1));
    assert!(matches!(conflict(outcomes.pop().expect("three")), Conflict::PoolFull { transactions: 2, .. }));
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(solo.submit(&list[2], at(1)).is_ok(), "later there is room");
}

#[test]
fn keys_are_listed_with_their_status() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    let tx: Transaction = key(Statement::Role).install(&chain, 5);
    assert!(solo.submit(&tx.to_bytes(), at(1)).is_ok());
    let keys = solo.keys();
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].statement, keys[0].digest), (Statement::Role, key(Statement::Role).digest));
    assert_eq!((keys[0].active_from, keys[0].frozen_from), (5, None));
    assert_eq!(keys[0].bytes, key(Statement::Role).vk().to_bytes());
}

#[test]
fn many_at_once_get_the_verdicts_of_one_by_one() {
    let folder = folder();
    let (solo, chain) = (solo(&folder), genesis());
    let keys: Vec<Vec<u8>> = Statement::ALL.iter().map(|s| key(*s).install(&chain, 0).to_bytes()).collect();
    assert!(solo.submit_all(&keys, at(1)).iter().all(Result::is_ok));
    let good: Vec<Transaction> = (1..=4).map(|n| proof(&solo.state(), Statement::Access, n)).collect();
    let mut list: Vec<Vec<u8>> = good.iter().map(Transaction::to_bytes).collect();
    // Another's proof, a changed signature, nonsense, a signature of nobody: each between good
    // ones.
    let mut swapped = claim(&solo.state(), Statement::Access, 9);
    let Transaction::Proof(other) = &good[0] else { panic!("a proof") };
    swapped.proof = other.proof;
    list.insert(1, Transaction::Proof(Box::new(swapped)).to_bytes());
    let mut forged = enrol(&chain, 1).to_bytes();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    list.insert(3, forged);
    list.insert(4, b"nonsense".to_vec());
    list.push(enrol(&chain, 2).to_bytes());
    let one_by_one: Vec<_> = list
        .iter()
        .map(|bytes| solo.check_tx(bytes, at(2)).map(|a| *a.keys()).map_err(|e| e.to_string()))
        .collect();
    let at_once: Vec<_> = solo
        .check_txs(&list, at(2))
        .into_iter()
        .map(|checked| checked.map(|a| *a.keys()).map_err(|e| e.to_string()))
        .collect();
    assert_eq!(at_once, one_by_one);
    let refused: Vec<usize> = (0..list.len()).filter(|i| at_once[*i].is_err()).collect();
    assert_eq!(refused, [1, 3, 4]);
}
