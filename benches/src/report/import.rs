//! Reading FHIR on one core, and committing to what was read.

use super::measure::{Samples, repeated};
use super::world::{fields, rng, start, world};
use super::{Bound, Options, Outcome, Row};
use amanat_domain::fhir::generate::Generator;
use amanat_domain::fhir::{Item, Layout, Limits, Reader};
use amanat_domain::record::Record;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Bytes that are generated if no folder is given.
const GENERATED: usize = 24_000_000;

/// What came out of reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes read.
    pub bytes: u64,
    /// Resources.
    pub resources: u64,
    /// Records in them.
    pub records: u64,
    /// Problems reported.
    pub problems: u64,
}

impl Tally {
    /// Reads one input to its end.
    pub fn read(&mut self, input: impl BufRead, layout: Layout) {
        for item in Reader::new(input, "input", layout, Limits::default()) {
            match item {
                Item::Resource(_, resource) => {
                    self.resources += 1;
                    self.records += resource.records.len() as u64;
                }
                Item::Deletion(..) | Item::Unread(..) => {}
                Item::Problem(_) => self.problems += 1,
            }
        }
    }
}

/// Generated bundles of at least `bytes` bytes together.
#[must_use]
pub fn generated(bytes: usize) -> Vec<String> {
    let generator = Generator::new(1);
    let mut bundles = vec![generator.organisations()];
    let mut sum = 0;
    for n in 0u32.. {
        if sum >= bytes {
            break;
        }
        let bundle = generator.patient(n);
        sum += bundle.len();
        bundles.push(bundle);
    }
    bundles
}

pub(super) fn rows(options: &Options, say: &dyn Fn(&str)) -> Outcome<Vec<Row>> {
    let group = "Reading FHIR, one core";
    let mut last = Tally::default();
    let (samples, what) = match &options.data {
        Some(folder) => {
            let mut files = Vec::new();
            collect(folder, &mut files)?;
            files.sort();
            say(&format!("reading {} files", files.len()));
            let samples = repeated(options.runs, &mut || {
                last = read_files(&files)?;
                Ok(())
            })?;
            (samples, format!("{} files of the folder given", files.len()))
        }
        None => {
            say("reading generated bundles");
            let bundles = generated(GENERATED);
            let samples = repeated(options.runs, &mut || {
                let mut tally = Tally::default();
                for bundle in &bundles {
                    tally.bytes += bundle.len() as u64;
                    tally.read(bundle.as_bytes(), Layout::Auto);
                }
                last = tally;
                Ok(())
            })?;
            (samples, format!("{} generated bundles in memory", bundles.len()))
        }
    };
    if last.bytes == 0 {
        return Err("nothing to read: the folder holds no .json and no .ndjson".into());
    }
    let mb = last.bytes as f64 / 1e6;
    let note = format!(
        "{what}: {mb:.1} MB, {} resources, {} records, {} problems; parsed, extracted, canonical digest",
        last.resources, last.records, last.problems
    );
    let committing = committing(options)?;
    Ok(vec![
        Row::samples(group, "import", &samples, |s| mb / s, "MB/s").note(note).bound(Bound::AtLeast(20.0)),
        Row::samples(group, "resources", &samples, |s| last.resources as f64 / s, "1/s"),
        Row::time(group, "commitment to a record", &committing)
            .note("16 salted leaves, their tree, the root"),
    ])
}

fn committing(options: &Options) -> Outcome<Samples> {
    let mut rng = rng(1);
    let subject = world(&mut rng)?.wallet().subject();
    let now = start()?;
    repeated(options.many(), &mut || {
        black_box(Record::commit(&fields(now), &subject, "vault/1", &mut rng).root());
        Ok(())
    })
}

fn read_files(files: &[PathBuf]) -> Outcome<Tally> {
    let mut tally = Tally::default();
    for path in files {
        tally.bytes += path.metadata()?.len();
        let lines = path.extension().is_some_and(|e| e == "ndjson");
        let layout = if lines { Layout::Lines } else { Layout::Auto };
        tally.read(BufReader::with_capacity(1 << 16, File::open(path)?), layout);
    }
    Ok(tally)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.extension().is_some_and(|e| e == "json" || e == "ndjson") {
        files.push(path.to_owned());
    }
    Ok(())
}
