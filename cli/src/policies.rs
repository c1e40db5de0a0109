//! The requests and policies that the demo and the commands use.

use crate::actors::{Holder, Organisation};
use crate::vault::VaultRecord;
use amanat_circuits::gadgets::consent::permits;
use amanat_domain::consent::{Actions, Categories, Confidentiality, Jurisdictions, Purposes, RoleCode};
use amanat_domain::fhir::consent::Compiled;
use amanat_domain::field::{self, Fr, hash_to_field};
use amanat_domain::policy::{
    AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy, Scope, ValueRange,
};
use amanat_domain::record::{Leaf, Record};
use amanat_domain::time::{Period, Timestamp};
use anyhow::{Result, ensure};
use rand::CryptoRng;

/// What a treating clinician asks for: every ordinary class of data. A policy that named only what one record holds would
/// tell the ledger what it holds.
pub(crate) const CLINICAL: Categories = Categories((1 << 17) - 1);

/// Treatment, normal confidentiality, in Punjab.
pub(crate) const TREATMENT: Scope = Scope {
    purposes: Purposes::TREAT,
    actions: Actions::ACCESS,
    categories: CLINICAL,
    jurisdictions: Jurisdictions::PK_PUNJAB,
    confidentiality: Confidentiality::Normal,
};

/// The audience's 32 bytes from a name.
pub(crate) fn audience(name: &str) -> [u8; 32] {
    field::to_bytes(&hash_to_field("amanat/audience/v1", &[name.as_bytes()]))
}

/// A record's categories and confidentiality, as its custodian reads them.
pub(crate) fn class(record: &Record) -> (u64, u64) {
    let number = |x: Fr| {
        let bytes = field::to_bytes(&x);
        u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default())
    };
    let [categories, confidentiality] = record.open(Leaf::Categories).values.map(number);
    (categories, confidentiality)
}

/// A confidentiality as a record's leaf has it.
pub(crate) const fn confidentiality(level: u64) -> Confidentiality {
    match level {
        0 => Confidentiality::Low,
        1 => Confidentiality::Normal,
        2 => Confidentiality::Restricted,
        _ => Confidentiality::VeryRestricted,
    }
}

/// Whether a treating clinician's ordinary policy covers the record.
pub(crate) fn is_ordinary(record: &Record) -> bool {
    let (categories, confidentiality) = class(record);
    Categories(categories).is_subset(CLINICAL) && confidentiality <= Confidentiality::Normal as u64
}

fn recipient(holder: &Holder) -> Recipient {
    Recipient {
        organisation: holder.credential.organisation,
        role: holder.credential.role,
        holder: holder.credential.holder,
    }
}

/// Whether a consent permits this clinician's ordinary request now, for data of any time.
pub(crate) fn permits_treatment(compiled: &Compiled, holder: &Holder, now: Timestamp) -> bool {
    permits(compiled.terms(), &TREATMENT, &Period::ALWAYS, &recipient(holder), now)
}

/// Physicians of these organisations.
pub(crate) fn physicians(organisations: &[Organisation]) -> Result<RolePolicy> {
    qualified(vec![crate::town::PHYSICIAN.code()], organisations)
}

fn qualified(roles: Vec<RoleCode>, organisations: &[Organisation]) -> Result<RolePolicy> {
    Ok(RolePolicy::new(roles, organisations.iter().map(Organisation::id).collect())?)
}

/// Treatment access by physicians and nurses of these organisations.
pub(crate) fn treatment(record: &Record, organisations: &[Organisation]) -> Result<AccessPolicy> {
    ensure!(is_ordinary(record), "the record is sensitive: name its categories in the policy");
    let roles = vec![crate::town::PHYSICIAN.code(), crate::town::NURSE.code()];
    Ok(AccessPolicy { scope: TREATMENT, roles: qualified(roles, organisations)? })
}

/// S1: treatment access by one clinician, to data of any time.
pub(crate) fn consent_request(holder: &Holder, rng: &mut impl CryptoRng) -> ConsentRequest {
    ConsentRequest {
        scope: TREATMENT,
        data_period: Period::ALWAYS,
        recipient: recipient(holder),
        salt: field::random(rng),
    }
}

/// What the demo's fact discloses: the unit of the value, and the status, without which it would be none.
pub(crate) const DISCLOSED: [Leaf; 2] = [Leaf::Unit, Leaf::Status];

/// S3: the record is of this type, with a value of at least half its own where it has one, anchored by now, not
/// superseded; its unit is disclosed. With the request, what it says in words.
pub(crate) fn record_request(
    record: &VaultRecord,
    anchored_by: u64,
    rng: &mut impl CryptoRng,
) -> (RecordRequest, String) {
    let first = |leaf: Leaf| record.record.open(leaf).values[0];
    let [value, present] = record.record.open(Leaf::Value).values;
    let zero_point = 1u64 << 63;
    let raw = u64::from_le_bytes(field::to_bytes(&value)[..8].try_into().unwrap_or_default());
    let has_value = present == Fr::from(1u64);
    let least = zero_point + raw.saturating_sub(zero_point) / 2;
    let request = RecordRequest {
        resource_type: None,
        code: Some(first(Leaf::Code)),
        unit: Some(first(Leaf::Unit)),
        status: None,
        value: has_value.then_some(ValueRange { least, greatest: u64::MAX }),
        period: Period::ALWAYS,
        custodian: None,
        anchored_by,
        latest: true,
        disclosed: DISCLOSED.iter().fold(0, |mask, leaf| mask | 1 << (*leaf as u16)),
        salt: field::random(rng),
    };
    let words = if has_value {
        format!(
            "an anchored, current record has the code asked about and a value of at least {} in its unit; unit and status \
             are disclosed, the value is not",
            (least - zero_point) as f64 / 1e6
        )
    } else {
        "an anchored, current record has the code asked about".to_owned()
    };
    (request, words)
}
