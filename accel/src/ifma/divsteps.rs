//! Modular inverses by division steps (Bernstein, Yang, "Fast constant-time gcd computation and modular inversion", 2019), in
//! variable time: zeros of g are taken off together, and several bits of g cancelled at once.
//!
//! The state is (f, g, d, e) with `f = d x` and `g = e x` modulo p, up to a power of two that each round divides out.
//! A round runs 62 steps on the low words alone, as a matrix of small integers, then applies the matrix to all four. Numbers
//! are signed, in 5 limbs of 62 bits. When g is zero, f is 1 or -1 and d the inverse or its negative.

use super::field::Prime;

/// Bits of a limb, and steps of a round.
const BITS: u32 = 62;
const MASK: u64 = u64::MAX >> 2;

/// Limbs of 62 bits, least first; the top one carries the sign.
type Signed = [i64; 5];

/// A round's effect: `f' = (u f + v g) / 2^62`, `g' = (q f + r g) / 2^62`. Entries are at most 2^62 in size, and so are the sums of
/// the sizes in a row.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// `x^-1 mod p` in `[0, p)`, or none for zero; `x` is below p.
pub(crate) fn invert<F: Prime>(x: &[u64; 4]) -> Option<[u64; 4]> {
    let p = const { to_signed(&F::P64) };
    let inverse_of_p = const { inverse_modulo_word(F::P64[0]) };
    let (mut f, mut g) = (p, to_signed(x));
    let (mut d, mut e): (Signed, Signed) = ([0; 5], [1, 0, 0, 0, 0]);
    let mut eta = -1;
    // A 256-bit input needs at most 590 steps in this form, hence ten rounds; two to spare.
    for _ in 0..12 {
        if g == [0; 5] {
            return finish(&f, d, &p);
        }
        let matrix;
        (eta, matrix) = steps(eta, f[0] as u64, g[0] as u64);
        update_modulo(&mut d, &mut e, &matrix, &p, inverse_of_p);
        update(&mut f, &mut g, &matrix);
    }
    (g == [0; 5]).then(|| finish(&f, d, &p)).flatten()
}

/// 62 steps from the low words.
fn steps(mut eta: i64, mut f: u64, mut g: u64) -> (i64, Matrix) {
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    let mut left = BITS;
    loop {
        // The bit above the last step stops the count.
        let zeros = (g | (u64::MAX << left)).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= i64::from(zeros);
        left -= zeros;
        if left == 0 {
            break;
        }
        if eta < 0 {
            eta = -eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
        }
        // As many low bits of g as there are steps before eta changes sign, and no more than left: by a multiple of f.
        // `f (2 - f^2)` inverts an odd f modulo 2^6, up to sign; six bits at most.
        let bits = (eta as u32 + 1).min(left).min(6);
        let multiple = g.wrapping_mul(f).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & (u64::MAX >> (64 - bits));
        g = g.wrapping_add(f.wrapping_mul(multiple));
        q = q.wrapping_add(u.wrapping_mul(multiple));
        r = r.wrapping_add(v.wrapping_mul(multiple));
    }
    (eta, Matrix { u: u as i64, v: v as i64, q: q as i64, r: r as i64 })
}

/// The matrix applied to f and g; the low 62 bits are zero and fall away.
fn update(f: &mut Signed, g: &mut Signed, m: &Matrix) {
    let (mut cf, mut cg) = (0i128, 0i128);
    for i in 0..5 {
        let (fi, gi) = (f[i], g[i]);
        cf += product(m.u, fi) + product(m.v, gi);
        cg += product(m.q, fi) + product(m.r, gi);
        if i > 0 {
            f[i - 1] = cf as i64 & MASK as i64;
            g[i - 1] = cg as i64 & MASK as i64;
        }
        cf >>= BITS;
        cg >>= BITS;
    }
    f[4] = cf as i64;
    g[4] = cg as i64;
}

