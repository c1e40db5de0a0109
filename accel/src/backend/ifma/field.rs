//! Eight elements of a prime field side by side: 5 limbs of 52 bits, Montgomery form with
//! `R = 2^260`.
//!
//! # Bounds
//! `p < 2^254`, so `2^260 > 84 p`: there is room to add without reducing, and three types say how
//! far a value has come.
//! - [`Norm`]: limbs 0 to 3 below 2^52, value non-negative: may be added, subtracted, multiplied,
//!   stored.
//! - [`Lazy`]: carries are added in but limbs keep their upper bits; multiplication reads the low
//!   52 bits only. A factor and nothing else (adding it would count carries twice).
//! - [`Raw`]: limbs as the last additions left them, no carry moved: to be carried ([`Raw::norm`],
//!   [`Raw::lazy`]) or reduced ([`Raw::red`]).
//!
//! Mixing them does not compile. How large the value is, in multiples of p, is followed in debug
//! builds by [`Bound`] through every operation, so that each formula's bound is checked by any test
//! that runs it, on whatever data; in release builds it is nothing.
//!
//! # Multiplication
//! The 10-column schoolbook product takes 50 multiply-adds. Reduction: four steps replace column i
//! by its low 52 bits times `2^-52 mod p` (10 multiply-adds each, no quotient digit to wait for),
//! then one Montgomery step (11). The result is below `(2 + a b / 84.6) p` for factors below `a p`
//! and `b p`: the four steps add at most `2^52 p 2^(52(i+2)) / 2^312` each, together below
//! `p (1 + 2^-51)`, the last adds at most p, and `a b p^2 / 2^260 < a b p / 84.6`.

mod exchange;
mod prime;
#[cfg(test)]
mod tests;

pub(crate) use exchange::{ark_of, ark_words, limbs_of, wipe};
pub(crate) use prime::{Prime, Q, R, multiple, power_of_two, split};

use super::lanes::{self, Isa, Z, and, isa, look_up, madd_hi, madd_lo, shr, splat};
use core::marker::PhantomData;
use exchange::{word_of, words_of};
use prime::bias;

/// Bits of a limb.
const LIMB: u32 = 52;
/// The low 52 bits.
pub(crate) const MASK: u64 = (1 << LIMB) - 1;

/// How large a value can be, in multiples of p. Followed in debug builds only; takes no room in
/// release builds.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    #[cfg(debug_assertions)]
    multiple: f64,
}

impl Bound {
    #[inline(always)]
    pub(crate) const fn new(multiple: f64) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = multiple;
        Self {
            #[cfg(debug_assertions)]
            multiple,
        }
    }

    /// The multiple in debug builds, zero in release builds: for assertions only.
    #[inline(always)]
    pub(crate) const fn get(self) -> f64 {
        #[cfg(debug_assertions)]
        return self.multiple;
        #[cfg(not(debug_assertions))]
        0.0
    }
}

/// Normalised: limbs 0 to 3 below 2^52.
#[derive(Clone, Copy)]
pub(crate) struct Norm<F> {
    limbs: [Z; 5],
    bound: Bound,
    field: PhantomData<F>,
}

/// A factor only: carried, upper bits of the limbs not cleared.
#[derive(Clone, Copy)]
pub(crate) struct Lazy<F> {
    limbs: [Z; 5],
    bound: Bound,
    field: PhantomData<F>,
}

/// Not carried: limbs of up to 62 bits.
#[derive(Clone, Copy)]
pub(crate) struct Raw<F> {
    limbs: [Z; 5],
    bound: Bound,
    field: PhantomData<F>,
}

/// The ten columns of a sum of products, before reduction.
#[derive(Clone, Copy)]
pub(crate) struct Columns<F> {
    columns: [Z; 10],
    /// In multiples of `p^2`.
    bound: Bound,
    field: PhantomData<F>,
}

#[inline(always)]
pub(crate) fn constant(isa: Isa, limbs: &[u64; 5]) -> [Z; 5] {
    [
        splat(isa, limbs[0]),
        splat(isa, limbs[1]),
        splat(isa, limbs[2]),
        splat(isa, limbs[3]),
        splat(isa, limbs[4]),
    ]
}

