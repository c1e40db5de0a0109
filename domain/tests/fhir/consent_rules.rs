//! What a rule becomes of its provision: exactly, or a wider deny, or a narrower permit, each with
//! its note.

use amanat_domain::consent::{
    Actions, Categories, Confidentiality, Effect, Grantee, Jurisdictions, Level, OrgId, Purposes, RoleCode,
};
use amanat_domain::fhir::consent::{Actors, AnotherPatient, Compiled, Note, RefusalReason, compile};
use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{PartialDate, Zones};
use amanat_domain::time::Timestamp;
use serde_json::{Value, json};

use crate::consent_refusals::{ACT, LEVEL, TYPES, actor, concept, good, purpose, run, with};

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
    let by = "the scope research";
    let taken = Note::Purposes { by, left: Purposes::HRESCH, taken: Purposes::TREAT };
    assert_eq!(compiled.origins()[0].notes, [taken]);
    assert!(
        compiled.explain().contains("the scope research leaves the purposes HRESCH and takes away TREAT")
    );
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
    let refusals = consent("Organization/b").expect_err("refused");
    let [refusal] = refusals.all() else { panic!("one refusal") };
    assert_eq!(refusal.path, "Consent.provision.provision[0].actor");
    assert_eq!(refusal.reason, RefusalReason::ActorOutsideParent);
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

fn compiled(consent: &Value) -> Compiled {
    run(consent, Zones::ANY).unwrap_or_else(|e| panic!("{e}"))
}

/// A permit for treatment with this deny nested in it, compiled: the deny's rules with their notes.
fn denied(deny: Value) -> Vec<(amanat_domain::consent::Rule, Vec<Note>)> {
    let mut consent = good();
    let mut deny = deny;
    deny["type"] = json!("deny");
    consent["provision"]["provision"] = json!([deny]);
    let compiled = compiled(&consent);
    let rules = compiled.terms().rules().iter().zip(compiled.origins());
    rules.filter(|(r, _)| r.effect == Effect::Deny).map(|(r, o)| (*r, o.notes.clone())).collect()
}

#[test]
fn a_category_for_indexing_takes_nothing_away() {
    for code in ["IDSCL", "IRDSCL", "ICOL", "INFA", "NPP", "59284-0"] {
        let with_code = compiled(&with("/category", json!([concept(ACT, code)])));
        assert_eq!(with_code.terms(), compiled(&good()).terms(), "{code}");
        assert_eq!(with_code.terms().rules()[0].actions, Actions::ALL, "{code}");
        assert!(with_code.origins()[0].notes.is_empty(), "{code}");
    }
}

#[test]
fn a_category_that_says_only_takes_the_rest_away_and_names_it() {
    let all_but_access = Actions(Actions::ALL.0 & !Actions::ACCESS.0);
    let only = compiled(&with("/category", json!([concept(ACT, "INFAO")])));
    assert_eq!(only.terms().rules()[0].actions, Actions::ACCESS);
    let by = "the category INFAO (access only)";
    assert_eq!(only.origins()[0].notes, [Note::Actions { by, left: Actions::ACCESS, taken: all_but_access }]);
    // In whatever system: a limit is not lost by a spelling.
    for system in
        [ACT, "http://terminology.hl7.org/CodeSystem/consentcategorycodes", "urn:oid:2.16.840.1.113883.5.4"]
    {
        let mut consent = with("/category", json!([concept(system, "emrgonly")]));
        consent["provision"]["purpose"] = json!([purpose("TREAT"), purpose("ETREAT")]);
        let compiled = compiled(&consent);
        assert_eq!(compiled.terms().rules()[0].purposes, Purposes::ETREAT, "{system}");
        let words = "the category EMRGONLY (emergency only) leaves the purposes ETREAT and takes away TREAT";
        assert!(compiled.explain().contains(words), "{}", compiled.explain());
    }
    // A permit of all purposes: what is taken away is not listed by name.
    let mut consent = with("/category", json!([concept(ACT, "RESEARCH")]));
    consent["provision"].as_object_mut().expect("an object").remove("purpose");
    let words = "the category RESEARCH leaves the purposes HRESCH+CLINTRCH and takes away every other";
    assert!(compiled(&consent).explain().contains(words));
}

#[test]
fn a_permit_of_which_scope_and_category_leave_nothing_is_dropped_with_a_note() {
    let compiled = compiled(&with("/category", json!([concept(ACT, "EMRGONLY")])));
    assert!(compiled.terms().rules().iter().all(|r| r.effect == Effect::Deny));
    assert_eq!(compiled.dropped()[0].path, "Consent.provision");
    assert!(compiled.dropped()[0].notes.contains(&Note::NothingLeft));
}

