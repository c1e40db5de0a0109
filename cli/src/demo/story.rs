//! The story: enrolment, credentials, anchoring, consents, accesses.

use crate::actors::{HeldConsent, Holder, Organisation, Patient};
use crate::cases::Cases;
use crate::desk::{Desk, dev_genesis};
use crate::home::Home;
use crate::ui::{self, Ui};
use crate::vault::{Anchoring, Supersession, VaultRecord};
use crate::{consent, policies, town, vectors};
use amanat_domain::consent::{ConsentTerms, GrantedConsent, UseLimit};
use amanat_domain::fhir::{SubjectReference, Zones};
use amanat_domain::identity::PatientWallet;
use amanat_domain::policy::RecordRequest;
use amanat_domain::record::{Leaf, Record};
use amanat_domain::statement::Statement;
use amanat_domain::tx::{Action, MAX_BATCH, Transaction};

use amanat_ledger::{Effect, Receipt};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::Keys;
use amanat_prover::plan::{
    AccessInput, AccessPlan, ConsentInput, ConsentPlan, GrantPlan, RecordInput, RecordPlan, RolePlan, Target,
};
use amanat_verifier::audience::{Asked, CommittedTx, Openings};
use amanat_verifier::{AcceptedKeys, verify_proof};
use anyhow::{Context, Result, bail};
use rand::Rng;
use rand::rngs::ThreadRng;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// Seconds of an epoch in the demo.
const EPOCH_SECONDS: u32 = 600;

/// One proof that was made and committed.
pub(crate) struct Proved {
    pub what: Statement,
    pub tx: Transaction,
    pub height: u64,
    pub proving: Duration,
    pub commit: Duration,
}

/// Everybody and everything.
pub(crate) struct Story<'a> {
    pub ui: Ui,
    pub keys: &'a Keys,
    pub desk: Desk,
    pub rng: ThreadRng,
    pub organisations: Vec<Organisation>,
    pub patients: Vec<Patient>,
    pub holders: Vec<Holder>,
    pub vault: Vec<VaultRecord>,
    pub consents: Vec<HeldConsent>,
    pub proved: Vec<Proved>,
    pub ledger_file: std::path::PathBuf,
    cases: &'a Cases,
}

impl<'a> Story<'a> {
    /// Founds the ledger and installs the keys.
    pub(crate) fn begin(
        home: &Home,
        cases: &'a Cases,
        hospitals: Option<[&str; 2]>,
        keys: &'a Keys,
        ui: Ui,
    ) -> Result<Self> {
        ui.head("3. A permissioned ledger");
        let mut rng = rand::rng();
        // Hospitals of the data where it has two; consents name them.
        let named =
            |i: usize, fallback: &'static str| cases.organisations.get(i).map_or(fallback, String::as_str);
        let hospitals = hospitals
            .unwrap_or_else(|| [named(0, "Organization/hospital-a"), named(1, "Organization/hospital-b")]);
        let organisations = town::organisations(hospitals, &mut rng);
        let (regulator, members) = organisations.split_last().context("no organisations")?;
        let genesis = dev_genesis("amanat-demo", crate::session::now(), EPOCH_SECONDS, members, regulator)?;
        let ledger_file = home.path("ledger.redb");
        let desk = Desk::open(&ledger_file, genesis)?;
        ui.say(format!("chain {}", desk.chain()));
        for o in &organisations {
            ui.say(format!("  member: {} ({})", o.name, o.reference));
        }
        let began = Instant::now();
        let sample = vectors::Sample::new(&mut rng)?;
        for (statement, key) in keys.iter() {
            let change = vectors::install(&sample, statement, key, keys, 0, &mut rng)?;
            let action = Action::Propose(Box::new(change));
            let tx = regulator.sign(desk.chain(), action, &mut rng);
            desk.submit(&tx).with_context(|| format!("the key of `{statement}` is refused"))?;
        }
        ui.say(format!(
            "six verifying keys installed by the regulator, each linted, each with a proof that must verify and one that \
             must not ({})",
            ui::seconds(began.elapsed())
        ));
        Ok(Self {
            ui,
            keys,
            desk,
            rng,
            organisations,
            patients: Vec::new(),
            holders: Vec::new(),
            vault: Vec::new(),
            consents: Vec::new(),
            proved: Vec::new(),
            ledger_file,
            cases,
        })
    }

