//! The pool: how much each submitter may have waiting, and in which order blocks take it.

use crate::world::*;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, Transaction, TxId};
use amanat_ledger::*;

const PEER: Source = Source::Peer(ValidatorKey([1; 32]));
const QUIET: Source = Source::Peer(ValidatorKey([2; 32]));

fn pool(transactions: usize, shares: usize) -> Pool<()> {
    Pool::new(PoolLimits { transactions, bytes: 1 << 20, shares })
}

fn put(pool: &mut Pool<()>, state: &State, source: Source, tx: &Transaction) -> Result<(), Conflict> {
    pool.insert(checked(state, tx).expect("good"), source, ())
}

fn order(pool: &Pool<()>) -> Vec<TxId> {
    pool.iter().map(|tx| tx.keys().txid).collect()
}

fn roles(state: &State, from: u64, n: u64) -> Vec<Transaction> {
    (from..from + n).map(|n| proof(state, Statement::Role, n)).collect()
}

#[test]
fn one_submitter_keeps_its_order() {
    let state = ready();
    let mut pool = pool(64, 8);
    let txs: Vec<Transaction> = (1..=9).map(|n| enrol(state.genesis_block(), n)).collect();
    for tx in &txs {
        put(&mut pool, &state, Source::Local, tx).expect("room");
    }
    let ids: Vec<TxId> = txs.iter().map(Transaction::id).collect();
    assert_eq!(order(&pool), ids);
    // Also when some were taken out and more came.
    for id in &ids[..4] {
        assert_eq!(pool.remove(id).len(), 1);
    }
    let more = enrol(state.genesis_block(), 10);
    put(&mut pool, &state, Source::Local, &more).expect("room");
    let expected: Vec<TxId> = ids[4..].iter().copied().chain([more.id()]).collect();
    assert_eq!(order(&pool), expected);
}

#[test]
fn submitters_take_turns_and_a_late_one_is_not_behind_a_flood() {
    let state = ready();
    let chain = state.genesis_block();
    let mut pool = pool(64, 8);
    let flood = roles(&state, 1, 6);
    for tx in &flood {
        put(&mut pool, &state, PEER, tx).expect("room");
    }
    let (enrolled, local) = (enrol(chain, 1), roles(&state, 20, 2));
    put(&mut pool, &state, QUIET, &enrolled).expect("room");
    for tx in &local {
        put(&mut pool, &state, Source::Local, tx).expect("room");
    }
    let ids = |all: &[&Transaction]| all.iter().map(|tx| tx.id()).collect::<Vec<_>>();
    let expected = ids(&[
        &flood[0], &enrolled, &local[0], &flood[1], &local[1], &flood[2], &flood[3], &flood[4], &flood[5],
    ]);
    assert_eq!(order(&pool), expected);
    // The first turns are over: a new submitter begins with the next turn, not with one long past.
    for id in &expected[..5] {
        pool.remove(id);
    }
    let late = roles(&state, 30, 1);
    put(&mut pool, &state, QUIET, &late[0]).expect("room");
    assert_eq!(order(&pool), ids(&[&flood[2], &late[0], &flood[3], &flood[4], &flood[5]]));
}

#[test]
fn a_flood_leaves_room_for_the_others() {
    let state = ready();
    let chain = state.genesis_block();
    let mut pool = pool(16, 4);
    let flood = roles(&state, 1, 9);
    for tx in &flood[..8] {
        put(&mut pool, &state, PEER, tx).expect("half of the room is anyone's");
    }
    let refused = put(&mut pool, &state, PEER, &flood[8]).expect_err("more than its share");
    let by = Submitter::Source(PEER);
    assert!(matches!(refused, Conflict::PoolQuota { by: b, transactions: 8, .. } if b == by), "{refused}");
    assert!(refused.to_string().contains("wait until some of them"), "{refused}");
    // The same proof from another source, a signature, and proofs of this node's own callers: a
    // share each.
    put(&mut pool, &state, QUIET, &flood[8]).expect("another's share");
    for n in 1..=4 {
        put(&mut pool, &state, PEER, &enrol(chain, n)).expect("the hospital's share, whoever sends it on");
    }
    let refused = put(&mut pool, &state, QUIET, &enrol(chain, 5)).expect_err("the hospital's share is full");
    assert!(matches!(
        refused,
        Conflict::PoolQuota { by: Submitter::Organisation(id), transactions: 4, .. } if id == org(HOSPITAL)
    ));
    for tx in roles(&state, 50, 3) {
        put(&mut pool, &state, Source::Local, &tx).expect("a share");
    }
    assert_eq!(pool.len(), 16);
    let refused = put(&mut pool, &state, Source::Local, &roles(&state, 60, 1)[0]);
    assert!(matches!(refused, Err(Conflict::PoolFull { transactions: 16, .. })));
    // What is committed makes room in the share of who submitted it.
    for tx in &flood[..6] {
        pool.remove(&tx.id());
    }
    put(&mut pool, &state, PEER, &roles(&state, 70, 1)[0]).expect("two of four");
    pool.clear();
    assert_eq!((pool.len(), pool.bytes()), (0, 0));
    for tx in &flood[..8] {
        put(&mut pool, &state, PEER, tx).expect("nothing is counted that is gone");
    }
}

