//! The sums of a proof, held against bases whose logarithms are known.

use super::circuits::random_circuit;
use super::{cancels_everywhere, edge_scalars, go};
use crate::{
    Backend, Fr, G1Affine, G1Projective, G2Affine, G2Projective, KeyBases, LoadedKey, Phase, QuotientForm,
    TableMemory,
};
use ark_ec::PrimeGroup;
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ff::{BigInt, One, PrimeField, UniformRand, Zero};
use ark_std::rand::Rng;
use ark_std::rand::rngs::StdRng;

/// A key made of known multiples of the generators.
struct Key {
    a: Vec<Fr>,
    b: Vec<Fr>,
    l: Vec<Fr>,
    h: Vec<Fr>,
    a_points: Vec<G1Affine>,
    b_g1: Vec<G1Affine>,
    b_g2: Vec<G2Affine>,
    l_points: Vec<G1Affine>,
    h_points: Vec<G1Affine>,
}

impl Key {
    /// `n` variables, the last `l` of them in L, `h` numbers of the quotient.
    fn new((n, l, h): (usize, usize, usize), mut log: impl FnMut(usize) -> Fr) -> Self {
        let mut logs = |n: usize| (0..n).map(&mut log).collect::<Vec<Fr>>();
        let (a, b, l, h) = (logs(n), logs(n), logs(l), logs(h));
        let g1 = BatchMulPreprocessing::new(G1Projective::generator(), n.max(1));
        let g2 = BatchMulPreprocessing::new(G2Projective::generator(), n.max(1));
        Self {
            a_points: g1.batch_mul(&a),
            b_g1: g1.batch_mul(&b),
            b_g2: g2.batch_mul(&b),
            l_points: g1.batch_mul(&l),
            h_points: g1.batch_mul(&h),
            a,
            b,
            l,
            h,
        }
    }

    fn load(&self, backend: &dyn Backend, memory: TableMemory) -> Box<dyn LoadedKey> {
        let bases = KeyBases {
            a: &self.a_points,
            b_g1: &self.b_g1,
            b_g2: &self.b_g2,
            l: &self.l_points,
            h: &self.h_points,
        };
        backend.load_key(&bases, memory)
    }

    /// Asserts that a loaded key gives the sums of these scalars.
    fn hold(&self, key: &dyn LoadedKey, assignment: &[Fr], quotient: &[Fr], r: Fr, what: &str) {
        let h: Vec<BigInt<4>> = quotient.iter().map(|h| h.into_bigint()).collect();
        let sums = key.sums(assignment, &h, &r, &go).expect("to the end");
        let product = |logs: &[Fr], scalars: &[Fr]| -> Fr {
            assert_eq!(logs.len(), scalars.len());
            logs.iter().zip(scalars).map(|(log, scalar)| *log * scalar).sum()
        };
        let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
        assert_eq!(sums.a, g1 * product(&self.a, assignment), "A, {what}");
        assert_eq!(sums.b_g2, g2 * product(&self.b, assignment), "B, {what}");
        let l = product(&self.l, &assignment[assignment.len() - self.l.len()..]);
        let c = l + product(&self.h, quotient) + r * product(&self.b, assignment);
        assert_eq!(sums.c, g1 * c, "C, {what}");
    }
}

fn rng(seed: u64) -> StdRng {
    ark_std::rand::SeedableRng::seed_from_u64(seed)
}

const MEMORIES: [TableMemory; 3] = [TableMemory::Plain, TableMemory::AtMost(0), TableMemory::AtMost(1 << 20)];