    /// The main job.
    pub(crate) fn tell(&mut self) -> Result<()> {
        self.enrol()?;
        self.grant()?;
        self.access()?;
        self.facts()
    }

    fn enrol(&mut self) -> Result<()> {
        self.ui.head("4. Enrolment, credentials, anchoring");
        let chain = self.desk.chain();
        for case in &self.cases.cases {
            let wallet = PatientWallet::random(&mut self.rng);
            self.patients.push(Patient { reference: case.patient.clone(), wallet });
        }
        let subjects = self.patients.iter().map(|p| p.wallet.subject().commitment()).collect();
        let tx = self.organisations[0].sign(chain, Action::Enrol(subjects), &mut self.rng);
        self.desk.submit(&tx).context("enrolment")?;

        let licence = town::licence(self.desk.now);
        for (name, role, at) in [
            ("Dr Saima", town::PHYSICIAN, 0),
            ("Dr Bilal", town::PHYSICIAN, 0),
            ("Nurse Hina", town::NURSE, 0),
            ("Dr Omar", town::PHYSICIAN, 1),
            ("Dr Zara", town::PHYSICIAN, 1),
        ] {
            let organisation = &self.organisations[at];
            let holder = town::clinician(name, &role, organisation, licence, &mut self.rng);
            let tx = organisation.sign(chain, town::issue(&holder), &mut self.rng);
            self.desk.submit(&tx).with_context(|| format!("credential of {name}"))?;
            self.holders.push(holder);
        }

        let mut drafts = Vec::new();
        for (case, patient) in self.cases.cases.iter().zip(&self.patients) {
            let subject = patient.wallet.subject();
            for (label, fields) in &case.records {
                let pointer = format!("vault/{}", drafts.len());
                let record = Record::commit(fields, &subject, &pointer, &mut self.rng);
                drafts.push((patient.reference.clone(), label.clone(), record));
            }
        }
        let custodian = &self.organisations[0];
        for batch in drafts.chunks(MAX_BATCH) {
            let records = batch.iter().map(|(_, _, record)| record.root()).collect();
            let action = Action::Anchor { records, superseded: Vec::new() };
            let receipt =
                self.desk.submit(&custodian.sign(chain, action, &mut self.rng)).context("anchoring")?;
            for (patient, label, record) in batch {
                self.vault.push(VaultRecord {
                    number: u32::try_from(self.vault.len()).unwrap_or(u32::MAX),
                    patient: patient.clone(),
                    label: label.clone(),
                    custodian: custodian.reference.clone(),
                    record: record.clone(),
                    anchoring: Anchoring::Anchored(receipt.epoch),
                    supersession: Supersession::Latest,
                });
            }
        }
        let epoch = self.desk.next_epoch()?;
        self.ui.say(format!(
            "{} enrolled, {} credentialed, {} anchored by {}; epoch {epoch} sealed",
            ui::count(self.patients.len(), "patient"),
            ui::count(self.holders.len(), "clinician"),
            ui::count(self.vault.len(), "record"),
            custodian.name,
        ));
        Ok(())
    }

