//! Which consents of a folder permit which clinicians.

use super::{CompileError, ConsentError, compile, consents_in};
use crate::holder::Holder;
use crate::import::{ImportError, find_files};
use amanat_circuits::gadgets::consent::permits as rules_permit;
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::consent::Compiled;
use amanat_domain::preset::TREATMENT;
use amanat_domain::time::{Period, Timestamp};
use std::path::PathBuf;

/// What a consent of a folder permits.
pub struct Permits {
    /// Its file.
    pub file: PathBuf,
    /// Where in the file.
    pub place: String,
    /// The consent as it compiled, or what stands in the way.
    pub compiled: Result<Compiled, CompileError>,
    /// The names of the clinicians whom it permits access for treatment.
    pub clinicians: Vec<String>,
}

impl Holder {
    /// Whether a consent permits this clinician's ordinary request at `now`, for data of any time.
    #[must_use]
    pub fn may_treat_under(&self, compiled: &Compiled, now: Timestamp) -> bool {
        rules_permit(compiled.terms(), &TREATMENT, &Period::ALWAYS, &self.recipient(), now)
    }
}

/// The consents in these files and folders, each with the clinicians whom it permits an ordinary
/// request for treatment at `now`.
///
/// # Errors
/// [`ConsentError`].
pub fn permits(paths: &[PathBuf], holders: &[Holder], now: Timestamp) -> Result<Vec<Permits>, ConsentError> {
    let files = find_files(paths).map_err(|e: ImportError| ConsentError::Import(Box::new(e)))?;
    let mut all = Vec::new();
    for file in files.found {
        for found in consents_in(&file)?.found {
            let compiled = compile(&found.json, holders, &[], Zones::ANY);
            let may = |h: &&Holder| compiled.as_ref().is_ok_and(|compiled| h.may_treat_under(compiled, now));
            let clinicians = holders.iter().filter(may).map(|h| h.name.clone()).collect();
            all.push(Permits { file: file.clone(), place: found.place, compiled, clinicians });
        }
    }
    Ok(all)
}
