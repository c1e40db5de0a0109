//! Installing and freezing verifying keys.

use crate::world::*;
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, KeyDigest, Transaction};
use amanat_ledger::*;
use amanat_params::{PointError, Proof, VkError, VkLint, VkPart};
use amanat_verifier::TxReject;
use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;

fn freeze(chain: &Genesis, statement: Statement, key: KeyDigest, nonce: u64) -> Transaction {
    sign(chain, BOARD, nonce, Action::FreezeKey { statement, key })
}

/// An installation with other key bytes, signed.
fn install_bytes(chain: &Genesis, key: &Key, change: impl FnOnce(&mut Vec<u8>)) -> Transaction {
    let Transaction::Signed(tx) = key.install(chain, 0) else { unreachable!() };
    let Action::InstallKey { mut key, activate_at, positive, negative } = tx.action else { unreachable!() };
    change(&mut key);
    sign(chain, BOARD, 0, Action::InstallKey { key, activate_at, positive, negative })
}

#[test]
fn a_key_is_accepted_from_its_activation_on_and_not_once_frozen() {
    let chain = genesis();
    let mut state = State::genesis(chain.clone());
    let access = key(Statement::Access);
    let receipts = advance(&mut state, epoch(1), &[access.install(&chain, 4)]);
    let digest = access.digest;
    assert_eq!(receipts[0].effect, Effect::KeyInstalled { key: digest, active_from: 4 });
    let tx = proof(&state, Statement::Access, 1);
    let inactive = |height| Refusal::from(Conflict::KeyNotActive { key: digest, active_from: 4, height });
    assert_eq!(refusal(&state, &tx), inactive(2));
    advance(&mut state, epoch(1), &[]);
    assert_eq!(refusal(&state, &tx), inactive(3));
    advance(&mut state, epoch(1), &[]);
    assert!(checked(&state, &tx).is_ok());
    // Frozen from the block after: the same block still accepts.
    let receipts = advance(&mut state, epoch(1), &[freeze(&chain, Statement::Access, digest, 0), tx]);
    assert_eq!(receipts[0].effect, Effect::KeyFrozen { key: digest, frozen_from: 5 });
    let frozen: Refusal = Conflict::KeyFrozen { key: digest, frozen_from: 5 }.into();
    assert_eq!(refusal(&state, &proof(&state, Statement::Access, 2)), frozen);
    assert_eq!(refusal(&state, &freeze(&chain, Statement::Access, digest, 1)), frozen);
    // Frozen is for good: it cannot be installed again.
    assert_eq!(refusal(&state, &access.install(&chain, 9)), Conflict::KeyPresent { key: digest }.into());
}

#[test]
fn a_key_is_active_no_earlier_than_the_block_after() {
    let chain = genesis();
    let state = State::genesis(chain.clone());
    let tx = proof(&state, Statement::Role, 1);
    let refused = block(&state, at(1), &[key(Statement::Role).install(&chain, 0), tx]).err();
    let reason = Reject::UnknownKey { statement: Statement::Role, got: key(Statement::Role).digest }.into();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 1, reason }));
}

#[test]
fn two_keys_of_a_statement_can_be_active_together() {
    let mut state = ready();
    let chain = genesis();
    let second = Key::new(Statement::Consent, 1, 77);
    advance(&mut state, epoch(1), &[second.install(&chain, 0)]);
    let mut tx = claim(&state, Statement::Consent, 1);
    tx.key = second.digest;
    tx.proof = second.prove(&tx.public_vector().to_field_elements(), 1).into();
    assert!(checked(&state, &Transaction::Proof(Box::new(tx.clone()))).is_ok());
    assert!(checked(&state, &proof(&state, Statement::Consent, 2)).is_ok());
    // A proof under one is none under the other.
    tx.key = key(Statement::Consent).digest;
    assert_eq!(
        refusal(&state, &Transaction::Proof(Box::new(tx))),
        Reject::Evidence(TxReject::Proof(Statement::Consent)).into()
    );
}

#[test]
fn a_key_that_does_not_prove_itself_is_refused() {
    let chain = genesis();
    let state = State::genesis(chain.clone());
    let key = key(Statement::Grant);
    let bad = key.install_with(&chain, 0, |positive, _| positive.public[0] += f(1));
    let invalid = amanat_verifier::Reject::Invalid;
    assert_eq!(refusal(&state, &bad), Reject::PositiveVector(invalid).into());
    let bad = key.install_with(&chain, 0, |positive, negative| *negative = positive.clone());
    assert_eq!(refusal(&state, &bad), Reject::NegativeVector.into());
    let bad = key.install_with(&chain, 0, |_, negative| negative.proof = ProofBytes::Groth16([0; 128]));
    assert!(matches!(refusal(&state, &bad), Refusal::Reject(Reject::NegativeEncoding(_))));
    let reason = refusal(&state, &bad);
    // In a block, too.
    let refused = block(&state, at(1), &[bad]).err();
    assert_eq!(refused, Some(BlockRefusal::Transaction { index: 0, reason }));
}

