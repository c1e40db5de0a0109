//! Multi-scalar multiplication: one-off, and with the bases laid out as a proving key's are.

use super::{Kernel, KernelInputs, Recipe, rng, scalars, timed};
use crate::report::Outcome;
use amanat_accel::{Backend, Fr, G1Affine, G2Affine, KeyBases, LoadedKey, Phase, TableMemory};
use ark_bn254::{G1Projective, G2Projective};
use ark_ec::AffineRepr;
use ark_ec::VariableBaseMSM;
use core::ops::ControlFlow;
use rand::Rng;

pub(super) fn recipes(inputs: &KernelInputs) -> Vec<Recipe<'_>> {
    let mut out = Vec::new();
    for log in (10..=inputs.largest.min(18)).step_by(2) {
        let (n, size) = (1usize << log, format!("2^{log}"));
        out.push(Recipe::new("MSM G1, one-off", &size, move || {
            one_off(
                inputs,
                inputs.g1(n),
                scalars(n, 3),
                G1Projective::msm_unchecked,
                |e| e.name(),
                |e, b, s| e.msm_g1(b, s),
            )
        }));
        let laid_out = Recipe::new("MSM G1, bases laid out", &size, move || {
            laid_out_g1(inputs, inputs.g1(n), scalars(n, 4))
        });
        out.push(if log == 16 { laid_out.promised(9.0) } else { laid_out });
        out.push(Recipe::new("MSM G1, as in Groth16", &size, move || {
            let mut kernel = laid_out_g1(inputs, inputs.g1(n), groth16_like(n));
            if let Ok(kernel) = &mut kernel {
                kernel.note = "a third zeros, a third ones, small and negative ones, the rest full".into();
            }
            kernel
        }));
    }
    for log in (10..=inputs.largest.min(18)).step_by(2) {
        let (n, size) = (1usize << log, format!("2^{log}"));
        out.push(Recipe::new("MSM G2, one-off", &size, move || {
            one_off(
                inputs,
                inputs.g2(n),
                scalars(n, 5),
                G2Projective::msm_unchecked,
                |e| e.name(),
                |e, b, s| e.msm_g2(b, s),
            )
        }));
        let laid_out = Recipe::new("MSM G2, bases laid out", &size, move || {
            laid_out(
                inputs,
                inputs.g2(n),
                scalars(n, 6),
                load_g2,
                |key, s| sums(key, s, |sums| sums.b_g2),
                G2Projective::msm_unchecked,
            )
        });
        out.push(if log == 16 { laid_out.promised(8.0) } else { laid_out });
    }
    out
}

fn laid_out_g1<'a>(inputs: &'a KernelInputs, bases: &'a [G1Affine], scalars: Vec<Fr>) -> Outcome<Kernel<'a>> {
    laid_out(
        inputs,
        bases,
        scalars,
        load_g1,
        |key, s| sums(key, s, |sums| sums.a),
        G1Projective::msm_unchecked,
    )
}

/// What the assignment of a statement with bits, counters and hashes looks like.
pub(super) fn groth16_like(n: usize) -> Vec<Fr> {
    let mut rng = rng(7);
    let mut full = scalars(n, 8);
    for x in &mut full {
        let small = Fr::from(rng.next_u32() & 0xffff);
        match rng.next_u32() % 20 {
            0..=6 => *x = Fr::from(0u64),
            7..=12 => *x = Fr::from(1u64),
            13..=14 => *x = small,
            15 => *x = -small,
            _ => {}
        }
    }
    full
}

fn one_off<'a, A, G>(
    inputs: &KernelInputs,
    bases: &'a [A],
    scalars: Vec<Fr>,
    arkworks: fn(&[A], &[Fr]) -> G,
    name: fn(&dyn Backend) -> &'static str,
    msm: fn(&dyn Backend, &[A], &[Fr]) -> G,
) -> Outcome<Kernel<'a>>
where
    A: AffineRepr,
    G: PartialEq + 'a,
{
    let expected = arkworks(bases, &scalars);
    let scalars = std::sync::Arc::new(scalars);
    let mut ours: Vec<(&'static str, super::Timed<'a>)> = Vec::new();
    for backend in &inputs.backends {
        let (backend, scalars) = (*backend, scalars.clone());
        if msm(backend, bases, &scalars) != expected {
            return Err(format!("the sum of {} is not arkworks'", name(backend)).into());
        }
        ours.push((name(backend), Box::new(move || Ok(timed(|| msm(backend, bases, &scalars))))));
    }
    let arkworks: super::Timed<'a> = Box::new(move || Ok(timed(|| arkworks(bases, &scalars))));
    Ok(Kernel { per: 1, arkworks, ours, note: "".into() })
}

fn laid_out<'a, A, G>(
    inputs: &KernelInputs,
    bases: &'a [A],
    scalars: Vec<Fr>,
    load: fn(&dyn Backend, &[A]) -> Box<dyn LoadedKey>,
    sum: impl Fn(&dyn LoadedKey, &[Fr]) -> Outcome<G> + Copy + Send + 'a,
    arkworks: fn(&[A], &[Fr]) -> G,
) -> Outcome<Kernel<'a>>
where
    A: AffineRepr,
    G: PartialEq + 'a,
{
    let expected = arkworks(bases, &scalars);
    let scalars = std::sync::Arc::new(scalars);
    let mut ours: Vec<(&'static str, super::Timed<'a>)> = Vec::new();
    for backend in &inputs.backends {
        let (key, scalars) = (load(*backend, bases), scalars.clone());
        if sum(key.as_ref(), &scalars)? != expected {
            return Err(format!("the sum of {} is not arkworks'", backend.name()).into());
        }
        ours.push((backend.name(), Box::new(move || Ok(timed(|| sum(key.as_ref(), &scalars))))));
    }
    let arkworks: super::Timed<'a> = Box::new(move || Ok(timed(|| arkworks(bases, &scalars))));
    Ok(Kernel { per: 1, arkworks, ours, note: "from scalars to the sum, digits included".into() })
}

/// A key whose only bases are those of A.
fn load_g1(backend: &dyn Backend, bases: &[G1Affine]) -> Box<dyn LoadedKey> {
    let (none_1, none_2) = (vec![G1Affine::zero(); bases.len()], vec![G2Affine::zero(); bases.len()]);
    let bases = KeyBases { a: bases, b_g1: &none_1, b_g2: &none_2, l: &[], h: &[] };
    backend.load_key(&bases, TableMemory::Plain)
}

/// A key whose only bases are those of B in G2.
fn load_g2(backend: &dyn Backend, bases: &[G2Affine]) -> Box<dyn LoadedKey> {
    let none = vec![G1Affine::zero(); bases.len()];
    backend.load_key(&KeyBases { a: &none, b_g1: &none, b_g2: bases, l: &[], h: &[] }, TableMemory::Plain)
}

fn sums<G>(key: &dyn LoadedKey, scalars: &[Fr], of: fn(&amanat_accel::Sums) -> G) -> Outcome<G> {
    let all = |_: Phase| ControlFlow::Continue(());
    Ok(of(&key.sums(scalars, &[], &Fr::from(1u64), &all)?))
}