/// Kinds of scalars: as many as there are ways for digits and buckets to go wrong.
fn scalars(kind: usize, n: usize, rng: &mut StdRng) -> Vec<Fr> {
    let edges = edge_scalars();
    let same = Fr::rand(rng);
    (0..n)
        .map(|i| match kind {
            0 => Fr::zero(),
            1 => Fr::one(),
            2 => -Fr::one(),
            3 => Fr::from(rng.r#gen::<u8>()),
            4 => same,
            5 => edges[i % edges.len()],
            // As in a witness: mostly bits and bytes, some full width, some negative.
            6 => match i % 8 {
                0..3 => Fr::from(u64::from(rng.r#gen::<bool>())),
                3 => -Fr::from(rng.r#gen::<u32>()),
                4 => Fr::from(rng.r#gen::<u128>() >> (rng.r#gen::<u32>() % 128)),
                _ => Fr::rand(rng),
            },
            _ => Fr::rand(rng),
        })
        .collect()
}

const KINDS: usize = 8;

pub(crate) fn agree(backend: &dyn Backend) {
    let mut rng = rng(1);
    let sizes = [0usize, 1, 2, 3, 7, 8, 9, 15, 17, 31, 33, 64, 100, 191, 193, 257, 1000, 2049];
    for n in sizes {
        // L for all variables, some or none; H longer, shorter or empty.
        for (l, h) in [(n, n), (n.saturating_sub(3), 2 * n + 1), (0, 0), (n / 2, n.saturating_sub(1))] {
            let key = Key::new((n, l, h), |_| Fr::rand(&mut rng));
            for memory in MEMORIES {
                let loaded = key.load(backend, memory);
                for kind in if n < 300 { 0..KINDS } else { KINDS - 2..KINDS } {
                    let (assignment, quotient) = (scalars(kind, n, &mut rng), scalars(kind, h, &mut rng));
                    let r = if kind == 5 { Fr::zero() } else { Fr::rand(&mut rng) };
                    let what = format!("{n} variables, {l} in L, {h} in H, kind {kind}, {memory:?}");
                    key.hold(loaded.as_ref(), &assignment, &quotient, r, &what);
                }
            }
        }
    }
}

pub(crate) fn degenerate_bases_agree(backend: &dyn Backend) {
    let mut rng = rng(2);
    let one = Fr::rand(&mut rng);
    for n in [1usize, 2, 5, 8, 33, 200, 600] {
        for style in 0..6 {
            let mut draw = rng.clone();
            let log = |i: usize| match style {
                // All infinity; all the same; by turns opposite; infinity among others; an
                // arithmetic progression, where sums of different pairs are equal; few points, many
                // times.
                0 => Fr::zero(),
                1 => one,
                2 => {
                    if i.is_multiple_of(2) {
                        one
                    } else {
                        -one
                    }
                }
                3 => {
                    if i.is_multiple_of(3) {
                        Fr::rand(&mut draw)
                    } else {
                        Fr::zero()
                    }
                }
                4 => Fr::from(i as u64 + 1),
                _ => Fr::from(i as u64 % 3) * one,
            };
            let key = Key::new((n, n, n), log);
            for memory in MEMORIES {
                let loaded = key.load(backend, memory);
                for kind in 0..KINDS {
                    let (assignment, quotient) = (scalars(kind, n, &mut rng), scalars(kind, n, &mut rng));
                    // With r = 1 the B bases enter C with A's own scalars.
                    let r = if kind % 2 == 0 { Fr::one() } else { Fr::rand(&mut rng) };
                    let what = format!("{n} bases of style {style}, scalars of kind {kind}, {memory:?}");
                    key.hold(loaded.as_ref(), &assignment, &quotient, r, &what);
                }
            }
        }
    }
}

pub(crate) fn cancels(backend: &dyn Backend) {
    let mut rng = rng(3);
    for n in [5usize, 400] {
        let key = Key::new((n, n - 2, n), |_| Fr::rand(&mut rng));
        let (assignment, r) = (scalars(6, n, &mut rng), Fr::rand(&mut rng));
        let h: Vec<BigInt<4>> = scalars(7, n, &mut rng).iter().map(|h| h.into_bigint()).collect();
        for memory in MEMORIES {
            let loaded = key.load(backend, memory);
            let phases = cancels_everywhere(&|progress| loaded.sums(&assignment, &h, &r, progress));
            assert!(phases.iter().all(|phase| *phase >= Phase::Recode), "{phases:?}");
        }
    }
}

pub(crate) fn loaded_once_used_often(backend: &dyn Backend) {
    let mut rng = rng(4);
    let (matrices, assignment) = random_circuit(9, 300, 9);
    let n = assignment.len();
    let circuit = backend.load_circuit(matrices, QuotientForm::OddCoset);
    let key = Key::new((n, n - 3, 512), |_| Fr::rand(&mut rng));
    let loaded = key.load(backend, TableMemory::AtMost(1 << 22));
    assert!(circuit.bytes() > 0 && loaded.bytes() > 0);
    let expected = circuit.quotient(&assignment, &go).expect("satisfied");
    std::thread::scope(|scope| {
        for threads in [1, 2, 3] {
            let (circuit, loaded, key, assignment, expected) =
                (&circuit, &loaded, &key, &assignment, &expected);
            scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                pool.install(|| {
                    for _ in 0..3 {
                        let h = circuit.quotient(assignment, &go).expect("satisfied");
                        assert!(h == *expected, "{threads} threads");
                        let quotient: Vec<Fr> = h.iter().map(|h| Fr::from(*h)).collect();
                        key.hold(loaded.as_ref(), assignment, &quotient, Fr::from(5u64), "many threads");
                    }
                });
            });
        }
    });
}
