//! Small deterministic secrets for the blank witnesses that give a circuit its shape.

use amanat_domain::bundle::{Bundle, PerRegistry, RegistryState};
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, GrantedConsent, HolderKey, Jurisdictions,
    OrgId, Purposes, RoleCode, UseLimit,
};
use amanat_domain::field::Fr;
use amanat_domain::identity::{PatientWallet, RoleCredential};
use amanat_domain::policy::{Recipient, RolePolicy, Scope};
use amanat_domain::secret::Secret;
use amanat_domain::time::{Period, Timestamp};
use amanat_domain::tree::{DEPTH, NonMembership, Path, Root};

pub(super) fn secret() -> Secret {
    Secret::new(Fr::from(1u64))
}

pub(super) fn wallet() -> PatientWallet {
    PatientWallet::from_secrets(secret(), secret())
}

pub(super) fn bundle() -> Bundle {
    let empty = RegistryState { root: Root::new(Fr::from(0u64)), count: 0 };
    Bundle { epoch: 0, time: Timestamp::MIN, registries: PerRegistry::from_fn(|_| empty) }
}

pub(super) fn path() -> Path {
    Path { index: 0, siblings: [[Fr::from(0u64); 3]; DEPTH] }
}

pub(super) fn absence() -> NonMembership {
    NonMembership { low_value: Fr::from(0u64), low_next: Fr::from(0u64), path: path() }
}

pub(super) fn granted() -> GrantedConsent {
    let terms = ConsentTerms::new(Vec::new(), Effect::Deny, String::new()).expect("no rules");
    let subject = wallet().subject().commitment();
    (1u64..)
        .find_map(|n| {
            let nonce = Secret::new(Fr::from(n));
            GrantedConsent::from_parts(terms.clone(), subject, UseLimit::UNLIMITED, nonce, secret())
        })
        .expect("one nonce in six has a revocation id")
}

pub(super) fn scope() -> Scope {
    Scope {
        purposes: Purposes::NONE,
        actions: Actions::NONE,
        categories: Categories::NONE,
        jurisdictions: Jurisdictions::NONE,
        confidentiality: Confidentiality::Low,
    }
}

pub(super) fn recipient() -> Recipient {
    let zero = Fr::from(0u64);
    Recipient { organisation: OrgId::new(zero), role: RoleCode::new(zero), holder: HolderKey::new(zero) }
}

pub(super) fn credential() -> RoleCredential {
    let Recipient { organisation, role, holder } = recipient();
    RoleCredential { holder, role, organisation, licence: Period::ALWAYS, salt: secret() }
}

pub(super) fn role_policy() -> RolePolicy {
    let Recipient { organisation, role, .. } = recipient();
    RolePolicy::new(vec![role], vec![organisation]).expect("one of each")
}
