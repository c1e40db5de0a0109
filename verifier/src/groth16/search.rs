//! One weighted product for a whole batch, and the search for what spoils it.
//!
//! The terms of a proof that share a point with others are summed first, so that a proof costs one
//! Miller loop, two short multiplications and its share of three more Miller loops for each key.
//! Miller loops run in parts of [`PART`] proofs, each with one accumulator, whatever the number of
//! threads.
//!
//! The value of a range of proofs is its weighted product after the final exponentiation. Values
//! multiply: where a range's value is known not to be one, the value of its left half gives that of
//! the right half by division, so that each halving costs one check, and k invalid proofs among n
//! at most `k log2 n` checks beyond the first. A part's Miller loops serve every range made of
//! whole parts; below that, each proof of a guilty part gets its own, once.

use crate::groth16::key::PreparedVerifyingKey;
use crate::groth16::single::holds;
use amanat_accel::{Backend, Fq12, Weight};
use amanat_domain::field::Fr;
use amanat_domain::statement::PUBLIC_INPUTS;
use ark_bn254::{G1Affine, G1Projective, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use core::ops::Range;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Proofs whose Miller loops share accumulators and inversions.
pub(crate) const PART: usize = 64;
/// Proofs whose C are summed together.
const SUM: usize = 128;

/// A proof on its curves, and what it claims.
pub(crate) struct Case<'a> {
    pub(crate) key: &'a PreparedVerifyingKey,
    pub(crate) public: &'a [Fr; PUBLIC_INPUTS],
    pub(crate) a: &'a G1Affine,
    pub(crate) b: &'a G2Affine,
    pub(crate) c: &'a G1Affine,
}

/// What a case turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Valid,
    Invalid,
    /// B lies outside the subgroup of order r.
    Stranger,
}

/// Verdicts in order, and what they cost.
pub(crate) struct Searched {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) group_checks: usize,
    pub(crate) single_checks: usize,
}

/// Most checks of groups a batch of n spends before it verifies what is left one by one.
pub(crate) const fn search_budget(n: usize) -> usize {
    16 + n / 4
}

/// Verifies all cases, with one weight for each that nobody could know before the cases were fixed.
pub(crate) fn verify_cases(cases: &[Case<'_>], weights: Vec<Weight>) -> Searched {
    let mut batch = Batch::new(cases, weights);
    let mut searched =
        Searched { verdicts: vec![Verdict::Valid; cases.len()], group_checks: 0, single_checks: 0 };
    if cases.is_empty() {
        return searched;
    }
    let (parts, sums) = rayon::join(|| batch.parts(), || batch.sums(0..cases.len()));
    let (products, strangers) = parts;
    let (products, sums) = if strangers.is_empty() {
        (products, sums)
    } else {
        // why: a stranger's Miller loop means nothing and spoils its part. The part is computed
        // again without it, so the sender of a stranger costs others no verdict.
        for at in &strangers {
            searched.verdicts[*at] = Verdict::Stranger;
            batch.out[*at] = true;
        }
        let spoiled = |i: usize| strangers.iter().any(|at| at / PART == i);
        let products = products.into_par_iter().enumerate();
        let products = products.map(|(i, product)| if spoiled(i) { batch.part(i).0 } else { product });
        (products.collect(), batch.sums(0..cases.len()))
    };
    let leaves: Vec<Leaf> = (0..).zip(products).map(|(i, product)| batch.leaf(i, product)).collect();
    searched.group_checks = 1;
    let value = batch.value(&leaves, &sums);
    let mut search = Search { batch: &batch, searched };
    if value != Fq12::ONE {
        search.split(&leaves, value);
    }
    search.searched
}

/// Adjacent cases, and the product of the Miller loops of their `(w_i A_i, B_i)`.
#[derive(Clone)]
struct Leaf {
    cases: Range<usize>,
    product: Fq12,
}

/// What the cases of one key add up to.
#[derive(Clone)]
struct Sum {
    weight: Fr,
    inputs: [Fr; PUBLIC_INPUTS],
    c: G1Projective,
}

struct Batch<'a> {
    cases: &'a [Case<'a>],
    weights: Vec<Weight>,
    scalars: Vec<Fr>,
    /// Distinct keys, in order of first appearance.
    keys: Vec<&'a PreparedVerifyingKey>,
    /// For each case, its key's place in `keys`.
    key_of: Vec<usize>,
    /// Cases whose verdict is known and that count for nothing.
    out: Vec<bool>,
    backend: &'static dyn Backend,
}

