//! Leaves of people and organisations hold people and organisations, and nothing else.

use amanat_domain::fhir::Reason;

use crate::single::record;

fn coverage(payor: &str, rest: &str) -> String {
    format!(
        r#"{{"resourceType":"Coverage","status":"active","beneficiary":{{"reference":"urn:uuid:1"}},"payor":[{payor}]{rest}}}"#
    )
}

#[test]
fn a_payor_that_is_no_organisation_is_none() {
    for (payor, organisation) in [
        (r#"{"reference":"Patient/p1"}"#, None),
        (r#"{"reference":"https://h.example/fhir/RelatedPerson/r/_history/3"}"#, None),
        (r#"{"reference":"urn:uuid:1"}"#, None),
        (r#"{"reference":"urn:uuid:9","type":"Patient"}"#, None),
        (r##"{"reference":"#me"}"##, None),
        (r#"{"reference":"Patient?identifier=s|1"}"#, None),
        (r#"{"identifier":{"value":"1"},"type":"Patient"}"#, None),
        (r#"{"reference":"Organization/o"}"#, Some("Organization/o")),
        (
            r#"{"reference":"https://h.example/fhir/Organization/o/_history/3"}"#,
            Some("https://h.example/fhir/Organization/o/_history/3"),
        ),
        (r#"{"reference":"urn:uuid:9","type":"Organization"}"#, Some("urn:uuid:9")),
        (r##"{"reference":"#us"}"##, Some("#us")),
        (
            r#"{"reference":"Organization?identifier=http://x/y|1"}"#,
            Some("Organization?identifier=http://x/y|1"),
        ),
        (r#"{"identifier":{"value":"1"},"type":"Organization"}"#, Some("|1")),
    ] {
        let contained = r#","contained":[{"resourceType":"Patient","id":"me"},{"resourceType":"Organization","id":"us"}]"#;
        let (record, remarks) = record(&coverage(payor, contained));
        assert_eq!(record.organisation.as_deref(), organisation, "{payor}");
        assert_eq!(remarks, [], "{payor}");
    }
    // The second payor, if the first is the patient.
    let (both, _) = record(&coverage(r#"{"reference":"Patient/p1"},{"reference":"Organization/o"}"#, ""));
    assert_eq!(both.organisation.as_deref(), Some("Organization/o"));
}

#[test]
fn a_payor_of_unknown_type_is_left_out_and_said() {
    for payor in
        [r#"{"reference":"urn:uuid:9"}"#, r#"{"identifier":{"value":"1"}}"#, r##"{"reference":"#x"}"##]
    {
        let (record, remarks) = record(&coverage(payor, ""));
        assert_eq!(record.organisation, None);
        assert_eq!(remarks, [("Coverage.payor[0]".into(), Reason::UntoldTarget)]);
    }
}

#[test]
fn a_reference_goes_to_the_leaf_of_its_type_or_nowhere() {
    let o = "Organization/1";
    let d = "Practitioner/1";
    let request = |who: &str| {
        format!(
            r#"{{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{{"reference":"urn:uuid:1"}},"requester":{who}}}"#
        )
    };
    let observation = |who: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","subject":{{"reference":"urn:uuid:1"}},"performer":[{who}]}}"#
        )
    };
    let condition = |who: &str| {
        format!(r#"{{"resourceType":"Condition","subject":{{"reference":"urn:uuid:1"}},"asserter":{who}}}"#)
    };
    let procedure = |who: &str| {
        format!(
            r#"{{"resourceType":"Procedure","status":"completed","subject":{{"reference":"urn:uuid:1"}},"performer":[{{"actor":{who}}}]}}"#
        )
    };
    let claim = |who: &str| {
        format!(
            r#"{{"resourceType":"Claim","status":"active","use":"claim","patient":{{"reference":"urn:uuid:1"}},"provider":{who}}}"#
        )
    };
    let all: [&dyn Fn(&str) -> String; 4] = [&request, &observation, &procedure, &claim];
    for text in all {
        let leaves = |who: &str| {
            let (record, _) = record(&text(who));
            (record.provider, record.organisation)
        };
        let given = |r: &str| format!(r#"{{"reference":"{r}"}}"#);
        assert_eq!(leaves(&given(o)), (None, Some(o.into())));
        assert_eq!(leaves(&given(d)), (Some(d.into()), None));
        assert_eq!(
            leaves(&given("Organization?identifier=a/b|1")),
            (None, Some("Organization?identifier=a/b|1".into()))
        );
        assert_eq!(leaves(&given("urn:uuid:2")), (Some("urn:uuid:2".into()), None), "of no told type");
        assert_eq!(
            leaves(r#"{"reference":"urn:uuid:2","type":"Organization"}"#),
            (None, Some("urn:uuid:2".into()))
        );
        for other in ["urn:uuid:1", "Patient/1", "RelatedPerson/1", "Device/1", "CareTeam/1", "Location/1"] {
            assert_eq!(leaves(&given(other)), (None, None), "{other}");
        }
        assert_eq!(leaves(r#"{"reference":"Practitioner/1","type":"Patient"}"#), (None, None));
        for odd in ["patient/1", "Foo/1", "1", "", "#nobody", "Practitioner"] {
            assert_eq!(leaves(&given(odd)), (None, None), "{odd}");
        }
        let address = "https://h.example/doctors/5";
        assert_eq!(leaves(&given(address)), (Some(address.into()), None), "an address, of no told type");
    }
    assert_eq!(record(&condition(r#"{"reference":"Patient/1"}"#)).0.provider, None);
    assert_eq!(record(&condition(r#"{"reference":"urn:uuid:1"}"#)).0.provider, None);
    assert_eq!(
        record(&condition(r#"{"reference":"PractitionerRole/1"}"#)).0.provider.as_deref(),
        Some("PractitionerRole/1")
    );
}

#[test]
fn a_reference_to_a_type_that_r4_does_not_allow_is_said() {
    for (text, path) in [
        (
            r#"{"resourceType":"Encounter","status":"finished","serviceProvider":{"reference":"Patient/1"}}"#,
            "Encounter.serviceProvider",
        ),
        (
            r#"{"resourceType":"Patient","managingOrganization":{"reference":"Practitioner/1"}}"#,
            "Patient.managingOrganization",
        ),
        (
            r#"{"resourceType":"Claim","status":"active","use":"claim","provider":{"reference":"Patient/1"}}"#,
            "Claim.provider",
        ),
        (
            r#"{"resourceType":"PractitionerRole","organization":{"reference":"Location/1"}}"#,
            "PractitionerRole.organization",
        ),
        (r#"{"resourceType":"Device","owner":{"reference":"Patient/1"}}"#, "Device.owner"),
        (
            r#"{"resourceType":"Condition","encounter":{"reference":"EpisodeOfCare/1"}}"#,
            "Condition.encounter",
        ),
    ] {
        let (record, remarks) = record(text);
        assert_eq!(remarks, [(path.to_owned(), Reason::WrongTarget)]);
        assert!(record.organisation.is_none() && record.provider.is_none() && record.link.is_none());
    }
    let (used, _) = record(
        r#"{"resourceType":"Procedure","status":"completed","usedReference":[{"reference":"Medication/1"},{"reference":"Device/2"}]}"#,
    );
    assert_eq!(used.device.as_deref(), Some("Device/2"));
}

#[test]
fn many_references_to_many_contained_resources_are_looked_up_in_order() {
    // Comparing each with each would take sixteen hundred million steps.
    let n = 40_000;
    let contained: Vec<String> =
        (0..n).map(|i| format!(r#"{{"resourceType":"CareTeam","id":"{i}"}}"#)).collect();
    let performers: Vec<String> = (0..n).map(|i| format!(r##"{{"reference":"#{i}"}}"##)).collect();
    let text = format!(
        r#"{{"resourceType":"Observation","status":"final","contained":[{}],"performer":[{}]}}"#,
        contained.join(","),
        performers.join(",")
    );
    let (record, remarks) = record(&text);
    assert!(record.provider.is_none() && record.organisation.is_none() && remarks.is_empty());
}

#[test]
fn a_medication_is_read_where_it_is_contained_and_said_to_be_missing_where_it_is_not() {
    let request = |rest: &str| {
        format!(r#"{{"resourceType":"MedicationRequest","status":"active","intent":"order",{rest}}}"#)
    };
    let contained = |kind: &str, rest: &str| {
        request(&format!(
            r##""medicationReference":{{"reference":"#m"}},"contained":[{{"resourceType":"{kind}","id":"m","code":{{"coding":[{{"system":"s","code":"7052"}}]}}{rest}}}]"##
        ))
    };
    let code = |text: &str| record(text).0.code.map(|c| c.code);
    assert_eq!(code(&contained("Medication", "")).as_deref(), Some("7052"));
    assert_eq!(code(&contained("Medication", r#","status":"active""#)).as_deref(), Some("7052"));
    for (text, path, reason) in [
        (
            contained("Medication", r#","status":"entered-in-error""#),
            "medicationReference",
            Reason::TakenBack("status"),
        ),
        (contained("Substance", ""), "medicationReference", Reason::WrongTarget),
        (
            request(r#""medicationReference":{"reference":"Medication/1"}"#),
            "medicationReference",
            Reason::NotFollowed,
        ),
        (
            request(
                r#""medicationReference":{"reference":"Medication/1"},"medicationCodeableConcept":{"coding":[{"code":"1"}]}"#,
            ),
            "medication[x]",
            Reason::Contradiction,
        ),
    ] {
        assert_eq!(code(&text), None, "{text}");
        let mut remarks = record(&text).1;
        // That the made-up system is not known is another matter.
        remarks.retain(|(_, reason)| *reason != Reason::UnknownCodeSystem);
        assert_eq!(remarks, [(format!("MedicationRequest.{path}"), reason)]);
    }
}
