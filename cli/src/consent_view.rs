//! Consents as they are shown: words and JSON.

use amanat_domain::consent::{ConsentTerms, Effect, Grantee, Level, Rule};
use amanat_domain::fhir::consent::{Compiled, Origin, Refusals};
use amanat_domain::time::Timestamp;
use serde_json::{Value, json};

/// Why a consent is not in force at `now`; `None` if it is.
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
