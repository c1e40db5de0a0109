//! `amanat prove`.

use crate::actors::{self, HeldConsent, Holder};
use crate::args::{Global, ProveArgs, ProveWhat};
use crate::policies::{self, TREATMENT};
use crate::session::Session;
use crate::ui::{self, Ui};
use crate::vault::{Anchoring, Supersession, VaultRecord};
use crate::{keyring, wallets};
use amanat_api::problem::Kind;
use amanat_circuits::Relation;
use amanat_client::ledger::AccessError;
use amanat_domain::consent::{Actions, Categories, Confidentiality, OrgId, Purposes};
use amanat_domain::field::{self, Fr};
use amanat_domain::policy::{
    AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy, Scope, ValueRange,
};
use amanat_domain::record::{Leaf, Micro, value_word};
use amanat_domain::statement::Statement;
use amanat_domain::time::Period;
use amanat_domain::tx::Transaction;
use amanat_params::{Proof, snarkjs};
use amanat_prover::groth16::Phase;
use amanat_prover::keys::Keys;
use amanat_prover::plan::{
    AccessInput, AccessPlan, ConsentInput, ConsentPlan, Plan, RecordInput, RecordPlan, RolePlan,
};
use anyhow::{Context, Result, bail};
use std::ops::ControlFlow;
use std::time::Instant;

impl ProveWhat {
    const fn statement(self) -> Statement {
        match self {
            Self::Access => Statement::Access,
            Self::Consent => Statement::Consent,
            Self::Role => Statement::Role,
            Self::Record => Statement::Record,
        }
    }
}

/// How often a proof is made whose bundle grows too old meanwhile.
const ATTEMPTS: usize = 3;

pub(crate) fn run(args: &ProveArgs, global: &Global, ui: Ui) -> Result<()> {
    if let (Some(zkey), Some(wtns)) = (&args.zkey, &args.wtns) {
        return super::zkey::run(zkey, wtns, args, ui);
    }
    for _ in 1..ATTEMPTS {
        match attempt(args, global, ui) {
            Err(error) if was_too_slow(&error) => {
                ui.warn("the bundle grew too old while this was proved; proving again about the newest");
            }
            other => return other,
        }
    }
    attempt(args, global, ui)
}

