//! What governance changed: replayed, reopened, damaged, shown.

use crate::entries::every_byte_is_bound;
use crate::store::{corrupt, damaged, file};
use crate::world::*;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::{Transaction, TxId};
use amanat_ledger::*;
use std::path::PathBuf;

const CLINIC: (&str, u8) = ("Organization/clinic", 21);

fn clinic() -> Change {
    let (reference, name) = (CLINIC.0.to_owned(), "Clinic".to_owned());
    let capabilities = Capabilities { enrol: true, ..Capabilities::none() };
    Change::AddOrganisation { reference, name, key: public(CLINIC.1), capabilities }
}

/// A ledger on which members and validators came and went, and a proposal that is open. Gives its
/// path, the state and the open one.
pub(crate) fn governed(folder: &tempfile::TempDir) -> (PathBuf, State, Transaction) {
    let path = folder.path().join("ledger.redb");
    let chain = council();
    let (store, mut state) = Store::create(file(&path), chain.clone()).expect("new");
    let open = proposed(&chain, COUNCIL[1], 9, Change::RemoveOrganisation(org(COUNCIL[2])));
    let validator = Change::AddValidator { organisation: org(REGISTRAR), key: ValidatorKey(public(64)) };
    let blocks = [
        decision(&chain, 0, clinic()),
        vec![open.clone(), approve(&chain, COUNCIL[3], &open)],
        decision(&chain, 1, Change::RemoveOrganisation(org(CLINIC))),
        decision(&chain, 2, validator),
    ];
    for (n, txs) in (1..).zip(&blocks) {
        let delta = block(&state, at(n), txs).expect("valid");
        store.commit(&delta, Some(&certify_council(&state, &delta.block().header))).expect("written");
        state.commit(delta);
    }
    (path, state, open)
}

pub(crate) fn same(a: &State, b: &State) {
    assert_eq!(a.tip(), b.tip());
    assert_eq!(a.commitments(), b.commitments());
    assert_eq!(a.members(), b.members());
    assert_eq!(a.validators(), b.validators());
    assert_eq!(a.proposals(), b.proposals());
}

#[test]
fn a_replay_and_an_opened_file_give_the_same_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, state, open) = governed(&folder);
    let (store, opened) = Store::open(file(&path)).expect("a good file");
    same(&opened, &state);
    assert!(state.proposals()[&open.id()].is_open(0));
    let mut replay = State::genesis(council());
    for height in 1..=state.tip().height {
        let block = store.block(height).expect("no fault").expect("there");
        let delta = process_proposal(&replay, &block, &unknown).expect("valid");
        replay.commit(delta);
    }
    same(&replay, &state);
    // And they go on alike: the open proposal is approved by the third.
    let next = approve(&council(), COUNCIL[0], &open);
    let (mut opened, mut state) = (opened, state);
    assert_eq!(advance(&mut opened, at(9), std::slice::from_ref(&next)), advance(&mut state, at(9), &[next]));
    same(&opened, &state);
    assert!(state.organisation(&org(COUNCIL[2])).is_none());
}

#[test]
fn a_validator_refuses_a_block_whose_decision_was_left_out_of_the_state() {
    let chain = council();
    let state = State::genesis(chain.clone());
    let made = block(&state, at(1), &decision(&chain, 0, clinic())).expect("valid");
    let open = block(&state, at(1), &decision(&chain, 0, clinic())[..2]).expect("valid");
    let mut forged = made.block().clone();
    forged.header.app_hash = open.block().header.app_hash;
    let refused = process_proposal(&state, &forged, &unknown).err();
    assert!(matches!(refused, Some(BlockRefusal::Header { what: "app hash", .. })));
}

