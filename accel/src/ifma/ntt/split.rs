//! Transforms of any size: a leaf, or columns, twist and rows.

use super::butterfly::High;
use super::leaf::{DownLeaf, UpLeaf};
use super::loose::Loose;
use super::numbers::{self, Pass, powers, reverse};
use super::slot;
use crate::Fr;
use crate::ifma::Isa;
use crate::ifma::field::{Norm, R, mul};
use crate::ifma::lanes::kernel;
use ark_ff::{Field, One};
use rayon::prelude::*;

/// The smallest transform in lanes: one tile.
pub(crate) const SMALLEST: u32 = 6;
/// The largest leaf.
const LARGEST_LEAF: u32 = 10;
/// The largest transform split once.
const LARGEST_PAIR: u32 = 20;
/// Vectors side by side in a run of columns.
const WIDTH: usize = 4;
/// Smallest transform spread over threads.
const PARALLEL: u32 = 12;
/// Tasks for each thread, so that one that is late does not keep the others waiting.
const TASKS: usize = 4;

/// Interpolation, down: from values `x_t` in natural order to `sum_t x_t root^(k t)` in bit-reversed order, for a root of order n.
/// With the inverse of the domain's root, that is n times coefficient k.
///
/// On a coset, what comes out must still be multiplied by the [`tail`](Self::tail).
pub(crate) struct Interpolation {
    log: u32,
    /// What is left of the coset's powers: `scale^k` within a leaf.
    leaf: (u32, Fr),
    kind: Kind<DownLeaf, Self>,
}

/// Evaluation, up: from coefficients `c_k` in bit-reversed order to `sum_k c_k (shift root^t)^k` in natural order.
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

/// The transform of each column, and the twist.
struct Columns {
    rows: usize,
    passes: Vec<Pass>,
    /// `scale^i root^(i j)`, run of columns by run of columns, row by row within it; the i-th row stands at place `rev i`.
    twist: Vec<Norm<R>>,
}

