//! Transactions authorised by proofs.

use crate::world::*;
use amanat_domain::bundle::{BundleHash, Registry};
use amanat_domain::field::to_bytes;
use amanat_domain::floors::BelowFloor;
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, KeyDigest, ProofTx, Transaction};
use amanat_domain::wire::WireError;
use amanat_ledger::*;
use amanat_params::{PointError, ProofError, ProofPart};
use amanat_verifier::TxReject;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField};

fn invalid(statement: Statement) -> Refusal {
    Reject::Evidence(TxReject::Proof(statement)).into()
}

#[test]
fn each_statement_has_its_effect() {
    let mut state = ready();
    let txs: Vec<Transaction> = Statement::ALL.iter().map(|s| proof(&state, *s, *s as u64)).collect();
    let receipts = advance(&mut state, epoch(1), &txs);
    let effects: Vec<Effect> = receipts.iter().map(|r| r.effect).collect();
    let recorded = Effect::Recorded;
    assert_eq!(
        effects[..6],
        [
            Effect::Appended { registry: Registry::Consents, first: 0, count: 1 },
            Effect::Revoked { index: 1 },
            recorded,
            recorded,
            recorded,
            recorded
        ]
    );
    assert_eq!(state.tree(Registry::Consents).leaves(), [f(3001)]);
    // Spent: nf_0 of grant, consent, access. Session pseudonyms may come again.
    let spent: Vec<Statement> = txs
        .iter()
        .filter_map(|tx| match tx {
            Transaction::Proof(tx) => Some(tx),
            Transaction::Signed(_) => None,
        })
        .filter(|tx| state.spent_at(&to_bytes(&tx.nf[0])) == Some(3))
        .map(|tx| tx.statement)
        .collect();
    let declared: Vec<Statement> =
        Statement::ALL.into_iter().filter(|s| s.spec().spends == Some(0)).collect();
    assert_eq!(spent, declared);
    assert_eq!(spent[..3], [Statement::Grant, Statement::Consent, Statement::Access]);
    for tx in &txs {
        let Transaction::Proof(proof) = tx else { unreachable!() };
        assert_eq!(state.used_by(&to_bytes(&proof.ctx())), Some(tx.id()));
    }
    let mut session = claim(&state, Statement::Role, 50);
    session.nf = [f(1004), f(0)];
    assert!(checked(&state, &proved(session)).is_ok());
    let mut access = claim(&state, Statement::Access, 51);
    access.nf[1] = f(2006);
    assert!(checked(&state, &proved(access)).is_ok());
}

#[test]
fn every_changed_part_of_a_proof_transaction_is_refused() {
    let state = ready();
    for statement in Statement::ALL {
        let Transaction::Proof(good) = proof(&state, statement, 1) else { unreachable!() };
        assert!(checked(&state, &Transaction::Proof(good.clone())).is_ok());
        let lifted = |change: fn(&mut ProofTx)| {
            let mut tx = good.clone();
            change(&mut tx);
            refusal(&state, &Transaction::Proof(tx))
        };
        // What ctx binds: a proof cannot be lifted to another audience, request or use.
        assert_eq!(lifted(|tx| tx.audience[0] ^= 1), invalid(statement));
        assert_eq!(lifted(|tx| tx.nonce[31] ^= 1), invalid(statement));
        // What the public vector binds.
        for change in [
            |tx: &mut ProofTx| tx.nf[0] += f(1),
            |tx: &mut ProofTx| tx.nf[1] += f(1),
            |tx: &mut ProofTx| tx.out[0] += f(1),
            |tx: &mut ProofTx| tx.out[1] += f(1),
        ] {
            assert_eq!(lifted(change), invalid(statement));
        }
        let expected = state.genesis_block().chain_id();
        let got = ChainId([1; 32]);
        assert_eq!(lifted(|tx| tx.chain = ChainId([1; 32])), Reject::ForeignChain { expected, got }.into());
        let got = KeyDigest([2; 32]);
        assert_eq!(lifted(|tx| tx.key = KeyDigest([2; 32])), Reject::UnknownKey { statement, got }.into());
        let (expected, got) = (state.latest_bundle().hash, BundleHash::new(f(5)));
        assert_eq!(
            lifted(|tx| tx.bundle = BundleHash::new(f(5))),
            Reject::WrongBundle { epoch: 1, expected, got }.into()
        );
    }
}

