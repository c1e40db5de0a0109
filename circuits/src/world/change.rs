//! Changes of a whole world: trees, bundle and public vector follow, so that the ledger is honest
//! and the story is another.

use super::{World, confidentiality, random_id, random_scope, rules, values};
use amanat_domain::consent::{Effect, UseLimit};
use amanat_domain::record::RECORD_LEAVES;
use amanat_domain::time::Timestamp;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;

/// Changes one thing in the world; many changes keep every statement true.
///
/// # Panics
/// Never: a changed world is well formed.
pub fn change(world: &mut World, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..8) {
        0 => change_terms(world, rng),
        1 => change_request(world, rng),
        2 => change_policy(world, rng),
        3 => {
            let (leaf, side) = (rng.random_range(1..RECORD_LEAVES), rng.random_range(0..2));
            world.values[leaf][side] = values::element(rng);
        }
        4 => change_record_request(world, rng),
        5 => revoke_something(world, rng),
        6 => {
            world.credential.licence = values::period(rng, world.time);
        }
        _ => {
            let later = world.time.seconds() + rng.random_range(0..1 << 28);
            world.time = Timestamp::new(later).expect("a few years later");
        }
    }
}

fn change_terms(world: &mut World, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..4) {
        0 => world.terms = rules::terms(vec![rules::random_rule(rng, world)], Effect::Deny),
        1 => {
            let list = (0..rng.random_range(0..=8)).map(|_| rules::random_rule(rng, world)).collect();
            world.terms = rules::terms(list, Effect::Permit);
        }
        2 => {
            world.limit = UseLimit::from_u32(rng.random_range(0..4));
            world.use_index = rng.random_range(0..4);
        }
        _ => {
            world.limit = UseLimit::from_u32(values::word(rng) as u32);
            world.use_index = values::word(rng);
        }
    }
}

fn change_request(world: &mut World, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => world.request.scope = random_scope(rng),
        1 => world.request.data_period = values::period(rng, world.request.data_period.from()),
        _ => world.request.scope.confidentiality = confidentiality(rng.random_range(0..4)),
    }
}

fn change_policy(world: &mut World, rng: &mut ChaCha20Rng) {
    let scope = &mut world.policy.scope;
    match rng.random_range(0..4) {
        0 => scope.categories.0 = values::word(rng),
        1 => scope.confidentiality = confidentiality(rng.random_range(0..4)),
        2 => scope.purposes.0 &= rng.next_u32(),
        _ => *scope = random_scope(rng),
    }
}

fn change_record_request(world: &mut World, rng: &mut ChaCha20Rng) {
    let around = world.request.data_period.from();
    match rng.random_range(0..5) {
        0 => world.asked.period = values::period(rng, around),
        1 => world.asked.code = Some(values::element(rng)),
        2 => {
            world.asked.anchored_by = (world.anchored + rng.random_range(0..3)).saturating_sub(1);
        }
        3 => world.asked.latest ^= true,
        _ => {
            world.anchored = values::word(rng);
            world.asked.anchored_by = values::word(rng);
        }
    }
}

fn revoke_something(world: &mut World, rng: &mut ChaCha20Rng) {
    let id = match rng.random_range(0..3) {
        0 => world.consent().revocation_id(),
        1 => world.record().supersession_id(),
        _ => random_id(rng),
    };
    world.revoked.push(id);
    world.revoked.sort_by_key(|id| id.to_field());
    world.revoked.dedup();
}
