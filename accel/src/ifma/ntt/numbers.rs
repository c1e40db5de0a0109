//! The numbers that butterflies multiply by, and which passes make a whole transform.
//!
//! Down, from natural order to bit-reversed: after k levels there are `2^k` blocks; block j is multiplied by `root^(rev j)`, rev
//! reversing one bit fewer than the transform has. Up, from bit-reversed order: the level that joins blocks of h values
//! multiplies the value at place j by `shift^(m / 2h) root^(m j / 2h)`, for a transform of size m that evaluates at
//! `shift root^t`.

use super::butterfly::{self, High, Triple};
use super::loose::{Constant, Constants, Loose};
use crate::Fr;
use crate::ifma::Isa;
use crate::ifma::field::{MASK, Prime, R, limbs_of};
use crate::ifma::lanes::from_array;
use ark_ff::{Field, PrimeField};

/// `-1 / p mod 2^260`.
const NEGATIVE_INVERSE: [u64; 5] = negative_inverse();

/// `a b mod 2^260`.
const fn low_product(a: &[u64; 5], b: &[u64; 5]) -> [u64; 5] {
    let mut columns = [0u128; 5];
    let mut i = 0;
    while i < 5 {
        let mut j = 0;
        while i + j < 5 {
            columns[i + j] += a[i] as u128 * b[j] as u128;
            j += 1;
        }
        i += 1;
    }
    let mut r = [0; 5];
    let mut carry = 0;
    let mut i = 0;
    while i < 5 {
        let sum = columns[i] + carry;
        r[i] = sum as u64 & MASK;
        carry = sum >> 52;
        i += 1;
    }
    r
}

/// Newton's iteration for `x = 1 / -p`: `x' = x (2 + p x)`, from one right bit to 512.
const fn negative_inverse() -> [u64; 5] {
    let mut x = [1, 0, 0, 0, 0];
    let mut step = 0;
    while step < 9 {
        let mut factor = low_product(&R::P, &x);
        let mut carry = 2;
        let mut i = 0;
        while i < 5 {
            factor[i] += carry;
            carry = factor[i] >> 52;
            factor[i] &= MASK;
            i += 1;
        }
        x = low_product(&x, &factor);
        step += 1;
    }
    x
}

/// A number, made ready: `w' p = w 2^260 - (w 2^260 mod p)`, so that `w' = -(w 2^260 mod p) / p mod 2^260`.
pub(super) fn known(w: &Fr) -> Constant {
    let words = w.into_bigint().0;
    let factor = [
        words[0] & MASK,
        (words[0] >> 52 | words[1] << 12) & MASK,
        (words[1] >> 40 | words[2] << 24) & MASK,
        (words[2] >> 28 | words[3] << 36) & MASK,
        words[3] >> 16,
    ];
    Constant { factor, quotient: low_product(&limbs_of::<R>(w), &NEGATIVE_INVERSE) }
}

fn by_lane(isa: Isa, numbers: [&Constant; 8]) -> Constants {
    let limbs = |of: fn(&Constant) -> &[u64; 5]| {
        core::array::from_fn(|limb| from_array(isa, &numbers.map(|number| of(number)[limb])))
    };
    Constants { factor: limbs(|number| &number.factor), quotient: limbs(|number| &number.quotient) }
}

/// `1, x, x^2, ..`.
pub(super) fn powers(x: Fr, count: usize) -> Vec<Fr> {
    core::iter::successors(Some(Fr::ONE), |power| Some(*power * x)).take(count).collect()
}

/// The lowest `bits` bits in reverse.
pub(super) const fn reverse(x: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { x.reverse_bits() >> (usize::BITS - bits) }
}

/// The numbers of a transform down: entry j is `root^(rev j)`.
fn down_numbers(root: Fr, log: u32) -> Vec<Constant> {
    let half = 1 << (log - 1);
    let powers = powers(root, half);
    (0..half).map(|j| known(&powers[reverse(j, log - 1)])).collect()
}

/// The numbers of the level of a transform up that joins blocks of `half` values.
fn up_numbers(root: Fr, shift: Fr, log: u32, half: usize) -> Vec<Constant> {
    let exponent = [1u64 << log >> 1 >> half.ilog2()];
    let (root, shift) = (root.pow(exponent), shift.pow(exponent));
    powers(root, half).iter().map(|power| known(&(shift * power))).collect()
}

/// One pass over vectors, down or up.
pub(super) enum Pass {
    UnitFour(Constant),
    Four(Vec<Triple<Constant>>, bool),
    FourByLane(Vec<Triple<Constants>>, bool),
    Two(Vec<Constant>, bool),
    TwoByLane(Vec<Constants>, bool),
}

/// The passes of the first levels down of a transform of size `2^log`, for fresh values.
pub(super) fn down_passes(root: Fr, log: u32, levels: u32, mut high: High) -> (Vec<Pass>, High) {
    let numbers = down_numbers(root, log);
    let mut passes = Vec::new();
    let mut done = 0;
    while done < levels {
        let blocks = 1 << done;
        if done == 0 && levels > 1 {
            passes.push(Pass::UnitFour(numbers[1]));
            high = high.after_unit_four();
            done = 2;
        } else if done + 2 <= levels {
            let (after, reduce) = high.after_four();
            let triple = |j: usize| [numbers[j], numbers[2 * j], numbers[2 * j + 1]];
            passes.push(Pass::Four((0..blocks).map(triple).collect(), reduce));
            (high, done) = (after, done + 2);
        } else {
            let (after, reduce) = high.after_two();
            passes.push(Pass::Two(numbers[..blocks].to_vec(), reduce));
            (high, done) = (after, done + 1);
        }
    }
    (passes, high)
}

