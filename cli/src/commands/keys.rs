//! `amanat keys`.

use crate::args::{Global, KeysCommand};
use crate::session;
use crate::ui::{self, Bars, Ui};
use amanat_client::keys::{InstalledKeys, load, store};
use amanat_client::{Client, Home};
use amanat_domain::statement::Statement;
use amanat_params::{VerifyingKey, snarkjs};
use amanat_prover::keys::Keys;
use anyhow::{Context, Result};
use std::path::Path;

pub(crate) fn run(command: &KeysCommand, global: &Global, ui: Ui) -> Result<()> {
    let home = || Home::open(global.home.as_deref());
    match command {
        KeysCommand::InsecureDev { statements } => {
            let home = home()?;
            let statements = if statements.is_empty() {
                Statement::ALL.to_vec()
            } else {
                statements.iter().map(|s| s.parse()).collect::<Result<_, _>>()?
            };
            load(&home, &statements, &mut Keys::new(), &Bars::new(ui))?;
            list(&home, ui)
        }
        KeysCommand::List => list(&home()?, ui),
        KeysCommand::Lint { file } => lint(file, ui),
        KeysCommand::Export { statement, out } => export(&home()?, statement, out.as_deref(), ui),
        KeysCommand::Install { at, approve } => install(&mut session::open(global, at, ui)?, *approve, ui),
    }
}

fn lint(file: &Path, ui: Ui) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    // A verifying key that can be read has passed the lint.
    let key = VerifyingKey::from_bytes(&bytes).with_context(|| file.display().to_string())?;
    let header = key.header();
    let digest = hex::encode(key.digest());
    ui.say(format!(
        "ok: {} version {}, origin {}, digest {digest}",
        header.statement, header.version, header.origin
    ));
    ui.document(&serde_json::json!({
        "statement": header.statement.name(),
        "version": header.version,
        "origin": header.origin.to_string(),
        "digest": digest,
    }));
    Ok(())
}

fn export(home: &Home, statement: &str, out: Option<&Path>, ui: Ui) -> Result<()> {
    let statement: Statement = statement.parse()?;
    let key = store(home)?.verifying_key(statement, statement.version())?;
    let json = snarkjs::export_verifying_key(&key);
    match out {
        Some(path) => {
            std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
            ui.say(format!("wrote {}", path.display()));
        }
        None => ui.raw(&json),
    }
    Ok(())
}

fn list(home: &Home, ui: Ui) -> Result<()> {
    let entries = store(home)?.entries()?;
    let mut rows = vec![
        ["statement", "version", "origin", "proving key", "verifying key digest"].map(String::from).to_vec(),
    ];
    for e in &entries {
        rows.push(vec![
            e.statement.to_string(),
            e.version.to_string(),
            e.origin.to_string(),
            ui::bytes(e.proving_key_bytes),
            hex::encode(e.verifying_key),
        ]);
    }
    ui.table(&rows);
    ui.document(&serde_json::to_value(&entries)?);
    Ok(())
}

/// Installs the store's keys, or proposes them where one organisation is not enough.
pub(crate) fn install(client: &mut Client, approve: bool, ui: Ui) -> Result<()> {
    let InstalledKeys { new, there, open, quorum } = client.install_keys(approve)?;
    if open {
        for (statement, proposal) in &new {
            ui.say(format!("  `{statement}`: proposal {proposal}"));
        }
        ui.say(format!(
            "{} proposed, {there} were there; each takes {}: amanat governance approve ID",
            ui::count(new.len(), "key"),
            ui::count(quorum, "approval")
        ));
    } else {
        ui.say(format!("{} installed, {there} were there", ui::count(new.len(), "key")));
    }
    Ok(())
}
