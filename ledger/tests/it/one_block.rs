//! One block that takes away and gives back: members and validators, in memory, replayed, opened
//! and restored.

use crate::governed_store::same;
use crate::snapshot::{restore, snapshot};
use crate::store::file;
use crate::world::*;
use amanat_domain::governance::{Capabilities, Change};
use amanat_domain::identity::SubjectCommitment;
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::{Action, Transaction};
use amanat_ledger::*;
use amanat_verifier::light::LightClient;
use std::path::PathBuf;

const CLINIC: (&str, u8) = ("Organization/clinic", 21);

/// A ledger of the council in a separate folder.
struct Ledger {
    store: Store,
    state: State,
    path: PathBuf,
    folder: tempfile::TempDir,
}

impl Ledger {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.redb");
        let (store, state) = Store::create(file(&path), council()).expect("new");
        Self { store, state, path, folder }
    }

    fn commit(&mut self, txs: &[Transaction]) -> Vec<ReceiptData> {
        let delta = block(&self.state, at(1), txs).expect("valid");
        let receipts = delta.receipts().to_vec();
        let certificate = certify_council(&self.state, &delta.block().header);
        self.store.commit(&delta, Some(&certificate)).expect("written");
        self.state.commit(delta);
        assert_eq!(self.state.commitments().app_hash(), self.state.tip().app_hash);
        receipts
    }

    /// Why a block is refused, and for which of its transactions.
    fn refused(&self, txs: &[Transaction]) -> (usize, Refusal) {
        match block(&self.state, at(1), txs).err() {
            Some(BlockRefusal::Transaction { index, reason }) => (index, reason),
            other => panic!("{other:?}"),
        }
    }

    /// Replayed from its blocks, opened again, followed by a client and restored from a snapshot it
    /// is the same. Gives the chain.
    fn agrees(self) -> Chain {
        let Self { store, state, path, folder } = self;
        let tip = *state.tip();
        let mut replay = State::genesis(council());
        for height in 1..=tip.height {
            let block = store.block(height).expect("no fault").expect("there");
            let delta = process_proposal(&replay, &block, &unknown).expect("valid");
            replay.commit(delta);
        }
        same(&replay, &state);
        let founders = council().validators().expect("some").set.clone();
        let mut client = LightClient::new(council().chain_id(), founders);
        for change in store.successions(tip.height).expect("no fault") {
            client.follow(&change).expect("each leads to the next");
        }
        let certificate = store.certificate(tip.height).expect("no fault").expect("there");
        assert_eq!(client.block(&tip, &certificate), Ok(tip.hash()));
        drop(store);
        let chain = Chain::open(file(&path)).expect("a good file");
        same(&chain.state(), &state);
        let copy = folder.path().join("copy");
        restore(&copy, &council(), &snapshot(&chain)).expect("restored");
        let restored = Chain::open(file(&copy)).expect("a good file");
        same(&restored.state(), &state);
        restored
    }
}

fn remove(who: (&str, u8)) -> Change {
    Change::RemoveOrganisation(org(who))
}

fn add(who: (&str, u8), capabilities: Capabilities) -> Change {
    let (reference, name) = (who.0.to_owned(), "Back".to_owned());
    Change::AddOrganisation { reference, name, key: public(who.1), capabilities }
}

fn governs() -> Capabilities {
    Capabilities { govern: true, ..Capabilities::none() }
}

/// What the app hash says of an organisation: since when, and until when.
fn member(chain: &Chain, who: (&str, u8)) -> (u64, Option<u64>) {
    let proof = chain.prove(Entry::Organisation(org(who))).expect("no fault");
    assert_eq!(proof.verify(chain.status().tip.hash()), Ok(()));
    match proof.content {
        Some(Content::Organisation { since, removed, .. }) => (since, removed),
        other => panic!("{other:?}"),
    }
}

/// One decision after another.
fn decisions(changes: impl IntoIterator<Item = Change>) -> Vec<Transaction> {
    (10..).zip(changes).flat_map(|(nonce, change)| decision(&council(), nonce, change)).collect()
}