impl<'a> Batch<'a> {
    fn new(cases: &'a [Case<'a>], weights: Vec<Weight>) -> Self {
        let mut keys = Vec::new();
        let mut places = BTreeMap::new();
        let place = |case: &Case<'a>| {
            *places.entry(case.key.digest()).or_insert_with(|| {
                keys.push(case.key);
                keys.len() - 1
            })
        };
        let key_of = cases.iter().map(place).collect();
        let scalars = weights.iter().map(Weight::scalar).collect();
        let out = vec![false; cases.len()];
        Self { cases, weights, scalars, keys, key_of, out, backend: amanat_accel::default_backend() }
    }

    fn part_range(&self, i: usize) -> Range<usize> {
        i * PART..self.cases.len().min((i + 1) * PART)
    }

    fn leaf(&self, i: usize, product: Fq12) -> Leaf {
        Leaf { cases: self.part_range(i), product }
    }

    /// The product of each part, and the places of strangers.
    fn parts(&self) -> (Vec<Fq12>, Vec<usize>) {
        let parts: Vec<_> =
            (0..self.cases.len().div_ceil(PART)).into_par_iter().map(|i| self.part(i)).collect();
        let strangers = parts.iter().flat_map(|(_, strangers)| strangers.iter().copied()).collect();
        (parts.into_iter().map(|(product, _)| product).collect(), strangers)
    }

    fn part(&self, i: usize) -> (Fq12, Vec<usize>) {
        let range = self.part_range(i);
        let found = self.backend.miller_products(&self.pairs(range.clone()), PART);
        let strangers = range.zip(&found.in_subgroup).filter(|(at, member)| !**member && !self.out[*at]);
        (found.products.into_iter().product(), strangers.map(|(at, _)| at).collect())
    }

    /// `(w_i A_i, B_i)`; infinity in the place of A for cases that are out.
    fn pairs(&self, range: Range<usize>) -> Vec<(G1Affine, G2Affine)> {
        let points: Vec<G1Affine> =
            range.clone().map(|i| if self.out[i] { G1Affine::default() } else { *self.cases[i].a }).collect();
        let weighted = self.backend.weigh_g1(&points, &self.weights[range.clone()]);
        weighted.into_iter().zip(&self.cases[range]).map(|(a, case)| (a, *case.b)).collect()
    }

    /// The products of single cases.
    fn singles(&self, range: Range<usize>) -> Vec<Leaf> {
        let products = self.backend.miller_products(&self.pairs(range.clone()), 1).products;
        range.zip(products).map(|(i, product)| Leaf { cases: i..i + 1, product }).collect()
    }

    /// For each key, what its cases in the range add up to; `None` for keys without any.
    fn sums(&self, range: Range<usize>) -> Vec<Option<Sum>> {
        let chunks: Vec<Range<usize>> =
            range.clone().step_by(SUM).map(|from| from..range.end.min(from + SUM)).collect();
        let sums: Vec<_> = chunks.into_par_iter().map(|chunk| self.chunk_sums(chunk)).collect();
        let join = |mut all: Vec<Option<Sum>>, more: Vec<Option<Sum>>| {
            for (sum, more) in all.iter_mut().zip(more) {
                match (&mut *sum, more) {
                    (Some(sum), Some(more)) => {
                        sum.weight += more.weight;
                        sum.inputs.iter_mut().zip(more.inputs).for_each(|(sum, x)| *sum += x);
                        sum.c += more.c;
                    }
                    (sum @ None, more) => *sum = more,
                    (Some(_), None) => {}
                }
            }
            all
        };
        sums.into_iter().fold(vec![None; self.keys.len()], join)
    }

    fn chunk_sums(&self, range: Range<usize>) -> Vec<Option<Sum>> {
        let mut by_key = vec![Vec::new(); self.keys.len()];
        range.filter(|i| !self.out[*i]).for_each(|i| by_key[self.key_of[i]].push(i));
        let order: Vec<usize> = by_key.concat();
        let points: Vec<G1Affine> = order.iter().map(|i| *self.cases[*i].c).collect();
        let weights: Vec<Weight> = order.iter().map(|i| self.weights[*i]).collect();
        let lengths: Vec<usize> = by_key.iter().map(Vec::len).collect();
        let c = self.backend.weighted_sums_g1(&points, &weights, &lengths);
        let sum = |(cases, c): (Vec<usize>, G1Projective)| {
            let mut sum = Sum { weight: Fr::ZERO, inputs: [Fr::ZERO; PUBLIC_INPUTS], c };
            for i in &cases {
                let weight = self.scalars[*i];
                sum.weight += weight;
                sum.inputs.iter_mut().zip(self.cases[*i].public).for_each(|(sum, x)| *sum += weight * x);
            }
            (!cases.is_empty()).then_some(sum)
        };
        by_key.into_iter().zip(c).map(sum).collect()
    }

    /// The weighted product over adjacent leaves after the final exponentiation: one if all are
    /// valid, and, but for one chance in 2^128, only then.
    fn value(&self, leaves: &[Leaf], sums: &[Option<Sum>]) -> Fq12 {
        let used = || sums.iter().zip(&self.keys).filter_map(|(sum, key)| Some((sum.as_ref()?, *key)));
        let terms = |(sum, key): (&Sum, &PreparedVerifyingKey)| {
            let [ic, alpha] = key.combine_weighted(&sum.weight, &sum.inputs);
            [alpha, ic, sum.c]
        };
        let points: Vec<G1Projective> = used().flat_map(terms).collect();
        let points = G1Projective::normalize_batch(&points);
        let lines = used().flat_map(|(_, key)| [&key.beta, &key.neg_gamma, &key.neg_delta]);
        let pairs: Vec<_> = points.into_iter().zip(lines).collect();
        let product = leaves.iter().map(|leaf| leaf.product).product::<Fq12>();
        let product = product * self.backend.multi_miller_loop(&pairs);
        // No Miller loop over points of the right orders is zero.
        self.backend.final_exponentiation(&product).unwrap_or(Fq12::ZERO)
    }
}

