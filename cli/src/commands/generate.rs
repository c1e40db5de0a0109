//! `amanat generate`: a folder of made-up FHIR bundles.

use crate::args::GenerateArgs;
use crate::ui::{Ui, count};
use amanat_client::devnet::write_data;
use anyhow::{Context, Result};

pub(crate) fn run(args: &GenerateArgs, ui: Ui) -> Result<()> {
    let patients = u32::try_from(args.patients).context("--patients: at most 4294967295")?;
    write_data(&args.out, args.seed, patients)?;
    ui.say(format!("{} in {}", count(args.patients, "patient"), args.out.display()));
    Ok(())
}
