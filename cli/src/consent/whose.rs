//! Whose consent a Consent is: the patient it names, among those of the vault.

use super::patient_named;
use crate::vault::Vault;
use amanat_domain::fhir::Stored;
use amanat_domain::fhir::SubjectReference;
use amanat_domain::fhir::identity::{Name, Source, Stands, type_of_reference};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

/// Whether the reference of a consent means the patient with this wallet.
pub(crate) enum Whose {
    Theirs,
    /// It names another patient of the vault, with this wallet.
    Of(String),
    /// It names nobody whom the vault knows; in words.
    Unknown(String),
}

/// Reads a Consent's `patient`. `full_url`: of the Consent's entry. `source`: whose ids its file has, where the operator said so.
///
/// A whole name means one patient. An id without a base means whoever has it, if only one of the vault's patients does.
pub(crate) fn whose(
    vault: &Vault,
    wallet: &str,
    reference: &SubjectReference,
    full_url: Option<&str>,
    source: Option<&Source>,
) -> Result<Whose> {
    let named = patient_named(reference);
    let Some(literal) = reference.literal.as_deref() else {
        return Ok(Whose::Unknown(format!("{named}, by an identifier alone")));
    };
    if let Some(other) = type_of_reference(literal).filter(|name| *name != "Patient") {
        return Ok(Whose::Unknown(format!("{named}, a {other}")));
    }
    let folder = Source::folder("");
    let stands = Stands { source: source.unwrap_or(&folder), bundle: None, full_url, stored: Stored::Unsaid };
    let candidates = stands.candidates(literal);
    let exact = |name: &Name| candidates.contains(name);
    // Without a base in the consent, and without a source, an id is all there is.
    let says_where = source.is_some() || candidates.iter().any(|name| name.as_str().starts_with("https://"));
    let is_meant = |name: &Name| if says_where { exact(name) } else { name.local() == literal_of(literal) };
    let mut meant = BTreeSet::new();
    for known in vault.known()?.into_iter().filter(|known| is_meant(&known.name)) {
        meant.insert(vault.wallet_of(u32::try_from(known.person).context("a patient's number")?)?);
    }
    if meant.len() > 1 {
        let all: Vec<&str> = meant.iter().map(String::as_str).collect();
        bail!(
            "Consent.patient: {named} may be {} patients ({}): say whose ids the file's are with --source",
            meant.len(),
            all.join(", ")
        );
    }
    Ok(match meant.first() {
        Some(one) if one == wallet => Whose::Theirs,
        Some(one) => Whose::Of(one.clone()),
        None => Whose::Unknown(format!("{named}, whom the vault does not know")),
    })
}

/// `Patient/1` of `Patient/1/_history/2`.
fn literal_of(literal: &str) -> &str {
    let literal = literal.trim();
    literal.split_once("/_history").map_or(literal, |(plain, _)| plain)
}
