//! `amanat import`.

use crate::args::Global;
use crate::args::import::ImportArgs;
use crate::report::{Lines, Summary};
use crate::session;
use crate::ui::{Ui, count};
use amanat_client::ImportRequest;
use amanat_client::import::{
    Anchored, Files, ImportReport, Imported, ReadOptions, Surveyed, find_files, survey,
};
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::identity::Source;
use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::time::Instant;

pub(crate) fn run(args: &ImportArgs, global: &Global, ui: Ui) -> Result<()> {
    let started = Instant::now();
    // What cannot be read is said before anything is opened.
    let files = find_files(&args.paths)?;
    let reading = reading(args)?;
    let lines = args.report.as_deref().map(Lines::create).transpose()?;
    let mut report = ImportReport::new(args.fail_on.level(), args.problems).strict(args.strict);
    if let Some(lines) = &lines {
        report = report.telling(lines.sink());
    }
    if args.anchor {
        let custodian = args.custodian.clone();
        let request = ImportRequest { files, reading, custodian, report, sample: None };
        return anchor(args, request, global, started, lines.as_ref(), ui);
    }
    read(&files, &reading, report, started, lines.as_ref(), ui)
}

fn reading(args: &ImportArgs) -> Result<ReadOptions> {
    Ok(ReadOptions {
        max_resource: args.max_resource,
        source: args.source.as_deref().map(Source::named).transpose().context("--source")?,
        zones: args.zone.unwrap_or(Zones::UTC),
        same_patient_by: args.same_patient_by.clone(),
    })
}

/// Without `--anchor`: what the files say.
fn read(
    files: &Files,
    reading: &ReadOptions,
    mut report: ImportReport,
    started: Instant,
    lines: Option<&Lines>,
    ui: Ui,
) -> Result<()> {
    let Surveyed { counts, register, .. } =
        survey(files, reading, None, &mut report, &crate::ui::Bars::new(ui))?;
    let patients = register.people().iter().filter(|p| p.here).count();
    let elapsed = started.elapsed();
    Summary { counts: &counts, report: &report, patients, elapsed, more: Map::new() }.tell(lines, ui)?;
    Ok(report.verdict(counts.nothing() && register.deletions().is_empty())?)
}

fn anchor(
    args: &ImportArgs,
    request: ImportRequest,
    global: &Global,
    started: Instant,
    lines: Option<&Lines>,
    ui: Ui,
) -> Result<()> {
    let imported = session::open(global, &args.at, ui)?.import(request)?;
    let Imported { counts, report, patients, nothing, anchored, .. } = &imported;
    let more = if *nothing { Map::new() } else { members(anchored) };
    let elapsed = started.elapsed();
    Summary { counts, report, patients: *patients, elapsed, more }.tell(lines, ui)?;
    if !nothing {
        say(&imported, ui);
    }
    Ok(report.verdict(*nothing)?)
}

/// What was anchored, for the document.
fn members(anchored: &Anchored) -> Map<String, Value> {
    let Anchored { enrolled, there, superseded, retracted, older, in_vault, .. } = *anchored;
    [
        ("enrolled", enrolled),
        ("anchored", anchored.anchored),
        ("there_already", there),
        ("superseded", superseded),
        ("taken_back", retracted),
        ("older_than_anchored", older),
        ("vault", in_vault),
    ]
    .into_iter()
    .map(|(word, n)| (word.to_owned(), n.into()))
    .collect()
}

/// What was anchored, in words.
fn say(imported: &Imported, ui: Ui) {
    let Anchored { enrolled, there, superseded, retracted, older, in_vault, anchored, .. } =
        imported.anchored;
    ui.say(format!(
        "{} enrolled, {} anchored by {}; the vault now holds {}",
        count(enrolled, "patient"),
        count(anchored, "record"),
        imported.custodian,
        count(in_vault, "record"),
    ));
    let also = [
        (there, "anchored before, and unchanged"),
        (superseded, "superseded"),
        (retracted, "taken back"),
        (older, "older than what is anchored, and left out"),
    ];
    for (n, what) in also.into_iter().filter(|(n, _)| *n > 0) {
        ui.say(format!("{} {what}", count(n, "record")));
    }
    if enrolled + anchored + superseded + retracted == 0 {
        ui.say("nothing has changed");
    }
    if imported.has_folder_names {
        ui.say(
            "some ids have no base URL: they are told from others by their folder. --source NAME, the same with every import of that \
             server, knows them again wherever the files lie",
        );
    }
    ui.say("next: amanat ledger wait, then amanat consent permits PATH");
}
