//! Poseidon in constraints: three rows for each S-box, linear layers free.
//!
//! `3 * (8 t + R_P) - 3` rows for width `t` with a constant tag: the tag's first S-box is a
//! constant.

use crate::cs::{Cs, Num};
use amanat_domain::field::Fr;
use amanat_domain::poseidon::{FULL_ROUNDS, Parameters, Tag};
use ark_ff::Zero;

/// `H(tag; inputs)`, see [`amanat_domain::poseidon::hash`].
pub fn hash(cs: &mut Cs, tag: Tag, inputs: &[&Num]) -> Num {
    hash_with(cs, tag.to_field(), inputs)
}

/// [`hash`] with the capacity element given.
pub fn hash_with(cs: &mut Cs, capacity: Fr, inputs: &[&Num]) -> Num {
    cs.gadget("poseidon", |cs| {
        let mut state = vec![Num::constant(capacity)];
        state.extend(inputs.iter().map(|x| (*x).clone()));
        permute(cs, &mut state);
        state.swap_remove(0)
    })
}

fn permute(cs: &mut Cs, state: &mut Vec<Num>) {
    let t = state.len();
    let p = Parameters::of_width(t);
    let half = FULL_ROUNDS / 2;
    let rounds = FULL_ROUNDS + p.partial_rounds;
    for round in 0..rounds {
        for (x, c) in state.iter_mut().zip(&p.constants[round * t..]) {
            *x = x.plus(*c);
        }
        if round < half || round >= half + p.partial_rounds {
            for x in state.iter_mut() {
                *x = pow5(cs, x);
            }
        } else {
            state[0] = pow5(cs, &state[0]);
        }
        // After the last round only the first element is used.
        let outputs = if round + 1 == rounds { 1 } else { t };
        let mixed = (0..outputs)
            .map(|i| {
                let mut sum = Num::constant(Fr::zero());
                for (x, m) in state.iter().zip(&p.mds[i * t..(i + 1) * t]) {
                    sum.add_scaled(x, *m);
                }
                sum
            })
            .collect();
        *state = mixed;
    }
}

fn pow5(cs: &mut Cs, x: &Num) -> Num {
    let square = cs.mul(x, x);
    let fourth = cs.mul(&square, &square);
    cs.mul(&fourth, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::harness::{agrees, edges, rng};
    use amanat_domain::field::random;
    use amanat_domain::poseidon::MAX_INPUTS;

    #[test]
    fn every_width_agrees_with_the_native_hash() {
        let mut rng = rng(1);
        for width in 1..=MAX_INPUTS {
            let inputs: Vec<Fr> = (0..width).map(|_| random(&mut rng)).collect();
            for capacity in [Fr::zero(), Tag::Node.to_field(), random(&mut rng)] {
                agrees(amanat_domain::poseidon::hash_with(capacity, &inputs), |cs| {
                    let inputs: Vec<Num> = inputs.iter().map(|x| cs.hint(*x)).collect();
                    hash_with(cs, capacity, &inputs.iter().collect::<Vec<_>>())
                });
            }
        }
    }

    #[test]
    fn zeros_and_the_ends_of_the_field_agree() {
        for x in edges() {
            agrees(amanat_domain::poseidon::hash(Tag::Subject, &[x, Fr::zero()]), |cs| {
                let (x, zero) = (cs.hint(x), Num::zero());
                hash(cs, Tag::Subject, &[&x, &zero])
            });
        }
    }

    #[test]
    fn the_rows_are_as_many_as_the_documentation_says() {
        for width in 1..=MAX_INPUTS {
            let mut cs = Cs::shape(&[Fr::zero(); 8]);
            let inputs: Vec<Num> = (0..width).map(|_| cs.hint(Fr::zero())).collect();
            hash(&mut cs, Tag::Node, &inputs.iter().collect::<Vec<_>>());
            let t = width + 1;
            let rows = 3 * (FULL_ROUNDS * t + Parameters::of_width(t).partial_rounds) - 3;
            assert_eq!(cs.into_shape().0.rows.len(), rows);
        }
    }
}
