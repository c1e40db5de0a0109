//! The clauses of record as plain Rust, in the order of the book.

use super::RecordWitness;
use crate::public;
use crate::statements::clause::{check_bundle, check_member, check_slot, check_unused};
use crate::statements::{Denied, Relation};
use amanat_domain::field::Fr;
use amanat_domain::record::{Leaf, anchor_leaf};
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;

/// The leaves asked about by equality, in the order of the request's flags.
const EQUALITIES: [(Leaf, &str); 4] =
    [(Leaf::Type, "resource type"), (Leaf::Code, "code"), (Leaf::Unit, "unit"), (Leaf::Status, "status")];

impl RecordWitness {
    /// The native check: refuses with the first clause that does not hold.
    pub(super) fn check_clauses(&self, public: &PublicVector) -> Result<(), Denied> {
        let request = &self.request;
        let [_, _, disclosed, tag] = self.outputs(public.ctx);
        check_bundle("REC-1", &self.bundle, public)?;
        if self.value(Leaf::Subject) != self.subject.commitment().to_field() {
            return Err(Denied::because("REC-2", "the record is about another subject"));
        }
        let leaf = anchor_leaf(self.record.root(), self.custodian, self.anchored).to_field();
        check_member("REC-3", &self.bundle, Registry::Records, leaf, &self.record_path)?;
        check_slot("REC-4", public.policy, request.policy_hash(), "the request")?;
        let asked = [request.resource_type.map(Fr::from), request.code, request.unit, request.status];
        for ((leaf, what), asked) in EQUALITIES.into_iter().zip(asked) {
            if asked.is_some_and(|word| word != self.value(leaf)) {
                return Err(Denied::because("REC-5", format!("the record's {what} is another")));
            }
        }
        if request.custodian.is_some_and(|c| c != self.custodian) {
            return Err(Denied::because("REC-5", "another custodian anchored the record"));
        }
        if let Some(range) = request.value {
            let [value, present] = self.record.open(Leaf::Value).values;
            let inside = present == Fr::from(1u64)
                && Fr::from(range.least) <= value
                && value <= Fr::from(range.greatest);
            if !inside {
                return Err(Denied::because("REC-6", "the record has no value in the range asked for"));
            }
        }
        let [from, until] = self.record.open(Leaf::Time).values;
        let within = Fr::from(request.period.from().seconds()) <= from
            && from <= until
            && until <= Fr::from(request.period.until().seconds());
        if !within {
            return Err(Denied::because("REC-7", "the record's time is not within the period asked for"));
        }
        if self.anchored > request.anchored_by {
            return Err(Denied::because(
                "REC-8",
                format!("anchored in epoch {}, after epoch {}", self.anchored, request.anchored_by),
            ));
        }
        if request.latest {
            let id = self.record.supersession_handle().revocation_id();
            let root = self.bundle.registry(Registry::Revocations).root;
            if !id.is_some_and(|id| self.current.verify(root, id)) {
                return Err(Denied::because("REC-9", "a newer version replaces this record"));
            }
        }
        check_slot("REC-10", public.out[0], disclosed, "the disclosure")?;
        check_slot("REC-11", public.out[1], tag, "the detection tag")?;
        check_unused("REC-12", public, &[public::NF_0, public::NF_1])
    }
}