#[test]
fn a_proof_of_another_statement_is_refused() {
    let state = ready();
    let Transaction::Proof(consent) = proof(&state, Statement::Consent, 1) else { unreachable!() };
    let mut record = consent.clone();
    record.statement = Statement::Record;
    let got = consent.key;
    let unknown = Reject::UnknownKey { statement: Statement::Record, got };
    assert_eq!(refusal(&state, &Transaction::Proof(record.clone())), unknown.into());
    record.key = key(Statement::Record).digest;
    assert_eq!(refusal(&state, &Transaction::Proof(record)), invalid(Statement::Record));
}

#[test]
fn a_replay_finds_its_receipt_and_a_rerandomised_proof_is_no_new_transaction() {
    let mut state = ready();
    let claim = claim(&state, Statement::Access, 1);
    let tx = proved(claim.clone());
    advance(&mut state, epoch(1), core::slice::from_ref(&tx));
    let committed: Refusal = Conflict::AlreadyCommitted { txid: tx.id(), height: 3 }.into();
    assert_eq!(refusal(&state, &tx), committed);
    let other = proved_with(claim, 99);
    assert_ne!(other.to_bytes(), tx.to_bytes());
    assert_eq!(other.id(), tx.id());
    assert_eq!(refusal(&state, &other), committed);
    // Signs of A and B turned: the simplest re-randomisation.
    let Transaction::Proof(mut turned) = tx else { unreachable!() };
    let proof = amanat_params::Proof::try_from(&turned.proof).expect("a proof");
    turned.proof =
        amanat_params::Proof::from_points(-*proof.a(), -*proof.b(), *proof.c()).expect("points").into();
    assert_eq!(refusal(&state, &Transaction::Proof(turned)), committed);
}

#[test]
fn a_used_context_is_refused_to_any_other_transaction() {
    let mut state = ready();
    let first = proof(&state, Statement::Record, 1);
    advance(&mut state, epoch(1), core::slice::from_ref(&first));
    let mut second = claim(&state, Statement::Record, 1);
    second.out[1] = f(9);
    let ctx = to_bytes(&second.ctx());
    assert_eq!(refusal(&state, &proved(second)), Conflict::ContextUsed { ctx, by: first.id() }.into());
}

#[test]
fn a_nullifier_is_spent_once_across_statements_and_within_a_block() {
    let mut state = ready();
    let spend = |state: &State, statement, n| {
        let mut tx = claim(state, statement, n);
        tx.nf[0] = f(5);
        proved(tx)
    };
    let spent = |height| Refusal::from(Conflict::NullifierSpent { nullifier: to_bytes(&f(5)), height });
    let (one, two) = (spend(&state, Statement::Consent, 1), spend(&state, Statement::Access, 2));
    let in_block = block(&state, epoch(1), &[one.clone(), two.clone()]).err();
    assert_eq!(in_block, Some(BlockRefusal::Transaction { index: 1, reason: spent(3) }));
    advance(&mut state, epoch(1), &[one]);
    assert_eq!(refusal(&state, &two), spent(3));
    assert_eq!(refusal(&state, &spend(&state, Statement::Grant, 3)), spent(3));
    // Statements that spend nothing do not care.
    assert!(checked(&state, &spend(&state, Statement::Record, 4)).is_ok());
    assert!(checked(&state, &spend(&state, Statement::Role, 5)).is_ok());
}

#[test]
fn a_consent_is_revoked_once_and_by_a_revocation_id() {
    let mut state = ready();
    let revoke = |state: &State, n, id| {
        let mut tx = claim(state, Statement::Revoke, n);
        tx.out[0] = id;
        proved(tx)
    };
    let (first, same) = (revoke(&state, 1, f(5)), revoke(&state, 2, f(5)));
    let revoked: Refusal = Conflict::AlreadyRevoked { id: to_bytes(&f(5)) }.into();
    let in_block = block(&state, epoch(1), &[first.clone(), same.clone()]).err();
    assert_eq!(in_block, Some(BlockRefusal::Transaction { index: 1, reason: revoked.clone() }));
    advance(&mut state, epoch(1), &[first]);
    assert_eq!(refusal(&state, &same), revoked);
    let chain = genesis();
    // A record is superseded once, and the registry is the same.
    let id = handle(5).revocation_id().expect("a usable handle");
    advance(&mut state, epoch(1), &[anchor(&chain, 1, &[5])]);
    let superseded: Refusal = Conflict::AlreadyRevoked { id: id.to_bytes() }.into();
    assert_eq!(refusal(&state, &anchor(&chain, 2, &[5])), superseded);
    assert_eq!(refusal(&state, &revoke(&state, 7, id.to_field())), superseded);
    assert_eq!(refusal(&state, &anchor(&chain, 3, &[6, 6])), Reject::Repeated(1).into());
    for id in [f(0), amanat_domain::field::pow2(251), -f(1)] {
        assert_eq!(refusal(&state, &revoke(&state, 3, id)), Reject::NotARevocationId.into());
    }
    let mut zero = claim(&state, Statement::Grant, 4);
    zero.out[0] = f(0);
    assert_eq!(refusal(&state, &proved(zero)), Reject::EmptyLeaf(0).into());
}

