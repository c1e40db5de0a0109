//! Verifying keys under a quorum: installed, over, frozen.

use crate::world::*;
use amanat_domain::governance::Change;
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, KeyDigest, KeyVector, Transaction};
use amanat_ledger::*;
use amanat_params::{VkError, VkLint};
use std::sync::Arc;

/// The installation of a key as a change, and as the action of one signer.
fn installation(key: &Key, at: u64) -> (Change, Action) {
    let Transaction::Signed(tx) = key.install(&council(), at) else { unreachable!() };
    let action = tx.action;
    let Action::InstallKey { key, activate_at, positive, negative } = action.clone() else { unreachable!() };
    (Change::InstallKey { key, activate_at, positive, negative }, action)
}

/// A chain of the council with the keys of all statements active.
fn governed() -> (Arc<Genesis>, State) {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let changes = Statement::ALL.iter().map(|s| installation(key(*s), 0).0);
    let txs: Vec<Transaction> = (0..).zip(changes).flat_map(|(n, c)| decision(&chain, n, c)).collect();
    advance(&mut state, at(1), &txs);
    advance(&mut state, epoch(1), &[]);
    (chain, state)
}

fn freeze(chain: &Genesis, who: (&str, u8), statement: Statement) -> Transaction {
    sign(chain, who, 0, Action::FreezeKey { statement, key: key(statement).digest })
}

fn sunset(statement: Statement, from: u64) -> Change {
    Change::SunsetKey { statement, key: key(statement).digest, from }
}

#[test]
fn a_key_takes_a_quorum_and_is_active_from_its_height() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let (change, alone) = installation(key(Statement::Access), 4);
    let needs = Conflict::NeedsQuorum { needed: 3 };
    assert_eq!(refusal(&state, &sign(&chain, COUNCIL[0], 0, alone)), needs.into());
    let receipts = advance(&mut state, at(1), &decision(&chain, 0, change.clone()));
    assert!(matches!(receipts[2].effect, Effect::Approved { holds_from: Some(4), .. }));
    let tx = proof(&state, Statement::Access, 1);
    let digest = key(Statement::Access).digest;
    let early = Conflict::KeyNotActive { key: digest, active_from: 4, height: 2 };
    assert_eq!(refusal(&state, &tx), early.into());
    advance(&mut state, at(2), &[]);
    advance(&mut state, at(3), &[]);
    assert!(checked(&state, &tx).is_ok());
    // There is nothing left to propose.
    let again = proposed(&chain, COUNCIL[1], 5, change);
    assert_eq!(refusal(&state, &again), Conflict::KeyPresent { key: digest }.into());
}

#[test]
fn a_proposed_key_is_linted_and_proves_itself_before_anybody_approves_it() {
    let chain = council();
    let state = State::genesis(chain.clone());
    let with = |edit: fn(&mut Vec<u8>, &mut KeyVector, &mut KeyVector)| {
        let (Change::InstallKey { mut key, activate_at, mut positive, mut negative }, _) =
            installation(key(Statement::Grant), 0)
        else {
            unreachable!()
        };
        edit(&mut key, &mut positive, &mut negative);
        let change = Change::InstallKey { key, activate_at, positive, negative };
        checked(&state, &proposed(&chain, COUNCIL[0], 0, change)).err()
    };
    assert_eq!(with(|_, _, _| ()), None);
    // Behind a header of 76 bytes: alpha, beta, gamma, delta.
    let linted = with(|key, _, _| key.copy_within(76 + 32 + 64..76 + 32 + 128, 76 + 32 + 128));
    assert_eq!(linted, Some(Reject::Key(VkError::Lint(VkLint::DeltaIsGamma)).into()));
    let positive = with(|_, positive, _| positive.public[0] += f(1));
    assert_eq!(positive, Some(Reject::PositiveVector(amanat_verifier::Reject::Invalid).into()));
    let negative = with(|_, positive, negative| *negative = positive.clone());
    assert_eq!(negative, Some(Reject::NegativeVector.into()));
    let form = with(|_, _, negative| negative.proof = ProofBytes::Groth16([0; 128]));
    assert!(matches!(form, Some(Refusal::Reject(Reject::NegativeEncoding(_)))));
}

