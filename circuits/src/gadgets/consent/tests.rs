//! The consent gadget, its native twin and the documentation's words say the same.

use super::*;
use crate::gadgets::harness::{agrees, rng, run};
use crate::world::{World, at, period, random_scope, rules};
use amanat_domain::consent::{Grantee, MAX_RULES, Rule};
use amanat_domain::identity::pack_period;
use std::collections::BTreeSet;

/// What is asked of a consent.
#[derive(Clone)]
struct Asked {
    scope: Scope,
    data: Period,
    recipient: Recipient,
    now: Timestamp,
}

impl Asked {
    fn of(world: &World) -> Self {
        let r = &world.request;
        Self { scope: r.scope, data: r.data_period, recipient: r.recipient, now: world.time }
    }

    fn natively(&self, terms: &ConsentTerms) -> bool {
        permits(terms, &self.scope, &self.data, &self.recipient, self.now)
    }
}

/// The verdict as the documentation of `Rule` and `ConsentTerms` words it, in sets and plain
/// comparisons: what `permits` is held against. Written without a look at it.
fn by_the_words(terms: &ConsentTerms, asked: &Asked) -> bool {
    fn bits(word: u64) -> BTreeSet<u32> {
        (0..64).filter(|i| word >> i & 1 == 1).collect()
    }
    let about = |rule: &Rule| match rule.grantee {
        Grantee::Any => true,
        Grantee::Organisation(o) => o == asked.recipient.organisation,
        Grantee::Role(r) => r == asked.recipient.role,
        Grantee::OrganisationRole(o, r) => o == asked.recipient.organisation && r == asked.recipient.role,
        Grantee::Holder(h) => h == asked.recipient.holder,
    };
    let met = |rule: &Rule| {
        let s = &asked.scope;
        let pairs = [
            (u64::from(s.purposes.0), u64::from(rule.purposes.0)),
            (u64::from(s.actions.0), u64::from(rule.actions.0)),
            (s.categories.0, rule.categories.0),
            (u64::from(s.jurisdictions.0), u64::from(rule.jurisdictions.0)),
        ]
        .map(|(asked, rule)| (bits(asked), bits(rule)));
        let (wanted, level) = (s.confidentiality as u8, rule.confidentiality as u8);
        let times = |p: &Period| (p.from().seconds(), p.until().seconds());
        let (data, covered) = (times(&asked.data), times(&rule.data_period));
        match rule.effect {
            // A permit matches a request that lies wholly inside it.
            Effect::Permit => {
                pairs.iter().all(|(asked, rule)| asked.difference(rule).next().is_none())
                    && (0..=level).contains(&wanted)
                    && covered.0 <= data.0
                    && data.1 <= covered.1
            }
            // A deny matches a request that touches it.
            Effect::Deny => {
                pairs.iter().all(|(asked, rule)| asked.intersection(rule).next().is_some())
                    && (level..=3).contains(&wanted)
                    && data.0.max(covered.0) <= data.1.min(covered.1)
            }
        }
    };
    let in_force = |rule: &Rule| {
        (rule.validity.from().seconds()..=rule.validity.until().seconds()).contains(&asked.now.seconds())
    };
    let matching = |level: Level| -> Vec<Effect> {
        let rules = terms.rules().iter().filter(|r| r.level == level);
        rules.filter(|r| about(r) && met(r) && in_force(r)).map(|r| r.effect).collect()
    };
    // Nested rules that match decide first (deny wins among them), then root rules, then the
    // default.
    let nested = matching(Level::Nested);
    let root = matching(Level::Root);
    let deciding = if !nested.is_empty() {
        nested
    } else if !root.is_empty() {
        root
    } else {
        vec![terms.default_effect()]
    };
    !deciding.contains(&Effect::Deny)
}

fn granted(terms: &ConsentTerms) -> amanat_domain::consent::GrantedConsent {
    let mut world = World::new(1);
    world.terms = terms.clone();
    world.consent()
}

