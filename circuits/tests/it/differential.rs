//! Native check and constraints give the same verdict on worlds that are changed at random, valid
//! or not.

use crate::of_each_statement;
use amanat_circuits::built;
use amanat_circuits::world::change::change;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{World, values};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Worlds for each statement.
const CASES: u64 = 150;

fn verdicts_agree<R: Sample>() {
    let r1cs = &built(R::STATEMENT).0;
    let mut seen = [0, 0];
    for seed in 0..CASES {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut world = World::new(seed);
        for _ in 0..rng.random_range(1..3) {
            change(&mut world, &mut rng);
        }
        let mut case = R::case(&world);
        if rng.random_bool(0.1) {
            case.public.out[rng.random_range(0..2)] = values::element(&mut rng);
        }
        let native = case.witness.check(&case.public);
        let constraints = r1cs.first_unsatisfied(&case.witness.assign(&case.public)).is_none();
        assert_eq!(native.is_ok(), constraints, "{} of seed {seed}: native {native:?}", R::STATEMENT);
        seen[usize::from(constraints)] += 1;
    }
    assert!(seen.iter().all(|n| *n > 0), "{}: {seen:?}", R::STATEMENT);
}

of_each_statement!(verdicts_on_changed_worlds_agree: verdicts_agree);
