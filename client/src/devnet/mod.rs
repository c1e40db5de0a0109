//! Development networks: ledgers, organisations, clinicians and data made up on one machine, where
//! all secrets are made in one place. A deployment uses none of it.

mod data;
mod ledger;
mod members;
mod start;

pub use data::{HOSPITALS, write_data};
pub use ledger::{DevLedger, genesis, genesis_with_validators};
pub use members::{
    LicenceError, Members, MembersError, MembersProblem, NoReference, licence_between, licence_period,
    parse_reference,
};
pub use start::{DevNet, StartError};

use crate::client::OpenError;
use crate::holder::Holder;
use crate::home::Home;
use crate::organisation::Organisation;
use crate::role::{NURSE, PHYSICIAN, Role};
use amanat_domain::time::{Period, Timestamp};
use rand::CryptoRng;

const HOSPITAL: &str = "Organization/hospital-";

/// The organisations of a development set-up: two hospitals, and the regulator.
#[must_use]
pub fn organisations(hospitals: [&str; 2], rng: &mut impl CryptoRng) -> Vec<Organisation> {
    vec![
        Organisation::new(hospitals[0], "Hospital A", rng),
        Organisation::new(hospitals[1], "Hospital B", rng),
        Organisation::new("Organization/regulator", "Regulator", rng),
    ]
}

/// The organisations of a ledger with `validators` validators, the organisations that run one
/// first: two hospitals, the regulator, an insurer, and more hospitals.
#[must_use]
pub fn cluster_organisations(validators: usize, rng: &mut impl CryptoRng) -> Vec<Organisation> {
    let mut all = organisations(HOSPITALS, rng);
    if validators > all.len() {
        all.push(Organisation::new("Organization/insurer", "Insurer", rng));
    }
    for n in all.len() + 1..=validators {
        all.push(Organisation::new(&format!("{HOSPITAL}{n}"), &format!("Hospital {n}"), rng));
    }
    all
}

fn is_hospital(organisation: &Organisation) -> bool {
    organisation.reference.starts_with(HOSPITAL)
}

/// Makes a home directory the one of a development ledger with two hospitals and a regulator.
///
/// # Errors
/// [`OpenError`].
pub fn initialise_home(
    home: &Home,
    chain: &str,
    start: Timestamp,
    epoch_seconds: u32,
) -> Result<(), OpenError> {
    let organisations = organisations(HOSPITALS, &mut rand::rng());
    let genesis = genesis(chain, start, epoch_seconds, &organisations)?;
    home.initialise(&organisations, &genesis)
}

/// Three clinicians of the first organisation and one of the second; `None` if there are fewer than
/// two organisations.
#[must_use]
pub fn clinicians(
    organisations: &[Organisation],
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Option<Vec<Holder>> {
    let licence = licence(now);
    let mut holder = |(name, role, at): (&str, Role, usize)| {
        organisations.get(at).map(|employer| Holder::new(name, &role, employer, licence, rng))
    };
    [
        ("Practitioner/dr-saima", PHYSICIAN, 0),
        ("Practitioner/dr-bilal", PHYSICIAN, 0),
        ("Practitioner/nurse-hina", NURSE, 0),
        ("Practitioner/dr-omar", PHYSICIAN, 1),
    ]
    .into_iter()
    .map(&mut holder)
    .collect()
}

/// A licence of three years, begun a year ago.
#[must_use]
pub fn licence(now: Timestamp) -> Period {
    const YEAR: u64 = 365 * 86_400;
    let from = Timestamp::new(now.seconds().saturating_sub(YEAR)).unwrap_or(Timestamp::MIN);
    let until = Timestamp::new(now.seconds() + 2 * YEAR).unwrap_or(Timestamp::MAX);
    Period::new(from, until).unwrap_or(Period::ALWAYS)
}
