//! The samples of a statement, and the families of negatives that several statements share.
//!
//! A sample is a statement's honest case, and cases in which one clause does not hold, with the id
//! the native check answers. Where native types cannot say what a prover's witness can (a period
//! turned round, a nonce without a revocation id), the tests and the mutation run put the bad value
//! into the constraints by [`Cs::cheating`](crate::Cs::cheating).

use super::{Case, Registries, World, at, confidentiality, period, rules};
use crate::relation::Relation;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{
    Actions, Categories, Effect, HolderKey, Jurisdictions, Level, OrgId, Purposes, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, PatientWallet, Subject};
use amanat_domain::policy::{RolePolicy, Scope};
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{IndexedTree, NonMembership, RevocationId};
use amanat_domain::tx::PolicyField;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// A case that breaks one clause.
pub struct Negative<R> {
    /// The clause.
    pub clause: &'static str,
    /// How it is broken.
    pub how: &'static str,
    /// The case.
    pub case: Case<R>,
}

/// The samples of a statement: what tests, the mutation run, key vectors and benches are made of.
pub trait Sample: Relation + Sized + Send + Sync {
    /// Its clause ids.
    const CLAUSES: &'static [&'static str];
    /// Clauses of which the native types cannot express a violation.
    const UNREPRESENTABLE: &'static [&'static str];
    /// Number of private wires that may be changed alone, each listed by the circuit with its
    /// reason.
    const FREE_WIRES: usize;
    /// Registries whose roots the constraints take from the witness as they are.
    const UNOPENED: &'static [Registry];

    /// The witness of a world in registries that hold the world's leaves. `None` if they do not.
    fn witness(world: &World, registries: &Registries) -> Option<Self>;

    /// The honest case of a world in its own registries.
    ///
    /// # Panics
    /// Never: a world's own registries hold its leaves.
    fn case(world: &World) -> Case<Self> {
        let witness = Self::witness(world, &world.registries()).expect("the world's leaves are in them");
        Case::honest(witness, world.ctx)
    }

    /// The policy that a transaction of this witness carries.
    fn policy(&self) -> PolicyField;

    /// The bundle that the witness opens.
    fn bundle(&self) -> &Bundle;

    /// For each clause, and each reason in it, a case that breaks it alone.
    fn negatives(seed: u64) -> Vec<Negative<Self>>;

    /// Changes one field of the witness at random.
    fn tamper(&mut self, rng: &mut ChaCha20Rng);

    /// Makes the bundle commit to the roots that the witness leads to.
    fn reseal(&mut self);
}

/// Collects negatives over a world in which everything is asked about.
pub(crate) struct Negatives<R> {
    world: World,
    all: Vec<Negative<R>>,
}

impl<R: Sample> Negatives<R> {
    pub(crate) fn new(seed: u64) -> Self {
        // Everything asked for, so that each question can be answered wrongly.
        let mut world = rules::asking(seed);
        world.revoked.truncate(8);
        Self { world, all: Vec::new() }
    }

    /// What was collected.
    pub(crate) fn into_vec(self) -> Vec<Negative<R>> {
        self.all
    }

    /// The world is another.
    pub(crate) fn world(&mut self, clause: &'static str, how: &'static str, change: impl FnOnce(&mut World)) {
        let mut world = self.world.clone();
        change(&mut world);
        self.all.push(Negative { clause, how, case: R::case(&world) });
    }

    /// The witness or the public vector differs from what the world gives.
    pub(crate) fn case(
        &mut self,
        clause: &'static str,
        how: &'static str,
        change: impl FnOnce(&mut Case<R>),
    ) {
        self.changed(clause, how, |_| {}, |_, case| change(case));
    }

    /// Both.
    pub(crate) fn changed(
        &mut self,
        clause: &'static str,
        how: &'static str,
        first: impl FnOnce(&mut World),
        then: impl FnOnce(&World, &mut Case<R>),
    ) {
        let mut world = self.world.clone();
        first(&mut world);
        let mut case = R::case(&world);
        then(&world, &mut case);
        self.all.push(Negative { clause, how, case });
    }

    /// What clause 1 of every statement says.
    pub(crate) fn bundle(&mut self, clause: &'static str, time: impl FnOnce(&mut R)) {
        self.case(clause, "another epoch is public", |c| c.public.epoch += 1);
        self.case(clause, "another bundle is public", |c| c.public.bundle += one());
        self.case(clause, "the opened time is another", |c| time(&mut c.witness));
    }
}

