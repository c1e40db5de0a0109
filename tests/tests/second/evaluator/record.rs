//! `record.md` (S3): predicates over an anchored record, and leaves disclosed from it.

use super::sheet::{Bit, F, Num, Registry, Result, Sheet, TIME_BITS, Tag, Word, at_most, fits, must};
use crate::plain::{LEAVES, Leaf, Record};
use ark_ff::AdditiveGroup;
use ark_r1cs_std::prelude::{CondSelectGadget, EqGadget};

/// Bits of an epoch and of a record's value.
const U64_BITS: usize = 64;
/// Equality flags, custodian, latest, mask, epoch.
const FLAG_BITS: usize = 5 + 1 + 1 + LEAVES + U64_BITS;

const SUBJECT: usize = 0;
const TIME: usize = 2;
const TYPE: usize = 4;
const CODE: usize = 5;
const VALUE: usize = 6;
const UNIT: usize = 7;
const STATUS: usize = 12;

/// A leaf as it enters: its two values where it is opened, its commitment in any case.
struct Entered {
    values: Option<[Num; 2]>,
    commitment: Num,
}

/// Opens what the predicates may ask about; leaf 0 is about the subject.
fn enter(sheet: &Sheet, leaves: &[Leaf; LEAVES], subject: &Num) -> Result<Vec<Entered>> {
    let enter = |(i, leaf): (usize, &Leaf)| match leaf {
        Leaf::Closed(commitment) => Ok(Entered { values: None, commitment: sheet.private(*commitment)? }),
        Leaf::Open(v1, v2, salt) => {
            let [mut v1, mut v2, salt] = sheet.privates(&[*v1, *v2, *salt])?;
            if i == SUBJECT {
                (v1, v2) = (subject.clone(), Num::Constant(F::ZERO));
            }
            let commitment = sheet.record_leaf(i as u64, &[v1.clone(), v2.clone(), salt])?;
            Ok(Entered { values: Some([v1, v2]), commitment })
        }
    };
    leaves.iter().enumerate().map(enter).collect()
}

/// `H(RecordTop; four nodes, root salt)` over `H(Node; four leaves)`.
fn record_root(sheet: &Sheet, leaves: &[Entered], root_salt: &Num) -> Result<Num> {
    let mut top = Vec::new();
    for four in leaves.chunks_exact(4) {
        let commitments: Vec<Num> = four.iter().map(|l| l.commitment.clone()).collect();
        top.push(sheet.hash(Tag::Node, &commitments)?);
    }
    top.push(root_salt.clone());
    sheet.hash(Tag::RecordTop, &top)
}

pub(super) fn constrain(sheet: &Sheet, w: &Record) -> Result<()> {
    // REC-2
    let [patient_key, d] = sheet.privates(&[w.patient_key, w.d])?;
    let subject = sheet.subject(&patient_key, &d)?;
    let leaves = enter(sheet, &w.leaves, &subject)?;
    let values = |i: usize| leaves[i].values.as_ref().expect("asked about, so opened");
    // REC-3
    let [root_salt, custodian, anchored] = sheet.privates(&[w.root_salt, w.custodian, w.anchored])?;
    let root = record_root(sheet, &leaves, &root_salt)?;
    let anchor = sheet.hash(Tag::Anchor, &[root, custodian.clone(), anchored.clone()])?;
    let records = sheet.root(&anchor, &w.path)?;
    // REC-4
    let asked = sheet.privates(&w.request)?;
    sheet.hash(Tag::PolicyRecord, &asked)?.enforce_equal(&sheet.policy)?;
    let [flags, kind, code, unit, status, range, period, asked_custodian, _salt] = asked;
    let mut flags = Word::new(&flags, FLAG_BITS)?;
    let equalities = flags.take(4);
    let [asks_value, asks_custodian, latest] = [(); 3].map(|()| flags.take(1).remove(0));
    let mask = flags.take(LEAVES);
    let anchored_by = flags.number(U64_BITS)?;
    // REC-5
    let pairs = [(TYPE, kind), (CODE, code), (UNIT, unit), (STATUS, status)];
    for ((leaf, wanted), flag) in pairs.iter().zip(&equalities) {
        values(*leaf)[0].conditional_enforce_equal(wanted, flag)?;
    }
    custodian.conditional_enforce_equal(&asked_custodian, &asks_custodian)?;
    // REC-6
    let mut range = Word::new(&range, 2 * U64_BITS)?;
    let (least, greatest) = (range.number(U64_BITS)?, range.number(U64_BITS)?);
    let [value, has_value] = values(VALUE);
    has_value.conditional_enforce_equal(&Num::Constant(F::from(1u64)), &asks_value)?;
    let value = Num::conditionally_select(&asks_value, value, &least)?;
    fits(&(&value - &least), U64_BITS)?;
    fits(&(&greatest - &value), U64_BITS)?;
    // REC-7
    let period = Word::new(&period, 2 * TIME_BITS)?.period()?;
    let [from, until] = values(TIME);
    for (earlier, later) in [(&period.from, from), (from, until), (until, &period.until)] {
        fits(earlier, TIME_BITS)?;
        fits(later, TIME_BITS)?;
        must(&at_most(earlier, later)?)?;
    }
    // REC-8
    fits(&anchored, U64_BITS)?;
    must(&at_most(&anchored, &anchored_by)?)?;
    // REC-9
    let handle = sheet.hash(Tag::SupersessionHandle, core::slice::from_ref(&root_salt))?;
    let id = sheet.hash(Tag::Supersede, &[handle])?;
    let computed = sheet.absent(&id, &w.current, &latest)?;
    let given = sheet.private(w.bundle.roots[Registry::Revocations as usize])?;
    let revocations = Num::conditionally_select(&latest, &computed, &given)?;
    // REC-1
    let roots = [(Registry::Records, &records), (Registry::Revocations, &revocations)];
    let _now = sheet.open_bundle(&w.bundle, &roots)?;
    // REC-10
    let disclosed = |(leaf, bit): (&Entered, &Bit)| &leaf.commitment * Num::from(bit.clone());
    let disclosure: Vec<Num> = leaves.iter().zip(&mask).map(disclosed).collect();
    sheet.hash(Tag::Disclose, &disclosure)?.enforce_equal(&sheet.out[0])?;
    // REC-11
    sheet.detectable(&d)?;
    // REC-12
    sheet.unused(&[&sheet.nf[0], &sheet.nf[1]])
}
