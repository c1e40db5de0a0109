//! The clauses of grant as plain Rust, in the order of the book.

use super::GrantWitness;
use crate::public;
use crate::statements::clause::{check_bundle, check_member, check_slot, check_unused};
use crate::statements::{Denied, Relation};
use amanat_domain::consent::revocation_word;
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;
use amanat_domain::tree::RevocationId;

impl GrantWitness {
    /// The native check: refuses with the first clause that does not hold.
    pub(super) fn check_clauses(&self, public: &PublicVector) -> Result<(), Denied> {
        let [nf_0, _, leaf, tag] = self.outputs(public.ctx);
        check_bundle("GRA-1", &self.bundle, public)?;
        let subject = self.wallet.subject().commitment();
        if self.consent.subject() != subject {
            return Err(Denied::because("GRA-2", "the consent is about another subject than this wallet's"));
        }
        check_member("GRA-3", &self.bundle, Registry::Subjects, subject.to_field(), &self.subject_path)?;
        check_slot("GRA-4", public.out[0], leaf, "the consent leaf")?;
        if RevocationId::new(revocation_word(
            self.consent.nonce().expose(),
            self.consent.subject().to_field(),
        ))
        .is_none()
        {
            return Err(Denied::because(
                "GRA-5",
                "this nonce gives no revocation id: the consent could not be revoked",
            ));
        }
        check_slot("GRA-6", public.nf[0], nf_0, "the grant nullifier")?;
        check_slot("GRA-7", public.out[1], tag, "the detection tag")?;
        check_unused("GRA-8", public, &[public::POLICY, public::NF_1])
    }
}
