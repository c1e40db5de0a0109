//! Proposals, approvals, and what they change: organisations and what they may do.

use crate::world::*;
use amanat_domain::governance::{Capabilities, Change, RoleGrant};
use amanat_domain::identity::{RoleInner, SubjectCommitment};
use amanat_domain::tx::{Action, Transaction, TxId};
use amanat_ledger::*;
use amanat_verifier::TxReject;

/// A clinic that wants to enrol.
const CLINIC: (&str, u8) = ("Organization/clinic", 21);

fn add(who: (&str, u8), capabilities: Capabilities) -> Change {
    let (reference, name) = (who.0.to_owned(), who.0.to_owned());
    Change::AddOrganisation { reference, name, key: public(who.1), capabilities }
}

fn clinic() -> Change {
    add(CLINIC, Capabilities { enrol: true, roles: RoleGrant::All, ..Capabilities::none() })
}

fn enrols(chain: &Genesis, who: (&str, u8), subject: u64) -> Transaction {
    sign(chain, who, subject, Action::Enrol(vec![SubjectCommitment::new(f(subject))]))
}

fn unfit(state: &State, change: Change) -> Unfit {
    let chain = state.genesis_block();
    match refusal(state, &proposed(chain, COUNCIL[0], 900, change)) {
        Refusal::Conflict(Conflict::Unfit(reason)) => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn two_of_four_decide_nothing_and_three_do() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    assert_eq!((state.governors().len(), state.quorum()), (4, 3));
    let proposal = proposed(&chain, COUNCIL[0], 0, clinic());
    let effect = |receipts: Vec<ReceiptData>| receipts[0].effect;
    let expires = PROPOSAL_EPOCHS;
    assert_eq!(
        effect(advance(&mut state, at(1), std::slice::from_ref(&proposal))),
        Effect::Proposed { approvals: 1, needed: 3, expires, holds_from: None }
    );
    let approved = |approvals, holds_from| Effect::Approved {
        proposal: proposal.id(),
        approvals,
        needed: 3,
        holds_from,
    };
    let second = approve(&chain, COUNCIL[1], &proposal);
    assert_eq!(effect(advance(&mut state, at(2), &[second])), approved(2, None));
    assert!(state.organisation(&org(CLINIC)).is_none());
    let tx = enrols(&chain, CLINIC, 1);
    let unknown: Refusal = Reject::UnknownOrganisation(org(CLINIC)).into();
    assert_eq!(refusal(&state, &tx), unknown);
    // The new member signs from the next block on.
    let third = approve(&chain, COUNCIL[2], &proposal);
    let refused = block(&state, at(3), &[third.clone(), tx.clone()]).err();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 1, reason: unknown }));
    assert_eq!(effect(advance(&mut state, at(3), &[third])), approved(3, Some(4)));
    assert_eq!(state.members()[&org(CLINIC)].since, 3);
    advance(&mut state, at(4), &[tx]);
    // Nothing more can be done about it.
    let fourth = approve(&chain, COUNCIL[3], &proposal);
    let enacted = Conflict::ProposalEnacted { proposal: proposal.id(), height: 3 };
    assert_eq!(refusal(&state, &fourth), enacted.into());
    assert_eq!(state.open_proposals(0).count(), 0);
}

#[test]
fn a_proposal_and_its_approvals_may_share_a_block() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let receipts = advance(&mut state, at(1), &decision(&chain, 0, clinic()));
    assert!(matches!(receipts[2].effect, Effect::Approved { holds_from: Some(2), .. }));
    assert!(state.organisation(&org(CLINIC)).is_some());
}

#[test]
fn who_governs_alone_decides_at_once() {
    let chain = genesis();
    let mut state = State::genesis(chain.clone());
    assert_eq!(state.quorum(), 1);
    let receipts = advance(&mut state, at(1), &[proposed(&chain, BOARD, 0, clinic())]);
    let expires = PROPOSAL_EPOCHS;
    assert_eq!(
        receipts[0].effect,
        Effect::Proposed { approvals: 1, needed: 1, expires, holds_from: Some(2) }
    );
    assert!(checked(&state, &enrols(&chain, CLINIC, 1)).is_ok());
}

