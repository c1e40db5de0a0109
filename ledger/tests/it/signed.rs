//! Transactions signed by organisations.

use crate::world::*;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::OrgId;
use amanat_domain::field::to_bytes;
use amanat_domain::identity::{RoleInner, SubjectCommitment, role_leaf};
use amanat_domain::mirror::{Leaves, Mirror};
use amanat_domain::record::{RecordRoot, anchor_leaf};
use amanat_domain::tx::{Action, ChainId, MAX_TX_BYTES, Transaction};
use amanat_domain::wire::WireError;
use amanat_ledger::*;
use amanat_verifier::TxReject;

fn state() -> State {
    State::genesis(genesis())
}

#[test]
fn enrolling_appends_subjects_and_says_where() {
    let (mut state, chain) = (state(), genesis());
    let three = [5, 6, 7].map(|n| SubjectCommitment::new(f(n))).to_vec();
    let receipts =
        advance(&mut state, at(5), &[enrol(&chain, 4), sign(&chain, HOSPITAL, 0, Action::Enrol(three))]);
    let effect = |first, count| Effect::Appended { registry: Registry::Subjects, first, count };
    assert_eq!(receipts[0].effect, effect(0, 1));
    assert_eq!(receipts[1].effect, effect(1, 3));
    assert_eq!(state.tree(Registry::Subjects).leaves(), [4, 5, 6, 7].map(f));
}

#[test]
fn a_subject_is_enrolled_once_and_zero_is_none() {
    let (mut state, chain) = (state(), genesis());
    advance(&mut state, at(5), &[enrol(&chain, 4)]);
    let again = sign(&chain, HOSPITAL, 1, Action::Enrol(vec![SubjectCommitment::new(f(4))]));
    assert_eq!(refusal(&state, &again), Conflict::AlreadyEnrolled { subject: to_bytes(&f(4)) }.into());
    let twice =
        sign(&chain, HOSPITAL, 1, Action::Enrol([8, 8].map(|n| SubjectCommitment::new(f(n))).to_vec()));
    assert_eq!(refusal(&state, &twice), Reject::Repeated(1).into());
    let zero =
        sign(&chain, HOSPITAL, 1, Action::Enrol([8, 0].map(|n| SubjectCommitment::new(f(n))).to_vec()));
    assert_eq!(refusal(&state, &zero), Reject::EmptyLeaf(1).into());
}

#[test]
fn the_ledger_computes_role_and_anchor_leaves_with_the_signers_id() {
    let (mut state, chain) = (state(), genesis());
    let late = epoch(3);
    let records = [RecordRoot::new(f(50)), RecordRoot::new(f(51))];
    let superseded = vec![handle(9)];
    let action = Action::Anchor { records: records.to_vec(), superseded };
    let receipts = advance(&mut state, late, &[issue(&chain, 20), sign(&chain, HOSPITAL, 0, action)]);
    assert_eq!(receipts[1].effect, Effect::Anchored { first: 0, count: 2, superseded: 1 });
    assert_eq!(receipts[1].epoch, 3);
    let leaf = role_leaf(nurse(), org(HOSPITAL), RoleInner::new(f(20)));
    assert_eq!(state.tree(Registry::Roles).leaves(), [leaf.to_field()]);
    let anchors = records.map(|r| anchor_leaf(r, org(HOSPITAL), 3).to_field());
    assert_eq!(state.tree(Registry::Records).leaves(), anchors);
    assert!(state.revocations().contains(handle(9).revocation_id().expect("a usable handle")));
}

#[test]
fn a_record_is_taken_back_without_another_in_its_place() {
    let (mut state, chain) = (state(), genesis());
    let action = |superseded| Action::Anchor { records: Vec::new(), superseded };
    let receipts = advance(&mut state, epoch(3), &[sign(&chain, HOSPITAL, 0, action(vec![handle(9)]))]);
    assert_eq!(receipts[0].effect, Effect::Anchored { first: 0, count: 0, superseded: 1 });
    assert!(state.revocations().contains(handle(9).revocation_id().expect("a usable handle")));
    // Nothing at all is no action.
    let nothing = sign(&chain, HOSPITAL, 1, action(Vec::new())).to_bytes();
    assert!(amanat_domain::tx::Transaction::from_bytes(&nothing).is_err());
}

