//! Proofs of single entries: what is in the state, and what is not.

use crate::store::{file, full};
use crate::world::*;
use amanat_domain::field::to_bytes;
use amanat_domain::map::NotShown;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, KeyDigest, Transaction, TxId};
use amanat_ledger::*;

/// Changed in any byte, shortened or longer, the proof shows nothing of its entry.
pub(crate) fn every_byte_is_bound(proof: &EntryProof, tip: BlockHash) {
    let bytes = proof.to_bytes();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        // The asker must compare the name that the proof is about; everything else is bound.
        if let Ok(changed) = EntryProof::from_bytes(&bad)
            && changed.entry == proof.entry
        {
            assert!(changed.verify(tip).is_err(), "byte {at} of the proof of {:?}", proof.entry);
        }
        assert!(EntryProof::from_bytes(&bytes[..at]).is_err());
    }
    let mut long = bytes;
    long.push(0);
    assert!(EntryProof::from_bytes(&long).is_err());
}

/// Every entry that these transactions made, and as many that nothing made.
fn asked(txs: &[Transaction]) -> (Vec<Entry>, Vec<Entry>) {
    let (mut there, mut absent) = (Vec::new(), Vec::new());
    for tx in txs {
        there.push(Entry::Transaction(tx.id()));
        let Transaction::Proof(tx) = tx else { continue };
        there.push(Entry::Context(to_bytes(&tx.ctx())));
        if let Some(nullifier) = tx.spent_nullifier() {
            there.push(Entry::Nullifier(to_bytes(&nullifier)));
        }
    }
    for statement in Statement::ALL {
        there.push(Entry::VerifyingKey(statement, key(statement).digest));
        absent.push(Entry::VerifyingKey(statement, KeyDigest([statement as u8; 32])));
    }
    there.extend([HOSPITAL, REGISTRAR, BOARD].map(|who| Entry::Organisation(org(who))));
    absent.extend([Entry::Organisation(org(NOBODY)), Entry::ValidatorSet, Entry::Proposal(TxId([1; 32]))]);
    there.extend((0..=2).map(Entry::Bundle));
    there.extend((0..5).map(Entry::Credential));
    absent.extend((3..9).map(Entry::Bundle));
    absent.extend((5..9).map(Entry::Credential));
    for n in 0..20u8 {
        absent.push(Entry::Nullifier([n; 32]));
        absent.push(Entry::Context([n; 32]));
        absent.push(Entry::Transaction(TxId([n; 32])));
    }
    (there, absent)
}

#[test]
fn every_entry_is_shown_and_every_other_shown_to_be_absent() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, txs) = full(&folder);
    let solo = Solo::open(file(&path)).expect("a good file");
    let tip = solo.status().tip.hash();
    let (there, absent) = asked(&txs);
    assert!(there.len() > 50);
    let mut held = 0;
    for entry in there {
        let proof = solo.prove(entry).expect("no fault");
        assert_eq!(proof.verify(tip), Ok(()), "{entry:?}");
        let content = proof.content.expect("it is there");
        match (entry, content) {
            (Entry::Transaction(txid), Content::Receipt(receipt)) => {
                let stored = solo.receipt(&txid).expect("no fault").expect("committed");
                assert_eq!(receipt, *stored.data());
            }
            (Entry::VerifyingKey(Statement::Grant, _), Content::VerifyingKey { frozen_from, .. }) => {
                assert!(frozen_from.is_some());
            }
            (Entry::Credential(index), Content::Credential(credential)) => {
                assert_eq!(credential.retired.is_some(), index == 2);
            }
            (Entry::Bundle(epoch), Content::Bundle(hash)) => {
                assert_eq!(hash, solo.bundle(epoch).expect("sealed").hash);
            }
            _ => {}
        }
        // It is not absent, and says nothing else.
        let hidden = EntryProof { content: None, ..proof.clone() };
        assert_eq!(hidden.verify(tip), Err(NotShown::Opposite { present: true }.into()), "{entry:?}");
        held += 1;
    }
    assert_eq!(held, solo.state().commitments().entries.1, "there is no other entry");
    for entry in absent {
        let proof = solo.prove(entry).expect("no fault");
        assert_eq!((proof.verify(tip), proof.content), (Ok(()), None), "{entry:?}");
    }
}

