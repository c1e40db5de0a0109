//! Planning an access: S1, S2 and S3 about one hidden patient and record.

use super::consent::use_index;
use super::{ConsentInput, Plan, RecordInput, Target, missing, on};
use amanat_circuits::Denied;
use amanat_circuits::statements::access::{AccessWitness, RecordOpening};
use amanat_domain::bundle::Registry;
use amanat_domain::identity::{HolderSecret, RoleCredential};
use amanat_domain::mirror::Mirror;
use amanat_domain::policy::AccessPolicy;
use amanat_domain::tx::PolicyField;
use rand::CryptoRng;

/// A planned access.
pub type AccessPlan = Plan<AccessWitness>;

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
