//! Samples of grant: the honest case, one case and more for each clause that it breaks alone, and
//! tampering.

use super::GrantWitness;
use crate::world::sample::{Negative, Negatives, Sample, later, of_another, one};
use crate::world::tamper::{bend_bundle, bend_path, seal};
use crate::world::{Registries, World};
use amanat_domain::bundle::Bundle;
use amanat_domain::identity::PatientWallet;
use amanat_domain::registry::Registry;
use amanat_domain::tx::PolicyField;
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

impl Sample for GrantWitness {
    const CLAUSES: &'static [&'static str] =
        &["GRA-1", "GRA-2", "GRA-3", "GRA-4", "GRA-5", "GRA-6", "GRA-7", "GRA-8"];
    const UNREPRESENTABLE: &'static [&'static str] = &["GRA-5"];
    const FREE_WIRES: usize = 0;
    const UNOPENED: &'static [Registry] =
        &[Registry::Roles, Registry::Consents, Registry::Revocations, Registry::Records];

    fn witness(world: &World, registries: &Registries) -> Option<Self> {
        Some(Self {
            bundle: registries.bundle,
            wallet: world.wallet(),
            subject_path: registries.path(world, Registry::Subjects)?,
            consent: world.consent(),
        })
    }

    fn policy(&self) -> PolicyField {
        PolicyField::None
    }

    fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = Negatives::<Self>::new(seed);
        list.bundle("GRA-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("GRA-2", "the consent is another patient's", of_another);
        list.case("GRA-3", "the path is another's", |c| c.witness.subject_path.index ^= 1);
        list.case("GRA-3", "a sibling differs", |c| c.witness.subject_path.siblings[15][2] += one());
        list.case("GRA-3", "the subject is not enrolled", |c| {
            c.witness.bundle.registries[Registry::Subjects] = c.witness.bundle.registries[Registry::Roles];
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
        list.into_vec()
    }

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
}