#[test]
fn a_changed_row_of_members_validators_or_proposals_is_found_on_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _, open) = governed(&folder);
    let pristine = std::fs::read(&path).expect("a file");
    type Rows = redb::TableDefinition<'static, &'static [u8; 32], &'static [u8]>;
    type One = redb::TableDefinition<'static, (), &'static [u8]>;
    const ORGANISATIONS: Rows = redb::TableDefinition::new("organisations");
    const PROPOSALS: Rows = redb::TableDefinition::new("proposals");
    const VALIDATORS: One = redb::TableDefinition::new("validators");
    let row = |tx: &redb::WriteTransaction, table: Rows, id: [u8; 32], edit: &dyn Fn(&mut Vec<u8>)| {
        use redb::ReadableTable;
        let mut table = tx.open_table(table).expect("there");
        let mut bytes = table.get(&id).expect("read").expect("there").value().to_vec();
        edit(&mut bytes);
        table.insert(&id, bytes.as_slice()).expect("written");
    };
    let sets = |tx: &redb::WriteTransaction, edit: &dyn Fn(&mut Vec<u8>)| {
        use redb::ReadableTable;
        let mut table = tx.open_table(VALIDATORS).expect("there");
        let mut bytes = table.get(()).expect("read").expect("there").value().to_vec();
        edit(&mut bytes);
        table.insert((), bytes.as_slice()).expect("written");
    };
    let (clinic, hospital) = (org(CLINIC).to_bytes(), org(HOSPITAL).to_bytes());
    let open = open.id().0;
    type Damage<'a> = (&'a str, Box<dyn Fn(&redb::WriteTransaction) + 'a>);
    let damages: Vec<Damage<'_>> = vec![
        ("a member brought back", Box::new(|tx| row(tx, ORGANISATIONS, clinic, &|b| b[8..16].fill(0)))),
        (
            "capabilities",
            Box::new(|tx| {
                row(tx, ORGANISATIONS, hospital, &|b| {
                    let at = b.len() - 5;
                    b[at] |= 4;
                })
            }),
        ),
        ("a reference", Box::new(|tx| row(tx, ORGANISATIONS, hospital, &|b| b[20] ^= 1))),
        ("a name", Box::new(|tx| row(tx, ORGANISATIONS, hospital, &|b| b[20 + HOSPITAL.0.len() + 4] ^= 1))),
        (
            "a member missing",
            Box::new(|tx| {
                tx.open_table(ORGANISATIONS).expect("there").remove(&hospital).expect("removed");
            }),
        ),
        ("a member cut short", Box::new(|tx| row(tx, ORGANISATIONS, hospital, &|b| b.truncate(9)))),
        (
            "validators gone",
            Box::new(|tx| {
                tx.open_table(VALIDATORS).expect("there").remove(()).expect("removed");
            }),
        ),
        ("an earlier change", Box::new(|tx| sets(tx, &|b| b[0] -= 1))),
        (
            "a validator of another",
            Box::new(|tx| {
                sets(tx, &|b| {
                    // The last operator of the set before.
                    let at = b.len() - 32;
                    b[at] ^= 1;
                })
            }),
        ),
        (
            "an approval more",
            Box::new(|tx| {
                row(tx, PROPOSALS, open, &|b| {
                    let at = b.len() - 8 - 2 * 32 - 4;
                    let mut third = b[at + 4..at + 36].to_vec();
                    third[0] ^= 1;
                    b[at] = 3;
                    b.splice(at + 4..at + 4, third);
                })
            }),
        ),
        (
            "a proposal made good",
            Box::new(|tx| {
                row(tx, PROPOSALS, open, &|b| {
                    let at = b.len() - 8;
                    b[at] = 3;
                })
            }),
        ),
        (
            "another change",
            Box::new(|tx| {
                row(tx, PROPOSALS, open, &|b| {
                    b.splice(1..33, hospital);
                })
            }),
        ),
        ("a longer life", Box::new(|tx| row(tx, PROPOSALS, open, &|b| b[1 + 32 + 32 + 8] ^= 1))),
        (
            "a proposal missing",
            Box::new(|tx| {
                tx.open_table(PROPOSALS).expect("there").remove(&open).expect("removed");
            }),
        ),
        (
            "a proposal of nobody",
            Box::new(|tx| {
                use redb::ReadableTable;
                let mut table = tx.open_table(PROPOSALS).expect("there");
                let bytes = table.get(&open).expect("read").expect("there").value().to_vec();
                table.insert(&[5; 32], bytes.as_slice()).expect("written");
            }),
        ),
    ];
    for (name, damage) in damages {
        std::fs::write(&path, &pristine).expect("restored");
        damaged(&path, damage);
        corrupt(&path, name);
    }
    std::fs::write(&path, &pristine).expect("restored");
    assert!(Store::open(file(&path)).is_ok());
}

#[test]
fn members_validators_and_proposals_are_shown_to_whoever_trusts_the_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, state, open) = governed(&folder);
    let solo = Chain::open(file(&path)).expect("a good file");
    let tip = state.tip().hash();
    let shown = |entry| {
        let proof = solo.prove(entry).expect("no fault");
        assert_eq!(proof.verify(tip), Ok(()), "{entry:?}");
        let again = EntryProof::from_bytes(&proof.to_bytes()).expect("own bytes");
        assert_eq!(again, proof);
        proof.content
    };
    let member = |who| {
        let member = &state.members()[&org(who)];
        let digest = member.organisation.digest();
        Some(Content::Organisation { digest, since: member.since, removed: member.removed })
    };
    for who in [HOSPITAL, COUNCIL[0], CLINIC] {
        assert_eq!(shown(Entry::Organisation(org(who))), member(who));
    }
    assert!(matches!(member(CLINIC), Some(Content::Organisation { since: 1, removed: Some(3), .. })));
    assert_eq!(shown(Entry::Organisation(org(NOBODY))), None);
    // The validators of the next two blocks: the change is decided in block 4, so block 5 still has
    // the previous validators.
    let genesis = State::genesis(council());
    let Some(Content::ValidatorSet { set, from, before, .. }) = shown(Entry::ValidatorSet) else {
        panic!("some")
    };
    let sets = state.validators().expect("some");
    assert_eq!((set, from), (sets.latest.set.hash(), 6));
    assert_eq!(before, genesis.validators().expect("some").at(1).set.hash());
    let Some(Content::Proposal { change, proposer, enacted, .. }) = shown(Entry::Proposal(open.id())) else {
        panic!("proposed")
    };
    assert_eq!((proposer, enacted), (org(COUNCIL[1]), None));
    assert_eq!(change, Change::RemoveOrganisation(org(COUNCIL[2])).digest());
    assert_eq!(shown(Entry::Proposal(TxId([8; 32]))), None);
    // Any byte changed shows something else, or nothing.
    for entry in [Entry::Organisation(org(CLINIC)), Entry::ValidatorSet, Entry::Proposal(open.id())] {
        every_byte_is_bound(&solo.prove(entry).expect("no fault"), tip);
    }
}

