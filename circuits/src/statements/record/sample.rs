//! Samples of record: the honest case, one case and more for each clause that it breaks alone, and
//! tampering.

use super::RecordWitness;
use crate::world::sample::{Negative, Negatives, Sample, absences, later, one, stranger_subject};
use crate::world::tamper::{
    bend_absence, bend_bundle, bend_path, bend_record, bend_request, bend_subject, seal, seal_absence,
};
use crate::world::{Registries, World, period, rules, values};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::policy::ValueRange;
use amanat_domain::record::{Leaf, anchor_leaf};
use amanat_domain::registry::Registry;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tx::PolicyField;
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

impl Sample for RecordWitness {
    const CLAUSES: &'static [&'static str] = &[
        "REC-1", "REC-2", "REC-3", "REC-4", "REC-5", "REC-6", "REC-7", "REC-8", "REC-9", "REC-10", "REC-11",
        "REC-12",
    ];
    const UNREPRESENTABLE: &'static [&'static str] = &[];
    const FREE_WIRES: usize = 0;
    const UNOPENED: &'static [Registry] =
        &[Registry::Subjects, Registry::Roles, Registry::Consents, Registry::Revocations];

    fn witness(world: &World, registries: &Registries) -> Option<Self> {
        let record = world.record();
        Some(Self {
            bundle: registries.bundle,
            subject: world.wallet().subject(),
            custodian: world.custodian,
            anchored: world.anchored,
            record_path: registries.path(world, Registry::Records)?,
            current: if world.asked.latest {
                registries.absence(record.supersession_id())
            } else {
                RecordWitness::not_looked_up(&record)
            },
            record,
            request: world.asked.clone(),
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
        list.bundle("REC-1", |w| w.bundle.time = later(w.bundle.time));
        list.world("REC-2", "the record is another patient's", |w| {
            w.values[Leaf::Subject as usize][0] = stranger_subject().commitment().to_field();
        });
        list.case("REC-3", "the path is another's", |c| c.witness.record_path.index ^= 1);
        list.case("REC-3", "a sibling differs", |c| c.witness.record_path.siblings[3][0] += one());
        list.case("REC-4", "another request is public", |c| c.public.policy += one());
        list.world("REC-5", "another type", |w| w.asked.resource_type = Some(99));
        list.world("REC-5", "another code", |w| w.asked.code = Some(one()));
        list.world("REC-5", "another unit", |w| w.asked.unit = Some(one()));
        list.world("REC-5", "another status", |w| w.asked.status = Some(one()));
        list.world("REC-5", "another custodian", |w| w.asked.custodian = Some(OrgId::new(one())));
        list.world("REC-6", "no value", |w| {
            w.values[Leaf::Value as usize][1] = Fr::from(0u64);
        });
        list.world("REC-6", "a value that is neither there nor absent", |w| {
            w.values[Leaf::Value as usize][1] = Fr::from(2u64);
        });
        list.world("REC-6", "below the range", |w| {
            w.asked.value = Some(ValueRange { least: rules::AMOUNT + 1, greatest: u64::MAX });
        });
        list.world("REC-6", "above the range", |w| {
            w.asked.value = Some(ValueRange { least: 0, greatest: rules::AMOUNT - 1 });
        });
        list.world("REC-6", "an empty range", |w| {
            w.asked.value = Some(ValueRange { least: rules::AMOUNT + 1, greatest: rules::AMOUNT - 1 });
        });
        list.world("REC-6", "a value of 65 bits", |w| {
            w.values[Leaf::Value as usize][0] = Fr::from(1u128 << 64);
            w.asked.value = Some(ValueRange { least: 0, greatest: u64::MAX });
        });
        list.world("REC-7", "the time begins before the period", |w| {
            let from = w.request.data_period.from();
            w.asked.period = Period::new(later(from), Timestamp::MAX).expect("in order");
        });
        list.world("REC-7", "the time ends after the period", |w| {
            w.asked.period = period(0, w.request.data_period.until().seconds() - 1);
        });
        list.world("REC-7", "the time ends before it begins", |w| w.values[Leaf::Time as usize].reverse());
        list.world("REC-8", "anchored later", |w| w.asked.anchored_by = w.anchored - 1);
        absences(&mut list, "REC-9", |w| w.record().supersession_id(), |c| &mut c.witness.current);
        list.case("REC-10", "another disclosure is public", |c| c.public.out[0] += one());
        list.case("REC-10", "all leaves are disclosed", |c| {
            c.public.out[0] = amanat_domain::policy::disclosure(&c.witness.record.leaves(), u16::MAX);
        });
        list.case("REC-11", "another tag is public", |c| c.public.out[1] += one());
        list.case("REC-12", "a nullifier is public", |c| c.public.nf[0] = one());
        list.case("REC-12", "a second nullifier is public", |c| c.public.nf[1] = one());
        list.into_vec()
    }

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
}
