//! Quotients, held against the polynomials they come from.

use super::{cancels_everywhere, edge_scalars, go};
use crate::{Backend, Fr, Matrices, Phase, QuotientError, QuotientForm, SparseMatrix};
use ark_ff::{FftField, Field, One, PrimeField, UniformRand, Zero, batch_inversion};
use ark_std::rand::Rng;

/// A random circuit with `rows` constraints and its public rows, over the least domain that holds
/// them or a larger one, with an assignment that satisfies it. Some rows are empty, some name a
/// variable twice, coefficients and values are often zero, one or small.
pub(super) fn random_circuit(seed: u64, rows: usize, log_domain: u32) -> (Matrices, Vec<Fr>) {
    let mut rng = rng(seed);
    let n = rows + 5;
    let edges = edge_scalars();
    let mut value = |i: usize| match i % 5 {
        0 => edges[i % edges.len()],
        1 => Fr::from(u64::from(rng.r#gen::<bool>())),
        _ => Fr::rand(&mut rng),
    };
    let mut assignment: Vec<Fr> = (0..n).map(&mut value).collect();
    assignment[0] = Fr::one();
    let mut form = |i: usize| -> Vec<(u32, Fr)> {
        let terms = if i.is_multiple_of(11) { 0 } else { 1 + i % 4 + 30 * usize::from(i.is_multiple_of(17)) };
        let mut coefficient = |i: usize| if i.is_multiple_of(3) { Fr::one() } else { value(i) };
        let mut terms: Vec<(u32, Fr)> =
            (0..terms).map(|j| (((i * 7 + j * j) % n) as u32, coefficient(i + j))).collect();
        if i.is_multiple_of(7) {
            terms.extend_from_within(..1.min(terms.len()));
        }
        terms
    };
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..rows {
        let (left, right) = (form(i), form(i + 1));
        c.push(vec![(0, evaluate(&left, &assignment) * evaluate(&right, &assignment))]);
        a.push(left);
        b.push(right);
    }
    a.extend((0..3).map(|variable| vec![(variable, Fr::one())]));
    let matrices = Matrices {
        num_variables: n,
        domain_size: 1 << log_domain,
        a: SparseMatrix::from_rows(a),
        b: SparseMatrix::from_rows(b),
        c: Some(SparseMatrix::from_rows(c)),
    };
    (matrices, assignment)
}

fn rng(seed: u64) -> ark_std::rand::rngs::StdRng {
    ark_std::rand::SeedableRng::seed_from_u64(seed)
}

fn evaluate(form: &[(u32, Fr)], assignment: &[Fr]) -> Fr {
    form.iter().map(|(variable, coefficient)| assignment[*variable as usize] * coefficient).sum()
}

/// Sizes: rows and domain, full, nearly full and far from it.
fn sizes() -> impl Iterator<Item = (usize, u32)> {
    let small = (1..=11u32).flat_map(|log| {
        let full = (1usize << log).saturating_sub(3);
        [0, full / 3, full.saturating_sub(1), full].map(|rows| (rows, log))
    });
    small.filter(|(rows, log)| rows + 3 <= 1 << log).chain([(5000, 13), (16_000, 14)])
}

/// The values of the rows over the domain, `[a, b, c]`.
fn values(matrices: &Matrices, assignment: &[Fr]) -> [Vec<Fr>; 3] {
    let of = |matrix: &SparseMatrix| -> Vec<Fr> {
        let rows = (0..matrix.rows()).map(|row| evaluate(matrix.row(row), assignment));
        rows.chain(core::iter::repeat(Fr::zero())).take(matrices.domain_size).collect()
    };
    let (a, b) = (of(&matrices.a), of(&matrices.b));
    let c = match &matrices.c {
        Some(c) => of(c),
        None => a.iter().zip(&b).map(|(a, b)| *a * b).collect(),
    };
    [a, b, c]
}

/// The interpolation of values over the domain of order n, moved by `shift`, at `x`: the
/// barycentric formula, `(y^n - 1) / n * sum v_i w^i / (y - w^i)` with `y = x / shift`.
fn interpolate(values: &[Fr], shift: Fr, x: Fr) -> Fr {
    let n = values.len() as u64;
    let y = x / shift;
    let root = Fr::get_root_of_unity(n).expect("a domain");
    let points: Vec<Fr> =
        core::iter::successors(Some(Fr::one()), |w| Some(*w * root)).take(values.len()).collect();
    let mut inverses: Vec<Fr> = points.iter().map(|w| y - w).collect();
    batch_inversion(&mut inverses);
    let sum: Fr = values.iter().zip(points.iter().zip(&inverses)).map(|(v, (w, i))| *v * w * i).sum();
    sum * (y.pow([n]) - Fr::one()) / Fr::from(n)
}

/// `a b - c` at `x`.
fn difference([a, b, c]: &[Vec<Fr>; 3], x: Fr) -> Fr {
    let at = |values: &[Fr]| interpolate(values, Fr::one(), x);
    at(a) * at(b) - at(c)
}

/// With C, and without it.
fn both(matrices: Matrices) -> [Matrices; 2] {
    [Matrices { c: None, ..matrices.clone() }, matrices]
}

fn quotient(backend: &dyn Backend, matrices: &Matrices, form: QuotientForm, assignment: &[Fr]) -> Vec<Fr> {
    let circuit = backend.load_circuit(matrices.clone(), form);
    let integers = circuit.quotient(assignment, &go).expect("satisfied");
    assert_eq!(integers.len(), form.len(matrices.domain_size));
    integers.iter().map(|h| Fr::from_bigint(*h).expect("below r")).collect()
}

pub(crate) fn coefficients_agree(backend: &dyn Backend) {
    for (seed, (rows, log)) in sizes().enumerate() {
        let (matrices, assignment) = random_circuit(seed as u64, rows, log);
        let x = Fr::rand(&mut rng(seed as u64 + 7));
        for matrices in both(matrices) {
            let h = quotient(backend, &matrices, QuotientForm::Coefficients, &assignment);
            let h = h.iter().rev().fold(Fr::zero(), |sum, h| sum * x + h);
            let vanishing = x.pow([matrices.domain_size as u64]) - Fr::one();
            let expected = difference(&values(&matrices, &assignment), x);
            assert_eq!(h * vanishing, expected, "{rows} rows in 2^{log}, C: {}", matrices.c.is_some());
        }
    }
}

pub(crate) fn odd_cosets_agree(backend: &dyn Backend) {
    for (seed, (rows, log)) in sizes().enumerate() {
        let (matrices, assignment) = random_circuit(seed as u64, rows, log);
        let n = 1usize << log;
        let root = Fr::get_root_of_unity(2 * n as u64).expect("at most 2^28");
        for matrices in both(matrices) {
            let what = format!("{rows} rows in 2^{log}, C: {}", matrices.c.is_some());
            let h = quotient(backend, &matrices, QuotientForm::OddCoset, &assignment);
            let rows = values(&matrices, &assignment);
            // Each value by itself where that is cheap, the first and some others always.
            for i in (0..n).step_by(1 + n / 64) {
                assert_eq!(h[i], difference(&rows, root.pow([2 * i as u64 + 1])), "{what}, value {i}");
            }
            // All of them at once: a b - c has degree at most 2n - 2 and is zero on the domain
            // itself, so its values on the coset determine it: it is Z(x) / -2 times their
            // interpolation, Z being -2 on the coset.
            let x = Fr::rand(&mut rng(seed as u64 + 7));
            let vanishing = x.pow([n as u64]) - Fr::one();
            let minus_two = -Fr::from(2u64);
            assert_eq!(interpolate(&h, root, x) * vanishing / minus_two, difference(&rows, x), "{what}");
        }
    }
}

pub(crate) fn unsatisfied_rows_are_named(backend: &dyn Backend) {
    for (rows, log, wrong) in
        [(1, 2, [0].as_slice()), (13, 4, &[12]), (500, 9, &[0, 499]), (5000, 13, &[77, 4000])]
    {
        let (mut matrices, assignment) = random_circuit(3, rows, log);
        let right = matrices.c.take().expect("made with C");
        let raise = |row: usize| {
            let more = (0, if wrong.contains(&row) { Fr::one() } else { Fr::zero() });
            [right.row(row), &[more]].concat()
        };
        matrices.c = Some(SparseMatrix::from_rows((0..rows).map(raise)));
        for form in [QuotientForm::Coefficients, QuotientForm::OddCoset] {
            let circuit = backend.load_circuit(matrices.clone(), form);
            let error = circuit.quotient(&assignment, &go).err();
            assert_eq!(error, Some(QuotientError::Unsatisfied { row: wrong[0] }), "{rows} rows, {form:?}");
        }
    }
    // A row after the constraints: 0 = 1 where A and B have nothing.
    let (mut matrices, assignment) = random_circuit(4, 9, 4);
    let right = matrices.c.take().expect("made with C");
    let more = vec![vec![], vec![], vec![], vec![(0, Fr::one())]];
    matrices.c = Some(SparseMatrix::from_rows((0..9).map(|row| right.row(row).to_vec()).chain(more)));
    let circuit = backend.load_circuit(matrices, QuotientForm::Coefficients);
    assert_eq!(circuit.quotient(&assignment, &go).err(), Some(QuotientError::Unsatisfied { row: 12 }));
}

pub(crate) fn cancels(backend: &dyn Backend) {
    for (rows, log) in [(5, 3), (700, 10)] {
        for form in [QuotientForm::Coefficients, QuotientForm::OddCoset] {
            let (matrices, assignment) = random_circuit(5, rows, log);
            for matrices in both(matrices) {
                let circuit = backend.load_circuit(matrices, form);
                let phases = cancels_everywhere(&|progress| circuit.quotient(&assignment, progress));
                assert_eq!(phases[0], Phase::Rows);
                assert!(phases.iter().all(|phase| *phase <= Phase::InverseH), "{phases:?}");
            }
        }
    }
}
