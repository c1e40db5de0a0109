//! Where the constraints have a number of the plain world, and how a prover who wants another
//! number there would cheat.

use crate::plain::Chosen;
use amanat_circuits::cs::Cs;
use amanat_circuits::statements::Relation;
use amanat_circuits::world::values;
use amanat_domain::field::{Fr, pow2};
use amanat_domain::statement::{PUBLIC_INPUTS, PublicVector};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

fn bits_of(x: Fr, bits: usize) -> Vec<Fr> {
    let x = x.into_bigint();
    (0..bits).map(|i| if x.get_bit(i) { Fr::ONE } else { Fr::ZERO }).collect()
}

/// The wires that hold the number: one, or one for each bit. `None` if its value is there more than
/// once, or not at all.
pub(crate) fn locate(assignment: &[Fr], field: &Chosen<'_>) -> Option<usize> {
    let pattern = if field.bits == 0 { vec![*field.value] } else { bits_of(*field.value, field.bits) };
    let private = 1 + PUBLIC_INPUTS;
    let mut found = assignment[private..].windows(pattern.len()).enumerate().filter(|(_, w)| *w == pattern);
    let first = found.next()?.0;
    found.next().is_none().then_some(private + first)
}

/// What makes the wires at `first` add up to the value: its low bits, and what is left of it on the
/// lowest bit.
pub(crate) fn faults(first: usize, bits: usize, value: Fr) -> Vec<(u32, Fr)> {
    if bits == 0 {
        return vec![(first as u32, value)];
    }
    let mut wires = bits_of(value, bits);
    let low: Fr = wires.iter().rev().fold(Fr::ZERO, |sum, bit| sum.double() + bit);
    wires[0] += value - low;
    wires.into_iter().enumerate().map(|(i, bit)| ((first + i) as u32, bit)).collect()
}

/// Another value for the number: near its word's end, with one bit or its halves changed, or
/// anything.
pub(crate) fn another(field: &Chosen<'_>, rng: &mut ChaCha20Rng) -> Fr {
    let (old, width) = (*field.value, field.bits as u32);
    if width == 0 {
        return values::element(rng);
    }
    match rng.random_range(0..6) {
        0 => pow2(width) - Fr::from(rng.random_range(0..3u64)),
        1 => old + pow2(width),
        2 => values::element(rng),
        3 => {
            // The upper half below the lower one: periods are turned round.
            let bits = bits_of(old, field.bits);
            let turned = bits[field.bits / 2..].iter().chain(&bits[..field.bits / 2]);
            turned.rev().fold(Fr::ZERO, |sum, bit| sum.double() + bit)
        }
        _ => {
            let bit = rng.random_range(0..width);
            let is_set = old.into_bigint().get_bit(bit as usize);
            if is_set { old - pow2(bit) } else { old + pow2(bit) }
        }
    }
}

/// The assignment of a prover who puts these values in place of the honest ones, and publishes what
/// comes out.
pub(crate) fn cheat<R: Relation>(witness: &R, public: &PublicVector, faults: Vec<(u32, Fr)>) -> Vec<Fr> {
    let mut cs = Cs::cheating(&public.to_field_elements(), faults);
    witness.constrain(&mut cs);
    cs.into_assignment()
}
