//! The test vectors installed with a verifying key: over a tiny world of their own, whose secrets are thrown away.

use crate::policies::{CLINICAL, TREATMENT};
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{
    ConsentTerms, Effect, GrantedConsent, Grantee, Level, OrgId, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::Fr;
use amanat_domain::governance::Change;
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential};
use amanat_domain::mirror::{Leaves, Mirror};
use amanat_domain::policy::{AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy};
use amanat_domain::record::{Record, RecordFields, ResourceType, anchor_leaf};
use amanat_domain::secret::Secret;
use amanat_domain::statement::Statement;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tx::{ChainId, KeyVector, Transaction};
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::{Keys, StatementKey};
use amanat_prover::plan::{
    AccessInput, AccessPlan, ConsentInput, ConsentPlan, GrantPlan, RecordInput, RecordPlan, RevokePlan,
    RolePlan, Target,
};
use anyhow::{Context, Result, bail};
use rand::CryptoRng;

/// A world of one patient, one clinician, one consent, one record.
pub(crate) struct Sample {
    mirror: Mirror,
    wallet: PatientWallet,
    consent: GrantedConsent,
    holder: HolderSecret,
    credential: RoleCredential,
    record: RecordInput,
}

impl Sample {
    /// Makes one.
    pub(crate) fn new(rng: &mut impl CryptoRng) -> Result<Self> {
        let organisation = OrgId::from_reference("Organization/sample");
        let role = RoleCode::from_coding("sample", "sample");
        let wallet = PatientWallet::random(rng);
        let subject = wallet.subject();
        let rule = Rule {
            effect: Effect::Permit,
            level: Level::Root,
            grantee: Grantee::Any,
            purposes: TREATMENT.purposes,
            actions: TREATMENT.actions,
            categories: CLINICAL,
            jurisdictions: TREATMENT.jurisdictions,
            confidentiality: TREATMENT.confidentiality,
            validity: Period::ALWAYS,
            data_period: Period::ALWAYS,
        };
        let terms = ConsentTerms::new(vec![rule], Effect::Deny, String::new())?;
        let consent = GrantedConsent::new(terms, subject.commitment(), UseLimit::UNLIMITED, rng);
        let holder = HolderSecret::random(rng);
        let credential = RoleCredential {
            holder: holder.key(),
            role,
            organisation,
            licence: Period::ALWAYS,
            salt: Secret::random(rng),
        };
        let fields = RecordFields {
            resource_type: ResourceType::Observation,
            code: None,
            categories: amanat_domain::consent::Categories::LABS,
            confidentiality: TREATMENT.confidentiality,
            time: Period::ALWAYS,
            value: None,
            unit: None,
            amount: None,
            provider: None,
            organisation: None,
            link: None,
            status: None,
            body_digest: [0; 64],
            device: None,
            provenance: None,
        };
        let record = Record::commit(&fields, &subject, "sample", rng);
        let record = RecordInput { subject, record, custodian: organisation, anchored: 0 };
        let anchor = anchor_leaf(record.record.root(), organisation, 0).to_field();
        let leaves = Leaves::empty()
            .with(Registry::Subjects, wallet.subject().commitment().to_field())
            .with(Registry::Roles, credential.leaf().to_field())
            .with(Registry::Consents, consent.leaf().to_field())
            .with(Registry::Records, anchor);
        let time = Timestamp::from_civil(2026, 1, 1, 0).context("a date")?;
        let mirror = Mirror::new(leaves.bundle(0, time)?, leaves)?;
        Ok(Self { mirror, wallet, consent, holder, credential, record })
    }

    /// A transaction of this statement over the sample world.
    pub(crate) fn prove(
        &self,
        statement: Statement,
        keys: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Result<Transaction> {
        let key = keys.get(statement).with_context(|| format!("no key for `{statement}`"))?.digest();
        let target = Target { chain: ChainId([0; 32]), key, audience: [0; 32], nonce: None };
        let mirror = &self.mirror;
        let wallet = || crate::wallets::copy(&self.wallet);
        let holder = || crate::wallets::copy_holder(&self.holder);
        let consent =
            || ConsentInput { subject: self.wallet.subject(), consent: self.consent.clone(), used: 0 };
        let RoleCredential { role, organisation, holder: holder_key, .. } = self.credential;
        let policy = RolePolicy::new(vec![role], vec![organisation])?;
        Ok(match statement {
            Statement::Grant => GrantPlan::grant(&target, mirror, wallet(), self.consent.clone(), rng)?
                .prove(keys, &no_progress)?,
            Statement::Revoke => RevokePlan::revoke(&target, mirror, wallet(), self.consent.clone(), rng)?
                .prove(keys, &no_progress)?,
            Statement::Consent => {
                let recipient = Recipient { organisation, role, holder: holder_key };
                let salt = amanat_domain::field::random(rng);
                let request =
                    ConsentRequest { scope: TREATMENT, data_period: Period::ALWAYS, recipient, salt };
                ConsentPlan::consent(&target, mirror, consent(), request, rng)?.prove(keys, &no_progress)?
            }
            Statement::Role => {
                RolePlan::role(&target, mirror, holder(), self.credential.clone(), policy, rng)?
                    .prove(keys, &no_progress)?
            }
            Statement::Record => {
                let request = RecordRequest {
                    resource_type: Some(ResourceType::Observation as u64),
                    code: None,
                    unit: None,
                    status: None,
                    value: None,
                    period: Period::ALWAYS,
                    custodian: None,
                    anchored_by: 0,
                    latest: true,
                    disclosed: 1,
                    salt: amanat_domain::field::random(rng),
                };
                RecordPlan::record(&target, mirror, self.record.clone(), request, rng)?
                    .prove(keys, &no_progress)?
            }
            Statement::Access => {
                let policy = AccessPolicy { scope: TREATMENT, roles: policy };
                let input = AccessInput {
                    consent: consent(),
                    holder: holder(),
                    credential: self.credential.clone(),
                    record: self.record.clone(),
                };
                AccessPlan::access(&target, mirror, input, policy, rng)?.prove(keys, &no_progress)?
            }
        })
    }
}

/// Installs a key: with a proof that must verify, and the same for another context, which must not.
pub(crate) fn install(
    sample: &Sample,
    statement: Statement,
    key: &StatementKey,
    keys: &Keys,
    activate_at: u64,
    rng: &mut impl CryptoRng,
) -> Result<Change> {
    let Transaction::Proof(tx) = sample.prove(statement, keys, rng)? else { bail!("a proof transaction") };
    let public = tx.public_vector().to_field_elements();
    let mut other = public;
    other[0] += Fr::from(1u64);
    Ok(Change::InstallKey {
        key: key.proving_key().verifying_key().to_bytes(),
        activate_at,
        positive: Box::new(KeyVector { public, proof: tx.proof }),
        negative: Box::new(KeyVector { public: other, proof: tx.proof }),
    })
}