#[test]
fn a_deny_of_a_type_without_records_covers_its_category() {
    for (class, to) in [
        ("MedicationStatement", Categories::MEDICATIONS),
        ("MedicationDispense", Categories::MEDICATIONS),
        ("MedicationAdministration", Categories::MEDICATIONS),
        ("ImmunizationRecommendation", Categories::IMMUNIZATIONS),
        ("QuestionnaireResponse", Categories::SURVEYS),
        ("ClaimResponse", Categories::CLAIMS),
        ("ResearchSubject", Categories::OTHER),
        ("Bundle", Categories((1 << 24) - 1)),
    ] {
        let rules = denied(json!({"class": [{"system": TYPES, "code": class}]}));
        let [(rule, notes)] = &rules[..] else { panic!("one rule") };
        assert_eq!(
            (rule.categories, notes.as_slice()),
            (to, &[Note::ClassWidened { class, to }][..]),
            "{class}"
        );
    }
    let rules = denied(json!({"class": [{"system": TYPES, "code": "Claim"}]}));
    assert_eq!(rules[0].1, [Note::ClassWidened { class: "Claim", to: Categories::CLAIMS }]);
    let exact = denied(json!({"class": [{"system": TYPES, "code": "MedicationRequest"}]}));
    assert_eq!((exact[0].0.categories, exact[0].1.as_slice()), (Categories::MEDICATIONS, &[][..]));
}

#[test]
fn a_permit_leaves_out_types_without_records() {
    let classes = ["MedicationRequest", "MedicationStatement"].map(|c| json!({"system": TYPES, "code": c}));
    let compiled = compiled(&with("/provision/class", json!(classes)));
    let rule = compiled.terms().rules()[0];
    assert!(
        rule.categories.intersects(Categories::MEDICATIONS) && !rule.categories.intersects(Categories::LABS)
    );
    assert_eq!(compiled.origins()[0].notes, [Note::NoRecords("MedicationStatement")]);
}

#[test]
fn a_deny_of_a_sensitive_code_covers_its_sensitivity() {
    let hiv = json!([concept("http://snomed.info/sct", "86406008")]);
    let rules = denied(json!({"code": hiv}));
    let [(rule, notes)] = &rules[..] else { panic!("one rule") };
    assert_eq!(rule.categories, Categories::HIV);
    assert_eq!(notes.as_slice(), [Note::CodeAsSensitivity(Categories::HIV)]);
    // One code that is not sensitive beside it, or a code hidden below one, and the deny covers
    // every code.
    for code in [
        json!([{"coding": [{"system": "http://snomed.info/sct", "code": "86406008"}, {"system": "http://loinc.org", "code": "4548-4"}]}]),
        json!([concept("http://snomed.info/sct", "86406008"), concept("http://loinc.org", "4548-4")]),
        json!([{"coding": [{"system": "http://loinc.org", "code": "4548-4", "x": {"system": "http://snomed.info/sct", "code": "86406008"}}]}]),
        json!({"coding": []}),
        json!("86406008"),
        json!([]),
    ] {
        let rules = denied(json!({"code": code}));
        assert_eq!((rules[0].0.categories, rules[0].1.as_slice()), (Categories::ALL, &[Note::EveryCode][..]));
    }
    let with_class = denied(
        json!({"code": [concept("http://loinc.org", "4548-4")], "class": [{"system": TYPES, "code": "Condition"}]}),
    );
    assert_eq!(with_class[0].0.categories, Categories::CONDITIONS, "the class still bounds it");
}

#[test]
fn a_deny_of_single_records_covers_their_classes() {
    let data =
        |meaning: &str, reference: &str| json!({"meaning": meaning, "reference": {"reference": reference}});
    let rules =
        denied(json!({"data": [data("instance", "Condition/1"), data("instance", "MedicationStatement/2")]}));
    let to = Categories::CONDITIONS.union(Categories::MEDICATIONS);
    assert_eq!((rules[0].0.categories, rules[0].1.as_slice()), (to, &[Note::RecordsAsClass(to)][..]));
    for data in [
        json!([data("related", "Encounter/1")]),
        json!([data("authoredby", "Practitioner/1")]),
        json!([data("instance", "Condition/1"), data("dependents", "Condition/2")]),
        json!([data("instance", "urn:uuid:1")]),
        json!([]),
        json!(7),
    ] {
        let rules = denied(json!({"data": data}));
        assert_eq!(
            (rules[0].0.categories, rules[0].1.as_slice()),
            (Categories::ALL, &[Note::EveryRecord][..])
        );
    }
}