#[test]
fn x_plus_r_is_no_second_nullifier() {
    let state = ready();
    let tx = proof(&state, Statement::Consent, 1);
    let bytes = tx.to_bytes();
    // nf_0 stands before nf_1, the two outputs and the proof.
    let at = bytes.len() - 128 - 4 * 32;
    assert_eq!(bytes[at..at + 32], to_bytes(&f(1001)));
    let mut alias = amanat_domain::field::Fr::from(1001u64).into_bigint();
    alias.add_with_carry(&amanat_domain::field::Fr::MODULUS);
    let mut bytes = bytes;
    bytes[at..at + 32].copy_from_slice(&alias.to_bytes_le());
    let refused = check_tx(&state, &bytes, epoch(1)).err();
    assert_eq!(refused, Some(Reject::Encoding(WireError::NotCanonical("nf_0")).into()));
}

#[test]
fn points_at_infinity_off_the_curve_or_outside_the_subgroup_are_refused_with_the_part_named() {
    let state = ready();
    let Transaction::Proof(good) = proof(&state, Statement::Access, 1) else { unreachable!() };
    let refused = |change: &dyn Fn(&mut [u8; 128])| {
        let mut tx = good.clone();
        let ProofBytes::Groth16(bytes) = &mut tx.proof;
        change(bytes);
        refusal(&state, &Transaction::Proof(tx))
    };
    let point = |part, reason| -> Refusal {
        Reject::Evidence(TxReject::Encoding(ProofError::Point { part, reason })).into()
    };
    let infinity = |range: core::ops::Range<usize>| {
        move |bytes: &mut [u8; 128]| {
            bytes[range.clone()].fill(0);
            bytes[range.end - 1] = 0x40;
        }
    };
    assert_eq!(refused(&infinity(0..32)), point(ProofPart::A, PointError::Infinity));
    assert_eq!(refused(&infinity(32..96)), point(ProofPart::B, PointError::Infinity));
    assert_eq!(refused(&infinity(96..128)), point(ProofPart::C, PointError::Infinity));
    // Half of all x have no y.
    let x =
        (2u64..).find(|x| ark_bn254::G1Affine::get_ys_from_x_unchecked((*x).into()).is_none()).expect("one");
    let off = |bytes: &mut [u8; 128]| {
        bytes[..32].fill(0);
        bytes[..8].copy_from_slice(&x.to_le_bytes());
    };
    assert_eq!(refused(&off), point(ProofPart::A, PointError::NotOnCurve));
    // Nearly every point of the twist is outside the subgroup of order r.
    let outside = (1u64..)
        .filter_map(|x| {
            let x = ark_bn254::Fq2::new(x.into(), ark_bn254::Fq::ONE);
            ark_bn254::G2Affine::get_point_from_x_unchecked(x, false)
        })
        .find(|p| !p.is_in_correct_subgroup_assuming_on_curve())
        .expect("one");
    let stranger = |bytes: &mut [u8; 128]| {
        bytes[32..64].copy_from_slice(&outside.x.c0.into_bigint().to_bytes_le());
        bytes[64..96].copy_from_slice(&outside.x.c1.into_bigint().to_bytes_le());
        if outside.y > -outside.y {
            bytes[95] |= 0x80;
        }
    };
    assert_eq!(refused(&stranger), point(ProofPart::B, PointError::NotInSubgroup));
    // A forged proof: points that are points and prove nothing.
    let g1 = (ark_bn254::G1Affine::generator() * f(17)).into_affine();
    let forged = amanat_params::Proof::from_points(g1, ark_bn254::G2Affine::generator(), g1).expect("points");
    assert_eq!(refused(&|bytes| *bytes = forged.to_bytes()), invalid(Statement::Access));
}

#[test]
fn one_forged_proof_among_many_is_named_and_nothing_is_applied() {
    let state = ready();
    let mut txs: Vec<Transaction> = (0..9).map(|n| proof(&state, Statement::Access, n)).collect();
    assert!(block(&state, epoch(1), &txs).is_ok());
    let Transaction::Proof(forged) = &mut txs[6] else { unreachable!() };
    forged.out[1] += f(1);
    let reason = invalid(Statement::Access);
    assert_eq!(block(&state, epoch(1), &txs).err(), Some(BlockRefusal::Transaction { index: 6, reason }));
}

