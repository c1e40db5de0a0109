//! Revoke: I am the subject of the consent this revocation id belongs to. Clauses `REV-1..6` of `docs/book/src/revoke.md`.

use super::{
    Denied, Relation, blank, check_bundle, check_member, check_slot, check_unused, constrain_unused,
};
use crate::cs::Cs;
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::{merkle, poseidon};
use crate::public;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{FIRST_WORDS, GrantedConsent, revocation_word};
use amanat_domain::field::Fr;
use amanat_domain::identity::PatientWallet;
use amanat_domain::poseidon::Tag;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::Path;

/// What the patient's wallet knows.
pub struct RevokeWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The wallet.
    pub wallet: PatientWallet,
    /// The consent to revoke.
    pub consent: GrantedConsent,
    /// Where it stands in `consents`.
    pub consent_path: Path,
}

impl RevokeWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            wallet: blank::wallet(),
            consent: blank::granted(),
            consent_path: blank::path(),
        }
    }
}

impl Relation for RevokeWitness {
    const STATEMENT: Statement = Statement::Revoke;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        let zero = Fr::from(0u64);
        let id = revocation_word(self.consent.nonce().expose(), self.consent.subject().to_field());
        [zero, zero, id, self.wallet.subject().detection_tag(ctx)]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
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

    fn constrain(&self, cs: &mut Cs) {
        let ctx = cs.public(public::CTX);
        let words = self.consent.words();
        let mut bundle = cs.clause("REV-1", |cs| OpenBundle::new(cs, &self.bundle));
        let subject = cs.clause("REV-2", |cs| {
            let s = cs.hint(self.wallet.wallet_secret().expose());
            SubjectVar::owned(cs, &s, self.wallet.uniqueness_key().expose(), &self.wallet.subject())
        });
        let nonce = cs.clause("REV-3", |cs| {
            // What the rules say does not matter here: their hash and the remaining words are opened as they are.
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
