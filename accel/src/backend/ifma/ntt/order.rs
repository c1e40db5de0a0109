//! Between bit-reversed and natural order, at the ends of a transform.
//!
//! Places are `[t][s][l][v]` (three bits, the rest, three bits, three bits) and the coefficient's
//! index is all of it reversed: eight tiles that differ in t hold, in the same vector v and lane l,
//! eight neighbours in natural order. Taken eight tiles at a time, every cache line is gone to
//! once.

use super::super::Isa;
use super::super::field::{Norm, R, wipe};
use super::columns::runs;
use super::loose::Loose;
use super::numbers::reverse;
use crate::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

/// The words of eight values, lane by lane.
pub(crate) type Eight = [[u64; 4]; 8];

/// Smallest transform spread over threads.
const PARALLEL: u32 = 12;

/// Writes in natural order what is in bit-reversed order. `words` gives the contents of a
/// vector, `make` an entry.
pub(crate) fn to_natural<T: Send>(
    log: u32,
    out: &mut [T],
    words: impl Fn(usize, &mut Eight) + Send + Sync,
    make: fn([u64; 4]) -> T,
) {
    assert_eq!(out.len(), 1 << log, "one entry for each value");
    let mut eight = [[0; 4]; 8];
    if log < 9 {
        for (place, lanes) in (0..out.len() / 8).zip(core::iter::repeat(0..8usize)) {
            words(place, &mut eight);
            for lane in lanes {
                out[reverse(place / 8 * 64 + lane * 8 + place % 8, log)] = make(eight[lane]);
            }
        }
        wipe(&mut eight);
        return;
    }
    let three = |x: usize| reverse(x, 3);
    let group = |(g, mut pieces): (usize, Vec<&mut [T]>)| {
        let low = reverse(g, log - 9);
        let mut tiles = [[[[0; 4]; 8]; 8]; 8];
        for (t, tile) in tiles.iter_mut().enumerate() {
            for (v, eight) in tile.iter_mut().enumerate() {
                words(8 * ((t << (log - 9)) + low) + v, eight);
            }
        }
        for v in 0..8 {
            for lane in 0..8 {
                let piece = &mut pieces[8 * three(v) + three(lane)];
                for (t, tile) in tiles.iter().enumerate() {
                    piece[three(t)] = make(tile[v][lane]);
                }
            }
        }
        wipe(&mut tiles);
    };
    let groups = runs(out, 64, 8);
    if log >= PARALLEL && rayon::current_num_threads() > 1 {
        groups.into_par_iter().enumerate().for_each(group);
    } else {
        groups.into_iter().enumerate().for_each(group);
    }
}

/// Reads values in natural order into bit-reversed order, fresh.
pub(crate) fn from_natural(isa: Isa, log: u32, values: &[Fr], data: &mut [Loose]) {
    assert!(values.len() == 1 << log && data.len() == values.len() / 8, "one place for each value");
    let tile = |(t, tile): (usize, &mut [Loose; 8])| {
        let mut eight = [Fr::zero(); 8];
        for (v, vector) in tile.iter_mut().enumerate() {
            for (lane, value) in eight.iter_mut().enumerate() {
                *value = values[reverse(64 * t + 8 * lane + v, log)];
            }
            *vector = fresh(isa, &eight);
        }
        wipe(&mut eight);
    };
    let (tiles, _) = data.as_chunks_mut::<8>();
    if log >= PARALLEL && rayon::current_num_threads() > 1 {
        tiles.par_iter_mut().with_min_len(16).enumerate().for_each(tile);
    } else {
        tiles.iter_mut().enumerate().for_each(tile);
    }
}

super::super::lanes::kernel! {
    /// Eight values as a transform wants them.
    pub(crate) fn fresh[](isa: Isa, values: &[Fr; 8]) -> Loose {
        Loose::of(&Norm::<R>::from_ark(isa, values))
    }
}