#[test]
fn damaged_weak_and_foreign_keys_are_refused() {
    let chain = genesis();
    let state = State::genesis(chain.clone());
    let key = key(Statement::Grant);
    let short = install_bytes(&chain, key, |bytes| bytes.truncate(bytes.len() - 1));
    assert!(matches!(refusal(&state, &short), Refusal::Reject(Reject::Key(VkError::Length { .. }))));
    // delta = gamma: the classic forgery. The four points follow a header of 76 bytes.
    let (gamma, delta) = (76 + 32 + 64, 76 + 32 + 128);
    let equal = install_bytes(&chain, key, |bytes| bytes.copy_within(gamma..gamma + 64, delta));
    assert_eq!(refusal(&state, &equal), Reject::Key(VkError::Lint(VkLint::DeltaIsGamma)).into());
    let version = Key::new(Statement::Grant, 2, 9).install(&chain, 0);
    let statement = Statement::Grant;
    assert_eq!(refusal(&state, &version), Reject::KeyVersion { statement, expected: 1, got: 2 }.into());
}

#[test]
fn each_finding_of_the_lint_refuses_an_installation() {
    let chain = genesis();
    let state = State::genesis(chain.clone());
    let key = key(Statement::Grant);
    // Behind a header of 76 bytes: alpha, beta, gamma, delta, nine IC points.
    let alpha = 76;
    let [beta, gamma, delta] = [0, 1, 2].map(|i| alpha + 32 + 64 * i);
    let ic = |i: usize| delta + 64 + 32 * i;
    let generators = Proof::from_points(G1Affine::generator(), G2Affine::generator(), G1Affine::generator());
    let generators = generators.expect("points").to_bytes();
    let (g1, g2) = (&generators[..32], &generators[32..96]);
    let infinity = |n: usize| [&vec![0; n - 1][..], &[0x40]].concat();
    let refused = |at: usize, bytes: &[u8]| {
        let tx = install_bytes(&chain, key, |key| key[at..at + bytes.len()].copy_from_slice(bytes));
        refusal(&state, &tx)
    };
    let lint = |finding| Refusal::from(Reject::Key(VkError::Lint(finding)));
    let zero = |part| Refusal::from(Reject::Key(VkError::Point { part, reason: PointError::Infinity }));
    let four = [(VkPart::Alpha, alpha), (VkPart::Beta, beta), (VkPart::Gamma, gamma), (VkPart::Delta, delta)];
    for (part, at) in four {
        let (generator, n) = if part == VkPart::Alpha { (g1, 32) } else { (g2, 64) };
        assert_eq!(refused(at, generator), lint(VkLint::Generator(part)));
        assert_eq!(refused(at, &infinity(n)), zero(part));
    }
    for i in 0..9 {
        assert_eq!(refused(ic(i), g1), lint(VkLint::Generator(VkPart::Ic(i))));
        assert_eq!(refused(ic(i), &infinity(32)), zero(VkPart::Ic(i)), "a zero entry");
    }
    let bytes = key.vk().to_bytes();
    assert_eq!(refused(delta, &bytes[gamma..gamma + 64]), lint(VkLint::DeltaIsGamma));
    assert_eq!(refused(beta, &bytes[gamma..gamma + 64]), lint(VkLint::BetaIsGamma));
    assert_eq!(refused(beta, &bytes[delta..delta + 64]), lint(VkLint::BetaIsDelta));
    assert_eq!(refused(ic(5), &bytes[ic(2)..ic(2) + 32]), lint(VkLint::DuplicateIc { first: 2, second: 5 }));
    // An IC entry too many or too few is another length.
    for change in [|key: &mut Vec<u8>| key.truncate(key.len() - 32), |key: &mut Vec<u8>| key.extend([1; 32])]
    {
        let length = refusal(&state, &install_bytes(&chain, key, change));
        assert!(matches!(length, Refusal::Reject(Reject::Key(VkError::Length { .. }))), "{length}");
    }
}

#[test]
fn a_production_ledger_takes_no_insecure_key() {
    let mut spec = spec();
    spec.profile = Profile::Production;
    let chain = std::sync::Arc::new(Genesis::new(spec).expect("good"));
    let state = State::genesis(chain.clone());
    assert_eq!(refusal(&state, &key(Statement::Grant).install(&chain, 0)), Reject::InsecureKey.into());
}

#[test]
fn only_who_governs_installs_and_freezes_and_only_what_is_there() {
    let chain = genesis();
    let state = ready();
    let Transaction::Signed(tx) = Key::new(Statement::Grant, 1, 9).install(&chain, 0) else { unreachable!() };
    let refused = Reject::NotEntitled { organisation: HOSPITAL.0.into(), capability: Capability::Govern };
    assert_eq!(refusal(&state, &sign(&chain, HOSPITAL, 0, tx.action)), refused.into());
    let (statement, digest) = (Statement::Grant, key(Statement::Grant).digest);
    let action = Action::FreezeKey { statement, key: digest };
    let refused = Reject::NotEntitled { organisation: HOSPITAL.0.into(), capability: Capability::Freeze };
    assert_eq!(refusal(&state, &sign(&chain, HOSPITAL, 0, action)), refused.into());
    let stranger = KeyDigest([5; 32]);
    let missing = Conflict::NoSuchKey { statement, key: stranger };
    assert_eq!(refusal(&state, &freeze(&chain, statement, stranger, 0)), missing.into());
    let statement = Statement::Revoke;
    let missing = Conflict::NoSuchKey { statement, key: digest };
    assert_eq!(refusal(&state, &freeze(&chain, statement, digest, 0)), missing.into());
}
