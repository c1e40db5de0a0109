//! Tampering with a witness field by field: what a buggy caller, a stale mirror or a liar would
//! hand to a prover.
//!
//! Left alone are the fields that the constraints derive and do not read: a bundle's epoch and the
//! roots that a statement opens, the subject that a consent names and the one in a record's leaf,
//! the holder key of a credential. Native checks compare those; a difference harms only the prover
//! that makes it.

use super::sample::one;
use super::{confidentiality, random_scope, values};
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::field::{Fr, pow2};
use amanat_domain::identity::Subject;
use amanat_domain::policy::{MAX_ORGS, MAX_ROLES, RecordRequest, RolePolicy, Scope, ValueRange};
use amanat_domain::record::{Leaf, RECORD_LEAVES, Record};
use amanat_domain::secret::Secret;
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
    match rng.random_range(0..9) {
        0 => absence.low_value = id,
        1 => absence.low_value = inside(id + one()),
        2 => absence.low_value = inside(id - one()),
        3 => absence.low_next = id,
        4 => absence.low_next = inside(id + one()),
        5 => absence.low_next = inside(id - one()),
        6 => core::mem::swap(&mut absence.low_value, &mut absence.low_next),
        7 => (absence.low_value, absence.low_next) = (Fr::from(0u64), end),
        _ => bend_path(&mut absence.path, rng),
    }
}

/// Another count, another time, or another root of a registry that the statement does not open.
pub(crate) fn bend_bundle(bundle: &mut Bundle, unopened: &[Registry], rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => bundle.registries[Registry::ALL[rng.random_range(0..Registry::COUNT)]].count = values::word(rng),
        1 => seal(bundle, unopened[rng.random_range(0..unopened.len())], Root::new(values::element(rng))),
        _ => bundle.time = values::time(rng, bundle.time),
    }
}

pub(crate) fn bend_scope(scope: &mut Scope, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..6) {
        0 => scope.purposes.0 = values::word(rng) as u32,
        1 => scope.actions.0 = values::word(rng) as u8,
        2 => scope.categories.0 = values::word(rng),
        3 => scope.jurisdictions.0 = values::word(rng) as u32,
        4 => scope.confidentiality = confidentiality(rng.random_range(0..4)),
        _ => *scope = random_scope(rng),
    }
}

pub(crate) fn bend_subject(subject: &mut Subject, rng: &mut ChaCha20Rng) {
    *subject = if rng.random_bool(0.5) {
        Subject::new(values::element(rng), subject.detection_key().clone())
    } else {
        Subject::new(subject.patient_key(), Secret::new(values::element(rng)))
    };
}

pub(crate) fn bend_roles(policy: &mut RolePolicy, rng: &mut ChaCha20Rng) {
    let (mut roles, mut organisations) = (policy.roles().to_vec(), policy.organisations().to_vec());
    match rng.random_range(0..4) {
        0 => roles.rotate_left(1),
        1 => organisations.rotate_left(1),
        2 => roles[0] = RoleCode::new(values::element(rng)),
        _ => organisations[0] = OrgId::new(values::element(rng)),
    }
    roles.truncate(rng.random_range(1..=MAX_ROLES));
    organisations.truncate(rng.random_range(1..=MAX_ORGS));
    *policy = RolePolicy::new(roles, organisations).expect("in bounds");
}

pub(crate) fn bend_request(request: &mut RecordRequest, rng: &mut ChaCha20Rng) {
    let maybe = |rng: &mut ChaCha20Rng| rng.random_bool(0.7).then(|| values::element(rng));
    match rng.random_range(0..11) {
        0 => request.resource_type = rng.random_bool(0.5).then(|| values::word(rng)),
        1 => request.code = maybe(rng),
        2 => request.unit = maybe(rng),
        3 => request.status = maybe(rng),
        4 => {
            let (a, b) = (values::word(rng), values::word(rng));
            request.value = rng.random_bool(0.8).then(|| ValueRange { least: a.min(b), greatest: a.max(b) });
        }
        5 => request.period = values::period(rng, request.period.from()),
        6 => request.custodian = maybe(rng).map(OrgId::new),
        7 => request.anchored_by = values::word(rng),
        8 => request.latest ^= true,
        9 => request.disclosed = values::word(rng) as u16,
        _ => request.salt = values::element(rng),
    }
}

pub(crate) fn bend_record(record: &mut Record, rng: &mut ChaCha20Rng) {
    let mut leaves: Vec<_> = Leaf::ALL.iter().map(|leaf| record.open(*leaf)).collect();
    // Leaf 0 names the subject, which the constraints derive.
    let leaf = &mut leaves[rng.random_range(1..RECORD_LEAVES)];
    match rng.random_range(0..3) {
        0 => leaf.salt = Secret::random(rng),
        side => leaf.values[side - 1] = values::element(rng),
    }
    let parts = core::array::from_fn(|i| leaves[i].values);
    let salts = leaves.into_iter().map(|leaf| leaf.salt).collect();
    *record = Record::from_parts(parts, salts, record.root_salt().clone()).expect("the same root salt");
}

pub(crate) fn seal(bundle: &mut Bundle, registry: Registry, root: Root) {
    bundle.registries[registry].root = root;
}

pub(crate) fn seal_absence(bundle: &mut Bundle, absence: &NonMembership) {
    let leaf = IndexedLeaf { value: absence.low_value, next: absence.low_next };
    seal(bundle, Registry::Revocations, absence.path.root(leaf.hash()));
}
