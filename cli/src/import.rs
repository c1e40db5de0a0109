//! `amanat import`, and reading FHIR files for everybody else.
//!
//! Files are read once into a [`Survey`](amanat_domain::fhir::survey), which says what becomes of each resource; whoever wants the
//! resources reads them again ([`Surveyed::replay`]), in the same order.

use crate::args::import::ImportArgs;
use crate::report::{Counts, Report};
use crate::ui::Ui;
use amanat_domain::fhir::identity::Source;
use amanat_domain::fhir::survey::{KnownPatient, Register, Survey};
use amanat_domain::fhir::{
    Head, Item, Layout, Limits, Lost, Place, Problem, Reader, Reason, Resource, Zones, type_name,
};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `amanat import` without `--anchor`.
pub(crate) fn run(args: &ImportArgs, ui: Ui) -> Result<()> {
    let started = Instant::now();
    let files = files(&args.paths)?;
    let mut report = Report::new(args)?;
    let surveyed = survey(&files, &Options::of(args)?, None, &mut report, ui)?;
    report.finish(&surveyed, started, ui)?;
    report.verdict()
}

/// How to read.
#[derive(Clone)]
pub(crate) struct Options {
    pub max_resource: usize,
    pub source: Option<Source>,
    pub zones: Zones,
    /// Systems whose identifiers name one person.
    pub same_patient_by: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_resource: Limits::default().resource_bytes,
            source: None,
            zones: Zones::UTC,
            same_patient_by: Vec::new(),
        }
    }
}

impl Options {
    pub(crate) fn of(args: &ImportArgs) -> Result<Self> {
        let source = args.source.as_deref().map(Source::named).transpose().context("--source")?;
        Ok(Self {
            max_resource: args.max_resource,
            source,
            zones: args.zone.unwrap_or(Zones::UTC),
            same_patient_by: args.same_patient_by.clone(),
        })
    }
}

/// Files that were found under paths.
pub(crate) struct Files {
    pub found: Vec<PathBuf>,
    /// Files of other kinds and links, which are not read.
    pub ignored: Vec<PathBuf>,
}

/// Every FHIR file under the paths, sorted, so that two runs read in the same order.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Files> {
    let mut files = Files { found: Vec::new(), ignored: Vec::new() };
    for path in paths {
        let kind = std::fs::metadata(path).with_context(|| {
            format!("cannot read {}: give a FHIR file or a folder of them", path.display())
        })?;
        if kind.is_dir() {
            walk(path, &mut files)?;
        } else {
            files.found.push(path.clone());
        }
    }
    files.found.sort();
    // One path given twice is one file.
    files.found.dedup();
    if files.found.is_empty() {
        bail!("no .json or .ndjson file under the paths given");
    }
    Ok(files)
}

fn walk(dir: &Path, files: &mut Files) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let entry = entry?;
        // Links are not followed: a folder that links to itself would never end.
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, files)?;
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("json") || e.eq_ignore_ascii_case("ndjson"))
        {
            files.found.push(path);
        } else {
            files.ignored.push(path);
        }
    }
    Ok(())
}

/// What a survey of files came to.
pub(crate) struct Surveyed<'f> {
    files: &'f [PathBuf],
    options: Options,
    pub register: Register,
    pub counts: Counts,
}

