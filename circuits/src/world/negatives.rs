//! Worlds in which one clause does not hold, with the id the native check answers.
//!
//! Where native types cannot say what a prover's witness can (a period turned round, a nonce without a revocation id), the
//! tests and the mutation run put the bad value into the constraints by [`Cs::cheating`](crate::Cs::cheating).

use super::{Case, Cases, World, at, period, random_id, rules};
use crate::statements::access::AccessWitness;
use crate::statements::consent::ConsentWitness;
use crate::statements::grant::GrantWitness;
use crate::statements::record::RecordWitness;
use crate::statements::revoke::RevokeWitness;
use crate::statements::role::RoleWitness;
use amanat_domain::consent::{
    Actions, Categories, Effect, Jurisdictions, Level, OrgId, Purposes, RoleCode, UseLimit,
};
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, PatientWallet, Subject};
use amanat_domain::policy::{RolePolicy, Scope, ValueRange};
use amanat_domain::record::Leaf;
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{IndexedTree, NonMembership, RevocationId};
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

/// A statement whose clauses can be broken one by one.
pub trait Negatives: Cases {
    /// Its clause ids.
    const CLAUSES: &'static [&'static str];
    /// Clauses of which the native types cannot express a violation.
    const UNREPRESENTABLE: &'static [&'static str];

    /// For each clause, and each reason in it, a case.
    fn negatives(seed: u64) -> Vec<Negative<Self>>;
}

/// Collects negatives over a world.
struct List<R> {
    world: World,
    all: Vec<Negative<R>>,
}

impl<R: Cases> List<R> {
    fn new(seed: u64) -> Self {
        // Everything asked for, so that each question can be answered wrongly.
        let mut world = rules::asking(seed);
        world.revoked.truncate(8);
        Self { world, all: Vec::new() }
    }

    /// The world is another.
    fn world(&mut self, clause: &'static str, how: &'static str, change: impl FnOnce(&mut World)) {
        let mut world = self.world.clone();
        change(&mut world);
        self.all.push(Negative { clause, how, case: R::case(&world) });
    }

    /// The witness or the public vector differs from what the world gives.
    fn case(&mut self, clause: &'static str, how: &'static str, change: impl FnOnce(&mut Case<R>)) {
        self.changed(clause, how, |_| {}, |_, case| change(case));
    }

