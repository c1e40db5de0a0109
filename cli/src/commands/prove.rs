//! `amanat prove`.

use crate::args::{Global, ProveArgs, ProveWhat};
use crate::session;
use crate::ui::{self, Ui};
use amanat_client::prove::{
    AudienceRequest, ProofError, ProofRequest, Proved, Receipt, RecordChoice, ScopeRequest,
};
use amanat_client::{AccessRequest, Client, ConsentProofRequest, RecordProofRequest, RoleProofRequest};
use amanat_domain::record::Micro;
use amanat_domain::tx::Transaction;
use amanat_params::{Proof, snarkjs};
use amanat_prover::keys::Keys;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// How often a proof is made whose bundle grows too old meanwhile.
const ATTEMPTS: usize = 3;

pub(crate) fn run(args: &ProveArgs, global: &Global, ui: Ui) -> Result<()> {
    if let (Some(zkey), Some(wtns)) = (&args.zkey, &args.wtns) {
        return super::zkey::run(zkey, wtns, args, ui);
    }
    let request = request(args)?;
    let mut client = session::open(global, &args.at, ui)?;
    for attempt in 1.. {
        let proved = client.prove(&request)?;
        write(args, &mut client, &proved, ui)?;
        if args.dry_run {
            let document = document(&proved);
            client.discard(proved)?;
            ui.document(&document);
            return Ok(());
        }
        let mut document = document(&proved);
        match client.submit(proved) {
            Err(error) if error.is_stale() && attempt < ATTEMPTS => {
                ui.warn("the bundle grew too old while this was proved; proving again about the newest");
            }
            done => return tell(done, &mut document, ui),
        }
    }
    Ok(())
}

/// The intent of a command line.
fn request(args: &ProveArgs) -> Result<ProofRequest> {
    let what =
        args.what.context("what to prove? access, consent, role or record; or give --zkey and --wtns")?;
    let audience = AudienceRequest::from(args.audience.as_str());
    let holder = || {
        let name = args.holder.clone();
        name.context("whose credential? give --holder NAME (`amanat clinician list`)")
    };
    let consent = || args.consent.context("which consent? give --consent NUMBER (`amanat consent list`)");
    let scope = || ScopeRequest::parse(&args.purpose, &args.action, &args.categories);
    Ok(match what {
        ProveWhat::Access => ProofRequest::Access(AccessRequest {
            consent: consent()?,
            record: args.record,
            holder: holder()?,
            scope: scope()?,
            policy: None,
            audience,
        }),
        ProveWhat::Consent => {
            let (consent, holder, scope) = (consent()?, holder()?, scope()?);
            ProofRequest::Consent(ConsentProofRequest { holder, consent, scope, audience })
        }
        ProveWhat::Role => ProofRequest::Role(RoleProofRequest { holder: holder()?, policy: None, audience }),
        ProveWhat::Record => {
            let record = match (args.record, args.consent) {
                (Some(number), _) => RecordChoice::Number(number),
                (None, Some(consent)) => RecordChoice::OfConsent(consent),
                (None, None) => bail!("which record? give --record NUMBER (`amanat vault list`)"),
            };
            let at_least = args
                .at_least
                .as_deref()
                .map(|text| Micro::parse(text).map_err(|e| anyhow::anyhow!("--at-least {text}: {e}")));
            let (at_least, disclose) = (at_least.transpose()?, RecordProofRequest::leaves(&args.disclose)?);
            ProofRequest::Record(RecordProofRequest { record, at_least, disclose, audience })
        }
    })
}

/// Writes the files that were asked for, before the ledger hears of the proof.
fn write(args: &ProveArgs, client: &mut Client, proved: &Proved, ui: Ui) -> Result<()> {
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

fn document(proved: &Proved) -> serde_json::Value {
    serde_json::json!({
        "statement": proved.statement.name(),
        "txid": proved.transaction.id().to_string(),
        "proving_seconds": proved.proving.as_secs_f64(),
    })
}

fn tell(done: Result<Receipt, ProofError>, document: &mut serde_json::Value, ui: Ui) -> Result<()> {
    let receipt = done?;
    ui.say(format!("committed in block {}: {}", receipt.height(), receipt.txid()));
    document["height"] = receipt.height().into();
    ui.document(document);
    Ok(())
}

/// Writes what snarkjs reads.
fn export(dir: &Path, tx: &Transaction, keys: &Keys) -> Result<()> {
    let Transaction::Proof(tx) = tx else { bail!("only proofs are exported") };
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
