//! A verifier's weighted points: `w P` for many points, and sums of them, eight lists of points
//! side by side.
//!
//! A [`Weight`] is `a + b lambda` with halves of 64 bits in 32 signed digits of base 4, each 1 or 3
//! in size (never zero). So a multiple takes 64 doublings and 32 additions from a table of eight
//! points, `|a_j| P + |b_j| phi(P)` with either sign between them; a list's points share the
//! doublings (Straus).
//!
//! The sum of one point's multiples never meets a point twice: what has been summed is `4 m` for an
//! Eisenstein integer m, what is added has odd coordinates, and both are far below the order. Sums
//! over several points can (equal points, say): lanes where that happened are found at the end by
//! `z = 0` and their vector is done again with every addition looked at.

use super::field::{Lazy, Norm, Q, mul, sqr};
use super::inverse::invert_lanes;
use super::jacobian::{Jacobian, Sum};
use super::lanes::{self, Isa, kernel};
use super::recode::beta_g1;
use crate::{G1Affine, G1Projective, Weight};
use ark_bn254::Fq;
use ark_ec::AffineRepr;
use ark_ff::AdditiveGroup;

/// Most points in one lane: they share its doublings, and its vector's time.
const MAX_ROUNDS: usize = 16;
/// What a chain of doublings costs, in units of one point's additions and table.
const CHAIN_COST: f64 = 1.1;

/// Eight affine points, parts below 1.07p.
#[derive(Clone, Copy)]
struct Affine {
    x: Norm<Q>,
    y: Norm<Q>,
}

/// Of eight points P, the points `i P ± j phi(P)`: bit 0 of the place says that i is 3 (else 1),
/// bit 1 that j is 3, bit 2 that the sign is minus.
type Table = [Affine; 8];

/// Eight points with their weights' halves; lanes that are not live hold the generator.
struct Eight {
    table: Table,
    a: [u64; 8],
    b: [u64; 8],
    live: u8,
}

/// One addition or doubling of eight affine points each, on its way through a shared inversion.
struct Slope {
    first: Affine,
    second: Affine,
    /// Doubling: the slope is a tangent.
    tangent: bool,
    denominator: Lazy<Q>,
    before: Lazy<Q>,
}

/// `weights[i] * points[i]`.
pub(crate) fn weigh(isa: Isa, points: &[G1Affine], weights: &[Weight]) -> Vec<G1Affine> {
    let lists: Vec<Vec<usize>> = (0..points.len()).map(|i| vec![i]).collect();
    lists_of(isa, points, weights, &lists)
}

/// The sums of `weights[i] * points[i]` over consecutive lists of these lengths.
pub(crate) fn weighted_sums(
    isa: Isa,
    points: &[G1Affine],
    weights: &[Weight],
    lengths: &[usize],
) -> Vec<G1Projective> {
    let rounds = rounds_for(lengths);
    let (mut lists, mut owners) = (Vec::new(), Vec::new());
    let mut start = 0;
    for (owner, length) in lengths.iter().enumerate() {
        let indices: Vec<usize> = (start..start + length).collect();
        // Lanes as even as they can be: a vector takes as long as its fullest lane.
        let lanes = length.div_ceil(rounds);
        for lane in 0..lanes {
            lists.push(indices.iter().copied().skip(lane).step_by(lanes).collect());
            owners.push(owner);
        }
        start += length;
    }
    let mut sums = vec![G1Projective::ZERO; lengths.len()];
    for (sum, owner) in lists_of(isa, points, weights, &lists).into_iter().zip(owners) {
        sums[owner] += sum;
    }
    sums
}

/// How many points a lane should take at most: few vectors against short ones.
fn rounds_for(lengths: &[usize]) -> usize {
    let cost = |rounds: usize| {
        let lanes: usize = lengths.iter().map(|length| length.div_ceil(rounds)).sum();
        lanes.div_ceil(8) as f64 * (CHAIN_COST + rounds as f64)
    };
    (1..=MAX_ROUNDS).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(1)
}

