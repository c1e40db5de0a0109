//! `amanat governance list`.

use crate::ui::Ui;
use amanat_api::view::{GovernanceView, ProposalView, ValidatorSetView};
use amanat_client::Client;
use amanat_client::governance::{describe_capabilities, describe_change, name_of};
use anyhow::Result;

pub(super) fn run(client: &Client, ui: Ui) -> Result<()> {
    let view = client.ledger().governance()?;
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
            describe_capabilities(&o.capabilities, false),
            hex::encode(o.key.0),
            o.since.to_string(),
            o.removed.map_or("-".to_owned(), |height| height.to_string()),
        ]);
    }
    ui.table(&rows);
    validators(&view, ui);
    if view.proposals.is_empty() {
        ui.say("no open proposals");
    }
    for proposal in &view.proposals {
        tell(proposal, &view, ui);
    }
    ui.document(&serde_json::to_value(&view)?);
    Ok(())
}

fn validators(view: &GovernanceView, ui: Ui) {
    let Some(validators) = &view.validators else {
        return ui.say("no validators: one operator keeps this ledger");
    };
    let mut rows = vec![["validator", "organisation", "agrees from"].map(String::from).to_vec()];
    let mut set = |set: &ValidatorSetView, from: &str| {
        for v in &set.validators {
            rows.push(vec![hex::encode(v.key.0), name_of(view, &v.organisation), from.to_owned()]);
        }
    };
    set(&validators.now, "now");
    if let Some(next) = &validators.next {
        set(next, &format!("block {}", next.height));
    }
    ui.table(&rows);
}

fn tell(proposal: &ProposalView, view: &GovernanceView, ui: Ui) {
    ui.say(format!("proposal {}", hex::encode(proposal.id.0)));
    ui.say(format!("  {}", describe_change(&proposal.change, view)));
    let approvals: Vec<String> = proposal.approvals.iter().map(|id| name_of(view, id)).collect();
    ui.say(format!(
        "  approved by {} ({} of {}), open before epoch {} (now {})",
        approvals.join(", "),
        proposal.counted,
        view.quorum,
        proposal.expires,
        view.epoch
    ));
}