#[test]
fn only_the_issuer_retires_a_credential_and_only_once() {
    let (mut state, chain) = (state(), genesis());
    advance(&mut state, at(1), &[issue(&chain, 20), issue(&chain, 21)]);
    assert_eq!(state.active_credentials(), 2);
    let retire = |who, index| sign(&chain, who, 0, Action::RetireRole { index });
    assert_eq!(
        refusal(&state, &retire(REGISTRAR, 0)),
        Reject::NotTheIssuer { index: 0, organisation: REGISTRAR.0.into() }.into()
    );
    assert_eq!(refusal(&state, &retire(HOSPITAL, 2)), Reject::NoSuchCredential { index: 2, len: 2 }.into());
    let receipts = advance(&mut state, at(2), &[retire(HOSPITAL, 0)]);
    assert_eq!(receipts[0].effect, Effect::Retired { index: 0 });
    assert_eq!(state.tree(Registry::Roles).leaf(0), Some(f(0)));
    assert_eq!(state.active_credentials(), 1);
    let again = sign(&chain, HOSPITAL, 1, Action::RetireRole { index: 0 });
    assert_eq!(refusal(&state, &again), Conflict::AlreadyRetired { index: 0 }.into());
    // An equal credential is refused while active, and may be issued again once retired.
    let equal = |inner| {
        let inner = RoleInner::new(f(inner));
        sign(&chain, HOSPITAL, 7, Action::IssueRole { role: nurse(), inner })
    };
    assert_eq!(refusal(&state, &equal(21)), Conflict::AlreadyIssued { index: 1 }.into());
    assert!(checked(&state, &equal(20)).is_ok());
}

#[test]
fn issuing_and_retiring_in_one_block_leaves_an_empty_slot() {
    let (mut state, chain) = (state(), genesis());
    let retire = sign(&chain, HOSPITAL, 0, Action::RetireRole { index: 0 });
    advance(&mut state, at(1), &[issue(&chain, 20), retire, issue(&chain, 21)]);
    assert_eq!(state.active_credentials(), 1);
    assert_eq!(state.tree(Registry::Roles).leaf(0), Some(f(0)));
    assert_eq!(state.tree(Registry::Roles).len(), 2);
    let again = sign(&chain, HOSPITAL, 1, Action::RetireRole { index: 0 });
    assert_eq!(refusal(&state, &again), Conflict::AlreadyRetired { index: 0 }.into());
}

#[test]
fn an_organisation_does_only_what_it_is_entitled_to() {
    let (state, chain) = (state(), genesis());
    let role = |role| Action::IssueRole { role, inner: RoleInner::new(f(1)) };
    let one = || Action::Enrol(vec![SubjectCommitment::new(f(1))]);
    let records = || Action::Anchor { records: vec![RecordRoot::new(f(1))], superseded: vec![] };
    for (who, action, capability) in [
        (REGISTRAR, one(), Capability::Enrol),
        (BOARD, one(), Capability::Enrol),
        (REGISTRAR, role(surgeon()), Capability::IssueRole),
        (BOARD, role(nurse()), Capability::IssueRole),
        (REGISTRAR, records(), Capability::Anchor),
    ] {
        let refused = Reject::NotEntitled { organisation: who.0.into(), capability };
        assert_eq!(refusal(&state, &sign(&chain, who, 0, action)), refused.into());
    }
    assert!(checked(&state, &sign(&chain, REGISTRAR, 0, role(nurse()))).is_ok());
    assert!(checked(&state, &sign(&chain, HOSPITAL, 0, role(surgeon()))).is_ok());
    let id = OrgId::from_reference(NOBODY.0);
    assert_eq!(refusal(&state, &sign(&chain, NOBODY, 0, one())), Reject::UnknownOrganisation(id).into());
}

#[test]
fn a_wrong_or_missing_signature_is_refused_whatever_was_changed() {
    let (state, chain) = (state(), genesis());
    let Transaction::Signed(good) = enrol(&chain, 4) else { unreachable!() };
    let signature: Refusal = Reject::Evidence(TxReject::Signature(org(HOSPITAL))).into();
    let mut changes = Vec::new();
    for bit in [0, 100, 300, 511] {
        let mut tx = good.clone();
        tx.signature[bit / 8] ^= 1 << (bit % 8);
        changes.push(tx);
    }
    let mut unsigned = good.clone();
    unsigned.signature = [0; 64];
    let mut nonce = good.clone();
    nonce.nonce[0] ^= 1;
    let mut action = good.clone();
    action.action = Action::Enrol(vec![SubjectCommitment::new(f(5))]);
    // Signed by another member in the hospital's name.
    let Transaction::Signed(other) = sign(&chain, (HOSPITAL.0, REGISTRAR.1), 0, good.action.clone()) else {
        unreachable!()
    };
    changes.extend([unsigned, nonce, action, other]);
    for tx in changes {
        let tx = Transaction::Signed(tx);
        assert_eq!(refusal(&state, &tx), signature);
        // In a block it is found, too, and named.
        let in_block = block(&state, at(1), &[enrol(&chain, 9), tx]).err();
        assert_eq!(in_block, Some(BlockRefusal::Transaction { index: 1, reason: signature.clone() }));
    }
}

