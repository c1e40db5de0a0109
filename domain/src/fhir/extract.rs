#![doc = include_str!("extract.md")]

use super::category;
use super::date::PartialDate;
use super::node::Node;
use super::problem::Reason;
use super::resource::{
    Context, DeviceFacts, Facts, OrganisationFacts, PatientFacts, PractitionerFacts, Qualification,
    RoleFacts, SubjectReference, Version,
};
use crate::consent::Categories;
use crate::record::{Amount, Coding, Micro, RecordFields, ResourceType};
use crate::time::Period;

const UCUM: &str = "http://unitsofmeasure.org";

/// What is known of a resource beside its content.
pub(crate) struct Source<'s> {
    pub(crate) resource_type: ResourceType,
    pub(crate) id: Option<&'s str>,
    pub(crate) digest: [u8; 64],
    pub(crate) context: &'s Context<'s>,
}

/// What a resource's elements say.
pub(crate) struct Read {
    pub(crate) subject: Option<SubjectReference>,
    pub(crate) records: Vec<RecordFields>,
    pub(crate) facts: Facts,
    pub(crate) version: Version,
    pub(crate) retracted: Option<&'static str>,
}

pub(crate) fn read(node: &Node<'_, '_>, source: &Source<'_>) -> Read {
    let mut record = common(node, source);
    let mut more = Vec::new();
    let mut facts = Facts::None;
    match source.resource_type {
        ResourceType::Patient => facts = patient(node, &mut record),
        ResourceType::Encounter => encounter(node, &mut record),
        ResourceType::Condition => condition(node, &mut record),
        ResourceType::Observation => more = observation(node, source, &mut record),
        ResourceType::Procedure => procedure(node, &mut record),
        ResourceType::MedicationRequest => medication_request(node, &mut record),
        ResourceType::Immunization => immunization(node, &mut record),
        ResourceType::AllergyIntolerance => allergy(node, &mut record),
        ResourceType::DiagnosticReport => diagnostic_report(node, &mut record),
        ResourceType::Claim => claim(node, &mut record),
        ResourceType::ExplanationOfBenefit => explanation_of_benefit(node, &mut record),
        ResourceType::Coverage => coverage(node, &mut record),
        ResourceType::Consent => consent(node, &mut record),
        ResourceType::Practitioner => facts = practitioner(node, &mut record),
        ResourceType::PractitionerRole => facts = role(node, &mut record),
        ResourceType::Organization => facts = organisation(node, &mut record),
        ResourceType::Device => facts = device(node, &mut record),
    }
    let retracted = retracted(&record);
    let mut records = vec![record];
    records.append(&mut more);
    if retracted.is_some() {
        records.clear();
    }
    Read { subject: subject(node, source.resource_type), records, facts, version: version(node), retracted }
}

fn version(node: &Node<'_, '_>) -> Version {
    let Some(meta) = node.get("meta") else { return Version::default() };
    let updated = meta.get("lastUpdated").and_then(|at| at.date()).map(|date| date.start());
    Version { id: meta.text_at("versionId"), updated }
}

fn retracted(record: &RecordFields) -> Option<&'static str> {
    (record.status.as_deref() == Some("entered-in-error")).then_some("entered-in-error")
}

fn subject(node: &Node<'_, '_>, resource_type: ResourceType) -> Option<SubjectReference> {
    let key = match resource_type {
        ResourceType::Patient
        | ResourceType::Practitioner
        | ResourceType::PractitionerRole
        | ResourceType::Organization => return None,
        ResourceType::Coverage => "beneficiary",
        ResourceType::Encounter
        | ResourceType::Condition
        | ResourceType::Observation
        | ResourceType::Procedure
        | ResourceType::MedicationRequest
        | ResourceType::DiagnosticReport => "subject",
        ResourceType::Immunization
        | ResourceType::AllergyIntolerance
        | ResourceType::Claim
        | ResourceType::ExplanationOfBenefit
        | ResourceType::Consent
        | ResourceType::Device => "patient",
    };
    let reference = node.get(key)?;
    let literal = reference.text_at("reference");
    let mut named: Vec<String> =
        reference.get("identifier").and_then(|i| i.identifier()).into_iter().collect();
    if let Some(id) = literal.as_deref().and_then(|l| l.strip_prefix('#')) {
        let contained = node.all("contained", |c| (c.text_at("id")? == id).then(|| identifiers(c)));
        named.extend(contained.into_iter().flatten());
    }
    Some(SubjectReference { literal, identifiers: named })
}

