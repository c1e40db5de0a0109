//! Valid worlds satisfy the native clauses and the constraints.

use amanat_circuits::built;
use amanat_circuits::statements::access::AccessWitness;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::world::{Cases, World};
use amanat_circuits::{Cs, R1cs};
use amanat_domain::field::Fr;

fn holds_in_random_worlds<R: Cases>(seeds: core::ops::Range<u64>) {
    let r1cs = &built(R::STATEMENT).0;
    for seed in seeds {
        let case = R::case(&World::new(seed));
        assert_eq!(case.witness.check(&case.public), Ok(()), "{} of seed {seed}, native", R::STATEMENT);
        let assignment = case.witness.assign(&case.public);
        assert_eq!(r1cs.first_unsatisfied(&assignment), None, "{} of seed {seed}", R::STATEMENT);
    }
}

/// Each slot changed in a finished assignment (a proof offered with another public vector), and in what the prover starts from.
fn every_public_input_matters<R: Cases>() {
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

fn the_shape_is_the_same_for_every_witness<R: Cases>() {
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

macro_rules! statements {
    ($($name:ident $witness:ident)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn random_worlds_satisfy_the_clauses_and_the_constraints() {
                holds_in_random_worlds::<$witness>(0..24);
            }

            #[test]
            fn a_public_input_changed_alone_is_refused() {
                every_public_input_matters::<$witness>();
            }

            #[test]
            fn the_matrices_do_not_depend_on_the_witness() {
                the_shape_is_the_same_for_every_witness::<$witness>();
            }
        }
    )* };
}

statements! {
    grant GrantWitness
    revoke RevokeWitness
    consent ConsentWitness
    role RoleWitness
    record RecordWitness
    access AccessWitness
}
