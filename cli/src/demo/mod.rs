//! `amanat demo`: the main job from end to end, on real input, on an embedded ledger.
//!
//! It makes the calls that the commands make. Its clock is its own: epochs pass when the story says
//! so.

mod attacks;
mod attempts;
mod grants;
mod insurer;
mod report;
mod story;

use crate::args::{DemoArgs, Global};
use crate::report::Summary;
use crate::ui::{self, Bars, Ui, count};
use amanat_client::import::{Files, ImportReport, ReadOptions, find_files, organisations_in, survey};
use amanat_client::{Home, devnet, keys};
use amanat_domain::statement::Statement;
use amanat_prover::keys::Keys;
use anyhow::{Context, Result, bail};
use serde_json::Map;
use std::path::PathBuf;
use std::time::Instant;

/// Fewer patients than these are too few to hide among.
const FEWEST: usize = 4;

/// Runs the demo.
pub(crate) fn run(args: &DemoArgs, global: &Global, ui: Ui) -> Result<()> {
    let started = Instant::now();
    let shared = Home::open(global.home.as_deref())?;
    // The ledger and the actors' files are thrown away; keys are kept, for they take a while to
    // make.
    let place = Place::new(&shared, args.keep)?;
    ui.say("Amanat: who may see what, proved; who they are, not shown.");

    ui.head("1. Keys");
    let mut keys = Keys::new();
    keys::load(&shared, &Statement::ALL, &mut keys, &Bars::new(ui))?;
    ui.say(format!(
        "{} of origin insecure-dev, one for each statement (for development: their maker could forge proofs). {}",
        count(Statement::ALL.len(), "key"),
        ui::seconds(started.elapsed())
    ));
    let backend = amanat_accel::default_backend().name();
    ui.say(format!("backend {backend}: whatever the backend, the same plan gives the same proof"));

    ui.head("2. FHIR R4 in");
    let data = data(args, &place, ui)?;
    let files = read(&data, ui)?;
    let keys = (keys::store(&shared)?, keys);

    let mut story = story::Story::begin(&place.home, data, hospitals(args, &files)?, keys, ui)?;
    story.tell(files, args)?;
    let refused = attacks::run(&mut story)?;
    report::tell(&mut story, &refused, started)
}

/// Where the demo's files go.
pub(crate) struct Place {
    pub home: Home,
    temporary: Option<PathBuf>,
}

impl Place {
    fn new(shared: &Home, keep: bool) -> Result<Self> {
        if keep {
            let home = Home::open(Some(&shared.path("demo")))?;
            if home.has("ledger.redb") {
                bail!("{} holds a demo already: remove it, or run without --keep", home.root().display());
            }
            return Ok(Self { home, temporary: None });
        }
        let dir = std::env::temp_dir().join(format!("amanat-demo-{}", std::process::id()));
        let home = Home::open(Some(&dir))?;
        Ok(Self { home, temporary: Some(dir) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(dir) = &self.temporary {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// The folder given, or one that is made up.
fn data(args: &DemoArgs, place: &Place, ui: Ui) -> Result<PathBuf> {
    if args.patients < FEWEST {
        bail!("the demo needs at least four patients: a proof hides among them");
    }
    if let Some(dir) = &args.data {
        ui.say(format!("reading {}", dir.display()));
        return Ok(dir.clone());
    }
    let dir = place.home.path("fhir");
    devnet::write_data(&dir, 1, u32::try_from(args.patients).context("--patients: at most 4294967295")?)?;
    ui.say("no --data given: a small hospital's data, made up for this run, read by the same importer");
    Ok(dir)
}

/// Reads the files, as `amanat import` does.
fn read(data: &std::path::Path, ui: Ui) -> Result<Files> {
    let began = Instant::now();
    let files = find_files(&[data.to_path_buf()])?;
    let mut report = ImportReport::default();
    let surveyed = survey(&files, &ReadOptions::default(), Some(Vec::new()), &mut report, &Bars::new(ui))?;
    let patients = surveyed.register.people().iter().filter(|p| p.here).count();
    let (counts, elapsed) = (&surveyed.counts, began.elapsed());
    Summary { counts, report: &report, patients, elapsed, more: Map::new() }.say(ui);
    if patients < FEWEST {
        bail!("only {} found: the demo needs at least four", count(patients, "patient"));
    }
    Ok(files)
}

/// The hospitals: of the made-up data, or the first two organisations of the folder given.
fn hospitals(args: &DemoArgs, files: &Files) -> Result<[String; 2]> {
    if args.data.is_none() {
        return Ok(devnet::HOSPITALS.map(str::to_owned));
    }
    let mut found = organisations_in(files, 2)?.into_iter();
    let mut next = |otherwise: &str| found.next().unwrap_or_else(|| otherwise.to_owned());
    Ok([next("Organization/hospital-a"), next("Organization/hospital-b")])
}
