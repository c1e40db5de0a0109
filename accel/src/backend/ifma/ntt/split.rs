//! Transforms of any size: a leaf, or columns, twist and rows.

use super::super::Isa;
use super::super::lanes::kernel;
use super::columns::{Columns, TASKS};
use super::leaf::{DownLeaf, UpLeaf};
use super::loose::Loose;
use super::numbers::powers;
use super::slot;
use crate::Fr;
use ark_ff::{Field, One};
use rayon::prelude::*;

/// The smallest transform in lanes: one tile.
pub(crate) const SMALLEST: u32 = 6;
/// The largest leaf.
const LARGEST_LEAF: u32 = 10;
/// The largest transform split once.
const LARGEST_PAIR: u32 = 20;
/// Smallest transform spread over threads.
const PARALLEL: u32 = 12;

/// Interpolation, down: from values `x_t` in natural order to `sum_t x_t root^(k t)` in
/// bit-reversed order, for a root of order n. With the inverse of the domain's root, that is n
/// times coefficient k.
///
/// On a coset, what comes out must still be multiplied by the [`tail`](Self::tail).
pub(crate) struct Interpolation {
    log: u32,
    /// What is left of the coset's powers: `scale^k` within a leaf.
    leaf: (u32, Fr),
    kind: Kind<DownLeaf, Self>,
}

/// Evaluation, up: from coefficients `c_k` in bit-reversed order to `sum_k c_k (shift root^t)^k` in
/// natural order.
pub(crate) struct Evaluation {
    log: u32,
    kind: Kind<UpLeaf, Self>,
}

enum Kind<L, W> {
    Leaf(L),
    Split(Box<Split<W>>),
}

/// `2^log` rows, each transformed on its own by `rows`.
struct Split<W> {
    columns: Columns,
    rows: W,
}

/// How a size is cut: the logarithm of the number of rows, none for a leaf.
fn rows_of(log: u32) -> Option<u32> {
    assert!((SMALLEST..=28).contains(&log), "from one tile to the field's two-adicity");
    match log {
        ..=LARGEST_LEAF => None,
        11..=LARGEST_PAIR => Some((log / 2).min(log - SMALLEST)),
        _ => Some(log.div_ceil(3)),
    }
}

impl Interpolation {
    /// For values at `shift w^t`, w the domain's root; the `shift^-k` are what the tail completes.
    pub(crate) fn new(isa: Isa, log: u32, shift: Fr) -> Self {
        let inverse = |x: Fr| x.inverse().expect("neither roots nor shifts are zero");
        Self::of(isa, log, inverse(root(log)), inverse(shift))
    }

    fn of(isa: Isa, log: u32, root: Fr, scale: Fr) -> Self {
        let Some(rows) = rows_of(log) else {
            return Self { log, leaf: (log, scale), kind: Kind::Leaf(DownLeaf::new(isa, root, log)) };
        };
        let row_log = log - rows;
        let columns = Columns::new(isa, true, rows, row_log, root, scale);
        let [root, scale] = [root, scale].map(|x| x.pow([1 << rows]));
        let rows = Self::of(isa, row_log, root, scale);
        Self { log, leaf: rows.leaf, kind: Kind::Split(Box::new(Split { columns, rows })) }
    }

    /// Transforms fresh values (below `3.9 p`, of whatever limbs); leaves values that may be
    /// multiplied.
    pub(crate) fn run(&self, isa: Isa, data: &mut [Loose]) {
        assert_eq!(data.len() * 8, 1 << self.log, "one place for each value");
        match &self.kind {
            Kind::Leaf(leaf) => leaf.run(isa, data),
            Kind::Split(split) => {
                let spread = self.log >= PARALLEL && rayon::current_num_threads() > 1;
                split.columns.run(isa, data, spread);
                each_row(data, split.columns.rows, spread, |row| split.rows.run(isa, row));
            }
        }
    }

    /// What the result must be multiplied by, times `factor`: entry v for the vectors that are v
    /// modulo the number of entries.
    pub(crate) fn tail(&self, factor: Fr) -> Vec<[Fr; 8]> {
        let (log, scale) = self.leaf;
        if scale.is_one() {
            return vec![[factor; 8]];
        }
        let mut tail = vec![[Fr::one(); 8]; 1 << (log - 3)];
        for (k, power) in powers(scale, 1 << log).into_iter().enumerate() {
            let (vector, lane) = slot(k, log);
            tail[vector][lane] = factor * power;
        }
        tail
    }

    /// Memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Leaf(leaf) => leaf.bytes(),
            Kind::Split(split) => split.columns.bytes() + split.rows.bytes(),
        }
    }
}

impl Evaluation {
    /// For values at `shift w^t`, w the domain's root.
    pub(crate) fn new(isa: Isa, log: u32, shift: Fr) -> Self {
        Self::of(isa, log, root(log), shift)
    }

    fn of(isa: Isa, log: u32, root: Fr, shift: Fr) -> Self {
        let Some(rows) = rows_of(log) else {
            return Self { log, kind: Kind::Leaf(UpLeaf::new(isa, root, shift, log)) };
        };
        let row_log = log - rows;
        let columns = Columns::new(isa, false, rows, row_log, root, shift);
        let [root, shift] = [root, shift].map(|x| x.pow([1 << rows]));
        let rows = Self::of(isa, row_log, root, shift);
        Self { log, kind: Kind::Split(Box::new(Split { columns, rows })) }
    }

    /// Transforms what an [`Interpolation`] leaves or, without a coset, fresh values (below
    /// `3.9 p`).
    pub(crate) fn run(&self, isa: Isa, data: &mut [Loose]) {
        assert_eq!(data.len() * 8, 1 << self.log, "one place for each value");
        match &self.kind {
            Kind::Leaf(leaf) => leaf.run(isa, data),
            Kind::Split(split) => {
                let spread = self.log >= PARALLEL && rayon::current_num_threads() > 1;
                each_row(data, split.columns.rows, spread, |row| split.rows.run(isa, row));
                split.columns.run(isa, data, spread);
            }
        }
    }

    /// Memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Leaf(leaf) => leaf.bytes(),
            Kind::Split(split) => split.columns.bytes() + split.rows.bytes(),
        }
    }
}

fn root(log: u32) -> Fr {
    <Fr as ark_ff::FftField>::get_root_of_unity(1 << log).expect("at most the field's two-adicity")
}

fn each_row(data: &mut [Loose], rows: usize, spread: bool, work: impl Fn(&mut [Loose]) + Send + Sync) {
    let length = data.len() / rows;
    if spread {
        let tasks = rayon::current_num_threads() * TASKS;
        data.par_chunks_exact_mut(length).with_min_len(rows.div_ceil(tasks)).for_each(work);
    } else {
        data.chunks_exact_mut(length).for_each(work);
    }
}

kernel! {
    /// Overwrites with zeros, in a way the compiler keeps: for scratch that held secrets.
    pub(crate) fn wipe[](isa: Isa, data: &mut [Loose]) {
        let zero = Loose::zero(isa);
        for value in data {
            // SAFETY: a write to a place borrowed for writing, of a type without a destructor.
            unsafe { core::ptr::from_mut(value).write_volatile(zero) };
        }
    }
}
