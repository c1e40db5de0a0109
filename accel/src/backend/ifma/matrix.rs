//! Sparse rows in lanes.
//!
//! The rows of a circuit's three matrices are linear forms over the assignment, and few of them
//! differ: most are a single variable, and what is left occurs up to three times (an S-box alone
//! names its input in A once and in B twice). So each distinct form is evaluated once, eight forms
//! side by side, and a row is no more than the place of its value in one table: the assignment, a
//! zero, and the values of the forms.
//!
//! Forms are put side by side by their number of terms, among the thousand that occur nearest to
//! each other. A term whose coefficient is one or minus one is an addition; the others are
//! products, of which up to [`PRODUCTS`] are added up before one reduction. Coefficients are kept
//! once each, in the order of their first use.

use super::field::{Columns, Lazy, Norm, R, mul};
use super::lanes::{self, Isa, Words, kernel};
use super::ntt::Loose;
use crate::Fr;
use crate::matrices::Matrices;
use ark_ff::{One, Zero};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Products added up before a reduction: the sum's bound is then below `2 + 64 * 2.2 / 84.6` p.
const PRODUCTS: usize = 64;
/// Additions, and as many subtractions, before a reduction.
const SUMS: usize = 32;
/// Forms that are sorted together.
const WINDOW: usize = 1024;
/// Slices of eight forms worth a separate task.
const RUN: usize = 16;
/// Vectors of rows worth a separate task.
const ROWS: usize = 256;
/// A value of the table, in Montgomery form with `R = 2^260`, is below this many p.
const BOUND: f64 = 2.2;

/// The rows of a circuit, by where their values stand in the table.
///
/// Every place is within the table, and every number of a coefficient within the coefficients:
/// [`Rows::new`] checks, and nothing changes them.
pub(crate) struct Rows {
    a: Vec<[u32; 8]>,
    b: Vec<[u32; 8]>,
    c: Option<Vec<[u32; 8]>>,
    num_variables: usize,
    forms: Forms,
}

/// Distinct forms, eight to a slice.
struct Forms {
    /// Distinct coefficients in the table's form, canonical. The first is zero.
    coefficients: Vec<Words>,
    slices: Vec<Slice>,
    products: Vec<Product>,
    /// Variables to add or to subtract, lane by lane.
    sums: Vec<[u32; 8]>,
}

/// Where a slice's terms end; they begin where the slice before ends.
#[derive(Clone, Copy, Default)]
struct Slice {
    products: u32,
    plus: u32,
    minus: u32,
}

/// One term of each lane: variables and places among the coefficients.
struct Product {
    variables: [u32; 8],
    coefficients: [u32; 8],
}

impl Rows {
    /// Lays out the rows of a circuit; the lists are as long as its domain.
    pub(crate) fn new(matrices: &Matrices) -> Self {
        let zero = place(matrices.num_variables);
        let all = [Some(&matrices.a), Some(&matrices.b), matrices.c.as_ref()];
        let mut lists = all.map(|matrix| matrix.map(|_| vec![zero; matrices.domain_size]));
        // The rows that are more than a variable, by what they say and where they first occur.
        let mut found: Vec<(u64, u32, u8)> = Vec::new();
        for (which, (matrix, list)) in all.iter().zip(&mut lists).enumerate() {
            let (Some(matrix), Some(list)) = (matrix, list) else { continue };
            for (i, value) in list.iter_mut().enumerate().take(matrix.rows()) {
                match matrix.row(i) {
                    [] => {}
                    [(variable, coefficient)] if coefficient.is_one() => *value = *variable,
                    terms => found.push((fingerprint(terms), place(i), which as u8)),
                }
            }
        }
        found.par_sort_unstable();
        let row = |(_, i, which): (u64, u32, u8)| all[which as usize].map_or(&[][..], |m| m.row(i as usize));
        let mut groups: Vec<&[(u64, u32, u8)]> =
            found.chunk_by(|x, y| x.0 == y.0 && row(*x) == row(*y)).collect();
        groups.sort_unstable_by_key(|group| (group[0].1, group[0].2));
        let (forms, order) = Forms::new(groups.iter().map(|group| row(group[0])), zero);
        for (at, group) in order.iter().enumerate() {
            for (_, i, which) in groups[*group] {
                if let Some(list) = &mut lists[*which as usize] {
                    list[*i as usize] = place(matrices.num_variables + 1 + at);
                }
            }
        }
        let [a, b, c] = lists.map(|list| list.map(|list| list.as_chunks::<8>().0.to_vec()));
        let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
        let rows = Self { a, b, c, num_variables: matrices.num_variables, forms };
        rows.check();
        rows
    }

