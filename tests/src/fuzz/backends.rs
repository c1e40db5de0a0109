//! Every backend of this machine on one input, against arkworks and against what is known of the
//! input.

use super::input::{Input, product};
use amanat_accel::{
    Backend, Fq, Fq12, Fr, G1Affine, G1Projective, G2Affine, G2Projective, KeyBases, Matrices, Phase,
    QuotientError, QuotientForm, SparseMatrix, TableMemory, Weight, all,
};
use ark_bn254::Bn254;
use ark_ec::pairing::{MillerLoopOutput, Pairing};
use ark_ec::scalar_mul::variable_base::VariableBaseMSM;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::{BigInt, FftField, Field, PrimeField, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use core::ops::ControlFlow;

fn go(_: Phase) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// One-off sums of points in both groups.
pub fn msm(data: &[u8]) {
    let mut input = Input::new(data);
    let n = input.length(2048);
    let points = input.points(n);
    let scalars = input.spread(n, Input::element::<Fr>);
    let log = product(&points.logs, &scalars);
    let (g1, g2) = (G1Projective::generator() * log, G2Projective::generator() * log);
    assert_eq!(VariableBaseMSM::msm(&points.g1, &scalars), Ok(g1), "arkworks, n = {n}");
    for backend in all() {
        assert_eq!(backend.msm_g1(&points.g1, &scalars), g1, "{} in G1, n = {n}", backend.name());
        if n <= 512 {
            assert_eq!(backend.msm_g2(&points.g2, &scalars), g2, "{} in G2, n = {n}", backend.name());
        }
    }
}

/// The three sums of a proof over a key laid out once.
pub fn sums(data: &[u8]) {
    let mut input = Input::new(data);
    let n = input.length(1024);
    let l = if input.flag() { n - n.min(1 + usize::from(input.byte() % 9)) } else { input.below(n + 1) };
    let h = input.length(1024);
    let memory = match input.byte() % 4 {
        0 => TableMemory::AtMost(usize::from(input.byte()) << (input.byte() % 18)),
        1 => TableMemory::AtMost(1 << 24),
        _ => TableMemory::Plain,
    };
    let (a, b) = (input.points(n), input.points(n));
    let (l, h) = (input.points(l), input.points(h));
    let bases = KeyBases { a: &a.g1, b_g1: &b.g1, b_g2: &b.g2, l: &l.g1, h: &h.g1 };
    let assignment = input.spread(n, Input::element::<Fr>);
    let quotient = input.spread(h.logs.len(), Input::element::<Fr>);
    let r = input.element::<Fr>();
    let integers: Vec<BigInt<4>> = quotient.iter().map(|h| h.into_bigint()).collect();
    let of_l = product(&l.logs, &assignment[n - l.logs.len()..]);
    let of_b = product(&b.logs, &assignment);
    let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
    let expected = [g1 * product(&a.logs, &assignment), g1 * (of_l + product(&h.logs, &quotient) + r * of_b)];
    let what = format!("{n} variables, {} in L, {} in H, {memory:?}", l.logs.len(), h.logs.len());
    for backend in all() {
        let loaded = backend.load_key(&bases, memory);
        let sums = loaded.sums(&assignment, &integers, &r, &go).expect("nobody cancels");
        assert_eq!([sums.a, sums.c], expected, "A and C of {}, {what}", backend.name());
        assert_eq!(sums.b_g2, g2 * of_b, "B of {}, {what}", backend.name());
    }
}

/// The four transforms.
pub fn transform(data: &[u8]) {
    let mut input = Input::new(data);
    let n = 1usize << (input.byte() % 13);
    let values = input.spread(n, Input::element::<Fr>);
    let domain = domain(n);
    let coset = domain.get_coset(Fr::GENERATOR).expect("the generator is not zero");
    let expected = [domain.fft(&values), domain.ifft(&values), coset.fft(&values), coset.ifft(&values)];
    for backend in all() {
        let run = |transform: fn(&dyn Backend, &mut Vec<Fr>)| {
            let mut values = values.clone();
            transform(*backend, &mut values);
            values
        };
        let got = [
            run(|backend, values| backend.ntt(values)),
            run(|backend, values| backend.intt(values)),
            run(|backend, values| backend.coset_ntt(values)),
            run(|backend, values| backend.coset_intt(values)),
        ];
        for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
            assert_eq!(got, expected, "{}, transform {i}, n = {n}", backend.name());
        }
    }
}

fn domain(n: usize) -> Radix2EvaluationDomain<Fr> {
    Radix2EvaluationDomain::new(n).expect("at most 2^13")
}

