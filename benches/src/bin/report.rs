//! Prints the figures: `cargo run --release -p amanat-benches --bin report -- [--quick] [--json] [SECTION..]`.
//!
//! Sections: statements, verification, registries, ledger, import; all where none is named. `AMANAT_BENCH_DATA` names a
//! folder of FHIR files to import; `AMANAT_BENCH_DIR` where keys are kept between runs (a folder of the system's temporary
//! directory otherwise). Ends with 1 where a promise is not kept.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks to a person")]

use amanat_benches::report::{Options, Outcome, Section, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match work() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn work() -> Outcome<ExitCode> {
    if amanat_benches::answer_if_asked(&[])? {
        return Ok(ExitCode::SUCCESS);
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mut quick, mut json, mut sections) = (false, false, Vec::new());
    for arg in &args {
        match arg.as_str() {
            "--quick" => quick = true,
            "--json" => json = true,
            name => sections.push(Section::by_name(name).ok_or_else(|| {
                let known = Section::ALL.map(Section::name).join(", ");
                format!("`{name}` is no section; expected --quick, --json, or some of {known}")
            })?),
        }
    }
    let dir = std::env::var_os("AMANAT_BENCH_DIR")
        .map_or_else(|| std::env::temp_dir().join("amanat-bench"), std::path::PathBuf::from);
    let mut options = if quick { Options::quick(dir) } else { Options::full(dir) };
    options.data = std::env::var_os("AMANAT_BENCH_DATA").map(Into::into);
    if !sections.is_empty() {
        options.sections = sections;
    }
    let data = if options.data.is_some() { "AMANAT_BENCH_DATA=.. " } else { "" };
    let command = format!("{data}cargo run --release -p amanat-benches --bin report -- {}", args.join(" "));
    let begun = std::time::Instant::now();
    let say = |what: &str| eprintln!("{:>5.0} s  {what}", begun.elapsed().as_secs_f64());
    let report = run(&options, command.trim_end_matches([' ', '-']), &say)?;
    println!("{}", if json { report.json() } else { report.table() });
    let broken: Vec<_> = report.broken().map(|row| format!("{}: {}", row.group, row.name)).collect();
    for promise in &broken {
        eprintln!("not kept: {promise}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
