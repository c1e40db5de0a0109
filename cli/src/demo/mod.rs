//! `amanat demo`: the main job from end to end, on real input, on an embedded ledger.
//!
//! The clock is the demo's own: epochs pass when the story says so.

mod attacks;
mod report;
mod story;

use crate::args::{DemoArgs, Global};
use crate::cases::{self, Bounds, Cases};
use crate::generated;
use crate::home::Home;
use crate::ui::{self, Ui, count};
use amanat_domain::statement::Statement;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::time::Instant;

/// Runs the demo.
pub(crate) fn run(args: &DemoArgs, global: &Global, ui: Ui) -> Result<()> {
    let started = Instant::now();
    let shared = Home::open(global.home.as_deref())?;
    // The ledger and the actors' files are thrown away; keys are kept, for they take a while to make.
    let place = Place::new(&shared, args.keep)?;
    ui.say("Amanat: who may see what, proved; who they are, not shown.");

    ui.head("1. Keys");
    let keys = crate::keyring::load(&shared, &Statement::ALL, ui)?;
    ui.say(format!(
        "six statements, six keys of origin insecure-dev (for development: whoever made them could forge). {}",
        ui::seconds(started.elapsed())
    ));
    let engine = amanat_accel::default_backend().name();
    ui.say(format!("engine {engine}: whatever the engine, the same plan gives the same proof"));

    ui.head("2. FHIR R4 in");
    let cases = read(args, &place, ui)?;

    let hospitals = args.data.is_none().then_some(generated::HOSPITALS);
    let mut story = story::Story::begin(&place.home, &cases, hospitals, &keys, ui)?;
    story.tell()?;
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

fn read(args: &DemoArgs, place: &Place, ui: Ui) -> Result<Cases> {
    if args.patients < 4 {
        bail!("the demo needs at least four patients: a proof hides among them");
    }
    let bounds = Bounds { patients: args.patients, records: args.records };
    let data = match &args.data {
        Some(dir) => {
            ui.say(format!("reading {}", dir.display()));
            dir.clone()
        }
        None => {
            let dir = place.home.path("fhir");
            generated::write_folder(&dir, 1, args.patients)?;
            ui.say(
                "no --data given: a small hospital's data, made up for this run, read by the same importer",
            );
            dir
        }
    };
    let files = crate::import::files(&[data])?;
    let cases = cases::gather(&files, bounds, Ui::new(false, true).silent_if(ui.json))?;
    if cases.cases.len() < 4 {
        bail!("only {} found: the demo needs at least four", count(cases.cases.len() as u64, "patient"));
    }
    if cases.left_out > 0 {
        ui.say(format!(
            "{} beyond the demo's bounds left out: --records N takes N of each patient",
            count(cases.left_out, "record")
        ));
    }
    Ok(cases)
}
