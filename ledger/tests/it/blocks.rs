//! Proposing, validating and applying blocks.

use crate::world::*;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, ChainId, Transaction};
use amanat_ledger::*;

fn two_blocks() -> (State, State, Vec<Transaction>) {
    let state = ready();
    let chain = genesis();
    let mut txs: Vec<Transaction> = Statement::ALL.iter().map(|s| proof(&state, *s, *s as u64)).collect();
    txs.extend([enrol(&chain, 1), issue(&chain, 2), anchor(&chain, 3, &[4])]);
    (state.clone(), state, txs)
}

#[test]
fn a_validator_computes_what_the_proposer_computed() {
    let (mut proposer, mut validator, txs) = two_blocks();
    let admitted: Vec<Admitted> = txs.iter().map(|tx| checked(&proposer, tx).expect("good")).collect();
    let (validated, dropped) = prepare_proposal(&proposer, epoch(2), admitted).expect("a good time");
    assert!(dropped.is_empty());
    let delta = finalize_block(validated);
    let wire = delta.block().to_bytes();
    proposer.commit(delta);
    let block = Block::from_bytes(&wire, 1024).expect("own bytes");
    assert_eq!(block.to_bytes(), wire);
    let delta = process_proposal(&validator, &block, &unknown).expect("an honest block");
    validator.commit(delta);
    assert_eq!(proposer.tip(), validator.tip());
    assert_eq!(proposer.commitments(), validator.commitments());
    assert_eq!(proposer.latest_bundle(), validator.latest_bundle());
}