/// The weighted sum of each list of indices, none of them empty.
fn lists_of(isa: Isa, points: &[G1Affine], weights: &[Weight], lists: &[Vec<usize>]) -> Vec<G1Affine> {
    // Vector after vector, its rounds one after another.
    let (mut eights, mut starts) = (Vec::new(), vec![0]);
    for eight in lists.chunks(8) {
        let rounds = eight.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..rounds {
            let mut slots = [None; 8];
            for (lane, list) in eight.iter().enumerate() {
                slots[lane] = list.get(round).copied().filter(|i| !points[*i].is_zero());
            }
            eights.push(Eight::new(isa, slots.map(|slot| slot.map(|i| (&points[i], &weights[i])))));
        }
        starts.push(eights.len());
    }
    fill_tables(isa, &mut eights);
    let mut sums: Vec<(Jacobian, u8)> = starts
        .windows(2)
        .map(|range| {
            let eights = &eights[range[0]..range[1]];
            let (sum, infinite) = accumulate(isa, eights, false);
            // Infinity is a lane's true sum, or the sign of an addition that its formula cannot do.
            if infinite == 0 || eights.len() == 1 { (sum, infinite) } else { accumulate(isa, eights, true) }
        })
        .collect();
    let flat = to_affine(isa, &mut sums);
    flat.into_iter().flatten().take(lists.len()).collect()
}

impl Eight {
    fn new(isa: Isa, slots: [Option<(&G1Affine, &Weight)>; 8]) -> Self {
        let generator = G1Affine::generator();
        let (mut x, mut y) = ([generator.x; 8], [generator.y; 8]);
        let (mut a, mut b, mut live) = ([0; 8], [0; 8], 0);
        for (lane, slot) in slots.iter().enumerate() {
            if let Some((point, weight)) = slot {
                (x[lane], y[lane]) = (point.x, point.y);
                (a[lane], b[lane]) = weight.bits();
                live |= 1 << lane;
            }
        }
        Self { table: [load(isa, &x, &y); 8], a, b, live }
    }
}

/// The tables, from their first entries, the points themselves.
fn fill_tables(isa: Isa, eights: &mut [Eight]) {
    if eights.is_empty() {
        return;
    }
    let beta = Norm::splat(isa, &beta_g1());
    let points: Vec<Affine> = eights.iter().map(|eight| eight.table[0]).collect();
    let images: Vec<Affine> = points.iter().map(|p| phi(isa, p, &beta)).collect();
    let doubles = sums(isa, points.iter().map(|p| Slope::tangent(isa, p)).collect());
    let triples = sums(isa, doubles.iter().zip(&points).map(|(d, p)| Slope::chord(isa, d, p)).collect());
    let triple_images: Vec<Affine> = triples.iter().map(|p| phi(isa, p, &beta)).collect();
    let mut slopes = Vec::with_capacity(6 * points.len());
    for i in 0..points.len() {
        let (one, three) = (&points[i], &triples[i]);
        let (image, triple_image) = (&images[i], &triple_images[i]);
        let (minus, minus_triple) = (negated(isa, image), negated(isa, triple_image));
        slopes.push(Slope::chord(isa, three, image));
        slopes.push(Slope::chord(isa, one, triple_image));
        slopes.push(Slope::chord(isa, one, &minus));
        slopes.push(Slope::chord(isa, three, &minus));
        slopes.push(Slope::chord(isa, one, &minus_triple));
        slopes.push(Slope::chord(isa, three, &minus_triple));
    }
    let others = sums(isa, slopes);
    for (i, eight) in eights.iter_mut().enumerate() {
        let other = &others[6 * i..6 * i + 6];
        // 1 + phi = -phi^2.
        let both = negated(isa, &phi(isa, &images[i], &beta));
        let both_triple = negated(isa, &phi(isa, &triple_images[i], &beta));
        eight.table = [both, other[0], other[1], both_triple, other[2], other[3], other[4], other[5]];
    }
}

