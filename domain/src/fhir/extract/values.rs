//! Numbers of a resource: quantities and money. No value is taken where another element takes it
//! back.

use super::UCUM;
use crate::fhir::node::Node;
use crate::fhir::problem::Reason;
use crate::record::{Amount, Micro, RecordFields};

/// `value[x]` of an Observation or a component of one.
pub(super) fn observed(node: &Node<'_, '_>, record: &mut RecordFields) {
    let Some(object) = node.value().as_object() else { return };
    let is_form = |key: &str| {
        key.strip_prefix("value").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    let mut forms = object.iter().filter(|(key, json)| is_form(key) && json.kind() != "null");
    let Some((form, _)) = forms.next() else { return };
    let any = node.absent("value[x]");
    if forms.next().is_some() {
        return any.remark(Reason::Contradiction);
    }
    if object.get("dataAbsentReason").is_some_and(|json| json.kind() != "null") {
        return any.remark(Reason::TakenBack("dataAbsentReason"));
    }
    match form {
        "valueQuantity" => {
            if let Some(q) = node.get("valueQuantity") {
                quantity(&q, record);
            }
        }
        "valueInteger" => record.value = node.get("valueInteger").and_then(|n| micro(&n)),
        _ => {}
    }
}

/// A Quantity: value and UCUM unit. A comparator makes it a bound, of which no value is taken.
pub(super) fn quantity(node: &Node<'_, '_>, record: &mut RecordFields) {
    if let Some(comparator) = node.get("comparator") {
        return comparator.remark(Reason::Comparator);
    }
    if node.value().get("_comparator").is_some_and(|json| json.kind() != "null") {
        return node.absent("comparator").remark(Reason::Comparator);
    }
    record.value = node.get("value").and_then(|v| micro(&v));
    if record.value.is_some() && node.text_at("system").as_deref() == Some(UCUM) {
        record.unit = node.text_at("code");
    }
}

fn micro(node: &Node<'_, '_>) -> Option<Micro> {
    Micro::parse(node.number()?).map_err(|e| node.remark(e)).ok()
}

/// A Money. DSTU2 and STU3 wrote the currency as the code of a Quantity.
pub(super) fn money(node: &Node<'_, '_>) -> Option<Amount> {
    let value = node.get("value")?;
    let Some(currency) = node.get("currency") else {
        let old = node.value().get("code").is_some();
        let reason = if old { Reason::FormOfOtherVersion("DSTU2 and STU3") } else { Reason::Missing };
        node.absent("currency").remark(reason);
        return None;
    };
    Amount::parse(value.number()?, currency.text()?).map_err(|e| node.remark(e)).ok()
}
