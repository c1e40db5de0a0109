//! Attempts at the ledger itself, with transactions that no honest client makes.

use super::story::Story;
use amanat_client::ledger::LedgerAccess as _;
use amanat_domain::field;
use amanat_domain::record::RecordRoot;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, ProofTx, Transaction};
use amanat_ledger::Submitted;
use anyhow::{Context, Result, bail};

/// The access transactions committed so far.
fn accesses(story: &Story) -> impl Iterator<Item = &ProofTx> {
    story.proved.iter().filter(|p| p.what == Statement::Access).filter_map(|p| match &p.tx {
        Transaction::Proof(tx) => Some(tx.as_ref()),
        Transaction::Signed(_) => None,
    })
}

fn refusal(story: &Story, tx: &Transaction) -> Result<String> {
    match story.ledger.access().submit(tx) {
        Ok(_) => bail!("the ledger committed what it should have refused"),
        Err(e) => Ok(e.to_string()),
    }
}

pub(super) fn forged(story: &Story) -> Result<String> {
    let mut two = accesses(story);
    let (Some(first), Some(second)) = (two.next(), two.next()) else { bail!("two accesses are needed") };
    let mut tx = first.clone();
    tx.nonce = [7; 32];
    tx.nf = [second.nf[1], second.nf[0]];
    refusal(story, &Transaction::Proof(Box::new(tx)))
}

pub(super) fn changed_output(story: &Story) -> Result<String> {
    let mut tx = accesses(story).next().context("no access")?.clone();
    tx.nonce = [8; 32];
    tx.out[0] += field::Fr::from(1u64);
    tx.nf[0] += field::Fr::from(1u64);
    refusal(story, &Transaction::Proof(Box::new(tx)))
}

/// The modulus r, little-endian: r =
/// 21888242871839275222246405745257275088548364400416034343698204186575808495617.
const MODULUS: [u8; 32] = [
    0x01, 0x00, 0x00, 0xf0, 0x93, 0xf5, 0xe1, 0x43, 0x91, 0x70, 0xb9, 0x79, 0x48, 0xe8, 0x33, 0x28, 0x5d,
    0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

pub(super) fn alias(story: &Story) -> Result<String> {
    let tx = accesses(story).next().context("no access")?;
    let nullifier = field::to_bytes(&tx.nf[0]);
    let mut bytes = Transaction::Proof(Box::new(tx.clone())).to_bytes();
    let at = bytes.windows(32).position(|w| w == nullifier).context("the nullifier is in the transaction")?;
    let mut carry = 0u16;
    for (byte, m) in bytes[at..at + 32].iter_mut().zip(MODULUS) {
        let sum = u16::from(*byte) + u16::from(m) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    match story.ledger.solo().submit(&bytes, story.ledger.clock().now()) {
        Ok(_) => bail!("the ledger took a second encoding of one nullifier"),
        Err(e) => Ok(e.to_string()),
    }
}

pub(super) fn replay(story: &Story) -> Result<String> {
    let tx = Transaction::Proof(Box::new(accesses(story).next().context("no access")?.clone()));
    let before = story.ledger.solo().status();
    match story.ledger.solo().submit(&tx.to_bytes(), story.ledger.clock().now()) {
        Ok(Submitted::AlreadyCommitted(receipt)) => {
            let after = story.ledger.solo().status();
            if after.transactions != before.transactions || after.tip.height != before.tip.height {
                bail!("a replay changed the ledger");
            }
            Ok(format!("already committed in block {}; nothing was done again", receipt.height))
        }
        Ok(Submitted::Committed(_)) => bail!("the ledger committed a replay"),
        Err(e) => Ok(e.to_string()),
    }
}

pub(super) fn not_entitled(story: &Story) -> Result<String> {
    let regulator = story.organisations.last().context("no regulator")?;
    let record = RecordRoot::new(field::random(&mut rand::rng()));
    let action = Action::Anchor { records: vec![record], superseded: Vec::new() };
    let tx = regulator.sign(story.client.chain(), action, &mut rand::rng());
    refusal(story, &tx)
}
