//! The patient of a Consent, among the patients of the vault.

use super::{ConsentError, Found, patient_named};
use crate::import::{Files, ImportError, ImportReport, ReadOptions, person_of, survey};
use crate::progress::NoProgress;
use crate::vault::{Vault, VaultError, person_number};
use amanat_domain::fhir::SubjectReference;
use amanat_domain::fhir::identity::Source;
use amanat_domain::record::ResourceType;
use std::collections::BTreeSet;
use std::path::Path;

/// The patient of a consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The patient with the wallet of this name.
    Of(String),
    /// A patient whom the vault does not know; in words.
    Unknown(String),
}

/// The patient of a Consent, told as in an import of its file. `source`: where the ids of the file
/// belong, if the operator said so.
///
/// If the file does not say where an id belongs, `wallet` is the patient whom the operator says it
/// means: so it does, if that patient has the id and no other patient of the vault has it.
pub(super) fn whose(
    vault: &Vault,
    file: &Path,
    found: &Found,
    reference: &SubjectReference,
    source: Option<&Source>,
    wallet: Option<&str>,
) -> Result<Whose, ConsentError> {
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
        meant.insert(vault.wallet_of(person_number(known.person)?)?);
    }
    match (meant.len(), meant.first()) {
        (1, Some(one)) => Ok(Whose::Of(one.clone())),
        (_, None) => unknown(),
        _ => Err(ConsentError::SeveralPatients { named, all: meant.into_iter().collect() }),
    }
}

/// The wallet of the patient whom the Consent names, by the rules of an import.
fn named_in(
    vault: &Vault,
    file: &Path,
    found: &Found,
    source: Option<&Source>,
) -> Result<Option<String>, ConsentError> {
    let files = Files { found: vec![file.to_path_buf()], ignored: Vec::new() };
    let options = ReadOptions { source: source.cloned(), ..ReadOptions::default() };
    let known = Some(vault.known()?);
    let person = || -> Result<_, ImportError> {
        let surveyed = survey(&files, &options, known, &mut ImportReport::default(), &NoProgress)?;
        let mut person = None;
        surveyed.replay(&NoProgress, "", |number, _, place, resource| {
            if resource.resource_type == ResourceType::Consent && place.to_string() == found.place {
                person = person_of(surveyed.register.verdict(number));
            }
            Ok(person.is_none())
        })?;
        Ok(person.and_then(|person| surveyed.register.people().get(person as usize)?.known))
    };
    let wallet = |known: usize| -> Result<String, VaultError> { vault.wallet_of(person_number(known)?) };
    Ok(person().map_err(Box::new)?.map(wallet).transpose()?)
}
