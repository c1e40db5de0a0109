//! Bits, ranges and comparisons. Every comparison states the widths it relies on.

use crate::cs::{Bit, Cs, Num, RowKind, inverse_or_zero};
use amanat_domain::field::{Fr, pow2};
use ark_ff::{BigInteger, One, PrimeField, Zero};

/// A word made of bits: the bits are the witness, the word is derived from them, so it is in range by construction.
pub struct Word {
    /// Bits, least significant first.
    pub bits: Vec<Bit>,
    /// Their weighted sum.
    pub num: Num,
}

/// A word of `width` bits (at most 253) with this value; a value that does not fit is cut, and then differs from what the
/// statement says.
pub fn word(cs: &mut Cs, value: Fr, width: u32) -> Word {
    cs.gadget("bits", |cs| {
        let integer = value.into_bigint();
        let bits: Vec<Bit> = (0..width).map(|i| cs.bit(integer.get_bit(i as usize))).collect();
        let num = weighted_sum(&bits);
        Word { bits, num }
    })
}

/// `sum_i 2^i bits_i`.
#[must_use]
pub fn weighted_sum(bits: &[Bit]) -> Num {
    let mut num = Num::zero();
    let mut weight = Fr::one();
    for bit in bits {
        num.add_scaled(bit.num(), weight);
        weight += weight;
    }
    num
}

/// The bits of a value computed elsewhere; enforces that it is below `2^width`.
pub fn decompose(cs: &mut Cs, x: &Num, width: u32) -> Vec<Bit> {
    cs.gadget("range", |cs| {
        let integer = x.value().into_bigint();
        let first = cs.last_variable() + 1;
        let bits: Vec<Bit> = (0..width).map(|i| cs.bit(integer.get_bit(i as usize))).collect();
        let difference = &weighted_sum(&bits) - x;
        cs.row(&difference, &Num::constant(Fr::one()), &Num::zero(), RowKind::Sum(first, width));
        bits
    })
}

/// Whether `a <= b`, for `a, b < 2^width`, `width <= 252`: the top bit of `b - a + 2^width`.
pub fn less_or_equal(cs: &mut Cs, a: &Num, b: &Num, width: u32) -> Bit {
    let difference = (b - a).plus(pow2(width));
    decompose(cs, &difference, width + 1).pop().expect("width + 1 bits")
}

/// Enforces `a <= b`, for numbers whose difference as integers lies in `(-r + 2^width, r)`.
pub fn assert_less_or_equal(cs: &mut Cs, a: &Num, b: &Num, width: u32) {
    decompose(cs, &(b - a), width);
}

/// Whether `x` is zero.
pub fn is_zero(cs: &mut Cs, x: &Num) -> Bit {
    cs.gadget("zero test", |cs| {
        let zero = cs.hint(Fr::from(x.value().is_zero()));
        let answer = cs.last_variable();
        // Where the answer is honest this is 1/x, or anything for x = 0.
        let inverse = cs.hint(inverse_or_zero(x.value()) * (Fr::one() - zero.value()));
        cs.note_free("inverse hint of a zero test: multiplied by zero where the tested value is zero");
        cs.row(x, &inverse, &zero.complement(), RowKind::ZeroTest(answer));
        cs.row(x, &zero, &Num::zero(), RowKind::ZeroTest(answer));
        // x = 0: the first row makes the answer 1. x != 0: the second makes it 0.
        Bit::new_unchecked(zero, "the two rows leave only the right answer")
    })
}

/// Enforces `x != 0`.
pub fn assert_nonzero(cs: &mut Cs, x: &Num) {
    let inverse = cs.hint(inverse_or_zero(x.value()));
    cs.enforce(x, &inverse, &Num::constant(Fr::one()));
}

/// Both.
pub fn and(cs: &mut Cs, a: &Bit, b: &Bit) -> Bit {
    let product = cs.mul(a.num(), b.num());
    Bit::new_unchecked(product, "a product of bits is a bit")
}

/// `condition ? a : b`.
pub fn select(cs: &mut Cs, condition: &Bit, a: &Num, b: &Num) -> Num {
    let difference = a - b;
    &cs.mul(condition.num(), &difference) + b
}

/// Whether all bits are set.
pub fn all(cs: &mut Cs, bits: &[&Bit]) -> Bit {
    let missing = &Num::from_u64(bits.len() as u64) - &Num::sum(bits.iter().map(|b| b.num()));
    is_zero(cs, &missing)
}
