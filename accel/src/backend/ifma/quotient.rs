//! From an assignment to the quotient, in lanes from the first row to the last coefficient.
//!
//! Rows stand in natural order, so their interpolation goes down and its evaluation on the coset
//! comes up again; the quotient's coefficients, last of all, are in bit-reversed order, and are put
//! in place when they are written out as integers. The factors n that interpolations leave are
//! taken off there too: a, b and c come n-fold, the product on the coset n^2-fold, its
//! interpolation n^3-fold.

use super::field::{Columns, Norm, R, mul};
use super::lanes::{Isa, Words, kernel};
use super::matrix::Rows;
use super::ntt::order::{Eight, to_natural};
use super::ntt::plain::plain_lanes;
use super::ntt::{Evaluation, Interpolation, Loose, SMALLEST, wipe};
use crate::Fr;
use crate::backend::portable::Portable;
use crate::groth16::{Integers, LoadedCircuit, Phase, Progress, Proving, QuotientError, QuotientForm, begin};
use crate::matrices::Matrices;
use ark_ff::{BigInt, FftField, Field, One};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Vectors worth a separate task.
const RUN: usize = 256;

/// Lays out a circuit; domains of less than one tile are left to the portable backend.
///
/// # Panics
/// If the matrices contradict their own description.
pub(crate) fn load(isa: Isa, matrices: Matrices, form: QuotientForm) -> Box<dyn LoadedCircuit> {
    if let Err(reason) = matrices.check(form) {
        panic!("{reason}");
    }
    if matrices.domain_size < 1 << SMALLEST {
        return Portable.load_circuit(matrices, form);
    }
    Box::new(Circuit::new(isa, &matrices, form))
}

/// A circuit laid out for lanes.
pub(crate) struct Circuit {
    isa: Isa,
    log: u32,
    rows: Rows,
    down: Interpolation,
    up: Evaluation,
    finish: Finish,
    spare: Mutex<Vec<Scratch>>,
}

/// What makes the quotient of `a b` and `c`; numbers in plain form, so that products with them are
/// plain integers.
#[allow(clippy::large_enum_variant, reason = "one for each circuit")]
enum Finish {
    /// `(down(a b) tail - c z) / (g^n - 1)`, down on the coset.
    Coefficients { down: Interpolation, tail: Vec<Norm<R>>, c: Norm<R> },
    /// `a b f - c z`.
    OddCoset { product: Norm<R>, c: Norm<R> },
}

impl Circuit {
    fn new(isa: Isa, matrices: &Matrices, form: QuotientForm) -> Self {
        let n = matrices.domain_size as u64;
        let log = n.ilog2();
        let inverse =
            |x: Fr| x.inverse().expect("neither n nor the vanishing polynomial on the coset is zero");
        let factor = inverse(Fr::from(n));
        let plain = |x: Fr| plain_lanes(isa, &[[x; 8]])[0];
        let shift = match form {
            QuotientForm::Coefficients => Fr::GENERATOR,
            QuotientForm::OddCoset => Fr::get_root_of_unity(2 * n).expect("the domain is at most 2^27"),
        };
        let finish = match form {
            QuotientForm::Coefficients => {
                let vanishing = inverse(Fr::GENERATOR.pow([n]) - Fr::one());
                let down = Interpolation::new(isa, log, shift);
                let tail = plain_lanes(isa, &down.tail(factor * factor * factor * vanishing));
                Finish::Coefficients { down, tail, c: plain(-(factor * vanishing)) }
            }
            QuotientForm::OddCoset => Finish::OddCoset { product: plain(factor * factor), c: plain(-factor) },
        };
        Self {
            isa,
            log,
            rows: Rows::new(matrices),
            down: Interpolation::new(isa, log, Fr::one()),
            up: Evaluation::new(isa, log, shift),
            finish,
            spare: Mutex::new(Vec::new()),
        }
    }

    /// A scratch from the spare ones, or a new one.
    fn scratch(&self) -> Borrowed<'_> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let vectors = || vec![Loose::zero(self.isa); 1 << (self.log - 3)];
        let scratch = spare.unwrap_or_else(|| Scratch {
            table: self.rows.table(),
            a: vectors(),
            b: vectors(),
            c: vectors(),
        });
        Borrowed { circuit: self, scratch: Some(scratch) }
    }
}

