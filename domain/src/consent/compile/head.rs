//! A Consent but its provisions: what makes it one to compile, its base policy, what its categories leave open.

use super::conditions::refuse;
use super::{Refusal, RefusalReason, has_key, vocabulary};
use crate::consent::{Actions, Effect, Purposes};
use crate::fhir::ACT_CODE;
use crate::fhir::json::Json;
use crate::fhir::node::Node;

/// What scope and categories leave open to permits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ceiling {
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

/// All but policy and provision: refuses what is no active R4 consent about data; gives the ceiling of its categories.
pub(super) fn head(node: &Node<'_, '_>) -> Result<Option<Ceiling>, Refusal> {
    let at = |path: &str, reason| Err(Refusal { path: format!("Consent{path}"), reason });
    let Some(object) = node.value().as_object() else { return at("", RefusalReason::Malformed) };
    if object.get("resourceType").and_then(Json::as_str) != Some("Consent") {
        return at("", RefusalReason::NotAConsent);
    }
    if object.get("implicitRules").is_some() || has_key(node.value(), |k| k == "modifierExtension") {
        return at("", RefusalReason::Modifier);
    }
    // `_dateTime` and the like hold extensions of a primitive; a status without value is refused below.
    let known = |k: &str| CONSENT_ELEMENTS.contains(&k) || k.starts_with('_');
    if object.iter().any(|(k, v)| !known(k) || matches!(v, Json::Null)) {
        return at("", RefusalReason::UnknownElement);
    }
    match node.get("status").as_ref().and_then(|s| s.value().as_str()) {
        Some("active") => {}
        Some("draft") => return at(".status", RefusalReason::Status("draft")),
        Some("proposed") => return at(".status", RefusalReason::Status("proposed")),
        Some("rejected") => return at(".status", RefusalReason::Status("rejected")),
        Some("inactive") => return at(".status", RefusalReason::Status("inactive")),
        Some("entered-in-error") => return at(".status", RefusalReason::Status("entered-in-error")),
        _ => return at(".status", RefusalReason::Status("unknown")),
    }
    if node.get("patient").is_none_or(|p| p.reference().is_none()) {
        return at(".patient", RefusalReason::NoReference);
    }
    if let Some(list) = node.get("verification") {
        let verified = |v: &Node<'_, '_>| v.flag_at("verified") == Some(true);
        if !list.elements().any(|v| verified(&v)) {
            return at(".verification", RefusalReason::NotVerified);
        }
    }
    let all = Ceiling { purposes: Purposes::ALL, actions: Actions::ALL };
    let mut ceiling = all;
    let mut lower = |purposes: Purposes, actions: Actions| {
        ceiling.purposes = ceiling.purposes.intersection(purposes);
        ceiling.actions = ceiling.actions.intersection(actions);
    };
    match node.get("scope").and_then(|s| coded(&s)) {
        Some((system, code)) if system == vocabulary::CONSENT_SCOPE => match code.as_str() {
            "patient-privacy" => {}
            "research" => lower(vocabulary::RESEARCH, Actions::ALL),
            _ => return at(".scope", RefusalReason::NotAboutData),
        },
        _ => return at(".scope", RefusalReason::UnknownCode),
    }
    let proofs = Actions::PROVE.union(Actions::AGGREGATE);
    if node.get("category").is_some_and(|c| c.value().as_array().is_none()) {
        return at(".category", RefusalReason::Malformed);
    }
    for (i, concept) in node.get("category").iter().flat_map(|c| c.elements()).enumerate() {
        for coding in concept.all("coding", |c| c.coding()) {
            match (coding.system.as_str(), coding.code.as_str()) {
                (ACT_CODE, "EMRGONLY") | (vocabulary::CONSENT_CATEGORY, "emrgonly") => {
                    lower(vocabulary::EMERGENCY, Actions::ALL);
                }
                (ACT_CODE, "RESEARCH" | "RSREID") | (vocabulary::CONSENT_CATEGORY, "research" | "rsreid") => {
                    lower(vocabulary::RESEARCH, Actions::ALL);
                }
                // De-identified only: what is proved or counted, never seen.
                (ACT_CODE, "RSDID") | (vocabulary::CONSENT_CATEGORY, "rsdid") => {
                    lower(vocabulary::RESEARCH, proofs);
                }
                (ACT_CODE, "ICOL") => lower(Purposes::ALL, Actions::COLLECT),
                (ACT_CODE, "IDSCL" | "IRDSCL") => lower(Purposes::ALL, Actions::DISCLOSE),
                (ACT_CODE, "INFA" | "INFAO") => lower(Purposes::ALL, Actions::ACCESS),
                (ACT_CODE, "INFASO") => lower(Purposes::ALL, Actions::ACCESS.union(Actions::COLLECT)),
                (vocabulary::CONSENT_CATEGORY, "acd" | "dnr" | "hcd" | "polst") => {
                    return at(&format!(".category[{i}]"), RefusalReason::NotAboutData);
                }
                _ => {}
            }
        }
    }
    if ceiling.purposes.is_empty() || ceiling.actions.is_empty() {
        return at(".category", RefusalReason::Contradiction);
    }
    Ok((ceiling != all).then_some(ceiling))
}

/// System and code of a concept's one coding; none where there are several: one may take back what another gives.
fn coded(concept: &Node<'_, '_>) -> Option<(String, String)> {
    let mut codings = concept.all("coding", |c| c.coding());
    let only = codings.pop()?;
    codings.is_empty().then_some((only.system, only.code))
}

/// What the policy rule says where nothing else does.
pub(super) fn base(node: &Node<'_, '_>) -> Result<Option<Effect>, Refusal> {
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
            return Err(refuse(&rule, RefusalReason::Contradiction));
        }
    }
    // A policy we do not know beside OPTIN may take back what it gives.
    Ok(base.filter(|effect| *effect == Effect::Deny || !others))
}

/// URIs of the policies, or of the policy rule where there are none.
pub(super) fn policy(node: &Node<'_, '_>) -> Result<String, Refusal> {
    let uris = node.all("policy", |p| p.text_at("uri"));
    if !uris.is_empty() {
        return Ok(uris.join(" "));
    }
    let rule = node.get("policyRule").and_then(|r| r.concept());
    Ok(rule.map(|c| format!("{}|{}", c.system, c.code)).unwrap_or_default())
}
