//! A development set-up: two hospitals, an insurer, a regulator, and clinicians with credentials.

use crate::actors::{Holder, Organisation};
use crate::roles::Role;
pub(crate) use crate::roles::{NURSE, PHYSICIAN};
use amanat_domain::identity::{HolderSecret, RoleCredential};
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tx::Action;
use rand::CryptoRng;

/// The organisations of a development set-up; the first two are hospitals, the last is the regulator.
pub(crate) fn organisations(hospitals: [&str; 2], rng: &mut impl CryptoRng) -> Vec<Organisation> {
    vec![
        Organisation::new(hospitals[0], "Hospital A", rng),
        Organisation::new(hospitals[1], "Hospital B", rng),
        Organisation::new("Organization/regulator", "Regulator", rng),
    ]
}

/// The organisations of a ledger with so many validators: those who run one first. Two hospitals, the regulator, an insurer, and more
/// hospitals.
#[cfg(feature = "bft")]
pub(crate) fn cluster(validators: usize, rng: &mut impl CryptoRng) -> Vec<Organisation> {
    let mut all = organisations(crate::generated::HOSPITALS, rng);
    if validators > all.len() {
        all.push(Organisation::new("Organization/insurer", "Insurer", rng));
    }
    for n in all.len() + 1..=validators {
        all.push(Organisation::new(&format!("{HOSPITAL}{n}"), &format!("Hospital {n}"), rng));
    }
    all
}

#[cfg(feature = "bft")]
const HOSPITAL: &str = "Organization/hospital-";

/// Whether it treats patients.
#[cfg(feature = "bft")]
pub(crate) fn is_hospital(organisation: &Organisation) -> bool {
    organisation.reference.starts_with(HOSPITAL)
}

/// A clinician of an organisation, with a credential to be issued.
pub(crate) fn clinician(
    name: &str,
    role: &Role,
    organisation: &Organisation,
    licence: Period,
    rng: &mut impl CryptoRng,
) -> Holder {
    let secret = HolderSecret::random(rng);
    let credential = RoleCredential {
        holder: secret.key(),
        role: role.code(),
        organisation: organisation.id(),
        licence,
        salt: Secret::random(rng),
    };
    Holder { name: name.to_owned(), secret, credential }
}

/// A licence of three years around a time.
pub(crate) fn licence(now: Timestamp) -> Period {
    const YEAR: u64 = 365 * 86_400;
    let from = Timestamp::new(now.seconds().saturating_sub(YEAR)).unwrap_or(Timestamp::MIN);
    let until = Timestamp::new(now.seconds() + 2 * YEAR).unwrap_or(Timestamp::MAX);
    Period::new(from, until).unwrap_or(Period::ALWAYS)
}

/// What an organisation publishes to issue the credential.
pub(crate) fn issue(holder: &Holder) -> Action {
    Action::IssueRole { role: holder.credential.role, inner: holder.credential.inner() }
}
