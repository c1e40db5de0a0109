//! The work that all provers are compared on: `n` membership proofs in one Merkle tree of Poseidon
//! hashes.
//!
//! circomlib's Poseidon with two inputs (capacity zero), a binary tree of depth 32, one root for
//! all. The rows are those that circom leaves at its highest optimisation: 242 for each level,
//! where the S-box inputs of the partial rounds are variables and the linear layers are folded into
//! the rows around them. Terms per row of A, B and C are then 1.7, 2.3 and 8 on average, and a
//! third of the variables does not occur in B, as in circuits that circom makes.
//!
//! What differs from circom's file: eight public inputs, as all our circuits have (the root and
//! seven zeros), and a row for each path that compares with the root.

use crate::Outcome;
use amanat_circuits::cs::{Cs, Num, RowKind};
use amanat_circuits::r1cs::R1cs;
use amanat_domain::field::{self, Fr};
use amanat_domain::poseidon::{FULL_ROUNDS, Parameters, hash_with};
use amanat_domain::statement::PUBLIC_INPUTS;
use ark_ff::{Field, One, Zero};
use rand::{CryptoRng, Rng};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;

/// A generator with a fixed seed: every run measures the same thing.
#[must_use]
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Rows for each level of a path.
pub const ROWS_PER_LEVEL: usize = 242;

/// A number of paths and their depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Membership proofs.
    pub paths: usize,
    /// Levels of the tree.
    pub depth: usize,
}

/// The leaves and siblings of a [`Shape`], all under one root.
pub struct Forest {
    depth: usize,
    root: Fr,
    paths: Vec<Path>,
}

struct Path {
    leaf: Fr,
    /// Bit `i` is set if the node of level `i` is the right child.
    index: u32,
    siblings: Vec<Fr>,
}

impl Shape {
    /// As many paths of depth 32 as fit a domain of `2^log` rows; one shallower path if none does.
    ///
    /// # Errors
    /// If no path fits, or the domain is larger than any tree of 2^32 leaves needs.
    pub fn filling(log: u32) -> Outcome<Self> {
        if !(10..=24).contains(&log) {
            return Err(format!("a size between 2^10 and 2^24 rows was expected, got 2^{log}").into());
        }
        let rows = (1usize << log) - 1 - 2 * PUBLIC_INPUTS;
        let deep = rows / (32 * ROWS_PER_LEVEL + 1);
        Ok(if deep > 0 {
            Self { paths: deep, depth: 32 }
        } else {
            Self { paths: 1, depth: (rows - 1) / ROWS_PER_LEVEL }
        })
    }
}

impl Forest {
    /// A tree with random leaves at random places, all others one and the same empty leaf; and the
    /// paths to the random ones.
    pub fn new(shape: Shape, rng: &mut impl CryptoRng) -> Self {
        let mut leaves = BTreeMap::new();
        while leaves.len() < shape.paths {
            leaves.insert(index(shape.depth, rng), field::random(rng));
        }
        let (indices, own): (Vec<u32>, Vec<Fr>) = leaves.iter().map(|(i, leaf)| (*i, *leaf)).unzip();
        let mut siblings = vec![Vec::with_capacity(shape.depth); shape.paths];
        let mut empty = field::random(rng);
        let mut level = leaves;
        for depth in 0..shape.depth {
            for (siblings, index) in siblings.iter_mut().zip(&indices) {
                siblings.push(level.get(&(index >> depth ^ 1)).copied().unwrap_or(empty));
            }
            level = above(&level, empty);
            empty = node(empty, empty);
        }
        let root = level.first_key_value().map_or(empty, |(_, root)| *root);
        let paths = indices.into_iter().zip(own).zip(siblings);
        let paths = paths.map(|((index, leaf), siblings)| Path { leaf, index, siblings }).collect();
        Self { depth: shape.depth, root, paths }
    }

    /// The public inputs.
    #[must_use]
    pub fn public(&self) -> [Fr; PUBLIC_INPUTS] {
        let mut public = [Fr::zero(); PUBLIC_INPUTS];
        public[0] = self.root;
        public
    }

    /// The constraint system: the same for every forest of a shape.
    #[must_use]
    pub fn circuit(&self) -> R1cs {
        let mut cs = Cs::shape(&self.public());
        self.walk(&mut cs);
        cs.into_shape().0
    }