pub(crate) fn one() -> Fr {
    Fr::from(1u64)
}

fn stranger() -> PatientWallet {
    PatientWallet::from_secrets(Secret::new(Fr::from(77u64)), Secret::new(Fr::from(78u64)))
}

pub(crate) fn stranger_subject() -> Subject {
    stranger().subject()
}

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(0x0bad)
}

/// The consent is another patient's.
pub(crate) fn of_another(world: &mut World) {
    world.consent_about = Some(stranger_subject());
    world.redraw(&mut rng());
}

pub(crate) fn later(time: Timestamp) -> Timestamp {
    at(time.seconds() + 1)
}

/// The four ways in which an id is said to be absent and is not, or is not shown to be.
pub(crate) fn absences<R: Sample>(
    list: &mut Negatives<R>,
    clause: &'static str,
    id: impl Fn(&World) -> RevocationId,
    slot: impl Fn(&mut Case<R>) -> &mut NonMembership,
) {
    let revoke = |world: &mut World| world.revoked.push(id(world));
    list.changed(clause, "revoked, shown by the leaf below", revoke, |_, _| {});
    list.changed(clause, "revoked, shown by its own leaf", revoke, |world, case| {
        *slot(case) = leaf_of(world, |l| l.0 == id(world).to_field());
    });
    list.changed(clause, "revoked, shown by a leaf elsewhere", revoke, |world, case| {
        let id = id(world).to_field();
        *slot(case) = leaf_of(world, |l| l.0 != id && l.1 != id);
    });
    list.case(clause, "the neighbours are made up", |case| {
        let witness = slot(case);
        witness.low_value -= one();
    });
    list.case(clause, "the path is another's", |case| slot(case).path.index ^= 1);
}

/// The first leaf of a world's revocations for which `wanted(value, next)`.
fn leaf_of(world: &World, wanted: impl Fn((Fr, Fr)) -> bool) -> NonMembership {
    let mut tree = IndexedTree::new();
    for id in &world.revoked {
        tree.insert(*id).expect("distinct");
    }
    let found = tree.leaves().iter().position(|l| wanted((l.value, l.next))).expect("there is one");
    let leaf = tree.leaves()[found];
    let path = tree.tree().path(found as u32).expect("in the tree");
    NonMembership { low_value: leaf.value, low_next: leaf.next, path }
}

