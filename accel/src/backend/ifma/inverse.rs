//! Inverses in the base field: one by divsteps, eight by the inverse of their product.
//!
//! Divsteps: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (2019),
//! in the variable-time form with 62 steps at a time on signed limbs of 62 bits that Wuille
//! describes for libsecp256k1 ("The safegcd implementation explained"). About twice as fast as the
//! binary extended Euclid of arkworks. Variable-time, as everything in these modules.

use super::field::{Norm, Prime, Q, ark_of, ark_words};
use super::lanes::kernel;
use ark_bn254::Fq;
use ark_ff::{AdditiveGroup, Field};
use std::sync::OnceLock;

/// Bits of a limb here.
const BITS: u32 = 62;
const MASK: u64 = u64::MAX >> 2;

/// A signed number in limbs of 62 bits.
type Signed = [i64; 5];

/// p.
const MODULUS: Signed = limbs(&Q::P64);
/// `p^-1 mod 2^62`.
const MODULUS_INVERSE: u64 = {
    let p = Q::P64[0];
    let mut x = 1u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)));
        i += 1;
    }
    x & MASK
};

const fn limbs(x: &[u64; 4]) -> Signed {
    [
        (x[0] & MASK) as i64,
        ((x[0] >> 62 | x[1] << 2) & MASK) as i64,
        ((x[1] >> 60 | x[2] << 4) & MASK) as i64,
        ((x[2] >> 58 | x[3] << 6) & MASK) as i64,
        (x[3] >> 56) as i64,
    ]
}

fn words(x: &Signed) -> [u64; 4] {
    let x = x.map(|limb| limb as u64);
    [x[0] | x[1] << 62, x[1] >> 2 | x[2] << 60, x[2] >> 4 | x[3] << 58, x[3] >> 6 | x[4] << 56]
}

