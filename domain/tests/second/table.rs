//! What `domain/src/fhir/extract.md` says, as tables: where the two disagree, the documents are right.

/// Reads one element into one field.
pub(crate) enum From {
    /// A reference, whoever it names.
    Reference(&'static str),
    /// A reference that names no Organization.
    Person(&'static str),
    /// A reference that names an Organization.
    Organisation(&'static str),
}
use From::{Organisation, Person, Reference};

/// One row of the table: the elements that feed a field, the first readable one counts.
pub(crate) struct Type {
    pub(crate) name: &'static str,
    /// Number of the type, as `records.md` counts them.
    pub(crate) number: u8,
    /// Elements that name the subject.
    pub(crate) subject: &'static [&'static str],
    pub(crate) code: &'static [&'static str],
    pub(crate) time: &'static [&'static str],
    pub(crate) provider: &'static [From],
    pub(crate) organisation: &'static [From],
    pub(crate) link: &'static [From],
    /// Elements whose words are joined by a slash.
    pub(crate) status: &'static [&'static str],
    pub(crate) device: &'static [From],
    /// Quantity or integer.
    pub(crate) value: &'static [&'static str],
    /// Classes of data, whatever it says.
    pub(crate) class: u64,
}

const SUBJECT: &[&str] = &["subject", "patient", "beneficiary"];
const BLANK: Type = Type {
    name: "",
    number: 0,
    subject: SUBJECT,
    code: &[],
    time: &[],
    provider: &[],
    organisation: &[],
    link: &[],
    status: &["status"],
    device: &[],
    value: &[],
    class: OTHER,
};
const ENCOUNTER: &[From] = &[Reference("encounter")];

pub(crate) const TYPES: &[Type] = &[
    Type {
        name: "Patient",
        number: 1,
        subject: &[],
        time: &["birthDate"],
        provider: &[Reference("generalPractitioner")],
        organisation: &[Reference("managingOrganization")],
        status: &["active"],
        class: DEMOGRAPHICS,
        ..BLANK
    },
    Type {
        name: "Encounter",
        number: 2,
        code: &["type", "class"],
        time: &["period"],
        provider: &[Reference("participant.individual")],
        organisation: &[Reference("serviceProvider")],
        link: &[Reference("partOf")],
        class: ENCOUNTERS,
        ..BLANK
    },
    Type {
        name: "Condition",
        number: 3,
        code: &["code"],
        time: &["onsetDateTime", "onsetPeriod", "recordedDate"],
        provider: &[Reference("asserter"), Reference("recorder")],
        link: ENCOUNTER,
        status: &["clinicalStatus", "verificationStatus"],
        class: CONDITIONS,
        ..BLANK
    },
    Type {
        name: "Observation",
        number: 4,
        code: &["code"],
        time: &["effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"],
        provider: &[Person("performer")],
        organisation: &[Organisation("performer")],
        link: ENCOUNTER,
        device: &[Reference("device")],
        value: &["valueQuantity", "valueInteger"],
        class: 0,
        ..BLANK
    },
    Type {
        name: "Procedure",
        number: 5,
        code: &["code"],
        time: &["performedDateTime", "performedPeriod"],
        provider: &[Person("performer.actor")],
        organisation: &[Reference("performer.onBehalfOf")],
        link: ENCOUNTER,
        device: &[Reference("usedReference")],
        class: PROCEDURES,
        ..BLANK
    },
    Type {
        name: "MedicationRequest",
        number: 6,
        code: &["medicationCodeableConcept"],
        time: &["authoredOn"],
        provider: &[Person("requester")],
        organisation: &[Organisation("requester")],
        link: ENCOUNTER,
        class: MEDICATIONS,
        ..BLANK
    },
    Type {
        name: "Immunization",
        number: 7,
        code: &["vaccineCode"],
        time: &["occurrenceDateTime", "recorded"],
        provider: &[Person("performer.actor")],
        organisation: &[Organisation("performer.actor")],
        link: ENCOUNTER,
        value: &["doseQuantity"],
        class: IMMUNIZATIONS,
        ..BLANK
    },
    Type {
        name: "AllergyIntolerance",
        number: 8,
        code: &["code"],
        time: &["onsetDateTime", "onsetPeriod", "recordedDate"],
        provider: &[Reference("recorder"), Reference("asserter")],
        link: ENCOUNTER,
        status: &["clinicalStatus", "verificationStatus"],
        class: ALLERGIES,
        ..BLANK
    },
    Type {
        name: "DiagnosticReport",
        number: 9,
        code: &["code"],
        time: &["effectiveDateTime", "effectivePeriod", "issued"],
        provider: &[Person("performer")],
        organisation: &[Organisation("performer")],
        link: ENCOUNTER,
        class: 0,
        ..BLANK
    },
    Type {
        name: "Claim",
        number: 10,
        code: &["item.productOrService", "type"],
        time: &["billablePeriod", "created"],
        provider: &[Person("provider")],
        organisation: &[Organisation("provider")],
        link: &[Reference("item.encounter")],
        class: CLAIMS,
        ..BLANK
    },
    Type {
        name: "ExplanationOfBenefit",
        number: 11,
        code: &["item.productOrService", "type"],
        time: &["billablePeriod", "created"],
        provider: &[Person("provider")],
        organisation: &[Organisation("provider")],
        link: &[Reference("claim")],
        class: CLAIMS,
        ..BLANK
    },
    Type {
        name: "Coverage",
        number: 12,
        code: &["type"],
        time: &["period"],
        organisation: &[Reference("payor")],
        class: CLAIMS,
        ..BLANK
    },
    Type {
        name: "Consent",
        number: 13,
        code: &["category"],
        time: &["dateTime"],
        provider: &[Person("performer")],
        organisation: &[Reference("organization")],
        ..BLANK
    },
    Type {
        name: "Practitioner",
        number: 14,
        subject: &[],
        code: &["qualification.code"],
        status: &["active"],
        ..BLANK
    },
    Type {
        name: "PractitionerRole",
        number: 15,
        subject: &[],
        code: &["code"],
        time: &["period"],
        provider: &[Reference("practitioner")],
        organisation: &[Reference("organization")],
        status: &["active"],
        ..BLANK
    },
    Type {
        name: "Organization",
        number: 16,
        subject: &[],
        code: &["type"],
        organisation: &[Reference("partOf")],
        status: &["active"],
        ..BLANK
    },
    Type {
        name: "Device",
        number: 17,
        code: &["type"],
        time: &["manufactureDate"],
        organisation: &[Reference("owner")],
        class: DEVICES,
        ..BLANK
    },
];

