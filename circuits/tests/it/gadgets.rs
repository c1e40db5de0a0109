//! Gadgets agree with the native functions on random input and at the edges, and refuse what lies
//! beyond.

use amanat_circuits::cs::{Cs, Num};
use amanat_circuits::gadgets::consent::{ConsentVar, RequestVar, ScopeVar, candidate_vars, permits};
use amanat_circuits::gadgets::identity::RoleVar;
use amanat_circuits::gadgets::{bits, merkle, poseidon};
use amanat_circuits::world::{World, at, random_scope, rules};
use amanat_domain::consent::{ConsentTerms, Effect, GrantedConsent, Grantee, Level, Rule, UseLimit};
use amanat_domain::field::{Fr, pow2, random};
use amanat_domain::identity::{SHIFT_SECONDS, session_pseudonym};
use amanat_domain::policy::{Recipient, Scope};
use amanat_domain::poseidon::{MAX_INPUTS, Tag, hash};
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{DEPTH, IndexedTree, NonMembership, Path, REVOCATION_BITS, RevocationId};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Runs gadgets on their own: what they give, and whether all their rows hold.
fn run<T>(walk: impl Fn(&mut Cs) -> T) -> (T, bool) {
    let public = [Fr::from(0u64); 8];
    let mut cs = Cs::shape(&public);
    let _ = walk(&mut cs);
    let (r1cs, _) = cs.into_shape();
    let mut cs = Cs::witness(&public);
    let out = walk(&mut cs);
    (out, r1cs.first_unsatisfied(&cs.into_assignment()).is_none())
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

#[test]
fn poseidon_of_every_width_is_the_native_one() {
    let mut rng = rng(1);
    for n in 1..=MAX_INPUTS {
        for edge in [None, Some(Fr::from(0u64)), Some(-Fr::from(1u64))] {
            let inputs: Vec<Fr> = (0..n).map(|_| edge.unwrap_or_else(|| random(&mut rng))).collect();
            let (got, holds) = run(|cs| {
                let vars: Vec<Num> = inputs.iter().map(|x| cs.hint(*x)).collect();
                poseidon::hash(cs, Tag::Node, &vars.iter().collect::<Vec<_>>()).value()
            });
            assert!(holds);
            assert_eq!(got, hash(Tag::Node, &inputs), "{n} inputs");
        }
    }
}

#[test]
fn comparisons_are_right_at_their_edges() {
    for width in [1, 2, 40, 64, 252] {
        let top = pow2(width) - Fr::from(1u64);
        let one = Fr::from(1u64);
        let some = [Fr::from(0u64), one, top - one, top, pow2(width - 1)];
        for a in some {
            for b in some {
                let (answer, holds) = run(|cs| {
                    let (a, b) = (cs.hint(a), cs.hint(b));
                    bits::less_or_equal(cs, &a, &b, width).value()
                });
                assert!(holds, "{width} bits");
                assert_eq!(answer, a <= b, "{width} bits");
                let ((), holds) = run(|cs| {
                    let (a, b) = (cs.hint(a), cs.hint(b));
                    bits::assert_less_or_equal(cs, &a, &b, width);
                });
                assert_eq!(holds, a <= b, "asserted, {width} bits");
            }
        }
        let ((), holds) = run(|cs| {
            let x = cs.hint(pow2(width));
            bits::decompose(cs, &x, width);
        });
        assert!(!holds, "2^{width} does not fit {width} bits");
    }
}

#[test]
fn a_path_at_the_first_and_at_the_last_leaf_gives_the_native_root() {
    let mut rng = rng(2);
    for index in [0, 1, 2, 3, 0x5555_5555, 0xaaaa_aaaa, u32::MAX - 1, u32::MAX] {
        let siblings = [(); DEPTH].map(|()| [(); 3].map(|()| random(&mut rng)));
        let path = Path { index, siblings };
        let leaf = random(&mut rng);
        let (got, holds) = run(|cs| {
            let leaf = cs.hint(leaf);
            merkle::root(cs, &leaf, &path).value()
        });
        assert!(holds);
        assert_eq!(got, path.root(leaf).to_field(), "leaf {index}");
    }
}

#[test]
fn an_id_is_absent_strictly_between_its_neighbours_only() {
    let one = Fr::from(1u64);
    let id = |x: Fr| RevocationId::new(x).expect("in range");
    let mut tree = IndexedTree::new();
    let (low, next) = (pow2(100), pow2(100) + Fr::from(10u64));
    tree.insert(id(low)).expect("new");
    tree.insert(id(next)).expect("new");
    let between = tree.non_membership(id(low + one)).expect("absent");
    let below = tree.non_membership(id(one)).expect("absent");
    let above = tree.non_membership(id(next + one)).expect("absent");
    let sentinel = pow2(REVOCATION_BITS);
    let absent = |witness: &NonMembership, value: Fr| {
        let (root, holds) = run(|cs| {
            let value = cs.hint(value);
            merkle::absent_root(cs, &value, witness).value()
        });
        holds && root == tree.root().to_field()
    };
    for (witness, value, expected) in [
        (&between, low, false),
        (&between, low + one, true),
        (&between, next - one, true),
        (&between, next, false),
        (&between, next + one, false),
        (&between, Fr::from(0u64), false),
        (&below, Fr::from(0u64), false),
        (&below, one, true),
        (&below, low - one, true),
        (&below, low, false),
        (&above, next, false),
        (&above, sentinel - one, true),
        (&above, sentinel, false),
        (&above, -one, false),
        (&below, -one, false),
    ] {
        assert_eq!(absent(witness, value), expected);
        let native = RevocationId::new(value).is_some_and(|id| witness.verify(tree.root(), id));
        assert_eq!(native, expected, "native");
    }
}

#[test]
fn a_session_is_of_the_shift_the_time_falls_in() {
    let world = World::new(3);
    let last = Timestamp::MAX.seconds();
    let start = (last / SHIFT_SECONDS) * SHIFT_SECONDS;
    let k = 2_000_000 * SHIFT_SECONDS;
    for now in [0, 1, SHIFT_SECONDS - 1, SHIFT_SECONDS, k - 1, k, k + 1, start - 1, start, last] {
        let (got, holds) = run(|cs| {
            let role = RoleVar::new(cs, world.holder, &world.credential);
            let now = cs.hint(Fr::from(now));
            role.session(cs, &now).value()
        });
        assert!(holds, "at {now}");
        assert_eq!(got, session_pseudonym(world.holder, now / SHIFT_SECONDS), "at {now}");
    }
}

/// The semantics of the book told another way: of the rules that match, the most specific decides;
/// denials are more specific.
fn decides(
    terms: &ConsentTerms,
    scope: &Scope,
    data: &Period,
    recipient: &Recipient,
    now: Timestamp,
) -> bool {
    let rank =
        |rule: &Rule| 2 * u8::from(rule.level == Level::Nested) + u8::from(rule.effect == Effect::Deny);
    let matching = terms.rules().iter().filter(|rule| {
        let named = match rule.grantee {
            Grantee::Any => true,
            Grantee::Organisation(org) => org == recipient.organisation,
            Grantee::Role(role) => role == recipient.role,
            Grantee::OrganisationRole(org, role) => org == recipient.organisation && role == recipient.role,
            Grantee::Holder(holder) => holder == recipient.holder,
        };
        let masks = [
            (u64::from(scope.purposes.0), u64::from(rule.purposes.0)),
            (u64::from(scope.actions.0), u64::from(rule.actions.0)),
            (scope.categories.0, rule.categories.0),
            (u64::from(scope.jurisdictions.0), u64::from(rule.jurisdictions.0)),
        ];
        let holds = rule.validity.from() <= now && now <= rule.validity.until();
        let (first, last) = (rule.data_period.from(), rule.data_period.until());
        let covers = if rule.effect == Effect::Permit {
            masks.iter().all(|(asked, has)| (0..64).all(|b| asked >> b & 1 <= has >> b & 1))
                && scope.confidentiality as u8 <= rule.confidentiality as u8
                && first <= data.from()
                && data.until() <= last
        } else {
            masks.iter().all(|(asked, has)| (0..64).any(|b| asked >> b & has >> b & 1 == 1))
                && scope.confidentiality as u8 >= rule.confidentiality as u8
                && !(last < data.from() || data.until() < first)
        };
        named && holds && covers
    });
    matching.max_by_key(|rule| rank(rule)).map_or(terms.default_effect(), |rule| rule.effect)
        == Effect::Permit
}

#[test]
fn rules_are_judged_alike_natively_in_constraints_and_by_another_reading_of_the_book() {
    let mut rng = rng(4);
    let (mut permitted, mut refused) = (0, 0);
    let mut r1cs = None;
    for case in 0..1200u64 {
        let mut world = World::new(case % 40);
        let n = rng.random_range(0..=8usize);
        let list = (0..n).map(|_| rules::random_rule(&mut rng, &world)).collect();
        let default = if rng.random_bool(0.5) { Effect::Permit } else { Effect::Deny };
        let terms = rules::terms(list, default);
        if rng.random_bool(0.3) {
            world.request.scope = random_scope(&mut rng);
        }
        if rng.random_bool(0.2) {
            world.time = at(world.time.seconds() + rng.random_range(0..3));
        }
        let request = &world.request;
        let (scope, data, recipient) = (&request.scope, &request.data_period, &request.recipient);
        let native = permits(&terms, scope, data, recipient, world.time);
        assert_eq!(
            native,
            decides(&terms, scope, data, recipient, world.time),
            "case {case}: another reading"
        );

        let subject = world.wallet().subject().commitment();
        let (limit, salt) = (UseLimit::UNLIMITED, Secret::new(Fr::from(1u64)));
        let nonce = Secret::new(world.nonce);
        let consent =
            GrantedConsent::from_parts(terms, subject, limit, nonce, salt).expect("the world's nonce");
        let walk = |cs: &mut Cs| {
            let var = ConsentVar::new(cs, &consent.words());
            let scope = ScopeVar::new(cs, scope.to_word());
            let [organisation, role, holder] =
                [recipient.organisation.to_field(), recipient.role.to_field(), recipient.holder.to_field()]
                    .map(|x| cs.hint(x));
            let [data_from, data_until, now] =
                [data.from(), data.until(), world.time].map(|t| cs.hint(Fr::from(t.seconds())));
            let candidates = candidate_vars(cs, &organisation, &role, &holder);
            let request = RequestVar { scope: &scope, data_from, data_until, now, candidates };
            var.permits(cs, &request).value()
        };
        let public = [Fr::from(0u64); 8];
        let r1cs = r1cs.get_or_insert_with(|| {
            let mut cs = Cs::shape(&public);
            let _ = walk(&mut cs);
            cs.into_shape().0
        });
        let mut cs = Cs::witness(&public);
        assert_eq!(walk(&mut cs), native, "case {case}: constraints");
        assert_eq!(r1cs.first_unsatisfied(&cs.into_assignment()), None, "case {case}");
        if native { permitted += 1 } else { refused += 1 }
    }
    assert!(permitted > 200 && refused > 200, "{permitted} permitted, {refused} refused");
}
