//! Whole proofs with a GPU that is a mock: right ones, wrong ones, and a device that goes away.
//! What leaves is always right.

use amanat_accel::gpu::mock::{Fault, Script, gpu, until};
use amanat_accel::gpu::{Calibration, Gpu, LinearCost, Settings, State};
use amanat_accel::{Portable, TableMemory};
use amanat_circuits::circuit;
use amanat_circuits::r1cs::{R1cs, Row};
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::world::World;
use amanat_circuits::world::sample::Sample;
use amanat_domain::field::Fr;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, PolicyField, Transaction};
use amanat_params::{Proof, ProvingKey, Witness, insecure_dev_setup, insecure_dev_zkey};
use amanat_prover::batch::prove_batch;
use amanat_prover::groth16::{Blinding, PreparedCircuit, PreparedKey, ProveError, no_progress, prove};
use amanat_prover::keys::{AnyPlan, Keys, PlanError, StatementKey};
use amanat_prover::plan::{Plan, RolePlan, Target};
use amanat_prover::zkey::{ZkeyProveError, ZkeyProver};
use amanat_verifier::verify_one;
use core::ops::ControlFlow;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::sync::{Arc, OnceLock};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The key of the smallest statement.
fn proving_key() -> &'static ProvingKey {
    static KEY: OnceLock<ProvingKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let statement = Statement::Role;
        insecure_dev_setup(statement, statement.version(), circuit(statement), &mut rng(1), &|_| ())
            .expect("a key")
            .0
    })
}

/// A device so fast that it is always asked.
fn eager() -> Settings {
    let line = |fixed| LinearCost { fixed, per_row: 0.0 };
    Settings {
        calibration: Some(Calibration { device: line(0.0), processor: line(1e9) }),
        ..Settings::default()
    }
}

fn keys(backend: &dyn amanat_accel::Backend) -> Keys {
    let mut keys = Keys::new();
    let key = StatementKey::in_backend(proving_key(), backend, TableMemory::Plain);
    keys.insert(key.expect("this build's circuit"));
    keys
}

fn plan(keys: &Keys, seed: u64) -> RolePlan {
    let key = keys.get(Statement::Role).expect("made").digest();
    let target = Target { chain: ChainId([1; 32]), key, audience: [2; 32], nonce: None };
    let witness = RoleWitness::case(&World::new(7)).witness;
    let (epoch, hash) = (witness.bundle.epoch, witness.bundle.hash());
    let policy = PolicyField::Role(witness.policy.clone());
    Plan::new(&target, epoch, hash, policy, witness, &mut rng(seed)).expect("a valid world")
}

/// What the portable backend makes of the plan of this seed.
fn expected(seed: u64) -> Vec<u8> {
    let keys = keys(&Portable);
    plan(&keys, seed).prove(&keys, &no_progress).expect("proved").to_bytes()
}

/// A started mock, and its script.
fn started(settings: Settings) -> (Arc<Script>, Gpu) {
    let script = Arc::new(Script::default());
    let gpu = gpu(&script, settings);
    gpu.start();
    (script, gpu)
}

#[test]
fn a_device_makes_the_same_transaction_of_a_plan_as_the_processor() {
    let (script, gpu) = started(eager());
    let keys = keys(&gpu);
    for seed in [3, 4] {
        let tx = plan(&keys, seed).prove(&keys, &no_progress).expect("proved");
        assert_eq!(tx.to_bytes(), expected(seed));
    }
    let report = gpu.report();
    assert_eq!((report.by_device, report.by_processor, report.alarms), (2, 0, 0));
    assert_eq!(script.unwiped(), 0);
}

