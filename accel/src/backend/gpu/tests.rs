//! The backend over a mock device: the suite of all backends, and what goes wrong.

use super::mock::{Fault, Script, gpu, try_gpu, until};
use super::*;
use crate::backend::processor;
use crate::{
    Backend, Fr, G1Affine, G2Affine, KeyBases, LoadedCircuit, LoadedKey, Made, Maker, Matrices, Phase,
    QuotientError, QuotientForm, SparseMatrix, TableMemory,
};
use ark_ec::AffineRepr;
use ark_ff::{Field, One};
use core::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

/// A device that costs nothing, beside a processor that takes for ever.
fn always() -> Calibration {
    let line = |fixed| LinearCost { fixed, per_row: 0.0 };
    Calibration { device: line(0.0), processor: line(1e9) }
}

fn eager() -> Settings {
    Settings { calibration: Some(always()), ..Settings::default() }
}

mod suite {
    use super::*;

    /// Everything on the device, one-off work too.
    fn backend() -> &'static Gpu {
        static BACKEND: OnceLock<Gpu> = OnceLock::new();
        BACKEND.get_or_init(|| {
            gpu(&Arc::new(Script::default()), Settings { one_off_unchecked: true, ..eager() })
        })
    }

    crate::suite::mount!(Some(backend() as &dyn crate::Backend));

    #[test]
    fn the_device_did_the_work_and_was_never_wrong() {
        let backend = backend();
        crate::suite::keys::loaded_once_used_often(backend);
        let report = backend.report();
        assert_eq!((report.state, report.alarms), (State::Ready, 0), "{:?}", report.events);
        assert!(report.failures.iter().all(|(_, count)| *count == 0), "{:?}", report.failures);
        assert_eq!(backend.inner.device.info.name, report.device.name);
    }
}

/// `w_(i+1) = w_i^2`, a key of multiples of the generators, and what comes out.
struct Job {
    matrices: Matrices,
    assignment: Vec<Fr>,
    g1: Vec<G1Affine>,
    g2: Vec<G2Affine>,
    r: Fr,
}

impl Job {
    fn new(log: u32) -> Self {
        let rows = 1usize << log;
        let one = Fr::one();
        let mut assignment = vec![one, Fr::from(3u64)];
        for i in 1..=rows {
            assignment.push(assignment[i].square());
        }
        let form = |i: usize| [(i as u32 + 1, one)];
        let matrices = Matrices {
            num_variables: rows + 2,
            domain_size: rows,
            a: SparseMatrix::from_rows((0..rows).map(form)),
            b: SparseMatrix::from_rows((0..rows).map(form)),
            c: Some(SparseMatrix::from_rows((0..rows).map(|i| form(i + 1)))),
        };
        let (mut g1, mut g2) = (vec![G1Affine::identity()], vec![G2Affine::identity()]);
        for i in 1..rows + 2 {
            g1.push((g1[i - 1] + G1Affine::generator()).into());
            g2.push((g2[i - 1] + G2Affine::generator()).into());
        }
        Self { matrices, assignment, g1, g2, r: Fr::from(77u64) }
    }

    fn load(&self, backend: &dyn Backend) -> (Box<dyn LoadedCircuit>, Box<dyn LoadedKey>) {
        let bases = KeyBases {
            a: &self.g1,
            b_g1: &self.g1,
            b_g2: &self.g2,
            l: &self.g1[3..],
            h: &self.g1[..self.matrices.domain_size - 1],
        };
        let circuit = backend.load_circuit(self.matrices.clone(), QuotientForm::Coefficients);
        (circuit, backend.load_key(&bases, TableMemory::Plain))
    }

    fn made(&self, (circuit, key): &(Box<dyn LoadedCircuit>, Box<dyn LoadedKey>)) -> Made {
        key.made(circuit.as_ref(), &self.assignment, &self.r, &go).expect("satisfied")
    }

    fn expected(&self) -> crate::Sums {
        self.made(&self.load(processor())).sums
    }

    /// A proof by this backend, right on either maker; returns the maker.
    fn right(&self, backend: &Gpu) -> Maker {
        let made = self.made(&self.load(backend));
        assert!(made.sums == self.expected(), "as the processor's");
        made.by
    }
}

