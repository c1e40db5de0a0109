//! Number-theoretic transforms alone, and the way from rows to the quotient.

use super::{Kernel, KernelInputs, Recipe, Timed, scalars, timed};
use crate::report::Outcome;
use amanat_accel::{Fr, G1Affine, Phase, QuotientForm};
use amanat_circuits::r1cs::R1cs;
use amanat_profile::clock::process_seconds;
use amanat_profile::merkle::{Forest, Shape};
use amanat_profile::peers::{Arkworks, Reduction, matrices};
use ark_ec::AffineRepr;
use ark_ff::{FftField, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use core::cell::Cell;
use core::ops::ControlFlow;

pub(super) fn recipes(inputs: &KernelInputs) -> Vec<Recipe<'_>> {
    let mut out = Vec::new();
    for log in (10..=inputs.largest.min(20)).step_by(2) {
        out.push(Recipe::new("NTT, natural order both ways", format!("2^{log}"), move || {
            forward(inputs, 1 << log)
        }));
    }
    for log in (10..=inputs.largest.min(18)).step_by(2) {
        let six = Recipe::new("NTTs of a proof, six", format!("2^{log}"), move || six(inputs, log));
        out.push(if log >= 16 { six.promised(9.0) } else { six });
        out.push(Recipe::new("rows to quotient", format!("2^{log}"), move || pipeline(inputs, log)));
    }
    out
}

fn domain(n: usize) -> Outcome<Radix2EvaluationDomain<Fr>> {
    Radix2EvaluationDomain::new(n).ok_or_else(|| "no domain is that large".into())
}

fn forward(inputs: &KernelInputs, n: usize) -> Outcome<Kernel<'_>> {
    let (domain, values) = (domain(n)?, scalars(n, 10));
    let expected = domain.fft(&values);
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    for backend in &inputs.backends {
        let mut work = values.clone();
        backend.ntt(&mut work);
        if work != expected {
            return Err(format!("the transform of {} is not arkworks'", backend.name()).into());
        }
        let values = values.clone();
        ours.push((
            backend.name(),
            Box::new(move || {
                work.copy_from_slice(&values);
                Ok(timed(|| backend.ntt(&mut work)))
            }),
        ));
    }
    let mut work = values.clone();
    let arkworks: Timed<'_> = Box::new(move || {
        work.resize(n, Fr::from(0u64));
        work.copy_from_slice(&values);
        Ok(timed(|| domain.fft_in_place(&mut work)))
    });
    Ok(Kernel { per: 1, arkworks, ours, note: "from and to arkworks' layout".into() })
}

/// A circuit that fills a domain, with its assignment.
fn circuit(log: u32) -> Outcome<(R1cs, Vec<Fr>)> {
    let forest = Forest::new(Shape::filling(log)?, &mut super::rng(u64::from(log)));
    Ok((forest.circuit(), forest.assign()))
}

fn is_transform(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::InverseA
            | Phase::CosetA
            | Phase::InverseB
            | Phase::CosetB
            | Phase::InverseC
            | Phase::CosetC
            | Phase::InverseH
    )
}

/// Only the transforms of a quotient, as they occur in it: three pairs of inverse and coset
/// transforms.
fn six(inputs: &KernelInputs, log: u32) -> Outcome<Kernel<'_>> {
    let (r1cs, assignment) = circuit(log)?;
    let assignment = std::sync::Arc::new(assignment);
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    for backend in &inputs.backends {
        let mut matrices = amanat_prover::groth16::matrices(&r1cs);
        matrices.c = None;
        let circuit = backend.load_circuit(matrices, QuotientForm::OddCoset);
        let assignment = assignment.clone();
        let work = move || {
            let (sum, last) = (Cell::new(0.0), Cell::new((None, 0.0)));
            let turn = |next: Option<Phase>| {
                let now = process_seconds();
                if let (Some(phase), begun) = last.get()
                    && is_transform(phase)
                {
                    sum.set(sum.get() + now - begun);
                }
                last.set((next, now));
            };
            let watch = |phase: Phase| {
                turn(Some(phase));
                ControlFlow::Continue(())
            };
            std::hint::black_box(circuit.quotient(&assignment, &watch)?);
            turn(None);
            Ok(sum.get())
        };
        // A backend may do in one phase what others do in six; one that names none of them cannot
        // be compared.
        if work()? > 0.0 {
            ours.push((backend.name(), Box::new(work)));
        }
    }
    let n = r1cs.domain_size();
    let domain = domain(n)?;
    let shift = Fr::get_root_of_unity(2 * n as u64).ok_or("no domain is that large")?;
    let coset = domain.get_coset(shift).ok_or("the root is not zero")?;
    let mut vectors = [11, 12, 13].map(|seed| scalars(n, seed));
    let arkworks: Timed<'_> = Box::new(move || {
        Ok(timed(|| {
            for values in &mut vectors {
                domain.ifft_in_place(values);
                coset.fft_in_place(values);
            }
        }))
    });
    Ok(Kernel {
        per: 1,
        arkworks,
        ours,
        note: "inverse and coset transforms of A, B and C, in the pipeline".into(),
    })
}

fn pipeline(inputs: &KernelInputs, log: u32) -> Outcome<Kernel<'_>> {
    let (r1cs, assignment) = circuit(log)?;
    let peer = quotient_of_arkworks(&r1cs, &assignment);
    let expected: Vec<_> = peer.quotient()?.iter().map(|x| x.into_bigint()).collect();
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    for backend in &inputs.backends {
        let mut matrices = amanat_prover::groth16::matrices(&r1cs);
        matrices.c = None;
        let circuit = backend.load_circuit(matrices, QuotientForm::OddCoset);
        let assignment = assignment.clone();
        let quotient = move || circuit.quotient(&assignment, &|_| ControlFlow::Continue(()));
        if *quotient()? != expected {
            return Err(format!("the quotient of {} is not arkworks'", backend.name()).into());
        }
        ours.push((backend.name(), Box::new(move || Ok(timed(&quotient)))));
    }
    let arkworks: Timed<'_> = Box::new(move || Ok(timed(|| peer.quotient())));
    Ok(Kernel { per: 1, arkworks, ours, note: "rows, six transforms, integers; Merkle paths".into() })
}

/// arkworks with matrices and no key: enough for a quotient.
fn quotient_of_arkworks(r1cs: &R1cs, assignment: &[Fr]) -> Arkworks {
    let key = ark_groth16::ProvingKey {
        vk: ark_groth16::VerifyingKey::default(),
        beta_g1: G1Affine::zero(),
        delta_g1: G1Affine::zero(),
        a_query: Vec::new(),
        b_g1_query: Vec::new(),
        b_g2_query: Vec::new(),
        h_query: Vec::new(),
        l_query: Vec::new(),
    };
    Arkworks::new(key, matrices(r1cs), 1 + r1cs.num_public, assignment.to_vec(), Reduction::Snarkjs)
}