#[test]
fn every_changed_value_of_a_header_is_refused_by_name() {
    let (state, _, txs) = two_blocks();
    let block = block(&state, epoch(2), &txs).expect("good").block().clone();
    assert!(process_proposal(&state, &block, &unknown).is_ok());
    type Change = (&'static str, fn(&mut Header));
    let changes: [Change; 9] = [
        ("chain", |h| h.chain = ChainId([0; 32])),
        ("height", |h| h.height += 1),
        ("parent", |h| h.parent.0[0] ^= 1),
        ("time", |h| h.time = at(0)),
        ("epoch", |h| h.epoch += 1),
        ("transaction count", |h| h.count -= 1),
        ("transactions root", |h| h.tx_root[31] ^= 1),
        ("receipts root", |h| h.receipts_root[0] ^= 1),
        ("app hash", |h| h.app_hash.0[7] ^= 1),
    ];
    for (name, change) in changes {
        let mut bad = block.clone();
        change(&mut bad.header);
        match process_proposal(&state, &bad, &unknown) {
            Err(BlockRefusal::Header { what, .. }) => assert_eq!(what, name),
            other => panic!("{name}: {:?}", other.err()),
        }
    }
    // The order of transactions is part of the block.
    let mut swapped = block.clone();
    swapped.transactions.swap(6, 7);
    assert!(matches!(process_proposal(&state, &swapped, &unknown), Err(BlockRefusal::Header { .. })));
    // A block is a block on one parent.
    let mut later = state.clone();
    advance(&mut later, epoch(1), &[]);
    assert!(matches!(
        process_proposal(&later, &block, &unknown),
        Err(BlockRefusal::Header { what: "height", .. })
    ));
}

#[test]
fn a_transaction_comes_once_in_a_block() {
    let (state, _, txs) = two_blocks();
    for tx in [&txs[5], &txs[6]] {
        let reason = Conflict::AlreadyCommitted { txid: tx.id(), height: 3 }.into();
        let refused = block(&state, epoch(1), &[tx.clone(), tx.clone()]).err();
        assert_eq!(refused, Some(BlockRefusal::Transaction { index: 1, reason }));
    }
}

#[test]
fn a_block_beyond_its_limits_is_refused_and_none_is_proposed() {
    let mut spec = spec();
    spec.limits = Limits { transactions: 3, bytes: 128 * 1024 };
    let chain = std::sync::Arc::new(Genesis::new(spec).expect("good"));
    let state = State::genesis(chain.clone());
    let txs: Vec<Transaction> = (1..=5).map(|n| enrol(&chain, n)).collect();
    let refused = block(&state, at(1), &txs).err();
    assert_eq!(refused, Some(BlockRefusal::Limit { what: "transactions", most: 3, got: 5 }));
    let admitted: Vec<Admitted> = txs.iter().map(|tx| checked(&state, tx).expect("good")).collect();
    let (validated, dropped) = prepare_proposal(&state, at(1), admitted).expect("a good time");
    assert_eq!((validated.len(), dropped.len()), (3, 0));
}

#[test]
fn a_block_of_too_many_bytes_is_refused_and_none_is_proposed() {
    let mut spec = spec();
    spec.limits = Limits { transactions: 100, bytes: 128 * 1024 };
    let chain = std::sync::Arc::new(Genesis::new(spec).expect("good"));
    let state = State::genesis(chain.clone());
    let large = |i: u64| {
        let subjects = (1..1025).map(|n| amanat_domain::identity::SubjectCommitment::new(f(i * 2000 + n)));
        sign(&chain, HOSPITAL, i, Action::Enrol(subjects.collect()))
    };
    let txs: Vec<Transaction> = (0..5).map(large).collect();
    let got = txs.iter().map(|tx| tx.to_bytes().len()).sum::<usize>();
    let refused = block(&state, at(1), &txs).err();
    assert_eq!(refused, Some(BlockRefusal::Limit { what: "bytes", most: 128 * 1024, got }));
    let admitted: Vec<Admitted> = txs.iter().map(|tx| checked(&state, tx).expect("good")).collect();
    let (validated, dropped) = prepare_proposal(&state, at(1), admitted).expect("a good time");
    assert_eq!((validated.len(), dropped.len()), (3, 0));
}

#[test]
fn a_proposer_leaves_out_what_the_state_has_overtaken_and_says_why() {
    let (mut state, _, txs) = two_blocks();
    let admitted: Vec<Admitted> = txs.iter().map(|tx| checked(&state, tx).expect("good")).collect();
    advance(&mut state, epoch(1), &txs[..3]);
    let (validated, dropped) = prepare_proposal(&state, epoch(1), admitted).expect("a good time");
    assert_eq!(validated.len(), txs.len() - 3);
    let expected: Vec<_> = txs[..3]
        .iter()
        .map(|tx| (tx.id(), Refusal::from(Conflict::AlreadyCommitted { txid: tx.id(), height: 3 })))
        .collect();
    assert_eq!(dropped, expected);
}

#[test]
fn evidence_from_the_pool_counts_only_for_the_very_same_bytes() {
    let state = ready();
    let good = proof(&state, Statement::Access, 1);
    let admitted = checked(&state, &good).expect("good");
    let known = |_: &amanat_domain::tx::TxId| Some(admitted.clone());
    // Same id (it does not cover the proof), other proof bytes: verified again, and refused.
    let Transaction::Proof(mut forged) = good.clone() else { unreachable!() };
    let Transaction::Proof(other) = proof(&state, Statement::Access, 2) else { unreachable!() };
    forged.proof = other.proof;
    let forged = Transaction::Proof(forged);
    assert_eq!(forged.id(), good.id());
    assert!(validate_transactions(&state, epoch(1), vec![good], &known).is_ok());
    let refused = validate_transactions(&state, epoch(1), vec![forged], &known).err();
    assert!(matches!(refused, Some(BlockRefusal::Transaction { index: 0, reason: Refusal::Reject(_) })));
}

#[test]
fn the_same_blocks_give_the_same_state() {
    let run = || {
        let (mut state, _, txs) = two_blocks();
        advance(&mut state, epoch(1), &txs);
        advance(&mut state, epoch(4), &[enrol(&genesis(), 77)]);
        (*state.tip(), state.commitments())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_block_of_strange_bytes_is_an_error_and_never_a_panic() {
    let (state, _, txs) = two_blocks();
    let bytes = block(&state, epoch(2), &txs).expect("good").block().to_bytes();
    for n in (0..bytes.len()).step_by(7) {
        assert!(Block::from_bytes(&bytes[..n], 1024).is_err());
    }
    let mut long = bytes.clone();
    long.push(0);
    assert!(Block::from_bytes(&long, 1024).is_err());
    assert!(Block::from_bytes(&bytes, txs.len() - 1).is_err());
    for at in (0..bytes.len()).step_by(11) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        if let Ok(block) = Block::from_bytes(&changed, 1024) {
            assert!(process_proposal(&state, &block, &unknown).is_err(), "byte {at}");
        }
    }
}
