//! `revoke.md`: I am the subject of the consent this revocation id belongs to.

use super::sheet::{Registry, Result, Sheet, Tag};
use crate::plain::Revoke;
use ark_r1cs_std::prelude::EqGadget;

pub(super) fn constrain(sheet: &Sheet, w: &Revoke) -> Result<()> {
    let [s, u, d] = sheet.privates(&[w.s, w.u, w.d])?;
    // REV-2
    let patient_key = sheet.hash(Tag::PatientKey, &[s, u])?;
    let subject = sheet.subject(&patient_key, &d)?;
    // REV-3: what the rules say does not matter, so their words are taken as they are.
    let [terms, nonce, policy, salt] = sheet.privates(&[w.terms, w.nonce, w.policy, w.salt])?;
    let mut outer = vec![sheet.private(w.rules)?];
    outer.extend(sheet.privates(&w.words)?);
    outer.extend([subject.clone(), terms, nonce.clone(), policy, salt]);
    let root = sheet.root(&sheet.hash(Tag::Consent, &outer)?, &w.path)?;
    // REV-1
    let _now = sheet.open_bundle(&w.bundle, &[(Registry::Consents, &root)])?;
    // REV-4
    sheet.hash(Tag::Revoke, &[nonce, subject])?.enforce_equal(&sheet.out[0])?;
    // REV-5
    sheet.detectable(&d)?;
    // REV-6
    sheet.unused(&[&sheet.policy, &sheet.nf[0], &sheet.nf[1]])
}
