//! Native check and constraints give the same verdict on witnesses that are tampered with field by field: what a buggy
//! caller, a stale mirror or a liar would hand to a prover. `AMANAT_FUZZ_CASES` sets how many cases each statement gets.
//!
//! In half of the cases the bundle is made to commit to whatever roots the tampered witness leads to, so that the clause
//! behind the root decides and not the root. Left alone are the fields that the constraints do not read because they derive
//! them: a bundle's epoch and the roots a statement opens, the subject a consent names and the one a record's leaf holds,
//! the holder key of a credential. Native checks compare those; a difference harms none but the prover who makes it.

use amanat_circuits::built;
use amanat_circuits::statements::access::AccessWitness;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::world::{Case, Cases, World, at, rules};
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::OrgId;
use amanat_domain::field::{Fr, pow2, random};
use amanat_domain::identity::{HolderSecret, PatientWallet};
use amanat_domain::record::anchor_leaf;
use amanat_domain::secret::Secret;
use amanat_domain::tree::{DEPTH, IndexedLeaf, NonMembership, Path, REVOCATION_BITS, Root};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// A statement whose witness can be tampered with.
trait Tampered: Cases {
    /// Registries whose roots the constraints take from the witness as they are.
    const UNOPENED: &'static [Registry];
    /// Changes one field.
    fn tamper(&mut self, rng: &mut ChaCha20Rng);
    /// Lets the bundle commit to the roots that the witness leads to.
    fn reseal(&mut self);
    /// The bundle and the policy hash, for the public vector.
    fn bundle(&mut self) -> &mut Bundle;
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
fn bend_bundle(bundle: &mut Bundle, unopened: &[Registry], rng: &mut ChaCha20Rng) {
    match rng.random_range(0..3) {
        0 => bundle.registries[rng.random_range(0..5)].count ^= 1,
        1 => seal(bundle, unopened[rng.random_range(0..unopened.len())], Root::new(random(rng))),
        _ => {
            let shift = rng.random_range(0..1u64 << 30);
            bundle.time = at(bundle.time.seconds() - (1 << 29) + shift);
        }
    }
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
        match rng.random_range(0..3) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.subject_path, rng),
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
        match rng.random_range(0..3) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.consent_path, rng),
            _ => self.consent = World::new(rng.random_range(0..3)).consent(),
        }
    }
    fn reseal(&mut self) {
        // Under the consent that is opened, whoever's it is.
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
        match rng.random_range(0..8) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.consent_path, rng),
            2..=3 => bend_absence(&mut self.unrevoked, self.consent.revocation_id().to_field(), rng),
            4 => self.use_index = rng.next_u64(),
            5 => self.request.scope = amanat_circuits::world::random_scope(rng),
            6 => self.request.recipient.organisation = OrgId::new(random(rng)),
            _ => self.request.salt = random(rng),
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
        match rng.random_range(0..5) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.role_path, rng),
            2 => self.credential.organisation = OrgId::new(random(rng)),
            3 => self.credential.salt = Secret::random(rng),
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
        match rng.random_range(0..8) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.record_path, rng),
            2..=3 => bend_absence(&mut self.current, self.record.supersession_id().to_field(), rng),
            4 => self.request.latest ^= true,
            5 => self.anchored = self.anchored.wrapping_sub(rng.random_range(0..3)),
            6 => self.custodian = OrgId::new(random(rng)),
            _ => self.request.disclosed = rng.next_u32() as u16,
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
        match rng.random_range(0..14) {
            0 => bend_bundle(&mut self.bundle, Self::UNOPENED, rng),
            1 => bend_path(&mut self.consent_path, rng),
            2 => bend_path(&mut self.role_path, rng),
            3 => bend_path(&mut self.record_path, rng),
            4..=5 => bend_absence(&mut self.unrevoked, self.consent.revocation_id().to_field(), rng),
            6 => self.use_index = rng.next_u64(),
            7 => self.record.nodes[rng.random_range(0..3)] += one(),
            8 => self.record.root_salt = random(rng),
            9 => {
                let leaf = rng.random_range(1..4);
                self.record.leaves[leaf].values[rng.random_range(0..2)] = match rng.random_range(0..4) {
                    0 => Fr::from(rng.random_range(0..4u64)),
                    1 => Fr::from(rng.next_u64()),
                    2 => pow2(rng.random_range(0..70)),
                    _ => random(rng),
                };
            }
            10 => self.record.leaves[3].salt = Secret::random(rng),
            11 => self.anchored ^= 1 << rng.random_range(0..64),
            12 => self.holder = HolderSecret::random(rng),
            _ => self.policy.scope = amanat_circuits::world::random_scope(rng),
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

fn verdicts_agree<R: Tampered>() {
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
        let mut public = if rng.random_bool(0.7) {
            let (bundle, policy) = (*witness.bundle(), witness.policy());
            Case::honest(witness, public.ctx, &bundle, policy)
        } else {
            Case { witness, public }
        };
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

macro_rules! statements {
    ($($name:ident $witness:ident)*) => { $(
        #[test]
        fn $name() {
            verdicts_agree::<$witness>();
        }
    )* };
}

statements! {
    verdicts_on_tampered_grants_agree GrantWitness
    verdicts_on_tampered_revocations_agree RevokeWitness
    verdicts_on_tampered_consents_agree ConsentWitness
    verdicts_on_tampered_roles_agree RoleWitness
    verdicts_on_tampered_records_agree RecordWitness
    verdicts_on_tampered_accesses_agree AccessWitness
}
