//! Valid worlds satisfy the native clauses and the constraints.

use crate::of_each_statement;
use amanat_circuits::built;
use amanat_circuits::public;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Case, World};
use amanat_circuits::{Cs, R1cs};
use amanat_domain::field::Fr;
use amanat_domain::statement::PolicyKind;
use amanat_domain::tx::PolicyField;
use ark_ff::Zero;

fn holds_in_random_worlds<R: Sample>() {
    let r1cs = &built(R::STATEMENT).0;
    for seed in 0..24 {
        let case = R::case(&World::new(seed));
        assert_eq!(case.witness.check(&case.public), Ok(()), "{} of seed {seed}, native", R::STATEMENT);
        let assignment = case.witness.assign(&case.public);
        assert_eq!(r1cs.first_unsatisfied(&assignment), None, "{} of seed {seed}", R::STATEMENT);
    }
}

/// Each slot changed in a finished assignment (a proof offered with another public vector), and in
/// what the prover starts from.
fn every_public_input_matters<R: Sample>() {
    let (r1cs, _) = built(R::STATEMENT);
    let case = R::case(&World::new(1));
    let honest = case.witness.assign(&case.public);
    for slot in 0..8 {
        let mut assignment = honest.clone();
        assignment[1 + slot] += Fr::from(1u64);
        assert!(r1cs.first_unsatisfied(&assignment).is_some(), "{}: slot {slot} is loose", R::STATEMENT);
        if slot == 0 {
            // The context is anyone's to choose; a prover who chose it proves for that one.
            continue;
        }
        let mut elements = case.public.to_field_elements();
        elements[slot] += Fr::from(1u64);
        let mut cs = Cs::witness(&elements);
        case.witness.constrain(&mut cs);
        let assignment = cs.into_assignment();
        assert!(r1cs.first_unsatisfied(&assignment).is_some(), "{}: slot {slot} is loose", R::STATEMENT);
    }
}

fn the_shape_is_the_same_for_every_witness<R: Sample>() {
    let shape = |seed| -> R1cs {
        let case = R::case(&World::new(seed));
        let mut cs = Cs::shape(&case.public.to_field_elements());
        case.witness.constrain(&mut cs);
        cs.into_shape().0
    };
    let blank = &built(R::STATEMENT).0;
    for seed in [11, 12] {
        assert!(shape(seed) == *blank, "{}: the matrices depend on the witness", R::STATEMENT);
        assert_eq!(shape(seed).digest(), blank.digest());
    }
}

fn the_slots_in_use_are_the_declared_ones<R: Sample>() {
    let declared = R::STATEMENT.spec();
    let Case { witness, public } = R::case(&World::new(1));
    let slots = public.to_field_elements();
    let used = [public::NF_0, public::NF_1, public::OUT_0, public::OUT_1].map(|slot| !slots[slot].is_zero());
    assert_eq!(used, declared.slots.map(|slot| slot.is_some()), "{}", R::STATEMENT);
    let kind = match witness.policy() {
        PolicyField::None => PolicyKind::None,
        PolicyField::Sealed(_) => PolicyKind::Sealed,
        PolicyField::Role(_) => PolicyKind::Role,
        PolicyField::Access(_) => PolicyKind::Access,
    };
    assert_eq!(kind, declared.policy, "{}", R::STATEMENT);
    assert_eq!(slots[public::POLICY].is_zero(), kind == PolicyKind::None, "{}", R::STATEMENT);
}

of_each_statement!(slots_and_policies_are_the_declared_ones: the_slots_in_use_are_the_declared_ones);
of_each_statement!(random_worlds_satisfy_the_clauses_and_the_constraints: holds_in_random_worlds);
of_each_statement!(a_public_input_changed_alone_is_refused: every_public_input_matters);
of_each_statement!(the_matrices_do_not_depend_on_the_witness: the_shape_is_the_same_for_every_witness);
