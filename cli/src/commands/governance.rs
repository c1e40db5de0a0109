//! `amanat governance`.

mod list;

use crate::args::Global;
use crate::args::governance::{CapabilityArgs, ChangeCommand, GovernanceCommand, SignedBy};
use crate::session;
use crate::ui::{self, Ui};
use amanat_api::view::ChangeView;
use amanat_client::governance::{ChangeRequest, Decision, describe_change};
use amanat_client::{Home, Organisation};
use amanat_domain::consent::RoleCode;
use amanat_domain::governance::{Capabilities, RoleGrant};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::{KeyDigest, TxId};
use anyhow::{Context, Result};

pub(crate) fn run(command: &GovernanceCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        GovernanceCommand::List { at } => list::run(&session::open(global, at, ui)?, ui),
        GovernanceCommand::Key { reference, name } => key(reference, name.as_deref(), global, ui),
        GovernanceCommand::Propose { by, change } => propose(change, by, global, ui),
        GovernanceCommand::Approve { proposal, yes, by } => approve(proposal, *yes, by, global, ui),
        GovernanceCommand::Freeze { statement, digest, by } => {
            let (statement, key) = (statement.parse()?, key_digest(digest)?);
            let client = session::open(global, &by.at(), ui)?;
            let (txid, frozen_from) = client.freeze_key(by.by.as_deref(), statement, key)?;
            ui.say(format!("key {key} is frozen from block {frozen_from}"));
            ui.document(&serde_json::json!({ "txid": txid.to_string(), "frozen_from": frozen_from }));
            Ok(())
        }
    }
}

/// The key pair of one organisation, on its own machine.
fn key(reference: &str, name: Option<&str>, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let own = Organisation::ensure(&home, reference, name)?;
    let key = hex::encode(own.organisation.public_key());
    let what = if own.is_new { "is new" } else { "was there" };
    ui.say(format!("the key of {reference} {what} in {}; its public half:\n{key}", home.root().display()));
    ui.document(
        &serde_json::json!({ "id": reference, "name": own.organisation.name, "key": key, "new": own.is_new }),
    );
    Ok(())
}

fn propose(command: &ChangeCommand, by: &SignedBy, global: &Global, ui: Ui) -> Result<()> {
    let request = request(command)?;
    let mut client = session::open(global, &by.at(), ui)?;
    let change = client.change(&request)?;
    ui.say(describe_change(&ChangeView::from(&change), &client.ledger().governance()?));
    tell(&client.propose(by.by.as_deref(), change)?, ui);
    Ok(())
}

fn approve(proposal: &str, yes: bool, by: &SignedBy, global: &Global, ui: Ui) -> Result<()> {
    let id: TxId = proposal.parse().context("a proposal's id is 64 hexadecimal digits")?;
    let client = session::open(global, &by.at(), ui)?;
    let view = client.ledger().governance()?;
    client.signer(by.by.as_deref(), &view)?;
    ui.say(describe_change(&ChangeView::from(&client.proposed_change(&id)?), &view));
    if !yes {
        ui.say(
            "nothing was signed: an approval cannot be withdrawn. To approve the proposal, run the command again with --yes",
        );
        return Ok(());
    }
    tell(&client.approve(by.by.as_deref(), id)?, ui);
    Ok(())
}

fn tell(decision: &Decision, ui: Ui) {
    let Decision { proposal, approvals, needed, expires, holds_from } = decision;
    match holds_from {
        Some(height) => {
            ui.say(format!("decided by {approvals} (of {needed} needed): holds from block {height}"));
        }
        None => {
            let needed = ui::count(*needed, "approval");
            ui.say(format!("{approvals} of {needed}: amanat governance approve {proposal}"));
        }
    }
    ui.document(&serde_json::json!({
        "proposal": proposal.to_string(),
        "approvals": approvals,
        "needed": needed,
        "expires": expires,
        "holds_from": holds_from,
    }));
}

fn request(command: &ChangeCommand) -> Result<ChangeRequest> {
    Ok(match command {
        ChangeCommand::AddOrganisation { reference, name, key, may } => {
            let key = key.as_deref().map(hex32).transpose()?;
            let (reference, name) = (reference.clone(), name.clone());
            ChangeRequest::AddOrganisation { reference, name, key, may: capabilities(may)? }
        }
        ChangeCommand::RemoveOrganisation { reference } => {
            ChangeRequest::RemoveOrganisation { reference: reference.clone() }
        }
        ChangeCommand::SetCapabilities { reference, may } => {
            ChangeRequest::SetCapabilities { reference: reference.clone(), may: capabilities(may)? }
        }
        ChangeCommand::SetKey { reference, key } => {
            ChangeRequest::SetKey { reference: reference.clone(), key: hex32(key)? }
        }
        ChangeCommand::AddValidator { reference, key } => {
            ChangeRequest::AddValidator { reference: reference.clone(), key: ValidatorKey(hex32(key)?) }
        }
        ChangeCommand::RemoveValidator { key } => {
            ChangeRequest::RemoveValidator { key: ValidatorKey(hex32(key)?) }
        }
        ChangeCommand::InstallKey { statement, activate_at } => {
            ChangeRequest::InstallKey { statement: statement.parse()?, activate_at: *activate_at }
        }
        ChangeCommand::SunsetKey { statement, digest, from } => {
            let (statement, key) = (statement.parse()?, key_digest(digest)?);
            ChangeRequest::SunsetKey { statement, key, from: *from }
        }
    })
}

fn key_digest(text: &str) -> Result<KeyDigest> {
    text.parse().context("a key's digest is 64 hexadecimal digits")
}

fn hex32(text: &str) -> Result<[u8; 32]> {
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(text, &mut bytes).context("a key is 64 hexadecimal digits")?;
    Ok(bytes)
}

fn capabilities(may: &CapabilityArgs) -> Result<Capabilities> {
    let roles = if may.issue_roles.iter().any(|role| role == "all") {
        RoleGrant::All
    } else {
        let role = |text: &String| {
            let (system, code) = text.split_once('|').context("a role is written SYSTEM|CODE, or `all`")?;
            Ok(RoleCode::from_coding(system, code))
        };
        RoleGrant::These(may.issue_roles.iter().map(role).collect::<Result<_>>()?)
    };
    Ok(Capabilities { enrol: may.enrol, anchor: may.anchor, govern: may.govern, roles })
}
