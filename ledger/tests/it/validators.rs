//! Validators that come and go.

use crate::world::*;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::quorum::{MAX_VALIDATORS, ValidatorKey};
use amanat_ledger::*;

fn validator(n: u8) -> ValidatorKey {
    ValidatorKey(public(n))
}

fn add(who: (&str, u8), n: u8) -> Change {
    Change::AddValidator { organisation: org(who), key: validator(n) }
}

fn unfit(state: &State, change: Change) -> Unfit {
    match refusal(state, &proposed(state.genesis_block(), COUNCIL[0], 900, change)) {
        Refusal::Conflict(Conflict::Unfit(reason)) => reason,
        other => panic!("{other}"),
    }
}

fn keys_at(state: &State, height: u64) -> Vec<ValidatorKey> {
    state.validators().expect("there are some").at(height).set.keys().to_vec()
}

fn sorted(ns: &[u8]) -> Vec<ValidatorKey> {
    let mut keys: Vec<ValidatorKey> = ns.iter().map(|n| validator(*n)).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_change_of_validators_holds_from_the_second_block_after_it() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    assert_eq!(keys_at(&state, 1), sorted(&[61, 62, 63]));
    let receipts = advance(&mut state, at(1), &decision(&chain, 0, add(COUNCIL[2], 64)));
    assert!(matches!(receipts[2].effect, Effect::Approved { holds_from: Some(3), .. }));
    // Decided in block 1: block 2 still has the previous validators.
    assert_eq!(keys_at(&state, 2), sorted(&[61, 62, 63]));
    assert_eq!(keys_at(&state, 3), sorted(&[61, 62, 63, 64]));
    // The next block decides again, twice.
    let mut txs = decision(&chain, 1, Change::RemoveValidator(validator(63)));
    txs.extend(decision(&chain, 2, add(REGISTRAR, 65)));
    advance(&mut state, at(2), &txs);
    assert_eq!(keys_at(&state, 3), sorted(&[61, 62, 63, 64]));
    assert_eq!(keys_at(&state, 4), sorted(&[61, 62, 64, 65]));
    let sets = state.validators().expect("there are some");
    assert_eq!(sets.latest.operators[&validator(65)], org(REGISTRAR));
    assert!(!sets.latest.run_by(org(HOSPITAL)) && sets.before.run_by(org(HOSPITAL)));
    advance(&mut state, at(3), &[]);
    assert_eq!(keys_at(&state, 4), sorted(&[61, 62, 64, 65]));
    assert_eq!(keys_at(&state, 9), sorted(&[61, 62, 64, 65]));
}

#[test]
fn what_breaks_a_rule_is_refused_by_that_rule() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let taken = |n| Unfit::KeyTaken { key: public(n) };
    assert_eq!(unfit(&state, add(COUNCIL[2], 61)), taken(61), "a validator votes with it");
    assert_eq!(
        unfit(&state, add(COUNCIL[2], HOSPITAL.1)),
        taken(HOSPITAL.1),
        "an organisation signs with it"
    );
    assert_eq!(unfit(&state, add(NOBODY, 70)), Unfit::NoMember(org(NOBODY)));
    let stranger = Change::RemoveValidator(validator(70));
    assert_eq!(unfit(&state, stranger), Unfit::NoValidator(validator(70)));
    let mut txs = decision(&chain, 0, Change::RemoveValidator(validator(61)));
    txs.extend(decision(&chain, 1, Change::RemoveValidator(validator(62))));
    advance(&mut state, at(1), &txs);
    assert_eq!(unfit(&state, Change::RemoveValidator(validator(63))), Unfit::LastValidator);
    // Its key is not free before it has agreed on its last block.
    assert_eq!(unfit(&state, add(COUNCIL[2], 61)), taken(61));
    advance(&mut state, at(2), &[]);
    assert!(checked(&state, &proposed(&chain, COUNCIL[0], 9, add(COUNCIL[2], 61))).is_ok());
}

#[test]
fn an_organisation_goes_after_its_last_validator_has() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let removal = || Change::RemoveOrganisation(org(HOSPITAL));
    let runs = Unfit::RunsValidator { organisation: HOSPITAL.0.into() };
    assert_eq!(unfit(&state, removal()), runs);
    advance(&mut state, at(1), &decision(&chain, 0, Change::RemoveValidator(validator(63))));
    assert_eq!(unfit(&state, removal()), runs, "it agrees on block 2");
    advance(&mut state, at(2), &[]);
    advance(&mut state, at(3), &decision(&chain, 1, removal()));
    assert!(state.organisation(&org(HOSPITAL)).is_none());
    // An organisation that got a validator in this very block stays, too.
    let mut txs = decision(&chain, 2, add(REGISTRAR, 66));
    txs.extend(decision(&chain, 3, Change::RemoveOrganisation(org(REGISTRAR))));
    let reason = Conflict::Unfit(Unfit::RunsValidator { organisation: REGISTRAR.0.into() }).into();
    let refused = block(&state, at(4), &txs).err();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 3, reason }));
}

#[test]
fn a_ledger_that_began_without_validators_takes_none() {
    let mut spec = council_spec();
    spec.validators.clear();
    let state = State::genesis(std::sync::Arc::new(Genesis::new(spec).expect("good")));
    assert!(state.validators().is_none());
    assert_eq!(unfit(&state, add(COUNCIL[0], 61)), Unfit::NoValidators);
    assert_eq!(unfit(&state, Change::RemoveValidator(validator(61))), Unfit::NoValidators);
}

#[test]
fn there_is_a_most_of_validators_and_of_members() {
    let mut full = council_spec();
    full.validators = (0..MAX_VALIDATORS)
        .map(|i| {
            let mut seed = [200; 32];
            seed[0] = i as u8;
            let key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
            ValidatorSpec { organisation: HOSPITAL.0.into(), key: hex::encode(key) }
        })
        .collect();
    let state = State::genesis(std::sync::Arc::new(Genesis::new(full).expect("good")));
    assert_eq!(unfit(&state, add(COUNCIL[0], 64)), Unfit::ValidatorsFull { most: MAX_VALIDATORS });
    let mut full = council_spec();
    for i in full.organisations.len()..MAX_ORGANISATIONS {
        let mut seed = [201; 32];
        seed[..8].copy_from_slice(&(i as u64).to_le_bytes());
        let key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        let id = format!("Organization/{i}");
        let (name, key, capabilities) = (id.clone(), hex::encode(key), CapabilitiesSpec::default());
        full.organisations.push(OrganisationSpec { id, name, key, capabilities });
    }
    let state = State::genesis(std::sync::Arc::new(Genesis::new(full).expect("good")));
    let one_more = Change::AddOrganisation {
        reference: "Organization/one-more".into(),
        name: "One more".into(),
        key: public(64),
        capabilities: Capabilities::none(),
    };
    assert_eq!(unfit(&state, one_more), Unfit::MembersFull { most: MAX_ORGANISATIONS });
}
