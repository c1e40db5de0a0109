//! From an intent to a plan: every file of the home directory is read once.

use super::request::{
    AccessRequest, ConsentProofRequest, ProofRequest, RecordChoice, RecordProofRequest, RoleProofRequest,
};
use super::{ProofError, Proved};
use crate::client::Client;
use crate::consent::HeldConsent;
use crate::holder::Holder;
use crate::vault::{Anchoring, Supersession, VaultRecord};
use crate::wallet::Wallet;
use amanat_domain::consent::OrgId;
use amanat_domain::mirror::Mirror;
use amanat_domain::policy::{AccessPolicy, MalformedPolicy, RolePolicy};
use amanat_prover::plan::{
    AccessInput, AccessPlan, ConsentInput, ConsentPlan, RecordInput, RecordPlan, RolePlan, Target,
};
use amanat_verifier::audience::Openings;

/// The parties of the home directory, the ledger's registries, and where the proof goes.
pub(super) struct Resolver<'c> {
    client: &'c Client,
    target: Target,
    mirror: &'c Mirror,
    wallets: Vec<Wallet>,
    holders: Vec<Holder>,
    consents: Vec<HeldConsent>,
}

impl<'c> Resolver<'c> {
    pub(super) fn new(client: &'c Client, target: Target, mirror: &'c Mirror) -> Result<Self, ProofError> {
        let (wallets, holders) = (client.wallets()?, client.holders()?);
        let consents = HeldConsent::load_with(client.home(), &wallets, &holders)?;
        Ok(Self { client, target, mirror, wallets, holders, consents })
    }

    pub(super) fn prove(mut self, request: &ProofRequest) -> Result<Proved, ProofError> {
        match request {
            ProofRequest::Access(request) => self.access(request),
            ProofRequest::Consent(request) => self.consent(request),
            ProofRequest::Role(request) => self.role(request),
            ProofRequest::Record(request) => self.record(request),
        }
    }

    fn access(&mut self, request: &AccessRequest) -> Result<Proved, ProofError> {
        let consent = self.consent_input(request.consent)?;
        let choice = request.record.map_or(RecordChoice::OfConsent(request.consent), RecordChoice::Number);
        let record = self.find_record(choice)?;
        let holder = self.holder(&request.holder)?;
        let scope = request.scope.of_record(Some(record.record.labels()));
        let policy = AccessPolicy { scope, roles: self.role_policy(&holder, request.policy.as_ref())? };
        let input = AccessInput {
            consent,
            holder: holder.handed_on(),
            credential: holder.credential.clone(),
            record: self.record_input(&record)?,
        };
        let plan = AccessPlan::access(&self.target, self.mirror, input, policy, &mut rand::rng())?;
        self.client.carry_out(plan, Some(request.consent))
    }

    fn consent(&mut self, request: &ConsentProofRequest) -> Result<Proved, ProofError> {
        let input = self.consent_input(request.consent)?;
        let asked = request.asked.clone();
        let plan = ConsentPlan::consent(&self.target, self.mirror, input, asked, &mut rand::rng())?;
        self.client.carry_out(plan, Some(request.consent))
    }

    fn role(&mut self, request: &RoleProofRequest) -> Result<Proved, ProofError> {
        let holder = self.holder(&request.holder)?;
        let policy = self.role_policy(&holder, request.policy.as_ref())?;
        let (secret, credential) = (holder.handed_on(), holder.credential);
        let plan = RolePlan::role(&self.target, self.mirror, secret, credential, policy, &mut rand::rng())?;
        self.client.carry_out(plan, None)
    }

    fn record(&mut self, request: &RecordProofRequest) -> Result<Proved, ProofError> {
        let record = self.find_record(request.record)?;
        let input = self.record_input(&record)?;
        let asked = request.asked.clone();
        let openings = Openings::of(&record.record, asked.disclosed);
        let plan = RecordPlan::record(&self.target, self.mirror, input, asked, &mut rand::rng())?;
        let proved = self.client.carry_out(plan, None)?;
        Ok(Proved { openings: Some(openings), ..proved })
    }

    fn holder(&mut self, name: &str) -> Result<Holder, ProofError> {
        Ok(Holder::find(core::mem::take(&mut self.holders), name)?)
    }

    /// The policy given, or the holder's role at every organisation of the home directory.
    fn role_policy(&self, holder: &Holder, given: Option<&RolePolicy>) -> Result<RolePolicy, ProofError> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        let organisations = self.client.organisations()?.iter().map(|o| o.id()).collect();
        let policy: Result<_, MalformedPolicy> = RolePolicy::new(vec![holder.credential.role], organisations);
        Ok(policy?)
    }

    fn wallet(&self, patient: &str) -> Result<&Wallet, ProofError> {
        let wallet = self.wallets.iter().find(|w| w.patient == patient);
        wallet.ok_or_else(|| ProofError::NoWallet(patient.to_owned()))
    }

    /// The consent, after a use that an earlier process left open is settled.
    fn consent_input(&mut self, number: u32) -> Result<ConsentInput, ProofError> {
        self.client.settle_use(&mut self.consents, number)?;
        let held = self.held(number)?;
        let subject = self.wallet(&held.patient)?.secrets().subject();
        Ok(ConsentInput { subject, consent: held.consent.clone(), used: held.used })
    }

    fn held(&self, number: u32) -> Result<&HeldConsent, ProofError> {
        held(&self.consents, number)
    }

    fn find_record(&self, choice: RecordChoice) -> Result<VaultRecord, ProofError> {
        find_record(self.client, &self.consents, choice)
    }

    fn record_input(&self, record: &VaultRecord) -> Result<RecordInput, ProofError> {
        let Anchoring::Anchored(anchored) = record.anchoring else {
            return Err(ProofError::Unacknowledged(record.number));
        };
        Ok(RecordInput {
            subject: self.wallet(&record.patient)?.secrets().subject(),
            record: record.record.clone(),
            custodian: OrgId::from_reference(&record.custodian),
            anchored,
        })
    }
}

fn held(consents: &[HeldConsent], number: u32) -> Result<&HeldConsent, ProofError> {
    consents.iter().find(|c| c.number == number).ok_or(ProofError::NoConsent(number))
}

/// The record that was chosen, which must be the latest of its resource.
pub(super) fn find_record(
    client: &Client,
    consents: &[HeldConsent],
    choice: RecordChoice,
) -> Result<VaultRecord, ProofError> {
    let vault = client.vault()?;
    let found = match choice {
        RecordChoice::Number(number) => vault.record(number)?,
        RecordChoice::OfConsent(number) => {
            let patient = &held(consents, number)?.patient;
            let mut first = None;
            vault.each_record(|record| {
                let is_it = record.patient == *patient && record.supersession == Supersession::Latest;
                first = is_it.then_some(record);
                first.is_none()
            })?;
            first
        }
    };
    let record = found.ok_or(ProofError::NoRecord)?;
    match record.supersession {
        Supersession::Latest => Ok(record),
        Supersession::By(by) => Err(ProofError::Superseded { number: record.number, by }),
        Supersession::Retracted => Err(ProofError::Retracted(record.number)),
    }
}
