//! The files that `amanat prove` writes: the transaction, and the proof as snarkjs reads it.

use crate::args::prove::ProveArgs;
use crate::ui::{self, Ui};
use amanat_client::Client;
use amanat_client::prove::Proved;
use amanat_domain::tx::Transaction;
use amanat_params::{Proof, snarkjs};
use amanat_prover::keys::Keys;
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::path::Path;

// The names that snarkjs' documentation uses.
pub(super) const KEY_FILE: &str = "verification_key.json";
pub(super) const PROOF_FILE: &str = "proof.json";
pub(super) const PUBLIC_FILE: &str = "public.json";

/// Whether the files that were asked for can be written: proving takes a while, and a proof of
/// access or consent reserves a use. A file that was not there is not there afterwards.
pub(super) fn check(args: &ProveArgs) -> Result<()> {
    if let Some(path) = &args.out {
        writable(path)?;
    }
    if let Some(dir) = &args.snarkjs {
        writable_folder(dir)?;
    }
    Ok(())
}

/// Whether snarkjs' three files can be written into a folder, which is made if it is not there.
pub(super) fn writable_folder(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    [KEY_FILE, PROOF_FILE, PUBLIC_FILE].iter().try_for_each(|name| writable(&dir.join(name)))
}

/// Whether a file can be written. What it holds stays as it is.
pub(super) fn writable(path: &Path) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    // A link is there, also one that leads nowhere yet.
    let new = path.symlink_metadata().is_err();
    OpenOptions::new().create(true).append(true).open(path).with_context(cannot)?;
    if new {
        std::fs::remove_file(path).with_context(cannot)?;
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
    let proof = Proof::try_from(&tx.proof)?;
    let public = tx.public_vector().to_field_elements();
    for (name, text) in [
        (KEY_FILE, snarkjs::export_verifying_key(key)),
        (PROOF_FILE, snarkjs::export_proof(&proof)),
        (PUBLIC_FILE, snarkjs::export_public(&public)),
    ] {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