#[test]
fn a_deny_of_an_unknown_label_covers_every_sensitivity() {
    for label in [
        json!({"system": "urn:example:labels", "code": "HIV"}),
        json!({"system": ACT, "code": "hiv"}),
        json!({"system": "http://terminology.hl7.org/ValueSet/v3-InformationSensitivityPolicy", "code": "NEW"}),
    ] {
        let rules = denied(json!({"securityLabel": [label]}));
        for (name, bit) in [("HIV", Categories::HIV), ("PSY", Categories::PSY), ("GDIS", Categories::GDIS)] {
            assert!(rules[0].0.categories.intersects(bit), "{label}: {name}");
        }
        assert_eq!(rules[0].1, [Note::EverySensitivity], "{label}");
    }
}

#[test]
fn a_label_means_the_same_in_every_spelling_of_its_system() {
    let read = |effect: &str, system: &str, code: &str| {
        let mut consent = good();
        let label = json!([{"system": system, "code": code}]);
        if effect == "permit" {
            consent["provision"]["securityLabel"] = label;
        } else {
            consent["provision"]["provision"] = json!([{"type": effect, "securityLabel": label}]);
        }
        run(&consent, Zones::ANY).map(|c| c.terms().rules().to_vec()).map_err(|e| e.to_string())
    };
    for (canonical, spellings) in [
        (
            ACT,
            &[
                "http://hl7.org/fhir/v3/ActCode",
                "urn:oid:2.16.840.1.113883.5.4",
                "http://terminology.hl7.org/ValueSet/v3-InformationSensitivityPolicy",
                "https://terminology.hl7.org/CodeSystem/v3-ActCode|9.0.0",
            ][..],
        ),
        (LEVEL, &["http://hl7.org/fhir/v3/Confidentiality", "urn:oid:2.16.840.1.113883.5.25"][..]),
    ] {
        // Known, sharing its bits, not exact, not known.
        for code in ["HIV", "ETHUD", "N", "R", "U", "NEW"] {
            for effect in ["permit", "deny"] {
                for spelling in spellings {
                    let (one, other) = (read(effect, canonical, code), read(effect, spelling, code));
                    assert!(one == other, "{effect}: {code} of {spelling}");
                }
            }
        }
    }
    let hiv = denied(json!({"securityLabel": [{"system": "http://hl7.org/fhir/v3/ActCode", "code": "HIV"}]}));
    assert_eq!((hiv[0].0.categories, hiv[0].1.as_slice()), (Categories::HIV, &[][..]));
}

fn at(text: &str) -> Timestamp {
    PartialDate::parse(text).expect("a date").start()
}

/// The root permit's validity: a period, the consent's dateTime, a zone.
fn valid(period: Value, made: &str, zones: Zones) -> (String, String, Vec<Note>) {
    let mut consent = with("/provision/period", period);
    if !made.is_empty() {
        consent["dateTime"] = json!(made);
    }
    let compiled = run(&consent, zones).unwrap_or_else(|e| panic!("{e}"));
    let validity = compiled.terms().rules()[0].validity;
    (validity.from().to_string(), validity.until().to_string(), compiled.origins()[0].notes.clone())
}

#[test]
fn a_consent_dated_today_can_be_used_today() {
    let today = || json!({"start": "2026-11-30"});
    let early = ("2026-11-29T10:00:00Z".to_owned(), "open".to_owned(), vec![Note::HasBegun]);
    let late = ("2026-11-30T12:00:00Z".to_owned(), "open".to_owned(), vec![Note::BeginsLate]);
    // Made on that day or after it, in the calendar of its writer: the day had begun there.
    for made in ["2026-11-30", "2026-12-01", "2026-11-30T00:30:00+05:00", "2026-11-30T23:59:59-08:00"] {
        assert_eq!(valid(today(), made, Zones::ANY), early, "{made}");
    }
    // Made before it, or when is not known, or in a zone that is the server's: only when it has
    // begun everywhere.
    for made in
        ["", "2026-11-29", "2026", "2026-11", "2026-11-29T23:00:00+05:00", "2026-11-30T02:00:00Z", "today"]
    {
        assert_eq!(valid(today(), made, Zones::ANY), late, "{made}");
    }
    // A zone makes it that zone's day, whenever it was made.
    for made in ["", "2026-11-29", "2026-11-30"] {
        let exact = ("2026-11-29T19:00:00Z".to_owned(), "open".to_owned(), Vec::new());
        assert_eq!(valid(today(), made, Zones::PAKISTAN), exact, "{made}");
    }
    let instant = json!({"start": "2026-11-30T08:00:00+05:00"});
    assert_eq!(
        valid(instant, "2026-11-30", Zones::ANY).0,
        "2026-11-30T03:00:00Z",
        "an instant stays what it is"
    );
}