#[test]
fn bytes_count_too_and_one_transaction_always_fits_a_share() {
    let state = ready();
    let chain = state.genesis_block();
    let one = enrol(chain, 1);
    let length = one.to_bytes().len();
    // Room for four, a share smaller than one.
    let mut pool: Pool<()> = Pool::new(PoolLimits { transactions: 64, bytes: 4 * length, shares: 8 });
    put(&mut pool, &state, PEER, &one).expect("alone");
    put(&mut pool, &state, PEER, &enrol(chain, 2)).expect("half of the bytes");
    let refused = put(&mut pool, &state, PEER, &enrol(chain, 3));
    assert!(
        matches!(refused, Err(Conflict::PoolQuota { transactions: 2, bytes, .. }) if bytes == 2 * length)
    );
    let freeze = Action::FreezeKey { statement: Statement::Role, key: key(Statement::Role).digest };
    let board = sign(chain, BOARD, 0, freeze);
    assert!(board.to_bytes().len() > 4 * length / 8, "more than a share of bytes");
    put(&mut pool, &state, PEER, &board).expect("its first");
}

#[test]
fn what_the_state_no_longer_admits_is_thrown_out_and_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let genesis = genesis();
    let medium = Storage::File(folder.path().join("l"));
    let chain = Chain::create(medium, genesis.clone()).expect("new");
    let commit = |now| {
        let delta = chain.prepare_proposal(now).expect("no fault");
        chain.commit(delta, None).expect("written")
    };
    let admit = |tx: &Transaction, now| match chain.admit_from(PEER, &tx.to_bytes(), now) {
        Ok(Entered::Waiting(pending)) => pending,
        Ok(Entered::Before(_)) => panic!("not before"),
        Err(refused) => panic!("{refused}"),
    };
    let keys = [Statement::Role, Statement::Record].map(|s| admit(&key(s).install(&genesis, 0), at(1)));
    commit(at(1));
    assert!(keys.iter().all(|key| matches!(key.take(), Some(Ok(_)))));
    let role = proof(&chain.state(), Statement::Role, 1);
    let record = proof(&chain.state(), Statement::Record, 2);
    let (old, lasting) = (admit(&role, at(2)), admit(&record, at(2)));
    let signed = admit(&enrol(&genesis, 1), at(2));
    assert_eq!(chain.prune_pool(at(3)), []);
    assert_eq!(chain.status().pool, 3);
    // Another validator makes the blocks: an enrolment of the same subject, and two epochs go by.
    let twin = sign(
        &genesis,
        HOSPITAL,
        7,
        match enrol(&genesis, 1) {
            Transaction::Signed(tx) => tx.action,
            Transaction::Proof(_) => panic!("signed"),
        },
    );
    for (now, txs) in [(at(4), vec![twin]), (epoch(1), vec![]), (epoch(2), vec![])] {
        let delta = block(&chain.state(), now, &txs).expect("valid");
        chain.commit(delta, None).expect("written");
    }
    let thrown = chain.prune_pool(at(0));
    let enrolled = enrol(&genesis, 1).id();
    assert_eq!(thrown.len(), 2);
    for (txid, refusal) in &thrown {
        match refusal {
            Refusal::Conflict(Conflict::StaleEpoch { .. }) => assert_eq!(*txid, role.id()),
            Refusal::Conflict(Conflict::AlreadyEnrolled { .. }) => assert_eq!(*txid, enrolled),
            other => panic!("{other}"),
        }
    }
    for pending in [old, signed] {
        assert!(matches!(pending.take(), Some(Err(SubmitError::Refused(Refusal::Conflict(_))))));
    }
    assert!(lasting.take().is_none());
    assert_eq!(chain.status().pool, 1);
    commit(epoch(2));
    assert!(matches!(lasting.take(), Some(Ok(_))));
}
