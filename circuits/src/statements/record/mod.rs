//! S3 record: what is disclosed and asked about comes from an anchored record. Clauses `REC-1..12`
//! of `docs/book/src/record.md`.

mod check;
mod circuit;
pub mod sample;

pub use RecordWitness as Witness;

use crate::cs::Cs;
use crate::statements::{Denied, Relation, blank};
use amanat_domain::bundle::Bundle;
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::identity::Subject;
use amanat_domain::policy::{RecordRequest, disclosure};
use amanat_domain::record::{Leaf, RECORD_LEAVES, Record};
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::time::Period;
use amanat_domain::tree::{DEPTH, NonMembership, Path};

/// What the custodian knows.
pub struct RecordWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The subject of the record.
    pub subject: Subject,
    /// The record with its salts.
    pub record: Record,
    /// The custodian that anchored it.
    pub custodian: OrgId,
    /// In which epoch.
    pub anchored: u64,
    /// Its path in `records`.
    pub record_path: Path,
    /// That its supersession id is absent; not read where the request does not ask for the latest
    /// version.
    pub current: NonMembership,
    /// What is asked and disclosed.
    pub request: RecordRequest,
}

impl RecordWitness {
    pub(crate) fn blank() -> Self {
        let zero = Fr::from(0u64);
        let record = (1u64..)
            .find_map(|n| {
                let salts = vec![blank::secret(); RECORD_LEAVES];
                let root_salt = amanat_domain::secret::Secret::new(Fr::from(n));
                Record::from_parts([[zero; 2]; RECORD_LEAVES], salts, root_salt)
            })
            .expect("one salt in six has a supersession id");
        Self {
            bundle: blank::bundle(),
            subject: blank::wallet().subject(),
            record,
            custodian: OrgId::new(zero),
            anchored: 0,
            record_path: blank::path(),
            current: blank::absence(),
            request: RecordRequest {
                resource_type: None,
                code: None,
                unit: None,
                status: None,
                value: None,
                period: Period::ALWAYS,
                custodian: None,
                anchored_by: 0,
                latest: false,
                disclosed: 0,
                salt: zero,
            },
        }
    }

    /// What represents the absence of a record's supersession id where the request does not ask for
    /// the latest version: neighbours on both sides of the id, under no root at all.
    #[must_use]
    pub fn not_looked_up(record: &Record) -> NonMembership {
        let id = record.supersession_id().to_field();
        let one = Fr::from(1u64);
        let path = Path { index: 0, siblings: [[Fr::from(0u64); 3]; DEPTH] };
        NonMembership { low_value: id - one, low_next: id + one, path }
    }

    fn value(&self, leaf: Leaf) -> Fr {
        self.record.open(leaf).values[0]
    }
}

impl Relation for RecordWitness {
    const STATEMENT: Statement = Statement::Record;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let disclosed = disclosure(&self.record.leaves(), self.request.disclosed);
        [zero, zero, disclosed, self.subject.detection_tag(ctx)]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
        self.check_clauses(public)
    }

    fn constrain(&self, cs: &mut Cs) {
        self.constrain_clauses(cs);
    }
}
