//! `amanat governance`.

use crate::actors::{self, Organisation};
use crate::args::governance::{CapabilityArgs, ChangeCommand, GovernanceCommand, SignedBy};
use crate::args::{Global, LedgerAt};
use crate::home::Home;
use crate::keyring;
use crate::session::Session;
use crate::ui::{self, Ui};
use crate::vectors::{self, Sample};
use amanat_api::view::{
    CapabilitiesView, ChangeView, GovernanceView, Hex32, ProposalView, RolesView, ValidatorSetView,
};
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::governance::{Capabilities, Change, RoleGrant};
use amanat_domain::quorum::ValidatorKey;
use amanat_domain::tx::{Action, Transaction, TxId};
use amanat_ledger::Effect;
use anyhow::{Context, Result, bail};

pub(crate) fn run(command: &GovernanceCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        GovernanceCommand::List { at } => list(global, at, ui),
        GovernanceCommand::Key { reference, name } => key(reference, name.as_deref(), global, ui),
        GovernanceCommand::Propose { by, change } => propose(change, by, global, ui),
        GovernanceCommand::Approve { proposal, yes, by } => approve(proposal, *yes, by, global, ui),
        GovernanceCommand::Freeze { statement, digest, by } => {
            let session = Session::open(global, &by.at(), ui)?;
            let statement = statement.parse()?;
            let key = digest.parse().context("a key's digest is 64 hexadecimal digits")?;
            let signer = session.signer(by.by.as_deref(), &session.ledger.governance()?)?;
            let action = Action::FreezeKey { statement, key };
            let tx = signer.sign(session.chain(), action, &mut rand::rng());
            let receipt = session.submit(&tx)?.receipt;
            ui.say(format!("key {key} is frozen from block {}", receipt.height + 1));
            ui.document(
                &serde_json::json!({ "txid": tx.id().to_string(), "frozen_from": receipt.height + 1 }),
            );
            Ok(())
        }
    }
}

/// The key pair of one organisation, on its own machine.
fn key(reference: &str, name: Option<&str>, global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let _lock = home.lock()?;
    let mut all = actors::load_organisations(&home)?;
    let there = all.iter().position(|o| o.reference == reference);
    let at = there.unwrap_or_else(|| {
        all.push(Organisation::new(reference, name.unwrap_or(reference), &mut rand::rng()));
        all.len() - 1
    });
    if there.is_none() {
        actors::save_organisations(&home, &all)?;
    }
    let key = hex::encode(all[at].key.verifying_key().to_bytes());
    let what = if there.is_some() { "was there" } else { "is new" };
    ui.say(format!("the key of {reference} {what} in {}; its public half:\n{key}", home.root().display()));
    ui.document(
        &serde_json::json!({ "id": reference, "name": all[at].name, "key": key, "new": there.is_none() }),
    );
    Ok(())
}

fn list(global: &Global, at: &LedgerAt, ui: Ui) -> Result<()> {
    let view = Session::open(global, at, ui)?.ledger.governance()?;
    ui.say(format!(
        "after block {}: organisations that govern: {}; a change takes {} of them",
        view.height, view.governors, view.quorum
    ));
    let mut rows =
        vec![["organisation", "name", "may", "key", "since", "removed"].map(String::from).to_vec()];
    for o in &view.organisations {
        rows.push(vec![
            o.reference.clone(),
            o.name.clone(),
            may(&o.capabilities, false),
            hex::encode(o.key.0),
            o.since.to_string(),
            o.removed.map_or("-".to_owned(), |height| height.to_string()),
        ]);
    }
    ui.table(&rows);
    match &view.validators {
        None => ui.say("no validators: one operator keeps this ledger"),
        Some(validators) => {
            let mut rows = vec![["validator", "organisation", "agrees from"].map(String::from).to_vec()];
            let mut set = |set: &ValidatorSetView, from: &str| {
                for v in &set.validators {
                    rows.push(vec![hex::encode(v.key.0), name(&view, &v.organisation), from.to_owned()]);
                }
            };
            set(&validators.now, "now");
            if let Some(next) = &validators.next {
                set(next, &format!("block {}", next.height));
            }
            ui.table(&rows);
        }
    }
    if view.proposals.is_empty() {
        ui.say("no open proposals");
    }
    for proposal in &view.proposals {
        tell(proposal, &view, ui);
    }
    ui.document(&serde_json::to_value(&view)?);
    Ok(())
}

