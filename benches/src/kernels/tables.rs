//! What precomputed multiples of a key's bases cost in memory and give in time.

use super::sums::groth16_like;
use super::{Kernel, KernelInputs, Recipe, Timed, scalars, timed};
use crate::report::Outcome;
use amanat_accel::{Fr, G1Affine, G2Affine, KeyBases, Phase, Sums, TableMemory};
use ark_bn254::{G1Projective, G2Projective};
use ark_ec::VariableBaseMSM;
use ark_ff::{BigInt, PrimeField};
use core::ops::ControlFlow;
use std::sync::Arc;

/// Memory granted, in multiples of the points of a key as arkworks holds them. A backend uses of it
/// what it can.
const GRANTS: [usize; 4] = [0, 4, 12, 28];

pub(super) fn recipes(inputs: &KernelInputs) -> Vec<Recipe<'_>> {
    let mut out = Vec::new();
    for log in [12, 15, 16].into_iter().filter(|log| *log <= inputs.largest) {
        for grant in GRANTS {
            let size = format!("2^{log}, tables <= {grant}x the key");
            out.push(Recipe::new("Sums of a key", size, move || key(inputs, 1 << log, grant)));
        }
    }
    out
}

/// The inputs of a key's sums.
struct Input<'a> {
    g1: &'a [G1Affine],
    g2: &'a [G2Affine],
    assignment: Vec<Fr>,
    h: Vec<BigInt<4>>,
    r: Fr,
}

/// A key with n bases in each query. The same points serve all: only their number matters.
fn key(inputs: &KernelInputs, n: usize, grant: usize) -> Outcome<Kernel<'_>> {
    let full = scalars(n + 1, 12);
    let input = Arc::new(Input {
        g1: inputs.g1(n),
        g2: inputs.g2(n),
        assignment: groth16_like(n),
        h: full[1..].iter().map(|x| x.into_bigint()).collect(),
        r: full[0],
    });
    let Input { g1, g2, .. } = *input;
    let bases = KeyBases { a: g1, b_g1: g1, b_g2: g2, l: g1, h: g1 };
    let plain = 4 * size_of_val(g1) + size_of_val(g2);
    let memory = if grant == 0 { TableMemory::Plain } else { TableMemory::AtMost(grant * plain) };
    let expected = by_arkworks(&input);
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    let mut held = Vec::new();
    for backend in &inputs.backends {
        let (key, input) = (backend.load_key(&bases, memory), input.clone());
        held.push(format!("{} {:.1} MiB", backend.name(), key.bytes() as f64 / f64::from(1 << 20)));
        let mut sums = move || {
            let all = |_: Phase| ControlFlow::Continue(());
            key.sums(&input.assignment, &input.h, &input.r, &all)
        };
        if sums()? != expected {
            return Err(format!("the sums of {} are not arkworks'", backend.name()).into());
        }
        ours.push((backend.name(), Box::new(move || Ok(timed(&mut sums)))));
    }
    let arkworks: Timed<'_> = Box::new(move || Ok(timed(|| by_arkworks(&input))));
    Ok(Kernel { per: 1, arkworks, ours, note: format!("held: {}", held.join(", ")).into() })
}

fn by_arkworks(input: &Input<'_>) -> Sums {
    let Input { g1, g2, assignment, h, r } = input;
    let [a, l, b] = [(); 3].map(|()| G1Projective::msm_unchecked(g1, assignment));
    let mut sums = Sums::zero();
    sums.a = a;
    sums.b_g2 = G2Projective::msm_unchecked(g2, assignment);
    sums.c = l + G1Projective::msm_bigint(g1, h) + b * r;
    sums
}