/// Proves about the newest bundle, and submits.
fn attempt(args: &ProveArgs, global: &Global, ui: Ui) -> Result<()> {
    let what =
        args.what.context("what to prove? access, consent, role or record; or give --zkey and --wtns")?;
    let session = Session::open(global, &args.at, ui)?;
    let statement = what.statement();
    let keys = keyring::load(&session.home, &[statement], ui)?;
    let key = keys.get(statement).context("loaded")?.digest();
    let target = session.target(statement, key, &args.audience)?;
    let mirror = session.mirror()?;
    session.check_floors(statement, mirror.bundle())?;
    let mut rng = rand::rng();
    let began = Instant::now();
    let tx = match what {
        ProveWhat::Access => {
            let record = record(&session, args)?;
            let held = consent(&session, args)?;
            let holder = holder(&session, args)?;
            let policy = AccessPolicy {
                scope: scope(args, Some(&record))?,
                roles: RolePolicy::new(
                    vec![holder.credential.role],
                    session.organisations()?.iter().map(crate::actors::Organisation::id).collect(),
                )?,
            };
            let input = AccessInput {
                consent: consent_input(&session, &held)?,
                holder: wallets::copy_holder(&holder.secret),
                credential: holder.credential.clone(),
                record: record_input(&session, &record)?,
            };
            prove(AccessPlan::access(&target, &mirror, input, policy, &mut rng)?, &keys, ui)?
        }
        ProveWhat::Consent => {
            let held = consent(&session, args)?;
            let holder = holder(&session, args)?;
            let request = ConsentRequest {
                scope: scope(args, None)?,
                data_period: Period::ALWAYS,
                recipient: Recipient {
                    organisation: holder.credential.organisation,
                    role: holder.credential.role,
                    holder: holder.credential.holder,
                },
                salt: field::random(&mut rng),
            };
            let input = consent_input(&session, &held)?;
            prove(ConsentPlan::consent(&target, &mirror, input, request, &mut rng)?, &keys, ui)?
        }
        ProveWhat::Role => {
            let holder = holder(&session, args)?;
            let organisations =
                session.organisations()?.iter().map(crate::actors::Organisation::id).collect();
            let policy = RolePolicy::new(vec![holder.credential.role], organisations)?;
            let secret = wallets::copy_holder(&holder.secret);
            let credential = holder.credential.clone();
            prove(RolePlan::role(&target, &mirror, secret, credential, policy, &mut rng)?, &keys, ui)?
        }
        ProveWhat::Record => {
            let record = record(&session, args)?;
            let request = record_request(args, &record, mirror.bundle().epoch, field::random(&mut rng))?;
            let input = record_input(&session, &record)?;
            prove(RecordPlan::record(&target, &mirror, input, request, &mut rng)?, &keys, ui)?
        }
    };
    let proving = began.elapsed();
    let bytes = tx.to_bytes();
    if let Some(path) = &args.out {
        std::fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(dir) = &args.snarkjs {
        export(dir, &tx, &keys)?;
    }
    ui.say(format!("proved `{statement}` in {}: transaction of {} bytes", ui::seconds(proving), bytes.len()));
    let mut document = serde_json::json!({
        "statement": statement.name(), "txid": tx.id().to_string(), "proving_seconds": proving.as_secs_f64(),
    });
    if !args.dry_run {
        // A use is counted before it is submitted: counted twice it is lost, submitted twice it would be refused.
        count_use(&session, args, 1)?;
        let done = match session.submit(&tx) {
            Ok(done) => done,
            Err(error) => {
                if not_spent(&error) {
                    count_use(&session, args, -1)?;
                }
                return Err(error);
            }
        };
        ui.say(format!("committed in block {}: {}", done.receipt.height, tx.id()));
        document["height"] = done.receipt.height.into();
    }
    ui.document(&document);
    Ok(())
}

/// Proves with a bar.
fn prove<R: Relation>(plan: Plan<R>, keys: &Keys, ui: Ui) -> Result<Transaction> {
    let bar = ui.bar(100, "proving");
    let hook = |phase: Phase| {
        bar.set_position(u64::from(phase.percent()));
        ControlFlow::Continue(())
    };
    let tx = plan.prove(keys, &hook)?;
    bar.finish_and_clear();
    Ok(tx)
}

fn holder(session: &Session, args: &ProveArgs) -> Result<Holder> {
    let name =
        args.holder.as_deref().context("whose credential? give --holder NAME (`amanat clinician list`)")?;
    super::clinician::find(session.holders()?, name)
}

fn consent(session: &Session, args: &ProveArgs) -> Result<HeldConsent> {
    let number = args.consent.context("which consent? give --consent NUMBER (`amanat consent list`)")?;
    let all = session.consents()?;
    all.into_iter().find(|c| c.number == number).with_context(|| format!("no consent {number}"))
}

fn record(session: &Session, args: &ProveArgs) -> Result<VaultRecord> {
    let vault = session.vault()?;
    let found = match (args.record, args.consent) {
        (Some(number), _) => vault.record(number)?,
        // The first of that consent's patient.
        (None, Some(_)) => {
            let patient = consent(session, args)?.patient;
            let mut first = None;
            vault.each_record(|record| {
                let is_it = record.patient == patient && record.supersession == Supersession::Latest;
                first = is_it.then_some(record);
                Ok(first.is_none())
            })?;
            first
        }
        (None, None) => bail!("which record? give --record NUMBER (`amanat vault list`)"),
    };
    let record = found.context("no such record in the vault: `amanat import --anchor` fills it")?;
    match record.supersession {
        Supersession::Latest => {}
        Supersession::By(newer) => bail!("record {} was superseded by record {newer}", record.number),
        Supersession::Retracted => bail!("record {} was taken back: it is no fact", record.number),
    }
    Ok(record)
}

/// The epoch in which the ledger has the record.
fn anchored(record: &VaultRecord) -> Result<u64> {
    match record.anchoring {
        Anchoring::Anchored(epoch) => Ok(epoch),
        Anchoring::Pending => bail!(
            "record {} was not acknowledged by the ledger: run its `amanat import --anchor` again, which finishes what was begun",
            record.number
        ),
    }
}

fn consent_input(session: &Session, held: &HeldConsent) -> Result<ConsentInput> {
    let patients = session.patients()?;
    let patient =
        patients.iter().find(|p| p.reference == held.patient).context("no wallet for this consent")?;
    Ok(ConsentInput { subject: patient.wallet.subject(), consent: held.consent.clone(), used: held.used })
}

fn record_input(session: &Session, record: &VaultRecord) -> Result<RecordInput> {
    let patients = session.patients()?;
    let patient =
        patients.iter().find(|p| p.reference == record.patient).context("no wallet for this record")?;
    Ok(RecordInput {
        subject: patient.wallet.subject(),
        record: record.record.clone(),
        custodian: OrgId::from_reference(&record.custodian),
        anchored: anchored(record)?,
    })
}

/// What is asked for: the ordinary classes, and those of a sensitive record that is named.
fn scope(args: &ProveArgs, record: Option<&VaultRecord>) -> Result<Scope> {
    let purposes = Purposes::by_name(&args.purpose)
        .with_context(|| format!("unknown purpose {}; known: {}", args.purpose, names(Purposes::NAMES)))?;
    let actions = Actions::by_name(&args.action)
        .with_context(|| format!("unknown action {}; known: {}", args.action, names(Actions::NAMES)))?;
    let mut categories = Categories::NONE;
    for name in &args.categories {
        let bit = Categories::by_name(name)
            .with_context(|| format!("unknown category {name}; known: {}", names(Categories::NAMES)))?;
        categories = categories.union(bit);
    }
    let (own, level) = record.map_or((0, 0), |r| policies::class(&r.record));
    if categories.is_empty() {
        categories = policies::CLINICAL.union(Categories(own));
    }
    let confidentiality = policies::confidentiality(level).max(Confidentiality::Normal);
    Ok(Scope { purposes, actions, categories, confidentiality, ..TREATMENT })
}

fn names<T>(all: &[(T, &str)]) -> String {
    all.iter().map(|(_, n)| *n).collect::<Vec<_>>().join(", ")
}

fn record_request(args: &ProveArgs, record: &VaultRecord, epoch: u64, salt: Fr) -> Result<RecordRequest> {
    let first = |leaf: Leaf| record.record.open(leaf).values[0];
    // A fact is not told without the status that may negate it.
    let mut disclosed = 1u16 << (Leaf::Status as u16);
    for name in &args.disclose {
        let leaf = Leaf::ALL.iter().find(|l| l.name() == name.as_str()).with_context(|| {
            format!("unknown leaf {name}; known: {}", Leaf::ALL.map(Leaf::name).join(", "))
        })?;
        disclosed |= 1 << (*leaf as u16);
    }
    let value = match &args.at_least {
        Some(text) => {
            let least = Micro::parse(text).map_err(|e| anyhow::anyhow!("--at-least {text}: {e}"))?;
            Some(ValueRange { least: value_word(least), greatest: u64::MAX })
        }
        None => None,
    };
    Ok(RecordRequest {
        resource_type: None,
        code: Some(first(Leaf::Code)),
        unit: value.map(|_| first(Leaf::Unit)),
        status: None,
        value,
        period: Period::ALWAYS,
        custodian: None,
        anchored_by: epoch,
        latest: true,
        disclosed,
        salt,
    })
}

/// The ledger said no because epochs passed since the proof was begun.
fn was_too_slow(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(AccessError::Refused(problem)) if ["stale_epoch", "aged_bundle"].contains(&&*problem.code))
}

/// The ledger said no, and not because the use was spent before: it can be used yet.
fn not_spent(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<AccessError>(),
        Some(AccessError::Refused(problem)) if problem.code != "nullifier_spent" && problem.kind != Kind::Fault
    )
}

fn count_use(session: &Session, args: &ProveArgs, by: i64) -> Result<()> {
    if !matches!(args.what, Some(ProveWhat::Access | ProveWhat::Consent)) {
        return Ok(());
    }
    let mut all = session.consents()?;
    if let Some(held) = all.iter_mut().find(|c| Some(c.number) == args.consent) {
        held.used = held.used.saturating_add_signed(by);
    }
    actors::save_consents(&session.home, &all)
}

/// Writes what snarkjs reads.
pub(crate) fn export(dir: &std::path::Path, tx: &Transaction, keys: &Keys) -> Result<()> {
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
