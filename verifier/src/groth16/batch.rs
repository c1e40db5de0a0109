//! Many proofs at once, with the verdicts of one-by-one verification.
//!
//! Proof i is valid when
//! `E_i = e(A_i, B_i) e(alpha, beta)^-1 e(IC(x_i), gamma)^-1 e(C_i, delta)^-1` is one. The batch
//! checks that `prod E_i^(w_i)` is one, for weights of 128 bits that nobody can know before the
//! whole batch is fixed: a batch with an invalid proof passes with probability 2^-128. When the
//! product is not one, the culprits are found by halving ([`search`](crate::groth16::search)); when
//! that has cost more than a quarter of the batch in checks, what is left is verified one by one.
//!
//! From bytes ([`verify_encoded`]) one check less is made: whether B lies in its subgroup is seen
//! at the end of its Miller loop.

use crate::groth16::key::PreparedVerifyingKey;
use crate::groth16::search::{Case, Searched, Verdict, verify_cases};
use crate::groth16::single::{Reject, verify_one};
use amanat_accel::Weight;
use amanat_domain::field::{self, Fr};
use amanat_domain::statement::PUBLIC_INPUTS;
use amanat_params::{PointError, Proof, ProofError, ProofPart, UncheckedProof};
use merlin::Transcript;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Up to this number, proofs are verified one by one: that costs less than a batch.
const FEW: usize = 1;

/// A proof to verify.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The key it claims to be under.
    pub key: &'a PreparedVerifyingKey,
    /// The public inputs it claims to prove.
    pub public: [Fr; PUBLIC_INPUTS],
    /// The proof.
    pub proof: Proof,
}

/// A proof to verify, as it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    /// The key it claims to be under.
    pub key: &'a PreparedVerifyingKey,
    /// The public inputs it claims to prove.
    pub public: [Fr; PUBLIC_INPUTS],
    /// What should be a proof.
    pub proof: &'a [u8],
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

