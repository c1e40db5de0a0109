//! Plans: everything decided, nothing proved yet.
//!
//! A plan draws all randomness (request nonce, use index, blinding), finds the paths, and runs the native check: it either
//! knows that a proof will come out, or says no and names the clause. After that everything is a pure function of the plan.

use crate::groth16::Blinding;
use amanat_circuits::statements::access::{AccessWitness, RecordOpening};
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_circuits::statements::record::RecordWitness;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_circuits::statements::role::RoleWitness;
use amanat_circuits::{Denied, Relation};
use amanat_domain::bundle::Registry;
use amanat_domain::consent::{GrantedConsent, OrgId};
use amanat_domain::field::Fr;
use amanat_domain::identity::{HolderSecret, PatientWallet, RoleCredential, Subject};
use amanat_domain::mirror::Mirror;
use amanat_domain::policy::{AccessPolicy, ConsentRequest, RecordRequest, RolePolicy};
use amanat_domain::proof::{GROTH16_PROOF_BYTES, ProofBytes};
use amanat_domain::record::{Record, anchor_leaf};
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tx::{ChainId, Context, KeyDigest, PolicyField, ProofTx};
use rand::CryptoRng;

/// Where a transaction goes: which ledger, under which key, for whom.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The ledger.
    pub chain: ChainId,
    /// The verifying key.
    pub key: KeyDigest,
    /// The audience: 32 bytes agreed with it.
    pub audience: [u8; 32],
    /// The audience's request nonce; none draws one.
    pub nonce: Option<[u8; 32]>,
}

/// A plan for one statement.
pub struct Plan<R: Relation> {
    pub(crate) tx: ProofTx,
    pub(crate) public: PublicVector,
    pub(crate) witness: R,
    pub(crate) blinding: Blinding,
}

/// A planned grant.
pub type GrantPlan = Plan<GrantWitness>;
/// A planned revocation.
pub type RevokePlan = Plan<RevokeWitness>;
/// A planned S1.
pub type ConsentPlan = Plan<ConsentWitness>;
/// A planned S2.
pub type RolePlan = Plan<RoleWitness>;
/// A planned S3.
pub type RecordPlan = Plan<RecordWitness>;
/// A planned access.
pub type AccessPlan = Plan<AccessWitness>;

impl<R: Relation> Plan<R> {
    /// Fixes context and outputs, runs the native check.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn new(
        target: &Target,
        epoch: u64,
        bundle: amanat_domain::bundle::BundleHash,
        policy: PolicyField,
        witness: R,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let nonce = target.nonce.unwrap_or_else(|| {
            let mut nonce = [0u8; 32];
            rng.fill_bytes(&mut nonce);
            nonce
        });
        let context = Context {
            chain: target.chain,
            statement: R::STATEMENT,
            key: target.key,
            epoch,
            audience: target.audience,
            nonce,
            policy,
        };
        let ctx = context.ctx();
        let [nf_0, nf_1, out_0, out_1] = witness.outputs(ctx);
        let Context { chain, statement, key, audience, policy, .. } = context;
        let tx = ProofTx {
            chain,
            statement,
            key,
            epoch,
            bundle,
            audience,
            nonce,
            policy,
            nf: [nf_0, nf_1],
            out: [out_0, out_1],
            proof: ProofBytes::Groth16([0; GROTH16_PROOF_BYTES]),
        };
        let public = tx.public_vector();
        witness.check(&public)?;
        Ok(Self { tx, public, witness, blinding: Blinding::draw(rng) })
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> Statement {
        R::STATEMENT
    }

    /// The public vector the proof will verify against.
    #[must_use]
    pub const fn public(&self) -> &PublicVector {
        &self.public
    }
}

fn on<R: Relation>(
    target: &Target,
    mirror: &Mirror,
    policy: PolicyField,
    witness: R,
    rng: &mut impl CryptoRng,
) -> Result<Plan<R>, Denied> {
    let bundle = mirror.bundle();
    Plan::new(target, bundle.epoch, bundle.hash(), policy, witness, rng)
}

fn missing(clause: &'static str, what: &str, mirror: &Mirror) -> Denied {
    Denied {
        clause,
        reason: format!(
            "{what} as of epoch {}; what was submitted since appears in the next epoch",
            mirror.bundle().epoch
        ),
    }
}

/// A use index: below the limit as the caller counts, random where there is no limit.
fn use_index(consent: &GrantedConsent, used: u64, rng: &mut impl CryptoRng) -> u64 {
    match consent.limit().limit() {
        Some(_) => used,
        None => {
            let mut bytes = [0u8; 8];
            rng.fill_bytes(&mut bytes);
            u64::from_le_bytes(bytes)
        }
    }
}

impl GrantPlan {
    /// The patient grants a consent.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn grant(
        target: &Target,
        mirror: &Mirror,
        wallet: PatientWallet,
        consent: GrantedConsent,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let subject = wallet.subject().commitment().to_field();
        let subject_path = mirror
            .path(Registry::Subjects, subject)
            .ok_or_else(|| missing("GRA-3", "the subject is not enrolled", mirror))?;
        let witness = GrantWitness { bundle: *mirror.bundle(), wallet, subject_path, consent };
        on(target, mirror, PolicyField::None, witness, rng)
    }
}

