//! `amanat consent`.

use crate::actors::{self, HeldConsent};
use crate::args::{ConsentCommand, Global, GrantArgs, LedgerAt};
use crate::consent::{Found, Whose};
use crate::session::Session;
use crate::ui::{Ui, count};
use crate::{consent, keyring, wallets};
use amanat_client::ledger::AccessError;
use amanat_domain::consent::{GrantedConsent, UseLimit};
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::consent::Compiled;
use amanat_domain::fhir::identity::Source;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_prover::groth16::no_progress;
use amanat_prover::plan::{GrantPlan, RevokePlan};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

pub(crate) fn run(command: &ConsentCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        ConsentCommand::Compile { files, zone } => compile(files, *zone, global, ui),
        ConsentCommand::Permits { paths } => super::permits::run(paths, global, ui),
        ConsentCommand::Grant(args) => grant(args, global, ui),
        ConsentCommand::Revoke { consent, at } => revoke(*consent, global, at, ui),
        ConsentCommand::List => list(global, ui),
    }
}

fn compile(files: &[PathBuf], zones: Option<Zones>, global: &Global, ui: Ui) -> Result<()> {
    let home = crate::home::Home::open(global.home.as_deref())?;
    let practitioners = actors::directory(&actors::load_holders(&home)?);
    let directory = consent::directory(&practitioners, &actors::load_organisations(&home)?);
    let now = crate::session::now();
    let (mut read, mut refused, mut unread) = (0, 0, 0);
    let mut documents = Vec::new();
    for file in files {
        let consents = match consent::consents_in(file) {
            Ok(consents) => consents,
            Err(e) => {
                unread += 1;
                ui.say(format!("{e:#}"));
                documents.push(serde_json::json!({ "file": file, "unread": format!("{e:#}") }));
                continue;
            }
        };
        for Found { place, id, full_url, json, .. } in &consents.found {
            read += 1;
            let title = if place == "file" {
                file.display().to_string()
            } else {
                format!("{}, {place}", file.display())
            };
            let place = serde_json::json!({ "file": file, "place": place, "id": id, "full_url": full_url });
            let said = match consent::try_compile(json, &directory, zones.unwrap_or(Zones::ANY))? {
                Ok(compiled) => {
                    ui.say(compiled_words(&title, &compiled, zones, now));
                    consent::document(&compiled, now)
                }
                Err(refusals) => {
                    refused += 1;
                    let problems = count(refusals.all().len() + refusals.more(), "problem");
                    ui.say(format!("{title}: refused, {problems}\n{}", indented(&refusals.to_string())));
                    consent::refusals_document(&refusals)
                }
            };
            documents.push(merged(place, said));
        }
        for (place, why) in &consents.unread {
            unread += 1;
            ui.say(format!("{}, {place}: not read: {why}", file.display()));
            documents.push(serde_json::json!({ "file": file, "place": place, "unread": why }));
        }
        if consents.found.is_empty() && consents.unread.is_empty() {
            unread += 1;
            let others = count(usize::try_from(consents.others).unwrap_or(usize::MAX), "resource");
            let why = format!("no Consent in it: {others} of other types");
            ui.say(format!("{}: {why}", file.display()));
            documents.push(serde_json::json!({ "file": file, "unread": why }));
        }
    }
    ui.document(&serde_json::json!(documents));
    match (refused, unread) {
        (0, 0) => Ok(()),
        (0, _) => bail!("{} not read; {} compiled", count(unread, "document"), count(read, "consent")),
        (_, 0) => bail!(
            "{refused} of {} cannot be represented, and none was widened to fit",
            count(read, "consent")
        ),
        (..) => bail!(
            "{refused} of {} cannot be represented, and none was widened to fit; {} not read",
            count(read, "consent"),
            count(unread, "document")
        ),
    }
}

