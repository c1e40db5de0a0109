//! Planning S1: the consent's opening shows that a request is permitted.

use super::{Plan, Target, missing, on};
use amanat_circuits::Denied;
use amanat_circuits::statements::consent::ConsentWitness;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::GrantedConsent;
use amanat_domain::identity::Subject;
use amanat_domain::mirror::Mirror;
use amanat_domain::policy::ConsentRequest;
use amanat_domain::tx::PolicyField;
use rand::CryptoRng;

/// A planned S1.
pub type ConsentPlan = Plan<ConsentWitness>;

/// A consent with whose it is and how often it was used.
#[derive(Clone)]
pub struct ConsentInput {
    /// The subject, as custodians know it.
    pub subject: Subject,
    /// The consent's opening.
    pub consent: GrantedConsent,
    /// Uses so far, if it has a limit.
    pub used: u64,
}

impl ConsentPlan {
    /// S1: a holder of the consent's opening shows that it permits a request.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn consent(
        target: &Target,
        mirror: &Mirror,
        input: ConsentInput,
        request: ConsentRequest,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let ConsentInput { subject, consent, used } = input;
        let consent_path = mirror
            .path(Registry::Consents, consent.leaf().to_field())
            .ok_or_else(|| missing("CON-3", "the consent is not in the registry", mirror))?;
        let unrevoked = mirror
            .absence(consent.revocation_id())
            .ok_or_else(|| missing("CON-4", "the consent was revoked", mirror))?;
        let use_index = use_index(&consent, used, rng);
        let policy = PolicyField::Sealed(request.policy_hash());
        let bundle = *mirror.bundle();
        let witness =
            ConsentWitness { bundle, subject, consent, consent_path, unrevoked, request, use_index };
        on(target, mirror, policy, witness, rng)
    }
}

/// A use index: below the limit as the caller counts, random where there is no limit.
pub(super) fn use_index(consent: &GrantedConsent, used: u64, rng: &mut impl CryptoRng) -> u64 {
    match consent.limit().limit() {
        Some(_) => used,
        None => {
            let mut bytes = [0u8; 8];
            rng.fill_bytes(&mut bytes);
            u64::from_le_bytes(bytes)
        }
    }
}