fn go(_: Phase) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn job() -> &'static Job {
    static JOB: OnceLock<Job> = OnceLock::new();
    JOB.get_or_init(|| Job::new(6))
}

fn alarms(report: &Report) -> usize {
    report.events.iter().filter(|event| event.severity == Severity::Alarm).count()
}

#[test]
fn a_whole_proof_is_made_on_the_device_and_wiped_from_it() {
    let script = Arc::new(Script::default());
    {
        let backend = gpu(&script, eager());
        let loaded = job().load(&backend);
        for _ in 0..3 {
            let made = job().made(&loaded);
            assert_eq!(made.by, Maker::Device);
            assert!(made.sums == job().expected());
        }
        let report = backend.report();
        assert_eq!((report.by_device, report.by_processor, report.values), (3, 0, 2));
        assert!(report.resident > 0 && report.resident <= report.budget);
        assert!(report.to_string().contains("ready"), "{report}");
        assert_eq!(script.alive(), [1, 1, 1], "a circuit, a key, a stream");
        drop(loaded);
        assert_eq!(script.alive(), [0, 0, 1], "freed with their owners");
        assert_eq!(backend.report().resident, 0);
    }
    assert_eq!(script.alive(), [0, 0, 0]);
    assert_eq!(script.unwiped(), 0);
}

#[test]
fn a_device_that_fails_the_known_answer_test_is_quarantined_before_its_first_proof() {
    for (entry, after) in [
        ("msm", 0),
        ("msm", 1),
        ("ntt", 0),
        ("ntt", 3),
        ("transform", 0),
        ("sum", 0),
        ("sum", 7),
        ("rows", 0),
        ("rows", 2),
    ] {
        let script = Arc::new(Script::default());
        script.fault(entry, after, 1, Fault::Wrong);
        let backend = gpu(&script, eager());
        assert_eq!(job().right(&backend), Maker::Processor, "{entry}");
        let report = backend.report();
        assert!(
            matches!(&report.state, State::Quarantined { why } if why.contains("known-answer")),
            "{entry}: {report}"
        );
        assert_eq!((report.tested, report.alarms, alarms(&report)), (Some(false), 1, 1), "{entry}");
        let calls = script.calls();
        assert_eq!(job().right(&backend), Maker::Processor);
        assert_eq!(script.calls(), calls, "not asked any more");
        assert_eq!(script.alive(), [0, 0, 0], "and nothing left on it");
    }
}

#[test]
fn a_device_that_fails_at_the_start_is_left_and_that_is_said_once() {
    for (entry, fault) in [
        ("stream_new", Fault::Fail(1, "no driver".to_owned())),
        ("key_load", Fault::Fail(2, "full".to_owned())),
        ("ntt", Fault::Fail(5, "x".repeat(400))),
        ("sum", Fault::Panic),
    ] {
        let script = Arc::new(Script::default());
        script.fault(entry, 0, 1, fault);
        let backend = gpu(&script, eager());
        assert_eq!(job().right(&backend), Maker::Processor, "{entry}");
        assert_eq!(job().right(&backend), Maker::Processor, "{entry}");
        let report = backend.report();
        assert!(matches!(report.state, State::Lost { .. }), "{entry}: {report}");
        assert_eq!((report.events.len(), report.alarms), (1, 0), "{entry}: {:?}", report.events);
        assert!(report.events[0].words.contains(entry), "{:?}", report.events);
    }
}

#[test]
fn a_device_that_cannot_be_opened_says_why() {
    let script = Arc::new(Script::default());
    script.fault("open", 0, 1, Fault::Fail(1, "the driver is too old".to_owned()));
    let why = try_gpu(&script, eager()).err().expect("not opened");
    assert_eq!(why, "open: the driver is too old");
}

