use super::super::Isa;
use super::super::field::{Norm, R, mul};
use super::*;
use crate::Fr;
use ark_ff::{AdditiveGroup, FftField, Field, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};

/// Inputs of one size: zeros, ones, p - 1 everywhere, one value alone (first, last, in the middle),
/// random.
fn inputs(log: u32) -> Vec<Vec<Fr>> {
    let mut rng = ark_std::test_rng();
    let n = 1usize << log;
    let alone =
        |place: usize| (0..n).map(|i| if i == place { -Fr::ONE } else { Fr::ZERO }).collect::<Vec<_>>();
    let mut inputs = vec![(0..n).map(|_| Fr::rand(&mut rng)).collect()];
    if log <= 13 {
        inputs.extend([vec![Fr::ZERO; n], vec![Fr::ONE; n], vec![-Fr::ONE; n]]);
        inputs.extend([alone(0), alone(n - 1), alone(n / 2 + 3)]);
    }
    inputs
}

pub(super) fn natural(isa: Isa, values: &[Fr]) -> Vec<Loose> {
    values.as_chunks::<8>().0.iter().map(|eight| Loose::of(&Norm::from_ark(isa, eight))).collect()
}

fn to_fr(isa: Isa, data: &[Loose]) -> Vec<[Fr; 8]> {
    let one = Norm::<R>::one(isa).lazy();
    data.iter().map(|value| mul(&value.factor(), &one).norm().to_ark()).collect()
}

fn reversed(log: u32, slots: &[[Fr; 8]]) -> Vec<Fr> {
    (0..1 << log).map(|k| slot(k, log)).map(|(vector, lane)| slots[vector][lane]).collect()
}

fn shifts(log: u32) -> Vec<Fr> {
    let mut shifts = vec![Fr::ONE, Fr::GENERATOR];
    if log < 28 {
        shifts.push(Fr::get_root_of_unity(2 << log).expect("a root of order 2n"));
    }
    shifts
}

fn agrees(log: u32) {
    let Some(isa) = Isa::detect() else { return };
    let n = 1usize << log;
    let plain = Radix2EvaluationDomain::<Fr>::new(n).expect("a domain");
    let n_inverse = plain.size_inv;
    for shift in shifts(log) {
        let domain = plain.get_coset(shift).expect("not zero");
        let down = Interpolation::new(isa, log, shift);
        let up = Evaluation::new(isa, log, shift);
        for values in inputs(log) {
            let coefficients = domain.ifft(&values);
            let mut data = natural(isa, &values);
            down.run(isa, &mut data);
            let tail = down.tail(n_inverse);
            let mut slots = to_fr(isa, &data);
            for (i, vector) in slots.iter_mut().enumerate() {
                let tail = tail[i % tail.len()];
                *vector = core::array::from_fn(|lane| vector[lane] * tail[lane]);
            }
            assert_eq!(reversed(log, &slots), coefficients, "down, 2^{log}");

            let mut data: Vec<Loose> =
                slots.iter().map(|eight| Loose::of(&Norm::from_ark(isa, eight))).collect();
            up.run(isa, &mut data);
            assert_eq!(to_fr(isa, &data).concat(), values, "up, 2^{log}");
        }
    }
}

#[test]
fn transforms_in_lanes_agree_with_arkworks_at_every_size_of_a_leaf() {
    for log in 6..=10 {
        agrees(log);
    }
}

#[test]
fn transforms_in_lanes_agree_with_arkworks_at_every_small_split_size() {
    for log in 11..=14 {
        agrees(log);
    }
}