impl Slope {
    fn new(isa: Isa, first: &Affine, second: &Affine, tangent: bool) -> Self {
        let zero = Norm::zero(isa).lazy();
        Self { first: *first, second: *second, tangent, denominator: zero, before: zero }
    }

    fn tangent(isa: Isa, point: &Affine) -> Self {
        Self::new(isa, point, point, true)
    }

    fn chord(isa: Isa, first: &Affine, second: &Affine) -> Self {
        Self::new(isa, first, second, false)
    }
}

/// All the sums at once. None may be of equal (but for tangents) or opposite points.
fn sums(isa: Isa, mut slopes: Vec<Slope>) -> Vec<Affine> {
    let product = denominators(isa, &mut slopes);
    let inverse =
        invert_lanes(isa, &product).expect("points of the table's sums differ, and none has order two");
    third_points(isa, &slopes, &inverse)
}

kernel! {
    fn load [] (isa: Isa, x: &[Fq; 8], y: &[Fq; 8]) -> Affine {
        Affine { x: Norm::from_ark(isa, x).raw().red(), y: Norm::from_ark(isa, y).raw().red() }
    }

    fn phi [] (_isa: Isa, point: &Affine, beta: &Norm<Q>) -> Affine {
        Affine { x: mul(&point.x.lazy(), &beta.lazy()).red(), y: point.y }
    }

    fn negated [] (_isa: Isa, point: &Affine) -> Affine {
        Affine { x: point.x, y: point.y.negate::<2>().red() }
    }

    fn denominators [] (isa: Isa, slopes: &mut [Slope]) -> Norm<Q> {
        let one = Norm::<Q>::one(isa).lazy();
        let mut product = one;
        for slope in slopes {
            let (p, q) = (&slope.first, &slope.second);
            let denominator = if slope.tangent { p.y.double() } else { q.x.minus::<2>(&p.x) };
            slope.denominator = denominator.lazy();
            slope.before = product;
            product = mul(&product, &slope.denominator).lazy();
        }
        mul(&product, &one).norm()
    }

    fn third_points [] (_isa: Isa, slopes: &[Slope], inverse: &Norm<Q>) -> Vec<Affine> {
        let mut out = Vec::with_capacity(slopes.len());
        let mut inverse = inverse.lazy();
        for slope in slopes.iter().rev() {
            let (p, q) = (&slope.first, &slope.second);
            let this = mul(&inverse, &slope.before).lazy();
            inverse = mul(&inverse, &slope.denominator).lazy();
            let numerator = if slope.tangent {
                let square = sqr(&p.x.lazy()).red();
                square.double().plus(&square).lazy()
            } else {
                q.y.minus::<2>(&p.y).lazy()
            };
            let s = mul(&numerator, &this).lazy();
            let x = sqr(&s).minus::<2>(&p.x).minus::<2>(&q.x).red();
            let y = mul(&s, &p.x.minus::<2>(&x).lazy()).minus::<2>(&p.y).red();
            out.push(Affine { x, y });
        }
        out.reverse();
        out
    }

    /// The sum over the rounds, and the lanes that hold infinity. `careful`: every addition is
    /// looked at.
    fn accumulate [] (isa: Isa, rounds: &[Eight], careful: bool) -> (Jacobian, u8) {
        let mut sum = Jacobian { x: Norm::one(isa), y: Norm::one(isa), z: Norm::zero(isa) };
        let mut infinite = 0xff;
        let mut j = 32;
        while j > 0 {
            j -= 1;
            if j < 31 {
                sum = sum.double().double();
            }
            for eight in rounds {
                let entry = eight.entry(isa, j);
                let Sum { point, height, rise } = sum.add(&entry.x, &entry.y);
                let mut added = point;
                if careful {
                    let same = height.raw().red().zero_lanes() & !infinite;
                    let equal = same & rise.raw().red().zero_lanes();
                    if equal != 0 {
                        added = Jacobian::select(equal, &sum.double(), &added);
                    }
                    let cancelled = same & !equal & eight.live;
                    added = Jacobian::select(infinite, &Jacobian::from_affine(isa, entry.x, entry.y), &added);
                    infinite = (infinite & !eight.live) | cancelled;
                } else if infinite != 0 {
                    added = Jacobian::select(infinite, &Jacobian::from_affine(isa, entry.x, entry.y), &added);
                    infinite &= !eight.live;
                }
                sum = Jacobian::select(eight.live, &added, &sum);
            }
        }
        if !careful {
            infinite |= sum.z.raw().red().zero_lanes();
        }
        (sum, infinite)
    }

    /// Affine coordinates of all, by one inversion.
    fn to_affine [] (isa: Isa, points: &mut [(Jacobian, u8)]) -> Vec<[G1Affine; 8]> {
        let one = Norm::<Q>::one(isa);
        let mut product = one.lazy();
        let mut before = Vec::with_capacity(points.len());
        for (point, infinite) in points.iter_mut() {
            point.z = Norm::select(*infinite, &one, &point.z);
            before.push(product);
            product = mul(&product, &point.z.lazy()).lazy();
        }
        let inverse = invert_lanes(isa, &mul(&product, &one.lazy()).norm());
        let mut inverse = inverse.expect("a product of denominators that are not zero").lazy();
        let mut out = Vec::with_capacity(points.len());
        for ((point, infinite), before) in points.iter().zip(&before).rev() {
            let this = mul(&inverse, before).lazy();
            inverse = mul(&inverse, &point.z.lazy()).lazy();
            let square = sqr(&this).lazy();
            let x = mul(&point.x.lazy(), &square).norm().to_ark();
            let y = mul(&point.y.lazy(), &mul(&square, &this).lazy()).norm().to_ark();
            let mut eight = [G1Affine::identity(); 8];
            for lane in 0..8 {
                if infinite >> lane & 1 == 0 {
                    eight[lane] = G1Affine::new_unchecked(x[lane], y[lane]);
                }
            }
            out.push(eight);
        }
        out.reverse();
        out
    }
}

