//! `amanat clinician`.

use crate::args::Global;
use crate::args::clinician::{AddClinicianArgs, ClinicianCommand};
use crate::session;
use crate::ui::Ui;
use amanat_client::devnet::{licence_between, parse_reference};
use amanat_client::holder::PRACTITIONERS;
use amanat_client::{Holder, Home, IssueRoleRequest, Organisation, Role, machine_clock};
use anyhow::Result;

pub(crate) fn run(command: &ClinicianCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        ClinicianCommand::List => list(global, ui),
        ClinicianCommand::Add(args) => add(args, global, ui),
    }
}

fn list(global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let (holders, organisations) = (Holder::load_all(&home)?, Organisation::load_all(&home)?);
    let mut rows = vec![["clinician", "role", "organisation", "licence"].map(String::from).to_vec()];
    for h in &holders {
        let licence = &h.credential.licence;
        let employer = organisations.iter().find(|o| o.id() == h.credential.organisation);
        rows.push(vec![
            h.name.clone(),
            Role::word(h.credential.role),
            employer.map_or_else(|| "not of this home directory".to_owned(), |o| o.reference.clone()),
            format!("{} to {}", day(&licence.from().to_string()), day(&licence.until().to_string())),
        ]);
    }
    ui.table(&rows);
    let documents = rows[1..].iter().map(|row| {
        serde_json::json!({ "clinician": row[0], "role": row[1], "organisation": row[2], "licence": row[3] })
    });
    ui.document(&documents.collect());
    Ok(())
}

/// The day of a time in ISO 8601.
fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

fn add(args: &AddClinicianArgs, global: &Global, ui: Ui) -> Result<()> {
    let request = IssueRoleRequest {
        reference: parse_reference(&args.reference, &PRACTITIONERS)?,
        organisation: args.organisation.clone(),
        role: Role::parse(&args.role)?,
        licence: licence_between(args.from.as_deref(), args.until.as_deref(), machine_clock())?,
    };
    let client = session::open(global, &args.at, ui)?;
    let employer = client.organisation(&args.organisation)?;
    let holder = client.issue_role(&request)?;
    ui.say(format!("added: {}", words(&holder, std::slice::from_ref(&employer))));
    if holder.credential.licence != request.licence {
        ui.warn("an earlier `clinician add` kept this clinician: the credential has the licence that was given there");
    }
    ui.say("consents that name this clinician compile from now on; proofs need `amanat ledger wait` first");
    ui.document(&serde_json::json!({ "clinician": holder.name, "organisation": employer.reference }));
    Ok(())
}

/// A clinician in one line.
pub(crate) fn words(holder: &Holder, organisations: &[Organisation]) -> String {
    let employer = organisations.iter().find(|o| o.id() == holder.credential.organisation);
    let at = employer.map_or_else(String::new, |o| format!(" at {}", o.name));
    format!("{} ({}{at})", holder.name, Role::word(holder.credential.role))
}