#[test]
fn a_device_lost_at_any_call_of_a_proof_costs_no_proof() {
    let whole = {
        let script = Arc::new(Script::default());
        let backend = gpu(&script, eager());
        backend.start();
        let before = script.calls();
        assert_eq!(job().right(&backend), Maker::Device);
        script.calls() - before
    };
    assert!(whole >= 9, "{whole} calls");
    for call in 1..=whole {
        let script = Arc::new(Script::default());
        let backend = gpu(&script, eager());
        backend.start();
        script.lose_after(call);
        let by = job().right(&backend);
        let report = backend.report();
        assert!(matches!(report.state, State::Lost { .. }), "call {call}: {report}");
        // If the last call, the wiping, fails, the proof had been made.
        assert_eq!(by, if call == whole { Maker::Device } else { Maker::Processor }, "call {call}");
        assert_eq!((report.events.len(), report.alarms), (1, 0), "call {call}: {:?}", report.events);
        assert_eq!(job().right(&backend), Maker::Processor, "call {call}");
        assert_eq!(script.alive(), [0, 0, 0], "call {call}: nothing is held");
    }
}

#[test]
fn answers_that_are_no_points_or_numbers_quarantine_the_device() {
    for after in 0..3 {
        let script = Arc::new(Script::default());
        let backend = gpu(&script, eager());
        backend.start();
        script.fault("sum", after, 1, Fault::Garbage);
        assert_eq!(job().right(&backend), Maker::Processor);
        assert!(matches!(backend.report().state, State::Quarantined { .. }));
    }
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    backend.start();
    script.fault("quotient_read", 0, 1, Fault::Garbage);
    let (circuit, _) = job().load(&backend);
    let (reference, _) = job().load(processor());
    let quotient = |circuit: &dyn LoadedCircuit| circuit.quotient(&job().assignment, &go).expect("satisfied");
    assert!(quotient(circuit.as_ref()) == quotient(reference.as_ref()));
    assert_eq!(backend.report().alarms, 1);
}

#[test]
fn wrong_sums_come_marked_as_the_devices_and_are_made_again_on_the_processor() {
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    backend.start();
    script.fault("sum", 1, 1, Fault::Wrong);
    let loaded = job().load(&backend);
    let made = job().made(&loaded);
    assert_eq!(made.by, Maker::Device);
    assert!(made.sums != job().expected(), "wrong, and of the right form");
    // What a prover does when the proof does not verify.
    let (circuit, key) = &loaded;
    let again = |suspect: &crate::Sums| {
        key.made_again(suspect, circuit.as_ref(), &job().assignment, &job().r, &go).expect("satisfied")
    };
    // Sums that are right: the proof did not verify for another reason, and the device is not to
    // blame.
    assert!(again(&job().expected()) == job().expected());
    assert_eq!(backend.report().alarms, 0);
    assert!(again(&made.sums) == job().expected());
    let report = backend.report();
    assert!(matches!(report.state, State::Quarantined { .. }), "{report}");
    assert_eq!((report.alarms, report.made_again, alarms(&report)), (1, 1, 1));
    assert_eq!(job().made(&loaded).by, Maker::Processor);
}

#[test]
fn a_row_that_the_device_alone_finds_broken_is_the_devices_fault() {
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    backend.start();
    script.fault("rows", 0, 1, Fault::Wrong);
    assert_eq!(job().right(&backend), Maker::Processor);
    assert_eq!(backend.report().alarms, 1);
    // And one that is broken is named by the processor, without blame.
    let backend = gpu(&Arc::new(Script::default()), eager());
    let (circuit, key) = job().load(&backend);
    let mut wrong = job().assignment.clone();
    wrong[10] += Fr::one();
    let error = key.made(circuit.as_ref(), &wrong, &job().r, &go).err();
    assert_eq!(error, Some(QuotientError::Unsatisfied { row: 8 }));
    assert_eq!(backend.report().alarms, 0);
}

#[test]
fn a_broken_row_that_the_device_does_not_find_leaves_a_proof_that_cannot_verify() {
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    backend.start();
    script.fault("rows", 0, 1, Fault::Garbage);
    let (circuit, key) = job().load(&backend);
    let mut wrong = job().assignment.clone();
    wrong[10] += Fr::one();
    // The mock has no quotient then and says so; the processor names the row.
    let error = key.made(circuit.as_ref(), &wrong, &job().r, &go).err();
    assert_eq!(error, Some(QuotientError::Unsatisfied { row: 8 }));
}

