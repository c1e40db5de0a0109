//! Miller loops, the final exponentiation, and from bytes to points.

use super::{Kernel, KernelInputs, Recipe, Timed, rng, timed};
use crate::report::Outcome;
use amanat_accel::{Backend, Fq12, G1Affine, G2Affine, G2Prepared, Weight};
use ark_bn254::{Bn254, Fq2};
use ark_ec::pairing::{MillerLoopOutput, Pairing};
use ark_ec::{AffineRepr, CurveGroup};
use rand::Rng;

/// Points in a batch of what is done to each by itself.
const MANY: usize = 256;

pub(super) fn recipes(inputs: &KernelInputs) -> Vec<Recipe<'_>> {
    let mut out = Vec::new();
    for pairs in [1usize, 4, 64, 256] {
        out.push(Recipe::new("Miller loops, lines prepared", format!("{pairs} pairs"), move || {
            miller(inputs, pairs)
        }));
    }
    out.push(Recipe::new("lines of a G2 point", "1", move || prepare(inputs)));
    out.push(Recipe::new("final exponentiation", "1", move || exponentiation(inputs)));
    out.push(Recipe::new("decompression G1", format!("{MANY} points"), move || {
        let xs: Vec<_> = inputs.g1(MANY).iter().filter_map(|p| p.x()).map(|x| (x, true)).collect();
        each(
            inputs,
            xs,
            |(x, larger)| G1Affine::get_point_from_x_unchecked(*x, *larger),
            |e, xs| e.lift_g1(xs),
        )
    }));
    out.push(Recipe::new("decompression G2", format!("{MANY} points"), move || {
        let xs: Vec<(Fq2, bool)> = inputs.g2(MANY).iter().filter_map(|p| p.x()).map(|x| (x, true)).collect();
        each(
            inputs,
            xs,
            |(x, larger)| G2Affine::get_point_from_x_unchecked(*x, *larger),
            |e, xs| e.lift_g2(xs),
        )
    }));
    out.push(Recipe::new("subgroup check G2", format!("{MANY} points"), move || {
        let points = inputs.g2(MANY).to_vec();
        each(inputs, points, G2Affine::is_in_correct_subgroup_assuming_on_curve, |e, points| {
            e.in_subgroup_g2(points)
        })
    }));
    out.push(Recipe::new("scaling G1 by 128 bits", format!("{MANY} points"), move || scaling(inputs)));
    out
}

fn lines(inputs: &KernelInputs, pairs: usize) -> Vec<(G1Affine, G2Prepared)> {
    inputs.g1(pairs).iter().zip(inputs.g2(pairs)).map(|(p, q)| (*p, G2Prepared::from(*q))).collect()
}

fn arkworks_miller(lines: &[(G1Affine, G2Prepared)]) -> Fq12 {
    Bn254::multi_miller_loop(lines.iter().map(|(p, _)| *p), lines.iter().map(|(_, q)| q.clone())).0
}

fn miller(inputs: &KernelInputs, pairs: usize) -> Outcome<Kernel<'_>> {
    let lines = lines(inputs, pairs);
    let pairing = |f: Fq12| Bn254::final_exponentiation(MillerLoopOutput(f));
    let expected = pairing(arkworks_miller(&lines));
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    for backend in &inputs.backends {
        let own = lines.clone();
        let work = move || {
            let pairs: Vec<_> = own.iter().map(|(p, q)| (*p, q)).collect();
            backend.multi_miller_loop(&pairs)
        };
        if pairing(work()) != expected {
            return Err(format!("the Miller loops of {} are not arkworks'", backend.name()).into());
        }
        ours.push((backend.name(), Box::new(move || Ok(timed(&work)))));
    }
    let arkworks: Timed<'_> = Box::new(move || Ok(timed(|| arkworks_miller(&lines))));
    Ok(Kernel { per: u32::try_from(pairs)?, arkworks, ours, note: "for each pair".into() })
}

