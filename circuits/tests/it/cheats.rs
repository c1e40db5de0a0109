//! Violations that the native types cannot express, put straight into the constraints: the witness
//! has no such value, a cheating prover's assignment may.

use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Case, rules};
use amanat_circuits::{Cs, Relation, built};
use amanat_domain::consent::revocation_word;
use amanat_domain::field::Fr;
use amanat_domain::identity::pack_period;
use amanat_domain::time::TIME_BITS;
use amanat_domain::tree::RevocationId;
use ark_ff::{BigInteger, PrimeField};
use std::collections::BTreeSet;

/// The clauses of the rows that are violated when a prover puts these values in place of the honest
/// ones, and publishes what comes out.
fn violated<R: Sample>(case: &Case<R>, faults: Vec<(u32, Fr)>) -> BTreeSet<&'static str> {
    let mut cs = Cs::cheating(&case.public.to_field_elements(), faults);
    case.witness.constrain(&mut cs);
    let assignment = cs.into_assignment();
    let (r1cs, shape) = built(R::STATEMENT);
    let rows = r1cs.rows.iter().zip(&shape.labels);
    rows.filter(|(row, _)| !row.is_satisfied(&assignment)).map(|(_, label)| label.clause).collect()
}

/// The wire in which a secret that nothing derives comes first.
fn variable_of(assignment: &[Fr], value: Fr) -> u32 {
    assignment.iter().position(|x| *x == value).expect("the value is in some wire") as u32
}

#[test]
fn gra_5_a_nonce_without_a_revocation_id_which_no_granted_consent_has() {
    let world = rules::asking(1);
    let case = GrantWitness::case(&world);
    let nonce = variable_of(&case.witness.assign(&case.public), world.nonce);
    let subject = world.wallet().subject().commitment().to_field();
    let bad = (1u64..)
        .map(Fr::from)
        .find(|n| RevocationId::new(revocation_word(*n, subject)).is_none())
        .expect("five in six have none");
    assert_eq!(violated(&case, vec![(nonce, bad)]), BTreeSet::from(["GRA-5"]));
    let good = (1u64..)
        .map(Fr::from)
        .find(|n| RevocationId::new(revocation_word(*n, subject)).is_some())
        .expect("one in six has one");
    assert_eq!(violated(&case, vec![(nonce, good)]), BTreeSet::new(), "the fault alone does not matter");
}

#[test]
fn con_6_a_data_period_that_ends_before_it_begins_which_no_period_does() {
    let world = rules::asking(1);
    let case = ConsentWitness::case(&world);
    let assignment = case.witness.assign(&case.public);
    // The request's period is the word before the recipient's organisation.
    let first = variable_of(&assignment, world.request.recipient.organisation.to_field()) - 2 * TIME_BITS;
    let packed = pack_period(&world.request.data_period).into_bigint();
    let bit = |i: u32| Fr::from(packed.get_bit(i as usize));
    for i in 0..2 * TIME_BITS {
        assert_eq!(assignment[(first + i) as usize], bit(i), "these are the period's wires");
    }
    let turned = (0..2 * TIME_BITS).map(|i| (first + i, bit((i + TIME_BITS) % (2 * TIME_BITS)))).collect();
    assert_eq!(violated(&case, turned), BTreeSet::from(["CON-6"]));
}

#[test]
fn an_honest_prover_who_publishes_what_comes_out_violates_nothing() {
    fn honest<R: Sample>() {
        assert_eq!(violated(&R::case(&rules::asking(2)), Vec::new()), BTreeSet::new());
    }
    honest::<GrantWitness>();
    honest::<ConsentWitness>();
}
