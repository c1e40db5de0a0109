//! Native check and constraints give the same verdict on worlds that are changed at random, valid
//! or not.

use crate::of_each_statement;
use amanat_circuits::built;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{World, at, random_id, random_scope, rules};
use amanat_domain::consent::{Effect, UseLimit};
use amanat_domain::field::{Fr, random};
use amanat_domain::time::Period;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Worlds for each statement.
const CASES: u64 = 150;

/// A small number, a large one, or anything.
fn value(rng: &mut ChaCha20Rng) -> Fr {
    match rng.random_range(0..5) {
        0 => Fr::from(rng.random_range(0..4u64)),
        1 => Fr::from(rng.next_u64()),
        2 => Fr::from(1u128 << rng.random_range(0..100)),
        3 => -Fr::from(rng.random_range(1..4u64)),
        _ => random(rng),
    }
}

fn period(rng: &mut ChaCha20Rng, around: u64) -> Period {
    let mut ends = [0, 1].map(|_| around + rng.random_range(0..1 << 10) - (1 << 9));
    ends.sort_unstable();
    Period::new(at(ends[0]), at(ends[1])).expect("in order")
}

/// One change; many keep the statement true.
fn change(world: &mut World, rng: &mut ChaCha20Rng) {
    let now = world.time.seconds();
    let data = world.request.data_period.from().seconds();
    match rng.random_range(0..20) {
        0 => world.terms = rules::terms(vec![rules::random_rule(rng, world)], Effect::Deny),
        1 => {
            let list = (0..rng.random_range(0..=8)).map(|_| rules::random_rule(rng, world)).collect();
            world.terms = rules::terms(list, Effect::Permit);
        }
        2 => world.limit = UseLimit::from_u32(rng.random_range(0..4)),
        3 => world.use_index = rng.random_range(0..4),
        4 => world.credential.licence = period(rng, now),
        5 => world.request.scope = random_scope(rng),
        6 => world.policy.scope.categories.0 = rng.next_u64(),
        7 => {
            world.policy.scope.confidentiality =
                amanat_circuits::world::confidentiality(rng.random_range(0..4))
        }
        8..=11 => {
            let (leaf, side) = (rng.random_range(1..16), rng.random_range(0..2));
            world.values[leaf][side] = value(rng);
        }
        12 => world.asked.period = period(rng, data),
        13 => world.asked.code = Some(value(rng)),
        14 => {
            world.asked.anchored_by = world.anchored + rng.random_range(0..3) - u64::from(world.anchored > 0)
        }
        15 => {
            let id = if rng.random_bool(0.5) {
                world.consent().revocation_id()
            } else {
                world.record().supersession_id()
            };
            world.revoked.push(id);
        }
        16 => world.revoked.push(random_id(rng)),
        17 => world.asked.latest ^= true,
        18 => world.time = at(now + rng.random_range(0..1 << 28)),
        _ => world.policy.scope.purposes.0 &= rng.next_u32(),
    }
}

fn verdicts_agree<R: Sample>() {
    let r1cs = &built(R::STATEMENT).0;
    let mut seen = [0, 0];
    for seed in 0..CASES {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut world = World::new(seed);
        for _ in 0..rng.random_range(1..3) {
            change(&mut world, &mut rng);
        }
        world.revoked.sort_by_key(|id| id.to_field());
        world.revoked.dedup();
        let mut case = R::case(&world);
        if rng.random_bool(0.1) {
            case.public.out[rng.random_range(0..2)] = value(&mut rng);
        }
        let native = case.witness.check(&case.public);
        let constraints = r1cs.first_unsatisfied(&case.witness.assign(&case.public)).is_none();
        assert_eq!(native.is_ok(), constraints, "{} of seed {seed}: native {native:?}", R::STATEMENT);
        seen[usize::from(constraints)] += 1;
    }
    assert!(seen.iter().all(|n| *n > 0), "{}: {seen:?}", R::STATEMENT);
}

of_each_statement!(verdicts_on_changed_worlds_agree: verdicts_agree);
