//! What `domain/src/fhir/extract.md` and the book's pages `records`, `modifiers` and `sensitivity`
//! say, as tables.

/// Reads an element into a field.
pub(crate) enum From {
    /// A reference to anyone.
    Any(&'static str),
    /// A reference that names a Practitioner or PractitionerRole, or does not say whom, if it is
    /// not the subject.
    Clinician(&'static str),
    /// A reference that says that it names an Organization.
    Organisation(&'static str),
    /// A reference that can name nothing but an Organization.
    OrganisationOnly(&'static str),
}
use From::{Any, Clinician, Organisation, OrganisationOnly};

/// Reads elements into the time; the first that is said counts, whether it can be read or not.
pub(crate) enum Time {
    /// In any of its forms (`onset` is `onsetDateTime`, `onsetPeriod`, ..).
    Of(&'static str),
    /// All time until it ends.
    Until(&'static str),
    /// From the first to the last of them.
    Every(&'static str),
    /// All time until it ends, of what has the `use` of a claim.
    ClaimUntil(&'static str),
}
use Time::{ClaimUntil, Every, Of, Until};

/// Reads an element into a word of the status.
pub(crate) enum Word {
    /// A code, in words that are shown, words that are ordinary and not shown, and words that take
    /// the resource back.
    Code(&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]),
    /// `active`, else `inactive`.
    Active(&'static str),
    /// The word, if the element is true.
    Flag(&'static str, &'static str),
    /// The word, if the element is there and not false.
    There(&'static str, &'static str),
}
use Word::{Active, Code, Flag, There};

/// One row of the table: the elements that feed a field, the first readable one counts.
pub(crate) struct Type {
    pub(crate) name: &'static str,
    /// Number of the type, as `records.md` counts them.
    pub(crate) number: u8,
    /// Elements that name the subject.
    pub(crate) subject: &'static [&'static str],
    pub(crate) code: &'static [&'static str],
    pub(crate) time: &'static [Time],
    pub(crate) provider: &'static [From],
    pub(crate) organisation: &'static [From],
    pub(crate) link: &'static [From],
    /// Words that are joined by a slash; the first keeps its place where it is not said.
    pub(crate) status: &'static [Word],
    pub(crate) device: &'static [From],
    /// Quantity or integer.
    pub(crate) value: &'static [&'static str],
    /// Class of data, whatever it says.
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
    status: &[],
    device: &[],
    value: &[],
    class: OTHER,
};
const ENCOUNTER: &[From] = &[Any("encounter")];
/// Taken back by R4's word, by another of R4's words, and by none of R4's.
const BACK: &[&str] = &["entered-in-error", "cancelled", "nullified"];
const FINANCIAL: Word = Code("status", &["active", "draft"], &[], BACK);
const USE: Word = Code("use", &["preauthorization", "predetermination"], &["claim"], &[]);

pub(crate) const TYPES: &[Type] = &[
    Type {
        name: "Patient",
        number: 1,
        subject: &[],
        time: &[Of("birthDate")],
        provider: &[Clinician("generalPractitioner")],
        organisation: &[OrganisationOnly("managingOrganization")],
        status: &[Active("active"), There("deceased", "deceased")],
        class: DEMOGRAPHICS,
        ..BLANK
    },
    Type {
        name: "Encounter",
        number: 2,
        code: &["type", "class"],
        time: &[Of("period")],
        provider: &[Clinician("participant.individual")],
        organisation: &[OrganisationOnly("serviceProvider")],
        link: &[Any("partOf")],
        status: &[Code(
            "status",
            &["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "unknown"],
            &[],
            BACK,
        )],
        class: ENCOUNTERS,
        ..BLANK
    },
    Type {
        name: "Condition",
        number: 3,
        code: &["code"],
        time: &[Of("onset"), Until("abatement"), Until("recordedDate")],
        provider: &[Clinician("asserter"), Clinician("recorder")],
        link: ENCOUNTER,
        status: &[
            Code(
                "clinicalStatus",
                &["active", "recurrence", "relapse", "inactive", "remission", "resolved"],
                &[],
                &[],
            ),
            Code(
                "verificationStatus",
                &["unconfirmed", "provisional", "differential", "confirmed", "refuted"],
                &[],
                BACK,
            ),
        ],
        class: CONDITIONS,
        ..BLANK
    },
    Type {
        name: "Observation",
        number: 4,
        code: &["code"],
        time: &[Of("effective"), Until("issued")],
        provider: &[Clinician("performer")],
        organisation: &[Organisation("performer")],
        link: ENCOUNTER,
        status: &[
            Code(
                "status",
                &["registered", "preliminary", "final", "amended", "corrected", "unknown"],
                &[],
                BACK,
            ),
            There("focus", "focus"),
        ],
        device: &[Any("device")],
        value: &["valueQuantity", "valueInteger"],
        class: 0,
        ..BLANK
    },
    Type {
        name: "Procedure",
        number: 5,
        code: &["code"],
        time: &[Of("performed")],
        provider: &[Clinician("performer.actor")],
        organisation: &[OrganisationOnly("performer.onBehalfOf"), Organisation("performer.actor")],
        link: ENCOUNTER,
        status: &[Code(
            "status",
            &["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "unknown"],
            &[],
            BACK,
        )],
        device: &[Any("usedReference")],
        class: PROCEDURES,
        ..BLANK
    },
    Type {
        name: "MedicationRequest",
        number: 6,
        // Read in its two forms.
        code: &[],
        time: &[Of("authoredOn")],
        provider: &[Clinician("requester")],
        organisation: &[Organisation("requester")],
        link: ENCOUNTER,
        status: &[
            Code("status", &["active", "on-hold", "completed", "stopped", "draft", "unknown"], &[], BACK),
            Code(
                "intent",
                &[
                    "proposal",
                    "plan",
                    "original-order",
                    "reflex-order",
                    "filler-order",
                    "instance-order",
                    "option",
                ],
                &["order"],
                &[],
            ),
            Flag("doNotPerform", "do-not-perform"),
        ],
        class: MEDICATIONS,
        ..BLANK
    },
    Type {
        name: "Immunization",
        number: 7,
        code: &["vaccineCode"],
        time: &[Of("occurrence"), Until("recorded")],
        provider: &[Clinician("performer.actor")],
        organisation: &[Organisation("performer.actor")],
        link: ENCOUNTER,
        status: &[Code("status", &["completed", "not-done"], &[], BACK), Flag("isSubpotent", "subpotent")],
        value: &["doseQuantity"],
        class: IMMUNIZATIONS,
        ..BLANK
    },
    Type {
        name: "AllergyIntolerance",
        number: 8,
        code: &["code"],
        time: &[Of("onset"), Until("lastOccurrence"), Until("recordedDate")],
        provider: &[Clinician("recorder"), Clinician("asserter")],
        link: ENCOUNTER,
        status: &[
            Code("clinicalStatus", &["active", "inactive", "resolved"], &[], &[]),
            Code("verificationStatus", &["unconfirmed", "confirmed", "refuted"], &[], BACK),
        ],
        class: ALLERGIES,
        ..BLANK
    },
    Type {
        name: "DiagnosticReport",
        number: 9,
        code: &["code"],
        time: &[Of("effective"), Until("issued")],
        provider: &[Clinician("performer")],
        organisation: &[Organisation("performer")],
        link: ENCOUNTER,
        status: &[Code(
            "status",
            &["registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "unknown"],
            &[],
            BACK,
        )],
        class: 0,
        ..BLANK
    },
    Type {
        name: "Claim",
        number: 10,
        code: &["item.productOrService", "type"],
        time: &[Of("billablePeriod"), Every("item.serviced"), ClaimUntil("created")],
        provider: &[Clinician("provider")],
        organisation: &[Organisation("provider")],
        link: &[Any("item.encounter")],
        status: &[FINANCIAL, USE],
        class: CLAIMS,
        ..BLANK
    },
    Type {
        name: "ExplanationOfBenefit",
        number: 11,
        code: &["item.productOrService", "type"],
        time: &[Of("billablePeriod"), Every("item.serviced"), ClaimUntil("created")],
        provider: &[Clinician("provider")],
        organisation: &[Organisation("provider")],
        link: &[Any("claim")],
        status: &[FINANCIAL, USE],
        class: CLAIMS,
        ..BLANK
    },
    Type {
        name: "Coverage",
        number: 12,
        code: &["type"],
        time: &[Of("period")],
        organisation: &[Organisation("payor")],
        status: &[FINANCIAL],
        class: CLAIMS,
        ..BLANK
    },
    Type {
        name: "Consent",
        number: 13,
        code: &["category"],
        time: &[Of("dateTime")],
        provider: &[Clinician("performer")],
        organisation: &[OrganisationOnly("organization")],
        status: &[
            Code("status", &["draft", "proposed", "active", "rejected", "inactive"], &[], BACK),
            Code("scope", &["research", "treatment", "adr"], &["patient-privacy"], &[]),
            Code("provision.type", &["deny"], &["permit"], &[]),
        ],
        ..BLANK
    },
    Type {
        name: "Practitioner",
        number: 14,
        subject: &[],
        code: &["qualification.code"],
        status: &[Active("active")],
        ..BLANK
    },
    Type {
        name: "PractitionerRole",
        number: 15,
        subject: &[],
        code: &["code"],
        time: &[Of("period")],
        provider: &[Clinician("practitioner")],
        organisation: &[OrganisationOnly("organization")],
        status: &[Active("active")],
        ..BLANK
    },
    Type {
        name: "Organization",
        number: 16,
        subject: &[],
        code: &["type"],
        organisation: &[OrganisationOnly("partOf")],
        status: &[Active("active")],
        ..BLANK
    },
    Type {
        name: "Device",
        number: 17,
        code: &["type"],
        time: &[Of("manufactureDate")],
        organisation: &[OrganisationOnly("owner")],
        status: &[Code("status", &["active", "inactive", "unknown"], &[], BACK)],
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

/// `category` codes of Observation and DiagnosticReport that say a class, of whatever system.
pub(crate) const CATEGORY_CLASSES: &[(&str, u64)] = &[
    ("laboratory", LABS),
    ("vital-signs", VITALS),
    // Not a code of the system, but what a public set of device observations says.
    ("vital-sign", VITALS),
    ("imaging", IMAGING),
    ("survey", SURVEYS),
    ("social-history", SOCIAL),
    ("LAB", LABS),
    ("RAD", IMAGING),
    ("GE", GENOMICS),
];

pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(crate) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(crate) const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// Labels of v3-ActCode that say one of our sensitivities.
pub(crate) const LABELS: &[(&str, u64)] = &[
    ("ETH", ETH),
    ("PSY", PSY),
    ("SDV", SDV),
    ("HIV", HIV),
    ("SEX", SEX),
    ("SUD", SUD),
    ("MINOR", 1 << 30),
    ("STD", STD),
    ("GDIS", 1 << 32),
];

/// Codes of the example data that say a sensitivity, wherever they stand.
pub(crate) const SENSITIVE_CODES: &[(&str, &str, u64)] = &[
    (SNOMED, "72892002", SEX),                // Normal pregnancy
    (SNOMED, "19169002", SEX),                // Miscarriage in first trimester
    (SNOMED, "79586000", SEX),                // Tubal pregnancy
    (SNOMED, "55680006", SUD | ETH),          // Drug overdose
    (SNOMED, "5602001", SUD | ETH),           // Opioid abuse
    (SNOMED, "361055000", SUD | ETH),         // Misuses drugs
    (SNOMED, "370143000", PSY),               // Major depression disorder
    (SNOMED, "36923009", PSY),                // Major depression, single episode
    (SNOMED, "47505003", PSY),                // Posttraumatic stress disorder
    (SNOMED, "86406008", HIV),                // Human immunodeficiency virus infection
    (SNOMED, "706893006", SDV),               // Victim of intimate partner abuse
    (SNOMED, "866148006", SDV),               // Screening for domestic abuse
    (SNOMED, "714812005", SEX),               // Induced termination of pregnancy
    (SNOMED, "386394001", SEX),               // Pregnancy termination care
    (SNOMED, "10383002", SEX),                // Counseling for termination of pregnancy
    (SNOMED, "65200003", SEX),                // Insertion of intrauterine contraceptive device
    (SNOMED, "169553002", SEX),               // Insertion of subcutaneous contraceptive
    (SNOMED, "56876005", SUD | ETH),          // Drug rehabilitation and detoxification
    (SNOMED, "60112009", SUD | ETH),          // Drug addiction counseling
    (SNOMED, "266707007", SUD | ETH),         // Drug addiction therapy
    (SNOMED, "61480009", SUD | ETH),          // Drug detoxification
    (SNOMED, "10939881000119105", SUD | ETH), // Unhealthy alcohol drinking behavior
    (SNOMED, "713106006", SUD | ETH),         // Screening for drug abuse
    (SNOMED, "165829005", STD),               // Gonorrhea infection test
    (SNOMED, "310861008", STD),               // Chlamydia antigen test
    (SNOMED, "269828009", STD),               // Syphilis infection test
    (SNOMED, "79094001", PSY),                // Initial psychiatric interview
    (SNOMED, "80583007", PSY),                // Severe anxiety (panic)
    (SNOMED, "225337009", PSY),               // Suicide risk assessment
    (LOINC, "55277-8", HIV),                  // HIV status
    (LOINC, "76690-7", SEX),                  // Sexual orientation
];
const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const ETH: u64 = 1 << 24;
const PSY: u64 = 1 << 25;
const SDV: u64 = 1 << 26;
pub(crate) const HIV: u64 = 1 << 27;
const SEX: u64 = 1 << 28;
const SUD: u64 = 1 << 29;
const STD: u64 = 1 << 31;
