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

use super::ledger::{member, spec};
use crate::client::OpenError;
use crate::holder::{Holder, PRACTITIONERS};
use crate::home::Home;
use crate::organisation::Organisation;
use crate::role::Role;
use amanat_domain::fhir::PartialDate;
use amanat_domain::time::{Period, Timestamp};
use amanat_ledger::{AllRoles, CapabilitiesSpec, RolesSpec};
use rand::CryptoRng;
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Longest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// What an organisation may do, in the words of the file.
const CAPABILITIES: &str = "enrol, anchor, issue-roles, govern";

/// Why a file of members is refused.
#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// It is too long.
    #[error("{}: {length} bytes, at most {MAX_BYTES} are read", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },
    /// What it says is refused.
    #[error("{} is refused", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: MembersProblem,
    },
    /// A clinician's organisation has no key in the home directory.
    #[error("the home directory has no {0}")]
    NoEmployer(String),
}

/// What is wrong with a file of members.
#[derive(Debug, PartialEq, Eq)]
pub struct MembersProblem {
    /// Line, from 1; `None` if the file as a whole is wrong.
    line: Option<usize>,
    why: String,
}

impl core::fmt::Display for MembersProblem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl core::error::Error for MembersProblem {}

fn problem(line: impl Into<Option<usize>>, why: impl Into<String>) -> MembersProblem {
    MembersProblem { line: line.into(), why: why.into() }
}

/// Organisations with what they may do, and clinicians with a licence: checked against each other.
pub struct Members {
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
    ///
    /// # Errors
    /// [`MembersError`].
    pub fn read(path: &Path) -> Result<Self, MembersError> {
        let read = |source| MembersError::Read { path: path.to_path_buf(), source };
        let length = std::fs::metadata(path).map_err(read)?.len();
        if length > MAX_BYTES {
            return Err(MembersError::TooLong { path: path.to_path_buf(), length });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        Self::parse(&text).map_err(|source| MembersError::Refused { path: path.to_path_buf(), source })
    }

    fn parse(text: &str) -> Result<Self, MembersProblem> {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
        let file: File =
            toml::from_str(text).map_err(|e| problem(e.span().map(|span| line(span.start)), e.message()))?;
        let mut members = Self { organisations: Vec::new(), clinicians: Vec::new() };
        for table in &file.organisations {
            members.take_organisation(table, &line)?;
        }
        for table in &file.clinicians {
            members.take_clinician(table, &line)?;
        }
        let organisations = &members.organisations;
        if !organisations.iter().any(|(_, _, may)| may.govern) {
            let why = "no organisation governs, and the keys could not be installed: let one \"govern\"";
            return Err(problem(None, why));
        }
        if !organisations.iter().any(|(_, _, may)| may.enrol && may.anchor) {
            return Err(problem(None, "no organisation is a custodian: let one \"enrol\" and \"anchor\""));
        }
        Ok(members)
    }

    fn take_organisation(
        &mut self,
        table: &OrganisationTable,
        line: &dyn Fn(usize) -> usize,
    ) -> Result<(), MembersProblem> {
        let at = line(table.reference.span().start);
        let reference = parse_reference(table.reference.as_ref(), &["Organization"])
            .map_err(|why| problem(at, why.to_string()))?;
        if self.organisations.iter().any(|(there, ..)| *there == reference) {
            return Err(problem(at, format!("{reference} exists already")));
        }
        let mut may = CapabilitiesSpec::default();
        for word in &table.may {
            match word.as_ref().as_str() {
                "enrol" => may.enrol = true,
                "anchor" => may.anchor = true,
                "govern" => may.govern = true,
                "issue-roles" => may.issue_roles = RolesSpec::All(AllRoles::All),
                other => {
                    let why = format!("an organisation cannot be let `{other}`; known: {CAPABILITIES}");
                    return Err(problem(line(word.span().start), why));
                }
            }
        }
        self.organisations.push((reference.clone(), table.name.clone().unwrap_or(reference), may));
        Ok(())
    }

    fn take_clinician(
        &mut self,
        table: &ClinicianTable,
        line: &dyn Fn(usize) -> usize,
    ) -> Result<(), MembersProblem> {
        let at = line(table.reference.span().start);
        let reference = parse_reference(table.reference.as_ref(), &PRACTITIONERS)
            .map_err(|why| problem(at, why.to_string()))?;
        if self.clinicians.iter().any(|there| there.reference == reference) {
            return Err(problem(at, format!("{reference} exists already")));
        }
        let at = line(table.organisation.span().start);
        let employer = table.organisation.as_ref();
        match self.organisations.iter().find(|(reference, ..)| reference == employer) {
            None => {
                let why = format!("no [[organisation]] of this file has the reference {employer}");
                return Err(problem(at, why));
            }
            Some((_, _, may)) if may.issue_roles == RolesSpec::default() => {
                let why = format!("{employer} issues no credentials: add \"issue-roles\" to what it may");
                return Err(problem(at, why));
            }
            Some(_) => {}
        }
        let role = Role::parse(table.role.as_ref())
            .map_err(|why| problem(line(table.role.span().start), why.to_string()))?;
        let licence = table.licence.as_ref().map(|licence| {
            let LicenceTable { from, until } = licence.as_ref();
            licence_period(from, until).map_err(|why| problem(line(licence.span().start), why.to_string()))
        });
        let licence = licence.transpose()?;
        self.clinicians.push(Clinician { reference, organisation: employer.clone(), role, licence });
        Ok(())
    }

    /// Makes a home directory the one of these organisations, with new keys, and of a ledger of
    /// theirs.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn initialise_home(
        &self,
        home: &Home,
        chain: &str,
        start: Timestamp,
        epoch_seconds: u32,
    ) -> Result<(), OpenError> {
        let mut rng = rand::rng();
        let organisations: Vec<Organisation> = self
            .organisations
            .iter()
            .map(|(reference, name, _)| Organisation::new(reference, name, &mut rng))
            .collect();
        let may = self.organisations.iter().map(|(_, _, may)| may.clone());
        let members = organisations.iter().zip(may).map(|(o, may)| member(o, may)).collect();
        let genesis = spec(chain, start, epoch_seconds, members, Vec::new())?;
        home.initialise(&organisations, &genesis)
    }

