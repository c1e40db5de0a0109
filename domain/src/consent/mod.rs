//! Consents as the circuits see them: at most eight flat rules and a default.

mod granted;
mod rule;

pub use crate::parties::{HolderKey, OrgId, RoleCode};
pub use granted::{
    CONSENT_WORDS, ConsentLeaf, ConsentWords, FIRST_WORDS, GrantedConsent, UseLimit, consent_leaf,
    grant_nullifier, revocation_word, terms_word, use_nullifier,
};
pub use rule::{
    Actions, Categories, Confidentiality, Effect, Grantee, Jurisdictions, Level, Purposes, RULE_WORDS, Rule,
    pack_periods,
};

use crate::time::Timestamp;

/// Most rules one consent can have.
pub const MAX_RULES: usize = 8;

/// A compiled consent: what a FHIR Consent says, without who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentTerms {
    rules: Vec<Rule>,
    default: Effect,
    policy: String,
}

/// A consent cannot have more than [`MAX_RULES`] rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the consent needs {0} flat rules; a consent holds at most {MAX_RULES}: split it into several consents"
)]
pub struct TooManyRules(pub usize);

impl ConsentTerms {
    /// The rules, what holds where none matches, and the policy's URI (may be empty).
    ///
    /// # Errors
    /// [`TooManyRules`] if there are more than [`MAX_RULES`].
    pub fn new(rules: Vec<Rule>, default: Effect, policy: String) -> Result<Self, TooManyRules> {
        if rules.len() > MAX_RULES {
            return Err(TooManyRules(rules.len()));
        }
        Ok(Self { rules, default, policy })
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What holds where no rule matches.
    #[must_use]
    pub fn default_effect(&self) -> Effect {
        self.default
    }

    /// The last instant at which a rule permits something; none if the default permits, or no rule
    /// does.
    #[must_use]
    pub fn permits_until(&self) -> Option<Timestamp> {
        let permits = self.rules.iter().filter(|rule| rule.effect == Effect::Permit);
        let last = permits.map(|rule| rule.validity.until()).max();
        last.filter(|_| self.default == Effect::Deny)
    }

    /// URI of the policy the consent refers to.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }
}