fn range_of(leaves: &[Leaf]) -> Range<usize> {
    match (leaves.first(), leaves.last()) {
        (Some(first), Some(last)) => first.cases.start..last.cases.end,
        _ => 0..0,
    }
}

struct Search<'a> {
    batch: &'a Batch<'a>,
    searched: Searched,
}

impl Search<'_> {
    /// Looks for the invalid cases among adjacent leaves whose value is not one.
    fn split(&mut self, leaves: &[Leaf], value: Fq12) {
        let range = range_of(leaves);
        if range.len() == 1 {
            self.searched.verdicts[range.start] = Verdict::Invalid;
            return;
        }
        if self.searched.group_checks >= search_budget(self.batch.cases.len()) {
            self.one_by_one(range);
            return;
        }
        if leaves.len() == 1 {
            let singles = self.batch.singles(range);
            return self.split(&singles, value);
        }
        let (left, right) = leaves.split_at(leaves.len() / 2);
        self.searched.group_checks += 1;
        let left_value = self.batch.value(left, &self.batch.sums(range_of(left)));
        // After the final exponentiation a conjugate is an inverse.
        let mut inverse = left_value;
        inverse.conjugate_in_place();
        let right_value = value * inverse;
        for (leaves, value) in [(left, left_value), (right, right_value)] {
            if value != Fq12::ONE {
                self.split(leaves, value);
            }
        }
    }

    fn one_by_one(&mut self, range: Range<usize>) {
        let batch = self.batch;
        let cases = range.filter(|i| !batch.out[*i]).collect::<Vec<_>>();
        self.searched.single_checks += cases.len();
        let invalid = |i: &usize| {
            let Case { key, public, a, b, c } = &batch.cases[*i];
            !holds(key, public, a, b, c)
        };
        let invalid: Vec<usize> = cases.into_par_iter().filter(invalid).collect();
        invalid.into_iter().for_each(|i| self.searched.verdicts[i] = Verdict::Invalid);
    }
}
