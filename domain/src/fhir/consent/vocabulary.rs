//! The code systems a Consent speaks, as bits.

use super::RefusalReason;
use crate::consent::{Actions, Categories, Purposes};
use crate::fhir::{ACT_REASON, CLASSES, carried_by};

pub(super) const CONSENT_SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
pub(super) const CONSENT_ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
pub(super) const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
pub(super) const RESOURCE_TYPES: &str = "http://hl7.org/fhir/resource-types";

/// Our own purposes ([`Purposes::SUPPLY`], [`Purposes::DEVMON`]) in a FHIR Consent.
pub const PURPOSE_SYSTEM: &str = "urn:amanat:purpose";
/// Our own actions ([`Actions::PROVE`], [`Actions::AGGREGATE`], [`Actions::EXPORT`]).
pub const ACTION_SYSTEM: &str = "urn:amanat:action";
/// Our data classes, by the names of [`Categories`](crate::consent::Categories).
pub const CATEGORY_SYSTEM: &str = "urn:amanat:category";
/// Extension of a provision: a jurisdiction, by the names of
/// [`Jurisdictions`](crate::consent::Jurisdictions).
pub const JURISDICTION_EXTENSION: &str = "urn:amanat:jurisdiction";

/// Purposes of research.
pub(super) const RESEARCH: Purposes = Purposes::HRESCH.union(Purposes::CLINTRCH);
/// Purposes of an emergency.
pub(super) const EMERGENCY: Purposes = Purposes::ETREAT.union(Purposes::BTG);

/// A purpose of use: exactly, and with all that v3-ActReason puts below it.
pub(super) fn purpose(system: &str, code: &str) -> Result<(Purposes, Purposes), RefusalReason> {
    let named = exactly(Purposes::NAMES, code).ok_or(RefusalReason::UnknownCode);
    let exact = match system {
        ACT_REASON => match code {
            "HSYSADMIN" => Purposes::SYSADMIN,
            // Ours, in their system: a mistake.
            "SUPPLY" | "DEVMON" => return Err(RefusalReason::UnknownCode),
            _ => named?,
        },
        PURPOSE_SYSTEM => match named? {
            ours @ (Purposes::SUPPLY | Purposes::DEVMON) => ours,
            _ => return Err(RefusalReason::UnknownCode),
        },
        _ => return Err(RefusalReason::UnknownSystem("v3-ActReason")),
    };
    let below = match exact {
        Purposes::TREAT => EMERGENCY.union(Purposes::CAREMGT),
        Purposes::ETREAT => Purposes::BTG,
        Purposes::HPAYMT => Purposes::CLMATTCH.union(Purposes::COVAUTH),
        Purposes::HOPERAT => Purposes::CAREMGT
            .union(Purposes::HLEGAL)
            .union(Purposes::HQUALIMP)
            .union(Purposes::SYSADMIN)
            .union(Purposes::PATSFTY)
            .union(Purposes::PERFMSR)
            .union(Purposes::TRAIN),
        Purposes::HRESCH => Purposes::CLINTRCH,
        Purposes::PATRQT => Purposes::FAMRQT,
        Purposes::PUBHLTH => Purposes::DISASTER,
        _ => Purposes::NONE,
    };
    Ok((exact, exact.union(below)))
}

/// An action.
pub(super) fn action(system: &str, code: &str) -> Result<Actions, RefusalReason> {
    if !matches!(system, ACTION_SYSTEM | CONSENT_ACTION) {
        return Err(RefusalReason::UnknownSystem("consentaction"));
    }
    let bit = exactly(Actions::NAMES, code).ok_or(RefusalReason::UnknownCode)?;
    let ours = matches!(bit, Actions::PROVE | Actions::AGGREGATE | Actions::EXPORT);
    if ours == (system == ACTION_SYSTEM) { Ok(bit) } else { Err(RefusalReason::UnknownCode) }
}

/// The classes that a deny for a FHIR R4 type covers: all that its records can have. There are no
/// records of most types; what such a resource says is then nearest to these classes, and the deny
/// covers them whole.
pub(super) fn denied(fhir_type: &str) -> Categories {
    let carried = carried_by(fhir_type);
    if !carried.is_empty() {
        return carried;
    }
    match fhir_type {
        "Medication"
        | "MedicationAdministration"
        | "MedicationDispense"
        | "MedicationKnowledge"
        | "MedicationStatement"
        | "MedicinalProduct" => Categories::MEDICATIONS,
        "ImmunizationEvaluation" | "ImmunizationRecommendation" => Categories::IMMUNIZATIONS,
        "Appointment" | "AppointmentResponse" | "EpisodeOfCare" => Categories::ENCOUNTERS,
        "AdverseEvent" | "Flag" => Categories::CONDITIONS.union(Categories::ALLERGIES),
        "ClinicalImpression" | "DetectedIssue" => Categories::CONDITIONS,
        "FamilyMemberHistory" | "RiskAssessment" => Categories::CONDITIONS.union(Categories::GENOMICS),
        "MolecularSequence" => Categories::GENOMICS,
        "Specimen" => Categories::LABS.union(Categories::GENOMICS),
        "ServiceRequest" => Categories::LABS
            .union(Categories::IMAGING)
            .union(Categories::PROCEDURES)
            .union(Categories::CARE_PLANS),
        "CareTeam" | "Goal" | "NutritionOrder" | "RequestGroup" | "Task" => Categories::CARE_PLANS,
        "Media" => Categories::IMAGING.union(Categories::NOTES),
        "Communication" | "CommunicationRequest" | "DocumentManifest" => Categories::NOTES,
        "Questionnaire" | "QuestionnaireResponse" => Categories::SURVEYS,
        "DeviceDefinition" | "DeviceMetric" | "DeviceRequest" | "DeviceUseStatement" => Categories::DEVICES,
        "Account"
        | "ChargeItem"
        | "ClaimResponse"
        | "CoverageEligibilityRequest"
        | "CoverageEligibilityResponse"
        | "EnrollmentRequest"
        | "EnrollmentResponse"
        | "Invoice"
        | "PaymentNotice"
        | "PaymentReconciliation" => Categories::CLAIMS,
        "Person" | "RelatedPerson" => Categories::DEMOGRAPHICS,
        // They hold resources of any type.
        "Basic" | "Binary" | "Bundle" | "Linkage" | "List" | "Parameters" => CLASSES,
        _ => Categories::OTHER,
    }
}

/// FHIR codes are case-sensitive.
pub(super) fn exactly<T: Copy>(names: &[(T, &str)], code: &str) -> Option<T> {
    names.iter().find(|(_, name)| *name == code).map(|(bit, _)| *bit)
}