impl LoadedCircuit for Circuit {
    fn quotient(&self, assignment: &[Fr], progress: Progress<'_>) -> Result<Integers, QuotientError> {
        let isa = self.isa;
        let mut borrowed = self.scratch();
        let Some(scratch) = &mut borrowed.scratch else { unreachable!("taken on drop only") };
        begin(progress, Phase::Rows)?;
        self.rows.fill(isa, assignment, &mut scratch.table);
        let Scratch { table, a, b, c } = scratch;
        if let Some(row) = self.rows.place(isa, table, [a, b, c]) {
            return Err(QuotientError::Unsatisfied { row });
        }

        begin(progress, Phase::InverseA)?;
        self.down.run(isa, a);
        begin(progress, Phase::CosetA)?;
        self.up.run(isa, a);
        begin(progress, Phase::InverseB)?;
        self.down.run(isa, b);
        begin(progress, Phase::CosetB)?;
        self.up.run(isa, b);
        a.par_chunks_mut(RUN).zip(b.par_chunks(RUN)).for_each(|(a, b)| multiply(isa, a, b));
        begin(progress, Phase::InverseC)?;
        self.down.run(isa, c);

        let mut h = Zeroizing::new(vec![BigInt([0; 4]); 1 << self.log]);
        match &self.finish {
            Finish::Coefficients { down, tail, c: factor } => {
                begin(progress, Phase::InverseH)?;
                down.run(isa, a);
                let words = |i: usize, out: &mut Eight| {
                    let numbers = [&tail[i % tail.len()], factor];
                    combine(isa, &a[i], &c[i], numbers, out);
                };
                to_natural(self.log, &mut h, words, BigInt);
                // The quotient has degree n - 2: its last coefficient is zero, and a key has no
                // point for it.
                h.truncate(QuotientForm::Coefficients.len(1 << self.log));
            }
            Finish::OddCoset { product, c: factor } => {
                begin(progress, Phase::CosetC)?;
                self.up.run(isa, c);
                let (eights, _) = h.as_chunks_mut::<8>();
                let runs = eights.par_chunks_mut(RUN).zip(a.par_chunks(RUN)).zip(c.par_chunks(RUN));
                runs.for_each(|((h, a), c)| combine_all(isa, a, c, [product, factor], h));
            }
        }
        Ok(h)
    }

    fn bytes(&self) -> usize {
        let finish = match &self.finish {
            Finish::Coefficients { down, tail, .. } => down.bytes() + size_of_val(tail.as_slice()),
            Finish::OddCoset { .. } => 0,
        };
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        self.rows.bytes()
            + self.down.bytes()
            + self.up.bytes()
            + finish
            + spare.iter().map(Scratch::bytes).sum::<usize>()
    }
}

/// What one quotient works in.
struct Scratch {
    table: Vec<Words>,
    a: Vec<Loose>,
    b: Vec<Loose>,
    c: Vec<Loose>,
}

impl Scratch {
    fn bytes(&self) -> usize {
        size_of_val(self.table.as_slice())
            + [&self.a, &self.b, &self.c].map(|v| size_of_val(v.as_slice())).iter().sum::<usize>()
    }
}

/// A scratch that goes back to its circuit, wiped.
struct Borrowed<'a> {
    circuit: &'a Circuit,
    scratch: Option<Scratch>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let Some(mut scratch) = self.scratch.take() else { return };
        super::field::wipe(&mut scratch.table);
        for list in [&mut scratch.a, &mut scratch.b, &mut scratch.c] {
            list.par_chunks_mut(RUN).for_each(|list| wipe(self.circuit.isa, list));
        }
        self.circuit.spare.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}

kernel! {
    /// `a = a b`, fresh.
    fn multiply[](_isa: Isa, a: &mut [Loose], b: &[Loose]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = Loose::of_product(&mul(&a.reduce().factor(), &b.factor()));
        }
    }

    /// `a x + c y` for plain numbers x and y: plain integers below p.
    fn combine[](_isa: Isa, a: &Loose, c: &Loose, numbers: [&Norm<R>; 2], out: &mut Eight) {
        *out = combined(a, c, numbers);
    }

    /// The same for lists.
    fn combine_all[](_isa: Isa, a: &[Loose], c: &[Loose], numbers: [&Norm<R>; 2], out: &mut [[BigInt<4>; 8]]) {
        for ((a, c), out) in a.iter().zip(c).zip(out) {
            let w = combined(a, c, numbers);
            *out = [
                BigInt(w[0]), BigInt(w[1]), BigInt(w[2]), BigInt(w[3]),
                BigInt(w[4]), BigInt(w[5]), BigInt(w[6]), BigInt(w[7]),
            ];
        }
    }
}

#[inline(always)]
fn combined(a: &Loose, c: &Loose, numbers: [&Norm<R>; 2]) -> Eight {
    let [x, y] = numbers;
    let sum = Columns::product(&a.factor(), &x.lazy()).plus_product(&c.factor(), &y.lazy());
    sum.reduce().norm().canonical().to_words()
}
