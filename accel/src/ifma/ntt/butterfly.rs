//! Butterflies, and passes of them over vectors.
//!
//! One pass makes two levels of a transform at once (or one). Both directions multiply before they add, so that what is not
//! multiplied grows by a few p a level, not to its double: the values' reach decides where a pass reduces first ([`High`]).
//!
//! A butterfly of four takes its values in the order of its own first level: `(a, b)` and `(c, d)` meet first, by the
//! number u; then the results meet crosswise, `(a, c)` by v and `(b, d)` by w.

use super::loose::{Constant, Constants, Known, Loose, transpose};
use crate::ifma::lanes::kernel;

/// How large values are at most, in multiples of p, when the plan of a transform is made. (Debug builds follow each value.)
#[derive(Clone, Copy)]
pub(super) struct High(pub(super) f64);

impl High {
    /// What [`unit_four`] accepts.
    pub(super) const UNIT: Self = Self(3.9);
    /// What every transform leaves, and what is accepted where values are reduced first.
    pub(super) const ANY: Self = Self(Self::LIMIT);
    /// What may be multiplied, with the margin that a butterfly of four adds to c.
    const LIMIT: f64 = 73.0;

    /// After butterflies of four of values multiplied by 1, 1 and i.
    pub(super) fn after_unit_four(self) -> Self {
        assert!(self.0 <= Self::UNIT.0, "fresh values");
        Self((4.0 * self.0 + 1.0).max(2.0 * self.0 + 10.0).max(self.0 + 15.1))
    }

    /// After butterflies of four; whether a and c are reduced first.
    pub(super) fn after_four(self) -> (Self, bool) {
        let reduce = self.0 + 21.1 > Self::LIMIT;
        (Self(if reduce { 1.75 } else { self.0 } + 21.1), reduce)
    }

    /// After butterflies of four and then of two within a tile; whether the first reduce.
    pub(super) fn after_tile(self) -> (Self, bool) {
        let reduce = self.0 + 32.2 > Self::LIMIT;
        (Self(if reduce { 1.75 } else { self.0 } + 32.2), reduce)
    }

    /// After butterflies of two; whether a is reduced first.
    pub(super) fn after_two(self) -> (Self, bool) {
        let reduce = self.0 + 11.1 > Self::LIMIT;
        (Self(if reduce { 1.75 } else { self.0 } + 11.1), reduce)
    }
}

/// Numbers for a butterfly of four: u, v, w.
pub(super) type Triple<T> = [T; 3];

#[inline(always)]
fn four<const REDUCE: bool, W: Known>(x: &mut [Loose; 4], numbers: Triple<W>) {
    let [a, b, c, d] = *x;
    let [u, v, w] = numbers;
    let a = if REDUCE { a.reduce() } else { a }.lift::<11>();
    let bu = Loose::times(&b.factor(), u);
    let (a, b) = (a.plus(&bu), a.minus(&bu));
    let c = if REDUCE { c.reduce() } else { c }.lift::<6>();
    let du = Loose::times(&d.factor(), u);
    let (c, d) = (c.plus(&du), c.minus(&du));
    let cv = Loose::times(&c.factor(), v);
    let dw = Loose::times(&d.factor(), w);
    *x = [a.plus(&cv), b.plus(&dw), a.minus(&cv), b.minus(&dw)];
}

/// [`four`] with u = v = 1, w = i, for values below `3.9 p`.
#[inline(always)]
fn unit_four(x: &mut [Loose; 4], i: &Constant) {
    let [a, b, c, d] = *x;
    let (a, b) = (a.plus(&b).lift::<1>(), a.minus(&b).lift::<10>());
    let (c, d) = (c.plus(&d), c.minus(&d).lift::<4>());
    let di = Loose::times(&d.factor(), i);
    *x = [a.plus(&c), b.plus(&di), a.minus(&c).lift::<8>(), b.minus(&di)];
}

#[inline(always)]
fn two<const REDUCE: bool, W: Known>(x: &mut Loose, y: &mut Loose, w: W) {
    let a = if REDUCE { x.reduce() } else { *x }.lift::<6>();
    let b = Loose::times(&y.factor(), w);
    (*x, *y) = (a.plus(&b), a.minus(&b));
}

/// A butterfly of four, its values in places of their own.
#[inline(always)]
pub(super) fn four_at<const REDUCE: bool, W: Known>(x: [&mut Loose; 4], numbers: Triple<W>) {
    let [a, b, c, d] = x;
    let mut values = [*a, *b, *c, *d];
    four::<REDUCE, W>(&mut values, numbers);
    [*a, *b, *c, *d] = values;
}