#[inline(always)]
fn zip(a: &[Z; 5], b: &[Z; 5], op: impl Fn(Z, Z) -> Z) -> [Z; 5] {
    [op(a[0], b[0]), op(a[1], b[1]), op(a[2], b[2]), op(a[3], b[3]), op(a[4], b[4])]
}

/// Moves carries up (they may be negative) and clears what moved.
#[inline(always)]
fn carry(limbs: &[Z; 5]) -> [Z; 5] {
    let mask = splat(isa(limbs[0]), MASK);
    let mut r = *limbs;
    let mut i = 0;
    while i < 4 {
        r[i + 1] = lanes::add(r[i + 1], lanes::sar::<LIMB>(r[i]));
        r[i] = and(r[i], mask);
        i += 1;
    }
    r
}

/// Moves carries up and leaves the upper bits where they are.
#[inline(always)]
fn carry_lazily(limbs: &[Z; 5]) -> [Z; 5] {
    let mut r = *limbs;
    let mut i = 0;
    while i < 4 {
        r[i + 1] = lanes::add(r[i + 1], lanes::sar::<LIMB>(r[i]));
        i += 1;
    }
    r
}

impl<F: Prime> Norm<F> {
    /// From limbs known to be normalised, of a value below `bound * p`.
    #[inline(always)]
    pub(crate) fn from_limbs(limbs: [Z; 5], bound: f64) -> Self {
        Self { limbs, bound: Bound::new(bound), field: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn limbs(&self) -> [Z; 5] {
        self.limbs
    }

    #[inline(always)]
    pub(crate) fn isa(&self) -> Isa {
        isa(self.limbs[0])
    }

    #[inline(always)]
    pub(crate) fn bound(&self) -> f64 {
        self.bound.get()
    }

    #[inline(always)]
    pub(crate) fn zero(isa: Isa) -> Self {
        Self::from_limbs([lanes::zero(isa); 5], 0.0)
    }

    #[inline(always)]
    pub(crate) fn one(isa: Isa) -> Self {
        Self::constant(isa, &F::ONE)
    }

    /// The same canonical value, in limbs of our Montgomery form, in all lanes.
    #[inline(always)]
    pub(crate) fn constant(isa: Isa, limbs: &[u64; 5]) -> Self {
        Self::from_limbs(constant(isa, limbs), 1.0)
    }

    /// The same element in all lanes.
    pub(crate) fn splat(isa: Isa, x: &F::Ark) -> Self {
        Self::constant(isa, &limbs_of::<F>(x))
    }

    /// As a factor; costs nothing.
    #[inline(always)]
    pub(crate) fn lazy(&self) -> Lazy<F> {
        Lazy { limbs: self.limbs, bound: self.bound, field: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn raw(&self) -> Raw<F> {
        Raw { limbs: self.limbs, bound: self.bound, field: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn plus(&self, b: &Self) -> Raw<F> {
        self.raw().plus(b)
    }

    #[inline(always)]
    pub(crate) fn double(&self) -> Raw<F> {
        self.raw().plus(self)
    }

    /// `9 self`.
    #[inline(always)]
    pub(crate) fn times_nine(&self) -> Raw<F> {
        let limbs = zip(&self.limbs, &self.limbs, |x, y| lanes::add(lanes::shl::<3>(x), y));
        Raw { limbs, bound: Bound::new(9.0 * self.bound()), field: PhantomData }
    }

    /// `self - b + K p`, for b below `K p`.
    #[inline(always)]
    pub(crate) fn minus<const K: u64>(&self, b: &Self) -> Raw<F> {
        self.raw().minus::<K>(b)
    }

    /// `K p - self`.
    #[inline(always)]
    pub(crate) fn negate<const K: u64>(&self) -> Raw<F> {
        Self::zero(self.isa()).minus::<K>(self)
    }

    /// `2p - self` in the lanes of the mask, for self at most 2p.
    #[inline(always)]
    pub(crate) fn negate_lanes(&self, mask: u8) -> Raw<F> {
        debug_assert!(self.bound() <= 2.0);
        let from = constant(self.isa(), &const { bias(F::P64, 2) });
        let mut limbs = self.limbs;
        let mut i = 0;
        while i < 5 {
            limbs[i] = lanes::select_sub(mask, from[i], limbs[i], limbs[i]);
            i += 1;
        }
        Raw { limbs, bound: Bound::new(2.0), field: PhantomData }
    }

    /// Where the mask's bit is set `a`, else `b`.
    #[inline(always)]
    pub(crate) fn select(mask: u8, a: &Self, b: &Self) -> Self {
        let limbs = zip(&a.limbs, &b.limbs, |x, y| lanes::select(mask, x, y));
        Self::from_limbs(limbs, a.bound().max(b.bound()))
    }

    /// In lane i what lane `index[i]` holds.
    #[inline(always)]
    pub(crate) fn permute(&self, index: Z) -> Self {
        let v = &self.limbs;
        let limbs = [
            look_up(v[0], index),
            look_up(v[1], index),
            look_up(v[2], index),
            look_up(v[3], index),
            look_up(v[4], index),
        ];
        Self { limbs, ..*self }
    }

    /// In `[0, p)`, for a value below 4p.
    #[inline(always)]
    pub(crate) fn canonical(&self) -> Self {
        debug_assert!(self.bound() <= 4.0, "{}", self.bound());
        let mut r = self.limbs;
        for subtract in [const { multiple(F::P64, 2) }, F::P] {
            let d = carry(&zip(&r, &constant(self.isa(), &subtract), lanes::sub));
            let negative = lanes::negative(d[4]);
            r = zip(&r, &d, |old, new| lanes::select(negative, old, new));
        }
        Self::from_limbs(r, 1.0)
    }

    /// The lanes that are zero modulo p, for a value below 4p.
    #[inline(always)]
    pub(crate) fn zero_lanes(&self) -> u8 {
        let [a, b, c, d, e] = self.canonical().limbs;
        let any = lanes::or(lanes::or(lanes::or(a, b), lanes::or(c, d)), e);
        lanes::equal(any, lanes::zero(self.isa()))
    }

    /// From 8 elements of arkworks; below 16p (a shift, no multiplication).
    #[inline(always)]
    pub(crate) fn from_ark_wide(isa: Isa, x: &[F::Ark; 8]) -> Self {
        let words = words_of::<F>(isa, x);
        let mask = splat(isa, MASK);
        let limbs = [
            and(lanes::shl::<4>(words[0]), mask),
            and(lanes::shr_pair::<48>(words[0], words[1]), mask),
            and(lanes::shr_pair::<36>(words[1], words[2]), mask),
            and(lanes::shr_pair::<24>(words[2], words[3]), mask),
            shr::<12>(words[3]),
        ];
        Self::from_limbs(limbs, 16.0)
    }

    /// From 8 elements of arkworks; below 2.2p.
    #[inline(always)]
    pub(crate) fn from_ark(isa: Isa, x: &[F::Ark; 8]) -> Self {
        Self::from_ark_wide(isa, x).raw().red_wide()
    }

    /// To 8 elements of arkworks.
    #[inline(always)]
    pub(crate) fn to_ark(self) -> [F::Ark; 8] {
        let factor = Self::constant(self.isa(), &F::TO_ARK);
        let w = mul(&self.lazy(), &factor.lazy()).norm().canonical().to_words();
        let of = ark_of::<F>;
        [of(w[0]), of(w[1]), of(w[2]), of(w[3]), of(w[4]), of(w[5]), of(w[6]), of(w[7])]
    }

    /// The 8 values as plain integers, canonical; no longer in Montgomery form.
    #[inline(always)]
    pub(crate) fn to_integer(self) -> Self {
        let one = Self::constant(self.isa(), &[1, 0, 0, 0, 0]);
        mul(&self.lazy(), &one.lazy()).norm().canonical()
    }

    /// The limbs packed into 64-bit words, lane by lane: for a value below 2^256.
    #[inline(always)]
    pub(crate) fn to_words(self) -> [[u64; 4]; 8] {
        let [a, b, c, d] = self.pack();
        let (a, b, c, d) = (a.to_array(), b.to_array(), c.to_array(), d.to_array());
        let mut words = [[0; 4]; 8];
        let mut i = 0;
        while i < 8 {
            words[i] = [a[i], b[i], c[i], d[i]];
            i += 1;
        }
        words
    }

    /// From 64-bit words, lane by lane, of values below `bound * p`.
    #[inline(always)]
    pub(crate) fn from_words(isa: Isa, words: &[[u64; 4]; 8], bound: f64) -> Self {
        let flat = words.as_flattened();
        let (rows, _) = flat.as_chunks::<8>();
        let rows = [
            lanes::from_array(isa, &rows[0]),
            lanes::from_array(isa, &rows[1]),
            lanes::from_array(isa, &rows[2]),
            lanes::from_array(isa, &rows[3]),
        ];
        let words =
            [word_of(isa, &rows, 0), word_of(isa, &rows, 1), word_of(isa, &rows, 2), word_of(isa, &rows, 3)];
        Self::unpack(words, bound)
    }

    /// Four vectors of 64-bit words: for a value below 2^256.
    #[inline(always)]
    pub(crate) fn pack(&self) -> [Z; 4] {
        debug_assert!(self.bound() < 5.0, "a value below 2^256");
        let v = &self.limbs;
        [
            lanes::or(v[0], lanes::shl::<52>(v[1])),
            lanes::or(shr::<12>(v[1]), lanes::shl::<40>(v[2])),
            lanes::or(shr::<24>(v[2]), lanes::shl::<28>(v[3])),
            lanes::or(shr::<36>(v[3]), lanes::shl::<16>(v[4])),
        ]
    }

    /// The reverse of [`pack`](Self::pack), for a value below `bound * p`.
    #[inline(always)]
    pub(crate) fn unpack(words: [Z; 4], bound: f64) -> Self {
        let mask = splat(isa(words[0]), MASK);
        let limbs = [
            and(words[0], mask),
            and(lanes::shr_pair::<52>(words[0], words[1]), mask),
            and(lanes::shr_pair::<40>(words[1], words[2]), mask),
            and(lanes::shr_pair::<28>(words[2], words[3]), mask),
            shr::<16>(words[3]),
        ];
        Self::from_limbs(limbs, bound)
    }
}

impl<F: Prime> Lazy<F> {
    /// From 64-bit words (see [`Norm::pack`]), of a value below `bound * p`.
    #[inline(always)]
    pub(crate) fn from_words(words: [Z; 4], bound: f64) -> Self {
        let [a, b, c, d] = words;
        let (second, third) = (lanes::shr_pair::<52>(a, b), lanes::shr_pair::<40>(b, c));
        Self::from_limbs([a, second, third, lanes::shr_pair::<28>(c, d), shr::<16>(d)], bound)
    }

    /// From limbs whose carries have been added in, of a value below `bound * p`.
    #[inline(always)]
    pub(crate) fn from_limbs(limbs: [Z; 5], bound: f64) -> Self {
        Self { limbs, bound: Bound::new(bound), field: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn limbs(&self) -> [Z; 5] {
        self.limbs
    }

    /// Where the mask's bit is set `a`, else `b`.
    #[inline(always)]
    pub(crate) fn select(mask: u8, a: &Self, b: &Self) -> Self {
        let limbs = zip(&a.limbs, &b.limbs, |x, y| lanes::select(mask, x, y));
        Self { limbs, bound: Bound::new(a.bound().max(b.bound())), field: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn isa(&self) -> Isa {
        isa(self.limbs[0])
    }

    #[inline(always)]
    pub(crate) fn bound(&self) -> f64 {
        self.bound.get()
    }
}

impl<F: Prime> Raw<F> {
    #[inline(always)]
    pub(crate) fn limbs(&self) -> [Z; 5] {
        self.limbs
    }

    #[inline(always)]
    pub(crate) fn bound(&self) -> f64 {
        self.bound.get()
    }

    #[inline(always)]
    pub(crate) fn plus(self, b: &Norm<F>) -> Self {
        self.sum(&b.raw())
    }

    #[inline(always)]
    pub(crate) fn sum(self, b: &Self) -> Self {
        let limbs = zip(&self.limbs, &b.limbs, lanes::add);
        Self { limbs, bound: Bound::new(self.bound() + b.bound()), field: PhantomData }
    }

    /// `self - b + K p`, for b below `K p`.
    #[inline(always)]
    pub(crate) fn minus<const K: u64>(self, b: &Norm<F>) -> Self {
        debug_assert!(b.bound() < K as f64 - 0.001, "{} p taken from {K} p", b.bound());
        let isa = b.isa();
        let biased = zip(&self.limbs, &constant(isa, &const { bias(F::P64, K) }), lanes::add);
        let limbs = zip(&biased, &b.limbs, lanes::sub);
        Self { limbs, bound: Bound::new(self.bound() + K as f64), field: PhantomData }
    }

    /// `self - a - b - c + K p`, for a + b + c below `K p`: the caller says how large they are
    /// together (below the sum of their bounds where they are related).
    #[inline(always)]
    pub(crate) fn minus_three<const K: u64>(
        self,
        a: &Norm<F>,
        b: &Norm<F>,
        c: &Norm<F>,
        together: f64,
    ) -> Self {
        debug_assert!(together < K as f64 - 0.001, "{together} p taken from {K} p");
        let isa = b.isa();
        let biased = zip(&self.limbs, &constant(isa, &const { bias(F::P64, K) }), lanes::add);
        let limbs =
            zip(&zip(&biased, &a.limbs, lanes::sub), &zip(&b.limbs, &c.limbs, lanes::add), lanes::sub);
        Self { limbs, bound: Bound::new(self.bound() + K as f64), field: PhantomData }
    }

    /// Carries; the value stays.
    #[inline(always)]
    pub(crate) fn norm(&self) -> Norm<F> {
        debug_assert!(self.bound() < 84.0, "the top limb stays below 2^52");
        Norm::from_limbs(carry(&self.limbs), self.bound())
    }

    /// Carries for a multiplication; the value stays.
    #[inline(always)]
    pub(crate) fn lazy(&self) -> Lazy<F> {
        debug_assert!(self.bound() < 84.0, "the top limb stays below 2^52");
        Lazy { limbs: carry_lazily(&self.limbs), bound: self.bound, field: PhantomData }
    }

    /// Below 1.07p, for a value below 7.9p whose top limb is not negative.
    ///
    /// The quotient's estimate `q = floor(t_4 QUOTIENT / 2^52)` is at most `t / p` and misses it by
    /// less than `1 + 8 (1 - 84/84.6) < 1.06` (plus what the uncarried limbs add, below 2^-38).
    #[inline(always)]
    pub(crate) fn red(&self) -> Norm<F> {
        debug_assert!(self.bound() < 7.95, "{} p", self.bound());
        self.subtract_multiple(F::QUOTIENT, &F::MULTIPLES, 1.07)
    }

    /// Below 2.2p, for a value below 16p whose top limb is not negative.
    #[inline(always)]
    pub(crate) fn red_wide(&self) -> Norm<F> {
        debug_assert!(self.bound() <= 16.0, "{} p", self.bound());
        self.subtract_multiple(F::EVEN_QUOTIENT, &F::EVEN_MULTIPLES, 2.2)
    }

    #[inline(always)]
    fn subtract_multiple(&self, quotient: u64, multiples: &[[u64; 8]; 5], bound: f64) -> Norm<F> {
        let isa = isa(self.limbs[0]);
        let q = madd_hi(lanes::zero(isa), self.limbs[4], splat(isa, quotient));
        debug_assert!(lanes::negative(self.limbs[4]) == 0, "a top limb below zero");
        debug_assert!(q.to_array().iter().all(|q| *q < 8), "a quotient beyond the table");
        let mut limbs = self.limbs;
        let mut i = 0;
        while i < 5 {
            limbs[i] = lanes::sub(limbs[i], look_up(lanes::from_array(isa, &multiples[i]), q));
            i += 1;
        }
        Norm::from_limbs(carry(&limbs), bound)
    }
}

impl<F: Prime> Columns<F> {
    /// The empty sum.
    #[inline(always)]
    pub(crate) fn zero(isa: Isa) -> Self {
        Self { columns: [lanes::zero(isa); 10], bound: Bound::new(0.0), field: PhantomData }
    }

    /// `a * b`.
    #[inline(always)]
    pub(crate) fn product(a: &Lazy<F>, b: &Lazy<F>) -> Self {
        Self::zero(a.isa()).plus_product(a, b)
    }

    /// `self + a * b`. At most 100 products in all: a product adds less than 9 * 2^52 to a column,
    /// so that columns stay below 900 * 2^52 and, with what the reduction adds, below 2^62.
    #[inline(always)]
    pub(crate) fn plus_product(mut self, a: &Lazy<F>, b: &Lazy<F>) -> Self {
        let t = &mut self.columns;
        let mut i = 0;
        while i < 5 {
            let mut j = 0;
            while j < 5 {
                t[i + j] = madd_lo(t[i + j], a.limbs[i], b.limbs[j]);
                t[i + j + 1] = madd_hi(t[i + j + 1], a.limbs[i], b.limbs[j]);
                j += 1;
            }
            i += 1;
        }
        self.bound = Bound::new(self.bound.get() + a.bound() * b.bound());
        self
    }

    /// `a^2`.
    #[inline(always)]
    pub(crate) fn square(a: &Lazy<F>) -> Self {
        let mut t = [lanes::zero(a.isa()); 10];
        let mut i = 0;
        while i < 5 {
            let mut j = i + 1;
            while j < 5 {
                t[i + j] = madd_lo(t[i + j], a.limbs[i], a.limbs[j]);
                t[i + j + 1] = madd_hi(t[i + j + 1], a.limbs[i], a.limbs[j]);
                j += 1;
            }
            i += 1;
        }
        let mut k = 1;
        while k < 9 {
            t[k] = lanes::add(t[k], t[k]);
            k += 1;
        }
        let mut i = 0;
        while i < 5 {
            t[2 * i] = madd_lo(t[2 * i], a.limbs[i], a.limbs[i]);
            t[2 * i + 1] = madd_hi(t[2 * i + 1], a.limbs[i], a.limbs[i]);
            i += 1;
        }
        Self { columns: t, bound: Bound::new(a.bound() * a.bound()), field: PhantomData }
    }

    /// The sum of two sums.
    #[inline(always)]
    pub(crate) fn sum(mut self, b: &Self) -> Self {
        let mut i = 0;
        while i < 10 {
            self.columns[i] = lanes::add(self.columns[i], b.columns[i]);
            i += 1;
        }
        self.bound = Bound::new(self.bound.get() + b.bound.get());
        self
    }

    /// Montgomery reduction: below `(2 + bound / 84.6) p`.
    #[inline(always)]
    pub(crate) fn reduce(self) -> Raw<F> {
        let isa = isa(self.columns[0]);
        let mut t = self.columns;
        let fold = constant(isa, &F::FOLD);
        let mut i = 0;
        while i < 4 {
            t[i + 1] = lanes::add(t[i + 1], shr::<LIMB>(t[i]));
            let mut j = 0;
            while j < 5 {
                t[i + 1 + j] = madd_lo(t[i + 1 + j], t[i], fold[j]);
                t[i + 2 + j] = madd_hi(t[i + 2 + j], t[i], fold[j]);
                j += 1;
            }
            i += 1;
        }
        let p = constant(isa, &F::P);
        let q = madd_lo(lanes::zero(isa), t[4], splat(isa, F::NEG_INV));
        let mut j = 0;
        while j < 5 {
            t[4 + j] = madd_lo(t[4 + j], q, p[j]);
            t[5 + j] = madd_hi(t[5 + j], q, p[j]);
            j += 1;
        }
        t[5] = lanes::add(t[5], shr::<LIMB>(t[4]));
        let bound = Bound::new(2.001 + self.bound.get() / 84.6);
        Raw { limbs: [t[5], t[6], t[7], t[8], t[9]], bound, field: PhantomData }
    }
}

/// `a * b`: below `(2 + a b / 84.6) p`.
#[inline(always)]
pub(crate) fn mul<F: Prime>(a: &Lazy<F>, b: &Lazy<F>) -> Raw<F> {
    Columns::product(a, b).reduce()
}

/// `a^2`.
#[inline(always)]
pub(crate) fn sqr<F: Prime>(a: &Lazy<F>) -> Raw<F> {
    Columns::square(a).reduce()
}