#[test]
fn evidence_of_a_receipt_follows_the_validators_from_the_genesis() {
    use amanat_verifier::light::{LightClient, LightError, ReceiptEvidence};
    let folder = tempfile::tempdir().expect("a folder");
    let (path, state, open) = governed(&folder);
    let chain = council();
    let ledger = Chain::open(file(&path)).expect("a good file");
    // Block 4 added a validator: it agrees from 6 on.
    let (mut at_height, mut txs) = (state, Vec::new());
    for n in 0..3 {
        let tx = enrol(&chain, 100 + n);
        assert!(matches!(ledger.admit(&tx.to_bytes(), at(20)), Ok(Entered::Waiting(_))));
        let delta = ledger.prepare_proposal(at(20)).expect("no fault");
        let certificate = certify_council(&at_height, &delta.block().header);
        at_height.commit(block(&at_height, at(20), std::slice::from_ref(&tx)).expect("valid"));
        ledger.commit(delta, Some(&certificate)).expect("certified");
        txs.push(tx.id());
    }
    let client = LightClient::new(chain.chain_id(), chain.validators().expect("three").set.clone());
    for (txid, changes) in [(open.id(), 0), (txs[0], 0), (txs[1], 1), (txs[2], 1)] {
        let evidence = ledger.evidence(&txid).expect("no fault").expect("committed");
        assert_eq!(evidence.changes.len(), changes);
        let read = ReceiptEvidence::from_bytes(&evidence.to_bytes()).expect("own bytes");
        let receipt = ledger.receipt(&txid).expect("no fault").expect("committed");
        assert_eq!(client.clone().check(&read), Ok(receipt.data()));
    }
    // The newcomer signed, and the client has not heard of it.
    let mut evidence = ledger.evidence(&txs[1]).expect("no fault").expect("committed");
    assert_eq!(evidence.certificate.signatures.len(), 4);
    evidence.changes.clear();
    assert!(matches!(client.clone().check(&evidence), Err(LightError::Certificate { height: 6, .. })));
    assert!(ledger.evidence(&TxId([9; 32])).expect("no fault").is_none());

    // A set that is missing, too early or another is found on opening, and so is a proof that is
    // missing when it is asked for.
    drop(ledger);
    let pristine = std::fs::read(&path).expect("a file");
    type Sets<'a> = redb::Table<'a, u64, &'static [u8]>;
    type Damage = (&'static str, fn(&mut Sets<'_>));
    let damages: [Damage; 4] = [
        ("the newest missing", |t| drop(t.remove(6).expect("removed"))),
        ("the genesis' missing", |t| drop(t.remove(0).expect("removed"))),
        ("another", |t| {
            let first = t.remove(0).expect("read").expect("there").value().to_vec();
            t.insert(6, first.as_slice()).expect("written");
            t.insert(0, first.as_slice()).expect("written");
        }),
        ("earlier", |t| {
            let newest = t.remove(6).expect("read").expect("there").value().to_vec();
            t.insert(5, newest.as_slice()).expect("written");
        }),
    ];
    for (name, damage) in damages {
        std::fs::write(&path, &pristine).expect("restored");
        damaged(&path, |tx| {
            damage(&mut tx.open_table(redb::TableDefinition::new("validator_sets")).expect("there"));
        });
        corrupt(&path, name);
    }
    std::fs::write(&path, &pristine).expect("restored");
    damaged(&path, |tx| {
        let table: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("successions");
        tx.open_table(table).expect("there").remove(6).expect("removed");
    });
    let ledger = Chain::open(file(&path)).expect("nothing that decides is missing");
    assert!(matches!(ledger.evidence(&txs[2]), Err(Fault::Corrupt { .. })));
    assert!(ledger.evidence(&txs[0]).is_ok_and(|evidence| evidence.is_some()));
}
