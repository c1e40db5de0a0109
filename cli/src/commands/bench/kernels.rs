//! `amanat bench kernels`.

use super::{Progress, command, engines};
use crate::args::Global;
use crate::args::bench::KernelsArgs;
use crate::home::Home;
use crate::ui::{self, Ui};
use amanat_benches::kernels::{Pantry, Row, measure, table};
use amanat_benches::report::Machine;
use anyhow::{Result, anyhow, bail};
use serde_json::json;

pub(super) fn run(args: &KernelsArgs, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    if args.rounds == 0 {
        bail!("at least one round");
    }
    let machine = Machine::here(&command());
    let pantry = Pantry::new(engines(&args.engine)?, args.largest, home.root().to_owned());
    let recipes = pantry.recipes(&args.families).map_err(|e| anyhow!(e))?;
    let progress = Progress::new(ui);
    let rows: Vec<Row> = measure(&recipes, args.rounds, &progress).map_err(|e| anyhow!(e))?;
    drop(progress);
    ui.say(format!(
        "{} | {} | one thread, processor time, {} in turn",
        machine.cpu,
        machine.time,
        ui::count(args.rounds, "round")
    ));
    ui.say(format!("`{}`\n", machine.command));
    ui.say(table(&rows));
    ui.document(&json!({ "machine": machine, "rounds": args.rounds, "kernels": rows }));
    Ok(())
}
