//! `amanat verify`: a transaction, a receipt or snarkjs files, without a ledger.

use super::proof_files::{KEY_FILE, PROOF_FILE, PUBLIC_FILE};
use crate::args::Global;
use crate::args::verify::{VerifyArgs, VerifyCommand};
use crate::ui::Ui;
use amanat_client::Home;
use amanat_client::keys::store;
use amanat_client::verify::{
    Because, NotValid, ValidTransaction, VerifyError, verify_entry, verify_receipt, verify_transaction,
    verify_transaction_insecure_dev,
};
use amanat_domain::tx::MAX_TX_BYTES;
use amanat_ledger::{BlockHash, Genesis, Profile};
use amanat_params::{Origin, snarkjs};
use amanat_verifier::{CircuitReject, verify_circuit};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Findings about a stranger's key that are told one by one.
const WARNINGS: usize = 8;

pub(crate) fn run(args: &VerifyArgs, global: &Global, ui: Ui) -> Result<()> {
    match (&args.what, &args.file, &args.snarkjs) {
        (Some(VerifyCommand::Receipt { file, genesis, block }), ..) => {
            receipt(file, genesis, block.as_deref(), ui)
        }
        (Some(VerifyCommand::Entry { file, genesis, block }), ..) => entry(file, genesis, block, ui),
        (None, Some(file), _) => transaction(file, &Home::open(global.home.as_deref())?, ui),
        (None, None, Some(dir)) => foreign(dir, ui),
        (None, None, None) => bail!("give a transaction file, or --snarkjs DIR"),
    }
}

/// A transaction under the store's key. A key for development verifies with a warning, unless the
/// home directory is that of a production ledger, which accepts no such key.
fn transaction(file: &Path, home: &Home, ui: Ui) -> Result<()> {
    let (store, bytes) = (store(home)?, read(file, MAX_TX_BYTES as u64)?);
    let in_production = home.genesis()?.is_some_and(|genesis| genesis.profile() == Profile::Production);
    let verify = if in_production { verify_transaction } else { verify_transaction_insecure_dev };
    let ValidTransaction { tx, key } = match verify(&store, &bytes) {
        Err(error @ VerifyError::Signed) => bail!("{} is {error}", file.display()),
        verified => verified?,
    };
    let tx = tx.into_inner();
    let (statement, epoch, chain) = (tx.statement, tx.epoch, tx.chain);
    if key.origin == Origin::InsecureDev {
        ui.warn(&format!(
            "the key for `{statement}` is of origin insecure-dev: its maker can forge proofs. Ask for a key of a ceremony"
        ));
    }
    ui.say(format!(
        "valid: `{statement}` against the bundle of epoch {epoch} on chain {chain} (key of origin {}). Whether that bundle is the \
         ledger's, and the nullifier unspent, only the ledger can tell.",
        key.origin
    ));
    ui.document(&serde_json::json!({
        "valid": true, "statement": statement.name(), "epoch": epoch, "chain": chain.to_string(),
        "txid": tx.id().to_string(), "origin": key.origin.to_string(),
    }));
    Ok(())
}

/// A receipt by its block's certificate, or in a block whose hash was given.
fn receipt(file: &Path, genesis: &Path, block: Option<&str>, ui: Ui) -> Result<()> {
    let bytes = read(file, 64 << 20)?;
    let genesis = Genesis::read(genesis)?;
    let block = block.map(block_hash).transpose()?;
    let (receipt, because) = verify_receipt(&bytes, &genesis, block)?;
    let (txid, chain) = (receipt.txid, genesis.chain_id());
    let because = match because {
        Because::Signed { by, of } => format!("{by} of {of} validators signed its block"),
        Because::InBlock => "it is in the block you gave".to_owned(),
    };
    ui.say(format!(
        "valid: transaction {txid} was committed in block {} of chain {chain}; {because}",
        receipt.height
    ));
    ui.document(&serde_json::json!({
        "valid": true, "txid": txid.to_string(), "height": receipt.height, "index": receipt.index,
        "epoch": receipt.epoch, "chain": chain.to_string(),
    }));
    Ok(())
}

/// An entry of the state after a block whose hash was given.
fn entry(file: &Path, genesis: &Path, block: &str, ui: Ui) -> Result<()> {
    let (bytes, genesis) = (read(file, 1 << 20)?, Genesis::read(genesis)?);
    let proof = verify_entry(&bytes, &genesis, block_hash(block)?)?;
    let (kind, name) = proof.entry.words();
    let (height, chain) = (proof.header.height, genesis.chain_id());
    let there = if proof.content.is_some() { "is" } else { "is not" };
    ui.say(format!("valid: {kind} {name} {there} on chain {chain} after block {height}"));
    ui.document(&serde_json::json!({
        "valid": true, "kind": kind, "name": name, "present": proof.content.is_some(),
        "height": height, "chain": chain.to_string(),
    }));
    Ok(())
}

fn block_hash(text: &str) -> Result<BlockHash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).context("--block: a block's hash is 64 hexadecimal digits")?;
    Ok(BlockHash(hash))
}

/// A proof of any circuit. A key that is wrong is a fault, for the verifier chose it; proof and
/// inputs are the prover's.
fn foreign(dir: &Path, ui: Ui) -> Result<()> {
    let text = |name: &str| -> Result<String> {
        let path = dir.join(name);
        let bytes = read(&path, snarkjs::MAX_FILE_BYTES)?;
        String::from_utf8(bytes).ok().with_context(|| format!("{} is not text", path.display()))
    };
    let key = snarkjs::import_circuit_key(&text(KEY_FILE)?)?;
    let proof = snarkjs::import_proof(&text(PROOF_FILE)?).map_err(NotValid::because)?;
    let public = snarkjs::import_public(&text(PUBLIC_FILE)?).map_err(NotValid::because)?;
    verify_circuit(&key, &public, &proof).map_err(|e| match e {
        CircuitReject::PublicInputs { .. } => NotValid(format!("{PUBLIC_FILE}: {e}")),
        CircuitReject::Invalid => NotValid::because(e),
    })?;
    let warnings: Vec<String> = key.warnings().iter().map(ToString::to_string).collect();
    for warning in warnings.iter().take(WARNINGS) {
        ui.warn(&format!("{KEY_FILE}: {warning}"));
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(WARNINGS) {
        ui.warn(&format!("{KEY_FILE}: {more} more of that kind"));
    }
    let inputs = public.len();
    ui.say(format!(
        "valid under the key in this folder (public inputs: {inputs}); whose key that is, the files do not say"
    ));
    ui.document(&serde_json::json!({
        "valid": true, "public_inputs": inputs, "warnings": warnings[..warnings.len().min(WARNINGS)],
    }));
    Ok(())
}

/// Reads at most `most` bytes, whatever the file says of itself.
fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    if bytes.len() as u64 > most {
        bail!("{}: more than {most} bytes, which is the most that is read", path.display());
    }
    Ok(bytes)
}
