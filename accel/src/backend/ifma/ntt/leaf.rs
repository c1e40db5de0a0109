//! Transforms of 2^6 to 2^10 values, over data that stays in the first caches.

use super::super::Isa;
use super::super::lanes::kernel;
use super::butterfly::{High, Triple, four, quarters, two, unit_four};
use super::loose::{Constants, Loose, transpose};
use super::numbers::{self, Pass};
use crate::Fr;
use ark_ff::One;

/// Down: natural order to bit-reversed order.
pub(super) struct DownLeaf {
    passes: Vec<Pass<Constants>>,
    tiles: Vec<[Constants; 7]>,
    reduce: bool,
}

/// Up: bit-reversed order to natural order.
pub(super) struct UpLeaf {
    tile: [Constants; 7],
    /// Whether the first butterflies multiply by 1 and i, else whether they reduce.
    unit: bool,
    reduce: bool,
    passes: Vec<Pass<Constants>>,
}

impl DownLeaf {
    /// `sum x_t root^(k t)`, root of order `2^log`, for fresh values.
    pub(super) fn new(isa: Isa, root: Fr, log: u32) -> Self {
        let (passes, high) = numbers::down_passes(isa, root, log, log - 3, High::UNIT);
        let (_, reduce) = high.after_tile();
        Self { passes, tiles: numbers::down_tile_numbers(isa, root, log), reduce }
    }

    pub(super) fn run(&self, isa: Isa, data: &mut [Loose]) {
        for pass in &self.passes {
            match pass {
                Pass::UnitFour(i) => down_unit_four(isa, data, i),
                Pass::Four(triples, reduce) => down_four(isa, data, triples, *reduce),
                Pass::Two(numbers, reduce) => down_two(isa, data, numbers, *reduce),
            }
        }
        down_tiles(isa, data, &self.tiles, self.reduce);
    }

    pub(super) fn bytes(&self) -> usize {
        numbers::bytes(&self.passes) + size_of_val(self.tiles.as_slice())
    }
}

impl UpLeaf {
    /// `sum c_k (shift root^t)^k`, root of order `2^log`. Fresh values where the shift is one, any
    /// that may be multiplied where it is not.
    pub(super) fn new(isa: Isa, root: Fr, shift: Fr, log: u32) -> Self {
        let tile = numbers::up_tile_numbers(isa, root, shift, log);
        let unit = shift.is_one();
        let (high, reduce) =
            if unit { (High::UNIT.after_unit_four().after_two().0, false) } else { High::ANY.after_tile() };
        let passes = numbers::up_passes_by_lane(isa, root, shift, log, high);
        Self { tile, unit, reduce, passes }
    }

    pub(super) fn run(&self, isa: Isa, data: &mut [Loose]) {
        if self.unit {
            up_unit_tiles(isa, data, &self.tile);
        } else {
            up_tiles(isa, data, &self.tile, self.reduce);
        }
        for pass in &self.passes {
            match pass {
                Pass::UnitFour(_) => unreachable!("numbers differ by lane"),
                Pass::Four(triples, reduce) => up_four(isa, data, triples, *reduce),
                Pass::Two(numbers, reduce) => up_two(isa, data, numbers, *reduce),
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.tile) + numbers::bytes(&self.passes)
    }
}

kernel! {
    /// The first two levels down: one block, numbers 1, 1, i.
    fn down_unit_four[](_isa: Isa, data: &mut [Loose], i: &Constants) {
        let [a, b, c, d] = quarters(data);
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
            [*a, *c, *b, *d] = unit_four([*a, *c, *b, *d], i);
        }
    }

    /// Two levels down, a triple for each block.
    fn down_four[](_isa: Isa, data: &mut [Loose], triples: &[Triple<Constants>], reduce: bool) {
        if reduce { down_fours::<true>(data, triples) } else { down_fours::<false>(data, triples) }
    }

    /// One level down, a number for each block.
    fn down_two[](_isa: Isa, data: &mut [Loose], numbers: &[Constants], reduce: bool) {
        if reduce { down_twos::<true>(data, numbers) } else { down_twos::<false>(data, numbers) }
    }

    /// Two levels up, a triple for each lane of each vector in a quarter of a block.
    fn up_four[](_isa: Isa, data: &mut [Loose], triples: &[Triple<Constants>], reduce: bool) {
        if reduce { up_fours::<true>(data, triples) } else { up_fours::<false>(data, triples) }
    }

    /// One level up, a number for each lane of each vector in half a block.
    fn up_two[](_isa: Isa, data: &mut [Loose], numbers: &[Constants], reduce: bool) {
        if reduce { up_twos::<true>(data, numbers) } else { up_twos::<false>(data, numbers) }
    }

