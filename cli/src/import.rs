//! `amanat import`, and reading FHIR files for everybody else.

use crate::args::ImportArgs;
use crate::ui::{self, Ui};
use amanat_domain::fhir::{Item, Layout, Limits, Lost, Problem, Reader, Resource};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `amanat import` without `--anchor`.
pub(crate) fn run(args: &ImportArgs, ui: Ui) -> Result<()> {
    let started = Instant::now();
    let options =
        Options { strict: args.strict, max_resource: args.max_resource, keep_problems: args.problems };
    let summary = read(&files(&args.paths)?, options, ui, |_, _| Ok(true))?;
    report(&summary, started, ui);
    Ok(())
}

/// What reading some files came to.
#[derive(Default)]
pub(crate) struct Summary {
    pub files: u64,
    pub bytes: u64,
    pub resources: BTreeMap<&'static str, u64>,
    pub records: u64,
    pub problems: BTreeMap<String, u64>,
    pub kept: Vec<Problem>,
    pub lost_resources: u64,
    pub lost_files: u64,
}

/// Options of [`read`].
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub strict: bool,
    pub max_resource: usize,
    pub keep_problems: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { strict: false, max_resource: Limits::default().resource_bytes, keep_problems: 20 }
    }
}

/// Every FHIR file under the paths, sorted, so that two runs read in the same order.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).with_context(|| {
            format!("cannot read {}: give a FHIR file or a folder of them", path.display())
        })?;
        if kind.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    if found.is_empty() {
        bail!("no .json or .ndjson file under the paths given");
    }
    Ok(found)
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let entry = entry?;
        // Links are not followed: a folder that links to itself would never end.
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, found)?;
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("json") || e.eq_ignore_ascii_case("ndjson"))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads the files one after the other; each resource goes to `take`, which says whether to go on.
pub(crate) fn read(
    files: &[PathBuf],
    options: Options,
    ui: Ui,
    mut take: impl FnMut(&Path, Resource) -> Result<bool>,
) -> Result<Summary> {
    let total: u64 = files.iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
    let bar = ui.bar(total, "reading FHIR");
    let mut summary = Summary::default();
    let limits = Limits { resource_bytes: options.max_resource, ..Limits::default() };
    'files: for path in files {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let length = file.metadata()?.len();
        let lines = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ndjson"));
        let layout = if lines { Layout::Lines } else { Layout::Auto };
        let label = path.display().to_string();
        summary.files += 1;
        for item in Reader::new(BufReader::with_capacity(1 << 16, file), label, layout, limits) {
            match item {
                Item::Resource(_, resource) => {
                    let name = amanat_domain::fhir::type_name(resource.resource_type);
                    *summary.resources.entry(name).or_default() += 1;
                    summary.records += resource.records.len() as u64;
                    if !take(path, *resource)? {
                        break 'files;
                    }
                }
                Item::Deletion(..) => {}
                Item::Problem(problem) => {
                    if options.strict {
                        bail!(
                            "{problem}\n(--strict stops at the first problem; without it the rest is read)"
                        );
                    }
                    match problem.lost {
                        Lost::Resource => summary.lost_resources += 1,
                        Lost::RestOfFile => summary.lost_files += 1,
                        Lost::Nothing | Lost::Element => {}
                    }
                    *summary.problems.entry(problem.reason.to_string()).or_default() += 1;
                    if summary.kept.len() < options.keep_problems {
                        summary.kept.push(problem);
                    }
                }
            }
        }
        summary.bytes += length;
        bar.inc(length);
    }
    bar.finish_and_clear();
    Ok(summary)
}

/// Prints a summary.
pub(crate) fn report(summary: &Summary, started: Instant, ui: Ui) {
    let elapsed = started.elapsed();
    let rate = summary.bytes as f64 / 1e6 / elapsed.as_secs_f64().max(1e-9);
    ui.say(format!(
        "{} files, {} in {} ({rate:.0} MB/s): {} resources, {} records",
        summary.files,
        ui::bytes(summary.bytes),
        ui::seconds(elapsed),
        summary.resources.values().sum::<u64>(),
        summary.records,
    ));
    let mut rows = vec![vec!["resource".to_owned(), "read".to_owned()]];
    rows.extend(summary.resources.iter().map(|(name, n)| vec![(*name).to_owned(), n.to_string()]));
    ui.table(&rows);
    if !summary.problems.is_empty() {
        ui.say("");
        let mut rows = vec![vec!["not understood".to_owned(), "times".to_owned()]];
        rows.extend(summary.problems.iter().map(|(reason, n)| vec![reason.clone(), n.to_string()]));
        ui.table(&rows);
        ui.say("");
        for problem in &summary.kept {
            ui.say(format!("  {problem}"));
        }
        let all: u64 = summary.problems.values().sum();
        if all > summary.kept.len() as u64 {
            ui.say(format!("  .. and {} more (--problems N prints more)", all - summary.kept.len() as u64));
        }
    }
    ui.document(&serde_json::json!({
        "files": summary.files,
        "bytes": summary.bytes,
        "seconds": elapsed.as_secs_f64(),
        "resources": summary.resources,
        "records": summary.records,
        "problems": summary.problems,
        "first_problems": summary.kept.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "lost_resources": summary.lost_resources,
        "lost_rest_of_files": summary.lost_files,
    }));
}
