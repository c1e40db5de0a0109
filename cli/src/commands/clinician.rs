//! `amanat clinician`.

use crate::actors::{self, Holder, Organisation};
use crate::args::Global;
use crate::args::clinician::{AddClinicianArgs, ClinicianCommand};
use crate::home::Home;
use crate::members::{self, PRACTITIONERS};
use crate::roles::Role;
use crate::session::{Session, now};
use crate::town;
use crate::ui::Ui;
use amanat_client::ledger::AccessError;
use amanat_domain::fhir::PartialDate;
use amanat_domain::time::Period;
use anyhow::{Context, Result, anyhow, bail};

pub(crate) fn run(command: &ClinicianCommand, global: &Global, ui: Ui) -> Result<()> {
    match command {
        ClinicianCommand::List => list(global, ui),
        ClinicianCommand::Add(args) => add(args, global, ui),
    }
}

fn list(global: &Global, ui: Ui) -> Result<()> {
    let home = Home::open(global.home.as_deref())?;
    let (holders, organisations) = (actors::load_holders(&home)?, actors::load_organisations(&home)?);
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
    let reference = members::reference(&args.reference, &PRACTITIONERS)?;
    let role = Role::parse(&args.role)?;
    let usual = town::licence(now());
    let date = |text: &String| {
        PartialDate::parse(text).map_err(|e| anyhow!("`{text}` is no date: {e}; write it as 2027-12-31"))
    };
    let from = args.from.as_ref().map(date).transpose()?.map_or(usual.from(), |d| d.period().from());
    let until = args.until.as_ref().map(date).transpose()?.map_or(usual.until(), |d| d.period().until());
    let licence = Period::new(from, until).context("the licence ends before it begins")?;
    let session = Session::open(global, &args.at, ui)?;
    if session.holders()?.iter().any(|h| h.name == reference) {
        bail!("{reference} is there already: `amanat clinician list` prints them");
    }
    let employer = session.organisation(&args.organisation)?;
    let holder = town::clinician(&reference, &role, &employer, licence, &mut rand::rng());
    issue(&session, std::slice::from_ref(&holder))?;
    ui.say(format!("added: {}", words(&holder, std::slice::from_ref(&employer))));
    ui.say("consents that name this clinician compile from now on; proofs need `amanat ledger wait` first");
    ui.document(&serde_json::json!({ "clinician": reference, "organisation": employer.reference }));
    Ok(())
}

/// Keeps new clinicians in the home directory and has their organisations issue the credentials.
pub(crate) fn issue(session: &Session, new: &[Holder]) -> Result<()> {
    let organisations = session.organisations()?;
    let mut all = session.holders()?;
    let issuer = |holder: &Holder| {
        let issuer = organisations.iter().find(|o| o.id() == holder.credential.organisation);
        issuer.context("every clinician has an organisation")
    };
    let issuers = new.iter().map(issuer).collect::<Result<Vec<_>>>()?;
    let old = all.len();
    for holder in new {
        let secret = crate::wallets::copy_holder(&holder.secret);
        all.push(Holder { name: holder.name.clone(), secret, credential: holder.credential.clone() });
    }
    // Secrets are on disk before the ledger hears of them.
    actors::save_holders(&session.home, &all)?;
    for (n, (holder, issuer)) in new.iter().zip(issuers).enumerate() {
        let tx = issuer.sign(session.chain(), town::issue(holder), &mut rand::rng());
        let Err(error) = session.submit(&tx) else { continue };
        // The ledger said no: this clinician and those after have no credential. After any other trouble it may have one.
        if matches!(error.downcast_ref(), Some(AccessError::Refused(_))) {
            all.truncate(old + n);
            actors::save_holders(&session.home, &all)?;
        }
        return Err(error.context(format!("no credential for {}", holder.name)));
    }
    Ok(())
}

/// A clinician in one line.
pub(crate) fn words(holder: &Holder, organisations: &[Organisation]) -> String {
    let employer = organisations.iter().find(|o| o.id() == holder.credential.organisation);
    let at = employer.map_or_else(String::new, |o| format!(" at {}", o.name));
    format!("{} ({}{at})", holder.name, Role::word(holder.credential.role))
}

/// The clinician of this reference, or of this id alone.
pub(crate) fn find(mut all: Vec<Holder>, name: &str) -> Result<Holder> {
    let id =
        |h: &Holder| h.name.split_once('/').is_some_and(|(of, id)| PRACTITIONERS.contains(&of) && id == name);
    let at = all.iter().position(|h| h.name == name).or_else(|| all.iter().position(id));
    let names: Vec<&str> = all.iter().map(|h| h.name.as_str()).collect();
    let at = at.with_context(|| {
        format!("no clinician {name}; there are: {} (`amanat clinician add` adds more)", names.join(", "))
    })?;
    Ok(all.swap_remove(at))
}
