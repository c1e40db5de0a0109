//! Deletes each row in turn and asks whether a cheating prover gets through: `cargo run --release
//! -p amanat-circuits --example mutation -- [statement|all] [--sample N] [--quick] [--clause ID]`.
//!
//! `--quick` tries every row outside Poseidon, and of Poseidon's, which are all alike, every
//! twentieth.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use amanat_circuits::built;
use amanat_circuits::mutation::{Report, sampled, score_rows};
use amanat_domain::statement::Statement;
use std::collections::BTreeMap;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut statements = Statement::ALL.to_vec();
    let mut sample = None;
    let mut quick = false;
    let mut only: Option<String> = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), arg.parse()) {
            ("all", _) => {}
            ("--quick", _) => quick = true,
            ("--clause", _) => only = args.next(),
            (_, Ok(statement)) => statements = vec![statement],
            ("--sample", _) => match args.next().map(|n| n.parse()) {
                Some(Ok(n)) => sample = Some(n),
                _ => return usage(),
            },
            _ => return usage(),
        }
    }
    let mut enough = true;
    for statement in statements {
        let labels = &built(statement).1.labels;
        let mut rows = sampled(labels, sample);
        if let Some(clause) = &only {
            rows.retain(|row| labels[*row].clause == clause);
        }
        rows.retain(|row| !quick || labels[*row].gadget != "poseidon" || row % 20 == 0);
        let report = score_rows(statement, &rows, 7, &|done| {
            if done.is_multiple_of(500) {
                eprint!("\r{statement}: {done} rows");
            }
        });
        eprint!("\r");
        print(&report);
        enough &= report.percent() >= 95.0;
    }
    if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: mutation [grant|revoke|consent|role|record|access|all] [--sample N] [--quick] [--clause ID]"
    );
    ExitCode::from(2)
}

fn print(report: &Report) {
    println!(
        "{}: {} of {} rows tried, {} caught: {:.2} %",
        report.statement,
        report.tried,
        report.rows,
        report.caught,
        report.percent()
    );
    let mut groups: BTreeMap<(&str, &str, String), Vec<_>> = BTreeMap::new();
    for survivor in &report.survivors {
        let kind = format!("{:?}", survivor.label.kind);
        let kind = kind.split('(').next().unwrap_or_default().to_owned();
        groups.entry((survivor.label.clause, survivor.label.gadget, kind)).or_default().push(survivor);
    }
    for ((clause, gadget, kind), survivors) in groups {
        let rows: Vec<usize> = survivors.iter().map(|s| s.row).take(8).collect();
        println!("  {clause} / {gadget} / {kind}: {} survive, rows {rows:?}", survivors.len());
        if let Some(reason) = survivors.iter().find_map(|s| s.reason) {
            println!("    {reason}");
        }
    }
}
