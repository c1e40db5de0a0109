//! Intents: what is to be proved, parsed.

use amanat_domain::consent::{Actions, Categories, Confidentiality, Purposes};
use amanat_domain::labels::Labels;
use amanat_domain::policy::{ConsentRequest, RecordRequest, RolePolicy, Scope};
use amanat_domain::preset::{CLINICAL, TREATMENT};
use amanat_domain::statement::Statement;

/// What data is asked for, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeRequest {
    /// Purposes of use.
    pub purposes: Purposes,
    /// Actions.
    pub actions: Actions,
    /// Categories; `None`: every ordinary clinical category and those of the record. A request for
    /// the categories of one record alone would tell the ledger what the record holds.
    pub categories: Option<Categories>,
}

impl Default for ScopeRequest {
    /// Access for treatment.
    fn default() -> Self {
        Self { purposes: TREATMENT.purposes, actions: TREATMENT.actions, categories: None }
    }
}

/// A word that names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {word}; known: {known}")]
pub struct UnknownWord {
    what: &'static str,
    word: String,
    known: String,
}

pub(super) fn unknown<T>(what: &'static str, word: &str, all: &[(T, &str)]) -> UnknownWord {
    let known = all.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    UnknownWord { what, word: word.to_owned(), known }
}

impl ScopeRequest {
    /// Reads the codes of a purpose, of an action and of categories; no categories: see
    /// [`ScopeRequest::categories`].
    ///
    /// # Errors
    /// [`UnknownWord`].
    pub fn parse(purpose: &str, action: &str, categories: &[String]) -> Result<Self, UnknownWord> {
        let purposes =
            Purposes::by_name(purpose).ok_or_else(|| unknown("purpose", purpose, Purposes::NAMES))?;
        let actions = Actions::by_name(action).ok_or_else(|| unknown("action", action, Actions::NAMES))?;
        let mut all = Categories::NONE;
        for name in categories {
            let bit =
                Categories::by_name(name).ok_or_else(|| unknown("category", name, Categories::NAMES))?;
            all = all.union(bit);
        }
        Ok(Self { purposes, actions, categories: (!all.is_empty()).then_some(all) })
    }

    /// The scope of a request about a record with these labels.
    pub(super) fn of_record(&self, labels: Option<Labels>) -> Scope {
        let own = labels.map_or(Categories::NONE, |l| l.categories);
        let level = labels.map_or(Confidentiality::Normal, |l| l.confidentiality);
        Scope {
            purposes: self.purposes,
            actions: self.actions,
            categories: self.categories.unwrap_or_else(|| CLINICAL.union(own)),
            confidentiality: level.max(Confidentiality::Normal),
            ..TREATMENT
        }
    }
}

/// For whom a proof is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AudienceRequest {
    /// The name that prover and audience agreed on.
    pub name: String,
    /// The nonce of the audience's request; `None` draws one, for an audience that did not ask.
    pub nonce: Option<[u8; 32]>,
}

impl From<&str> for AudienceRequest {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), nonce: None }
    }
}

/// An access: S1, S2 and S3 about one hidden patient and record.
///
/// ```
/// use amanat_client::AccessRequest;
/// // For treatment, under the first consent, to a certain record of its patient.
/// let request = AccessRequest { record: Some(3), ..AccessRequest::new("dr-saima", 0) };
/// assert_eq!((request.holder.as_str(), request.consent), ("dr-saima", 0));
/// ```
#[derive(Debug, Clone)]
pub struct AccessRequest {
    /// The clinician.
    pub holder: String,
    /// The number of the consent.
    pub consent: u32,
    /// The number of the record; `None`: the first of the consent's patient.
    pub record: Option<u32>,
    /// What is asked for.
    pub scope: ScopeRequest,
    /// Who may ask; `None`: the clinician's role at every organisation of the home directory.
    pub policy: Option<RolePolicy>,
    /// The audience: who is to believe the proof.
    pub audience: AudienceRequest,
}