impl Eight {
    /// The table's entries for digits j.
    #[inline(always)]
    fn entry(&self, isa: Isa, j: usize) -> Affine {
        let (a, b) = (lanes::from_array(isa, &self.a), lanes::from_array(isa, &self.b));
        let bit = lanes::splat(isa, 1 << (2 * j));
        let sign = lanes::splat(isa, 2 << (2 * j));
        // A digit of bits d is 2 d - 3.
        let (high_a, high_b) = (lanes::meet(a, sign), lanes::meet(b, sign));
        let (three_a, three_b) = (!(high_a ^ lanes::meet(a, bit)), !(high_b ^ lanes::meet(b, bit)));
        let minus = high_a ^ high_b;
        let t = &self.table;
        let entry = pick(
            minus,
            &pick4(three_a, three_b, &t[4], &t[5], &t[6], &t[7]),
            &pick4(three_a, three_b, &t[0], &t[1], &t[2], &t[3]),
        );
        Affine { x: entry.x, y: entry.y.negate_lanes(!high_a).norm() }
    }
}

#[inline(always)]
fn pick(mask: u8, a: &Affine, b: &Affine) -> Affine {
    Affine { x: Norm::select(mask, &a.x, &b.x), y: Norm::select(mask, &a.y, &b.y) }
}

#[inline(always)]
fn pick4(low: u8, high: u8, t0: &Affine, t1: &Affine, t2: &Affine, t3: &Affine) -> Affine {
    pick(high, &pick(low, t3, t2), &pick(low, t1, t0))
}