    /// Whether all places are within what they are places in.
    fn check(&self) {
        let within = |lists: &[[u32; 8]], length: usize| {
            assert!(lists.iter().flatten().all(|i| (*i as usize) < length), "a place beyond the table");
        };
        for list in [Some(&self.a), Some(&self.b), self.c.as_ref()].into_iter().flatten() {
            within(list, self.table_len());
        }
        let Forms { coefficients, slices, products, sums } = &self.forms;
        within(sums, self.num_variables + 1);
        for product in products {
            within(&[product.variables], self.num_variables + 1);
            within(&[product.coefficients], coefficients.len());
        }
        let ends = slices.iter().map(|slice| [slice.products, slice.plus, slice.minus]);
        let starts = core::iter::once([0; 3]).chain(ends.clone());
        for ([start, _, sum], [end, plus, minus]) in starts.zip(ends) {
            assert!(start <= end && sum <= plus && plus <= minus, "slices follow each other");
            assert!(
                end as usize <= products.len() && minus as usize <= sums.len(),
                "slices of what is there"
            );
        }
    }

    fn table_len(&self) -> usize {
        self.num_variables + 1 + 8 * self.forms.slices.len()
    }

    /// Room for a table.
    pub(crate) fn table(&self) -> Vec<Words> {
        vec![Words([0; 4]); self.table_len()]
    }

    /// Fills the table for an assignment.
    pub(crate) fn fill(&self, isa: Isa, assignment: &[Fr], table: &mut [Words]) {
        assert_eq!(assignment.len(), self.num_variables, "one value for each variable");
        assert_eq!(table.len(), self.table_len(), "the circuit's own table");
        let (variables, rest) = table.split_at_mut(self.num_variables);
        let spread = rayon::current_num_threads() > 1;
        let convert = |(words, values): (&mut [Words], &[Fr])| assignment_words(isa, words, values);
        if spread && assignment.len() > 8 * RUN {
            variables.par_chunks_mut(64 * RUN).zip(assignment.par_chunks(64 * RUN)).for_each(convert);
        } else {
            convert((variables, assignment));
        }
        rest[0] = Words([0; 4]);
        let (inputs, outputs) = table.split_at_mut(self.num_variables + 1);
        let (outputs, _) = outputs.as_chunks_mut::<8>();
        if spread && outputs.len() > RUN {
            let some = |(i, outputs): (usize, &mut [_])| evaluate(isa, &self.forms, inputs, RUN * i, outputs);
            outputs.par_chunks_mut(RUN).enumerate().for_each(some);
        } else {
            evaluate(isa, &self.forms, inputs, 0, outputs);
        }
    }

    /// Fetches the rows' values from a filled table, eight to a vector, fresh for a transform; c is
    /// `a b` where the circuit has no C. Says which is the first row of which `a b = c` does not
    /// hold.
    pub(crate) fn place(&self, isa: Isa, table: &[Words], out: [&mut [Loose]; 3]) -> Option<usize> {
        assert_eq!(table.len(), self.table_len(), "the circuit's own table");
        let [a, b, c] = out.map(|out| out.par_chunks_mut(ROWS));
        let runs = a.zip(b).zip(c).zip(self.a.par_chunks(ROWS)).zip(self.b.par_chunks(ROWS));
        match &self.c {
            Some(places) => {
                let runs = runs.zip(places.par_chunks(ROWS)).enumerate();
                let first = runs.filter_map(|(run, (((((a, b), c), x), y), z))| {
                    checked(isa, table, [x, y, z], [a, b, c]).map(|row| 8 * ROWS * run + row)
                });
                first.min()
            }
            None => {
                runs.for_each(|((((a, b), c), x), y)| multiplied(isa, table, [x, y], [a, b, c]));
                None
            }
        }
    }

    /// Memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let Forms { coefficients, slices, products, sums } = &self.forms;
        let lists = [Some(&self.a), Some(&self.b), self.c.as_ref()];
        lists.into_iter().flatten().map(|list| size_of_val(list.as_slice())).sum::<usize>()
            + size_of_val(coefficients.as_slice())
            + size_of_val(slices.as_slice())
            + size_of_val(products.as_slice())
            + size_of_val(sums.as_slice())
    }
}