    /// Three levels down within each tile of eight vectors whose lanes are the low three bits of
    /// the place; afterwards the vectors are. A tile's numbers: u, v, w of the butterflies of four,
    /// then one for each pair of neighbours.
    fn down_tiles[](_isa: Isa, data: &mut [Loose], numbers: &[[Constants; 7]], reduce: bool) {
        for (tile, numbers) in data.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            if reduce { down_tile::<true>(tile, numbers) } else { down_tile::<false>(tile, numbers) }
        }
    }

    /// Three levels up within each tile of eight vectors that are the low three bits of the place;
    /// afterwards the lanes are. The numbers: u, v, w of both butterflies of four, then one for
    /// each of four pairs.
    fn up_tiles[](_isa: Isa, data: &mut [Loose], numbers: &[Constants; 7], reduce: bool) {
        for tile in data.as_chunks_mut::<8>().0 {
            if reduce { up_tile::<true>(tile, numbers) } else { up_tile::<false>(tile, numbers) }
        }
    }

    /// The same where u = v = 1, w = i.
    fn up_unit_tiles[](_isa: Isa, data: &mut [Loose], numbers: &[Constants; 7]) {
        for tile in data.as_chunks_mut::<8>().0 {
            up_unit_tile(tile, numbers);
        }
    }
}

#[inline(always)]
fn down_fours<const REDUCE: bool>(data: &mut [Loose], triples: &[Triple<Constants>]) {
    for (block, triple) in data.chunks_exact_mut(data.len() / triples.len()).zip(triples) {
        let [a, b, c, d] = quarters(block);
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
            [*a, *c, *b, *d] = four::<REDUCE, _>([*a, *c, *b, *d], triple);
        }
    }
}

#[inline(always)]
fn down_twos<const REDUCE: bool>(data: &mut [Loose], numbers: &[Constants]) {
    for (block, number) in data.chunks_exact_mut(data.len() / numbers.len()).zip(numbers) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for (a, b) in a.iter_mut().zip(b) {
            two::<REDUCE, _>(a, b, number);
        }
    }
}

#[inline(always)]
fn up_fours<const REDUCE: bool>(data: &mut [Loose], triples: &[Triple<Constants>]) {
    for block in data.chunks_exact_mut(4 * triples.len()) {
        let [a, b, c, d] = quarters(block);
        for ((((a, b), c), d), triple) in a.iter_mut().zip(b).zip(c).zip(d).zip(triples) {
            [*a, *b, *c, *d] = four::<REDUCE, _>([*a, *b, *c, *d], triple);
        }
    }
}

#[inline(always)]
fn up_twos<const REDUCE: bool>(data: &mut [Loose], numbers: &[Constants]) {
    for block in data.chunks_exact_mut(2 * numbers.len()) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for ((a, b), number) in a.iter_mut().zip(b).zip(numbers) {
            two::<REDUCE, _>(a, b, number);
        }
    }
}

#[inline(always)]
fn down_tile<const REDUCE: bool>(tile: &mut [Loose; 8], numbers: &[Constants; 7]) {
    transpose(tile);
    let [u, v, w, pairs @ ..] = numbers;
    let [a, b, c, d, e, f, g, h] = tile;
    [*a, *e, *c, *g] = four::<REDUCE, _>([*a, *e, *c, *g], &[*u, *v, *w]);
    [*b, *f, *d, *h] = four::<REDUCE, _>([*b, *f, *d, *h], &[*u, *v, *w]);
    two::<false, _>(a, b, &pairs[0]);
    two::<false, _>(c, d, &pairs[1]);
    two::<false, _>(e, f, &pairs[2]);
    two::<false, _>(g, h, &pairs[3]);
}

#[inline(always)]
fn up_tile<const REDUCE: bool>(tile: &mut [Loose; 8], numbers: &[Constants; 7]) {
    let [u, v, w, ..] = numbers;
    let [a, b, c, d, e, f, g, h] = tile;
    [*a, *b, *c, *d] = four::<REDUCE, _>([*a, *b, *c, *d], &[*u, *v, *w]);
    [*e, *f, *g, *h] = four::<REDUCE, _>([*e, *f, *g, *h], &[*u, *v, *w]);
    up_tile_ends(tile, numbers);
}

#[inline(always)]
fn up_unit_tile(tile: &mut [Loose; 8], numbers: &[Constants; 7]) {
    let [a, b, c, d, e, f, g, h] = tile;
    [*a, *b, *c, *d] = unit_four([*a, *b, *c, *d], &numbers[2]);
    [*e, *f, *g, *h] = unit_four([*e, *f, *g, *h], &numbers[2]);
    up_tile_ends(tile, numbers);
}

#[inline(always)]
fn up_tile_ends(tile: &mut [Loose; 8], numbers: &[Constants; 7]) {
    let [_, _, _, pairs @ ..] = numbers;
    let [a, b, c, d, e, f, g, h] = tile;
    two::<false, _>(a, e, &pairs[0]);
    two::<false, _>(b, f, &pairs[1]);
    two::<false, _>(c, g, &pairs[2]);
    two::<false, _>(d, h, &pairs[3]);
    transpose(tile);
}
