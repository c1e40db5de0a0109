//! Writes `verification_key.json`, `proof.json`, `public.json` of an honest little proof, and
//! `public_wrong.json` with one input changed, for a check by snarkjs:
//! `snarkjs groth16 verify verification_key.json public.json proof.json`.
//!
//! `cargo run -p amanat-prover --example snarkjs_files -- DIR`

use amanat_accel::TableMemory;
use amanat_circuits::r1cs::{R1cs, Row};
use amanat_domain::{field::Fr, statement::Statement};
use amanat_params::{insecure_dev_setup, snarkjs};
use amanat_prover::groth16::{Blinding, PreparedCircuit, PreparedKey, no_progress, prove};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("where to? give a directory")?);
    let mut rng = ChaCha20Rng::seed_from_u64(2026);
    // 7 * 7 = 49, the first public input.
    let one = Fr::from(1u64);
    let rows = vec![Row { a: vec![(9, one)], b: vec![(9, one)], c: vec![(1, one)] }];
    let r1cs = R1cs { num_public: 8, num_private: 1, rows };
    let (pk, vk) = insecure_dev_setup(Statement::Record, 1, &r1cs, &mut rng, &|_| ())?;
    let mut public = [49u64, 2, 3, 0, 5, 0, 0, 8].map(Fr::from);
    public[5] = -one;
    let assignment: Vec<Fr> = [one].into_iter().chain(public).chain([Fr::from(7u64)]).collect();
    let backend = amanat_accel::default_backend();
    let (key, circuit) =
        (PreparedKey::new(&pk, backend, TableMemory::Plain), PreparedCircuit::new(&r1cs, backend));
    let proof = prove(&key, &circuit, &assignment, Blinding::draw(&mut rng), &no_progress)?;
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("verification_key.json"), snarkjs::export_verifying_key(&vk))?;
    fs::write(dir.join("proof.json"), snarkjs::export_proof(&proof))?;
    fs::write(dir.join("public.json"), snarkjs::export_public(&public))?;
    public[1] += one;
    fs::write(dir.join("public_wrong.json"), snarkjs::export_public(&public))?;
    Ok(())
}
