//! Many proofs at once, with the verdicts of one-by-one verification.
//!
//! Proof i is valid when `E_i = e(A_i, B_i) e(alpha, beta)^-1 e(IC(x_i), gamma)^-1 e(C_i, delta)^-1` is one. The batch checks
//! that `prod E_i^(w_i)` is one, for weights of 128 bits that nobody can know before the whole batch is fixed: a batch with
//! an invalid proof passes with probability 2^-128. Terms that share a point are summed first, so that a proof costs one
//! Miller loop and two short multiplications, and each key three more Miller loops.
//!
//! When the product is not one, the batch is halved until the culprits stand alone, with the Miller loops of the first
//! pass reused. Halving is cheap while culprits are few; when it has cost more than [`search_budget`] checks, what is left
//! is verified one by one. So a batch full of invalid proofs costs at most that budget more than no batch at all, beside
//! the first pass.

use crate::key::PreparedVerifyingKey;
use crate::single::verify_one;
use amanat_accel::{Engine, Fq12, OddMultiples};
use amanat_domain::field::{self, Fr};
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::Proof;
use ark_bn254::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, BigInt, Field};
use core::ops::Range;
use merlin::Transcript;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Proofs whose Miller loops share one accumulator. Fixed, so that nothing depends on the number of threads.
const CHUNK: usize = 16;

/// A proof to judge.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The key it claims to be under.
    pub key: &'a PreparedVerifyingKey,
    /// The public inputs it claims to prove.
    pub public: [Fr; PUBLIC_INPUTS],
    /// The proof.
    pub proof: Proof,
}

/// Verdicts, and what they cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOutcome {
    /// One for each item, in order: exactly the items [`verify_one`] accepts are true.
    pub verdicts: Vec<bool>,
    /// Final exponentiations over more than one proof.
    pub group_checks: usize,
    /// Proofs verified by themselves.
    pub single_checks: usize,
}

/// Most checks of groups a batch of n spends on the search for culprits before it verifies the rest one by one.
const fn search_budget(n: usize) -> usize {
    16 + n / 8
}