    /// Both.
    fn changed(
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
    fn bundle(&mut self, clause: &'static str, time: impl FnOnce(&mut R)) {
        self.case(clause, "another epoch is public", |c| c.public.epoch += 1);
        self.case(clause, "another bundle is public", |c| c.public.bundle += one());
        self.case(clause, "the opened time is another", |c| time(&mut c.witness));
    }
}

fn one() -> Fr {
    Fr::from(1u64)
}

fn stranger() -> PatientWallet {
    PatientWallet::from_secrets(Secret::new(Fr::from(77u64)), Secret::new(Fr::from(78u64)))
}

fn stranger_subject() -> Subject {
    stranger().subject()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(0x0bad)
}

/// The consent is another patient's.
fn of_another(world: &mut World) {
    world.consent_about = Some(stranger_subject());
    world.redraw(&mut rng());
}

fn later(time: Timestamp) -> Timestamp {
    at(time.seconds() + 1)
}

/// The four ways in which an id is said to be absent and is not, or is not shown to be.
fn absences<R: Cases>(
    list: &mut List<R>,
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

type EmptyMask = (&'static str, fn(&mut Scope));

fn empty_masks() -> [EmptyMask; 4] {
    [
        ("no purpose", |s| s.purposes = Purposes::NONE),
        ("no action", |s| s.actions = Actions::NONE),
        ("no category", |s| s.categories = Categories::NONE),
        ("no jurisdiction", |s| s.jurisdictions = Jurisdictions::NONE),
    ]
}

/// Terms under which the request is refused, each for a reason of its own.
fn refusals<R: Cases>(list: &mut List<R>, clause: &'static str) {
    use rules::{idle, sweeping, terms};
    let (root, nested) = (Level::Root, Level::Nested);
    let permit = || sweeping(Effect::Permit, root);
    let deny = || sweeping(Effect::Deny, root);
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
            vec![sweeping(Effect::Permit, nested), sweeping(Effect::Deny, nested)],
            Effect::Permit,
        ),
        ("a nested deny under a root permit", vec![permit(), sweeping(Effect::Deny, nested)], Effect::Permit),
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
                r.confidentiality = super::confidentiality(scope.confidentiality as u64 - 1);
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
fn overuse<R: Cases>(list: &mut List<R>, clause: &'static str) {
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
fn unqualified<R: Cases>(list: &mut List<R>, [listed, licensed]: [&'static str; 2]) {
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

/// The credential certifies somebody else's key.
fn of_another_holder(world: &mut World) {
    world.credential.holder = HolderSecret::from_secret(Secret::new(Fr::from(3u64))).key();
}

impl Negatives for GrantWitness {
    const CLAUSES: &'static [&'static str] =
        &["GRA-1", "GRA-2", "GRA-3", "GRA-4", "GRA-5", "GRA-6", "GRA-7", "GRA-8"];
    const UNREPRESENTABLE: &'static [&'static str] = &["GRA-5"];

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = List::<Self>::new(seed);
        list.bundle("GRA-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("GRA-2", "the consent is another patient's", of_another);
        list.case("GRA-3", "the path is another's", |c| c.witness.subject_path.index ^= 1);
        list.case("GRA-3", "a sibling differs", |c| c.witness.subject_path.siblings[15][2] += one());
        list.case("GRA-3", "the subject is not enrolled", |c| {
            c.witness.bundle.registries[0].root = c.witness.bundle.registries[1].root;
            c.public.bundle = c.witness.bundle.hash().to_field();
        });
        list.case("GRA-4", "another leaf is public", |c| c.public.out[0] += one());
        list.case("GRA-6", "another nullifier is public", |c| c.public.nf[0] += one());
        list.case("GRA-7", "another tag is public", |c| c.public.out[1] += one());
        list.case("GRA-7", "the tag is of another context", |c| {
            c.public.out[1] = c.witness.wallet.subject().detection_tag(c.public.ctx + one());
        });
        list.case("GRA-8", "a policy is public", |c| c.public.policy = one());
        list.case("GRA-8", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.all
    }
}

impl Negatives for RevokeWitness {
    const CLAUSES: &'static [&'static str] = &["REV-1", "REV-2", "REV-3", "REV-4", "REV-5", "REV-6"];
    const UNREPRESENTABLE: &'static [&'static str] = &[];

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = List::<Self>::new(seed);
        list.bundle("REV-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("REV-2", "the consent is another patient's", of_another);
        list.case("REV-3", "the path is another's", |c| c.witness.consent_path.index ^= 2);
        list.case("REV-3", "a sibling differs", |c| c.witness.consent_path.siblings[0][0] += one());
        list.case("REV-4", "another id is public", |c| c.public.out[0] += one());
        list.case("REV-4", "another consent's id is public", |c| {
            c.public.out[0] = random_id(&mut rng()).to_field();
        });
        list.case("REV-5", "another tag is public", |c| c.public.out[1] += one());
        list.case("REV-6", "a policy is public", |c| c.public.policy = one());
        list.case("REV-6", "a nullifier is public", |c| c.public.nf[0] = one());
        list.case("REV-6", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.all
    }
}

impl Negatives for ConsentWitness {
    const CLAUSES: &'static [&'static str] =
        &["CON-1", "CON-2", "CON-3", "CON-4", "CON-5", "CON-6", "CON-7", "CON-8", "CON-9", "CON-10"];
    const UNREPRESENTABLE: &'static [&'static str] = &[];

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = List::<Self>::new(seed);
        list.bundle("CON-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("CON-2", "the consent is another patient's", of_another);
        list.case("CON-3", "the path is another's", |c| c.witness.consent_path.index ^= 1 << 31);
        list.case("CON-3", "a sibling differs", |c| c.witness.consent_path.siblings[7][1] += one());
        absences(&mut list, "CON-4", |w| w.consent().revocation_id(), |c| &mut c.witness.unrevoked);
        list.case("CON-5", "another request is public", |c| c.public.policy += one());
        list.case("CON-5", "the salt is another", |c| c.witness.request.salt += one());
        list.case("CON-5", "the recipient is another", |c| {
            c.witness.request.recipient.holder = stranger_holder();
        });
        for (how, empty) in empty_masks() {
            list.world("CON-6", how, |w| empty(&mut w.request.scope));
        }
        refusals(&mut list, "CON-7");
        overuse(&mut list, "CON-8");
        list.case("CON-8", "another nullifier is public", |c| c.public.nf[0] += one());
        list.case("CON-9", "another tag is public", |c| c.public.out[1] += one());
        list.case("CON-10", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.case("CON-10", "an output is public", |c| c.public.out[0] = one());
        list.all
    }
}

fn stranger_holder() -> amanat_domain::consent::HolderKey {
    HolderSecret::from_secret(Secret::new(Fr::from(9u64))).key()
}

impl Negatives for RoleWitness {
    const CLAUSES: &'static [&'static str] =
        &["ROL-1", "ROL-2", "ROL-3", "ROL-4", "ROL-5", "ROL-6", "ROL-7", "ROL-8"];
    const UNREPRESENTABLE: &'static [&'static str] = &[];

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = List::<Self>::new(seed);
        list.bundle("ROL-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("ROL-2", "the credential is another holder's", of_another_holder);
        list.case("ROL-3", "the path is another's", |c| c.witness.role_path.index ^= 1);
        list.changed(
            "ROL-3",
            "the credential was retired",
            |_| {},
            |world, c| {
                let mut world = world.clone();
                world.credential.salt = Secret::new(one());
                let other = world.role();
                c.witness.bundle = other.witness.bundle;
                c.witness.role_path = other.witness.role_path;
                c.public.bundle = other.public.bundle;
            },
        );
        list.case("ROL-4", "another policy is public", |c| c.public.policy += one());
        unqualified(&mut list, ["ROL-5", "ROL-6"]);
        list.case("ROL-7", "another pseudonym is public", |c| c.public.nf[0] += one());
        list.case("ROL-7", "the pseudonym is of the next shift", |c| {
            let shift = amanat_domain::identity::shift_of(c.witness.bundle.time) + 1;
            let secret = c.witness.holder.secret().expose();
            c.public.nf[0] = amanat_domain::identity::session_pseudonym(secret, shift);
        });
        list.case("ROL-8", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.case("ROL-8", "an output is public", |c| c.public.out[0] = one());
        list.case("ROL-8", "a second output is public", |c| c.public.out[1] = one());
        list.all
    }
}

impl Negatives for RecordWitness {
    const CLAUSES: &'static [&'static str] = &[
        "REC-1", "REC-2", "REC-3", "REC-4", "REC-5", "REC-6", "REC-7", "REC-8", "REC-9", "REC-10", "REC-11",
        "REC-12",
    ];
    const UNREPRESENTABLE: &'static [&'static str] = &[];

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = List::<Self>::new(seed);
        list.bundle("REC-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("REC-2", "the record is another patient's", |w| {
            w.values[Leaf::Subject as usize][0] = stranger_subject().commitment().to_field();
        });
        list.case("REC-3", "the path is another's", |c| c.witness.record_path.index ^= 1);
        list.case("REC-3", "a sibling differs", |c| c.witness.record_path.siblings[3][0] += one());
        list.case("REC-4", "another request is public", |c| c.public.policy += one());
        list.world("REC-5", "another type", |w| w.asked.resource_type = Some(99));
        list.world("REC-5", "another code", |w| w.asked.code = Some(one()));
        list.world("REC-5", "another unit", |w| w.asked.unit = Some(one()));
        list.world("REC-5", "another status", |w| w.asked.status = Some(one()));
        list.world("REC-5", "another custodian", |w| w.asked.custodian = Some(OrgId::new(one())));
        list.world("REC-6", "no value", |w| {
            w.values[Leaf::Value as usize][1] = Fr::from(0u64);
        });
        list.world("REC-6", "a value that is neither there nor absent", |w| {
            w.values[Leaf::Value as usize][1] = Fr::from(2u64);
        });
        list.world("REC-6", "below the range", |w| {
            w.asked.value = Some(ValueRange { least: rules::AMOUNT + 1, greatest: u64::MAX });
        });
        list.world("REC-6", "above the range", |w| {
            w.asked.value = Some(ValueRange { least: 0, greatest: rules::AMOUNT - 1 });
        });
        list.world("REC-6", "an empty range", |w| {
            w.asked.value = Some(ValueRange { least: rules::AMOUNT + 1, greatest: rules::AMOUNT - 1 });
        });
        list.world("REC-6", "a value of 65 bits", |w| {
            w.values[Leaf::Value as usize][0] = Fr::from(1u128 << 64);
            w.asked.value = Some(ValueRange { least: 0, greatest: u64::MAX });
        });
        list.world("REC-7", "the time begins before the period", |w| {
            let from = w.request.data_period.from();
            w.asked.period = Period::new(later(from), Timestamp::MAX).expect("in order");
        });
        list.world("REC-7", "the time ends after the period", |w| {
            w.asked.period = period(0, w.request.data_period.until().seconds() - 1);
        });
        list.world("REC-7", "the time ends before it begins", |w| w.values[Leaf::Time as usize].reverse());
        list.world("REC-8", "anchored later", |w| w.asked.anchored_by = w.anchored - 1);
        absences(&mut list, "REC-9", |w| w.record().supersession_id(), |c| &mut c.witness.current);
        list.case("REC-10", "another disclosure is public", |c| c.public.out[0] += one());
        list.case("REC-10", "all leaves are disclosed", |c| {
            c.public.out[0] = amanat_domain::policy::disclosure(&c.witness.record.leaves(), u16::MAX);
        });
        list.case("REC-11", "another tag is public", |c| c.public.out[1] += one());
        list.case("REC-12", "a nullifier is public", |c| c.public.nf[0] = one());
        list.case("REC-12", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.all
    }
}

