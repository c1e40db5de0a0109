//! The clinically relevant time of a resource, as its type defines it.
//!
//! Of an element that comes in several forms (`effective[x]`) one is read. A form that gives no
//! dates (an age, words), a date that cannot be read, two forms at once: all time, and a remark;
//! never another date in its place. Only where nothing at all is said an administrative date
//! counts, and then as what it is: the latest at which it can have been.

use crate::fhir::json::Json;
use crate::fhir::node::Node;
use crate::fhir::problem::Reason;
use crate::time::{Period, Timestamp};

/// An element that comes in several forms: its name, and the forms that are read.
pub(super) struct Choice {
    pub(super) name: &'static str,
    /// `name[x]`, for paths.
    pub(super) any: &'static str,
    pub(super) forms: &'static [(&'static str, Form)],
}

#[derive(Clone, Copy)]
pub(super) enum Form {
    Date,
    Period,
    Timing,
    /// Has no dates.
    Other,
}

pub(super) const ONSET: Choice = Choice {
    name: "onset",
    any: "onset[x]",
    forms: &[
        ("onsetDateTime", Form::Date),
        ("onsetPeriod", Form::Period),
        ("onsetAge", Form::Other),
        ("onsetRange", Form::Other),
        ("onsetString", Form::Other),
    ],
};
pub(super) const ABATEMENT: Choice = Choice {
    name: "abatement",
    any: "abatement[x]",
    forms: &[
        ("abatementDateTime", Form::Date),
        ("abatementPeriod", Form::Period),
        ("abatementAge", Form::Other),
        ("abatementRange", Form::Other),
        ("abatementString", Form::Other),
    ],
};
pub(super) const EFFECTIVE: Choice = Choice {
    name: "effective",
    any: "effective[x]",
    forms: &[
        ("effectiveDateTime", Form::Date),
        ("effectivePeriod", Form::Period),
        ("effectiveInstant", Form::Date),
        ("effectiveTiming", Form::Timing),
    ],
};
pub(super) const REPORTED: Choice = Choice {
    name: "effective",
    any: "effective[x]",
    forms: &[("effectiveDateTime", Form::Date), ("effectivePeriod", Form::Period)],
};
pub(super) const LAST_OCCURRENCE: Choice =
    Choice { name: "lastOccurrence", any: "lastOccurrence", forms: &[("lastOccurrence", Form::Date)] };
pub(super) const PERFORMED: Choice = Choice {
    name: "performed",
    any: "performed[x]",
    forms: &[
        ("performedDateTime", Form::Date),
        ("performedPeriod", Form::Period),
        ("performedString", Form::Other),
        ("performedAge", Form::Other),
        ("performedRange", Form::Other),
    ],
};
pub(super) const OCCURRENCE: Choice = Choice {
    name: "occurrence",
    any: "occurrence[x]",
    forms: &[("occurrenceDateTime", Form::Date), ("occurrenceString", Form::Other)],
};
pub(super) const SERVICED: Choice = Choice {
    name: "serviced",
    any: "serviced[x]",
    forms: &[("servicedDate", Form::Date), ("servicedPeriod", Form::Period)],
};
pub(super) const BILLABLE: Choice =
    Choice { name: "billablePeriod", any: "billablePeriod", forms: &[("billablePeriod", Form::Period)] };
pub(super) const PERIOD: Choice =
    Choice { name: "period", any: "period", forms: &[("period", Form::Period)] };

/// What is said of a time: nothing, or a period, which is all time where it cannot be read.
pub(super) fn said(node: &Node<'_, '_>, choice: &Choice) -> Option<Period> {
    let object = node.value().as_object()?;
    let mut form: Option<&str> = None;
    for (key, json) in object.iter() {
        let element = key.strip_prefix('_').unwrap_or(key);
        let Some(rest) = element.strip_prefix(choice.name) else { continue };
        let is_form = rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase());
        if !is_form || matches!(json, Json::Null) {
            continue;
        }
        if form.is_some_and(|other| other != element) {
            node.absent(choice.any).remark(Reason::Contradiction);
            return Some(Period::ALWAYS);
        }
        form = Some(element);
    }
    let form = form?;
    let Some((key, form)) = choice.forms.iter().find(|(key, _)| *key == form) else {
        node.absent(choice.any).remark(Reason::TimeNotRead);
        return Some(Period::ALWAYS);
    };
    let read = match (node.get(key), form) {
        // An extension in place of the value.
        (None, _) | (_, Form::Other) => {
            node.absent(key).remark(Reason::TimeNotRead);
            None
        }
        (Some(at), Form::Date) => date(&at),
        (Some(at), Form::Period) => at.period(),
        (Some(at), Form::Timing) => timing(&at),
    };
    Some(read.unwrap_or(Period::ALWAYS))
}

/// The period of a civil date in its zone, or an instant.
pub(super) fn date(at: &Node<'_, '_>) -> Option<Period> {
    let date = at.date()?;
    let zones = at.zones();
    Period::new(date.earliest_start(zones), date.latest_end(zones))
}

/// The date of a member, else all time.
pub(super) fn date_at(node: &Node<'_, '_>, key: &'static str) -> Period {
    node.get(key).and_then(|at| date(&at)).unwrap_or(Period::ALWAYS)
}

/// All time until an administrative date, which is said; all time where there is none.
pub(super) fn until(node: &Node<'_, '_>, key: &'static str) -> Period {
    let period = node.get(key).and_then(|at| {
        let period = date(&at)?;
        at.mention(Reason::UpperBound);
        Period::new(Timestamp::MIN, period.until())
    });
    period.unwrap_or(Period::ALWAYS)
}

/// All time until a clinical time that is an end, which is said.
pub(super) fn until_said(node: &Node<'_, '_>, choice: &Choice) -> Option<Period> {
    let period = said(node, choice)?;
    if period.until() != Timestamp::MAX {
        node.absent(choice.any).mention(Reason::UpperBound);
    }
    Period::new(Timestamp::MIN, period.until())
}

/// Of the first second of the one to the last of the other.
pub(super) fn span(one: Period, other: Period) -> Period {
    let (from, until) = (one.from().min(other.from()), one.until().max(other.until()));
    Period::new(from, until).unwrap_or(Period::ALWAYS)
}

/// A Timing that lists its events, or bounds its repetitions by a period.
fn timing(at: &Node<'_, '_>) -> Option<Period> {
    let events: Vec<Option<Period>> = at.all("event", |event| Some(date(event)));
    let bounds = at.get("repeat").map(|repeat| repeat.get("boundsPeriod").and_then(|p| p.period()));
    let extended = at.value().get("_event").is_some();
    let mut parts = events.into_iter().chain(bounds);
    let first = if extended { None } else { parts.next().flatten() };
    let all = first.and_then(|first| parts.try_fold(first, |sum, part| Some(span(sum, part?))));
    if all.is_none() {
        at.remark(Reason::TimeNotRead);
    }
    all
}
