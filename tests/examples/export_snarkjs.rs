//! Writes one proof of every statement for snarkjs:
//! `cargo run -p amanat-tests --example export_snarkjs -- DIR` makes
//! `DIR/<statement>/{verification_key,proof,public}.json`. Keys are made for development; seeds are
//! fixed.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use amanat_circuits::circuit;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tx::{ChainId, Transaction};
use amanat_params::{Proof, insecure_dev_setup, snarkjs};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{Keys, StatementKey};
use amanat_prover::plan::Target;
use amanat_prover::sample;
use core::error::Error;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("which folder to write to?")?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut keys = Keys::new();
    for statement in Statement::ALL {
        let (key, _) =
            insecure_dev_setup(statement, statement.version(), circuit(statement), &mut rng, &|_| ())?;
        keys.insert(StatementKey::new(key)?);
    }
    for statement in Statement::ALL {
        let key = keys.get(statement).ok_or("no key")?.digest();
        let target = Target { chain: ChainId([7; 32]), key, audience: [9; 32], nonce: None };
        let plan = sample::plan(statement, &target, 1, &mut rng)?;
        write(Path::new(&dir), &keys, &plan.prove_any(&keys, &no_progress)?)?;
    }
    Ok(())
}

fn write(dir: &Path, keys: &Keys, tx: &Transaction) -> Result<(), Box<dyn Error>> {
    let Transaction::Proof(tx) = tx else { return Err("not a proof".into()) };
    let key = keys.get(tx.statement).ok_or("no key")?;
    let public: PublicVector = tx.public_vector();
    let folder = dir.join(tx.statement.name());
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("verification_key.json"),
        snarkjs::export_verifying_key(key.proving_key().verifying_key()),
    )?;
    fs::write(folder.join("proof.json"), snarkjs::export_proof(&Proof::try_from(&tx.proof)?))?;
    fs::write(folder.join("public.json"), snarkjs::export_public(&public.to_field_elements()))?;
    println!("{}", folder.display());
    Ok(())
}