/// The matrix applied to d and e modulo p: such multiples of p are added that the low 62 bits become zero. Both stay within
/// (-2p, p).
fn update_modulo(d: &mut Signed, e: &mut Signed, m: &Matrix, p: &Signed, inverse_of_p: u64) {
    // A negative operand counts as itself plus p.
    let (sd, se) = (d[4] >> 63, e[4] >> 63);
    let mut md = (m.u & sd).wrapping_add(m.v & se);
    let mut me = (m.q & sd).wrapping_add(m.r & se);
    let (mut cd, mut ce) = (product(m.u, d[0]) + product(m.v, e[0]), product(m.q, d[0]) + product(m.r, e[0]));
    let modulo = |m: i64, c: i128| {
        let off = (inverse_of_p.wrapping_mul(c as u64).wrapping_add(m as u64)) & MASK;
        m.wrapping_sub(off as i64)
    };
    md = modulo(md, cd);
    me = modulo(me, ce);
    cd = (cd + product(p[0], md)) >> BITS;
    ce = (ce + product(p[0], me)) >> BITS;
    for i in 1..5 {
        let (di, ei) = (d[i], e[i]);
        cd += product(m.u, di) + product(m.v, ei) + product(p[i], md);
        ce += product(m.q, di) + product(m.r, ei) + product(p[i], me);
        d[i - 1] = cd as i64 & MASK as i64;
        e[i - 1] = ce as i64 & MASK as i64;
        cd >>= BITS;
        ce >>= BITS;
    }
    d[4] = cd as i64;
    e[4] = ce as i64;
}

/// `d / f` in `[0, p)`, for f = 1 or -1 and d within (-2p, p); none where f is neither (x and p have a common factor).
fn finish(f: &Signed, d: Signed, p: &Signed) -> Option<[u64; 4]> {
    let add_p = |x: Signed| carried([x[0] + p[0], x[1] + p[1], x[2] + p[2], x[3] + p[3], x[4] + p[4]]);
    let mut d = if d[4] < 0 { add_p(d) } else { d };
    match *f {
        [1, 0, 0, 0, 0] => {}
        f if f[4] < 0 && carried([f[0] + 1, f[1], f[2], f[3], f[4]]) == [0; 5] => {
            d = carried([-d[0], -d[1], -d[2], -d[3], -d[4]]);
        }
        _ => return None,
    }
    let d = if d[4] < 0 { add_p(d) } else { d };
    let w = d.map(|limb| limb as u64);
    Some([w[0] | w[1] << 62, w[1] >> 2 | w[2] << 60, w[2] >> 4 | w[3] << 58, w[3] >> 6 | w[4] << 56])
}

/// Limbs back within 62 bits, the top one but for its sign.
fn carried(mut x: Signed) -> Signed {
    for i in 0..4 {
        x[i + 1] += x[i] >> BITS;
        x[i] &= MASK as i64;
    }
    x
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

const fn to_signed(x: &[u64; 4]) -> Signed {
    [
        (x[0] & MASK) as i64,
        ((x[0] >> 62 | x[1] << 2) & MASK) as i64,
        ((x[1] >> 60 | x[2] << 4) & MASK) as i64,
        ((x[2] >> 58 | x[3] << 6) & MASK) as i64,
        (x[3] >> 56) as i64,
    ]
}

/// `p^-1 mod 2^64`, by Newton's iteration.
const fn inverse_modulo_word(p: u64) -> u64 {
    let mut x = 1u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)));
        i += 1;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::super::field::{Q, R};
    use super::*;
    use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField, UniformRand};

    fn agrees<F: Prime>() {
        let mut rng = ark_std::test_rng();
        let one = F::Ark::ONE;
        let mut values = vec![one, -one, one.double(), -one.double(), one.double().inverse().expect("2 is not zero")];
        for power in 2..254u64 {
            let x = one.double().pow([power]);
            values.extend([x, -x, x - one, x + one, x.inverse().expect("a power of two")]);
        }
        values.extend((0..5000).map(|_| F::Ark::rand(&mut rng)));
        for x in values {
            let expected = x.inverse().map(|y| y.into_bigint().0);
            assert_eq!(invert::<F>(&x.into_bigint().0), expected, "{x}");
        }
        assert_eq!(invert::<F>(&[0; 4]), None);
        // Small integers, whose inverses take the fewest and the most steps.
        for x in 1..2000u64 {
            let expected = F::Ark::from(x).inverse().expect("not zero").into_bigint();
            assert_eq!(invert::<F>(&BigInt::<4>::from(x).0), Some(expected.0));
        }
    }

    #[test]
    fn inverses_of_the_base_field_agree_with_arkworks() {
        agrees::<Q>();
    }

    #[test]
    fn inverses_of_the_scalar_field_agree_with_arkworks() {
        agrees::<R>();
    }
}
