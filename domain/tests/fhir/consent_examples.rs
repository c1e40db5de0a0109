//! Every Consent of HL7's R4 examples and of IHE PCF: compiled, or refused with the provision
//! named.

use amanat_domain::consent::{
    Categories, Confidentiality, Effect, Grantee, HolderKey, Level, Purposes, RoleCode,
};
use amanat_domain::fhir::consent::{Actors, Compiled, Refusals, compile};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{PartialDate, Zones};
use amanat_domain::field::Fr;

use crate::{archive, fsh};

fn actors() -> Actors {
    Actors::new()
        .with("Practitioner/ex-practitioner", Grantee::Holder(HolderKey::new(Fr::from(7u64))))
        .with("Group/ex-privilegedUsers", Grantee::Role(RoleCode::from_coding("urn:ihe", "privileged")))
}

fn compiled(text: &[u8]) -> Result<Compiled, Refusals> {
    compile(&Json::parse(text).expect("JSON"), &actors(), Zones::ANY)
}

/// `default; rule, rule`, each rule as effect and level, or the refusal.
fn outcome(result: &Result<Compiled, Refusals>) -> String {
    match result {
        Err(refusals) => {
            let all: Vec<String> =
                refusals.all().iter().map(|r| format!("{} {:?}", r.path, r.reason)).collect();
            format!("refused: {}", all.join("; "))
        }
        Ok(compiled) => {
            let word = |effect| if effect == Effect::Permit { "permit" } else { "deny" };
            let rules = compiled.terms().rules().iter().zip(compiled.origins());
            let rules: Vec<String> = rules
                .map(|(r, o)| {
                    let level = if r.level == Level::Root { "root" } else { "nested" };
                    assert!(o.path.starts_with("Consent."));
                    format!("{level} {}", word(r.effect))
                })
                .collect();
            format!("{} by default; {}", word(compiled.terms().default_effect()), rules.join(", "))
        }
    }
}

const NO_TYPE: &str = "refused: Consent.provision.type NoType";

const HL7: &[(&str, &str)] = &[
    ("Emergency", "deny by default; root deny, nested deny"),
    ("Out", "deny by default; root deny"),
    ("basic", NO_TYPE),
    ("grantor", "refused: Consent.provision.actor[1].reference UnknownActor"),
    ("notAuthor", NO_TYPE),
    ("notOrg", "permit by default; root deny"),
    ("notThem", "refused: Consent.provision.type NoType; Consent.provision.actor[0].reference UnknownActor"),
    ("notThis", NO_TYPE),
    ("notTime", NO_TYPE),
    (
        "pkb",
        "refused: Consent.provision.provision[0] NoType; Consent.provision.provision[1] NoType; \
         Consent.provision.provision[2] NoType; Consent.provision.provision[3] NoType; \
         Consent.provision.provision[4] NoType; Consent.provision.provision[5] NoType; \
         Consent.provision.provision[6] NoType; Consent.provision.provision[7] NoType; \
         Consent.provision.provision[8] NoType; Consent.provision.provision[9] NoType; \
         Consent.provision.provision[10] NoType",
    ),
    (
        "signature",
        "refused: Consent.provision.type NoType; Consent.provision.actor[0].reference UnknownActor; \
         Consent.provision.provision[0].actor[0].role NotARecipient; \
         Consent.provision.provision[0].class[0] UnknownSystem(\"resource-types\"); \
         Consent.provision.provision[0].code NotRepresentable",
    ),
    ("smartonfhir", NO_TYPE),
];

#[test]
fn every_consent_of_hl7s_examples_has_its_outcome() {
    let Some(files) = archive::files("hl7-r4-examples", ".json") else { return };
    let mut got = Vec::new();
    for (name, bytes) in files {
        let stem = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".json").to_owned();
        if let Some(id) = stem.strip_prefix("Consent-consent-example-") {
            got.push((id.to_owned(), outcome(&compiled(&bytes))));
        }
    }
    got.sort();
    compare(HL7, &got);
}

