//! Bits, ranges and comparisons. Every comparison states the widths it relies on.

use crate::cs::{Bit, Cs, Num, RowKind, inverse_or_zero};
use amanat_domain::field::{Fr, pow2};
use ark_ff::{BigInteger, One, PrimeField, Zero};

/// A word made of bits: the bits are the witness, the word is derived from them, so it is in range
/// by construction.
pub struct Word {
    /// Bits, least significant first.
    pub bits: Vec<Bit>,
    /// Their weighted sum.
    pub num: Num,
}

/// A word of `width` bits (at most 253) with this value; a value that does not fit is cut, and then
/// differs from what the statement says.
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
        // If the answer is honest, this is 1/x, or anything for x = 0.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gadgets::harness::{agrees, edges, forged, rng, run};
    use amanat_domain::field::random;

    fn fits(x: &Fr, width: u32) -> bool {
        x.into_bigint().num_bits() <= width
    }

    #[test]
    fn a_word_is_its_value_where_it_fits_and_another_where_not() {
        for x in edges() {
            for width in [1, 2, 40, 64, 253] {
                let outcome = run(|cs| word(cs, x, width).num.value());
                assert!(outcome.holds());
                assert_eq!(outcome.value == x, fits(&x, width), "{width} bits");
                assert!(fits(&outcome.value, width));
            }
        }
    }

    #[test]
    fn a_range_check_accepts_what_fits_and_nothing_else() {
        for x in edges() {
            for width in [1, 15, 40, 41, 64, 66, 251] {
                let outcome = run(|cs| {
                    let x = cs.hint(x);
                    decompose(cs, &x, width).len()
                });
                assert_eq!(outcome.holds(), fits(&x, width), "{width} bits");
            }
        }
    }

    #[test]
    fn a_bit_flipped_in_a_range_check_is_refused() {
        for bit in 0..41 {
            let x = Fr::from(0x00aa_1234_5678u64);
            let honest = x.into_bigint().get_bit(bit as usize);
            // Wire 9 is x, its bits follow.
            let outcome = forged(&[(10 + bit, Fr::from(!honest))], |cs| {
                let x = cs.hint(x);
                decompose(cs, &x, 41);
            });
            assert!(!outcome.holds());
        }
    }

    #[test]
    fn a_comparison_agrees_at_the_ends_of_its_width() {
        let mut rng = rng(2);
        for width in [1u32, 2, 40, 65, 251, 252] {
            let one = Fr::one();
            let top = pow2(width) - one;
            let mut numbers = vec![Fr::from(0u64), one, top - one, top];
            numbers.extend((0..4).map(|_| {
                let bits: Vec<bool> = random(&mut rng).into_bigint().to_bits_le();
                Fr::from_bigint(BigInteger::from_bits_le(&bits[..width as usize])).expect("it fits")
            }));
            for a in &numbers {
                for b in &numbers {
                    let wanted = a.into_bigint() <= b.into_bigint();
                    agrees(Fr::from(wanted), |cs| {
                        let (a, b) = (cs.hint(*a), cs.hint(*b));
                        less_or_equal(cs, &a, &b, width).num().clone()
                    });
                    let asserted = run(|cs| {
                        let (a, b) = (cs.hint(*a), cs.hint(*b));
                        assert_less_or_equal(cs, &a, &b, width);
                    });
                    assert_eq!(asserted.holds(), wanted);
                }
            }
        }
    }

    /// Outside the width the comparison may be refused; it is never answered wrongly for operands
    /// below 2^(width + 1).
    #[test]
    fn an_operand_out_of_range_gets_no_wrong_answer() {
        for width in [2u32, 40, 65] {
            let one = Fr::one();
            let wide = [pow2(width), pow2(width) + one, pow2(width + 1) - one];
            let inside = [Fr::from(0u64), one, pow2(width) - one];
            for x in wide {
                for y in inside.into_iter().chain(wide) {
                    for (a, b) in [(x, y), (y, x)] {
                        let outcome = run(|cs| {
                            let (a, b) = (cs.hint(a), cs.hint(b));
                            less_or_equal(cs, &a, &b, width).value()
                        });
                        assert!(!outcome.holds() || outcome.value == (a.into_bigint() <= b.into_bigint()));
                    }
                }
            }
            let negative = run(|cs| {
                let (a, b) = (cs.hint(-one), cs.hint(one));
                less_or_equal(cs, &a, &b, width);
            });
            let asserted = run(|cs| {
                let (a, b) = (cs.hint(one), cs.hint(-one));
                assert_less_or_equal(cs, &a, &b, width);
            });
            assert!(!asserted.holds());
            // -1 <= 1 does hold as far as 40 bits tell: 1 - (-1) = 2. Operands must be in range,
            // and callers see to it.
            assert!(negative.holds());
        }
    }

    #[test]
    fn a_zero_test_answers_rightly_and_a_false_answer_is_refused() {
        for x in edges() {
            let zero = x.is_zero();
            agrees(Fr::from(zero), |cs| {
                let x = cs.hint(x);
                is_zero(cs, &x).num().clone()
            });
            // Wire 10 is the answer: the other truth value, and a number that is none; with any
            // inverse.
            for lie in [Fr::from(!zero), Fr::from(2u64), -Fr::one()] {
                for inverse in [Fr::from(0u64), Fr::one(), inverse_or_zero(x), random(&mut rng(3))] {
                    let outcome = forged(&[(10, lie), (11, inverse)], |cs| {
                        let x = cs.hint(x);
                        is_zero(cs, &x);
                    });
                    assert!(!outcome.holds(), "zero: {zero}");
                }
            }
            let asserted = run(|cs| {
                let x = cs.hint(x);
                assert_nonzero(cs, &x);
            });
            assert_eq!(asserted.holds(), !zero);
        }
    }

    #[test]
    fn a_bit_is_zero_or_one() {
        for x in edges() {
            let outcome = forged(&[(9, x)], |cs| cs.bit(false));
            assert_eq!(outcome.holds(), x.is_zero() || x.is_one());
        }
    }

    #[test]
    fn connectives_agree_with_their_truth_tables() {
        for n in 0..8u32 {
            let [a, b, c] = [0, 1, 2].map(|i| n >> i & 1 == 1);
            let bits = |cs: &mut Cs| [a, b, c].map(|x| cs.bit(x));
            agrees(Fr::from(a && b), |cs| {
                let [a, b, _] = bits(cs);
                and(cs, &a, &b).num().clone()
            });
            agrees(Fr::from(a && b && c), |cs| {
                let [a, b, c] = bits(cs);
                all(cs, &[&a, &b, &c]).num().clone()
            });
            agrees(Fr::from(if a { 7u64 } else { 9 }), |cs| {
                let [a, _, _] = bits(cs);
                select(cs, &a, &Num::from_u64(7), &Num::from_u64(9))
            });
            agrees(Fr::from(!a), |cs| bits(cs)[0].not().num().clone());
        }
    }
}
