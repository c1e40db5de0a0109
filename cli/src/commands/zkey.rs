//! `amanat prove --zkey F --wtns F`: any circom circuit over BN254.

use super::proof_files::{KEY_FILE, PROOF_FILE, PUBLIC_FILE, writable, writable_folder};
use crate::args::prove::ProveArgs;
use crate::ui::{self, Ui};
use amanat_accel::TableMemory;
use amanat_params::{Witness, Zkey, snarkjs};
use amanat_prover::groth16::{Blinding, Phase};
use amanat_prover::zkey::ZkeyProver;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Proves, verifies, and writes `proof.json` and `public.json`; with `--snarkjs` the verifying key
/// too.
pub(crate) fn run(zkey: &Path, wtns: &Path, args: &ProveArgs, ui: Ui) -> Result<()> {
    let (proof_file, public_file, key_file) = match &args.snarkjs {
        Some(dir) => {
            writable_folder(dir)?;
            (dir.join(PROOF_FILE), dir.join(PUBLIC_FILE), Some(dir.join(KEY_FILE)))
        }
        None => {
            let file = |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or_else(|| name.into());
            let files = (file(&args.proof, PROOF_FILE), file(&args.public, PUBLIC_FILE));
            writable(&files.0)?;
            writable(&files.1)?;
            (files.0, files.1, None)
        }
    };
    let backend = amanat_accel::choose()?;
    let began = Instant::now();
    // The witness first: it is small, and as likely to be the wrong file.
    let witness = File::open(wtns).with_context(|| format!("cannot open {}", wtns.display()))?;
    let witness = Witness::read(witness).with_context(|| wtns.display().to_string())?;
    let key = read_key(zkey, ui)?;
    let contributed = key.has_contributions();
    let prover = ZkeyProver::new(key, backend, TableMemory::Plain);
    let loading = began.elapsed();

    let began = Instant::now();
    let bar = ui.bar(100, "proving");
    let hook = |phase: Phase| {
        bar.set_position(u64::from(phase.percent()));
        ControlFlow::Continue(())
    };
    let proved = prover.prove(&witness, Blinding::draw(&mut rand::rng()), &hook);
    bar.finish_and_clear();
    let (proof, public) = proved?;
    let proving = began.elapsed();

    let (proof, public) = (snarkjs::export_proof(&proof), snarkjs::export_public(&public));
    write(&proof_file, &proof)?;
    write(&public_file, &public)?;
    if let Some(file) = &key_file {
        write(file, &snarkjs::export_key_points(prover.verifying_key()))?;
    }
    ui.say(format!(
        "proved and verified (variables: {}, public inputs: {}, domain: 2^{}): {} (backend {}), after loading for {}",
        prover.num_variables(),
        prover.num_public(),
        prover.domain_size().ilog2(),
        ui::seconds(proving),
        backend.name(),
        ui::seconds(loading),
    ));
    match &args.snarkjs {
        Some(dir) => {
            ui.say(format!("wrote verification_key.json, proof.json and public.json into {}", dir.display()))
        }
        None => ui.say(format!("wrote {} and {}", proof_file.display(), public_file.display())),
    }
    if !contributed {
        ui.warn("nobody has contributed to this key: anybody can forge proofs under it (`snarkjs zkey contribute`)");
    }
    ui.document(&serde_json::json!({
        "variables": prover.num_variables(),
        "public_inputs": prover.num_public(),
        "domain": prover.domain_size(),
        "backend": backend.name(),
        "loading_seconds": loading.as_secs_f64(),
        "proving_seconds": proving.as_secs_f64(),
        "key_has_contributions": contributed,
        "proof": serde_json::from_str::<serde_json::Value>(&proof)?,
        "public": serde_json::from_str::<serde_json::Value>(&public)?,
        "files": { "proof": proof_file, "public": public_file, "verification_key": key_file },
    }));
    Ok(())
}

/// Reads a key with a bar.
fn read_key(path: &Path, ui: Ui) -> Result<Zkey> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let bar = ui.bar(1, "reading the key");
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
        ControlFlow::Continue(())
    };
    let key = Zkey::read(file, &progress).with_context(|| path.display().to_string());
    bar.finish_and_clear();
    key
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, format!("{text}\n")).with_context(|| format!("cannot write {}", path.display()))
}
