//! `amanat init`.

use crate::actors::{Holder, Organisation};
use crate::args::{Global, InitArgs};
use crate::home::Home;
use crate::members::Members;
use crate::roles::Role;
use crate::session::{self, Session, now};
use crate::town;
use crate::ui::Ui;
use amanat_api::clock::EPOCHS_BY_HAND;
use anyhow::{Context, Result};

/// Founds a development ledger: organisations, keys, clinicians. At a node, whose ledger there is already, only the keys and the
/// clinicians.
pub(crate) fn run(args: &InitArgs, global: &Global, ui: Ui) -> Result<()> {
    let own = args.organisations.as_deref().map(Members::read).transpose()?;
    if args.at.node.is_none() {
        let home = Home::open(global.home.as_deref())?;
        match &own {
            Some(members) => members.found(&home, &args.chain, args.epoch_seconds)?,
            None => session::found(&home, &args.chain, args.epoch_seconds)?,
        }
        if args.epochs_by_hand {
            home.write(EPOCHS_BY_HAND, &true)?;
        }
    }
    super::keys::install(global, &args.at, true, ui)?;
    let session = Session::open(global, &args.at, ui)?;
    let (home, organisations) = (&session.home, session.organisations()?);
    let holders = match &own {
        Some(members) => members.holders(&organisations, now(), &mut rand::rng())?,
        None => usual_clinicians(&organisations)?,
    };
    super::clinician::issue(&session, &holders)?;
    ui.say(format!("a development ledger in {}: chain {}", home.root().display(), session.chain()));
    for o in &organisations {
        ui.say(format!("  member: {} ({})", o.name, o.reference));
    }
    for h in &holders {
        ui.say(format!("  clinician: {}", super::clinician::words(h, &organisations)));
    }
    let epoch_seconds = session.ledger.genesis().spec().epoch_seconds;
    ui.say(format!(
        "next: amanat import --anchor DIR (`amanat generate DIR` makes one up), then amanat ledger wait: what is submitted \
         can be proved about in the next epoch, at most {epoch_seconds} s later"
    ));
    ui.document(&serde_json::json!({
        "home": home.root(),
        "chain": session.chain().to_string(),
        "organisations": organisations.iter().map(|o: &Organisation| &o.reference).collect::<Vec<_>>(),
        "clinicians": holders.iter().map(|h| &h.name).collect::<Vec<_>>(),
    }));
    Ok(())
}

/// Three clinicians of the first hospital and one of the second.
fn usual_clinicians(organisations: &[Organisation]) -> Result<Vec<Holder>> {
    let (licence, mut rng) = (town::licence(now()), rand::rng());
    let mut holder = |(name, role, at): (&str, Role, usize)| {
        let employer = organisations.get(at).context(
            "`init` is for a development home with the keys of all organisations: `amanat keys install` proposes keys alone",
        )?;
        Ok(town::clinician(name, &role, employer, licence, &mut rng))
    };
    [
        ("Practitioner/dr-saima", town::PHYSICIAN, 0),
        ("Practitioner/dr-bilal", town::PHYSICIAN, 0),
        ("Practitioner/nurse-hina", town::NURSE, 0),
        ("Practitioner/dr-omar", town::PHYSICIAN, 1),
    ]
    .into_iter()
    .map(&mut holder)
    .collect()
}
