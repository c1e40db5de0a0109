//! The codes of modifier elements: the codes of R4, and codes of other versions, which are refused
//! by name.
//!
//! Sources: the value sets to which R4 binds the elements,
//! `http://hl7.org/fhir/R4/valueset-<name>.html`, named with each.

use super::{Effect, Value};
use crate::fhir::problem::Reason;

const fn word(code: &'static str) -> Value {
    (code, Effect::Word(code))
}
const fn ordinary(code: &'static str) -> Value {
    (code, Effect::Ordinary)
}
const fn of(code: &'static str, version: &'static str) -> Value {
    (code, Effect::Refused(Reason::CodeOfOtherVersion(version)))
}
const IN_ERROR: Value = ("entered-in-error", Effect::TakesBack);
const CANCELLED: Value = ("cancelled", Effect::TakesBack);

/// A boolean.
pub(super) const ACTIVE: &[Value] = &[("true", Effect::Word("active")), ("false", Effect::Word("inactive"))];

/// A boolean or a date.
pub(super) const DECEASED: &[Value] =
    &[("true", Effect::Word("deceased")), ("a date", Effect::Word("deceased")), ordinary("false")];

/// `link-type`.
pub(super) const LINK: &[Value] = &[
    ("replaced-by", Effect::Refused(Reason::Replaced)),
    ordinary("replaces"),
    ordinary("refer"),
    ordinary("seealso"),
    of("replace", "DSTU2"),
];

/// `encounter-status`.
pub(super) const ENCOUNTER: &[Value] = &[
    word("planned"),
    word("arrived"),
    word("triaged"),
    word("in-progress"),
    word("onleave"),
    word("finished"),
    word("unknown"),
    CANCELLED,
    IN_ERROR,
    of("on-hold", "R5"),
    of("discharged", "R5"),
    of("completed", "R5"),
    of("discontinued", "R5"),
];

/// `condition-clinical`.
pub(super) const CONDITION_CLINICAL: &[Value] = &[
    word("active"),
    word("recurrence"),
    word("relapse"),
    word("inactive"),
    word("remission"),
    word("resolved"),
    of("unknown", "R5"),
];

/// `condition-ver-status`.
pub(super) const CONDITION_VERIFICATION: &[Value] = &[
    word("unconfirmed"),
    word("provisional"),
    word("differential"),
    word("confirmed"),
    word("refuted"),
    IN_ERROR,
    of("unknown", "DSTU2 and STU3"),
];

/// `observation-status`.
pub(super) const OBSERVATION: &[Value] = &[
    word("registered"),
    word("preliminary"),
    word("final"),
    word("amended"),
    word("corrected"),
    word("unknown"),
    CANCELLED,
    IN_ERROR,
];

/// Any reference: what is said is of another than the patient.
pub(super) const FOCUS: &[Value] = &[("anything", Effect::Word("focus"))];

/// `event-status`.
pub(super) const PROCEDURE: &[Value] = &[
    word("preparation"),
    word("in-progress"),
    word("not-done"),
    word("on-hold"),
    word("stopped"),
    word("completed"),
    word("unknown"),
    IN_ERROR,
    of("suspended", "STU3"),
    of("aborted", "DSTU2 and STU3"),
];

/// `medicationrequest-status`.
pub(super) const MEDICATION_REQUEST: &[Value] = &[
    word("active"),
    word("on-hold"),
    word("completed"),
    word("stopped"),
    word("draft"),
    word("unknown"),
    CANCELLED,
    IN_ERROR,
    of("ended", "R5"),
];

/// `medicationrequest-intent`.
pub(super) const INTENT: &[Value] = &[
    ordinary("order"),
    word("proposal"),
    word("plan"),
    word("original-order"),
    word("reflex-order"),
    word("filler-order"),
    word("instance-order"),
    word("option"),
];

/// A boolean.
pub(super) const DO_NOT_PERFORM: &[Value] = &[("true", Effect::Word("do-not-perform")), ordinary("false")];

/// `immunization-status`.
pub(super) const IMMUNIZATION: &[Value] = &[
    word("completed"),
    word("not-done"),
    IN_ERROR,
    of("in-progress", "DSTU2"),
    of("on-hold", "DSTU2"),
    of("stopped", "DSTU2"),
];

/// A boolean.
pub(super) const SUBPOTENT: &[Value] = &[("true", Effect::Word("subpotent")), ordinary("false")];

/// `allergyintolerance-clinical`.
pub(super) const ALLERGY_CLINICAL: &[Value] = &[word("active"), word("inactive"), word("resolved")];

/// `allergyintolerance-verification`.
pub(super) const ALLERGY_VERIFICATION: &[Value] =
    &[word("unconfirmed"), word("confirmed"), word("refuted"), IN_ERROR, of("presumed", "R5")];

/// `diagnostic-report-status`.
pub(super) const DIAGNOSTIC_REPORT: &[Value] = &[
    word("registered"),
    word("partial"),
    word("preliminary"),
    word("final"),
    word("amended"),
    word("corrected"),
    word("appended"),
    word("unknown"),
    CANCELLED,
    IN_ERROR,
    of("modified", "R5"),
];

/// `fm-status`, and `explanationofbenefit-status`, which is the same.
pub(super) const FINANCIAL: &[Value] = &[word("active"), word("draft"), CANCELLED, IN_ERROR];

/// `claim-use`.
pub(super) const USE: &[Value] = &[
    ordinary("claim"),
    word("preauthorization"),
    word("predetermination"),
    of("complete", "DSTU2 and STU3"),
    of("proposed", "DSTU2 and STU3"),
    of("exploratory", "DSTU2 and STU3"),
    of("other", "DSTU2 and STU3"),
];

/// `consent-state-codes`.
pub(super) const CONSENT: &[Value] = &[
    word("draft"),
    word("proposed"),
    word("active"),
    word("rejected"),
    word("inactive"),
    IN_ERROR,
    of("not-done", "R5"),
    of("unknown", "R5"),
];

/// `consent-scope`, which may be extended.
pub(super) const SCOPE: &[Value] = &[
    ordinary("patient-privacy"),
    word("research"),
    word("treatment"),
    word("adr"),
    ("any other", Effect::Word("other-scope")),
];

/// `consent-provision-type`.
pub(super) const PROVISION: &[Value] = &[ordinary("permit"), word("deny")];

/// `device-status`.
pub(super) const DEVICE: &[Value] = &[
    word("active"),
    word("inactive"),
    word("unknown"),
    IN_ERROR,
    of("available", "DSTU2"),
    of("not-available", "DSTU2"),
];