#[test]
fn too_few_to_hide_among_is_refused_with_the_floor() {
    let mut spec = spec();
    spec.floors = Some(Floors::all(1).with(Registry::Subjects, 2).with(Registry::Roles, 2));
    let chain = std::sync::Arc::new(Genesis::new(spec).expect("a good genesis"));
    let mut state = ready_with(chain.clone());
    let below = |registry, floor, got| Refusal::from(Conflict::BelowFloor { registry, floor, got });
    let of = |state: &State, statement| refusal(state, &proof(state, statement, 1));
    assert_eq!(of(&state, Statement::Grant), below(Registry::Subjects, 2, 0));
    assert_eq!(of(&state, Statement::Revoke), below(Registry::Consents, 1, 0));
    assert_eq!(of(&state, Statement::Consent), below(Registry::Consents, 1, 0));
    assert_eq!(of(&state, Statement::Role), below(Registry::Roles, 2, 0));
    assert_eq!(of(&state, Statement::Record), below(Registry::Records, 1, 0));
    assert_eq!(of(&state, Statement::Access), below(Registry::Roles, 2, 0));
    // A role the policy lists twice counts once, another issuer's not at all, and only what the
    // bundle has seen counts.
    let registrar = amanat_domain::identity::RoleInner::new(f(1));
    let action = amanat_domain::tx::Action::IssueRole { role: nurse(), inner: registrar };
    let first = [issue(&chain, 1), sign(&chain, REGISTRAR, 0, action), enrol(&chain, 1), enrol(&chain, 2)];
    advance(&mut state, epoch(1), &first);
    assert_eq!(of(&state, Statement::Grant), below(Registry::Subjects, 2, 0));
    advance(&mut state, epoch(2), &[issue(&chain, 2)]);
    assert!(checked(&state, &proof(&state, Statement::Grant, 1)).is_ok());
    assert_eq!(of(&state, Statement::Role), below(Registry::Roles, 2, 1));
    advance(&mut state, epoch(3), &[]);
    assert!(checked(&state, &proof(&state, Statement::Role, 1)).is_ok());
    assert_eq!(of(&state, Statement::Access), below(Registry::Consents, 1, 0));
}

/// A check before proving asks [`Floors::check`] about the newest bundle. It has drifted from the
/// ledger once: it counted all credentials, the ledger those that satisfy the policy.
#[test]
fn the_check_before_a_proof_refuses_exactly_what_the_ledger_refuses() {
    let mut seen = [0u64; 2];
    for floors in
        [Floors::all(1), Floors::all(2).with(Registry::Roles, 1), Floors::all(0).with(Registry::Roles, 2)]
    {
        let chain =
            std::sync::Arc::new(Genesis::new(GenesisSpec { floors: Some(floors), ..spec() }).expect("good"));
        let mut state = ready_with(chain.clone());
        // A credential that does not qualify, then others that do; subjects, a record, consents.
        let registrar = amanat_domain::identity::RoleInner::new(f(1));
        let other = amanat_domain::tx::Action::IssueRole { role: nurse(), inner: registrar };
        let steps = [
            vec![sign(&chain, REGISTRAR, 0, other)],
            vec![issue(&chain, 1), enrol(&chain, 1)],
            vec![issue(&chain, 2), enrol(&chain, 2), anchor(&chain, 1, &[])],
            vec![anchor(&chain, 2, &[])],
            vec![],
        ];
        for (e, step) in (1..).zip(steps) {
            for statement in Statement::ALL {
                let tx = claim(&state, statement, 100 + e as u64);
                let sealed = state.latest_bundle();
                let before =
                    chain.floors().check(statement, &tx.policy, &sealed.bundle, &sealed.active).err();
                let ledger = checked(&state, &proved(tx)).err();
                let below = before.map(|below| {
                    let BelowFloor { registry, floor, got } = below;
                    Refusal::from(Conflict::BelowFloor { registry, floor, got })
                });
                assert_eq!(below, ledger, "{statement} in step {e}");
                seen[usize::from(before.is_some())] += 1;
            }
            let granted = proof(&state, Statement::Grant, 200 + e as u64);
            let consent = checked(&state, &granted).is_ok().then_some(granted);
            let txs: Vec<Transaction> = step.into_iter().chain(consent).collect();
            advance(&mut state, epoch(e), &txs);
            advance(&mut state, epoch(e + 1), &[]);
        }
    }
    assert!(seen.iter().all(|n| *n > 10), "{seen:?}");
}
