//! What must not work, tried: each attempt, and the words in which it is refused.

use super::story::Story;
use amanat_domain::record::RecordRoot;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, Transaction};
use amanat_ledger::Submitted;
use amanat_prover::groth16::no_progress;
use amanat_prover::plan::RevokePlan;
use anyhow::{Context, Result, bail};

/// One refused attempt.
pub(crate) struct Refused {
    pub attempt: &'static str,
    pub by: &'static str,
    pub words: String,
}

/// Tries them all.
pub(crate) fn run(story: &mut Story<'_>) -> Result<Vec<Refused>> {
    story.ui.head("8. What is refused");
    let mut refused = Vec::new();
    let mut note = |story: &Story<'_>, attempt, by, words: String| {
        story.ui.say(format!("  {attempt}\n      {by}: {words}"));
        refused.push(Refused { attempt, by, words });
    };

    let words = forged(story)?;
    note(story, "a proof lifted into another transaction", "ledger", words);
    let words = changed_output(story)?;
    note(story, "a valid proof with one published value changed", "ledger", words);
    let words = alias(story)?;
    note(story, "the same nullifier written as x + r", "ledger", words);
    let words = replay(story)?;
    note(story, "the same transaction again", "ledger", words);
    let words = used_up(story)?;
    note(story, "a consent for one use, used again under the spent number", "ledger", words);
    let words = denied(story.plan_access(0, story.consents.len() - 1, Some(1)))?;
    note(story, "the same consent, under the next number", "prover", words);
    // The third consent is of our template, which names hospital A; those of the data may name anyone.
    let words = denied(story.plan_access(3, story.consents.len() - 2, None))?;
    note(story, "a physician of the other hospital, whom the consent does not name", "prover", words);
    let words = not_entitled(story)?;
    note(story, "the regulator anchors a record", "ledger", words);

    // Planned while the consent still holds, submitted when it no longer does.
    let early = story.plan_access(0, 0, None)?;
    revoke(story)?;
    let words = denied(story.plan_access(0, 0, None))?;
    note(story, "an access under the revoked consent", "prover", words);
    story.desk.next_epoch()?;
    let late = early.prove(story.keys, &no_progress)?;
    let words = story.desk.submit(&late).err().context("a stale access was committed")?.to_string();
    note(story, "a proof made before the revocation, submitted after its window", "ledger", words);
    Ok(refused)
}

/// The access transactions committed so far.
fn accesses<'s>(story: &'s Story<'_>) -> impl Iterator<Item = &'s amanat_domain::tx::ProofTx> {
    story.proved.iter().filter(|p| p.what == Statement::Access).filter_map(|p| match &p.tx {
        Transaction::Proof(tx) => Some(tx.as_ref()),
        Transaction::Signed(_) => None,
    })
}

fn refusal(story: &Story<'_>, tx: &Transaction) -> Result<String> {
    match story.desk.submit(tx) {
        Ok(_) => bail!("the ledger committed what it should have refused"),
        Err(e) => Ok(e.to_string()),
    }
}

fn forged(story: &Story<'_>) -> Result<String> {
    let mut two = accesses(story);
    let (Some(first), Some(second)) = (two.next(), two.next()) else { bail!("two accesses are needed") };
    let mut tx = first.clone();
    tx.nonce = [7; 32];
    tx.nf = [second.nf[1], second.nf[0]];
    refusal(story, &Transaction::Proof(Box::new(tx)))
}

fn changed_output(story: &Story<'_>) -> Result<String> {
    let mut tx = accesses(story).next().context("no access")?.clone();
    tx.nonce = [8; 32];
    tx.out[0] += amanat_domain::field::Fr::from(1u64);
    tx.nf[0] += amanat_domain::field::Fr::from(1u64);
    refusal(story, &Transaction::Proof(Box::new(tx)))
}

/// The modulus r, little-endian: r = 21888242871839275222246405745257275088548364400416034343698204186575808495617.
const MODULUS: [u8; 32] = [
    0x01, 0x00, 0x00, 0xf0, 0x93, 0xf5, 0xe1, 0x43, 0x91, 0x70, 0xb9, 0x79, 0x48, 0xe8, 0x33, 0x28, 0x5d,
    0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

fn alias(story: &Story<'_>) -> Result<String> {
    let tx = accesses(story).next().context("no access")?;
    let nullifier = amanat_domain::field::to_bytes(&tx.nf[0]);
    let mut bytes = Transaction::Proof(Box::new(tx.clone())).to_bytes();
    let at = bytes.windows(32).position(|w| w == nullifier).context("the nullifier is in the transaction")?;
    let mut carry = 0u16;
    for (byte, m) in bytes[at..at + 32].iter_mut().zip(MODULUS) {
        let sum = u16::from(*byte) + u16::from(m) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    match story.desk.submit_bytes(&bytes) {
        Ok(_) => bail!("the ledger took a second encoding of one nullifier"),
        Err(e) => Ok(e.to_string()),
    }
}

fn replay(story: &Story<'_>) -> Result<String> {
    let tx = Transaction::Proof(Box::new(accesses(story).next().context("no access")?.clone()));
    let before = story.desk.solo.status();
    match story.desk.submit_bytes(&tx.to_bytes()) {
        Ok(Submitted::AlreadyCommitted(receipt)) => {
            let after = story.desk.solo.status();
            if after.transactions != before.transactions || after.tip.height != before.tip.height {
                bail!("a replay changed the ledger");
            }
            Ok(format!("already committed in block {}; nothing was done again", receipt.height))
        }
        Ok(Submitted::Committed(_)) => bail!("the ledger committed a replay"),
        Err(e) => Ok(e.to_string()),
    }
}

fn used_up(story: &mut Story<'_>) -> Result<String> {
    let last = story.consents.len() - 1;
    let plan = story.plan_access(0, last, Some(0))?;
    let tx = plan.prove(story.keys, &no_progress)?;
    refusal(story, &tx)
}

/// The plan must say no; these are its words.
fn denied<T>(plan: Result<T>) -> Result<String> {
    match plan {
        Ok(_) => bail!("the prover planned what it should have refused"),
        Err(e) => Ok(e.to_string()),
    }
}

fn not_entitled(story: &mut Story<'_>) -> Result<String> {
    let regulator = story.organisations.last().context("no regulator")?;
    let record = RecordRoot::new(amanat_domain::field::random(&mut story.rng));
    let action = Action::Anchor { records: vec![record], superseded: Vec::new() };
    let tx = regulator.sign(story.desk.chain(), action, &mut story.rng);
    refusal(story, &tx)
}

fn revoke(story: &mut Story<'_>) -> Result<()> {
    let held = story.consents.first().context("no consent")?.clone();
    let patient =
        story.patients.iter().find(|p| p.reference == held.patient).context("no wallet for this patient")?;
    let wallet = crate::wallets::copy(&patient.wallet);
    let target = story.target(Statement::Revoke, "wallet")?;
    let mirror = story.desk.mirror()?;
    let plan = RevokePlan::revoke(&target, &mirror, wallet, held.consent, &mut story.rng)?;
    story.prove_and_submit(plan)?;
    story.consents[0].revoked = true;
    let epoch = story.desk.next_epoch()?;
    story.ui.say(format!("  (the first patient revokes; epoch {epoch} sealed)"));
    Ok(())
}