#[test]
fn a_wrong_sum_or_quotient_is_never_released_and_quarantines_the_device() {
    let expected = expected(3);
    for (entry, after) in [("sum", 0), ("sum", 1), ("sum", 2), ("transform", 0)] {
        let (script, gpu) = started(eager());
        let keys = keys(&gpu);
        script.fault(entry, after, 1, Fault::Wrong);
        let tx = plan(&keys, 3).prove(&keys, &no_progress).expect("proved");
        assert_eq!(tx.to_bytes(), expected, "{entry}, {after}: the same blinding, on the processor");
        let report = gpu.report();
        assert!(matches!(report.state, State::Quarantined { .. }), "{entry}, {after}: {report}");
        assert_eq!((report.alarms, report.made_again), (1, 1), "{entry}, {after}");
        // From now on nobody asks it.
        let calls = script.calls();
        let next = plan(&keys, 3).prove(&keys, &no_progress).expect("proved");
        assert_eq!((next.to_bytes() == expected, script.calls()), (true, calls), "{entry}, {after}");
    }
}

#[test]
fn a_device_that_answers_no_points_is_full_or_goes_away_costs_no_transaction() {
    let expected = expected(3);
    type Harm = fn(&Script);
    let harms: [(Harm, &str); 5] = [
        (|script| script.fault("sum", 1, 1, Fault::Garbage), "quarantined"),
        (|script| script.fault("rows", 0, 1, Fault::Wrong), "quarantined"),
        (|script| script.lose_after(6), "lost"),
        (|script| script.fault("sum", 0, 9, Fault::Panic), "ready"),
        (|script| script.hold(1), "ready"),
    ];
    for (i, (harm, state)) in harms.into_iter().enumerate() {
        let (script, gpu) = started(eager());
        let keys = keys(&gpu);
        harm(&script);
        let tx = plan(&keys, 3).prove(&keys, &no_progress).expect("proved");
        assert_eq!(tx.to_bytes(), expected, "{i}");
        assert_eq!(gpu.report().state.label(), state, "{i}: {}", gpu.report());
        assert_eq!(gpu.report().by_processor, 1, "{i}");
    }
}

/// y = x^2 for the first public input, and seven that are zero.
fn square() -> (R1cs, Vec<Fr>) {
    let one = Fr::from(1u64);
    let rows = vec![Row { a: vec![(9, one)], b: vec![(9, one)], c: vec![(1, one)] }];
    let values = [1u64, 49, 0, 0, 0, 0, 0, 0, 0, 7].map(Fr::from).to_vec();
    (R1cs { num_public: 8, num_private: 1, rows }, values)
}

#[test]
fn the_prover_proper_verifies_what_a_device_had_a_part_in() {
    let (r1cs, values) = square();
    let (pk, vk) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng(1), &|_| ()).expect("keys");
    for after in 0..4 {
        let (script, gpu) = started(eager());
        let key = PreparedKey::new(&pk, &gpu, TableMemory::Plain);
        let circuit = PreparedCircuit::new(&r1cs, &gpu);
        script.fault("sum", after, 1, Fault::Wrong);
        let proof =
            prove(&key, &circuit, &values, Blinding::draw(&mut rng(5)), &no_progress).expect("a proof");
        let public: [Fr; 8] = values[1..9].try_into().expect("eight");
        let verifying = amanat_verifier::PreparedVerifyingKey::new(&vk);
        assert_eq!(verify_one(&verifying, &public, &proof), Ok(()), "{after}");
        assert_eq!(gpu.report().alarms, u64::from(after < 3), "{after}");
        // A false statement is no fault of the device.
        let mut wrong = values.clone();
        wrong[1] += Fr::from(1u64);
        let refused = prove(&key, &circuit, &wrong, Blinding::draw(&mut rng(5)), &no_progress).err();
        assert_eq!(refused, Some(ProveError::Unsatisfied { row: 0 }), "{after}");
        assert_eq!(gpu.report().alarms, u64::from(after < 3), "{after}");
    }
}

