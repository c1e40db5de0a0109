//! Reads a folder of FHIR R4 without a ledger: what becomes of each resource, and what the consents
//! mean.
//!
//! `cargo run -p amanat --example import_fhir`
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use amanat::prelude::*;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    devnet::write_data(dir.path(), 7, 5)?;

    let files = import::find_files(&[dir.path().to_path_buf()])?;
    let mut report = ImportReport::new(Level::Element, 20);
    let surveyed =
        import::survey(&files, &ReadOptions::default(), Some(Vec::new()), &mut report, &NoProgress)?;
    let patients = surveyed.register.people().iter().filter(|p| p.here).count();
    println!("{} files, {patients} patients, {} records", surveyed.counts.files_read, surveyed.counts.leaves);
    for (kind, n) in &surveyed.counts.types {
        println!("  {n:>4} {kind}");
    }
    for problem in report.kept() {
        println!("  {problem}");
    }

    for file in &files.found {
        for found in consent::consents_in(file)?.found {
            match consent::compile(&found.json, &[], &[], Zones::UTC) {
                Ok(compiled) => println!("{}:\n{}", found.place, compiled.explain()),
                // What cannot be represented is refused, never widened.
                Err(error) => println!("{}: refused: {error}", found.place),
            }
        }
    }
    Ok(())
}
