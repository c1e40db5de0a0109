//! Proofs and verdicts do not depend on the backend: by the backends of this machine side by side,
//! and by whole processes whose environment names one.
#![allow(clippy::print_stdout, reason = "a process that a test starts tells it what came out")]

use amanat_accel::{BACKEND_VARIABLE, Backend, TableMemory, all, choose, default_backend};
use amanat_circuits::circuit;
use amanat_circuits::r1cs::{R1cs, Row};
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ChainId, KeyDigest, Transaction};
use amanat_params::{ProvingKey, Witness, insecure_dev_setup, insecure_dev_zkey};
use amanat_prover::groth16::{Blinding, no_progress};
use amanat_prover::keys::{Keys, StatementKey};
use amanat_prover::plan::Target;
use amanat_prover::sample;
use amanat_prover::zkey::ZkeyProver;
use amanat_verifier::{PreparedVerifyingKey, Trust, TxReject, verify_transaction, verify_transactions};
use ed25519_dalek::VerifyingKey as SignatureKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::process::Command;
use std::sync::OnceLock;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The key of the smallest statement.
fn key() -> &'static ProvingKey {
    static KEY: OnceLock<ProvingKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let version = Statement::Revoke.version();
        let circuit = circuit(Statement::Revoke);
        insecure_dev_setup(Statement::Revoke, version, circuit, &mut rng(1), &|_| ()).expect("a key").0
    })
}

/// The same plan, blinding included, proved with this key.
fn prove(key: StatementKey, seed: u64) -> Transaction {
    let target = Target { chain: ChainId([7; 32]), key: key.digest(), audience: [9; 32], nonce: None };
    let plan = sample::plan(Statement::Revoke, &target, 2, &mut rng(seed)).expect("a plan");
    let mut keys = Keys::new();
    keys.insert(key);
    plan.prove_any(&keys, &no_progress).expect("a proof")
}

struct OneKey(PreparedVerifyingKey);

impl OneKey {
    fn new() -> Self {
        Self(PreparedVerifyingKey::new(key().verifying_key()))
    }
}

impl Trust for OneKey {
    fn proof_key(&self, statement: Statement, key: KeyDigest) -> Option<&PreparedVerifyingKey> {
        (statement == Statement::Revoke && key.0 == self.0.digest()).then_some(&self.0)
    }

    fn organisation_key(&self, _: OrgId) -> Option<&SignatureKey> {
        None
    }
}

#[test]
fn every_backend_makes_the_same_transaction_of_a_plan() {
    let mut made = Vec::new();
    for backend in all() {
        for memory in [TableMemory::Plain, TableMemory::AtMost(32 << 20)] {
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                let key = StatementKey::in_backend(key(), *backend, memory).expect("this build's circuit");
                let tx = pool.install(|| prove(key, 3));
                made.push((format!("{}, {memory:?}, {threads} threads", backend.name()), tx));
            }
        }
    }
    let trust = OneKey::new();
    for (what, tx) in &made {
        assert_eq!(tx.to_bytes(), made[0].1.to_bytes(), "{what} and {}", made[0].0);
        assert!(verify_transaction(&trust, tx.clone()).is_ok(), "{what}");
    }
}

/// Rows like a witness' own: bits, and products of what came before.
fn products(rows: usize) -> (R1cs, Vec<Fr>) {
    let one = Fr::from(1u64);
    let mut values = vec![one; 9];
    let mut out = Vec::new();
    for i in 0..rows {
        let new = values.len() as u32;
        let row = if i % 3 == 0 {
            // b b = b.
            values.push(Fr::from((i % 2) as u64));
            Row { a: vec![(new, one)], b: vec![(new, one)], c: vec![(new, one)] }
        } else {
            let (x, y) = (new - 1, new / 2);
            values.push((values[x as usize] + Fr::from(7u64)) * values[y as usize]);
            Row { a: vec![(0, Fr::from(7u64)), (x, one)], b: vec![(y, one)], c: vec![(new, one)] }
        };
        out.push(row);
    }
    (R1cs { num_public: 8, num_private: rows, rows: out }, values)
}