/// The passes of a whole transform up of size `2^log` in which a value is a place of its own, for fresh values.
pub(super) fn up_passes(root: Fr, log: u32, mut high: High) -> (Vec<Pass>, High) {
    let numbers = |half: usize| up_numbers(root, Fr::ONE, log, half);
    let mut passes = Vec::new();
    let mut done = 0;
    while done < log {
        let half = 1 << done;
        if done == 0 && log > 1 {
            passes.push(Pass::UnitFour(numbers(2)[1]));
            high = high.after_unit_four();
            done = 2;
        } else if done + 2 <= log {
            let (after, reduce) = high.after_four();
            let (first, second) = (numbers(half), numbers(2 * half));
            let triple = |j: usize| [first[j], second[j], second[j + half]];
            passes.push(Pass::Four((0..half).map(triple).collect(), reduce));
            (high, done) = (after, done + 2);
        } else {
            let (after, reduce) = high.after_two();
            passes.push(Pass::Two(numbers(half), reduce));
            (high, done) = (after, done + 1);
        }
    }
    (passes, high)
}

/// The passes of the levels up from the fourth, where a vector is eight places.
pub(super) fn up_passes_by_lane(
    isa: Isa,
    root: Fr,
    shift: Fr,
    log: u32,
    mut high: High,
) -> (Vec<Pass>, High) {
    let numbers = |half: usize| up_numbers(root, shift, log, half);
    let vectors = |numbers: &[Constant]| -> Vec<Constants> {
        numbers.as_chunks::<8>().0.iter().map(|eight| by_lane(isa, eight.each_ref())).collect()
    };
    let mut passes = Vec::new();
    let mut done = 3;
    while done < log {
        let half = 1 << done;
        if done + 2 <= log {
            let (after, reduce) = high.after_four();
            let second = numbers(2 * half);
            let (u, v, w) = (vectors(&numbers(half)), vectors(&second[..half]), vectors(&second[half..]));
            let triples = u.into_iter().zip(v).zip(w).map(|((u, v), w)| [u, v, w]);
            passes.push(Pass::FourByLane(triples.collect(), reduce));
            (high, done) = (after, done + 2);
        } else {
            let (after, reduce) = high.after_two();
            passes.push(Pass::TwoByLane(vectors(&numbers(half)), reduce));
            (high, done) = (after, done + 1);
        }
    }
    (passes, high)
}

/// The numbers of the last three levels down, tile by tile of 64 values.
pub(super) fn down_tile_numbers(isa: Isa, root: Fr, log: u32) -> Vec<[Constants; 7]> {
    let numbers = down_numbers(root, log);
    let lanes =
        |start: usize, step: usize| by_lane(isa, core::array::from_fn(|lane| &numbers[start + step * lane]));
    (0..1usize << (log - 6))
        .map(|tile| {
            let (second, third) = (16 * tile, 32 * tile);
            [
                lanes(8 * tile, 1),
                lanes(second, 2),
                lanes(second + 1, 2),
                lanes(third, 4),
                lanes(third + 1, 4),
                lanes(third + 2, 4),
                lanes(third + 3, 4),
            ]
        })
        .collect()
}

/// The numbers of the first three levels up.
pub(super) fn up_tile_numbers(root: Fr, shift: Fr, log: u32) -> [Constant; 7] {
    let [first, second, third] = [1, 2, 4].map(|half| up_numbers(root, shift, log, half));
    [first[0], second[0], second[1], third[0], third[1], third[2], third[3]]
}

/// Runs passes down.
pub(super) fn run_down(isa: Isa, passes: &[Pass], data: &mut [Loose]) {
    for pass in passes {
        match pass {
            Pass::UnitFour(i) => butterfly::down_unit_four(isa, data, i),
            Pass::Four(triples, reduce) => butterfly::down_four(isa, data, triples, *reduce),
            Pass::Two(numbers, reduce) => butterfly::down_two(isa, data, numbers, *reduce),
            Pass::FourByLane(..) | Pass::TwoByLane(..) => unreachable!("down, lanes are multiplied in tiles"),
        }
    }
}

/// Runs passes up; a place is `width` vectors where numbers do not differ by lane.
pub(super) fn run_up(isa: Isa, passes: &[Pass], data: &mut [Loose], width: usize) {
    for pass in passes {
        match pass {
            Pass::UnitFour(i) => butterfly::up_unit_four(isa, data, i, width),
            Pass::Four(triples, reduce) => butterfly::up_four(isa, data, triples, width, *reduce),
            Pass::FourByLane(triples, reduce) => butterfly::up_four_by_lane(isa, data, triples, *reduce),
            Pass::Two(numbers, reduce) => butterfly::up_two(isa, data, numbers, width, *reduce),
            Pass::TwoByLane(numbers, reduce) => butterfly::up_two_by_lane(isa, data, numbers, *reduce),
        }
    }
}

/// Memory of passes, in bytes.
pub(super) fn bytes(passes: &[Pass]) -> usize {
    let of = |pass: &Pass| match pass {
        Pass::UnitFour(i) => size_of_val(i),
        Pass::Four(triples, _) => size_of_val(triples.as_slice()),
        Pass::FourByLane(triples, _) => size_of_val(triples.as_slice()),
        Pass::Two(numbers, _) => size_of_val(numbers.as_slice()),
        Pass::TwoByLane(numbers, _) => size_of_val(numbers.as_slice()),
    };
    passes.iter().map(of).sum()
}
