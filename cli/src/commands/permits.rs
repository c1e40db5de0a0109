//! `amanat consent permits`: which consents of a folder permit which clinicians of the home
//! directory.

use crate::args::Global;
use crate::hints;
use crate::ui::{self, Ui};
use amanat_client::consent::{Permits, patient_named, permits};
use amanat_client::{Holder, Home, machine_clock};
use anyhow::{Result, bail};
use std::path::PathBuf;

/// One line for each Consent: the clinicians whose ordinary request for treatment it permits now.
pub(crate) fn run(paths: &[PathBuf], global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let holders = Holder::load_all(&home)?;
    if holders.is_empty() {
        bail!(
            "no clinicians in {}: `amanat init` makes some, `amanat clinician add` more",
            home.root().display()
        );
    }
    let all = permits(paths, &holders, machine_clock())?;
    let mut rows = vec![["consents of", "patient", "permits treatment now"].map(String::from).to_vec()];
    rows.extend(all.iter().map(row));
    let documents = rows[1..]
        .iter()
        .map(|row| serde_json::json!({ "file": row[0], "patient": row[1], "permits": row[2] }));
    ui.document(&documents.collect());
    if all.is_empty() {
        ui.say("no Consents in these files");
        return Ok(());
    }
    ui.table(&rows);
    ui.say(format!("{} for {}", ui::count(all.len(), "consent"), ui::count(holders.len(), "clinician")));
    let refused = all.iter().filter_map(|p| p.compiled.as_ref().err()?.refusals());
    if let Some(hint) = refused.filter_map(hints::of_refusals).next() {
        ui.say(format!("for actors that are not known: {hint}"));
    }
    if let Some((permits, holder)) = all.iter().find_map(|p| Some((p, p.clinicians.first()?))) {
        ui.say(format!(
            "next: amanat consent grant {}, amanat ledger wait, amanat prove access --holder {} --consent NUMBER",
            permits.file.display(),
            id(holder)
        ));
    }
    Ok(())
}

fn row(permits: &Permits) -> Vec<String> {
    let (patient, words) = match &permits.compiled {
        Ok(compiled) => {
            let named: Vec<&str> = permits.clinicians.iter().map(|name| id(name)).collect();
            let words = if named.is_empty() { "nobody here".to_owned() } else { named.join(", ") };
            (patient_named(compiled.patient()), words)
        }
        Err(error) => ("-".to_owned(), format!("refused: {error}")),
    };
    vec![permits.file.display().to_string(), patient, words]
}

/// The id of a reference.
fn id(reference: &str) -> &str {
    reference.split_once('/').map_or(reference, |(_, id)| id)
}
