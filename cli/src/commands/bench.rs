//! `amanat bench`: what a proof costs here. All other figures are measured by `amanat-bench`, which
//! is built apart.

mod compare;
mod page;
mod profile;
mod progress;

use crate::args::Global;
use crate::args::bench::{BenchArgs, BenchCommand};
use crate::ui::Ui;
use amanat_accel::gpu::presence;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

pub(crate) fn run(args: &BenchArgs, global: &Global, ui: Ui) -> Result<()> {
    match &args.command {
        Some(BenchCommand::Profile(args)) => {
            // Its self-test and calibration end before anything is measured.
            if let Some(gpu) = presence().gpu() {
                gpu.start();
            }
            profile::run(args, global, ui)
        }
        Some(BenchCommand::Compare(args)) => compare::run(args, ui),
        Some(BenchCommand::Page { file, html }) => page::run(file, html, ui),
        Some(BenchCommand::Kernels(old)) => moved("kernels", &old.words),
        Some(BenchCommand::Ledger(old)) => moved("ledger", &old.words),
        None => moved("report", &args.words),
    }
}

/// A command of earlier versions that is in the other program now.
fn moved(command: &str, words: &[String]) -> Result<()> {
    let words: String = words.iter().map(|word| format!(" {word}")).collect();
    bail!(
        "`amanat bench` measures proofs: bench profile, compare, page. For this run, in a clone of the repository: \
         cargo run --release -p amanat-benches -- {command}{words}"
    )
}

/// Before minutes of work: whether a result can be written.
fn must_be_writable(path: &Path) -> Result<()> {
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