impl RevokePlan {
    /// The patient revokes a consent.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn revoke(
        target: &Target,
        mirror: &Mirror,
        wallet: PatientWallet,
        consent: GrantedConsent,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let consent_path = mirror
            .path(Registry::Consents, consent.leaf().to_field())
            .ok_or_else(|| missing("REV-3", "the consent is not in the registry", mirror))?;
        let witness = RevokeWitness { bundle: *mirror.bundle(), wallet, consent, consent_path };
        on(target, mirror, PolicyField::None, witness, rng)
    }
}

/// A consent with whose it is and how often it was used.
#[derive(Clone)]
pub struct ConsentInput {
    /// The subject, as custodians know it.
    pub subject: Subject,
    /// The consent's opening.
    pub consent: GrantedConsent,
    /// Uses so far, where it has a limit.
    pub used: u64,
}

impl ConsentPlan {
    /// S1: whoever holds the consent's opening shows that it permits a request.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn consent(
        target: &Target,
        mirror: &Mirror,
        input: ConsentInput,
        request: ConsentRequest,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let ConsentInput { subject, consent, used } = input;
        let consent_path = mirror
            .path(Registry::Consents, consent.leaf().to_field())
            .ok_or_else(|| missing("CON-3", "the consent is not in the registry", mirror))?;
        let unrevoked = mirror
            .absence(consent.revocation_id())
            .ok_or_else(|| missing("CON-4", "the consent was revoked", mirror))?;
        let use_index = use_index(&consent, used, rng);
        let policy = PolicyField::Sealed(request.policy_hash());
        let bundle = *mirror.bundle();
        let witness =
            ConsentWitness { bundle, subject, consent, consent_path, unrevoked, request, use_index };
        on(target, mirror, policy, witness, rng)
    }
}

impl RolePlan {
    /// S2: a holder shows an active credential that qualifies.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn role(
        target: &Target,
        mirror: &Mirror,
        holder: HolderSecret,
        credential: RoleCredential,
        policy: RolePolicy,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let role_path = mirror
            .path(Registry::Roles, credential.leaf().to_field())
            .ok_or_else(|| missing("ROL-3", "the credential is not active", mirror))?;
        let field = PolicyField::Role(policy.clone());
        let witness = RoleWitness { bundle: *mirror.bundle(), holder, credential, role_path, policy };
        on(target, mirror, field, witness, rng)
    }
}

/// An anchored record with all its openings.
#[derive(Clone)]
pub struct RecordInput {
    /// The subject.
    pub subject: Subject,
    /// The record with its salts.
    pub record: Record,
    /// Who anchored it.
    pub custodian: OrgId,
    /// In which epoch.
    pub anchored: u64,
}

impl RecordInput {
    fn leaf(&self) -> Fr {
        anchor_leaf(self.record.root(), self.custodian, self.anchored).to_field()
    }
}

impl RecordPlan {
    /// S3: a custodian shows facts of an anchored record.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn record(
        target: &Target,
        mirror: &Mirror,
        input: RecordInput,
        request: RecordRequest,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let record_path = mirror
            .path(Registry::Records, input.leaf())
            .ok_or_else(|| missing("REC-3", "the record is not anchored", mirror))?;
        let current = match mirror.absence(input.record.supersession_id()) {
            Some(absence) => absence,
            None if request.latest => {
                return Err(missing("REC-9", "a newer version replaces this record", mirror));
            }
            None => RecordWitness::not_looked_up(&input.record),
        };
        let policy = PolicyField::Sealed(request.policy_hash());
        let RecordInput { subject, record, custodian, anchored } = input;
        let bundle = *mirror.bundle();
        let witness =
            RecordWitness { bundle, subject, record, custodian, anchored, record_path, current, request };
        on(target, mirror, policy, witness, rng)
    }
}

/// What a clinician's prover is given for one access.
pub struct AccessInput {
    /// The patient's consent.
    pub consent: ConsentInput,
    /// The clinician's secret.
    pub holder: HolderSecret,
    /// The clinician's credential.
    pub credential: RoleCredential,
    /// The record.
    pub record: RecordInput,
}

impl AccessPlan {
    /// S1, S2 and S3 about one hidden patient and record.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn access(
        target: &Target,
        mirror: &Mirror,
        input: AccessInput,
        policy: AccessPolicy,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let AccessInput { consent: ConsentInput { subject, consent, used }, holder, credential, record } =
            input;
        let record_path = mirror
            .path(Registry::Records, record.leaf())
            .ok_or_else(|| missing("ACC-3", "the record is not anchored", mirror))?;
        let consent_path = mirror
            .path(Registry::Consents, consent.leaf().to_field())
            .ok_or_else(|| missing("ACC-4", "the consent is not in the registry", mirror))?;
        let unrevoked = mirror
            .absence(consent.revocation_id())
            .ok_or_else(|| missing("ACC-5", "the consent was revoked", mirror))?;
        let role_path = mirror
            .path(Registry::Roles, credential.leaf().to_field())
            .ok_or_else(|| missing("ACC-7", "the credential is not active", mirror))?;
        let use_index = use_index(&consent, used, rng);
        let field = PolicyField::Access(policy.clone());
        let witness = AccessWitness {
            bundle: *mirror.bundle(),
            subject,
            consent,
            consent_path,
            unrevoked,
            use_index,
            holder,
            credential,
            role_path,
            record: RecordOpening::new(&record.record),
            custodian: record.custodian,
            anchored: record.anchored,
            record_path,
            policy,
        };
        on(target, mirror, field, witness, rng)
    }
}