/// Judges every item; the verdicts are those of [`verify_one`].
#[must_use]
pub fn verify_batch(items: &[Item<'_>]) -> Vec<bool> {
    verify_batch_counted(items).verdicts
}

/// [`verify_batch`], with its cost.
#[must_use]
pub fn verify_batch_counted(items: &[Item<'_>]) -> BatchOutcome {
    judge(items, weights(items))
}

fn judge(items: &[Item<'_>], weights: Vec<u128>) -> BatchOutcome {
    let batch = Batch::new(items, weights);
    let outcome = BatchOutcome { verdicts: vec![true; items.len()], group_checks: 0, single_checks: 0 };
    let mut search = Search { batch: &batch, outcome };
    match items.len() {
        0 => {}
        1 => search.one_by_one(0..1),
        n => {
            let parts: Vec<Part> = (0..n.div_ceil(CHUNK))
                .into_par_iter()
                .map(|i| batch.part(i * CHUNK..n.min((i + 1) * CHUNK)))
                .collect();
            search.judge(&parts, false);
        }
    }
    search.outcome
}

/// Weights from a transcript over everything, so that they are the same for every validator and nobody can choose a
/// proof after seeing them.
fn weights(items: &[Item<'_>]) -> Vec<u128> {
    let mut transcript = Transcript::new(b"amanat/verify-batch/v1");
    transcript.append_u64(b"count", items.len() as u64);
    for item in items {
        transcript.append_u64(b"statement", item.key.header().statement as u64);
        transcript.append_u64(b"version", u64::from(item.key.header().version));
        transcript.append_message(b"key", &item.key.digest());
        for input in &item.public {
            transcript.append_message(b"public", &field::to_bytes(input));
        }
        transcript.append_message(b"proof", &item.proof.to_bytes());
    }
    let draw = |_| {
        let mut bytes = [0; 16];
        transcript.challenge_bytes(b"weight", &mut bytes);
        // Zero would leave a proof out.
        u128::from_le_bytes(bytes).max(1)
    };
    (0..items.len()).map(draw).collect()
}

/// Consecutive items, with the product of the Miller loops of their `(w_i A_i, B_i)`.
struct Part {
    items: Range<usize>,
    product: Fq12,
}

struct Batch<'a> {
    items: &'a [Item<'a>],
    weights: Vec<u128>,
    /// Distinct keys, in order of first appearance.
    keys: Vec<&'a PreparedVerifyingKey>,
    /// For each item, its key's place in `keys`.
    key_of: Vec<usize>,
    engine: &'static dyn Engine,
}

impl<'a> Batch<'a> {
    fn new(items: &'a [Item<'a>], weights: Vec<u128>) -> Self {
        let mut keys = Vec::new();
        let mut places = BTreeMap::new();
        let key_of = items
            .iter()
            .map(|item| {
                *places.entry(item.key.digest()).or_insert_with(|| {
                    keys.push(item.key);
                    keys.len() - 1
                })
            })
            .collect();
        Self { items, weights, keys, key_of, engine: amanat_accel::best() }
    }

    fn integers(&self, range: Range<usize>) -> Vec<BigInt<4>> {
        self.weights[range].iter().map(|w| BigInt::new([*w as u64, (*w >> 64) as u64, 0, 0])).collect()
    }

    fn part(&self, range: Range<usize>) -> Part {
        let items = &self.items[range.clone()];
        let points: Vec<G1Affine> = items.iter().map(|item| *item.proof.a()).collect();
        let weighted = OddMultiples::new(&points, 4).each(&self.integers(range.clone()));
        let weighted = G1Projective::normalize_batch(&weighted);
        let prepared: Vec<_> = items.iter().map(|item| self.engine.prepare_g2(item.proof.b())).collect();
        let pairs: Vec<_> = weighted.into_iter().zip(&prepared).collect();
        Part { items: range, product: self.engine.multi_miller_loop(&pairs) }
    }

    /// Whether the weighted product over the parts, which are adjacent, is one.
    fn holds(&self, parts: &[Part]) -> bool {
        let range = parts[0].items.start..parts[parts.len() - 1].items.end;
        let mut sums = vec![Sum::default(); self.keys.len()];
        for i in range {
            let weight = Fr::from(self.weights[i]);
            let sum = &mut sums[self.key_of[i]];
            sum.weight += weight;
            sum.inputs.iter_mut().zip(&self.items[i].public).for_each(|(sum, x)| *sum += weight * x);
            sum.c.push(*self.items[i].proof.c());
            sum.c_weights.extend(self.integers(i..i + 1));
        }
        let terms = |(sum, key): (&Sum, &&PreparedVerifyingKey)| {
            let c = sum.c.par_chunks(64).zip(sum.c_weights.par_chunks(64));
            let c: G1Projective = c.map(|(points, weights)| OddMultiples::new(points, 5).msm(weights)).sum();
            [-(key.alpha * sum.weight), key.combine(&sum.weight, &sum.inputs), c]
        };
        let used = || sums.iter().zip(&self.keys).filter(|(sum, _)| !sum.c.is_empty());
        let points: Vec<G1Projective> = used().flat_map(terms).collect();
        let points = G1Projective::normalize_batch(&points);
        let lines = used().flat_map(|(_, key)| [&key.beta, &key.neg_gamma, &key.neg_delta]);
        let pairs: Vec<_> = points.into_iter().zip(lines).collect();
        let product: Fq12 = parts.iter().map(|part| part.product).product();
        let shared = self.engine.multi_miller_loop(&pairs);
        self.engine.final_exponentiation(&(product * shared)) == Some(Fq12::ONE)
    }
}

/// What the items of one key add up to.
#[derive(Clone)]
struct Sum {
    weight: Fr,
    inputs: [Fr; PUBLIC_INPUTS],
    c: Vec<G1Affine>,
    c_weights: Vec<BigInt<4>>,
}

impl Default for Sum {
    fn default() -> Self {
        Self { weight: Fr::ZERO, inputs: [Fr::ZERO; PUBLIC_INPUTS], c: Vec::new(), c_weights: Vec::new() }
    }
}

struct Search<'a> {
    batch: &'a Batch<'a>,
    outcome: BatchOutcome,
}

