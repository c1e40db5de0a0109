//! How a rule differs from its provision.

use crate::consent::{Actions, Categories, Purposes};

/// How a rule differs from its provision: a deny that covers more, a permit that covers less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// The actor's role is about the data's past.
    #[error("the actor is not a recipient, so the deny covers every recipient")]
    EveryRecipient,
    /// A resource type of a deny that shares its category, or has no records.
    #[error("the deny of {class} covers the whole of {to}")]
    ClassWidened {
        /// The FHIR type.
        class: &'static str,
        /// The categories denied.
        to: Categories,
    },
    /// A resource type of a permit without records.
    #[error("no record is a {0}, so the permit leaves it out")]
    NoRecords(&'static str),
    /// `code` of a deny, all codes sensitive.
    #[error("the deny of single codes covers all data of the sensitivity {0}")]
    CodeAsSensitivity(Categories),
    /// `code` of a deny.
    #[error("the deny of single codes covers all codes")]
    EveryCode,
    /// `data` of a deny, single records.
    #[error("the deny of single records covers all of {0}")]
    RecordsAsClass(Categories),
    /// `data` of a deny.
    #[error("the deny of single records covers all records")]
    EveryRecord,
    /// A sensitivity code that shares its bit with others.
    #[error("the deny covers related sensitivities as well")]
    SensitivityWidened,
    /// A label that is not known.
    #[error(
        "the deny of a label that is not known covers every sensitivity, as data with such a label counts"
    )]
    EverySensitivity,
    /// Class and sensitivity.
    #[error("the deny covers the sensitivity in every class")]
    EveryClass,
    /// A sensitivity alone, under a parent with a confidentiality.
    #[error("it names no confidentiality, so it goes up to its parent's")]
    ParentConfidentiality,
    /// Purposes that scope or category leave.
    #[error("{by} leaves the purposes {left} and takes away {}", others(.taken))]
    Purposes {
        /// The scope or category.
        by: &'static str,
        /// What is left.
        left: Purposes,
        /// What was taken away.
        taken: Purposes,
    },
    /// Actions that a category leaves.
    #[error("{by} leaves the actions {left} and takes away {taken}")]
    Actions {
        /// The category.
        by: &'static str,
        /// What is left.
        left: Actions,
        /// What was taken away.
        taken: Actions,
    },
    /// A permit's first day, of unknown zone.
    #[error("the zone of its first day is not known, so it begins when that day has begun everywhere")]
    BeginsLate,
    /// A permit's first day, not after the day the consent was made.
    #[error("the consent was made on or after its first day, so that day had begun where it was made")]
    HasBegun,
    /// A permit's last day, of unknown zone.
    #[error("the zone of its last day is not known, so it ends when that day ends first anywhere")]
    EndsEarly,
    /// A permit's data period, of unknown zone.
    #[error(
        "the zone of its data period is not known, so it covers only what lies in the period in every zone"
    )]
    DataInward,
    /// A deny's periods, of unknown zone.
    #[error("the zone of its dates is not known, so the deny covers these days in every zone")]
    EveryZone,
    /// Nothing in common with its parent.
    #[error("it has nothing in common with its parent and never applies")]
    NeverApplies,
    /// Nothing left by scope and category.
    #[error("scope and category leave nothing of it")]
    NothingLeft,
}

/// What was taken from a rule with all purposes has bits without a name.
fn others(taken: &Purposes) -> String {
    let named = Purposes::NAMES.iter().fold(Purposes::NONE, |all, (bit, _)| all.union(*bit));
    if taken.is_subset(named) { taken.to_string() } else { "every other".to_owned() }
}
