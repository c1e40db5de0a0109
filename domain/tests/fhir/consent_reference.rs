//! An independent evaluator, straight over the FHIR JSON, against compiled rules: the rules never
//! permit what it refuses.
//!
//! It follows `domain/src/fhir/consent/semantics.md`, and decides requests for one purpose, one
//! action, one record: strictly by the text, without masks. The rules may be narrower; how often
//! they are is measured, so that "refuse all" does not pass.

use amanat_domain::consent::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, Grantee, HolderKey, Level, OrgId, Purposes,
};
use amanat_domain::fhir::consent::{Actors, compile};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{PartialDate, Zones};
use amanat_domain::field::Fr;
use amanat_domain::time::{Period, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const LEVEL: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
const TYPES: &str = "http://hl7.org/fhir/resource-types";

/// Purposes, with the purposes that v3 puts above each.
const PURPOSES: &[(&str, &[&str])] = &[
    ("TREAT", &[]),
    ("ETREAT", &["TREAT"]),
    ("BTG", &["ETREAT", "TREAT"]),
    ("HPAYMT", &[]),
    ("COVAUTH", &["HPAYMT"]),
    ("HRESCH", &[]),
    ("CLINTRCH", &["HRESCH"]),
];
const ACTIONS: &[&str] = &["access", "collect", "disclose", "correct"];
const LEVELS: &[(&str, u8)] = &[("M", 0), ("N", 1), ("R", 2), ("V", 3)];
const SENSITIVITIES: &[&str] = &["PSY", "HIV", "SEX"];
/// Types of record with the class bit each has here.
const RECORDS: &[(&str, &str)] = &[
    ("Observation", "labs"),
    ("DiagnosticReport", "labs"),
    ("Observation", "vitals"),
    ("MedicationRequest", "medications"),
    ("Claim", "claims"),
    ("Coverage", "claims"),
    ("Condition", "conditions"),
];
/// Recipients: organisation, practitioner.
const RECIPIENTS: &[(&str, &str)] = &[
    ("Organization/a", "Practitioner/1"),
    ("Organization/a", "Practitioner/2"),
    ("Organization/b", "Practitioner/3"),
];
const DAYS: &[&str] = &["2019-06-15", "2020-03-01", "2020-12-31", "2021-07-07", "2024-02-29"];
const BOUNDS: &[&str] = &["2019", "2020-03", "2020-03-01", "2020-12-31T12:00:00+05:00", "2021", "2023-01"];

#[derive(Debug, Clone)]
struct Request {
    purpose: usize,
    action: usize,
    record: usize,
    level: usize,
    sensitivities: Vec<usize>,
    recipient: usize,
    now: usize,
    data: usize,
    noon: bool,
}

fn holder(practitioner: &str) -> HolderKey {
    HolderKey::new(Fr::from(u64::from(*practitioner.as_bytes().last().expect("a digit"))))
}

fn directory() -> Actors {
    RECIPIENTS.iter().fold(Actors::new(), |all, (_, p)| all.with(*p, Grantee::Holder(holder(p))))
}

fn instant(day: &str, noon: bool) -> Timestamp {
    let text = format!("{day}T{}:00:00Z", if noon { "12" } else { "23" });
    PartialDate::parse(&text).expect("a date").start()
}

// --- the flat rules, evaluated as the circuits do

fn flat(terms: &ConsentTerms, r: &Request) -> bool {
    let bit = |name| Categories::by_name(name).expect("a name");
    let categories =
        r.sensitivities.iter().fold(bit(RECORDS[r.record].1), |c, s| c.union(bit(SENSITIVITIES[*s])));
    let level = [
        Confidentiality::Low,
        Confidentiality::Normal,
        Confidentiality::Restricted,
        Confidentiality::VeryRestricted,
    ][r.level];
    let purpose = Purposes::by_name(PURPOSES[r.purpose].0).expect("a name");
    let action = Actions::by_name(ACTIONS[r.action]).expect("a name");
    let (organisation, practitioner) = RECIPIENTS[r.recipient];
    let data = Period::at(instant(DAYS[r.data], r.noon));
    let now = Period::at(instant(DAYS[r.now], r.noon));
    for wanted in [Level::Nested, Level::Root] {
        let matching: Vec<Effect> = terms
            .rules()
            .iter()
            .filter(|rule| rule.level == wanted)
            .filter(|rule| {
                let who = match rule.grantee {
                    Grantee::Any => true,
                    Grantee::Organisation(org) => org == OrgId::from_reference(organisation),
                    Grantee::Holder(key) => key == holder(practitioner),
                    Grantee::Role(_) | Grantee::OrganisationRole(..) => false,
                };
                let what = match rule.effect {
                    Effect::Permit => {
                        purpose.is_subset(rule.purposes)
                            && action.is_subset(rule.actions)
                            && categories.is_subset(rule.categories)
                            && level <= rule.confidentiality
                            && rule.data_period.contains(&data)
                    }
                    Effect::Deny => {
                        purpose.intersects(rule.purposes)
                            && action.intersects(rule.actions)
                            && categories.intersects(rule.categories)
                            && level >= rule.confidentiality
                            && rule.data_period.overlaps(&data)
                    }
                };
                who && what && rule.validity.contains(&now)
            })
            .map(|rule| rule.effect)
            .collect();
        if matching.contains(&Effect::Deny) {
            return false;
        }
        if matching.contains(&Effect::Permit) {
            return true;
        }
    }
    terms.default_effect() == Effect::Permit
}

// --- the text, evaluated directly

/// Whether an instant lies in a FHIR Period: certainly (for a permit) or possibly (for a deny), its
/// dates' zone unknown.
fn in_period(period: &Value, t: Timestamp, certainly: bool) -> bool {
    let date = |key: &str| period[key].as_str().map(|s| PartialDate::parse(s).expect("a date"));
    let (west, east) = (12 * 3600, 14 * 3600);
    let slack =
        |d: &PartialDate, seconds: i64| if matches!(d, PartialDate::Instant(_)) { 0 } else { seconds };
    let after_start = date("start").is_none_or(|d| {
        let start = d.start().to_unix() + if certainly { slack(&d, west) } else { -slack(&d, east) };
        start <= t.to_unix()
    });
    let before_end = date("end").is_none_or(|d| {
        let end = d.end().to_unix() + if certainly { -slack(&d, east) } else { slack(&d, west) };
        t.to_unix() <= end
    });
    after_start && before_end
}

fn list<'v>(provision: &'v Value, key: &str) -> Option<&'v Vec<Value>> {
    provision[key].as_array()
}