#[test]
fn only_who_governs_proposes_and_approves_and_only_what_is_open() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let proposal = proposed(&chain, COUNCIL[0], 0, clinic());
    advance(&mut state, at(1), std::slice::from_ref(&proposal));
    let refused = Reject::NotEntitled { organisation: HOSPITAL.0.into(), capability: Capability::Govern };
    assert_eq!(refusal(&state, &proposed(&chain, HOSPITAL, 0, clinic())), refused.clone().into());
    assert_eq!(refusal(&state, &approve(&chain, HOSPITAL, &proposal)), refused.into());
    let unknown = TxId([7; 32]);
    let missing = sign(&chain, COUNCIL[1], 0, Action::Approve(unknown));
    assert_eq!(refusal(&state, &missing), Conflict::NoSuchProposal { proposal: unknown }.into());
    let twice = Conflict::AlreadyApproved { organisation: COUNCIL[0].0.into(), proposal: proposal.id() };
    assert_eq!(refusal(&state, &approve(&chain, COUNCIL[0], &proposal)), twice.into());
    let second = approve(&chain, COUNCIL[1], &proposal);
    advance(&mut state, at(2), &[second]);
    let again = sign(&chain, COUNCIL[1], 5, Action::Approve(proposal.id()));
    let twice = Conflict::AlreadyApproved { organisation: COUNCIL[1].0.into(), proposal: proposal.id() };
    assert_eq!(refusal(&state, &again), twice.into());
    // Open to the last moment of its last epoch, and no longer.
    let third = approve(&chain, COUNCIL[2], &proposal);
    let mut late = state.clone();
    advance(&mut late, epoch(PROPOSAL_EPOCHS as i64 - 1), std::slice::from_ref(&third));
    assert!(late.organisation(&org(CLINIC)).is_some());
    advance(&mut state, epoch(PROPOSAL_EPOCHS as i64), &[]);
    let (expires, now) = (PROPOSAL_EPOCHS, PROPOSAL_EPOCHS);
    let expired = Conflict::ProposalExpired { proposal: proposal.id(), expires, now };
    assert_eq!(refusal(&state, &third), expired.into());
    assert_eq!(state.open_proposals(now).count(), 0);
}

#[test]
fn one_organisation_has_so_many_proposals_open_and_no_more() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let many: Vec<Transaction> =
        (0..MAX_OPEN_PROPOSALS as u64).map(|n| proposed(&chain, COUNCIL[0], n, clinic())).collect();
    advance(&mut state, at(1), &many[..10]);
    let more = proposed(&chain, COUNCIL[0], 99, clinic());
    let too_many = Conflict::ProposalsOpen { organisation: COUNCIL[0].0.into(), open: MAX_OPEN_PROPOSALS };
    let in_block: Vec<Transaction> = many[10..].iter().chain([&more]).cloned().collect();
    let refused = block(&state, at(2), &in_block).err();
    let reason = Refusal::from(too_many);
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 6, reason: reason.clone() }));
    advance(&mut state, at(2), &many[10..]);
    assert_eq!(refusal(&state, &more), reason);
    assert!(checked(&state, &proposed(&chain, COUNCIL[1], 0, clinic())).is_ok());
    // A change that is made is no longer open.
    let approvals = [1, 2].map(|i| approve(&chain, COUNCIL[i], &many[0]));
    advance(&mut state, at(3), &approvals);
    let capabilities = Capabilities { anchor: true, ..Capabilities::none() };
    let other = Change::SetCapabilities { organisation: org(REGISTRAR), capabilities };
    assert!(checked(&state, &proposed(&chain, COUNCIL[0], 99, other)).is_ok());
}

#[test]
fn who_governs_no_more_counts_no_more() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let proposal = proposed(&chain, COUNCIL[0], 0, clinic());
    advance(&mut state, at(1), &[proposal.clone(), approve(&chain, COUNCIL[3], &proposal)]);
    // The fourth is let go: three are left, and all three must agree.
    advance(&mut state, at(2), &decision(&chain, 1, Change::RemoveOrganisation(org(COUNCIL[3]))));
    assert_eq!((state.governors().len(), state.quorum()), (3, 3));
    let receipts = advance(&mut state, at(3), &[approve(&chain, COUNCIL[1], &proposal)]);
    let two = Effect::Approved { proposal: proposal.id(), approvals: 2, needed: 3, holds_from: None };
    assert_eq!(receipts[0].effect, two, "the one that left does not count");
    advance(&mut state, at(4), &[approve(&chain, COUNCIL[2], &proposal)]);
    assert!(state.organisation(&org(CLINIC)).is_some());
}

#[test]
fn a_change_that_fitted_when_it_was_proposed_must_still_fit() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let twin = proposed(&chain, COUNCIL[3], 0, clinic());
    advance(&mut state, at(1), std::slice::from_ref(&twin));
    advance(&mut state, at(2), &decision(&chain, 0, clinic()));
    let there = Conflict::Unfit(Unfit::Member { organisation: CLINIC.0.into() });
    assert_eq!(refusal(&state, &approve(&chain, COUNCIL[1], &twin)), there.into());
}