fn common(node: &Node<'_, '_>, source: &Source<'_>) -> RecordFields {
    let meta = node.get("meta");
    let found = category::of_resource(node.value(), source.resource_type, source.context.floor);
    for remark in found.remarks {
        node.note(|| remark);
    }
    RecordFields {
        resource_type: source.resource_type,
        code: None,
        categories: found.categories,
        confidentiality: found.confidentiality,
        time: Period::ALWAYS,
        value: None,
        unit: None,
        amount: None,
        provider: None,
        organisation: None,
        link: None,
        status: None,
        body_digest: source.digest,
        device: None,
        provenance: meta
            .and_then(|meta| meta.text_at("source"))
            .or_else(|| source.context.full_url.map(str::to_owned)),
    }
}

/// The first of these members that is there and can be read.
fn time(node: &Node<'_, '_>, keys: &[&'static str]) -> Period {
    let read = |key: &&'static str| {
        let at = node.get(key)?;
        if key.ends_with("eriod") { at.period() } else { at.date().map(|d| PartialDate::period(&d)) }
    };
    keys.iter().find_map(read).unwrap_or(Period::ALWAYS)
}

fn concept_at(node: &Node<'_, '_>, key: &'static str) -> Option<Coding> {
    node.get(key)?.concept()
}

fn first_concept(node: &Node<'_, '_>, key: &'static str) -> Option<Coding> {
    node.first(key, |n| n.concept())
}

/// Into `organisation` where the reference says that it is one, else into `provider`.
fn provider_or_organisation(reference: Option<String>, record: &mut RecordFields) {
    match reference {
        Some(r) if r.starts_with("Organization/") || r.contains("/Organization/") => {
            record.organisation = Some(r)
        }
        other => record.provider = other,
    }
}

fn active(node: &Node<'_, '_>, record: &mut RecordFields) -> Option<bool> {
    let active = node.flag_at("active");
    record.status = active.map(|a| if a { "active" } else { "inactive" }.to_owned());
    active
}

/// `clinical/verification`, as far as said.
fn clinical_status(node: &Node<'_, '_>) -> Option<String> {
    let code = |key| concept_at(node, key).map(|c| c.code);
    match (code("clinicalStatus"), code("verificationStatus")) {
        (Some(clinical), Some(verification)) => Some(format!("{clinical}/{verification}")),
        (Some(clinical), None) => Some(clinical),
        (None, Some(verification)) => Some(format!("/{verification}")),
        (None, None) => None,
    }
}

/// A Quantity: value and UCUM unit. A comparator makes it a bound, of which no value is taken.
fn quantity(node: &Node<'_, '_>, record: &mut RecordFields) {
    if let Some(comparator) = node.get("comparator") {
        comparator.remark(Reason::Comparator);
        return;
    }
    record.value = node.get("value").and_then(|v| micro(&v));
    if record.value.is_some() && node.text_at("system").as_deref() == Some(UCUM) {
        record.unit = node.text_at("code");
    }
}

fn micro(node: &Node<'_, '_>) -> Option<Micro> {
    Micro::parse(node.number()?).map_err(|e| node.remark(e)).ok()
}

/// A Money.
fn money(node: &Node<'_, '_>) -> Option<Amount> {
    let (value, currency) = (node.get("value")?, node.get("currency")?);
    Amount::parse(value.number()?, currency.text()?).map_err(|e| node.remark(e)).ok()
}

fn patient(node: &Node<'_, '_>, record: &mut RecordFields) -> Facts {
    record.time = time(node, &["birthDate"]);
    record.provider = node.first("generalPractitioner", |n| n.reference());
    record.organisation = node.reference_at("managingOrganization");
    active(node, record);
    Facts::Patient(PatientFacts { identifiers: identifiers(node) })
}

fn encounter(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = first_concept(node, "type").or_else(|| node.get("class")?.coding());
    record.time = time(node, &["period"]);
    record.provider = node.first("participant", |n| n.reference_at("individual"));
    record.organisation = node.reference_at("serviceProvider");
    record.link = node.reference_at("partOf");
    record.status = node.text_at("status");
}

fn condition(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    record.time = time(node, &["onsetDateTime", "onsetPeriod", "recordedDate"]);
    record.provider = node.reference_at("asserter").or_else(|| node.reference_at("recorder"));
    record.link = node.reference_at("encounter");
    record.status = clinical_status(node);
}