fn matches_class(classes: &[Value], r: &Request) -> bool {
    classes.iter().any(|c| c["code"] == RECORDS[r.record].0)
}

fn matches_labels(labels: &[Value], r: &Request, permit: bool) -> bool {
    labels.iter().any(|label| {
        let code = label["code"].as_str().expect("a code");
        if label["system"] == LEVEL {
            let named = LEVELS.iter().find(|(c, _)| *c == code).expect("a level").1;
            let level = LEVELS[r.level].1;
            if permit { level <= named && r.sensitivities.is_empty() } else { level >= named }
        } else {
            r.sensitivities.iter().any(|s| SENSITIVITIES[*s] == code)
        }
    })
}

/// One dimension at a time; absent is always met.
fn meets(provision: &Value, key: &str, r: &Request, permit: bool) -> bool {
    match key {
        "period" | "dataPeriod" => {
            let day = if key == "period" { r.now } else { r.data };
            provision.get(key).is_none_or(|p| in_period(p, instant(DAYS[day], r.noon), permit))
        }
        _ => list(provision, key).is_none_or(|items| match key {
            "actor" => {
                let (organisation, practitioner) = RECIPIENTS[r.recipient];
                let named = |a: &Value| {
                    a["reference"]["reference"] == organisation || a["reference"]["reference"] == practitioner
                };
                items.iter().any(named)
            }
            "purpose" => {
                let (own, above) = PURPOSES[r.purpose];
                items.iter().any(|p| p["code"] == own || (!permit && above.iter().any(|a| p["code"] == *a)))
            }
            "action" => items.iter().any(|a| a["coding"][0]["code"] == ACTIONS[r.action]),
            "class" => matches_class(items, r),
            "securityLabel" => matches_labels(items, r, permit),
            _ => unreachable!(),
        }),
    }
}

