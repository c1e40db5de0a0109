//! Epochs, bundles and acceptance windows.

use crate::world::*;
use amanat_domain::bundle::Registry;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ProofTx, Transaction};
use amanat_ledger::*;

/// A claim against the bundle of an epoch.
fn against(state: &State, statement: Statement, epoch: u64, n: u64) -> Transaction {
    let mut tx: ProofTx = claim(state, statement, n);
    tx.epoch = epoch;
    tx.bundle = state.bundle(epoch).expect("sealed").hash;
    proved(tx)
}

#[test]
fn the_first_block_of_an_epoch_seals_its_bundle_over_the_state_before_it() {
    let (mut state, chain) = (State::genesis(genesis()), genesis());
    assert_eq!(state.latest_bundle().bundle.epoch, 0);
    assert_eq!(state.latest_bundle().bundle.registry(Registry::Subjects).count, 0);
    advance(&mut state, at(10), &[enrol(&chain, 1)]);
    assert_eq!(state.latest_bundle().bundle.epoch, 0, "the epoch goes on");
    let before = state.registry(Registry::Subjects);
    advance(&mut state, at(3600), &[enrol(&chain, 2), issue(&chain, 3)]);
    let sealed = state.latest_bundle();
    assert_eq!(sealed.bundle.epoch, 1);
    assert_eq!(sealed.bundle.time, at(3600));
    let subjects = sealed.bundle.registry(Registry::Subjects);
    assert_eq!((subjects.root, subjects.count), before);
    assert_eq!(state.bundle(0).expect("kept").superseded, Some(1));
    assert_eq!(sealed.hash, sealed.bundle.hash());
    // Roles are counted by active credentials.
    let retire = sign(&chain, HOSPITAL, 0, amanat_domain::tx::Action::RetireRole { index: 0 });
    advance(&mut state, epoch(2), &[retire]);
    assert_eq!(state.latest_bundle().bundle.registry(Registry::Roles).count, 1);
    advance(&mut state, epoch(3), &[]);
    assert_eq!(state.latest_bundle().bundle.registry(Registry::Roles).count, 0);
    assert_eq!(state.tree(Registry::Roles).len(), 1);
}

#[test]
fn a_bundle_is_accepted_until_w_epochs_after_it_was_superseded() {
    let mut state = ready();
    let ok = |state: &State, statement| checked(state, &against(state, statement, 1, 7)).err();
    // Nothing supersedes B_1 until epoch 9 begins with a block.
    advance(&mut state, epoch(9), &[]);
    for statement in Statement::ALL {
        // After a standstill, what says "now" may not mean epoch 1.
        let says_now = matches!(statement, Statement::Consent | Statement::Role | Statement::Access);
        let aged = Conflict::AgedBundle { statement, epoch: 1, window: 1, now: 9 };
        assert_eq!(ok(&state, statement), says_now.then(|| aged.into()), "superseded in this epoch");
    }
    advance(&mut state, epoch(10), &[]);
    for (statement, window) in [
        (Statement::Grant, 24),
        (Statement::Revoke, 24),
        (Statement::Consent, 1),
        (Statement::Role, 1),
        (Statement::Record, 24),
        (Statement::Access, 1),
    ] {
        let stale = Conflict::StaleEpoch { statement, epoch: 1, superseded: 9, window, now: 10 };
        assert_eq!(ok(&state, statement), (window == 1).then(|| stale.into()));
    }
    advance(&mut state, epoch(9 + 23), &[]);
    assert_eq!(ok(&state, Statement::Grant), None);
    advance(&mut state, epoch(9 + 24), &[]);
    let statement = Statement::Grant;
    let stale = Conflict::StaleEpoch { statement, epoch: 1, superseded: 9, window: 24, now: 33 };
    assert_eq!(ok(&state, statement), Some(stale.into()));
}

#[test]
fn what_would_be_stale_in_the_next_block_is_refused_by_the_clock_of_the_caller() {
    let mut state = ready();
    advance(&mut state, epoch(2), &[]);
    let tx = against(&state, Statement::Access, 1, 7);
    assert!(check_tx(&state, &tx.to_bytes(), epoch(2)).is_ok());
    let statement = Statement::Access;
    let stale = Conflict::StaleEpoch { statement, epoch: 1, superseded: 2, window: 1, now: 3 };
    assert_eq!(check_tx(&state, &tx.to_bytes(), epoch(3)).err(), Some(stale.clone().into()));
    // In a block the same, whenever it was admitted.
    let refused = block(&state, epoch(3), &[tx]).err();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 0, reason: stale.into() }));
    // A clock behind the chain refuses nothing.
    let fresh = proof(&state, Statement::Access, 8);
    assert!(check_tx(&state, &fresh.to_bytes(), at(0)).is_ok());
}

#[test]
fn a_future_or_never_sealed_epoch_has_no_bundle() {
    let mut state = ready();
    advance(&mut state, epoch(5), &[]);
    for got in [3, 6, u64::MAX] {
        let mut tx = claim(&state, Statement::Consent, 1);
        tx.epoch = got;
        assert_eq!(refusal(&state, &proved(tx)), Reject::UnknownEpoch { newest: 5, got }.into());
    }
}

#[test]
fn the_bundle_of_another_epoch_is_refused() {
    let mut state = ready();
    advance(&mut state, epoch(1), &[enrol(&genesis(), 1)]);
    advance(&mut state, epoch(2), &[]);
    let mut tx = claim(&state, Statement::Access, 1);
    tx.epoch = 1;
    let (expected, got) = (state.bundle(1).expect("sealed").hash, tx.bundle);
    assert_eq!(refusal(&state, &proved(tx)), Reject::WrongBundle { epoch: 1, expected, got }.into());
}

#[test]
fn time_does_not_run_backwards() {
    let mut state = ready();
    let tip = state.tip().time;
    assert_eq!(tip, epoch(1));
    assert!(block(&state, tip, &[]).is_ok());
    assert!(matches!(block(&state, at(3599), &[]).err(), Some(BlockRefusal::Header { what: "time", .. })));
    advance(&mut state, tip, &[]);
    assert_eq!(state.tip().height, 3);
}
