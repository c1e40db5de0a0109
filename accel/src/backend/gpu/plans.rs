//! Circuits and keys as the plugin takes them. Pure.

use super::plugin::{CircuitPlan, KeyPlan, MatrixPlan};
use crate::{Fr, G1Affine, KeyBases, Matrices, QuotientForm};
use ark_ec::AffineRepr;
use ark_ff::{FftField, Field, One};

/// The circuit as the plugin takes it. The matrices have been checked.
pub(super) fn circuit_plan(matrices: &Matrices, form: QuotientForm) -> CircuitPlan {
    let n = matrices.domain_size as u64;
    let (shift, factor) = match form {
        QuotientForm::Coefficients => {
            let vanishing = Fr::GENERATOR.pow([n]) - Fr::one();
            (Fr::GENERATOR, vanishing.inverse().expect("the generator is outside the domain"))
        }
        QuotientForm::OddCoset => {
            // A root of order 2n shifts the subgroup to the odd half of the subgroup of order 2n.
            (Fr::get_root_of_unity(2 * n).expect("the domain is at most 2^27"), Fr::one())
        }
    };
    CircuitPlan {
        log_domain: matrices.domain_size.ilog2(),
        form,
        variables: matrices.num_variables,
        a: MatrixPlan::new(&matrices.a),
        b: MatrixPlan::new(&matrices.b),
        c: matrices.c.as_ref().map(MatrixPlan::new),
        shift,
        unshift: shift.inverse().expect("the shift is not zero"),
        factor,
    }
}

/// A key as the plugin takes it: without the bases at infinity, C's queries one after another.
pub(super) fn key_plan(bases: &KeyBases<'_>) -> KeyPlan {
    let KeyBases { a, b_g1, b_g2, l, h } = bases;
    let (finite_a, a_places) = finite(a, 0);
    let (finite_b, b_places) = finite(b_g2, 0);
    // L has bases for the last variables only, so its places begin after the others.
    let (mut c, mut c_places) = finite(l, a.len() - l.len());
    let first = c.len();
    let mut add = |bases: &[G1Affine]| {
        let (more, places) = finite(bases, 0);
        c.extend(more);
        c_places.extend(places);
        c.len()
    };
    let second = add(h);
    add(b_g1);
    KeyPlan {
        variables: a.len(),
        quotient: h.len(),
        a: finite_a,
        a_places,
        b: finite_b,
        b_places,
        c,
        c_places,
        c_ends: [first, second],
    }
}

fn finite<A: AffineRepr>(bases: &[A], first_place: usize) -> (Vec<A>, Vec<u32>) {
    let place = |i: usize| u32::try_from(first_place + i).expect("fewer than 2^32 bases");
    bases.iter().enumerate().filter(|(_, base)| !base.is_zero()).map(|(i, base)| (*base, place(i))).unzip()
}