    fn grant(&mut self) -> Result<()> {
        self.ui.head("5. Consents: compiled from FHIR, granted by proof");
        let hospital = self.organisations[0].reference.clone();
        let practitioners = crate::actors::directory(&self.holders);
        let mirror = self.desk.mirror()?;
        // The consents of the data that permit treatment here come first; other patients sign one of ours.
        let (mut compiled, mut refused) = (0, 0);
        let mut choices: Vec<(usize, Option<(String, ConsentTerms)>)> = Vec::new();
        for (i, case) in self.cases.cases.iter().enumerate() {
            let mut usable = None;
            for source in &case.consents {
                match consent::compile(source, &practitioners, Zones::ANY) {
                    Ok(terms) => {
                        compiled += 1;
                        if policies::permits_treatment(&terms, &self.holders[0], self.desk.now) {
                            // The survey said whose it is.
                            usable = Some((source.clone(), terms.terms_for(|_| true)?));
                        }
                    }
                    Err(_) => refused += 1,
                }
            }
            choices.push((i, usable));
        }
        choices.sort_by_key(|(_, usable)| usable.is_none());
        // Two of the data at most; then one of ours, which names this hospital alone, and one for a single use.
        let from_data = choices.iter().filter(|(_, usable)| usable.is_some()).count().min(2);
        let mut chosen: Vec<_> = choices.drain(..from_data).collect();
        chosen.extend(choices.into_iter().rev().take(4 - from_data).map(|(i, _)| (i, None)));
        let granted = chosen.len();
        let mut own = 0;
        for (n, (i, usable)) in chosen.into_iter().enumerate() {
            let patient = &self.patients[i];
            let (source, terms) = match usable {
                Some(found) => found,
                None => {
                    own += 1;
                    let source = consent::template(&patient.reference, &hospital, "TREAT", "2099-12-31");
                    let compiled = consent::compile(&source, &practitioners, Zones::ANY)?;
                    let named = |who: &SubjectReference| who.literal.as_ref() == Some(&patient.reference);
                    (source, compiled.terms_for(named)?)
                }
            };
            // The last one may be used once only.
            let limit =
                if n + 1 == granted { UseLimit::at_most(NonZeroU32::MIN) } else { UseLimit::UNLIMITED };
            let subject = patient.wallet.subject().commitment();
            let consent = GrantedConsent::new(terms, subject, limit, &mut self.rng);
            let target = self.target(Statement::Grant, "wallet")?;
            let wallet = crate::wallets::copy(&patient.wallet);
            let plan = GrantPlan::grant(&target, &mirror, wallet, consent.clone(), &mut self.rng)?;
            let number = u32::try_from(n).unwrap_or(u32::MAX);
            let reference = patient.reference.clone();
            self.prove_and_submit(plan)?;
            self.consents.push(HeldConsent {
                number,
                patient: reference,
                source,
                consent,
                used: 0,
                revoked: false,
            });
        }
        let epoch = self.desk.next_epoch()?;
        self.ui.say(format!(
            "{} of the data compiled to flat rules, {refused} refused (what cannot be represented is never \
             widened)\n{granted} granted by proof: {} of the data that permit treatment at {hospital}, {own} of our template; \
             epoch {epoch} sealed",
            ui::count(compiled, "consent"),
            granted - own
        ));
        Ok(())
    }

    fn access(&mut self) -> Result<()> {
        self.ui.head("6. A clinician's access, without saying whose record");
        for i in 0..self.consents.len() {
            let plan = self.plan_access(0, i, None)?;
            self.prove_and_submit(plan)?;
            self.consents[i].used += 1;
            let last = self.proved.last().context("just proved")?;
            self.ui.say(format!(
                "  access {}: proved in {}, verified and committed in block {} in {}",
                i + 1,
                ui::seconds(last.proving),
                last.height,
                ui::seconds(last.commit),
            ));
        }
        Ok(())
    }

    /// S1, S2 and S3 by themselves.
    fn facts(&mut self) -> Result<()> {
        self.ui.head("7. The parts by themselves: S1 consent, S2 role, S3 record");
        let mirror = self.desk.mirror()?;

        let request = policies::consent_request(&self.holders[0], &mut self.rng);
        let target = self.target(Statement::Consent, "resource server")?;
        let input = self.consent_input(0)?;
        let plan = ConsentPlan::consent(&target, &mirror, input, request, &mut self.rng)?;
        self.prove_and_submit(plan)?;
        self.ui
            .say("  S1: a consent permits treatment access by this physician; whose consent, nobody learns");

        let policy = policies::physicians(&self.organisations[..2])?;
        let target = self.target(Statement::Role, "pharmacy")?;
        let holder = &self.holders[3];
        let secret = crate::wallets::copy_holder(&holder.secret);
        let credential = holder.credential.clone();
        let plan = RolePlan::role(&target, &mirror, secret, credential, policy, &mut self.rng)?;
        self.prove_and_submit(plan)?;
        self.ui.say("  S2: a physician of one of the hospitals, licence valid; which one, nobody learns");

        let chosen = self.measured_record().context("no record in the vault")?.clone();
        let (request, words) = policies::record_request(&chosen, mirror.bundle().epoch, &mut self.rng);
        let input = self.record_input(&chosen)?;
        let openings = Openings::of(&chosen.record, request.disclosed);
        let mut target = self.target(Statement::Record, "insurer")?;
        let mut nonce = [0; 32];
        self.rng.fill_bytes(&mut nonce);
        target.nonce = Some(nonce);
        let asked = Asked {
            chain: target.chain,
            audience: target.audience,
            nonce,
            oldest_epoch: mirror.bundle().epoch,
            policy: request.clone(),
        };
        let plan = RecordPlan::record(&target, &mirror, input, request, &mut self.rng)?;
        let receipt = self.prove_and_submit(plan)?;
        self.insurer_checks(&asked, &receipt, &openings)?;
        self.ui.say(format!("  S3: {words}"));
        Ok(())
    }

