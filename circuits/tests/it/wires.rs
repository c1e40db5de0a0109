//! No wire is loose: to change one alone violates a row, unless the wire is listed as free with the
//! reason.

use crate::of_each_statement;
use amanat_circuits::r1cs::{Row, evaluate};
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{World, rules};
use amanat_circuits::{R1cs, built};
use amanat_domain::field::{Fr, random};
use ark_ff::Zero;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeSet;

/// For each variable its rows, each with the coefficients the variable has in the three forms.
fn occurrences(r1cs: &R1cs) -> Vec<Vec<(u32, [Fr; 3])>> {
    let mut of: Vec<Vec<(u32, [Fr; 3])>> = vec![Vec::new(); r1cs.num_variables()];
    for (index, row) in (0u32..).zip(&r1cs.rows) {
        for (side, form) in [&row.a, &row.b, &row.c].into_iter().enumerate() {
            for (variable, coeff) in form {
                let rows = &mut of[*variable as usize];
                if rows.last().is_none_or(|(last, _)| *last != index) {
                    rows.push((index, [Fr::zero(); 3]));
                }
                rows.last_mut().expect("just pushed").1[side] = *coeff;
            }
        }
    }
    of
}

fn values(row: &Row, assignment: &[Fr]) -> [Fr; 3] {
    [&row.a, &row.b, &row.c].map(|form| evaluate(form, assignment))
}

/// The private wires that may be changed alone in a satisfied assignment.
fn loose(r1cs: &R1cs, of: &[Vec<(u32, [Fr; 3])>], assignment: &[Fr], rng: &mut ChaCha20Rng) -> BTreeSet<u32> {
    assert_eq!(r1cs.first_unsatisfied(assignment), None);
    let rows: Vec<[Fr; 3]> = r1cs.rows.iter().map(|row| values(row, assignment)).collect();
    (1 + r1cs.num_public..r1cs.num_variables())
        .filter(|variable| {
            let delta = random(rng);
            of[*variable].iter().all(|(row, coeffs)| {
                let [a, b, c] = core::array::from_fn(|side| rows[*row as usize][side] + coeffs[side] * delta);
                a * b == c
            })
        })
        .map(|variable| variable as u32)
        .collect()
}

fn no_wire_is_loose<R: Sample>() {
    let (r1cs, shape) = built(R::STATEMENT);
    let of = occurrences(r1cs);
    for (variable, rows) in of.iter().enumerate() {
        assert!(!rows.is_empty(), "{}: variable {variable} is in no row", R::STATEMENT);
    }
    let listed: BTreeSet<u32> = shape.free.iter().map(|f| f.variable).collect();
    assert!(shape.free.iter().all(|f| !f.reason.is_empty()));

    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut always: Option<BTreeSet<u32>> = None;
    let worlds = rules::decisive(6).into_iter().chain((0..4).map(World::new));
    for (index, world) in worlds.enumerate() {
        let case = R::case(&world);
        if case.witness.check(&case.public).is_err() {
            continue;
        }
        let loose = loose(r1cs, &of, &case.witness.assign(&case.public), &mut rng);
        let unlisted: Vec<&u32> = loose.difference(&listed).collect();
        assert!(unlisted.is_empty(), "{}, world {index}: wires {unlisted:?} are loose", R::STATEMENT);
        always = Some(always.map_or(loose.clone(), |seen| &seen & &loose));
    }
    // A free wire is one only where the value it inverts is zero: in some world each is held. But
    // for one: where the number of nested denials is not zero, the request is refused and there is
    // no valid world.
    let evaluates_rules = usize::from(!listed.is_empty());
    assert_eq!(
        always.expect("some worlds are valid").len(),
        evaluates_rules,
        "{}: loose in every world",
        R::STATEMENT
    );
}

of_each_statement!(a_wire_changed_alone_is_refused: no_wire_is_loose);

/// The list of the book: hints of zero tests, nothing else.
fn only_hints_are_free<R: Sample>() {
    let free = &built(R::STATEMENT).1.free;
    assert_eq!(free.len(), R::FREE_WIRES, "{}", R::STATEMENT);
    for free in free {
        assert!(free.reason.starts_with("inverse hint of a zero test"), "{}: {}", R::STATEMENT, free.reason);
    }
}

of_each_statement!(only_inverse_hints_of_zero_tests_are_free: only_hints_are_free);