impl Search<'_> {
    /// Judges adjacent parts, and says whether all are valid. `guilty`: it is already known that not all are.
    fn judge(&mut self, parts: &[Part], guilty: bool) -> bool {
        let range = parts[0].items.start..parts[parts.len() - 1].items.end;
        if range.len() == 1 && guilty {
            self.outcome.verdicts[range.start] = false;
            return false;
        }
        if range.len() == 1 || self.outcome.group_checks >= search_budget(self.batch.items.len()) {
            self.one_by_one(range.clone());
            return self.outcome.verdicts[range].iter().all(|valid| *valid);
        }
        if !guilty {
            self.outcome.group_checks += 1;
            if self.batch.holds(parts) {
                return true;
            }
        }
        if parts.len() == 1 {
            let items: Vec<Part> = range.into_par_iter().map(|i| self.batch.part(i..i + 1)).collect();
            return self.judge(&items, true);
        }
        let (left, right) = parts.split_at(parts.len() / 2);
        // Guilt that is not on the left is on the right: no need to look.
        let left_valid = self.judge(left, false);
        self.judge(right, left_valid);
        false
    }

    fn one_by_one(&mut self, range: Range<usize>) {
        self.outcome.single_checks += range.len();
        let items = self.batch.items;
        let judged = range.clone().into_par_iter().map(|i| {
            let Item { key, public, proof } = &items[i];
            verify_one(key, public, proof).is_ok()
        });
        let judged: Vec<bool> = judged.collect();
        self.outcome.verdicts[range].copy_from_slice(&judged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::worlds;
    use ark_bn254::{G2Affine, G2Projective};
    use ark_ec::PrimeGroup;
    use ark_ff::{One, UniformRand};
    use ark_std::rand::Rng;

    /// Honest items over the given number of keys.
    fn honest(n: usize, keys: usize) -> Vec<Item<'static>> {
        (0..n)
            .map(|i| {
                let world = &worlds()[i % keys];
                let (public, proof) = world.prove(i as u64 % 5);
                Item { key: &world.pvk, public, proof }
            })
            .collect()
    }

    /// Makes an item invalid, in one of several ways.
    fn spoil(item: &mut Item<'static>, way: usize) {
        let (a, b, c) = (*item.proof.a(), *item.proof.b(), *item.proof.c());
        let points = |a: G1Affine, b: G2Affine, c: G1Affine| Proof::from_points(a, b, c).expect("points");
        match way % 6 {
            0 => item.public[way % 8] += Fr::one(),
            1 => item.proof = points(-a, b, c),
            2 => item.proof = points(a, (G2Projective::generator() + b).into_affine(), c),
            3 => item.proof = points(a, b, (c + a).into_affine()),
            4 => item.proof = points(c, b, a),
            _ => {
                item.key =
                    &worlds().iter().find(|w| w.pvk.digest() != item.key.digest()).expect("several").pvk
            }
        }
    }

    fn one_by_one(items: &[Item<'_>]) -> Vec<bool> {
        items.iter().map(|i| verify_one(i.key, &i.public, &i.proof).is_ok()).collect()
    }

    #[test]
    fn an_empty_batch_has_no_verdicts_and_one_item_is_judged_by_itself() {
        let none = verify_batch_counted(&[]);
        assert_eq!(none, BatchOutcome { verdicts: vec![], group_checks: 0, single_checks: 0 });
        let mut items = honest(1, 1);
        assert_eq!(verify_batch(&items), [true]);
        spoil(&mut items[0], 0);
        assert_eq!(verify_batch(&items), [false]);
    }

    #[test]
    fn an_honest_batch_of_any_size_and_any_keys_costs_one_check() {
        for (n, keys) in [(2, 1), (3, 3), (15, 1), (16, 2), (17, 3), (33, 3), (70, 2)] {
            let outcome = verify_batch_counted(&honest(n, keys));
            assert_eq!(outcome, BatchOutcome { verdicts: vec![true; n], group_checks: 1, single_checks: 0 });
        }
    }

    #[test]
    fn verdicts_are_those_of_one_by_one_for_every_mix_of_bad_proofs() {
        let mut rng = ark_std::test_rng();
        for round in 0..40 {
            let n = 2 + rng.r#gen::<usize>() % 45;
            let mut items = honest(n, 1 + round % 3);
            // None, one, two, some, most, all.
            let odds = [0.0, 1.0 / n as f64, 2.0 / n as f64, 0.2, 0.8, 1.0][round % 6];
            let mut expected = vec![true; n];
            for (i, item) in items.iter_mut().enumerate() {
                if rng.r#gen::<f64>() < odds {
                    spoil(item, rng.r#gen::<usize>() % 1000);
                    expected[i] = false;
                }
            }
            assert_eq!(one_by_one(&items), expected);
            assert_eq!(verify_batch(&items), expected, "round {round}");
        }
    }

    #[test]
    fn a_single_culprit_is_found_at_every_place() {
        for n in [2, 5, 16, 35] {
            for bad in 0..n {
                let mut items = honest(n, 2);
                spoil(&mut items[bad], bad);
                let outcome = verify_batch_counted(&items);
                let expected: Vec<bool> = (0..n).map(|i| i != bad).collect();
                assert_eq!(outcome.verdicts, expected);
                // The whole, and at most both halves at every level.
                let checks = outcome.group_checks + outcome.single_checks;
                assert!(checks <= 1 + 2 * (n.ilog2() as usize + 1), "{n}, {bad}: {outcome:?}");
            }
        }
    }

    #[test]
    fn pairs_that_cancel_under_equal_weights_do_not_under_ours() {
        let mut items = honest(6, 1);
        let shift = G1Projective::rand(&mut ark_std::test_rng());
        for (i, sign) in [(1, shift), (4, -shift)] {
            let proof = items[i].proof;
            let c = (sign + proof.c()).into_affine();
            items[i].proof = Proof::from_points(*proof.a(), *proof.b(), c).expect("points");
        }
        // The attack is real: with equal weights the whole batch passes.
        assert!(judge(&items, vec![7; 6]).verdicts.iter().all(|v| *v));
        assert_eq!(verify_batch(&items), [true, false, true, true, false, true]);
        // And so is knowing the weights beforehand: a pair can be made for any fixed ones.
        let fixed = vec![3, 5, 1, 1, 9, 2];
        let mut items = honest(6, 1);
        for (i, factor) in [(1, Fr::from(9u64)), (4, -Fr::from(5u64))] {
            let proof = items[i].proof;
            let c = (shift * factor + proof.c()).into_affine();
            items[i].proof = Proof::from_points(*proof.a(), *proof.b(), c).expect("points");
        }
        assert!(judge(&items, fixed).verdicts.iter().all(|v| *v));
        assert_eq!(verify_batch(&items), [true, false, true, true, false, true]);
    }

    #[test]
    fn weights_depend_on_every_item_and_on_all_of_it() {
        let items = honest(4, 2);
        let base = weights(&items);
        assert_eq!(base, weights(&items));
        for i in 0..4 {
            for way in 0..6 {
                let mut other = items.clone();
                spoil(&mut other[i], way);
                let changed = weights(&other);
                assert!(base.iter().zip(&changed).all(|(a, b)| a != b), "item {i}, way {way}");
            }
        }
        let mut swapped = items.clone();
        swapped.swap(0, 2);
        assert_ne!(weights(&swapped)[1], base[1]);
        assert_ne!(weights(&items[..3])[0], base[0]);
    }

    #[test]
    fn a_batch_full_of_bad_proofs_costs_at_most_the_budget_more_than_one_by_one() {
        for n in [2usize, 16, 40, 100] {
            for spacing in [1, 2, 3, 7, 16] {
                let mut items = honest(n, 1);
                (0..n).step_by(spacing).for_each(|i| spoil(&mut items[i], 3));
                let outcome = verify_batch_counted(&items);
                let expected: Vec<bool> = (0..n).map(|i| i % spacing != 0).collect();
                assert_eq!(outcome.verdicts, expected);
                assert!(outcome.group_checks <= search_budget(n), "{n}, {spacing}: {}", outcome.group_checks);
                assert!(outcome.single_checks <= n);
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_neither_verdicts_nor_counts() {
        let mut items = honest(50, 3);
        [3, 4, 20, 49].iter().for_each(|i| spoil(&mut items[*i], *i));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| verify_batch_counted(&items))
        };
        assert_eq!(with(1), with(4));
    }
}
