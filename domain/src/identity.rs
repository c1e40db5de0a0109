//! Patients and role holders: their secrets and what the ledger sees of them.

use crate::field::Fr;
use crate::parties::{HolderKey, OrgId, RoleCode};
use crate::poseidon::{Tag, hash};
use crate::secret::Secret;
use crate::time::{Period, TIME_BITS, Timestamp};
use rand::CryptoRng;

crate::field_newtype! {
    /// Leaf of the `subjects` registry: `H(Subject; patient key, detection key)`.
    SubjectCommitment
}
crate::field_newtype! {
    /// Leaf of the `roles` registry: `H(Role; role, organisation, inner)`.
    RoleLeaf
}
crate::field_newtype! {
    /// Private half of a credential: `H(RoleInner; holder key, licence period, salt)`.
    RoleInner
}

/// A patient's wallet: the wallet secret `s` and the uniqueness key `u`.
///
/// `s` is drawn on the phone and lost with it; `u` is recoverable. The detection key, derived from
/// `s`, is handed to custodians with the subject commitment: it lets the holder *recognise* the
/// patient's events, never act as the patient.
pub struct PatientWallet {
    s: Secret,
    u: Secret,
}

/// What a custodian knows of a patient: the opening of the subject commitment.
#[derive(Clone)]
pub struct Subject {
    patient_key: Fr,
    detection_key: Secret,
}

impl PatientWallet {
    /// A fresh wallet.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self { s: Secret::random(rng), u: Secret::random(rng) }
    }

    /// From stored secrets.
    #[must_use]
    pub const fn from_secrets(s: Secret, u: Secret) -> Self {
        Self { s, u }
    }

    /// The wallet secret.
    #[must_use]
    pub const fn wallet_secret(&self) -> &Secret {
        &self.s
    }

    /// The uniqueness key.
    #[must_use]
    pub const fn uniqueness_key(&self) -> &Secret {
        &self.u
    }

    /// What custodians are given.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            patient_key: patient_key(self.s.expose(), self.u.expose()),
            detection_key: Secret::new(hash(Tag::DetectionKey, &[self.s.expose()])),
        }
    }
}

/// `H(PatientKey; s, u)`.
#[must_use]
pub fn patient_key(s: Fr, u: Fr) -> Fr {
    hash(Tag::PatientKey, &[s, u])
}

impl Subject {
    /// From its parts.
    #[must_use]
    pub const fn new(patient_key: Fr, detection_key: Secret) -> Self {
        Self { patient_key, detection_key }
    }

    /// `H(PatientKey; s, u)`.
    #[must_use]
    pub const fn patient_key(&self) -> Fr {
        self.patient_key
    }

    /// The detection key `d`.
    #[must_use]
    pub const fn detection_key(&self) -> &Secret {
        &self.detection_key
    }

    /// The leaf of the `subjects` registry.
    #[must_use]
    pub fn commitment(&self) -> SubjectCommitment {
        SubjectCommitment::new(hash(Tag::Subject, &[self.patient_key, self.detection_key.expose()]))
    }

    /// The detection tag of this subject for a context.
    #[must_use]
    pub fn detection_tag(&self, ctx: Fr) -> Fr {
        hash(Tag::Detect, &[self.detection_key.expose(), ctx])
    }
}

/// The secret of a role holder (clinician, officer, ..): `s_h`.
pub struct HolderSecret(Secret);

impl HolderSecret {
    /// A fresh one.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// From a stored secret.
    #[must_use]
    pub const fn from_secret(secret: Secret) -> Self {
        Self(secret)
    }

    /// The secret.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }

    /// `H(HolderKey; s_h)`: what an issuer certifies and a consent may name.
    #[must_use]
    pub fn key(&self) -> HolderKey {
        HolderKey::new(hash(Tag::HolderKey, &[self.0.expose()]))
    }
}

/// A role credential: who (by key) holds which role where, with which licence.
///
/// The issuing organisation publishes role and [`RoleInner`]; the ledger computes the leaf from
/// them and the issuer's id, so nobody can issue in another's name. Holder, licence and salt stay
/// private.
#[derive(Clone)]
pub struct RoleCredential {
    /// The holder's key.
    pub holder: HolderKey,
    /// The role.
    pub role: RoleCode,
    /// The issuing organisation.
    pub organisation: OrgId,
    /// When the licence is valid.
    pub licence: Period,
    /// Hides the rest.
    pub salt: Secret,
}

impl RoleCredential {
    /// The private half, as published on issue.
    #[must_use]
    pub fn inner(&self) -> RoleInner {
        RoleInner::new(hash(
            Tag::RoleInner,
            &[self.holder.to_field(), pack_period(&self.licence), self.salt.expose()],
        ))
    }

    /// The leaf of the `roles` registry.
    #[must_use]
    pub fn leaf(&self) -> RoleLeaf {
        role_leaf(self.role, self.organisation, self.inner())
    }
}

/// `H(Role; role, organisation, inner)`: computed by the ledger when a role is issued.
#[must_use]
pub fn role_leaf(role: RoleCode, organisation: OrgId, inner: RoleInner) -> RoleLeaf {
    RoleLeaf::new(hash(Tag::Role, &[role.to_field(), organisation.to_field(), inner.to_field()]))
}

/// `from + until * 2^40`.
#[must_use]
pub fn pack_period(period: &Period) -> Fr {
    Fr::from(u128::from(period.from().seconds()) | u128::from(period.until().seconds()) << TIME_BITS)
}

/// Length of a shift: a session pseudonym is linkable within one, never across.
pub const SHIFT_SECONDS: u64 = 8 * 3600;

/// Number of the shift a time falls in.
#[must_use]
pub const fn shift_of(time: Timestamp) -> u64 {
    time.seconds() / SHIFT_SECONDS
}

/// `H(Session; s_h, shift)`.
#[must_use]
pub fn session_pseudonym(holder_secret: Fr, shift: u64) -> Fr {
    hash(Tag::Session, &[holder_secret, Fr::from(shift)])
}
