//! `amanat bench`: what things cost here.

mod kernels;
mod ledger;
mod profile;

use crate::args::Global;
use crate::args::bench::{BenchArgs, BenchCommand};
use crate::home::Home;
use crate::ui::Ui;
use amanat_accel::Engine;
use amanat_accel::gpu::presence;
use amanat_benches::profile::Watcher;
use amanat_benches::report::{self, Options, Section};
use anyhow::{Context, Result, anyhow, bail};
use indicatif::ProgressBar;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) fn run(args: &BenchArgs, global: &Global, ui: Ui) -> Result<()> {
    // Tested and measured before anything else is, so that what is reported is what is measured with.
    if !matches!(args.command, Some(BenchCommand::Compare(_) | BenchCommand::Page { .. }))
        && let Some(gpu) = presence().gpu()
    {
        gpu.start();
    }
    match &args.command {
        Some(BenchCommand::Profile(args)) => profile::run(args, global, ui),
        Some(BenchCommand::Compare(args)) => profile::compare(args, ui),
        Some(BenchCommand::Page { file, html }) => profile::page(file, html, ui),
        Some(BenchCommand::Kernels(args)) => kernels::run(args, global, ui),
        Some(BenchCommand::Ledger(args)) => ledger::run(args, global, ui),
        None => report(args, global, ui),
    }
}

fn report(args: &BenchArgs, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let mut options = if args.quick { Options::quick(home.root()) } else { Options::full(home.root()) };
    options.data.clone_from(&args.data);
    if !args.sections.is_empty() {
        let known = || Section::ALL.map(Section::name).join(", ");
        options.sections = args
            .sections
            .iter()
            .map(|name| {
                Section::by_name(name).with_context(|| format!("no section {name}; there are: {}", known()))
            })
            .collect::<Result<_>>()?;
    }
    let bar = ui.spinner();
    let say = |what: &str| bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    let report = report::run(&options, &command(), &say).map_err(|e| anyhow!(e))?;
    bar.finish_and_clear();
    ui.say(report.table());
    if ui.json {
        ui.raw(&format!("{}\n", report.json()));
    }
    let broken: Vec<String> = report.broken().map(|row| format!("{}: {}", row.group, row.name)).collect();
    if !broken.is_empty() {
        bail!("not reached on this machine: {}", broken.join("; "));
    }
    Ok(())
}

/// How to do it again.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("amanat {}", words.join(" "))
}

/// The engines of these names; all where none is named.
fn engines(names: &[String]) -> Result<Vec<&'static dyn Engine>> {
    if names.is_empty() {
        return Ok(amanat_accel::all().to_vec());
    }
    let known = || amanat_accel::all().iter().map(|e| e.name()).collect::<Vec<_>>().join(", ");
    names
        .iter()
        .map(|name| {
            amanat_accel::by_name(name)
                .with_context(|| format!("no engine {name} on this machine; there are: {}", known()))
        })
        .collect()
}

/// A bar that also hears Ctrl-C: the work stops after the piece that is being done.
struct Progress {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Progress {
    fn new(ui: Ui) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let heard = stop.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            if let Ok(runtime) = runtime
                && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
            {
                heard.store(true, Ordering::Relaxed);
            }
        });
        Self { bar: ui.bar(0, ""), stop }
    }
}

impl Watcher for Progress {
    fn at(&self, done: u64, of: u64, now: &str) {
        self.bar.set_length(of);
        self.bar.set_position(done);
        self.bar.set_message(if self.stopped() { "stopping".to_owned() } else { now.to_owned() });
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