#[test]
fn a_proof_with_any_byte_changed_shows_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, txs) = full(&folder);
    let solo = Solo::open(file(&path)).expect("a good file");
    let tip = solo.status().tip.hash();
    let (there, absent) = asked(&txs);
    let kinds = [0, there.len() - 1, there.len() - 6, there.len() - 9, 45];
    for entry in kinds.map(|at| there[at]).into_iter().chain([absent[0], absent[20], absent[21]]) {
        let proof = solo.prove(entry).expect("no fault");
        assert_eq!(EntryProof::from_bytes(&proof.to_bytes()).as_ref(), Ok(&proof));
        every_byte_is_bound(&proof, tip);
    }
}

#[test]
fn a_proof_is_about_one_entry_one_block_and_one_ledger() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, txs) = full(&folder);
    let solo = Solo::open(file(&path)).expect("a good file");
    let tip = solo.status().tip.hash();
    let (first, second) = (txs[0].id(), txs[1].id());
    let proof = solo.prove(Entry::Transaction(first)).expect("no fault");
    // Another transaction's name on it, or its receipt in it.
    let renamed = EntryProof { entry: Entry::Transaction(second), ..proof.clone() };
    assert_eq!(renamed.verify(tip), Err(EntryNotShown::OtherContent));
    let other = solo.prove(Entry::Transaction(second)).expect("no fault");
    let moved = EntryProof { content: other.content, ..proof.clone() };
    assert_eq!(moved.verify(tip), Err(EntryNotShown::OtherContent));
    // A content of another kind.
    let kind = EntryProof { content: Some(Content::SpentAt(1)), ..proof.clone() };
    assert_eq!(kind.verify(tip), Err(EntryNotShown::OtherContent));
    // The state of another block.
    let freeze = Action::FreezeKey { statement: Statement::Role, key: key(Statement::Role).digest };
    let tx = sign(&genesis(), BOARD, 1, freeze);
    let before = solo.prove(Entry::Transaction(tx.id())).expect("no fault");
    assert_eq!(before.content, None);
    solo.submit(&tx.to_bytes(), epoch(2)).expect("committed");
    let now = solo.status().tip.hash();
    assert!(matches!(proof.verify(now), Err(EntryNotShown::OtherBlock { .. })));
    let mixed = EntryProof { header: solo.status().tip, ..before.clone() };
    assert!(matches!(mixed.verify(now), Err(EntryNotShown::OtherState(_))));
    // The old block's proof stays true of the old block.
    assert_eq!(before.verify(tip), Ok(()));
    assert!(solo.prove(Entry::Transaction(tx.id())).expect("no fault").content.is_some());
}

#[test]
fn a_credential_issued_and_retired_by_one_block_is_the_same_after_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    let (store, mut state) = Store::create(file(&path), genesis()).expect("new");
    let chain = genesis();
    let retire = sign(&chain, HOSPITAL, 0, Action::RetireRole { index: 1 });
    let delta = block(&state, at(1), &[issue(&chain, 1), issue(&chain, 2), retire]).expect("valid");
    store.commit(&delta, None).expect("written");
    state.commit(delta);
    drop(store);
    let solo = Solo::open(file(&path)).expect("the same state");
    let proof = solo.prove(Entry::Credential(1)).expect("no fault");
    assert_eq!(proof.verify(state.tip().hash()), Ok(()));
    let Some(Content::Credential(credential)) = proof.content else { panic!("issued") };
    assert_eq!((credential.issued, credential.retired), (1, Some(1)));
}
