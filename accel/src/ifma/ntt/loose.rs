//! What flows through a transform: values whose carries wait, and multiplication by numbers known beforehand.
//!
//! A butterfly `a + w b, a - w b` multiplies only b. So a value's carries are moved when it is about to be a factor, and
//! never else: limbs are signed words that grow by a few bits in a whole transform ([`Loose`]).
//!
//! # Multiplication by a known number
//! For w known beforehand let `w' = floor(w 2^260 / p)`. For `0 <= x < 2^260`, the sum q of the columns 5 to 9 of `w' x` (25
//! multiply-adds) is at most `w x / p` and misses it by less than 10: dropping the fractions of `w 2^260 / p` and of
//! `w' x / 2^260` costs less than 1 each, and the eight further multiply-adds into column 4, each below one unit of
//! column 5, together with the columns below it less than `8 + 1/2`... see [`Loose::times`] for the count. Then `w x - q p` is below
//! `10 p`, so it is enough to know it modulo `2^260`: columns 0 to 4 of `w x` and of `q (2^260 - p)` (25 multiply-adds each).
//! Together 75, where a Montgomery multiplication takes 101. (Shoup's method; Harvey, "Faster arithmetic for
//! number-theoretic transforms", 2014.)

use crate::ifma::Isa;
use crate::ifma::field::{Lazy, MASK, Norm, Prime, R, Raw, multiple};
use crate::ifma::lanes::{self, Z, add, and, madd_hi, madd_lo, sar, shr, splat, sub};