/// Bits of the categories (`domain/src/consent/rule.rs`).
pub(crate) const DEMOGRAPHICS: u64 = 1;
pub(crate) const ENCOUNTERS: u64 = 1 << 1;
pub(crate) const CONDITIONS: u64 = 1 << 2;
pub(crate) const LABS: u64 = 1 << 3;
pub(crate) const VITALS: u64 = 1 << 4;
pub(crate) const MEDICATIONS: u64 = 1 << 5;
pub(crate) const PROCEDURES: u64 = 1 << 6;
pub(crate) const IMMUNIZATIONS: u64 = 1 << 7;
pub(crate) const ALLERGIES: u64 = 1 << 8;
pub(crate) const IMAGING: u64 = 1 << 9;
pub(crate) const CLAIMS: u64 = 1 << 11;
pub(crate) const DEVICES: u64 = 1 << 12;
pub(crate) const GENOMICS: u64 = 1 << 13;
pub(crate) const SOCIAL: u64 = 1 << 15;
pub(crate) const SURVEYS: u64 = 1 << 16;
pub(crate) const OTHER: u64 = 1 << 23;
/// The sensitivities: ETH, PSY, SDV, HIV, SEX, SUD, MINOR, STD, GDIS.
pub(crate) const SENSITIVE: u64 = 0x1ff << 24;

/// `category` codes of Observation and DiagnosticReport that say a class.
pub(crate) const CATEGORY_CLASSES: &[(&str, &str, u64)] = &[
    (OBSERVATION_CATEGORY, "laboratory", LABS),
    (OBSERVATION_CATEGORY, "vital-signs", VITALS),
    // Not a code of the system, but what a public set of device observations says.
    (OBSERVATION_CATEGORY, "vital-sign", VITALS),
    (OBSERVATION_CATEGORY, "imaging", IMAGING),
    (OBSERVATION_CATEGORY, "procedure", OTHER),
    (OBSERVATION_CATEGORY, "survey", SURVEYS),
    (OBSERVATION_CATEGORY, "social-history", SOCIAL),
    (DIAGNOSTIC_SERVICE, "LAB", LABS),
    (DIAGNOSTIC_SERVICE, "RAD", IMAGING),
    (DIAGNOSTIC_SERVICE, "GE", GENOMICS),
];
const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const DIAGNOSTIC_SERVICE: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(crate) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// Words that take a resource back: no records are made of it.
pub(crate) const RETRACTED: &[&str] = &["entered-in-error"];

/// Codes of the example data that say a sensitivity, wherever they stand.
pub(crate) const SENSITIVE_CODES: &[(&str, &str, u64)] = &[
    (SNOMED, "72892002", SEX),        // Normal pregnancy
    (SNOMED, "19169002", SEX),        // Miscarriage in first trimester
    (SNOMED, "79586000", SEX),        // Tubal pregnancy
    (SNOMED, "55680006", SUD | ETH),  // Drug overdose
    (SNOMED, "5602001", SUD | ETH),   // Opioid abuse
    (SNOMED, "361055000", SUD | ETH), // Misuses drugs
    (SNOMED, "370143000", PSY),       // Major depression disorder
    (SNOMED, "36923009", PSY),        // Major depression, single episode
    (SNOMED, "47505003", PSY),        // Posttraumatic stress disorder
    (SNOMED, "706893006", SDV),       // Victim of intimate partner abuse
];
const SNOMED: &str = "http://snomed.info/sct";
const ETH: u64 = 1 << 24;
const PSY: u64 = 1 << 25;
const SDV: u64 = 1 << 26;
const SEX: u64 = 1 << 28;
const SUD: u64 = 1 << 29;
