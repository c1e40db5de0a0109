//! The time of a record is the clinical time of its type, as wide as what is said of it, and no
//! administrative date.

use amanat_domain::fhir::{DateError, Reason, Zones};
use amanat_domain::time::Period;

use crate::single::{record, record_in};

const ALL: &str = "open to open";

fn shown(period: Period) -> String {
    format!("{} to {}", period.from(), period.until())
}

/// Type and what it must have, and the administrative date that is no substitute.
const TYPES: &[(&str, &str)] = &[
    (r#""resourceType":"Condition""#, "recordedDate"),
    (r#""resourceType":"AllergyIntolerance""#, "recordedDate"),
    (r#""resourceType":"Observation","status":"final""#, "issued"),
    (r#""resourceType":"DiagnosticReport","status":"final""#, "issued"),
    (r#""resourceType":"Immunization","status":"completed""#, "recorded"),
    (r#""resourceType":"Claim","status":"active","use":"claim""#, "created"),
    (r#""resourceType":"ExplanationOfBenefit","status":"active","use":"claim""#, "created"),
];

/// The elements of clinical time of one of them.
fn elements(of: &str) -> &'static [&'static str] {
    if of.contains("Condition") || of.contains("Allergy") {
        &["onset"]
    } else if of.contains("Immunization") {
        &["occurrence"]
    } else if of.contains("Observation") || of.contains("DiagnosticReport") {
        &["effective"]
    } else {
        &["billable"]
    }
}

#[test]
fn a_time_that_cannot_be_read_makes_all_time_and_never_an_administrative_date() {
    let odd_dates = [
        "",
        " ",
        "0000",
        "0000-01-01",
        "2020-13",
        "2020-02-30",
        "2020-1-1",
        "20200101",
        "2020-01-01T10:00:00",
        "2020-01-01T24:00:00Z",
        "2020-01-01T10:00Z",
        "2020-01-01T10:00:61Z",
        "2020-01-01 10:00:00Z",
        "2020-01-01T10:00:00.Z",
        "2020-01-01T10:00:00+15:00",
        "2020-01-01T10:00:00z",
        "12/31/2020",
        "2020-W01",
        "yesterday",
        "+2020",
        "-0044",
    ];
    for (of, administrative) in TYPES {
        for element in elements(of) {
            let mut forms: Vec<String> = Vec::new();
            for date in odd_dates {
                if *element == "billable" {
                    forms.push(format!(r#""billablePeriod":{{"start":"{date}"}}"#));
                    forms.push(format!(r#""billablePeriod":{{"start":"2020","end":"{date}"}}"#));
                } else {
                    forms.push(format!(r#""{element}DateTime":"{date}""#));
                }
            }
            if *element == "billable" {
                forms.push(r#""billablePeriod":{"start":"2021","end":"2020"}"#.into());
                forms.push(r#""billablePeriod":"2020""#.into());
            } else {
                for form in ["Age", "Range", "String", "Timing", "Foo"] {
                    forms.push(format!(r#""{element}{form}":{{"value":"#).to_owned() + "40}");
                }
                forms.push(format!(r#""{element}String":"in the spring""#));
                forms.push(format!(r#""{element}DateTime":2020"#));
                forms.push(format!(r#""{element}DateTime":null,"_{element}DateTime":{{"extension":[]}}"#));
                forms.push(format!(r#""{element}DateTime":"2020","{element}Period":{{"start":"2020"}}"#));
                forms.push(format!(r#""{element}Period":{{"start":"2021","end":"2020"}}"#));
            }
            for form in forms {
                let text = format!(r#"{{{of},{form},"{administrative}":"2024-05-06T07:08:09Z"}}"#);
                let (record, remarks) = record(&text);
                assert_eq!(shown(record.time), ALL, "{text}");
                assert!(!remarks.is_empty(), "{text}");
                assert!(remarks.iter().all(|(_, r)| *r != Reason::UpperBound), "{text}");
            }
        }
    }
}

#[test]
fn where_no_clinical_time_is_said_the_administrative_date_is_its_latest() {
    for (of, administrative) in TYPES {
        let (record, remarks) = record(&format!(r#"{{{of},"{administrative}":"2024-05-06T07:08:09Z"}}"#));
        assert_eq!(shown(record.time), "open to 2024-05-06T07:08:09Z", "{of}");
        assert_eq!(remarks.len(), 1, "{of}");
        assert!(remarks[0].0.ends_with(administrative) && remarks[0].1 == Reason::UpperBound);
        let (record, remarks) = crate::single::record(&format!(r#"{{{of},"{administrative}":null}}"#));
        assert_eq!((shown(record.time), remarks.len()), (ALL.to_owned(), 0), "{of}");
        let bad = crate::single::record(&format!(r#"{{{of},"{administrative}":"soon"}}"#));
        assert_eq!((shown(bad.0.time), bad.1[0].1), (ALL.to_owned(), Reason::Date(DateError::Malformed)));
    }
    // A question about services says nothing of when they will be.
    let asked =
        r#"{"resourceType":"Claim","status":"active","use":"predetermination","created":"2024-01-01"}"#;
    assert_eq!(shown(record(asked).0.time), ALL);
    let untold = r#"{"resourceType":"Claim","status":"active","created":"2024-01-01"}"#;
    assert_eq!(shown(record(untold).0.time), ALL);
}

#[test]
fn partial_dates_and_open_periods_stay_as_wide_as_they_are_said() {
    let time = |form: &str| {
        shown(record(&format!(r#"{{"resourceType":"Observation","status":"final",{form}}}"#)).0.time)
    };
    for (form, expected) in [
        (r#""effectiveDateTime":"2020""#, "2020-01-01T00:00:00Z to 2020-12-31T23:59:59Z"),
        (r#""effectiveDateTime":"2020-02""#, "2020-02-01T00:00:00Z to 2020-02-29T23:59:59Z"),
        (r#""effectiveDateTime":"2020-02-03""#, "2020-02-03T00:00:00Z to 2020-02-03T23:59:59Z"),
        (
            r#""effectiveDateTime":"2020-02-03T04:05:06.789+05:00""#,
            "2020-02-02T23:05:06Z to 2020-02-02T23:05:06Z",
        ),
        (r#""effectiveDateTime":"2016-12-31T23:59:60Z""#, "2017-01-01T00:00:00Z to 2017-01-01T00:00:00Z"),
        (r#""effectiveInstant":"2020-02-03T04:05:06Z""#, "2020-02-03T04:05:06Z to 2020-02-03T04:05:06Z"),
        (r#""effectivePeriod":{"start":"2020-02"}"#, "2020-02-01T00:00:00Z to open"),
        (r#""effectivePeriod":{"end":"2020-02"}"#, "open to 2020-02-29T23:59:59Z"),
        (r#""effectivePeriod":{}"#, ALL),
        (
            r#""effectivePeriod":{"start":"2020-02-03","end":"2020-02"}"#,
            "2020-02-03T00:00:00Z to 2020-02-29T23:59:59Z",
        ),
        (
            r#""effectiveTiming":{"event":["2020-02-03","2020-01-01","2021"]}"#,
            "2020-01-01T00:00:00Z to 2021-12-31T23:59:59Z",
        ),
        (
            r#""effectiveTiming":{"repeat":{"boundsPeriod":{"start":"2020","end":"2021"}}}"#,
            "2020-01-01T00:00:00Z to 2021-12-31T23:59:59Z",
        ),
        (r#""effectiveTiming":{"event":["2020"],"repeat":{"frequency":1}}"#, ALL),
        (r#""effectiveTiming":{"event":["2020","soon"]}"#, ALL),
    ] {
        assert_eq!(time(form), expected, "{form}");
    }
}

#[test]
fn each_type_has_the_time_of_its_definition() {
    for (text, expected) in [
        (
            r#"{"resourceType":"Condition","onsetDateTime":"2010","abatementDateTime":"2015","recordedDate":"2012"}"#,
            "2010-01-01T00:00:00Z to 2010-12-31T23:59:59Z",
        ),
        (
            r#"{"resourceType":"Condition","abatementDateTime":"2015","recordedDate":"2020"}"#,
            "open to 2015-12-31T23:59:59Z",
        ),
        (r#"{"resourceType":"Condition","abatementString":"later","recordedDate":"2020"}"#, ALL),
        (
            r#"{"resourceType":"AllergyIntolerance","lastOccurrence":"2015","recordedDate":"2020"}"#,
            "open to 2015-12-31T23:59:59Z",
        ),
        (r#"{"resourceType":"AllergyIntolerance","lastOccurrence":"once","recordedDate":"2020"}"#, ALL),
        (r#"{"resourceType":"Procedure","status":"completed","performedAge":{"value":40}}"#, ALL),
        (r#"{"resourceType":"Procedure","status":"completed","performedString":"long ago"}"#, ALL),
        (
            r#"{"resourceType":"Procedure","status":"completed","performedPeriod":{"start":"2020","end":"2020"}}"#,
            "2020-01-01T00:00:00Z to 2020-12-31T23:59:59Z",
        ),
        (
            r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2020-13"}"#,
            ALL,
        ),
        (
            r#"{"resourceType":"Claim","status":"active","use":"claim","created":"2024","item":[{"servicedDate":"2020"},{"servicedPeriod":{"start":"2022","end":"2023"}}]}"#,
            "2020-01-01T00:00:00Z to 2023-12-31T23:59:59Z",
        ),
        (
            r#"{"resourceType":"Claim","status":"active","use":"claim","created":"2024","item":[{"servicedDate":"2020"},{}]}"#,
            ALL,
        ),
        (r#"{"resourceType":"Encounter","status":"planned","period":{"start":"2020","end":"2019"}}"#, ALL),
        (r#"{"resourceType":"Patient","birthDate":"1970"}"#, "1970-01-01T00:00:00Z to 1970-12-31T23:59:59Z"),
    ] {
        assert_eq!(shown(record(text).0.time), expected, "{text}");
    }
}

#[test]
fn a_date_without_a_zone_is_a_day_of_the_zone_that_is_stated() {
    let karachi = Zones::parse("+05:00").expect("a zone");
    let newfoundland = Zones::parse("-03:30").expect("a zone");
    for (text, zones, expected) in [
        (
            r#"{"resourceType":"Condition","onsetDateTime":"2020-01-01"}"#,
            karachi,
            "2019-12-31T19:00:00Z to 2020-01-01T18:59:59Z",
        ),
        (
            r#"{"resourceType":"Condition","onsetDateTime":"2020-01-01"}"#,
            newfoundland,
            "2020-01-01T03:30:00Z to 2020-01-02T03:29:59Z",
        ),
        (
            r#"{"resourceType":"Condition","onsetDateTime":"2020-01-01"}"#,
            Zones::ANY,
            "2019-12-31T10:00:00Z to 2020-01-02T11:59:59Z",
        ),
        (
            r#"{"resourceType":"Condition","onsetDateTime":"2020-01-01T00:00:00Z"}"#,
            Zones::ANY,
            "2020-01-01T00:00:00Z to 2020-01-01T00:00:00Z",
        ),
        (
            r#"{"resourceType":"Condition","onsetPeriod":{"start":"2020-01-01","end":"2020-01-01T12:00:00Z"}}"#,
            karachi,
            "2019-12-31T19:00:00Z to 2020-01-01T12:00:00Z",
        ),
        (
            r#"{"resourceType":"Condition","recordedDate":"2020-01-01"}"#,
            karachi,
            "open to 2020-01-01T18:59:59Z",
        ),
        (
            r#"{"resourceType":"Patient","birthDate":"1970-01-01"}"#,
            karachi,
            "1969-12-31T19:00:00Z to 1970-01-01T18:59:59Z",
        ),
        (
            r#"{"resourceType":"Coverage","status":"active","period":{"end":"2020"}}"#,
            karachi,
            "open to 2020-12-31T18:59:59Z",
        ),
        (
            r#"{"resourceType":"Device","manufactureDate":"2020"}"#,
            karachi,
            "2019-12-31T19:00:00Z to 2020-12-31T18:59:59Z",
        ),
    ] {
        assert_eq!(shown(record_in(text, zones).0.time), expected, "{text}");
    }
    // Whether there was one is told.
    for (date, zoneless) in [("2020-01-01", true), ("2020", true), ("2020-01-01T00:00:00Z", false)] {
        let text = format!(r#"{{"resourceType":"Condition","onsetDateTime":"{date}"}}"#);
        let (resource, _) = crate::single::read(&text).unwrap_or_else(|e| panic!("{}", e.reason));
        assert_eq!(resource.zoneless, zoneless, "{date}");
    }
    // What is valid during a period is so only while it surely is.
    let role = r#"{"resourceType":"PractitionerRole","period":{"start":"2020-01-01","end":"2020-01-31"}}"#;
    let json = amanat_domain::fhir::json::Json::parse(role.as_bytes()).expect("JSON");
    let context = amanat_domain::fhir::Context { zones: Zones::ANY, ..Default::default() };
    let (resource, _) =
        amanat_domain::fhir::Resource::from_json(&json, &context).unwrap_or_else(|e| panic!("{}", e.reason));
    let amanat_domain::fhir::Facts::Role(facts) = resource.facts else { panic!("facts of a role") };
    assert_eq!(facts.period.map(shown).as_deref(), Some("2020-01-01T12:00:00Z to 2020-01-31T09:59:59Z"));
}
