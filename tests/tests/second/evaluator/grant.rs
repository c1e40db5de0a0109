//! `grant.md`: I am the enrolled subject of this consent leaf.

use super::permission::OpenConsent;
use super::sheet::{Registry, Result, Sheet, Tag, is_id};
use crate::plain::Grant;
use ark_r1cs_std::prelude::EqGadget;

pub(super) fn constrain(sheet: &Sheet, w: &Grant) -> Result<()> {
    let [s, u, d] = sheet.privates(&[w.s, w.u, w.d])?;
    // GRA-2
    let patient_key = sheet.hash(Tag::PatientKey, &[s.clone(), u])?;
    let subject = sheet.subject(&patient_key, &d)?;
    // GRA-3
    let root = sheet.root(&subject, &w.path)?;
    // GRA-1
    let _now = sheet.open_bundle(&w.bundle, &[(Registry::Subjects, &root)])?;
    // GRA-4
    let consent = OpenConsent::new(sheet, &w.consent, &subject)?;
    consent.leaf.enforce_equal(&sheet.out[0])?;
    // GRA-5
    is_id(&consent.revocation_id(sheet)?)?;
    // GRA-6
    let nullifier = sheet.hash(Tag::GrantNullifier, &[consent.nonce.clone(), s])?;
    nullifier.enforce_equal(&sheet.nf[0])?;
    // GRA-7
    sheet.detectable(&d)?;
    // GRA-8
    sheet.unused(&[&sheet.policy, &sheet.nf[1]])
}