#[test]
fn a_transaction_of_a_foreign_chain_is_refused() {
    let state = state();
    let mut spec = spec();
    spec.chain = "other".into();
    let other = Genesis::new(spec).expect("a good genesis");
    let (expected, got) = (genesis().chain_id(), other.chain_id());
    assert_eq!(refusal(&state, &enrol(&other, 1)), Reject::ForeignChain { expected, got }.into());
    // Claiming this chain without signing for it does not help.
    let Transaction::Signed(mut tx) = enrol(&other, 1) else { unreachable!() };
    tx.chain = ChainId(expected.0);
    assert_eq!(
        refusal(&state, &Transaction::Signed(tx)),
        Reject::Evidence(TxReject::Signature(org(HOSPITAL))).into()
    );
}

#[test]
fn oversized_truncated_and_surplus_bytes_and_unknown_versions_are_refused() {
    let (state, chain) = (state(), genesis());
    let now = at(1);
    let bytes = enrol(&chain, 1).to_bytes();
    let refused = |bytes: &[u8]| check_tx(&state, bytes, now).err();
    let large = vec![0; MAX_TX_BYTES + 1];
    assert_eq!(refused(&large), Some(Reject::TooLarge { most: MAX_TX_BYTES, got: large.len() }.into()));
    for n in 0..bytes.len() {
        let error = refused(&bytes[..n]);
        assert!(matches!(error, Some(Refusal::Reject(Reject::Encoding(_)))), "{n}: {error:?}");
    }
    let mut long = bytes.clone();
    long.push(0);
    assert_eq!(refused(&long), Some(Reject::Encoding(WireError::Trailing(1)).into()));
    for version in [0, 2, 255] {
        let mut other = bytes.clone();
        other[0] = version;
        let unknown = WireError::Unknown { what: "transaction version", got: version.into() };
        assert_eq!(refused(&other), Some(Reject::Encoding(unknown).into()));
    }
    // x + r is no second name of a subject.
    let mut alias = bytes;
    let at = alias.len() - 64 - 32;
    alias[at..at + 32].fill(0xff);
    assert_eq!(refused(&alias), Some(Reject::Encoding(WireError::NotCanonical("subject")).into()));
}

#[test]
fn a_mirror_rebuilds_every_bundle_from_the_leaves_as_they_were() {
    let (mut state, chain) = (state(), genesis());
    let mut expected = vec![0];
    for e in 1..6u64 {
        let mut txs =
            vec![enrol(&chain, e), issue(&chain, 100 + e), anchor(&chain, 200 + e, &[100 - 10 * e, 20 + e])];
        if e > 2 {
            txs.push(sign(&chain, HOSPITAL, e, Action::RetireRole { index: (e - 3) as u32 }));
        }
        // Twice an epoch: the bundle is over the state before the first.
        advance(&mut state, at(e as i64 * 3600 + 1), &txs);
        advance(&mut state, at(e as i64 * 3600 + 2), &[enrol(&chain, 50 + e)]);
        expected.push(e);
    }
    for e in expected {
        let of = |r| state.leaves_as_of(e, r, 0, usize::MAX).expect("sealed");
        let revocations = state.revocations_as_of(e, 0, usize::MAX).expect("sealed");
        let leaves = Leaves::read(|r| Ok::<_, ()>(of(r)), |_| Ok(revocations.clone())).expect("read");
        let bundle = state.bundle(e).expect("sealed").bundle;
        let page = |from| state.leaves_as_of(e, Registry::Roles, from, 2).expect("sealed");
        let paged: Vec<_> = (0..).step_by(2).map(page).take_while(|p| !p.is_empty()).flatten().collect();
        assert_eq!(paged, leaves.dense(Registry::Roles));
        assert!(Mirror::new(bundle, leaves).is_ok(), "epoch {e}");
    }
    assert_eq!(state.leaves_as_of(99, Registry::Roles, 0, 1), None);
}

#[test]
fn a_credential_retired_and_issued_again_in_one_block_is_active_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    let chain = genesis();
    let (store, mut state) = Store::create(Storage::File(path.clone()), chain.clone()).expect("new");
    let retire = |index| sign(&chain, HOSPITAL, u64::from(index), Action::RetireRole { index });
    let again = |nonce| {
        let Transaction::Signed(tx) = issue(&chain, 20) else { panic!("signed") };
        sign(&chain, HOSPITAL, nonce, tx.action)
    };
    let blocks = [
        vec![issue(&chain, 20), issue(&chain, 21)],
        vec![retire(0), again(101)],
        vec![enrol(&chain, 1)],
        vec![retire(2), again(102), retire(3), again(103)],
        vec![enrol(&chain, 2)],
    ];
    for (n, txs) in (1..).zip(&blocks) {
        let delta = block(&state, at(n), txs).expect("valid");
        store.commit(&delta, None).expect("written");
        state.commit(delta);
        assert_eq!(state.active_credentials(), 2, "block {n}");
        assert_eq!(state.commitments().app_hash(), state.tip().app_hash, "block {n}");
    }
    let twice = refusal(&state, &again(104));
    assert!(matches!(twice, Refusal::Conflict(_)), "{twice}");
    drop(store);
    let (_, opened) = Store::open(Storage::File(path)).expect("a good file");
    assert_eq!(opened.commitments(), state.commitments());
}
