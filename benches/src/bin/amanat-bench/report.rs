//! `amanat-bench report`.

use crate::args::{Args, ReportArgs};
use crate::command;
use amanat_benches::report::{Options, Outcome, Section, run as measure};
use std::time::Instant;

pub(crate) fn run(args: &ReportArgs, global: &Args) -> Outcome<bool> {
    let mut options = if args.quick { Options::quick(global.dir()) } else { Options::full(global.dir()) };
    options.data.clone_from(&args.data);
    if !args.sections.is_empty() {
        options.sections = args.sections.iter().map(|name| section(name)).collect::<Outcome<_>>()?;
    }
    let begun = Instant::now();
    let say = |what: &str| eprintln!("{:>5.0} s  {what}", begun.elapsed().as_secs_f64());
    let report = measure(&options, &command(), &say)?;
    println!("{}", if global.json { report.json() } else { report.table() });
    for row in report.broken() {
        eprintln!("not kept: {}: {}", row.group, row.name);
    }
    Ok(report.broken().next().is_none())
}

fn section(name: &str) -> Outcome<Section> {
    Section::by_name(name).ok_or_else(|| {
        let known = Section::ALL.map(Section::name).join(", ");
        format!("no section {name}; there are: {known}").into()
    })
}
