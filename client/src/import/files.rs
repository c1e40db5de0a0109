//! Finding and reading FHIR files.
//!
//! Files are read once into a [`Survey`], which says what becomes of each resource; a caller that
//! wants the resources reads them again ([`Surveyed::replay`]), in the same order.

use super::ImportError;
use super::report::{Counts, ImportReport};
use crate::progress::Progress;
use amanat_domain::fhir::identity::Source;
use amanat_domain::fhir::survey::{KnownPatient, Register, Survey, Verdict};
use amanat_domain::fhir::{
    Facts, Head, Item, Layout, Limits, Lost, Place, Problem, Reader, Reason, Resource, Zones, type_name,
};
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

/// How files are read.
#[derive(Clone)]
pub struct ReadOptions {
    /// Longest resource in bytes.
    pub max_resource: usize,
    /// Where ids without a base URL belong; `None`: to the folder of their file.
    pub source: Option<Source>,
    /// The zone of dates without one.
    pub zones: Zones,
    /// Systems whose identifiers name one person.
    pub same_patient_by: Vec<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            max_resource: Limits::default().resource_bytes,
            source: None,
            zones: Zones::UTC,
            same_patient_by: Vec::new(),
        }
    }
}

/// The files under some paths.
pub struct Files {
    /// Files to be read, sorted.
    pub found: Vec<PathBuf>,
    /// Files of other kinds and links, which are not read.
    pub ignored: Vec<PathBuf>,
}

/// Every FHIR file under the paths, sorted, so that two runs read in the same order.
///
/// # Errors
/// [`ImportError::Path`], [`ImportError::List`], [`ImportError::NoFiles`].
pub fn find_files(paths: &[PathBuf]) -> Result<Files, ImportError> {
    let mut files = Files { found: Vec::new(), ignored: Vec::new() };
    for path in paths {
        let kind =
            std::fs::metadata(path).map_err(|source| ImportError::Path { path: path.clone(), source })?;
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
        return Err(ImportError::NoFiles);
    }
    Ok(files)
}

fn walk(dir: &Path, files: &mut Files) -> Result<(), ImportError> {
    let list = |source| ImportError::List { path: dir.to_path_buf(), source };
    for entry in std::fs::read_dir(dir).map_err(list)? {
        let entry = entry.map_err(list)?;
        // Links are not followed: a folder that links to itself would never end.
        let kind = entry.file_type().map_err(list)?;
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

/// The relative references of the first organisations in the files, `most` of them.
///
/// # Errors
/// [`ImportError`].
pub fn organisations_in(files: &Files, most: usize) -> Result<Vec<String>, ImportError> {
    let mut found = Vec::new();
    for path in files.found.iter() {
        read(path, &ReadOptions::default(), |item| {
            if let Item::Resource(_, resource) = item
                && let (Facts::Organisation(_), Some(reference)) = (&resource.facts, resource.reference())
            {
                found.push(reference);
            }
            Ok(())
        })?;
        if found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

/// What a survey of files came to.
pub struct Surveyed<'f> {
    files: &'f [PathBuf],
    options: ReadOptions,
    /// What becomes of each resource.
    pub register: Register,
    /// What was read.
    pub counts: Counts,
}

/// Reads the files one after the other and says what becomes of each resource. `known`: the
/// patients known from before, if resources are to be joined with patients.
///
/// # Errors
/// [`ImportError`].
pub fn survey<'f>(
    files: &'f Files,
    options: &ReadOptions,
    known: Option<Vec<KnownPatient>>,
    report: &mut ImportReport,
    progress: &dyn Progress,
) -> Result<Surveyed<'f>, ImportError> {
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
    progress.begin("reading FHIR", total);
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
        progress.at(counts.bytes);
    }
    progress.end();
    let mut register = survey.finish();
    for finding in register.take_findings() {
        report.problem(finding.problem(&labels))?;
    }
    counts.tally = register.tally();
    Ok(Surveyed { files: &files.found, options: options.clone(), register, counts })
}

impl Surveyed<'_> {
    /// The name of a file.
    #[must_use]
    pub fn label(&self, file: usize) -> String {
        self.files.get(file).map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Reads the files again; each resource goes with its number and the number of its file to
    /// `take`, which says whether to go on.
    ///
    /// # Errors
    /// [`ImportError::Changed`], [`ImportError::SomeChanged`], and what `take` says.
    pub fn replay(
        &self,
        progress: &dyn Progress,
        what: &str,
        mut take: impl FnMut(usize, usize, Place, Resource) -> Result<bool, ImportError>,
    ) -> Result<(), ImportError> {
        progress.begin(what, self.counts.bytes);
        let (mut number, mut bytes) = (0, 0);
        let mut go_on = true;
        for (file, path) in self.files.iter().enumerate() {
            if !go_on {
                break;
            }
            bytes += read(path, &self.options, |item| {
                if let Item::Resource(place, resource) = item
                    && go_on
                {
                    if !self.register.is_as_noted(number, file, &resource) {
                        return Err(ImportError::Changed { path: path.clone() });
                    }
                    go_on = take(number, file, place, *resource)?;
                    number += 1;
                }
                Ok(())
            })?;
            progress.at(bytes);
        }
        progress.end();
        if go_on && number != self.register.noted() {
            return Err(ImportError::SomeChanged);
        }
        Ok(())
    }
}

/// Reads one file; returns its length in bytes.
fn read(
    path: &Path,
    options: &ReadOptions,
    mut take: impl FnMut(Item) -> Result<(), ImportError>,
) -> Result<u64, ImportError> {
    let cannot = |source| ImportError::Read { path: path.to_path_buf(), source };
    let mut file =
        File::open(path).map_err(|source| ImportError::Open { path: path.to_path_buf(), source })?;
    let length = file.metadata().map_err(cannot)?.len();
    let lines = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ndjson"));
    let layout = if lines { Layout::Lines } else { Layout::Auto };
    let head = if lines {
        None
    } else {
        let head = Head::scan(BufReader::with_capacity(1 << 16, &file));
        file.rewind().map_err(cannot)?;
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
fn source_of(path: &Path, options: &ReadOptions) -> Result<Source, ImportError> {
    if let Some(source) = &options.source {
        return Ok(source.clone());
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let folder =
        folder.canonicalize().map_err(|source| ImportError::Read { path: folder.to_path_buf(), source })?;
    Ok(Source::folder(&words_of(&folder)))
}

/// A path as text; two paths stay two.
fn words_of(path: &Path) -> String {
    path.to_str()
        .map_or_else(|| format!("bytes:{}", hex::encode(path.as_os_str().as_encoded_bytes())), str::to_owned)
}

/// The person of a resource with this verdict, if the resource is kept.
pub(crate) const fn person_of(verdict: Verdict) -> Option<u32> {
    match verdict {
        Verdict::About(person) => Some(person),
        _ => None,
    }
}