#[inline(always)]
pub(super) fn unit_four_at(x: [&mut Loose; 4], i: &Constant) {
    let [a, b, c, d] = x;
    let mut values = [*a, *b, *c, *d];
    unit_four(&mut values, i);
    [*a, *b, *c, *d] = values;
}

#[inline(always)]
fn quarters(block: &mut [Loose]) -> [&mut [Loose]; 4] {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let ((a, b), (c, d)) = (low.split_at_mut(low.len() / 2), high.split_at_mut(high.len() / 2));
    [a, b, c, d]
}

/// The same numbers for whole slices.
#[inline(always)]
fn fours<const REDUCE: bool, W: Known>(x: [&mut [Loose]; 4], numbers: Triple<W>) {
    let [a, b, c, d] = x;
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        four_at::<REDUCE, W>([a, b, c, d], numbers);
    }
}

#[inline(always)]
fn down_fours<const REDUCE: bool>(data: &mut [Loose], triples: &[Triple<Constant>]) {
    for (block, [u, v, w]) in data.chunks_exact_mut(data.len() / triples.len()).zip(triples) {
        let [a, b, c, d] = quarters(block);
        fours::<REDUCE, _>([a, c, b, d], [u, v, w]);
    }
}

#[inline(always)]
fn up_fours<const REDUCE: bool>(data: &mut [Loose], triples: &[Triple<Constant>], width: usize) {
    for block in data.chunks_exact_mut(4 * width * triples.len()) {
        let [a, b, c, d] = quarters(block);
        let (a, b) = (a.chunks_exact_mut(width), b.chunks_exact_mut(width));
        let (c, d) = (c.chunks_exact_mut(width), d.chunks_exact_mut(width));
        for ((((a, b), c), d), [u, v, w]) in a.zip(b).zip(c).zip(d).zip(triples) {
            fours::<REDUCE, _>([a, b, c, d], [u, v, w]);
        }
    }
}

#[inline(always)]
fn up_fours_by_lane<const REDUCE: bool>(data: &mut [Loose], triples: &[Triple<Constants>]) {
    for block in data.chunks_exact_mut(4 * triples.len()) {
        let [a, b, c, d] = quarters(block);
        for ((((a, b), c), d), [u, v, w]) in a.iter_mut().zip(b).zip(c).zip(d).zip(triples) {
            four_at::<REDUCE, _>([a, b, c, d], [u, v, w]);
        }
    }
}

#[inline(always)]
fn down_twos<const REDUCE: bool>(data: &mut [Loose], numbers: &[Constant]) {
    for (block, w) in data.chunks_exact_mut(data.len() / numbers.len()).zip(numbers) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for (a, b) in a.iter_mut().zip(b) {
            two::<REDUCE, _>(a, b, w);
        }
    }
}

#[inline(always)]
fn up_twos<const REDUCE: bool>(data: &mut [Loose], numbers: &[Constant], width: usize) {
    for block in data.chunks_exact_mut(2 * width * numbers.len()) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for ((a, b), w) in a.chunks_exact_mut(width).zip(b.chunks_exact_mut(width)).zip(numbers) {
            for (a, b) in a.iter_mut().zip(b) {
                two::<REDUCE, _>(a, b, w);
            }
        }
    }
}

#[inline(always)]
fn up_twos_by_lane<const REDUCE: bool>(data: &mut [Loose], numbers: &[Constants]) {
    for block in data.chunks_exact_mut(2 * numbers.len()) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for ((a, b), w) in a.iter_mut().zip(b).zip(numbers) {
            two::<REDUCE, _>(a, b, w);
        }
    }
}

