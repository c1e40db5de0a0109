//! Small constraint systems, each with an assignment that satisfies it.

use crate::rng;
use amanat_circuits::r1cs::{Form, R1cs, Row, evaluate};
use amanat_domain::field::{self, Fr};
use amanat_domain::statement::PUBLIC_INPUTS;
use ark_ff::{Field, One, Zero};

/// Public inputs, private variables and rows of a random system.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Public inputs.
    pub public: usize,
    /// Private variables.
    pub private: usize,
    /// Constraints.
    pub rows: usize,
}

/// A random system and an assignment for it. A third of the values are bits, half of the
/// coefficients are 1, and some variables are in no row of B or in no row at all.
///
/// # Panics
/// Never: the first value is 1, so a row always finds a value that is not 0.
#[must_use]
pub fn random(seed: u64, Size { public, private, rows }: Size) -> (R1cs, Vec<Fr>) {
    let mut rng = rng(seed);
    let n = 1 + public + private;
    let mut assignment: Vec<Fr> = (0..n).map(|_| field::random(&mut rng)).collect();
    assignment[0] = Fr::one();
    for i in (1 + public..n).step_by(3) {
        assignment[i] = Fr::from((i % 2) as u64);
    }
    let mut form = |i: usize, step: usize| -> Form {
        let mut variables = vec![((i * step) % n) as u32, ((i * step + step + 1) % n) as u32];
        variables.sort_unstable();
        variables.dedup();
        let coefficient = |v: &u32| if v.is_multiple_of(2) { Fr::one() } else { field::random(&mut rng) };
        let coefficients: Vec<Fr> = variables.iter().map(coefficient).collect();
        variables.into_iter().zip(coefficients).collect()
    };
    let rows = (0..rows)
        .map(|i| {
            let (a, b) = (form(i, 5), form(i, 7));
            let product = evaluate(&a, &assignment) * evaluate(&b, &assignment);
            let mut carriers = (0..n).map(|j| (i + j) % n).filter(|k| !assignment[*k].is_zero());
            let k = carriers.next().expect("the constant is one");
            let inverse = assignment[k].inverse().expect("not zero");
            Row { a, b, c: vec![(k as u32, product * inverse)] }
        })
        .collect();
    let r1cs = R1cs { num_public: public, num_private: private, rows };
    assert_eq!(r1cs.first_unsatisfied(&assignment), None);
    (r1cs, assignment)
}

/// Says: the first public input is `x^3 + x + k`; the others are what they are.
#[must_use]
pub fn cubic(k: u64) -> R1cs {
    let one = Fr::one();
    // Variables 9, 10, 11: x, x^2, x^3.
    let rows = vec![
        Row { a: vec![(9, one)], b: vec![(9, one)], c: vec![(10, one)] },
        Row { a: vec![(10, one)], b: vec![(9, one)], c: vec![(11, one)] },
        Row { a: vec![(0, Fr::from(k)), (9, one), (11, one)], b: vec![(0, one)], c: vec![(1, one)] },
    ];
    R1cs { num_public: PUBLIC_INPUTS, num_private: 3, rows }
}

/// An assignment of [`cubic`] with random public inputs.
#[must_use]
pub fn cubic_assignment(k: u64, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed);
    let x = field::random(&mut rng);
    let mut values = vec![Fr::one(), x * x * x + x + Fr::from(k)];
    values.extend((1..PUBLIC_INPUTS).map(|_| field::random(&mut rng)));
    values.extend([x, x * x, x * x * x]);
    values
}

/// Binds its eight public inputs and says nothing about them: each, times one, is a private
/// variable.
#[must_use]
pub fn binding() -> R1cs {
    let (one, n) = (Fr::one(), PUBLIC_INPUTS as u32);
    let rows = (1..=n).map(|i| Row { a: vec![(i, one)], b: vec![(0, one)], c: vec![(i + n, one)] }).collect();
    R1cs { num_public: PUBLIC_INPUTS, num_private: PUBLIC_INPUTS, rows }
}

/// The assignment of [`binding`] for these public inputs.
#[must_use]
pub fn binding_assignment(public: &[Fr; PUBLIC_INPUTS]) -> Vec<Fr> {
    core::iter::once(Fr::one()).chain(*public).chain(*public).collect()
}