/// From the rows of a circuit to the quotient in both forms, satisfied or not, with C or without.
pub fn quotient(data: &[u8]) {
    let mut input = Input::new(data);
    let n = 2usize << (input.byte() % 10);
    let num_variables = 1 + input.length(n);
    let assignment = input.spread(num_variables, Input::element::<Fr>);
    let a = matrix(&mut input, n, num_variables);
    let b = matrix(&mut input, n, num_variables);
    let mut c = match input.byte() % 4 {
        0 => None,
        1 => Some(matrix(&mut input, n, num_variables)),
        _ => products(&a, &b, &assignment),
    };
    if let (Some(c), true) = (&mut c, input.byte() % 8 == 7) {
        // One row that does not hold, as one wrong wire makes it.
        let (wrong, by) = (input.below(n), input.element::<Fr>());
        let row = |row: usize| if row < c.rows() { c.row(row).to_vec() } else { Vec::new() };
        let mut rows: Vec<_> = (0..n).map(row).collect();
        rows[wrong].push((0, by));
        *c = SparseMatrix::from_rows(rows);
    }
    let matrices = Matrices { num_variables, domain_size: n, a, b, c };
    for form in [QuotientForm::Coefficients, QuotientForm::OddCoset] {
        let expected = quotient_of(&matrices, form, &assignment);
        for backend in all() {
            let circuit = backend.load_circuit(matrices.clone(), form);
            let got = circuit.quotient(&assignment, &go).map(|h| h.to_vec());
            assert!(got == expected, "{}, {form:?}, domain {n}, {num_variables} variables", backend.name());
        }
    }
}

fn matrix(input: &mut Input<'_>, domain: usize, num_variables: usize) -> SparseMatrix {
    let rows = input.below(domain + 1);
    SparseMatrix::from_rows(input.spread(rows, |input| {
        let terms = match input.byte() {
            0..64 => 0,
            64..248 => 1 + usize::from(input.byte() % 4),
            248.. => usize::from(input.byte()),
        };
        input.spread(terms, |input| (input.below(num_variables) as u32, input.element::<Fr>()))
    }))
}

fn value(matrix: &SparseMatrix, row: usize, assignment: &[Fr]) -> Fr {
    if row >= matrix.rows() {
        return Fr::zero();
    }
    matrix.row(row).iter().map(|(variable, x)| assignment[*variable as usize] * x).sum()
}

/// A C of one term a row that makes the assignment satisfy all rows, where it has a value that is
/// not zero.
fn products(a: &SparseMatrix, b: &SparseMatrix, assignment: &[Fr]) -> Option<SparseMatrix> {
    let (carrier, inverse) =
        assignment.iter().enumerate().find_map(|(i, x)| x.inverse().map(|inverse| (i as u32, inverse)))?;
    let rows = 0..a.rows().max(b.rows());
    let product = |row| value(a, row, assignment) * value(b, row, assignment) * inverse;
    Some(SparseMatrix::from_rows(rows.map(|row| [(carrier, product(row))])))
}

/// By its definition, over twice the domain: `a b - c` has degree at most 2n - 2 there.
fn quotient_of(
    matrices: &Matrices,
    form: QuotientForm,
    assignment: &[Fr],
) -> Result<Vec<BigInt<4>>, QuotientError> {
    let n = matrices.domain_size;
    let of =
        |matrix: &SparseMatrix| -> Vec<Fr> { (0..n).map(|row| value(matrix, row, assignment)).collect() };
    let (a, b) = (of(&matrices.a), of(&matrices.b));
    let products: Vec<Fr> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
    let c = matrices.c.as_ref().map_or_else(|| products.clone(), of);
    if let Some(row) = products.iter().zip(&c).position(|(product, c)| product != c) {
        return Err(QuotientError::Unsatisfied { row });
    }
    let (small, large) = (domain(n), domain(2 * n));
    let wide = |values: &[Fr]| large.fft(&small.ifft(values));
    let (a, b, c) = (wide(&a), wide(&b), wide(&c));
    let difference: Vec<Fr> = a.iter().zip(&b).zip(&c).map(|((a, b), c)| *a * b - c).collect();
    let numbers: Vec<Fr> = match form {
        QuotientForm::OddCoset => difference.into_iter().skip(1).step_by(2).collect(),
        QuotientForm::Coefficients => {
            // h (X^n - 1): the upper half is h, the lower half -h.
            let coefficients = large.ifft(&difference);
            let (low, high) = coefficients.split_at(n);
            assert!(low.iter().zip(high).all(|(low, high)| (*low + high).is_zero()), "Z divides a b - c");
            high[..n - 1].to_vec()
        }
    };
    Ok(numbers.iter().map(|x| x.into_bigint()).collect())
}

