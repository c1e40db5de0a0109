//! What each party learned: in plain words, and checked against the bytes where possible.

use super::attacks::Refused;
use super::story::Story;
use crate::ui;
use amanat_client::Wallet;
use amanat_client::vault::VaultRecord;
use amanat_domain::record::{Leaf, access_token};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ProofTx, Transaction};
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

/// Ends the demo.
pub(crate) fn tell(story: &mut Story, refused: &[Refused], started: Instant) -> Result<()> {
    let ui = story.ui;
    ui.head("9. Who learned what");
    let published: Vec<ProofTx> = published(story)?;
    let (wallets, records) = (story.client.wallets()?, story.records()?);
    let accesses: Vec<&ProofTx> = published.iter().filter(|t| t.statement == Statement::Access).collect();

    // The patients scan the ledger with their detection keys.
    let mut found = Vec::new();
    for wallet in &wallets {
        let subject = wallet.secrets().subject();
        found.push(published.iter().filter(|tx| tx.out[1] == subject.detection_tag(tx.ctx())).count());
    }
    let events = published.iter().filter(|t| t.statement != Statement::Role).count();
    ensure!(found.iter().sum::<usize>() == events, "the patients did not find exactly their own events");
    // The custodian recognises the tokens of its records.
    let recognised = accesses
        .iter()
        .filter(|tx| {
            let ctx = tx.ctx();
            records.iter().any(|r| access_token(r.record.open(Leaf::Storage).values[0], ctx) == tx.out[0])
        })
        .count();
    ensure!(recognised == accesses.len(), "the custodian did not recognise every access token");
    let leaks = leaks(story, &wallets, &records)?;
    ensure!(leaks.hits == 0, "the ledger file holds something it must not");

    ui.say(format!(
        "  Every validator   {} proofs, each verified before its block; bundles, nullifiers, tokens. Of an access: purpose,\n\
         \x20                   action, classes asked for, roles and organisations that qualify. No patient, no clinician, no\n\
         \x20                   record, no consent. ({} bytes of ledger searched for {} identifiers, names of records and\n\
         \x20                   secrets: {} found.)",
        published.len(),
        leaks.bytes,
        leaks.needles,
        leaks.hits,
    ));
    ui.say(format!(
        "  Hospital A        its own patients' data, as before; {recognised} of {} access tokens opened: which record to hand\n\
         \x20                   out, and that a consent, a qualified clinician and this record belong together. It holds its\n\
         \x20                   patients' detection keys and so recognises their events. From the proof it does not learn which\n\
         \x20                   clinician: only by handing the openings to somebody it knows.",
        accesses.len()
    ));
    ui.say("  Hospital B        what every validator saw: it was given no opening and no detection key of these patients.");
    ui.say(
        "  The insurer       that a current, anchored record meets its question, and the one field disclosed to it. Not whose,\n\
         \x20                   not the value.",
    );
    let busiest = found.iter().max().copied().unwrap_or(0);
    ui.say(format!(
        "  Each patient      every use of their own consents and records, found by scanning ({events} events among {} patients,\n\
         \x20                   at most {busiest} for one), and nothing of anybody else's.",
        found.len()
    ));
    ui.say("  Colluding         a hospital that shows its vault to others tells them who its patients are: no proof can help that.");

    ui.head("10. In numbers");
    let mut rows = vec![
        ["statement", "proofs", "rows", "proving", "verify and commit", "transaction"]
            .map(String::from)
            .to_vec(),
    ];
    for statement in Statement::ALL {
        let of: Vec<_> = story.proved.iter().filter(|p| p.what == statement).collect();
        if of.is_empty() {
            continue;
        }
        let median = |f: fn(&super::story::Proved) -> Duration| {
            let mut all: Vec<Duration> = of.iter().map(|p| f(p)).collect();
            all.sort();
            ui::seconds(all[all.len() / 2])
        };
        rows.push(vec![
            statement.to_string(),
            of.len().to_string(),
            amanat_circuits::circuit(statement).qap_rows().to_string(),
            median(|p| p.proving),
            median(|p| p.commit),
            format!("{} B", of[0].tx.to_bytes().len()),
        ]);
    }
    ui.table(&rows);
    reopen(story)?;
    ui.say(format!(
        "\n{} refused, {} committed; backend {}; whole run {}",
        ui::count(refused.len(), "attempt"),
        ui::count(story.proved.len(), "proof"),
        amanat_accel::default_backend().name(),
        ui::seconds(started.elapsed())
    ));
    ui.document(&serde_json::json!({
        "engine": amanat_accel::default_backend().name(),
        "patients": wallets.len(),
        "records": records.len(),
        "consents": story.consents.len(),
        "proofs": story.proved.iter().map(|p| serde_json::json!({
            "statement": p.what.name(),
            "height": p.height,
            "proving_seconds": p.proving.as_secs_f64(),
            "commit_seconds": p.commit.as_secs_f64(),
        })).collect::<Vec<_>>(),
        "refused": refused.iter().map(|r| serde_json::json!({
            "attempt": r.attempt, "by": r.by, "words": r.words,
        })).collect::<Vec<_>>(),
        "leaks": { "bytes_searched": leaks.bytes, "needles": leaks.needles, "hits": leaks.hits },
        "events_found": found,
        "tokens_recognised": recognised,
        "seconds": started.elapsed().as_secs_f64(),
    }));
    Ok(())
}

