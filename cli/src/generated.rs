//! `amanat generate`: a folder of made-up FHIR bundles.

use amanat_domain::fhir::generate::Generator;
use anyhow::{Context, Result};
use std::path::Path;

/// The hospitals that the generated consents name.
pub(crate) const HOSPITALS: [&str; 2] = ["Organization/hospital-lahore", "Organization/hospital-karachi"];

/// Writes one bundle of organisations and one for each patient.
pub(crate) fn write_folder(dir: &Path, seed: u64, patients: usize) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let generator = Generator::new(seed);
    let write = |name: String, text: String| {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("00-organisations.json".to_owned(), generator.organisations())?;
    for n in 0..u32::try_from(patients).context("that many patients")? {
        write(format!("patient-{n:05}.json"), generator.patient(n))?;
    }
    Ok(())
}