#[test]
fn who_governs_or_runs_a_validator_freezes_alone_and_nobody_else() {
    let (chain, state) = governed();
    let statement = Statement::Consent;
    // One governs and runs none; the hospital runs one and governs nothing; the registrar does
    // neither.
    for who in [COUNCIL[3], HOSPITAL] {
        let mut state = state.clone();
        let flying = checked(&state, &proof(&state, statement, 1)).expect("good");
        let frozen_from = state.tip().height + 2;
        let receipts = advance(&mut state, epoch(1), &[freeze(&chain, who, statement)]);
        let digest = key(statement).digest;
        assert_eq!(receipts[0].effect, Effect::KeyFrozen { key: digest, frozen_from });
        // From the next block on, also what was in flight: its submitter learns why.
        let reason: Refusal = Conflict::KeyFrozen { key: digest, frozen_from }.into();
        let id = flying.keys().txid;
        let (validated, dropped) = prepare_proposal(&state, epoch(1), [flying]).expect("a good time");
        assert_eq!((validated.len(), dropped), (0, vec![(id, reason)]));
    }
    let refused = Reject::NotEntitled { organisation: REGISTRAR.0.into(), capability: Capability::Freeze };
    assert_eq!(refusal(&state, &freeze(&chain, REGISTRAR, statement)), refused.into());
    // A former validator operator can no longer freeze keys, once its validator has agreed on its
    // last block.
    let mut state = state;
    let validator = amanat_domain::quorum::ValidatorKey(public(63));
    advance(&mut state, epoch(1), &decision(&chain, 50, Change::RemoveValidator(validator)));
    assert!(checked(&state, &freeze(&chain, HOSPITAL, statement)).is_ok());
    advance(&mut state, epoch(1), &[]);
    let refused = Reject::NotEntitled { organisation: HOSPITAL.0.into(), capability: Capability::Freeze };
    assert_eq!(refusal(&state, &freeze(&chain, HOSPITAL, statement)), refused.into());
}

#[test]
fn a_submitter_learns_that_the_key_was_frozen_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, state) = governed();
    let (store, mut begun) =
        Store::create(Storage::File(folder.path().join("l")), chain.clone()).expect("new");
    // The same blocks on disk.
    let changes = Statement::ALL.iter().map(|s| installation(key(*s), 0).0);
    let txs: Vec<Transaction> = (0..).zip(changes).flat_map(|(n, c)| decision(&chain, n, c)).collect();
    for (time, txs) in [(at(1), txs), (epoch(1), Vec::new())] {
        let delta = block(&begun, time, &txs).expect("valid");
        store.commit(&delta, Some(&certify_council(&begun, &delta.block().header))).expect("written");
        begun.commit(delta);
    }
    assert_eq!(begun.tip(), state.tip());
    let ledger = Chain::over(store, begun, PoolLimits::default());
    let tx = proof(&state, Statement::Role, 1);
    // Both wait; the freeze comes into a block first.
    let entered = ledger.admit(&freeze(&chain, HOSPITAL, Statement::Role).to_bytes(), epoch(1));
    assert!(matches!(entered, Ok(Entered::Waiting(_))));
    let delta = ledger.prepare_proposal(epoch(1)).expect("no fault");
    let Ok(Entered::Waiting(pending)) = ledger.admit(&tx.to_bytes(), epoch(1)) else { panic!("admitted") };
    let certificate = certify_council(&ledger.state(), &delta.block().header);
    ledger.commit(delta, Some(&certificate)).expect("certified");
    assert!(pending.take().is_none(), "it waits for the next block");
    assert!(ledger.prepare_proposal(epoch(1)).expect("no fault").is_idle());
    let refused = pending.take().expect("answered").expect_err("refused");
    assert!(refused.to_string().contains("is frozen since block 4"), "{refused}");
}

#[test]
fn a_key_is_accepted_up_to_its_sunset_which_can_be_moved_until_it_comes() {
    let (chain, mut state) = governed();
    let statement = Statement::Record;
    let digest = key(statement).digest;
    let next = state.tip().height + 1;
    let missing = Change::SunsetKey { statement, key: KeyDigest([9; 32]), from: 0 };
    let refused = |state: &State, change| refusal(state, &proposed(&chain, COUNCIL[0], 77, change));
    let key = KeyDigest([9; 32]);
    assert_eq!(refused(&state, missing), Conflict::NoSuchKey { statement, key }.into());
    advance(&mut state, epoch(1), &decision(&chain, 20, sunset(statement, next + 9)));
    // Moved closer.
    let receipts = advance(&mut state, epoch(1), &decision(&chain, 21, sunset(statement, next + 3)));
    assert!(matches!(receipts[2].effect, Effect::Approved { holds_from: Some(h), .. } if h == next + 3));
    let tx = proof(&state, statement, 1);
    let flying = checked(&state, &tx).expect("block next + 2");
    advance(&mut state, epoch(1), &[]);
    let over: Refusal = Conflict::KeySunset { key: digest, sunset_from: next + 3 }.into();
    assert_eq!(refusal(&state, &tx), over);
    let (validated, dropped) = prepare_proposal(&state, epoch(1), [flying]).expect("a good time");
    assert_eq!((validated.len(), dropped), (0, vec![(tx.id(), over.clone())]));
    assert_eq!(refused(&state, sunset(statement, next + 50)), over);
    // A height that has passed means the next block.
    let receipts = advance(&mut state, epoch(1), &decision(&chain, 22, sunset(Statement::Role, 0)));
    let height = state.tip().height;
    assert!(matches!(receipts[2].effect, Effect::Approved { holds_from: Some(h), .. } if h == height + 1));
    // What is frozen needs no sunset.
    advance(&mut state, epoch(1), &[freeze(&chain, COUNCIL[0], Statement::Grant)]);
    let frozen = refused(&state, sunset(Statement::Grant, 99));
    assert!(matches!(frozen, Refusal::Conflict(Conflict::KeyFrozen { .. })), "{frozen}");
}