const DIMENSIONS: &[&str] = &["period", "dataPeriod", "actor", "purpose", "action", "class", "securityLabel"];

fn nested_matches(nested: &Value, root: &Value, r: &Request) -> bool {
    let permit = nested["type"] == "permit";
    DIMENSIONS.iter().all(|key| {
        let own = nested.get(*key).is_some();
        match *key {
            "purpose" => meets(if own { nested } else { root }, key, r, permit),
            "securityLabel" if own => meets(nested, key, r, permit),
            "securityLabel" => !permit && root["type"] == "permit" || meets(root, key, r, permit),
            _ if permit => meets(nested, key, r, permit) && meets(root, key, r, permit),
            _ => meets(if own { nested } else { root }, key, r, permit),
        }
    })
}

fn reference(consent: &Value, r: &Request) -> bool {
    let root = &consent["provision"];
    let permit = root["type"] == "permit";
    let empty = Vec::new();
    let nested: Vec<&Value> =
        list(root, "provision").unwrap_or(&empty).iter().filter(|n| nested_matches(n, root, r)).collect();
    if nested.iter().any(|n| n["type"] == "deny") {
        return false;
    }
    if !nested.is_empty() {
        return true;
    }
    if DIMENSIONS.iter().all(|key| meets(root, key, r, permit)) {
        return permit;
    }
    let base = consent["policyRule"]["coding"][0]["code"] == "OPTIN";
    base && !permit && meets(root, "period", r, true)
}

// --- random consents and requests

fn some<T: core::fmt::Debug + Clone + 'static>(
    from: &'static [T],
    most: usize,
) -> impl Strategy<Value = Vec<T>> {
    prop::sample::subsequence(from, 1..=most)
}

fn maybe(
    key: &'static str,
    weight: f64,
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<Option<(&'static str, Value)>> {
    prop::option::weighted(weight, value.prop_map(move |v| (key, v))).boxed()
}

fn period() -> impl Strategy<Value = Value> {
    (prop::option::of(0..BOUNDS.len()), prop::option::of(0..BOUNDS.len())).prop_map(|(start, end)| {
        let mut period = json!({});
        let (start, end) = match (start, end) {
            (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
            (None, None) => (Some(0), None),
            other => other,
        };
        if let Some(s) = start {
            period["start"] = BOUNDS[s].into();
        }
        if let Some(e) = end {
            period["end"] = BOUNDS[e].into();
        }
        period
    })
}

fn provision(effect: bool, density: f64) -> BoxedStrategy<Value> {
    let purposes =
        some(PURPOSES, 4).prop_map(|p| p.iter().map(|(c, _)| json!({"system": REASON, "code": c})).collect());
    let actions = some(ACTIONS, 3)
        .prop_map(|a| a.iter().map(|c| json!({"coding": [{"system": ACTION, "code": c}]})).collect());
    let classes = prop_oneof![
        Just(vec!["MedicationRequest"]),
        Just(vec!["Condition", "MedicationRequest"]),
        Just(vec!["Claim", "ExplanationOfBenefit", "Coverage"]),
        Just(vec!["Claim"]),
        Just(vec!["Observation"]),
    ]
    .prop_map(|t| t.iter().map(|c| json!({"system": TYPES, "code": c})).collect());
    let labels =
        (some(LEVELS, 2), some(SENSITIVITIES, 2), 0..3).prop_map(|(levels, sensitivities, which)| {
            let levels = levels.iter().map(|(c, _)| json!({"system": LEVEL, "code": c}));
            let sensitivities = sensitivities.iter().map(|c| json!({"system": ACT, "code": c}));
            match which {
                0 => levels.collect(),
                1 => sensitivities.collect(),
                _ => levels.chain(sensitivities).collect(),
            }
        });
    let actors = some(&["Organization/a", "Organization/b", "Practitioner/1", "Practitioner/3"], 2).prop_map(|a| {
        let role = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]});
        a.iter().map(|r| json!({"role": role, "reference": {"reference": r}})).collect()
    });
    let fields = vec![
        maybe("purpose", density, purposes),
        maybe("action", density / 2.0, actions),
        maybe("class", density / 2.0, classes),
        maybe("securityLabel", density, labels),
        maybe("actor", density, actors),
        maybe("period", density / 2.0, period()),
        maybe("dataPeriod", density / 2.0, period()),
    ];
    fields
        .prop_map(move |fields| {
            let mut provision = json!({"type": if effect { "permit" } else { "deny" }});
            for (key, value) in fields.into_iter().flatten() {
                provision[key] = value;
            }
            provision
        })
        .boxed()
}

