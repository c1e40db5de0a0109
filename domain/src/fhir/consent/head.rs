//! A Consent without its provisions: whether it can be compiled, its patient, its base policy, what
//! scope and categories leave.

use super::conditions::{Reading, coding, each, object};
use super::refusal::{Refused, Sink};
use super::{RefusalReason, vocabulary};
use crate::consent::{Actions, Effect, Purposes};
use crate::fhir::json::Json;
use crate::fhir::node::Node;
use crate::fhir::{ACT_CODE, PartialDate, SubjectReference, known_type};

/// What scope or a category leaves open to permits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) by: &'static str,
    pub(super) purposes: Purposes,
    pub(super) actions: Actions,
}

const CONSENT_ELEMENTS: &[&str] = &[
    "resourceType",
    "id",
    "meta",
    "language",
    "text",
    "contained",
    "extension",
    "identifier",
    "status",
    "scope",
    "category",
    "patient",
    "dateTime",
    "performer",
    "organization",
    "sourceAttachment",
    "sourceReference",
    "policy",
    "policyRule",
    "verification",
    "provision",
];

/// Elements of Consent in other versions of FHIR: name, versions, what R4 has instead.
const OTHER_VERSIONS: &[(&str, &str, &str)] = &[
    ("subject", "R5", "patient"),
    ("date", "R5", "dateTime"),
    ("period", "R5 and STU3", "provision.period"),
    ("decision", "R5", "provision.type"),
    ("grantor", "R5", "performer"),
    ("grantee", "R5", "provision.actor"),
    ("manager", "R5", "organization"),
    ("controller", "R5", "organization"),
    ("regulatoryBasis", "R5", "policyRule"),
    ("policyBasis", "R5", "policy and policyRule"),
    ("policyText", "R5", "policy and sourceReference"),
    ("consentingParty", "STU3", "performer"),
    ("actor", "STU3", "provision.actor"),
    ("action", "STU3", "provision.action"),
    ("sourceIdentifier", "STU3", "sourceReference"),
    ("securityLabel", "STU3", "provision.securityLabel"),
    ("purpose", "STU3", "provision.purpose"),
    ("dataPeriod", "STU3", "provision.dataPeriod"),
    ("data", "STU3", "provision.data"),
    ("except", "STU3", "provision.provision"),
];

/// What is read of the head.
pub(super) struct Head {
    pub(super) patient: SubjectReference,
    pub(super) limits: Vec<Limit>,
}

/// Refuses every other resource.
pub(super) fn is_consent(node: &Node<'_, '_>, sink: &Sink) -> Result<(), Refused> {
    match object(node, sink)?.get("resourceType").and_then(Json::as_str) {
        Some("Consent") => Ok(()),
        got => {
            let got = got.and_then(known_type).unwrap_or("no FHIR R4 resource that is known");
            Err(sink.node(node, RefusalReason::NotAConsent(got)))
        }
    }
}

/// All but policy and provision: refuses what is no active R4 consent about data.
pub(super) fn head(node: &Node<'_, '_>, sink: &Sink) -> Result<Head, Refused> {
    let members = object(node, sink)?;
    modifiers(node.value(), &mut "Consent".to_owned(), sink);
    for (key, value) in members.iter() {
        let other = OTHER_VERSIONS.iter().find(|(name, ..)| *name == key);
        if let Some((name, version, instead)) = other {
            sink.path(format!("Consent.{name}"), RefusalReason::OtherVersion { version, instead });
        } else if matches!(value, Json::Null) {
            sink.member(node, key, RefusalReason::Null);
        } else if !CONSENT_ELEMENTS.contains(&key)
            // `_dateTime` and similar elements hold extensions of a primitive; a status without
            // value is refused below.
            && !key.starts_with('_')
            && !matches!(key, "implicitRules" | "modifierExtension")
        {
            sink.member(node, key, RefusalReason::UnknownElement);
        }
    }
    status(node, sink);
    let patient = patient(node, sink);
    verification(node, sink);
    let mut limits = Vec::new();
    scope(node, sink, &mut limits);
    categories(node, sink, &mut limits);
    let none_left = limits.iter().fold(Purposes::ALL, |all, l| all.intersection(l.purposes)).is_empty()
        || limits.iter().fold(Actions::ALL, |all, l| all.intersection(l.actions)).is_empty();
    if none_left {
        sink.path("Consent.category".to_owned(), RefusalReason::Contradiction);
    }
    Ok(Head { patient: patient?, limits })
}

