//! A consent with its secrets: the opening of a leaf of the `consents` registry.

use super::{ConsentTerms, Effect, MAX_RULES, RULE_WORDS};
use crate::field::{Fr, hash_to_field};
use crate::identity::SubjectCommitment;
use crate::poseidon::{Tag, hash};
use crate::secret::Secret;
use crate::tree::RevocationId;
use rand::CryptoRng;

crate::field_newtype! {
    /// Leaf of the `consents` registry.
    ConsentLeaf
}

/// All rule words of a consent, padded.
pub const CONSENT_WORDS: usize = MAX_RULES * RULE_WORDS;
/// Rule words that go through the first hash.
pub const FIRST_WORDS: usize = 16;

/// How often a consent may be used: any number of times, or at most N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UseLimit(u32);

impl UseLimit {
    /// Any number of uses.
    pub const UNLIMITED: Self = Self(0);

    /// At most `n` uses, n > 0.
    #[must_use]
    pub const fn at_most(n: core::num::NonZeroU32) -> Self {
        Self(n.get())
    }

    /// The limit; `None` if unlimited.
    #[must_use]
    pub const fn limit(self) -> Option<u32> {
        if self.0 == 0 { None } else { Some(self.0) }
    }

    /// From the number a leaf commits to: 0 is unlimited.
    #[must_use]
    pub const fn from_u32(n: u32) -> Self {
        Self(n)
    }

    /// The number the leaf commits to: 0 is unlimited.
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        self.0
    }
}

/// A consent as the patient grants it. Says what a patient allows: no `Debug`.
#[derive(Clone)]
pub struct GrantedConsent {
    terms: ConsentTerms,
    subject: SubjectCommitment,
    limit: UseLimit,
    nonce: Secret,
    salt: Secret,
}

impl GrantedConsent {
    /// Draws nonce and salt. The nonce is drawn until its revocation id is below 2^251 (six tries
    /// on average), so that what was granted can be revoked.
    pub fn new(
        terms: ConsentTerms,
        subject: SubjectCommitment,
        limit: UseLimit,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let nonce = loop {
            let nonce = Secret::random(rng);
            if revocation_id(nonce.expose(), subject).is_some() {
                break nonce;
            }
        };
        Self { terms, subject, limit, nonce, salt: Secret::random(rng) }
    }

    /// From stored parts; `None` if the nonce has no revocation id.
    #[must_use]
    pub fn from_parts(
        terms: ConsentTerms,
        subject: SubjectCommitment,
        limit: UseLimit,
        nonce: Secret,
        salt: Secret,
    ) -> Option<Self> {
        revocation_id(nonce.expose(), subject).is_some().then_some(Self {
            terms,
            subject,
            limit,
            nonce,
            salt,
        })
    }

    /// What it says.
    #[must_use]
    pub const fn terms(&self) -> &ConsentTerms {
        &self.terms
    }

    /// Its subject.
    #[must_use]
    pub const fn subject(&self) -> SubjectCommitment {
        self.subject
    }

    /// How often it may be used.
    #[must_use]
    pub const fn limit(&self) -> UseLimit {
        self.limit
    }

    /// The nonce: keys revocation, grant and use nullifiers.
    #[must_use]
    pub const fn nonce(&self) -> &Secret {
        &self.nonce
    }

    /// Hides the rest of the leaf.
    #[must_use]
    pub const fn salt(&self) -> &Secret {
        &self.salt
    }

    /// The words the leaf commits to.
    #[must_use]
    pub fn words(&self) -> ConsentWords {
        let mut rules = [Fr::from(0u64); CONSENT_WORDS];
        for (slot, rule) in rules.chunks_exact_mut(RULE_WORDS).zip(self.terms.rules()) {
            slot.copy_from_slice(&rule.to_words());
        }
        ConsentWords {
            rules,
            subject: self.subject.to_field(),
            terms: terms_word(self.terms.default_effect(), self.limit),
            nonce: self.nonce.expose(),
            policy: hash_to_field("amanat/consent/policy/v1", &[self.terms.policy().as_bytes()]),
            salt: self.salt.expose(),
        }
    }

    /// Leaf of the `consents` registry.
    #[must_use]
    pub fn leaf(&self) -> ConsentLeaf {
        self.words().leaf()
    }

    /// What revoking publishes.
    #[must_use]
    pub fn revocation_id(&self) -> RevocationId {
        revocation_id(self.nonce.expose(), self.subject).expect("checked when the consent was made")
    }
}

fn revocation_id(nonce: Fr, subject: SubjectCommitment) -> Option<RevocationId> {
    RevocationId::new(revocation_word(nonce, subject.to_field()))
}

/// `H(Revoke; nonce, subject)`: what revoking publishes. With the subject in it, nobody but the
/// subject can publish it: another who knows the nonce could grant a consent under it, and revoke
/// that.
#[must_use]
pub fn revocation_word(nonce: Fr, subject: Fr) -> Fr {
    hash(Tag::Revoke, &[nonce, subject])
}

/// Default effect in bit 0, use limit in bits 1..=32.
#[must_use]
pub fn terms_word(default: Effect, limit: UseLimit) -> Fr {
    Fr::from(default as u64 | u64::from(limit.to_u32()) << 1)
}

/// The opening of a consent leaf as field elements.
#[derive(Clone)]
pub struct ConsentWords {
    /// Eight rules of [`RULE_WORDS`] words; padding rules are zero.
    pub rules: [Fr; CONSENT_WORDS],
    /// Subject commitment.
    pub subject: Fr,
    /// Default effect and use limit.
    pub terms: Fr,
    /// Nonce.
    pub nonce: Fr,
    /// Hash of the policy URI.
    pub policy: Fr,
    /// Salt.
    pub salt: Fr,
}

impl ConsentWords {
    /// `H(Rules; w_0..w_15)`.
    #[must_use]
    pub fn first_digest(&self) -> Fr {
        hash(Tag::Rules, &self.rules[..FIRST_WORDS])
    }

    /// `H(Consent; H(Rules; w_0..w_15), w_16..w_23, subject, terms, nonce, policy, salt)`.
    #[must_use]
    pub fn leaf(&self) -> ConsentLeaf {
        consent_leaf(
            self.first_digest(),
            &self.rules[FIRST_WORDS..],
            [self.subject, self.terms, self.nonce, self.policy, self.salt],
        )
    }
}

/// The outer hash of a consent leaf.
#[must_use]
pub fn consent_leaf(first_digest: Fr, last_words: &[Fr], tail: [Fr; 5]) -> ConsentLeaf {
    let mut inputs = Vec::with_capacity(14);
    inputs.push(first_digest);
    inputs.extend_from_slice(last_words);
    inputs.extend_from_slice(&tail);
    ConsentLeaf::new(hash(Tag::Consent, &inputs))
}

/// `H(GrantNullifier; nonce, s)`: one grant per nonce and wallet.
#[must_use]
pub fn grant_nullifier(nonce: Fr, wallet_secret: Fr) -> Fr {
    hash(Tag::GrantNullifier, &[nonce, wallet_secret])
}

/// `H(Use; nonce, subject, i)`: the i-th use of a consent.
#[must_use]
pub fn use_nullifier(nonce: Fr, subject: Fr, index: u64) -> Fr {
    hash(Tag::Use, &[nonce, subject, Fr::from(index)])
}