kernel! {
    /// The first two levels down: one block, numbers 1, 1, i.
    pub(super) fn down_unit_four[](_isa: Isa, data: &mut [Loose], i: &Constant) {
        let [a, b, c, d] = quarters(data);
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
            unit_four_at([a, c, b, d], i);
        }
    }

    /// The first two levels up: blocks of four times `width` vectors.
    pub(super) fn up_unit_four[](_isa: Isa, data: &mut [Loose], i: &Constant, width: usize) {
        for block in data.chunks_exact_mut(4 * width) {
            let [a, b, c, d] = quarters(block);
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                unit_four_at([a, b, c, d], i);
            }
        }
    }

    /// Two levels down, a triple for each block.
    pub(super) fn down_four[](_isa: Isa, data: &mut [Loose], triples: &[Triple<Constant>], reduce: bool) {
        if reduce { down_fours::<true>(data, triples) } else { down_fours::<false>(data, triples) }
    }

    /// Two levels up, a triple for each place in a quarter of a block; a place is `width` vectors.
    pub(super) fn up_four[](
        _isa: Isa, data: &mut [Loose], triples: &[Triple<Constant>], width: usize, reduce: bool
    ) {
        if reduce { up_fours::<true>(data, triples, width) } else { up_fours::<false>(data, triples, width) }
    }

    /// Two levels up, a triple for each lane of each vector in a quarter of a block.
    pub(super) fn up_four_by_lane[](_isa: Isa, data: &mut [Loose], triples: &[Triple<Constants>], reduce: bool) {
        if reduce { up_fours_by_lane::<true>(data, triples) } else { up_fours_by_lane::<false>(data, triples) }
    }

    /// One level down, a number for each block.
    pub(super) fn down_two[](_isa: Isa, data: &mut [Loose], numbers: &[Constant], reduce: bool) {
        if reduce { down_twos::<true>(data, numbers) } else { down_twos::<false>(data, numbers) }
    }

    /// One level up, a number for each place in half a block; a place is `width` vectors.
    pub(super) fn up_two[](_isa: Isa, data: &mut [Loose], numbers: &[Constant], width: usize, reduce: bool) {
        if reduce { up_twos::<true>(data, numbers, width) } else { up_twos::<false>(data, numbers, width) }
    }

    /// One level up, a number for each lane of each vector in half a block.
    pub(super) fn up_two_by_lane[](_isa: Isa, data: &mut [Loose], numbers: &[Constants], reduce: bool) {
        if reduce { up_twos_by_lane::<true>(data, numbers) } else { up_twos_by_lane::<false>(data, numbers) }
    }

    /// Three levels down within each tile of eight vectors whose lanes are the low three bits of the place; afterwards the
    /// vectors are. A tile's numbers: u, v, w of the butterflies of four, then one for each pair of neighbours.
    pub(super) fn down_tiles[](_isa: Isa, data: &mut [Loose], numbers: &[[Constants; 7]], reduce: bool) {
        for (tile, numbers) in data.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            if reduce { down_tile::<true>(tile, numbers) } else { down_tile::<false>(tile, numbers) }
        }
    }

    /// Three levels up within each tile of eight vectors that are the low three bits of the place; afterwards the lanes are.
    /// The numbers: u, v, w of both butterflies of four, then one for each of four pairs.
    pub(super) fn up_tiles[](_isa: Isa, data: &mut [Loose], numbers: &[Constant; 7], reduce: bool) {
        for tile in data.as_chunks_mut::<8>().0 {
            if reduce { up_tile::<true>(tile, numbers) } else { up_tile::<false>(tile, numbers) }
        }
    }

    /// The same where u = v = 1, w = i.
    pub(super) fn up_unit_tiles[](_isa: Isa, data: &mut [Loose], numbers: &[Constant; 7]) {
        for tile in data.as_chunks_mut::<8>().0 {
            up_unit_tile(tile, numbers);
        }
    }
}

#[inline(always)]
fn down_tile<const REDUCE: bool>(tile: &mut [Loose; 8], numbers: &[Constants; 7]) {
    transpose(tile);
    let [u, v, w, pairs @ ..] = numbers;
    let [a, b, c, d, e, f, g, h] = tile;
    four_at::<REDUCE, _>([a, e, c, g], [u, v, w]);
    four_at::<REDUCE, _>([b, f, d, h], [u, v, w]);
    two::<false, _>(a, b, &pairs[0]);
    two::<false, _>(c, d, &pairs[1]);
    two::<false, _>(e, f, &pairs[2]);
    two::<false, _>(g, h, &pairs[3]);
}

#[inline(always)]
fn up_tile<const REDUCE: bool>(tile: &mut [Loose; 8], numbers: &[Constant; 7]) {
    let [u, v, w, ..] = numbers;
    let [a, b, c, d, e, f, g, h] = tile;
    four_at::<REDUCE, _>([a, b, c, d], [u, v, w]);
    four_at::<REDUCE, _>([e, f, g, h], [u, v, w]);
    up_tile_ends(tile, numbers);
}

#[inline(always)]
fn up_unit_tile(tile: &mut [Loose; 8], numbers: &[Constant; 7]) {
    let [a, b, c, d, e, f, g, h] = tile;
    unit_four_at([a, b, c, d], &numbers[2]);
    unit_four_at([e, f, g, h], &numbers[2]);
    up_tile_ends(tile, numbers);
}

#[inline(always)]
fn up_tile_ends(tile: &mut [Loose; 8], numbers: &[Constant; 7]) {
    let [_, _, _, pairs @ ..] = numbers;
    let [a, b, c, d, e, f, g, h] = tile;
    two::<false, _>(a, e, &pairs[0]);
    two::<false, _>(b, f, &pairs[1]);
    two::<false, _>(c, g, &pairs[2]);
    two::<false, _>(d, h, &pairs[3]);
    transpose(tile);
}