fn prepare(inputs: &KernelInputs) -> Outcome<Kernel<'_>> {
    let point = inputs.g2(1)[0];
    let ours = inputs.backends.iter().map(|backend| {
        let work: Timed<'_> = Box::new(move || Ok(timed(|| backend.prepare_g2(&point))));
        (backend.name(), work)
    });
    let arkworks: Timed<'_> = Box::new(move || Ok(timed(|| G2Prepared::from(point))));
    Ok(Kernel { per: 1, arkworks, ours: ours.collect(), note: "".into() })
}

fn exponentiation(inputs: &KernelInputs) -> Outcome<Kernel<'_>> {
    let f = arkworks_miller(&lines(inputs, 2));
    let by_arkworks = move || Bn254::final_exponentiation(MillerLoopOutput(f)).map(|output| output.0);
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    for backend in &inputs.backends {
        if backend.final_exponentiation(&f) != by_arkworks() {
            return Err(format!("the final exponentiation of {} is not arkworks'", backend.name()).into());
        }
        ours.push((backend.name(), Box::new(move || Ok(timed(|| backend.final_exponentiation(&f))))));
    }
    let arkworks: Timed<'_> = Box::new(move || Ok(timed(by_arkworks)));
    Ok(Kernel { per: 1, arkworks, ours, note: "".into() })
}

/// Something done to each of many, by arkworks one after another.
fn each<'a, X, Y>(
    inputs: &'a KernelInputs,
    values: Vec<X>,
    one: fn(&X) -> Y,
    many: fn(&dyn Backend, &[X]) -> Vec<Y>,
) -> Outcome<Kernel<'a>>
where
    X: Clone + Send + 'a,
    Y: PartialEq + 'a,
{
    let per = u32::try_from(values.len())?;
    let by_arkworks = move |values: &[X]| values.iter().map(one).collect::<Vec<Y>>();
    let expected = by_arkworks(&values);
    let mut ours: Vec<(&'static str, Timed<'a>)> = Vec::new();
    for backend in &inputs.backends {
        if many(*backend, &values) != expected {
            return Err(format!("what {} returns is not arkworks'", backend.name()).into());
        }
        let values = values.clone();
        ours.push((backend.name(), Box::new(move || Ok(timed(|| many(*backend, &values))))));
    }
    let arkworks: Timed<'a> = Box::new(move || Ok(timed(|| by_arkworks(&values))));
    Ok(Kernel { per, arkworks, ours, note: "for each point".into() })
}

fn scaling(inputs: &KernelInputs) -> Outcome<Kernel<'_>> {
    use ark_ec::PrimeGroup;
    let points = inputs.g1(MANY);
    let mut rng = rng(20);
    let factors: Vec<u128> =
        points.iter().map(|_| u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())).collect();
    let limbs = |f: u128| [f as u64, (f >> 64) as u64];
    let by_arkworks = move |factors: &[u128]| {
        let all: Vec<_> =
            points.iter().zip(factors).map(|(p, f)| p.into_group().mul_bigint(limbs(*f))).collect();
        ark_bn254::G1Projective::normalize_batch(&all)
    };
    // Our weights are as many and as random, in a form that is quicker to multiply by.
    let weights: Vec<Weight> = factors.iter().map(|f| Weight::new(*f)).collect();
    let multiples: Vec<_> = points.iter().zip(&weights).map(|(p, w)| *p * w.scalar()).collect();
    let expected = ark_bn254::G1Projective::normalize_batch(&multiples);
    let mut ours: Vec<(&'static str, Timed<'_>)> = Vec::new();
    for backend in &inputs.backends {
        if backend.weigh_g1(points, &weights) != expected {
            return Err(format!("the multiples of {} are not arkworks'", backend.name()).into());
        }
        let weights = weights.clone();
        ours.push((backend.name(), Box::new(move || Ok(timed(|| backend.weigh_g1(points, &weights))))));
    }
    let arkworks: Timed<'_> = Box::new(move || Ok(timed(|| by_arkworks(&factors))));
    Ok(Kernel { per: u32::try_from(MANY)?, arkworks, ours, note: "for each point".into() })
}