#[test]
fn a_member_removed_and_taken_in_again_by_one_block_is_a_new_one() {
    let chain = council();
    let mut ledger = Ledger::new();
    let last = COUNCIL[3];
    let open = proposed(&chain, COUNCIL[2], 0, remove(REGISTRAR));
    ledger.commit(&[open.clone(), approve(&chain, last, &open)]);
    assert!(ledger.state.proposals()[&open.id()].approvals.contains(&org(last)));

    // With the same key, and with one right more.
    let capabilities = Capabilities { enrol: true, ..governs() };
    let both = [remove(last), add(last, capabilities.clone())];
    let turned = decisions(both.iter().rev().cloned());
    let there = Conflict::Unfit(Unfit::Member { organisation: last.0.into() });
    assert_eq!(ledger.refused(&turned), (0, there.into()), "not while it is a member");
    let txs = decisions(both);
    let enrols = sign(&chain, last, 1, Action::Enrol(vec![SubjectCommitment::new(f(1))]));
    let early: Vec<Transaction> = txs.iter().chain([&enrols]).cloned().collect();
    assert_eq!(ledger.refused(&early), (6, Reject::UnknownOrganisation(org(last)).into()));

    let receipts = ledger.commit(&txs);
    let needed = |r: &ReceiptData| match r.effect {
        Effect::Approved { needed, holds_from: Some(3), .. } => needed,
        other => panic!("{other:?}"),
    };
    assert_eq!([needed(&receipts[2]), needed(&receipts[5])], [3, 3], "three of four, then three of three");
    let now = &ledger.state.members()[&org(last)];
    assert_eq!((now.since, now.removed, &now.organisation.capabilities), (2, None, &capabilities));
    assert_eq!(ledger.state.governors().len(), 4);
    let left = &ledger.state.proposals()[&open.id()].approvals;
    assert_eq!(left.iter().collect::<Vec<_>>(), [&org(COUNCIL[2])], "who left approved nothing");

    // From the next block on it signs, and approves again.
    let again = sign(&chain, last, 7, Action::Approve(open.id()));
    ledger.commit(&[enrols, again]);
    let chain = ledger.agrees();
    assert_eq!(member(&chain, last), (2, None));
    assert_eq!(chain.state().proposals()[&open.id()].approvals.len(), 2);
}

#[test]
fn a_member_taken_in_and_removed_by_one_block_was_one_for_no_block() {
    let mut ledger = Ledger::new();
    let (once, twice) = (CLINIC, REGISTRAR);
    // The one comes and goes; the other goes, comes and goes.
    let none = Capabilities::none;
    let changes = [add(once, none()), remove(once), remove(twice), add(twice, none()), remove(twice)];
    ledger.commit(&decisions(changes));
    assert!(
        ledger.state.organisation(&org(once)).is_none() && ledger.state.organisation(&org(twice)).is_none()
    );
    // Their keys are free again.
    ledger.commit(&decisions([add((CLINIC.0, REGISTRAR.1), none())]));
    let chain = ledger.agrees();
    assert_eq!(member(&chain, twice), (1, Some(1)));
    assert_eq!(member(&chain, once), (2, None));
}

#[test]
fn a_validator_replaced_by_one_block_votes_until_the_other_does() {
    let mut ledger = Ledger::new();
    let key = |n| ValidatorKey(public(n));
    let add = |n| Change::AddValidator { organisation: org(HOSPITAL), key: key(n) };
    let drop = |n| Change::RemoveValidator(key(n));
    // The key itself still votes for two blocks: it does not come back in the block that removes
    // it, in neither order.
    let taken: Refusal = Conflict::Unfit(Unfit::KeyTaken { key: public(63) }).into();
    assert_eq!(ledger.refused(&decisions([drop(63), add(63)])), (3, taken.clone()));
    assert_eq!(ledger.refused(&decisions([add(63), drop(63)])), (0, taken.clone()));
    // Its organisation does, with another key; one that comes and goes changes nothing.
    ledger.commit(&decisions([drop(63), add(64), add(65), drop(65)]));
    let sorted = |mut keys: Vec<ValidatorKey>| {
        keys.sort_unstable();
        keys
    };
    let (before, after) = (sorted([61, 62, 63].map(key).into()), sorted([61, 62, 64].map(key).into()));
    let keys_at = |state: &State, height| state.validators().expect("some").at(height).set.keys().to_vec();
    assert_eq!([2, 3, 4].map(|h| keys_at(&ledger.state, h)), [before.clone(), after.clone(), after.clone()]);
    // A block later the old key still votes, then it is free.
    assert_eq!(ledger.refused(&decisions([add(63)])), (0, taken));
    ledger.commit(&[]);
    ledger.commit(&decisions([add(65), drop(65)]));
    assert_eq!([3, 4, 5, 6].map(|h| keys_at(&ledger.state, h)), [(); 4].map(|()| after.clone()));
    ledger.commit(&[]);
    ledger.commit(&decisions([drop(64), add(63)]));
    ledger.commit(&[]);
    ledger.commit(&[]);
    let chain = ledger.agrees();
    assert_eq!(keys_at(&chain.state(), 8), before);
}
