//! Rules for and against a world's request, and consents made of them.

use super::{World, at, period, random_scope};
use crate::gadgets::consent::permits;
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, Grantee, Jurisdictions, Level, MAX_RULES,
    OrgId, Purposes, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::{Fr, random};
use amanat_domain::policy::{MAX_ORGS, MAX_ROLES, RecordRequest, RolePolicy, Scope, ValueRange};
use amanat_domain::record::Leaf;
use amanat_domain::time::Period;
use ark_ff::PrimeField;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;

/// A rule that matches nothing here: it is about another person.
#[must_use]
pub fn idle(effect: Effect, level: Level) -> Rule {
    let nobody = OrgId::from_reference("Organization/nobody");
    Rule { grantee: Grantee::Organisation(nobody), ..Rule::anything(effect, level) }
}

/// Terms of these rules.
///
/// # Panics
/// On more than eight.
#[must_use]
pub fn terms(rules: Vec<Rule>, default: Effect) -> ConsentTerms {
    ConsentTerms::new(rules, default, String::from("urn:policy")).expect("at most eight")
}

/// A random rule near a world's request: it matches in some draws and just misses in others.
pub fn random_rule(rng: &mut ChaCha20Rng, world: &World) -> Rule {
    let effect = if rng.random_bool(0.5) { Effect::Permit } else { Effect::Deny };
    let level = if rng.random_bool(0.5) { Level::Nested } else { Level::Root };
    let mut rule = Rule::anything(effect, level);
    let asked = &world.request.scope;
    let recipient = &world.request.recipient;
    rule.grantee = match rng.random_range(0..6) {
        0 => Grantee::Any,
        1 => Grantee::Organisation(recipient.organisation),
        2 => Grantee::Role(recipient.role),
        3 => Grantee::OrganisationRole(recipient.organisation, recipient.role),
        4 => Grantee::Holder(recipient.holder),
        _ => Grantee::Organisation(OrgId::new(random(rng))),
    };
    let scope = random_scope(rng);
    // Each restriction: everything, what is asked, or anything.
    macro_rules! mask {
        ($field:ident) => {
            match rng.random_range(0..6) {
                0 => rule.$field = asked.$field.union(scope.$field),
                1 => rule.$field = asked.$field,
                2 => rule.$field = scope.$field,
                _ => {}
            }
        };
    }
    mask!(purposes);
    mask!(actions);
    mask!(categories);
    mask!(jurisdictions);
    if rng.random_bool(0.3) {
        rule.confidentiality = super::confidentiality(rng.random_range(0..4));
    }
    let now = world.time.seconds();
    rule.validity = around(rng, now, now);
    let data = &world.request.data_period;
    rule.data_period = around(rng, data.from().seconds(), data.until().seconds());
    rule
}

/// All time, or a period whose ends are at or near the given ends.
fn around(rng: &mut ChaCha20Rng, from: u64, until: u64) -> Period {
    let slack = |rng: &mut ChaCha20Rng| match rng.random_range(0..4) {
        0 => 0,
        1 => 1,
        _ => rng.random_range(0..1u64 << 24),
    };
    match rng.random_range(0..8) {
        0 => period(from - slack(rng), until + slack(rng)),
        1 => period(from, from + slack(rng)),
        2 => period(until, until + slack(rng)),
        3 => period(from - slack(rng), from),
        4 => period(until + 1, until + 1 + slack(rng)),
        5 => Period::new(at(from - 1 - slack(rng)), at(from - 1)).unwrap_or(Period::ALWAYS),
        _ => Period::ALWAYS,
    }
}

/// Random terms that permit the world's request of S1 and its access.
pub fn random_terms(rng: &mut ChaCha20Rng, world: &World) -> ConsentTerms {
    loop {
        let rules = (0..rng.random_range(0..=MAX_RULES)).map(|_| random_rule(rng, world)).collect();
        let default = if rng.next_u32() & 3 == 0 { Effect::Permit } else { Effect::Deny };
        let terms = terms(rules, default);
        let request = &world.request;
        if permits(&terms, &request.scope, &request.data_period, &request.recipient, world.time) {
            return terms;
        }
    }
}

