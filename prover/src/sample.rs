//! Plans over made-up worlds, of any statement: for the test vectors that a key is installed with,
//! for benches and for tests. They prove nothing about anybody.

use crate::keys::AnyPlan;
use crate::plan::{Plan, Target};
use amanat_circuits::world::World;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::{Denied, with_relation};
use amanat_domain::statement::Statement;
use rand::CryptoRng;

/// A plan for a statement over the made-up world of a seed.
///
/// # Errors
/// None: in such a world every statement holds.
pub fn plan(
    statement: Statement,
    target: &Target,
    seed: u64,
    rng: &mut impl CryptoRng,
) -> Result<Box<dyn AnyPlan>, Denied> {
    with_relation!(statement, |Witness| plan_of(Witness::case(&World::new(seed)).witness, target, rng))
}

/// A plan for the witness of a world.
///
/// # Errors
/// [`Denied`] naming the clause that does not hold.
pub fn plan_of<R: Sample + 'static>(
    witness: R,
    target: &Target,
    rng: &mut impl CryptoRng,
) -> Result<Box<dyn AnyPlan>, Denied> {
    let (bundle, policy) = (*witness.bundle(), witness.policy());
    Ok(Box::new(Plan::new(target, bundle.epoch, bundle.hash(), policy, witness, rng)?))
}
