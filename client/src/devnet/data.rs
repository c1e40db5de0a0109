//! A folder of made-up FHIR bundles.

use amanat_domain::fhir::generate::Generator;
use std::io;
use std::path::Path;

/// The hospitals that the generated consents name.
pub const HOSPITALS: [&str; 2] = ["Organization/hospital-lahore", "Organization/hospital-karachi"];

/// Writes one bundle of organisations and one for each patient; the folder is made if it is not
/// there.
///
/// # Errors
/// What the disk says, with the path.
///
/// ```
/// let dir = tempfile::tempdir().unwrap();
/// amanat_client::devnet::write_data(dir.path(), 1, 2).unwrap();
/// assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
/// ```
pub fn write_data(dir: &Path, seed: u64, patients: u32) -> io::Result<()> {
    let told =
        |path: &Path, e: io::Error| io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display()));
    std::fs::create_dir_all(dir).map_err(|e| told(dir, e))?;
    let generator = Generator::new(seed);
    let write = |name: String, text: String| {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|e| told(&path, e))
    };
    write("00-organisations.json".to_owned(), generator.organisations())?;
    (0..patients).try_for_each(|n| write(format!("patient-{n:05}.json"), generator.patient(n)))
}