const IHE: &[(&str, &str)] = &[
    ("ex-consent-basic-treat", "deny by default; root permit"),
    ("ex-consent-basic-treat-infant", "deny by default; root permit"),
    ("ex-consent-basic-ink", "deny by default; root permit"),
    ("ex-consent-expired-treat", "deny by default; root permit"),
    ("ex-consent-basic-reject", "deny by default; root deny"),
    ("ex-consent-basic-research", "deny by default; root permit"),
    ("ex-consent-intermediate-timeframe", "deny by default; root permit"),
    ("ex-consent-intermediate-not-timeframe", "deny by default; root permit, nested deny"),
    ("ex-consent-intermediate-authoredby", "refused: Consent.provision.data NotRepresentable"),
    ("ex-consent-intermediate-not-authoredby", "deny by default; root permit, nested deny"),
    ("ex-consent-intermediate-encounter", "refused: Consent.provision.data NotRepresentable"),
    ("ex-consent-intermediate-not-encounter", "deny by default; root permit, nested deny"),
    ("ex-consent-intermediate-data", "refused: Consent.provision.data NotRepresentable"),
    ("ex-consent-intermediate-not-data", "deny by default; root permit, nested deny"),
    (
        "ex-consent-intermediate-purpose",
        "refused: Consent.provision.purpose[0] UnknownSystem(\"v3-ActReason\")",
    ),
    ("ex-dissent-intermediate-break-glass", "deny by default; root deny, nested permit"),
    ("ex-consent-advanced-normal", "deny by default; root permit"),
    ("ex-consent-advanced-normal-restricted", "deny by default; root permit"),
    ("ex-consent-advanced-normal-not-restricted", "deny by default; root permit, nested deny"),
    ("ex-consent-advanced-normal-focused-restricted", "deny by default; root permit, nested permit"),
    ("ex-consent-advanced-normal-focused-psy", "deny by default; root permit, nested permit"),
    ("ex-consent-advanced-normal-focused-psy-or-sdv", "deny by default; root permit, nested permit"),
    ("ex-consent-advanced-normal-break-glass-restricted", "deny by default; root permit, nested permit"),
];

fn ihe() -> Option<Vec<(String, Vec<u8>)>> {
    let (_, text) = archive::files("ihe-pcf-fsh", "consent.fsh")?.pop()?;
    let text = String::from_utf8(text).expect("UTF-8");
    let consents = fsh::instances(&text).into_iter().filter(|(_, of, _)| of.ends_with("Consent"));
    Some(
        consents
            .map(|(name, _, mut json)| {
                json["resourceType"] = "Consent".into();
                (name, serde_json::to_vec(&json).expect("JSON"))
            })
            .collect(),
    )
}

#[test]
fn every_consent_of_ihe_pcf_has_its_outcome() {
    let Some(consents) = ihe() else { return };
    let got: Vec<_> = consents.iter().map(|(name, text)| (name.clone(), outcome(&compiled(text)))).collect();
    compare(IHE, &got);
}

fn compare(expected: &[(&str, &str)], got: &[(String, String)]) {
    let row = |name: &str| expected.iter().find(|(n, _)| *n == name).map(|(_, o)| *o);
    let other: Vec<_> = got.iter().filter(|(name, outcome)| row(name) != Some(outcome)).collect();
    assert!(other.is_empty(), "{other:#?}");
    assert_eq!(got.len(), expected.len(), "an example is missing");
}

fn ihe_consent(name: &str) -> Option<Compiled> {
    let consents = ihe()?;
    let (_, text) = consents.iter().find(|(n, _)| n == name).expect("the example");
    Some(compiled(text).expect("compiles"))
}

#[test]
fn a_dissent_with_break_glass_denies_all_but_the_glass_breakers() {
    let Some(consent) = ihe_consent("ex-dissent-intermediate-break-glass") else { return };
    let [root, nested] = consent.terms().rules() else { panic!("two rules") };
    assert_eq!((root.effect, root.categories, root.grantee), (Effect::Deny, Categories::ALL, Grantee::Any));
    assert_eq!((nested.effect, nested.purposes), (Effect::Permit, Purposes::BTG));
    assert_eq!(nested.grantee, Grantee::Role(RoleCode::from_coding("urn:ihe", "privileged")));
    assert_eq!(consent.origins()[1].path, "Consent.provision.provision[0]");
    assert!(consent.explain().contains(
        "rule 1 from Consent.provision.provision[0]: permit (nested) to the role Group/ex-privilegedUsers"
    ));
}

#[test]
fn a_focused_permit_adds_its_label_for_its_actor_only() {
    let Some(consent) = ihe_consent("ex-consent-advanced-normal-focused-psy") else { return };
    let [root, nested] = consent.terms().rules() else { panic!("two rules") };
    assert!(!root.categories.intersects(Categories::PSY), "a permit for N covers nothing sensitive");
    assert_eq!(root.confidentiality, Confidentiality::Normal);
    assert!(nested.categories.intersects(Categories::PSY) && !nested.categories.intersects(Categories::HIV));
    assert_eq!((nested.confidentiality, nested.purposes), (Confidentiality::Normal, root.purposes));
    assert!(matches!(nested.grantee, Grantee::Holder(_)));
}

#[test]
fn an_expired_consent_compiles_and_says_so() {
    let Some(consent) = ihe_consent("ex-consent-expired-treat") else { return };
    let at = |text| PartialDate::parse(text).expect("a date").start();
    assert!(!consent.expired_at(at("2022-12-31T09:59:59Z")), "the end day has begun to end nowhere");
    assert!(consent.expired_at(at("2022-12-31T10:00:00Z")), "in UTC+14 the last day is over");
}
