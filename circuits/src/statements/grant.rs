//! Grant: I am the enrolled subject of this consent leaf. Clauses `GRA-1..8` of `docs/book/src/grant.md`.

use super::{
    Denied, Relation, blank, check_bundle, check_member, check_slot, check_unused, constrain_unused,
};
use crate::cs::{Cs, Num};
use crate::gadgets::bundle::OpenBundle;
use crate::gadgets::consent::ConsentVar;
use crate::gadgets::identity::SubjectVar;
use crate::gadgets::{merkle, poseidon};
use crate::public;
use amanat_domain::bundle::{Bundle, Registry};
use amanat_domain::consent::{GrantedConsent, grant_nullifier, revocation_word};
use amanat_domain::field::Fr;
use amanat_domain::identity::PatientWallet;
use amanat_domain::poseidon::Tag;
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tree::{Path, RevocationId};

/// What the patient's wallet knows.
pub struct GrantWitness {
    /// The bundle proved against.
    pub bundle: Bundle,
    /// The wallet.
    pub wallet: PatientWallet,
    /// Where the subject stands in `subjects`.
    pub subject_path: Path,
    /// What is granted.
    pub consent: GrantedConsent,
}

impl GrantWitness {
    pub(crate) fn blank() -> Self {
        Self {
            bundle: blank::bundle(),
            wallet: blank::wallet(),
            subject_path: blank::path(),
            consent: blank::granted(),
        }
    }
}

impl Relation for GrantWitness {
    const STATEMENT: Statement = Statement::Grant;

    fn outputs(&self, ctx: Fr) -> [Fr; 4] {
        [
            grant_nullifier(self.consent.nonce().expose(), self.wallet.wallet_secret().expose()),
            Fr::from(0u64),
            self.consent.leaf().to_field(),
            self.wallet.subject().detection_tag(ctx),
        ]
    }

    fn check(&self, public: &PublicVector) -> Result<(), Denied> {
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

    fn constrain(&self, cs: &mut Cs) {
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
