//! One world, three verdicts: the native check, the constraints, the second evaluator.

use crate::convert::ToPlain;
use crate::evaluator;
use crate::plain::{Public, Witness};
use crate::wires;
use amanat_circuits::world::change::change;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Case, World, rules, values};
use amanat_circuits::{Cs, Denied, built};
use amanat_domain::field::Fr;
use amanat_domain::statement::PublicVector;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a world comes to be what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Every statement holds.
    Honest,
    /// The story is another and the ledger tells it honestly.
    Changed,
    /// The prover lies.
    Tampered,
    /// The public vector is another.
    Published,
    /// The prover has numbers that no type holds.
    Unrepresentable,
}

/// What the three say of one world.
struct Verdicts {
    kind: Kind,
    seed: u64,
    what: String,
    /// `None` if the types cannot express the world.
    native: Option<Result<(), Denied>>,
    /// The clause of the first row that is violated.
    constraints: Result<(), &'static str>,
    second: bool,
}

impl Verdicts {
    /// What each says, if they differ.
    fn disagreement(&self) -> Option<String> {
        let native = self.native.as_ref().map(Result::is_ok);
        let agree = self.constraints.is_ok() == self.second && native.is_none_or(|n| n == self.second);
        let Self { kind, seed, what, native, constraints, second } = self;
        (!agree).then(|| {
            format!(
                "seed {seed}, {kind:?} {what}: native {native:?}, constraints {constraints:?}, second {second}"
            )
        })
    }
}

fn second(public: &Public, witness: &Witness) -> bool {
    evaluator::holds(public, witness).expect("the gadgets are used as arkworks wants")
}

fn violated<R: Sample>(assignment: &[Fr]) -> Result<(), &'static str> {
    let (r1cs, shape) = built(R::STATEMENT);
    r1cs.first_unsatisfied(assignment).map_or(Ok(()), |row| Err(shape.labels[row].clause))
}

/// A world of this seed and the verdicts on it.
fn verdicts<R: Sample + ToPlain>(seed: u64) -> Verdicts {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let mut world = if rng.random_bool(0.5) { World::new(seed) } else { rules::asking(seed) };
    match rng.random_range(0..20) {
        0 => verdicts_on_typed(seed, Kind::Honest, R::case(&world)),
        1..=6 => {
            (0..rng.random_range(1..3)).for_each(|_| change(&mut world, rng));
            verdicts_on_typed(seed, Kind::Changed, R::case(&world))
        }
        7..=12 => verdicts_on_typed(seed, Kind::Tampered, tampered::<R>(&world, rng)),
        13..=15 => verdicts_on_published(seed, R::case(&world), rng),
        _ => verdicts_on_unrepresentable(seed, &R::case(&world), rng),
    }
}

fn verdicts_on_typed<R: Sample + ToPlain>(seed: u64, kind: Kind, case: Case<R>) -> Verdicts {
    let Case { witness, public } = case;
    Verdicts {
        kind,
        seed,
        what: String::new(),
        native: Some(witness.check(&public)),
        constraints: violated::<R>(&witness.assign(&public)),
        second: second(&public.to_field_elements(), &witness.to_plain()),
    }
}

/// One or two fields changed; in half of the cases under a bundle that commits to where they lead,
/// and mostly with the public vector of a prover who goes on honestly from there.
fn tampered<R: Sample>(world: &World, rng: &mut ChaCha20Rng) -> Case<R> {
    let Case { mut witness, public } = R::case(world);
    (0..rng.random_range(1..3)).for_each(|_| witness.tamper(rng));
    if rng.random_bool(0.5) {
        witness.reseal();
    }
    if rng.random_bool(0.8) { Case::honest(witness, public.ctx) } else { Case { witness, public } }
}