#[test]
fn what_breaks_a_rule_is_refused_by_that_rule() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let none = Capabilities::none;
    let stranger = org(NOBODY);
    assert_eq!(unfit(&state, add(HOSPITAL, none())), Unfit::Member { organisation: HOSPITAL.0.into() });
    let taken = |n| Unfit::KeyTaken { key: public(n) };
    // A member's key, a validator's key.
    assert_eq!(unfit(&state, add((CLINIC.0, HOSPITAL.1), none())), taken(HOSPITAL.1));
    assert_eq!(unfit(&state, add((CLINIC.0, 61), none())), taken(61));
    let key = public(61);
    assert_eq!(unfit(&state, Change::SetKey { organisation: org(HOSPITAL), key }), taken(61));
    let key = public(HOSPITAL.1);
    assert_eq!(unfit(&state, Change::SetKey { organisation: org(HOSPITAL), key }), taken(HOSPITAL.1));
    let capabilities = none();
    let changes = [
        Change::RemoveOrganisation(stranger),
        Change::SetCapabilities { organisation: stranger, capabilities },
        Change::SetKey { organisation: stranger, key: public(77) },
    ];
    for change in changes {
        assert_eq!(unfit(&state, change), Unfit::NoMember(stranger));
    }
    let same = Capabilities { govern: true, ..none() };
    let organisation = org(COUNCIL[2]);
    assert_eq!(
        unfit(&state, Change::SetCapabilities { organisation, capabilities: same }),
        Unfit::SameCapabilities { organisation: COUNCIL[2].0.into() }
    );
    // A member that was removed is none.
    advance(&mut state, at(1), &decision(&chain, 0, Change::RemoveOrganisation(org(REGISTRAR))));
    assert_eq!(unfit(&state, Change::RemoveOrganisation(org(REGISTRAR))), Unfit::NoMember(org(REGISTRAR)));
}

#[test]
fn somebody_always_governs() {
    let chain = genesis();
    let mut state = State::genesis(chain.clone());
    let refused = |state: &State, change| refusal(state, &proposed(&chain, BOARD, 50, change));
    let last: Refusal = Conflict::Unfit(Unfit::LastGovernor).into();
    let step_down =
        || Change::SetCapabilities { organisation: org(BOARD), capabilities: Capabilities::none() };
    assert_eq!(refused(&state, Change::RemoveOrganisation(org(BOARD))), last);
    assert_eq!(refused(&state, step_down()), last);
    // Two that govern let each other go in one block: the second stays.
    let other = add(CLINIC, Capabilities { govern: true, ..Capabilities::none() });
    advance(&mut state, at(1), &[proposed(&chain, BOARD, 0, other)]);
    let proposals = [
        proposed(&chain, BOARD, 1, Change::RemoveOrganisation(org(CLINIC))),
        proposed(&chain, BOARD, 2, step_down()),
    ];
    advance(&mut state, at(2), &proposals);
    let both = proposals.each_ref().map(|p| approve(&chain, CLINIC, p));
    let refused = block(&state, at(3), &[both[1].clone(), both[0].clone()]).err();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 1, reason: last }));
    // In the other order the first lets the second one's signer go, at once.
    let refused = block(&state, at(3), &both).err();
    let reason = Reject::UnknownOrganisation(org(CLINIC)).into();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 1, reason }));
}

#[test]
fn capabilities_are_what_they_were_set_to() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    assert!(checked(&state, &enrols(&chain, HOSPITAL, 1)).is_ok());
    let capabilities =
        Capabilities { anchor: true, roles: RoleGrant::These([surgeon()].into()), ..Capabilities::none() };
    let change = Change::SetCapabilities { organisation: org(HOSPITAL), capabilities };
    // What is taken away is gone at once.
    let mut txs = decision(&chain, 0, change);
    txs.push(enrols(&chain, HOSPITAL, 1));
    let reason: Refusal =
        Reject::NotEntitled { organisation: HOSPITAL.0.into(), capability: Capability::Enrol }.into();
    let refused = block(&state, at(1), &txs).err();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 3, reason: reason.clone() }));
    advance(&mut state, at(1), &txs[..3]);
    assert_eq!(refusal(&state, &enrols(&chain, HOSPITAL, 1)), reason);
    assert!(matches!(refusal(&state, &issue(&chain, 1)), Refusal::Reject(Reject::NotEntitled { .. })));
    let surgeons = Action::IssueRole { role: surgeon(), inner: RoleInner::new(f(1)) };
    assert!(checked(&state, &sign(&chain, HOSPITAL, 0, surgeons)).is_ok());
    assert!(checked(&state, &anchor(&chain, 1, &[])).is_ok());
}