/// Worlds in which each zero test of the rules is seen zero and not zero, at each of the eight
/// slots: for the mutation run. Not all of them permit.
#[must_use]
pub fn decisive(seed: u64) -> Vec<World> {
    // Nothing revoked: any id below 2^251 has the first leaf around it.
    let plain = World { revoked: Vec::new(), ..asking(seed) };
    let wide = |world: &mut World| {
        world.asked.value = Some(ValueRange { least: AMOUNT - 1000, greatest: AMOUNT + 1000 });
        world.asked.period = Period::ALWAYS;
        world.asked.anchored_by = world.anchored + 1000;
    };
    let (permit, deny) =
        (|level| Rule::anything(Effect::Permit, level), |level| Rule::anything(Effect::Deny, level));
    let (root, nested) = (Level::Root, Level::Nested);
    let eight = |rule: Rule| vec![rule; MAX_RULES];
    let last = |rule: Rule| {
        let mut rules = vec![idle(Effect::Deny, root); MAX_RULES];
        rules[MAX_RULES - 1] = rule;
        rules
    };
    let sets = [
        (vec![permit(nested)], Effect::Deny),
        (vec![permit(nested)], Effect::Permit),
        (last(permit(nested)), Effect::Deny),
        (eight(permit(nested)), Effect::Deny),
        (eight(permit(root)), Effect::Permit),
        (Vec::new(), Effect::Permit),
        (Vec::new(), Effect::Deny),
        (vec![permit(root)], Effect::Deny),
        (last(permit(root)), Effect::Deny),
        (vec![deny(root), permit(nested)], Effect::Deny),
        (vec![permit(root), deny(root)], Effect::Deny),
        (vec![deny(nested), permit(nested)], Effect::Deny),
        (last(deny(nested)), Effect::Permit),
        (vec![deny(nested), permit(root)], Effect::Permit),
        (vec![permit(nested), deny(root), deny(root), permit(root)], Effect::Permit),
        (vec![deny(root)], Effect::Permit),
    ];
    let mut worlds: Vec<World> = sets
        .into_iter()
        .enumerate()
        .map(|(i, (rules, default))| {
            let mut world = plain.clone();
            world.terms = terms(rules, default);
            match i % 3 {
                0 => wide(&mut world),
                1 => {
                    world.limit = UseLimit::from_u32(100);
                    world.use_index = 90;
                    // Nothing is asked about.
                    wide(&mut world);
                    world.asked.value = None;
                    world.asked.latest = false;
                    world.asked.disclosed = 0;
                    world.asked.resource_type = None;
                }
                _ => {}
            }
            world
        })
        .collect();
    worlds.push(World { limit: UseLimit::from_u32(5), use_index: 5, ..plain.clone() });
    // Not qualified, and a record that holds more than is asked for: a wrong product could make up
    // for it.
    let strangers = |n: usize| (0..n).map(|i| Fr::from(1000 + i as u64));
    let others: Vec<OrgId> = strangers(MAX_ORGS).map(OrgId::new).collect();
    let no_roles: Vec<RoleCode> = strangers(MAX_ROLES).map(RoleCode::new).collect();
    for (roles, orgs) in
        [(no_roles, vec![plain.credential.organisation]), (vec![plain.credential.role], others)]
    {
        let mut world = plain.clone();
        world.policy.roles = RolePolicy::new(roles, orgs).expect("as many as there may be");
        worlds.push(world);
    }
    let mut world = plain;
    world.values[Leaf::Categories as usize][0] = Fr::from(Categories::LABS.union(Categories::GENOMICS).0);
    worlds.push(world);
    worlds
}

/// The record's value in worlds that ask about it: with room on both sides.
pub const AMOUNT: u64 = 1 << 63;

/// A world in which everything is asked about and answered, every restriction has room to be
/// broken, and only a sweeping nested permit decides.
#[must_use]
pub fn asking(seed: u64) -> World {
    let mut world = World::new(seed);
    world.values[Leaf::Value as usize] = [Fr::from(AMOUNT), Fr::from(1u64)];
    world.terms = terms(vec![Rule::anything(Effect::Permit, Level::Nested)], Effect::Deny);
    world.limit = UseLimit::UNLIMITED;
    world.anchored += 1;
    for scope in [&mut world.request.scope, &mut world.policy.scope] {
        *scope = Scope {
            purposes: Purposes::TREAT.union(Purposes::CAREMGT),
            actions: Actions::ACCESS.union(Actions::USE),
            categories: Categories::LABS.union(Categories::VITALS),
            jurisdictions: Jurisdictions::EU.union(Jurisdictions::PK_PUNJAB),
            confidentiality: Confidentiality::Normal,
        };
    }
    world.values[Leaf::Categories as usize] = [Fr::from(Categories::LABS.0), Fr::from(1u64)];
    let word = |leaf: Leaf| world.values[leaf as usize][0];
    world.asked = RecordRequest {
        resource_type: Some(word(Leaf::Type).into_bigint().0[0]),
        code: Some(word(Leaf::Code)),
        unit: Some(word(Leaf::Unit)),
        status: Some(word(Leaf::Status)),
        value: Some(ValueRange { least: AMOUNT, greatest: AMOUNT }),
        period: world.request.data_period,
        custodian: Some(world.custodian),
        anchored_by: world.anchored,
        latest: true,
        ..world.asked
    };
    world
}
