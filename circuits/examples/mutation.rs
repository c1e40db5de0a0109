//! Deletes each row in turn and asks whether a cheating prover gets through:
//! `cargo run --release -p amanat-circuits --example mutation -- [statement|all] [--sample N]`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use amanat_circuits::mutation::{Report, score};
use amanat_domain::statement::Statement;
use std::collections::BTreeMap;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut statements = Statement::ALL.to_vec();
    let mut sample = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), arg.parse()) {
            ("all", _) => {}
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
        let report = score(statement, sample, 7, &|done| {
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
    eprintln!("usage: mutation [grant|revoke|consent|role|record|access|all] [--sample N]");
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
