//! Writes one proof of every statement for snarkjs: `cargo run -p amanat-tests --example export_snarkjs -- DIR` makes
//! `DIR/<statement>/{verification_key,proof,public}.json`. Keys are made for development; seeds are fixed.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use amanat_circuits::circuit;
use amanat_domain::bundle::{Bundle, Registry, RegistryState};
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, GrantedConsent, Grantee, Jurisdictions,
    Level, OrgId, Purposes, RoleCode, Rule, UseLimit,
};
use amanat_domain::field::{Fr, random};
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential};
use amanat_domain::mirror::{Leaves, Mirror};
use amanat_domain::policy::{AccessPolicy, ConsentRequest, Recipient, RecordRequest, RolePolicy, Scope};
use amanat_domain::record::{Record, RecordFields, ResourceType, anchor_leaf};
use amanat_domain::secret::Secret;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{IndexedTree, Tree};
use amanat_domain::tx::{ChainId, Transaction};
use amanat_params::{Proof, insecure_dev_setup, snarkjs};
use amanat_prover::keys::{Keys, PlanError, StatementKey};
use amanat_prover::plan::{
    AccessInput, AccessPlan, ConsentInput, ConsentPlan, GrantPlan, RecordInput, RecordPlan, RevokePlan,
    RolePlan, Target,
};
use core::error::Error;
use core::ops::ControlFlow;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("which folder to write to?")?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut keys = Keys::new();
    for statement in Statement::ALL {
        let (key, _) =
            insecure_dev_setup(statement, statement.version(), circuit(statement), &mut rng, &|_| ())?;
        keys.insert(StatementKey::new(key)?);
    }
    for tx in World::new(&mut rng)?.prove_everything(&keys, &mut rng)? {
        write(Path::new(&dir), &keys, &tx)?;
    }
    Ok(())
}

fn write(dir: &Path, keys: &Keys, tx: &Transaction) -> Result<(), Box<dyn Error>> {
    let Transaction::Proof(tx) = tx else { return Err("not a proof".into()) };
    let key = keys.get(tx.statement).ok_or("no key")?;
    let public: PublicVector = tx.public_vector();
    let folder = dir.join(tx.statement.name());
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("verification_key.json"),
        snarkjs::export_verifying_key(key.proving_key().verifying_key()),
    )?;
    fs::write(folder.join("proof.json"), snarkjs::export_proof(&Proof::from_bytes(&tx.proof)?))?;
    fs::write(folder.join("public.json"), snarkjs::export_public(&public.to_field_elements()))?;
    println!("{}", folder.display());
    Ok(())
}

/// One patient, one clinician, one consent, one record; the registries that hold them.
struct World {
    mirror: Mirror,
    wallet_secrets: [Secret; 2],
    consent: GrantedConsent,
    holder: Secret,
    credential: RoleCredential,
    record: RecordInput,
    scope: Scope,
}

impl World {
    fn new(rng: &mut ChaCha20Rng) -> Result<Self, Box<dyn Error>> {
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
        let leaves = Leaves {
            subjects: vec![random(rng), record.subject.commitment().to_field()],
            roles: vec![random(rng), credential.leaf().to_field()],
            consents: vec![random(rng), consent.leaf().to_field()],
            records: vec![random(rng), anchor],
            revocations: IndexedTree::new().leaves().to_vec(),
        };
        let mirror = Mirror::new(bundle(now, &leaves)?, leaves)?;
        Ok(Self { mirror, wallet_secrets, consent, holder, credential, record, scope })
    }

    fn prove_everything(
        &self,
        keys: &Keys,
        rng: &mut ChaCha20Rng,
    ) -> Result<Vec<Transaction>, Box<dyn Error>> {
        let mirror = &self.mirror;
        let target = |statement: Statement| -> Result<Target, Box<dyn Error>> {
            let key = keys.get(statement).ok_or("no key")?.digest();
            Ok(Target { chain: ChainId([7; 32]), key, audience: [9; 32], nonce: None })
        };
        let roles = RolePolicy::new(vec![self.credential.role], vec![self.credential.organisation])?;
        let input =
            ConsentInput { subject: self.record.subject.clone(), consent: self.consent.clone(), used: 0 };
        let holder = || HolderSecret::from_secret(self.holder.clone());
        let go = |_| ControlFlow::Continue(());

        let grant = GrantPlan::grant(
            &target(Statement::Grant)?,
            mirror,
            wallet(&self.wallet_secrets),
            self.consent.clone(),
            rng,
        )?;
        let revoke = RevokePlan::revoke(
            &target(Statement::Revoke)?,
            mirror,
            wallet(&self.wallet_secrets),
            self.consent.clone(),
            rng,
        )?;
        let request = ConsentRequest {
            scope: self.scope,
            data_period: Period::at(mirror.bundle().time),
            recipient: Recipient {
                organisation: self.credential.organisation,
                role: self.credential.role,
                holder: self.credential.holder,
            },
            salt: random(rng),
        };
        let consent =
            ConsentPlan::consent(&target(Statement::Consent)?, mirror, input.clone(), request, rng)?;
        let credential = self.credential.clone();
        let role =
            RolePlan::role(&target(Statement::Role)?, mirror, holder(), credential, roles.clone(), rng)?;
        let request = RecordRequest {
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
        };
        let record =
            RecordPlan::record(&target(Statement::Record)?, mirror, self.record.clone(), request, rng)?;
        let input = AccessInput {
            consent: input,
            holder: holder(),
            credential: self.credential.clone(),
            record: self.record.clone(),
        };
        let policy = AccessPolicy { scope: self.scope, roles };
        let access = AccessPlan::access(&target(Statement::Access)?, mirror, input, policy, rng)?;
        let proved: Result<Vec<Transaction>, PlanError> = [
            grant.prove(keys, &go),
            revoke.prove(keys, &go),
            consent.prove(keys, &go),
            role.prove(keys, &go),
            record.prove(keys, &go),
            access.prove(keys, &go),
        ]
        .into_iter()
        .collect();
        Ok(proved?)
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

fn bundle(now: Timestamp, leaves: &Leaves) -> Result<Bundle, Box<dyn Error>> {
    let dense = |leaves: &[Fr]| -> Result<RegistryState, Box<dyn Error>> {
        Ok(RegistryState { root: Tree::from_leaves(leaves)?.root(), count: leaves.len() as u64 })
    };
    let revocations = IndexedTree::from_leaves(leaves.revocations.clone())?;
    let mut registries = [dense(&[])?; 5];
    registries[Registry::Subjects as usize] = dense(&leaves.subjects)?;
    registries[Registry::Roles as usize] = dense(&leaves.roles)?;
    registries[Registry::Consents as usize] = dense(&leaves.consents)?;
    registries[Registry::Records as usize] = dense(&leaves.records)?;
    registries[Registry::Revocations as usize] =
        RegistryState { root: revocations.root(), count: revocations.len() };
    Ok(Bundle { epoch: 4, time: now, registries })
}
