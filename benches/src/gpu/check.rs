//! Bit for bit as the processor's.

use super::inputs::{NUMBERS, POINTS, numbers, points, styled};
use crate::report::Outcome;
use crate::report::world::rng;
use amanat_accel::gpu::{Bench, Gpu};
use amanat_accel::{Backend, Phase, Portable, QuotientForm, TableMemory};
use amanat_params::{Witness, insecure_dev_zkey};
use amanat_profile::merkle::{Forest, Shape};
use amanat_prover::groth16::{Blinding, matrices, no_progress};
use amanat_prover::zkey::ZkeyProver;
use core::ops::ControlFlow;
use serde::Serialize;

/// What was compared, and in how many cases.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// What.
    pub what: &'static str,
    /// Cases, all equal.
    pub cases: usize,
}

fn go(_: Phase) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Compares kernels up to 2^`largest`, then quotients and proofs.
///
/// # Errors
/// The first difference, with its input; or the device's failure.
pub fn run(gpu: &'static Gpu, bench: &mut Bench, largest: u32, say: &dyn Fn(&str)) -> Outcome<Vec<Checked>> {
    let processor = gpu.processor();
    let mut checked = sums(bench, processor, largest, say)?;
    checked.push(transforms(gpu, processor, largest.max(10), say)?);
    checked.push(quotients(gpu, processor, say)?);
    checked.extend(proofs(gpu, say)?);
    Ok(checked)
}

fn sums(
    bench: &mut Bench,
    processor: &dyn Backend,
    largest: u32,
    say: &dyn Fn(&str),
) -> Outcome<Vec<Checked>> {
    let sizes = [1usize, 2, 31, 32, 33, 191, 193, 1000].into_iter();
    let sizes: Vec<usize> = sizes.chain((11..=largest).step_by(3).map(|log| (1 << log) - 5)).collect();
    let (g1, g2) = points(sizes.iter().copied().max().unwrap_or(1));
    let (mut in_g1, mut in_g2) = (0, 0);
    let mut rng = rng(1);
    for n in sizes {
        say(&format!("sums of {n} against the processor's"));
        for (point, of) in POINTS.iter().enumerate() {
            let (g1, g2) = (styled(&g1[..n], point), styled(&g2[..n], point));
            for (number, by) in NUMBERS.iter().enumerate() {
                // Large inputs: each style once, not each pair.
                if n > 4096 && point != number % POINTS.len() {
                    continue;
                }
                let scalars = numbers(n, number, &mut rng);
                if bench.msm_g1(&g1, &scalars)? != processor.msm_g1(&g1, &scalars) {
                    return Err(format!("G1, {n} points {of}, numbers {by}: not the processor's sum").into());
                }
                in_g1 += 1;
                if bench.msm_g2(&g2, &scalars)? != processor.msm_g2(&g2, &scalars) {
                    return Err(format!("G2, {n} points {of}, numbers {by}: not the processor's sum").into());
                }
                in_g2 += 1;
            }
        }
    }
    Ok(vec![Checked { what: "sums in G1", cases: in_g1 }, Checked { what: "sums in G2", cases: in_g2 }])
}

type Kind = (fn(&dyn Backend, &mut Vec<amanat_accel::Fr>), &'static str);

fn transforms(
    gpu: &dyn Backend,
    processor: &dyn Backend,
    largest: u32,
    say: &dyn Fn(&str),
) -> Outcome<Checked> {
    let kinds: [Kind; 4] = [
        (|backend, values| backend.ntt(values), "transform"),
        (|backend, values| backend.intt(values), "inverse transform"),
        (|backend, values| backend.coset_ntt(values), "transform to the coset"),
        (|backend, values| backend.coset_intt(values), "transform from the coset"),
    ];
    let mut cases = 0;
    let mut rng = rng(2);
    say("transforms against the processor's");
    for log in 1..=largest {
        for (style, of) in NUMBERS.iter().enumerate() {
            if log > 14 && style > 0 {
                continue;
            }
            let values = numbers(1 << log, style, &mut rng);
            for (transform, what) in kinds {
                let (mut theirs, mut ours) = (values.clone(), values.clone());
                transform(gpu, &mut theirs);
                transform(processor, &mut ours);
                if theirs != ours {
                    return Err(format!("{what} of 2^{log} numbers, {of}: not the processor's").into());
                }
                cases += 1;
            }
        }
    }
    Ok(Checked { what: "transforms", cases })
}

fn quotients(gpu: &dyn Backend, processor: &dyn Backend, say: &dyn Fn(&str)) -> Outcome<Checked> {
    let mut cases = 0;
    for log in [10, 11, 13] {
        say(&format!("quotients of 2^{log} against the processor's"));
        let forest = Forest::new(Shape::filling(log)?, &mut rng(3));
        let (r1cs, assignment) = (forest.circuit(), forest.assign());
        for form in [QuotientForm::Coefficients, QuotientForm::OddCoset] {
            for with_c in [true, false] {
                let mut matrices = matrices(&r1cs);
                if !with_c {
                    matrices.c = None;
                }
                let quotient = |backend: &dyn Backend| {
                    backend.load_circuit(matrices.clone(), form).quotient(&assignment, &go)
                };
                if quotient(gpu)? != quotient(processor)? {
                    return Err(
                        format!("quotient of 2^{log}, {form:?}, C: {with_c}: not the processor's").into()
                    );
                }
                cases += 1;
            }
        }
    }
    Ok(Checked { what: "quotients", cases })
}

/// Whole proofs of one witness under one blinding: the same bytes.
fn proofs(gpu: &'static Gpu, say: &dyn Fn(&str)) -> Outcome<Vec<Checked>> {
    let mut cases = 0;
    let (made, wrong) = (gpu.report().by_device, gpu.report().alarms);
    for log in [10, 12] {
        say(&format!("proofs of 2^{log} against the processor's"));
        let forest = Forest::new(Shape::filling(log)?, &mut rng(4));
        let zkey = insecure_dev_zkey(&forest.circuit(), &mut rng(5))?;
        let witness = Witness::new(forest.assign());
        let prove = |backend: &'static dyn Backend| -> Outcome<Vec<[u8; 128]>> {
            let prover = ZkeyProver::new(zkey.clone(), backend, TableMemory::Plain);
            (6..8)
                .map(|seed| {
                    Ok(prover.prove(&witness, Blinding::draw(&mut rng(seed)), &no_progress)?.0.to_bytes())
                })
                .collect()
        };
        let theirs = prove(gpu)?;
        if theirs != prove(&Portable)? || theirs != prove(gpu.processor())? || gpu.report().alarms != wrong {
            return Err(format!("proofs of 2^{log}: not the processor's, {}", gpu.report()).into());
        }
        cases += theirs.len();
    }
    if gpu.report().by_device < made + cases as u64 {
        return Err(format!("the device did not make the proofs: {}", gpu.report()).into());
    }
    Ok(vec![Checked { what: "whole proofs", cases }, Checked { what: "proofs that verified", cases }])
}
