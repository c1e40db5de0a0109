//! Changes to a good consent: what each refusal names, and that all are listed.

use amanat_domain::fhir::consent::{Compiled, Organisations, Refusal, RefusalReason, Refusals, compile};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{DateError, Zones};
use serde_json::{Value, json};

pub(crate) const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
pub(crate) const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(crate) const LEVEL: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(crate) const TYPES: &str = "http://hl7.org/fhir/resource-types";

pub(crate) fn good() -> Value {
    json!({
        "resourceType": "Consent", "status": "active", "patient": {"reference": "Patient/p"},
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policy": [{"uri": "urn:policy"}],
        "provision": {"type": "permit", "purpose": [purpose("TREAT")], "provision": [{"type": "deny"}]},
    })
}

pub(crate) fn purpose(code: &str) -> Value {
    json!({"system": REASON, "code": code})
}

pub(crate) fn actor(role: &str, reference: &str) -> Value {
    json!({
        "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": role}]},
        "reference": {"reference": reference},
    })
}

pub(crate) fn concept(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}

pub(crate) fn run(consent: &Value, zones: Zones) -> Result<Compiled, Refusals> {
    let text = consent.to_string();
    compile(&Json::parse(text.as_bytes()).expect("JSON"), &Organisations, zones)
}

/// What stands in the way of a consent that is refused.
fn refused(consent: &Value) -> Vec<Refusal> {
    run(consent, Zones::ANY).expect_err("refused").all().to_vec()
}

/// Not a list, but this.
fn array(got: &'static str) -> RefusalReason {
    RefusalReason::WrongType { expected: "an array", got }
}

/// The consent with the value at a JSON pointer set; null takes it away.
pub(crate) fn with(pointer: &str, value: Value) -> Value {
    let mut consent = good();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = consent.pointer_mut(parent).expect("the parent");
    match (parent, value) {
        (Value::Object(map), Value::Null) => {
            map.remove(key);
        }
        (parent, value) => parent[key] = value,
    }
    consent
}