/// Every `modifierExtension` and `implicitRules`, each with its path.
fn modifiers(json: &Json<'_>, path: &mut String, sink: &Sink) {
    let end = path.len();
    match json {
        Json::Object(members) => {
            for (key, value) in members.iter() {
                let plain = key.len() <= 48 && key.bytes().all(|b| b.is_ascii_alphanumeric());
                path.push('.');
                path.push_str(if plain { key } else { "?" });
                if key == "modifierExtension" || (key == "implicitRules" && end == "Consent".len()) {
                    sink.path(path.clone(), RefusalReason::Modifier);
                } else {
                    modifiers(value, path, sink);
                }
                path.truncate(end);
            }
        }
        Json::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                path.push_str(&format!("[{n}]"));
                modifiers(item, path, sink);
                path.truncate(end);
            }
        }
        _ => {}
    }
}

fn status(node: &Node<'_, '_>, sink: &Sink) {
    const OTHERS: &[&str] = &["draft", "proposed", "rejected", "inactive", "entered-in-error"];
    let reason = match node.get("status") {
        None => RefusalReason::Missing,
        Some(status) => match status.value().as_str() {
            Some("active") => return,
            Some(other) => match OTHERS.iter().find(|o| **o == other) {
                Some(known) => RefusalReason::Status(known),
                None => RefusalReason::UnknownStatus,
            },
            None => RefusalReason::WrongType { expected: "a string", got: status.value().kind() },
        },
    };
    sink.path("Consent.status".to_owned(), reason);
}

/// The patient, as given.
fn patient(node: &Node<'_, '_>, sink: &Sink) -> Result<SubjectReference, Refused> {
    let Some(patient) = node.get("patient") else {
        // R5's `subject` is refused by its own name.
        return Err(
            match OTHER_VERSIONS.iter().find(|(name, ..)| node.get(name).is_some() && *name == "subject") {
                Some((name, version, instead)) => {
                    sink.path(format!("Consent.{name}"), RefusalReason::OtherVersion { version, instead })
                }
                None => sink.path("Consent.patient".to_owned(), RefusalReason::Missing),
            },
        );
    };
    object(&patient, sink)?;
    let literal = patient.text_at("reference").filter(|text| !text.is_empty());
    let mut identifiers: Vec<String> =
        patient.get("identifier").and_then(|i| i.identifier()).into_iter().collect();
    if let Some(id) = literal.as_deref().and_then(|l| l.strip_prefix('#')) {
        let named = |c: &Node<'_, '_>| c.text_at("id").as_deref() == Some(id);
        let contained = node.all("contained", |c| named(c).then(|| c.all("identifier", |i| i.identifier())));
        identifiers.extend(contained.into_iter().flatten());
    }
    if literal.is_none() && identifiers.is_empty() {
        return Err(sink.node(&patient, RefusalReason::NoReference));
    }
    let typed = |text: &str| text.split('/').next().and_then(known_type).is_some_and(|t| t != "Patient");
    let stated = patient.text_at("type").as_deref().and_then(known_type).is_some_and(|t| t != "Patient");
    if stated || literal.as_deref().is_some_and(typed) {
        return Err(sink.node(&patient, RefusalReason::NotAPatient));
    }
    Ok(SubjectReference { literal, not_a_patient: None, identifiers })
}

