//! What was wrong with a file, and where: place, path and reason, never a value.

use super::date::DateError;
use super::decimal::DecimalError;
use super::json::JsonErrorKind;

/// Where in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line, from 1, in newline-delimited JSON.
    pub line: Option<u64>,
    /// Entry of a Bundle, from 0.
    pub entry: Option<u64>,
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.line, self.entry) {
            (Some(line), Some(entry)) => write!(f, "line {line}, entry {entry}"),
            (Some(line), None) => write!(f, "line {line}"),
            (None, Some(entry)) => write!(f, "entry {entry}"),
            (None, None) => f.write_str("file"),
        }
    }
}

/// What was not read because of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// Nothing.
    Nothing,
    /// One element: the record lacks it. Its digest still covers it.
    Element,
    /// One resource.
    Resource,
    /// The rest of the file.
    RestOfFile,
}

/// Why something was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(std::io::ErrorKind),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// A UTF-8 byte order mark; skipped.
    #[error("the file begins with a byte order mark; it was skipped")]
    ByteOrderMark,
    /// UTF-16 or UTF-32.
    #[error("the file is UTF-16 or UTF-32; FHIR JSON is UTF-8")]
    Utf16,
    /// Not strict JSON.
    #[error("{0}")]
    Json(#[from] JsonErrorKind),
    /// More than one document in a file that is not newline-delimited.
    #[error("text after the document")]
    TrailingText,
    /// Larger than the limit.
    #[error("larger than the limit of {limit} bytes for one resource")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Not a JSON object.
    #[error("expected a FHIR resource (an object), got {got}")]
    NotAnObject {
        /// What was there.
        got: &'static str,
    },
    /// No `resourceType`.
    #[error("not FHIR: no resourceType")]
    NoResourceType,
    /// A FHIR type we make no records of.
    #[error("unsupported: resources of type {0} are not read")]
    Unsupported(&'static str),
    /// Not a FHIR R4 type.
    #[error("resourceType names no FHIR R4 resource")]
    UnknownType,
    /// A Bundle entry without resource (a deletion, a response).
    #[error("the entry has no resource")]
    NoResource,
    /// A deletion or patch.
    #[error("the entry asks for something else than storing its resource; it is not read")]
    NotAStore,
    /// Wrong JSON type.
    #[error("expected {expected}, got {got}")]
    WrongType {
        /// What FHIR says.
        expected: &'static str,
        /// What was there.
        got: &'static str,
    },
    /// Not a FHIR id.
    #[error("not a FHIR id (1 to 64 letters, digits, - and .)")]
    BadId,
    /// Longer than any honest value.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Bad date.
    #[error(transparent)]
    Date(#[from] DateError),
    /// Bad decimal.
    #[error(transparent)]
    Decimal(#[from] DecimalError),
    /// A bound, not a value.
    #[error("the value has a comparator: it is a bound, not a value")]
    Comparator,
    /// May change the meaning of all else.
    #[error("a modifierExtension or implicitRules may change what the resource means, and is not understood")]
    Modifier,
    /// An element without which the rest is not sure.
    #[error("required, and missing")]
    Missing,
    /// A modifier without value: null, or an extension alone.
    #[error("has no value, and may change what the resource means")]
    NoValue,
    /// A code that R4 has not for a modifier.
    #[error("not a code that R4 has here, and may change what the resource means")]
    UnknownCode,
    /// A code that other versions have for a modifier.
    #[error("a code of {0} that R4 does not have here; it may change what the resource means")]
    CodeOfOtherVersion(&'static str),
    /// An element that only other versions have.
    #[error("an element of {0} that R4 does not have")]
    ElementOfOtherVersion(&'static str),
    /// An element in the form of another version.
    #[error("has the form of {0}; R4 has another form")]
    FormOfOtherVersion(&'static str),
    /// A type that only other versions have.
    #[error("unsupported: resources of type {0} are of {1}, not of R4")]
    TypeOfOtherVersion(&'static str, &'static str),
    /// A version number of another version.
    #[error("the resource says that it is of {0}, not of R4")]
    OfOtherVersion(&'static str),
    /// A profile of another version; what is read means the same in both.
    #[error("the resource says that it is of {0}; what is read of it means the same in R4")]
    SaysOtherVersion(&'static str),
    /// An element that no version has.
    #[error("R4 has no such element here")]
    UnknownElement,
    /// An unknown element that is spelt like one that negates.
    #[error("R4 has no such element here, and it is spelt like one that changes what the resource means")]
    LikeModifier,
    /// `Patient.link` of type `replaced-by`.
    #[error("the resource is replaced by another, which is to be used in its place")]
    Replaced,
    /// One element in two forms, or with two codes that differ.
    #[error("given twice, with different values")]
    Contradiction,
    /// A value beside an element that says there is none.
    #[error("{0} says that this must not be taken as a value")]
    TakenBack(&'static str),
    /// A form of time that gives no dates.
    #[error("a time that is not read: the record covers all time")]
    TimeNotRead,
    /// An administrative date where the clinical time is absent.
    #[error("no clinical time is given: the record covers all time until this date")]
    UpperBound,
    /// A reference to a type that R4 does not allow here.
    #[error("names a resource of a type that R4 does not allow here")]
    WrongTarget,
    /// A reference whose type is not said where types of several meanings are allowed.
    #[error("names a resource and does not say of which type it is")]
    UntoldTarget,
    /// A reference to another resource that would have to be read for a field.
    #[error("names another resource, which is not read for this one")]
    NotFollowed,
    /// An identifier of use `old` or `temp`, or of a use that R4 has not.
    #[error("an identifier that is old, temporary or of an unknown use: it identifies nobody")]
    NotLasting,
    /// More remarks than are kept of one resource.
    #[error("has more such elements than are listed")]
    MoreRemarks,
    /// No code of a concept is of a system that is known.
    #[error("its code system is not known: whether it is sensitive cannot be told")]
    UnknownCodeSystem,
    /// A concept without code.
    #[error("given in words only: whether it is sensitive cannot be told")]
    WordsOnly,
    /// A security label that is not known.
    #[error("not a known security label: it counts as every sensitivity")]
    UnknownLabel,
    /// One page of several.
    #[error("{entries} of {}: the bundle says that there is a next page", Total(*total))]
    NextPage {
        /// Entries of this page.
        entries: u64,
        /// `Bundle.total`.
        total: Option<u64>,
    },
    /// Type, labels or identifier of a Bundle that its entries were read without.
    #[error("what the Bundle says of all its entries comes after them: they were read without it")]
    LateHead,
    /// The same again.
    #[error("read before, with the same content")]
    Same,
    /// A version that is not the newest.
    #[error("another version of it is in this import, and newer{}", Unordered(*unordered))]
    Older {
        /// Neither says which is newer; the later one in the order of reading counts.
        unordered: bool,
    },
    /// The entry deletes.
    #[error("the entry says that its resource was deleted: it is no fact")]
    Deleted,
    /// An older version of what is not read.
    #[error("a newer version of it is in this import, and is not read: this one is not the latest")]
    NewerUnread,
    /// What the vault has is not the latest.
    #[error("the vault has an older version of what is not read here: it stays, and is not the latest")]
    OlderInVault,
    /// Taken back.
    #[error("status {0}: what the resource says is taken back, and no fact")]
    Retracted(&'static str),
    /// No name.
    #[error("neither id nor fullUrl: what it is cannot be told from others")]
    Nameless,
    /// Two names.
    #[error("fullUrl and resource name two different resources")]
    TwoNames,
    /// One name, two things.
    #[error(
        "two resources have this name and differ, and which is newer cannot be told: neither is taken (if they come from two \
             servers, import each with a separate --source)"
    )]
    Ambiguous,
    /// The custodian has another under this version.
    #[error(
        "the vault has this version with another content, and which is right cannot be told: what was anchored stays"
    )]
    AnotherInVault,
    /// One name, two people.
    #[error(
        "two patients have this name, and whether they are one cannot be told: nothing about either is taken (if they come from \
             two servers, import each with a separate --source)"
    )]
    AmbiguousPatient,
    /// Beside an ambiguous patient.
    #[error("the Bundle holds a patient who cannot be told from another: nothing of it is taken")]
    AmbiguousBundle,
    /// No subject.
    #[error("it names no patient")]
    NoSubject,
    /// About something else.
    #[error("it is about a {0}, not about a patient")]
    NotAPatient(&'static str),
    /// Nobody of that name.
    #[error("the patient it names is neither in this import nor in the vault{}", Times(*times))]
    SubjectNotFound {
        /// How many resources name that patient.
        times: u64,
    },
    /// Known by an id that may mean another today.
    #[error(
        "the vault knows a patient of that id in that folder, but the Patient is not in this import, and the id may mean another \
         today{}: import the Patient, too, or name the source with --source", Times(*times)
    )]
    SubjectNotHere {
        /// How many resources name that patient.
        times: u64,
    },
    /// No reference that can be followed.
    #[error(
        "it names its patient by no reference that can be followed (an identifier, or what it contains){}; an identifier identifies a person \
         only if --same-patient-by SYSTEM names its system", Times(*times)
    )]
    SubjectByIdentifier {
        /// How many resources name that patient.
        times: u64,
    },
    /// Supersedes what was anchored, and nothing says that it is newer.
    #[error("what was anchored of it is superseded by this, the one read last: neither says which is newer")]
    TakenAsNewer,
    /// A file that is not read.
    #[error("neither .json nor .ndjson, or a link: not read")]
    OtherKind,
}

struct Total(Option<u64>);

impl core::fmt::Display for Total {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(total) => write!(f, "{total}"),
            None => f.write_str("more"),
        }
    }
}

struct Unordered(bool);

impl core::fmt::Display for Unordered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0 { " (neither says which is: the one read last counts)" } else { "" })
    }
}

struct Times(u64);

impl core::fmt::Display for Times {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.0 > 1 { write!(f, " ({} resources name the same one)", self.0) } else { Ok(()) }
    }
}

/// Something in a file that was not read, or read with a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The caller's label of the file, as given. File names may hold people's names: label with
    /// care.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// Path of the element, `Observation.component[1].valueQuantity.value`; empty for the whole.
    pub path: String,
    /// Why.
    pub reason: Reason,
    /// What was lost.
    pub lost: Lost,
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}: ", self.file, self.place)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.reason)?;
        match self.lost {
            Lost::Nothing | Lost::Resource => Ok(()),
            Lost::Element => f.write_str(" (read without it)"),
            Lost::RestOfFile => f.write_str(" (the rest of the file was not read)"),
        }
    }
}
