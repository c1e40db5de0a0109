//! `amanat keys`.

use crate::actors::Organisation;
use crate::args::{Global, KeysCommand, LedgerAt};
use crate::home::Home;
use crate::keyring;
use crate::session::Session;
use crate::ui::{self, Ui};
use crate::vectors::{self, Sample};
use amanat_api::view::{GovernanceView, Hex32};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, TxId};
use amanat_params::{VerifyingKey, snarkjs};
use anyhow::{Context, Result};

pub(crate) fn run(command: &KeysCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        KeysCommand::InsecureDev { statements } => {
            let home = Home::open(global.home.as_deref())?;
            let statements = if statements.is_empty() {
                Statement::ALL.to_vec()
            } else {
                statements.iter().map(|s| s.parse()).collect::<Result<_, _>>()?
            };
            keyring::load(&home, &statements, ui)?;
            list(&home, ui)
        }
        KeysCommand::List => list(&Home::open(global.home.as_deref())?, ui),
        KeysCommand::Lint { file } => {
            let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            // A verifying key that can be read has passed the lint.
            let key = VerifyingKey::from_bytes(&bytes).with_context(|| file.display().to_string())?;
            let header = key.header();
            ui.say(format!(
                "ok: {} version {}, origin {}, digest {}",
                header.statement,
                header.version,
                header.origin,
                hex::encode(key.digest())
            ));
            ui.document(&serde_json::json!({
                "statement": header.statement.name(),
                "version": header.version,
                "origin": header.origin.to_string(),
                "digest": hex::encode(key.digest()),
            }));
            Ok(())
        }
        KeysCommand::Export { statement, out } => {
            let home = Home::open(global.home.as_deref())?;
            let statement: Statement = statement.parse()?;
            let key = keyring::store(&home)?.verifying_key(statement, statement.version())?;
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
        KeysCommand::Install { at, approve } => install(global, at, *approve, ui),
    }
}

fn list(home: &Home, ui: Ui) -> Result<()> {
    let entries = keyring::store(home)?.entries()?;
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

/// Installs every key of the store that the ledger does not have; proposes them where one organisation is not enough, and with `approve`
/// approves them by every organisation of the home directory that governs, until they are decided.
pub(crate) fn install(global: &Global, at: &LedgerAt, approve: bool, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let keys = keyring::load(&home, &Statement::ALL, ui)?;
    let session = Session::open(global, at, ui)?;
    let governance = session.ledger.governance()?;
    let governor = session.signer(None, &governance)?;
    let installed = session.ledger.keys()?;
    let mut rng = rand::rng();
    let sample = Sample::new(&mut rng)?;
    let bar = ui.bar(Statement::ALL.len() as u64, "installing keys");
    let mut new = Vec::new();
    for (statement, key) in keys.iter() {
        bar.set_message(format!("installing key `{statement}`"));
        if !installed.iter().any(|k| k.statement == statement && k.digest == key.digest()) {
            let change = vectors::install(&sample, statement, key, &keys, 0, &mut rng)?;
            let tx = governor.sign(session.chain(), Action::Propose(Box::new(change)), &mut rng);
            session.submit(&tx)?;
            if approve {
                approve_all(&session, &governance, &governor, tx.id(), &mut rng)?;
            }
            new.push((statement, tx.id()));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let there = Statement::ALL.len() - new.len();
    if governance.quorum > 1 && !approve {
        for (statement, proposal) in &new {
            ui.say(format!("  `{statement}`: proposal {proposal}"));
        }
        ui.say(format!(
            "{} proposed, {there} were there; each takes {}: amanat governance approve ID",
            ui::count(new.len(), "key"),
            ui::count(governance.quorum, "approval")
        ));
    } else {
        ui.say(format!("{} installed, {there} were there", ui::count(new.len(), "key")));
    }
    Ok(())
}

/// Approves a proposal by every other organisation of the home directory that governs, until it is decided.
fn approve_all(
    session: &Session,
    governance: &GovernanceView,
    proposer: &Organisation,
    proposal: TxId,
    rng: &mut impl rand::CryptoRng,
) -> Result<()> {
    let governs = |o: &&Organisation| {
        let member = governance.organisation(&Hex32(o.id().to_bytes()));
        o.id() != proposer.id() && member.is_some_and(|m| m.removed.is_none() && m.capabilities.govern)
    };
    let all = session.organisations()?;
    for organisation in all.iter().filter(governs).take(governance.quorum.saturating_sub(1) as usize) {
        session.submit(&organisation.sign(session.chain(), Action::Approve(proposal), rng))?;
    }
    Ok(())
}