/// The gadgets' verdict, all from a packed request.
fn verdict(cs: &mut Cs, words: &ConsentWords, asked: &Asked) -> Bit {
    let consent = ConsentVar::new(cs, words);
    let scope = ScopeVar::new(cs, asked.scope.to_word());
    let data = word(cs, pack_period(&asked.data), 2 * TIME_BITS);
    let (from, until) = data.bits.split_at(TIME_BITS as usize);
    let recipient = asked.recipient;
    let [organisation, role, holder] =
        [recipient.organisation.to_field(), recipient.role.to_field(), recipient.holder.to_field()]
            .map(|x| cs.hint(x));
    let candidates = candidate_vars(cs, &organisation, &role, &holder);
    let now = cs.hint(Fr::from(asked.now.seconds()));
    let request = RequestVar {
        scope: &scope,
        data_from: bits::weighted_sum(from),
        data_until: bits::weighted_sum(until),
        now,
        candidates,
    };
    consent.permits(cs, &request)
}

/// Words, native function and gadget say the same.
fn all_agree(terms: &ConsentTerms, asked: &Asked) -> bool {
    let words = granted(terms).words();
    let native = asked.natively(terms);
    assert_eq!(native, by_the_words(terms, asked), "the native function against the documentation");
    let mut cs = Cs::witness(&[Fr::from(0u64); 8]);
    assert_eq!(verdict(&mut cs, &words, asked).value(), native, "the gadget against the native function");
    native
}

/// A request near the world's: the times at a rule's ends, another recipient, another scope.
fn vary(rng: &mut rand_chacha::ChaCha20Rng, asked: &mut Asked, terms: &ConsentTerms) {
    use rand::RngExt;
    let ends: Vec<u64> = terms
        .rules()
        .iter()
        .flat_map(|r| [&r.validity, &r.data_period])
        .flat_map(|p| [p.from().seconds(), p.until().seconds()])
        .collect();
    let mut near = |t: u64| {
        let end = if ends.is_empty() { t } else { ends[rng.random_range(0..ends.len())] };
        (end + rng.random_range(0..3)).saturating_sub(1).min(Timestamp::MAX.seconds())
    };
    let (now, a, b) = (near(5), near(7), near(9));
    match rng.random_range(0..8) {
        0 | 1 => asked.now = at(now),
        2 | 3 => asked.data = period(a.min(b), a.max(b)),
        4 => asked.data = Period::at(at(a)),
        5 => asked.scope = random_scope(rng),
        6 => {
            let stranger = Fr::from(rng.random_range(0..3u64));
            match rng.random_range(0..3) {
                0 => asked.recipient.organisation = amanat_domain::consent::OrgId::new(stranger),
                1 => asked.recipient.role = amanat_domain::consent::RoleCode::new(stranger),
                _ => asked.recipient.holder = amanat_domain::consent::HolderKey::new(stranger),
            }
        }
        _ => {}
    }
}

#[test]
fn two_thousand_random_consents_are_judged_alike() {
    use rand::RngExt;
    let mut rng = rng(12);
    let mut seen = [0u32; 2];
    for world in (0..20).map(World::new) {
        for _ in 0..110 {
            let count = rng.random_range(0..=MAX_RULES);
            let list = (0..count).map(|_| rules::random_rule(&mut rng, &world)).collect();
            let default = if rng.random_bool(0.5) { Effect::Permit } else { Effect::Deny };
            let terms = rules::terms(list, default);
            let mut asked = Asked::of(&world);
            vary(&mut rng, &mut asked, &terms);
            seen[usize::from(all_agree(&terms, &asked))] += 1;
        }
    }
    assert!(seen.iter().all(|n| *n > 400), "both verdicts are common: {seen:?}");
}

/// Two rules, each of either effect and level, matching or not, under either default.
#[test]
fn every_combination_of_two_rules_and_a_default_is_judged_alike() {
    let asked = Asked::of(&World::new(2));
    for n in 0..128u32 {
        let bit = |i: u32| n >> i & 1 == 1;
        let rule = |first: u32| {
            let effect = if bit(first) { Effect::Permit } else { Effect::Deny };
            let level = if bit(first + 1) { Level::Nested } else { Level::Root };
            if bit(first + 2) { Rule::unconditional(effect, level) } else { rules::idle(effect, level) }
        };
        let default = if bit(6) { Effect::Permit } else { Effect::Deny };
        all_agree(&rules::terms(vec![rule(0), rule(3)], default), &asked);
    }
}