fn place(i: usize) -> u32 {
    u32::try_from(i).expect("fewer than 2^32 variables, rows and forms")
}

/// Equal for equal terms, and seldom for others.
fn fingerprint(terms: &[(u32, Fr)]) -> u64 {
    terms.iter().fold(terms.len() as u64, |hash, (variable, coefficient)| {
        let words = coefficient.0.0;
        let term = words.iter().fold(u64::from(*variable), |sum, word| sum.rotate_left(23) ^ word);
        (hash.rotate_left(5) ^ term).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

/// A form's terms, by kind.
#[derive(Default)]
struct Sorted {
    products: Vec<(u32, u32)>,
    plus: Vec<u32>,
    minus: Vec<u32>,
}

impl Forms {
    /// Lays out forms; `zero` is the place of the table's zero. Also says which form stands where.
    fn new<'a>(forms: impl Iterator<Item = &'a [(u32, Fr)]>, zero: u32) -> (Self, Vec<usize>) {
        let mut numbers = BTreeMap::from([([0; 4], 0)]);
        let mut coefficients = vec![Words([0; 4])];
        let mut sorted: Vec<(usize, Sorted)> = forms
            .map(|terms| {
                let mut form = Sorted::default();
                for (variable, coefficient) in terms.iter().filter(|(_, coefficient)| !coefficient.is_zero())
                {
                    if coefficient.is_one() {
                        form.plus.push(*variable);
                    } else if (-*coefficient).is_one() {
                        form.minus.push(*variable);
                    } else {
                        let number = *numbers.entry(coefficient.0.0).or_insert_with(|| {
                            coefficients.push(words_of(coefficient));
                            place(coefficients.len() - 1)
                        });
                        form.products.push((*variable, number));
                    }
                }
                form
            })
            .enumerate()
            .collect();
        for window in sorted.chunks_mut(WINDOW) {
            window.sort_by_key(|(_, form)| (form.products.len(), form.plus.len(), form.minus.len()));
        }
        let mut laid = Self { coefficients, slices: Vec::new(), products: Vec::new(), sums: Vec::new() };
        for eight in sorted.chunks(8) {
            laid.push(eight, zero);
        }
        (laid, sorted.into_iter().map(|(i, _)| i).collect())
    }

    fn push(&mut self, eight: &[(usize, Sorted)], zero: u32) {
        let longest =
            |length: fn(&Sorted) -> usize| eight.iter().map(|(_, form)| length(form)).max().unwrap_or(0);
        for term in 0..longest(|form| form.products.len()) {
            let mut product = Product { variables: [zero; 8], coefficients: [0; 8] };
            for (lane, (_, form)) in eight.iter().enumerate() {
                if let Some((variable, coefficient)) = form.products.get(term) {
                    (product.variables[lane], product.coefficients[lane]) = (*variable, *coefficient);
                }
            }
            self.products.push(product);
        }
        let kinds: [fn(&Sorted) -> &[u32]; 2] = [|form| &form.plus, |form| &form.minus];
        let ends = kinds.map(|kind| {
            for term in 0..eight.iter().map(|(_, form)| kind(form).len()).max().unwrap_or(0) {
                let mut variables = [zero; 8];
                for (variable, (_, form)) in variables.iter_mut().zip(eight) {
                    *variable = kind(form).get(term).copied().unwrap_or(zero);
                }
                self.sums.push(variables);
            }
            place(self.sums.len())
        });
        let [plus, minus] = ends;
        self.slices.push(Slice { products: place(self.products.len()), plus, minus });
    }
}

/// Montgomery form with `R = 2^260`, canonical, in words.
fn words_of(x: &Fr) -> Words {
    Words((*x * Fr::from(16u64)).0.0)
}

kernel! {
    /// The assignment in our Montgomery form.
    fn assignment_words[](isa: Isa, words: &mut [Words], values: &[Fr]) {
        let (eights, rest) = words.as_chunks_mut::<8>();
        let (values, last) = values.as_chunks::<8>();
        for (words, values) in eights.iter_mut().zip(values) {
            *words = Norm::<R>::from_ark(isa, values).to_words().map(Words);
        }
        let mut eight = [Fr::zero(); 8];
        eight[..last.len()].copy_from_slice(last);
        let mut converted = Norm::<R>::from_ark(isa, &eight).to_words().map(Words);
        rest.copy_from_slice(&converted[..rest.len()]);
        super::field::wipe(&mut eight);
        super::field::wipe(&mut converted);
    }

    /// Fetches rows' values; the first row of which `a b = c` does not hold.
    fn checked[](isa: Isa, table: &[Words], places: [&[[u32; 8]]; 3], out: [&mut [Loose]; 3]) -> Option<usize> {
        let [a, b, c] = out;
        let mut unsatisfied = None;
        for i in (0..a.len()).rev() {
            let (x, y) = (value(isa, table, &places[0][i]), value(isa, table, &places[1][i]));
            let z = value(isa, table, &places[2][i]);
            (a[i], b[i], c[i]) = (Loose::of(&x), Loose::of(&y), Loose::of(&z));
            let satisfied = mul(&x.lazy(), &y.lazy()).minus::<3>(&z).red().zero_lanes();
            if satisfied != 0xff {
                unsatisfied = Some(8 * i + satisfied.trailing_ones() as usize);
            }
        }
        unsatisfied
    }

    /// Fetches rows' values and sets c to `a b`.
    fn multiplied[](isa: Isa, table: &[Words], places: [&[[u32; 8]]; 2], out: [&mut [Loose]; 3]) {
        let [a, b, c] = out;
        for i in 0..a.len() {
            let (x, y) = (value(isa, table, &places[0][i]), value(isa, table, &places[1][i]));
            (a[i], b[i]) = (Loose::of(&x), Loose::of(&y));
            c[i] = Loose::of_product(&mul(&x.lazy(), &y.lazy()));
        }
    }

    /// The values of the forms from slice `first`.
    fn evaluate[](isa: Isa, forms: &Forms, table: &[Words], first: usize, outputs: &mut [[Words; 8]]) {
        let mut begin = if first == 0 { Slice::default() } else { forms.slices[first - 1] };
        for (slice, output) in forms.slices[first..].iter().zip(outputs) {
            let products = &forms.products[begin.products as usize..slice.products as usize];
            let plus = &forms.sums[begin.minus as usize..slice.plus as usize];
            let minus = &forms.sums[slice.plus as usize..slice.minus as usize];
            let mut sum = sum_products(isa, table, &forms.coefficients, products);
            sum = add_all(isa, sum, table, plus, minus);
            *output = sum.norm().to_words().map(Words);
            begin = *slice;
        }
    }
}

/// Eight values, normalised.
#[inline(always)]
fn value(isa: Isa, table: &[Words], places: &[u32; 8]) -> Norm<R> {
    // SAFETY: callers pass places of a `Rows` and its table, or the table's beginning and places of
    // forms, which are within it (see `Rows`, and `check`, which `new` calls; `fill` and `place`
    // assert that the table has the circuit's length).
    Norm::unpack(unsafe { lanes::gather(isa, table, places) }, BOUND)
}

/// Eight values or coefficients as factors.
#[inline(always)]
fn factor(isa: Isa, table: &[Words], places: &[u32; 8], bound: f64) -> Lazy<R> {
    // SAFETY: as for `value`; coefficients' numbers are checked there too.
    Lazy::from_words(unsafe { lanes::gather(isa, table, places) }, bound)
}

/// The sum of products, below 1.8p.
#[inline(always)]
fn sum_products(isa: Isa, table: &[Words], coefficients: &[Words], products: &[Product]) -> Loose {
    let mut sum = Loose::zero(isa);
    for products in products.chunks(PRODUCTS) {
        let mut columns = Columns::<R>::zero(isa);
        for product in products {
            let value = factor(isa, table, &product.variables, BOUND);
            let coefficient = factor(isa, coefficients, &product.coefficients, 1.0);
            columns = columns.plus_product(&coefficient, &value);
        }
        sum = sum.plus(&Loose::of_product(&columns.reduce())).lift::<1>().reduce();
    }
    sum
}

/// The sum with more values added and subtracted, below 1.8p.
#[inline(always)]
fn add_all(isa: Isa, mut sum: Loose, table: &[Words], plus: &[[u32; 8]], minus: &[[u32; 8]]) -> Loose {
    for variables in plus.chunks(SUMS) {
        for variables in variables {
            sum = sum.plus(&Loose::of(&value(isa, table, variables)));
        }
        sum = sum.lift::<1>().reduce();
    }
    for variables in minus.chunks(SUMS) {
        for variables in variables {
            sum = sum.minus(&Loose::of(&value(isa, table, variables)));
        }
        sum = sum.lift::<72>().reduce();
    }
    sum
}
