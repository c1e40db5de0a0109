//! Proofs from snarkjs' files, for circuits with any number of public inputs.

use amanat_accel::{Backend, Phase, TableMemory};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::field::{self, Fr};
use amanat_params::{Proof, Witness, Zkey, insecure_dev_zkey};
use amanat_prover::groth16::{Blinding, ProveError, no_progress};
use amanat_prover::zkey::{ZkeyProveError, ZkeyProver};
use amanat_testkit::groth16::{arkworks_key, arkworks_matrices};
use amanat_testkit::r1cs::{Size, random};
use amanat_testkit::rng;
use ark_bn254::Bn254;
use ark_ff::{One, PrimeField, Zero};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::R1CSToQAP;
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, Matrix, SynthesisError};
use core::cell::RefCell;
use core::ops::ControlFlow;
use std::io::Cursor;

fn circuit(seed: u64, public: usize, private: usize, rows: usize) -> (R1cs, Vec<Fr>) {
    random(seed, Size { public, private, rows })
}

fn zkey(r1cs: &R1cs) -> Zkey {
    insecure_dev_zkey(r1cs, &mut rng(1)).expect("a key")
}

fn prover(zkey: Zkey, backend: &'static dyn Backend) -> ZkeyProver {
    ZkeyProver::new(zkey, backend, TableMemory::Plain)
}

/// snarkjs' reduction over arkworks' transforms, written from its definition: values of `a b - c`
/// at the odd powers of the root of order 2n.
struct OddCoset;

impl R1CSToQAP for OddCoset {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        _: ConstraintSystemRef<F>,
        _: &F,
    ) -> Result<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize), SynthesisError> {
        unreachable!("no key is made here")
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        num_inputs: usize,
        num_constraints: usize,
        assignment: &[F],
    ) -> Result<Vec<F>, SynthesisError> {
        let domain = D::new(num_constraints + num_inputs).expect("a domain");
        let root = F::get_root_of_unity(2 * domain.size() as u64).expect("not too large");
        let rows = |matrix: &Matrix<F>| -> Vec<F> {
            let row = |row: &Vec<(F, usize)>| row.iter().map(|(x, v)| assignment[*v] * x).sum();
            let mut values: Vec<F> = matrix.iter().map(row).collect();
            values.resize(domain.size(), F::zero());
            values
        };
        let (mut a, b) = (rows(&matrices[0]), rows(&matrices[1]));
        a[num_constraints..][..num_inputs].copy_from_slice(&assignment[..num_inputs]);
        let c: Vec<F> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
        let odd = |values: Vec<F>| {
            let mut coefficients = domain.ifft(&values);
            D::distribute_powers(&mut coefficients, root);
            domain.fft(&coefficients)
        };
        let (a, b, c) = (odd(a), odd(b), odd(c));
        Ok((0..domain.size()).map(|i| a[i] * b[i] - c[i]).collect())
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        _: usize,
        _: F,
        _: F,
        _: F,
    ) -> Result<Vec<F>, SynthesisError> {
        unreachable!("no key is made here")
    }
}

#[test]
fn proofs_from_files_are_those_of_arkworks_byte_for_byte_and_verify_there() {
    for (seed, public, private, rows) in [
        (1, 0, 1, 1),
        (2, 1, 2, 1),
        (3, 3, 7, 12),
        (4, 8, 60, 100),
        (5, 40, 9, 23),
        (6, 1, 900, 1022),
        (7, 2, 500, 1023),
    ] {
        let (r1cs, assignment) = circuit(seed, public, private, rows);
        let (mut zkey_file, mut wtns_file) = (Vec::new(), Vec::new());
        let made = zkey(&r1cs);
        made.write(&mut zkey_file).expect("a vector takes every write");
        Witness::new(assignment.clone()).write(&mut wtns_file).expect("a vector takes every write");
        let witness = Witness::read(Cursor::new(wtns_file)).expect("own bytes");

        let (r, s) = (field::random(&mut rng(seed)), {
            let mut rng = rng(seed);
            field::random(&mut rng);
            field::random(&mut rng)
        });
        let ark_key = arkworks_key(&made.vk, &made.queries);
        let theirs = Groth16::<Bn254, OddCoset>::create_proof_with_reduction_and_matrices(
            &ark_key,
            r,
            s,
            &arkworks_matrices(&r1cs),
            1 + public,
            rows,
            &assignment,
        )
        .expect("arkworks proves");
        let vk = ark_groth16::prepare_verifying_key(&ark_key.vk);
        let verified = Groth16::<Bn254, OddCoset>::verify_proof(&vk, &theirs, &assignment[1..=public]);
        assert_eq!(verified.ok(), Some(true));
        let theirs = Proof::from_points(theirs.a, theirs.b, theirs.c).expect("points");
        for backend in amanat_accel::all() {
            let key =
                Zkey::read(Cursor::new(&zkey_file), &|_, _| ControlFlow::Continue(())).expect("own bytes");
            let (proof, inputs) = prover(key, *backend)
                .prove(&witness, Blinding::draw(&mut rng(seed)), &no_progress)
                .expect("a proof");
            let what = format!("{}: {public} public, {private} private, {rows} rows", backend.name());
            assert_eq!(proof.to_bytes(), theirs.to_bytes(), "{what}");
            assert_eq!(inputs, assignment[1..=public], "{what}");
        }
    }
}

