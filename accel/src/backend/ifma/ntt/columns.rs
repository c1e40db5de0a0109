//! The transform of each column of a split size, and the twist.
//!
//! Some columns at a time ([`WIDTH`] vectors side by side) are taken through all levels, each row a
//! short piece of memory far from the next. A pass over such a run asks for its share of the next
//! run, so that it is there when its turn comes.

use super::super::Isa;
use super::super::field::{Norm, R, mul};
use super::super::lanes::{kernel, prefetch};
use super::butterfly::{High, Triple, four, quarters, two, unit_four};
use super::loose::{Constant, Loose};
use super::numbers::{self, Pass, powers, reverse};
use crate::Fr;
use ark_ff::Field;
use rayon::prelude::*;

/// Vectors side by side in a run of columns.
const WIDTH: usize = 4;
/// Tasks for each thread, so that one that is late does not keep the others waiting.
pub(super) const TASKS: usize = 4;

/// A direction over columns.
pub(super) struct Columns {
    pub(super) rows: usize,
    down: bool,
    passes: Vec<Pass<Constant>>,
    /// `scale^i root^(i j)`, run of columns by run of columns, row by row within it; the i-th row
    /// is at place `rev i`.
    twist: Vec<Norm<R>>,
}

/// A piece of each row of some columns.
type Run<'a> = Vec<&'a mut [Loose]>;

impl Columns {
    /// Columns of `2^log` values, before rows of `2^row_log` (down, fresh values) or after them
    /// (up).
    pub(super) fn new(isa: Isa, down: bool, log: u32, row_log: u32, root: Fr, scale: Fr) -> Self {
        assert!(log > 3, "the twist is part of a butterfly of four");
        let rows = 1 << log;
        let column_root = root.pow([1 << row_log]);
        let passes = if down {
            numbers::down_passes(isa, column_root, log, log, High::UNIT).0
        } else {
            numbers::up_passes(isa, column_root, log, High::UNIT)
        };
        let mut twist = vec![Norm::zero(isa); rows << (row_log - 3)];
        let (roots, scales) = (powers(root, rows), powers(scale, rows));
        for i in 0..rows {
            let first: Vec<Fr> = powers(roots[i], 8).into_iter().map(|power| power * scales[i]).collect();
            let first: &[Fr; 8] = first.as_slice().try_into().expect("eight");
            let place = WIDTH * reverse(i, log);
            progression(isa, &mut twist[place..], WIDTH * rows, first, &roots[i].pow([8]));
        }
        Self { rows, down, passes, twist }
    }

    /// All columns: transformed and then twisted, on the way down; twisted and then transformed, on
    /// the way up.
    pub(super) fn run(&self, isa: Isa, data: &mut [Loose], spread: bool) {
        let size = self.rows * WIDTH;
        let mut runs = runs(data, self.rows, WIDTH);
        if spread {
            let share = runs.len().div_ceil(rayon::current_num_threads() * TASKS);
            let shares = runs.par_chunks_mut(share).zip(self.twist.par_chunks(share * size));
            shares.for_each(|(runs, twist)| self.some(isa, runs, twist));
        } else {
            self.some(isa, &mut runs, &self.twist);
        }
    }