/// The proof transactions on the ledger, read from its blocks.
fn published(story: &Story) -> Result<Vec<ProofTx>> {
    let mut all = Vec::new();
    for height in 1..=story.client.ledger().status()?.height {
        let block = story.client.ledger().block(height)?;
        let block = block.with_context(|| format!("block {height} is missing"))?;
        all.extend(block.transactions.into_iter().filter_map(|tx| match tx {
            Transaction::Proof(tx) => Some(*tx),
            Transaction::Signed(_) => None,
        }));
    }
    Ok(all)
}

struct Leaks {
    bytes: usize,
    needles: usize,
    hits: usize,
}

/// Searches the ledger's file for what must not be there: patients' ids, record labels, and every
/// secret.
fn leaks(story: &Story, wallets: &[Wallet], records: &[VaultRecord]) -> Result<Leaks> {
    let file = std::fs::read(story.client.home().ledger_path()).context("cannot read the ledger's file")?;
    let mut needles: Vec<Vec<u8>> = Vec::new();
    for wallet in wallets {
        needles.push(wallet.patient.clone().into_bytes());
        if let Some((_, id)) = wallet.patient.rsplit_once('/') {
            needles.push(id.as_bytes().to_vec());
        }
        let secrets = wallet.secrets();
        needles.push(secrets.wallet_secret().to_bytes().to_vec());
        needles.push(secrets.uniqueness_key().to_bytes().to_vec());
        needles.push(secrets.subject().detection_key().to_bytes().to_vec());
    }
    for held in story.client.consents()? {
        needles.push(held.consent.nonce().to_bytes().to_vec());
    }
    for holder in story.client.holders()? {
        needles.push(holder.name.clone().into_bytes());
        needles.push(holder.secret().secret().to_bytes().to_vec());
    }
    needles.extend(records.iter().map(|record| record.label.clone().into_bytes()));
    // Too short a needle is found by chance.
    needles.retain(|n| n.len() >= 6);
    needles.sort();
    needles.dedup();
    let hits = needles.iter().filter(|n| contains(&file, n)).count();
    Ok(Leaks { bytes: file.len(), needles: needles.len(), hits })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|b| b == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// Closes and opens the ledger: the same tip must come back from disk.
fn reopen(story: &mut Story) -> Result<()> {
    let before = story.ledger.solo().status();
    let began = Instant::now();
    story.ledger.solo().reopen().context("the ledger does not open again")?;
    let after = story.ledger.solo().status();
    ensure!(before.tip == after.tip, "another tip came back from disk");
    story.ui.say(format!(
        "\nclosed and opened again in {}: height {}, the same app hash",
        ui::seconds(began.elapsed()),
        after.tip.height
    ));
    Ok(())
}
