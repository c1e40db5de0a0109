//! The two primes and what the compiler computes from them.

use super::{LIMB, MASK};
use ark_ff::{BigInt, PrimeField};

/// A prime below 2^254 with `2^260 > 84 p`, and the field arkworks builds on it.
pub(crate) trait Prime: Copy + Send + Sync + 'static {
    /// The same field in arkworks: 4 limbs of 64 bits, Montgomery form with `R = 2^256`.
    type Ark: PrimeField<BigInt = BigInt<4>>;
    /// p in 64-bit limbs.
    const P64: [u64; 4];
    /// p in 52-bit limbs.
    const P: [u64; 5] = split(Self::P64);
    /// `2^-52 mod p`.
    const FOLD: [u64; 5] = split(power_of_two_inverse(LIMB, Self::P64));
    /// `-p^-1 mod 2^52`.
    const NEG_INV: u64 = neg_inverse(Self::P64[0]);
    /// One: `2^260 mod p`.
    const ONE: [u64; 5] = split(power_of_two(260, Self::P64));
    /// `2^256 mod p`: the factor from our Montgomery form to arkworks'.
    const TO_ARK: [u64; 5] = split(power_of_two(256, Self::P64));
    /// `2^520 mod p`: the factor from a plain integer to our Montgomery form.
    #[cfg(test)]
    const R_SQUARED: [u64; 5] = split(power_of_two(520, Self::P64));
    /// The multiples 0 to 7 of p, limb by limb.
    const MULTIPLES: [[u64; 8]; 5] = multiples(Self::P64, 1);
    /// The multiples 0, 2 .. 14 of p, limb by limb.
    const EVEN_MULTIPLES: [[u64; 8]; 5] = multiples(Self::P64, 2);
    /// `floor(2^52 / (p_4 + 1))`: the quotient's estimate from the top limb.
    const QUOTIENT: u64 = (1 << LIMB) / (Self::P[4] + 1);
    /// The same for 2p.
    const EVEN_QUOTIENT: u64 = (1 << LIMB) / (2 * Self::P[4] + 2);
}

/// The base field.
#[derive(Clone, Copy)]
pub(crate) struct Q;
/// The scalar field.
#[derive(Clone, Copy)]
pub(crate) struct R;

impl Prime for Q {
    type Ark = ark_bn254::Fq;
    const P64: [u64; 4] = <ark_bn254::Fq as PrimeField>::MODULUS.0;
}

impl Prime for R {
    type Ark = ark_bn254::Fr;
    const P64: [u64; 4] = <ark_bn254::Fr as PrimeField>::MODULUS.0;
}

pub(crate) const fn split(a: [u64; 4]) -> [u64; 5] {
    [
        a[0] & MASK,
        ((a[0] >> 52) | (a[1] << 12)) & MASK,
        ((a[1] >> 40) | (a[2] << 24)) & MASK,
        ((a[2] >> 28) | (a[3] << 36)) & MASK,
        a[3] >> 16,
    ]
}

pub(crate) const fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let mut r = [0; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (x, first) = a[i].overflowing_sub(b[i]);
        let (y, second) = x.overflowing_sub(borrow as u64);
        r[i] = y;
        borrow = first | second;
        i += 1;
    }
    (r, borrow)
}

/// `2^k mod p`.
pub(crate) const fn power_of_two(k: u32, p: [u64; 4]) -> [u64; 4] {
    let mut r = [1, 0, 0, 0];
    let mut step = 0;
    while step < k {
        let mut carry = 0;
        let mut i = 0;
        while i < 4 {
            let word = r[i];
            r[i] = (word << 1) | carry;
            carry = word >> 63;
            i += 1;
        }
        let (reduced, borrow) = subtract(r, p);
        if !borrow {
            r = reduced;
        }
        step += 1;
    }
    r
}

/// `2^-k mod p`.
pub(crate) const fn power_of_two_inverse(k: u32, p: [u64; 4]) -> [u64; 4] {
    let mut r = [1, 0, 0, 0];
    let mut step = 0;
    while step < k {
        if r[0] & 1 == 1 {
            let mut carry = 0u128;
            let mut i = 0;
            while i < 4 {
                let sum = r[i] as u128 + p[i] as u128 + carry;
                r[i] = sum as u64;
                carry = sum >> 64;
                i += 1;
            }
        }
        let mut i = 0;
        while i < 4 {
            r[i] = (r[i] >> 1) | if i < 3 { r[i + 1] << 63 } else { 0 };
            i += 1;
        }
        step += 1;
    }
    r
}

/// `-p^-1 mod 2^52`, by Newton's iteration.
pub(crate) const fn neg_inverse(p: u64) -> u64 {
    let mut x = 1u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)));
        i += 1;
    }
    x.wrapping_neg() & MASK
}

/// `k p`, normalised.
pub(crate) const fn multiple(p: [u64; 4], k: u64) -> [u64; 5] {
    let limbs = split(p);
    let mut r = [0; 5];
    let mut carry = 0u128;
    let mut i = 0;
    while i < 5 {
        let sum = limbs[i] as u128 * k as u128 + carry;
        r[i] = if i < 4 { sum as u64 & MASK } else { sum as u64 };
        carry = sum >> LIMB;
        i += 1;
    }
    r
}

/// `k p` with 2^54 lent to each of the limbs 0 to 3 by the limb above: no limb turns negative when
/// up to three normalised limbs are taken from it.
pub(crate) const fn bias(p: [u64; 4], k: u64) -> [u64; 5] {
    let mut r = multiple(p, k);
    r[0] += 1 << 54;
    let mut i = 1;
    while i < 4 {
        r[i] += (1 << 54) - 4;
        i += 1;
    }
    r[4] -= 4;
    r
}

pub(crate) const fn multiples(p: [u64; 4], step: u64) -> [[u64; 8]; 5] {
    let mut table = [[0; 8]; 5];
    let mut q = 0;
    while q < 8 {
        let m = multiple(p, q as u64 * step);
        let mut limb = 0;
        while limb < 5 {
            table[limb][q] = m[limb];
            limb += 1;
        }
        q += 1;
    }
    table
}
