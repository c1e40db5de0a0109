//! One change to a good consent at a time: what each refusal names, and what a rule becomes.

use amanat_domain::consent::compile::{
    Actors, Compiled, Note, Organisations, Refusal, RefusalReason, compile,
};
use amanat_domain::consent::{
    Actions, Categories, Confidentiality, Effect, Grantee, Jurisdictions, Level, OrgId, Purposes, RoleCode,
};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{DateError, Zones};
use serde_json::{Value, json};

const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const LEVEL: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const TYPES: &str = "http://hl7.org/fhir/resource-types";

fn good() -> Value {
    json!({
        "resourceType": "Consent", "status": "active", "patient": {"reference": "Patient/p"},
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policy": [{"uri": "urn:policy"}],
        "provision": {"type": "permit", "purpose": [purpose("TREAT")], "provision": [{"type": "deny"}]},
    })
}

fn purpose(code: &str) -> Value {
    json!({"system": REASON, "code": code})
}

fn actor(role: &str, reference: &str) -> Value {
    json!({
        "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": role}]},
        "reference": {"reference": reference},
    })
}

fn concept(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}

fn run(consent: &Value, zones: Zones) -> Result<Compiled, Refusal> {
    let text = consent.to_string();
    compile(&Json::parse(text.as_bytes()).expect("JSON"), &Organisations, zones)
}

/// The consent with the value at a JSON pointer set; null takes it away.
fn with(pointer: &str, value: Value) -> Value {
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
        ("/resourceType".into(), json!("Contract"), "Consent", R::NotAConsent),
        ("/status".into(), json!("draft"), "Consent.status", R::Status("draft")),
        ("/status".into(), json!("proposed"), "Consent.status", R::Status("proposed")),
        ("/status".into(), json!("rejected"), "Consent.status", R::Status("rejected")),
        ("/status".into(), json!("inactive"), "Consent.status", R::Status("inactive")),
        ("/status".into(), json!("entered-in-error"), "Consent.status", R::Status("entered-in-error")),
        ("/status".into(), Value::Null, "Consent.status", R::Status("unknown")),
        ("/patient".into(), Value::Null, "Consent.patient", R::NoReference),
        (
            "/scope".into(),
            concept("http://terminology.hl7.org/CodeSystem/consentscope", "adr"),
            "Consent.scope",
            R::NotAboutData,
        ),
        ("/scope".into(), Value::Null, "Consent.scope", R::UnknownCode),
        (
            "/category".into(),
            json!([concept("http://terminology.hl7.org/CodeSystem/consentcategorycodes", "dnr")]),
            "Consent.category[0]",
            R::NotAboutData,
        ),
        (
            "/category".into(),
            json!([concept(ACT, "ICOL"), concept(ACT, "INFAO")]),
            "Consent.category",
            R::Contradiction,
        ),
        ("/category".into(), json!({}), "Consent.category", R::Malformed),
        ("/verification".into(), json!([{"verified": false}]), "Consent.verification", R::NotVerified),
        ("/implicitRules".into(), json!("urn:x"), "Consent", R::Modifier),
        ("/decision".into(), json!("permit"), "Consent", R::UnknownElement),
        ("/provision".into(), Value::Null, "Consent.provision", R::SaysNothing),
        ("/provision".into(), json!([]), "Consent.provision", R::Malformed),
        (
            "/policyRule".into(),
            json!({"coding": [{"system": ACT, "code": "OPTIN"}, {"system": ACT, "code": "OPTOUT"}]}),
            "Consent.policyRule",
            R::Contradiction,
        ),
        (at(root, "type"), Value::Null, "Consent.provision.type", R::NoType),
        (at(root, "type"), json!("allow"), "Consent.provision.type", R::UnknownCode),
        (at(root, "modifierExtension"), json!([]), "Consent", R::Modifier),
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
            "Consent.provision",
            R::UnknownExtension,
        ),
        (at(root, "where"), json!("x"), "Consent.provision", R::UnknownElement),
        (at(root, "_type"), json!({}), "Consent.provision", R::UnknownElement),
        (at(root, "purpose"), json!([]), "Consent.provision.purpose", R::Malformed),
        (at(root, "purpose"), json!({}), "Consent.provision.purpose", R::Malformed),
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
            R::UnknownCode,
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
            at(nested, "data"),
            json!([{"meaning": "instance", "reference": {"reference": "Observation/1"}}]),
            "Consent.provision.provision[0].data",
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
            R::UnknownCode,
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
            R::EmptyPeriod,
        ),
        (
            at(root, "period"),
            json!({"start": "2026-03-01", "end": "2026-03-01"}),
            "Consent.provision.period",
            R::EmptyPeriod,
        ),
        (at(root, "period"), json!({}), "Consent.provision.period", R::Malformed),
        (
            at(root, "dataPeriod"),
            json!({"start": "March"}),
            "Consent.provision.dataPeriod.start",
            R::Date(DateError::Malformed),
        ),
        (at(nested, "type"), Value::Null, "Consent.provision.provision[0]", R::NoType),
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
        let refusal = run(&with(&pointer, value), Zones::ANY).err();
        assert_eq!(refusal, Some(Refusal { path: path.to_owned(), reason }), "{shown}");
    }
    let mut null = good();
    null["provision"]["purpose"] = Value::Null;
    assert_eq!(
        run(&null, Zones::ANY).err().map(|r| r.reason),
        Some(R::Malformed),
        "null takes no condition away"
    );
}