#[test]
fn who_was_removed_signs_nothing_and_its_past_stays() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    advance(&mut state, at(1), &decision(&chain, 0, clinic()));
    let role = |n| Action::IssueRole { role: nurse(), inner: RoleInner::new(f(n)) };
    let issued = [sign(&chain, CLINIC, 0, role(1)), sign(&chain, CLINIC, 1, role(2))];
    advance(&mut state, at(2), &issued);
    let retire = |who, index| sign(&chain, who, 7, Action::RetireRole { index });
    // While it is a member, it alone retires what it issued.
    let stranger = Reject::NotTheIssuer { index: 0, organisation: COUNCIL[0].0.into() };
    assert_eq!(refusal(&state, &retire(COUNCIL[0], 0)), stranger.into());
    let removal = decision(&chain, 1, Change::RemoveOrganisation(org(CLINIC)));
    advance(&mut state, at(3), &removal);
    let gone: Refusal = Reject::UnknownOrganisation(org(CLINIC)).into();
    assert_eq!(refusal(&state, &enrols(&chain, CLINIC, 5)), gone);
    assert_eq!(refusal(&state, &retire(CLINIC, 0)), gone);
    let member = &state.members()[&org(CLINIC)];
    assert_eq!((member.since, member.removed), (1, Some(3)));
    // Its credentials stay active until one that governs retires them; nobody else does.
    assert_eq!(state.active_credentials(), 2);
    let stranger = Reject::NotTheIssuer { index: 0, organisation: HOSPITAL.0.into() };
    assert_eq!(refusal(&state, &retire(HOSPITAL, 0)), stranger.into());
    advance(&mut state, at(4), &[retire(COUNCIL[3], 0)]);
    assert_eq!(state.active_credentials(), 1);
    // Taken in again, it is the issuer again, with whatever key it has then.
    let back = (CLINIC.0, 33);
    advance(&mut state, at(5), &decision(&chain, 2, add(back, Capabilities::none())));
    assert!(matches!(refusal(&state, &retire(COUNCIL[3], 1)), Refusal::Reject(Reject::NotTheIssuer { .. })));
    assert!(matches!(
        refusal(&state, &retire(CLINIC, 1)),
        Refusal::Reject(Reject::Evidence(TxReject::Signature(_)))
    ));
    advance(&mut state, at(6), &[retire(back, 1)]);
    assert_eq!(state.members()[&org(CLINIC)].since, 5);
}

#[test]
fn another_key_takes_the_place_of_a_stolen_one_also_for_what_waits_in_the_pool() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let stolen = enrols(&chain, HOSPITAL, 1);
    let waiting = checked(&state, &stolen).expect("good under the old key");
    let change = Change::SetKey { organisation: org(HOSPITAL), key: public(34) };
    advance(&mut state, at(1), &decision(&chain, 0, change));
    let refused: Refusal = Reject::Evidence(TxReject::Signature(org(HOSPITAL))).into();
    assert_eq!(refusal(&state, &stolen), refused);
    assert!(checked(&state, &enrols(&chain, (HOSPITAL.0, 34), 1)).is_ok());
    // Evidence from before is none: neither a proposer nor a validator goes by it.
    let (validated, dropped) = propose_block(&state, waiting.clone());
    assert_eq!((validated, dropped), (0, vec![(stolen.id(), refused.clone())]));
    let known = |_: &TxId| Some(waiting.clone());
    let refused_block = validate_transactions(&state, at(2), vec![stolen], &known).err();
    assert_eq!(refused_block, Some(BlockRefusal::Transaction { index: 0, reason: refused }));
}

fn propose_block(state: &State, waiting: Admitted) -> (usize, Vec<(TxId, Refusal)>) {
    let (validated, dropped) = prepare_proposal(state, at(2), [waiting]).expect("a good time");
    (validated.len(), dropped)
}

#[test]
fn what_a_replaced_key_approved_is_approved_no_more() {
    let chain = council();
    let mut state = State::genesis(chain.clone());
    let waiting = proposed(&chain, COUNCIL[0], 9, Change::RemoveOrganisation(org(REGISTRAR)));
    advance(&mut state, at(1), &[waiting.clone(), approve(&chain, COUNCIL[1], &waiting)]);
    let rekey = Change::SetKey { organisation: org(COUNCIL[1]), key: public(77) };
    advance(&mut state, at(2), &decision(&chain, 1, rekey));
    assert!(!state.proposals()[&waiting.id()].approvals.contains(&org(COUNCIL[1])));
    // With the old key's approval this would be the third.
    let receipts = advance(&mut state, at(3), &[approve(&chain, COUNCIL[3], &waiting)]);
    assert!(matches!(receipts[0].effect, Effect::Approved { approvals: 2, needed: 3, holds_from: None, .. }));
    // The holder of the new key may approve again, and then the change is decided.
    let receipts = advance(&mut state, at(4), &[approve(&chain, (COUNCIL[1].0, 77), &waiting)]);
    assert!(matches!(receipts[0].effect, Effect::Approved { approvals: 3, holds_from: Some(_), .. }));
}