    /// The clinicians, with credentials to be issued.
    ///
    /// # Errors
    /// [`MembersError::NoEmployer`].
    pub fn holders(
        &self,
        organisations: &[Organisation],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Holder>, MembersError> {
        let mut holder = |c: &Clinician| {
            let employer = organisations.iter().find(|o| o.reference == c.organisation);
            let employer = employer.ok_or_else(|| MembersError::NoEmployer(c.organisation.clone()))?;
            let licence = c.licence.unwrap_or_else(|| super::licence(now));
            Ok(Holder::new(&c.reference, &c.role, employer, licence, rng))
        };
        self.clinicians.iter().map(&mut holder).collect()
    }
}

/// A text that is no relative reference.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a reference: write {expected}/ID, as consents do")]
pub struct NoReference {
    text: String,
    expected: String,
}

/// Why a licence is refused.
#[derive(Debug, thiserror::Error)]
pub enum LicenceError {
    /// A day is none.
    #[error("`{text}` is not a date: {why}; write it as 2027-12-31")]
    NoDate {
        /// As written.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// It ends before it begins.
    #[error("the licence ends before it begins")]
    Backwards,
}

/// A relative reference of one of these types, as consents name actors.
///
/// # Errors
/// [`NoReference`].
pub fn parse_reference(text: &str, types: &[&str]) -> Result<String, NoReference> {
    let id = text.split_once('/').filter(|(of, _)| types.contains(of)).map(|(_, id)| id);
    let plain = |id: &str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    };
    if !id.is_some_and(plain) {
        let expected = types.first().copied().unwrap_or_default().to_owned();
        return Err(NoReference { text: text.to_owned(), expected });
    }
    Ok(text.to_owned())
}

/// The days of a date that may lack day or month.
fn days(text: &str) -> Result<Period, LicenceError> {
    let date = PartialDate::parse(text);
    date.map(|d| d.period()).map_err(|e| LicenceError::NoDate { text: text.to_owned(), why: e.to_string() })
}

/// From the beginning of one day to the end of another, in UTC.
///
/// # Errors
/// [`LicenceError`].
pub fn licence_period(from: &str, until: &str) -> Result<Period, LicenceError> {
    Period::new(days(from)?.from(), days(until)?.until()).ok_or(LicenceError::Backwards)
}

/// A licence with the usual ends where none is given.
///
/// # Errors
/// [`LicenceError`].
pub fn licence_between(
    from: Option<&str>,
    until: Option<&str>,
    now: Timestamp,
) -> Result<Period, LicenceError> {
    let usual = super::licence(now);
    let from = from.map(days).transpose()?.map_or(usual.from(), |d| d.from());
    let until = until.map(days).transpose()?.map_or(usual.until(), |d| d.until());
    Period::new(from, until).ok_or(LicenceError::Backwards)
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
        let members = Members::parse(GOOD).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((members.organisations.len(), members.clinicians.len()), (2, 2));
        assert_eq!(members.organisations[1].1, "Organization/authority", "a name without `name`");
        assert!(members.organisations[1].2.govern && !members.organisations[0].2.govern);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let changed = |from: &str, to: &str| {
            assert!(GOOD.contains(from));
            let error = Members::parse(&GOOD.replacen(from, to, 1)).err().expect("refused");
            error.to_string()
        };
        for (from, to, words) in [
            (
                "\"anchor\"",
                "\"anker\"",
                "line 5: an organisation cannot be let `anker`; known: enrol, anchor",
            ),
            ("Organization/authority", "Organization/city", "line 8: Organization/city exists already"),
            ("\"Organization/city\"", "\"city\"", "line 3: `city` is not a reference: write Organization/ID"),
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
                "line 12: `Patient/amina` is not a reference: write Practitioner/ID",
            ),
            ("Practitioner/basit", "Practitioner/amina", "line 18: Practitioner/amina exists already"),
            ("\"physician\"", "\"doctor\"", "line 14: `doctor` is not a role"),
            ("2027-12-31", "2027-13-31", "line 15: `2027-13-31` is not a date"),
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
