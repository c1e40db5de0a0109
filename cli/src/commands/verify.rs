//! `amanat verify`: a transaction, a receipt or snarkjs files, without a ledger.

use crate::args::{Global, VerifyArgs, VerifyCommand};
use crate::home::Home;
use crate::keyring;
use crate::ui::Ui;
use amanat_domain::tx::{MAX_TX_BYTES, Transaction};
use amanat_ledger::{BlockHash, EntryProof, Genesis, InclusionProof, MAX_GENESIS_BYTES};
use amanat_params::snarkjs;
use amanat_verifier::light::{LightClient, ReceiptEvidence};
use amanat_verifier::{AcceptedKeys, CircuitReject, verify_circuit, verify_proof};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Findings about a stranger's key that are told one by one.
const WARNINGS: usize = 8;

/// The proof does not verify: an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("not valid: {0}")]
pub(crate) struct NotValid(pub String);

pub(crate) fn run(args: &VerifyArgs, global: &Global, ui: Ui) -> Result<()> {
    match &args.what {
        Some(VerifyCommand::Receipt { file, genesis, block }) => {
            return receipt(file, genesis, block.as_deref(), ui);
        }
        Some(VerifyCommand::Entry { file, genesis, block }) => return entry(file, genesis, block, ui),
        None => {}
    }
    match (&args.file, &args.snarkjs) {
        (Some(file), _) => transaction(file, global, ui),
        (None, Some(dir)) => foreign(dir, ui),
        (None, None) => bail!("give a transaction file, or --snarkjs DIR"),
    }
}

fn transaction(file: &Path, global: &Global, ui: Ui) -> Result<()> {
    let bytes = read(file, MAX_TX_BYTES as u64)?;
    let tx = Transaction::from_bytes(&bytes).map_err(|e| NotValid(e.to_string()))?;
    let Transaction::Proof(tx) = tx else {
        bail!(
            "{} is signed, not proved: its signature is checked by a ledger, which knows the keys",
            file.display()
        )
    };
    let home = Home::open(global.home.as_deref())?;
    let statement = tx.statement;
    let key = keyring::store(&home)?.verifying_key(statement, statement.version())?;
    if key.digest() != tx.key.0 {
        bail!(
            "the transaction names the key {}, the store holds {}: get that key, or ask for a proof under this one",
            tx.key,
            hex::encode(key.digest())
        );
    }
    let mut accepted = AcceptedKeys::new();
    accepted.accept(&key);
    let tx = verify_proof(&accepted, *tx).map_err(|e| NotValid(e.to_string()))?.into_inner();
    ui.say(format!(
        "valid: `{statement}` against the bundle of epoch {} on chain {} (key of origin {}). Whether that bundle is the \
         ledger's, and the nullifier unspent, only the ledger can tell.",
        tx.epoch,
        tx.chain,
        key.header().origin
    ));
    ui.document(&serde_json::json!({
        "valid": true, "statement": statement.name(), "epoch": tx.epoch, "chain": tx.chain.to_string(),
        "txid": tx.id().to_string(),
    }));
    Ok(())
}

/// A receipt by its block's certificate, or in a block whose hash was given.
fn receipt(file: &Path, genesis: &Path, block: Option<&str>, ui: Ui) -> Result<()> {
    let bytes = read(file, 64 << 20)?;
    let genesis = genesis_of(genesis)?;
    let chain = genesis.chain_id();
    let (receipt, because) = if ReceiptEvidence::is_named_by(&bytes) {
        let evidence = ReceiptEvidence::from_bytes(&bytes).map_err(|e| NotValid(e.to_string()))?;
        let validators = genesis.validators().context(
            "the genesis names no validators, and the file is signed by some: it is of another ledger",
        )?;
        let mut client = LightClient::new(chain, validators.set.clone());
        let receipt = *client.judge(&evidence).map_err(|e| NotValid(e.to_string()))?;
        if let Some(block) = block
            && block_hash(block)? != evidence.inclusion.header.hash()
        {
            return Err(NotValid("it is in another block than the one given".into()).into());
        }
        let of = client.validators(receipt.height).keys().len();
        (receipt, format!("{} of {of} validators signed its block", evidence.certificate.signatures.len()))
    } else {
        let proof = InclusionProof::from_bytes(&bytes).map_err(|e| NotValid(e.to_string()))?;
        let block = block.context(
            "the file has no signatures of validators: give the hash of a block you believe with --block, from somebody you \
             believe",
        )?;
        let hash = block_hash(block)?;
        if proof.header.chain != chain {
            return Err(
                NotValid(format!("it is of chain {}, the genesis of {chain}", proof.header.chain)).into()
            );
        }
        proof.verify(hash).map_err(|e| NotValid(e.to_string()))?;
        (proof.receipt, "it is in the block you gave".to_owned())
    };
    ui.say(format!(
        "valid: transaction {} was committed in block {} of chain {chain}; {because}",
        receipt.txid, receipt.height
    ));
    ui.document(&serde_json::json!({
        "valid": true, "txid": receipt.txid.to_string(), "height": receipt.height, "index": receipt.index,
        "epoch": receipt.epoch, "chain": chain.to_string(),
    }));
    Ok(())
}

