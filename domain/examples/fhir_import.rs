//! Reads every FHIR file under the folders and files named, and says how fast and what was wrong.
//!
//! `cargo run --release -p amanat-domain --example fhir_import -- FOLDER..` (one core; reading,
//! extraction and digest).

// A measuring tool: it prints, and it times.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use amanat_domain::fhir::{Item, Layout, Limits, Reader, type_name};

fn main() -> std::io::Result<()> {
    let mut files = Vec::new();
    for arg in std::env::args_os().skip(1) {
        collect(Path::new(&arg), &mut files)?;
    }
    files.sort();
    let (mut bytes, mut resources, mut records) = (0u64, 0u64, 0u64);
    let mut types: BTreeMap<&str, u64> = BTreeMap::new();
    let mut problems: BTreeMap<String, u64> = BTreeMap::new();
    let begun = Instant::now();
    for (n, path) in files.iter().enumerate() {
        bytes += path.metadata()?.len();
        let lines = path.extension().is_some_and(|e| e == "ndjson");
        let layout = if lines { Layout::Lines } else { Layout::Auto };
        let input = BufReader::with_capacity(1 << 16, File::open(path)?);
        for item in Reader::new(input, format!("file {n}"), layout, Limits::default()) {
            match item {
                Item::Resource(_, resource) => {
                    resources += 1;
                    records += resource.records.len() as u64;
                    *types.entry(type_name(resource.resource_type)).or_default() += 1;
                }
                Item::Deletion(..) | Item::Unread(..) => {}
                Item::Problem(problem) => {
                    *problems.entry(format!("{}: {}", problem.path, problem.reason)).or_default() += 1;
                }
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let mb = bytes as f64 / 1e6;
    for (name, count) in types {
        println!("{count:>9}  {name}");
    }
    for (problem, count) in problems {
        println!("{count:>9}  problem: {problem}");
    }
    println!("{} files, {mb:.1} MB, {resources} resources, {records} records", files.len());
    println!("{seconds:.2} s, {:.1} MB/s on one core", mb / seconds);
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.extension().is_some_and(|e| e == "json" || e == "ndjson") {
        files.push(path.to_owned());
    }
    Ok(())
}
