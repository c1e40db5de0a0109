//! Plans and batches, over the role statement: the smallest circuit.

use amanat_circuits::circuit;
use amanat_circuits::world::World;
use amanat_domain::statement::Statement;
use amanat_domain::time::Period;
use amanat_domain::tx::{ChainId, KeyDigest, PolicyField, Transaction};
use amanat_params::{Proof, insecure_dev_setup};
use amanat_prover::groth16::{Phase, ProveError, to_the_end};
use amanat_prover::keys::{AnyPlan, Keys, PlanError, StatementKey, prove_batch};
use amanat_prover::plan::{Plan, RolePlan, Target};
use amanat_verifier::verify_one;
use core::ops::ControlFlow;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::sync::OnceLock;

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let statement = Statement::Role;
        let (key, _) =
            insecure_dev_setup(statement, statement.version(), circuit(statement), &mut rng, &|_| ())
                .expect("a key");
        let mut keys = Keys::new();
        keys.insert(StatementKey::new(key).expect("this build's circuit"));
        keys
    })
}

fn target() -> Target {
    let key = keys().get(Statement::Role).expect("made").digest();
    Target { chain: ChainId([1; 32]), key, audience: [2; 32], nonce: None }
}

/// A plan drawn from a seed, and the witness changed by `change` before it is made.
fn plan_with(
    target: &Target,
    seed: u64,
    change: impl FnOnce(&mut amanat_circuits::statements::role::RoleWitness),
) -> Result<RolePlan, amanat_circuits::Denied> {
    let mut witness = World::new(7).role().witness;
    change(&mut witness);
    let (epoch, hash) = (witness.bundle.epoch, witness.bundle.hash());
    let policy = PolicyField::Role(witness.policy.clone());
    Plan::new(target, epoch, hash, policy, witness, &mut ChaCha20Rng::seed_from_u64(seed))
}

fn plan(seed: u64) -> RolePlan {
    plan_with(&target(), seed, |_| ()).expect("a valid world")
}

fn prove(plan: RolePlan) -> Result<Transaction, PlanError> {
    plan.prove(keys(), &to_the_end)
}

#[test]
fn a_plan_becomes_a_transaction_that_verifies_and_the_same_plan_the_same_transaction() {
    let tx = prove(plan(3)).expect("proved");
    let Transaction::Proof(proved) = &tx else { panic!("a proof transaction") };
    let key = keys().get(Statement::Role).expect("made").verifying_key();
    let public = proved.public_vector().to_field_elements();
    verify_one(key, &public, &Proof::from_bytes(&proved.proof).expect("a proof")).expect("valid");
    // All randomness is drawn in the plan.
    assert_eq!(prove(plan(3)).expect("proved").to_bytes(), tx.to_bytes());
    // Another plan: another nonce, another context, another blinding.
    let Transaction::Proof(other) = prove(plan(4)).expect("proved") else { panic!("a proof transaction") };
    assert_ne!(other.ctx(), proved.ctx());
    assert_ne!(other.proof, proved.proof);
}

#[test]
fn two_proofs_of_one_witness_and_context_differ() {
    // The nonce given, so that only the blinding differs.
    let target = Target { nonce: Some([9; 32]), ..target() };
    let proofs: Vec<_> = [5, 6]
        .into_iter()
        .map(|seed| {
            let plan = plan_with(&target, seed, |_| ()).expect("a valid world");
            let Transaction::Proof(tx) = prove(plan).expect("proved") else { panic!("a proof transaction") };
            (tx.ctx(), tx.proof)
        })
        .collect();
    assert_eq!(proofs[0].0, proofs[1].0);
    assert_ne!(proofs[0].1, proofs[1].1);
}

#[test]
fn a_plan_that_breaks_a_clause_is_denied_by_its_name() {
    let denied = |change: fn(&mut amanat_circuits::statements::role::RoleWitness)| {
        plan_with(&target(), 1, change).err().expect("denied").clause
    };
    assert_eq!(denied(|w| w.role_path.index ^= 1), "ROL-3");
    // An ended licence is in no registry, so the credential's own clause comes first.
    assert_eq!(denied(|w| w.credential.licence = Period::at(amanat_domain::time::Timestamp::MIN)), "ROL-3");
}

#[test]
fn a_plan_for_another_key_and_a_statement_without_a_key_are_refused() {
    let stranger = Target { key: KeyDigest([3; 32]), ..target() };
    let plan_of = |target: &Target| plan_with(target, 1, |_| ()).expect("a valid world");
    assert!(matches!(prove(plan_of(&stranger)), Err(PlanError::AnotherKey { .. })));
    let none = Keys::new();
    let refused = plan_of(&target()).prove(&none, &to_the_end);
    assert!(matches!(refused, Err(PlanError::NoKey(Statement::Role))));
}

#[test]
fn proving_can_be_stopped_at_every_phase() {
    let count = std::cell::Cell::new(0);
    let all = |_: Phase| {
        count.set(count.get() + 1);
        ControlFlow::Continue(())
    };
    plan(1).prove(keys(), &all).expect("proved");
    let phases = count.get();
    assert!(phases > 3);
    for stop_at in 1..=phases {
        count.set(0);
        let hook = |_: Phase| {
            count.set(count.get() + 1);
            if count.get() == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let stopped = plan(1).prove(keys(), &hook);
        assert!(matches!(stopped, Err(PlanError::Prove(ProveError::Cancelled))), "phase {stop_at}");
    }
}

#[test]
fn a_batch_draws_plans_as_places_become_free_answers_in_order_and_can_be_stopped() {
    let drawn = std::cell::Cell::new(0u64);
    let plans = (1..=5u64).map(|seed| {
        drawn.set(seed);
        Box::new(plan(seed)) as Box<dyn AnyPlan>
    });
    let mut ids = Vec::new();
    prove_batch(plans, keys(), 2, |result| {
        ids.push(result.expect("proved").id());
        // Never more plans in memory than places, beyond those answered.
        assert!(drawn.get() <= ids.len() as u64 + 2);
        if ids.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let expected: Vec<_> = (1..=3).map(|seed| prove(plan(seed)).expect("proved").id()).collect();
    assert_eq!(ids, expected);
    assert_eq!(drawn.get(), 4, "the fifth plan is never drawn");
}