#[test]
fn every_backend_makes_the_same_proof_of_a_zkey_and_a_witness() {
    for rows in [1, 50, 1015, 3000] {
        let (r1cs, values) = products(rows);
        assert_eq!(r1cs.first_unsatisfied(&values), None);
        let zkey = insecure_dev_zkey(&r1cs, &mut rng(4)).expect("a key");
        let witness = Witness::new(values);
        let prove = |backend: &&'static dyn Backend| {
            let prover = ZkeyProver::new(zkey.clone(), *backend, TableMemory::Plain);
            let blinding = Blinding::draw(&mut rng(6));
            let (proof, _) = prover.prove(&witness, blinding, &no_progress).expect("a proof");
            (backend.name(), proof.to_bytes())
        };
        let proofs: Vec<_> = all().iter().map(prove).collect();
        for (name, bytes) in &proofs {
            assert_eq!(bytes, &proofs[0].1, "{rows} rows, {name} and {}", proofs[0].0);
        }
    }
}

/// Set for the processes that [`a_process_does_what_its_environment_names_and_all_say_the_same`]
/// starts.
const CHILD: &str = "AMANAT_TEST_CHILD";

/// Not a test by itself: proves and verifies with the backend that was chosen, and says what came
/// out.
#[test]
fn what_a_process_says() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let trust = OneKey::new();
    let honest = prove(StatementKey::new(key().clone()).expect("this build's circuit"), 3);
    let other = prove(StatementKey::new(key().clone()).expect("this build's circuit"), 4);
    let Transaction::Proof(claim) = &honest else { panic!("a revocation is a proof") };
    let mut txs = vec![honest.clone(), other.clone()];
    // A nullifier, the output and each part of the proof changed; the proof of another transaction.
    for change in 0..5 {
        let mut claim = claim.clone();
        match change {
            0 => claim.nf[0] += Fr::from(1u64),
            1 => claim.out[0] += Fr::from(1u64),
            2 | 3 => {
                let ProofBytes::Groth16(bytes) = &mut claim.proof;
                bytes[if change == 2 { 0 } else { 40 }] ^= 1;
            }
            _ => {
                let Transaction::Proof(other) = &other else { panic!("a revocation is a proof") };
                claim.proof = other.proof;
            }
        }
        txs.push(Transaction::Proof(claim));
    }
    let said = |verdict: Result<(), TxReject>| verdict.map_or_else(|e| e.to_string(), |()| "valid".into());
    let single: Vec<String> =
        txs.iter().map(|tx| said(verify_transaction(&trust, tx.clone()).map(drop))).collect();
    let batch: Vec<String> =
        verify_transactions(&trust, txs).into_iter().map(|verdict| said(verdict.map(drop))).collect();
    assert_eq!(single, batch, "in a batch and one by one");
    assert_eq!(single.iter().filter(|verdict| *verdict == "valid").count(), 2, "{single:?}");
    println!(
        "\nbackend: {}\nproof: {:?}\nverdicts: {single:?}",
        default_backend().name(),
        claim.proof.as_bytes()
    );
}

#[test]
fn a_process_does_what_its_environment_names_and_all_say_the_same() {
    let run = |backend: &str| {
        let out = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "what_a_process_says", "--nocapture"])
            .env(CHILD, "1")
            .env(BACKEND_VARIABLE, backend)
            .output()
            .expect("it starts");
        assert!(out.status.success(), "{backend}: {}", String::from_utf8_lossy(&out.stderr));
        let out = String::from_utf8(out.stdout).expect("text");
        let line = |head: &str| -> String {
            let found = out.lines().find_map(|line| line.strip_prefix(head));
            found.unwrap_or_else(|| panic!("{backend}: no {head} in {out}")).to_owned()
        };
        assert_eq!(line("backend: "), backend);
        (line("proof: "), line("verdicts: "))
    };
    let said: Vec<_> = all().iter().map(|backend| (backend.name(), run(backend.name()))).collect();
    for (name, words) in &said {
        assert_eq!(words, &said[0].1, "{name} and {}", said[0].0);
    }
}

#[test]
fn this_process_computes_with_the_backend_it_was_told_to() {
    // `.ci/run` runs the tests a second time with the environment set.
    match std::env::var(BACKEND_VARIABLE) {
        Ok(name) if !name.is_empty() => assert_eq!(choose().map(|backend| backend.name()), Ok(name.as_str())),
        _ => assert_eq!(default_backend().name(), all()[0].name()),
    }
}