/// How a size is cut: the logarithm of the number of rows, none for a leaf.
fn rows_of(log: u32) -> Option<u32> {
    assert!((SMALLEST..=28).contains(&log), "from one tile to the field's two-adicity");
    match log {
        ..=LARGEST_LEAF => None,
        ..=LARGEST_PAIR => Some((log / 2).min(log - SMALLEST)),
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
        let column_root = root.pow([1 << row_log]);
        let (passes, _) = numbers::down_passes(column_root, rows, rows, High::UNIT);
        let columns = Columns::new(isa, rows, row_log, passes, root, scale);
        let [root, scale] = [root, scale].map(|x| x.pow([1 << rows]));
        let rows = Self::of(isa, row_log, root, scale);
        Self { log, leaf: rows.leaf, kind: Kind::Split(Box::new(Split { columns, rows })) }
    }

    /// Transforms fresh values (below `3.9 p`, of whatever limbs); leaves values that may be multiplied.
    pub(crate) fn run(&self, isa: Isa, data: &mut [Loose]) {
        assert_eq!(data.len() * 8, 1 << self.log, "one place for each value");
        match &self.kind {
            Kind::Leaf(leaf) => leaf.run(isa, data),
            Kind::Split(split) => {
                let spread = self.log >= PARALLEL && rayon::current_num_threads() > 1;
                split.columns.down(isa, data, spread);
                each_row(data, split.columns.rows, spread, |row| split.rows.run(isa, row));
            }
        }
    }

    /// What the result must be multiplied by, times `factor`: entry v for the vectors that are v modulo the number of entries.
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
        let (passes, _) = numbers::up_passes(root.pow([1 << row_log]), rows, High::UNIT);
        let columns = Columns::new(isa, rows, row_log, passes, root, shift);
        let [root, shift] = [root, shift].map(|x| x.pow([1 << rows]));
        let rows = Self::of(isa, row_log, root, shift);
        Self { log, kind: Kind::Split(Box::new(Split { columns, rows })) }
    }

    /// Transforms what an [`Interpolation`] leaves or, without a coset, fresh values (below `3.9 p`).
    pub(crate) fn run(&self, isa: Isa, data: &mut [Loose]) {
        assert_eq!(data.len() * 8, 1 << self.log, "one place for each value");
        match &self.kind {
            Kind::Leaf(leaf) => leaf.run(isa, data),
            Kind::Split(split) => {
                let spread = self.log >= PARALLEL && rayon::current_num_threads() > 1;
                each_row(data, split.columns.rows, spread, |row| split.rows.run(isa, row));
                split.columns.up(isa, data, spread);
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

/// Some columns: a short piece of each row.
type Run<'a> = Vec<&'a mut [Loose]>;

/// Cuts rows into runs of columns.
pub(super) fn runs<T>(data: &mut [T], rows: usize, width: usize) -> Vec<Vec<&mut [T]>> {
    let length = data.len() / rows;
    let mut runs: Vec<Vec<_>> = (0..length / width).map(|_| Vec::with_capacity(rows)).collect();
    for row in data.chunks_exact_mut(length) {
        for (run, piece) in runs.iter_mut().zip(row.chunks_exact_mut(width)) {
            run.push(piece);
        }
    }
    runs
}

/// Room for a run of columns; wiped on drop.
struct Scratch(Vec<Loose>);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(first) = self.0.first() {
            wipe(first.isa(), &mut self.0);
        }
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

    fn gather[](_isa: Isa, run: &[&mut [Loose]], scratch: &mut [Loose]) {
        for (row, place) in run.iter().zip(scratch.chunks_exact_mut(WIDTH)) {
            place.copy_from_slice(row);
        }
    }

    fn gather_twisted[](_isa: Isa, run: &[&mut [Loose]], scratch: &mut [Loose], twist: &[Norm<R>]) {
        let twist = twist.chunks_exact(WIDTH);
        for ((row, place), twist) in run.iter().zip(scratch.chunks_exact_mut(WIDTH)).zip(twist) {
            twist_into(place, row, twist);
        }
    }

    fn scatter[](_isa: Isa, run: &mut [&mut [Loose]], scratch: &[Loose]) {
        for (row, place) in run.iter_mut().zip(scratch.chunks_exact(WIDTH)) {
            row.copy_from_slice(place);
        }
    }

    fn scatter_twisted[](_isa: Isa, run: &mut [&mut [Loose]], scratch: &[Loose], twist: &[Norm<R>]) {
        let twist = twist.chunks_exact(WIDTH);
        for ((row, place), twist) in run.iter_mut().zip(scratch.chunks_exact(WIDTH)).zip(twist) {
            twist_into(row, place, twist);
        }
    }

    /// `first, first step, first step^2, ..`, every `stride`-th `WIDTH` places of the table.
    fn progression[](isa: Isa, table: &mut [Norm<R>], stride: usize, first: &[Fr; 8], step: &Fr) {
        let step = Norm::<R>::splat(isa, step);
        let mut current = Norm::<R>::from_ark(isa, first).raw().red();
        for places in table.chunks_mut(stride) {
            for place in &mut places[..WIDTH] {
                *place = current;
                current = mul(&current.lazy(), &step.lazy()).red();
            }
        }
    }
}

#[inline(always)]
fn twist_into(out: &mut [Loose], values: &[Loose], twist: &[Norm<R>]) {
    for ((out, value), twist) in out.iter_mut().zip(values).zip(twist) {
        *out = Loose::of_product(&mul(&value.factor(), &twist.lazy()));
    }
}

impl Columns {
    fn new(isa: Isa, log: u32, row_log: u32, passes: Vec<Pass>, root: Fr, scale: Fr) -> Self {
        let rows = 1 << log;
        let mut twist = vec![Norm::zero(isa); rows << (row_log - 3)];
        let (roots, scales) = (powers(root, rows), powers(scale, rows));
        for i in 0..rows {
            let first: Vec<Fr> = powers(roots[i], 8).into_iter().map(|power| power * scales[i]).collect();
            let first: &[Fr; 8] = first.as_slice().try_into().expect("eight");
            let place = WIDTH * reverse(i, log);
            progression(isa, &mut twist[place..], WIDTH * rows, first, &roots[i].pow([8]));
        }
        Self { rows, passes, twist }
    }

    fn down(&self, isa: Isa, data: &mut [Loose], spread: bool) {
        self.each_run(isa, data, spread, |run, scratch, twist| {
            gather(isa, run, scratch);
            numbers::run_down(isa, &self.passes, scratch);
            scatter_twisted(isa, run, scratch, twist);
        });
    }

    fn up(&self, isa: Isa, data: &mut [Loose], spread: bool) {
        self.each_run(isa, data, spread, |run, scratch, twist| {
            gather_twisted(isa, run, scratch, twist);
            numbers::run_up(isa, &self.passes, scratch, WIDTH);
            scatter(isa, run, scratch);
        });
    }

    fn each_run(
        &self,
        isa: Isa,
        data: &mut [Loose],
        spread: bool,
        work: impl Fn(&mut Run<'_>, &mut [Loose], &[Norm<R>]) + Sync,
    ) {
        let size = self.rows * WIDTH;
        let mut runs = runs(data, self.rows, WIDTH);
        let some = |(runs, twist): (&mut [Run<'_>], &[Norm<R>])| {
            let mut scratch = Scratch(vec![Loose::zero(isa); size]);
            for (run, twist) in runs.iter_mut().zip(twist.chunks_exact(size)) {
                work(run, &mut scratch.0, twist);
            }
        };
        if spread {
            let share = runs.len().div_ceil(rayon::current_num_threads() * TASKS);
            runs.par_chunks_mut(share).zip(self.twist.par_chunks(share * size)).for_each(some);
        } else {
            some((&mut runs, &self.twist));
        }
    }

    fn bytes(&self) -> usize {
        numbers::bytes(&self.passes) + size_of_val(self.twist.as_slice())
    }
}
