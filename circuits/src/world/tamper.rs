//! Tampering with a witness field by field: what a buggy caller, a stale mirror or a liar would hand to a
//! prover.
//!
//! Left alone are the fields that the constraints derive and do not read: a bundle's epoch and the roots that
//! a statement opens, the subject that a consent names and the one in a record's leaf, the holder key of a
//! credential. Native checks compare those; a difference harms only the prover that makes it.

use super::at;
use super::sample::one;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::field::{Fr, pow2, random};
use amanat_domain::tree::{DEPTH, IndexedLeaf, NonMembership, Path, REVOCATION_BITS, Root};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;

pub(crate) fn bend_path(path: &mut Path, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => path.index ^= 1 << rng.random_range(0..32),
        1 => path.index = rng.next_u32(),
        _ => path.siblings[rng.random_range(0..DEPTH)][rng.random_range(0..3)] += one(),
    }
}

/// Other neighbours that a tree could hold, or another path.
pub(crate) fn bend_absence(absence: &mut NonMembership, id: Fr, rng: &mut ChaCha20Rng) {
    let end = pow2(REVOCATION_BITS);
    let inside = |x: Fr| if x <= end { x } else { end };
    match rng.random_range(0..8) {
        0 => absence.low_value = id,
        1 => absence.low_value = inside(id + one()),
        2 => absence.low_value = inside(id - one()),
        3 => absence.low_next = id,
        4 => absence.low_next = inside(id + one()),
        5 => core::mem::swap(&mut absence.low_value, &mut absence.low_next),
        6 => (absence.low_value, absence.low_next) = (Fr::from(0u64), end),
        _ => bend_path(&mut absence.path, rng),
    }
}

/// Another count, another time, or another root of a registry that the statement does not open.
pub(crate) fn bend_bundle(bundle: &mut Bundle, unopened: &[Registry], rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => bundle.registries[Registry::ALL[rng.random_range(0..Registry::COUNT)]].count ^= 1,
        1 => seal(bundle, unopened[rng.random_range(0..unopened.len())], Root::new(random(rng))),
        _ => {
            let shift = rng.random_range(0..1u64 << 30);
            bundle.time = at(bundle.time.seconds() - (1 << 29) + shift);
        }
    }
}

pub(crate) fn seal(bundle: &mut Bundle, registry: Registry, root: Root) {
    bundle.registries[registry].root = root;
}

pub(crate) fn seal_absence(bundle: &mut Bundle, absence: &NonMembership) {
    let leaf = IndexedLeaf { value: absence.low_value, next: absence.low_next };
    seal(bundle, Registry::Revocations, absence.path.root(leaf.hash()));
}
