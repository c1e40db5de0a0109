//! The code systems a Consent speaks, as bits.

use crate::consent::{Actions, Purposes};
use crate::fhir::ACT_REASON;

pub(super) const CONSENT_SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
pub(super) const CONSENT_ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
pub(super) const CONSENT_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/consentcategorycodes";
pub(super) const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
pub(super) const RESOURCE_TYPES: &str = "http://hl7.org/fhir/resource-types";

/// Our own purposes ([`Purposes::SUPPLY`], [`Purposes::DEVMON`]) in a FHIR Consent.
pub const PURPOSE_SYSTEM: &str = "urn:amanat:purpose";
/// Our own actions ([`Actions::PROVE`], [`Actions::AGGREGATE`], [`Actions::EXPORT`]).
pub const ACTION_SYSTEM: &str = "urn:amanat:action";
/// Our data classes, by the names of [`Categories`](crate::consent::Categories).
pub const CATEGORY_SYSTEM: &str = "urn:amanat:category";
/// Extension of a provision: a jurisdiction, by the names of [`Jurisdictions`](crate::consent::Jurisdictions).
pub const JURISDICTION_EXTENSION: &str = "urn:amanat:jurisdiction";

/// Purposes of research.
pub(super) const RESEARCH: Purposes = Purposes::HRESCH.union(Purposes::CLINTRCH);
/// Purposes of an emergency.
pub(super) const EMERGENCY: Purposes = Purposes::ETREAT.union(Purposes::BTG);

/// A purpose of use: exactly, and with all that v3-ActReason puts below it.
pub(super) fn purpose(system: &str, code: &str) -> Option<(Purposes, Purposes)> {
    let exact = match system {
        ACT_REASON => match code {
            "HSYSADMIN" => Purposes::SYSADMIN,
            // Ours, in their system: a mistake.
            "SUPPLY" | "DEVMON" => return None,
            _ => exactly(Purposes::NAMES, code)?,
        },
        PURPOSE_SYSTEM => match exactly(Purposes::NAMES, code)? {
            ours @ (Purposes::SUPPLY | Purposes::DEVMON) => ours,
            _ => return None,
        },
        _ => return None,
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
    Some((exact, exact.union(below)))
}

/// An action.
pub(super) fn action(system: &str, code: &str) -> Option<Actions> {
    let bit = exactly(Actions::NAMES, code)?;
    let ours = matches!(bit, Actions::PROVE | Actions::AGGREGATE | Actions::EXPORT);
    (system == if ours { ACTION_SYSTEM } else { CONSENT_ACTION }).then_some(bit)
}

/// FHIR codes are case-sensitive.
pub(super) fn exactly<T: Copy>(names: &[(T, &str)], code: &str) -> Option<T> {
    names.iter().find(|(_, name)| *name == code).map(|(bit, _)| *bit)
}
