//! Native check and constraints give the same verdict on witnesses that are tampered with field by
//! field: what a buggy caller, a stale mirror or a liar would hand to a prover. `AMANAT_FUZZ_CASES`
//! sets how many cases each statement gets.
//!
//! In half of the cases the bundle is made to commit to whatever roots the tampered witness leads
//! to, so that the clause behind the root decides and not the root. Left alone are the fields that
//! the constraints do not read because they derive them: a bundle's epoch and the roots a statement
//! opens, the subject a consent names and the one a record's leaf holds, the holder key of a
//! credential. Native checks compare those; a difference harms only the prover that makes it.

use crate::of_each_statement;
use amanat_circuits::built;
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Case, World, rules};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn verdicts_agree<R: Sample>() {
    let cases = std::env::var("AMANAT_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48u64);
    let r1cs = &built(R::STATEMENT).0;
    let mut seen = [0u64; 2];
    for seed in 0..cases {
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0x7a3);
        let world = if seed % 2 == 0 { World::new(seed / 2) } else { rules::asking(seed / 2) };
        let Case { mut witness, public } = R::case(&world);
        for _ in 0..rng.random_range(1..3) {
            witness.tamper(&mut rng);
        }
        if rng.random_bool(0.5) {
            witness.reseal();
        }
        let mut public =
            if rng.random_bool(0.7) { Case::honest(witness, public.ctx) } else { Case { witness, public } };
        if rng.random_bool(0.1) {
            public.public.epoch ^= 1;
        }
        let Case { witness, public } = public;
        let native = witness.check(&public);
        let constraints = r1cs.first_unsatisfied(&witness.assign(&public));
        let label = constraints.map(|row| &built(R::STATEMENT).1.labels[row]);
        assert_eq!(
            native.is_ok(),
            constraints.is_none(),
            "{} of seed {seed}: native {native:?}, constraints {label:?}",
            R::STATEMENT
        );
        seen[usize::from(native.is_ok())] += 1;
    }
    assert!(seen.iter().all(|n| *n > 0), "{}: {seen:?}", R::STATEMENT);
}

of_each_statement!(verdicts_on_tampered_witnesses_agree: verdicts_agree);
