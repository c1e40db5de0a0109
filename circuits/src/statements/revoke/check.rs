//! The clauses of revoke as plain Rust, in the order of the book.

use super::RevokeWitness;
use crate::public;
use crate::statements::clause::{check_bundle, check_member, check_slot, check_unused};
use crate::statements::{Denied, Relation};
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;

impl RevokeWitness {
    /// The native check: refuses with the first clause that does not hold.
    pub(super) fn check_clauses(&self, public: &PublicVector) -> Result<(), Denied> {
        let [_, _, id, tag] = self.outputs(public.ctx);
        check_bundle("REV-1", &self.bundle, public)?;
        if self.consent.subject() != self.wallet.subject().commitment() {
            return Err(Denied::because("REV-2", "the consent is about another subject than this wallet's"));
        }
        let leaf = self.consent.leaf().to_field();
        check_member("REV-3", &self.bundle, Registry::Consents, leaf, &self.consent_path)?;
        check_slot("REV-4", public.out[0], id, "the revocation id")?;
        check_slot("REV-5", public.out[1], tag, "the detection tag")?;
        check_unused("REV-6", public, &[public::POLICY, public::NF_0, public::NF_1])
    }
}
