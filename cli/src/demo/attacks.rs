//! What must not work, tried: each attempt, and the words in which it is refused.

use super::attempts;
use super::story::{CLINICIAN, ELSEWHERE, Story};
use amanat_client::consent::HeldConsent;
use amanat_client::prove::{ProofError, ProofRequest, Proved};
use amanat_domain::statement::Statement;
use anyhow::{Context, Result, bail};

/// A refused attempt.
pub(crate) struct Refused {
    pub attempt: &'static str,
    pub by: &'static str,
    pub words: String,
}

/// Tries them all.
pub(crate) fn run(story: &mut Story) -> Result<Vec<Refused>> {
    story.ui.head("8. What is refused");
    let mut refused = Vec::new();
    let ui = story.ui;
    let mut note = |attempt, by, words: String| {
        ui.say(format!("  {attempt}\n      {by}: {words}"));
        refused.push(Refused { attempt, by, words });
    };

    let words = attempts::forged(story)?;
    note("a proof lifted into another transaction", "ledger", words);
    let words = attempts::changed_output(story)?;
    note("a valid proof with one published value changed", "ledger", words);
    let words = attempts::alias(story)?;
    note("the same nullifier written as x + r", "ledger", words);
    let words = attempts::replay(story)?;
    note("the same transaction again", "ledger", words);
    let [first, .., elsewhere, once] = story.consents[..] else { bail!("four consents are needed") };
    let words = used_up(story, once)?;
    note("a consent for one use, used again under the spent number", "ledger", words);
    let words = denied(access(story, CLINICIAN, once))?;
    note("the same consent, under the next number", "prover", words);
    // The third consent is from our template, which names hospital A; consents from the data may
    // name anyone.
    let words = denied(access(story, ELSEWHERE, elsewhere))?;
    note("a physician of the other hospital, whom the consent does not name", "prover", words);
    let words = attempts::not_entitled(story)?;
    note("the regulator anchors a record", "ledger", words);

    // Proved while the consent still holds, submitted when it no longer does.
    let early = access(story, CLINICIAN, first)?;
    revoke(story, first)?;
    let words = denied(access(story, CLINICIAN, first))?;
    note("an access under the revoked consent", "prover", words);
    story.ledger.next_epoch()?;
    let late = story.client.submit(early).err().context("a stale access was committed")?;
    note("a proof made before the revocation, submitted after its window", "ledger", late.to_string());
    Ok(refused)
}

/// An access that is proved and not submitted.
fn access(story: &mut Story, holder: &str, consent: u32) -> Result<Proved> {
    let request = ProofRequest::Access(story.access_request(holder, consent)?);
    Ok(story.client.prove(&request)?)
}

/// A clinician who sets back the count in the wallet's file.
fn used_up(story: &mut Story, consent: u32) -> Result<String> {
    change(story, consent, |held| held.used = 0)?;
    let again = access(story, CLINICIAN, consent)?;
    let words = match story.client.submit(again) {
        Ok(_) => bail!("the ledger committed what it should have refused"),
        Err(error) => error.to_string(),
    };
    // The use that the ledger called spent is the one that is counted here.
    change(story, consent, |held| held.used = 1)?;
    Ok(words)
}

/// Changes the wallet's file, in which no use is reserved then.
fn change(story: &Story, consent: u32, change: impl FnOnce(&mut HeldConsent)) -> Result<()> {
    let mut all = story.client.consents()?;
    let held = all.iter_mut().find(|c| c.number == consent).context("no such consent")?;
    change(held);
    held.reserved = None;
    Ok(HeldConsent::save_all(story.client.home(), &all)?)
}

/// The plan must say no; these are its words.
fn denied(proved: Result<Proved>) -> Result<String> {
    match proved {
        Ok(_) => bail!("the prover proved what it should have refused"),
        Err(error) => match error.downcast_ref() {
            Some(ProofError::Denied(denied)) => Ok(denied.to_string()),
            _ => Err(error),
        },
    }
}

fn revoke(story: &mut Story, consent: u32) -> Result<()> {
    let receipt = story.client.revoke(consent)?;
    story.note(Statement::Revoke, &receipt);
    let epoch = story.ledger.next_epoch()?;
    story.ui.say(format!("  (the first patient revokes; epoch {epoch} sealed)"));
    Ok(())
}
