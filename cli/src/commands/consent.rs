//! `amanat consent`.

use crate::actors::{self, HeldConsent};
use crate::args::{ConsentCommand, Global, LedgerAt};
use crate::documents::{self, ConsentDocument};
use crate::session::Session;
use crate::ui::Ui;
use crate::{consent, keyring, wallets};
use amanat_domain::consent::{GrantedConsent, UseLimit};
use amanat_domain::statement::Statement;
use amanat_prover::groth16::to_the_end;
use amanat_prover::plan::{GrantPlan, RevokePlan};
use anyhow::{Context, Result, bail};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

pub(crate) fn run(command: &ConsentCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        ConsentCommand::Compile { files } => compile(files, global, ui),
        ConsentCommand::Permits { paths } => super::permits::run(paths, global, ui),
        ConsentCommand::Grant { patient, file, uses, at } => {
            grant(patient.as_deref(), file, *uses, global, at, ui)
        }
        ConsentCommand::Revoke { consent, at } => revoke(*consent, global, at, ui),
        ConsentCommand::List => list(global, ui),
    }
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn compile(files: &[PathBuf], global: &Global, ui: Ui) -> Result<()> {
    let home = crate::home::Home::open(global.home.as_deref())?;
    let practitioners = actors::directory(&actors::load_holders(&home)?);
    let mut refused = 0;
    let mut documents = Vec::new();
    for file in files {
        match consent::compile(&read(file)?, &practitioners) {
            Ok(compiled) => {
                ui.say(format!("{}: {} rules", file.display(), compiled.terms().rules().len()));
                ui.say(compiled.explain());
                documents.push(serde_json::json!({
                    "file": file, "rules": compiled.terms().rules().len(), "explanation": compiled.explain(),
                }));
            }
            Err(e) => {
                refused += 1;
                ui.say(format!("{}: refused: {e:#}", file.display()));
                documents.push(serde_json::json!({ "file": file, "refused": format!("{e:#}") }));
            }
        }
    }
    ui.document(&serde_json::json!(documents));
    if refused > 0 {
        bail!("{refused} of {} consents cannot be represented, and none was widened to fit", files.len());
    }
    Ok(())
}

fn grant(
    patient: Option<&str>,
    file: &Path,
    uses: Option<NonZeroU32>,
    global: &Global,
    at: &LedgerAt,
    ui: Ui,
) -> Result<()> {
    let session = Session::open(global, at, ui)?;
    let ConsentDocument { patient: named, source } = documents::one_consent(file)?;
    let patient = patient.or(named.as_deref()).with_context(|| {
        format!("the consent in {} names no patient by reference: give --patient REFERENCE", file.display())
    })?;
    let patient = session.vault()?.patient(patient)?;
    let patients = session.patients()?;
    let wallet = &patients
        .iter()
        .find(|p| p.reference == patient)
        .with_context(|| format!("no wallet for {patient}: `amanat import --anchor` makes them"))?
        .wallet;
    let compiled = consent::compile(&source, &actors::directory(&session.holders()?))
        .with_context(|| format!("{} is refused", file.display()))?;
    if compiled.expired_at(crate::session::now()) {
        ui.say("note: this consent is over already; it grants nothing");
    }
    let mut rng = rand::rng();
    let limit = uses.map_or(UseLimit::UNLIMITED, UseLimit::at_most);
    let subject = wallet.subject().commitment();
    let granted = GrantedConsent::new(compiled.into_terms(), subject, limit, &mut rng);
    let keys = keyring::load(&session.home, &[Statement::Grant], ui)?;
    let key = keys.get(Statement::Grant).context("loaded")?.digest();
    let target = session.target(Statement::Grant, key, "wallet")?;
    let mirror = session.mirror()?;
    let plan = GrantPlan::grant(&target, &mirror, wallets::copy(wallet), granted.clone(), &mut rng)?;
    let tx = plan.prove(&keys, &to_the_end)?;
    // The nonce is on disk before the ledger has the leaf: a consent that is granted can be revoked.
    let mut consents = session.consents()?;
    let number = consents.iter().map(|c| c.number + 1).max().unwrap_or(0);
    consents.push(HeldConsent { number, patient, source, consent: granted, used: 0, revoked: false });
    actors::save_consents(&session.home, &consents)?;
    let receipt = session.submit(&tx)?.receipt;
    ui.say(format!(
        "consent {number} granted in block {}; it can be used from the next epoch on (amanat ledger wait)",
        receipt.height
    ));
    ui.document(&serde_json::json!({
        "consent": number, "height": receipt.height, "txid": receipt.txid.to_string(),
    }));
    Ok(())
}

fn revoke(number: u32, global: &Global, at: &LedgerAt, ui: Ui) -> Result<()> {
    let session = Session::open(global, at, ui)?;
    let mut consents = session.consents()?;
    let held = consents
        .iter_mut()
        .find(|c| c.number == number)
        .with_context(|| format!("no consent {number}: `amanat consent list` lists them"))?;
    let patients = session.patients()?;
    let wallet = &patients.iter().find(|p| p.reference == held.patient).context("no wallet")?.wallet;
    let mut rng = rand::rng();
    let keys = keyring::load(&session.home, &[Statement::Revoke], ui)?;
    let key = keys.get(Statement::Revoke).context("loaded")?.digest();
    let target = session.target(Statement::Revoke, key, "wallet")?;
    let mirror = session.mirror()?;
    let plan = RevokePlan::revoke(&target, &mirror, wallets::copy(wallet), held.consent.clone(), &mut rng)?;
    let tx = plan.prove(&keys, &to_the_end)?;
    let receipt = session.submit(&tx)?.receipt;
    held.revoked = true;
    actors::save_consents(&session.home, &consents)?;
    ui.say(format!(
        "consent {number} revoked in block {}; no validator accepts its use after the next epoch's window",
        receipt.height
    ));
    ui.document(&serde_json::json!({
        "consent": number, "height": receipt.height, "txid": receipt.txid.to_string(),
    }));
    Ok(())
}

fn list(global: &Global, ui: Ui) -> Result<()> {
    let home = crate::home::Home::open(global.home.as_deref())?;
    let consents = actors::load_consents(&home)?;
    let mut rows = vec![["consent", "patient", "rules", "uses", "state"].map(String::from).to_vec()];
    for c in &consents {
        let uses = c.consent.limit().limit().map_or("any".to_owned(), |n| format!("{} of {n}", c.used));
        rows.push(vec![
            c.number.to_string(),
            c.patient.clone(),
            c.consent.terms().rules().len().to_string(),
            uses,
            if c.revoked { "revoked" } else { "granted" }.to_owned(),
        ]);
    }
    ui.table(&rows);
    ui.document(&serde_json::json!(
        consents
            .iter()
            .map(|c| serde_json::json!({
                "consent": c.number, "patient": c.patient, "used": c.used, "revoked": c.revoked,
            }))
            .collect::<Vec<_>>()
    ));
    Ok(())
}