fn observation(node: &Node<'_, '_>, source: &Source<'_>, record: &mut RecordFields) -> Vec<RecordFields> {
    record.code = concept_at(node, "code");
    record.device = node.reference_at("device");
    classify(node, source.resource_type, record);
    record.time = time(node, &["effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"]);
    performer(node, record);
    record.link = node.reference_at("encounter");
    record.status = node.text_at("status");
    observed(node, record);
    // A component is a record of its own: the panel's context, its own code and value, linked to the panel.
    let own = source
        .id
        .map(|id| format!("Observation/{id}"))
        .or_else(|| source.context.full_url.map(str::to_owned));
    node.all("component", |component| {
        let mut part = RecordFields { link: own.clone(), value: None, unit: None, ..record.clone() };
        part.code = concept_at(component, "code");
        observed(component, &mut part);
        Some(part)
    })
}

fn observed(node: &Node<'_, '_>, record: &mut RecordFields) {
    if let Some(q) = node.get("valueQuantity") {
        quantity(&q, record);
    } else if let Some(n) = node.get("valueInteger") {
        record.value = micro(&n);
    }
}

/// Class of an Observation or DiagnosticReport from `category`; a device reading without category is a device's.
fn classify(node: &Node<'_, '_>, resource_type: ResourceType, record: &mut RecordFields) {
    let mut class = Categories::NONE;
    // R4 has a list; a single concept is accepted too, for both mean the same.
    let mut add = |concept: &Node<'_, '_>| {
        for coding in concept.all("coding", |c| c.text_at("code")) {
            class = class.union(category::of_category(&coding));
        }
    };
    if let Some(list) = node.get("category") {
        if list.value().as_object().is_some() {
            add(&list);
        } else {
            list.elements().for_each(|concept| add(&concept));
        }
    }
    class = class.intersection(category::carried_by(super::types::name(resource_type)));
    if class.is_empty() {
        let from_device = record.device.is_some() && resource_type == ResourceType::Observation;
        class = if from_device { Categories::DEVICES } else { Categories::OTHER };
    }
    record.categories = record.categories.intersection(category::SENSITIVITIES).union(class);
}

/// `performer` is a list of references of several types.
fn performer(node: &Node<'_, '_>, record: &mut RecordFields) {
    for reference in node.all("performer", |n| n.reference()) {
        let organisation = reference.starts_with("Organization/") || reference.contains("/Organization/");
        let slot = if organisation { &mut record.organisation } else { &mut record.provider };
        slot.get_or_insert(reference);
    }
}

fn procedure(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    record.time = time(node, &["performedDateTime", "performedPeriod"]);
    record.provider = node.first("performer", |n| n.reference_at("actor"));
    record.organisation = node.first("performer", |n| n.reference_at("onBehalfOf"));
    record.link = node.reference_at("encounter");
    record.status = node.text_at("status");
    record.device = node.first("usedReference", |n| n.reference());
}

fn medication_request(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "medicationCodeableConcept");
    record.time = time(node, &["authoredOn"]);
    provider_or_organisation(node.reference_at("requester"), record);
    record.link = node.reference_at("encounter");
    record.status = node.text_at("status");
}

fn immunization(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "vaccineCode");
    record.time = time(node, &["occurrenceDateTime", "recorded"]);
    for reference in node.all("performer", |n| n.reference_at("actor")) {
        let organisation = reference.starts_with("Organization/") || reference.contains("/Organization/");
        let slot = if organisation { &mut record.organisation } else { &mut record.provider };
        slot.get_or_insert(reference);
    }
    if let Some(q) = node.get("doseQuantity") {
        quantity(&q, record);
    }
    record.link = node.reference_at("encounter");
    record.status = node.text_at("status");
}

fn allergy(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    record.time = time(node, &["onsetDateTime", "onsetPeriod", "recordedDate"]);
    record.provider = node.reference_at("recorder").or_else(|| node.reference_at("asserter"));
    record.link = node.reference_at("encounter");
    record.status = clinical_status(node);
}

fn diagnostic_report(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    classify(node, ResourceType::DiagnosticReport, record);
    record.time = time(node, &["effectiveDateTime", "effectivePeriod", "issued"]);
    performer(node, record);
    record.link = node.reference_at("encounter");
    record.status = node.text_at("status");
}