#[test]
fn a_rule_says_what_its_provision_says() {
    let mut consent = good();
    consent["provision"] = json!({
        "type": "permit", "actor": [actor("IRCP", "Organization/a")], "purpose": [purpose("HRESCH")],
        "action": [concept("http://terminology.hl7.org/CodeSystem/consentaction", "access"), concept("urn:amanat:action", "prove")],
        "class": [{"system": TYPES, "code": "Condition"}, {"system": "urn:amanat:category", "code": "labs"}],
        "securityLabel": [{"system": LEVEL, "code": "R"}, {"system": ACT, "code": "PSY"}],
        "period": {"start": "2026-01-01T00:00:00+05:00", "end": "2026-12-31"}, "dataPeriod": {"start": "2020"},
        "extension": [{"url": "urn:amanat:jurisdiction", "valueCode": "PK-PB"}],
    });
    let compiled = run(&consent, Zones::PAKISTAN).unwrap_or_else(|e| panic!("{e}"));
    let [rule] = compiled.terms().rules() else { panic!("one rule") };
    assert_eq!((rule.effect, rule.level), (Effect::Permit, Level::Root));
    assert_eq!(rule.grantee, Grantee::Organisation(OrgId::from_reference("Organization/a")));
    assert_eq!((rule.purposes, rule.actions), (Purposes::HRESCH, Actions::ACCESS.union(Actions::PROVE)));
    assert_eq!(rule.categories, Categories::CONDITIONS.union(Categories::LABS).union(Categories::PSY));
    assert_eq!(
        (rule.confidentiality, rule.jurisdictions),
        (Confidentiality::Restricted, Jurisdictions::PK_PUNJAB)
    );
    assert_eq!(rule.validity.from().to_string(), "2025-12-31T19:00:00Z");
    assert_eq!(rule.validity.until().to_string(), "2026-12-31T18:59:59Z");
    assert_eq!(rule.data_period.from().to_string(), "2019-12-31T19:00:00Z");
    assert_eq!((compiled.terms().default_effect(), compiled.terms().policy()), (Effect::Deny, "urn:policy"));
}

