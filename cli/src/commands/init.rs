//! `amanat init`.

use super::{clinician, keys};
use crate::args::{Global, InitArgs};
use crate::session;
use crate::ui::Ui;
use amanat_api::clock::EPOCHS_BY_HAND;
use amanat_client::devnet::{self, Members};
use amanat_client::{Home, machine_clock};
use anyhow::{Context, Result};

/// Makes a development ledger: organisations, keys, clinicians. At a node, whose ledger is there
/// already, only the keys and the clinicians.
pub(crate) fn run(args: &InitArgs, global: &Global, ui: Ui) -> Result<()> {
    let own = args.organisations.as_deref().map(Members::read).transpose()?;
    if args.at.node.is_none() {
        let home = Home::open(global.home.as_deref())?;
        let (start, epoch) = (machine_clock(), session::epoch(args.epoch_seconds)?);
        match &own {
            Some(members) => members.initialise_home(&home, &args.chain, start, epoch)?,
            None => devnet::initialise_home(&home, &args.chain, start, epoch)?,
        }
        if args.epochs_by_hand {
            home.write(EPOCHS_BY_HAND, &true)?;
        }
    }
    let mut client = session::open(global, &args.at, ui)?;
    keys::install(&mut client, true, ui)?;
    let organisations = client.organisations()?;
    let holders = match &own {
        Some(members) => members.holders(&organisations, machine_clock(), &mut rand::rng())?,
        None => devnet::clinicians(&organisations, machine_clock(), &mut rand::rng()).context(
            "`init` needs a development home with the keys of all organisations: `amanat keys install` only proposes keys",
        )?,
    };
    let holders = client.issue_all(holders)?;
    let (home, chain) = (client.home().root(), client.chain());
    ui.say(format!("a development ledger in {}: chain {chain}", home.display()));
    for o in &organisations {
        ui.say(format!("  member: {} ({})", o.name, o.reference));
    }
    for h in &holders {
        ui.say(format!("  clinician: {}", clinician::words(h, &organisations)));
    }
    let epoch_seconds = client.ledger().genesis().spec().epoch_seconds;
    ui.say(format!(
        "next: amanat import --anchor DIR (`amanat generate DIR` makes one up), then amanat ledger wait: what is submitted \
         can be proved about in the next epoch, at most {epoch_seconds} s later"
    ));
    ui.document(&serde_json::json!({
        "home": home,
        "chain": chain.to_string(),
        "organisations": organisations.iter().map(|o| &o.reference).collect::<Vec<_>>(),
        "clinicians": holders.iter().map(|h| &h.name).collect::<Vec<_>>(),
    }));
    Ok(())
}
