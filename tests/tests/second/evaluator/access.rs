//! `access.md`: a licensed holder may access this record, because an unrevoked consent of its
//! patient permits it.

use super::permission::{OpenConsent, Recipient, Request, Scope};
use super::role::OpenCredential;
use super::sheet::{Bit, F, Num, Period, Registry, Result, Sheet, TIME_BITS, Tag, Word, at_most, fits, must};
use crate::plain::Access;
use ark_ff::AdditiveGroup;
use ark_r1cs_std::prelude::EqGadget;

const CATEGORY_BITS: usize = 64;
const CONFIDENTIALITY_BITS: usize = 2;
/// The categories among a scope's masks.
const CATEGORIES: usize = 2;

/// What the statement opens of the record.
struct OpenRecord {
    categories: Vec<Bit>,
    confidentiality: Num,
    time: Period,
    storage_key: Num,
    root: Num,
}

impl OpenRecord {
    fn new(sheet: &Sheet, w: &Access, subject: &Num) -> Result<Self> {
        let [categories, time, storage] =
            [sheet.privates(&w.categories)?, sheet.privates(&w.time)?, { sheet.privates(&w.storage)? }];
        let owner = [subject.clone(), Num::Constant(F::ZERO), sheet.private(w.subject_salt)?];
        let mut leaves = Vec::new();
        for (i, parts) in [&owner, &categories, &time, &storage].into_iter().enumerate() {
            leaves.push(sheet.record_leaf(i as u64, parts)?);
        }
        let mut top = vec![sheet.hash(Tag::Node, &leaves)?];
        top.extend(sheet.privates(&w.nodes)?);
        top.push(sheet.private(w.root_salt)?);
        let root = sheet.hash(Tag::RecordTop, &top)?;
        let [mask, confidentiality, _] = categories;
        fits(&confidentiality, CONFIDENTIALITY_BITS)?;
        let [from, until, _] = time;
        [&from, &until].into_iter().try_for_each(|t| fits(t, TIME_BITS))?;
        let [storage_key, ..] = storage;
        Ok(Self {
            categories: Word::new(&mask, CATEGORY_BITS)?.take(CATEGORY_BITS),
            confidentiality,
            time: Period { from, until },
            storage_key,
            root,
        })
    }

    /// ACC-11: every category is asked for, and the confidentiality is not higher than what is
    /// asked for.
    fn lies_within(&self, scope: &Scope) -> Result<()> {
        for (held, asked) in self.categories.iter().zip(&scope.masks[CATEGORIES]) {
            must(&(!held | asked))?;
        }
        must(&at_most(&self.confidentiality, &scope.confidentiality)?)
    }
}

pub(super) fn constrain(sheet: &Sheet, w: &Access) -> Result<()> {
    // ACC-2
    let [patient_key, d] = sheet.privates(&[w.patient_key, w.d])?;
    let subject = sheet.subject(&patient_key, &d)?;
    // ACC-3
    let record = OpenRecord::new(sheet, w, &subject)?;
    let [custodian, anchored] = sheet.privates(&[w.custodian, w.anchored])?;
    let anchor = sheet.hash(Tag::Anchor, &[record.root.clone(), custodian, anchored])?;
    let records = sheet.root(&anchor, &w.record_path)?;
    // ACC-4
    let consent = OpenConsent::new(sheet, &w.consent, &subject)?;
    let consents = sheet.root(&consent.leaf, &w.consent_path)?;
    // ACC-5
    let revocations = sheet.absent(&consent.revocation_id(sheet)?, &w.unrevoked, &Bit::TRUE)?;
    // ACC-6, ACC-7
    let credential = OpenCredential::new(sheet, &w.credential)?;
    let roles_root = sheet.root(&credential.leaf, &w.role_path)?;
    // ACC-1
    let roots = [
        (Registry::Roles, &roles_root),
        (Registry::Consents, &consents),
        (Registry::Revocations, &revocations),
        (Registry::Records, &records),
    ];
    let now = sheet.open_bundle(&w.bundle, &roots)?;
    // ACC-8
    let scope_word = sheet.private(w.scope)?;
    let (roles, organisations) = (sheet.privates(&w.roles)?, sheet.privates(&w.organisations)?);
    let mut policy = vec![scope_word.clone()];
    policy.extend(roles.iter().chain(&organisations).cloned());
    sheet.hash(Tag::PolicyAccess, &policy)?.enforce_equal(&sheet.policy)?;
    let scope = Scope::of_word(&scope_word)?;
    scope.asks_for_something()?;
    // ACC-9
    credential.qualifies(&roles, &organisations)?;
    // ACC-10
    credential.is_licensed(&now)?;
    // ACC-11
    record.lies_within(&scope)?;
    // ACC-12
    record.time.in_order()?;
    // ACC-13
    let recipient = Recipient {
        organisation: credential.organisation.clone(),
        role: credential.role.clone(),
        holder: credential.holder.clone(),
    };
    let request = Request { scope: &scope, data: &record.time, recipient: &recipient, now: &now };
    consent.permits(sheet, &request)?;
    // ACC-14
    consent.is_used(sheet, w.use_index)?;
    // ACC-15
    credential.session(sheet, &now, w.shift, &sheet.nf[1])?;
    // ACC-16
    sheet.hash(Tag::Token, &[record.storage_key, sheet.ctx.clone()])?.enforce_equal(&sheet.out[0])?;
    // ACC-17
    sheet.detectable(&d)
}
