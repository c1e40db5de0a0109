//! Whose consent a Consent is: the patient it names, among those of the vault.

use super::{Found, patient_named};
use crate::import::{self, Files, Options};
use crate::report::{Report, person_of};
use crate::ui::Ui;
use crate::vault::Vault;
use amanat_domain::fhir::SubjectReference;
use amanat_domain::fhir::identity::Source;
use amanat_domain::record::ResourceType;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::Path;

/// Whose a consent is.
pub(crate) enum Whose {
    /// The patient's with this wallet.
    Of(String),
    /// Of nobody whom the vault knows; in words.
    Unknown(String),
}

/// The patient of a Consent, told as in an import of its file. `source`: whose ids the file has, where the operator said so.
///
/// If the file does not say where an id belongs, `wallet` is the patient whom the operator says it means: so it does, if that patient
/// has the id and no other of the vault has it.
pub(crate) fn whose(
    vault: &Vault,
    file: &Path,
    found: &Found,
    reference: &SubjectReference,
    source: Option<&Source>,
    wallet: Option<&str>,
) -> Result<Whose> {
    if let Some(person) = named_in(vault, file, found, source)? {
        return Ok(Whose::Of(person));
    }
    let named = patient_named(reference);
    let unknown = || Ok(Whose::Unknown(format!("{named}, whom the vault does not know")));
    let Some(literal) = reference.literal.as_deref() else {
        return Ok(Whose::Unknown(named));
    };
    // An id of a Bundle, of a named source, or in a URL says where it belongs, and nobody is there.
    let says_where = found.entry.is_some() || source.is_some() || literal.contains(':');
    if says_where || wallet.is_none() {
        return unknown();
    }
    let literal = literal.trim();
    let literal = literal.split_once("/_history").map_or(literal, |(plain, _)| plain);
    let mut meant = BTreeSet::new();
    for known in vault.known()?.into_iter().filter(|known| known.name.local() == literal) {
        meant.insert(vault.wallet_of(u32::try_from(known.person).context("a patient's number")?)?);
    }
    let all: Vec<&str> = meant.iter().map(String::as_str).collect();
    match all[..] {
        [] => unknown(),
        [one] => Ok(Whose::Of(one.to_owned())),
        _ => bail!(
            "Consent.patient: {named} may be {} patients ({}): say whose ids the file's are with --source, or that it is the one \
             named with --patient by --even-so",
            all.len(),
            all.join(", ")
        ),
    }
}

/// The wallet of the patient whom the Consent names, by the rules of an import.
fn named_in(vault: &Vault, file: &Path, found: &Found, source: Option<&Source>) -> Result<Option<String>> {
    let files = Files { found: vec![file.to_path_buf()], ignored: Vec::new() };
    let options = Options { source: source.cloned(), ..Options::default() };
    let silent = Ui::new(false, true).silent_if(true);
    let surveyed = import::survey(&files, &options, Some(vault.known()?), &mut Report::silent(), silent)?;
    let mut person = None;
    surveyed.replay(silent, "", |number, _, place, resource| {
        if resource.resource_type == ResourceType::Consent && place.to_string() == found.place {
            person = person_of(surveyed.register.verdict(number));
        }
        Ok(person.is_none())
    })?;
    let known = person.and_then(|person| surveyed.register.people().get(person as usize)?.known);
    known.map(|known| vault.wallet_of(u32::try_from(known).context("a patient's number")?)).transpose()
}
