//! The clauses of record as constraints, in the order of the native check.

use super::RecordWitness;
use crate::cs::{Bit, Cs, Num};
use crate::gadgets::bits::word;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::record::LeafVar;
use crate::gadgets::{bits, merkle, poseidon, record};
use crate::public;
use crate::statements::clause::constrain_unused;
use amanat_domain::field::Fr;
use amanat_domain::poseidon::Tag;
use amanat_domain::record::{Leaf, RECORD_LEAVES};
use amanat_domain::registry::Registry;
use amanat_domain::time::TIME_BITS;
use amanat_domain::tree::NonMembership;

impl RecordWitness {
    /// The constraints: the same clauses, labelled.
    pub(super) fn constrain_clauses(&self, cs: &mut Cs) {
        let ctx = cs.public(public::CTX);
        let request = &self.request;
        let record = &self.record;
        let mut bundle = cs.clause("REC-1", |cs| OpenBundle::new(cs, &self.bundle));
        let subject = cs.clause("REC-2", |cs| SubjectVar::new(cs, &self.subject));

        // REC-3: the leaves that are asked about are opened; the others are taken as they are.
        let (opened, leaves, custodian, anchored, root_salt, time) = cs.clause("REC-3", |cs| {
            let [from, until] = record.open(Leaf::Time).values;
            let from = word(cs, from, TIME_BITS);
            let until = word(cs, until, TIME_BITS);
            let time = LeafVar::from_values(
                cs,
                Leaf::Time,
                from.num,
                until.num,
                record.open(Leaf::Time).salt.expose(),
            );
            let second = cs.hint(record.open(Leaf::Subject).values[1]);
            let subject_leaf = LeafVar::from_values(
                cs,
                Leaf::Subject,
                subject.commitment.clone(),
                second,
                record.open(Leaf::Subject).salt.expose(),
            );
            let opened = [Leaf::Type, Leaf::Code, Leaf::Unit, Leaf::Status, Leaf::Value]
                .map(|leaf| LeafVar::open(cs, leaf, &record.open(leaf)));
            let values = record.leaves();
            let leaves: [Num; RECORD_LEAVES] = core::array::from_fn(|i| match Leaf::ALL[i] {
                Leaf::Subject => subject_leaf.commitment.clone(),
                Leaf::Time => time.commitment.clone(),
                Leaf::Type => opened[0].commitment.clone(),
                Leaf::Code => opened[1].commitment.clone(),
                Leaf::Unit => opened[2].commitment.clone(),
                Leaf::Status => opened[3].commitment.clone(),
                Leaf::Value => opened[4].commitment.clone(),
                _ => cs.hint(values[i]),
            });
            let root_salt = cs.hint(record.root_salt().expose());
            let root = record::root(cs, &leaves, &root_salt);
            let custodian = cs.hint(self.custodian.to_field());
            let anchored = cs.hint(Fr::from(self.anchored));
            let leaf = record::anchor(cs, &root, &custodian, &anchored);
            let root = merkle::root(cs, &leaf, &self.record_path);
            bundle.set_root(Registry::Records, root);
            (opened, leaves, custodian, anchored, root_salt, time)
        });

        // REC-4: flags, range and period are words of bits; the rest are words as they are.
        let words = request.to_words();
        let (flags, asked, range, period, asked_custodian) = cs.clause("REC-4", |cs| {
            let flags = word(cs, words[0], 87);
            let asked: Vec<Num> = words[1..5].iter().map(|w| cs.hint(*w)).collect();
            let range = word(cs, words[5], 128);
            let period = word(cs, words[6], 2 * TIME_BITS);
            let custodian = cs.hint(words[7]);
            let salt = cs.hint(words[8]);
            let mut inputs = vec![&flags.num];
            inputs.extend(&asked);
            inputs.extend([&range.num, &period.num, &custodian, &salt]);
            let policy = poseidon::hash(cs, Tag::PolicyRecord, &inputs);
            cs.bind_public(public::POLICY, &policy);
            (flags.bits, asked, range.bits, period.bits, custodian)
        });
        cs.clause("REC-5", |cs| {
            let pairs = opened[..4].iter().map(|l| &l.first).zip(&asked).zip(&flags[..4]);
            for ((got, want), flag) in pairs.chain([((&custodian, &asked_custodian), &flags[5])]) {
                cs.enforce(flag.num(), &(got - want), &Num::zero());
            }
        });
        cs.clause("REC-6", |cs| {
            let asks_value = &flags[4];
            let value = &opened[4];
            cs.enforce(asks_value.num(), &value.second.complement(), &Num::zero());
            let (least, greatest) = range.split_at(64);
            // If no value is asked about, the comparison is of the bounds with themselves.
            let least = bits::weighted_sum(least);
            let greatest = bits::weighted_sum(greatest);
            let compared = bits::select(cs, asks_value, &value.first, &least);
            let top = bits::select(cs, asks_value, &greatest, &least);
            bits::assert_less_or_equal(cs, &least, &compared, 64);
            bits::assert_less_or_equal(cs, &compared, &top, 64);
        });
        cs.clause("REC-7", |cs| {
            let (from, until) = period.split_at(TIME_BITS as usize);
            bits::assert_less_or_equal(cs, &bits::weighted_sum(from), &time.first, TIME_BITS);
            bits::assert_less_or_equal(cs, &time.first, &time.second, TIME_BITS);
            bits::assert_less_or_equal(cs, &time.second, &bits::weighted_sum(until), TIME_BITS);
        });
        cs.clause("REC-8", |cs| {
            // The ledger wrote the anchored epoch: 64 bits.
            let anchored_by = bits::weighted_sum(&flags[23..87]);
            bits::assert_less_or_equal(cs, &anchored, &anchored_by, 64);
        });
        cs.clause("REC-9", |cs| {
            let handle = poseidon::hash(cs, Tag::SupersessionHandle, &[&root_salt]);
            let id = poseidon::hash(cs, Tag::Supersede, &[&handle]);
            // Not asked: neighbours that fit, whatever the witness holds, so that the native
            // check's yes can be proved.
            let made_up = Self::not_looked_up(record);
            let current = if request.latest { &self.current } else { &made_up };
            latest(cs, &mut bundle, &id, current, &flags[6]);
        });
        cs.clause("REC-10", |cs| {
            let masked: Vec<Num> =
                leaves.iter().zip(&flags[7..23]).map(|(leaf, bit)| cs.mul(leaf, bit.num())).collect();
            let disclosed = poseidon::hash(cs, Tag::Disclose, &masked.iter().collect::<Vec<_>>());
            cs.bind_public(public::OUT_0, &disclosed);
        });
        cs.clause("REC-11", |cs| {
            let tag = subject.detection_tag(cs, &ctx);
            cs.bind_public(public::OUT_1, &tag);
        });
        cs.clause("REC-12", |cs| constrain_unused(cs, &[public::NF_0, public::NF_1]));
        cs.clause("REC-1", |cs| bundle.bind(cs));
    }
}

/// Where `asked`, the id is absent from the revocations the bundle commits to. Otherwise the root
/// is not compared, and any neighbours and path will do, see [`RecordWitness::not_looked_up`].
fn latest(cs: &mut Cs, bundle: &mut OpenBundle, id: &Num, current: &NonMembership, asked: &Bit) {
    let root = merkle::absent_root(cs, id, current);
    let committed = bundle.root(cs, Registry::Revocations);
    cs.enforce(asked.num(), &(&root - &committed), &Num::zero());
}
