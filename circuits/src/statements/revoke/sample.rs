//! Samples of revoke: the honest case, one case and more for each clause that it breaks alone, and
//! tampering.

use super::RevokeWitness;
use crate::world::sample::{Negative, Negatives, Sample, later, of_another, one, rng};
use crate::world::tamper::{bend_bundle, bend_path, seal};
use crate::world::{Registries, World, random_id};
use amanat_domain::bundle::Bundle;
use amanat_domain::identity::PatientWallet;
use amanat_domain::registry::Registry;
use amanat_domain::tx::PolicyField;
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

impl Sample for RevokeWitness {
    const CLAUSES: &'static [&'static str] = &["REV-1", "REV-2", "REV-3", "REV-4", "REV-5", "REV-6"];
    const UNREPRESENTABLE: &'static [&'static str] = &[];
    const FREE_WIRES: usize = 0;
    const UNOPENED: &'static [Registry] =
        &[Registry::Subjects, Registry::Roles, Registry::Revocations, Registry::Records];

    fn witness(world: &World, registries: &Registries) -> Option<Self> {
        Some(Self {
            bundle: registries.bundle,
            wallet: world.wallet(),
            consent: world.consent(),
            consent_path: registries.path(world, Registry::Consents)?,
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
        list.into_vec()
    }

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
}
