//! Own organisations and clinicians, from a file: `amanat init --organisations FILE`.
//!
//! ```toml
//! [[organisation]]
//! reference = "Organization/city-hospital"
//! name = "City Hospital"
//! may = ["enrol", "anchor", "issue-roles"]
//!
//! [[organisation]]
//! reference = "Organization/health-authority"
//! name = "Health Authority"
//! may = ["govern"]
//!
//! [[clinician]]
//! reference = "Practitioner/amina"
//! organisation = "Organization/city-hospital"
//! role = "physician"
//! licence = { from = "2024-01-01", until = "2027-12-31" }
//! ```

use crate::actors::{Holder, Organisation};
use crate::desk;
use crate::home::Home;
use crate::roles::Role;
use crate::session;
use crate::town;
use amanat_domain::fhir::PartialDate;
use amanat_domain::time::{Period, Timestamp};
use amanat_ledger::{AllRoles, CapabilitiesSpec, RolesSpec};
use anyhow::{Context, Result, anyhow, bail};
use rand::CryptoRng;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

/// Longest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// What an organisation may do, in the words of the file.
const CAPABILITIES: &str = "enrol, anchor, issue-roles, govern";

/// Organisations with what they may do, and clinicians with a licence: checked against one another.
pub(crate) struct Members {
    organisations: Vec<(String, String, CapabilitiesSpec)>,
    clinicians: Vec<Clinician>,
}