#[test]
fn a_whole_proof_can_be_cancelled_at_each_phase_and_leaves_nothing_behind() {
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    let (circuit, key) = job().load(&backend);
    let phases = core::cell::RefCell::new(Vec::new());
    let listen = |phase| {
        phases.borrow_mut().push(phase);
        ControlFlow::Continue(())
    };
    key.made(circuit.as_ref(), &job().assignment, &job().r, &listen).map(drop).expect("to the end");
    let phases = phases.into_inner();
    assert!(phases.len() > 4 && phases.windows(2).all(|two| two[0] < two[1]), "{phases:?}");
    for stop in phases {
        let progress = |phase| if phase == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let error = key.made(circuit.as_ref(), &job().assignment, &job().r, &progress).err();
        assert_eq!(error, Some(QuotientError::Cancelled), "{stop:?}");
    }
    assert_eq!(job().made(&(circuit, key)).by, Maker::Device, "and goes on");
    let report = backend.report();
    assert_eq!((report.state, report.events.len()), (State::Ready, 0));
    assert_eq!(script.unwiped(), 0);
}

#[test]
fn keys_beyond_the_budget_give_way_and_come_back() {
    let script = Arc::new(Script::default());
    let one = {
        let backend = gpu(&Arc::new(Script::default()), eager());
        let loaded = job().load(&backend);
        job().made(&loaded);
        backend.report().resident
    };
    // Room for two keys with their circuits and the proofs under way, not for three.
    let size = memory::ProofSize { domain: 64, variables: 66, longest: 64 + 65 + 63 };
    let scratch = memory::proof_bytes(size) * eager().slots as u64;
    let budget = scratch + 2 * one + one / 2;
    let backend = gpu(&script, Settings { budget: Some(budget), ..eager() });
    let loaded: Vec<_> = (0..3).map(|_| job().load(&backend)).collect();
    for round in 0..3 {
        for each in &loaded {
            let made = job().made(each);
            assert_eq!(made.by, Maker::Device, "round {round}");
            assert!(made.sums == job().expected());
            let report = backend.report();
            assert!(report.resident + scratch <= budget, "{report:?}");
        }
    }
    assert!(backend.report().evictions >= 2 * 5, "{}", backend.report().evictions);
    let [circuits, keys, _] = script.alive();
    assert!(circuits <= 3 && keys <= 3, "{circuits} circuits and {keys} keys");
    // The one used last is there, and is not loaded again.
    let loads = script.loads();
    job().made(&loaded[2]);
    assert_eq!(script.loads(), loads);
}

#[test]
fn what_does_not_fit_is_the_processors_and_a_full_device_goes_on_with_less() {
    let backend = gpu(&Arc::new(Script::default()), Settings { budget: Some(1000), ..eager() });
    assert_eq!(job().right(&backend), Maker::Processor);
    assert_eq!((backend.report().state, backend.report().events.len()), (State::Ready, 0));

    // The device has less than it said.
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    backend.start();
    let first = job().load(&backend);
    assert_eq!(job().made(&first).by, Maker::Device);
    script.hold(script.peak().min(30_000));
    let second = job().load(&backend);
    assert!(job().made(&second).sums == job().expected());
    let report = backend.report();
    assert_eq!(report.state, State::Ready, "{report}");
    assert!(report.failures.contains(&(FailureKind::OutOfMemory, 1)), "{:?}", report.failures);
    assert!(job().made(&first).sums == job().expected());
}

#[test]
fn a_slow_device_leaves_the_other_proofs_to_the_processor() {
    let script = Arc::new(Script::default());
    // A proof takes the processor two and a half times as long as the device.
    let line = |fixed| LinearCost { fixed, per_row: 0.0 };
    let calibration = Calibration { device: line(0.010), processor: line(0.025) };
    let backend = gpu(&script, Settings { calibration: Some(calibration), slots: 1, ..Settings::default() });
    backend.start();
    let loaded = job().load(&backend);
    script.close_gate();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| job().made(&loaded).by);
        script.wait_for_waiting(1);
        // One before it: still sooner there, it waits. Two before it: the processor's.
        let second = scope.spawn(|| job().made(&loaded).by);
        until("the second stands in line", || backend.inner.before() >= 2);
        let third = job().made(&loaded);
        assert_eq!(third.by, Maker::Processor);
        assert!(third.sums == job().expected());
        script.open_gate();
        assert_eq!(first.join().expect("no panic"), Maker::Device);
        assert_eq!(second.join().expect("no panic"), Maker::Device);
    });
    let report = backend.report();
    assert_eq!((report.by_device, report.by_processor), (2, 1));
}

