//! `consent.md` (S1): an unrevoked consent permits this request, now.

use super::permission::{OpenConsent, Recipient, Request, Scope};
use super::sheet::{Bit, Registry, Result, Sheet, TIME_BITS, Tag, Word};
use crate::plain::ConsentUse;
use ark_r1cs_std::prelude::EqGadget;

pub(super) fn constrain(sheet: &Sheet, w: &ConsentUse) -> Result<()> {
    // CON-2
    let [patient_key, d] = sheet.privates(&[w.patient_key, w.d])?;
    let subject = sheet.subject(&patient_key, &d)?;
    let consent = OpenConsent::new(sheet, &w.consent, &subject)?;
    // CON-3
    let consents = sheet.root(&consent.leaf, &w.path)?;
    // CON-4
    let revocations = sheet.absent(&consent.revocation_id(sheet)?, &w.unrevoked, &Bit::TRUE)?;
    // CON-1
    let roots = [(Registry::Consents, &consents), (Registry::Revocations, &revocations)];
    let now = sheet.open_bundle(&w.bundle, &roots)?;
    // CON-5
    let [scope, period, organisation, role, holder, salt] =
        sheet.privates(&[w.scope, w.period, w.organisation, w.role, w.holder, w.request_salt])?;
    let asked = [&scope, &period, &organisation, &role, &holder, &salt].map(Clone::clone);
    sheet.hash(Tag::PolicyConsent, &asked)?.enforce_equal(&sheet.policy)?;
    // CON-6
    let scope = Scope::of_word(&scope)?;
    scope.asks_for_something()?;
    let data = Word::new(&period, 2 * TIME_BITS)?.period()?;
    data.in_order()?;
    // CON-7
    let recipient = Recipient { organisation, role, holder };
    consent.permits(sheet, &Request { scope: &scope, data: &data, recipient: &recipient, now: &now })?;
    // CON-8
    consent.is_used(sheet, w.use_index)?;
    // CON-9
    sheet.detectable(&d)?;
    // CON-10
    sheet.unused(&[&sheet.nf[1], &sheet.out[0]])
}
