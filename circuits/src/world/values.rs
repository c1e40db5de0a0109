//! Numbers at which range checks and comparisons go wrong.

use amanat_domain::field::{Fr, pow2, random};
use amanat_domain::time::{Period, TIME_BITS, Timestamp};
use amanat_domain::tree::REVOCATION_BITS;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;

/// Widths of the protocol's words: a level, a mask of actions, a mask of purposes, a time, a mask
/// of categories, a rule's masks, four times, a revocation id.
const WIDTHS: [u32; 8] = [2, 8, 32, TIME_BITS, 64, 140, 4 * TIME_BITS, REVOCATION_BITS];

/// A field element: small, near the end of a word, near the modulus, or anything.
pub fn element(rng: &mut ChaCha20Rng) -> Fr {
    let near = Fr::from(rng.random_range(0..3u64));
    match rng.random_range(0..6) {
        0 => near,
        1 => -near - Fr::from(1u64),
        2 => pow2(WIDTHS[rng.random_range(0..WIDTHS.len())]) - near,
        3 => pow2(WIDTHS[rng.random_range(0..WIDTHS.len())]) + near,
        4 => Fr::from(rng.next_u64()),
        _ => random(rng),
    }
}

/// A number of 64 bits: small, large, a power of two, or anything.
pub fn word(rng: &mut ChaCha20Rng) -> u64 {
    match rng.random_range(0..4) {
        0 => rng.random_range(0..4),
        1 => u64::MAX - rng.random_range(0..4),
        2 => 1 << rng.random_range(0..64),
        _ => rng.next_u64(),
    }
}

/// A time: an end of time, near one that is given, or anything.
pub fn time(rng: &mut ChaCha20Rng, near: Timestamp) -> Timestamp {
    let last = (1 << TIME_BITS) - 1;
    let seconds = match rng.random_range(0..4) {
        0 => 0,
        1 => last,
        2 => (near.seconds() + rng.random_range(0..3)).saturating_sub(1).min(last),
        _ => rng.next_u64() & last,
    };
    Timestamp::new(seconds).expect("40 bits")
}

/// A period, which may be a single second.
pub fn period(rng: &mut ChaCha20Rng, near: Timestamp) -> Period {
    let (a, b) = (time(rng, near), time(rng, near));
    Period::new(a.min(b), a.max(b)).expect("in order")
}
