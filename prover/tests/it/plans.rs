//! Plans and batches, over the role statement: the smallest circuit.

use amanat_accel::Progress;
use amanat_circuits::circuit;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::world::World;
use amanat_circuits::world::sample::Sample;
use amanat_domain::statement::Statement;
use amanat_domain::time::Period;
use amanat_domain::tx::{ChainId, KeyDigest, PolicyField, Transaction};
use amanat_params::{Proof, insecure_dev_setup};
use amanat_prover::batch::prove_batch;
use amanat_prover::groth16::{Phase, ProveError, no_progress};
use amanat_prover::keys::{AnyPlan, Keys, PlanError, StatementKey};
use amanat_prover::plan::{Plan, RolePlan, Target};
use amanat_verifier::verify_one;
use core::ops::ControlFlow;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

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
    change: impl FnOnce(&mut RoleWitness),
) -> Result<RolePlan, amanat_circuits::Denied> {
    let mut witness = RoleWitness::case(&World::new(7)).witness;
    change(&mut witness);
    let (epoch, hash) = (witness.bundle.epoch, witness.bundle.hash());
    let policy = PolicyField::Role(witness.policy.clone());
    Plan::new(target, epoch, hash, policy, witness, &mut ChaCha20Rng::seed_from_u64(seed))
}

fn plan(seed: u64) -> RolePlan {
    plan_with(&target(), seed, |_| ()).expect("a valid world")
}

fn prove(plan: RolePlan) -> Result<Transaction, PlanError> {
    plan.prove(keys(), &no_progress)
}

#[test]
fn a_plan_becomes_a_transaction_that_verifies_and_the_same_plan_the_same_transaction() {
    let tx = prove(plan(3)).expect("proved");
    let Transaction::Proof(proved) = &tx else { panic!("a proof transaction") };
    let key = keys().get(Statement::Role).expect("made").verifying_key();
    let public = proved.public_vector().to_field_elements();
    verify_one(key, &public, &Proof::try_from(&proved.proof).expect("a proof")).expect("valid");
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
    let denied = |change: fn(&mut RoleWitness)| plan_with(&target(), 1, change).err().expect("denied").clause;
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
    let refused = plan_of(&target()).prove(&none, &no_progress);
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

/// A plan that does something of a test's own before it is proved, and says when it is gone.
struct Staged {
    plan: Box<dyn AnyPlan>,
    before: Box<dyn FnOnce(Progress<'_>) + Send>,
    live: Arc<AtomicUsize>,
}

impl AnyPlan for Staged {
    fn prove_any(self: Box<Self>, keys: &Keys, progress: Progress<'_>) -> Result<Transaction, PlanError> {
        (self.before)(progress);
        let result = self.plan.prove_any(keys, progress);
        self.live.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

#[test]
fn a_batch_answers_in_order_holds_no_more_plans_than_places_and_draws_none_after_a_stop() {
    let drawn = std::cell::Cell::new(0u64);
    let live = Arc::new(AtomicUsize::new(0));
    let plans = (1..=12u64).map(|seed| {
        drawn.set(seed);
        assert!(live.fetch_add(1, Ordering::SeqCst) < 2, "never more plans in memory than places");
        Box::new(Staged { plan: Box::new(plan(seed)), before: Box::new(|_| ()), live: live.clone() })
            as Box<dyn AnyPlan>
    });
    let mut ids = Vec::new();
    let mut drawn_at_the_stop = 0;
    prove_batch(plans, keys(), 2, |result| {
        ids.push(result.expect("proved").id());
        // Two being proved, two waiting for an earlier one.
        assert!(drawn.get() <= ids.len() as u64 + 4);
        drawn_at_the_stop = drawn.get();
        if ids.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let expected: Vec<_> = (1..=3).map(|seed| prove(plan(seed)).expect("proved").id()).collect();
    assert_eq!(ids, expected);
    assert_eq!(drawn.get(), drawn_at_the_stop, "nothing is drawn after the stop");
    assert!(drawn.get() < 12);
}

#[test]
fn a_slow_plan_does_not_keep_the_others_waiting_nor_let_their_results_pile_up() {
    let (third_is_done, wait) = channel();
    let (mut third_is_done, mut wait) = (Some(third_is_done), Some(wait));
    let drawn = std::cell::Cell::new(0u64);
    let live = Arc::new(AtomicUsize::new(0));
    let plans = (1..=6u64).map(|seed| {
        drawn.set(seed);
        live.fetch_add(1, Ordering::SeqCst);
        let before: Box<dyn FnOnce(Progress<'_>) + Send> = match seed {
            // The first waits for the third to have begun: it never would, if places were refilled
            // all at once.
            1 => {
                let wait: Receiver<()> = wait.take().expect("once");
                Box::new(move |_| wait.recv().expect("the third plan is proved meanwhile"))
            }
            3 => {
                let done: Sender<()> = third_is_done.take().expect("once");
                Box::new(move |_| done.send(()).expect("the first plan waits"))
            }
            _ => Box::new(|_| ()),
        };
        Box::new(Staged { plan: Box::new(plan(seed)), before, live: live.clone() }) as Box<dyn AnyPlan>
    });
    let mut ids = Vec::new();
    prove_batch(plans, keys(), 2, |result| {
        assert!(drawn.get() <= ids.len() as u64 + 4);
        ids.push(result.expect("proved").id());
        ControlFlow::Continue(())
    });
    let expected: Vec<_> = (1..=6).map(|seed| prove(plan(seed)).expect("proved").id()).collect();
    assert_eq!(ids, expected);
    assert_eq!(live.load(Ordering::SeqCst), 0);
}

#[test]
fn a_stopped_batch_cancels_what_is_being_proved() {
    let live = Arc::new(AtomicUsize::new(0));
    let (began, begun) = channel();
    let (mut began, mut begun) = (Some(began), Some(begun));
    let plans = (1..=2u64).map(|seed| {
        live.fetch_add(1, Ordering::SeqCst);
        let before: Box<dyn FnOnce(Progress<'_>) + Send> = if seed == 1 {
            let begun: Receiver<()> = begun.take().expect("once");
            Box::new(move |_| begun.recv().expect("the second has begun"))
        } else {
            // Waits until the batch is stopped: without cancellation it would wait for ever.
            let began: Sender<()> = began.take().expect("once");
            Box::new(move |progress: Progress<'_>| {
                began.send(()).expect("the first waits");
                while progress(Phase::Rows).is_continue() {
                    std::thread::yield_now();
                }
            })
        };
        Box::new(Staged { plan: Box::new(plan(seed)), before, live: live.clone() }) as Box<dyn AnyPlan>
    });
    let mut results = 0;
    prove_batch(plans, keys(), 2, |result| {
        results += 1;
        assert!(result.is_ok());
        ControlFlow::Break(())
    });
    assert_eq!(results, 1);
    assert_eq!(live.load(Ordering::SeqCst), 0, "both places are empty when the batch returns");
}

#[test]
fn one_place_and_an_empty_batch_are_batches_too() {
    let none: Vec<Box<dyn AnyPlan>> = Vec::new();
    prove_batch(none, keys(), 3, |_| panic!("no plan, no result"));
    let mut ids = Vec::new();
    let plans = (1..=2u64).map(|seed| Box::new(plan(seed)) as Box<dyn AnyPlan>);
    prove_batch(plans, keys(), 1, |result| {
        ids.push(result.expect("proved").id());
        ControlFlow::Continue(())
    });
    let expected: Vec<_> = (1..=2).map(|seed| prove(plan(seed)).expect("proved").id()).collect();
    assert_eq!(ids, expected);
}
