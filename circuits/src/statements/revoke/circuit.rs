//! The clauses of revoke as constraints, in the order of the native check.

use super::RevokeWitness;
use crate::cs::Cs;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::{merkle, poseidon};
use crate::public;
use crate::statements::clause::constrain_unused;
use amanat_domain::consent::FIRST_WORDS;
use amanat_domain::poseidon::Tag;
use amanat_domain::registry::Registry;

impl RevokeWitness {
    /// The constraints: the same clauses, labelled.
    pub(super) fn constrain_clauses(&self, cs: &mut Cs) {
        let ctx = cs.public(public::CTX);
        let words = self.consent.words();
        let mut bundle = cs.clause("REV-1", |cs| OpenBundle::new(cs, &self.bundle));
        let subject = cs.clause("REV-2", |cs| {
            let s = cs.hint(self.wallet.wallet_secret().expose());
            SubjectVar::owned(cs, &s, self.wallet.uniqueness_key().expose(), &self.wallet.subject())
        });
        let nonce = cs.clause("REV-3", |cs| {
            // What the rules say does not matter here: their hash and the remaining words are
            // opened as they are.
            let first = cs.hint(words.first_digest());
            let rest: Vec<_> = words.rules[FIRST_WORDS..].iter().map(|w| cs.hint(*w)).collect();
            let terms = cs.hint(words.terms);
            let nonce = cs.hint(words.nonce);
            let policy = cs.hint(words.policy);
            let salt = cs.hint(words.salt);
            let mut inputs = vec![&first];
            inputs.extend(&rest);
            inputs.extend([&subject.commitment, &terms, &nonce, &policy, &salt]);
            let leaf = poseidon::hash(cs, Tag::Consent, &inputs);
            let root = merkle::root(cs, &leaf, &self.consent_path);
            bundle.set_root(Registry::Consents, root);
            nonce
        });
        cs.clause("REV-4", |cs| {
            let id = poseidon::hash(cs, Tag::Revoke, &[&nonce, &subject.commitment]);
            cs.bind_public(public::OUT_0, &id);
        });
        cs.clause("REV-5", |cs| {
            let tag = subject.detection_tag(cs, &ctx);
            cs.bind_public(public::OUT_1, &tag);
        });
        cs.clause("REV-6", |cs| constrain_unused(cs, &[public::POLICY, public::NF_0, public::NF_1]));
        cs.clause("REV-1", |cs| bundle.bind(cs));
    }
}