/// All entries verified, or the one with the latest date.
fn verification(node: &Node<'_, '_>, sink: &Sink) {
    let entries = each(node, "verification", sink, |entry| {
        let Some(verified) = entry.get("verified") else {
            return Err(sink.path(format!("{}.verified", entry.path()), RefusalReason::Missing));
        };
        let Json::Bool(yes) = *verified.value() else {
            let got = verified.value().kind();
            return Err(sink.node(&verified, RefusalReason::WrongType { expected: "a boolean", got }));
        };
        let at = entry.text_at("verificationDate").and_then(|text| PartialDate::parse(&text).ok());
        Ok((yes, at.map(|d| (d.start(), d.end())), entry.path()))
    });
    let Ok(Some(entries)) = entries else { return };
    let Some((_, _, path)) = entries.iter().find(|(yes, ..)| !yes) else { return };
    // A later verification counts, if it is certainly later than every other entry.
    let latest = entries.iter().enumerate().any(|(n, (yes, at, _))| {
        let after =
            |other: &Option<_>| matches!((at, other), (Some((from, _)), Some((_, until))) if from > until);
        *yes && entries.iter().enumerate().all(|(m, (_, other, _))| m == n || after(other))
    });
    if !latest {
        sink.path(format!("{path}.verified"), RefusalReason::NotVerified);
    }
}

fn scope(node: &Node<'_, '_>, sink: &Sink, limits: &mut Vec<Limit>) {
    let Some(scope) = node.get("scope") else {
        let in_category = node
            .all("category", |c| c.all("coding", |c| c.coding()).into_iter().next())
            .iter()
            .any(|c| c.system == vocabulary::CONSENT_SCOPE);
        let reason = if in_category { RefusalReason::ScopeInCategory } else { RefusalReason::Missing };
        sink.path("Consent.scope".to_owned(), reason);
        return;
    };
    let Ok(codings) =
        each(&scope, "coding", sink, |c| coding(c, sink).map(|(s, c)| (s.to_owned(), c.to_owned())))
    else {
        return;
    };
    let reason = match codings.as_deref() {
        None | Some([]) => RefusalReason::Uncoded,
        Some([(system, code)]) if system == vocabulary::CONSENT_SCOPE => match code.as_str() {
            "patient-privacy" => return,
            "research" => {
                limits.push(Limit {
                    by: "the scope research",
                    purposes: vocabulary::RESEARCH,
                    actions: Actions::ALL,
                });
                return;
            }
            "treatment" => RefusalReason::NotAboutData("the scope treatment"),
            "adr" => RefusalReason::NotAboutData("the scope adr (advance directive)"),
            _ => RefusalReason::UnknownCode,
        },
        Some([_]) => RefusalReason::UnknownSystem("consentscope"),
        Some(_) => RefusalReason::SeveralCodes,
    };
    sink.node(&scope, reason);
}

