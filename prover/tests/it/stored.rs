//! Stored proofs: one transaction for each statement and version, kept in `verifier/tests/proofs`
//! for ever.
//!
//! `verifier/tests/it/stored.rs` verifies them. This test sees that the current version of each
//! statement has its file, made for this build's circuit, and makes a missing file if
//! `AMANAT_REMAKE=1` is set. A file that exists is never written again: a proof of a version that
//! once was must verify for as long as the project lives.

use amanat_circuits::circuit;
use amanat_domain::field;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, Transaction};
use amanat_params::{VerifyingKey, insecure_dev_setup};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{Keys, StatementKey};
use amanat_prover::plan::Target;
use amanat_prover::sample;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Key, made-up world and blinding all follow from it: the key's trapdoor is known to every reader.
const SEED: u64 = 0x616d_616e_6174;

fn path(statement: Statement) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier/tests/proofs");
    folder.join(format!("{statement}-v{}.json", statement.version()))
}

/// Proves a statement of a made-up world under a development key. Both follow from [`SEED`].
fn prove(statement: Statement) -> (VerifyingKey, Transaction) {
    let mut rng = ChaCha20Rng::seed_from_u64(SEED + statement as u64);
    let (key, verifying) =
        insecure_dev_setup(statement, statement.version(), circuit(statement), &mut rng, &|_| ())
            .expect("this build's circuit");
    let key = StatementKey::new(key).expect("this build's circuit");
    let target =
        Target { chain: ChainId([1; 32]), key: key.digest(), audience: [2; 32], nonce: Some([3; 32]) };
    let plan = sample::plan(statement, &target, SEED, &mut rng).expect("it holds");
    let mut keys = Keys::new();
    keys.insert(key);
    (verifying, plan.prove_any(&keys, &no_progress).expect("a proof"))
}

fn make(statement: Statement) {
    let (key, tx) = prove(statement);
    let Transaction::Proof(claim) = &tx else { panic!("a proof transaction") };
    let public = claim.public_vector().to_field_elements().map(|input| hex::encode(field::to_bytes(&input)));
    let stored = serde_json::json!({
        "note": format!("Made by prover/tests/it/stored.rs, seed {SEED:#x}, under an insecure key. Never remade."),
        "system": claim.proof.system().name(),
        "statement": statement.name(),
        "version": statement.version(),
        "verifying_key": hex::encode(key.to_bytes()),
        "transaction": hex::encode(tx.to_bytes()),
        "public": public,
    });
    let text = serde_json::to_string_pretty(&stored).expect("JSON") + "\n";
    // Fails if the file exists: what is stored is stored.
    let mut file = File::create_new(path(statement)).expect("a new file");
    file.write_all(text.as_bytes()).expect("the disk takes it");
}

#[test]
fn every_statement_has_a_stored_proof_of_its_version_and_circuit() {
    for statement in Statement::ALL {
        let path = path(statement);
        if !path.exists() && std::env::var_os("AMANAT_REMAKE").is_some_and(|set| set == "1") {
            make(statement);
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|e| {
            panic!("{}: {e}. A new version? Run this test with AMANAT_REMAKE=1", path.display())
        });
        let stored: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let key = hex::decode(stored["verifying_key"].as_str().expect("a key")).expect("hexadecimal");
        let key = VerifyingKey::from_bytes(&key).expect("a verifying key");
        assert_eq!((key.header().statement, key.header().version), (statement, statement.version()));
        assert_eq!(
            key.header().r1cs,
            circuit(statement).digest(),
            "the circuit of `{statement}` has changed: raise its version"
        );
    }
}