#[test]
fn every_refusal_names_its_provision_and_reason() {
    use RefusalReason as R;
    assert!(run(&good(), Zones::ANY).is_ok());
    let root = "/provision";
    let nested = "/provision/provision/0";
    let at = |base: &str, key: &str| format!("{base}/{key}");
    let rows: Vec<(String, Value, &str, RefusalReason)> = vec![
        ("/resourceType".into(), json!("Contract"), "Consent", R::NotAConsent("Contract")),
        (
            "/resourceType".into(),
            json!("Gift"),
            "Consent",
            R::NotAConsent("no FHIR R4 resource that is known"),
        ),
        ("/status".into(), json!("draft"), "Consent.status", R::Status("draft")),
        ("/status".into(), json!("proposed"), "Consent.status", R::Status("proposed")),
        ("/status".into(), json!("rejected"), "Consent.status", R::Status("rejected")),
        ("/status".into(), json!("inactive"), "Consent.status", R::Status("inactive")),
        ("/status".into(), json!("entered-in-error"), "Consent.status", R::Status("entered-in-error")),
        ("/status".into(), json!("unknown"), "Consent.status", R::UnknownStatus),
        ("/status".into(), json!("Active"), "Consent.status", R::UnknownStatus),
        ("/status".into(), Value::Null, "Consent.status", R::Missing),
        ("/patient".into(), Value::Null, "Consent.patient", R::Missing),
        ("/patient".into(), json!({"display": "P"}), "Consent.patient", R::NoReference),
        ("/patient".into(), json!({"reference": "Group/g"}), "Consent.patient", R::NotAPatient),
        (
            "/scope".into(),
            concept("http://terminology.hl7.org/CodeSystem/consentscope", "adr"),
            "Consent.scope",
            R::NotAboutData("the scope adr (advance directive)"),
        ),
        (
            "/scope".into(),
            concept("http://terminology.hl7.org/CodeSystem/consentscope", "treatment"),
            "Consent.scope",
            R::NotAboutData("the scope treatment"),
        ),
        ("/scope".into(), Value::Null, "Consent.scope", R::Missing),
        ("/scope".into(), json!({"text": "privacy"}), "Consent.scope", R::Uncoded),
        (
            "/scope".into(),
            concept("urn:x", "patient-privacy"),
            "Consent.scope",
            R::UnknownSystem("consentscope"),
        ),
        (
            "/scope".into(),
            json!({"coding": [{"system": "urn:x", "code": "a"}, {"system": "urn:x", "code": "b"}]}),
            "Consent.scope",
            R::SeveralCodes,
        ),
        (
            "/category".into(),
            json!([concept("http://terminology.hl7.org/CodeSystem/consentcategorycodes", "dnr")]),
            "Consent.category[0]",
            R::NotAboutData("the category dnr (do not resuscitate)"),
        ),
        (
            "/category".into(),
            json!([concept("http://loinc.org", "42348-3")]),
            "Consent.category[0]",
            R::NotAboutData("an advance directive of LOINC"),
        ),
        (
            "/category".into(),
            json!([concept(ACT, "RSDID"), concept(ACT, "INFAO")]),
            "Consent.category",
            R::Contradiction,
        ),
        ("/category".into(), json!({}), "Consent.category", array("an object")),
        (
            "/verification".into(),
            json!([{"verified": false}]),
            "Consent.verification[0].verified",
            R::NotVerified,
        ),
        (
            "/verification".into(),
            json!([{"verified": true, "verificationDate": "2024"}, {"verified": false, "verificationDate": "2025"}]),
            "Consent.verification[1].verified",
            R::NotVerified,
        ),
        ("/verification".into(), json!([{}]), "Consent.verification[0]", R::Empty),
        (
            "/verification".into(),
            json!([{"verificationDate": "2024"}]),
            "Consent.verification[0].verified",
            R::Missing,
        ),
        ("/implicitRules".into(), json!("urn:x"), "Consent.implicitRules", R::Modifier),
        ("/modifierExtension".into(), json!([{"url": "urn:x"}]), "Consent.modifierExtension", R::Modifier),
        (
            "/verification".into(),
            json!([{"verified": true, "modifierExtension": [{"url": "urn:x"}]}]),
            "Consent.verification[0].modifierExtension",
            R::Modifier,
        ),
        (
            "/decision".into(),
            json!("permit"),
            "Consent.decision",
            R::OtherVersion { version: "R5", instead: "provision.type" },
        ),
        (
            "/except".into(),
            json!([]),
            "Consent.except",
            R::OtherVersion { version: "STU3", instead: "provision.provision" },
        ),
        ("/obligation".into(), json!("x"), "Consent.obligation", R::UnknownElement),
        ("/Dear Mrs Khan".into(), json!("x"), "Consent.?", R::UnknownElement),
        ("/provision".into(), Value::Null, "Consent.provision", R::SaysNothing),
        (
            "/provision".into(),
            json!([{"type": "permit"}]),
            "Consent.provision",
            R::OtherVersion { version: "R5", instead: "one root provision, with others nested in it" },
        ),
        ("/provision".into(), json!({}), "Consent.provision", R::Empty),
        (
            "/policyRule".into(),
            json!({"coding": [{"system": ACT, "code": "OPTIN"}, {"system": ACT, "code": "OPTOUT"}]}),
            "Consent.policyRule",
            R::Contradiction,
        ),
        (at(root, "type"), Value::Null, "Consent.provision.type", R::NoType),
        (at(root, "type"), json!("allow"), "Consent.provision.type", R::UnknownCode),
        (at(root, "modifierExtension"), json!([]), "Consent.provision.modifierExtension", R::Modifier),
        (
            at(nested, "modifierExtension"),
            json!([]),
            "Consent.provision.provision[0].modifierExtension",
            R::Modifier,
        ),
        (
            at(root, "extension"),
            json!([{"url": "urn:x"}]),
            "Consent.provision.extension[0]",
            R::UnknownExtension,
        ),
        (
            at(root, "extension"),
            json!([{"url": "urn:amanat:jurisdiction", "valueCode": "XX"}]),
            "Consent.provision.extension[0]",
            R::UnknownCode,
        ),
        (
            at(root, "purpose"),
            json!([{"system": REASON, "code": "TREAT", "extension": [{"url": "urn:x"}]}]),
            "Consent.provision.purpose",
            R::UnknownExtension,
        ),
        (at(root, "where"), json!("x"), "Consent.provision.where", R::UnknownElement),
        (at(root, "_type"), json!({}), "Consent.provision._type", R::UnknownElement),
        (
            at(nested, "resourceType"),
            json!([{"code": "Claim"}]),
            "Consent.provision.provision[0].resourceType",
            R::OtherVersion { version: "R5", instead: "class" },
        ),
        (at(root, "purpose"), json!([]), "Consent.provision.purpose", R::Empty),
        (at(root, "purpose"), json!({}), "Consent.provision.purpose", array("an object")),
        (
            at(root, "purpose"),
            json!(["TREAT"]),
            "Consent.provision.purpose[0]",
            R::WrongType { expected: "an object", got: "a string" },
        ),
        (
            at(root, "purpose"),
            json!([{"system": "http://hl7.org/fhir/v3/ActReason", "code": "TREAT"}]),
            "Consent.provision.purpose[0]",
            R::UnknownSystem("v3-ActReason"),
        ),
        (
            at(root, "purpose"),
            json!([purpose("TREAT"), purpose("FOO")]),
            "Consent.provision.purpose[1]",
            R::UnknownCode,
        ),
        (at(root, "purpose"), json!([{"code": "TREAT"}]), "Consent.provision.purpose[0]", R::Uncoded),
        (at(root, "purpose"), json!([purpose("treat")]), "Consent.provision.purpose[0]", R::UnknownCode),
        (
            at(nested, "purpose"),
            json!([purpose("FOO")]),
            "Consent.provision.provision[0].purpose[0]",
            R::UnknownCode,
        ),
        (
            at(root, "action"),
            json!([concept("urn:x", "access")]),
            "Consent.provision.action[0]",
            R::UnknownSystem("consentaction"),
        ),
        (at(root, "action"), json!([{"text": "look"}]), "Consent.provision.action[0]", R::Uncoded),
        (
            at(root, "class"),
            json!([{"system": TYPES, "code": "Claim"}]),
            "Consent.provision.class",
            R::ClassShared,
        ),
        (
            at(root, "class"),
            json!([{"system": "urn:ietf:bcp:13", "code": "application/pdf"}]),
            "Consent.provision.class[0]",
            R::UnknownSystem("resource-types"),
        ),
        (
            at(root, "class"),
            json!([{"system": TYPES, "code": "MedicationStatement"}]),
            "Consent.provision.class",
            R::NoRecords,
        ),
        (
            at(nested, "class"),
            json!([{"system": TYPES, "code": "MedicationStatment"}]),
            "Consent.provision.provision[0].class[0]",
            R::UnknownCode,
        ),
        (
            at(root, "class"),
            json!([{"system": "urn:amanat:category", "code": "HIV"}]),
            "Consent.provision.class[0]",
            R::UnknownCode,
        ),
        (
            at(root, "code"),
            json!([concept("http://loinc.org", "4548-4")]),
            "Consent.provision.code",
            R::NotRepresentable,
        ),
        (
            at(root, "data"),
            json!([{"meaning": "instance", "reference": {"reference": "Observation/1"}}]),
            "Consent.provision.data",
            R::NotRepresentable,
        ),
        (
            at(root, "securityLabel"),
            json!([{"system": ACT, "code": "HIV"}]),
            "Consent.provision.securityLabel",
            R::ClearanceOnly,
        ),
        (
            at(root, "securityLabel"),
            json!([{"system": ACT, "code": "ETHUD"}]),
            "Consent.provision.securityLabel[0]",
            R::CodeShared,
        ),
        (
            at(root, "securityLabel"),
            json!([{"system": LEVEL, "code": "L"}]),
            "Consent.provision.securityLabel",
            R::CodeShared,
        ),
        (
            at(root, "securityLabel"),
            json!([{"system": "urn:x", "code": "N"}]),
            "Consent.provision.securityLabel[0]",
            R::UnknownSystem("v3-Confidentiality or v3-ActCode"),
        ),
        (
            at(root, "actor"),
            json!([actor("CST", "Organization/a")]),
            "Consent.provision.actor[0].role",
            R::NotARecipient,
        ),
        (
            at(root, "actor"),
            json!([actor("IRCP", "Organization/a"), actor("IRCP", "Practitioner/x")]),
            "Consent.provision.actor[1].reference",
            R::UnknownActor,
        ),
        (
            at(root, "actor"),
            json!([actor("IRCP", "https://x.org/Organization/a")]),
            "Consent.provision.actor[0].reference",
            R::UnknownActor,
        ),
        (
            at(root, "actor"),
            json!([actor("IRCP", "Organization/a/_history/1")]),
            "Consent.provision.actor[0].reference",
            R::UnknownActor,
        ),
        (
            at(root, "actor"),
            json!([{"reference": {"reference": "Organization/a"}}]),
            "Consent.provision.actor[0]",
            R::NoRole,
        ),
        (
            at(nested, "actor"),
            json!([actor("IRCP", "Practitioner/x")]),
            "Consent.provision.provision[0].actor[0].reference",
            R::UnknownActor,
        ),
        (
            at(root, "period"),
            json!({"start": "2026-03-01T10:00:00"}),
            "Consent.provision.period.start",
            R::Date(DateError::NoZone),
        ),
        (
            at(root, "period"),
            json!({"start": "2026", "end": "2025"}),
            "Consent.provision.period",
            R::Reversed,
        ),
        (
            at(root, "period"),
            json!({"start": "2026-03-01", "end": "2026-03-01"}),
            "Consent.provision.period",
            R::EmptyPeriod,
        ),
        (at(root, "period"), json!({}), "Consent.provision.period", R::Empty),
        (
            at(root, "dataPeriod"),
            json!({"start": "March"}),
            "Consent.provision.dataPeriod.start",
            R::Date(DateError::Malformed),
        ),
        (at(nested, "type"), Value::Null, "Consent.provision.provision[0]", R::Empty),
        (
            "/provision/provision".into(),
            json!([{"purpose": [purpose("TREAT")]}]),
            "Consent.provision.provision[0]",
            R::NoType,
        ),
        (
            at(nested, "provision"),
            json!([{"type": "permit"}]),
            "Consent.provision.provision[0].provision",
            R::TooDeep,
        ),
        (
            at(root, "actor"),
            (0..9).map(|n| actor("IRCP", &format!("Organization/{n}"))).collect(),
            "Consent.provision",
            R::TooManyRules { needed: 18, most: 8 },
        ),
    ];
    for (pointer, value, path, reason) in rows {
        let shown = format!("{pointer} = {value}");
        assert_eq!(refused(&with(&pointer, value)), [Refusal { path: path.to_owned(), reason }], "{shown}");
    }
    let mut null = good();
    null["provision"]["purpose"] = Value::Null;
    let expected = Refusal { path: "Consent.provision.purpose".to_owned(), reason: R::Null };
    assert_eq!(refused(&null), [expected], "null takes no condition away");
}

