//! `amanat consent`.

use crate::args::{ConsentCommand, Global, GrantArgs, LedgerAt};
use crate::consent_view::terms_over_since;
use crate::session;
use crate::ui::Ui;
use amanat_client::consent::HeldConsent;
use amanat_client::{GrantRequest, Home, machine_clock};
use amanat_domain::fhir::identity::Source;
use anyhow::{Context, Result};

pub(crate) fn run(command: &ConsentCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        ConsentCommand::Compile { files, zone } => {
            super::compile::run(files, *zone, &Home::open(global.home.as_deref())?, ui)
        }
        ConsentCommand::Permits { paths } => super::permits::run(paths, global, ui),
        ConsentCommand::Grant(args) => grant(args, global, ui),
        ConsentCommand::Revoke { consent, at } => revoke(*consent, global, at, ui),
        ConsentCommand::List => list(global, ui),
    }
}

fn grant(args: &GrantArgs, global: &Global, ui: Ui) -> Result<()> {
    let request = GrantRequest {
        file: args.file.clone(),
        entry: args.entry.clone(),
        patient: args.patient.clone(),
        uses: args.uses,
        zone: args.zone,
        source: args.source.as_deref().map(Source::named).transpose().context("--source")?,
        even_so: args.even_so,
    };
    let granted = session::open(global, &args.at, ui)?.grant(&request)?;
    if let Some(begin) = granted.not_before {
        ui.say(format!("note: the consent is not in force before {begin}"));
    }
    if let Some((of, by)) = &granted.for_another {
        ui.warn(&format!("a consent of {of} is granted by {by}, for --even-so was given"));
    }
    let (number, height) = (granted.number, granted.receipt.height());
    ui.say(format!(
        "consent {number} granted in block {height}; it can be used from the next epoch on (amanat ledger wait)"
    ));
    ui.document(&serde_json::json!({
        "consent": number, "height": height, "txid": granted.receipt.txid().to_string(),
    }));
    Ok(())
}

fn revoke(number: u32, global: &Global, at: &LedgerAt, ui: Ui) -> Result<()> {
    let receipt = session::open(global, at, ui)?.revoke(number)?;
    let height = receipt.height();
    ui.say(format!(
        "consent {number} revoked in block {height}; no validator accepts its use after the next epoch's window"
    ));
    ui.document(&serde_json::json!({
        "consent": number, "height": height, "txid": receipt.txid().to_string(),
    }));
    Ok(())
}

fn list(global: &Global, ui: Ui) -> Result<()> {
    let consents = HeldConsent::load_all(&Home::open(global.home.as_deref())?)?;
    let now = machine_clock();
    let mut rows = vec![["consent", "patient", "rules", "uses", "state"].map(String::from).to_vec()];
    let mut documents = Vec::new();
    for c in &consents {
        let over = terms_over_since(c.consent.terms(), now);
        let limit = c.consent.limit().limit();
        let rules = c.consent.terms().rules().len();
        rows.push(vec![
            c.number.to_string(),
            c.patient.clone(),
            rules.to_string(),
            limit.map_or("any".to_owned(), |n| format!("{} of {n}", c.uses())),
            match over {
                _ if c.revoked => "revoked".to_owned(),
                Some(since) => format!("over since {since}"),
                None => "granted".to_owned(),
            },
        ]);
        documents.push(serde_json::json!({
            "consent": c.number, "patient": c.patient, "rules": rules, "used": c.uses(),
            "uses": limit, "revoked": c.revoked, "over_since": over.map(|t| t.to_string()),
        }));
    }
    ui.table(&rows);
    ui.document(&serde_json::json!(documents));
    Ok(())
}