fn tell(proposal: &ProposalView, view: &GovernanceView, ui: Ui) {
    ui.say(format!("proposal {}", hex::encode(proposal.id.0)));
    ui.say(format!("  {}", words(&proposal.change, view)));
    let approvals: Vec<String> = proposal.approvals.iter().map(|id| name(view, id)).collect();
    ui.say(format!(
        "  approved by {} ({} of {}), open before epoch {} (now {})",
        approvals.join(", "),
        proposal.counted,
        view.quorum,
        proposal.expires,
        view.epoch
    ));
}

fn name(view: &GovernanceView, id: &Hex32) -> String {
    view.organisation(id).map_or_else(|| hex::encode(id.0), |o| o.reference.clone())
}

/// What an organisation may do; the roles one by one for whoever is to decide.
fn may(c: &CapabilitiesView, in_full: bool) -> String {
    let mut words: Vec<String> = [(c.enrol, "enrol"), (c.anchor, "anchor"), (c.govern, "govern")]
        .into_iter()
        .filter(|(can, _)| *can)
        .map(|(_, word)| word.to_owned())
        .collect();
    match &c.issue_roles {
        RolesView::All(_) => words.push("issue all roles".to_owned()),
        RolesView::These(roles) if roles.is_empty() => {}
        RolesView::These(roles) if in_full => {
            let codes: Vec<String> = roles.iter().map(|role| hex::encode(role.0)).collect();
            words.push(format!("issue the roles {}", codes.join(" ")));
        }
        RolesView::These(roles) => words.push(format!("issue {}", ui::count(roles.len(), "role"))),
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn words(change: &ChangeView, view: &GovernanceView) -> String {
    match change {
        ChangeView::InstallKey { statement, digest, activate_at } => format!(
            "install key {} for `{statement}`, active from block {activate_at} or the next",
            hex::encode(digest.0)
        ),
        ChangeView::SunsetKey { statement, digest, from } => {
            format!("end key {} of `{statement}` from block {from}", hex::encode(digest.0))
        }
        ChangeView::AddOrganisation { reference, name, key, capabilities } => {
            format!(
                "take in {reference} ({name}), key {}; it may: {}",
                hex::encode(key.0),
                may(capabilities, true)
            )
        }
        ChangeView::RemoveOrganisation { organisation } => format!("let {} go", name(view, organisation)),
        ChangeView::SetCapabilities { organisation, capabilities } => {
            format!("{} may from then on: {}", name(view, organisation), may(capabilities, true))
        }
        ChangeView::SetKey { organisation, key } => {
            format!("give {} the key {}", name(view, organisation), hex::encode(key.0))
        }
        ChangeView::AddValidator { organisation, key } => {
            format!("take in validator {}, run by {}", hex::encode(key.0), name(view, organisation))
        }
        ChangeView::RemoveValidator { key } => format!("let validator {} go", hex::encode(key.0)),
        ChangeView::Unreadable {} => "install a key that this program cannot read".to_owned(),
    }
}

fn propose(command: &ChangeCommand, by: &SignedBy, global: &Global, ui: Ui) -> Result<()> {
    let session = Session::open(global, &by.at(), ui)?;
    let view = session.ledger.governance()?;
    let signer = session.signer(by.by.as_deref(), &view)?;
    let change = change(command, &session, &view)?;
    ui.say(words(&ChangeView::from(&change), &view));
    let tx = signer.sign(session.chain(), Action::Propose(Box::new(change)), &mut rand::rng());
    let receipt = session.submit(&tx)?.receipt;
    let Effect::Proposed { approvals, needed, expires, holds_from } = receipt.effect else {
        bail!("the ledger's receipt is not that of a proposal");
    };
    outcome(&tx.id(), [approvals, needed], Some(expires), holds_from, ui);
    Ok(())
}

fn approve(proposal: &str, yes: bool, by: &SignedBy, global: &Global, ui: Ui) -> Result<()> {
    let id: TxId = proposal.parse().context("a proposal's id is 64 hexadecimal digits")?;
    let session = Session::open(global, &by.at(), ui)?;
    let view = session.ledger.governance()?;
    let signer = session.signer(by.by.as_deref(), &view)?;
    let change = proposed(&session, &id)?;
    ui.say(words(&ChangeView::from(&change), &view));
    if !yes {
        ui.say(
            "nothing is signed: an approval cannot be taken back. To approve this, say so again with --yes",
        );
        return Ok(());
    }
    let tx = signer.sign(session.chain(), Action::Approve(id), &mut rand::rng());
    let receipt = session.submit(&tx)?.receipt;
    let Effect::Approved { approvals, needed, holds_from, .. } = receipt.effect else {
        bail!("the ledger's receipt is not that of an approval");
    };
    outcome(&id, [approvals, needed], None, holds_from, ui);
    Ok(())
}

/// What a proposal says, from its transaction: the id is the transaction's, so no node can show another.
fn proposed(session: &Session, id: &TxId) -> Result<Change> {
    let none = || format!("{id} is not on the ledger: `amanat governance list` prints the open proposals");
    let proof = session.ledger.receipt(id)?.with_context(none)?;
    let block = session.ledger.block(proof.receipt.height)?.context("the proposal's block is missing")?;
    let tx = block.transactions.into_iter().find(|tx| tx.id() == *id);
    let Some(Transaction::Signed(tx)) = tx else { bail!("{id} is no proposal") };
    match tx.action {
        Action::Propose(change) => Ok(*change),
        _ => bail!("{id} is no proposal"),
    }
}

fn outcome(id: &TxId, [approvals, needed]: [u32; 2], expires: Option<u64>, holds_from: Option<u64>, ui: Ui) {
    match holds_from {
        Some(height) => {
            ui.say(format!("decided by {approvals} (of {needed} needed): holds from block {height}"))
        }
        None => {
            ui.say(format!(
                "{approvals} of {}: amanat governance approve {id}",
                ui::count(needed, "approval")
            ));
        }
    }
    ui.document(&serde_json::json!({
        "proposal": id.to_string(),
        "approvals": approvals,
        "needed": needed,
        "expires": expires,
        "holds_from": holds_from,
    }));
}

fn change(command: &ChangeCommand, session: &Session, view: &GovernanceView) -> Result<Change> {
    Ok(match command {
        ChangeCommand::AddOrganisation { reference, name, key, may } => {
            let name = name.as_ref().unwrap_or(reference);
            let key = match key {
                Some(key) => hex32(key)?,
                None => new_key(session, reference, name)?,
            };
            let (reference, name) = (reference.clone(), name.clone());
            Change::AddOrganisation { reference, name, key, capabilities: capabilities(may)? }
        }
        ChangeCommand::RemoveOrganisation { reference } => Change::RemoveOrganisation(id(reference, view)?),
        ChangeCommand::SetCapabilities { reference, may } => {
            let organisation = id(reference, view)?;
            Change::SetCapabilities { organisation, capabilities: capabilities(may)? }
        }
        ChangeCommand::SetKey { reference, key } => {
            Change::SetKey { organisation: id(reference, view)?, key: hex32(key)? }
        }
        ChangeCommand::AddValidator { reference, key } => {
            Change::AddValidator { organisation: id(reference, view)?, key: ValidatorKey(hex32(key)?) }
        }
        ChangeCommand::RemoveValidator { key } => Change::RemoveValidator(ValidatorKey(hex32(key)?)),
        ChangeCommand::InstallKey { statement, activate_at } => {
            let statement = statement.parse()?;
            let keys = keyring::load(&session.home, &[statement], session.ui)?;
            let key = keys.get(statement).context("just loaded")?;
            let mut rng = rand::rng();
            vectors::install(&Sample::new(&mut rng)?, statement, key, &keys, *activate_at, &mut rng)?
        }
        ChangeCommand::SunsetKey { statement, digest, from } => {
            let key = digest.parse().context("a key's digest is 64 hexadecimal digits")?;
            Change::SunsetKey { statement: statement.parse()?, key, from: *from }
        }
    })
}

/// Named by its reference, and a member: a slip of the pen is told here, in words.
fn id(reference: &str, view: &GovernanceView) -> Result<OrgId> {
    let id = OrgId::from_reference(reference);
    let known = view.organisation(&Hex32(id.to_bytes())).filter(|o| o.removed.is_none());
    known
        .map(|_| id)
        .with_context(|| format!("{reference} is no member: `amanat governance list` prints them"))
}

/// A key pair for an organisation that is to be taken in, on disk before anybody hears of it.
fn new_key(session: &Session, reference: &str, name: &str) -> Result<[u8; 32]> {
    let mut all = session.organisations()?;
    if let Some(there) = all.iter().find(|o| o.reference == reference) {
        return Ok(there.key.verifying_key().to_bytes());
    }
    let new = Organisation::new(reference, name, &mut rand::rng());
    let key = new.key.verifying_key().to_bytes();
    // The regulator stays the last, the custodian the first.
    all.insert(all.len().saturating_sub(1), new);
    actors::save_organisations(&session.home, &all)?;
    Ok(key)
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
