//! Why a consent was not compiled: all that stands in the way, not only the first.

use core::cell::RefCell;

use crate::fhir::DateError;
use crate::fhir::node::Node;

/// Most refusals kept for one consent; the rest are counted.
const MAX_REFUSALS: usize = 64;

/// One thing that stands in the way of compiling a consent: which element, why. Says nothing of the
/// patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Refusal {
    /// Path of the element: `Consent.provision.provision[0].purpose[1]`.
    pub path: String,
    /// Why.
    pub reason: RefusalReason,
}

/// All that stands in the way of compiling a consent: at least one [`Refusal`], in the order of
/// reading. One a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    all: Vec<Refusal>,
    more: usize,
}

impl Refusals {
    /// The refusals; never empty.
    #[must_use]
    pub fn all(&self) -> &[Refusal] {
        &self.all
    }

    /// Number of refusals beyond those in [`Refusals::all`], which keeps the first 64.
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }
}

impl core::fmt::Display for Refusals {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (n, refusal) in self.all.iter().enumerate() {
            let end = if n + 1 < self.all.len() || self.more > 0 { "\n" } else { "" };
            write!(f, "{refusal}{end}")?;
        }
        if self.more > 0 {
            write!(f, "and {} more", self.more)?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusals {}

/// An element was refused. Only a [`Sink`] makes it, and keeps the reason.
pub(super) struct Refused {
    _by_the_sink: (),
}

/// Collects the refusals of one consent.
#[derive(Default)]
pub(super) struct Sink(RefCell<(Vec<Refusal>, usize)>);

impl Sink {
    pub(super) fn path(&self, path: String, reason: RefusalReason) -> Refused {
        let (all, more) = &mut *self.0.borrow_mut();
        let refusal = Refusal { path, reason };
        // A provision may be read twice: once as it is typed, once as the parent of what is nested
        // in it.
        if !all.contains(&refusal) {
            if all.len() < MAX_REFUSALS { all.push(refusal) } else { *more += 1 }
        }
        Refused { _by_the_sink: () }
    }

    pub(super) fn node(&self, node: &Node<'_, '_>, reason: RefusalReason) -> Refused {
        self.path(node.path(), reason)
    }

    /// What `node` has under a key that is not in our tables. A key that does not look like an
    /// element is not shown.
    pub(super) fn member(&self, node: &Node<'_, '_>, key: &str, reason: RefusalReason) -> Refused {
        let name = key.strip_prefix('_').unwrap_or(key);
        let plain = name.len() <= 48
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric());
        self.path(format!("{}.{}", node.path(), if plain { key } else { "?" }), reason)
    }

    /// The refusals, if there are any.
    pub(super) fn into_refusals(self) -> Option<Refusals> {
        let (all, more) = self.0.into_inner();
        (!all.is_empty()).then_some(Refusals { all, more })
    }

    /// Takes over the refusals of another reading, of the same elements or of others.
    pub(super) fn take(&self, other: &Self) {
        let (theirs, more) = &*other.0.borrow();
        let known = theirs.iter().filter(|refusal| self.0.borrow().0.contains(refusal)).count();
        for refusal in theirs {
            self.path(refusal.path.clone(), refusal.reason);
        }
        // What was not kept was of the same elements as well, if any of what was kept is known.
        if known == 0 {
            self.0.borrow_mut().1 += more;
        }
    }
}

/// Why a consent was not compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// Another resource.
    #[error("{0}, not a Consent")]
    NotAConsent(&'static str),
    /// Wrong JSON type.
    #[error("expected {expected}, got {got}")]
    WrongType {
        /// What FHIR says.
        expected: &'static str,
        /// What was there.
        got: &'static str,
    },
    /// `null`.
    #[error("null: FHIR has no null here, and a condition may be lost with it")]
    Null,
    /// An empty list or object.
    #[error("empty: it means neither all nor none, and FHIR does not allow it")]
    Empty,
    /// Absent.
    #[error("missing; R4 requires it")]
    Missing,
    /// No scope, but a category that is one.
    #[error(
        "missing; R4 requires it (a category has a code of consentscope; a category is not read as the scope)"
    )]
    ScopeInCategory,
    /// An element of another version of FHIR.
    #[error("an element of FHIR {version}; R4 has {instead}, and only R4 is read")]
    OtherVersion {
        /// Versions that have it.
        version: &'static str,
        /// What R4 has.
        instead: &'static str,
    },
    /// Not an R4 element.
    #[error("FHIR R4 has no such element here: it may be a condition")]
    UnknownElement,
    /// modifierExtension, implicitRules.
    #[error("may change what the consent means, and is not understood")]
    Modifier,
    /// Not active.
    #[error("{0}: only an active consent is compiled")]
    Status(&'static str),
    /// No status of R4.
    #[error("not a status that R4 has: only an active consent is compiled")]
    UnknownStatus,
    /// Treatment, advance directive.
    #[error("{0}: not a consent about data")]
    NotAboutData(&'static str),
    /// No verified entry.
    #[error("marked as not verified")]
    NotVerified,
    /// Neither base policy nor provision.
    #[error("missing, and no policyRule says OPTIN or OPTOUT: the consent says nothing")]
    SaysNothing,
    /// No `type` where it matters.
    #[error("the type is missing: the text does not say whether it grants or withholds")]
    NoType,
    /// Nested deeper than once.
    #[error("nested deeper than one level: a consent is compiled to two levels of rules")]
    TooDeep,
    /// `code`, `data` of a permit.
    #[error(
        "cannot be represented in a permit: rules know classes and sensitivities of data, not single codes or records"
    )]
    NotRepresentable,
    /// A coding without system or code.
    #[error("no system and code")]
    Uncoded,
    /// Several codings where one is read.
    #[error("several codes: one may take back what another gives")]
    SeveralCodes,
    /// A system that is not read here.
    #[error(
        "not a code of {0}, and no other code system is read here; leaving it out would change what is allowed"
    )]
    UnknownSystem(&'static str),
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
    /// Only types without records.
    #[error("no record is of any of these resource types, so a permit for them would permit nothing")]
    NoRecords,
    /// Sensitivity without confidentiality.
    #[error(
        "a permit for labelled data only would also cover data without the label, which nothing else permits: name the \
         confidentiality as well"
    )]
    ClearanceOnly,
    /// Actor without role.
    #[error("the actor has no role: IRCP or PRCP says that it receives")]
    NoRole,
    /// Actor who is not a recipient.
    #[error("the actor's role is not that of a recipient (IRCP, PRCP)")]
    NotARecipient,
    /// No reference.
    #[error("names nobody: neither reference nor identifier")]
    NoReference,
    /// A patient who is none.
    #[error("refers to another type of resource than Patient")]
    NotAPatient,
    /// An actor the directory does not know.
    #[error(
        "the actor is not known to the directory: organisations are known as `Organization/ID`, people and roles by the \
         reference they were enrolled under"
    )]
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
    /// A period that ends before it begins.
    #[error("ends before it begins")]
    Reversed,
    /// A period of which no instant is certain.
    #[error("holds no instant that is certain in every zone its dates may be meant in: give the zone")]
    EmptyPeriod,
    /// More than fit.
    #[error("needs {needed} flat rules, at most {most} fit: split it into several consents")]
    TooManyRules {
        /// Number needed.
        needed: usize,
        /// Number that fits.
        most: usize,
    },
}
