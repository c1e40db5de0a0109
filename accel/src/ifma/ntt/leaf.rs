//! Transforms of 2^6 to 2^10 values, over data that stays in the first caches.

use super::butterfly::{self, High};
use super::loose::{Constant, Constants, Loose};
use super::numbers::{self, Pass};
use crate::Fr;
use crate::ifma::Isa;
use ark_ff::One;

/// Down: natural order to bit-reversed order.
pub(super) struct DownLeaf {
    passes: Vec<Pass>,
    tiles: Vec<[Constants; 7]>,
    reduce: bool,
}

/// Up: bit-reversed order to natural order.
pub(super) struct UpLeaf {
    tile: [Constant; 7],
    /// Whether the first butterflies multiply by 1 and i, else whether they reduce.
    unit: bool,
    reduce: bool,
    passes: Vec<Pass>,
}

impl DownLeaf {
    /// `sum x_t root^(k t)`, root of order `2^log`, for fresh values.
    pub(super) fn new(isa: Isa, root: Fr, log: u32) -> Self {
        let (passes, high) = numbers::down_passes(root, log, log - 3, High::UNIT);
        let (_, reduce) = high.after_tile();
        Self { passes, tiles: numbers::down_tile_numbers(isa, root, log), reduce }
    }

    pub(super) fn run(&self, isa: Isa, data: &mut [Loose]) {
        numbers::run_down(isa, &self.passes, data);
        butterfly::down_tiles(isa, data, &self.tiles, self.reduce);
    }

    pub(super) fn bytes(&self) -> usize {
        numbers::bytes(&self.passes) + size_of_val(self.tiles.as_slice())
    }
}

impl UpLeaf {
    /// `sum c_k (shift root^t)^k`, root of order `2^log`. Fresh values where the shift is one, any that may be multiplied
    /// where it is not.
    pub(super) fn new(isa: Isa, root: Fr, shift: Fr, log: u32) -> Self {
        let tile = numbers::up_tile_numbers(root, shift, log);
        let unit = shift.is_one();
        let (high, reduce) =
            if unit { (High::UNIT.after_unit_four().after_two().0, false) } else { High::ANY.after_tile() };
        let (passes, _) = numbers::up_passes_by_lane(isa, root, shift, log, high);
        Self { tile, unit, reduce, passes }
    }

    pub(super) fn run(&self, isa: Isa, data: &mut [Loose]) {
        if self.unit {
            butterfly::up_unit_tiles(isa, data, &self.tile);
        } else {
            butterfly::up_tiles(isa, data, &self.tile, self.reduce);
        }
        numbers::run_up(isa, &self.passes, data, 1);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.tile) + numbers::bytes(&self.passes)
    }
}