fn claim(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code =
        node.first("item", |n| concept_at(n, "productOrService")).or_else(|| concept_at(node, "type"));
    record.time = time(node, &["billablePeriod", "created"]);
    record.amount = node.get("total").and_then(|total| money(&total));
    provider_or_organisation(node.reference_at("provider"), record);
    record.link = node.first("item", |n| n.first("encounter", |e| e.reference()));
    record.status = node.text_at("status");
}

fn explanation_of_benefit(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code =
        node.first("item", |n| concept_at(n, "productOrService")).or_else(|| concept_at(node, "type"));
    record.time = time(node, &["billablePeriod", "created"]);
    // `total` is a list by adjudication category: what is paid before what was asked.
    let total = |wanted: &str| {
        node.first("total", |n| {
            let is_it = concept_at(n, "category").is_some_and(|c| c.code == wanted);
            is_it.then(|| n.get("amount").and_then(|a| money(&a))).flatten()
        })
    };
    record.amount = total("benefit")
        .or_else(|| node.get("payment")?.get("amount").and_then(|a| money(&a)))
        .or_else(|| total("submitted"));
    provider_or_organisation(node.reference_at("provider"), record);
    record.link = node.reference_at("claim");
    record.status = node.text_at("status");
}

fn coverage(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "type");
    record.time = time(node, &["period"]);
    record.organisation = node.first("payor", |n| n.reference());
    record.status = node.text_at("status");
}

fn consent(node: &Node<'_, '_>, record: &mut RecordFields) {
    record.code = first_concept(node, "category");
    record.time = time(node, &["dateTime"]);
    record.provider = node.first("performer", |n| n.reference());
    record.organisation = node.first("organization", |n| n.reference());
    record.status = node.text_at("status");
}

fn identifiers(node: &Node<'_, '_>) -> Vec<String> {
    node.all("identifier", |n| n.identifier())
}

/// All time where nothing is said; none where what is said cannot be read.
fn said_period(node: &Node<'_, '_>) -> Option<Period> {
    node.get("period").map_or(Some(Period::ALWAYS), |p| p.period())
}

fn practitioner(node: &Node<'_, '_>, record: &mut RecordFields) -> Facts {
    let active = active(node, record);
    record.code = node.first("qualification", |n| concept_at(n, "code"));
    let qualifications = node.all("qualification", |n| {
        Some(Qualification {
            code: concept_at(n, "code"),
            identifiers: identifiers(n),
            period: said_period(n),
            issuer: n.reference_at("issuer"),
        })
    });
    Facts::Practitioner(PractitionerFacts { active, identifiers: identifiers(node), qualifications })
}

fn role(node: &Node<'_, '_>, record: &mut RecordFields) -> Facts {
    let active = active(node, record);
    let codes: Vec<Coding> =
        node.all("code", |n| Some(n.all("coding", |c| c.coding()))).into_iter().flatten().collect();
    record.code = codes.first().cloned();
    let period = said_period(node);
    record.time = period.unwrap_or(Period::ALWAYS);
    record.provider = node.reference_at("practitioner");
    record.organisation = node.reference_at("organization");
    Facts::Role(RoleFacts {
        active,
        practitioner: record.provider.clone(),
        organisation: record.organisation.clone(),
        codes,
        period,
        identifiers: identifiers(node),
    })
}

fn organisation(node: &Node<'_, '_>, record: &mut RecordFields) -> Facts {
    let active = active(node, record);
    let types: Vec<Coding> = node.all("type", |n| n.concept());
    record.code = types.first().cloned();
    let part_of = node.reference_at("partOf");
    record.organisation = part_of.clone();
    Facts::Organisation(OrganisationFacts { active, identifiers: identifiers(node), types, part_of })
}

fn device(node: &Node<'_, '_>, record: &mut RecordFields) -> Facts {
    let kind = concept_at(node, "type");
    let identifiers = identifiers(node);
    let udi = node.first("udiCarrier", |n| n.text_at("deviceIdentifier"));
    let serial = node.text_at("serialNumber");
    let owner = node.reference_at("owner");
    record.code = kind.clone();
    record.time = time(node, &["manufactureDate"]);
    record.organisation = owner.clone();
    record.status = node.text_at("status");
    record.device = match (&udi, &serial) {
        (Some(udi), Some(serial)) => Some(format!("{udi}|{serial}")),
        _ => identifiers.first().cloned().or_else(|| udi.clone()).or_else(|| serial.clone()),
    };
    Facts::Device(DeviceFacts {
        status: record.status.clone(),
        kind,
        identifiers,
        udi,
        serial,
        patient: node.reference_at("patient"),
        owner,
    })
}
