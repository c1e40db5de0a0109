//! Consents with parts of them replaced at random: never a panic, and every refusal has a path.

use amanat_domain::fhir::Zones;
use amanat_domain::fhir::consent::{Organisations, compile};
use amanat_domain::fhir::json::Json;
use serde_json::{Value, json};

use crate::consent_refusals::{ACT, LEVEL, TYPES, actor, concept, good, purpose};

/// A consent with most of what R4 has, to be damaged.
fn rich() -> Value {
    let mut consent = good();
    consent["dateTime"] = json!("2026-11-30");
    consent["contained"] =
        json!([{"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:s", "value": "1"}]}]);
    consent["patient"] =
        json!({"reference": "#p", "type": "Patient", "identifier": {"system": "urn:s", "value": "2"}});
    consent["verification"] = json!([{"verified": true, "verificationDate": "2026-11-30"}]);
    consent["policyRule"] = concept(ACT, "OPTIN");
    let conditions = json!({
        "type": "deny", "actor": [actor("IRCP", "Organization/a")], "purpose": [purpose("TREAT")],
        "action": [concept("http://terminology.hl7.org/CodeSystem/consentaction", "access")],
        "class": [{"system": TYPES, "code": "MedicationStatement"}],
        "securityLabel": [{"system": LEVEL, "code": "R"}, {"system": ACT, "code": "HIV"}],
        "period": {"start": "2026-11-30", "end": "2027"}, "dataPeriod": {"start": "2020"},
        "code": [concept("http://snomed.info/sct", "86406008")],
        "data": [{"meaning": "instance", "reference": {"reference": "Condition/1"}}],
        "extension": [{"url": "urn:amanat:jurisdiction", "valueCode": "PK-PB"}],
    });
    let mut root = conditions.clone();
    root["type"] = json!("permit");
    for key in ["code", "data"] {
        root.as_object_mut().expect("an object").remove(key);
    }
    root["class"] = json!([{"system": TYPES, "code": "Condition"}]);
    root["provision"] = json!([conditions, root]);
    consent["provision"] = root;
    consent
}

/// Every place in a JSON value, as pointers.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| pointers(v, &format!("{at}/{key}"), out)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, v)| pointers(v, &format!("{at}/{n}"), out));
        }
        _ => {}
    }
    out.push(at.to_owned());
}

proptest::proptest! {
    #[test]
    fn a_damaged_consent_is_compiled_or_refused_by_name(
        damage in proptest::collection::vec((0usize..1000, 0usize..12, 0usize..1000), 1..4),
        zone in -720i32..=840,
    ) {
        let mut consent = rich();
        let mut places = Vec::new();
        pointers(&consent, "", &mut places);
        let values = [
            json!(null), json!({}), json!([]), json!([null]), json!(""), json!("permit"), json!("2026-11-30"), json!(7),
            json!(true), json!([[]]), json!({"": {}}), json!("\u{202e}\u{0}"),
        ];
        for (place, value, other) in damage {
            let new = match values.get(value) {
                // A part of the consent where it does not belong.
                _ if other % 3 == 0 => consent.pointer(&places[other % places.len()]).cloned().unwrap_or_default(),
                Some(value) => value.clone(),
                None => Value::Null,
            };
            if let Some(at) = consent.pointer_mut(&places[place % places.len()]) {
                *at = new;
            }
        }
        let text = consent.to_string();
        let Ok(json) = Json::parse(text.as_bytes()) else { return Ok(()) };
        for zones in [Zones::ANY, Zones::fixed(zone).expect("a zone")] {
            match compile(&json, &Organisations, zones) {
                Ok(compiled) => proptest::prop_assert!(compiled.explain().ends_with('\n')),
                Err(refusals) => {
                    proptest::prop_assert!(!refusals.all().is_empty());
                    proptest::prop_assert!(refusals.all().iter().all(|r| r.path.starts_with("Consent")), "{refusals}");
                }
            }
        }
    }
}