/// What 62 divsteps do to (f, g): `2^62 (f', g') = [[u, v], [q, r]] (f, g)`.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// 62 divsteps on the low limbs.
#[inline(always)]
fn divsteps(eta: &mut i64, f: u64, g: u64) -> Matrix {
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    let (mut f, mut g) = (f, g);
    let mut left = BITS;
    loop {
        // Halve while g is even; the sentinel stops at the last step.
        let zeros = (g | u64::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        *eta -= i64::from(zeros);
        left -= zeros;
        if left == 0 {
            break;
        }
        // Add the multiple of f to g that clears as many bits as the next steps may take.
        let w = if *eta < 0 {
            *eta = -*eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
            let limit = (*eta + 1).min(i64::from(left)) as u32;
            let mask = (u64::MAX >> (64 - limit)) & 63;
            f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & mask
        } else {
            let limit = (*eta + 1).min(i64::from(left)) as u32;
            let mask = (u64::MAX >> (64 - limit)) & 15;
            let w = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            w.wrapping_neg().wrapping_mul(g) & mask
        };
        g = g.wrapping_add(f.wrapping_mul(w));
        q = q.wrapping_add(u.wrapping_mul(w));
        r = r.wrapping_add(v.wrapping_mul(w));
    }
    Matrix { u: u as i64, v: v as i64, q: q as i64, r: r as i64 }
}

#[inline(always)]
fn wide(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

/// `(d, e)` times the matrix over 2^62, modulo p.
#[inline(always)]
fn update_de(d: &mut Signed, e: &mut Signed, t: &Matrix) {
    let (sign_d, sign_e) = (d[4] >> 63, e[4] >> 63);
    // How often p goes in: first so that the results are not too negative, then so that the low
    // limbs vanish.
    let mut md = (t.u & sign_d) + (t.v & sign_e);
    let mut me = (t.q & sign_d) + (t.r & sign_e);
    let mut cd = wide(t.u, d[0]) + wide(t.v, e[0]);
    let mut ce = wide(t.q, d[0]) + wide(t.r, e[0]);
    md -= (MODULUS_INVERSE.wrapping_mul(cd as u64).wrapping_add(md as u64) & MASK) as i64;
    me -= (MODULUS_INVERSE.wrapping_mul(ce as u64).wrapping_add(me as u64) & MASK) as i64;
    cd += wide(MODULUS[0], md);
    ce += wide(MODULUS[0], me);
    debug_assert!(cd as u64 & MASK == 0 && ce as u64 & MASK == 0);
    cd >>= BITS;
    ce >>= BITS;
    for i in 1..5 {
        cd += wide(t.u, d[i]) + wide(t.v, e[i]) + wide(MODULUS[i], md);
        ce += wide(t.q, d[i]) + wide(t.r, e[i]) + wide(MODULUS[i], me);
        d[i - 1] = (cd as u64 & MASK) as i64;
        e[i - 1] = (ce as u64 & MASK) as i64;
        cd >>= BITS;
        ce >>= BITS;
    }
    d[4] = cd as i64;
    e[4] = ce as i64;
}

/// `(f, g)` times the matrix over 2^62, exactly.
#[inline(always)]
fn update_fg(f: &mut Signed, g: &mut Signed, t: &Matrix) {
    let mut cf = wide(t.u, f[0]) + wide(t.v, g[0]);
    let mut cg = wide(t.q, f[0]) + wide(t.r, g[0]);
    debug_assert!(cf as u64 & MASK == 0 && cg as u64 & MASK == 0);
    cf >>= BITS;
    cg >>= BITS;
    for i in 1..5 {
        cf += wide(t.u, f[i]) + wide(t.v, g[i]);
        cg += wide(t.q, f[i]) + wide(t.r, g[i]);
        f[i - 1] = (cf as u64 & MASK) as i64;
        g[i - 1] = (cg as u64 & MASK) as i64;
        cf >>= BITS;
        cg >>= BITS;
    }
    f[4] = cf as i64;
    g[4] = cg as i64;
}

/// Carries between limbs; the top one keeps the sign.
fn carried(mut x: Signed) -> Signed {
    for i in 0..4 {
        x[i + 1] += x[i] >> BITS;
        x[i] &= MASK as i64;
    }
    x
}

/// `±d` within `[0, p)`.
fn normalised(d: Signed, negative: bool) -> Signed {
    let plus = |x: Signed, when: bool| if when { core::array::from_fn(|i| x[i] + MODULUS[i]) } else { x };
    let mut x = plus(d, d[4] < 0);
    if negative {
        x = x.map(|limb| -limb);
    }
    let x = carried(x);
    carried(plus(x, x[4] < 0))
}

/// `x^-1 mod p` of plain integers below p; zero for zero.
fn invert_integer(x: &[u64; 4]) -> [u64; 4] {
    let (mut d, mut e) = ([0; 5], [1, 0, 0, 0, 0]);
    let (mut f, mut g) = (MODULUS, limbs(x));
    let mut eta = -1;
    while g != [0; 5] {
        let t = divsteps(&mut eta, f[0] as u64, g[0] as u64);
        update_de(&mut d, &mut e, &t);
        update_fg(&mut f, &mut g, &t);
    }
    // f is now ±1 (or ±p, where x was zero and d still is).
    words(&normalised(d, f[4] < 0))
}

/// The factor from the plain inverse of a product to our Montgomery form.
fn correction() -> Fq {
    static CORRECTION: OnceLock<Fq> = OnceLock::new();
    // The words w_i = a_i 2^260 are to arkworks elements b_i = a_i 2^4, their product P has the
    // words P 2^256. The plain inverse of these, taken as words, is the element P^-1 2^-512; times
    // seven of the b's it is b_i^-1 2^-512, of words a_i^-1 2^-260.
    *CORRECTION.get_or_init(|| Fq::from(2u64).pow([520u64]))
}

kernel! {
    /// The inverse of every lane, or `None` if a lane is zero. For values below 4p; the result is
    /// below p.
    pub(crate) fn invert_lanes [] (isa: Isa, x: &Norm<Q>) -> Option<Norm<Q>> {
        let words = x.canonical().to_words();
        let of = ark_of::<Q>;
        let values = [
            of(words[0]), of(words[1]), of(words[2]), of(words[3]), of(words[4]), of(words[5]), of(words[6]), of(words[7]),
        ];
        let mut before = values;
        let mut i = 1;
        while i < 8 {
            before[i] = before[i - 1] * values[i];
            i += 1;
        }
        if before[7] == Fq::ZERO {
            return None;
        }
        let mut inverse = invert_words(&before[7]);
        let mut out = [[0; 4]; 8];
        let mut i = 7;
        while i > 0 {
            out[i] = ark_words::<Q>(&(inverse * before[i - 1]));
            inverse *= values[i];
            i -= 1;
        }
        out[0] = ark_words::<Q>(&inverse);
        Some(Norm::from_words(isa, &out, 1.0))
    }
}

/// From the product, in arkworks' arithmetic, of eight numbers whose words are `a_i 2^260`: what
/// gives, times seven of them, the words `a_i^-1 2^260` of the eighth.
fn invert_words(product: &Fq) -> Fq {
    let inverse = invert_integer(&ark_words::<Q>(product));
    ark_of::<Q>(inverse) * correction()
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;
    use ark_ff::PrimeField;
    use ark_ff::{BigInt, UniformRand};

    #[test]
    fn inverses_of_integers_are_those_of_arkworks() {
        let mut rng = ark_std::test_rng();
        let one = Fq::ONE;
        let mut values =
            vec![one, -one, one.double(), -one.double(), one.double().inverse().expect("not zero")];
        values.extend((1..254u64).flat_map(|k| {
            let x = one.double().pow([k]);
            [x, -x, x - one, x + one]
        }));
        values.extend((0..5000).map(|_| Fq::rand(&mut rng)));
        for x in values {
            let expected = x.inverse().unwrap_or(Fq::ZERO).into_bigint();
            assert_eq!(BigInt(invert_integer(&x.into_bigint().0)), expected, "{x}");
        }
        assert_eq!(invert_integer(&[0; 4]), [0; 4]);
    }

    #[test]
    fn eight_inverses_are_those_of_arkworks_and_a_zero_is_noticed() {
        let Some(isa) = Isa::detect() else { return };
        let mut rng = ark_std::test_rng();
        for round in 0..500 {
            let mut values: [Fq; 8] = core::array::from_fn(|_| Fq::rand(&mut rng));
            values[round % 8] = -Fq::ONE;
            let lanes = Norm::<Q>::from_ark(isa, &values);
            let inverses = invert_lanes(isa, &lanes).expect("no lane is zero");
            assert_eq!(inverses.to_ark(), values.map(|x| x.inverse().expect("not zero")));
            values[round % 7] = Fq::ZERO;
            assert!(invert_lanes(isa, &Norm::<Q>::from_ark(isa, &values)).is_none());
        }
    }
}
