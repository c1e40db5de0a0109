//! The clauses of grant as constraints, in the order of the native check.

use super::GrantWitness;
use crate::cs::{Cs, Num};
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::consent::ConsentVar;
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::{merkle, poseidon};
use crate::public;
use crate::statements::clause::constrain_unused;
use amanat_domain::poseidon::Tag;
use amanat_domain::registry::Registry;

impl GrantWitness {
    /// The constraints: the same clauses, labelled.
    pub(super) fn constrain_clauses(&self, cs: &mut Cs) {
        let ctx = cs.public(public::CTX);
        let mut bundle = cs.clause("GRA-1", |cs| OpenBundle::new(cs, &self.bundle));
        let (s, subject) = cs.clause("GRA-2", |cs| {
            let s = cs.hint(self.wallet.wallet_secret().expose());
            let u = self.wallet.uniqueness_key().expose();
            let subject = SubjectVar::owned(cs, &s, u, &self.wallet.subject());
            (s, subject)
        });
        cs.clause("GRA-3", |cs| {
            let root = merkle::root(cs, &subject.commitment, &self.subject_path);
            bundle.set_root(Registry::Subjects, root);
        });
        let consent = cs.clause("GRA-4", |cs| {
            let consent = ConsentVar::new(cs, &self.consent.words());
            let leaf = consent.leaf(cs, &subject.commitment);
            cs.bind_public(public::OUT_0, &leaf);
            consent
        });
        cs.clause("GRA-5", |cs| {
            let id = poseidon::hash(cs, Tag::Revoke, &[&consent.nonce, &subject.commitment]);
            merkle::assert_revocation_id(cs, &id);
        });
        cs.clause("GRA-6", |cs| {
            let nullifier: Num = poseidon::hash(cs, Tag::GrantNullifier, &[&consent.nonce, &s]);
            cs.bind_public(public::NF_0, &nullifier);
        });
        cs.clause("GRA-7", |cs| {
            let tag = subject.detection_tag(cs, &ctx);
            cs.bind_public(public::OUT_1, &tag);
        });
        cs.clause("GRA-8", |cs| constrain_unused(cs, &[public::POLICY, public::NF_1]));
        cs.clause("GRA-1", |cs| bundle.bind(cs));
    }
}