impl AccessRequest {
    /// Access for treatment to the first record of the consent's patient.
    #[must_use]
    pub fn new(holder: &str, consent: u32) -> Self {
        let (scope, audience) = (ScopeRequest::default(), AudienceRequest::default());
        Self { holder: holder.to_owned(), consent, record: None, scope, policy: None, audience }
    }
}

/// S1: a consent permits what an audience asked.
#[derive(Clone)]
pub struct ConsentProofRequest {
    /// The number of the consent.
    pub consent: u32,
    /// What the audience asked. It keeps its copy, for the transaction has the salted hash alone.
    pub asked: ConsentRequest,
    /// The audience.
    pub audience: AudienceRequest,
}

/// S2: a clinician's credential qualifies.
#[derive(Debug, Clone)]
pub struct RoleProofRequest {
    /// The clinician.
    pub holder: String,
    /// Who qualifies; `None`: the clinician's role at every organisation of the home directory.
    pub policy: Option<RolePolicy>,
    /// The audience.
    pub audience: AudienceRequest,
}

/// Which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordChoice {
    /// The record of this number in the vault.
    Number(u32),
    /// The first record of the patient of this consent.
    OfConsent(u32),
}

/// S3: an anchored record satisfies what an audience asked.
#[derive(Clone)]
pub struct RecordProofRequest {
    /// The record.
    pub record: RecordChoice,
    /// What the audience asked. It keeps its copy, for the transaction has the salted hash alone.
    /// The prover hands over the leaves that it names: show it to the patient's side first.
    pub asked: RecordRequest,
    /// The audience.
    pub audience: AudienceRequest,
}

/// Any proof.
#[derive(Clone)]
pub enum ProofRequest {
    /// See [`AccessRequest`].
    Access(AccessRequest),
    /// See [`ConsentProofRequest`].
    Consent(ConsentProofRequest),
    /// See [`RoleProofRequest`].
    Role(RoleProofRequest),
    /// See [`RecordProofRequest`].
    Record(RecordProofRequest),
}

impl ProofRequest {
    /// What is proved.
    #[must_use]
    pub const fn statement(&self) -> Statement {
        match self {
            Self::Access(_) => Statement::Access,
            Self::Consent(_) => Statement::Consent,
            Self::Role(_) => Statement::Role,
            Self::Record(_) => Statement::Record,
        }
    }

    /// The audience.
    #[must_use]
    pub const fn audience(&self) -> &AudienceRequest {
        match self {
            Self::Access(r) => &r.audience,
            Self::Consent(r) => &r.audience,
            Self::Role(r) => &r.audience,
            Self::Record(r) => &r.audience,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ScopeRequest;
    use amanat_domain::consent::{Categories, Confidentiality};
    use amanat_domain::labels::Labels;
    use amanat_domain::preset::{CLINICAL, TREATMENT};

    #[test]
    fn a_request_without_categories_asks_for_the_ordinary_ones_and_the_record_s() {
        let request = ScopeRequest::parse("TREAT", "access", &[]).expect("words");
        assert_eq!(request, ScopeRequest::default());
        assert!(request.of_record(None) == TREATMENT);
        let labels = Labels { categories: Categories::HIV, confidentiality: Confidentiality::VeryRestricted };
        let scope = request.of_record(Some(labels));
        assert_eq!(scope.categories, CLINICAL.union(Categories::HIV));
        assert_eq!(scope.confidentiality, Confidentiality::VeryRestricted);
        let named = ScopeRequest::parse("TREAT", "access", &["labs".to_owned()]).expect("words");
        assert_eq!(named.of_record(Some(labels)).categories, Categories::LABS);
    }

    #[test]
    fn unknown_words_are_told_with_the_known() {
        let said = ScopeRequest::parse("FUN", "access", &[]).expect_err("no purpose").to_string();
        assert!(said.starts_with("unknown purpose FUN; known: TREAT, "), "{said}");
    }
}
