//! `amanat consent permits`: which consents of a folder permit which clinicians of the home directory.

use crate::actors;
use crate::args::Global;
use crate::home::Home;
use crate::session::now;
use crate::ui::{self, Ui};
use crate::{consent, hints, import, policies};
use amanat_domain::fhir::Zones;
use anyhow::{Result, bail};
use std::path::PathBuf;

/// One line for each Consent: whom it permits an ordinary request for treatment now.
pub(crate) fn run(paths: &[PathBuf], global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let holders = actors::load_holders(&home)?;
    if holders.is_empty() {
        bail!(
            "no clinicians in {}: `amanat init` makes some, `amanat clinician add` more",
            home.root().display()
        );
    }
    let known = actors::directory(&holders);
    let mut rows = vec![["consents of", "patient", "permits treatment now"].map(String::from).to_vec()];
    let mut examples: Vec<(PathBuf, String)> = Vec::new();
    let mut unknown = None;
    for file in import::files(paths)?.found {
        for found in consent::consents_in(&file)?.found {
            let compiled = consent::compile(&found.json, &known, Zones::ANY);
            let (words, permitted, patient) = match compiled {
                Ok(compiled) => {
                    let permitted: Vec<&str> = holders
                        .iter()
                        .filter(|h| policies::permits_treatment(&compiled, h, now()))
                        .map(|h| h.name.split_once('/').map_or(h.name.as_str(), |(_, id)| id))
                        .collect();
                    let words =
                        if permitted.is_empty() { "nobody here".to_owned() } else { permitted.join(", ") };
                    let patient = consent::patient_named(compiled.patient());
                    (words, permitted.first().map(|name| (*name).to_owned()), patient)
                }
                Err(error) => {
                    unknown = unknown.or_else(|| hints::hint(&error));
                    (format!("refused: {error:#}"), None, "-".to_owned())
                }
            };
            examples.extend(permitted.map(|holder| (file.clone(), holder)));
            rows.push(vec![file.display().to_string(), patient, words]);
        }
    }
    let documents = rows[1..]
        .iter()
        .map(|row| serde_json::json!({ "file": row[0], "patient": row[1], "permits": row[2] }));
    ui.document(&documents.collect());
    if rows.len() == 1 {
        ui.say("no Consents in these files");
        return Ok(());
    }
    ui.table(&rows);
    ui.say(format!("{} for {}", ui::count(rows.len() - 1, "consent"), ui::count(holders.len(), "clinician")));
    if let Some(hint) = unknown {
        ui.say(format!("for actors that are not known: {hint}"));
    }
    if let Some((file, holder)) = examples.first() {
        ui.say(format!(
            "next: amanat consent grant {}, amanat ledger wait, amanat prove access --holder {holder} --consent NUMBER",
            file.display()
        ));
    }
    Ok(())
}
