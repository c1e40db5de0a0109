//! Planning a grant: the patient's wallet appends a consent.

use super::{Plan, Target, missing, on};
use amanat_circuits::Denied;
use amanat_circuits::statements::grant::GrantWitness;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::GrantedConsent;
use amanat_domain::identity::PatientWallet;
use amanat_domain::mirror::Mirror;
use amanat_domain::tx::PolicyField;
use rand::CryptoRng;

/// A planned grant.
pub type GrantPlan = Plan<GrantWitness>;

impl GrantPlan {
    /// The patient grants a consent.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn grant(
        target: &Target,
        mirror: &Mirror,
        wallet: PatientWallet,
        consent: GrantedConsent,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let subject = wallet.subject().commitment().to_field();
        let subject_path = mirror
            .path(Registry::Subjects, subject)
            .ok_or_else(|| missing("GRA-3", "the subject is not enrolled", mirror))?;
        let witness = GrantWitness { bundle: *mirror.bundle(), wallet, subject_path, consent };
        on(target, mirror, PolicyField::None, witness, rng)
    }
}
