//! `amanat-bench ledger` and `page`.

use crate::args::{Args, LedgerArgs};
use crate::progress::Progress;
use crate::tables::tables;
use crate::{command, must_be_writable};
use amanat_benches::ledger::file::LedgerReport;
use amanat_benches::ledger::{self, Options};
use amanat_benches::report::Outcome;
use std::fs;
use std::path::Path;

pub(crate) fn run(args: &LedgerArgs, global: &Args) -> Outcome<()> {
    let options = options(args, global)?;
    for path in [&args.out, &args.html].into_iter().flatten() {
        must_be_writable(path)?;
    }
    let report = ledger::run(&options, &Progress::new())?;
    let text = report.to_json()?;
    if let Some(path) = &args.out {
        write(path, &text)?;
    }
    if let Some(path) = &args.html {
        write(path, &ledger::page(&report))?;
    }
    println!("{}", if global.json { text } else { tables(&report) });
    Ok(())
}

fn options(args: &LedgerArgs, global: &Args) -> Outcome<Options> {
    let mut options = if args.quick { Options::quick(global.dir()) } else { Options::full(global.dir()) };
    if let Some(proofs) = args.proofs {
        options.proofs = proofs;
    }
    if let Some(rounds) = args.rounds {
        options.rounds = rounds;
    }
    if !args.validators.is_empty() {
        options.validators = args.validators.iter().map(|n| usize::from(*n)).collect();
    }
    if args.only_validators && cfg!(not(feature = "bft")) {
        return Err("this build has no consensus of several validators: build with --features bft".into());
    }
    if options.proofs < 32 || options.rounds == 0 {
        return Err("at least 32 proofs and one round".into());
    }
    (options.long, options.only_validators) = (args.long, args.only_validators);
    options.price = args.price;
    options.currency.clone_from(&args.currency);
    options.command = command();
    Ok(options)
}

/// Writes the page of a file of figures again.
pub(crate) fn page(file: &Path, html: &Path) -> Outcome<()> {
    let text = fs::read_to_string(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
    let report = LedgerReport::from_json(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    write(html, &ledger::page(&report))?;
    println!("{} written", html.display());
    Ok(())
}

fn write(path: &Path, text: &str) -> Outcome<()> {
    Ok(fs::write(path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?)
}