/// One rule that decides, and one field of it moved to each side of where it stops to match.
#[test]
fn a_rule_stops_to_match_where_the_documentation_says() {
    let mut asked = Asked::of(&World::new(3));
    asked.now = at(1000);
    asked.data = period(500, 600);
    let mut verdicts = BTreeSet::new();
    for effect in [Effect::Permit, Effect::Deny] {
        let default = if effect == Effect::Permit { Effect::Deny } else { Effect::Permit };
        for level in [Level::Root, Level::Nested] {
            let whole = Rule::unconditional(effect, level);
            let mut list = Vec::new();
            for wanted in 0..4 {
                list.push(Rule { confidentiality: crate::world::confidentiality(wanted), ..whole });
            }
            for (from, until) in [(0, 999), (0, 1000), (1000, 1000), (1001, 2000), (1000, 1 << 39)] {
                list.push(Rule { validity: period(from, until), ..whole });
            }
            for from in [0, 499, 500, 501, 599, 600, 601] {
                for until in [499, 500, 501, 599, 600, 601] {
                    if from <= until {
                        list.push(Rule { data_period: period(from, until), ..whole });
                    }
                }
            }
            for rule in list {
                verdicts.insert((effect as u8, all_agree(&rules::terms(vec![rule], default), &asked)));
            }
        }
    }
    assert_eq!(verdicts.len(), 4, "each effect decides and does not");
}

/// The eight slots are filled with zeros: no rule, whatever the recipient is called and whenever it
/// is.
#[test]
fn padding_matches_nobody() {
    let mut asked = Asked::of(&World::new(4));
    asked.recipient = Recipient {
        organisation: amanat_domain::consent::OrgId::new(Fr::from(0u64)),
        role: amanat_domain::consent::RoleCode::new(Fr::from(0u64)),
        holder: amanat_domain::consent::HolderKey::new(Fr::from(0u64)),
    };
    (asked.now, asked.data) = (Timestamp::MIN, Period::ALWAYS);
    assert!(all_agree(&rules::terms(Vec::new(), Effect::Permit), &asked));
    assert!(!all_agree(&rules::terms(Vec::new(), Effect::Deny), &asked));
}

/// A role, an organisation and a person with the same number are three grantees.
#[test]
fn a_role_named_like_an_organisation_is_not_that_organisation() {
    let mut asked = Asked::of(&World::new(5));
    let n = Fr::from(77u64);
    asked.recipient.role = amanat_domain::consent::RoleCode::new(n);
    let rule = Rule {
        grantee: Grantee::Organisation(amanat_domain::consent::OrgId::new(n)),
        ..Rule::unconditional(Effect::Permit, Level::Root)
    };
    assert!(!all_agree(&rules::terms(vec![rule], Effect::Deny), &asked));
}

#[test]
fn leaf_limit_and_verdict_are_the_only_ones_accepted() {
    for seed in 0..3 {
        let world = World::new(seed);
        let consent = world.consent();
        let words = consent.words();
        agrees(consent.leaf().to_field(), |cs| {
            let subject = cs.hint(words.subject);
            let consent = ConsentVar::new(cs, &words);
            consent.leaf(cs, &subject)
        });
        agrees(Fr::from(consent.limit().to_u32()), |cs| ConsentVar::new(cs, &words).limit().clone());
        let mut asked = Asked::of(&world);
        for now in [asked.now, Timestamp::MIN] {
            asked.now = now;
            agrees(Fr::from(asked.natively(&world.terms)), |cs| verdict(cs, &words, &asked).num().clone());
        }
    }
}

#[test]
fn a_scope_with_an_empty_mask_is_refused() {
    let scope = World::new(6).request.scope;
    for empty in 0..16u32 {
        let mut scope = scope;
        if empty & 1 != 0 {
            scope.purposes.0 = 0;
        }
        if empty & 2 != 0 {
            scope.actions.0 = 0;
        }
        if empty & 4 != 0 {
            scope.categories.0 = 0;
        }
        if empty & 8 != 0 {
            scope.jurisdictions.0 = 0;
        }
        let outcome = run(|cs| ScopeVar::new(cs, scope.to_word()).assert_not_empty(cs));
        assert_eq!(outcome.holds(), scope.check().is_ok());
        assert_eq!(outcome.holds(), empty == 0);
    }
}