#[test]
fn a_consent_for_one_day_can_be_used_on_it() {
    let day = || json!({"start": "2026-11-30", "end": "2026-11-30"});
    let (from, until, notes) = valid(day(), "2026-11-30", Zones::ANY);
    assert_eq!((from.as_str(), until.as_str()), ("2026-11-29T10:00:00Z", "2026-11-30T09:59:59Z"));
    assert_eq!(notes, [Note::HasBegun, Note::EndsEarly]);
    let (from, until, notes) = valid(day(), "", Zones::PAKISTAN);
    assert_eq!((from.as_str(), until.as_str()), ("2026-11-29T19:00:00Z", "2026-11-30T18:59:59Z"));
    assert!(notes.is_empty());
}

#[test]
fn a_deny_covers_its_days_in_every_zone_and_says_so() {
    let rules = denied(json!({"period": {"start": "2026-11-30", "end": "2026-12-01"}}));
    let (rule, notes) = &rules[0];
    assert_eq!(rule.validity.from().to_string(), "2026-11-29T10:00:00Z");
    assert_eq!(rule.validity.until().to_string(), "2026-12-02T11:59:59Z");
    assert_eq!(notes.as_slice(), [Note::EveryZone]);
}

#[test]
fn a_consent_is_over_with_its_period_or_with_its_last_permit() {
    let now = at("2026-11-30T12:00:00Z");
    let over = compiled(&with("/provision/period", json!({"start": "2015-01-01", "end": "2016-12-31"})));
    assert!(over.expired_at(now) && !over.expired_at(at("2016-12-31T09:59:59Z")));
    assert_eq!(over.over_since(now).map(|t| t.to_string()).as_deref(), Some("2016-12-31T09:59:59Z"));
    assert!(!compiled(&good()).expired_at(now), "no period, no end");
    let later = compiled(&with("/provision/period", json!({"start": "2027-01-01"})));
    assert!(!later.expired_at(now) && later.not_before(now).is_some());
    // Nothing permitted at the root, and the one nested permit over.
    let mut nested = good();
    nested["provision"] =
        json!({"type": "deny", "provision": [{"type": "permit", "period": {"end": "2020"}}]});
    assert!(compiled(&nested).expired_at(now));
    nested["provision"]["provision"][0]["period"] = json!({"end": "2030"});
    assert!(!compiled(&nested).expired_at(now));
    // A denial that never permitted anything is not over.
    nested["provision"] = json!({"type": "deny"});
    assert!(!compiled(&nested).expired_at(now));
}

#[test]
fn the_terms_are_for_the_wallet_of_the_patient_named() {
    let consent = compiled(&good());
    let named = |reference: &str| consent.terms_for(|p| p.literal.as_deref() == Some(reference));
    assert_eq!(named("Patient/p").as_ref(), Ok(consent.terms()));
    assert_eq!(named("Patient/q"), Err(AnotherPatient));
    assert_eq!(consent.clone().into_terms_even_so(), *consent.terms());
    assert!(!format!("{consent:?}").contains("Patient"), "Debug names nobody");
    let by_identifier = json!({"identifier": {"system": "urn:cnic", "value": "35202"}});
    let compiled_by = compiled(&with("/patient", by_identifier));
    assert_eq!(compiled_by.patient().identifiers, ["urn:cnic|35202"]);
    let mut contained = with("/patient", json!({"reference": "#p"}));
    contained["contained"] = json!([{"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:cnic", "value": "35202"}]}]);
    assert_eq!(compiled(&contained).patient().identifiers, ["urn:cnic|35202"]);
}

#[test]
fn an_explanation_names_organisations_roles_and_people() {
    let directory = Actors::new()
        .with("Practitioner/saima", Grantee::Holder(amanat_domain::consent::HolderKey::new(7u64.into())))
        .with("PractitionerRole/d", Grantee::Role(RoleCode::from_coding("urn:r", "doctor")))
        .named("Organization/lahore", "Lahore General");
    let names = ["Organization/lahore", "Organization/karachi", "Practitioner/saima", "PractitionerRole/d"];
    let consent = with("/provision/actor", names.iter().map(|n| actor("IRCP", n)).collect());
    let text = consent.to_string();
    let json = Json::parse(text.as_bytes()).expect("JSON");
    let compiled = compile(&json, &directory, Zones::ANY).unwrap_or_else(|e| panic!("{e}"));
    let words = compiled.explain();
    for whom in [
        "to the organisation Organization/lahore (Lahore General):",
        "to the organisation Organization/karachi:",
        "to the person Practitioner/saima:",
        "to the role PractitionerRole/d:",
    ] {
        assert!(words.contains(whom), "{whom} in {words}");
    }
}
