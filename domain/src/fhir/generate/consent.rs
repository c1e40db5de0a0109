//! Eight kinds of consent, each of a form that hospitals meet.

use serde_json::{Value, json};

use super::{HOSPITALS, INSTITUTE, INSURER, SplitMix};
use crate::fhir::consent::{ACTION_SYSTEM, CATEGORY_SYSTEM, JURISDICTION_EXTENSION};
use crate::fhir::{ACT_CODE, ACT_REASON, CONFIDENTIALITY};

fn actor(id: &str) -> Value {
    json!({
        "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
        "reference": {"reference": format!("Organization/{id}")},
    })
}

fn purposes(codes: &[&str]) -> Value {
    codes.iter().map(|code| json!({"system": ACT_REASON, "code": code})).collect()
}

/// The consent of patient `n`.
pub(super) fn resource(rng: &mut SplitMix, patient: &str, n: u32) -> Value {
    let (picked, ..) = *rng.pick(HOSPITALS);
    // The first patient's hospital is the first one whatever the seed: a development ledger has
    // clinicians there, so at least one consent of every run permits one of them.
    let hospital = if n == 0 { HOSPITALS[0].0 } else { picked };
    let until = rng.between(2027, 2029);
    let period =
        json!({"start": "2025-01-01T00:00:00+05:00", "end": format!("{until}-12-31T23:59:59+05:00")});
    let mut scope = "patient-privacy";
    let mut policy_rule = None;
    let hiv = json!({"system": ACT_CODE, "code": "HIV"});
    let mut provision = match n % 8 {
        // Treatment at one hospital, whatever the data.
        0 => {
            json!({"type": "permit", "actor": [actor(hospital)], "purpose": purposes(&["TREAT", "ETREAT", "CAREMGT"])})
        }
        // Research, but nothing about HIV.
        1 => {
            scope = "research";
            json!({
                "type": "permit", "actor": [actor(INSTITUTE)], "purpose": purposes(&["HRESCH", "CLINTRCH"]),
                "provision": [{"type": "deny", "securityLabel": [hiv]}],
            })
        }
        // Nobody, unless the glass is broken.
        2 => {
            policy_rule = Some("OPTOUT");
            json!({"type": "deny", "provision": [{"type": "permit", "actor": [actor(hospital)], "purpose": purposes(&["BTG"])}]})
        }
        // The insurer may see claims, to pay them.
        3 => json!({
            "type": "permit", "actor": [actor(INSURER)], "purpose": purposes(&["HPAYMT", "CLMATTCH", "COVAUTH"]),
            "class": [{"system": CATEGORY_SYSTEM, "code": "claims"}],
        }),
        // Counting only, over data since 2025.
        4 => json!({
            "type": "permit", "actor": [actor(INSTITUTE)], "purpose": purposes(&["HRESCH", "PUBHLTH"]),
            "action": [{"coding": [{"system": ACTION_SYSTEM, "code": "aggregate"}]}],
            "dataPeriod": {"start": "2025-01-01T00:00:00+05:00"},
        }),
        // Everybody but one hospital.
        5 => {
            policy_rule = Some("OPTIN");
            json!({"type": "deny", "actor": [actor(hospital)]})
        }
        // What is not sensitive, for treatment and payment; HIV too for one hospital.
        6 => json!({
            "type": "permit", "purpose": purposes(&["TREAT", "ETREAT", "HPAYMT"]),
            "securityLabel": [{"system": CONFIDENTIALITY, "code": "N"}],
            "provision": [{
                "type": "permit", "actor": [actor(hospital)],
                "securityLabel": [{"system": CONFIDENTIALITY, "code": "R"}, hiv],
            }],
        }),
        // Treatment in two provinces.
        _ => json!({
            "type": "permit", "purpose": purposes(&["TREAT", "ETREAT"]),
            "extension": [
                {"url": JURISDICTION_EXTENSION, "valueCode": "PK-PB"},
                {"url": JURISDICTION_EXTENSION, "valueCode": "PK-SD"},
            ],
        }),
    };
    provision["period"] = period;
    let mut consent = json!({
        "resourceType": "Consent", "id": format!("consent-{}", patient.trim_start_matches("patient-")), "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": scope}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": format!("Patient/{patient}")}, "dateTime": "2025-01-01T10:00:00+05:00",
        "performer": [{"reference": format!("Patient/{patient}")}],
        "organization": [{"reference": format!("Organization/{hospital}")}],
        "policy": [{"uri": "https://fhir.example.org/policies/privacy-1"}],
        "provision": provision,
    });
    if let Some(code) = policy_rule {
        consent["policyRule"] = json!({"coding": [{"system": ACT_CODE, "code": code}]});
    }
    consent
}
