//! Consents: found in FHIR files, compiled, granted by proof, kept in wallets, revoked.

mod found;
mod grant;
mod held;
mod permits;
mod terms;
mod whose;

pub use found::{Consents, Found, consents_in, one_in};
pub use grant::{GrantError, GrantRequest, Granted, RevokeError};
pub use held::{HeldConsent, Reservation, UseError};
pub use permits::{Permits, permits};
pub use whose::Whose;

use crate::holder::Holder;
use crate::import::ImportError;
use crate::organisation::Organisation;
use crate::vault::VaultError;
use amanat_domain::consent::Grantee;
use amanat_domain::fhir::consent::{Actors, Compiled, Refusals, compile as compile_fhir};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{SubjectReference, Zones};
use std::io;
use std::path::PathBuf;

/// Why a Consent cannot be found, or not told whose it is.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The file is too long to be one document.
    #[error(
        "{} is larger than {most} bytes: write it as NDJSON, one resource a line (.ndjson)",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        most: usize,
    },
    /// What is at the place is no FHIR.
    #[error("{}: {place}: {why}", path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The file has no Consent.
    #[error("{}: no Consent in it", path.display())]
    None {
        /// The file.
        path: PathBuf,
    },
    /// The file has not the Consent that was chosen.
    #[error("{}: no such Consent in it; its Consents: {there}", path.display())]
    NoSuch {
        /// The file.
        path: PathBuf,
        /// The places of its Consents.
        there: String,
    },
    /// The file has several Consents.
    #[error(
        "{}: several Consents: choose one, by its entry, id or place; they are: {there}",
        path.display()
    )]
    Several {
        /// The file.
        path: PathBuf,
        /// The places of its Consents.
        there: String,
    },
    /// The patient named may be one of several.
    #[error(
        "Consent.patient: {named} may be {} patients ({}): say whose ids the file's are with --source, or that it is the one \
         named with --patient by --even-so",
        all.len(),
        all.join(", ")
    )]
    SeveralPatients {
        /// As the Consent names the patient.
        named: String,
        /// The patients.
        all: Vec<String>,
    },
    /// The vault is no use.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The file cannot be read as an import reads it.
    #[error(transparent)]
    Import(#[from] Box<ImportError>),
}

/// Why the JSON of a Consent is not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Not JSON.
    #[error("{0}")]
    Json(String),
    /// It cannot be represented, and nothing is widened to fit.
    #[error(transparent)]
    Refused(#[from] Refusals),
}

impl CompileError {
    /// All that stands in the way, if the Consent was read.
    #[must_use]
    pub const fn refusals(&self) -> Option<&Refusals> {
        match self {
            Self::Refused(refusals) => Some(refusals),
            Self::Json(_) => None,
        }
    }
}

/// The actors whom a consent may name: clinicians by their references, organisations with their
/// names.
fn directory(holders: &[Holder], organisations: &[Organisation]) -> Actors {
    let actors = holders
        .iter()
        .fold(Actors::new(), |actors, h| actors.with(h.name.clone(), Grantee::Holder(h.credential.holder)));
    organisations.iter().fold(actors, |actors, o| actors.named(o.reference.clone(), o.name.clone()))
}

/// Compiles the JSON of a FHIR Consent. Clinicians are known by their references, organisations by
/// theirs; `organisations` adds their names to explanations. `zones`: of dates without a zone,
/// [`Zones::ANY`] if the operator named none.
///
/// # Errors
/// [`CompileError`].
pub fn compile(
    json: &str,
    holders: &[Holder],
    organisations: &[Organisation],
    zones: Zones,
) -> Result<Compiled, CompileError> {
    let json = Json::parse(json.as_bytes()).map_err(|e| CompileError::Json(e.kind.to_string()))?;
    Ok(compile_fhir(&json, &directory(holders, organisations), zones)?)
}

/// How a consent names its patient, for people: the reference, or that an identifier names the
/// patient.
#[must_use]
pub fn patient_named(patient: &SubjectReference) -> String {
    let words = match &patient.literal {
        Some(literal) => literal.clone(),
        // The number of a person is not for a terminal.
        None => "a patient named by an identifier".to_owned(),
    };
    // A text of a file: nothing in it moves the cursor.
    words.escape_debug().to_string()
}

/// A FHIR Consent that permits one organisation access for one purpose until a day: for patients
/// whose data has none.
///
/// ```
/// use amanat_client::consent::{compile, template};
/// let json = template("Patient/1", "Organization/a", "TREAT", "2099-12-31");
/// let compiled = compile(&json, &[], &[], amanat_domain::fhir::Zones::ANY).unwrap();
/// assert_eq!(compiled.terms().rules().len(), 1);
/// ```
#[must_use]
pub fn template(patient: &str, organisation: &str, purpose: &str, until: &str) -> String {
    serde_json::json!({
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy",
        }]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "policyRule": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT",
        }]},
        "provision": {
            "type": "permit",
            "period": {"end": until},
            "actor": [{
                "role": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP",
                }]},
                "reference": {"reference": organisation},
            }],
            "action": [{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "access",
            }]}],
            "purpose": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose,
            }],
        },
    })
    .to_string()
}