/// Verifies every item; the verdicts are those of [`verify_one`].
#[must_use]
pub fn verify_batch(items: &[Item<'_>]) -> Vec<bool> {
    verify_batch_counted(items).verdicts
}

/// [`verify_batch`], with its cost.
#[must_use]
pub fn verify_batch_counted(items: &[Item<'_>]) -> BatchOutcome {
    if items.len() <= FEW {
        let holds = |item: &Item<'_>| verify_one(item.key, &item.public, &item.proof).is_ok();
        let verdicts = items.iter().map(holds).collect();
        return BatchOutcome { verdicts, group_checks: 0, single_checks: items.len() };
    }
    verify_items(items, weights(items, |item| (item.key, &item.public, item.proof.to_bytes())))
}

fn verify_items(items: &[Item<'_>], weights: Vec<Weight>) -> BatchOutcome {
    let cases: Vec<Case<'_>> = items.iter().map(Case::of).collect();
    let Searched { verdicts, group_checks, single_checks } = verify_cases(&cases, weights);
    let verdicts = verdicts.into_iter().map(|verdict| verdict == Verdict::Valid).collect();
    BatchOutcome { verdicts, group_checks, single_checks }
}

/// Decodes and verifies every item: the results are those of [`Proof::from_bytes`] and then
/// [`verify_one`].
#[must_use]
pub fn verify_encoded(items: &[Encoded<'_>]) -> Vec<Result<(), Reject>> {
    if items.len() <= FEW {
        let judged =
            items.iter().map(|item| verify_one(item.key, &item.public, &Proof::from_bytes(item.proof)?));
        return judged.collect();
    }
    // In the same parts whatever the number of threads; each proof is read by itself anyhow.
    let parts = items.par_chunks(crate::groth16::search::PART);
    let decoded: Vec<Result<UncheckedProof, ProofError>> = parts
        .flat_map_iter(|part| {
            UncheckedProof::from_bytes_many(&part.iter().map(|i| i.proof).collect::<Vec<_>>())
        })
        .collect();
    let sound: Vec<(&Encoded<'_>, &UncheckedProof)> =
        items.iter().zip(&decoded).filter_map(|(item, proof)| Some((item, proof.as_ref().ok()?))).collect();
    let weights = weights(&sound, |(item, _)| (item.key, &item.public, item.proof));
    let cases: Vec<Case<'_>> = sound.iter().map(|(item, proof)| Case::of_unchecked(item, proof)).collect();
    let mut verdicts = verify_cases(&cases, weights).verdicts.into_iter();
    let judged = decoded.iter().map(|proof| {
        proof.as_ref().map_err(|error| *error)?;
        match verdicts.next() {
            Some(Verdict::Valid) => Ok(()),
            Some(Verdict::Stranger) => {
                Err(ProofError::Point { part: ProofPart::B, reason: PointError::NotInSubgroup }.into())
            }
            Some(Verdict::Invalid) | None => Err(Reject::Invalid),
        }
    });
    judged.collect()
}

impl<'a> Case<'a> {
    fn of(item: &'a Item<'a>) -> Self {
        let Item { key, public, proof } = item;
        Self { key, public, a: proof.a(), b: proof.b(), c: proof.c() }
    }

    fn of_unchecked(item: &'a Encoded<'a>, proof: &'a UncheckedProof) -> Self {
        Self { key: item.key, public: &item.public, a: proof.a(), b: proof.b(), c: proof.c() }
    }
}

/// Weights from a transcript over everything, so that they are the same for every validator and
/// nobody can choose a proof after seeing them. An item enters by its SHA-256, so that most of the
/// hashing is spread over the threads.
fn weights<'a, T: Sync, B: AsRef<[u8]>>(
    items: &'a [T],
    parts: impl Fn(&'a T) -> (&'a PreparedVerifyingKey, &'a [Fr; PUBLIC_INPUTS], B) + Sync,
) -> Vec<Weight> {
    let digest = |item: &'a T| -> [u8; 32] {
        let (key, public, proof) = parts(item);
        let mut hash = Sha256::new();
        hash.update((key.header().statement as u64).to_le_bytes());
        hash.update(u64::from(key.header().version).to_le_bytes());
        hash.update(key.digest());
        public.iter().for_each(|input| hash.update(field::to_bytes(input)));
        hash.update(proof);
        hash.finalize().into()
    };
    let digests: Vec<[u8; 32]> = items.par_iter().with_min_len(16).map(digest).collect();
    let mut transcript = Transcript::new(b"amanat/verify-batch/v2");
    transcript.append_u64(b"count", items.len() as u64);
    transcript.append_message(b"items", digests.as_flattened());
    let mut bits = vec![[0; 16]; items.len()];
    transcript.challenge_bytes(b"weights", bits.as_flattened_mut());
    bits.into_iter().map(|bits| Weight::new(u128::from_le_bytes(bits))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groth16::search::search_budget;
    use crate::testing::worlds;
    use amanat_params::PROOF_BYTES;
    use amanat_testkit::groth16::g2_outside_the_subgroup;
    use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
    use ark_ec::{CurveGroup, PrimeGroup};
    use ark_ff::{One, UniformRand};
    use ark_serialize::CanonicalSerialize;
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

    /// The least k with n at most `2^k`.
    fn log2(n: usize) -> usize {
        n.next_power_of_two().ilog2() as usize
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
                // The whole, and one half at every level: what the other half is follows.
                assert!(outcome.group_checks <= 1 + log2(n), "{n}, {bad}: {outcome:?}");
                assert_eq!(outcome.single_checks, 0);
            }
        }
    }

    #[test]
    fn k_culprits_among_n_cost_at_most_k_log_n_checks_beyond_the_first() {
        let mut rng = ark_std::test_rng();
        for n in [3, 16, 64, 65, 100, 130] {
            let honest = honest(n, 3);
            for k in [1, 2, 3, 5] {
                // At random, side by side, and as far apart as can be.
                for spread in 0..3 {
                    let mut items = honest.clone();
                    let mut expected = vec![true; n];
                    for i in 0..k {
                        let at = match spread {
                            0 => rng.r#gen::<usize>() % n,
                            1 => (n / 2 + i) % n,
                            _ => i * n / k,
                        };
                        if core::mem::replace(&mut expected[at.min(n - 1)], false) {
                            spoil(&mut items[at.min(n - 1)], rng.r#gen::<usize>() % 1000);
                        }
                    }
                    let outcome = verify_batch_counted(&items);
                    assert_eq!(outcome.verdicts, expected);
                    let bad = expected.iter().filter(|valid| !**valid).count();
                    let bound = 1 + bad * log2(n);
                    assert!(
                        outcome.group_checks <= bound,
                        "{bad} of {n}: {} > {bound}",
                        outcome.group_checks
                    );
                    assert!(outcome.group_checks <= search_budget(n));
                    assert!(outcome.single_checks == 0 || outcome.group_checks == search_budget(n));
                }
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
        assert!(verify_items(&items, vec![Weight::new(7); 6]).verdicts.iter().all(|v| *v));
        assert_eq!(verify_batch(&items), [true, false, true, true, false, true]);
        // And so is knowing the weights beforehand: a pair can be made for any fixed ones.
        let fixed = [3, 5, 1, 1, 9, 2].map(Weight::new);
        let mut items = honest(6, 1);
        for (i, factor) in [(1, fixed[4].scalar()), (4, -fixed[1].scalar())] {
            let proof = items[i].proof;
            let c = (shift * factor + proof.c()).into_affine();
            items[i].proof = Proof::from_points(*proof.a(), *proof.b(), c).expect("points");
        }
        assert!(verify_items(&items, fixed.to_vec()).verdicts.iter().all(|v| *v));
        assert_eq!(verify_batch(&items), [true, false, true, true, false, true]);
    }

    #[test]
    fn weights_depend_on_every_item_and_on_all_of_it() {
        let items = honest(4, 2);
        let weigh =
            |items: &[Item<'_>]| weights(items, |item| (item.key, &item.public, item.proof.to_bytes()));
        let base = weigh(&items);
        assert_eq!(base, weigh(&items));
        for i in 0..4 {
            for way in 0..6 {
                let mut other = items.clone();
                spoil(&mut other[i], way);
                let changed = weigh(&other);
                assert!(base.iter().zip(&changed).all(|(a, b)| a != b), "item {i}, way {way}");
            }
        }
        let mut swapped = items.clone();
        swapped.swap(0, 2);
        assert_ne!(weigh(&swapped)[1], base[1]);
        assert_ne!(weigh(&items[..3])[0], base[0]);
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
    fn encoded_proofs_get_the_results_of_decoding_and_verifying_one_by_one() {
        let mut rng = ark_std::test_rng();
        let mut strangers = g2_outside_the_subgroup();
        for round in 0..30 {
            let n = [0, 1, 2, 9, 70][round % 5];
            let items = honest(n, 1 + round % 3);
            let mut sent: Vec<Vec<u8>> = items.iter().map(|item| item.proof.to_bytes().to_vec()).collect();
            for bytes in &mut sent {
                let at = rng.r#gen::<usize>() % bytes.len();
                match rng.r#gen::<usize>() % [1000, 12, 6][round % 3] {
                    0 => bytes[at] ^= 1 << (rng.r#gen::<u8>() % 8),
                    // B outside the subgroup, alone and before a C that is none.
                    1 | 2 => {
                        let b = strangers.next().expect("endless");
                        let mut encoded = Vec::new();
                        b.serialize_compressed(&mut encoded).expect("a vector takes every write");
                        bytes[32..96].copy_from_slice(&encoded);
                        if at % 2 == 0 {
                            bytes[127] = 0xff;
                        }
                    }
                    3 => bytes.truncate(at),
                    4 => bytes.copy_within(0..32, 96),
                    _ => {}
                }
            }
            let encoded: Vec<Encoded<'_>> = items
                .iter()
                .zip(&sent)
                .map(|(item, proof)| Encoded { key: item.key, public: item.public, proof })
                .collect();
            let judge =
                |item: &Encoded<'_>| verify_one(item.key, &item.public, &Proof::from_bytes(item.proof)?);
            let expected: Vec<Result<(), Reject>> = encoded.iter().map(judge).collect();
            assert_eq!(verify_encoded(&encoded), expected, "round {round}");
        }
    }

    #[test]
    fn a_block_of_strangers_is_refused_as_such() {
        let items = honest(20, 2);
        let mut strangers = g2_outside_the_subgroup();
        let stranger = |item: &Item<'_>| {
            let mut bytes = item.proof.to_bytes();
            let b = strangers.next().expect("endless");
            b.serialize_compressed(&mut bytes[32..96]).expect("64 bytes");
            bytes
        };
        let sent: Vec<[u8; PROOF_BYTES]> = items.iter().map(stranger).collect();
        let encoded: Vec<Encoded<'_>> = items
            .iter()
            .zip(&sent)
            .map(|(item, proof)| Encoded { key: item.key, public: item.public, proof })
            .collect();
        let expected = ProofError::Point { part: ProofPart::B, reason: PointError::NotInSubgroup };
        assert_eq!(verify_encoded(&encoded), vec![Err(Reject::Proof(expected)); 20]);
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
