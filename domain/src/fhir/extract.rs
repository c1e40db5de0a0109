#![doc = include_str!("extract.md")]

mod elements;
pub mod modifiers;
mod references;
mod times;
mod values;
mod version;

use self::references::About;
use self::values::{money, observed, quantity};
use super::category;
use super::facts::{
    Context, DeviceFacts, Facts, OrganisationFacts, PatientFacts, PractitionerFacts, Qualification,
    RoleFacts, SubjectReference, Version,
};
use super::json::Json;
use super::node::{Node, Remark};
use super::problem::Reason;
use crate::consent::Categories;
use crate::record::{Amount, Coding, RecordFields, ResourceType};
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

/// Reads the elements.
///
/// # Errors
/// The modifier, or the element of another version of FHIR, that is not understood.
pub(crate) fn read(node: &Node<'_, '_>, source: &Source<'_>) -> Result<Read, Remark> {
    let modifiers::Status { leaf, retracted } = modifiers::read(node, source.resource_type)?;
    // What is taken back is no fact in any version.
    if retracted.is_none() {
        version::check(node, source.resource_type)?;
    }
    let subject = subject(node, source.resource_type);
    let about = About::new(node, subject.as_ref().and_then(|s| s.literal.as_deref()));
    let mut record = RecordFields { status: leaf, ..common(node, source) };
    let mut more = Vec::new();
    let mut facts = Facts::None;
    match source.resource_type {
        ResourceType::Patient => facts = patient(node, &about, &mut record),
        ResourceType::Encounter => encounter(node, &about, &mut record),
        ResourceType::Condition => condition(node, &about, &mut record),
        ResourceType::Observation => more = observation(node, &about, source, &mut record),
        ResourceType::Procedure => procedure(node, &about, &mut record),
        ResourceType::MedicationRequest => medication_request(node, &about, &mut record),
        ResourceType::Immunization => immunization(node, &about, &mut record),
        ResourceType::AllergyIntolerance => allergy(node, &about, &mut record),
        ResourceType::DiagnosticReport => diagnostic_report(node, &about, &mut record),
        ResourceType::Claim => claim(node, &about, &mut record),
        ResourceType::ExplanationOfBenefit => explanation_of_benefit(node, &about, &mut record),
        ResourceType::Coverage => coverage(node, &about, &mut record),
        ResourceType::Consent => consent(node, &about, &mut record),
        ResourceType::Practitioner => facts = practitioner(node, &about, &mut record),
        ResourceType::PractitionerRole => facts = role(node, &about, &mut record),
        ResourceType::Organization => facts = organisation(node, &about, &mut record),
        ResourceType::Device => facts = device(node, &about, &mut record),
    }
    let mut records = vec![record];
    records.append(&mut more);
    if retracted.is_some() {
        records.clear();
    }
    Ok(Read { subject, records, facts, version: version(node), retracted })
}

fn version(node: &Node<'_, '_>) -> Version {
    let Some(meta) = node.get("meta") else { return Version::default() };
    // A time that cannot be read is remarked.
    let updated = meta.get("lastUpdated").filter(|at| at.date().is_some());
    Version::said(meta.text_at("versionId"), updated.as_ref().and_then(|at| at.value().as_str()))
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
    let mut named: Vec<String> = reference.get("identifier").and_then(|i| lasting(&i)).into_iter().collect();
    let told = reference.value().get("type").and_then(Json::as_str);
    let told = told.map(|t| t.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(t));
    let mut kind = told.map(known_or_other);
    if key == "subject" && told.is_none() && literal.as_deref().is_some_and(|l| l.starts_with("urn:")) {
        // What a URN names may be a group or a device: only as itself is it found to be a patient.
        named.clear();
    }
    if let Some(id) = literal.as_deref().and_then(|l| l.strip_prefix('#')) {
        // What is contained is what it says it is: the identifiers of a device are nobody's.
        let contained = node.all("contained", |c| {
            let own = c.text_at("id")? == id;
            own.then(|| {
                (c.value().get("resourceType").and_then(Json::as_str).map(known_or_other), identifiers(c))
            })
        });
        for (of, identifiers) in contained {
            kind = kind.filter(|k| *k != PATIENT).or(of).or(Some(OTHER));
            if of == Some(PATIENT) {
                named.extend(identifiers);
            }
        }
    }
    Some(SubjectReference { literal, identifiers: named, not_a_patient: kind.filter(|k| *k != PATIENT) })
}

