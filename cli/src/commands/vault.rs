//! `amanat vault`: what the custodian keeps.

use crate::args::{Global, VaultCommand};
use crate::ui::{Ui, count};
use amanat_client::vault::{Anchoring, Supersession, VaultRecord};
use amanat_client::{Home, Vault};
use amanat_domain::consent::Categories;
use anyhow::Result;
use std::collections::BTreeMap;

pub(crate) fn run(command: &VaultCommand, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let _lock = home.lock()?;
    let vault = Vault::open(&home, home.chain()?)?;
    match command {
        VaultCommand::List { patient } => list(&vault, patient.as_deref(), ui),
        VaultCommand::Patients => patients(&vault, ui),
    }
}

fn state(record: &VaultRecord) -> String {
    match (record.supersession, record.anchoring) {
        (Supersession::By(number), _) => format!("superseded by {number}"),
        (Supersession::Retracted, _) => "taken back".to_owned(),
        (Supersession::Latest, Anchoring::Pending) => "not acknowledged yet".to_owned(),
        (Supersession::Latest, Anchoring::Anchored(epoch)) => format!("anchored in epoch {epoch}"),
    }
}

/// The names of a record's categories.
fn categories(record: &VaultRecord) -> String {
    let of = record.record.labels().categories;
    let names: Vec<&str> =
        Categories::NAMES.iter().filter(|(bit, _)| bit.is_subset(of)).map(|(_, name)| *name).collect();
    names.join(",")
}

fn list(vault: &Vault, patient: Option<&str>, ui: Ui) -> Result<()> {
    let wallet = patient.map(|p| vault.patient(p)).transpose()?;
    let mut rows = vec![
        ["record", "resource", "patient", "categories", "custodian", "state"].map(String::from).to_vec(),
    ];
    let mut documents = Vec::new();
    vault.each_record(|record| {
        if wallet.as_ref().is_none_or(|wallet| *wallet == record.patient) {
            let (state, categories) = (state(&record), categories(&record));
            documents.push(serde_json::json!({
                "record": record.number, "resource": record.label, "patient": record.patient,
                "categories": categories, "custodian": record.custodian, "state": state,
            }));
            rows.push(vec![
                record.number.to_string(),
                record.label,
                record.patient,
                categories,
                record.custodian,
                state,
            ]);
        }
        true
    })?;
    ui.table(&rows);
    ui.say(count(documents.len() as u64, "record"));
    ui.document(&serde_json::Value::Array(documents));
    Ok(())
}

fn patients(vault: &Vault, ui: Ui) -> Result<()> {
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    vault.each_record(|record| {
        *records.entry(record.patient).or_default() += 1;
        true
    })?;
    let mut rows = vec![["patient", "records", "also known as"].map(String::from).to_vec()];
    let mut documents = Vec::new();
    for (wallet, names) in &vault.names()? {
        let others: Vec<&str> = names.iter().filter(|n| *n != wallet).map(String::as_str).collect();
        let records = records.get(wallet).copied().unwrap_or(0);
        rows.push(vec![wallet.clone(), records.to_string(), others.join(", ")]);
        documents.push(serde_json::json!({ "patient": wallet, "records": records, "also_known_as": others }));
    }
    ui.table(&rows);
    ui.say(count(documents.len() as u64, "patient"));
    ui.document(&serde_json::Value::Array(documents));
    Ok(())
}