#[test]
fn scope_and_category_bound_every_permit() {
    let mut consent =
        with("/scope", concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"));
    consent["provision"]["purpose"] = json!([purpose("TREAT"), purpose("HRESCH")]);
    let compiled = run(&consent, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(compiled.terms().rules()[0].purposes, Purposes::HRESCH);
    assert!(compiled.origins()[0].notes.contains(&Note::Ceiling));
    // An opt-in for emergencies only is no opt-in.
    let mut consent = with("/category", json!([concept(ACT, "EMRGONLY")]));
    consent["policyRule"] = concept(ACT, "OPTIN");
    consent.as_object_mut().expect("an object").remove("provision");
    let compiled = run(&consent, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(compiled.terms().default_effect(), Effect::Deny);
    assert_eq!(compiled.terms().rules()[0].purposes, Purposes::ETREAT.union(Purposes::BTG));
}

#[test]
fn a_permit_that_can_never_apply_is_dropped_with_a_note() {
    let mut consent = good();
    let access = concept("http://terminology.hl7.org/CodeSystem/consentaction", "access");
    let correct = concept("http://terminology.hl7.org/CodeSystem/consentaction", "correct");
    consent["provision"]["action"] = json!([access]);
    consent["provision"]["provision"] = json!([{"type": "permit", "action": [correct]}]);
    let compiled = run(&consent, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(compiled.terms().rules().len(), 1);
    assert_eq!(compiled.dropped()[0].path, "Consent.provision.provision[0]");
    assert!(compiled.explain().contains("no rule from Consent.provision.provision[0]"));
}

#[test]
fn a_deny_that_cannot_be_said_exactly_covers_more_and_says_so() {
    let mut consent = good();
    consent["provision"]["provision"] = json!([{
        "type": "deny", "actor": [actor("CST", "Organization/a")], "purpose": [purpose("TREAT")],
        "class": [{"system": TYPES, "code": "Condition"}], "securityLabel": [{"system": ACT, "code": "OPIOIDUD"}],
    }]);
    let compiled = run(&consent, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
    let deny = &compiled.terms().rules()[1];
    assert_eq!((deny.grantee, deny.categories), (Grantee::Any, Categories::SUD.union(Categories::ETH)));
    assert!(deny.purposes.intersects(Purposes::BTG), "what is below TREAT is denied too");
    assert_eq!(
        compiled.origins()[1].notes,
        [Note::EveryRecipient, Note::SensitivityWidened, Note::EveryClass]
    );
}

#[test]
fn a_nested_permit_stays_among_its_parents_actors() {
    let doctor = Grantee::OrganisationRole(
        OrgId::from_reference("Organization/a"),
        RoleCode::from_coding("urn:r", "doctor"),
    );
    let directory = Actors::new().with("PractitionerRole/d", doctor);
    let consent = |org: &str| {
        let mut consent = good();
        consent["provision"]["actor"] = json!([actor("IRCP", org)]);
        consent["provision"]["provision"] = json!([{"type": "permit", "purpose": [purpose("HRESCH")], "actor": [actor("IRCP", "PractitionerRole/d")]}]);
        let text = consent.to_string();
        compile(&Json::parse(text.as_bytes()).expect("JSON"), &directory, Zones::ANY)
    };
    assert_eq!(consent("Organization/a").map(|c| c.terms().rules()[1].grantee), Ok(doctor));
    let refusal = consent("Organization/b").err().map(|r| (r.path, r.reason));
    let expected = ("Consent.provision.provision[0].actor".to_owned(), RefusalReason::ActorOutsideParent);
    assert_eq!(refusal, Some(expected));
}

#[test]
fn an_opt_in_within_a_period_ends_with_it() {
    let mut consent = good();
    consent["policyRule"] = concept(ACT, "OPTIN");
    consent["provision"] = json!({
        "type": "deny", "actor": [actor("IRCP", "Organization/a")],
        "period": {"start": "2026-01-01T00:00:00Z", "end": "2026-12-31T23:59:59Z"},
    });
    let compiled = run(&consent, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(compiled.terms().default_effect(), Effect::Deny, "after the period nothing is permitted");
    let [permit, deny] = compiled.terms().rules() else { panic!("two rules") };
    assert_eq!((permit.effect, permit.level, permit.validity), (Effect::Permit, Level::Root, deny.validity));
    assert_eq!(compiled.origins()[0].path, "Consent.policyRule");
}