/// Categories index; only those that say what the consent is, by their own definition, limit it
/// (ADR 0030). These count in any code system: a limit is never lost by the spelling of one.
fn categories(node: &Node<'_, '_>, sink: &Sink, limits: &mut Vec<Limit>) {
    let limit = |by, purposes, actions| Ok(Limit { by, purposes, actions });
    let proofs = Actions::PROVE.union(Actions::AGGREGATE);
    let read = |system: &str, code: &str| match code {
        "EMRGONLY" | "emrgonly" => {
            Some(limit("the category EMRGONLY (emergency only)", vocabulary::EMERGENCY, Actions::ALL))
        }
        "RESEARCH" | "research" => Some(limit("the category RESEARCH", vocabulary::RESEARCH, Actions::ALL)),
        "RSREID" | "rsreid" => {
            Some(limit("the category RSREID (research)", vocabulary::RESEARCH, Actions::ALL))
        }
        // De-identified only: what is proved or counted, never seen.
        "RSDID" | "rsdid" => {
            Some(limit("the category RSDID (de-identified research)", vocabulary::RESEARCH, proofs))
        }
        "INFAO" => Some(limit("the category INFAO (access only)", Purposes::ALL, Actions::ACCESS)),
        "INFASO" => {
            let actions = Actions::ACCESS.union(Actions::COLLECT);
            Some(limit("the category INFASO (access and save only)", Purposes::ALL, actions))
        }
        "acd" => Some(Err("the category acd (advance directive)")),
        "dnr" => Some(Err("the category dnr (do not resuscitate)")),
        "hcd" => Some(Err("the category hcd (health care directive)")),
        "polst" => Some(Err("the category polst (orders for life-sustaining treatment)")),
        "42348-3" | "75320-2" => Some(Err("an advance directive of LOINC")),
        "adr" if system == vocabulary::CONSENT_SCOPE => Some(Err("the category adr (advance directive)")),
        "treatment" if system == vocabulary::CONSENT_SCOPE => Some(Err("the category treatment")),
        _ => None,
    };
    let _ = each(node, "category", sink, |concept| {
        for coding in concept.all("coding", |c| c.coding()) {
            match read(&coding.system, &coding.code) {
                Some(Ok(limit)) if !limits.contains(&limit) => limits.push(limit),
                Some(Err(what)) => {
                    sink.node(concept, RefusalReason::NotAboutData(what));
                }
                _ => {}
            }
        }
        Ok(())
    });
}

/// What the policy rule says where nothing else does.
pub(super) fn base(node: &Node<'_, '_>, sink: &Sink) -> Result<Option<Effect>, Refused> {
    let Some(rule) = node.get("policyRule") else { return Ok(None) };
    let mut base = None;
    let mut others = false;
    for coding in rule.all("coding", |c| c.coding()) {
        let effect = match (coding.system.as_str(), coding.code.as_str()) {
            (ACT_CODE, "OPTIN") => Effect::Permit,
            (ACT_CODE, "OPTOUT" | "OPTOUTE" | "NOCONSENT") => Effect::Deny,
            _ => {
                others = true;
                continue;
            }
        };
        if base.replace(effect).is_some_and(|before| before != effect) {
            return Err(sink.node(&rule, RefusalReason::Contradiction));
        }
    }
    // A policy we do not know beside OPTIN may take back what it gives.
    Ok(base.filter(|effect| *effect == Effect::Deny || !others))
}

/// URIs of the policies, or of the policy rule where there are none.
pub(super) fn policy(node: &Node<'_, '_>) -> String {
    let uris = node.all("policy", |p| p.text_at("uri"));
    if !uris.is_empty() {
        return uris.join(" ");
    }
    let rule = node.get("policyRule").and_then(|r| r.concept());
    rule.map(|c| format!("{}|{}", c.system, c.code)).unwrap_or_default()
}

/// The first day on which the consent may have been made, in the calendar of its writer, as year,
/// month, day.
///
/// R4: `dateTime` is "the time that this statement was made". An instant written in UTC tells no
/// calendar: servers write so.
pub(super) fn made_on(node: &Node<'_, '_>) -> Option<(i32, u32, u32)> {
    let text = node.text_at("dateTime")?;
    match PartialDate::parse(&text).ok()? {
        PartialDate::Civil { year, month, day } => Some((year, month.unwrap_or(1), day.unwrap_or(1))),
        PartialDate::Instant(_) => {
            let utc = ["Z", "+00:00", "-00:00"].iter().any(|zone| text.ends_with(zone));
            match PartialDate::parse(text.get(..10)?).ok()? {
                PartialDate::Civil { year, month: Some(month), day: Some(day) } if !utc => {
                    Some((year, month, day))
                }
                _ => None,
            }
        }
    }
}

impl Reading<'_> {
    /// Whether a day had certainly begun where the consent was made, when it was made.
    pub(super) fn had_begun(&self, day: &PartialDate) -> bool {
        match (*day, self.made) {
            (PartialDate::Civil { year, month, day }, Some(made)) => {
                (year, month.unwrap_or(1), day.unwrap_or(1)) <= made
            }
            _ => false,
        }
    }
}
