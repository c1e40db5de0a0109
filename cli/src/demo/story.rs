//! The story: enrolment, credentials, anchoring, accesses, and the parts by themselves.

use super::insurer::{Claim, Insurer};
use crate::args::DemoArgs;
use crate::ui::{self, Bars, Ui};
use amanat_client::devnet::{self, DevLedger};
use amanat_client::import::{Anchored, Files, ImportReport, ReadOptions, Sample};
use amanat_client::prove::{Receipt, RecordChoice};
use amanat_client::role::{NURSE, PHYSICIAN};
use amanat_client::vault::{Supersession, VaultRecord};
use amanat_client::{
    AccessRequest, Client, ConsentProofRequest, Holder, Home, ImportRequest, Organisation,
    RecordProofRequest, Role, RoleProofRequest, machine_clock,
};
use amanat_domain::field;
use amanat_domain::policy::{ConsentRequest, RolePolicy};
use amanat_domain::preset::TREATMENT;
use amanat_domain::record::{Leaf, Micro};
use amanat_domain::statement::Statement;
use amanat_domain::time::Period;
use amanat_domain::tx::Transaction;
use amanat_params::KeyStore;
use amanat_prover::keys::Keys;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds of an epoch in the demo.
const EPOCH_SECONDS: u32 = 600;
/// The clinician of most accesses.
pub(super) const CLINICIAN: &str = "Dr Saima";
/// A clinician of the other hospital.
pub(super) const ELSEWHERE: &str = "Dr Omar";

/// The clinicians: name, role, number of the organisation.
const CLINICIANS: [(&str, Role, usize); 5] = [
    (CLINICIAN, PHYSICIAN, 0),
    ("Dr Bilal", PHYSICIAN, 0),
    ("Nurse Hina", NURSE, 0),
    (ELSEWHERE, PHYSICIAN, 1),
    ("Dr Zara", PHYSICIAN, 1),
];

/// A proof that was made and committed.
pub(crate) struct Proved {
    pub what: Statement,
    pub tx: Transaction,
    pub height: u64,
    pub proving: Duration,
    pub commit: Duration,
}

/// All parties, on one machine.
pub(crate) struct Story {
    pub ui: Ui,
    pub client: Client,
    pub ledger: DevLedger,
    pub organisations: Vec<Organisation>,
    /// Where verifying keys are.
    store: KeyStore,
    /// The folder of FHIR files.
    pub data: PathBuf,
    /// Numbers of the consents that were granted.
    pub consents: Vec<u32>,
    pub proved: Vec<Proved>,
}

impl Story {
    /// Makes the ledger and installs the keys.
    pub(crate) fn begin(
        home: &Home,
        data: PathBuf,
        hospitals: [String; 2],
        (store, keys): (KeyStore, Keys),
        ui: Ui,
    ) -> Result<Self> {
        ui.head("3. A permissioned ledger");
        let [a, b] = &hospitals;
        let organisations = devnet::organisations([a, b], &mut rand::rng());
        let genesis = devnet::genesis("amanat-demo", machine_clock(), EPOCH_SECONDS, &organisations)?;
        home.initialise(&organisations, &genesis)?;
        let ledger = DevLedger::open(&home.ledger_path(), genesis)?;
        let client = Client::over(home.clone(), Arc::new(ledger.access()), ledger.clock())?;
        let mut client = client.with_keys(keys).with_progress(Bars::new(ui));
        ui.say(format!("chain {}", client.chain()));
        for o in &organisations {
            ui.say(format!("  member: {} ({})", o.name, o.reference));
        }
        let began = Instant::now();
        client.install_keys(true)?;
        ui.say(format!(
            "{} installed by the regulator, each linted, each with a proof that must verify and one that must not ({})",
            ui::count(Statement::ALL.len(), "verifying key"),
            ui::seconds(began.elapsed())
        ));
        let (consents, proved) = (Vec::new(), Vec::new());
        Ok(Self { ui, client, ledger, organisations, store, data, consents, proved })
    }

    /// The main job.
    pub(crate) fn tell(&mut self, files: Files, args: &DemoArgs) -> Result<()> {
        self.enrol(files, args)?;
        self.grant()?;
        self.access()?;
        self.facts()
    }

    fn enrol(&mut self, files: Files, args: &DemoArgs) -> Result<()> {
        self.ui.head("4. Enrolment, credentials, anchoring");
        let imported = self.client.import(ImportRequest {
            files,
            reading: ReadOptions::default(),
            custodian: None,
            report: ImportReport::default(),
            sample: Some(Sample { patients: args.patients, records: args.records as u64 }),
        })?;
        let licence = devnet::licence(self.client.now());
        let new = CLINICIANS.map(|(name, role, at)| {
            Holder::new(name, &role, &self.organisations[at], licence, &mut rand::rng())
        });
        let holders = self.client.issue_all(new.into())?;
        let epoch = self.ledger.next_epoch()?;
        let Anchored { enrolled, anchored, left_out, .. } = imported.anchored;
        self.ui.say(format!(
            "{} enrolled, {} credentialed, {} anchored by {}; epoch {epoch} sealed",
            ui::count(enrolled, "patient"),
            ui::count(holders.len(), "clinician"),
            ui::count(anchored, "record"),
            imported.custodian,
        ));
        if left_out > 0 {
            self.ui.say(format!(
                "{} beyond the demo's bounds left out: --records N takes N of each patient",
                ui::count(left_out, "record")
            ));
        }
        Ok(())
    }