/// One slot of the public vector changed, for a prover who starts from it.
fn verdicts_on_published<R: Sample + ToPlain>(seed: u64, case: Case<R>, rng: &mut ChaCha20Rng) -> Verdicts {
    let Case { witness, public } = case;
    let mut slots = public.to_field_elements();
    let slot = rng.random_range(0..slots.len());
    slots[slot] = if rng.random_bool(0.5) { values::element(rng) } else { slots[slot] + Fr::from(1u64) };
    let [ctx, bundle, epoch, policy, nf_0, nf_1, out_0, out_1] = slots;
    let limbs = ark_ff::PrimeField::into_bigint(epoch).0;
    let native = (limbs[1..] == [0; 3]).then(|| {
        let (nf, out) = ([nf_0, nf_1], [out_0, out_1]);
        witness.check(&PublicVector { ctx, bundle, epoch: limbs[0], policy, nf, out })
    });
    let mut cs = Cs::witness(&slots);
    witness.constrain(&mut cs);
    Verdicts {
        kind: Kind::Published,
        seed,
        what: format!("slot {slot}"),
        native,
        constraints: violated::<R>(&cs.into_assignment()),
        second: second(&slots, &witness.to_plain()),
    }
}

/// One number changed where the constraints have it, for a prover who goes on honestly from there.
fn verdicts_on_unrepresentable<R: Sample + ToPlain>(
    seed: u64,
    case: &Case<R>,
    rng: &mut ChaCha20Rng,
) -> Verdicts {
    let honest = case.witness.assign(&case.public);
    let mut plain = case.witness.to_plain();
    let mut places = Vec::new();
    for field in plain.chosen() {
        if let Some(first) = wires::locate(&honest, &field) {
            places.push((field, first));
        }
    }
    let (field, first) = places.swap_remove(rng.random_range(0..places.len()));
    let what = field.name.to_owned();
    let value = wires::another(&field, rng);
    let assignment = wires::cheat(&case.witness, &case.public, wires::faults(first, field.bits, value));
    *field.value = value;
    let public: Public = assignment[1..9].try_into().expect("eight slots");
    Verdicts {
        kind: Kind::Unrepresentable,
        seed,
        what,
        native: None,
        constraints: violated::<R>(&assignment),
        second: second(&public, &plain),
    }
}

/// The numbers of [`Witness::chosen`] that the constraints have in separate wires in some of these
/// worlds, and the others.
pub(crate) fn located<R: Sample + ToPlain>(worlds: u64) -> [BTreeSet<&'static str>; 2] {
    let [mut found, mut all] = [const { BTreeSet::new() }; 2];
    for seed in 0..worlds {
        let case = R::case(&World::new(seed));
        let assignment = case.witness.assign(&case.public);
        for field in case.witness.to_plain().chosen() {
            all.insert(field.name);
            found.extend(wires::locate(&assignment, &field).map(|_| field.name));
        }
    }
    let others = all.difference(&found).copied().collect();
    [found, others]
}

/// What a run met: by kind how many worlds hold and how many do not; the clauses that constraints
/// refused by; the numbers that were changed.
#[derive(Default)]
struct Met {
    verdicts: BTreeMap<Kind, [u64; 2]>,
    clauses: BTreeSet<&'static str>,
    changed: BTreeSet<String>,
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, [refused, accepted]) in &self.verdicts {
            writeln!(f, "  {kind:?}: {accepted} hold, {refused} do not")?;
        }
        let listed = |set: Vec<&str>| set.join(", ");
        writeln!(f, "  refused by {}", listed(self.clauses.iter().copied().collect()))?;
        write!(f, "  changed: {}", listed(self.changed.iter().map(String::as_str).collect()))
    }
}

/// Evaluates `worlds` worlds; returns a summary for people to read.
///
/// # Panics
/// If the three verdicts on a world differ, with all disagreements; if no world holds, or every
/// world.
pub(crate) fn agree<R: Sample + ToPlain>(first: u64, worlds: u64) -> String {
    let all: Vec<Verdicts> = (0..worlds).into_par_iter().map(|i| verdicts::<R>(first + i)).collect();
    let wrong: Vec<String> = all.iter().filter_map(Verdicts::disagreement).collect();
    assert!(wrong.is_empty(), "{}: {} of {worlds}\n{}", R::STATEMENT, wrong.len(), wrong.join("\n"));
    let mut met = Met::default();
    for verdicts in all {
        met.verdicts.entry(verdicts.kind).or_default()[usize::from(verdicts.second)] += 1;
        met.clauses.extend(verdicts.constraints.err());
        met.changed.insert(verdicts.what);
    }
    let accepted: u64 = met.verdicts.values().map(|[_, accepted]| accepted).sum();
    assert!((1..worlds).contains(&accepted), "{}: {accepted} of {worlds} hold", R::STATEMENT);
    format!("{}: {worlds} worlds, {accepted} hold\n{met}", R::STATEMENT)
}
