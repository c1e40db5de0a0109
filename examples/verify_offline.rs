//! What an audience does with a key and the hash of a block: it asks, and checks that the proof
//! answers its own request and that the ledger has it.
//!
//! `AMANAT_KEYS=DIR cargo run --release -p amanat --example verify_offline`
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use amanat::client::prove::AudienceRequest;
use amanat::client::role::PHYSICIAN;
use amanat::domain::audience::Audience;
use amanat::domain::policy::RolePolicy;
use amanat::ledger::{BlockHash, InclusionProof};
use amanat::params::VerifyingKey;
use amanat::prelude::*;
use amanat::verifier::audience::{Asked, CommittedTx};
use amanat::verifier::{AcceptedKeys, verify_proof};
use rand::Rng as _;
use std::error::Error;

/// The name that the clinician and this audience agreed on.
const PHARMACY: &str = "pharmacy";

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let DevNet { mut client, ledger } = DevNet::start(Home::open(Some(&dir.path().join("home")))?)?;

    // The pharmacy asks: a physician of one of the hospitals, as of the newest bundle or a later
    // one. It keeps its request, whose nonce it uses once.
    let hospitals = client.organisations()?.iter().take(2).map(Organisation::id).collect();
    let policy = RolePolicy::new(vec![PHYSICIAN.code()], hospitals)?;
    let mut nonce = [0; 32];
    rand::rng().fill_bytes(&mut nonce);
    let audience = Audience::from_name(PHARMACY).to_bytes();
    let oldest_epoch = ledger.solo().latest_bundle().bundle.epoch;
    let asked = Asked { chain: client.chain(), audience, nonce, oldest_epoch, policy };

    // The answer is bytes from a stranger. The verifying key and the hash of the block are what the
    // pharmacy believes; a key that is not for development goes through `accept`.
    let Sent { transaction, receipt } = prover_side(&mut client, &asked)?;
    let (key, block) = believed(&client, &receipt)?;
    let mut accepted = AcceptedKeys::new();
    accepted.accept_insecure_dev(&key);
    let Transaction::Proof(tx) = Transaction::from_bytes(&transaction)? else {
        return Err("no proof".into());
    };
    let valid = verify_proof(&accepted, *tx)?;
    let committed = CommittedTx::in_block(asked.chain, &InclusionProof::from_bytes(&receipt)?, block)?;
    let qualified = valid.role(&asked, &committed.into())?;
    println!("a physician of one of two hospitals, as of epoch {}", qualified.get().epoch());
    Ok(())
}

/// What the clinician sends.
struct Sent {
    transaction: Vec<u8>,
    receipt: Vec<u8>,
}

/// The other side: a clinician proves a qualification to the audience that asked.
fn prover_side(client: &mut Client, asked: &Asked<RolePolicy>) -> Result<Sent, Box<dyn Error>> {
    let request = RoleProofRequest {
        holder: "dr-omar".to_owned(),
        policy: Some(asked.policy.clone()),
        audience: AudienceRequest { name: PHARMACY.to_owned(), nonce: Some(asked.nonce) },
    };
    let receipt = client.prove_role(&request)?;
    let inclusion = client.ledger().receipt(&receipt.txid())?.ok_or("it was just committed")?;
    Ok(Sent { transaction: receipt.transaction.to_bytes(), receipt: inclusion.to_bytes() })
}

/// What the pharmacy knows from elsewhere: the key that the operators published, and from a node
/// that it believes the hash of the block that the receipt names.
fn believed(client: &Client, receipt: &[u8]) -> Result<(VerifyingKey, BlockHash), Box<dyn Error>> {
    let key = keys::store(client.home())?.verifying_key(Statement::Role, Statement::Role.version())?;
    let height = InclusionProof::from_bytes(receipt)?.header.height;
    let headers = client.ledger().headers(height)?;
    Ok((key, headers.first().ok_or("the ledger has the block")?.hash()))
}
