//! `amanat-bench`: every figure of the project, measured here. `amanat-bench help` lists the
//! commands.
//!
//! `cargo run --release -p amanat-benches -- report` prints the report. What one proof costs is
//! measured by `amanat bench profile`. Exit code 0; 1 if a promise is not kept on this machine; 2
//! if the measurement fails.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks to a person")]

mod args;
mod kernels;
mod ledger;
mod progress;
mod report;
mod tables;

use amanat_benches::report::Outcome;
use args::{Args, Command};
use clap::Parser;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all promises are kept.
fn work() -> Outcome<bool> {
    // Some figures are measured in child processes of this program.
    if amanat_benches::answer_if_asked()? {
        return Ok(true);
    }
    let args = Args::parse();
    std::fs::create_dir_all(args.dir())?;
    match &args.command {
        Command::Report(report) => report::run(report, &args),
        Command::Kernels(kernels) => kernels::run(kernels, &args),
        Command::Ledger(ledger) => ledger::run(ledger, &args).map(|()| true),
        Command::Page { file, html } => ledger::page(file, html).map(|()| true),
    }
}

/// How to do it again.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release -p amanat-benches -- {}", words.join(" "))
}

/// Before minutes of work: whether the results can be written.
fn must_be_writable(path: &Path) -> Outcome<()> {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    Ok(())
}
