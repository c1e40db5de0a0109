//! Samples of role: the honest case, one case and more for each clause that it breaks alone, and
//! tampering.

use super::RoleWitness;
use crate::world::sample::{Negative, Negatives, Sample, later, of_another_holder, one, unqualified};
use crate::world::tamper::{bend_bundle, bend_path, bend_roles, seal};
use crate::world::{Registries, World, values};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::identity::HolderSecret;
use amanat_domain::registry::Registry;
use amanat_domain::secret::Secret;
use amanat_domain::tx::PolicyField;
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

impl Sample for RoleWitness {
    const CLAUSES: &'static [&'static str] =
        &["ROL-1", "ROL-2", "ROL-3", "ROL-4", "ROL-5", "ROL-6", "ROL-7", "ROL-8"];
    const UNREPRESENTABLE: &'static [&'static str] = &[];
    const FREE_WIRES: usize = 0;
    const UNOPENED: &'static [Registry] =
        &[Registry::Subjects, Registry::Consents, Registry::Revocations, Registry::Records];

    fn witness(world: &World, registries: &Registries) -> Option<Self> {
        Some(Self {
            bundle: registries.bundle,
            holder: world.holder(),
            credential: world.credential.clone(),
            role_path: registries.path(world, Registry::Roles)?,
            policy: world.policy.roles.clone(),
        })
    }

    fn policy(&self) -> PolicyField {
        PolicyField::Role(self.policy.clone())
    }

    fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = Negatives::<Self>::new(seed);
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
                let other = Self::case(&world);
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
        list.into_vec()
    }

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
}