    /// The audience of S3: the proof under a key it accepts, and that it answers its own request.
    fn insurer_checks(
        &self,
        asked: &Asked<RecordRequest>,
        receipt: &Receipt,
        openings: &Openings,
    ) -> Result<()> {
        let Some(Transaction::Proof(tx)) = self.proved.last().map(|p| &p.tx) else { bail!("just proved") };
        let key = self.keys.get(Statement::Record).context("no key for `record`")?;
        let mut accepted = AcceptedKeys::new();
        accepted.accept(key.proving_key().verifying_key());
        let committed = CommittedTx::believed(asked.chain, receipt);
        let _disclosed =
            verify_proof(&accepted, (**tx).clone())?.disclosure(asked, &committed.into(), openings)?;
        Ok(())
    }

    /// An observation with a value, or any record.
    fn measured_record(&self) -> Option<&VaultRecord> {
        let has_value = |r: &&VaultRecord| r.record.open(Leaf::Value).values[1] == 1u64.into();
        self.vault.iter().find(has_value).or_else(|| self.vault.first())
    }

    /// An access by holder `who` under consent `which`, to that patient's first record.
    pub(crate) fn plan_access(&mut self, who: usize, which: usize, used: Option<u64>) -> Result<AccessPlan> {
        let mirror = self.desk.mirror()?;
        let mut consent = self.consent_input(which)?;
        if let Some(used) = used {
            consent.used = used;
        }
        let patient = &self.consents[which].patient;
        let record = self
            .vault
            .iter()
            .find(|r| r.patient == *patient && policies::is_ordinary(&r.record))
            .with_context(|| format!("the vault holds no record of consent {which}'s patient"))?;
        let record = self.record_input(record)?;
        let holder = &self.holders[who];
        let policy = policies::treatment(&record.record, &self.organisations[..2])?;
        let input = AccessInput {
            consent,
            holder: crate::wallets::copy_holder(&holder.secret),
            credential: holder.credential.clone(),
            record,
        };
        let target = self.target(Statement::Access, "hospital A's record server")?;
        Ok(AccessPlan::access(&target, &mirror, input, policy, &mut self.rng)?)
    }

    pub(crate) fn consent_input(&self, which: usize) -> Result<ConsentInput> {
        let held = self.consents.get(which).context("no such consent")?;
        let patient = self.patient(&held.patient)?;
        Ok(ConsentInput { subject: patient.wallet.subject(), consent: held.consent.clone(), used: held.used })
    }

    fn record_input(&self, record: &VaultRecord) -> Result<RecordInput> {
        let patient = self.patient(&record.patient)?;
        let Anchoring::Anchored(anchored) = record.anchoring else { bail!("the record is not anchored") };
        Ok(RecordInput {
            subject: patient.wallet.subject(),
            record: record.record.clone(),
            custodian: amanat_domain::consent::OrgId::from_reference(&record.custodian),
            anchored,
        })
    }

    fn patient(&self, reference: &str) -> Result<&Patient> {
        self.patients.iter().find(|p| p.reference == reference).context("no wallet for this patient")
    }

    pub(crate) fn target(&self, statement: Statement, audience: &str) -> Result<Target> {
        let key = self.keys.get(statement).with_context(|| format!("no key for `{statement}`"))?;
        Ok(Target {
            chain: self.desk.chain(),
            key: key.digest(),
            audience: policies::audience(audience),
            nonce: None,
        })
    }

    /// Proves a plan and commits the transaction.
    pub(crate) fn prove_and_submit<R: amanat_circuits::Relation>(
        &mut self,
        plan: amanat_prover::plan::Plan<R>,
    ) -> Result<Receipt> {
        let began = Instant::now();
        let tx = plan.prove(self.keys, &no_progress)?;
        let proving = began.elapsed();
        let began = Instant::now();
        let receipt = self.desk.submit(&tx)?;
        let commit = began.elapsed();
        debug_assert!(!matches!(receipt.effect, Effect::Retired { .. }));
        self.proved.push(Proved { what: R::STATEMENT, tx, height: receipt.height, proving, commit });
        Ok(receipt)
    }
}