    fn some(&self, isa: Isa, mut runs: &mut [Run<'_>], twist: &[Norm<R>]) {
        for twist in twist.chunks_exact(self.rows * WIDTH) {
            let Some((run, rest)) = runs.split_first_mut() else { return };
            let mut next = rest.first().map_or(&[][..], |run| run.as_slice());
            for (i, pass) in self.passes.iter().enumerate() {
                let ahead;
                (ahead, next) = next.split_at(next.len().div_ceil(self.passes.len() - i));
                match (pass, self.down) {
                    (Pass::UnitFour(i), true) => down_unit_four(isa, run, i, ahead),
                    (Pass::Four(triples, reduce), true) if i + 1 == self.passes.len() => {
                        down_four_twisted(isa, run, triples, twist, *reduce, ahead);
                    }
                    (Pass::Four(triples, reduce), true) => down_four(isa, run, triples, *reduce, ahead),
                    (Pass::Two(numbers, reduce), true) => down_two(isa, run, numbers, *reduce, ahead),
                    (Pass::UnitFour(i), false) => up_unit_four_twisted(isa, run, i, twist, ahead),
                    (Pass::Four(triples, reduce), false) => up_four(isa, run, triples, *reduce, ahead),
                    (Pass::Two(numbers, reduce), false) => up_two(isa, run, numbers, *reduce, ahead),
                }
            }
            runs = rest;
        }
    }

    pub(super) fn bytes(&self) -> usize {
        numbers::bytes(&self.passes) + size_of_val(self.twist.as_slice())
    }
}

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

kernel! {
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

    /// The first two levels down: one block, numbers 1, 1, i.
    fn down_unit_four[](isa: Isa, run: &mut [&mut [Loose]], i: &Constant, ahead: &[&mut [Loose]]) {
        let mut ahead = ahead.iter();
        let [a, b, c, d] = quarters(run);
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
            ask(isa, ahead.next());
            for (((a, b), c), d) in a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut()) {
                [*a, *c, *b, *d] = unit_four([*a, *c, *b, *d], i);
            }
        }
    }

    /// Two levels down, a triple for each block.
    fn down_four[](
        isa: Isa, run: &mut [&mut [Loose]], triples: &[Triple<Constant>], reduce: bool, ahead: &[&mut [Loose]]
    ) {
        if reduce { down_fours::<true>(isa, run, triples, ahead) } else { down_fours::<false>(isa, run, triples, ahead) }
    }

    /// The last two levels down, and the twist.
    fn down_four_twisted[](
        isa: Isa, run: &mut [&mut [Loose]], triples: &[Triple<Constant>], twist: &[Norm<R>], reduce: bool,
        ahead: &[&mut [Loose]]
    ) {
        if reduce {
            down_fours_twisted::<true>(isa, run, triples, twist, ahead);
        } else {
            down_fours_twisted::<false>(isa, run, triples, twist, ahead);
        }
    }

    /// One level down, a number for each block.
    fn down_two[](isa: Isa, run: &mut [&mut [Loose]], numbers: &[Constant], reduce: bool, ahead: &[&mut [Loose]]) {
        if reduce { down_twos::<true>(isa, run, numbers, ahead) } else { down_twos::<false>(isa, run, numbers, ahead) }
    }

    /// The twist, and the first two levels up.
    fn up_unit_four_twisted[](
        isa: Isa, run: &mut [&mut [Loose]], i: &Constant, twist: &[Norm<R>], ahead: &[&mut [Loose]]
    ) {
        let mut ahead = ahead.iter();
        for (rows, twist) in run.as_chunks_mut::<4>().0.iter_mut().zip(twist.chunks_exact(4 * WIDTH)) {
            ask(isa, ahead.next());
            let [a, b, c, d] = rows;
            for (j, (((a, b), c), d)) in a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut()).enumerate() {
                let x = twisted([*a, *b, *c, *d], twist, j);
                [*a, *b, *c, *d] = unit_four(x, i);
            }
        }
    }

    /// Two levels up, a triple for each place in a quarter of a block.
    fn up_four[](
        isa: Isa, run: &mut [&mut [Loose]], triples: &[Triple<Constant>], reduce: bool, ahead: &[&mut [Loose]]
    ) {
        if reduce { up_fours::<true>(isa, run, triples, ahead) } else { up_fours::<false>(isa, run, triples, ahead) }
    }

    /// One level up, a number for each place in half a block.
    fn up_two[](isa: Isa, run: &mut [&mut [Loose]], numbers: &[Constant], reduce: bool, ahead: &[&mut [Loose]]) {
        if reduce { up_twos::<true>(isa, run, numbers, ahead) } else { up_twos::<false>(isa, run, numbers, ahead) }
    }
}

/// Asks the second-level cache for a piece of a row.
#[inline(always)]
fn ask(isa: Isa, piece: Option<&&mut [Loose]>) {
    if let Some(piece) = piece {
        let (lines, _) = piece.as_chunks::<1>();
        for value in lines {
            let start = value.as_ptr().cast::<[u64; 8]>();
            let mut line = 0;
            while line < size_of::<Loose>() / 64 {
                prefetch::<false, _>(isa, start.wrapping_add(line));
                line += 1;
            }
        }
    }
}