const PATIENT: &str = "Patient";
/// What is of no type of R4, or does not say.
const OTHER: &str = "resource of another type";

fn known_or_other(name: &str) -> &'static str {
    super::types::known(name).unwrap_or(OTHER)
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

fn concept_at(node: &Node<'_, '_>, key: &'static str) -> Option<Coding> {
    node.get(key)?.concept()
}

fn first_concept(node: &Node<'_, '_>, key: &'static str) -> Option<Coding> {
    node.first(key, |n| n.concept())
}

fn active(node: &Node<'_, '_>) -> Option<bool> {
    node.flag_at("active")
}

fn patient(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) -> Facts {
    record.time = times::date_at(node, "birthDate");
    record.provider = node.first("generalPractitioner", |n| about.clinician(n, references::PROVIDER));
    record.organisation = about.one(node, "managingOrganization", references::ORGANISATION);
    Facts::Patient(PatientFacts { identifiers: identifiers(node) })
}

fn encounter(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = first_concept(node, "type").or_else(|| node.get("class")?.coding());
    record.time = times::said(node, &times::PERIOD).unwrap_or(Period::ALWAYS);
    record.provider = node.first("participant", |n| {
        n.get("individual").and_then(|who| about.clinician(&who, references::CLINICIAN_OR_RELATIVE))
    });
    record.organisation = about.one(node, "serviceProvider", references::ORGANISATION);
    record.link = about.one(node, "partOf", references::ENCOUNTER);
}

fn condition(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    record.time = times::said(node, &times::ONSET)
        .or_else(|| times::until_said(node, &times::ABATEMENT))
        .unwrap_or_else(|| times::until(node, "recordedDate"));
    let who = |key| node.get(key).and_then(|n| about.clinician(&n, references::PERSON));
    record.provider = who("asserter").or_else(|| who("recorder"));
    record.link = about.one(node, "encounter", references::ENCOUNTER);
}

fn observation(
    node: &Node<'_, '_>,
    about: &About<'_, '_, '_>,
    source: &Source<'_>,
    record: &mut RecordFields,
) -> Vec<RecordFields> {
    record.code = concept_at(node, "code");
    record.device = about.one(node, "device", references::MEASURER);
    classify(node, source.resource_type, record);
    record.time = times::said(node, &times::EFFECTIVE).unwrap_or_else(|| times::until(node, "issued"));
    performers(node, about, references::PERFORMER, record);
    record.link = about.one(node, "encounter", references::ENCOUNTER);
    observed(node, record);
    // A component is a separate record: the panel's context, its own code and value, linked to the
    // panel.
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

/// Class of an Observation or DiagnosticReport from `category`; a device reading without category
/// is a device's.
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
fn performers(
    node: &Node<'_, '_>,
    about: &About<'_, '_, '_>,
    allowed: references::Allowed,
    record: &mut RecordFields,
) {
    let Some(list) = node.get("performer") else { return };
    list.elements().for_each(|who| about.put(&who, allowed, record));
}

/// `performer` is a list of objects, each with its `actor`.
fn actors(
    node: &Node<'_, '_>,
    about: &About<'_, '_, '_>,
    allowed: references::Allowed,
    record: &mut RecordFields,
) {
    let Some(list) = node.get("performer") else { return };
    for performer in list.elements() {
        if let Some(who) = performer.get("actor") {
            about.put(&who, allowed, record);
        }
    }
}

fn procedure(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    record.time = times::said(node, &times::PERFORMED).unwrap_or(Period::ALWAYS);
    record.organisation = node.first("performer", |n| about.one(n, "onBehalfOf", references::ORGANISATION));
    actors(node, about, references::ACTOR, record);
    record.link = about.one(node, "encounter", references::ENCOUNTER);
    record.device = node.first("usedReference", |n| about.device(n, references::USED));
}

fn medication_request(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = medication(node, about);
    record.time = times::date_at(node, "authoredOn");
    if let Some(who) = node.get("requester") {
        about.put(&who, references::ACTOR, record);
    }
    record.link = about.one(node, "encounter", references::ENCOUNTER);
}

/// The medication: said itself, or that of a contained Medication. Another resource is not looked
/// for.
fn medication(node: &Node<'_, '_>, about: &About<'_, '_, '_>) -> Option<Coding> {
    let said = node.get("medicationCodeableConcept");
    let Some(reference) = node.get("medicationReference") else { return said?.concept() };
    if said.is_some() {
        node.absent("medication[x]").remark(Reason::Contradiction);
        return None;
    }
    let id = reference.text_at("reference");
    let Some(contained) = id.as_deref().and_then(|r| r.strip_prefix('#')).and_then(|id| about.contained(id))
    else {
        reference.remark(Reason::NotFollowed);
        return None;
    };
    let text = |key| contained.value().get(key).map(Json::as_str);
    if text("resourceType") != Some(Some("Medication")) {
        reference.remark(Reason::WrongTarget);
        return None;
    }
    // R4 marks the status of a Medication as a modifier.
    if text("status").is_some_and(|status| status != Some("active")) {
        reference.remark(Reason::TakenBack("status"));
        return None;
    }
    concept_at(&contained, "code")
}

fn immunization(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "vaccineCode");
    record.time = times::said(node, &times::OCCURRENCE).unwrap_or_else(|| times::until(node, "recorded"));
    actors(node, about, references::PROVIDER, record);
    if let Some(dose) = node.get("doseQuantity") {
        // A dose that was not given is none.
        if record.status.as_deref().is_some_and(|status| status.starts_with("not-done")) {
            dose.remark(Reason::TakenBack("status"));
        } else {
            quantity(&dose, record);
        }
    }
    record.link = about.one(node, "encounter", references::ENCOUNTER);
}

