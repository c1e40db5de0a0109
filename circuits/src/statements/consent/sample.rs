//! Samples of consent: the honest case, one case and more for each clause that it breaks alone, and
//! tampering.

use super::ConsentWitness;
use crate::world::sample::{
    Negative, Negatives, Sample, absences, empty_masks, later, of_another, one, overuse, refusals,
    stranger_holder,
};
use crate::world::tamper::{
    bend_absence, bend_bundle, bend_path, bend_scope, bend_subject, seal, seal_absence,
};
use crate::world::{Registries, World, values};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::{HolderKey, OrgId, RoleCode};
use amanat_domain::registry::Registry;
use amanat_domain::tx::PolicyField;
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

impl Sample for ConsentWitness {
    const CLAUSES: &'static [&'static str] =
        &["CON-1", "CON-2", "CON-3", "CON-4", "CON-5", "CON-6", "CON-7", "CON-8", "CON-9", "CON-10"];
    const UNREPRESENTABLE: &'static [&'static str] = &[];
    const FREE_WIRES: usize = 37;
    const UNOPENED: &'static [Registry] = &[Registry::Subjects, Registry::Roles, Registry::Records];

    fn witness(world: &World, registries: &Registries) -> Option<Self> {
        let consent = world.consent();
        Some(Self {
            bundle: registries.bundle,
            subject: world.wallet().subject(),
            consent_path: registries.path(world, Registry::Consents)?,
            unrevoked: registries.absence(consent.revocation_id()),
            consent,
            request: world.request.clone(),
            use_index: world.use_index,
        })
    }

    fn policy(&self) -> PolicyField {
        PolicyField::Sealed(self.request.policy_hash())
    }

    fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = Negatives::<Self>::new(seed);
        list.bundle("CON-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("CON-2", "the consent is another patient's", of_another);
        list.case("CON-3", "the path is another's", |c| c.witness.consent_path.index ^= 1 << 31);
        list.case("CON-3", "a sibling differs", |c| c.witness.consent_path.siblings[7][1] += one());
        absences(&mut list, "CON-4", |w| w.consent().revocation_id(), |c| &mut c.witness.unrevoked);
        list.case("CON-5", "another request is public", |c| c.public.policy += one());
        list.case("CON-5", "the salt is another", |c| c.witness.request.salt += one());
        list.case("CON-5", "the recipient is another", |c| {
            c.witness.request.recipient.holder = stranger_holder();
        });
        for (how, empty) in empty_masks() {
            list.world("CON-6", how, |w| empty(&mut w.request.scope));
        }
        refusals(&mut list, "CON-7");
        overuse(&mut list, "CON-8");
        list.case("CON-8", "another nullifier is public", |c| c.public.nf[0] += one());
        list.case("CON-9", "another tag is public", |c| c.public.out[1] += one());
        list.case("CON-10", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.case("CON-10", "an output is public", |c| c.public.out[0] = one());
        list.into_vec()
    }

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
}