#[test]
fn a_proof_verifies_for_its_public_inputs_alone() {
    let (r1cs, assignment) = circuit(1, 3, 9, 14);
    let prover = prover(zkey(&r1cs), amanat_accel::default_backend());
    let witness = Witness::new(assignment);
    let (proof, public) = prover.prove(&witness, Blinding::draw(&mut rng(1)), &no_progress).expect("a proof");
    assert!(prover.verify(&public, &proof));
    for i in 0..3 {
        let mut wrong = public.clone();
        wrong[i] += Fr::one();
        assert!(!prover.verify(&wrong, &proof), "input {i}");
    }
    assert!(!prover.verify(&public[..2], &proof));
    assert!(!prover.verify(&[&public[..], &[Fr::zero()]].concat(), &proof));
    let (other, _) = prover.prove(&witness, Blinding::draw(&mut rng(2)), &no_progress).expect("a proof");
    assert!(prover.verify(&public, &other) && other != proof);
}

#[test]
fn witnesses_that_break_a_row_or_belong_elsewhere_give_no_proof() {
    let (r1cs, assignment) = circuit(1, 3, 9, 14);
    let proves = |key: Zkey, assignment: &[Fr]| {
        prover(key, amanat_accel::default_backend())
            .prove(&Witness::new(assignment.to_vec()), Blinding::draw(&mut rng(1)), &no_progress)
            .map(|_| ())
    };
    assert_eq!(proves(zkey(&r1cs), &assignment), Ok(()));
    // A .zkey has no C: a broken row shows in the verification.
    let broken: Vec<usize> = (1..assignment.len())
        .filter(|i| {
            let mut wrong = assignment.clone();
            wrong[*i] += Fr::one();
            let unsatisfied = r1cs.first_unsatisfied(&wrong).is_some();
            let expected = if unsatisfied { Err(ZkeyProveError::NotReleased) } else { Ok(()) };
            assert_eq!(proves(zkey(&r1cs), &wrong), expected, "value {i}");
            unsatisfied
        })
        .collect();
    assert!(broken.len() > 6, "most values matter: {broken:?}");
    let (other, _) = circuit(2, 3, 9, 14);
    assert_eq!(proves(zkey(&other), &assignment), Err(ZkeyProveError::NotReleased));
    let short = proves(zkey(&r1cs), &assignment[..12]);
    assert_eq!(short, Err(ProveError::AssignmentLength { expected: 13, got: 12 }.into()));
    let mut wrong = assignment.clone();
    wrong[0] = Fr::zero();
    assert_eq!(proves(zkey(&r1cs), &wrong), Err(ProveError::NotOne.into()));
    // A key of which one point is another: well formed, and useless.
    let mut damaged = zkey(&r1cs);
    damaged.queries.h.swap(2, 3);
    assert_eq!(proves(damaged, &assignment), Err(ZkeyProveError::NotReleased));
}

#[test]
fn proving_from_files_can_be_stopped_before_each_phase() {
    let (r1cs, assignment) = circuit(1, 3, 9, 14);
    let (prover, witness) = (prover(zkey(&r1cs), amanat_accel::default_backend()), Witness::new(assignment));
    let phases = RefCell::new(Vec::new());
    let listen = |phase: Phase| {
        phases.borrow_mut().push(phase);
        ControlFlow::Continue(())
    };
    prover.prove(&witness, Blinding::draw(&mut rng(1)), &listen).expect("a proof");
    let phases = phases.into_inner();
    assert!(phases.len() > 3 && phases.is_sorted());
    for stop in phases {
        let hook = |phase| if phase == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let stopped = prover.prove(&witness, Blinding::draw(&mut rng(1)), &hook);
        assert_eq!(stopped.err(), Some(ProveError::Cancelled.into()), "{stop:?}");
    }
}
