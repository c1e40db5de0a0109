//! A compiled consent: its terms, its patient, and in words where each term came from.

use super::Note;
use crate::consent::{ConsentTerms, Effect, Grantee, Level, Rule};
use crate::fhir::SubjectReference;
use crate::time::{Period, Timestamp};

/// A compiled consent: its terms, its patient, and where each part of the terms came from.
///
/// A wallet takes the terms only through [`Compiled::terms_for`], which asks whether its patient is
/// the one named.
#[derive(Clone, PartialEq, Eq)]
pub struct Compiled {
    pub(super) terms: ConsentTerms,
    pub(super) origins: Vec<Origin>,
    pub(super) dropped: Vec<Origin>,
    pub(super) default_from: &'static str,
    pub(super) validity: Period,
    pub(super) patient: SubjectReference,
}

/// The provision something came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its path: `Consent.provision.provision[1]`.
    pub path: String,
    /// A named party: the consent's reference, with the directory's name for it.
    pub whom: String,
    /// How the rule differs from the text, if it does.
    pub notes: Vec<Note>,
}

/// The consent is of another patient than the wallet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Consent.patient: the consent is of another patient")]
pub struct AnotherPatient;

impl Compiled {
    /// The terms, to look at. For a wallet they come from [`Compiled::terms_for`].
    #[must_use]
    pub const fn terms(&self) -> &ConsentTerms {
        &self.terms
    }

    /// The patient, as the consent names the patient.
    #[must_use]
    pub const fn patient(&self) -> &SubjectReference {
        &self.patient
    }

    /// The terms for the wallet of one patient. `is_theirs` tells whether the reference means that
    /// patient.
    ///
    /// # Errors
    /// [`AnotherPatient`] if it does not.
    pub fn terms_for(
        &self,
        is_theirs: impl FnOnce(&SubjectReference) -> bool,
    ) -> Result<ConsentTerms, AnotherPatient> {
        if is_theirs(&self.patient) { Ok(self.terms.clone()) } else { Err(AnotherPatient) }
    }

    /// The terms, although nobody asked whose consent it is: the caller was told to, or grants
    /// nothing with them.
    #[must_use]
    pub fn into_terms_even_so(self) -> ConsentTerms {
        self.terms
    }

    /// The provision each rule came from, in the order of the rules.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// Permits that can never apply, and so became no rule.
    #[must_use]
    pub fn dropped(&self) -> &[Origin] {
        &self.dropped
    }

    /// The root provision's period.
    #[must_use]
    pub const fn validity(&self) -> Period {
        self.validity
    }

    /// The last instant of a consent that is over at `time`: its period has ended, or the last of
    /// its permits has.
    #[must_use]
    pub fn over_since(&self, time: Timestamp) -> Option<Timestamp> {
        let ends = [Some(self.validity.until()), self.terms.permits_until()];
        ends.into_iter().flatten().min().filter(|end| *end < time)
    }

    /// Whether the consent is over at `time`.
    #[must_use]
    pub fn expired_at(&self, time: Timestamp) -> bool {
        self.over_since(time).is_some()
    }

    /// The first instant of a consent whose period has not begun at `time`.
    #[must_use]
    pub fn not_before(&self, time: Timestamp) -> Option<Timestamp> {
        Some(self.validity.from()).filter(|begin| *begin > time)
    }

    /// Whether a rule would be another if the zone of the consent's dates were known.
    #[must_use]
    pub fn depends_on_zone(&self) -> bool {
        let of_zone = |note: &Note| {
            matches!(
                note,
                Note::BeginsLate | Note::HasBegun | Note::EndsEarly | Note::DataInward | Note::EveryZone
            )
        };
        self.origins.iter().any(|origin| origin.notes.iter().any(of_zone))
    }

    /// What holds if no rule matches, and why.
    #[must_use]
    pub fn explain_default(&self) -> String {
        let default = if self.terms.default_effect() == Effect::Permit { "permit" } else { "deny" };
        format!("otherwise {default}, from {}", self.default_from)
    }

    /// For a person to read: each rule, the provision it came from, and how it differs from the
    /// text.
    #[must_use]
    pub fn explain(&self) -> String {
        use core::fmt::Write as _;
        let mut out = String::new();
        let notes = |notes: &[Note]| notes.iter().map(|n| format!("\n  - {n}")).collect::<String>();
        for (n, (rule, origin)) in self.terms.rules().iter().zip(&self.origins).enumerate() {
            let _ = writeln!(
                out,
                "rule {n} from {}: {}{}",
                origin.path,
                describe(rule, &origin.whom),
                notes(&origin.notes)
            );
        }
        for origin in &self.dropped {
            let _ = writeln!(out, "no rule from {}{}", origin.path, notes(&origin.notes));
        }
        let _ = writeln!(out, "{}", self.explain_default());
        out
    }
}

/// Names nobody: the patient and whom the rules are about are left out.
impl core::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Compiled").field("rules", &self.terms.rules().len()).finish_non_exhaustive()
    }
}

fn describe(rule: &Rule, whom: &str) -> String {
    let effect = if rule.effect == Effect::Permit { "permit" } else { "deny" };
    let level = if rule.level == Level::Root { "root" } else { "nested" };
    let side = if rule.effect == Effect::Permit { "up to" } else { "from" };
    let whom = match rule.grantee {
        Grantee::Any => "anyone".to_owned(),
        Grantee::Organisation(_) => format!("the organisation {whom}"),
        Grantee::Role(_) => format!("the role {whom}"),
        Grantee::OrganisationRole(..) => format!("the role at an organisation {whom}"),
        Grantee::Holder(_) => format!("the person {whom}"),
    };
    let Rule { purposes, actions, categories, jurisdictions, .. } = rule;
    format!(
        "{effect} ({level}) to {whom}: purposes {purposes}, actions {actions}, categories {categories}, {side} {:?} \
         confidentiality, jurisdictions {jurisdictions}, valid {} to {}, data of {} to {}",
        rule.confidentiality,
        rule.validity.from(),
        rule.validity.until(),
        rule.data_period.from(),
        rule.data_period.until(),
    )
}
