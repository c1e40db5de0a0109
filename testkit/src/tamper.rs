//! Witnesses tampered with field by field: what a buggy caller, a stale mirror or a liar would hand to a prover.
//!
//! Left alone are the fields that the constraints do not read because they derive them: a bundle's epoch and the roots a
//! statement opens, the subject a consent names and the one a record's leaf holds, the holder key of a credential. Native
//! checks compare those; a difference harms only the prover who makes it.

use crate::values;
use amanat_circuits::statements::access::AccessWitness;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::world::{Cases, World, confidentiality, random_scope};
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{HolderKey, OrgId, RoleCode};
use amanat_domain::field::{Fr, pow2, random};
use amanat_domain::identity::{HolderSecret, PatientWallet, Subject};
use amanat_domain::policy::{MAX_ORGS, MAX_ROLES, RecordRequest, RolePolicy, Scope, ValueRange};
use amanat_domain::record::{RECORD_LEAVES, Record, anchor_leaf};
use amanat_domain::secret::Secret;
use amanat_domain::tree::{DEPTH, IndexedLeaf, NonMembership, Path, REVOCATION_BITS, Root};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;

/// A statement whose witness can be tampered with.
pub trait Tampered: Cases {
    /// Registries whose roots the constraints take from the witness as they are.
    const UNOPENED: &'static [Registry];

    /// Changes one field.
    fn tamper(&mut self, rng: &mut ChaCha20Rng);

    /// Lets the bundle commit to the roots that the witness leads to, so that the clause behind a root decides and not the
    /// root.
    fn reseal(&mut self);

    /// The bundle.
    fn bundle(&mut self) -> &mut Bundle;

    /// The policy hash, for the public vector.
    fn policy(&self) -> Fr;
}

fn one() -> Fr {
    Fr::from(1u64)
}

fn bend_path(path: &mut Path, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => path.index ^= 1 << rng.random_range(0..32),
        1 => path.index = rng.next_u32(),
        _ => path.siblings[rng.random_range(0..DEPTH)][rng.random_range(0..3)] += one(),
    }
}

/// Other neighbours that a tree could hold, or another path.
fn bend_absence(absence: &mut NonMembership, id: Fr, rng: &mut ChaCha20Rng) {
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
fn bend_bundle(bundle: &mut Bundle, unopened: &[Registry], rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => bundle.registries[rng.random_range(0..5)].count = values::word(rng),
        1 => seal(bundle, unopened[rng.random_range(0..unopened.len())], Root::new(values::element(rng))),
        _ => bundle.time = values::time(rng, bundle.time),
    }
}

fn bend_scope(scope: &mut Scope, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..6) {
        0 => scope.purposes.0 = values::word(rng) as u32,
        1 => scope.actions.0 = values::word(rng) as u8,
        2 => scope.categories.0 = values::word(rng),
        3 => scope.jurisdictions.0 = values::word(rng) as u32,
        4 => scope.confidentiality = confidentiality(rng.random_range(0..4)),
        _ => *scope = random_scope(rng),
    }
}

fn bend_subject(subject: &mut Subject, rng: &mut ChaCha20Rng) {
    *subject = if rng.random_bool(0.5) {
        Subject::new(values::element(rng), subject.detection_key().clone())
    } else {
        Subject::new(subject.patient_key(), Secret::new(values::element(rng)))
    };
}

fn bend_roles(policy: &mut RolePolicy, rng: &mut ChaCha20Rng) {
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

fn bend_request(request: &mut RecordRequest, rng: &mut ChaCha20Rng) {
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

fn bend_record(record: &mut Record, rng: &mut ChaCha20Rng) {
    let mut leaves: Vec<_> = amanat_domain::record::Leaf::ALL.iter().map(|leaf| record.open(*leaf)).collect();
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

fn seal(bundle: &mut Bundle, registry: Registry, root: Root) {
    bundle.registries[registry as usize].root = root;
}

fn seal_absence(bundle: &mut Bundle, absence: &NonMembership) {
    let leaf = IndexedLeaf { value: absence.low_value, next: absence.low_next };
    seal(bundle, Registry::Revocations, absence.path.root(leaf.hash()));
}

impl Tampered for GrantWitness {
    const UNOPENED: &'static [Registry] =
        &[Registry::Roles, Registry::Consents, Registry::Revocations, Registry::Records];

    fn tamper(&mut self, rng: &mut ChaCha20Rng) {
        match rng.random_range(0..4) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.subject_path, rng),
            2 => self.consent = World::new(rng.random_range(0..3)).consent(),
            _ => self.wallet = PatientWallet::random(rng),
        }
    }

    fn reseal(&mut self) {
        let leaf = self.wallet.subject().commitment().to_field();
        seal(&mut self.bundle, Registry::Subjects, self.subject_path.root(leaf));
    }

    fn bundle(&mut self) -> &mut Bundle {
        &mut self.bundle
    }

    fn policy(&self) -> Fr {
        Fr::from(0u64)
    }
}

impl Tampered for RevokeWitness {
    const UNOPENED: &'static [Registry] =
        &[Registry::Subjects, Registry::Roles, Registry::Revocations, Registry::Records];

    fn tamper(&mut self, rng: &mut ChaCha20Rng) {
        match rng.random_range(0..4) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.consent_path, rng),
            2 => self.consent = World::new(rng.random_range(0..3)).consent(),
            _ => self.wallet = PatientWallet::random(rng),
        }
    }

    fn reseal(&mut self) {
        // Under the consent that is opened, whichever subject it names.
        let leaf = self.consent.leaf().to_field();
        seal(&mut self.bundle, Registry::Consents, self.consent_path.root(leaf));
    }

    fn bundle(&mut self) -> &mut Bundle {
        &mut self.bundle
    }

    fn policy(&self) -> Fr {
        Fr::from(0u64)
    }
}

