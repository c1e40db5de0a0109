//! Consents: finding them in FHIR files, compiling them, and what is said of them. See [`crate::commands`] for the commands.

mod found;
pub(crate) mod terms;
mod whose;

pub(crate) use found::{Found, consents_in, one_in};
pub(crate) use whose::{Whose, whose};

use crate::actors::Organisation;
use amanat_domain::consent::{ConsentTerms, Effect, Grantee, HolderKey, Level, Rule};
use amanat_domain::fhir::consent::{Actors, Compiled, Origin, Refusals, compile as compile_fhir};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{SubjectReference, Zones};
use amanat_domain::time::Timestamp;
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Whom a consent may name: practitioners by their references, organisations with their names.
pub(crate) fn directory(
    practitioners: &BTreeMap<String, HolderKey>,
    organisations: &[Organisation],
) -> Actors {
    let actors = practitioners.iter().fold(Actors::new(), |actors, (reference, key)| {
        actors.with(reference.clone(), Grantee::Holder(*key))
    });
    organisations.iter().fold(actors, |actors, o| actors.named(o.reference.clone(), o.name.clone()))
}

/// Compiles the JSON of a FHIR Consent, or tells all that stands in the way.
pub(crate) fn try_compile(
    source: &str,
    directory: &Actors,
    zones: Zones,
) -> Result<core::result::Result<Compiled, Refusals>> {
    let json = Json::parse(source.as_bytes()).map_err(|e| anyhow!("{}", e.kind))?;
    Ok(compile_fhir(&json, directory, zones))
}

/// Compiles the JSON of a FHIR Consent; practitioners are known by their references. `zones`: of its dates without zone,
/// [`Zones::ANY`] if the operator named none.
pub(crate) fn compile(
    source: &str,
    practitioners: &BTreeMap<String, HolderKey>,
    zones: Zones,
) -> Result<Compiled> {
    Ok(try_compile(source, &directory(practitioners, &[]), zones)??)
}

/// How a consent names its patient, for a person to read: the reference, else the identifiers.
pub(crate) fn patient_named(patient: &SubjectReference) -> String {
    let words = match &patient.literal {
        Some(literal) => literal.clone(),
        // The number of a person is not for a terminal.
        None => "a patient named by an identifier".to_owned(),
    };
    // A text of a file: nothing in it moves the cursor.
    words.escape_debug().to_string()
}

/// Whether a consent is in force at `now`; none if it simply is.
pub(crate) fn standing(compiled: &Compiled, now: Timestamp) -> Option<String> {
    if let Some(since) = compiled.over_since(now) {
        return Some(format!("over since {since}"));
    }
    compiled.not_before(now).map(|begin| format!("not in force before {begin}"))
}

/// A compiled consent as a document.
pub(crate) fn document(compiled: &Compiled, now: Timestamp) -> Value {
    let rules = compiled.terms().rules().iter().zip(compiled.origins());
    let time = |t: Timestamp| {
        let open = t == Timestamp::MIN || t == Timestamp::MAX;
        if open { Value::Null } else { json!(t.to_string()) }
    };
    json!({
        "patient": { "reference": compiled.patient().literal, "identifiers": compiled.patient().identifiers },
        "rules": rules.map(|(rule, origin)| rule_document(rule, origin)).collect::<Vec<_>>(),
        "dropped": compiled.dropped().iter().map(|o| json!({ "path": o.path, "notes": notes(o) })).collect::<Vec<_>>(),
        "default": effect(compiled.terms().default_effect()),
        "policy": compiled.terms().policy(),
        "over_since": compiled.over_since(now).map(time),
        "not_before": compiled.not_before(now).map(time),
        "explanation": compiled.explain(),
    })
}

/// The refusals of a consent as a document.
pub(crate) fn refusals_document(refusals: &Refusals) -> Value {
    let all = refusals.all().iter();
    json!({
        "refused": all.map(|r| json!({ "path": r.path, "reason": r.reason.to_string() })).collect::<Vec<_>>(),
        "more": refusals.more(),
    })
}

/// When the terms of a consent permit nothing any more, if that is before `now`.
pub(crate) fn terms_over_since(terms: &ConsentTerms, now: Timestamp) -> Option<Timestamp> {
    terms.permits_until().filter(|until| *until < now)
}

fn effect(effect: Effect) -> &'static str {
    if effect == Effect::Permit { "permit" } else { "deny" }
}

fn notes(origin: &Origin) -> Vec<String> {
    origin.notes.iter().map(ToString::to_string).collect()
}

fn rule_document(rule: &Rule, origin: &Origin) -> Value {
    let names = |mask: String| mask.split('+').map(str::to_owned).collect::<Vec<_>>();
    let kind = match rule.grantee {
        Grantee::Any => "anyone",
        Grantee::Organisation(_) => "organisation",
        Grantee::Role(_) => "role",
        Grantee::OrganisationRole(..) => "role at an organisation",
        Grantee::Holder(_) => "person",
    };
    let period = |p: &amanat_domain::time::Period| json!([p.from().to_string(), p.until().to_string()]);
    json!({
        "path": origin.path,
        "effect": effect(rule.effect),
        "level": if rule.level == Level::Root { "root" } else { "nested" },
        "to": { "kind": kind, "name": origin.whom },
        "purposes": names(rule.purposes.to_string()),
        "actions": names(rule.actions.to_string()),
        "categories": names(rule.categories.to_string()),
        "jurisdictions": names(rule.jurisdictions.to_string()),
        "confidentiality": format!("{:?}", rule.confidentiality),
        "valid": period(&rule.validity),
        "data": period(&rule.data_period),
        "notes": notes(origin),
    })
}

/// A FHIR Consent that permits one organisation one purpose: for patients whose data holds none.
pub(crate) fn template(patient: &str, organisation: &str, purpose: &str, until: &str) -> String {
    serde_json::json!({
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy",
        }]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "policyRule": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT",
        }]},
        "provision": {
            "type": "permit",
            "period": {"end": until},
            "actor": [{
                "role": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP",
                }]},
                "reference": {"reference": organisation},
            }],
            "action": [{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "access",
            }]}],
            "purpose": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose,
            }],
        },
    })
    .to_string()
}