#[test]
fn who_waits_for_a_device_that_is_lost_goes_to_the_processor() {
    let script = Arc::new(Script::default());
    let backend = gpu(&script, Settings { slots: 1, ..eager() });
    backend.start();
    let loaded = job().load(&backend);
    script.close_gate();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| job().made(&loaded).by);
        script.wait_for_waiting(1);
        let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| job().made(&loaded).by)).collect();
        until("four stand in line", || backend.inner.before() >= 4);
        script.lose_after(1);
        script.open_gate();
        for thread in core::iter::once(first).chain(waiting) {
            assert_eq!(thread.join().expect("no panic"), Maker::Processor);
        }
    });
    assert_eq!(script.alive(), [0, 0, 0]);
}

#[test]
fn a_hand_takes_a_free_place_whatever_the_crossover() {
    let line = |fixed| LinearCost { fixed, per_row: 0.0 };
    let never = Calibration { device: line(1.0), processor: line(0.0) };
    let backend =
        gpu(&Arc::new(Script::default()), Settings { calibration: Some(never), ..Settings::default() });
    assert_eq!(job().right(&backend), Maker::Processor);
    assert_eq!(as_hand(|| job().right(&backend)), Maker::Device);
    assert_eq!(job().right(&backend), Maker::Processor, "a hand for that work only");
    let (_, key) = job().load(&backend);
    assert_eq!(key.hands(), Settings::default().slots);
    assert!(backend.report().to_string().contains("slower than the processor at every size"));
}

#[test]
fn without_a_pace_the_start_measures_one() {
    let backend = gpu(&Arc::new(Script::default()), Settings::default());
    assert!(backend.report().to_string().contains("before the first proof"), "{}", backend.report());
    backend.start();
    let report = backend.report();
    let calibration = report.calibration.expect("measured");
    for line in [calibration.device, calibration.processor] {
        assert!(
            line.seconds(1 << 13) > 0.0 && line.seconds(1 << 20) >= line.seconds(1 << 13),
            "{calibration:?}"
        );
    }
    assert_eq!((report.tested, report.state), (Some(true), State::Ready));
}

#[test]
fn verification_never_asks_the_device() {
    let script = Arc::new(Script::default());
    let backend = gpu(&script, eager());
    let calls = script.calls();
    let (g1, g2) = (job().g1.clone(), job().g2.clone());
    let scalars: Vec<Fr> = (0..g1.len() as u64).map(Fr::from).collect();
    let _ = backend.msm_g1(&g1, &scalars);
    let _ = backend.msm_g2(&g2, &scalars);
    let mut values = scalars[..64].to_vec();
    backend.ntt(&mut values);
    backend.intt(&mut values);
    crate::Pairings::multi_pairing(&backend, &[(g1[1], g2[1])]);
    assert_eq!(script.calls(), calls);
    assert_eq!(backend.name(), "gpu");
}

#[test]
fn a_circuit_of_another_backend_is_served_and_its_sums_are_not_trusted() {
    let backend = gpu(&Arc::new(Script::default()), eager());
    let (_, key) = job().load(&backend);
    let (circuit, _) = job().load(processor());
    let made = key.made(circuit.as_ref(), &job().assignment, &job().r, &go).expect("satisfied");
    assert!(made.sums == job().expected());
    assert_eq!(made.by, Maker::Device);
}

#[test]
fn scripts_are_read_from_words() {
    let script = Arc::new(Script::parse("wrong=sum@1, nonsense, fail=nowhere, lost=1000"));
    let backend = gpu(&script, eager());
    job().right(&backend);
    assert!(matches!(backend.report().state, State::Quarantined { .. }));
    let full = gpu(&Arc::new(Script::parse("full")), eager());
    assert_eq!(job().right(&full), Maker::Processor);
}