fn allergy(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    record.time = times::said(node, &times::ONSET)
        .or_else(|| times::until_said(node, &times::LAST_OCCURRENCE))
        .unwrap_or_else(|| times::until(node, "recordedDate"));
    let who = |key| node.get(key).and_then(|n| about.clinician(&n, references::PERSON));
    record.provider = who("recorder").or_else(|| who("asserter"));
    record.link = about.one(node, "encounter", references::ENCOUNTER);
}

fn diagnostic_report(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "code");
    classify(node, ResourceType::DiagnosticReport, record);
    record.time = times::said(node, &times::REPORTED).unwrap_or_else(|| times::until(node, "issued"));
    performers(node, about, references::TEAM, record);
    record.link = about.one(node, "encounter", references::ENCOUNTER);
}

/// When the services were: as said of the whole, else of every item; of what was done already, at
/// the latest when the claim was made.
fn services(node: &Node<'_, '_>) -> Period {
    if let Some(period) = times::said(node, &times::BILLABLE) {
        return period;
    }
    let items = node.all("item", |item| Some(times::said(item, &times::SERVICED)));
    if items.iter().any(Option::is_some) {
        let all = items.into_iter().reduce(|one, other| Some(times::span(one?, other?))).flatten();
        return all.unwrap_or_else(|| {
            node.absent("item").remark(Reason::TimeNotRead);
            Period::ALWAYS
        });
    }
    // Services that are asked about are still to come.
    let done = node.value().get("use").and_then(Json::as_str) == Some("claim");
    if done { times::until(node, "created") } else { Period::ALWAYS }
}

fn claim(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code =
        node.first("item", |n| concept_at(n, "productOrService")).or_else(|| concept_at(node, "type"));
    record.time = services(node);
    record.amount = node.get("total").and_then(|total| money(&total));
    if let Some(who) = node.get("provider") {
        about.put(&who, references::PROVIDER, record);
    }
    record.link = node.first("item", |n| n.first("encounter", |e| about.only(e, references::ENCOUNTER)));
}

fn explanation_of_benefit(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code =
        node.first("item", |n| concept_at(n, "productOrService")).or_else(|| concept_at(node, "type"));
    record.time = services(node);
    record.amount = benefit(node);
    if let Some(who) = node.get("provider") {
        about.put(&who, references::PROVIDER, record);
    }
    record.link = about.one(node, "claim", references::CLAIM);
}

