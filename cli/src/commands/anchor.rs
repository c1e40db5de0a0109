//! `amanat import --anchor`: enrols the patients found and anchors their records.

use crate::actors::{self, Patient, VaultRecord};
use crate::args::{Global, ImportArgs};
use crate::cases::{self, Bounds};
use crate::import;
use crate::session::Session;
use crate::ui::Ui;
use amanat_domain::identity::PatientWallet;
use amanat_domain::record::Record;
use amanat_domain::tx::{Action, MAX_BATCH};
use anyhow::{Context, Result};
use std::time::Instant;

/// Most patients and records of one import that is anchored: all are held in memory with their salts.
const BOUNDS: Bounds = Bounds { patients: 20_000, records: 2_000 };

/// An anchoring whose receipt has not come.
pub(crate) const PENDING: u64 = u64::MAX;

pub(crate) fn run(args: &ImportArgs, global: &Global, ui: Ui) -> Result<()> {
    let started = Instant::now();
    let files = import::files(&args.paths)?;
    let found = cases::gather(&files, BOUNDS, ui)?;
    import::report(&found.summary, started, ui);
    let session = Session::open(global, &args.at, ui)?;
    let mut rng = rand::rng();
    let organisations = session.organisations()?;
    let custodian = organisations.first().context("no organisations: `amanat init` makes them")?;
    let mut patients = session.patients()?;
    let mut vault = session.vault()?;

    // Wallets first, on disk before anybody hears of their commitments.
    let mut new = Vec::new();
    for case in &found.cases {
        if !patients.iter().any(|p| p.reference == case.patient) {
            let wallet = PatientWallet::random(&mut rng);
            new.push(wallet.subject().commitment());
            patients.push(Patient { reference: case.patient.clone(), wallet });
        }
    }
    actors::save_patients(&session.home, &patients)?;
    for batch in new.chunks(MAX_BATCH) {
        session.submit(&custodian.sign(session.chain(), Action::Enrol(batch.to_vec()), &mut rng))?;
    }

    let first = vault.len();
    for case in &found.cases {
        let subject = patients
            .iter()
            .find(|p| p.reference == case.patient)
            .context("every patient has a wallet")?
            .wallet
            .subject();
        for (label, fields) in &case.records {
            let number = u32::try_from(vault.len()).context("the vault is full")?;
            let record = Record::commit(fields, &subject, &format!("vault/{number}"), &mut rng);
            vault.push(VaultRecord {
                number,
                patient: case.patient.clone(),
                label: label.clone(),
                custodian: custodian.reference.clone(),
                record,
                anchored: PENDING,
            });
        }
    }
    actors::save_vault(&session.home, &vault)?;
    let bar = ui.bar((vault.len() - first) as u64, "anchoring");
    for batch in vault[first..].chunks_mut(MAX_BATCH) {
        let records = batch.iter().map(|r| r.record.root()).collect();
        let action = Action::Anchor { records, superseded: Vec::new() };
        let receipt = session.submit(&custodian.sign(session.chain(), action, &mut rng))?.receipt;
        batch.iter_mut().for_each(|r| r.anchored = receipt.epoch);
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    actors::save_vault(&session.home, &vault)?;
    ui.say(format!(
        "{} patients enrolled, {} records anchored by {}; the vault now holds {}",
        new.len(),
        vault.len() - first,
        custodian.name,
        vault.len()
    ));
    ui.say("next: amanat consent grant --patient REFERENCE FILE, once the next epoch has begun");
    Ok(())
}
