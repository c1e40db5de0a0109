//! `amanat bench`: what things cost here.

use crate::args::{BenchArgs, Global};
use crate::home::Home;
use crate::ui::Ui;
use amanat_benches::report::{self, Options, Section};
use anyhow::{Context, Result, anyhow, bail};
use std::time::Duration;

pub(crate) fn run(args: &BenchArgs, global: &Global, ui: Ui) -> Result<()> {
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
    let words: Vec<String> = std::env::args().skip(1).collect();
    let command = format!("amanat {}", words.join(" "));
    bar.enable_steady_tick(Duration::from_millis(200));
    let report = report::run(&options, &command, &say).map_err(|e| anyhow!(e))?;
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