/// `total` is a list by adjudication category: what is paid before what was asked. Of a claim that
/// is not adjudicated, nothing.
fn benefit(node: &Node<'_, '_>) -> Option<Amount> {
    let pending = node.get("outcome").is_some_and(|n| matches!(n.text(), Some("queued" | "error")));
    if pending && (node.get("total").is_some() || node.get("payment").is_some()) {
        node.absent("total").remark(Reason::TakenBack("outcome"));
        return None;
    }
    let total = |wanted: &str| {
        node.first("total", |n| {
            let is_it = concept_at(n, "category").is_some_and(|c| c.code == wanted);
            is_it.then(|| n.get("amount").and_then(|a| money(&a))).flatten()
        })
    };
    total("benefit")
        .or_else(|| node.get("payment")?.get("amount").and_then(|a| money(&a)))
        .or_else(|| total("submitted"))
}

fn coverage(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = concept_at(node, "type");
    record.time = times::said(node, &times::PERIOD).unwrap_or(Period::ALWAYS);
    record.organisation = node.first("payor", |n| about.organisation(n, references::PAYOR));
}

fn consent(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) {
    record.code = first_concept(node, "category");
    record.time = times::date_at(node, "dateTime");
    record.provider = node.first("performer", |n| about.clinician(n, references::CONSENTER));
    record.organisation = node.first("organization", |n| about.only(n, references::ORGANISATION));
}

fn identifiers(node: &Node<'_, '_>) -> Vec<String> {
    node.all("identifier", lasting)
}

/// An identifier that still identifies the person: not an old identifier, nor a temporary one,
/// which may be given to another person.
fn lasting(node: &Node<'_, '_>) -> Option<String> {
    let usage = node.get("use");
    match usage.as_ref().map(Node::text) {
        None | Some(Some("usual" | "official" | "secondary")) => node.identifier(),
        Some(Some("old" | "temp")) => {
            node.mention(Reason::NotLasting);
            None
        }
        Some(_) => {
            node.remark(Reason::NotLasting);
            None
        }
    }
}

/// All time if nothing is said; `None` if what is said cannot be read.
fn said_period(node: &Node<'_, '_>) -> Option<Period> {
    node.get("period").map_or(Some(Period::ALWAYS), |p| p.certain_period())
}

fn practitioner(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) -> Facts {
    let active = active(node);
    record.code = node.first("qualification", |n| concept_at(n, "code"));
    let qualifications = node.all("qualification", |n| {
        Some(Qualification {
            code: concept_at(n, "code"),
            identifiers: identifiers(n),
            period: said_period(n),
            issuer: about.one(n, "issuer", references::ORGANISATION),
        })
    });
    Facts::Practitioner(PractitionerFacts { active, identifiers: identifiers(node), qualifications })
}

fn role(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) -> Facts {
    let active = active(node);
    let codes: Vec<Coding> =
        node.all("code", |n| Some(n.all("coding", |c| c.coding()))).into_iter().flatten().collect();
    record.code = codes.first().cloned();
    let period = said_period(node);
    record.time = node.get("period").and_then(|p| p.period()).unwrap_or(Period::ALWAYS);
    record.provider = about.one(node, "practitioner", references::PRACTITIONER);
    record.organisation = about.one(node, "organization", references::ORGANISATION);
    Facts::Role(RoleFacts {
        active,
        practitioner: record.provider.clone(),
        organisation: record.organisation.clone(),
        codes,
        period,
        identifiers: identifiers(node),
    })
}

fn organisation(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) -> Facts {
    let active = active(node);
    let types: Vec<Coding> = node.all("type", |n| n.concept());
    record.code = types.first().cloned();
    let part_of = about.one(node, "partOf", references::ORGANISATION);
    record.organisation = part_of.clone();
    Facts::Organisation(OrganisationFacts { active, identifiers: identifiers(node), types, part_of })
}

fn device(node: &Node<'_, '_>, about: &About<'_, '_, '_>, record: &mut RecordFields) -> Facts {
    let kind = concept_at(node, "type");
    let identifiers = identifiers(node);
    let udi = node.first("udiCarrier", |n| n.text_at("deviceIdentifier"));
    let serial = node.text_at("serialNumber");
    let owner = about.one(node, "owner", references::ORGANISATION);
    record.code = kind.clone();
    record.time = times::date_at(node, "manufactureDate");
    record.organisation = owner.clone();
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
        patient: about.one(node, "patient", references::PATIENT),
        owner,
    })
}