pub(crate) type EmptyMask = (&'static str, fn(&mut Scope));

pub(crate) fn empty_masks() -> [EmptyMask; 4] {
    [
        ("no purpose", |s| s.purposes = Purposes::NONE),
        ("no action", |s| s.actions = Actions::NONE),
        ("no category", |s| s.categories = Categories::NONE),
        ("no jurisdiction", |s| s.jurisdictions = Jurisdictions::NONE),
    ]
}

/// Terms under which the request is refused, each for another reason.
pub(crate) fn refusals<R: Sample>(list: &mut Negatives<R>, clause: &'static str) {
    use rules::{idle, terms};
    let (root, nested) = (Level::Root, Level::Nested);
    let permit = || Rule::unconditional(Effect::Permit, root);
    let deny = || Rule::unconditional(Effect::Deny, root);
    let now = list.world.time.seconds();
    let data = list.world.request.data_period;
    let (from, until) = (data.from().seconds(), data.until().seconds());
    let scope = list.world.request.scope;
    let fewer = |bits: u64| bits & (bits - 1);
    let lone = |bits: u64| bits & bits.wrapping_neg();
    let cases: Vec<(&'static str, Vec<_>, Effect)> = vec![
        ("no rule, and the default denies", vec![], Effect::Deny),
        ("the permit is about somebody else", vec![idle(Effect::Permit, root)], Effect::Deny),
        ("a root deny beside a root permit", vec![permit(), deny()], Effect::Permit),
        (
            "a nested deny beside a nested permit",
            vec![Rule::unconditional(Effect::Permit, nested), Rule::unconditional(Effect::Deny, nested)],
            Effect::Permit,
        ),
        (
            "a nested deny under a root permit",
            vec![permit(), Rule::unconditional(Effect::Deny, nested)],
            Effect::Permit,
        ),
        ("a deny against the default", vec![deny()], Effect::Permit),
        (
            "the permit lacks a purpose",
            {
                let mut r = permit();
                r.purposes = Purposes(fewer(u64::from(scope.purposes.0)) as u32);
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the permit lacks an action",
            {
                let mut r = permit();
                r.actions = Actions(fewer(u64::from(scope.actions.0)) as u8);
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the permit lacks a category",
            {
                let mut r = permit();
                r.categories = Categories(fewer(scope.categories.0));
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the permit lacks a jurisdiction",
            {
                let mut r = permit();
                r.jurisdictions = Jurisdictions(fewer(u64::from(scope.jurisdictions.0)) as u32);
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the deny touches one bit of each mask",
            {
                let mut r = deny();
                r.purposes = Purposes(lone(u64::from(scope.purposes.0)) as u32);
                r.actions = Actions(lone(u64::from(scope.actions.0)) as u8);
                r.categories = Categories(lone(scope.categories.0));
                r.jurisdictions = Jurisdictions(lone(u64::from(scope.jurisdictions.0)) as u32);
                r.confidentiality = scope.confidentiality;
                vec![r]
            },
            Effect::Permit,
        ),
        (
            "the permit is for less confidential data",
            {
                let mut r = permit();
                r.confidentiality = confidentiality(scope.confidentiality as u64 - 1);
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the permit has ended",
            {
                let mut r = permit();
                r.validity = period(0, now - 1);
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the permit has not begun",
            {
                let mut r = permit();
                r.validity = Period::new(at(now + 1), Timestamp::MAX).expect("in order");
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the deny holds for this second",
            {
                let mut r = deny();
                r.validity = Period::at(at(now));
                vec![r]
            },
            Effect::Permit,
        ),
        (
            "the data begin before the permit's",
            {
                let mut r = permit();
                r.data_period = Period::new(at(from + 1), Timestamp::MAX).expect("in order");
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the data end after the permit's",
            {
                let mut r = permit();
                r.data_period = period(0, until - 1);
                vec![r]
            },
            Effect::Deny,
        ),
        (
            "the data end when the deny's begin",
            {
                let mut r = deny();
                r.data_period = Period::new(at(until), Timestamp::MAX).expect("in order");
                vec![r]
            },
            Effect::Permit,
        ),
        (
            "the data begin when the deny's end",
            {
                let mut r = deny();
                r.data_period = period(0, from);
                vec![r]
            },
            Effect::Permit,
        ),
    ];
    for (how, rules, default) in cases {
        list.world(clause, how, |w| w.terms = terms(rules, default));
    }
}

/// More uses than the limit.
pub(crate) fn overuse<R: Sample>(list: &mut Negatives<R>, clause: &'static str) {
    list.world(clause, "as many uses as the limit", |w| {
        w.limit = UseLimit::from_u32(5);
        w.use_index = 5;
    });
    list.world(clause, "the largest index under the largest limit", |w| {
        w.limit = UseLimit::from_u32(u32::MAX);
        w.use_index = u64::MAX;
    });
}

/// The holder does not qualify.
pub(crate) fn unqualified<R: Sample>(list: &mut Negatives<R>, [listed, licensed]: [&'static str; 2]) {
    list.world(listed, "another role class", |w| {
        let orgs = w.policy.roles.organisations().to_vec();
        w.policy.roles = RolePolicy::new(vec![RoleCode::new(Fr::from(5u64))], orgs).expect("one");
    });
    list.world(listed, "another organisation set", |w| {
        let roles = w.policy.roles.roles().to_vec();
        w.policy.roles = RolePolicy::new(roles, vec![OrgId::new(Fr::from(5u64))]).expect("one");
    });
    list.world(licensed, "the licence ended", |w| w.credential.licence = period(0, w.time.seconds() - 1));
    list.world(licensed, "the licence begins", |w| {
        w.credential.licence = Period::new(later(w.time), Timestamp::MAX).expect("in order");
    });
}

/// The credential certifies another holder's key.
pub(crate) fn of_another_holder(world: &mut World) {
    world.credential.holder = HolderSecret::from_secret(Secret::new(Fr::from(3u64))).key();
}

pub(crate) fn stranger_holder() -> HolderKey {
    HolderSecret::from_secret(Secret::new(Fr::from(9u64))).key()
}