/// Each refusal as `path: reason`.
fn lines(consent: &Value) -> Vec<String> {
    refused(consent).iter().map(ToString::to_string).collect()
}

#[test]
fn a_missing_scope_is_called_missing() {
    let mut consent = with("/scope", Value::Null);
    assert_eq!(lines(&consent), ["Consent.scope: missing; R4 requires it"]);
    consent["category"] =
        json!([concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy")]);
    let [line] = &lines(&consent)[..] else { panic!("one refusal") };
    assert!(line.starts_with("Consent.scope: missing; R4 requires it"), "{line}");
    assert!(line.contains("a category has a code of consentscope"), "{line}");
}

#[test]
fn all_that_stands_in_the_way_is_listed() {
    let mut consent = good();
    consent["status"] = json!("draft");
    consent.as_object_mut().expect("an object").remove("scope");
    consent["provision"]["purpose"] = json!([purpose("A"), purpose("TREAT"), purpose("B")]);
    consent["provision"]["period"] = json!({"start": "March", "end": "2026-13"});
    consent["provision"]["provision"] = json!([
        {"type": "deny", "class": [{"system": TYPES, "code": "NoSuch"}], "purpose": [purpose("nosuch")]},
        "not an object",
        {"purpose": [purpose("nosuch")]},
        {"type": "permit", "action": [concept("urn:x", "access")], "provision": [{"type": "deny"}]},
    ]);
    let paths: Vec<String> = refused(&consent).into_iter().map(|r| r.path).collect();
    assert_eq!(
        paths,
        [
            "Consent.status",
            "Consent.scope",
            "Consent.provision.purpose[0]",
            "Consent.provision.purpose[2]",
            "Consent.provision.period.start",
            "Consent.provision.period.end",
            "Consent.provision.provision[1]",
            "Consent.provision.provision[0].purpose[0]",
            "Consent.provision.provision[0].class[0]",
            "Consent.provision.provision[2]",
            "Consent.provision.provision[2].purpose[0]",
            "Consent.provision.provision[3].provision",
            "Consent.provision.provision[3].action[0]",
        ]
    );
}

#[test]
fn what_does_not_fit_together_is_listed_with_what_is_misread() {
    let mut consent = good();
    consent["provision"]["provision"] = json!([
        {"type": "permit", "securityLabel": [{"system": ACT, "code": "HIV"}], "purpose": [purpose("HRESCH")]},
        {"type": "deny", "purpose": [purpose("nosuch")]},
    ]);
    assert_eq!(
        refused(&consent).iter().map(|r| r.path.as_str()).collect::<Vec<_>>(),
        ["Consent.provision.provision[0].securityLabel", "Consent.provision.provision[1].purpose[0]"]
    );
}

#[test]
fn a_consent_of_r5_is_recognised_by_its_elements() {
    let consent = json!({
        "resourceType": "Consent", "status": "active", "subject": {"reference": "Patient/p"}, "date": "2026-11-30",
        "category": [concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy")],
        "decision": "permit", "period": {"start": "2026"}, "grantor": [{"reference": "Patient/p"}],
        "provision": [{"purpose": [purpose("TREAT")]}],
    });
    let lines = lines(&consent);
    let r5: Vec<_> = lines.iter().filter(|line| line.contains("FHIR R5")).collect();
    for element in ["date", "decision", "grantor", "period", "provision", "subject"] {
        assert!(r5.iter().any(|l| l.starts_with(&format!("Consent.{element}: "))), "{element}: {lines:?}");
    }
    assert_eq!(lines.len(), r5.len() + 1, "{lines:?}");
    assert!(lines.iter().any(|l| l.starts_with("Consent.scope: missing")), "{lines:?}");
}

#[test]
fn a_flood_of_problems_is_counted_and_not_kept() {
    let mut consent = good();
    consent["provision"]["purpose"] = (0..1000).map(|_| json!({})).collect();
    let refusals = run(&consent, Zones::ANY).expect_err("refused");
    assert_eq!((refusals.all().len(), refusals.more()), (64, 936));
    assert!(refusals.to_string().ends_with("\nand 936 more"));
}

#[test]
fn a_later_verification_takes_the_place_of_an_earlier_failure() {
    let entries = json!([
        {"verified": false, "verificationDate": "2024-01-01"}, {"verified": true, "verificationDate": "2025-01-01"},
    ]);
    assert!(run(&with("/verification", entries), Zones::ANY).is_ok());
    let undated = json!([{"verified": false}, {"verified": true}]);
    assert!(run(&with("/verification", undated), Zones::ANY).is_err(), "which came last is not known");
}

#[test]
fn no_refusal_holds_a_value_of_the_file() {
    let text = good().to_string();
    // Every string of the consent in turn becomes a text that must not come back.
    let strings: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    for (n, _) in strings.iter().enumerate() {
        let mut parts: Vec<String> = text.split('"').map(str::to_owned).collect();
        parts[2 * n + 1] = "Bano \\u001b[2J 4711".to_owned();
        let changed = parts.join("\"");
        let Ok(json) = Json::parse(changed.as_bytes()) else { continue };
        if let Err(refusals) = compile(&json, &Organisations, Zones::ANY) {
            let shown = refusals.to_string();
            assert!(!shown.contains("Bano") && !shown.contains('\u{1b}'), "{shown}");
        }
    }
}
