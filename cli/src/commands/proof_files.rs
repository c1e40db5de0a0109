//! The files that `amanat prove` writes: the transaction, and the proof as snarkjs reads it.

use crate::args::ProveArgs;
use crate::ui::{self, Ui};
use amanat_client::Client;
use amanat_client::prove::Proved;
use amanat_domain::tx::Transaction;
use amanat_params::{Proof, snarkjs};
use amanat_prover::keys::Keys;
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::path::Path;

/// Whether the files that were asked for can be written: proving takes a while, and a proof of
/// access or consent reserves a use. A file that was not there is not there afterwards.
pub(super) fn check(args: &ProveArgs) -> Result<()> {
    if let Some(path) = &args.out {
        let cannot = || format!("cannot write {}", path.display());
        // A link is there, also one that leads nowhere yet.
        let new = path.symlink_metadata().is_err();
        OpenOptions::new().create(true).append(true).open(path).with_context(cannot)?;
        if new {
            std::fs::remove_file(path).with_context(cannot)?;
        }
    }
    if let Some(dir) = &args.snarkjs {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    Ok(())
}

/// Writes the files that were asked for, before the ledger hears of the proof.
pub(super) fn write(args: &ProveArgs, client: &mut Client, proved: &Proved, ui: Ui) -> Result<()> {
    let bytes = proved.transaction.to_bytes();
    if let Some(path) = &args.out {
        std::fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(dir) = &args.snarkjs {
        export(dir, &proved.transaction, client.load_keys(&[proved.statement])?)?;
    }
    let (statement, proving) = (proved.statement, ui::seconds(proved.proving));
    ui.say(format!("proved `{statement}` in {proving}: transaction of {} bytes", bytes.len()));
    Ok(())
}

/// Writes what snarkjs reads.
fn export(dir: &Path, tx: &Transaction, keys: &Keys) -> Result<()> {
    let Transaction::Proof(tx) = tx else {
        bail!("--snarkjs: only a proof can be written as snarkjs' files")
    };
    let key = keys.get(tx.statement).context("the key of this proof")?.proving_key().verifying_key();
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let proof = Proof::try_from(&tx.proof)?;
    let public = tx.public_vector().to_field_elements();
    for (name, text) in [
        ("verification_key.json", snarkjs::export_verifying_key(key)),
        ("proof.json", snarkjs::export_proof(&proof)),
        ("public.json", snarkjs::export_public(&public)),
    ] {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