impl Tampered for ConsentWitness {
    const UNOPENED: &'static [Registry] = &[Registry::Subjects, Registry::Roles, Registry::Records];

    fn tamper(&mut self, rng: &mut ChaCha20Rng) {
        let recipient = &mut self.request.recipient;
        match rng.random_range(0..12) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.consent_path, rng),
            2..=3 => bend_absence(&mut self.unrevoked, self.consent.revocation_id().to_field(), rng),
            4 => self.use_index = values::word(rng),
            5..=6 => bend_scope(&mut self.request.scope, rng),
            7 => recipient.organisation = OrgId::new(values::element(rng)),
            8 => recipient.role = RoleCode::new(values::element(rng)),
            9 => recipient.holder = HolderKey::new(values::element(rng)),
            10 => bend_subject(&mut self.subject, rng),
            _ => self.request.salt = values::element(rng),
        }
    }

    fn reseal(&mut self) {
        let leaf = self.consent.leaf().to_field();
        seal(&mut self.bundle, Registry::Consents, self.consent_path.root(leaf));
        seal_absence(&mut self.bundle, &self.unrevoked);
    }

    fn bundle(&mut self) -> &mut Bundle {
        &mut self.bundle
    }

    fn policy(&self) -> Fr {
        self.request.policy_hash()
    }
}

impl Tampered for RoleWitness {
    const UNOPENED: &'static [Registry] =
        &[Registry::Subjects, Registry::Consents, Registry::Revocations, Registry::Records];

    fn tamper(&mut self, rng: &mut ChaCha20Rng) {
        match rng.random_range(0..8) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.role_path, rng),
            2 => self.credential.organisation = OrgId::new(values::element(rng)),
            3 => self.credential.role = RoleCode::new(values::element(rng)),
            4 => self.credential.licence = values::period(rng, self.bundle.time),
            5 => self.credential.salt = Secret::random(rng),
            6 => bend_roles(&mut self.policy, rng),
            _ => self.holder = HolderSecret::random(rng),
        }
    }

    fn reseal(&mut self) {
        let leaf = self.credential.leaf().to_field();
        seal(&mut self.bundle, Registry::Roles, self.role_path.root(leaf));
    }

    fn bundle(&mut self) -> &mut Bundle {
        &mut self.bundle
    }

    fn policy(&self) -> Fr {
        self.policy.policy_hash()
    }
}

impl Tampered for RecordWitness {
    const UNOPENED: &'static [Registry] =
        &[Registry::Subjects, Registry::Roles, Registry::Consents, Registry::Revocations];

    fn tamper(&mut self, rng: &mut ChaCha20Rng) {
        match rng.random_range(0..12) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.record_path, rng),
            2..=3 => bend_absence(&mut self.current, self.record.supersession_id().to_field(), rng),
            4..=5 => bend_record(&mut self.record, rng),
            6..=8 => bend_request(&mut self.request, rng),
            9 => self.anchored = values::word(rng),
            10 => bend_subject(&mut self.subject, rng),
            _ => self.custodian = OrgId::new(values::element(rng)),
        }
    }

    fn reseal(&mut self) {
        let leaf = anchor_leaf(self.record.root(), self.custodian, self.anchored).to_field();
        seal(&mut self.bundle, Registry::Records, self.record_path.root(leaf));
        if self.request.latest {
            seal_absence(&mut self.bundle, &self.current);
        }
    }

    fn bundle(&mut self) -> &mut Bundle {
        &mut self.bundle
    }

    fn policy(&self) -> Fr {
        self.request.policy_hash()
    }
}

impl Tampered for AccessWitness {
    const UNOPENED: &'static [Registry] = &[Registry::Subjects];

    fn tamper(&mut self, rng: &mut ChaCha20Rng) {
        match rng.random_range(0..20) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.consent_path, rng),
            2 => bend_path(&mut self.role_path, rng),
            3 => bend_path(&mut self.record_path, rng),
            4..=5 => bend_absence(&mut self.unrevoked, self.consent.revocation_id().to_field(), rng),
            6 => self.use_index = values::word(rng),
            7 => self.record.nodes[rng.random_range(0..3)] += one(),
            8 => self.record.root_salt = random(rng),
            9..=11 => {
                let leaf = rng.random_range(1..4);
                self.record.leaves[leaf].values[rng.random_range(0..2)] = values::element(rng);
            }
            12 => self.record.leaves[3].salt = Secret::random(rng),
            13 => self.anchored = values::word(rng),
            14 => self.holder = HolderSecret::random(rng),
            15 => self.custodian = OrgId::new(values::element(rng)),
            16 => self.credential.licence = values::period(rng, self.bundle.time),
            17 => bend_roles(&mut self.policy.roles, rng),
            18 => bend_subject(&mut self.subject, rng),
            _ => bend_scope(&mut self.policy.scope, rng),
        }
    }

    fn reseal(&mut self) {
        let anchor = anchor_leaf(self.record.root(), self.custodian, self.anchored).to_field();
        seal(&mut self.bundle, Registry::Records, self.record_path.root(anchor));
        let leaf = self.consent.leaf().to_field();
        seal(&mut self.bundle, Registry::Consents, self.consent_path.root(leaf));
        seal_absence(&mut self.bundle, &self.unrevoked);
        let role = self.credential.leaf().to_field();
        seal(&mut self.bundle, Registry::Roles, self.role_path.root(role));
    }

    fn bundle(&mut self) -> &mut Bundle {
        &mut self.bundle
    }

    fn policy(&self) -> Fr {
        self.policy.policy_hash()
    }
}
