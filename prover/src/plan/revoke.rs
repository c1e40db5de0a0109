//! Planning a revocation: the patient's wallet takes a consent back.

use super::{Plan, Target, missing, on};
use amanat_circuits::Denied;
use amanat_circuits::statements::revoke::RevokeWitness;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::GrantedConsent;
use amanat_domain::identity::PatientWallet;
use amanat_domain::mirror::Mirror;
use amanat_domain::tx::PolicyField;
use rand::CryptoRng;

/// A planned revocation.
pub type RevokePlan = Plan<RevokeWitness>;

impl RevokePlan {
    /// The patient revokes a consent.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn revoke(
        target: &Target,
        mirror: &Mirror,
        wallet: PatientWallet,
        consent: GrantedConsent,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let consent_path = mirror
            .path(Registry::Consents, consent.leaf().to_field())
            .ok_or_else(|| missing("REV-3", "the consent is not in the registry", mirror))?;
        let witness = RevokeWitness { bundle: *mirror.bundle(), wallet, consent, consent_path };
        on(target, mirror, PolicyField::None, witness, rng)
    }
}
