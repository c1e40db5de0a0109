//! The numbers that butterflies multiply by, and which passes make a whole transform.
//!
//! Down, from natural order to bit-reversed: after k levels there are `2^k` blocks; block j is
//! multiplied by `root^(rev j)`, rev reversing one bit fewer than the transform has. Up, from
//! bit-reversed order: the level that joins blocks of h values multiplies the value at place j by
//! `shift^(m / 2h) root^(m j / 2h)`, for a transform of size m that evaluates at `shift root^t`.

use super::super::Isa;
use super::super::field::{MASK, Prime, R, limbs_of, split};
use super::super::lanes::from_array;
use super::butterfly::{High, Triple};
use super::loose::{Constant, Constants, Known};
use crate::Fr;
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

/// A number, made ready: `w' p = w 2^260 - (w 2^260 mod p)`, so that
/// `w' = -(w 2^260 mod p) / p mod 2^260`.
pub(super) fn known(w: &Fr) -> Constant {
    let quotient = low_product(&limbs_of::<R>(w), &NEGATIVE_INVERSE);
    Constant { factor: split(w.into_bigint().0), quotient }
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

/// One pass of butterflies, with its numbers in order and whether values are reduced first.
pub(super) enum Pass<W> {
    /// The first two levels of a transform: numbers 1, 1, i.
    UnitFour(W),
    /// Two levels.
    Four(Vec<Triple<W>>, bool),
    /// One level.
    Two(Vec<W>, bool),
}

/// The levels of each pass: the first two, the odd one, and two at a time.
fn steps(first: u32, levels: u32) -> impl Iterator<Item = (u32, u32)> {
    let mut done = first;
    core::iter::from_fn(move || {
        let left = levels.checked_sub(done).filter(|left| *left > 0)?;
        let step = (done, if left.is_multiple_of(2) || done == 0 && left > 1 { 2 } else { 1 });
        done += step.1;
        Some(step)
    })
}

/// The passes of the first levels down of a transform of size `2^log`, a number or a triple for
/// each block, for fresh values.
pub(super) fn down_passes<W: Known>(
    isa: Isa,
    root: Fr,
    log: u32,
    levels: u32,
    mut high: High,
) -> (Vec<Pass<W>>, High) {
    let numbers: Vec<W> = down_numbers(root, log).iter().map(|number| W::of(isa, number)).collect();
    let pass = |(done, step)| {
        let blocks = 1usize << done;
        let (pass, after) = if (done, step) == (0, 2) {
            (Pass::UnitFour(numbers[1]), high.after_unit_four())
        } else if step == 2 {
            let (after, reduce) = high.after_four();
            let triple = |j: usize| [numbers[j], numbers[2 * j], numbers[2 * j + 1]];
            (Pass::Four((0..blocks).map(triple).collect(), reduce), after)
        } else {
            let (after, reduce) = high.after_two();
            (Pass::Two(numbers[..blocks].to_vec(), reduce), after)
        };
        high = after;
        pass
    };
    (steps(0, levels).map(pass).collect(), high)
}

/// The passes of a whole transform up of size `2^log`, a number or a triple for each place in a
/// block, for fresh values.
pub(super) fn up_passes(isa: Isa, root: Fr, log: u32, mut high: High) -> Vec<Pass<Constant>> {
    let numbers = |half: usize| -> Vec<Constant> {
        up_numbers(root, Fr::ONE, log, half).iter().map(|number| Known::of(isa, number)).collect()
    };
    let pass = |(done, step): (u32, u32)| {
        let half = 1 << done;
        if (done, step) == (0, 2) {
            high = high.after_unit_four();
            return Pass::UnitFour(numbers(2)[1]);
        }
        let (pass, after) = pass_up(half, step, high, numbers);
        high = after;
        pass
    };
    steps(0, log).map(pass).collect()
}

/// The passes of the levels up from the fourth, where a vector is eight places.
pub(super) fn up_passes_by_lane(
    isa: Isa,
    root: Fr,
    shift: Fr,
    log: u32,
    mut high: High,
) -> Vec<Pass<Constants>> {
    let numbers = |half: usize| -> Vec<Constants> {
        let numbers = up_numbers(root, shift, log, half);
        numbers.as_chunks::<8>().0.iter().map(|eight| by_lane(isa, eight.each_ref())).collect()
    };
    let pass = |(done, step): (u32, u32)| {
        let (pass, after) = pass_up(1 << done, step, high, numbers);
        high = after;
        pass
    };
    steps(3, log).map(pass).collect()
}

/// One or two levels up, from blocks of `half` values.
fn pass_up<W: Copy>(
    half: usize,
    step: u32,
    high: High,
    numbers: impl Fn(usize) -> Vec<W>,
) -> (Pass<W>, High) {
    let first = numbers(half);
    if step == 1 {
        let (after, reduce) = high.after_two();
        return (Pass::Two(first, reduce), after);
    }
    let (after, reduce) = high.after_four();
    let second = numbers(2 * half);
    let (low, high) = second.split_at(second.len() / 2);
    let triples = first.iter().zip(low).zip(high).map(|((u, v), w)| [*u, *v, *w]);
    (Pass::Four(triples.collect(), reduce), after)
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
pub(super) fn up_tile_numbers(isa: Isa, root: Fr, shift: Fr, log: u32) -> [Constants; 7] {
    let [first, second, third] = [1, 2, 4].map(|half| up_numbers(root, shift, log, half));
    [&first[0], &second[0], &second[1], &third[0], &third[1], &third[2], &third[3]]
        .map(|number| Known::of(isa, number))
}

/// Memory of passes, in bytes.
pub(super) fn bytes<W>(passes: &[Pass<W>]) -> usize {
    let of = |pass: &Pass<W>| match pass {
        Pass::UnitFour(i) => size_of_val(i),
        Pass::Four(triples, _) => size_of_val(triples.as_slice()),
        Pass::Two(numbers, _) => size_of_val(numbers.as_slice()),
    };
    passes.iter().map(of).sum()
}