impl Negatives for AccessWitness {
    const CLAUSES: &'static [&'static str] = &[
        "ACC-1", "ACC-2", "ACC-3", "ACC-4", "ACC-5", "ACC-6", "ACC-7", "ACC-8", "ACC-9", "ACC-10", "ACC-11",
        "ACC-12", "ACC-13", "ACC-14", "ACC-15", "ACC-16", "ACC-17",
    ];
    const UNREPRESENTABLE: &'static [&'static str] = &[];

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = List::<Self>::new(seed);
        list.bundle("ACC-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("ACC-2", "the consent is another patient's", of_another);
        list.world("ACC-2", "the record is another patient's", |w| {
            w.values[Leaf::Subject as usize][0] = stranger_subject().commitment().to_field();
        });
        list.case("ACC-3", "the path is another's", |c| c.witness.record_path.index ^= 1);
        list.case("ACC-3", "the custodian is another", |c| c.witness.custodian = OrgId::new(one()));
        list.case("ACC-3", "the epoch is another", |c| c.witness.anchored += 1);
        list.case("ACC-3", "an unopened node is another", |c| c.witness.record.nodes[1] += one());
        list.case("ACC-4", "the path is another's", |c| c.witness.consent_path.index ^= 1);
        absences(&mut list, "ACC-5", |w| w.consent().revocation_id(), |c| &mut c.witness.unrevoked);
        list.world("ACC-6", "the credential is another holder's", of_another_holder);
        list.case("ACC-7", "the path is another's", |c| c.witness.role_path.index ^= 1);
        list.case("ACC-7", "a sibling differs", |c| c.witness.role_path.siblings[15][0] += one());
        list.case("ACC-8", "another policy is public", |c| c.public.policy += one());
        for (how, empty) in empty_masks() {
            list.world("ACC-8", how, |w| {
                w.values[Leaf::Categories as usize][0] = Fr::from(0u64);
                empty(&mut w.policy.scope);
            });
        }
        unqualified(&mut list, ["ACC-9", "ACC-10"]);
        list.world("ACC-11", "a category the policy does not name", |w| {
            let has = !w.policy.scope.categories.0;
            w.values[Leaf::Categories as usize][0] = Fr::from(has & has.wrapping_neg());
        });
        list.world("ACC-11", "all categories the policy does not name", |w| {
            w.values[Leaf::Categories as usize][0] = Fr::from(!w.policy.scope.categories.0);
        });
        list.world("ACC-11", "more confidential than the policy", |w| {
            w.values[Leaf::Categories as usize][1] = Fr::from(w.policy.scope.confidentiality as u64 + 1);
        });
        list.world("ACC-11", "categories of 65 bits", |w| {
            w.values[Leaf::Categories as usize][0] += Fr::from(1u128 << 64);
        });
        list.world("ACC-11", "a confidentiality of 65 bits", |w| {
            w.values[Leaf::Categories as usize][1] = Fr::from(1u128 << 64);
        });
        list.world("ACC-12", "the time ends before it begins", |w| w.values[Leaf::Time as usize].reverse());
        list.world("ACC-12", "a time of 41 bits", |w| {
            w.values[Leaf::Time as usize][1] = Fr::from(1u64 << 40)
        });
        refusals(&mut list, "ACC-13");
        overuse(&mut list, "ACC-14");
        list.case("ACC-14", "another nullifier is public", |c| c.public.nf[0] += one());
        list.case("ACC-15", "another pseudonym is public", |c| c.public.nf[1] += one());
        list.case("ACC-16", "another token is public", |c| c.public.out[0] += one());
        list.case("ACC-17", "another tag is public", |c| c.public.out[1] += one());
        list.all
    }
}
