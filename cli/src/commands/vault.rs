//! `amanat vault`: what the custodian keeps.

use crate::args::{Global, VaultCommand};
use crate::home::Home;
use crate::policies;
use crate::session;
use crate::ui::{Ui, count};
use crate::vault::{Anchoring, Supersession, Vault, VaultRecord};
use amanat_domain::consent::Categories;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

pub(crate) fn run(command: &VaultCommand, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let _lock = home.lock()?;
    let genesis = session::genesis(&home)?
        .with_context(|| format!("no ledger in {}: make one with `amanat init`", home.root().display()))?;
    let vault = Vault::open(&home, genesis.chain_id())?;
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
    let (bits, _) = policies::class(&record.record);
    let names: Vec<&str> = Categories::NAMES
        .iter()
        .filter(|(bit, _)| bit.is_subset(Categories(bits)))
        .map(|(_, name)| *name)
        .collect();
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
        Ok(true)
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
        Ok(true)
    })?;
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for known in vault.known()? {
        let person = u32::try_from(known.person).context("a patient's number")?;
        names.entry(vault.wallet_of(person)?).or_default().push(known.name.to_string());
    }
    let mut rows = vec![["patient", "records", "also known as"].map(String::from).to_vec()];
    let mut documents = Vec::new();
    for (wallet, names) in &names {
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