/// Products of pairings, whole and in parts; final exponentiations of anything.
pub fn pairing(data: &[u8]) {
    let mut input = Input::new(data);
    let n = usize::from(input.byte() % 20);
    let (p, q) = (input.points(n), input.points(n));
    let cut = input.below(n + 1);
    let group = 1 + input.below(n + 2);
    let expected = Bn254::pairing(G1Affine::generator(), G2Affine::generator()) * product(&p.logs, &q.logs);
    assert_eq!(Bn254::multi_pairing(&p.g1, &q.g2), expected, "arkworks, n = {n}");
    let f = Fq12::from_base_prime_field_elems(input.spread(12, Input::element::<Fq>)).expect("twelve");
    let power = Bn254::final_exponentiation(MillerLoopOutput(f)).map(|output| output.0);
    let pairs: Vec<(G1Affine, G2Affine)> = p.g1.iter().copied().zip(q.g2.iter().copied()).collect();
    for backend in all() {
        let name = backend.name();
        assert_eq!(backend.multi_pairing(&pairs), Some(expected.0), "{name}, n = {n}");
        assert_eq!(backend.final_exponentiation(&f), power, "{name}");
        let found = backend.miller_products(&pairs, group);
        assert_eq!(found.in_subgroup, vec![true; n], "{name}, n = {n}");
        assert_eq!(found.products.len(), n.div_ceil(group), "{name}, {n} in groups of {group}");
        for (product, part) in found.products.iter().zip(pairs.chunks(group)) {
            let expected = Bn254::multi_pairing(part.iter().map(|p| p.0), part.iter().map(|p| p.1)).0;
            assert_eq!(backend.final_exponentiation(product), Some(expected), "{name}, groups of {group}");
        }
        let prepared: Vec<_> = q.g2.iter().map(|q| backend.prepare_g2(q)).collect();
        let lines: Vec<_> = p.g1.iter().copied().zip(&prepared).collect();
        // Lines prepared by one backend serve another.
        for other in all() {
            let product = backend.multi_miller_loop(&lines[..cut]) * other.multi_miller_loop(&lines[cut..]);
            let got = other.final_exponentiation(&product);
            assert_eq!(got, Some(expected.0), "{name} and {}, {cut} of {n}", other.name());
        }
    }
}

/// From coordinates to points, subgroup checks, scaling by weights.
pub fn decode(data: &[u8]) {
    let mut input = Input::new(data);
    let n = usize::from(input.byte() % 40);
    let known = input.points(n);
    let mut draw = |input: &mut Input<'_>| {
        // An x of a point, or any.
        let place = input.below(n);
        match (input.flag(), known.g1.get(place), known.g2.get(place)) {
            (true, Some(p), Some(q)) => (p.x, q.x, input.flag()),
            _ => (input.element::<Fq>(), input.element2(), input.flag()),
        }
    };
    let xs = input.spread(n, &mut draw);
    let g1: Vec<_> = xs.iter().map(|(x, _, larger)| (*x, *larger)).collect();
    let g2: Vec<_> = xs.iter().map(|(_, x, larger)| (*x, *larger)).collect();
    let on_g1: Vec<_> = g1.iter().map(|(x, l)| G1Affine::get_point_from_x_unchecked(*x, *l)).collect();
    let on_g2: Vec<_> = g2.iter().map(|(x, l)| G2Affine::get_point_from_x_unchecked(*x, *l)).collect();
    let mut twist = known.g2.clone();
    twist.extend(on_g2.iter().flatten());
    let inside: Vec<bool> = twist.iter().map(|q| q.mul_bigint(Fr::MODULUS).is_zero()).collect();
    let strangers: Vec<_> = twist.iter().map(|q| (G1Affine::generator(), *q)).collect();
    let weights = input.spread(n, |input| {
        let bits = u128::from_le_bytes(input.array());
        let shift = bits % 128;
        Weight::new([bits, bits >> 64, 1 << shift, u128::MAX >> shift, u128::MAX << shift][bits as usize % 5])
    });
    let scaled: Vec<G1Projective> =
        known.g1.iter().zip(&weights).map(|(p, weight)| *p * weight.scalar()).collect();
    // Lists of any lengths that make up the whole, empty ones among them.
    let (mut lengths, mut left) = (Vec::new(), n);
    while left > 0 {
        let length = if input.is_empty() { left } else { input.below(left.min(12) + 1) };
        lengths.push(length);
        left -= length;
    }
    let mut rest = scaled.as_slice();
    let mut take = |length: &usize| {
        let (list, others) = rest.split_at(*length);
        rest = others;
        list.iter().sum::<G1Projective>()
    };
    let lists: Vec<G1Projective> = lengths.iter().map(&mut take).collect();
    let scaled = G1Projective::normalize_batch(&scaled);
    for backend in all() {
        let name = backend.name();
        assert_eq!(backend.lift_g1(&g1), on_g1, "{name} in G1, n = {n}");
        assert_eq!(backend.lift_g2(&g2), on_g2, "{name} in G2, n = {n}");
        assert_eq!(backend.in_subgroup_g2(&twist), inside, "{name}, n = {n}");
        assert_eq!(backend.miller_products(&strangers, 3).in_subgroup, inside, "{name}, n = {n}");
        assert_eq!(backend.weigh_g1(&known.g1, &weights), scaled, "{name}, n = {n}");
        let sums = backend.weighted_sums_g1(&known.g1, &weights, &lengths);
        assert_eq!(sums, lists, "{name}, lists of {lengths:?}");
    }
}
