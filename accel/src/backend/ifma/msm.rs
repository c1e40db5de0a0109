//! Multi-scalar multiplication: buckets of signed digits (Pippenger), filled by batch-affine sums.
//!
//! For fixed bases ([`Bases`]): laid out once, together with `phi(P) = lambda P` and, where memory
//! allows, the multiples `2^(c m j) P`, so that several windows share one set of buckets. Then a
//! product is: halve the scalars ([`recode`](super::recode)), sort the digits of each window by
//! size, sum each bucket ([`segments`](super::segments)), weight the buckets. The weighted sum
//! `sum b S_b` writes b as `hi 2^k + lo`, sums rows and columns, and then the rows (and columns)
//! whose index has bit j, for each j: all of it batch-affine; what is left is one doubling per bit
//! of the scalar and one addition per bit of a window.
//!
//! The work of one product is cut into equal pieces of (window, base) pairs, one or more for each
//! thread.

use super::lanes::Isa;
use super::points::{Group, endomorphism, store};
use super::recode::{Cut, Halves, digits};
use super::segments::{Lists, Summer, Sums};
use ark_bn254::Fq;
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ff::AdditiveGroup;
use core::ops::Range;
use rayon::prelude::*;
use std::sync::Mutex;
use zeroize::Zeroize;

/// Entries of one piece at most: its slots stay within the caches.
const PIECE: usize = 1 << 20;
/// Bases laid out together.
const LAYOUT: usize = 4096;
/// Digits looked at together.
const BLOCK: usize = 512;

/// Fixed bases, laid out for products.
pub(crate) struct Bases<G: Group> {
    isa: Isa,
    /// Copy by copy, each of `len` points: `P`, `phi(P)`, then `2^(width stride) P`, `phi` of it,
    /// and so on.
    points: Vec<G::Stored>,
    len: usize,
    cut: Cut,
    /// Sets of buckets. Window `c + classes j` goes to set c, with the points of copy j.
    classes: usize,
    /// How many windows share a set of buckets.
    merged: usize,
    pool: Mutex<Vec<Workspace<G>>>,
}

/// Scratch of one piece.
struct Workspace<G: Group> {
    lists: Lists,
    reduction: Lists,
    summer: Summer<G>,
    counts: Vec<u32>,
}

/// The halves of the scalars that go with the bases, offset for its windows; wiped on drop.
#[derive(Default)]
pub(crate) struct Recoded {
    low: [Vec<u64>; 2],
    high: [Vec<i64>; 2],
}