/// An entry of the state after a block whose hash was given.
fn entry(file: &Path, genesis: &Path, block: &str, ui: Ui) -> Result<()> {
    let proof = EntryProof::from_bytes(&read(file, 1 << 20)?).map_err(|e| NotValid(e.to_string()))?;
    let chain = genesis_of(genesis)?.chain_id();
    if proof.header.chain != chain {
        return Err(NotValid(format!("it is of chain {}, the genesis of {chain}", proof.header.chain)).into());
    }
    proof.verify(block_hash(block)?).map_err(|e| NotValid(e.to_string()))?;
    let (kind, name) = proof.entry.words();
    let there = if proof.content.is_some() { "is" } else { "is not" };
    ui.say(format!("valid: {kind} {name} {there} on chain {chain} after block {}", proof.header.height));
    ui.document(&serde_json::json!({
        "valid": true, "kind": kind, "name": name, "present": proof.content.is_some(),
        "height": proof.header.height, "chain": chain.to_string(),
    }));
    Ok(())
}

pub(crate) fn genesis_of(file: &Path) -> Result<Genesis> {
    let bytes = read(file, MAX_GENESIS_BYTES as u64)?;
    Genesis::from_json(&bytes).with_context(|| format!("{} is no genesis", file.display()))
}

fn block_hash(text: &str) -> Result<BlockHash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).context("--block: a block's hash is 64 hexadecimal digits")?;
    Ok(BlockHash(hash))
}

/// A proof of anybody's circuit. A key that is wrong is a fault, as the verifier's own choice; proof and inputs are the prover's.
fn foreign(dir: &Path, ui: Ui) -> Result<()> {
    let text = |name: &str| -> Result<String> {
        let path = dir.join(name);
        let bytes = read(&path, snarkjs::MAX_FILE_BYTES)?;
        String::from_utf8(bytes).ok().with_context(|| format!("{} is not text", path.display()))
    };
    let key = snarkjs::import_circuit_key(&text("verification_key.json")?)?;
    let proof = snarkjs::import_proof(&text("proof.json")?).map_err(|e| NotValid(e.to_string()))?;
    let public = snarkjs::import_public(&text("public.json")?).map_err(|e| NotValid(e.to_string()))?;
    verify_circuit(&key, &public, &proof).map_err(|e| {
        NotValid(match e {
            CircuitReject::PublicInputs { .. } => format!("public.json: {e}"),
            CircuitReject::Invalid => e.to_string(),
        })
    })?;
    let warnings: Vec<String> = key.warnings().iter().map(ToString::to_string).collect();
    for warning in warnings.iter().take(WARNINGS) {
        ui.warn(&format!("verification_key.json: {warning}"));
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(WARNINGS) {
        ui.warn(&format!("verification_key.json: {more} more of that kind"));
    }
    ui.say(format!(
        "valid under the key in this folder (public inputs: {}); whose key that is, the files do not say",
        public.len()
    ));
    ui.document(&serde_json::json!({
        "valid": true, "public_inputs": public.len(), "warnings": warnings[..warnings.len().min(WARNINGS)],
    }));
    Ok(())
}

/// Reads no more than so much, whatever the file says of itself.
fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    if bytes.len() as u64 > most {
        bail!("{}: more than {most} bytes, which is the most that is read", path.display());
    }
    Ok(bytes)
}
