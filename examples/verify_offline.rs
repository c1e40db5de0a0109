//! What an audience checks with a file and a key: a proof, and that the ledger has it.
//!
//! `AMANAT_KEYS=DIR cargo run --release -p amanat --example verify_offline`
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use amanat::ledger::{BlockHash, InclusionProof};
use amanat::params::VerifyingKey;
use amanat::prelude::*;
use amanat::verifier::{AcceptedKeys, verify_proof};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (transaction, receipt, block, key) = prover_side(&dir.path().join("home"))?;

    // From here on: bytes from a stranger, a verifying key, and the hash of a block that we
    // believe.
    let mut accepted = AcceptedKeys::new();
    accepted.accept_insecure_dev(&VerifyingKey::from_bytes(&key)?);
    let Transaction::Proof(tx) = Transaction::from_bytes(&transaction)? else {
        return Err("no proof".into());
    };
    let valid = verify_proof(&accepted, *tx)?;
    println!("valid: `{}` as of epoch {}", valid.get().statement, valid.get().epoch);

    let inclusion = InclusionProof::from_bytes(&receipt)?;
    inclusion.verify(block)?;
    println!("and committed in block {} at position {}", inclusion.receipt.height, inclusion.receipt.index);
    Ok(())
}

type Sent = (Vec<u8>, Vec<u8>, BlockHash, Vec<u8>);

/// The other side: a clinician proves a qualification and hands over what the audience needs.
fn prover_side(home: &std::path::Path) -> Result<Sent, Box<dyn Error>> {
    let DevNet { mut client, .. } = DevNet::start(Home::open(Some(home))?)?;
    let request =
        RoleProofRequest { holder: "dr-omar".to_owned(), policy: None, audience: "pharmacy".into() };
    let receipt = client.prove_role(&request)?;
    let inclusion = client.ledger().receipt(&receipt.txid())?.ok_or("it was just committed")?;
    let key = keys::store(client.home())?.verifying_key(Statement::Role, Statement::Role.version())?;
    let block = inclusion.header.hash();
    Ok((receipt.transaction.to_bytes(), inclusion.to_bytes(), block, key.to_bytes().to_vec()))
}
