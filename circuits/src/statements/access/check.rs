//! The clauses of access as plain Rust, in the order of the book.

use super::AccessWitness;
use crate::gadgets::consent::permits;
use crate::statements::clause::{check_absent, check_bundle, check_member, check_slot};
use crate::statements::consent::{check_use, explain_refusal};
use crate::statements::role::check_qualifies;
use crate::statements::{Denied, Relation};
use amanat_domain::consent::revocation_word;
use amanat_domain::field::Fr;
use amanat_domain::record::anchor_leaf;
use amanat_domain::registry::Registry;
use amanat_domain::statement::PublicVector;
use amanat_domain::time::{Period, Timestamp};
use ark_ff::{BigInteger, PrimeField};

impl AccessWitness {
    /// The native check: refuses with the first clause that does not hold.
    pub(super) fn check_clauses(&self, public: &PublicVector) -> Result<(), Denied> {
        let [nf_0, nf_1, token, tag] = self.outputs(public.ctx);
        let now = self.bundle.time;
        let scope = &self.policy.scope;
        check_bundle("ACC-1", &self.bundle, public)?;
        // One subject.
        let subject = self.subject.commitment();
        if self.consent.subject() != subject {
            return Err(Denied::because("ACC-2", "the consent is about another subject"));
        }
        if self.record.leaves[0].values[0] != subject.to_field() {
            return Err(Denied::because("ACC-2", "the record is about another subject than the consent"));
        }
        // The record.
        let anchor = anchor_leaf(self.record.root(), self.custodian, self.anchored).to_field();
        check_member("ACC-3", &self.bundle, Registry::Records, anchor, &self.record_path)?;
        // The consent.
        let leaf = self.consent.leaf().to_field();
        check_member("ACC-4", &self.bundle, Registry::Consents, leaf, &self.consent_path)?;
        let id = revocation_word(self.consent.nonce().expose(), self.consent.subject().to_field());
        check_absent("ACC-5", &self.bundle, id, &self.unrevoked, "the consent was revoked")?;
        // The credential.
        if self.credential.holder != self.holder.key() {
            return Err(Denied::because("ACC-6", "the credential was issued to another holder key"));
        }
        let role = self.credential.leaf().to_field();
        check_member("ACC-7", &self.bundle, Registry::Roles, role, &self.role_path)?;
        // The policy.
        check_slot("ACC-8", public.policy, self.policy.policy_hash(), "the policy")?;
        scope.check().map_err(|e| Denied::because("ACC-8", e.to_string()))?;
        check_qualifies(["ACC-9", "ACC-10"], &self.credential, &self.policy.roles, now)?;
        let [categories, confidentiality] = self.record.leaves[1].values.map(small);
        let (Some(categories), Some(level)) = (categories, confidentiality) else {
            return Err(Denied::because("ACC-11", "the record's categories are not well formed"));
        };
        if categories & !scope.categories.0 != 0 || level > scope.confidentiality as u64 {
            return Err(Denied::because(
                "ACC-11",
                "the record holds categories, or a confidentiality, that the policy does not ask for",
            ));
        }
        let Some(period) = self.record_period() else {
            return Err(Denied::because("ACC-12", "the record's time is not well formed"));
        };
        if !permits(self.consent.terms(), scope, &period, &self.recipient(), now) {
            return Err(Denied::because("ACC-13", explain_refusal(&self.consent, now)));
        }
        check_use("ACC-14", &self.consent, self.use_index)?;
        check_slot("ACC-14", public.nf[0], nf_0, "the use nullifier")?;
        check_slot("ACC-15", public.nf[1], nf_1, "the session pseudonym")?;
        check_slot("ACC-16", public.out[0], token, "the access token")?;
        check_slot("ACC-17", public.out[1], tag, "the detection tag")
    }

    /// The record's time as a period; `None` if the leaf holds none.
    fn record_period(&self) -> Option<Period> {
        let [from, until] = self.record.leaves[2].values.map(small);
        Period::new(Timestamp::new(from?)?, Timestamp::new(until?)?)
    }
}

/// A field element as a number of 64 bits.
fn small(x: Fr) -> Option<u64> {
    let n = x.into_bigint();
    (n.num_bits() <= 64).then_some(n.0[0])
}