    /// The assignment.
    #[must_use]
    pub fn assign(&self) -> Vec<Fr> {
        let mut cs = Cs::witness(&self.public());
        self.walk(&mut cs);
        cs.into_assignment()
    }

    fn walk(&self, cs: &mut Cs) {
        for path in &self.paths {
            let mut node = cs.hint(path.leaf);
            for level in 0..self.depth {
                let right = cs.bit(path.index >> level & 1 == 1);
                let sibling = cs.hint(path.siblings[level]);
                let moved = cs.mul(right.num(), &(&sibling - &node));
                node = poseidon(cs, &(&node + &moved), &(&sibling - &moved));
            }
            cs.bind_public(0, &node);
        }
    }
}

fn index(depth: usize, rng: &mut impl Rng) -> u32 {
    let index = rng.next_u32();
    if depth < 32 { index & ((1 << depth) - 1) } else { index }
}

fn above(level: &BTreeMap<u32, Fr>, empty: Fr) -> BTreeMap<u32, Fr> {
    let at = |i: u32| level.get(&i).copied().unwrap_or(empty);
    level.keys().map(|i| i >> 1).map(|i| (i, node(at(2 * i), at(2 * i + 1)))).collect()
}

fn node(left: Fr, right: Fr) -> Fr {
    hash_with(Fr::zero(), &[left, right])
}

/// Poseidon of two numbers in 240 rows. In the partial rounds the input of the S-box is the
/// variable, and its output is solved for: `x'_0 = m00 y + m01 s1 + m02 s2 + c` gives `y`. So s1
/// and s2 grow by one term a round and are in C alone.
fn poseidon(cs: &mut Cs, left: &Num, right: &Num) -> Num {
    let p = Parameters::of_width(3);
    let half = FULL_ROUNDS / 2;
    let rounds = FULL_ROUNDS + p.partial_rounds;
    let constants = |round: usize| -> [Fr; 3] { core::array::from_fn(|i| p.constants[3 * round + i]) };
    let mix = |state: &[Num; 3], round: usize| -> [Num; 3] {
        let next = if round + 1 < rounds { constants(round + 1) } else { [Fr::zero(); 3] };
        core::array::from_fn(|i| {
            let mut sum = Num::constant(next[i]);
            for (x, m) in state.iter().zip(&p.mds[3 * i..]) {
                sum.add_scaled(x, *m);
            }
            sum
        })
    };
    let c = constants(0);
    let mut state = [Num::constant(c[0]), left.plus(c[1]), right.plus(c[2])];
    let inverse = p.mds[0].inverse().expect("an MDS matrix has no zero entry");
    for round in 0..rounds {
        if round < half || round >= half + p.partial_rounds {
            let sboxes = state.each_ref().map(|x| pow5(cs, x));
            state = mix(&sboxes, round);
            continue;
        }
        let [x, s1, s2] = &state;
        let square = cs.mul(x, x);
        let fourth = cs.mul(&square, &square);
        let output = Num::constant(fourth.value() * x.value());
        let [next, ..] = mix(&[output, s1.clone(), s2.clone()], round);
        let next = cs.hint(next.value());
        let [rest, ..] = mix(&[Num::zero(), s1.clone(), s2.clone()], round);
        let output = (&next - &rest).scale(inverse);
        cs.row(&fourth, x, &output, RowKind::Assert);
        let [_, s1, s2] = mix(&[output, s1.clone(), s2.clone()], round);
        state = [next, s1, s2];
    }
    let [hash, ..] = state;
    hash
}

fn pow5(cs: &mut Cs, x: &Num) -> Num {
    let square = cs.mul(x, x);
    let fourth = cs.mul(&square, &square);
    cs.mul(&fourth, x)
}

/// Terms per row and variables in use: what makes a circuit dense or sparse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Density {
    /// Mean number of terms in a row of A, B and C.
    pub terms: [f64; 3],
    /// Variables that occur in A and in B.
    pub used: [usize; 2],
}