impl Drop for Recoded {
    fn drop(&mut self) {
        self.low.iter_mut().for_each(Zeroize::zeroize);
        self.high.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// The width that costs the fewest additions for n bases whose windows share buckets `merged` at a
/// time.
pub(crate) fn best_width(n: usize, merged: usize) -> usize {
    let cost = |width: &usize| {
        let cut = Cut::new(*width);
        // Where windows are not merged, only the last may hold digits beyond half a window.
        let usual = 2 << (width - 1);
        cut.windows * 2 * n + (cut.windows.div_ceil(merged) - 1) * usual + 2 * cut.buckets()
    };
    (3..=16).min_by_key(cost).expect("a range of widths")
}

impl<G: Group> Bases<G> {
    /// Lays out `len` bases (none of them infinity) and the multiples that merge `merged` windows
    /// into one.
    pub(crate) fn new(
        isa: Isa,
        len: usize,
        base: &(dyn Fn(usize) -> Affine<G::Curve> + Sync),
        beta: Fq,
        merged: usize,
    ) -> Self {
        let cut = Cut::new(best_width(len, merged));
        let classes = cut.windows.div_ceil(merged);
        let merged = cut.windows.div_ceil(classes);
        let stride = classes * cut.width;
        // Every point is made in its place: a key is large, and so would be a copy.
        let mut points = vec![G::BLANK; 2 * len * merged];
        let copies = points.chunks_mut(2 * len.max(1));
        let mut last: Option<&[G::Stored]> = None;
        for copy in copies {
            let (plain, turned) = copy.split_at_mut(len);
            let parts = plain.par_chunks_mut(LAYOUT);
            match last {
                None => parts.enumerate().for_each(|(part, to)| {
                    let first = part * LAYOUT;
                    let bases: Vec<_> = (first..first + to.len()).map(base).collect();
                    store::<G>(isa, &bases, to);
                }),
                Some(last) => {
                    let parts = parts.zip(last.par_chunks(LAYOUT));
                    parts.for_each(|(to, from)| to.copy_from_slice(&shifted::<G>(isa, from, stride)));
                }
            }
            let parts = turned.par_chunks_mut(LAYOUT).zip(plain.par_chunks(LAYOUT));
            parts.for_each(|(to, from)| endomorphism::<G>(isa, from, beta, to));
            last = Some(plain);
        }
        Self { isa, points, len, cut, classes, merged, pool: Mutex::new(Vec::new()) }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.points.len() * size_of::<G::Stored>()
    }

    /// Appends the halves at the given places, one for each base in turn.
    pub(crate) fn fill(&self, recoded: &mut Recoded, halves: &Halves, places: &[u32]) {
        let offset = self.cut.offset();
        let (low, high) = (offset as u64, (offset >> 64) as i64);
        for half in 0..2 {
            let (from_low, from_high) = (&halves.low[half], &halves.high[half]);
            let (lows, highs) = (&mut recoded.low[half], &mut recoded.high[half]);
            // All at once: a vector that grew bit by bit would leave copies behind.
            lows.reserve_exact(self.len.saturating_sub(lows.len()));
            highs.reserve_exact(self.len.saturating_sub(highs.len()));
            let first = lows.len();
            lows.resize(first + places.len(), 0);
            highs.resize(first + places.len(), 0);
            let ends = lows[first..].par_iter_mut().zip(&mut highs[first..]);
            ends.zip(places).with_min_len(4096).for_each(|((to_low, to_high), place)| {
                let (sum, carry) = from_low[*place as usize].overflowing_add(low);
                *to_low = sum;
                *to_high = from_high[*place as usize] + high + i64::from(carry);
            });
        }
    }

    /// The product.
    pub(crate) fn sum(&self, recoded: &Recoded) -> Projective<G::Curve> {
        assert_eq!(recoded.low[0].len(), self.len, "one scalar for each base");
        if self.len == 0 {
            return Projective::ZERO;
        }
        let pieces = self.pieces(rayon::current_num_threads());
        let parts: Vec<Vec<Weighted<G>>> = if pieces.len() == 1 {
            vec![self.piece(recoded, pieces[0].clone())]
        } else {
            pieces.into_par_iter().map(|piece| self.piece(recoded, piece)).collect()
        };
        combine::<G>(&parts.concat())
    }

    /// The flat range of (window, half, base) triples, cut in equal pieces: whole windows where
    /// that comes out even.
    fn pieces(&self, threads: usize) -> Vec<Range<usize>> {
        let window = 2 * self.len * self.merged;
        let classes = self.classes;
        let total = window * classes;
        let count = threads * total.div_ceil(PIECE * threads);
        let unit = if classes.is_multiple_of(count) {
            window
        } else if count >= classes && count.is_multiple_of(classes) {
            1
        } else if threads == 1 {
            window
        } else {
            1
        };
        let units = total / unit;
        let count = count.min(units);
        (0..count).map(|i| i * units / count * unit..(i + 1) * units / count * unit).collect()
    }

    /// The weighted sums of one piece.
    fn piece(&self, recoded: &Recoded, range: Range<usize>) -> Vec<Weighted<G>> {
        let mut space = self.pool.lock().expect("no holder panics").pop().unwrap_or_else(|| Workspace {
            lists: Lists::default(),
            reduction: Lists::default(),
            summer: Summer::new(self.isa),
            counts: Vec::new(),
        });
        let sums = self.run(&mut space, recoded, range);
        space.summer.wipe(&mut space.lists);
        self.pool.lock().expect("no holder panics").push(space);
        sums
    }

    fn run(&self, space: &mut Workspace<G>, recoded: &Recoded, range: Range<usize>) -> Vec<Weighted<G>> {
        let Workspace { lists, reduction, summer, counts } = space;
        let window = 2 * self.len * self.merged;
        let classes = range.start / window..range.end.div_ceil(window);
        // One list for each bucket, and one in front for the digits that are zero. The last set may
        // have more than the others.
        let stride = self.buckets(0) + 1;
        let list_of = |class: usize| (class - classes.start) * stride;
        counts.clear();
        counts.resize(list_of(classes.end - 1) + self.buckets(classes.end - 1) + 1, 0);
        self.each_block(recoded, &range, |class, _, digits| {
            let counts = &mut counts[list_of(class)..];
            for digit in digits {
                counts[digit.unsigned_abs() as usize] += 1;
            }
        });
        for class in classes.clone() {
            counts[list_of(class)] = 0;
        }
        lists.plan(counts);
        self.each_block(recoded, &range, |class, first, digits| {
            let list = list_of(class);
            for (i, digit) in digits.iter().enumerate() {
                if *digit != 0 {
                    let entry = 2 * (first + i) as u32 + u32::from(*digit < 0);
                    lists.push(list + digit.unsigned_abs() as usize, entry);
                }
            }
        });
        let sums = summer.sum(&self.points, lists, counts.len());
        let positions: Vec<usize> = classes.clone().map(|class| class * self.cut.width).collect();
        let weighted = weigh::<G>(summer, reduction, &sums, stride, &positions);
        summer.recycle(sums);
        weighted
    }

    /// Buckets of a set.
    fn buckets(&self, class: usize) -> usize {
        // Only the last window has digits beyond half a window; merged with others, it may be in
        // any set.
        if self.merged == 1 && class + 1 < self.classes {
            1 << (self.cut.width - 1)
        } else {
            self.cut.buckets()
        }
    }

    /// Calls with the class of windows, the index of the first point, and the digits of up to
    /// [`BLOCK`] points.
    #[inline(always)]
    fn each_block(
        &self,
        recoded: &Recoded,
        range: &Range<usize>,
        mut call: impl FnMut(usize, usize, &[i32]),
    ) {
        let mut buffer = [0i32; BLOCK];
        let window = 2 * self.len * self.merged;
        let mut at = range.start;
        while at < range.end {
            let (class, within) = (at / window, at % window);
            let (copy, base) = (within / self.len, within % self.len);
            let count = BLOCK.min(self.len - base).min(range.end - at);
            let half = copy % 2;
            let places = base..base + count;
            let digits_here = &mut buffer[..count];
            let at_window = class + copy / 2 * self.classes;
            at += count;
            if at_window >= self.cut.windows {
                continue;
            }
            let (low, high) = (&recoded.low[half][places.clone()], &recoded.high[half][places]);
            digits(self.isa, self.cut, at_window, low, high, digits_here);
            call(class, within, digits_here);
        }
        buffer.zeroize();
    }
}

/// `2^bits P` for each point: each is doubled `bits` times.
fn shifted<G: Group>(isa: Isa, points: &[G::Stored], bits: usize) -> Vec<G::Stored> {
    let (mut lists, mut summer) = (Lists::default(), Summer::<G>::new(isa));
    lists.plan(&vec![2; points.len()]);
    for point in 0..points.len() {
        lists.push(point, 2 * point as u32);
        lists.push(point, 2 * point as u32);
    }
    let mut points = points.to_vec();
    for _ in 0..bits {
        let doubled = summer.sum(&points, &lists, points.len());
        debug_assert!(
            doubled.finite.iter().all(|finite| *finite),
            "a group of odd order has no point of order two"
        );
        points = doubled.points;
    }
    points
}

/// A point, and the power of two it counts for.
pub(crate) struct Weighted<G: Group> {
    point: Affine<G::Curve>,
    power: usize,
}

impl<G: Group> Clone for Weighted<G> {
    fn clone(&self) -> Self {
        Self { point: self.point, power: self.power }
    }
}

/// `sum 2^power P`, by one chain of doublings.
fn combine<G: Group>(terms: &[Weighted<G>]) -> Projective<G::Curve> {
    let top = terms.iter().map(|t| t.power).max().unwrap_or(0);
    let mut by_power = vec![Vec::new(); top + 1];
    for term in terms {
        by_power[term.power].push(term.point);
    }
    let mut sum = Projective::ZERO;
    for points in by_power.iter().rev() {
        sum.double_in_place();
        for point in points {
            sum += point;
        }
    }
    sum
}

/// For each set of buckets, `sum b S_b` as points with powers of two. `S_b` is at
/// `set * stride + b`; the last set takes all that is left.
fn weigh<G: Group>(
    summer: &mut Summer<G>,
    lists: &mut Lists,
    sums: &Sums<G>,
    stride: usize,
    positions: &[usize],
) -> Vec<Weighted<G>> {
    let last = sums.finite.len() - (positions.len() - 1) * stride;
    let bits = (last.max(stride) - 1).ilog2() as usize + 1;
    let low = bits / 2;
    let (columns, rows) = (1usize << low, 1usize << (bits - low));
    // Rows, then columns, of each set.
    let lines = rows + columns;
    let mut terms = Vec::with_capacity(2 * sums.finite.len());
    for set in 0..positions.len() {
        let first = set * stride;
        let end = if set + 1 == positions.len() { sums.finite.len() } else { first + stride };
        for at in (first + 1..end).filter(|at| sums.finite[*at]) {
            let (b, line) = (at - first, set * lines);
            let (row, column) = (b >> low, b & (columns - 1));
            if row > 0 {
                terms.push(((line + row) as u32, at as u32));
            }
            if column > 0 {
                terms.push(((line + rows + column) as u32, at as u32));
            }
        }
    }
    let line_sums = sum_terms(summer, lists, &sums.points, &terms, positions.len() * lines);

    // The lines whose index has bit j: rows first, then columns.
    let row_bits = bits - low;
    terms.clear();
    for set in 0..positions.len() {
        for line in (0..lines).filter(|line| line_sums.finite[set * lines + line]) {
            let (index, first, bits) =
                if line < rows { (line, 0, row_bits) } else { (line - rows, row_bits, low) };
            for bit in (0..bits).filter(|bit| index >> bit & 1 == 1) {
                terms.push(((set * (row_bits + low) + first + bit) as u32, (set * lines + line) as u32));
            }
        }
    }
    let count = positions.len() * (row_bits + low);
    let bit_sums = sum_terms(summer, lists, &line_sums.points, &terms, count);
    let points = super::points::load::<G>(summer.isa(), &bit_sums.points);
    let mut weighted = Vec::with_capacity(count);
    for (set, position) in positions.iter().enumerate() {
        for bit in 0..row_bits + low {
            let at = set * (row_bits + low) + bit;
            if bit_sums.finite[at] {
                let power = position + if bit < row_bits { low + bit } else { bit - row_bits };
                weighted.push(Weighted { point: points[at], power });
            }
        }
    }
    summer.recycle(line_sums);
    summer.recycle(bit_sums);
    weighted
}

/// Sums lists given as (list, point) terms.
fn sum_terms<G: Group>(
    summer: &mut Summer<G>,
    lists: &mut Lists,
    points: &[G::Stored],
    terms: &[(u32, u32)],
    count: usize,
) -> Sums<G> {
    let mut counts = vec![0; count];
    for (list, _) in terms {
        counts[*list as usize] += 1;
    }
    lists.plan(&counts);
    for (list, point) in terms {
        lists.push(*list as usize, 2 * point);
    }
    summer.sum(points, lists, count)
}

#[cfg(test)]
mod tests {
    use super::super::points::{G1, G2};
    use super::super::recode::{beta_g1, beta_g2, halves_of};
    use super::*;
    use ark_bn254::{Fr, g1, g2};
    use ark_ec::short_weierstrass::SWCurveConfig;
    use ark_ec::{CurveGroup, PrimeGroup};
    use ark_ff::{Field, PrimeField, UniformRand};

    fn product<G: Group>(
        isa: Isa,
        bases: &[Affine<G::Curve>],
        scalars: &[Fr],
        beta: Fq,
        merged: usize,
    ) -> Projective<G::Curve> {
        let prepared = Bases::<G>::new(isa, bases.len(), &|i| bases[i], beta, merged);
        let halves = halves_of(isa, scalars, None);
        let mut recoded = Recoded::default();
        prepared.fill(&mut recoded, &halves, &(0..bases.len() as u32).collect::<Vec<_>>());
        prepared.sum(&recoded)
    }

    fn agrees<G: Group>(beta: Fq) {
        let Some(isa) = Isa::detect() else { return };
        let mut rng = ark_std::test_rng();
        let check = |bases: &[Affine<G::Curve>], scalars: &[Fr], what: &str| {
            let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
            let expected: Projective<G::Curve> = crate::straus::msm(bases, &integers);
            for merged in [1, 2, 4] {
                assert!(
                    product::<G>(isa, bases, scalars, beta, merged) == expected,
                    "{what}, {} bases, {merged}",
                    bases.len()
                );
            }
        };
        for n in [0usize, 1, 2, 7, 8, 9, 100, 777] {
            let bases: Vec<Affine<G::Curve>> =
                (0..n).map(|_| Projective::<G::Curve>::rand(&mut rng).into_affine()).collect();
            let random: Vec<Fr> = (0..n).map(|_| Fr::rand(&mut rng)).collect();
            check(&bases, &random, "random");
            let small = |i: usize| [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2u64), Fr::from(77u64)][i % 5];
            check(&bases, &(0..n).map(small).collect::<Vec<_>>(), "small");
            check(&bases, &vec![random.first().copied().unwrap_or_default(); n], "equal scalars");
            check(&bases, &vec![Fr::ZERO; n], "zeros");
            if n > 0 {
                check(&vec![bases[0]; n], &random, "equal bases");
                check(&vec![bases[0]; n], &vec![Fr::ONE; n], "equal bases, ones");
                let opposite: Vec<_> =
                    (0..n).map(|i| if i % 2 == 0 { bases[0] } else { -bases[0] }).collect();
                check(&opposite, &vec![random[0]; n], "opposite bases");
                let progression: Vec<_> =
                    (0..n).map(|i| (bases[0] * Fr::from(i as u64 + 1)).into_affine()).collect();
                check(&progression, &random, "progression");
                check(&progression, &vec![Fr::ONE; n], "progression, ones");
            }
        }
    }

    #[test]
    fn products_in_g1_agree_with_shared_doublings() {
        agrees::<G1>(beta_g1());
    }

    #[test]
    fn products_in_g2_agree_with_shared_doublings() {
        agrees::<G2>(beta_g2());
    }

    #[test]
    fn any_number_of_threads_gives_the_same_product() {
        let Some(isa) = Isa::detect() else { return };
        let mut rng = ark_std::test_rng();
        let n = 3000;
        let bases: Vec<_> = (0..n).map(|_| ark_bn254::G1Projective::rand(&mut rng).into_affine()).collect();
        let scalars: Vec<Fr> = (0..n).map(|_| Fr::rand(&mut rng)).collect();
        let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
        let expected: Projective<g1::Config> = crate::straus::msm(&bases, &integers);
        for threads in [1, 2, 3, 5, 16] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let product = pool.install(|| product::<G1>(isa, &bases, &scalars, beta_g1(), 1));
            assert_eq!(product, expected, "{threads} threads");
        }
        assert!(
            g2::Config::GENERATOR.is_on_curve() && ark_bn254::G1Projective::generator() != Projective::ZERO
        );
    }
}