fn arb_consent() -> impl Strategy<Value = Value> {
    let nested = prop::collection::vec(any::<bool>().prop_flat_map(|e| provision(e, 0.3)), 0..3);
    let root = any::<bool>().prop_flat_map(|e| provision(e, 0.25));
    (root, nested, prop::sample::select(vec!["OPTIN", "OPTOUT", ""])).prop_map(|(mut root, nested, base)| {
        if !nested.is_empty() {
            root["provision"] = nested.into();
        }
        let mut consent = json!({
            "resourceType": "Consent", "status": "active", "patient": {"reference": "Patient/p"},
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "provision": root,
        });
        if !base.is_empty() {
            consent["policyRule"] = json!({"coding": [{"system": ACT, "code": base}]});
        }
        consent
    })
}

fn arb_request() -> impl Strategy<Value = Request> {
    let days = 0..DAYS.len();
    (
        (0..PURPOSES.len(), 0..ACTIONS.len(), 0..RECORDS.len(), 0..LEVELS.len()),
        prop::sample::subsequence(vec![0usize, 1, 2], 0..2),
        (0..RECIPIENTS.len(), days.clone(), days, any::<bool>()),
    )
        .prop_map(|((purpose, action, record, level), sensitivities, (recipient, now, data, noon))| {
            Request { purpose, action, record, level, sensitivities, recipient, now, data, noon }
        })
}

#[test]
fn compiled_rules_never_permit_what_the_text_refuses() {
    use std::cell::Cell;
    // More by PROPTEST_CASES: a hundred thousand consents take some minutes.
    let config =
        ProptestConfig { cases: ProptestConfig::default().cases.max(4000), ..ProptestConfig::default() };
    let (compiled, refused, both, narrower) =
        (Cell::new(0u32), Cell::new(0u32), Cell::new(0u32), Cell::new(0u32));
    let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
    let requests = prop::collection::vec(arb_request(), 40);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&(arb_consent(), requests), |(consent, requests)| {
            let text = serde_json::to_vec(&consent).expect("JSON");
            let json = Json::parse(&text).expect("JSON");
            match compile(&json, &directory(), Zones::ANY) {
                Err(refusals) => {
                    count(&refused);
                    let within = |path: &str| path.starts_with("Consent.provision");
                    prop_assert!(refusals.all().iter().all(|r| within(&r.path)), "{refusals}");
                }
                Ok(c) => {
                    count(&compiled);
                    for r in &requests {
                        match (flat(c.terms(), r), reference(&consent, r)) {
                            (true, false) => prop_assert!(false, "widened: {r:?}\n{}", c.explain()),
                            (true, true) => count(&both),
                            (false, true) => count(&narrower),
                            (false, false) => {}
                        }
                    }
                }
            }
            Ok(())
        })
        .unwrap_or_else(|e| panic!("{e}"));
    let (compiled, refused, both, narrower) = (compiled.get(), refused.get(), both.get(), narrower.get());
    eprintln!(
        "{compiled} compiled, {refused} refused; of permitted requests {both} pass, {narrower} are narrowed away"
    );
    assert!(compiled > refused, "most of the subset compiles");
    assert!(both > 4 * narrower, "the rules are not much narrower than the text");
}
