//! The known-answer test and the measurement at the start: what a device must get right before its
//! first proof, and from which size on it is worth asking.

use super::calibration::{Calibration, LinearCost};
use super::failure::Failure;
use super::plans::{circuit_plan, key_plan};
use super::plugin::{Device, Stream, Transform};
use crate::{
    Backend, Fr, G1Affine, G1Projective, G2Affine, G2Projective, KeyBases, LoadedKey, Matrices, Proving,
    QuotientForm, SparseMatrix, TableMemory,
};
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, One, PrimeField, Zero};
use core::ops::ControlFlow;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

const SUMS: usize = 1 << 10;
const TRANSFORMS: usize = 1 << 12;
/// Domains of the two measurements.
const SMALL: u32 = 10;
const LARGE: u32 = 13;
/// Runs of each measurement; the best counts.
const RUNS: usize = 2;

/// Why a device is not used.
pub(super) enum Verdict {
    Failed(Failure),
    /// What it got wrong.
    Wrong(&'static str),
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Tests a device against the processor, and measures both unless a calibration is given.
pub(super) fn run(
    device: &Arc<Device>,
    processor: &dyn Backend,
    given: Option<Calibration>,
) -> Result<Calibration, Verdict> {
    let mut stream = device.stream()?;
    one_off(&mut stream, processor)?;
    let (small, large) = (Job::new(SMALL), Job::new(LARGE));
    for form in [QuotientForm::Coefficients, QuotientForm::OddCoset] {
        small.compare(device, processor, &mut stream, form)?;
    }
    // A given calibration spares the measurement, never the test.
    if let Some(calibration) = given {
        return Ok(calibration);
    }
    let there = |job: &Job, stream: &mut Stream| -> Result<(usize, Duration), Verdict> {
        Ok((job.rows(), job.on_device(device, stream, QuotientForm::Coefficients)?.time))
    };
    let (a, b) = (there(&small, &mut stream)?, there(&large, &mut stream)?);
    let here = |job: &Job| (job.rows(), job.on_processor(processor, QuotientForm::Coefficients).time);
    Ok(Calibration {
        device: LinearCost::through(a, b),
        processor: LinearCost::through(here(&small), here(&large)),
    })
}

/// Sums and transforms, each by itself.
fn one_off(stream: &mut Stream, processor: &dyn Backend) -> Result<(), Verdict> {
    let (g1, g2) = (progression(G1Affine::generator(), SUMS), progression(G2Affine::generator(), SUMS));
    let scalars = numbers(SUMS);
    if stream.msm_g1(&g1, &scalars)? != processor.msm_g1(&g1, &scalars) {
        return Err(Verdict::Wrong("a sum in G1"));
    }
    if stream.msm_g2(&g2, &scalars)? != processor.msm_g2(&g2, &scalars) {
        return Err(Verdict::Wrong("a sum in G2"));
    }
    let values = numbers(TRANSFORMS);
    type Reference = fn(&dyn Backend, &mut Vec<Fr>);
    let kinds: [(Transform, Reference, &'static str); 4] = [
        (Transform::Ntt, |backend, values| backend.ntt(values), "a transform"),
        (Transform::Intt, |backend, values| backend.intt(values), "an inverse transform"),
        (Transform::CosetNtt, |backend, values| backend.coset_ntt(values), "a transform to the coset"),
        (Transform::CosetIntt, |backend, values| backend.coset_intt(values), "a transform from the coset"),
    ];
    for (kind, reference, what) in kinds {
        let (mut theirs, mut ours) = (values.clone(), values.clone());
        stream.ntt(&mut theirs, kind)?;
        reference(processor, &mut ours);
        if theirs != ours {
            return Err(Verdict::Wrong(what));
        }
    }
    Ok(())
}

/// A circuit of squarings, `w_(i+1) = w_i^2 + i`, that fills its domain, and a key of known points.
struct Job {
    matrices: Matrices,
    assignment: Vec<Fr>,
    g1: Vec<G1Affine>,
    g2: Vec<G2Affine>,
}

/// What came out, and how long the best run took.
struct Outcome {
    h: Zeroizing<Vec<BigInt<4>>>,
    a: G1Projective,
    b: G2Projective,
    c: G1Projective,
    time: Duration,
}

impl Job {
    fn new(log: u32) -> Self {
        let rows = 1usize << log;
        let assignment = core::iter::once(Fr::one()).chain(numbers(rows + 1)).collect();
        let one = Fr::one();
        let form = |i: usize| [(i as u32 + 1, one)];
        let next = |i: usize| [(i as u32 + 2, one), (0, -Fr::from(i as u64))];
        let matrices = Matrices {
            num_variables: rows + 2,
            domain_size: rows,
            a: SparseMatrix::from_rows((0..rows).map(form)),
            b: SparseMatrix::from_rows((0..rows).map(form)),
            c: Some(SparseMatrix::from_rows((0..rows).map(next))),
        };
        // One list serves all queries of a group. A base at infinity is among them, as in real
        // keys.
        let mut g1 = progression(G1Affine::generator(), rows + 2);
        let mut g2 = progression(G2Affine::generator(), rows + 2);
        (g1[7], g2[7]) = (G1Affine::identity(), G2Affine::identity());
        Self { matrices, assignment, g1, g2 }
    }

    fn rows(&self) -> usize {
        self.matrices.domain_size
    }

    fn bases(&self, form: QuotientForm) -> KeyBases<'_> {
        KeyBases {
            a: &self.g1,
            b_g1: &self.g1,
            b_g2: &self.g2,
            l: &self.g1[9..],
            h: &self.g1[..form.len(self.rows())],
        }
    }

    /// The device's answers, read back. Nothing is left on the device.
    fn on_device(
        &self,
        device: &Arc<Device>,
        stream: &mut Stream,
        form: QuotientForm,
    ) -> Result<Outcome, Verdict> {
        let circuit = device.circuit(&circuit_plan(&self.matrices, form))?;
        let key = device.key(&key_plan(&self.bases(form)))?;
        let mut h = Zeroizing::new(vec![BigInt([0; 4]); form.len(self.rows())]);
        let mut outcome: Option<Outcome> = None;
        for _ in 0..RUNS {
            let began = Instant::now();
            stream.assign(&self.assignment)?;
            if stream.rows(&circuit)?.is_some() {
                return Err(Verdict::Wrong("the rows of a circuit"));
            }
            stream.transform(&circuit)?;
            stream.scalars(&key, &R)?;
            let (a, b, c) = (stream.sum_a(&key)?, stream.sum_b(&key)?, stream.sum_c(&key)?);
            let time = began.elapsed();
            stream.quotient_read(&mut h)?;
            stream.wipe()?;
            let mut new = Outcome { h: h.clone(), a, b, c, time };
            if let Some(last) = &outcome {
                // why: a device that is wrong now and then must not pass because its last run was
                // right.
                if last.h != new.h || (last.a, last.b, last.c) != (new.a, new.b, new.c) {
                    return Err(Verdict::Wrong("the same proof, done twice"));
                }
                new.time = time.min(last.time);
            }
            outcome = Some(new);
        }
        outcome.ok_or(Verdict::Wrong("nothing"))
    }

    fn on_processor(&self, processor: &dyn Backend, form: QuotientForm) -> Outcome {
        let circuit = Proving::load_circuit(processor, self.matrices.clone(), form);
        let key = Proving::load_key(processor, &self.bases(form), TableMemory::Plain);
        let mut outcome: Option<Outcome> = None;
        for _ in 0..RUNS {
            let began = Instant::now();
            let h = circuit.quotient(&self.assignment, &no_progress).expect("the circuit is satisfied");
            let sums = LoadedKey::sums(key.as_ref(), &self.assignment, &h, &R, &no_progress)
                .expect("nobody cancels");
            let time = began.elapsed();
            let best = outcome.as_ref().map_or(time, |last| last.time.min(time));
            outcome = Some(Outcome { h, a: sums.a, b: sums.b_g2, c: sums.c, time: best });
        }
        outcome.expect("at least one run")
    }

    fn compare(
        &self,
        device: &Arc<Device>,
        processor: &dyn Backend,
        stream: &mut Stream,
        form: QuotientForm,
    ) -> Result<(), Verdict> {
        let theirs = self.on_device(device, stream, form)?;
        let ours = self.on_processor(processor, form);
        if theirs.h != ours.h {
            return Err(Verdict::Wrong("a quotient"));
        }
        if theirs.a != ours.a || theirs.b != ours.b || theirs.c != ours.c {
            return Err(Verdict::Wrong("the sums of a key"));
        }
        // why: a device that finds no broken row would turn a false statement into a proof that
        // does not verify.
        let mut wrong = self.assignment.clone();
        wrong[100] += Fr::one();
        let circuit = device.circuit(&circuit_plan(&self.matrices, form))?;
        stream.assign(&wrong)?;
        let found = stream.rows(&circuit)?;
        stream.wipe()?;
        // Row 98 makes the value at place 100.
        if found == Some(98) { Ok(()) } else { Err(Verdict::Wrong("a row that does not hold")) }
    }
}

/// Some scalar; `r` of the tests.
const R: Fr = ark_ff::MontFp!("7236481923740918237401982374098127340981723409812734098123");

fn no_progress(_: crate::Phase) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Numbers of full width, each the square of the one before and its place.
fn numbers(n: usize) -> Vec<Fr> {
    let mut numbers = Vec::with_capacity(n);
    let mut x = Fr::from_le_bytes_mod_order(b"amanat: a known answer");
    for i in 0..n {
        numbers.push(x);
        x = x * x + Fr::from(i as u64);
    }
    numbers
}

/// `P, 2P, 3P, ..`
fn progression<P: SWCurveConfig>(point: Affine<P>, n: usize) -> Vec<Affine<P>> {
    let mut sum = Projective::<P>::zero();
    let points: Vec<Projective<P>> = (0..n)
        .map(|_| {
            sum += point;
            sum
        })
        .collect();
    Projective::normalize_batch(&points)
}
