//! Planning S3: a custodian shows facts of an anchored record.

use super::{Plan, Target, missing, on};
use amanat_circuits::Denied;
use amanat_circuits::statements::record::RecordWitness;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::identity::Subject;
use amanat_domain::mirror::Mirror;
use amanat_domain::policy::RecordRequest;
use amanat_domain::record::{Record, anchor_leaf};
use amanat_domain::tx::PolicyField;
use rand::CryptoRng;

/// A planned S3.
pub type RecordPlan = Plan<RecordWitness>;

/// An anchored record with all its openings.
#[derive(Clone)]
pub struct RecordInput {
    /// The subject.
    pub subject: Subject,
    /// The record with its salts.
    pub record: Record,
    /// The custodian that anchored it.
    pub custodian: OrgId,
    /// In which epoch.
    pub anchored: u64,
}

impl RecordInput {
    pub(super) fn leaf(&self) -> Fr {
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