/// What a compiled consent says, whose it is, whether it is in force, and how its dates were read.
fn compiled_words(title: &str, compiled: &Compiled, zones: Option<Zones>, now: Timestamp) -> String {
    let mut words = format!(
        "{title}: {} of {}",
        count(compiled.terms().rules().len(), "rule"),
        consent::patient_named(compiled.patient()),
    );
    if let Some(standing) = consent::standing(compiled, now) {
        words.push_str(&format!("\n  {standing}"));
    }
    words.push('\n');
    words.push_str(&indented(&compiled.explain()));
    if zones.is_none() && compiled.depends_on_zone() {
        words.push_str("\n  --zone +HH:MM reads its dates as days of that zone");
    }
    words
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// The members of two objects in one.
fn merged(mut one: serde_json::Value, two: serde_json::Value) -> serde_json::Value {
    if let (Some(members), serde_json::Value::Object(more)) = (one.as_object_mut(), two) {
        members.extend(more);
    }
    one
}

fn grant(args: &GrantArgs, global: &Global, ui: Ui) -> Result<()> {
    let GrantArgs { patient, file, entry, uses, zone, source, even_so, at } = args;
    let session = Session::open(global, at, ui)?;
    let source = source.as_deref().map(Source::named).transpose().context("--source")?;
    let found = consent::one_in(file, entry.as_deref())?;
    let vault = session.vault()?;
    let practitioners = actors::directory(&session.holders()?);
    let compiled = consent::compile(&found.json, &practitioners, zone.unwrap_or(Zones::ANY))
        .with_context(|| format!("{} is refused", file.display()))?;
    let named = patient.as_deref().map(|patient| vault.patient(patient)).transpose()?;
    let whose =
        || consent::whose(&vault, file, &found, compiled.patient(), source.as_ref(), named.as_deref());
    let (name, terms) = match (named.clone(), *even_so) {
        (Some(name), true) => (name, None),
        (named, _) => match (named, whose()?) {
            (None, Whose::Of(own)) => (own.clone(), Some(compiled.terms_for(|_| true)?)),
            (Some(name), Whose::Of(own)) if own == name => (name, Some(compiled.terms_for(|_| true)?)),
            (Some(name), Whose::Of(other) | Whose::Unknown(other)) => bail!(
                "{}: Consent.patient: this is a consent of {other}, not of {name}: nobody grants for another (--even-so does)",
                file.display()
            ),
            (None, Whose::Unknown(other)) => bail!(
                "{}: Consent.patient: a consent of {other}: `amanat import --anchor` enrols patients, `amanat vault patients` lists \
                 them, --patient says which of them is meant",
                file.display()
            ),
        },
    };
    let patients = session.patients()?;
    let wallet = &patients
        .iter()
        .find(|p| p.reference == name)
        .with_context(|| format!("no wallet for {name}: `amanat import --anchor` makes them"))?
        .wallet;
    let now = crate::session::now();
    if let Some(since) = compiled.over_since(now) {
        let hint = if zone.is_none() && compiled.depends_on_zone() {
            " (--zone +HH:MM reads its dates as days of that zone)"
        } else {
            ""
        };
        bail!("{}: the consent is over since {since}: it would grant nothing{hint}", file.display());
    }
    if let Some(begin) = compiled.not_before(now) {
        ui.say(format!("note: the consent is not in force before {begin}"));
    }
    let terms = match terms {
        Some(terms) => terms,
        None => {
            let of = consent::patient_named(compiled.patient());
            ui.warn(&format!("a consent of {of} is granted by {name}, for --even-so was given"));
            compiled.into_terms_even_so()
        }
    };
    let mut rng = rand::rng();
    let limit = uses.map_or(UseLimit::UNLIMITED, UseLimit::at_most);
    let subject = wallet.subject().commitment();
    let granted = GrantedConsent::new(terms, subject, limit, &mut rng);
    let keys = keyring::load(&session.home, &[Statement::Grant], ui)?;
    let key = keys.get(Statement::Grant).context("loaded")?.digest();
    let target = session.target(Statement::Grant, key, "wallet")?;
    let mirror = session.mirror()?;
    let plan = GrantPlan::grant(&target, &mirror, wallets::copy(wallet), granted.clone(), &mut rng)?;
    let tx = plan.prove(&keys, &no_progress)?;
    // The nonce is on disk before the ledger has the leaf: a consent that is granted can be revoked.
    let mut consents = session.consents()?;
    let number = consents.iter().map(|c| c.number + 1).max().unwrap_or(0);
    consents.push(HeldConsent {
        number,
        patient: name,
        source: found.json,
        consent: granted,
        used: 0,
        revoked: false,
    });
    actors::save_consents(&session.home, &consents)?;
    let receipt = match session.submit(&tx) {
        Ok(done) => done.receipt,
        Err(error) => {
            // Refused, it is on no ledger; otherwise it may be, and must be revocable.
            if matches!(error.downcast_ref(), Some(AccessError::Refused(_))) {
                consents.retain(|c| c.number != number);
                actors::save_consents(&session.home, &consents)?;
            }
            return Err(error);
        }
    };
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
    let tx = plan.prove(&keys, &no_progress)?;
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
    let now = crate::session::now();
    let mut rows = vec![["consent", "patient", "rules", "uses", "state"].map(String::from).to_vec()];
    let mut documents = Vec::new();
    for c in &consents {
        let over = consent::terms_over_since(c.consent.terms(), now);
        let uses = c.consent.limit().limit().map_or("any".to_owned(), |n| format!("{} of {n}", c.used));
        rows.push(vec![
            c.number.to_string(),
            c.patient.clone(),
            c.consent.terms().rules().len().to_string(),
            uses,
            match over {
                _ if c.revoked => "revoked".to_owned(),
                Some(since) => format!("over since {since}"),
                None => "granted".to_owned(),
            },
        ]);
        documents.push(serde_json::json!({
            "consent": c.number, "patient": c.patient, "rules": c.consent.terms().rules().len(), "used": c.used,
            "uses": c.consent.limit().limit(), "revoked": c.revoked, "over_since": over.map(|t| t.to_string()),
        }));
    }
    ui.table(&rows);
    ui.document(&serde_json::json!(documents));
    Ok(())
}
