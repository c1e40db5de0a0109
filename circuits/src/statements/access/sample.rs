//! Samples of access: the honest case, one case and more for each clause that it breaks alone, and
//! tampering.

use super::{AccessWitness, RecordOpening};
use crate::world::sample::{
    Negative, Negatives, Sample, absences, empty_masks, later, of_another, of_another_holder, one, overuse,
    refusals, stranger_subject, unqualified,
};
use crate::world::tamper::{
    bend_absence, bend_bundle, bend_path, bend_roles, bend_scope, bend_subject, seal, seal_absence,
};
use crate::world::{Registries, World, values};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::OrgId;
use amanat_domain::field::{Fr, random};
use amanat_domain::identity::HolderSecret;
use amanat_domain::record::{Leaf, anchor_leaf};
use amanat_domain::registry::Registry;
use amanat_domain::secret::Secret;
use amanat_domain::tx::PolicyField;
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

impl Sample for AccessWitness {
    const CLAUSES: &'static [&'static str] = &[
        "ACC-1", "ACC-2", "ACC-3", "ACC-4", "ACC-5", "ACC-6", "ACC-7", "ACC-8", "ACC-9", "ACC-10", "ACC-11",
        "ACC-12", "ACC-13", "ACC-14", "ACC-15", "ACC-16", "ACC-17",
    ];
    const UNREPRESENTABLE: &'static [&'static str] = &[];
    const FREE_WIRES: usize = 37;
    const UNOPENED: &'static [Registry] = &[Registry::Subjects];

    fn witness(world: &World, registries: &Registries) -> Option<Self> {
        let consent = world.consent();
        Some(Self {
            bundle: registries.bundle,
            subject: world.wallet().subject(),
            consent_path: registries.path(world, Registry::Consents)?,
            unrevoked: registries.absence(consent.revocation_id()),
            consent,
            use_index: world.use_index,
            holder: world.holder(),
            credential: world.credential.clone(),
            role_path: registries.path(world, Registry::Roles)?,
            record: RecordOpening::new(&world.record()),
            custodian: world.custodian,
            anchored: world.anchored,
            record_path: registries.path(world, Registry::Records)?,
            policy: world.policy.clone(),
        })
    }

    fn policy(&self) -> PolicyField {
        PolicyField::Access(self.policy.clone())
    }

    fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    fn negatives(seed: u64) -> Vec<Negative<Self>> {
        let mut list = Negatives::<Self>::new(seed);
        list.bundle("ACC-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("ACC-2", "the consent is another patient's", of_another);
        list.world("ACC-2", "the record is another patient's", |w| {
            w.values[Leaf::Subject as usize][0] = stranger_subject().commitment().to_field();
        });
        list.case("ACC-3", "the path is another's", |c| c.witness.record_path.index ^= 1);
        list.case("ACC-3", "the custodian is another", |c| c.witness.custodian = OrgId::new(one()));
        list.case("ACC-3", "the epoch is another", |c| c.witness.anchored += 1);
        list.case("ACC-3", "an unopened node is another", |c| c.witness.record.nodes[1] += one());
        list.case("ACC-4", "the path is another's", |c| c.witness.consent_path.index ^= 1);
        absences(&mut list, "ACC-5", |w| w.consent().revocation_id(), |c| &mut c.witness.unrevoked);
        list.world("ACC-6", "the credential is another holder's", of_another_holder);
        list.case("ACC-7", "the path is another's", |c| c.witness.role_path.index ^= 1);
        list.case("ACC-7", "a sibling differs", |c| c.witness.role_path.siblings[15][0] += one());
        list.case("ACC-8", "another policy is public", |c| c.public.policy += one());
        for (how, empty) in empty_masks() {
            list.world("ACC-8", how, |w| {
                w.values[Leaf::Categories as usize][0] = Fr::from(0u64);
                empty(&mut w.policy.scope);
            });
        }
        unqualified(&mut list, ["ACC-9", "ACC-10"]);
        list.world("ACC-11", "a category the policy does not name", |w| {
            let has = !w.policy.scope.categories.0;
            w.values[Leaf::Categories as usize][0] = Fr::from(has & has.wrapping_neg());
        });
        list.world("ACC-11", "all categories the policy does not name", |w| {
            w.values[Leaf::Categories as usize][0] = Fr::from(!w.policy.scope.categories.0);
        });
        list.world("ACC-11", "more confidential than the policy", |w| {
            w.values[Leaf::Categories as usize][1] = Fr::from(w.policy.scope.confidentiality as u64 + 1);
        });
        list.world("ACC-11", "categories of 65 bits", |w| {
            w.values[Leaf::Categories as usize][0] += Fr::from(1u128 << 64);
        });
        list.world("ACC-11", "a confidentiality of 65 bits", |w| {
            w.values[Leaf::Categories as usize][1] = Fr::from(1u128 << 64);
        });
        list.world("ACC-12", "the time ends before it begins", |w| w.values[Leaf::Time as usize].reverse());
        list.world("ACC-12", "a time of 41 bits", |w| {
            w.values[Leaf::Time as usize][1] = Fr::from(1u64 << 40)
        });
        refusals(&mut list, "ACC-13");
        overuse(&mut list, "ACC-14");
        list.case("ACC-14", "another nullifier is public", |c| c.public.nf[0] += one());
        list.case("ACC-15", "another pseudonym is public", |c| c.public.nf[1] += one());
        list.case("ACC-16", "another token is public", |c| c.public.out[0] += one());
        list.case("ACC-17", "another tag is public", |c| c.public.out[1] += one());
        list.into_vec()
    }

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
}