struct Clinician {
    reference: String,
    organisation: String,
    role: Role,
    licence: Option<Period>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "organisation")]
    organisations: Vec<OrganisationTable>,
    #[serde(default, rename = "clinician")]
    clinicians: Vec<ClinicianTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganisationTable {
    reference: Spanned<String>,
    name: Option<String>,
    may: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClinicianTable {
    reference: Spanned<String>,
    organisation: Spanned<String>,
    role: Spanned<String>,
    licence: Option<Spanned<LicenceTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LicenceTable {
    from: String,
    until: String,
}

impl Members {
    /// Reads the file; the error names the line.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let length =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
        if length > MAX_BYTES {
            bail!("{}: {length} bytes, at most {MAX_BYTES} are read", path.display());
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is refused", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
        let file: File = toml::from_str(text).map_err(|e| match e.span() {
            Some(span) => anyhow!("line {}: {}", line(span.start), e.message()),
            None => anyhow!("{}", e.message()),
        })?;
        let mut organisations: Vec<(String, String, CapabilitiesSpec)> = Vec::new();
        for table in &file.organisations {
            let at = line(table.reference.span().start);
            let reference = reference(table.reference.as_ref(), &["Organization"])
                .with_context(|| format!("line {at}"))?;
            if organisations.iter().any(|(there, ..)| *there == reference) {
                bail!("line {at}: {reference} is there already");
            }
            let mut may = CapabilitiesSpec::default();
            for word in &table.may {
                match word.as_ref().as_str() {
                    "enrol" => may.enrol = true,
                    "anchor" => may.anchor = true,
                    "govern" => may.govern = true,
                    "issue-roles" => may.issue_roles = RolesSpec::All(AllRoles::All),
                    other => bail!(
                        "line {}: an organisation cannot be let `{other}`; known: {CAPABILITIES}",
                        line(word.span().start)
                    ),
                }
            }
            organisations.push((reference.clone(), table.name.clone().unwrap_or(reference), may));
        }
        let mut clinicians: Vec<Clinician> = Vec::new();
        for table in &file.clinicians {
            let at = line(table.reference.span().start);
            let reference =
                reference(table.reference.as_ref(), &PRACTITIONERS).with_context(|| format!("line {at}"))?;
            if clinicians.iter().any(|there| there.reference == reference) {
                bail!("line {at}: {reference} is there already");
            }
            let at = line(table.organisation.span().start);
            let employer = table.organisation.as_ref();
            match organisations.iter().find(|(reference, ..)| reference == employer) {
                None => bail!("line {at}: no [[organisation]] of this file has the reference {employer}"),
                Some((_, _, may)) if may.issue_roles == RolesSpec::default() => {
                    bail!("line {at}: {employer} issues no credentials: add \"issue-roles\" to what it may")
                }
                Some(_) => {}
            }
            let role = Role::parse(table.role.as_ref())
                .with_context(|| format!("line {}", line(table.role.span().start)))?;
            let licence = table.licence.as_ref().map(|licence| {
                let LicenceTable { from, until } = licence.as_ref();
                period(from, until).with_context(|| format!("line {}", line(licence.span().start)))
            });
            clinicians.push(Clinician {
                reference,
                organisation: employer.clone(),
                role,
                licence: licence.transpose()?,
            });
        }
        if !organisations.iter().any(|(_, _, may)| may.govern) {
            bail!("no organisation governs, and the keys could not be installed: let one \"govern\"");
        }
        if !organisations.iter().any(|(_, _, may)| may.enrol && may.anchor) {
            bail!("no organisation is a custodian: let one \"enrol\" and \"anchor\"");
        }
        Ok(Self { organisations, clinicians })
    }

    /// Makes the genesis and the organisations' keys in the home directory.
    pub(crate) fn found(&self, home: &Home, chain: &str, epoch_seconds: u64) -> Result<()> {
        let mut rng = rand::rng();
        let made: Vec<(Organisation, CapabilitiesSpec)> = self
            .organisations
            .iter()
            .map(|(reference, name, may)| (Organisation::new(reference, name, &mut rng), may.clone()))
            .collect();
        let members = made.iter().map(|(o, may)| desk::member(o, may.clone())).collect();
        let genesis = desk::spec(chain, session::now(), session::epoch(epoch_seconds)?, members, Vec::new())?;
        let organisations: Vec<Organisation> = made.into_iter().map(|(o, _)| o).collect();
        session::settle(home, &organisations, &genesis)
    }

    /// The clinicians, with credentials to be issued.
    pub(crate) fn holders(
        &self,
        organisations: &[Organisation],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Holder>> {
        let mut holder = |c: &Clinician| {
            let employer = organisations.iter().find(|o| o.reference == c.organisation);
            let employer =
                employer.with_context(|| format!("the home directory has no {}", c.organisation))?;
            let licence = c.licence.unwrap_or_else(|| town::licence(now));
            Ok(town::clinician(&c.reference, &c.role, employer, licence, rng))
        };
        self.clinicians.iter().map(&mut holder).collect()
    }
}

/// The types of resources that name a clinician.
pub(crate) const PRACTITIONERS: [&str; 2] = ["Practitioner", "PractitionerRole"];

/// A relative reference of one of these types, as a consent's actors are named.
pub(crate) fn reference(text: &str, types: &[&str]) -> Result<String> {
    let id = text.split_once('/').filter(|(of, _)| types.contains(of)).map(|(_, id)| id);
    let plain = |id: &str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    };
    if !id.is_some_and(plain) {
        bail!("`{text}` is no reference: write {}/ID, as consents do", types[0]);
    }
    Ok(text.to_owned())
}

/// From the beginning of one day to the end of another, in UTC.
pub(crate) fn period(from: &str, until: &str) -> Result<Period> {
    let date = |text: &str| {
        PartialDate::parse(text).map_err(|e| anyhow!("`{text}` is no date: {e}; write it as 2027-12-31"))
    };
    let (from, until) = (date(from)?.period().from(), date(until)?.period().until());
    Period::new(from, until).context("the licence ends before it begins")
}

#[cfg(test)]
mod tests {
    use super::Members;

    const GOOD: &str = r#"
[[organisation]]
reference = "Organization/city"
name = "City Hospital"
may = ["enrol", "anchor", "issue-roles"]

[[organisation]]
reference = "Organization/authority"
may = ["govern"]

[[clinician]]
reference = "Practitioner/amina"
organisation = "Organization/city"
role = "physician"
licence = { from = "2024-01-01", until = "2027-12-31" }

[[clinician]]
reference = "Practitioner/basit"
organisation = "Organization/city"
role = "practitioner-role|pharmacist"
"#;

    #[test]
    fn a_file_of_organisations_and_clinicians_is_read() {
        let members = Members::parse(GOOD).unwrap_or_else(|e| panic!("{e:#}"));
        assert_eq!((members.organisations.len(), members.clinicians.len()), (2, 2));
        assert_eq!(members.organisations[1].1, "Organization/authority", "a name without `name`");
        assert!(members.organisations[1].2.govern && !members.organisations[0].2.govern);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let changed = |from: &str, to: &str| {
            assert!(GOOD.contains(from));
            let error = Members::parse(&GOOD.replacen(from, to, 1)).err().expect("refused");
            format!("{error:#}")
        };
        for (from, to, words) in [
            (
                "\"anchor\"",
                "\"anker\"",
                "line 5: an organisation cannot be let `anker`; known: enrol, anchor",
            ),
            ("Organization/authority", "Organization/city", "line 8: Organization/city is there already"),
            ("\"Organization/city\"", "\"city\"", "line 3: `city` is no reference: write Organization/ID"),
            (
                "organisation = \"Organization/city\"",
                "organisation = \"Organization/x\"",
                "line 13: no [[organisation]]",
            ),
            (
                "organisation = \"Organization/city\"",
                "organisation = \"Organization/authority\"",
                "line 13: Organization/authority issues no",
            ),
            (
                "Practitioner/amina",
                "Patient/amina",
                "line 12: `Patient/amina` is no reference: write Practitioner/ID",
            ),
            ("Practitioner/basit", "Practitioner/amina", "line 18: Practitioner/amina is there already"),
            ("\"physician\"", "\"doctor\"", "line 14: `doctor` is no role"),
            ("2027-12-31", "2027-13-31", "line 15: `2027-13-31` is no date"),
            ("2027-12-31", "2023-12-31", "line 15: the licence ends before it begins"),
            ("name =", "nmae =", "line 4: unknown field"),
            ("may = [\"govern\"]", "may = []", "no organisation governs"),
            ("[\"enrol\", \"anchor\",", "[\"enrol\",", "no organisation is a custodian"),
            ("[[clinician]]", "[[clinician]", "line 11: "),
        ] {
            let said = changed(from, to);
            assert!(said.contains(words), "{to}: {said}");
        }
    }
}