#[test]
fn a_zkeys_witness_that_breaks_a_row_is_not_blamed_on_the_device() {
    let (r1cs, values) = square();
    let zkey = insecure_dev_zkey(&r1cs, &mut rng(4)).expect("a key");
    let (script, gpu) = started(eager());
    let gpu: &'static Gpu = Box::leak(Box::new(gpu));
    let prover = ZkeyProver::new(zkey.clone(), gpu, TableMemory::Plain);
    let by = |prover: &ZkeyProver, values: &[Fr]| {
        let blinding = Blinding::draw(&mut rng(6));
        prover.prove(&Witness::new(values.to_vec()), blinding, &no_progress)
    };
    let portable = ZkeyProver::new(zkey, &Portable, TableMemory::Plain);
    let expected = by(&portable, &values).expect("a proof").0.to_bytes();
    assert_eq!(by(&prover, &values).expect("a proof").0.to_bytes(), expected);
    // A key of snarkjs' holds no C: the device cannot see that the row does not hold, and neither
    // can the processor.
    let mut wrong = values.clone();
    wrong[9] += Fr::from(1u64);
    assert_eq!(by(&prover, &wrong).err(), Some(ZkeyProveError::NotReleased));
    assert_eq!((gpu.report().state, gpu.report().alarms), (State::Ready, 0));
    script.fault("sum", 0, 1, Fault::Wrong);
    assert_eq!(by(&prover, &values).expect("a proof").0.to_bytes(), expected);
    assert_eq!(gpu.report().alarms, 1);
}

#[test]
fn processor_and_device_take_different_proofs_of_a_batch_and_each_is_made_once() {
    // At no size is the device sooner: only the hands that cost no core go there.
    let line = |fixed| LinearCost { fixed, per_row: 0.0 };
    let calibration = Some(Calibration { device: line(1.0), processor: line(0.0) });
    let (script, gpu) = started(Settings { calibration, slots: 2, ..Settings::default() });
    let keys = keys(&gpu);
    script.close_gate();
    let mut done = Vec::new();
    std::thread::scope(|scope| {
        // The device is slow: it finishes its first proof after the processor has made one.
        scope.spawn(|| {
            script.wait_for_waiting(1);
            until("the processor makes a proof", || gpu.report().by_processor >= 1);
            script.open_gate();
        });
        // Nobody says which place takes which plan, so there is a next one until both have made
        // some.
        let both = || gpu.report().by_device >= 1 && gpu.report().by_processor >= 1;
        let plans = (1..=200u64)
            .take_while(|seed| *seed <= 5 || !both())
            .map(|seed| Box::new(plan(&keys, seed)) as Box<dyn AnyPlan>);
        prove_batch(plans, &keys, 1, |result| {
            done.push(result.expect("proved").to_bytes());
            ControlFlow::Continue(())
        });
    });
    let expected: Vec<Vec<u8>> = (1..).take(done.len()).map(expected).collect();
    assert!(done == expected, "in order, each once, each right");
    let report = gpu.report();
    assert_eq!(report.by_device + report.by_processor, done.len() as u64);
    assert!(report.by_device >= 1 && report.by_processor >= 1, "{report:?}");
}

#[test]
fn a_batch_whose_device_lies_is_right_and_can_be_stopped() {
    let (script, gpu) = started(eager());
    let keys = keys(&gpu);
    script.fault("sum", 4, 2, Fault::Wrong);
    let plans = (1..=6u64).map(|seed| Box::new(plan(&keys, seed)) as Box<dyn AnyPlan>);
    let mut seen = 0;
    prove_batch(plans, &keys, 2, |result: Result<Transaction, PlanError>| {
        let Transaction::Proof(tx) = result.expect("proved") else { panic!("a proof transaction") };
        let key = keys.get(Statement::Role).expect("made").verifying_key();
        let public = tx.public_vector().to_field_elements();
        assert_eq!(verify_one(key, &public, &Proof::try_from(&tx.proof).expect("a proof")), Ok(()));
        seen += 1;
        if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(seen, 5);
    let report = gpu.report();
    assert!(report.alarms >= 1 && matches!(report.state, State::Quarantined { .. }), "{report}");
}