/// The density of a constraint system.
#[must_use]
pub fn density(r1cs: &R1cs) -> Density {
    let rows = r1cs.rows.len() as f64;
    let mut terms = [0usize; 3];
    let mut used = [vec![false; r1cs.num_variables()], vec![false; r1cs.num_variables()]];
    for row in &r1cs.rows {
        for (sum, form) in terms.iter_mut().zip([&row.a, &row.b, &row.c]) {
            *sum += form.len();
        }
        for (used, form) in used.iter_mut().zip([&row.a, &row.b]) {
            form.iter().filter(|(_, c)| !c.is_zero()).for_each(|(v, _)| used[*v as usize] = true);
        }
    }
    // The rows that the reduction adds: the constant and the public inputs, in A alone.
    used[0][..=r1cs.num_public].fill(true);
    let count = |flags: &Vec<bool>| flags.iter().filter(|used| **used).count();
    Density { terms: terms.map(|sum| sum as f64 / rows), used: [count(&used[0]), count(&used[1])] }
}

/// Multiplications that a walk over the matrices needs: terms whose coefficient is neither one nor
/// minus one.
#[must_use]
pub fn products(r1cs: &R1cs) -> usize {
    let forms = r1cs.rows.iter().flat_map(|row| [&row.a, &row.b, &row.c]);
    forms.flatten().filter(|(_, c)| !c.is_one() && !(-*c).is_one()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assignment_satisfies_the_circuit_and_another_root_does_not() {
        let forest = Forest::new(Shape { paths: 2, depth: 5 }, &mut rng(1));
        let (circuit, mut assignment) = (forest.circuit(), forest.assign());
        assert_eq!(circuit.first_unsatisfied(&assignment), None);
        assert_eq!(circuit.rows.len(), 2 * (5 * ROWS_PER_LEVEL + 1));
        assignment[1] += Fr::one();
        assert_eq!(circuit.first_unsatisfied(&assignment), Some(5 * ROWS_PER_LEVEL));
    }

    #[test]
    fn every_variable_but_the_unused_public_ones_is_bound() {
        let forest = Forest::new(Shape { paths: 1, depth: 2 }, &mut rng(2));
        let (circuit, assignment) = (forest.circuit(), forest.assign());
        for variable in (1..assignment.len()).filter(|v| !(2..=PUBLIC_INPUTS).contains(v)) {
            let mut wrong = assignment.clone();
            wrong[variable] += Fr::one();
            assert!(circuit.first_unsatisfied(&wrong).is_some(), "variable {variable}");
        }
    }

    #[test]
    fn two_forests_of_one_shape_have_one_circuit() {
        let shape = Shape { paths: 2, depth: 3 };
        let of = |seed| Forest::new(shape, &mut rng(seed)).circuit().digest();
        assert_eq!(of(3), of(4));
    }

    #[test]
    fn the_matrices_are_as_dense_as_circoms() {
        let forest = Forest::new(Shape { paths: 1, depth: 32 }, &mut rng(5));
        let circuit = forest.circuit();
        let density = density(&circuit);
        // circom 2.2.3 -O2 on the same statement: 1.67, 2.32, 8.63; 99.2 % of the variables in A,
        // 66.3 % in B.
        for (mean, (low, high)) in density.terms.iter().zip([(1.4, 2.0), (2.0, 2.7), (7.0, 10.0)]) {
            assert!((low..high).contains(mean), "{density:?}");
        }
        let variables = circuit.num_variables() as f64;
        assert!(density.used[0] as f64 > 0.97 * variables, "{density:?}");
        assert!((0.6..0.72).contains(&(density.used[1] as f64 / variables)), "{density:?} of {variables}");
    }

    #[test]
    fn sizes_fill_their_domains() -> Outcome<()> {
        for (log, paths, depth) in
            [(10, 1, 4), (12, 1, 16), (13, 1, 32), (15, 4, 32), (16, 8, 32), (18, 33, 32)]
        {
            let shape = Shape::filling(log)?;
            assert_eq!(shape, Shape { paths, depth });
            let rows = paths * (depth * ROWS_PER_LEVEL + 1) + 1 + PUBLIC_INPUTS;
            assert_eq!(rows.next_power_of_two(), 1 << log);
        }
        assert!(Shape::filling(9).is_err() && Shape::filling(25).is_err());
        Ok(())
    }
}