/// Reads the files one after the other and says what becomes of each resource. `known`: the patients known from before, where resources
/// are to be joined with patients.
pub(crate) fn survey<'f>(
    files: &'f Files,
    options: &Options,
    known: Option<Vec<KnownPatient>>,
    report: &mut Report,
    ui: Ui,
) -> Result<Surveyed<'f>> {
    let empty = known.map_or_else(Survey::reading, |known| Survey::joining().knowing(known));
    let mut survey =
        options.same_patient_by.iter().fold(empty, |survey, system| survey.same_patient_by(system));
    let ignored = files.ignored.len() as u64;
    let mut counts = Counts { ignored_files: ignored, ..Counts::default() };
    for path in &files.ignored {
        report.problem(Problem {
            file: path.display().to_string(),
            place: Place::default(),
            path: String::new(),
            reason: Reason::OtherKind,
            lost: Lost::Nothing,
        })?;
    }
    let mut labels = Vec::new();
    let total: u64 = files.found.iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
    let bar = ui.bar(total, "reading FHIR");
    for path in &files.found {
        labels.push(path.display().to_string());
        survey.begin_file(source_of(path, options)?);
        let mut whole = true;
        let length = read(path, options, |item| {
            match item {
                Item::Resource(place, resource) => {
                    *counts.types.entry(type_name(resource.resource_type)).or_default() += 1;
                    counts.leaves += resource.records.len() as u64;
                    survey.note(place, &resource);
                }
                Item::Deletion(place, deletion) => survey.note_deletion(place, &deletion),
                Item::Unread(place, unread) => survey.note_unread(place, &unread),
                Item::Problem(problem) => {
                    whole &= problem.lost != Lost::RestOfFile;
                    counts.note(&problem);
                    report.problem(problem)?;
                }
            }
            for finding in survey.take_findings() {
                report.problem(finding.problem(&labels))?;
            }
            Ok(())
        })?;
        *(if whole { &mut counts.files_read } else { &mut counts.files_refused }) += 1;
        counts.bytes += length;
        bar.inc(length);
    }
    bar.finish_and_clear();
    let mut register = survey.finish();
    for finding in register.take_findings() {
        report.problem(finding.problem(&labels))?;
    }
    counts.tally = register.tally();
    Ok(Surveyed { files: &files.found, options: options.clone(), register, counts })
}

impl Surveyed<'_> {
    /// What a file is called.
    pub(crate) fn label(&self, file: usize) -> String {
        self.files.get(file).map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Reads the files again; each resource goes with its number and that of its file to `take`, which says whether to go on.
    pub(crate) fn replay(
        &self,
        ui: Ui,
        what: &'static str,
        mut take: impl FnMut(usize, usize, Place, Resource) -> Result<bool>,
    ) -> Result<()> {
        let bar = ui.bar(self.counts.bytes, what);
        let mut number = 0;
        let mut go_on = true;
        for (file, path) in self.files.iter().enumerate() {
            if !go_on {
                break;
            }
            let length = read(path, &self.options, |item| {
                if let Item::Resource(place, resource) = item
                    && go_on
                {
                    if !self.register.is_as_noted(number, file, &resource) {
                        bail!("{} has changed while it was read: run the same command again", path.display());
                    }
                    go_on = take(number, file, place, *resource)?;
                    number += 1;
                }
                Ok(())
            })?;
            bar.inc(length);
        }
        bar.finish_and_clear();
        if go_on && number != self.register.noted() {
            bail!("a file has changed while it was read: run the same command again");
        }
        Ok(())
    }
}

/// Reads one file; its length.
fn read(path: &Path, options: &Options, mut take: impl FnMut(Item) -> Result<()>) -> Result<u64> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let length = file.metadata()?.len();
    let lines = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ndjson"));
    let layout = if lines { Layout::Lines } else { Layout::Auto };
    let head = if lines {
        None
    } else {
        let head = Head::scan(BufReader::with_capacity(1 << 16, &file));
        file.rewind().with_context(|| format!("cannot read {} twice", path.display()))?;
        head
    };
    let limits = Limits { resource_bytes: options.max_resource, ..Limits::default() };
    let input = BufReader::with_capacity(1 << 16, file);
    let label = path.display().to_string();
    let reader = Reader::new(input, label, layout, limits).with_head(head).with_zones(options.zones);
    for item in reader {
        take(item)?;
    }
    Ok(length)
}

/// The source that was named, or the folder of the file.
fn source_of(path: &Path, options: &Options) -> Result<Source> {
    if let Some(source) = &options.source {
        return Ok(source.clone());
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let folder = folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(Source::folder(&words_of(&folder)))
}

/// A path as text; two paths stay two.
fn words_of(path: &Path) -> String {
    path.to_str()
        .map_or_else(|| format!("bytes:{}", hex::encode(path.as_os_str().as_encoded_bytes())), str::to_owned)
}
