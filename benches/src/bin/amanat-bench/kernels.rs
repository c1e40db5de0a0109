//! `amanat-bench kernels`.

use crate::args::{Args, KernelsArgs};
use crate::command;
use crate::progress::Progress;
use amanat_accel::Backend;
use amanat_benches::kernels::{KernelInputs, measure, table};
use amanat_benches::report::Outcome;
use amanat_profile::Machine;
use serde_json::json;

pub(crate) fn run(args: &KernelsArgs, global: &Args) -> Outcome<bool> {
    if args.rounds == 0 {
        return Err("--rounds: at least 1".into());
    }
    let machine = Machine::here(&command());
    let inputs = KernelInputs::new(backends(&args.backend)?, args.largest, global.dir());
    let recipes = inputs.recipes(&args.families)?;
    let rows = measure(&recipes, args.rounds, &Progress::new())?;
    if global.json {
        let document = json!({ "machine": machine, "rounds": args.rounds, "kernels": rows });
        println!("{document:#}");
    } else {
        let (cpu, time) = (&machine.cpu, &machine.time);
        println!("{cpu} | {time} | one thread, processor time, rounds in turn: {}", args.rounds);
        println!("`{}`\n\n{}", machine.command, table(&rows));
    }
    Ok(rows.iter().all(|row| row.kept != Some(false)))
}

/// The backends of these names; all of this machine if there is no name.
fn backends(names: &[String]) -> Outcome<Vec<&'static dyn Backend>> {
    if names.is_empty() {
        return Ok(amanat_accel::all().to_vec());
    }
    let known = || amanat_accel::all().iter().map(|e| e.name()).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        amanat_accel::by_name(name)
            .ok_or_else(|| format!("no backend {name} on this machine; there are: {}", known()).into())
    };
    names.iter().map(find).collect()
}
