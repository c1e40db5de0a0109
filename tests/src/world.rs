//! One patient, one clinician, one consent and one record, and plans about them: whoever needs a proof of a real statement takes it
//! from here.

use amanat_domain::bundle::Registry;
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, GrantedConsent, Grantee, Jurisdictions,
    Level, OrgId, Purposes, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::random;
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential};
use amanat_domain::mirror::{Leaves, Mirror};
use amanat_domain::policy::{AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy, Scope};
use amanat_domain::record::{Record, RecordFields, ResourceType, anchor_leaf};
use amanat_domain::secret::Secret;
use amanat_domain::statement::Statement;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tx::{ChainId, KeyDigest};
use amanat_prover::keys::AnyPlan;
use amanat_prover::plan::{
    AccessInput, AccessPlan, ConsentInput, ConsentPlan, GrantPlan, RecordInput, RecordPlan, RevokePlan,
    RolePlan, Target,
};
use core::error::Error;
use rand_chacha::ChaCha20Rng;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One patient, one clinician, one consent, one record; the registries that hold them.
pub struct World {
    mirror: Mirror,
    wallet_secrets: [Secret; 2],
    consent: GrantedConsent,
    holder: Secret,
    credential: RoleCredential,
    record: RecordInput,
    scope: Scope,
}

impl World {
    /// Draws its secrets.
    ///
    /// # Errors
    /// None, unless the domain's rules have changed and this world with them has not.
    pub fn new(rng: &mut ChaCha20Rng) -> Outcome<Self> {
        let now = Timestamp::from_civil(2026, 3, 1, 0).ok_or("a date")?;
        let hospital = OrgId::from_reference("Organization/hospital");
        let role = RoleCode::from_coding("http://snomed.info/sct", "309343006");
        let wallet_secrets = [Secret::random(rng), Secret::random(rng)];
        let subject = wallet(&wallet_secrets).subject();
        let holder = Secret::random(rng);
        let scope = Scope {
            purposes: Purposes::TREAT,
            actions: Actions::ACCESS,
            categories: Categories::LABS,
            jurisdictions: Jurisdictions::PK_PUNJAB,
            confidentiality: Confidentiality::Normal,
        };
        let permit = Rule {
            effect: Effect::Permit,
            level: Level::Root,
            grantee: Grantee::Role(role),
            purposes: Purposes::TREAT.union(Purposes::ETREAT),
            actions: Actions::ALL,
            categories: Categories::LABS.union(Categories::VITALS),
            jurisdictions: Jurisdictions::ALL,
            confidentiality: Confidentiality::Normal,
            validity: Period::ALWAYS,
            data_period: Period::ALWAYS,
        };
        let terms = ConsentTerms::new(vec![permit], Effect::Deny, "https://example.org/policy".to_owned())?;
        let limit = UseLimit::at_most(core::num::NonZeroU32::MIN.saturating_add(4));
        let consent = GrantedConsent::new(terms, subject.commitment(), limit, rng);
        let credential = RoleCredential {
            holder: HolderSecret::from_secret(holder.clone()).key(),
            role,
            organisation: hospital,
            licence: Period::ALWAYS,
            salt: Secret::random(rng),
        };
        let record = Record::commit(&fields(now), &subject, "vault/1", rng);
        let record = RecordInput { subject, record, custodian: hospital, anchored: 3 };

        let anchor = anchor_leaf(record.record.root(), hospital, record.anchored).to_field();
        let own = [
            (Registry::Subjects, record.subject.commitment().to_field()),
            (Registry::Roles, credential.leaf().to_field()),
            (Registry::Consents, consent.leaf().to_field()),
            (Registry::Records, anchor),
        ];
        let mut leaves = Leaves::empty();
        for (registry, leaf) in own {
            leaves = leaves.with(registry, random(rng)).with(registry, leaf);
        }
        let mirror = Mirror::new(leaves.bundle(4, now)?, leaves)?;
        Ok(Self { mirror, wallet_secrets, consent, holder, credential, record, scope })
    }

    /// A plan to prove this statement under this key; the same generator gives the same plan.
    ///
    /// # Errors
    /// None, unless the statements have changed and this world with them has not.
    pub fn plan(
        &self,
        statement: Statement,
        key: KeyDigest,
        rng: &mut ChaCha20Rng,
    ) -> Outcome<Box<dyn AnyPlan>> {
        let mirror = &self.mirror;
        let target = Target { chain: ChainId([7; 32]), key, audience: [9; 32], nonce: None };
        let roles = RolePolicy::new(vec![self.credential.role], vec![self.credential.organisation])?;
        let consent =
            ConsentInput { subject: self.record.subject.clone(), consent: self.consent.clone(), used: 0 };
        let holder = HolderSecret::from_secret(self.holder.clone());
        let credential = self.credential.clone();
        let wallet = wallet(&self.wallet_secrets);
        Ok(match statement {
            Statement::Grant => {
                Box::new(GrantPlan::grant(&target, mirror, wallet, self.consent.clone(), rng)?)
            }
            Statement::Revoke => {
                Box::new(RevokePlan::revoke(&target, mirror, wallet, self.consent.clone(), rng)?)
            }
            Statement::Consent => {
                let request = self.consent_request(rng);
                Box::new(ConsentPlan::consent(&target, mirror, consent, request, rng)?)
            }
            Statement::Role => Box::new(RolePlan::role(&target, mirror, holder, credential, roles, rng)?),
            Statement::Record => {
                let request = self.record_request(rng);
                Box::new(RecordPlan::record(&target, mirror, self.record.clone(), request, rng)?)
            }
            Statement::Access => {
                let input = AccessInput { consent, holder, credential, record: self.record.clone() };
                let policy = AccessPolicy { scope: self.scope, roles };
                Box::new(AccessPlan::access(&target, mirror, input, policy, rng)?)
            }
        })
    }

    fn consent_request(&self, rng: &mut ChaCha20Rng) -> ConsentRequest {
        ConsentRequest {
            scope: self.scope,
            data_period: Period::at(self.mirror.bundle().time),
            recipient: Recipient {
                organisation: self.credential.organisation,
                role: self.credential.role,
                holder: self.credential.holder,
            },
            salt: random(rng),
        }
    }

    fn record_request(&self, rng: &mut ChaCha20Rng) -> RecordRequest {
        RecordRequest {
            resource_type: Some(ResourceType::Observation as u64),
            code: None,
            unit: None,
            status: None,
            value: None,
            period: Period::ALWAYS,
            custodian: Some(self.record.custodian),
            anchored_by: 4,
            latest: true,
            disclosed: 1 << 4,
            salt: random(rng),
        }
    }
}

fn wallet([s, u]: &[Secret; 2]) -> PatientWallet {
    PatientWallet::from_secrets(s.clone(), u.clone())
}

fn fields(now: Timestamp) -> RecordFields {
    RecordFields {
        resource_type: ResourceType::Observation,
        code: None,
        categories: Categories::LABS,
        confidentiality: Confidentiality::Normal,
        time: Period::at(now),
        value: None,
        unit: None,
        amount: None,
        provider: None,
        organisation: None,
        link: None,
        status: Some("final".to_owned()),
        body_digest: [5; 64],
        device: None,
        provenance: None,
    }
}
