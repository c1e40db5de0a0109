//! Consents: compiling FHIR, and `amanat consent`.

use amanat_domain::consent::compile::{Actors, Compiled, compile as compile_fhir};
use amanat_domain::consent::{Grantee, HolderKey};
use amanat_domain::fhir::Zones;
use amanat_domain::fhir::json::Json;
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;

/// Compiles the JSON of a FHIR Consent; practitioners are known by their references.
pub(crate) fn compile(source: &str, practitioners: &BTreeMap<String, HolderKey>) -> Result<Compiled> {
    let json = Json::parse(source.as_bytes()).map_err(|e| anyhow!("not JSON: {}", e.kind))?;
    let directory = practitioners.iter().fold(Actors::new(), |actors, (reference, key)| {
        actors.with(reference.clone(), Grantee::Holder(*key))
    });
    Ok(compile_fhir(&json, &directory, Zones::ANY)?)
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