/// The values of four neighbouring rows in column j, multiplied by the twist.
#[inline(always)]
fn twisted(x: [Loose; 4], twist: &[Norm<R>], j: usize) -> [Loose; 4] {
    let [a, b, c, d] = x;
    [
        twist_one(&a, &twist[j]),
        twist_one(&b, &twist[WIDTH + j]),
        twist_one(&c, &twist[2 * WIDTH + j]),
        twist_one(&d, &twist[3 * WIDTH + j]),
    ]
}

#[inline(always)]
fn twist_one(value: &Loose, twist: &Norm<R>) -> Loose {
    Loose::of_product(&mul(&value.factor(), &twist.lazy()))
}

#[inline(always)]
fn down_fours<const REDUCE: bool>(
    isa: Isa,
    run: &mut [&mut [Loose]],
    triples: &[Triple<Constant>],
    ahead: &[&mut [Loose]],
) {
    let mut ahead = ahead.iter();
    for (block, triple) in run.chunks_exact_mut(run.len() / triples.len()).zip(triples) {
        let [a, b, c, d] = quarters(block);
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
            ask(isa, ahead.next());
            for (((a, b), c), d) in a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut()) {
                [*a, *c, *b, *d] = four::<REDUCE, _>([*a, *c, *b, *d], triple);
            }
        }
    }
}

#[inline(always)]
fn down_fours_twisted<const REDUCE: bool>(
    isa: Isa,
    run: &mut [&mut [Loose]],
    triples: &[Triple<Constant>],
    twist: &[Norm<R>],
    ahead: &[&mut [Loose]],
) {
    let mut ahead = ahead.iter();
    let blocks = run.as_chunks_mut::<4>().0.iter_mut().zip(triples).zip(twist.chunks_exact(4 * WIDTH));
    for (([a, b, c, d], triple), twist) in blocks {
        ask(isa, ahead.next());
        let columns = a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut());
        for (j, (((a, b), c), d)) in columns.enumerate() {
            let [x, z, y, t] = four::<REDUCE, _>([*a, *c, *b, *d], triple);
            [*a, *b, *c, *d] = twisted([x, y, z, t], twist, j);
        }
    }
}

#[inline(always)]
fn down_twos<const REDUCE: bool>(
    isa: Isa,
    run: &mut [&mut [Loose]],
    numbers: &[Constant],
    ahead: &[&mut [Loose]],
) {
    let mut ahead = ahead.iter();
    for (block, number) in run.chunks_exact_mut(run.len() / numbers.len()).zip(numbers) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for (a, b) in a.iter_mut().zip(b) {
            ask(isa, ahead.next());
            for (a, b) in a.iter_mut().zip(b.iter_mut()) {
                two::<REDUCE, _>(a, b, number);
            }
        }
    }
}

#[inline(always)]
fn up_fours<const REDUCE: bool>(
    isa: Isa,
    run: &mut [&mut [Loose]],
    triples: &[Triple<Constant>],
    ahead: &[&mut [Loose]],
) {
    let mut ahead = ahead.iter();
    for block in run.chunks_exact_mut(4 * triples.len()) {
        let [a, b, c, d] = quarters(block);
        for ((((a, b), c), d), triple) in a.iter_mut().zip(b).zip(c).zip(d).zip(triples) {
            ask(isa, ahead.next());
            for (((a, b), c), d) in a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut()) {
                [*a, *b, *c, *d] = four::<REDUCE, _>([*a, *b, *c, *d], triple);
            }
        }
    }
}

#[inline(always)]
fn up_twos<const REDUCE: bool>(
    isa: Isa,
    run: &mut [&mut [Loose]],
    numbers: &[Constant],
    ahead: &[&mut [Loose]],
) {
    let mut ahead = ahead.iter();
    for block in run.chunks_exact_mut(2 * numbers.len()) {
        let (a, b) = block.split_at_mut(block.len() / 2);
        for ((a, b), number) in a.iter_mut().zip(b).zip(numbers) {
            ask(isa, ahead.next());
            for (a, b) in a.iter_mut().zip(b.iter_mut()) {
                two::<REDUCE, _>(a, b, number);
            }
        }
    }
}
