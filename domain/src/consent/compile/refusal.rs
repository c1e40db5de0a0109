//! Why a consent was not compiled, or not to the letter.

use crate::fhir::DateError;

/// A consent that was not compiled: which provision, why. Says nothing of the patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Refusal {
    /// Path of the element: `Consent.provision.provision[0].purpose[1]`.
    pub path: String,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a consent was not compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// Another resource.
    #[error("not a Consent")]
    NotAConsent,
    /// Wrong JSON type, null, or an empty list.
    #[error("not as FHIR R4 has it")]
    Malformed,
    /// Not an R4 element.
    #[error("an element that FHIR R4 does not have here, or null: it may be a condition")]
    UnknownElement,
    /// modifierExtension, implicitRules.
    #[error("a modifierExtension or implicitRules may change what the consent means")]
    Modifier,
    /// Not active.
    #[error("the status is {0}: only an active consent is compiled")]
    Status(&'static str),
    /// Treatment, advance directive.
    #[error("not a consent about data")]
    NotAboutData,
    /// No verified entry.
    #[error("marked as not verified")]
    NotVerified,
    /// Neither base policy nor provision.
    #[error("neither a base policy nor a provision: the consent says nothing")]
    SaysNothing,
    /// No `type` where it matters.
    #[error("the type is missing: the text does not say whether it grants or withholds")]
    NoType,
    /// Nested deeper than once.
    #[error("nested deeper than one level")]
    TooDeep,
    /// `code`, `data`.
    #[error("cannot be represented in a flat rule")]
    NotRepresentable,
    /// A coding without system or code.
    #[error("no system and code")]
    Uncoded,
    /// An unknown code.
    #[error("the code is not known; leaving it out would change what is allowed")]
    UnknownCode,
    /// Codes that disagree.
    #[error("the codes contradict each other")]
    Contradiction,
    /// A code that shares its bit.
    #[error("a permit for this code would also cover related codes")]
    CodeShared,
    /// A resource type that shares its category.
    #[error(
        "a permit for these resource types would also cover other types of the same category: name all of them"
    )]
    ClassShared,
    /// Sensitivity without confidentiality.
    #[error(
        "a permit for labelled data only would also cover data without the label, which nothing else permits: name the \
         confidentiality as well"
    )]
    ClearanceOnly,
    /// Actor without role.
    #[error("the actor has no role")]
    NoRole,
    /// Actor who is not a recipient.
    #[error("the actor's role is not that of a recipient")]
    NotARecipient,
    /// No reference.
    #[error("no reference")]
    NoReference,
    /// An actor the directory does not know.
    #[error("the actor is not known to the directory")]
    UnknownActor,
    /// An actor that is not certainly the parent's.
    #[error("the actor is not certainly among the parent's: whether the permit applies cannot be decided")]
    ActorOutsideParent,
    /// An extension.
    #[error("an unknown extension: it may be a condition")]
    UnknownExtension,
    /// A bad date.
    #[error("{0}")]
    Date(DateError),
    /// An empty period.
    #[error("the period holds no instant that is certain in every zone its dates may be meant in")]
    EmptyPeriod,
    /// More than fit.
    #[error("needs {needed} flat rules, at most {most} fit: split it into several consents")]
    TooManyRules {
        /// How many.
        needed: usize,
        /// How many fit.
        most: usize,
    },
}

/// How a rule differs from its provision: a deny that covers more, a permit that covers less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// The actor's role is about the data's past.
    #[error("the actor is not a recipient, so the deny covers every recipient")]
    EveryRecipient,
    /// A sensitivity code without a bit of its own.
    #[error("the deny covers related sensitivities as well")]
    SensitivityWidened,
    /// Class and sensitivity.
    #[error("the deny covers the sensitivity in every class")]
    EveryClass,
    /// A sensitivity alone, under a parent with a confidentiality.
    #[error("no confidentiality of its own, so it goes up to its parent's")]
    ParentConfidentiality,
    /// Scope or category bounds it.
    #[error("bounded by the consent's scope and category")]
    Ceiling,
    /// Nothing in common with its parent.
    #[error("it has nothing in common with its parent and never applies")]
    NeverApplies,
}