    fn access(&mut self) -> Result<()> {
        self.ui.head("6. A clinician's access, without saying whose record");
        for (n, number) in (1..).zip(self.consents.clone()) {
            let request = self.access_request(CLINICIAN, number)?;
            let receipt = self.client.access(&request)?;
            self.note(Statement::Access, &receipt);
            self.ui.say(format!(
                "  access {n}: proved in {}, verified and committed in block {} in {}",
                ui::seconds(receipt.proving),
                receipt.height(),
                ui::seconds(receipt.committing),
            ));
        }
        Ok(())
    }

    /// S1, S2 and S3 by themselves.
    fn facts(&mut self) -> Result<()> {
        self.ui.head("7. The parts by themselves: S1 consent, S2 role, S3 record");
        let consent = *self.consents.first().context("no consent")?;
        // What the resource server asks about the physician at its counter, with a salt that it
        // draws.
        let recipient = Holder::find(self.client.holders()?, CLINICIAN)?.recipient();
        let salt = field::random(&mut rand::rng());
        let asked = ConsentRequest { scope: TREATMENT, data_period: Period::ALWAYS, recipient, salt };
        let audience = "resource server".into();
        let receipt = self.client.prove_consent(&ConsentProofRequest { consent, asked, audience })?;
        self.note(Statement::Consent, &receipt);
        self.ui
            .say("  S1: a consent permits treatment access by this physician; whose consent, nobody learns");

        let receipt = self.client.prove_role(&RoleProofRequest {
            holder: ELSEWHERE.to_owned(),
            policy: Some(self.policy(vec![PHYSICIAN])?),
            audience: "pharmacy".into(),
        })?;
        self.note(Statement::Role, &receipt);
        self.ui.say("  S2: a physician of one of the hospitals, licence valid; which one, nobody learns");
        self.record()
    }

    /// S3 to the insurer, which asks first and checks the answer by its own request.
    fn record(&mut self) -> Result<()> {
        let records = self.records()?;
        let measured = records.iter().find(|r| r.record.value().is_some()).or(records.first());
        let chosen = measured.context("no record in the vault")?;
        let at_least = chosen.record.value().map(|value| Micro(value.0.max(0) / 2));
        let word = |leaf| chosen.record.open(leaf).values[0];
        // The claim names a code, a unit and a least value; the record the patient's side chooses.
        let claim = Claim { code: word(Leaf::Code), unit: word(Leaf::Unit), at_least };
        let insurer = Insurer::asks(self.ledger.access(), &claim)?;
        let receipt = self.client.prove_record(&RecordProofRequest {
            record: RecordChoice::Number(chosen.number),
            asked: insurer.request().clone(),
            audience: insurer.audience(),
        })?;
        self.note(Statement::Record, &receipt);
        let openings = receipt.openings.as_ref().context("a record proof opens leaves")?;
        let unit = insurer.checks(&self.store, &receipt.transaction.to_bytes(), &openings.to_bytes())?;
        if unit != claim.unit {
            bail!("the insurer read another unit than the claim's");
        }
        let words = match at_least {
            Some(least) => format!(
                "an anchored, current record has the code asked about and a value of at least {} in its unit; unit and status \
                 are disclosed, the value is not",
                least.0 as f64 / 1e6
            ),
            None => "an anchored, current record has the code asked about".to_owned(),
        };
        self.ui.say(format!("  S3: {words}"));
        Ok(())
    }

    /// Every record of the vault.
    pub(crate) fn records(&self) -> Result<Vec<VaultRecord>> {
        let mut all = Vec::new();
        self.client.vault()?.each_record(|record| {
            all.push(record);
            true
        })?;
        Ok(all)
    }

    /// Clinicians of these roles at the two hospitals.
    fn policy(&self, roles: Vec<Role>) -> Result<RolePolicy> {
        let roles = roles.iter().map(Role::code).collect();
        Ok(RolePolicy::new(roles, self.organisations[..2].iter().map(Organisation::id).collect())?)
    }

    /// An access of a clinician under a consent, to the patient's first record of ordinary
    /// sensitivity.
    pub(crate) fn access_request(&self, holder: &str, consent: u32) -> Result<AccessRequest> {
        let consents = self.client.consents()?;
        let held = consents.iter().find(|c| c.number == consent).context("no such consent")?;
        let is_it = |r: &VaultRecord| {
            r.patient == held.patient
                && r.supersession == Supersession::Latest
                && r.record.labels().is_ordinary()
        };
        let record = self.records()?.into_iter().find(is_it);
        let record = record.with_context(|| format!("no ordinary record of consent {consent}'s patient"))?;
        Ok(AccessRequest {
            record: Some(record.number),
            policy: Some(self.policy(vec![PHYSICIAN, NURSE])?),
            audience: "hospital A's record server".into(),
            ..AccessRequest::new(holder, consent)
        })
    }

    /// Keeps what was committed, for the figures.
    pub(crate) fn note(&mut self, what: Statement, receipt: &Receipt) {
        self.proved.push(Proved {
            what,
            tx: receipt.transaction.clone(),
            height: receipt.height(),
            proving: receipt.proving,
            commit: receipt.committing,
        });
    }
}
